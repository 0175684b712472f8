package redistest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Group is several servers that belong together.
type Group struct {
	Servers   []*Server // of a cluster its masters; else the master, then its replicas
	Sentinels []*Server
}

// MasterName is what the Sentinels of StartSentinel call the master.
const MasterName = "muster"

// URL is the address of the group in the form of `store` and MUSTER_STORE.
func (g *Group) URL() string {
	scheme, members, tail := "redis+cluster://", g.Servers, ""
	if len(g.Sentinels) > 0 {
		scheme, members, tail = "redis+sentinel://", g.Sentinels, "/"+MasterName
	}
	var hosts []string
	for _, s := range members {
		hosts = append(hosts, s.Addr())
	}
	return scheme + strings.Join(hosts, ",") + tail
}

// Close closes all servers of the group.
func (g *Group) Close() error {
	var errs []error
	for _, s := range append(append([]*Server{}, g.Sentinels...), g.Servers...) {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}

// await asks until done, which says what is missing.
func await(what string, done func() error) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for until := time.Now().Add(startFor); ; <-tick.C {
		err := done()
		if err == nil {
			return nil
		}
		if time.Now().After(until) {
			return fmt.Errorf("wait for %s: %w", what, err)
		}
	}
}

// StartCluster starts a cluster of three masters, which share the slots.
func StartCluster() (*Group, error) {
	const masters, slots = 3, 16384
	g := &Group{}
	for range masters {
		s, err := Start(Options{Args: []string{"--cluster-enabled", "yes", "--cluster-node-timeout", "2000"}})
		if err != nil {
			return nil, errors.Join(err, g.Close())
		}
		g.Servers = append(g.Servers, s)
	}
	for i, s := range g.Servers {
		from, to := i*slots/masters, (i+1)*slots/masters-1
		if _, err := s.Do("CLUSTER", "ADDSLOTSRANGE", strconv.Itoa(from), strconv.Itoa(to)); err != nil {
			return nil, errors.Join(err, g.Close())
		}
		if _, err := s.Do("CLUSTER", "SET-CONFIG-EPOCH", strconv.Itoa(i+1)); err != nil {
			return nil, errors.Join(err, g.Close())
		}
		if _, err := s.Do("CLUSTER", "MEET", "127.0.0.1", strconv.Itoa(g.Servers[0].port)); err != nil {
			return nil, errors.Join(err, g.Close())
		}
	}
	for _, s := range g.Servers {
		err := await("the cluster", func() error {
			info, err := s.Do("CLUSTER", "INFO")
			if err == nil && (!strings.Contains(info, "cluster_state:ok") || !strings.Contains(info, "cluster_slots_ok:16384")) {
				err = errors.New(info)
			}
			return err
		})
		if err != nil {
			return nil, errors.Join(err, g.Close())
		}
	}
	return g, nil
}

// StartSentinel starts a master with one replica, and three Sentinels that let
// the replica take over about a second after the master is gone.
func StartSentinel() (*Group, error) {
	g := &Group{}
	master, err := Start(Options{Fsync: "everysec", Args: []string{"--repl-diskless-sync-delay", "0"}})
	if err != nil {
		return nil, err
	}
	g.Servers = append(g.Servers, master)
	replica, err := Start(Options{Fsync: "everysec", Args: []string{"--replicaof", "127.0.0.1 " + strconv.Itoa(master.port)}})
	if err != nil {
		return nil, errors.Join(err, g.Close())
	}
	g.Servers = append(g.Servers, replica)
	for range 3 {
		s, err := startSentinel(master)
		if err != nil {
			return nil, errors.Join(err, g.Close())
		}
		g.Sentinels = append(g.Sentinels, s)
	}
	for _, s := range g.Sentinels {
		err := await("the Sentinels", func() error {
			info, err := s.Do("INFO", "sentinel")
			if err == nil && !strings.Contains(info, "status=ok") || !strings.Contains(info, "slaves=1,sentinels=3") {
				err = errors.Join(err, errors.New(info))
			}
			return err
		})
		if err != nil {
			return nil, errors.Join(err, g.Close())
		}
	}
	return g, nil
}

func startSentinel(master *Server) (*Server, error) {
	dir, err := os.MkdirTemp("", "muster-sentinel-")
	if err != nil {
		return nil, fmt.Errorf("make folder for sentinel: %w", err)
	}
	s := &Server{opts: Options{Dir: dir}, ownDir: true, sentinel: true}
	if s.port, err = freePort(); err != nil {
		return nil, err
	}
	conf := fmt.Sprintf("port %d\nbind 127.0.0.1\ndir %s\nsentinel monitor %[3]s 127.0.0.1 %[4]d 2\nsentinel down-after-milliseconds %[3]s 800\nsentinel failover-timeout %[3]s 3000\n",
		s.port, dir, MasterName, master.port)
	if err := os.WriteFile(filepath.Join(dir, "sentinel.conf"), []byte(conf), 0o600); err != nil {
		return nil, fmt.Errorf("write settings of sentinel: %w", err)
	}
	return s, s.Restart()
}

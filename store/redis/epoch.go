package redis

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	goredis "github.com/redis/go-redis/v9"
)

// epochs knows the runs of the servers that we are connected to. Whoever is
// connected to another run has asked it for its name before anything else, so a
// server that was started again never answers under its old name.
type epochs struct {
	mu   sync.Mutex
	runs map[string]string // master -> its run; "" when it loses nothing
}

// Epoch implements campaign.Run. It is "" as long as every server has each write
// on disk before it answers, and has no replica that could take over.
func (s *Store) Epoch() string {
	s.epochs.mu.Lock()
	defer s.epochs.mu.Unlock()
	var out []string
	for _, at := range slices.Sorted(maps.Keys(s.epochs.runs)) {
		if run := s.epochs.runs[at]; run != "" {
			out = append(out, run)
		}
	}
	return strings.Join(out, " ")
}

// connected is called with each new connection, before its first command.
func (s *Store) connected(ctx context.Context, conn *goredis.Conn) error {
	found, known, err := settingsOf(ctx, conn)
	if err != nil {
		return err
	}
	if found["role"] != "master" {
		return nil // of a cluster, which is asked for its nodes everywhere
	}
	run := found["run_id"] + "/" + found["master_replid"]
	at := "" // there is one master at a time
	switch s.address.Scheme {
	case "redis", "rediss":
		if !found.promise(known).Lossy {
			run = ""
		}
	case "redis+cluster":
		if at, err = conn.Do(ctx, "cluster", "myid").Text(); err != nil {
			return err
		}
	}
	s.epochs.note(at, run, found["master_replid2"])
	return nil
}

// note writes down the run of a master. One that was a replica takes the place of
// the master whose history it goes on with.
func (e *epochs) note(at, run, before string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	maps.DeleteFunc(e.runs, func(_, run string) bool { return before != "" && strings.HasSuffix(run, "/"+before) })
	e.runs[at] = run
}

// meet connects to every master once.
func (s *Store) meet(ctx context.Context) error {
	return s.nodes(ctx, func(ctx context.Context, node goredis.Cmdable) error { return node.Ping(ctx).Err() })
}

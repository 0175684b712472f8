package redis

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"

	goredis "github.com/redis/go-redis/v9"

	"github.com/musterbot/muster/campaign"
)

var (
	_ campaign.Durable = (*Store)(nil)
	_ campaign.Run     = (*Store)(nil)
)

// settings is what a server says about itself. A value that it does not tell is
// missing.
type settings map[string]string

// askedSettings are the patterns of CONFIG GET.
var askedSettings = []string{"append*", "save", "min-replicas-*", "maxmemory*"}

// settingsOf asks one server, in one go. known is false when it does not let us read its
// configuration.
func settingsOf(ctx context.Context, node goredis.Cmdable) (found settings, known bool, err error) {
	found = settings{}
	var info *goredis.StringCmd
	var asked []*goredis.MapStringStringCmd
	_, err = node.Pipelined(ctx, func(p goredis.Pipeliner) error {
		info = p.Info(ctx)
		for _, pattern := range askedSettings {
			asked = append(asked, p.ConfigGet(ctx, pattern))
		}
		return nil
	})
	if info.Err() != nil {
		return nil, false, info.Err()
	}
	if how := outcomeOf(err); how == lost {
		return nil, false, err
	}
	for line := range strings.Lines(info.Val()) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			found[name] = value
		}
	}
	for _, values := range asked {
		for name, value := range values.Val() {
			found[strings.ReplaceAll(name, "_", "-")] = value
		}
	}
	return found, err == nil, nil // managed services have no CONFIG
}

// onceLost is what a server that loses its last second loses.
const onceLost = ", the inbox included: a command that Muster acknowledged may have to be given again."

// promise says what the settings of one server mean.
func (f settings) promise(known bool) campaign.Durability {
	out := campaign.Durability{Lossy: true}
	doubt := func(text string) { out.Doubts = append(out.Doubts, text) }
	appends := f["appendonly"]
	if !known {
		appends = map[string]string{"1": "yes", "0": "no"}[f["aof_enabled"]]
		doubt("Muster may not read the server's configuration (CONFIG), so how often it writes to disk, and what it does without memory, is not known. Ask whoever runs it for appendonly yes, appendfsync always and maxmemory-policy noeviction.")
	}
	switch {
	case appends == "yes" && f["appendfsync"] == "always":
		out.Promise, out.Lossy = "Redis has every write on disk before Muster acknowledges it (appendfsync always).", false
	case appends == "yes" && f["appendfsync"] == "everysec":
		out.Promise = "When the Redis server crashes, up to the last second may be lost (appendfsync everysec)" + onceLost
	case appends == "yes" && f["appendfsync"] == "no":
		out.Promise = "When the Redis server's machine crashes, what its system had not written yet is lost, often half a minute (appendfsync no)" + onceLost
		doubt("Set appendfsync to always, or to everysec at least.")
	case appends == "yes":
		out.Promise = "Redis writes what Muster acknowledged to disk; how soon is not known."
	case f["save"] != "" || !known && appends == "":
		out.Promise = "When the Redis server crashes, what it took in since its last snapshot may be lost (appendonly no)" + onceLost
		doubt("Set appendonly yes, and appendfsync always.")
	default:
		out.Promise = "NOTHING SURVIVES a restart of the Redis server: it writes nothing to disk (appendonly no)."
		doubt("Set appendonly yes and appendfsync always before Muster is used in earnest.")
	}
	if f["aof_last_write_status"] == "err" || f["aof_last_bgrewrite_status"] == "err" || f["rdb_last_bgsave_status"] == "err" && f["save"] != "" {
		doubt("THE SERVER COULD NOT WRITE TO ITS DISK lately (INFO persistence): look at its log and its disk.")
	}
	if policy := cmp.Or(f["maxmemory-policy"], f["maxmemory_policy"]); policy != "" && policy != "noeviction" {
		doubt("DANGER: without memory the server throws records away (maxmemory-policy " + policy + "). Set it to noeviction.")
	}
	f.failover(&out)
	return out
}

// failover adds what replicas mean: a write is acknowledged before they have it.
func (f settings) failover(out *campaign.Durability) {
	replicas, _ := strconv.Atoi(f["connected_slaves"])
	if replicas == 0 {
		return
	}
	out.Lossy = true
	least, _ := strconv.Atoi(f["min-replicas-to-write"])
	text := fmt.Sprintf("It has %s: when one of them takes over, the last moments may be lost.", counted(replicas, "replica"))
	if least > 0 {
		text += fmt.Sprintf(" It takes no writes with less than %d in reach (min-replicas-to-write), which keeps that short.", least)
	} else {
		text += " Set min-replicas-to-write 1, so that a master that was cut off does not go on alone."
	}
	out.Doubts = append(out.Doubts, text)
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}

// nodes runs work on the master, or on each of a cluster, one at a time.
func (s *Store) nodes(ctx context.Context, work func(ctx context.Context, node goredis.Cmdable) error) error {
	cluster, ok := s.client.(*goredis.ClusterClient)
	if !ok {
		return work(ctx, s.client)
	}
	var mu sync.Mutex
	return cluster.ForEachMaster(ctx, func(ctx context.Context, node *goredis.Client) error {
		mu.Lock()
		defer mu.Unlock()
		return work(ctx, node)
	})
}

// Durability implements campaign.Durable: it reads what the servers say of their
// settings. A cluster promises what the weakest of its masters does.
func (s *Store) Durability(ctx context.Context) (campaign.Durability, error) {
	var out campaign.Durability
	err := s.ask(ctx, "ask redis how durable it is", func(ctx context.Context) error {
		out = campaign.Durability{}
		return s.nodes(ctx, func(ctx context.Context, node goredis.Cmdable) error {
			found, known, err := settingsOf(ctx, node)
			if err != nil {
				return err
			}
			one := found.promise(known)
			if out.Promise == "" || one.Lossy && !out.Lossy {
				one.Doubts = append(out.Doubts, one.Doubts...)
				one.Lossy = one.Lossy || out.Lossy
				out = one
				return nil
			}
			out.Doubts = append(out.Doubts, one.Doubts...)
			return nil
		})
	})
	out.Doubts = distinct(out.Doubts)
	if err == nil && s.address.Scheme != "redis" && s.address.Scheme != "rediss" {
		out.Lossy = true
	}
	return out, err
}

func distinct(list []string) []string {
	var out []string
	seen := map[string]bool{}
	for _, text := range list {
		if !seen[text] {
			out = append(out, text)
		}
		seen[text] = true
	}
	return out
}

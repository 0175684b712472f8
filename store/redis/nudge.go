package redis

import (
	"context"
	"strings"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/musterbot/muster/campaign"
)

const (
	// registerEvery is how often a process that writes to a scope enters it in
	// the register anew, which may have lost it: the register of a cluster is
	// on another node.
	registerEvery = 10 * time.Second
	// repairEvery is how often a process looks for scopes that the register
	// does not have.
	repairEvery = 10 * time.Minute
	// discoverEvery is how often a claimer reads the register.
	discoverEvery = 2 * time.Second
)

// registration is when each scope was entered last, and the register read.
type registration struct {
	mu   sync.Mutex
	at   map[campaign.Scope]time.Time
	read time.Time
}

// register enters a scope before anything is written to it, so that nothing is
// ever in a scope that claimers do not find.
func (s *Store) register(ctx context.Context, scope campaign.Scope) error {
	s.entered.mu.Lock()
	fresh := time.Since(s.entered.at[scope]) < registerEvery
	s.entered.mu.Unlock()
	if fresh {
		return nil
	}
	began := time.Now()
	err := s.ask(ctx, "enter "+string(scope)+" in the register", func(ctx context.Context) error {
		return s.client.SAdd(ctx, s.keys.scopes(), string(scope)).Err()
	})
	if err != nil {
		return err
	}
	s.entered.mu.Lock()
	s.entered.at[scope] = began
	s.entered.mu.Unlock()
	return nil
}

// discover reads the register now and then.
func (s *Store) discover(ctx context.Context) error {
	s.entered.mu.Lock()
	fresh := time.Since(s.entered.read) < discoverEvery
	s.entered.mu.Unlock()
	if fresh {
		return nil
	}
	began := time.Now()
	names, err := s.registered(ctx)
	if err != nil {
		return err
	}
	s.board.add(names)
	s.entered.mu.Lock()
	s.entered.read = began
	s.entered.mu.Unlock()
	return nil
}

// listen hears of what other processes apply. The library connects again by
// itself; what was said meanwhile is lost, so then every scope is looked at.
func (s *Store) listen(ctx context.Context) {
	news := s.client.Subscribe(ctx, s.keys.channel())
	defer func() { _ = news.Close() }()
	messages := news.ChannelWithSubscriptions(goredis.WithChannelSize(1000))
	for {
		select {
		case <-ctx.Done():
			return
		case m, ok := <-messages:
			if !ok {
				return
			}
			s.hear(m)
		}
	}
}

func (s *Store) hear(message any) {
	switch m := message.(type) {
	case *goredis.Subscription:
		s.board.nudgeAll()
	case *goredis.Message:
		if len(m.Payload) < instanceSize || strings.HasPrefix(m.Payload, s.instance) {
			return // ours: Apply said so already
		}
		s.board.nudge(campaign.Scope(m.Payload[instanceSize:]))
	default:
		return
	}
	s.wake()
}

// repair enters scopes in the register that have data but are not in it: at
// once, and now and then.
func (s *Store) repair(ctx context.Context) {
	tick := time.NewTicker(repairEvery)
	defer tick.Stop()
	for {
		if err := s.repairOnce(ctx); err != nil && ctx.Err() == nil {
			s.log.WithError(err).Warn("look for scopes that are not in the register of redis; tried again later")
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (s *Store) repairOnce(ctx context.Context) error {
	if cluster, ok := s.client.(*goredis.ClusterClient); ok {
		return cluster.ForEachMaster(ctx, func(ctx context.Context, node *goredis.Client) error { return s.repairFrom(ctx, node) })
	}
	return s.repairFrom(ctx, s.client)
}

func (s *Store) repairFrom(ctx context.Context, node goredis.Cmdable) error {
	found := node.Scan(ctx, 0, s.keys.scopePattern(), 1000).Iterator()
	for found.Next(ctx) {
		name := strings.TrimSuffix(strings.TrimPrefix(found.Val(), s.keys.prefix+"{"), "}n")
		if strings.ContainsAny(name, "{}/") {
			continue
		}
		if err := s.client.SAdd(ctx, s.keys.scopes(), name).Err(); err != nil {
			return err
		}
	}
	return found.Err()
}

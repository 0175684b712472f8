package redis

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/sirupsen/logrus"

	"github.com/musterbot/muster/campaign"
)

var _ campaign.Store = (*Store)(nil)

// Options adjust a Store. The zero value is what serve uses.
type Options struct {
	// OpenFor is how long Open goes on asking a server that does not answer.
	// Default: 5 seconds.
	OpenFor time.Duration
	// Log hears of lost connections. Default: discards.
	Log logrus.FieldLogger
}

func (o Options) withDefaults() Options {
	if o.OpenFor <= 0 {
		o.OpenFor = 5 * time.Second
	}
	if o.Log == nil {
		silent := logrus.New()
		silent.SetOutput(io.Discard)
		o.Log = silent
	}
	return o
}

// Store is a campaign.Store in Redis. Make it with Open.
type Store struct {
	client   goredis.UniversalClient
	address  Address
	keys     keys
	instance string // who we are among those that share the store
	log      logrus.FieldLogger
	slots    slots
	board    *board
	entered  registration

	once   sync.Once
	closed chan struct{}
	stop   context.CancelFunc
	work   sync.WaitGroup

	mu    sync.Mutex
	ready chan struct{} // closed and forgotten by wake; nil while nobody waits
}

// Open connects to the store at an address as Parse reads it. An error is
// Invalid when the address is wrong or the server does not accept the user, and
// Unavailable when no server answers.
func Open(ctx context.Context, address string, opts Options) (*Store, error) {
	opts = opts.withDefaults()
	a, err := Parse(address)
	if err != nil {
		return nil, err
	}
	client, err := a.connect()
	if err != nil {
		return nil, err
	}
	s := &Store{
		client: client, address: a, keys: keys{prefix: a.Prefix}, instance: rand.Text()[:instanceSize], log: opts.Log,
		slots: newSlots(), board: newBoard(), closed: make(chan struct{}),
	}
	s.entered.at = map[campaign.Scope]time.Time{}
	if err := s.greet(ctx, opts.OpenFor); err != nil {
		_ = client.Close()
		return nil, err
	}
	ctx, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	s.work.Go(func() { s.listen(ctx) })
	s.work.Go(func() { s.repair(ctx) })
	return s, nil
}

// greet waits until the server answers.
func (s *Store) greet(ctx context.Context, patience time.Duration) error {
	for until := time.Now().Add(patience); ; {
		err := s.ask(ctx, "open the store", func(ctx context.Context) error { return s.client.SCard(ctx, s.keys.scopes()).Err() })
		if isAuth(err) {
			return &campaign.Error{Kind: campaign.Invalid, Err: err, Message: fmt.Sprintf(
				"The Redis server at %s does not accept Muster's user or password, or does not let it read %s*. Nothing was opened; write them in `store` or MUSTER_STORE, as redis://user:password@host.", s.address, s.keys.prefix)}
		}
		if campaign.KindOf(err) != campaign.Unavailable || time.Now().After(until) {
			return err
		}
		s.log.WithError(err).Warn("redis does not answer yet")
		if err := s.rest(ctx, pauseMost); err != nil {
			return err
		}
	}
}

// Close waits for running calls and closes the connections. Later calls fail
// with Unavailable.
func (s *Store) Close() error {
	var err error
	s.once.Do(func() {
		close(s.closed)
		s.stop()
		for range maxApplies {
			<-s.slots // changes on their way end first
		}
		s.work.Wait()
		err = s.client.Close()
		s.wake()
	})
	return err
}

// Ready implements campaign.Claimer. It also fires for what other processes
// apply, unless the news of it are lost.
func (s *Store) Ready() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ready == nil {
		s.ready = make(chan struct{})
	}
	return s.ready
}

func (s *Store) wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ready != nil {
		close(s.ready)
		s.ready = nil
	}
}

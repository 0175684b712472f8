package redis

import (
	"cmp"
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

// silence keeps the library from printing on its own: what it would say is in our
// errors and the log of the Store.
var silence = sync.OnceFunc(func() { goredis.SetLogger(silent{}) })

type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}

// Store is a campaign.Store in Redis. Make it with Open.
type Store struct {
	client   goredis.UniversalClient
	address  Address
	keys     keys
	instance string // who we are among those that share the store
	log      logrus.FieldLogger
	slots    slots
	heavy    heavy
	board    *board
	entered  registration
	epochs   epochs

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
	silence()
	a, err := Parse(address)
	if err != nil {
		return nil, err
	}
	s := &Store{
		address: a, keys: keys{prefix: a.Prefix}, instance: rand.Text()[:instanceSize], log: opts.Log,
		slots: newSlots(), heavy: newHeavy(), board: newBoard(), closed: make(chan struct{}),
	}
	s.epochs.runs = map[string]string{}
	s.entered.at = map[campaign.Scope]time.Time{}
	if s.client, err = a.connect(s.connected); err != nil {
		return nil, err
	}
	if err := s.greet(ctx, opts.OpenFor); err != nil {
		_ = s.client.Close()
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
		err := s.ask(ctx, "open the store", func(ctx context.Context) error {
			if err := s.meet(ctx); err != nil {
				return err
			}
			return s.client.SCard(ctx, s.keys.scopes()).Err()
		})
		if isAuth(err) {
			return &campaign.Error{Kind: campaign.Invalid, Err: err, Message: fmt.Sprintf(
				"The Redis server at %s does not accept Muster's user or password, or does not let it read %s*. Nothing was opened; write them in `store` or MUSTER_STORE, as redis://user:password@host.", s.address, s.keys.prefix)}
		}
		if err == nil || campaign.KindOf(err) != campaign.Unavailable || ctx.Err() != nil {
			return err
		}
		if time.Now().After(until) {
			words := cmp.Or(passingWords(err), "The Redis server cannot be reached.")
			return &campaign.Error{Kind: campaign.Unavailable, Err: err, Message: fmt.Sprintf(
				"%s The store is at %s, says `store` or MUSTER_STORE. Nothing was opened; see that it runs and is reachable from here, and start again.", words, s.address)}
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

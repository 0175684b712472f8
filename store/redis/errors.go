package redis

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/store"
)

// How long a call goes on asking. A write that was refused for the moment is
// known not to have happened; one whose answer was lost is asked about longer,
// since what became of it is worth knowing.
const (
	refusedFor = time.Second
	lostFor    = 5 * time.Second
	pauseFirst = 10 * time.Millisecond
	pauseMost  = 250 * time.Millisecond
)

// outcome is what an error says about whether a command was carried out.
type outcome uint8

const (
	answered outcome = iota // it was, or was refused for good
	refused                 // it was not, for the moment
	lost                    // nobody knows
)

// attempts notes in a context whether one of the attempts that the library
// makes on its own was lost.
type attempts struct{ lost bool }

type attemptsKey struct{}

// notSent wraps the error of a connection that could not be made.
type notSent struct{ err error }

func (e *notSent) Error() string { return e.err.Error() }
func (e *notSent) Unwrap() error { return e.err }

// watch is a hook for each node: it tells what was lost from what was never
// sent.
type watch struct{}

func (watch) DialHook(next goredis.DialHook) goredis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := next(ctx, network, addr)
		if err != nil {
			return nil, &notSent{err}
		}
		return conn, nil
	}
}

func (watch) ProcessHook(next goredis.ProcessHook) goredis.ProcessHook {
	return func(ctx context.Context, cmd goredis.Cmder) error {
		err := next(ctx, cmd)
		if a, ok := ctx.Value(attemptsKey{}).(*attempts); ok && outcomeOf(err) == lost {
			a.lost = true
		}
		return err
	}
}

func (watch) ProcessPipelineHook(next goredis.ProcessPipelineHook) goredis.ProcessPipelineHook {
	return next
}

// passing is what a server says that cannot answer now but will, as the starts
// of its answers, with the words for people.
var passing = []struct{ prefix, words string }{
	{"LOADING", "The Redis server is starting and still reads its data."},
	{"READONLY", "The Redis server is a replica now; its new master is looked for."},
	{"MASTERDOWN", "The Redis server has lost its master."},
	{"CLUSTERDOWN", "The Redis cluster is down, at least for a part of the keys."},
	{"TRYAGAIN", "The Redis cluster is moving keys."},
	{"MOVED", "The Redis cluster is moving keys."},
	{"ASK", "The Redis cluster is moving keys."},
	{"BUSY", "The Redis server is busy with a script."},
	{"UNBLOCKED", "The Redis server is changing its role."},
	{"NOREPLICAS", "The Redis server has too few replicas in reach, and takes no writes (min-replicas-to-write)."},
	{"MISCONF", "The Redis server cannot write to its disk, and takes no writes."},
	{"OOM", "The Redis server is out of memory (maxmemory), and takes no writes."},
	{"max number of clients", "The Redis server has too many clients (maxclients)."},
	{"NOAUTH", "The Redis server asks for a password."},
	{"WRONGPASS", "The Redis server does not accept the user or the password."},
	{"invalid username-password", "The Redis server does not accept the user or the password."},
	{"NOPERM", "The Redis user may not do all that Muster needs (ACL)."},
}

func passingWords(err error) string {
	for _, p := range passing {
		if goredis.HasErrorPrefix(err, p.prefix) {
			return p.words
		}
	}
	return ""
}

func outcomeOf(err error) outcome {
	if err == nil || errors.Is(err, goredis.ErrClosed) || errors.Is(err, goredis.Nil) {
		return answered
	}
	if _, ok := errors.AsType[goredis.Error](err); ok {
		if passingWords(err) != "" {
			return refused
		}
		return answered
	}
	if _, ok := errors.AsType[*notSent](err); ok {
		return refused
	}
	if errors.Is(err, goredis.ErrPoolTimeout) || errors.Is(err, goredis.ErrPoolExhausted) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return refused
	}
	return lost
}

// usable returns why a call cannot begin.
func (s *Store) usable(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	select {
	case <-s.closed:
		return store.Closed()
	default:
		return nil
	}
}

// settle sends a write until it is known what became of it, or for as long as
// that is worth. send must be such that sending it again does no harm; again
// says that an answer was lost before.
func (s *Store) settle(ctx context.Context, what string, send func(ctx context.Context, again bool) error) error {
	began := time.Now()
	var lostErr error
	for pause := pauseFirst; ; pause = min(2*pause, pauseMost) {
		var a attempts
		err := send(context.WithValue(ctx, attemptsKey{}, &a), lostErr != nil)
		how := outcomeOf(err)
		if how == answered {
			return s.explain(ctx, what, err)
		}
		limit := refusedFor
		if how == lost || a.lost {
			lostErr = err
		}
		if lostErr != nil {
			limit = lostFor
		}
		if time.Since(began)+pause > limit || s.rest(ctx, pause) != nil {
			if lostErr != nil {
				return uncertain(what, errors.Join(lostErr, s.usable(ctx)))
			}
			return s.explain(ctx, what, err)
		}
	}
}

// ask sends a read, and again while the server cannot answer.
func (s *Store) ask(ctx context.Context, what string, send func(ctx context.Context) error) error {
	if err := s.usable(ctx); err != nil {
		return err
	}
	began := time.Now()
	for pause := pauseFirst; ; pause = min(2*pause, pauseMost) {
		err := send(ctx)
		if outcomeOf(err) == answered || time.Since(began)+pause > refusedFor || s.rest(ctx, pause) != nil {
			return s.explain(ctx, what, err)
		}
	}
}

// rest waits between half of d and d.
func (s *Store) rest(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d/2 + rand.N(d/2))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-s.closed:
		return store.Closed()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// explain turns an error of the library into one of ours: what is known not to
// have happened.
func (s *Store) explain(ctx context.Context, what string, err error) error {
	switch {
	case err == nil:
		return nil
	case s.usable(ctx) != nil:
		return s.usable(ctx)
	case errors.Is(err, goredis.ErrClosed):
		return store.Closed()
	case outcomeOf(err) == answered:
		return fmt.Errorf("%s: %w", what, err)
	}
	words := passingWords(err)
	if words == "" {
		words = "The Redis server cannot be reached."
	}
	return &campaign.Error{
		Kind: campaign.Unavailable, RetryAfter: time.Second, Err: fmt.Errorf("%s: %w", what, err),
		Message: words + " Nothing was stored, and what was stored before is kept. Try again in a minute.",
	}
}

func uncertain(what string, err error) error {
	return &campaign.Error{
		Kind: campaign.Uncertain, Err: fmt.Errorf("%s: %w", what, err),
		Message: "The connection to the Redis server broke, and it is not known whether this was stored. Look at it again before you repeat it.",
	}
}

// isAuth reports whether the server does not accept who we are.
func isAuth(err error) bool {
	return err != nil && (goredis.HasErrorPrefix(err, "NOAUTH") || goredis.HasErrorPrefix(err, "WRONGPASS") ||
		goredis.HasErrorPrefix(err, "NOPERM") || strings.Contains(err.Error(), "invalid username-password"))
}

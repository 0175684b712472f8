// Package pace is the campaign.Limiter of a single process: token buckets in its
// memory. Several replicas share the one of store/redis.
package pace

import (
	"context"
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/musterbot/muster/campaign"
)

var _ campaign.Limiter = (*Limiter)(nil)

// Limiter is a campaign.Limiter for one process. Make it with New.
type Limiter struct {
	factor float64

	mu      sync.Mutex
	buckets map[string]*bucket
	held    map[string]time.Time
}

// New returns a Limiter whose rates are multiplied by the factor, above 0.
func New(factor float64) *Limiter {
	return &Limiter{factor: factor, buckets: map[string]*bucket{}, held: map[string]time.Time{}}
}

// bucket is what is left under one rate.
type bucket struct {
	limiter *rate.Limiter
	// promised is the first moment that was not yet given to somebody who was
	// refused, so that a thousand of them come back one by one and not at once.
	promised time.Time
	used     time.Time
}

// Take implements campaign.Limiter.
func (l *Limiter) Take(_ context.Context, rates []campaign.Rate, lane campaign.Lane) (time.Duration, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	var slowest *bucket
	var calls int // of the slowest
	var longest time.Duration
	for _, r := range rates {
		b := l.bucket(r, now)
		if wait := max(l.held[r.Name].Sub(now), b.wait(now, r, lane)); wait > longest {
			slowest, longest, calls = b, wait, r.Taken()
		}
	}
	if slowest != nil {
		if lane == campaign.Bulk {
			longest = slowest.promise(now, longest, calls)
		}
		return longest, nil
	}
	for _, r := range rates {
		l.buckets[r.Name].limiter.AllowN(now, r.Taken())
	}
	return 0, nil
}

// Hold implements campaign.Limiter.
func (l *Limiter) Hold(_ context.Context, name string, d time.Duration) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if len(l.held) >= maxBuckets {
		for old, until := range l.held {
			if now.After(until) {
				delete(l.held, old)
			}
		}
	}
	if until := now.Add(d); until.After(l.held[name]) {
		l.held[name] = until
	}
	return nil
}

// maxBuckets bounds how many channels are remembered; an idle one is full and
// can be forgotten.
const maxBuckets = 10_000

func (l *Limiter) bucket(r campaign.Rate, now time.Time) *bucket {
	b, ok := l.buckets[r.Name]
	if !ok {
		if len(l.buckets) >= maxBuckets {
			for name, old := range l.buckets {
				if now.Sub(old.used) > time.Minute {
					delete(l.buckets, name)
				}
			}
		}
		b = &bucket{limiter: rate.NewLimiter(rate.Limit(r.PerMinute*l.factor/60), max(1, r.Burst))}
		l.buckets[r.Name] = b
	}
	b.used = now
	return b
}

// enough forgives what floating point loses on the way to a full bucket.
const enough = 1e-6

// wait returns how long until a rate lets through what is taken in one step.
func (b *bucket) wait(now time.Time, r campaign.Rate, lane campaign.Lane) time.Duration {
	need := float64(b.limiter.Burst()) - r.AtOnce(lane) + float64(r.Taken())
	missing := need - b.limiter.TokensAt(now)
	if missing <= enough {
		return 0
	}
	return time.Duration(math.Ceil(missing / float64(b.limiter.Limit()) * float64(time.Second)))
}

func (b *bucket) promise(now time.Time, wait time.Duration, calls int) time.Duration {
	at := now.Add(wait)
	if at.Before(b.promised) {
		at = b.promised
	}
	if at.Sub(now) > campaign.MaxPromise {
		return campaign.MaxPromise
	}
	b.promised = at.Add(time.Duration(float64(calls) * float64(time.Second) / float64(b.limiter.Limit())))
	return at.Sub(now)
}

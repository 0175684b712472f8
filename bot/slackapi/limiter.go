package slackapi

import (
	"context"
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/musterbot/muster/campaign"
)

// What Slack's tiers allow in a minute.
const (
	tier2 = 20
	tier3 = 50
	tier4 = 100
)

var tiers = map[string]float64{
	"auth.test": tier4, "chat.postEphemeral": tier4, "chat.update": tier3, "response_url": 600,
	"conversations.create": tier2, "conversations.invite": tier3, "conversations.join": tier3,
	"conversations.open": tier3, "conversations.info": tier3, "conversations.list": tier2,
	"conversations.history": tier3, "conversations.replies": tier3, "conversations.setTopic": tier2,
	"pins.add": tier2, "bookmarks.list": tier3, "bookmarks.add": tier2, "bookmarks.edit": tier2,
	"users.info": tier4, "users.list": tier2, "usergroups.users.list": tier2,
	"views.open": tier4, "views.update": tier4, "views.publish": tier4,
	"files.getUploadURLExternal": tier4, "files.completeUploadExternal": tier4,
}

// reserved is the share of a minute's calls that is kept for interactive ones.
const reserved = 0.2

const methodPost = "chat.postMessage"

// rates returns what a call falls under.
func (c *Client) rates(k call) []campaign.Rate {
	if k.method == methodPost {
		all := c.opts.MessagesPerMinute
		return []campaign.Rate{
			// Slack's ceiling for the workspace is not documented, so that the burst is smaller here.
			{Name: methodPost, PerMinute: all, Burst: max(1, int(all*reserved/2))},
			{Name: methodPost + " " + k.channel, PerMinute: 60 * c.opts.MessagesPerSecond, Burst: 2},
		}
	}
	perMinute, ok := tiers[k.method]
	if !ok {
		perMinute = tier2
	}
	return []campaign.Rate{{Name: k.method, PerMinute: perMinute, Burst: max(1, int(perMinute*reserved))}}
}

// localLimiter is the campaign.Limiter of one process.
type localLimiter struct {
	factor float64

	mu      sync.Mutex
	buckets map[string]*bucket
}

// bucket is what is left under one rate.
type bucket struct {
	limiter *rate.Limiter
	held    time.Time
	// promised is the first moment that was not yet given to somebody who was
	// refused, so that a thousand of them come back one by one and not at once.
	promised time.Time
	used     time.Time
}

// NewLimiter returns a campaign.Limiter for one process whose rates are multiplied by
// the factor.
func NewLimiter(factor float64) campaign.Limiter {
	return &localLimiter{factor: factor, buckets: map[string]*bucket{}}
}

// Take implements campaign.Limiter.
func (l *localLimiter) Take(_ context.Context, rates []campaign.Rate, lane campaign.Lane) (time.Duration, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	var slowest *bucket
	var longest time.Duration
	for _, r := range rates {
		b := l.bucket(r, now)
		if wait := b.wait(now, lane); wait > longest {
			slowest, longest = b, wait
		}
	}
	if slowest != nil {
		if lane == campaign.Bulk {
			longest = slowest.promise(now, longest)
		}
		return longest, nil
	}
	for _, r := range rates {
		l.buckets[r.Name].limiter.AllowN(now, 1)
	}
	return 0, nil
}

// Hold implements campaign.Limiter.
func (l *localLimiter) Hold(_ context.Context, name string, d time.Duration) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if b, ok := l.buckets[name]; ok {
		b.held = time.Now().Add(d)
	}
	return nil
}

// maxBuckets bounds how many channels are remembered; an idle one is full and
// can be forgotten.
const maxBuckets = 10_000

func (l *localLimiter) bucket(r campaign.Rate, now time.Time) *bucket {
	b, ok := l.buckets[r.Name]
	if !ok {
		if len(l.buckets) >= maxBuckets {
			for name, old := range l.buckets {
				if now.Sub(old.used) > time.Minute && now.After(old.held) {
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

func (b *bucket) wait(now time.Time, lane campaign.Lane) time.Duration {
	if now.Before(b.held) {
		return b.held.Sub(now)
	}
	need := 1.0
	if lane == campaign.Bulk {
		need = float64(b.limiter.Burst())
	}
	missing := need - b.limiter.TokensAt(now)
	if missing <= enough {
		return 0
	}
	return time.Duration(math.Ceil(missing / float64(b.limiter.Limit()) * float64(time.Second)))
}

// maxPromise bounds how far ahead a refused call is sent away.
const maxPromise = 10 * time.Minute

func (b *bucket) promise(now time.Time, wait time.Duration) time.Duration {
	at := now.Add(wait)
	if at.Before(b.promised) {
		at = b.promised
	}
	if at.Sub(now) > maxPromise {
		return maxPromise
	}
	b.promised = at.Add(time.Duration(float64(time.Second) / float64(b.limiter.Limit())))
	return at.Sub(now)
}

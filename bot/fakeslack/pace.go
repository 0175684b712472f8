package fakeslack

import (
	"sync"
	"time"
)

// Pace switches Slack's rate limits on.
type Pace struct {
	// Scale multiplies every rate: 1 is Slack's, 60 lets a minute's worth pass in a
	// second. 0 enforces nothing.
	Scale float64
	// PostsPerMinute is the workspace's ceiling for chat.postMessage, beside one a
	// second in each channel. Default 300.
	PostsPerMinute float64
}

// pacer holds a token bucket per method, and one per channel for posts. It runs in
// real time, as the limits of a transport do.
type pacer struct {
	mu      sync.Mutex
	pace    Pace
	buckets map[string]*bucket
}

// maxBuckets bounds the channels whose pace is remembered.
const maxBuckets = 10_000

type bucket struct {
	level float64
	at    time.Time
}

// SetPace changes the limits; what was used so far is forgotten.
func (w *Workspace) SetPace(p Pace) { w.pacer.set(p) }

func (p *pacer) set(pace Pace) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if pace.PostsPerMinute == 0 {
		pace.PostsPerMinute = 300
	}
	p.pace, p.buckets = pace, map[string]*bucket{}
}

// admit takes one call out of its buckets, or says how long to wait. A refused
// call takes nothing.
func (p *pacer) admit(method string, perMinute int, channel string) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pace.Scale <= 0 {
		return 0
	}
	now := time.Now()
	if method == "chat.postMessage" {
		// Short bursts pass, as Slack allows: three in a channel, six seconds' worth in all.
		one := p.level(method+" "+channel, now, p.pace.Scale, 3)
		all := p.level(method, now, p.pace.PostsPerMinute/60*p.pace.Scale, max(1, p.pace.PostsPerMinute/10))
		if wait := max(one.wait(p.pace.Scale), all.wait(p.pace.PostsPerMinute/60*p.pace.Scale)); wait > 0 {
			return wait
		}
		one.level--
		all.level--
		return 0
	}
	if perMinute == 0 {
		return 0
	}
	rate := float64(perMinute) / 60 * p.pace.Scale
	b := p.level(method, now, rate, float64(perMinute))
	if wait := b.wait(rate); wait > 0 {
		return wait
	}
	b.level--
	return 0
}

// level fills the bucket up to now.
func (p *pacer) level(name string, now time.Time, perSecond, most float64) *bucket {
	b := p.buckets[name]
	if b == nil {
		if len(p.buckets) >= maxBuckets {
			p.buckets = map[string]*bucket{} // callers made the names up; forgetting is lenient
		}
		b = &bucket{level: most, at: now}
		p.buckets[name] = b
	}
	b.level = min(most, b.level+now.Sub(b.at).Seconds()*perSecond)
	b.at = now
	return b
}

func (b *bucket) wait(perSecond float64) time.Duration {
	if b.level >= 1 {
		return 0
	}
	return time.Duration((1 - b.level) / perSecond * float64(time.Second))
}

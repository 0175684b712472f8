package main

import (
	"context"
	"sync"
	"time"

	"github.com/musterbot/muster/campaign"
)

// sceneClock is the demo's clock: it runs faster than the machine's, and leaps
// to the next scene.
type sceneClock struct {
	factor float64

	mu     sync.Mutex
	shown  time.Time // what it showed
	since  time.Time // at this time of the machine
	leaped chan struct{}
}

var _ campaign.Clock = (*sceneClock)(nil)

func newSceneClock(start time.Time, factor float64) *sceneClock {
	return &sceneClock{factor: factor, shown: start, since: time.Now(), leaped: make(chan struct{})}
}

// Now implements campaign.Clock.
func (c *sceneClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now()
}

func (c *sceneClock) now() time.Time {
	return campaign.Stamp(c.shown.Add(time.Duration(float64(time.Since(c.since)) * c.factor)))
}

// Wait implements campaign.Clock. A leap ends the waits that it passes.
func (c *sceneClock) Wait(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	until := c.now().Add(d)
	c.mu.Unlock()
	for {
		c.mu.Lock()
		left, leaped := until.Sub(c.now()), c.leaped
		c.mu.Unlock()
		if left <= 0 {
			return nil
		}
		t := time.NewTimer(max(time.Millisecond, time.Duration(float64(left)/c.factor)))
		select {
		case <-t.C:
		case <-leaped:
			t.Stop()
		case <-ctx.Done():
			t.Stop()
			return context.Cause(ctx)
		}
	}
}

// leap moves the clock forward to a time; one that has passed changes nothing.
func (c *sceneClock) leap(to time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !to.After(c.now()) {
		return
	}
	c.shown, c.since = to, time.Now()
	close(c.leaped)
	c.leaped = make(chan struct{})
}

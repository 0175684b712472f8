package campaign

import (
	"context"
	"time"
)

// Clock is the time that the domain stamps and waits by: real in serve, scaled
// in the demo, a test's own. Transport time-outs, signatures and leases do not
// use it.
type Clock interface {
	// Now returns the time in UTC, cut to milliseconds.
	Now() time.Time
	// Wait returns nil after d has passed on this clock, or the context's
	// cause when that ends first. A d of zero or less returns at once.
	Wait(ctx context.Context, d time.Duration) error
}

// RealClock is the machine's clock.
type RealClock struct{}

// Now implements Clock.
func (RealClock) Now() time.Time { return Stamp(time.Now()) }

// Wait implements Clock.
func (RealClock) Wait(ctx context.Context, d time.Duration) error { return wait(ctx, d) }

// ScaledClock runs Factor times as fast as the machine's clock, from Start on.
// The demo plays three days in two minutes with it. Make it with NewScaledClock.
type ScaledClock struct {
	start  time.Time // on this clock
	began  time.Time // on the machine's
	factor float64
}

// NewScaledClock returns a clock that shows start now and then runs factor
// times as fast as the machine's. A factor that is not positive counts as 1.
func NewScaledClock(start time.Time, factor float64) *ScaledClock {
	if factor <= 0 {
		factor = 1
	}
	return &ScaledClock{start: start, began: time.Now(), factor: factor}
}

// Now implements Clock.
func (c *ScaledClock) Now() time.Time {
	return Stamp(c.start.Add(time.Duration(float64(time.Since(c.began)) * c.factor)))
}

// Wait implements Clock.
func (c *ScaledClock) Wait(ctx context.Context, d time.Duration) error {
	return wait(ctx, time.Duration(float64(d)/c.factor))
}

func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Stamp brings a time into the form in which Muster stores times: UTC,
// milliseconds.
func Stamp(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

package campaign

import (
	"context"
	"time"
)

// Limiter keeps calls below the limits of Slack and of the tracker, over all
// replicas that share a store. It never waits: who is refused comes back later.
// storetest.RunLimiter is its contract in code.
type Limiter interface {
	// Take returns 0 when a call may be made now under all rates given, and
	// counts it; otherwise how long to wait at least, and counts nothing. A
	// bulk call leaves to interactive ones what is kept for them; those that
	// are refused are told to come back one by one, at the rate.
	//
	// Over any time, no more calls pass than the rate allows in it, and Burst. A
	// Limiter that cannot tell says Unavailable with RetryAfter, and lets nothing
	// through.
	Take(ctx context.Context, rates []Rate, lane Lane) (time.Duration, error)
	// Hold lets nothing more through under a name for so long: the other side
	// said so.
	Hold(ctx context.Context, name string, d time.Duration) error
}

// Rate is a limit that a call falls under.
type Rate struct {
	Name      string // a method, or a method and a channel, or a tracker
	PerMinute float64
	// Burst is how many calls may come at once. It is kept for what a person waits
	// for: bulk work lives on the steady rate.
	Burst int
	// Calls is how many are taken in one step, for work that is several calls and
	// must not stop between them; 0 is 1. Burst must be at least as much.
	Calls int
}

// Taken returns how many calls are taken in one step, at least 1.
func (r Rate) Taken() int { return max(1, r.Calls) }

// AtOnce returns how many calls of a lane may come at once. Bulk work has a fifth of
// the burst, which makes up for coming late to its turn, and always what it takes in
// one step.
func (r Rate) AtOnce(lane Lane) float64 {
	burst := float64(max(1, r.Burst))
	if lane == Bulk {
		return max(1+(burst-1)/5, float64(r.Taken()))
	}
	return burst
}

// Interval returns the time from one call to the next at the steady rate.
func (r Rate) Interval() time.Duration {
	return time.Duration(float64(time.Minute) / r.PerMinute)
}

type laneKey struct{}

// ForLane says for whom calls under ctx are made. A worker does so for each piece
// of work: adapters that pace their calls cannot tell a webhook's reading from
// one of ten thousand filings.
func ForLane(ctx context.Context, lane Lane) context.Context {
	return context.WithValue(ctx, laneKey{}, lane)
}

// LaneOf returns for whom calls under ctx are made: in bulk, unless ForLane said
// that somebody waits.
func LaneOf(ctx context.Context) Lane {
	if lane, ok := ctx.Value(laneKey{}).(Lane); ok {
		return lane
	}
	return Bulk
}

// MaxPromise bounds how far ahead a Limiter sends a refused call away.
const MaxPromise = 10 * time.Minute

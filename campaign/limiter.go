package campaign

import (
	"context"
	"time"
)

// Limiter keeps calls below the limits of Slack and of the tracker, over all
// replicas that share a store. It never waits: who is refused comes back later.
type Limiter interface {
	// Take returns 0 when a call may be made now under all rates given, and
	// counts it; otherwise how long to wait at least, and counts nothing. A
	// bulk call leaves to interactive ones what is kept for them.
	Take(ctx context.Context, rates []Rate, lane Lane) (time.Duration, error)
	// Hold lets nothing more through under a name for so long: the other side
	// said so.
	Hold(ctx context.Context, name string, d time.Duration) error
}

// Rate is a limit that a call falls under.
type Rate struct {
	Name      string // a method, or a method and a channel, or a tracker
	PerMinute float64
	// Burst is how many calls may come at once. Bulk work lives on the steady
	// rate alone; the burst is kept for what a person waits for.
	Burst int
}

package redis

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/musterbot/muster/campaign"
)

const (
	maxApplies   = 256            // changes on their way at a time, in a process; large ones also while they wait
	tokensLast   = 24 * time.Hour // as in apply.lua
	tokensRenew  = tokensLast / 24
	instanceSize = 10 // bytes of the name of a process among those that share a store
)

// slot numbers the changes that are sent one after the other. The server keeps
// the last number of each slot and scope: that is how it knows a change that it
// has carried out, however often it is sent. A slot is used again only when the
// change before is settled or given up.
type slot struct {
	name string
	last int64
	*renewals
}

// renewals says when the numbers kept for a scope last got their full time to
// live.
type renewals struct {
	mu sync.Mutex
	at map[campaign.Scope]time.Time
}

// refresh reports whether the numbers of a scope should get their full time to
// live, and takes it as done.
func (r *renewals) refresh(scope campaign.Scope) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Since(r.at[scope]) < tokensRenew {
		return false
	}
	r.at[scope] = time.Now()
	return true
}

// slots are the free ones.
type slots chan *slot

func newSlots() slots {
	out := make(slots, maxApplies)
	shared := &renewals{at: map[campaign.Scope]time.Time{}}
	for i := range maxApplies {
		out <- &slot{name: strconv.Itoa(i), renewals: shared}
	}
	return out
}

func (s slots) take(ctx context.Context) (*slot, error) {
	select {
	case out := <-s:
		return out, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (s slots) give(back *slot) { s <- back }

// maxLight is how many entries a change has that the server carries out in so
// short a time that others hardly wait for it.
const maxLight = 100

// heavy lets one large change of a process on its way at a time: the server
// carries out one script after the other, and some milliseconds of each of several
// add up for a person who waits for an answer.
type heavy chan struct{}

func newHeavy() heavy { return make(heavy, 1) }

// enter waits until a change may go, and returns what to call afterwards.
func (h heavy) enter(ctx context.Context, c campaign.Change) (leave func(), err error) {
	if len(c.Records)+len(c.Index)+len(c.Count)+len(c.Due)+len(c.Finish)+len(c.Audit) <= maxLight {
		return func() {}, nil
	}
	select {
	case h <- struct{}{}:
		return func() { <-h }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

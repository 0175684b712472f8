package campaign_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

// stuckTracker does not answer until its caller gives up.
type stuckTracker struct {
	*fakeTracker
	calling chan struct{}
	once    sync.Once
}

func (s *stuckTracker) Ensure(ctx context.Context, key string, d campaign.TicketDraft) (campaign.TicketRef, error) {
	s.once.Do(func() { close(s.calling) })
	<-ctx.Done()
	return campaign.TicketRef{}, ctx.Err()
}

// A tracker hangs in the middle of a launch, and the replica is stopped: the next
// one finds nothing leased, knows what may have been done, and does the rest.
func TestAStopLeavesNothingLeased(t *testing.T) {
	stuck := &stuckTracker{calling: make(chan struct{})}
	h, id := crowded(t, 20, func(o *campaign.Options) {
		stuck.fakeTracker = o.Tracker.(*fakeTracker)
		o.Tracker = stuck
		o.Brakes.SecondPersonAbove = 100
		o.Work.Stop = 100 * time.Millisecond
		o.Work.Poll = 10 * time.Millisecond
	})
	h.launchesOnly(id, campaign.SliceAll)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- h.engine.Run(ctx) }()
	<-stuck.calling
	stopped := time.Now()
	cancel()
	require.NoError(t, <-ended)
	require.Less(t, time.Since(stopped), 5*time.Second, "a lease is 30 s")

	states := h.states(id)
	require.Positive(t, states[campaign.EffectUncertain], "what was being called may have taken effect")
	require.Equal(t, 20, states[campaign.EffectUncertain]+states[campaign.EffectPending])
	h.opts.Tracker = stuck.fakeTracker
	next, err := campaign.New(h.opts)
	require.NoError(t, err)
	h.engine = next
	h.settle()
	require.Len(t, h.tracker.filed(), 20)
	require.Equal(t, 20, h.states(id)[campaign.EffectDone])
	require.Len(t, h.firsts(ben), 1)
}

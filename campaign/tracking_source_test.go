package campaign_test

import (
	"context"
	"iter"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

// The tracker is asked again and again, and backs off while it is away.
func TestPollingSurvivesATrackerThatIsAway(t *testing.T) {
	h := newHouse(t)
	id := h.launched(plain)
	search := h.ticketNamed(id, "search")
	h.tracker.away = &campaign.Error{Kind: campaign.Unavailable, Message: "Away.", RetryAfter: 2 * time.Minute}
	h.minute()
	h.tracker.move(search.ID, campaign.TicketDone)
	h.minute()
	require.Equal(t, campaign.TaskOpen, h.taskNamed(id, "search").Status)
	h.tracker.away = nil
	h.minute()
	h.minute()
	require.Equal(t, campaign.TaskClaimed, h.taskNamed(id, "search").Status)
}

// endless has more changes than there is time for: it stops where the call is cut off.
type endless struct {
	*fakeTracker
	cut   func() // called after the changes that time sufficed for
	asked []time.Time
}

func (e *endless) Changes(ctx context.Context, since time.Time) iter.Seq2[campaign.TicketSeen, error] {
	e.asked = append(e.asked, since)
	return func(yield func(campaign.TicketSeen, error) bool) {
		for i := range 300 { // more than are taken up at once, and not a multiple
			at := since.Add(time.Duration(i) * time.Second)
			if !yield(campaign.TicketSeen{Ref: campaign.TicketRef{ID: "X"}, Key: "x", UpdatedAt: at}, nil) {
				return
			}
		}
		e.cut()
		yield(campaign.TicketSeen{}, ctx.Err())
	}
}

// What one lease does not suffice for is not begun anew by the next.
func TestAPollThatIsCutOffGoesOnWhereItEnded(t *testing.T) {
	tracker := &endless{}
	h := newHouse(t, func(o *campaign.Options) {
		tracker.fakeTracker = o.Tracker.(*fakeTracker)
		o.Tracker = tracker
	})
	require.NoError(t, h.engine.Heartbeat(t.Context()))
	for range 2 {
		claims, err := h.store.Claim(t.Context(), campaign.ClaimRequest{Now: h.clock.Now(), Lease: time.Minute, N: 10})
		require.NoError(t, err)
		for _, c := range claims.Entries {
			if c.ID != "tracking/poll" {
				continue
			}
			ctx, cancel := context.WithCancel(t.Context())
			tracker.cut = cancel
			require.NoError(t, h.engine.Work(ctx, c))
		}
		h.clock.advance(time.Hour)
	}
	require.Len(t, tracker.asked, 2)
	require.WithinDuration(t, tracker.asked[0].Add(299*time.Second), tracker.asked[1], 0)
}

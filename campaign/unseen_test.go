package campaign_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

// blindTracker files, and cannot be searched while it is blind.
type blindTracker struct {
	*fakeTracker
	blind   campaign.Kind
	looks   int
	ensured int
}

func (b *blindTracker) Find(ctx context.Context, key string) (campaign.TicketRef, error) {
	b.looks++
	if b.blind != campaign.Internal {
		return campaign.TicketRef{}, campaign.Refuse(b.blind, "The search is out of order.")
	}
	return b.fakeTracker.Find(ctx, key)
}

func (b *blindTracker) Ensure(ctx context.Context, key string, d campaign.TicketDraft) (campaign.TicketRef, error) {
	b.ensured++
	return b.fakeTracker.Ensure(ctx, key, d)
}

// What may have been filed is looked up before anything else is done about it. A
// look that fails decides nothing, and has an end.
func TestAFilingThatCannotBeLookedUp(t *testing.T) {
	tests := map[string]struct {
		blind campaign.Kind
		looks int
	}{
		"because we may not":                 {blind: campaign.Forbidden, looks: 1},
		"because the search is out for good": {blind: campaign.Unavailable, looks: campaign.MaxAttempts - 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tracker := &blindTracker{fakeTracker: newFakeTracker()}
			h := newHouse(t, func(o *campaign.Options) { o.Tracker = tracker })
			h.estate()
			id := h.ready()
			tracker.timeOut(1)
			tracker.blind = tt.blind
			h.launch(id, campaign.SliceExposed)
			h.settle()
			for range 2 * campaign.MaxAttempts {
				h.clock.advance(10 * time.Minute)
				h.settle()
			}
			require.Equal(t, tt.looks, tracker.looks)
			require.Equal(t, 1, tracker.ensured, "it is not filed again while nobody knows")
			var dead []campaign.Effect
			for _, e := range all[campaign.Effect](h, id, campaign.KindEffect) {
				if e.Status == campaign.EffectDead {
					dead = append(dead, e)
				}
			}
			require.Len(t, dead, 1)
			require.Equal(t, campaign.EffectTicket, dead[0].Kind)
			require.False(t, dead[0].UncertainAt.IsZero(), "whoever revives it looks first")

			tracker.blind = campaign.Internal
			_, err := h.engine.Revive(t.Context(), h.by(cara), id, dead[0].ID)
			require.NoError(t, err)
			h.settle()
			require.Equal(t, 1, tracker.ensured)
			require.Len(t, tracker.filed(), 1)
		})
	}
}

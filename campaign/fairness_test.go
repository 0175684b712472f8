package campaign_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

// A small campaign that is launched while a large one is being filed is out long
// before the large one: bulk work takes turns between campaigns.
func TestASmallCampaignDoesNotWaitForALargeOne(t *testing.T) {
	t.Parallel()
	const teams, each, small = 20, 20, 5
	h := newHouse(t, func(o *campaign.Options) { o.Brakes.SecondPersonAbove = teams * each })
	h.heavyEstate(0, teams, each)
	h.scan("pkg:maven/org.springframework/spring-core@5.3.0", "team-0-0", "team-0-1", "team-1-0", "team-1-1", "team-2-0")
	large, late := h.ready(), h.readyAbout("spring RCE", "spring-core", func(string) {})
	filed := func(id string) (n int) {
		for _, ticket := range all[campaign.Ticket](h, id, campaign.KindTicket) {
			if ticket.Ref.ID != "" {
				n++
			}
		}
		return n
	}
	_, err := h.engine.Launch(t.Context(), h.by(cara), large, campaign.SliceAll)
	require.NoError(t, err)
	begun, err := h.engine.DrainUntil(t.Context(), func(campaign.Claimed) bool { return filed(large) >= 10 })
	require.NoError(t, err)
	require.True(t, begun)

	_, err = h.engine.Launch(t.Context(), h.by(devi), late, campaign.SliceAll)
	require.NoError(t, err)
	out, err := h.engine.DrainUntil(t.Context(), func(campaign.Claimed) bool { return filed(late) == small })
	require.NoError(t, err)
	require.True(t, out)
	require.Less(t, filed(large), 10+4*small, "of %d", teams*each-small)
	h.settle()
	require.Equal(t, teams*each-small, filed(large))
}

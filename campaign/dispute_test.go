package campaign_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

// disputed is a catalog whose sources do not agree on who owns the ledger.
func disputed() campaign.Catalog {
	c := catalogNow(nil)
	s := c.Services["component:default/ledger"]
	s.Claims = []campaign.OwnerClaim{{Source: "backstage", Owner: "group:default/ann"}, {Source: "codeowners", Owner: "group:default/eve"}}
	c.Services[s.Ref] = s
	return c
}

func TestTheCommanderSaysWhichSourceIsRightAndTheWorkFollows(t *testing.T) {
	h, id := allLaunched(t)
	h.importsOwners(disputed())
	list, err := h.engine.TriageList(t.Context(), id)
	require.NoError(t, err)
	require.Contains(t, list.Text, `"Conflicted":1`)
	require.Equal(t, id+"|component:default/ledger|group:default/ann", press(t, list, "owner.settle"), "the first of the buttons")

	request := h.by(cara)
	for range 2 {
		_, err = h.engine.SettleOwner(t.Context(), request, id, "ledger", "eve")
		require.NoError(t, err)
		h.settle()
	}
	require.Equal(t, "group:default/eve", h.taskNamed(id, "ledger").Owner)
	require.Equal(t, "eve", h.tracker.now(h.ticketNamed(id, "ledger").ID).Assignee)
	require.Len(t, h.firsts(eve), 1)

	h.importsOwners(disputed())
	require.Equal(t, "group:default/eve", h.taskNamed(id, "ledger").Owner, "it holds over the next import")
	list, err = h.engine.TriageList(t.Context(), id)
	require.NoError(t, err)
	require.Contains(t, list.Text, `"Conflicted":0`)
	kept, err := campaign.Corrections(t.Context(), h.store)
	require.NoError(t, err)
	require.Len(t, kept, 1)
	require.Equal(t, "the commander holds with codeowners", kept[0].Reason)
	h.sound(id)
}

func TestTheSourceThatCountsAnywayCanBeConfirmed(t *testing.T) {
	h, id := allLaunched(t)
	h.importsOwners(disputed())
	_, err := h.engine.SettleOwner(t.Context(), h.by(cara), id, "component:default/ledger", "group:default/ann")
	require.NoError(t, err)
	h.settle()
	for range 2 {
		list, err := h.engine.TriageList(t.Context(), id)
		require.NoError(t, err)
		require.Contains(t, list.Text, `"Conflicted":0`)
		require.Equal(t, "group:default/ann", h.taskNamed(id, "ledger").Owner)
		h.importsOwners(disputed())
	}
	_, err = h.engine.SettleOwner(t.Context(), h.by(cara), id, "nothing", "eve")
	refused(t, err, campaign.NotFound)
	_, err = h.engine.SettleOwner(t.Context(), h.by(cara), id, "ledger", "nobody")
	refused(t, err, campaign.NotFound)
}

func TestSettlingAnOwnerThatIsCutOffGoesOn(t *testing.T) {
	for cut := range 6 {
		store := &cutStore{}
		h := newHouse(t, func(o *campaign.Options) { store.Store, o.Store = o.Store, store })
		h.estate()
		id := h.ready()
		h.launch(id, campaign.SliceAll)
		h.settle()
		request := h.by(cara)
		store.on, store.left = true, cut
		_, err := h.engine.SettleOwner(t.Context(), request, id, "ledger", "eve")
		store.on = false
		if err == nil {
			require.Positive(t, cut)
			return
		}
		_, err = h.engine.SettleOwner(t.Context(), request, id, "ledger", "eve")
		require.NoError(t, err)
		h.settle()
		require.Equal(t, "group:default/eve", h.taskNamed(id, "ledger").Owner, "cut after %d", cut)
		require.Len(t, h.firsts(eve), 1, "cut after %d", cut)
		h.sound(id)
	}
}

package campaign_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

// revised lets Mei and Tom approve another text while the campaign runs.
func (h *house) revised(id, text string, number int) {
	h.t.Helper()
	_, err := h.engine.SetTrack(h.t.Context(), h.by(cara), id, campaign.TrackEdit{Name: "mitigate", Instructions: text})
	require.NoError(h.t, err)
	h.startDryRun(id, mei, tom)
	h.approve(id, number)
}

const otherAction = "1. Remove the class from the shaded jars as well.\n2. Restart the service.\n3. Look for the class; it must be gone."

func TestARevisionReachesBodiesAndTellsOnlyThoseOfWhomSomethingElseIsAsked(t *testing.T) {
	h := newHouse(t)
	id := h.launched(plain)
	_, err := h.engine.Claim(t.Context(), h.by(ben), id, campaign.TaskSet{Contact: string(ben)}, campaign.Claim{Method: campaign.MethodClassRemoved})
	require.NoError(t, err)
	h.settle()
	h.revised(id, otherAction, 2)
	h.settle()
	h.settle()

	for _, ticket := range h.tracker.filed() {
		require.Contains(t, ticket.Draft.Body, "shaded jars", "%s shows the text that was approved", ticket.Ref.ID)
	}
	require.Len(t, h.saidTo(ann, "revision_moved"), 1)
	require.Empty(t, h.saidTo(ben, "revision_moved"), "what is done stays done")
	require.Empty(t, h.tracker.filed()[h.ticketNamed(id, "search").ID].Comments)
	comments := strings.Join(sorted(h.tracker.filed()[h.ticketNamed(id, "ledger").ID].Comments), "\n")
	require.Contains(t, comments, "revision 2")
	renewals := all[campaign.Renewal](h, id, campaign.KindRenewal)
	require.Len(t, renewals, 1)
	require.Equal(t, campaign.RenewalDone, renewals[0].Stage)
}

func TestARevisionThatAsksTheSameIsSilent(t *testing.T) {
	h := newHouse(t)
	id := h.launched(plain)
	said := len(h.slack.said(ann.User()))
	h.revised(id, removeClass+"\n\nA note for those who wonder.", 2)
	h.settle()
	h.settle()
	for _, ticket := range h.tracker.filed() {
		require.Contains(t, ticket.Draft.Body, "those who wonder")
		require.Empty(t, ticket.Comments)
	}
	require.Len(t, h.slack.said(ann.User()), said)
}

func TestARevisionThatTellsManyNeedsASecondPerson(t *testing.T) {
	h := newHouse(t, func(o *campaign.Options) { o.Brakes.SecondPersonAbove = 2 })
	h.estate()
	id := h.ready()
	_, err := h.engine.Launch(t.Context(), h.by(cara), id, campaign.SliceAll)
	require.NoError(t, err)
	hold := all[campaign.Hold](h, id, campaign.KindRequest)[0]
	_, err = h.engine.Decide(t.Context(), h.by(devi), id, hold.ID, true)
	require.NoError(t, err)
	h.settle()
	h.revised(id, otherAction, 2)
	h.settle()
	for _, ticket := range h.tracker.filed() {
		require.NotContains(t, ticket.Draft.Body, "shaded jars", "nobody agreed yet")
	}
	for _, held := range all[campaign.Hold](h, id, campaign.KindRequest) {
		if held.Kind == campaign.HoldRenewal {
			hold = held
		}
	}
	require.Equal(t, campaign.HoldRenewal, hold.Kind)
	require.Contains(t, string(hold.Preview), "3 tickets edited silently, 3 comments and 2 messages")
	_, err = h.engine.Decide(t.Context(), h.by(devi), id, hold.ID, true)
	require.NoError(t, err)
	h.settle()
	h.settle()
	require.Len(t, h.saidTo(ann, "revision_moved"), 1)
}

func TestVoidReachesTheBodiesOfThoseWhoDidNotUseIt(t *testing.T) {
	h := newHouse(t)
	id := h.launched(plain)
	_, err := h.engine.Void(t.Context(), h.by(cara), id, "mitigate", campaign.MethodFlag, "it does not protect")
	require.NoError(t, err)
	h.settle()
	h.settle()
	require.Contains(t, h.tracker.filed()[h.ticketNamed(id, "search").ID].Draft.Body, `"Void":["flag"]`)
}

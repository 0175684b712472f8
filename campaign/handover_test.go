package campaign_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

// offer lets Cara offer command to Devi.
func (h *house) offer(id string) {
	h.t.Helper()
	_, err := h.engine.OfferCommand(h.t.Context(), h.by(cara), id, devi)
	require.NoError(h.t, err)
}

func inForce(c *campaign.Campaign) { c.Status = campaign.Running }

func TestCommandIsHandedOverAndAccepted(t *testing.T) {
	h := newHouse(t)
	id := h.newCampaign(inForce)
	h.offer(id)
	require.Equal(t, cara, h.campaign(id).Commander, "an offer changes nothing")
	offered := h.planned(id, devi.User())
	require.Len(t, offered, 1)
	require.Equal(t, id, press(t, offered[0].Message, "command.accept"))
	require.Equal(t, id, press(t, offered[0].Message, "command.decline"))

	_, err := h.engine.AcceptCommand(t.Context(), h.by(mei), id)
	refused(t, err, campaign.Forbidden)
	_, err = h.engine.AcceptCommand(t.Context(), h.by(devi), id)
	require.NoError(t, err)
	c := h.campaign(id)
	require.Equal(t, devi, c.Commander)
	require.Empty(t, c.HandoverTo)
	require.Contains(t, h.planned(id, commandChannel)[0].Message.Text, "<@UDEVI> is in command now")
	require.Len(t, h.planned(id, cara.User()), 1, "the one before is told")
	require.Equal(t, []string{"command.offer", "command.accept"}, h.audited(id))
}

func TestOfferThatIsDeclined(t *testing.T) {
	h := newHouse(t)
	id := h.newCampaign(inForce)
	h.offer(id)
	_, err := h.engine.DeclineCommand(t.Context(), h.by(devi), id)
	require.NoError(t, err)
	require.Equal(t, cara, h.campaign(id).Commander)
	require.Contains(t, h.planned(id, cara.User())[0].Message.Text, "cannot take command")

	_, err = h.engine.AcceptCommand(t.Context(), h.by(devi), id)
	refused(t, err, campaign.Conflict)
}

func TestCommandIsTakenWhenNobodyAnswers(t *testing.T) {
	tests := map[string]struct {
		by     campaign.Person
		deputy campaign.Person
		want   campaign.Kind
	}{
		"by the deputy, who has no role": {by: mei, deputy: mei},
		"by another commander":           {by: devi},
		"by an engineer":                 {by: ann, want: campaign.Forbidden},
		"by the one who has it":          {by: cara, want: campaign.Conflict},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			id := h.newCampaign(inForce, func(c *campaign.Campaign) { c.Deputy = tt.deputy })
			r := h.by(tt.by)
			r.Reason = "Cara is on a plane"
			m, err := h.engine.TakeCommand(t.Context(), r, id)
			if tt.want != campaign.Internal {
				refused(t, err, tt.want)
				require.Equal(t, cara, h.campaign(id).Commander)
				return
			}
			require.NoError(t, err)
			require.Contains(t, m.Text, "handover")
			require.Equal(t, tt.by, h.campaign(id).Commander)
			require.Empty(t, h.campaign(id).Deputy)
			announced := h.planned(id, commandChannel)
			require.Len(t, announced, 1)
			require.Contains(t, announced[0].Message.Text, "unasked")
			require.Contains(t, announced[0].Message.Text, "Cara is on a plane")
			require.Equal(t, []string{"command.take"}, h.audited(id))
		})
	}
}

func TestCommandIsOfferedOnlyToCommanders(t *testing.T) {
	tests := map[string]struct {
		by, to campaign.Person
		status campaign.Status
		want   campaign.Kind
	}{
		"an engineer":            {by: cara, to: ann, want: campaign.Forbidden},
		"oneself":                {by: cara, to: cara, want: campaign.Conflict},
		"by an engineer":         {by: ann, to: devi, want: campaign.Forbidden},
		"of a cancelled one":     {by: cara, to: devi, status: campaign.Cancelled, want: campaign.Conflict},
		"of one that is no more": {by: cara, to: devi, status: campaign.Closed, want: campaign.Conflict},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			id := h.newCampaign(inForce, func(c *campaign.Campaign) {
				if tt.status != "" {
					c.Status = tt.status
				}
			})
			_, err := h.engine.OfferCommand(t.Context(), h.by(tt.by), id, tt.to)
			refused(t, err, tt.want)
			require.Empty(t, h.campaign(id).HandoverTo)
		})
	}
}

func TestAcceptedByOneWhoLostTheRole(t *testing.T) {
	h := newHouse(t)
	id := h.newCampaign(inForce)
	h.offer(id)
	h.roles.revoke(devi, campaign.Commander)
	_, err := h.engine.AcceptCommand(t.Context(), h.by(devi), id)
	refused(t, err, campaign.Forbidden)
	require.Equal(t, cara, h.campaign(id).Commander)
}

func TestAcceptedTwoTimesByOnePress(t *testing.T) {
	h := newHouse(t)
	id := h.newCampaign(inForce)
	h.offer(id)
	pressed := h.by(devi)
	for range 2 {
		m, err := h.engine.AcceptCommand(t.Context(), pressed, id)
		require.NoError(t, err)
		require.Contains(t, m.Text, "<@UDEVI> is in command")
		h.clock.advance(time.Minute)
	}
	require.Len(t, h.planned(id, commandChannel), 1)
}

func TestPacketSaysWhatBurns(t *testing.T) {
	h := newHouse(t, func(o *campaign.Options) {
		o.Digests = []campaign.DigestSchedule{{Audience: campaign.ForExecutives, Cron: "0 12 * * *"}, {Audience: campaign.ForLeads, Cron: "0 11 * * *", Zone: "Europe/Dublin"}}
	})
	id := h.newCampaign(inForce, func(c *campaign.Campaign) {
		c.Void = []campaign.VoidMethod{{Track: "mitigate", Method: "flag", At: monday.Add(-time.Hour), By: cara}}
	})
	h.put(id, campaign.KindTask, "t1.mitigate", campaign.Task{
		ID: "t1.mitigate", Target: "t1", Track: "mitigate", Name: "ledger", Status: campaign.TaskInProgress, Owner: "group:default/payments", Exposed: true,
	})
	h.put(id, campaign.KindTask, "t2.mitigate", campaign.Task{
		ID: "t2.mitigate", Target: "t2", Track: "mitigate", Name: "search", Status: campaign.TaskOpen, Owner: "group:default/search",
	})
	_, err := h.engine.Block(t.Context(), h.by(cara), id, campaign.TaskSet{Tasks: []string{"t1.mitigate"}}, "cannot restart before payroll")
	require.NoError(t, err)
	oldest := h.ask(id, ann, "100.1", "When does payroll end?")
	h.clock.advance(52 * time.Minute)
	h.ask(id, ben, "100.2", "Which jar?")
	_, err = h.engine.Escalate(t.Context(), h.by(ann), id, oldest.ID)
	require.NoError(t, err)

	h.offer(id)
	packet := h.planned(id, devi.User())[0].Message.Text
	for _, fact := range []string{
		`"Questions":2`, `"Oldest":3120000000000`, `"Promised":[{"Who":"\u003c@UANN\u003e","What":"an answer to question 1"`,
		`"Name":"ledger"`, `"Blocked":"cannot restart before payroll"`, `"Method":"flag"`,
		`{"What":"the next digest","At":"2021-12-13T11:00:00Z"},{"What":"mitigate is due","At":"2021-12-13T18:00:00Z"}`,
	} {
		require.Contains(t, packet, fact)
	}
	require.NotContains(t, packet, `"Name":"search"`, "it goes its way")
}

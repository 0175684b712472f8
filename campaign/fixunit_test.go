package campaign_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

const shopCore = "github.com/acme/shop-core"

func planOfShop(t *testing.T, grouping campaign.Grouping) campaign.Plan {
	t.Helper()
	var targets []campaign.Target
	for name, unit := range map[string]string{"checkout": shopCore, "ledger": shopCore, "wiki": ""} {
		targets = append(targets, campaign.Target{
			ID: name, Service: "component:default/" + name, Name: name, Owner: "group:default/ann", FixUnit: unit, Knowledge: campaign.KnownAffected,
		})
	}
	p, err := campaign.BuildPlan(campaign.PlanInput{
		Campaign: campaign.Campaign{
			ID: "c", Title: "log4j", Grouping: grouping,
			Tracks: []campaign.Track{{Name: "mitigate", Kind: campaign.TrackMitigate}},
		},
		Targets: campaign.Assessment{Targets: targets}, Render: plainRenderer{}, Now: monday,
		Revisions: map[string]campaign.Revision{"mitigate": {Track: "mitigate", Number: 1, Text: "Remove it."}},
		People:    map[string]campaign.User{"group:default/ann": {Person: ann, Name: "Ann", Zone: "UTC"}},
		Pace:      campaign.Pace{MessagesPerMinute: 300, TicketsPerMinute: 600},
	})
	require.NoError(t, err)
	return p
}

func TestOneTicketForAllThatOneChangeCovers(t *testing.T) {
	names := map[string]int{}
	for _, ticket := range planOfShop(t, campaign.ByFixUnit).Tickets {
		names[ticket.Name] = len(ticket.Targets)
	}
	require.Equal(t, map[string]int{"shop-core": 2, "wiki": 1}, names, "what has no unit is its own")
}

func TestTheFirstMessageSaysWhatOneChangeCovers(t *testing.T) {
	p := planOfShop(t, campaign.ByService)
	require.Len(t, p.Tickets, 3)
	require.Len(t, p.Contacts, 1)
	require.Contains(t, p.Contacts[0].Text, `"Shared":"shop-core","SharedCount":2`)
}

func TestUnknownGroupingsAreRefused(t *testing.T) {
	h := newHouse(t)
	_, err := h.engine.New(t.Context(), h.by(cara), campaign.NewCampaign{Title: "log4j", Grouping: "colour"})
	refused(t, err, campaign.Invalid)
}

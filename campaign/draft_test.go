package campaign_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

func TestAnEditKeepsTheBoundsOfANewCampaign(t *testing.T) {
	h := newHouse(t)
	id := h.newCampaign()
	long, zone, grouping := strings.Repeat("é", 81), "Atlantis", campaign.Grouping("colour")
	for name, edit := range map[string]struct {
		edit campaign.CampaignEdit
		says string
	}{
		"long title": {campaign.CampaignEdit{Title: &long}, "80 characters"},
		"zone":       {campaign.CampaignEdit{Zone: &zone}, "Atlantis"},
		"grouping":   {campaign.CampaignEdit{Grouping: &grouping}, "by `team` or by `fix_unit`"},
	} {
		t.Run(name, func(t *testing.T) {
			before := h.campaign(id)
			_, err := h.engine.Edit(t.Context(), h.by(cara), id, edit.edit)
			require.Contains(t, refused(t, err, campaign.Invalid), edit.says)
			require.Equal(t, before, h.campaign(id))
		})
	}
	fits, team := " log4j \n "+strings.Repeat("é", 74), campaign.ByTeam
	_, err := h.engine.Edit(t.Context(), h.by(cara), id, campaign.CampaignEdit{Title: &fits, Grouping: &team})
	require.NoError(t, err)
	require.Equal(t, "log4j "+strings.Repeat("é", 74), h.campaign(id).Title)
	require.Equal(t, campaign.ByTeam, h.campaign(id).Grouping)
}

func TestWhatIsOverIsNotEdited(t *testing.T) {
	h := newHouse(t)
	id := h.newCampaign(func(c *campaign.Campaign) { c.Status = campaign.Closed })
	title := "another"
	_, err := h.engine.Edit(t.Context(), h.by(cara), id, campaign.CampaignEdit{Title: &title})
	require.Contains(t, refused(t, err, campaign.Conflict), "closed")
	require.Equal(t, "log4j RCE", h.campaign(id).Title)
}

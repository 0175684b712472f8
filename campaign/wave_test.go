package campaign_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

// heavyEstate is an estate in which Ben is asked for all: one team owns heavy
// services, and each of the other teams owns each services. All run log4j-core.
func (h *house) heavyEstate(heavy, teams, each int) {
	h.t.Helper()
	catalog := campaign.Catalog{Services: map[string]campaign.Service{}, Units: map[string]campaign.Unit{}, Members: map[string]campaign.Member{}}
	catalog.Members["user:default/ben"] = campaign.Member{Ref: "user:default/ben", Name: "ben", Email: "ben@example.com"}
	var services []string
	own := func(team string, n int) {
		ref := "group:default/" + team
		catalog.Units[ref] = campaign.Unit{Ref: ref, Name: team, Members: []string{"user:default/ben"}}
		for i := range n {
			s := campaign.Service{Ref: fmt.Sprintf("component:default/%s-%d", team, i), Name: fmt.Sprintf("%s-%d", team, i), Owner: ref, Exposure: campaign.Exposed}
			catalog.Services[s.Ref] = s
			services = append(services, s.Name)
		}
	}
	own("heavy", heavy)
	for i := range teams {
		own(fmt.Sprintf("team-%d", i), each)
	}
	_, err := h.engine.ImportCatalog(h.t.Context(), h.by(cara), catalog)
	require.NoError(h.t, err)
	h.scan(log4jCore, services...)
}

func TestTicketsWithVeryManyTasksAreFiled(t *testing.T) {
	const heavy, teams, each = campaign.MaxChangeRecords + 100, 30, 30
	h := newHouse(t, func(o *campaign.Options) { o.Brakes.SecondPersonAbove = teams + 1 })
	h.heavyEstate(heavy, teams, each)
	byTeam := campaign.ByTeam
	id := h.readyWith(func(id string) {
		_, err := h.engine.Edit(t.Context(), h.by(cara), id, campaign.CampaignEdit{Grouping: &byTeam})
		require.NoError(t, err)
	})
	h.launch(id, campaign.SliceAll)
	h.settle()

	waves := all[campaign.Wave](h, id, campaign.KindWave)
	require.Len(t, waves, 1)
	require.Equal(t, campaign.WaveFiled, waves[0].Status)
	require.Equal(t, teams+1, waves[0].Filed)
	require.Len(t, h.tracker.filed(), teams+1)
	require.Len(t, h.firsts(ben), 1)
	tasks := all[campaign.Task](h, id, campaign.KindTask)
	require.Len(t, tasks, heavy+teams*each)
	for _, task := range tasks {
		require.NotEmpty(t, task.Ticket, task.Name)
		require.Equal(t, string(ben), task.Contact, task.Name)
	}
}

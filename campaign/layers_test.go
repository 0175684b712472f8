package campaign_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

func TestEachLayerIsAskedOfItsOwnOwner(t *testing.T) {
	h := newHouse(t)
	c := catalogNow(nil)
	s := c.Services["component:default/search"]
	s.Owners = map[campaign.Layer]string{campaign.LayerHost: "group:default/eve"}
	c.Services[s.Ref] = s
	s = c.Services["component:default/ledger"]
	s.Claims = []campaign.OwnerClaim{{Source: "backstage", Owner: s.Owner}, {Source: "codeowners", Owner: "group:default/ben"}}
	c.Services[s.Ref] = s
	_, err := h.engine.ImportCatalog(t.Context(), h.by(cara), c)
	require.NoError(t, err)
	_, err = h.engine.ImportScans(t.Context(), h.by(cara), func(yield func(campaign.Scan, *campaign.Refusal) bool) {
		_ = yield(campaign.Scan{Asset: "search", Source: "test", At: h.clock.Now(), Components: []campaign.Component{
			{PURL: log4jCore, Path: "app.jar"}, {PURL: log4jCore, Path: "agent.jar", Layer: campaign.LayerHost},
		}}, nil) && yield(campaign.Scan{Asset: "ledger", Source: "test", At: h.clock.Now(), Components: []campaign.Component{{PURL: log4jCore}}}, nil)
	})
	require.NoError(t, err)
	id := h.ready()
	h.launch(id, campaign.SliceAll)
	h.settle()
	require.Len(t, h.firsts(ben), 1)
	require.Len(t, h.firsts(eve), 1)
	bodies := map[string]string{}
	for _, ticket := range all[campaign.Ticket](h, id, campaign.KindTicket) {
		bodies[ticket.Owner] = h.tracker.filed()[ticket.ID].Draft.Body
	}
	require.Contains(t, bodies["group:default/eve"], "agent.jar")
	require.NotContains(t, bodies["group:default/eve"], "app.jar")
	require.Contains(t, bodies["group:default/ben"], "app.jar")
	require.NotContains(t, bodies["group:default/ben"], "agent.jar")

	m, err := h.engine.TriageList(t.Context(), id)
	require.NoError(t, err)
	require.Contains(t, m.Text, `"Conflicted":1`)
	require.Contains(t, m.Text, "codeowners")
}

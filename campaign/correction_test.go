package campaign_test

import (
	"maps"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

// catalogNow returns the catalog of estate, which an import may bring again; owner
// changes who owns a service.
func catalogNow(owner map[string]string) campaign.Catalog {
	c := campaign.Catalog{Services: map[string]campaign.Service{}, Units: map[string]campaign.Unit{}, Members: map[string]campaign.Member{}}
	c.Units["group:default/org"] = campaign.Unit{Ref: "group:default/org", Name: "org"}
	for _, name := range []string{"ann", "ben", "eve"} {
		c.Units["group:default/"+name] = campaign.Unit{Ref: "group:default/" + name, Name: name, Parent: "group:default/org", Members: []string{"user:default/" + name}}
		c.Members["user:default/"+name] = campaign.Member{Ref: "user:default/" + name, Name: name, Email: name + "@example.com"}
	}
	owners := map[string]string{"checkout": "ann", "ledger": "ann", "search": "ben", "archive": "eve", "wiki": "eve"}
	maps.Copy(owners, owner)
	for name, team := range owners {
		s := campaign.Service{Ref: "component:default/" + name, Name: name, Exposure: campaign.NotExposed}
		if team != "" {
			s.Owner = "group:default/" + team
		}
		if name == "checkout" {
			s.Exposure = campaign.Exposed
		}
		c.Services[s.Ref] = s
	}
	return c
}

func TestACorrectionHoldsUntilTheCatalogAgrees(t *testing.T) {
	h, id := allLaunched(t)
	chain := h.gives(id, "eve")
	_, err := h.engine.AcceptWork(t.Context(), h.by(eve), id, chain)
	require.NoError(t, err)
	h.settle()

	report, err := h.engine.ImportCatalog(t.Context(), h.by(cara), catalogNow(nil))
	require.NoError(t, err)
	require.Equal(t, 1, report.Corrected)
	require.Empty(t, report.Agreed)
	h.settle()
	require.Equal(t, "group:default/eve", h.taskNamed(id, "ledger").Owner, "the import does not take it back")

	report, err = h.engine.ImportCatalog(t.Context(), h.by(cara), catalogNow(map[string]string{"ledger": "eve"}))
	require.NoError(t, err)
	require.Equal(t, []string{"ledger"}, report.Agreed)
	require.Zero(t, report.Corrected)
	kept, err := campaign.Corrections(t.Context(), h.store)
	require.NoError(t, err)
	require.Empty(t, kept)
	h.sound(id)
}

package campaign_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

// named finds the components of one name.
type named string

func (n named) Judge(c campaign.Component) []campaign.Finding {
	if c.Name != string(n) {
		return nil
	}
	return []campaign.Finding{{Advisory: "A-1", Component: c, Verdict: campaign.Affected}}
}

func TestEachLayerOfAnImageIsATargetOfItsOwn(t *testing.T) {
	at := time.Date(2021, 12, 10, 12, 0, 0, 0, time.UTC)
	catalog := campaign.Catalog{Services: map[string]campaign.Service{
		"component:default/shop":   {Ref: "component:default/shop", Name: "shop"},
		"component:default/ledger": {Ref: "component:default/ledger", Name: "ledger"},
	}}
	scan := func(asset string, components ...campaign.Component) campaign.Scan {
		return campaign.Scan{Asset: asset, Source: "trivy", At: at, Components: components}
	}
	world := campaign.BuildTargets(campaign.TargetInput{
		Campaign: campaign.Campaign{ID: "c"}, Catalog: catalog, Judge: named("openssl"), Now: at.Add(time.Hour), FreshFor: 24 * time.Hour,
		Scans: []campaign.Scan{
			scan("shop", campaign.Component{Name: "openssl", Layer: campaign.LayerHost}, campaign.Component{Name: "openssl", Path: "/app"}),
			scan("ledger", campaign.Component{Name: "openssl", Layer: campaign.LayerHost}),
		},
	})
	found := map[string]int{}
	for _, target := range world.Targets {
		found[target.Name+" "+string(target.Layer)] = len(target.Findings)
		require.Len(t, world.Looks[target.ID], 1)
		require.Equal(t, at, world.Looks[target.ID][0].At)
	}
	require.Equal(t, map[string]int{"shop host": 1, "shop application": 1, "ledger host": 1}, found)
	require.Zero(t, world.Checked, "what is affected below the application is not fine")
}

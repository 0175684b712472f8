package campaign_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

func TestServiceOfAnAsset(t *testing.T) {
	index := campaign.NewAssetIndex(campaign.Catalog{Services: map[string]campaign.Service{
		"component:default/checkout-api": {Ref: "component:default/checkout-api", Name: "checkout-api"},
		"component:default/ledger":       {Ref: "component:default/ledger", Name: "Ledger", Assets: []string{"Host-17", "registry.example.com:5000/books"}},
		"component:default/twin":         {Ref: "component:default/twin", Name: "twin"},
		"component:other/twin":           {Ref: "component:other/twin", Name: "twin"},
	}})
	tests := map[string]struct {
		scan campaign.Scan
		want string
	}{
		"by name":                    {campaign.Scan{Asset: "checkout-api"}, "component:default/checkout-api"},
		"by name in other case":      {campaign.Scan{Asset: "LEDGER"}, "component:default/ledger"},
		"by annotation":              {campaign.Scan{Asset: "host-17"}, "component:default/ledger"},
		"annotation with a registry": {campaign.Scan{Asset: "registry.example.com:5000/books"}, "component:default/ledger"},
		"image of a service":         {campaign.Scan{Asset: "ghcr.io/acme/checkout-api:1.2@sha256:00"}, "component:default/checkout-api"},
		"named by the inventory":     {campaign.Scan{Asset: "host-17", Service: "checkout-api"}, "component:default/checkout-api"},
		"by its full reference":      {campaign.Scan{Asset: "x", Service: "component:other/twin"}, "component:other/twin"},
		"name used twice":            {campaign.Scan{Asset: "twin"}, ""},
		"nobody's":                   {campaign.Scan{Asset: "host-18"}, ""},
		"inventory names a stranger": {campaign.Scan{Asset: "checkout-api", Service: "stranger"}, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, ok := index.Service(tt.scan)
			require.Equal(t, tt.want, got.Ref)
			require.Equal(t, tt.want != "", ok)
		})
	}
}

package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

func TestReports(t *testing.T) {
	fixed, err := campaign.Put(campaign.KindCorrection, "one", 0, campaign.Correction{
		Service: "component:default/ledger", Name: "ledger", From: "group:default/ann", To: "group:default/eve", By: "T1/U1", Campaign: "log4j-rce",
	})
	require.NoError(t, err)
	tests := map[string]struct {
		corrected bool
		args      []string
		code      int
		says      string
	}{
		"of a campaign":            {false, []string{"report", "log4j-rce"}, exitOK, "log4j RCE"},
		"as json":                  {false, []string{"report", "log4j-rce", "--format", "json"}, exitOK, `"campaign": "log4j-rce"`},
		"of a campaign nobody has": {false, []string{"report", "nope"}, exitUsage, "nope"},
		"of nothing":               {false, []string{"report"}, exitUsage, "one campaign is needed"},
		"in no known format":       {false, []string{"report", "log4j-rce", "--format", "pdf"}, exitUsage, `not "pdf"`},
		"no corrections":           {false, []string{"report", "corrections"}, exitOK, "Nobody corrected"},
		"corrections":              {true, []string{"report", "corrections"}, exitOK, "  owner: group:default/eve\n"},
		"corrections as a table":   {true, []string{"report", "corrections", "--format", "csv"}, exitOK, "component:default/ledger,group:default/eve,"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			d.drafted(func(s campaign.Store) {
				if tt.corrected {
					require.NoError(t, s.Apply(t.Context(), campaign.Change{Scope: campaign.Sys, Records: []campaign.Record{fixed}}))
				}
			})
			code, out, errs := d.types(tt.args...)
			require.Equal(t, tt.code, code, out+errs)
			require.Contains(t, out+errs, tt.says)
		})
	}
}

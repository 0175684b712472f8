package inventory

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

func TestHostList(t *testing.T) {
	scans, remarks := Read(strings.NewReader("\uFEFF"+`Tier, purl,asset,scanned_at,service,path,exposure,environment,rack
1,pkg:npm/a@1,web-1,2021-12-10T12:00:00Z,shop,/opt/a,internal,prod,7
,pkg:npm/b@1,web-1,2021-12-09T12:00:00Z,,/opt/b,internet,,7
,,web-2,2021-12-11,,,,,
,pkg:npm/c@1,,,,,,,
,npm/c@1,web-3,,,,,,
,pkg:npm/c@1,web-3,yesterday,,,,,
,pkg:npm/c@1,web-3,,,,nowhere,,
,pkg:npm/c@1,web-1,,other,,,,
`), "hosts.csv")
	require.Equal(t, []campaign.Scan{
		{
			Asset: "web-1", Source: "csv", File: "hosts.csv", Service: "shop", At: time.Date(2021, 12, 9, 12, 0, 0, 0, time.UTC),
			Exposure: campaign.Exposed, Environment: "prod", Tier: "1",
			Components: []campaign.Component{{PURL: "pkg:npm/a@1", Path: "/opt/a"}, {PURL: "pkg:npm/b@1", Path: "/opt/b"}},
		},
		{Asset: "web-2", Source: "csv", File: "hosts.csv", At: time.Date(2021, 12, 11, 0, 0, 0, 0, time.UTC)},
	}, scans)
	var positions []string
	for _, r := range remarks {
		positions = append(positions, r.Position)
		require.Equal(t, r.Position == "line 1", r.Notice, r.Problem)
	}
	require.Equal(t, []string{"line 1", "line 5", "line 6", "line 7", "line 8", "line 9"}, positions)
	require.Contains(t, remarks[0].Problem, `"rack"`)
}

func TestSemicolonsSeparateToo(t *testing.T) {
	scans, remarks := Read(strings.NewReader("asset;purl\nweb-1;pkg:npm/a@1\n"), "hosts.csv")
	require.Empty(t, remarks)
	require.Len(t, scans, 1)
}

func TestRefusedCSVFiles(t *testing.T) {
	tests := map[string]struct{ text, words string }{
		"missing column": {"asset,version\nweb,1\n", `no column "purl"`},
		"column twice":   {"asset,purl,asset\n", "twice"},
		"open quotation": {"asset,purl\nweb,\"pkg:npm/a@1\nweb", "not closed"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			scans, remarks := Read(strings.NewReader(tt.text), "hosts.csv")
			require.Empty(t, scans)
			require.Len(t, remarks, 1)
			require.Contains(t, remarks[0].Problem, tt.words)
			require.Contains(t, remarks[0].Position, "line")
		})
	}
}

func TestTargets(t *testing.T) {
	token := "xoxb-" + "1234567890-abcdefghij"
	rows, remarks := ReadTargets(strings.NewReader(`owner,target,kind,detail,exposure
group:payments,db-ledger,credential,rotate the password of ledger,internal
,api.example.com,certificate,"expires
2026-12-01",exposed
x,,credential,,
x,db-ledger,credential,again,
x,db-shop,credential,`+token+`,
x,db-cart,credential,,everywhere
x,bad"quote,credential,,
x,db-last,credential,,
`), "rotate.csv")
	require.Equal(t, []campaign.Row{
		{Target: "db-ledger", Kind: "credential", Owner: "group:payments", Detail: "rotate the password of ledger", Exposure: campaign.NotExposed},
		{Target: "api.example.com", Kind: "certificate", Detail: "expires\n2026-12-01", Exposure: campaign.Exposed},
		{Target: "db-last", Kind: "credential", Owner: "x"},
	}, rows)
	want := []struct{ position, words string }{
		{"line 5", "no target"},
		{"line 6", "repeats"},
		{"line 7", "a Slack token"},
		{"line 8", "unknown exposure"},
		{"line 9", "quotation mark"},
	}
	require.Len(t, remarks, len(want))
	for i, w := range want {
		require.Equal(t, w.position, remarks[i].Position)
		require.Contains(t, remarks[i].Problem, w.words)
		require.NotContains(t, remarks[i].Problem, token)
	}
}

func TestTargetListWithoutTargets(t *testing.T) {
	rows, remarks := ReadTargets(strings.NewReader("name,owner\na,b\n"), "rotate.csv")
	require.Empty(t, rows)
	require.Contains(t, remarks[0].Problem, `no column "target"`)
}

func FuzzReadTargets(f *testing.F) {
	f.Add("target,kind\na,b\n")
	f.Add("target;detail\n\"a\";password=Xk29vQ!m3Lz8\n")
	f.Fuzz(func(t *testing.T, text string) {
		rows, _ := ReadTargets(strings.NewReader(text), "f")
		for _, row := range rows {
			require.NotEmpty(t, row.Target)
			_, secret := campaign.SecretLike(row.Detail)
			require.False(t, secret)
		}
	})
}

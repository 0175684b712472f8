package inventory

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

const agencies = `---
version: '1.0'
owners:
  - name: cisagov
software:
  - vendor: Qlik
    product: AIS, including ARC
    cves:
      cve-2021-4104:
        investigated: false
        affected_versions: []
      cve-2021-44228:
        investigated: true
        affected_versions: []
        fixed_versions: []
        unaffected_versions:
          - All
    vendor_links:
      - ''
      - https://community.qlik.com/x
    last_updated: '2022-01-12T07:18:50+00:00'
  # what follows has no vendor
  - product: Nobody's
  - vendor: 'Kaltura'
    product: "Blackboard"
    cves:
      cve-2021-44228: {investigated: true, fixed_versions: [v3900.28.x]}
    last_updated: '2021-12-12T00:00:00'
other:
  - vendor: not part of it
`

func TestTheAgenciesListIsReadEntryByEntry(t *testing.T) {
	list, remarks := ReadVendors(strings.NewReader(agencies), "cisagov.yml")
	require.Len(t, remarks, 1)
	require.Equal(t, "line 23", remarks[0].Position)
	require.Contains(t, remarks[0].Problem, "names no vendor")
	require.Empty(t, list.Products)
	require.Len(t, list.Statements, 2)
	require.Equal(t, "AIS, including ARC", list.Statements[0].Product)
	require.Equal(t, "https://community.qlik.com/x", list.Statements[0].Link)
	require.Equal(t, []campaign.VendorClaim{{CVE: "CVE-2021-44228", Investigated: true, Affected: []string{}, Fixed: []string{}, Unaffected: []string{"All"}}}, list.Statements[0].Claims)
	require.Equal(t, []string{"v3900.28.x"}, list.Statements[1].Claims[0].Fixed)
	require.Equal(t, "2021-12-12T00:00:00Z", list.Statements[1].Updated.Format("2006-01-02T15:04:05Z"))
}

func TestTheAgenciesRealListIsReadWhole(t *testing.T) {
	files, err := filepath.Glob("../../../shared/data/log4j-affected-db/*.yml")
	require.NoError(t, err)
	if len(files) == 0 {
		t.Skip("../shared/data is not there")
	}
	for _, file := range files {
		list, remarks := ReadVendorFile(file)
		require.Empty(t, remarks, file)
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Len(t, list.Statements, strings.Count(string(raw), "- vendor:"), file)
	}
}

func TestProductsAndStatementsInTables(t *testing.T) {
	list, remarks := ReadVendors(strings.NewReader("Vendor;Product;Version;Owner;Exposure\nQlik;Sense;2021.2;group:default/bi;exposed\nQlik;;1;;\nOkta;LDAP Agent;;;outside\n"), "products.csv")
	require.Len(t, list.Products, 1)
	require.Equal(t, campaign.Product{Vendor: "Qlik", Name: "Sense", Versions: []string{"2021.2"}, Owner: "group:default/bi", Exposure: campaign.Exposed}, list.Products[0])
	require.Len(t, remarks, 2)

	list, remarks = ReadVendors(strings.NewReader("vendor,product,status,versions,fixed,updated\nOkta,LDAP Agent,affected,\"1.0, 1.1\",1.2,2021-12-17\nOkta,Mobile,not affected,,,\nOkta,X,perhaps,,,\nOkta,Y,fixed,,2.0,soon\n"), "says.csv")
	require.Len(t, list.Statements, 2)
	require.Equal(t, []string{"1.0", "1.1"}, list.Statements[0].Claims[0].Affected)
	require.Equal(t, []string{"1.2"}, list.Statements[0].Claims[0].Fixed)
	require.Equal(t, []string{"All"}, list.Statements[1].Claims[0].Unaffected)
	require.Len(t, remarks, 2)
	require.Equal(t, "line 4", remarks[0].Position)
}

func TestVendorFilesThatAreNoneAreRefusedWhole(t *testing.T) {
	for name, text := range map[string]string{
		"a.yml":  "version: 1\n",
		"b.yml":  "software:\n  - vendor: " + strings.Repeat("x", 70<<10) + "\n",
		"c.yml":  "software:\n  - vendor: a\n" + strings.Repeat("    notes: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n", 3000),
		"d.csv":  "product,version\na,b\n",
		"e.yaml": "software:\n  vendor: a\n",
	} {
		list, remarks := ReadVendors(strings.NewReader(text), name)
		require.Len(t, remarks, 1, name)
		require.False(t, remarks[0].Notice, name)
		require.Empty(t, list.Statements, name)
		require.Empty(t, list.Products, name)
	}
}

func FuzzReadVendors(f *testing.F) {
	f.Add(agencies, true)
	f.Add("vendor,product,status\nA,B,fixed\n", false)
	f.Add("vendor;product;exposure\nA;B;exposed\n", false)
	f.Add("software:\n- vendor: &a [*a]\n", true)
	f.Add("software:\n- "+strings.Repeat("[", 20000), true)
	f.Fuzz(func(t *testing.T, text string, asYAML bool) {
		name := "f.csv"
		if asYAML {
			name = "f.yml"
		}
		list, _ := ReadVendors(strings.NewReader(text), name)
		for _, s := range list.Statements {
			require.NotEmpty(t, s.Vendor)
		}
		for _, p := range list.Products {
			require.NotEmpty(t, p.Name)
		}
	})
}

func TestAVersionWithABlankIsOneVersion(t *testing.T) {
	list, refused := ReadVendors(strings.NewReader("vendor,product,status,versions,fixed\nA,B,affected,\"3800, 3801\",3800 SP2; 3801 SP1\n"), "statements.csv")
	require.Empty(t, refused)
	require.Equal(t, []string{"3800", "3801"}, list.Statements[0].Claims[0].Affected)
	require.Equal(t, []string{"3800 SP2", "3801 SP1"}, list.Statements[0].Claims[0].Fixed)
}

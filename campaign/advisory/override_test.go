package advisory

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

const log4jCore = "pkg:maven/org.apache.logging.log4j/log4j-core"

func TestOverrides(t *testing.T) {
	fixed := func(advisory string, versions ...string) campaign.Override {
		return campaign.Override{Kind: campaign.OverrideFixed, Advisory: advisory, Package: log4jCore, Versions: versions, Reason: "our backport"}
	}
	alias := campaign.Override{Kind: campaign.OverrideAlias, Package: "pkg:maven/com.acme/logging-engine", As: log4jCore, Reason: "our fork"}
	tests := map[string]struct {
		override campaign.Override
		purl     string
		want     campaign.Verdict
		excused  bool
	}{
		"the backport":                       {fixed("", "2.14.1-acme1"), log4jCore + "@2.14.1-acme1", campaign.NotAffected, true},
		"any build of the backport":          {fixed("", "2.14.1-acme*"), log4jCore + "@2.14.1-acme7", campaign.NotAffected, true},
		"the version without the backport":   {fixed("", "2.14.1-acme*"), log4jCore + "@2.14.1", campaign.Affected, false},
		"for this record by its CVE":         {fixed("cve-2021-44228", "2.14.1"), log4jCore + "@2.14.1", campaign.NotAffected, true},
		"for another record":                 {fixed("CVE-2021-45105", "2.14.1"), log4jCore + "@2.14.1", campaign.Affected, false},
		"a fork under another name":          {alias, "pkg:maven/com.acme/logging-engine@2.14.1", campaign.Affected, false},
		"a fork at a fixed version":          {alias, "pkg:maven/com.acme/logging-engine@2.17.1", campaign.NotAffected, false},
		"the original, beside its alias":     {alias, log4jCore + "@2.14.1", campaign.Affected, false},
		"a fixed version needs no excuse":    {fixed("", "2.17.1"), log4jCore + "@2.17.1", campaign.NotAffected, false},
		"another package of the same artist": {alias, "pkg:maven/com.acme/logging@2.14.1", campaign.NotAffected, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := campaign.Criteria{Advisories: []campaign.Advisory{read(t, log4jRecord)}, Overrides: []campaign.Override{tt.override}}
			comp := campaign.Component{PURL: tt.purl}
			require.Equal(t, tt.want, verdict(t, c, comp))
			excused := compile(t, c).(campaign.Excuser).Excused(comp)
			require.Equal(t, tt.excused, len(excused) == 1)
			for _, f := range excused {
				require.Equal(t, campaign.NotAffected, f.Verdict)
				require.Contains(t, f.Why, "our backport")
			}
		})
	}
}

func TestRefusedOverrides(t *testing.T) {
	tests := map[string]campaign.Override{
		"no reason":         {Kind: campaign.OverrideFixed, Package: log4jCore, Versions: []string{"1"}},
		"no versions":       {Kind: campaign.OverrideFixed, Package: log4jCore, Reason: "r"},
		"every version":     {Kind: campaign.OverrideFixed, Package: log4jCore, Versions: []string{"*"}, Reason: "r"},
		"no kind":           {Package: log4jCore, Versions: []string{"1"}, Reason: "r"},
		"a plain name":      {Kind: campaign.OverrideFixed, Package: "log4j-core", Versions: []string{"1"}, Reason: "r"},
		"an alias of none":  {Kind: campaign.OverrideAlias, Package: log4jCore, Reason: "r"},
		"an alias of self":  {Kind: campaign.OverrideAlias, Package: log4jCore, As: log4jCore, Reason: "r"},
		"a package version": {Kind: campaign.OverrideFixed, Package: log4jCore + "@1", Versions: []string{"1"}, Reason: "r"},
	}
	for name, o := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Matcher{}.Compile(campaign.Criteria{Overrides: []campaign.Override{o}})
			require.Equal(t, campaign.Invalid, campaign.KindOf(err))
			require.Contains(t, campaign.PublicMessage(err), "Nothing was changed")
		})
	}
}

func TestVEX(t *testing.T) {
	const cdx = `{"bomFormat":"CycloneDX","components":[{"bom-ref":"c1","purl":"pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1"}],"vulnerabilities":[
		{"id":"CVE-2021-44228","analysis":{"state":"not_affected","justification":"code_not_reachable","detail":"No lookups."},"affects":[{"ref":"%s"}]}]}`
	const openvex = `{"@context":"https://openvex.dev/ns/v0.2.0","statements":[{"vulnerability":{"name":"GHSA-x","aliases":["CVE-2021-44228"]},"status":"%s","justification":"component_not_present","products":[%s]}]}`
	fill := func(format string, args ...string) string {
		for _, a := range args {
			format = replaceOnce(format, a)
		}
		return format
	}
	tests := map[string]struct {
		text    string
		want    campaign.Verdict
		notices int
	}{
		"cyclonedx, by a component":         {fill(cdx, "c1"), campaign.NotAffected, 0},
		"cyclonedx, by a package URL":       {fill(cdx, log4jCore+"@2.14.1"), campaign.NotAffected, 0},
		"cyclonedx, all versions":           {fill(cdx, log4jCore), campaign.NotAffected, 0},
		"cyclonedx, another version":        {fill(cdx, log4jCore+"@2.14.0"), campaign.Affected, 0},
		"cyclonedx, another document":       {fill(cdx, "urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/1#"+log4jCore+"@2.14.1"), campaign.Affected, 0},
		"cyclonedx, a product nobody knows": {fill(cdx, "acme"), campaign.Affected, 1},
		"openvex":                           {fill(openvex, "not_affected", `{"@id":"`+log4jCore+`@2.14.1"}`), campaign.NotAffected, 0},
		"openvex, fixed":                    {fill(openvex, "fixed", `{"@id":"x","identifiers":{"purl":"`+log4jCore+`"}}`), campaign.NotAffected, 0},
		"openvex, under investigation":      {fill(openvex, "under_investigation", `{"@id":"`+log4jCore+`@2.14.1"}`), campaign.Affected, 0},
		"openvex, a part of a product":      {fill(openvex, "not_affected", `{"@id":"pkg:oci/shop","subcomponents":[{"@id":"`+log4jCore+`"}]}`), campaign.Affected, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			statements, notices, err := ReadVEX([]byte(tt.text), "vex.json")
			require.NoError(t, err)
			require.Len(t, notices, tt.notices)
			c := campaign.Criteria{Advisories: []campaign.Advisory{read(t, log4jRecord)}, Statements: statements}
			comp := campaign.Component{PURL: log4jCore + "@2.14.1?type=jar"}
			require.Equal(t, tt.want, verdict(t, c, comp))
			if tt.want == campaign.NotAffected {
				require.Contains(t, compile(t, c).(campaign.Excuser).Excused(comp)[0].Why, statements[0].Justification)
			}
		})
	}
	for name, text := range map[string]string{"CSAF": `{"document":{"category":"csaf_vex"}}`, "not JSON": "<vex/>", "an SBOM cut off": cdx[:100]} {
		t.Run(name, func(t *testing.T) {
			_, _, err := ReadVEX([]byte(text), "vex.json")
			require.Equal(t, campaign.Invalid, campaign.KindOf(err))
		})
	}
}

func replaceOnce(format, arg string) string {
	return strings.Replace(format, "%s", arg, 1)
}

// A statement of one program says nothing of others, unless it is that one.
func TestARealVEXDocumentCountsForItsOwnInventory(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join(sharedData(t), "vex", "cyclonedx-vex-example.json"))
	require.NoError(t, err)
	statements, notices, err := ReadVEX(raw, "vex.json")
	require.NoError(t, err)
	require.Empty(t, notices)
	require.Len(t, statements, 1)
	require.Equal(t, "code_not_reachable", statements[0].Justification)
	require.Empty(t, Within(statements, ""))
	require.Empty(t, Within(statements, "urn:uuid:00000000-0000-0000-0000-000000000000"))
	kept := Within(statements, "urn:uuid:3E671687-395b-41f5-a30f-a58921a69b79")
	require.Len(t, kept, 1)
	record := oneRange("Maven", "com.fasterxml.jackson.core:jackson-databind", `{"introduced":"0"},{"fixed":"2.10.5.1"}`)
	record = `{"aliases":["CVE-2020-25649"],` + record[1:]
	c := campaign.Criteria{Advisories: []campaign.Advisory{read(t, record)}, Statements: kept}
	require.Equal(t, campaign.NotAffected, verdict(t, c, campaign.Component{PURL: "pkg:maven/com.fasterxml.jackson.core/jackson-databind@2.10.0?type=jar"}))
}

func TestKEV(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join(sharedData(t), "kev", "kev-subset.json"))
	require.NoError(t, err)
	kev, err := ReadKEV(raw)
	require.NoError(t, err)
	require.Len(t, kev, 69)
	entry, ok := kev.Of(campaign.Advisory{ID: "GHSA-jfh8-c2jp-5v3q", Aliases: []string{"cve-2021-44228"}})
	require.True(t, ok)
	require.Equal(t, "2021-12-10", entry.Added)
	_, ok = kev.Of(campaign.Advisory{ID: "CVE-1999-0001"})
	require.False(t, ok)
}

func TestRefusedKEV(t *testing.T) {
	for name, text := range map[string]string{"empty": "", "not JSON": "cveID,dateAdded", "another document": `{"vulnerabilities":[{"id":"CVE-1"}]}`} {
		t.Run(name, func(t *testing.T) {
			_, err := ReadKEV([]byte(text))
			require.Equal(t, campaign.Invalid, campaign.KindOf(err))
		})
	}
}

func FuzzReadVEX(f *testing.F) {
	f.Add([]byte(`{"bomFormat":"CycloneDX","vulnerabilities":[{"id":"CVE-1","analysis":{"state":"resolved"},"affects":[{"ref":"pkg:npm/a@1","versions":[{"version":"2","status":"unaffected"}]}]}]}`))
	f.Add([]byte(`{"@context":"openvex","statements":[{"vulnerability":"CVE-1","status":"fixed","products":[{"@id":"pkg:npm/a"}]}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		statements, _, err := ReadVEX(raw, "f")
		if err != nil {
			require.Equal(t, campaign.Invalid, campaign.KindOf(err))
			return
		}
		for _, s := range statements {
			require.NotEmpty(t, s.Vulnerability)
			require.NotEmpty(t, s.Products)
		}
		compile(t, campaign.Criteria{Statements: statements})
	})
}

func FuzzReadKEV(f *testing.F) {
	f.Add([]byte(`{"vulnerabilities":[{"cveID":"CVE-2021-44228","dateAdded":"2021-12-10"}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if kev, err := ReadKEV(raw); err == nil {
			require.NotEmpty(t, kev)
		}
	})
}

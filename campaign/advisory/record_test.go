package advisory

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

func TestReadAdvisory(t *testing.T) {
	adv := read(t, log4jRecord)
	require.Equal(t, "TEST-1", adv.ID)
	require.Equal(t, []string{"CVE-2021-44228"}, adv.Aliases)
	require.Equal(t, []string{"Maven:org.apache.logging.log4j:log4j-core"}, adv.Packages)
	require.Equal(t, 2021, adv.Modified.Year())
	require.JSONEq(t, log4jRecord, string(adv.Raw))
}

// PyPI's records are published as YAML, in which 2.10 looks like a number.
func TestReadAdvisoryInYAML(t *testing.T) {
	adv := read(t, `id: PYSEC-2023-74
modified: 2023-06-05T01:13:00.534973Z
aliases: [CVE-2023-32681]
withdrawn: null
affected:
- package: {name: requests, ecosystem: PyPI}
  ranges:
  - type: ECOSYSTEM
    events:
    - introduced: 2.3
    - fixed: 2.10
  versions:
  - 2.20
`)
	require.Equal(t, "PYSEC-2023-74", adv.ID)
	require.Equal(t, 2023, adv.Modified.Year())
	require.True(t, json.Valid(adv.Raw), "what is kept is JSON")
	c := campaign.Criteria{Advisories: []campaign.Advisory{adv}}
	for version, want := range map[string]campaign.Verdict{
		"2.9": campaign.Affected, "2.10": campaign.NotAffected, "2.20": campaign.Affected, "2.2": campaign.NotAffected,
	} {
		require.Equal(t, want, verdict(t, c, campaign.Component{PURL: "pkg:pypi/requests@" + version}), version)
	}
}

func TestRefusedAdvisories(t *testing.T) {
	tests := map[string]struct{ raw, words string }{
		"not JSON":            {`<html>`, "byte 1"},
		"cut off":             {log4jRecord[:200], "byte 200"},
		"a list":              {`[` + log4jRecord + `]`, "holds a list"},
		"a field of the kind": {`{"id":7}`, `"id"`},
		"no id":               {`{"affected":[]}`, `no "id"`},
		"withdrawn":           {strings.Replace(log4jRecord, `{`, `{"withdrawn":"2022-01-02T00:00:00Z",`, 1), "withdrawn on 2022-01-02"},
		"nothing affected":    {`{"id":"TEST-2"}`, "no version ranges"},
		"no ranges":           {`{"id":"TEST-2","affected":[{"package":{"ecosystem":"npm","name":"a"}}]}`, "no version ranges"},
		"commits only":        {`{"id":"TEST-2","affected":[{"package":{"ecosystem":"npm","name":"a"},"ranges":[{"type":"GIT","events":[{"introduced":"0"}]}]}]}`, "commits only"},
		"a CVE record":        {`{"dataType":"CVE_RECORD","cveMetadata":{"cveId":"CVE-2021-44228"}}`, "osv.dev"},
		"a bare word":         {"hello", "JSON or YAML"},
		"YAML with aliases":   {"id: &a TEST-2\naliases: [*a]\n", "anchors"},
		"YAML nested deep":    {"affected:\n" + strings.Repeat("- ", 100) + "x", "deeper"},
		"YAML cut off":        {"id: \"TEST-2\naffected:", "JSON or YAML"},
		"YAML withdrawn":      {"id: TEST-2\nwithdrawn: 2022-01-02T00:00:00Z\n", "withdrawn on 2022-01-02"},
		"too many entries":    {`{"id":"TEST-2","affected":[` + strings.Repeat("{},", maxRecordItems+1) + `{}]}`, "entries"},
		"nested too deep":     {strings.Repeat("[", 100) + strings.Repeat("]", 100), "deeper"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Matcher{}.ReadAdvisory([]byte(tt.raw))
			require.Equal(t, campaign.Invalid, campaign.KindOf(err))
			require.Contains(t, campaign.PublicMessage(err), tt.words)
		})
	}
}

func TestOversizedAdvisoryIsRefusedUnread(t *testing.T) {
	_, err := Matcher{}.ReadAdvisory(make([]byte, MaxRecordBytes+1))
	require.Equal(t, campaign.Invalid, campaign.KindOf(err))
	require.Contains(t, campaign.PublicMessage(err), "larger than 16 MB")
}

func FuzzReadAdvisory(f *testing.F) {
	f.Add([]byte(log4jRecord), "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1")
	f.Add([]byte(oneRange("Debian:11", "xz", `{"introduced":"0"},{"last_affected":"1~2"}`)), "pkg:deb/debian/xz@1?distro=11")
	f.Add([]byte(oneRange("PyPI", "a", `{"introduced":"1.0rc1"},{"limit":"2"}`)), "pkg:pypi/a@1.0.post1")
	f.Add([]byte(oneRange("Alpine:v3.1", "a", `{"introduced":"0"},{"fixed":"1.2_alpha1-r0"}`)), "pkg:apk/alpine/a@1?distro=3.1.1")
	f.Add([]byte("id: A\naffected:\n- package: {ecosystem: npm, name: a}\n  versions: [1.0]\n"), "pkg:npm/a@1.0")
	f.Fuzz(func(t *testing.T, raw []byte, purl string) {
		adv, err := Matcher{}.ReadAdvisory(raw)
		if err != nil {
			require.Equal(t, campaign.Invalid, campaign.KindOf(err))
			return
		}
		judge := compile(t, campaign.Criteria{Advisories: []campaign.Advisory{adv}})
		for _, finding := range judge.Judge(campaign.Component{PURL: purl}) {
			require.Equal(t, adv.ID, finding.Advisory)
		}
	})
}

func FuzzVersions(f *testing.F) {
	for _, eco := range []string{"Maven", "npm", "PyPI", "Go", "Debian", "Alpine", "RubyGems", "NuGet", "Packagist", "Red Hat", "CRAN", "Hackage", "Pub"} {
		f.Add(eco, "1.0-rc1", "1:2.3~4+deb1u2")
		f.Add(eco, "v1.2.3", "2.0.0.Final")
	}
	f.Fuzz(func(t *testing.T, ecosystem, a, b string) {
		v, err := parseVersion(a, ecosystem, false)
		if err != nil {
			return
		}
		w, err := parseVersion(b, ecosystem, false)
		if err != nil {
			return
		}
		ab, err1 := v.Compare(w)
		ba, err2 := w.Compare(v)
		require.Equal(t, err1 == nil, err2 == nil)
		same, err := v.Compare(v)
		require.NoError(t, err)
		require.Zero(t, same)
		require.Equal(t, ab, -ba, "%s: %q against %q", ecosystem, a, b)
	})
}

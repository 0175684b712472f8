package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	matchRecord = `{"id":"GHSA-0000-0000-0001","affected":[{"package":{"ecosystem":"Maven","name":"org.apache.logging.log4j:log4j-core"},
		"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"2.13.0"},{"fixed":"2.15.0"}]}]}]}`
	matchInventory = `{"bomFormat":"CycloneDX","metadata":{"component":{"name":"checkout-api"}},"components":[
		{"purl":"pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1?type=jar"},{"purl":"pkg:maven/org.apache.logging.log4j/log4j-api@2.14.1?type=jar"},
		{"purl":"pkg:maven/log4j-core/log4j-core@2.14.1"}]}`
	cleanInventory = `{"bomFormat":"CycloneDX","components":[{"purl":"pkg:maven/org.apache.logging.log4j/log4j-api@2.14.1"}]}`
)

// matchFolder holds the files that the tests name.
func matchFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"log4shell.json": matchRecord, "sboms/shop.cdx.json": matchInventory, "clean/ledger.cdx.json": cleanInventory,
		"broken.json":         `{"bomFormat":"CycloneDX","components":[{`,
		"mixed/a-broken.json": `{"bomFormat":"CycloneDX","components":[{`, "mixed/shop.cdx.json": matchInventory,
		"noranges.json":  `{"id":"GHSA-0000-0000-0002","affected":[{"package":{"ecosystem":"npm","name":"a"}}]}`,
		"withdrawn.json": `{"id":"GHSA-0000-0000-0003","withdrawn":"2022-01-01T00:00:00Z"}`,
		"hosts.csv":      "asset,version\nweb-1,2\n",
	} {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	return dir
}

func TestMatchAsJSON(t *testing.T) {
	dir := matchFolder(t)
	got := muster(t, nil, "match", "--advisory", dir+"/log4shell.json", "--inventory", dir+"/sboms", "--format", "json")
	require.Equal(t, exitAffected, got.code)
	require.Empty(t, got.err)
	lines := strings.Split(strings.TrimSpace(got.out), "\n")
	require.Len(t, lines, 2)
	require.JSONEq(t, `{"advisory":"GHSA-0000-0000-0001","purl":"pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1?type=jar",
		"asset":"checkout-api","file":"`+dir+`/sboms/shop.cdx.json","verdict":"affected","fixed":["2.15.0"]}`, lines[0])
	require.Contains(t, lines[1], `"verdict":"possible"`)
}

func TestMatchAsText(t *testing.T) {
	dir := matchFolder(t)
	got := muster(t, nil, "match", "--advisory", dir+"/log4shell.json", "--inventory", dir+"/sboms")
	require.Equal(t, exitAffected, got.code)
	require.Regexp(t, `(?m)^affected +GHSA-0000-0000-0001 +checkout-api +pkg:maven/org.apache.logging.log4j/log4j-core@2\.14\.1\?type=jar +2\.15\.0 `, got.out)
	require.NotContains(t, got.out, "log4j-api")

	got = muster(t, nil, "match", "--advisory", dir+"/log4shell.json", "--inventory", dir+"/clean")
	require.Equal(t, exitOK, got.code)
	require.Contains(t, got.out, "Nothing in the inventory that was read is affected")
}

func TestMatchLeavesOutWhatSuppliersExcuse(t *testing.T) {
	dir := matchFolder(t)
	serial := "urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79"
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		return path
	}
	write("sboms/shop.cdx.json", `{"serialNumber":"`+serial+`",`+matchInventory[1:])
	write("sboms/other.cdx.json", matchInventory)
	vex := write("vex.json", `{"bomFormat":"CycloneDX","vulnerabilities":[{"id":"GHSA-0000-0000-0001","analysis":{"state":"not_affected","justification":"code_not_reachable"},
		"affects":[{"ref":"urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/1#pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1?type=jar"}]}]}`)
	got := muster(t, nil, "match", "--advisory", dir+"/log4shell.json", "--inventory", dir+"/sboms", "--vex", vex, "--format", "json")
	require.Equal(t, exitAffected, got.code, got.err)
	require.Equal(t, 1, strings.Count(got.out, `"verdict":"affected"`), "the other document's stays")
	require.Contains(t, got.out, "other.cdx.json")
	require.Contains(t, got.err, "is left out: its supplier says that it is not affected (code_not_reachable)")

	got = muster(t, nil, "match", "--advisory", dir+"/log4shell.json", "--inventory", dir+"/sboms", "--vex", dir+"/log4shell.json")
	require.Equal(t, exitUsage, got.code)
	require.Contains(t, got.err, "neither CycloneDX nor OpenVEX")
}

func TestMatchTellsWhatIsExploited(t *testing.T) {
	dir := matchFolder(t)
	kev := filepath.Join(dir, "kev.json")
	require.NoError(t, os.WriteFile(kev, []byte(`{"vulnerabilities":[{"cveID":"GHSA-0000-0000-0001","dateAdded":"2021-12-10"}]}`), 0o644))
	got := muster(t, nil, "match", "--advisory", dir+"/log4shell.json", "--inventory", dir+"/sboms", "--kev", kev, "--format", "json")
	require.Equal(t, exitAffected, got.code)
	require.Contains(t, got.out, `"exploited":"2021-12-10"`)
	require.Contains(t, got.err, "known to be exploited")
}

func TestMatchReadsAFolderOfAdvisories(t *testing.T) {
	dir := matchFolder(t)
	records := filepath.Join(dir, "records")
	require.NoError(t, os.MkdirAll(records, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(records, "a.json"), []byte(matchRecord), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(records, "b.yaml"), []byte("id: B-1\naffected:\n- package: {ecosystem: Maven, name: 'org.apache.logging.log4j:log4j-api'}\n  versions: [2.14.1]\n"), 0o644))
	got := muster(t, nil, "match", "--advisory", records, "--inventory", dir+"/sboms", "--format", "json")
	require.Equal(t, exitAffected, got.code, got.err)
	require.Contains(t, got.out, "GHSA-0000-0000-0001")
	require.Contains(t, got.out, "B-1")
	got = muster(t, nil, "match", "--advisory", t.TempDir(), "--inventory", dir+"/sboms")
	require.Equal(t, exitUsage, got.code)
	require.Contains(t, got.err, "holds no advisory")
}

func TestMatchWithoutARecord(t *testing.T) {
	dir := matchFolder(t)
	got := muster(t, nil, "match", "--pattern", "log4j*", "--inventory", dir+"/clean", "--format", "json")
	require.Equal(t, exitAffected, got.code)
	require.Contains(t, got.out, `"verdict":"possible"`)

	got = muster(t, nil, "match", "--floor", "pkg:maven/org.apache.logging.log4j/log4j-api@2.14=2.14.1", "--inventory", dir+"/clean")
	require.Equal(t, exitOK, got.code, got.out)
	got = muster(t, nil, "match", "--floor", "pkg:maven/org.apache.logging.log4j/log4j-api=2.17.1", "--inventory", dir+"/clean")
	require.Equal(t, exitAffected, got.code)
}

func TestMatchRefusesBadInput(t *testing.T) {
	dir := matchFolder(t)
	tests := map[string]struct {
		args []string
		says []string
	}{
		"no inventory":             {[]string{"--advisory", dir + "/log4shell.json"}, []string{"--inventory PATH"}},
		"nothing to look for":      {[]string{"--inventory", dir + "/sboms"}, []string{"--advisory FILE"}},
		"unknown format":           {[]string{"--pattern", "log4j*", "--inventory", dir, "--format", "xml"}, []string{"text or json"}},
		"advisory without ranges":  {[]string{"--advisory", dir + "/noranges.json", "--inventory", dir + "/sboms"}, []string{"GHSA-0000-0000-0002 has no version ranges"}},
		"withdrawn advisory":       {[]string{"--advisory", dir + "/withdrawn.json", "--inventory", dir + "/sboms"}, []string{"was withdrawn on 2022-01-01"}},
		"advisory that is an SBOM": {[]string{"--advisory", dir + "/sboms/shop.cdx.json", "--inventory", dir + "/sboms"}, []string{`has no "id"`}},
		"advisory file missing":    {[]string{"--advisory", dir + "/nowhere.json", "--inventory", dir + "/sboms"}, []string{"cannot be opened", "Nothing was compared"}},
		"ID without a source":      {[]string{"--advisory", "GHSA-jfh8-c2jp-5v3q", "--inventory", dir + "/sboms"}, []string{"inventory.osv_url"}},
		"inventory missing":        {[]string{"--advisory", dir + "/log4shell.json", "--inventory", dir + "/nowhere"}, []string{"there is no such file"}},
		"unreadable SBOM":          {[]string{"--advisory", dir + "/log4shell.json", "--inventory", dir + "/broken.json"}, []string{"breaks off before its end", "byte", "Nothing of it was used"}},
		"CSV without its column":   {[]string{"--advisory", dir + "/log4shell.json", "--inventory", dir + "/hosts.csv"}, []string{`no column "purl"`}},
		"floor that says nothing":  {[]string{"--floor", "log4j-core", "--inventory", dir + "/sboms"}, []string{"package@branch=version"}},
		"floor that is no version": {[]string{"--floor", "log4j-core=latest", "--inventory", dir + "/sboms"}, []string{"not a version that can be compared"}},
		"pattern of stars":         {[]string{"--pattern", "*", "--inventory", dir + "/sboms"}, []string{"matches nearly everything"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := muster(t, nil, append([]string{"match"}, tt.args...)...)
			require.Equal(t, exitUsage, got.code, got.err)
			for _, words := range tt.says {
				require.Contains(t, got.err, words)
			}
		})
	}
}

func TestMatchGoesOnAfterABadFile(t *testing.T) {
	dir := matchFolder(t)
	got := muster(t, nil, "match", "--advisory", dir+"/log4shell.json", "--inventory", dir+"/mixed", "--format", "json")
	require.Equal(t, exitUsage, got.code, "an incomplete answer is no answer")
	require.Contains(t, got.out, "log4j-core@2.14.1")
	require.Contains(t, got.err, "a-broken.json")
	require.Contains(t, got.err, "the answer is incomplete")
}

func TestMatchLooksAnIDUpWhereASourceIsNamed(t *testing.T) {
	dir := matchFolder(t)
	source := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/vulns/GHSA-0000-0000-0001" {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write([]byte(matchRecord))
	}))
	defer source.Close()
	config := filepath.Join(dir, "muster.yaml")
	require.NoError(t, os.WriteFile(config, []byte("inventory:\n  osv_url: "+source.URL+"\n"), 0o644))

	got := muster(t, nil, "match", "--config", config, "--advisory", "GHSA-0000-0000-0001", "--inventory", dir+"/sboms")
	require.Equal(t, exitAffected, got.code, got.err)
	got = muster(t, nil, "match", "--config", config, "--advisory", "GHSA-0000-0000-0009", "--inventory", dir+"/sboms")
	require.Equal(t, exitUsage, got.code)
	require.Contains(t, got.err, "knows no advisory GHSA-0000-0000-0009")
}

// TestMatchAgreesWithTheOracle runs the command over public SBOMs with all
// public advisories together.
func TestMatchAgreesWithTheOracle(t *testing.T) {
	data := filepath.Join("..", "..", "..", "shared", "data")
	raw, err := os.ReadFile(filepath.Join(data, "expected-sbom.json"))
	if err != nil {
		t.Skip("the public test data is not beside the repository")
	}
	var want map[string]struct{ Affected [][2]string }
	require.NoError(t, json.Unmarshal(raw, &want))
	args := []string{"match", "--format", "json"}
	records, err := filepath.Glob(filepath.Join(data, "osv", "*"))
	require.NoError(t, err)
	for _, file := range records {
		args = append(args, "--advisory", file)
	}
	compared := 0
	for name, expected := range want {
		compared++
		t.Run(filepath.Base(name), func(t *testing.T) {
			got := muster(t, nil, append(args, "--inventory", filepath.Join(data, name))...)
			if !strings.Contains(name, "bad-purls") {
				require.Empty(t, got.err)
			}
			var affected [][2]string
			for line := range strings.Lines(got.out) {
				var row matchLine
				require.NoError(t, json.Unmarshal([]byte(line), &row))
				if row.Verdict == "affected" {
					affected = append(affected, [2]string{row.Advisory, row.PURL})
				}
			}
			slices.SortFunc(affected, func(a, b [2]string) int { return strings.Compare(a[0]+a[1], b[0]+b[1]) })
			require.Equal(t, append([][2]string(nil), expected.Affected...), slices.Compact(affected))
			if len(expected.Affected) == 0 {
				require.Equal(t, exitOK, got.code, got.out)
			} else {
				require.Equal(t, exitAffected, got.code)
			}
		})
	}
	require.Positive(t, compared)
}

func TestMatchingNothingIsNoAllClear(t *testing.T) {
	out := muster(t, nil, "match", "--pattern", "log4j*", "--inventory", t.TempDir())
	require.Equal(t, 2, out.code)
	require.Contains(t, out.err, "nothing was compared")
	require.Empty(t, out.out)
}

package inventory

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/CycloneDX/cyclonedx-go"
	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

func sharedData(t *testing.T, glob string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "..", "shared", "data", glob))
	require.NoError(t, err)
	if len(files) == 0 {
		t.Skip("the public test data is not beside the repository")
	}
	return files
}

func purls(components []campaign.Component) []string {
	set := map[string]bool{}
	for _, c := range components {
		if c.PURL != "" {
			set[c.PURL] = true
		}
	}
	return slices.Sorted(maps.Keys(set))
}

func TestAgreesWithCycloneDXLibrary(t *testing.T) {
	for _, file := range sharedData(t, "sbom/*.cdx.json") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			f, err := os.Open(file)
			require.NoError(t, err)
			defer f.Close()
			var bom cyclonedx.BOM
			require.NoError(t, cyclonedx.NewBOMDecoder(f, cyclonedx.BOMFileFormatJSON).Decode(&bom))
			want := map[string]bool{}
			var collect func(*[]cyclonedx.Component)
			collect = func(list *[]cyclonedx.Component) {
				if list == nil {
					return
				}
				for _, c := range *list {
					if c.PackageURL != "" {
						want[c.PackageURL] = true
					}
					collect(c.Components)
				}
			}
			collect(bom.Components)
			stamp, err := time.Parse(time.RFC3339, bom.Metadata.Timestamp)
			require.NoError(t, err)
			asset := stem(file)
			if main := bom.Metadata.Component; main != nil {
				asset = main.Name
				if main.PackageURL != "" {
					want[main.PackageURL] = true
				}
			}

			scans, remarks := readOne(t, file)
			require.Empty(t, remarks)
			require.Len(t, scans, 1)
			require.Equal(t, asset, scans[0].Asset)
			require.Equal(t, "cyclonedx", scans[0].Source)
			require.Equal(t, file, scans[0].File)
			require.True(t, stamp.Equal(scans[0].At))
			require.Equal(t, slices.Sorted(maps.Keys(want)), purls(scans[0].Components))
		})
	}
}

func TestReadsRealTrivyReports(t *testing.T) {
	for _, file := range sharedData(t, "scan/trivy*.json") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			scans, remarks := readOne(t, file)
			require.Len(t, scans, 1)
			require.True(t, strings.HasPrefix(scans[0].Asset, "testdata/fixtures/"))
			require.NotEmpty(t, purls(scans[0].Components))
			require.Len(t, remarks, 1)
			require.True(t, remarks[0].Notice)
			require.Contains(t, remarks[0].Problem, "--list-all-pkgs")
			require.Zero(t, scans[0].At, "a list of vulnerable packages only proves nothing")
		})
	}
}

func readOne(t *testing.T, file string) ([]campaign.Scan, []campaign.Refusal) {
	t.Helper()
	var scans []campaign.Scan
	var remarks []campaign.Refusal
	for s, r := range (Reader{}).ReadScans(t.Context(), []string{file}) {
		if r != nil {
			remarks = append(remarks, *r)
			continue
		}
		scans = append(scans, s)
	}
	return scans, remarks
}

func readText(text string) ([]campaign.Scan, []campaign.Refusal) {
	return Read(strings.NewReader(text), "dir/shop.cdx.json")
}

func TestCycloneDX(t *testing.T) {
	scans, remarks := readText(`{"components":[
		{"name":"outer","purl":"pkg:npm/outer@1.0.0","components":[{"purl":"pkg:npm/inner@2.0.0","components":[{"group":"org.a","name":"b","version":"3"}]}]},
		{"purl":"pkg:npm/outer@1.0.0"},
		{"purl":"pkg:maven/a/b@1","evidence":{"occurrences":[{"location":"/opt/b.jar"}]}},
		{"purl":"pkg:deb/debian/libssl@1","properties":[{"name":"aquasecurity:trivy:SrcName","value":"openssl"},{"name":"aquasecurity:trivy:SrcVersion","value":"1.1"},{"name":"aquasecurity:trivy:SrcRelease","value":"2"},{"name":"aquasecurity:trivy:SrcEpoch","value":"1"}]}],
		"vulnerabilities":[{"id":"x","affects":[[{}]]}],
		"metadata":{"timestamp":"2021-12-10T12:00:00+02:00","component":{"name":"shop","type":"container"}},
		"specVersion":"1.5","bomFormat":"CycloneDX"}`)
	require.Empty(t, remarks)
	require.Equal(t, []campaign.Scan{{
		Asset: "shop", Source: "cyclonedx", File: "dir/shop.cdx.json", At: time.Date(2021, 12, 10, 10, 0, 0, 0, time.UTC),
		Components: []campaign.Component{
			{Name: "org.a/b", Version: "3"},
			{PURL: "pkg:npm/inner@2.0.0"},
			{PURL: "pkg:npm/outer@1.0.0"},
			{PURL: "pkg:maven/a/b@1", Path: "/opt/b.jar"},
			{PURL: "pkg:deb/debian/libssl@1", Source: "openssl@1:1.1-2", Layer: campaign.LayerHost},
		},
	}}, scans)
}

func TestTrivyWithAllPackages(t *testing.T) {
	scans, remarks := readText(`{"SchemaVersion":2,"CreatedAt":"2021-12-10T12:00:00Z","ArtifactName":"shop:1","Results":[
		{"Target":"shop:1 (debian 11)","Class":"os-pkgs","Packages":[
			{"Name":"libssl1.1","Identifier":{"PURL":"pkg:deb/debian/libssl1.1@1.1.1k-1?distro=debian-11"},"Version":"1.1.1k","SrcName":"openssl","SrcVersion":"1.1.1k","SrcRelease":"1","SrcEpoch":0}],
		 "Vulnerabilities":[{"PkgName":"libssl1.1","PkgIdentifier":{"PURL":"pkg:deb/debian/libssl1.1@1.1.1k-1?distro=debian-11"}}]},
		{"Target":"app.jar","Class":"lang-pkgs","Packages":[{"Name":"old","Version":"1","Identifier":{}}]},
		{"Target":"nothing"}]}`)
	require.Empty(t, remarks)
	require.Equal(t, []campaign.Scan{{
		Asset: "shop:1", Source: "trivy", File: "dir/shop.cdx.json", At: time.Date(2021, 12, 10, 12, 0, 0, 0, time.UTC),
		Components: []campaign.Component{
			{PURL: "pkg:deb/debian/libssl1.1@1.1.1k-1?distro=debian-11", Source: "openssl@1.1.1k-1", Layer: campaign.LayerHost},
			{Name: "old", Version: "1", Path: "app.jar"},
		},
	}}, scans)
}

func TestDocumentWithoutAMainComponentIsNamedByItsFile(t *testing.T) {
	scans, _ := readText(`{"bomFormat":"CycloneDX","components":[]}`)
	require.Equal(t, "shop", scans[0].Asset)
	require.Zero(t, scans[0].At)
}

func TestUnreadableTimeMakesAScanProveNothing(t *testing.T) {
	scans, remarks := readText(`{"bomFormat":"CycloneDX","metadata":{"timestamp":"yesterday"}}`)
	require.Zero(t, scans[0].At)
	require.Len(t, remarks, 1)
	require.True(t, remarks[0].Notice)
}

func TestRefusedDocuments(t *testing.T) {
	deep := strings.Repeat(`{"components":[`, 80) + strings.Repeat(`]}`, 80)
	tests := map[string]struct{ text, words, position string }{
		"empty":                {"  \n", "is empty", ""},
		"cut off":              {`{"bomFormat":"CycloneDX","components":[{"purl":"pkg:npm/a@1"}`, "breaks off", "byte"},
		"not JSON":             {`{"bomFormat": CycloneDX}`, "not valid JSON", "byte"},
		"wrong type of list":   {`{"bomFormat":"CycloneDX","components":{}}`, `"components"`, "byte"},
		"no format said":       {`{"components":[]}`, "no bomFormat", "byte"},
		"two formats":          {`{"bomFormat":"CycloneDX","Results":[]}`, "two formats", "byte"},
		"a lock file":          {`{"name":"shop","lockfileVersion":2,"packages":{}}`, "none of CycloneDX", "byte"},
		"another format":       {`{"bomFormat":"Other"}`, "not CycloneDX", "byte"},
		"unknown JSON":         {`{"name":"package"}`, "none of CycloneDX", "byte"},
		"a list":               {`[{"Target":"x"}]`, "is a list", "byte"},
		"SPDX 3":               {`{"@context":"https://spdx.org/rdf/3.0.1/spdx-context.jsonld","@graph":[]}`, "SPDX 3", "byte"},
		"an old SPDX":          {`{"spdxVersion":"SPDX-1.2"}`, "SPDX-1.2", "byte"},
		"SPDX tag-value":       {"SPDXVersion: SPDX-2.3\n", "tag-value", ""},
		"YAML":                 {"id: GHSA-1\naffected: []\n", "YAML", ""},
		"an advisory":          {`{"id":"X","affected":[]}`, "advisory", "byte"},
		"XML without a root":   {`<?xml version="1.0"?>`, "without a root", "line"},
		"UTF-16":               {"\xff\xfe<\x00b\x00", "UTF-16", ""},
		"UTF-16 unmarked":      {"\x00<\x00b", "UTF-16", ""},
		"begins as gzip":       {"\x1f\x8b\x08rest", "gzip", ""},
		"a zip":                {"PK\x03\x04rest", "archive", ""},
		"two documents":        {`{"bomFormat":"CycloneDX"}{}`, "goes on after", "byte"},
		"rubbish at the end":   {`{"bomFormat":"CycloneDX"}x`, "goes on after", "byte"},
		"nested too deep":      {`{"bomFormat":"CycloneDX","components":[` + deep + `]}`, "nests deeper", "byte"},
		"10,000 deep, skipped": {`{"bomFormat":"CycloneDX","dependencies":` + strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000) + `}`, "nests deeper", "byte"},
		"text without columns": {"hello world", `no column "asset"`, "line 1"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			scans, remarks := readText(tt.text)
			require.Empty(t, scans, "a file counts whole or not at all")
			require.Len(t, remarks, 1)
			require.False(t, remarks[0].Notice)
			require.Equal(t, "dir/shop.cdx.json", remarks[0].File)
			require.Contains(t, remarks[0].Problem, tt.words)
			require.Contains(t, remarks[0].Position, tt.position)
		})
	}
}

func TestABadRecordIsLeftOutAndTheRestKept(t *testing.T) {
	tests := map[string]struct{ record, words string }{
		"number for a package URL": {`{"purl":7}`, `holds a number where something else belongs ("purl")`},
		"a record that is a text":  {`"pkg:npm/b@1"`, "holds a text"},
		"list for a name":          {`{"name":["b"]}`, "holds a list"},
		"text without end":         {`{"purl":"pkg:npm/b@` + strings.Repeat("1", 2*maxText) + `"}`, "longer than 64 KB"},
		"bad, and no name":         {`{"purl":"pkg:///"}`, "no name"},
		"bad deep inside":          {`{"purl":"pkg:npm/a@1","components":[{"purl":{}}]}`, "holds an object"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			before := `{"bomFormat":"CycloneDX","components":[{"purl":"pkg:npm/a@1"},`
			scans, remarks := readText(before + tt.record + `,{"purl":"pkg:npm/c@1"}]}`)
			require.Len(t, scans, 1)
			require.Equal(t, []string{"pkg:npm/a@1", "pkg:npm/c@1"}, purls(scans[0].Components))
			require.Len(t, remarks, 1)
			require.False(t, remarks[0].Notice)
			require.Contains(t, remarks[0].Problem, tt.words)
			if name != "bad deep inside" {
				require.Equal(t, fmt.Sprintf("byte %d", len(before)), remarks[0].Position)
			}
		})
	}
}

func TestManyBadRecordsAreNotAllTold(t *testing.T) {
	text := `{"bomFormat":"CycloneDX","components":[` + strings.Repeat(`{"purl":7},`, 10_000) + `{"purl":"pkg:npm/a@1"}]}`
	scans, remarks := readText(text)
	require.Len(t, scans[0].Components, 1)
	require.Len(t, remarks, maxRemarks+1)
	require.Contains(t, remarks[maxRemarks].Problem, "9900 more")
}

func TestWithoutAUsablePackageURLTheNameCounts(t *testing.T) {
	scans, remarks := readText(`{"bomFormat":"CycloneDX","components":[{"purl":"pkg:pypi/","name":"log4j-core","version":"2.14.1"}]}`)
	require.Equal(t, []campaign.Component{{PURL: "pkg:pypi/", Name: "log4j-core", Version: "2.14.1"}}, scans[0].Components)
	require.Len(t, remarks, 1)
	require.True(t, remarks[0].Notice)
}

func TestLargeElementsMayFollowEachOther(t *testing.T) {
	large := `{"purl":"pkg:npm/a@1","description":"` + strings.Repeat("x", 8*maxElement) + `"}`
	small := strings.Repeat(`{"purl":"pkg:npm/b@1","description":"`+strings.Repeat("x", 1000)+`"},`, 10_000)
	scans, remarks := readText(`{"bomFormat":"CycloneDX","components":[` + large + "," + small + large + `]}`)
	require.Empty(t, remarks)
	require.Len(t, scans[0].Components, 2, "the same component counts once")
}

func TestFolderIsReadInOrderAndOneBadFileStopsNothing(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"b.json":   `{"bomFormat":"CycloneDX","components":[{"purl":"pkg:npm/b@1"}]}`,
		"a/c.json": `{"bomFormat":"CycloneDX"}`, "a/bad.json": `{`, "notes.md": "text", ".git/x.json": `{`, "d.cdx.xml": `<bom xmlns="http://cyclonedx.org/schema/bom/1.4"/>`,
	} {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	var got []string
	for s, r := range (Reader{}).ReadScans(t.Context(), []string{dir, filepath.Join(dir, "missing")}) {
		switch {
		case r == nil:
			got = append(got, "scan "+s.Asset)
		case r.Notice:
			got = append(got, "notice "+filepath.Base(r.File))
		default:
			got = append(got, "refused "+filepath.Base(r.File))
		}
	}
	require.Equal(t, []string{"refused bad.json", "scan c", "scan b", "scan d", "notice notes.md", "refused missing"}, got)
}

func TestStoppingTheWalkEndsIt(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a.json", "b.json"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(`{"bomFormat":"CycloneDX"}`), 0o644))
	}
	seen := 0
	for range (Reader{}).ReadScans(t.Context(), []string{dir}) {
		seen++
		break
	}
	require.Equal(t, 1, seen)
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"bomFormat":"CycloneDX","components":[{"purl":"pkg:npm/a@1","components":[{"name":"b"}]}]}`))
	f.Add([]byte(`{"SchemaVersion":2,"ArtifactName":"a","Results":[{"Packages":[{"Name":"b","SrcEpoch":1}]}]}`))
	f.Add([]byte(cdxXML))
	f.Add([]byte(`<bom xmlns="http://cyclonedx.org/schema/bom/1.4"><components><component><name>&amp;</name></component></components></bom>`))
	f.Add([]byte(`{"spdxVersion":"SPDX-2.3","packages":[{"name":"a","externalRefs":[{"referenceType":"purl","referenceLocator":"pkg:npm/a@1"}]}]}`))
	f.Add([]byte(`{"artifacts":[{"purl":"pkg:deb/debian/a@1","metadata":{"source":"b"}}],"source":{"target":"x"}}`))
	f.Add([]byte(`{"matches":[{"artifact":{"name":"a","upstreams":[{"name":"b"}]}}]}`))
	f.Add([]byte("\x1f\x8b\x08\x00"))
	f.Add([]byte("asset,purl\nweb-1,pkg:npm/a@1\n"))
	f.Add([]byte("\uFEFFasset;purl;exposure\n\"web\";;internal\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		scans, remarks := Read(strings.NewReader(string(data)), "f")
		require.NotZero(t, len(scans)+len(remarks), "something is always said")
		for _, s := range scans {
			require.NotEmpty(t, s.Asset)
		}
		for _, r := range remarks {
			require.NotEmpty(t, r.Problem)
		}
	})
}

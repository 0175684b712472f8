package inventory

import (
	"bytes"
	"compress/gzip"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/CycloneDX/cyclonedx-go"
	spdxjson "github.com/spdx/tools-golang/json"
	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

func TestAgreesWithCycloneDXLibraryInXML(t *testing.T) {
	for _, file := range sharedData(t, "sbom/*.cdx.xml") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			f, err := os.Open(file)
			require.NoError(t, err)
			defer f.Close()
			var bom cyclonedx.BOM
			require.NoError(t, cyclonedx.NewBOMDecoder(f, cyclonedx.BOMFileFormatXML).Decode(&bom))
			want := map[string]bool{}
			for _, c := range *bom.Components {
				if c.PackageURL != "" {
					want[c.PackageURL] = true
				}
			}
			at, err := time.Parse(time.RFC3339, bom.Metadata.Timestamp)
			require.NoError(t, err)
			scans, _ := readOne(t, file)
			require.Len(t, scans, 1)
			require.Equal(t, bom.Metadata.Component.Name, scans[0].Asset)
			require.True(t, at.Equal(scans[0].At))
			require.Equal(t, slices.Sorted(maps.Keys(want)), purls(scans[0].Components))
		})
	}
}

func TestAgreesWithSPDXLibrary(t *testing.T) {
	for _, file := range sharedData(t, "sbom/*.spdx.json") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			f, err := os.Open(file)
			require.NoError(t, err)
			defer f.Close()
			doc, err := spdxjson.Read(f)
			require.NoError(t, err)
			want := map[string]bool{}
			for _, p := range doc.Packages {
				for _, ref := range p.PackageExternalReferences {
					if ref.RefType == "purl" {
						want[ref.Locator] = true
					}
				}
			}
			scans, remarks := readOne(t, file)
			require.Empty(t, remarks)
			require.Len(t, scans, 1)
			require.Equal(t, doc.DocumentName, scans[0].Asset)
			require.Equal(t, doc.CreationInfo.Created, scans[0].At.Format(time.RFC3339Nano))
			require.Equal(t, slices.Sorted(maps.Keys(want)), purls(scans[0].Components))
		})
	}
}

func TestReadsARealSyftReport(t *testing.T) {
	file := sharedData(t, "scan/syft-alpine.json")[0]
	made := time.Date(2024, 1, 10, 12, 0, 0, 0, time.UTC)
	for scan, remark := range (Reader{ScannedAt: made}).ReadScans(t.Context(), []string{file}) {
		require.Nil(t, remark)
		require.Equal(t, "alpine:3.12", scan.Asset)
		require.Equal(t, "syft", scan.Source)
		require.Equal(t, made, scan.At, "Syft does not tell when it ran, so the operator may")
		require.Len(t, scan.Components, 14)
		require.Contains(t, scan.Components, campaign.Component{
			PURL: "pkg:apk/alpine/libssl1.1@1.1.1n-r0?arch=aarch64&upstream=openssl&distro=alpine-3.12.12",
			Path: "/lib/apk/db/installed", Source: "openssl", Layer: campaign.LayerHost,
		})
	}
	scans, _ := readOne(t, file)
	require.Zero(t, scans[0].At)
}

const cdxXML = `<?xml version="1.0" encoding="utf-8"?><!-- made by hand -->
<x:bom xmlns:x="http://cyclonedx.org/schema/bom/1.5" version="1">
 <x:metadata><x:timestamp> 2021-12-10T12:00:00Z </x:timestamp><x:component type="application"><x:name>shop</x:name></x:component></x:metadata>
 <x:components>
  <x:component type="library"><x:group>org.a</x:group><x:name>b &amp; c</x:name><x:version>3</x:version>
   <x:components><x:component type="library"><x:name>inner</x:name><x:purl><![CDATA[pkg:npm/inner@2.0.0?a=1&b=2]]></x:purl></x:component></x:components></x:component>
  <x:component type="library"><x:name>libssl</x:name><x:purl>pkg:deb/debian/libssl@1</x:purl>
   <x:properties><x:property name="aquasecurity:trivy:SrcName">openssl</x:property><x:property>nameless</x:property></x:properties>
   <x:evidence><x:occurrences><x:occurrence><x:location>/usr/lib</x:location></x:occurrence></x:occurrences></x:evidence></x:component>
 </x:components>
 <x:dependencies><x:dependency ref="a"><x:dependency ref="b"/></x:dependency></x:dependencies>
</x:bom>`

func TestCycloneDXInXML(t *testing.T) {
	scans, remarks := readText(cdxXML)
	require.Empty(t, remarks)
	require.Equal(t, []campaign.Scan{{
		Asset: "shop", Source: "cyclonedx", File: "dir/shop.cdx.json", At: time.Date(2021, 12, 10, 12, 0, 0, 0, time.UTC),
		Components: []campaign.Component{
			{PURL: "pkg:npm/inner@2.0.0?a=1&b=2"},
			{Name: "org.a/b & c", Version: "3"},
			{PURL: "pkg:deb/debian/libssl@1", Path: "/usr/lib", Source: "openssl", Layer: campaign.LayerHost},
		},
	}}, scans)
}

func TestRefusedXML(t *testing.T) {
	bom := func(inside string) string {
		return `<bom xmlns="http://cyclonedx.org/schema/bom/1.4"><components>` + inside + `</components></bom>`
	}
	bomb := `<!DOCTYPE bom [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>` + bom(`<component><name>&b;</name></component>`)
	tests := map[string]struct{ text, words string }{
		"an entity bomb":        {bomb, "declares a document type"},
		"an external entity":    {`<!DOCTYPE bom SYSTEM "file:///etc/passwd">` + bom(""), "declares a document type"},
		"an unknown entity":     {bom(`<component><name>&nbsp;</name></component>`), "not valid XML"},
		"10,000 deep":           {bom(strings.Repeat("<a>", 10_000) + strings.Repeat("</a>", 10_000)), "nests deeper"},
		"cut off":               {bom("")[:70], "breaks off"},
		"tags that cross":       {bom("<a><b></a></b>"), "not valid XML"},
		"another document":      {`<html><body/></html>`, "not a CycloneDX bom"},
		"another namespace":     {`<bom xmlns="urn:parts"/>`, "not a CycloneDX bom"},
		"two roots":             {bom("") + bom(""), "not a CycloneDX bom"},
		"text behind the root":  {bom("") + "more", "text outside"},
		"another encoding":      {`<?xml version="1.0" encoding="ISO-8859-1"?>` + bom(""), "ISO-8859-1"},
		"one endless attribute": {bom(`<component a="` + strings.Repeat("x", 3*maxElement) + `"/>`), "larger than 1 MB"},
		"one endless tag":       {bom(`<component ` + strings.Repeat(`a="" `, maxElement) + `/>`), "larger than 1 MB"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			scans, remarks := readText(tt.text)
			require.Empty(t, scans)
			require.Len(t, remarks, 1)
			require.Contains(t, remarks[0].Problem, tt.words)
			require.Contains(t, remarks[0].Position, "line")
		})
	}
}

func TestSPDX(t *testing.T) {
	document := `{"spdxVersion":"SPDX-2.3","name":"shop","creationInfo":{"created":"2021-12-10T12:00:00Z"},"packages":[
		{"name":"a","versionInfo":"1","externalRefs":[{"referenceType":"cpe23Type","referenceLocator":"cpe:2.3:a"},{"referenceLocator":"pkg:npm/a@1","referenceType":"purl"},{"referenceType":"purl","referenceLocator":"pkg:npm/b@1"}]},
		{"name":"plain","versionInfo":"2"}]}`
	want := []campaign.Scan{{
		Asset: "shop", Source: "spdx", File: "dir/shop.cdx.json", At: time.Date(2021, 12, 10, 12, 0, 0, 0, time.UTC),
		Components: []campaign.Component{{PURL: "pkg:npm/a@1"}, {PURL: "pkg:npm/b@1"}, {Name: "plain", Version: "2"}},
	}}
	for name, text := range map[string]string{"alone": document, "as GitHub exports it": `{"sbom":` + document + `}`} {
		t.Run(name, func(t *testing.T) {
			scans, remarks := readText(text)
			require.Empty(t, remarks)
			require.Equal(t, want, scans)
		})
	}
}

func TestGrypeIsAFindAndNoScan(t *testing.T) {
	scans, remarks := readText(`{"matches":[
		{"vulnerability":{"id":"CVE-1"},"artifact":{"name":"libssl1.1","version":"1","purl":"pkg:deb/debian/libssl1.1@1","upstreams":[{"name":"openssl"}],"locations":[{"path":"/var/lib/dpkg/status"}],"metadata":null}},
		{"vulnerability":{"id":"CVE-2"},"artifact":{"name":"libssl1.1","version":"1","purl":"pkg:deb/debian/libssl1.1@1","upstreams":[{"name":"openssl"}],"locations":[{"path":"/var/lib/dpkg/status"}]}}],
		"source":{"type":"image","target":{"userInput":"shop:1"}},"distro":{"name":"debian"},"descriptor":{"name":"grype","timestamp":"2021-12-10T12:00:00Z"}}`)
	require.Equal(t, []campaign.Scan{{
		Asset: "shop:1", Source: "grype", File: "dir/shop.cdx.json",
		Components: []campaign.Component{{PURL: "pkg:deb/debian/libssl1.1@1", Path: "/var/lib/dpkg/status", Source: "openssl", Layer: campaign.LayerHost}},
	}}, scans)
	require.Len(t, remarks, 1)
	require.True(t, remarks[0].Notice)
	require.Contains(t, remarks[0].Problem, "not as a fresh scan")
}

func TestSyftOfADirectory(t *testing.T) {
	scans, _ := readText(`{"artifacts":[{"name":"openssl-libs","version":"1","purl":"pkg:rpm/centos/openssl-libs@1","metadata":{"sourceRpm":"openssl-1.0.2k-16.el7.src.rpm"}},
		{"name":"b","purl":"pkg:npm/b@1","metadata":{"source":{"url":"x"}}}],"source":{"type":"directory","target":"/srv/shop"}}`)
	require.Equal(t, "/srv/shop", scans[0].Asset)
	require.Equal(t, []campaign.Component{
		{PURL: "pkg:rpm/centos/openssl-libs@1", Source: "openssl@1.0.2k-16.el7", Layer: campaign.LayerHost}, {PURL: "pkg:npm/b@1"},
	}, scans[0].Components)
}

// A package that two lock files of a report name is in two places.
func TestFieldsOfATrivyResultInAnyOrder(t *testing.T) {
	scans, _ := readText(`{"Results":[{"Packages":[{"Name":"a","Version":"1"},{"Name":"a","Version":"1"}],"Target":"x/package-lock.json","Class":"lang-pkgs"},
		{"Packages":[{"Name":"a","Version":"1"}],"Target":"y/package-lock.json","Class":"lang-pkgs"},
		{"Packages":[{"Name":"kernel"}],"Class":"os-pkgs"}],"ArtifactName":"shop"}`)
	require.Equal(t, []campaign.Component{
		{Name: "a", Version: "1", Path: "x/package-lock.json"}, {Name: "a", Version: "1", Path: "y/package-lock.json"}, {Name: "kernel", Layer: campaign.LayerHost},
	}, scans[0].Components)
}

func packed(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write([]byte(text))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.String()
}

func TestCompressedFilesAreReadAsTheyAre(t *testing.T) {
	for name, text := range map[string]string{
		"JSON": "\uFEFF" + `{"bomFormat":"CycloneDX","components":[{"purl":"pkg:npm/a@1"}]}`,
		"XML":  "\uFEFF" + cdxXML, "CSV": "asset,purl\nshop,pkg:npm/a@1\n",
	} {
		t.Run(name, func(t *testing.T) {
			want, _ := Read(strings.NewReader(text), "shop.json.gz")
			require.Len(t, want, 1)
			require.Equal(t, "shop", want[0].Asset)
			got, remarks := Read(strings.NewReader(packed(t, text)), "shop.json.gz")
			require.Empty(t, remarks)
			require.Equal(t, want, got)
		})
	}
	whole := packed(t, `{"bomFormat":"CycloneDX","components":[]}`)
	for name, tt := range map[string]struct{ text, words string }{
		"cut off":          {whole[:len(whole)-6], "breaks off"},
		"damaged":          {whole[:len(whole)-8] + "\x00\x00\x00\x00" + whole[len(whole)-4:], "checksum"},
		"compressed twice": {packed(t, whole), "compressed twice"},
	} {
		t.Run(name, func(t *testing.T) {
			scans, remarks := Read(strings.NewReader(tt.text), "shop.json.gz")
			require.Empty(t, scans)
			require.Len(t, remarks, 1)
			require.Contains(t, remarks[0].Problem, tt.words)
		})
	}
}

package inventory

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

func TestWhoseAComponentIs(t *testing.T) {
	tests := map[string]campaign.Layer{
		"pkg:deb/debian/openjdk-17-jre@17.0.1?arch=amd64": campaign.LayerHost, // who runs apt updates it
		"pkg:rpm/centos/python@2.7.5":                     campaign.LayerHost,
		"pkg:generic/node@18.12.0":                        campaign.LayerRuntime,
		"pkg:generic/java/jre@17.0.1%2B12":                campaign.LayerRuntime,
		"pkg:generic/oracle/jdk@1.8.0?os=linux":           campaign.LayerRuntime,
		"pkg:generic/python@3.11.2":                       campaign.LayerRuntime,
		"pkg:bitnami/java@17.0.9-9-1?arch=amd64":          campaign.LayerRuntime,
		"pkg:generic/redis@7.0.1":                         "",
		"pkg:generic/node-exporter@1.5.0":                 "",
		"pkg:bitnami/wordpress@6.4.1":                     "",
		"pkg:golang/stdlib@1.20.1":                        "", // rebuilt with the program
		"pkg:npm/node@18.12.0":                            "",
		"pkg:maven/org.openjdk/jdk@1":                     "",
	}
	for purl, want := range tests {
		t.Run(purl, func(t *testing.T) { require.Equal(t, want, layerOf(purl)) })
	}
}

func TestCycloneDXSaysWhatAComponentIs(t *testing.T) {
	json := `{"bomFormat":"CycloneDX","specVersion":"1.6","metadata":{"component":{"type":"container","name":"shop"}},"components":[
		{"type":"platform","name":"jvm","version":"17"},
		{"name":"debian","version":"11","type":"operating-system"},
		{"type":"library","name":"a","purl":"pkg:npm/a@1"},
		{"type":"application","name":"node","purl":"pkg:generic/node@18"}]}`
	xml := `<bom xmlns="http://cyclonedx.org/schema/bom/1.6"><metadata><component type="container"><name>shop</name></component></metadata><components>
		<component type="platform"><name>jvm</name><version>17</version></component>
		<component type="operating-system"><name>debian</name><version>11</version></component>
		<component type="library"><name>a</name><purl>pkg:npm/a@1</purl></component>
		<component type="application"><name>node</name><purl>pkg:generic/node@18</purl></component></components></bom>`
	for name, text := range map[string]string{"JSON": json, "XML": xml} {
		t.Run(name, func(t *testing.T) {
			scans, remarks := readText(text)
			require.Empty(t, remarks)
			require.Equal(t, []campaign.Component{
				{Name: "jvm", Version: "17", Layer: campaign.LayerRuntime},
				{Name: "debian", Version: "11", Layer: campaign.LayerHost},
				{PURL: "pkg:npm/a@1"},
				{PURL: "pkg:generic/node@18", Layer: campaign.LayerRuntime},
			}, scans[0].Components)
		})
	}
}

func TestAHostListMaySayTheLayer(t *testing.T) {
	scans, remarks := readText("asset,purl,layer\n" +
		"web-1,pkg:deb/debian/openjdk-17-jre@17.0.1,Runtime\n" +
		"web-1,pkg:deb/debian/bash@5.1,\n" +
		"web-1,pkg:npm/a@1,kernel\n")
	require.Len(t, remarks, 1)
	require.Contains(t, remarks[0].Problem, "unknown layer")
	require.Equal(t, []campaign.Component{
		{PURL: "pkg:deb/debian/openjdk-17-jre@17.0.1", Layer: campaign.LayerRuntime},
		{PURL: "pkg:deb/debian/bash@5.1", Layer: campaign.LayerHost},
	}, scans[0].Components)
}

package advisory

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

// FuzzPrefilter checks that the short cut never hides what the long way finds.
func FuzzPrefilter(f *testing.F) {
	records := []string{
		log4jRecord, oneRange("PyPI", "ruamel.yaml", `{"introduced":"0"}`), oneRange("Go", "stdlib", `{"introduced":"0"}`),
		oneRange("npm", "@babel/core", `{"introduced":"0"}`), oneRange("Debian:11", "openssl", `{"introduced":"0"}`),
		oneRange("Debian:11", "xz", `{"introduced":"0"}`), oneRange("openSUSE", "openssl", `{"introduced":"0"}`),
	}
	var c campaign.Criteria
	for _, raw := range records {
		c.Advisories = append(c.Advisories, read(f, raw))
	}
	for _, purl := range []string{
		"pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1", "pkg:pypi/Ruamel_YAML@1", "pkg:golang/std@1.2.3", "pkg:npm/@babel/core@1.0.0",
		"pkg:npm/%40babel%2Fcore@1.0.0", "pkg:deb/debian/libssl@1?upstream=openssl", "pkg:deb/debian/openssl@1@2/3", "pkg:maven/log4j%2Dcore/log4j%2Dcore@2.1", "pkg:maven//log4j-core/@2.1#a?b",
	} {
		f.Add(purl, "")
	}
	f.Add("pkg:npm/@BABel/Core@/0", "")
	f.Add("pkg:deb/deBiAn/0?upstreAm=openssl", "0")
	f.Add("pkg:DeB/deBiAn/XZ-utils", "")
	f.Add("pkg:deb/debian/xz-utils@1", "")
	f.Add("pkg:deb/debian/libssl@1", "openssl@2")
	f.Add("pkg:rpm/opensuse/libopenssl@1?upstream=openssl-1-2.src.rpm", "")
	f.Add("pkg:rpm/opensuse/libopenssl@1", "openssl-1-2.src.rpm")
	full := compile(f, c).(*judge)
	f.Fuzz(func(t *testing.T, purl, source string) {
		comp := campaign.Component{PURL: purl, Source: source}
		if full.names.rulesOut(comp) {
			id, ok := parsePURL(comp)
			concerns, _ := full.lookUp(id, ok)
			require.Empty(t, concerns)
		}
	})
}

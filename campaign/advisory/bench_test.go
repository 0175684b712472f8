package advisory

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

// BenchmarkMatch judges an estate of 1,000,000 components, one in a hundred of
// which the record names.
func BenchmarkMatch(b *testing.B) {
	const components = 1_000_000
	purls := make([]campaign.Component, components)
	for i := range purls {
		switch {
		case i%100 == 0:
			purls[i].PURL = fmt.Sprintf("pkg:maven/org.apache.logging.log4j/log4j-core@2.%d.%d?type=jar", i/100%18, i/1800%3)
		case i%2 == 0:
			purls[i].PURL = fmt.Sprintf("pkg:maven/com.example.team%d/library-%d@1.%d.0?type=jar", i%97, i%5003, i%11)
		case i%3 == 0:
			purls[i].PURL = fmt.Sprintf("pkg:npm/%%40scope%d/package-%d@%d.0.1", i%89, i%7001, i%7)
		default:
			purls[i].PURL = fmt.Sprintf("pkg:deb/debian/lib%d@1.%d-2?arch=amd64&distro=debian-11&upstream=source%d", i%4001, i%13, i%3001)
		}
	}
	judge := compile(b, campaign.Criteria{Advisories: []campaign.Advisory{read(b, log4jRecord)}})
	b.ReportAllocs()
	found := 0
	for b.Loop() {
		found = 0
		for _, c := range purls {
			found += len(judge.Judge(c))
		}
	}
	require.NotZero(b, found)
	b.ReportMetric(float64(components)*float64(b.N)/b.Elapsed().Seconds(), "components/s")
	b.ReportMetric(float64(found), "findings")
}

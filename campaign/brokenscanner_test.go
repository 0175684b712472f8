package campaign_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

// TestABrokenScannerFixesNothing lets a scanner lose what it had found, in ways
// that real ones do.
func TestABrokenScannerFixesNothing(t *testing.T) {
	bash := campaign.Component{PURL: "pkg:deb/debian/bash@5.1-2?distro=debian-11", Layer: campaign.LayerHost}
	for name, left := range map[string][]campaign.Component{"nothing at all": nil, "only packages of the system": {bash}} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.estate()
			id := h.ready()
			h.launch(id, campaign.SliceAll)
			h.clock.advance(time.Hour)
			h.imports(campaign.Scan{Asset: "checkout", Source: "test", At: h.clock.Now(), Components: left})
			require.Equal(t, campaign.TaskOpen, h.taskNamed(id, "checkout").Status)

			h.clock.advance(time.Hour)
			h.scan("pkg:maven/org.apache.logging.log4j/log4j-api@2.17.1", "checkout")
			require.Equal(t, campaign.TaskVerified, h.taskNamed(id, "checkout").Status, "a scan that sees libraries, and not that one")
		})
	}
}

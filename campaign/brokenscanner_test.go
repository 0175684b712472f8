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

func TestTooMuchGoodNewsNeedsASecondPerson(t *testing.T) {
	h := newHouse(t, func(o *campaign.Options) { o.Brakes.SecondPersonAbove = 3 })
	h.company(5)
	id := h.rolled(campaign.Rollout{})
	h.launch(id, campaign.SliceAll)
	for _, hold := range all[campaign.Hold](h, id, campaign.KindRequest) {
		_, err := h.engine.Decide(t.Context(), h.by(devi), id, hold.ID, true)
		require.NoError(t, err)
	}
	h.settle()
	verified := func() (n int) {
		for _, task := range all[campaign.Task](h, id, campaign.KindTask) {
			if task.Status == campaign.TaskVerified {
				n++
			}
		}
		return n
	}
	before := len(all[campaign.Hold](h, id, campaign.KindRequest))
	h.clock.advance(time.Hour)
	var gone []campaign.Scan
	for _, target := range all[campaign.Target](h, id, campaign.KindTarget) {
		for _, f := range target.Findings {
			gone = append(gone, scanOf(f.Asset, f.Source, h.clock.Now(), "1"))
		}
	}
	require.True(t, h.imports(gone...).Moved[0].Held)
	require.Zero(t, verified())
	_, err := h.engine.Sweep(t.Context(), h.by(cara), id)
	require.NoError(t, err)
	holds := all[campaign.Hold](h, id, campaign.KindRequest)
	require.Len(t, holds, before+1, "the same is asked once")
	for _, hold := range holds {
		if hold.Status == campaign.HoldOpen {
			_, err := h.engine.Decide(t.Context(), h.by(devi), id, hold.ID, true)
			require.NoError(t, err)
		}
	}
	require.Equal(t, len(all[campaign.Task](h, id, campaign.KindTask)), verified())
}

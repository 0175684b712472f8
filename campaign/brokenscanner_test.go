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
	for name, left := range map[string][]campaign.Component{
		"nothing at all":                             nil,
		"only packages of the system":                {bash},
		"packages of the system, and names of files": {bash, {Name: "/app/lib/shop.jar"}, {Name: "debian", Version: "11", Layer: campaign.LayerHost}},
	} {
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

// TestAScannerThatStopsReadingAKindOfFile lets a scanner lose one package
// everywhere, with all else as it was: no look alone is suspicious.
func TestAScannerThatStopsReadingAKindOfFile(t *testing.T) {
	const still = "pkg:maven/org.apache.logging.log4j/log4j-api@2.17.1"
	h := newHouse(t, func(o *campaign.Options) { o.Brakes.SecondPersonAbove = 50 })
	h.estate()
	id := h.ready()
	h.launch(id, campaign.SliceAll)
	h.opts.Brakes.SecondPersonAbove = 1
	engine, err := campaign.New(h.opts)
	require.NoError(t, err)
	h.engine = engine
	h.clock.advance(time.Hour)

	require.True(t, h.scan(still, "checkout", "ledger").Moved[0].Held)
	require.Equal(t, campaign.TaskOpen, h.taskNamed(id, "checkout").Status, "nothing is fixed by what a scan does not list")
	holds := h.openHolds(id)
	require.Len(t, holds, 1)
	require.Equal(t, 2*len(h.campaign(id).Tracks), holds[0].Size)
	require.Contains(t, string(holds[0].Preview), "test lists what it found before under no version any more")

	t.Run("a second person may know better", func(t *testing.T) {
		_, err = h.engine.Decide(t.Context(), h.by(devi), id, holds[0].ID, true)
		require.NoError(t, err)
		require.Equal(t, campaign.TaskVerified, h.taskNamed(id, "checkout").Status)
	})
}

func TestAnUpgradeEverywhereIsNoSign(t *testing.T) {
	h := newHouse(t)
	id := h.fixing()
	h.opts.Brakes.SecondPersonAbove = 1
	engine, err := campaign.New(h.opts)
	require.NoError(t, err)
	h.engine = engine
	h.clock.advance(time.Hour)
	require.False(t, h.scan(log4jFixed, "checkout", "ledger").Moved[0].Held)
	require.Equal(t, campaign.TaskVerified, h.taskNamed(id, "checkout").Status)
}

// TestAPackageStaysOnItsLayer lets a scanner call a package a runtime that it did
// not call one before.
func TestAPackageStaysOnItsLayer(t *testing.T) {
	h := newHouse(t)
	id := h.fixing()
	h.clock.advance(time.Hour)
	h.imports(campaign.Scan{Asset: "checkout", Source: "test", At: h.clock.Now(), Components: []campaign.Component{
		{PURL: log4jCore, Layer: campaign.LayerRuntime}, {PURL: "pkg:maven/junit/junit@4.13"},
	}})
	require.Equal(t, campaign.TaskOpen, h.taskNamed(id, "checkout").Status, "it is there under another word")
	for _, target := range all[campaign.Target](h, id, campaign.KindTarget) {
		require.NotEqual(t, campaign.LayerRuntime, target.Layer)
	}

	h.clock.advance(time.Hour)
	h.imports(campaign.Scan{Asset: "checkout", Source: "test", At: h.clock.Now(), Components: []campaign.Component{
		{PURL: log4jFixed, Layer: campaign.LayerRuntime}, {PURL: "pkg:maven/junit/junit@4.13"},
	}})
	require.Equal(t, campaign.TaskVerified, h.taskNamed(id, "checkout").Status)
}

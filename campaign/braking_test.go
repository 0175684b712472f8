package campaign_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

// refuting imports scans that still see it on what everybody claimed.
func (h *house) refuting(assets ...string) campaign.ImportReport {
	h.t.Helper()
	return h.scan(log4jCore, assets...)
}

func (h *house) openHolds(id string) []campaign.Hold {
	var open []campaign.Hold
	for _, hold := range all[campaign.Hold](h, id, campaign.KindRequest) {
		if hold.Status == campaign.HoldOpen {
			open = append(open, hold)
		}
	}
	return open
}

func TestAnImportThatReopensMuchIsAgreedToAsItWas(t *testing.T) {
	h := newHouse(t, func(o *campaign.Options) { o.Brakes.SecondPersonAbove = 1 })
	h.estate()
	h.opts.Brakes.SecondPersonAbove = 50
	id := h.ready()
	_, err := h.engine.Launch(t.Context(), h.by(cara), id, campaign.SliceAll)
	require.NoError(t, err)
	for _, hold := range h.openHolds(id) {
		_, err := h.engine.Decide(t.Context(), h.by(devi), id, hold.ID, true)
		require.NoError(t, err)
	}
	h.drain()
	c := h.campaign(id)
	for i := range c.Tracks {
		c.Tracks[i].Proof = campaign.ProofScan
	}
	h.put(id, campaign.KindCampaign, "self", c)
	h.saysDone(id, ann)
	h.saysDone(id, ben)
	h.clock.advance(time.Hour)

	require.True(t, h.refuting("checkout", "ledger").Moved[0].Held)
	holds := h.openHolds(id)
	require.Len(t, holds, 1)
	require.Equal(t, 2, holds[0].Size)
	require.Contains(t, string(holds[0].Preview), "reopen 2 tasks")
	require.Contains(t, string(holds[0].Preview), "group:default/ann 2")

	h.clock.advance(time.Hour)
	require.True(t, h.refuting("search").Moved[0].Held)
	require.Len(t, h.openHolds(id), 1, "imports that come while one is held wait with it")

	_, err = h.engine.Decide(t.Context(), h.by(devi), id, holds[0].ID, true)
	require.NoError(t, err)
	require.Equal(t, campaign.TaskInProgress, h.taskNamed(id, "checkout").Status)
	require.Equal(t, campaign.TaskInProgress, h.taskNamed(id, "ledger").Status)
	require.Equal(t, campaign.TaskClaimed, h.taskNamed(id, "search").Status, "nobody agreed to that one")
	_, err = h.engine.Sweep(t.Context(), h.by(cara), id)
	require.NoError(t, err)
	require.Equal(t, campaign.TaskInProgress, h.taskNamed(id, "search").Status, "by itself it is small")
}

func TestWhatWasDeclinedIsNotAskedForAgain(t *testing.T) {
	h := newHouse(t)
	id := h.fixing()
	h.saysDone(id, ann)
	h.opts.Brakes.SecondPersonAbove = 1
	engine, err := campaign.New(h.opts)
	require.NoError(t, err)
	h.engine = engine
	h.clock.advance(time.Hour)
	require.True(t, h.refuting("checkout", "ledger").Moved[0].Held)
	_, err = h.engine.Decide(t.Context(), h.by(devi), id, h.openHolds(id)[0].ID, false)
	require.NoError(t, err)
	_, err = h.engine.Sweep(t.Context(), h.by(cara), id)
	require.NoError(t, err)
	require.Empty(t, h.openHolds(id))
	require.Equal(t, campaign.TaskClaimed, h.taskNamed(id, "checkout").Status)
}

func TestWhatLooksWrongWithAScanner(t *testing.T) {
	at := monday
	assets := func(fresh, old int) []time.Time {
		var times []time.Time
		for range fresh {
			times = append(times, at)
		}
		for range old {
			times = append(times, at.Add(-48*time.Hour))
		}
		return times
	}
	tests := map[string]struct {
		health campaign.SourceHealth
		want   string
	}{
		"lost half the estate": {campaign.SourceHealth{Source: "trivy", Times: assets(52, 48)}, "trivy did not report 48 %"},
		"new ids":              {campaign.SourceHealth{Source: "syft", Same: 4, Other: 6}, "60 % of what syft found before has another name"},
		"as ever":              {campaign.SourceHealth{Source: "syft", Times: assets(95, 5), Same: 100, Other: 2}, ""},
		"too few to tell":      {campaign.SourceHealth{Source: "syft", Times: assets(1, 1)}, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			sign := campaign.SignOf(tt.health)
			require.Contains(t, sign, tt.want, fmt.Sprint(sign))
			require.Equal(t, tt.want == "", sign == "")
		})
	}
}

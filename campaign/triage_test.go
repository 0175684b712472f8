package campaign_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

func TestTriageAgainAfterACrashIsDecided(t *testing.T) {
	h := newHouse(t)
	h.estate()
	h.scan(log4jCore, "forgotten-box")
	_, err := h.engine.New(t.Context(), h.by(cara), campaign.NewCampaign{Title: "log4j RCE", Pattern: "log4j-core"})
	require.NoError(t, err)
	request := h.by(cara)
	for range 2 {
		m, err := h.engine.Triage(t.Context(), request, "log4j-rce", campaign.TriageOrder{Targets: []string{"forgotten-box"}, Reason: "switched off"})
		require.NoError(t, err)
		require.Contains(t, m.Text, "ecided")
	}
	_, err = h.engine.Triage(t.Context(), h.by(cara), "log4j-rce", campaign.TriageOrder{Targets: []string{"forgotten-box"}})
	refused(t, err, campaign.NotFound)
}

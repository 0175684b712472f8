package campaign_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

func TestABackportIsNotAskedForAnyMore(t *testing.T) {
	h := newHouse(t)
	id := h.fixing()
	_, err := h.engine.Override(t.Context(), h.by(cara), id, campaign.Override{Kind: campaign.OverrideFixed, Package: "pkg:maven/org.apache.logging.log4j/log4j-core", Versions: []string{"2.14.1"}})
	require.Contains(t, refused(t, err, campaign.Invalid), "reason")
	_, err = h.engine.Override(t.Context(), h.by(cara), id, campaign.Override{
		Kind: campaign.OverrideFixed, Package: "pkg:maven/org.apache.logging.log4j/log4j-core", Versions: []string{"2.14.1"}, Reason: "our backport",
	})
	require.NoError(t, err)
	require.Contains(t, h.audited(id), "campaign.override")
	h.settle()
	require.Equal(t, campaign.TaskNotAffected, h.taskNamed(id, "search").Status)
}

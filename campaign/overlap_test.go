package campaign_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

func TestANewCampaignWarnsOfOneAboutTheSame(t *testing.T) {
	h := newHouse(t)
	h.estate()
	record := func(id, alias, pkg string) []byte {
		return []byte(`{"id": "` + id + `", "aliases": ["` + alias + `"], "summary": "s", "modified": "2021-12-13T08:00:00Z", "affected": [{"package": {"ecosystem": "Maven", "name": "` + pkg + `"},
			"ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.0"}]}]}]}`)
	}
	_, err := h.engine.New(t.Context(), h.by(cara), campaign.NewCampaign{Title: "first", Advisory: record("GHSA-aaaa-bbbb-cccc", "CVE-2021-1", "a:b")})
	require.NoError(t, err)
	m, err := h.engine.New(t.Context(), h.by(cara), campaign.NewCampaign{Title: "second", Advisory: record("OSV-2021-9", "CVE-2021-1", "c:d")})
	require.NoError(t, err)
	require.Contains(t, m.Text, "*first*")
	require.Contains(t, m.Text, "CVE-2021-1")
	m, err = h.engine.New(t.Context(), h.by(cara), campaign.NewCampaign{Title: "third", Advisory: record("OSV-2021-8", "CVE-2021-3", "e:f")})
	require.NoError(t, err)
	require.NotContains(t, m.Text, ":warning:")
}

package trackertest

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

func bulk(t *testing.T, s Subject) campaign.BulkTracker {
	t.Helper()
	tracker, ok := s.Tracker.(campaign.BulkTracker)
	if !ok {
		t.Skip("it files one ticket a call")
	}
	return tracker
}

// filings returns n filings with keys and titles of their own.
func filings(t *testing.T, n int) (all []campaign.Filing, keys []string) {
	t.Helper()
	for i := range n {
		d := draft()
		d.Title = fmt.Sprintf("Upgrade service-%d", i)
		k := key(t, i)
		all, keys = append(all, campaign.Filing{Key: k, Draft: d}), append(keys, k)
	}
	return all, keys
}

func bulkFilesEachOnce(t *testing.T, s Subject) {
	tracker := bulk(t, s)
	all, keys := filings(t, 4)
	before := ensure(t, s, all[1].Key, all[1].Draft) // one is there already
	first := tracker.EnsureAll(t.Context(), all)
	require.Len(t, first, len(all))
	again := tracker.EnsureAll(t.Context(), all)
	for i, f := range all {
		require.NoError(t, first[i].Err)
		require.Equal(t, first[i], again[i])
		require.Equal(t, f.Draft.Title, look(t, s, first[i].Ref).Title, "outcomes stand in the order of the filings")
		found, err := s.Tracker.Find(t.Context(), f.Key)
		require.NoError(t, err)
		require.Equal(t, first[i].Ref, found)
	}
	require.Equal(t, before, first[1].Ref)
	require.Equal(t, len(all), s.Count(t, keys...))
	require.Empty(t, tracker.EnsureAll(t.Context(), nil))
}

func bulkRefusesOneAndFilesTheRest(t *testing.T, s Subject) {
	tracker := bulk(t, s)
	all, keys := filings(t, 3)
	all[1].Draft.Title = ""
	for range 2 {
		outcomes := tracker.EnsureAll(t.Context(), all)
		require.Len(t, outcomes, 3)
		require.NoError(t, outcomes[0].Err)
		require.Equal(t, campaign.Invalid, campaign.KindOf(outcomes[1].Err), "%v", outcomes[1].Err)
		require.Empty(t, outcomes[1].Ref.ID)
		require.NoError(t, outcomes[2].Err)
		require.Equal(t, "Upgrade service-2", look(t, s, outcomes[2].Ref).Title)
		require.Equal(t, 2, s.Count(t, keys...))
	}
}

func bulkTakesAsManyAsItSays(t *testing.T, s Subject) {
	tracker := bulk(t, s)
	require.Positive(t, tracker.Bulk())
	all, keys := filings(t, tracker.Bulk())
	for i, outcome := range tracker.EnsureAll(t.Context(), all) {
		require.NoError(t, outcome.Err)
		require.NotEmpty(t, outcome.Ref.ID, "%d", i)
	}
	require.Equal(t, len(all), s.Count(t, keys...))
}

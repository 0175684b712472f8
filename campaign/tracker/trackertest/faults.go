package trackertest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

func needFaults(t *testing.T, s Subject) {
	t.Helper()
	if s.Inject == nil {
		t.Skip("nothing can be made to fail here")
	}
}

// Filed, and the answer lost: whoever asks again must find it, not file it.
func lostAnswerIsFoundAgain(t *testing.T, s Subject) {
	needFaults(t, s)
	k := key(t, 1)
	s.Inject(t, Fault{Write: true, Lost: true})
	_, err := s.Tracker.Ensure(t.Context(), k, draft())
	require.Equal(t, campaign.Uncertain, campaign.KindOf(err), "%v", err)
	require.Equal(t, 1, s.Count(t, k), "it was filed")
	found, err := s.Tracker.Find(t.Context(), k)
	require.NoError(t, err)
	require.Equal(t, found, ensure(t, s, k, draft()))
	require.Equal(t, 1, s.Count(t, k))
}

func lostAnswerOfABulkIsFoundAgain(t *testing.T, s Subject) {
	needFaults(t, s)
	tracker := bulk(t, s)
	all, keys := filings(t, 3)
	s.Inject(t, Fault{Write: true, Lost: true})
	for _, outcome := range tracker.EnsureAll(t.Context(), all) {
		require.Equal(t, campaign.Uncertain, campaign.KindOf(outcome.Err), "%v", outcome.Err)
	}
	require.Equal(t, 3, s.Count(t, keys...), "they were filed")
	for _, outcome := range tracker.EnsureAll(t.Context(), all) {
		require.NoError(t, outcome.Err)
	}
	require.Equal(t, 3, s.Count(t, keys...))
}

func faultsBecomeKinds(t *testing.T, s Subject) {
	needFaults(t, s)
	type faulty struct {
		fault Fault
		kind  campaign.Kind
		wait  time.Duration
	}
	reads := map[string]faulty{
		"too many requests": {Fault{Status: 429, Header: map[string]string{"Retry-After": "17"}}, campaign.Unavailable, 17 * time.Second},
		"not available":     {Fault{Status: 503, Header: map[string]string{"Retry-After": "5"}}, campaign.Unavailable, 5 * time.Second},
		"an error inside":   {Fault{Status: 500}, campaign.Unavailable, 0},
		"not let in":        {Fault{Status: 401}, campaign.Forbidden, 0},
		"not allowed":       {Fault{Status: 403}, campaign.Forbidden, 0},
	}
	writes := map[string]faulty{
		"too many requests": {Fault{Write: true, Status: 429, Header: map[string]string{"Retry-After": "17"}}, campaign.Unavailable, 17 * time.Second},
		"not available":     {Fault{Write: true, Status: 503, Header: map[string]string{"Retry-After": "5"}}, campaign.Unavailable, 5 * time.Second},
		"an error inside":   {Fault{Write: true, Status: 500}, campaign.Uncertain, 0},
		"a proxy gave up":   {Fault{Write: true, Status: 504}, campaign.Uncertain, 0},
		"not let in":        {Fault{Write: true, Status: 401}, campaign.Forbidden, 0},
		"not allowed":       {Fault{Write: true, Status: 403}, campaign.Forbidden, 0},
	}
	k, changed := key(t, 1), draft()
	ref := ensure(t, s, k, draft())
	check := func(t *testing.T, tt faulty, err error) {
		t.Helper()
		require.Equal(t, tt.kind, campaign.KindOf(err), "%v", err)
		require.InDelta(t, tt.wait.Seconds(), campaign.RetryAfter(err).Seconds(), 1)
	}
	for name, tt := range reads {
		t.Run("read/"+name, func(t *testing.T) {
			s.Inject(t, tt.fault)
			_, err := s.Tracker.Read(t.Context(), ref)
			check(t, tt, err)
			s.Inject(t, tt.fault)
			_, err = s.Tracker.Find(t.Context(), k)
			check(t, tt, err)
			s.Inject(t, tt.fault)
			for _, err = range s.Tracker.Changes(t.Context(), time.Now().Add(-time.Hour)) {
				if err != nil {
					break
				}
			}
			check(t, tt, err)
			_, err = s.Tracker.Read(t.Context(), ref)
			require.NoError(t, err, "one fault is one call")
		})
	}
	for name, tt := range writes {
		t.Run("write/"+name, func(t *testing.T) {
			other := key(t, 2)
			s.Inject(t, tt.fault)
			_, err := s.Tracker.Ensure(t.Context(), other, draft())
			check(t, tt, err)
			require.Zero(t, s.Count(t, other))
			changed.Title += "!"
			s.Inject(t, tt.fault)
			check(t, tt, s.Tracker.Update(t.Context(), ref, changed))
			s.Inject(t, tt.fault)
			check(t, tt, s.Tracker.Comment(t.Context(), ref, key(t, 3), "It failed."))
			require.NoError(t, s.Tracker.Update(t.Context(), ref, changed))
		})
	}
}

package jira_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/tracker/jira"
	"github.com/musterbot/muster/campaign/tracker/jira/jiratest"
)

// fileMany files tickets by the bulk, and returns their issues' keys.
func fileMany(t *testing.T, tracker *jira.Tracker, n int) []string {
	t.Helper()
	return fileManyFrom(t, tracker, 0, n)
}

// fileManyFrom does that for keys from a number on.
func fileManyFrom(t *testing.T, tracker *jira.Tracker, first, n int) []string {
	t.Helper()
	var issues []string
	for len(issues) < n {
		var filings []campaign.Filing
		for i := range min(tracker.Bulk(), n-len(issues)) {
			filings = append(filings, campaign.Filing{Key: fmt.Sprintf("k%d", first+len(issues)+i), Draft: draft()})
		}
		for _, o := range tracker.EnsureAll(t.Context(), filings) {
			require.NoError(t, o.Err)
			issues = append(issues, o.Ref.ID)
		}
	}
	return issues
}

// cutter lets so many calls through, and then ends the look.
type cutter struct {
	left   int
	cancel func()
}

func (c *cutter) RoundTrip(r *http.Request) (*http.Response, error) {
	if c.left--; c.left < 0 {
		c.cancel()
	}
	return http.DefaultTransport.RoundTrip(r)
}

// looker asks for changes as the engine does: from where it came to when a look is
// cut off, else from the newest change and a little before.
type looker struct {
	tracker   *jira.Tracker
	cut       *cutter
	since, at time.Time
	seen      map[string]campaign.TicketSeen // by issue
}

// look ends after so many calls, as a claim whose time is over. It reports whether
// it came to the end.
func (l *looker) look(t *testing.T, calls int) bool {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	l.cut.left, l.cut.cancel = calls, cancel
	from, last := l.at, time.Time{}
	if from.IsZero() {
		from = l.since.Add(-2 * time.Minute)
	}
	for seen, err := range l.tracker.Changes(ctx, from) {
		if err != nil {
			require.Error(t, ctx.Err(), "%v", err)
			return false
		}
		require.False(t, seen.UpdatedAt.Before(last), "the oldest change comes first")
		last = seen.UpdatedAt
		l.seen[seen.Ref.ID], l.at = seen, last
	}
	l.since, l.at = l.at, time.Time{}
	return true
}

// A look has 24 seconds. What it read must count, or a busy project is never
// followed again.
func TestChangesOfABusyProjectAreAllSeenInShortLooks(t *testing.T) {
	const busy, callsOfALook = 450, 3
	for name, cloud := range kinds {
		for clock, ahead := range map[string]time.Duration{"same clock": 0, "Jira is ahead": 5 * time.Minute, "Jira is behind": -5 * time.Minute} {
			t.Run(name+"/"+clock, func(t *testing.T) {
				t.Parallel()
				// All of it within one minute, as Muster itself files.
				o := options(cloud)
				o.Now = func() time.Time { return time.Now().Add(ahead) }
				server := start(t, o)
				cut := &cutter{left: 1000, cancel: func() {}}
				tracker := connect(t, server, cloud, func(o *jira.Options) { o.Client = clientOf(t, server, cloud, cut) })
				issues := fileMany(t, tracker, busy)
				l := looker{tracker: tracker, cut: cut, since: o.Now().Add(-time.Hour), seen: map[string]campaign.TicketSeen{}}
				for looks := 0; !l.look(t, callsOfALook); looks++ {
					require.Less(t, looks, 30, "a look does not begin where the one before did")
					for n := range 3 { // people go on working, on what was seen and on what was not
						change(t, server, issues[(looks*211+n*97)%busy])
					}
				}
				require.True(t, l.look(t, 1000))
				for _, key := range issues {
					issue, err := server.Issue(key)
					require.NoError(t, err)
					require.WithinDuration(t, issue.Updated, l.seen[key].UpdatedAt, 0, "%s was skipped", key)
				}
			})
		}
	}
}

func change(t *testing.T, server *jiratest.Server, key string) {
	t.Helper()
	require.NoError(t, server.Change(key, func(i *jiratest.Issue) { i.Summary += "!" }))
}

// An issue that changes while others are read comes in its new place, then or in
// the next look.
func TestWhatChangesWhileItIsReadIsNotSkipped(t *testing.T) {
	for name, cloud := range kinds {
		t.Run(name, func(t *testing.T) {
			server := start(t, options(cloud))
			tracker := connect(t, server, cloud)
			issues := fileMany(t, tracker, 350)
			seen, last := map[string]time.Time{}, time.Time{}
			for s, err := range tracker.Changes(t.Context(), time.Now().Add(-time.Hour)) {
				require.NoError(t, err)
				require.False(t, s.UpdatedAt.Before(last))
				seen[s.Ref.ID], last = s.UpdatedAt, s.UpdatedAt
				switch len(seen) {
				case 150: // one that was read, one of the page at hand, two of later pages
					for _, n := range []int{10, 170, 220, 349} {
						change(t, server, issues[n])
					}
				case 210:
					change(t, server, issues[349])
					require.NoError(t, server.Change(issues[300], func(i *jiratest.Issue) { i.Labels = nil }))
				}
			}
			for s, err := range tracker.Changes(t.Context(), last) { // the next look
				require.NoError(t, err)
				seen[s.Ref.ID] = s.UpdatedAt
			}
			for n, key := range issues {
				issue, err := server.Issue(key)
				require.NoError(t, err)
				if n != 300 {
					require.WithinDuration(t, issue.Updated, seen[key], 0, "%s was skipped", key)
				}
			}
		})
	}
}

func TestFewChangesCostOneCall(t *testing.T) {
	server := start(t, options(true))
	tracker := connect(t, server, true)
	fileMany(t, tracker, 100)
	before, count := server.Stats().Calls, 0
	for _, err := range tracker.Changes(t.Context(), time.Now().Add(-time.Hour)) {
		require.NoError(t, err)
		count++
	}
	require.Equal(t, 100, count)
	require.Equal(t, before+1, server.Stats().Calls)
}

// afterSkim calls do once, behind the first page that a look skims.
type afterSkim struct{ do func() }

func (a *afterSkim) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := http.DefaultTransport.RoundTrip(r)
	if do := a.do; do != nil && r.URL.Query().Get("maxResults") == "1000" {
		a.do = nil
		do()
	}
	return response, err
}

// A Data Center counts pages. What is found by "minutes ago" leaves the result as
// time goes on, and those behind it move up.
func TestWhatLeavesTheResultWhileItIsSkimmedHidesNothing(t *testing.T) {
	const leaving, skimmed = 10, 1000
	for name, gone := range map[string][]int{
		"the oldest": nil, "and where the page ended": {skimmed - 1, skimmed - 2}, "and hundreds of them": hundreds(200, 900),
	} {
		t.Run(name, func(t *testing.T) {
			begun := time.Now()
			var ahead atomic.Int64 // Jira's clock
			o := options(false)
			o.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
			server := start(t, o)
			after := &afterSkim{}
			tracker := connect(t, server, false, func(o *jira.Options) { o.Client = clientOf(t, server, false, after) })
			ahead.Store(int64(-10*time.Minute - 50*time.Second)) // before what is asked for, and within the overlap
			fileMany(t, tracker, leaving)
			ahead.Store(0)
			issues := fileManyFrom(t, tracker, leaving, 1090)
			after.do = func() {
				ahead.Store(int64(25 * time.Second))
				for _, n := range gone {
					require.NoError(t, server.Change(issues[n-leaving], func(i *jiratest.Issue) { i.Labels = nil }))
				}
			}
			seen := map[string]int{}
			for s, err := range tracker.Changes(t.Context(), begun.Add(-30*time.Second)) {
				require.NoError(t, err)
				seen[s.Ref.ID]++
			}
			require.Nil(t, after.do)
			for n, key := range issues {
				if !slices.Contains(gone, n+leaving) {
					require.Equal(t, 1, seen[key], key)
				}
			}
		})
	}
}

func hundreds(from, to int) (list []int) {
	for n := from; n < to; n++ {
		list = append(list, n)
	}
	return list
}

package jira_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/tracker/jira"
	"github.com/musterbot/muster/campaign/tracker/jira/jiratest"
)

// A Data Center refuses silence to those who administer nothing.
func TestAnUpdateIsWrittenAloudWhereJiraAllowsNoSilence(t *testing.T) {
	for name, cloud := range kinds {
		t.Run(name, func(t *testing.T) {
			o := options(cloud)
			o.NotAdmin = true
			server := start(t, o)
			tracker := connect(t, server, cloud)
			d := draft()
			ref, err := tracker.Ensure(t.Context(), "k1", d)
			require.NoError(t, err)
			for n := range 3 {
				before := server.Stats().Writes
				d.Title += "!"
				require.NoError(t, tracker.Update(t.Context(), ref, d))
				issue, err := server.Issue(ref.ID)
				require.NoError(t, err)
				require.Equal(t, d.Title, issue.Summary)
				if n > 0 {
					require.Equal(t, before+1, server.Stats().Writes, "it is known by then")
				}
			}
		})
	}
}

// One refusal that has another reason does not make all later updates loud.
func TestAnUpdateThatMayNotBeMadeIsRefused(t *testing.T) {
	o := options(false)
	server := start(t, o)
	tracker := connect(t, server, false)
	d := draft()
	ref, err := tracker.Ensure(t.Context(), "k1", d)
	require.NoError(t, err)
	d.Title += "!"
	server.Inject(jiratest.Fault{Write: true, Status: http.StatusForbidden})
	require.Equal(t, campaign.Forbidden, campaign.KindOf(tracker.Update(t.Context(), ref, d)))
	require.NoError(t, tracker.Update(t.Context(), ref, d))
}

// A ticket whose labels somebody took away is found by nothing any more, unless
// they are put back.
func TestAnUpdatePutsOurLabelsBack(t *testing.T) {
	tests := map[string][]string{
		"both":          {"backend"},
		"its own":       {"backend", "muster"},
		"that of all":   {"backend", "muster-k1"},
		"none of those": {"backend", "muster", "muster-k1"},
	}
	for taken, left := range tests {
		for name, cloud := range kinds {
			t.Run(taken+"/"+name, func(t *testing.T) {
				server := start(t, options(cloud))
				tracker := connect(t, server, cloud)
				d := draft()
				d.Checklist = []campaign.CheckItem{{ID: "a.fix", Text: "Upgrade checkout-api"}}
				ref, err := tracker.Ensure(t.Context(), "k1", d)
				require.NoError(t, err)
				require.NoError(t, server.Change(ref.ID, func(i *jiratest.Issue) { i.Labels = slices.Clone(left) }))
				seen, err := tracker.Read(t.Context(), ref)
				require.NoError(t, err)
				require.Equal(t, "k1", seen.Key)

				d.Body += "And more.\n"
				require.NoError(t, tracker.Update(t.Context(), ref, d))
				issue, err := server.Issue(ref.ID)
				require.NoError(t, err)
				require.ElementsMatch(t, []string{"backend", "muster", "muster-k1"}, issue.Labels)
				found, err := tracker.Find(t.Context(), "k1")
				require.NoError(t, err)
				require.Equal(t, ref, found)
				before := server.Stats().Writes
				require.NoError(t, tracker.Update(t.Context(), ref, d))
				require.Equal(t, before, server.Stats().Writes)
			})
		}
	}
}

// Where nothing tells the key, what is left is not written over.
func TestAnUpdateWithoutAKeyWritesNoEmptyOne(t *testing.T) {
	for name, cloud := range kinds {
		t.Run(name, func(t *testing.T) {
			server := start(t, options(cloud))
			tracker := connect(t, server, cloud)
			ref, err := tracker.Ensure(t.Context(), "k1", draft())
			require.NoError(t, err)
			require.NoError(t, server.Change(ref.ID, func(i *jiratest.Issue) {
				i.Labels, i.Properties = nil, map[string]any{}
				if !cloud {
					i.Description = jira.Wiki("Rewritten.")
				}
			}))
			d := draft()
			d.Title += "!"
			require.NoError(t, tracker.Update(t.Context(), ref, d))
			issue, err := server.Issue(ref.ID)
			require.NoError(t, err)
			require.Equal(t, d.Title, issue.Summary)
			require.Empty(t, issue.Labels)
			require.Empty(t, issue.Properties)
			text, err := json.Marshal(issue.Description)
			require.NoError(t, err)
			require.NotContains(t, string(text), "muster-key")
		})
	}
}

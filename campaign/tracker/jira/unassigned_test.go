package jira_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/tracker/jira"
	"github.com/musterbot/muster/campaign/tracker/jira/jiratest"
)

// A lead is not the owner of all that nobody is mapped to; the engine would take
// it for that.
func TestIssuesOfOwnersWithoutAnAccountAreNobodys(t *testing.T) {
	const bulks = 3 // of 50, each with one ticket for somebody
	tests := map[string]struct {
		lead       string
		unassigned jiratest.Unassigned
		want       string
		calls      int // besides a search and a creation for each bulk
	}{
		"the project's default is nobody":       {"", jiratest.UnassignedTaken, "", 1},
		"nobody is taken":                       {"acc-lead", jiratest.UnassignedTaken, "", 1 + 1},
		"nobody is ignored on creation":         {"acc-lead", jiratest.UnassignedIgnored, "", 1 + 1 + bulks*49},
		"the field is not on the create screen": {"acc-lead", jiratest.UnassignedRefused, "", 1 + 1 + bulks*49},
		"Jira has no unassigned issues":         {"acc-lead", jiratest.UnassignedNever, "acc-lead", 1 + 1 + 1},
	}
	for name, tt := range tests {
		for kind, cloud := range kinds {
			t.Run(name+"/"+kind, func(t *testing.T) {
				o := options(cloud)
				o.Accounts, o.DefaultAssignee, o.Unassigned = append(o.Accounts, "acc-lead"), tt.lead, tt.unassigned
				server := start(t, o)
				tracker := connect(t, server, cloud)
				for b := range bulks {
					var filings []campaign.Filing
					for n := range tracker.Bulk() {
						d := draft()
						if n > 0 {
							d.Assignee = "nobody knows"
						}
						filings = append(filings, campaign.Filing{Key: fmt.Sprintf("k%d-%d", b, n), Draft: d})
					}
					for _, o := range tracker.EnsureAll(t.Context(), filings) {
						require.NoError(t, o.Err)
					}
				}
				require.Equal(t, tt.calls, server.Stats().Calls-2*bulks)
				require.Len(t, server.Issues(), bulks*50)
				for _, i := range server.Issues() {
					if strings.HasSuffix(strings.Join(i.Labels, " "), "-0") {
						require.Equal(t, "acc-payments", i.Assignee)
						continue
					}
					require.Equal(t, tt.want, i.Assignee, i.Key)
				}
				d, last := draft(), server.Issues()[bulks*50-1]
				d.Assignee = "nobody knows"
				for run, tracker := range []*jira.Tracker{tracker, connect(t, server, cloud)} { // and one that has to learn it
					d.Title, d.Due = fmt.Sprint("Changed ", run), time.Date(2021, 12, 20+run, 0, 0, 0, 0, time.UTC)
					for range 2 {
						require.NoError(t, tracker.Update(t.Context(), campaign.TicketRef{ID: last.Key}, d))
					}
					changed, err := server.Issue(last.Key)
					require.NoError(t, err)
					require.Equal(t, d.Title, changed.Summary)
					require.Equal(t, d.Due.Format(time.DateOnly), changed.Due)
					require.Equal(t, tt.want, changed.Assignee)
				}
			})
		}
	}
}

// Where the field is on no edit screen, an issue is left to nobody by a call of its
// own, and what is filed later is not taken for somebody's.
func TestAnUpdateLeavesAnIssueToNobodyWithoutTheEditScreen(t *testing.T) {
	for name, cloud := range kinds {
		t.Run(name, func(t *testing.T) {
			o := options(cloud)
			o.Accounts, o.DefaultAssignee, o.AssigneeOffEdit = append(o.Accounts, "acc-lead"), "acc-lead", true
			server := start(t, o)
			tracker := connect(t, server, cloud)
			d := draft()
			d.Assignee = "nobody knows"
			ref, err := tracker.Ensure(t.Context(), "k1", d)
			require.NoError(t, err)
			require.NoError(t, server.Change(ref.ID, func(i *jiratest.Issue) { i.Assignee = "acc-platform" }))
			d.Title += "!"
			require.NoError(t, tracker.Update(t.Context(), ref, d))
			changed, err := server.Issue(ref.ID)
			require.NoError(t, err)
			require.Equal(t, d.Title, changed.Summary)
			require.Empty(t, changed.Assignee)
			_, err = tracker.Ensure(t.Context(), "k2", d)
			require.NoError(t, err)
			require.Empty(t, server.Issues()[1].Assignee)
		})
	}
}

// breaker lets the next call of a path meet a fault.
type breaker struct {
	server *jiratest.Server
	path   string // its end
	fault  jiratest.Fault
}

func (b *breaker) RoundTrip(r *http.Request) (*http.Response, error) {
	if b.path != "" && strings.HasSuffix(r.URL.Path, b.path) && r.Method != http.MethodGet {
		b.server.Inject(b.fault)
		b.path = ""
	}
	return http.DefaultTransport.RoundTrip(r)
}

// The search may not show the issue yet: what fails behind a creation must not be
// tried again as if nothing had been filed.
func TestWhatFailsBehindACreationIsLookedUp(t *testing.T) {
	for name, fault := range map[string]jiratest.Fault{
		"Jira is busy": {Write: true, Status: http.StatusTooManyRequests, Header: map[string]string{"Retry-After": "3"}},
		"Jira fails":   {Write: true, Status: http.StatusInternalServerError},
		"no answer":    {Write: true, Lost: true},
	} {
		for _, path := range []string{"/assignee", "/transitions"} {
			t.Run(name+path, func(t *testing.T) {
				o := options(false)
				o.Accounts, o.DefaultAssignee, o.Unassigned = append(o.Accounts, "acc-lead"), "acc-lead", jiratest.UnassignedIgnored
				server := start(t, o)
				b := &breaker{server: server, path: path, fault: fault}
				tracker := connect(t, server, false, func(o *jira.Options) { o.Client = clientOf(t, server, false, b) })
				d := draft()
				d.Assignee, d.Status = "nobody knows", campaign.TicketInProgress
				_, err := tracker.Ensure(t.Context(), "k1", d)
				require.Equal(t, campaign.Uncertain, campaign.KindOf(err), "%v", err)

				ref, err := tracker.Ensure(t.Context(), "k1", d)
				require.NoError(t, err)
				require.Len(t, server.Issues(), 1)
				issue, err := server.Issue(ref.ID)
				require.NoError(t, err)
				require.Empty(t, issue.Assignee)
			})
		}
	}
}

// What a person chose stays, also where a filing is asked for once more.
func TestAFilingFoundAgainKeepsWhomAPersonAssigned(t *testing.T) {
	now := time.Now()
	o := options(true)
	o.Accounts, o.DefaultAssignee, o.Now = append(o.Accounts, "acc-lead"), "acc-lead", func() time.Time { return now }
	server := start(t, o)
	tracker := connect(t, server, true)
	d := draft()
	d.Assignee = "nobody knows"
	ref, err := tracker.Ensure(t.Context(), "k1", d)
	require.NoError(t, err)
	now = now.Add(time.Minute)
	require.NoError(t, server.Change(ref.ID, func(i *jiratest.Issue) { i.Assignee = "acc-platform" }))
	_, err = tracker.Ensure(t.Context(), "k1", d)
	require.NoError(t, err)
	issue, err := server.Issue(ref.ID)
	require.NoError(t, err)
	require.Equal(t, "acc-platform", issue.Assignee)
}

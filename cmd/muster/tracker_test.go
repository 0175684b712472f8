package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/tracker/jira/jiratest"
	"github.com/musterbot/muster/configs"
	"github.com/musterbot/muster/configs/secret"
	"github.com/musterbot/muster/store/pace"
)

// What the configuration says must be what Jira gets.
func TestTheConfiguredTrackerFilesTickets(t *testing.T) {
	for name, api := range map[string]int{"data center": 2, "cloud": 3} {
		t.Run(name, func(t *testing.T) {
			o := jiratest.Options{
				Cloud: api == 3, Project: "OPS", Token: "t0ken", Accounts: []string{"acc-1"}, Mandatory: []string{"customfield_10010"},
				Resolution: jiratest.ResolutionAsked, Resolutions: []string{"Done", "Mitigated"},
			}
			cfg := configs.Tracker{
				Kind: "jira", Token: secret.New("t0ken"), Project: "OPS", API: api, CallsPerMinute: 300,
				Owners: map[string]string{"payments": "acc-1"}, Statuses: configs.TrackerStatuses{InProgress: "In Review"},
				Fields: map[string]any{"customfield_10010": map[string]any{"value": "Security"}}, Resolution: "Mitigated", NoDue: true,
			}
			if api == 3 {
				o.User, cfg.User = "bot@acme.example", "bot@acme.example"
			}
			server, err := jiratest.Start(o)
			require.NoError(t, err)
			t.Cleanup(server.Close)
			cfg.URL = server.URL()

			tracker, own, err := newTracker(cfg, trackerParts{limiter: pace.New(1)})
			require.NoError(t, err)
			require.Nil(t, own)
			d := campaign.TicketDraft{Title: "Upgrade log4j", Body: "Now.", Assignee: "payments", Status: campaign.TicketDone, Due: time.Now()}
			ref, err := tracker.Ensure(t.Context(), "k1", d)
			require.NoError(t, err)
			issue, err := server.Issue(ref.ID)
			require.NoError(t, err)
			require.Equal(t, "acc-1", issue.Assignee)
			require.Equal(t, []string{"muster", "muster-k1"}, issue.Labels)
			require.Equal(t, map[string]any{"value": "Security"}, issue.Custom["customfield_10010"])
			require.Equal(t, "Mitigated", issue.Resolution)
			require.Empty(t, issue.Due)

			for range 100 { // so many at once are above the rate
				if _, err = tracker.Find(t.Context(), "k1"); err != nil {
					break
				}
			}
			require.Equal(t, campaign.Unavailable, campaign.KindOf(err))
			require.Positive(t, campaign.RetryAfter(err))
			require.Less(t, campaign.RetryAfter(err), time.Minute)
		})
	}
}

// And what ServiceNow gets.
func TestTheConfiguredServiceNow(t *testing.T) {
	var mu sync.Mutex
	record := map[string]string{"sys_id": "s1", "number": "INC0000001"}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if r.Method != http.MethodGet {
			require.NoError(t, json.NewDecoder(r.Body).Decode(&record))
		}
		shown := map[string]any{}
		for name, value := range record {
			shown[name] = map[string]string{"value": value}
		}
		var result any = []any{shown}
		if r.Method != http.MethodGet {
			result = shown
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"result": result})
	}))
	t.Cleanup(server.Close)
	tracker, _, err := newTracker(configs.Tracker{
		Kind: "servicenow", URL: server.URL, User: "muster", Token: secret.New("t0ken"),
		CommentField: "work_notes", CloseCode: "Security fix", CloseNotes: "See Slack.", TextLimit: 1200,
	}, trackerParts{limiter: pace.New(1)})
	require.NoError(t, err)
	ref, err := tracker.Ensure(t.Context(), "k1", campaign.TicketDraft{Title: "t", Body: strings.Repeat("word ", 1000), Status: campaign.TicketDone})
	require.NoError(t, err)
	require.NoError(t, tracker.Comment(t.Context(), ref, "c1", "The floor moved."))
	require.Equal(t, "Security fix", record["close_code"])
	require.Equal(t, "See Slack.", record["close_notes"])
	require.LessOrEqual(t, len(record["description"]), 1200)
	require.Contains(t, record["work_notes"], "The floor moved.")
	require.Empty(t, record["comments"])
}

func TestEveryKindOfTrackerCanBeMade(t *testing.T) {
	for kind, project := range map[string]string{"redmine": "sec", "jira": "SEC", "github": "acme/security", "gitlab": "acme/security", "servicenow": "incident"} {
		cfg := configs.Tracker{Kind: kind, URL: "https://tracker.example", User: "muster", Token: secret.New("t0ken"), Project: project}
		_, _, err := newTracker(cfg, trackerParts{limiter: pace.New(1)})
		require.NoError(t, err, kind)
		require.Positive(t, ticketsPerMinute(cfg), kind)
	}
}

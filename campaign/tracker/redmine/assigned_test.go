package redmine_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/tracker/redmine/redminetest"
	"github.com/musterbot/muster/configs/secret"
)

// mustBeAssigned answers as a Redmine whose issues go to a default assignee, and
// may not be taken from anybody.
type mustBeAssigned struct {
	oneSecond
	status int // of the refusal

	mu     sync.Mutex
	fields map[string]any // of the one issue; nil when there is none
	tries  int            // to take it from whom it has
}

func (m *mustBeAssigned) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var body struct{ Issue map[string]any }
	_ = json.NewDecoder(r.Body).Decode(&body)
	to, named := body.Issue["assigned_to_id"]
	switch {
	case r.Method == http.MethodPut && named && to == "":
		m.tries++
		w.WriteHeader(m.status)
		_ = json.NewEncoder(w).Encode(map[string]any{"errors": []string{"Assignee cannot be blank"}})
	case r.Method == http.MethodPut:
		m.fields["subject"] = body.Issue["subject"]
		w.WriteHeader(http.StatusNoContent)
	case r.Method == http.MethodPost:
		m.fields = map[string]any{
			"id": 1, "subject": body.Issue["subject"], "description": body.Issue["description"], "status": map[string]any{"id": 1},
			"assigned_to": map[string]any{"id": 7, "name": "platform"}, "custom_fields": body.Issue["custom_fields"],
			"created_on": "2021-12-13T09:00:00Z", "updated_on": "2021-12-13T09:00:00Z",
		}
		w.WriteHeader(http.StatusCreated)
		_ = json.NewEncoder(w).Encode(map[string]any{"issue": m.fields})
	case r.URL.Path == "/issues.json" && m.fields != nil:
		_ = json.NewEncoder(w).Encode(map[string]any{"total_count": 1, "issues": []any{m.fields}})
	case r.URL.Path == "/issues/1.json":
		_ = json.NewEncoder(w).Encode(map[string]any{"issue": m.fields})
	default:
		m.oneSecond.ServeHTTP(w, r)
	}
}

// A ticket is filed also where Redmine lets nobody be taken from it; Try again
// would only be refused again.
func TestWhatMayNotBeUnassignedIsFiledAndUpdated(t *testing.T) {
	for name, status := range map[string]int{"refused": http.StatusUnprocessableEntity, "forbidden": http.StatusForbidden} {
		t.Run(name, func(t *testing.T) {
			m := &mustBeAssigned{status: status}
			server := httptest.NewServer(m)
			t.Cleanup(server.Close)
			tracker := open(t, redminetest.Server{URL: server.URL}, secret.New("k3y"), nil)
			d := campaign.TicketDraft{Title: "t", Assignee: "unknown team"}
			for range 2 {
				ref, err := tracker.Ensure(t.Context(), "k1", d)
				require.NoError(t, err)
				require.Equal(t, "1", ref.ID)
			}
			require.Equal(t, 2, m.tries)

			d.Title = "changed"
			err := tracker.Update(t.Context(), campaign.TicketRef{ID: "1"}, d)
			if status == http.StatusForbidden { // then it may change nothing
				require.Equal(t, campaign.Forbidden, campaign.KindOf(err), "%v", err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, "changed", m.fields["subject"])
			require.NoError(t, tracker.Update(t.Context(), campaign.TicketRef{ID: "1"}, d), "nothing is left to write")
		})
	}
}

// What fails for another reason is not taken for filed.
func TestAnUnassignmentThatFailsIsTriedAgain(t *testing.T) {
	m := &mustBeAssigned{status: http.StatusTooManyRequests}
	server := httptest.NewServer(m)
	t.Cleanup(server.Close)
	tracker := open(t, redminetest.Server{URL: server.URL}, secret.New("k3y"), nil)
	_, err := tracker.Ensure(t.Context(), "k1", campaign.TicketDraft{Title: "t", Assignee: "unknown team"})
	require.Equal(t, campaign.Unavailable, campaign.KindOf(err), "%v", err)
}

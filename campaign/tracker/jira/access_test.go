package jira_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/tracker/jira"
)

// Cloud shows an expired token an empty Jira: no ticket may look deleted by that,
// and no poll quiet.
func TestAnExpiredTokenIsNoEmptyJira(t *testing.T) {
	for name, cloud := range kinds {
		t.Run(name, func(t *testing.T) {
			server := start(t, options(cloud))
			tracker := connect(t, server, cloud)
			ref, err := tracker.Ensure(t.Context(), "k1", draft())
			require.NoError(t, err)
			server.SetToken("rotated")
			_, read := tracker.Read(t.Context(), ref)
			_, found := tracker.Find(t.Context(), "k1")
			_, filed := tracker.Ensure(t.Context(), "k2", draft())
			var changed error
			for _, changed = range tracker.Changes(t.Context(), time.Now().Add(-time.Hour)) {
				require.Error(t, changed)
			}
			for what, err := range map[string]error{
				"read": read, "find": found, "file": filed, "changes": changed,
				"update": tracker.Update(t.Context(), ref, draft()), "comment": tracker.Comment(t.Context(), ref, "c1", "Hello."),
			} {
				require.Equal(t, campaign.Forbidden, campaign.KindOf(err), "%s: %v", what, err)
				require.Contains(t, campaign.PublicMessage(err), "credentials", what)
			}
			require.Len(t, server.Issues(), 1)
		})
	}
}

// Whoever took the account out of the project has deleted no ticket.
func TestAProjectThatIsHiddenHasNoDeletedTickets(t *testing.T) {
	for name, cloud := range kinds {
		t.Run(name, func(t *testing.T) {
			server := start(t, options(cloud))
			tracker := connect(t, server, cloud)
			ref, err := tracker.Ensure(t.Context(), "k1", draft())
			require.NoError(t, err)
			server.Hide(true)
			_, err = tracker.Read(t.Context(), ref)
			require.Equal(t, campaign.Forbidden, campaign.KindOf(err), "%v", err)
			require.Contains(t, campaign.PublicMessage(err), "does not show project SEC to Muster's account")
			server.Hide(false)
			_, err = tracker.Read(t.Context(), ref)
			require.NoError(t, err)
			_, err = tracker.Read(t.Context(), campaign.TicketRef{ID: "SEC-99"})
			require.Equal(t, campaign.NotFound, campaign.KindOf(err), "%v", err)
		})
	}
}

// notShown hides the project alone, as between a search and the look at it.
type notShown struct{}

func (notShown) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.Contains(r.URL.Path, "/project/") {
		return http.DefaultTransport.RoundTrip(r)
	}
	return &http.Response{
		StatusCode: http.StatusNotFound, Header: http.Header{"Content-Type": {"application/json"}}, Request: r,
		Body: io.NopCloser(strings.NewReader(`{"errorMessages":["No project could be found with key 'SEC'."],"errors":{}}`)),
	}, nil
}

// Whoever files for nobody asks for the project first; that it is not shown is no
// missing ticket.
func TestAFilingSaysThatTheProjectIsHidden(t *testing.T) {
	for name, cloud := range kinds {
		t.Run(name, func(t *testing.T) {
			server := start(t, options(cloud))
			tracker := connect(t, server, cloud, func(o *jira.Options) { o.Client = clientOf(t, server, cloud, notShown{}) })
			d := draft()
			d.Assignee = "nobody knows"
			_, err := tracker.Ensure(t.Context(), "k1", d)
			require.Equal(t, campaign.Forbidden, campaign.KindOf(err), "%v", err)
			require.Contains(t, campaign.PublicMessage(err), "does not show project SEC to Muster's account")
			require.Empty(t, server.Issues())
		})
	}
}

package campaign_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/tracker/redmine"
	"github.com/musterbot/muster/campaign/tracker/redmine/redminetest"
	"github.com/musterbot/muster/campaign/tracker/rest"
	"github.com/musterbot/muster/configs/secret"
)

// The way of a ticket through a real Redmine: filed by a launch, closed there by
// a person, seen here, reopened by Muster.
func TestATicketThatIsClosedInRedmineIsSeenAndReopened(t *testing.T) {
	t.Parallel()
	server := redminetest.Start(t)
	connect := func(key secret.Secret) *rest.Client {
		client, err := rest.New(rest.Options{System: "Redmine", BaseURL: server.URL, Auth: rest.Header("X-Redmine-API-Key", key)})
		require.NoError(t, err)
		t.Cleanup(client.Close)
		return client
	}
	tracker, err := redmine.New(redmine.Options{Client: connect(server.Muster), PageURL: server.URL, Project: "sec", Markdown: true})
	require.NoError(t, err)
	h := newHouse(t, func(o *campaign.Options) { o.Tracker = tracker })
	id := h.launched(plain)
	ticket := h.ticketNamed(id, "search")
	require.Equal(t, server.URL+"/issues/"+ticket.Ref.ID, ticket.Ref.URL)

	require.NoError(t, connect(server.Admin).Do(t.Context(), rest.Call{
		Method: http.MethodPut, Path: "/issues/" + ticket.Ref.ID + ".json",
		In: map[string]any{"issue": map[string]any{"status_id": 5, "notes": "Done, I think."}},
	}))
	h.minute()
	task := h.taskNamed(id, "search")
	require.Equal(t, campaign.TaskClaimed, task.Status)
	require.Equal(t, campaign.MethodUnstated, task.Claim.Method)
	require.Len(t, h.saidTo(ben, "how_done"), 1)
	require.Equal(t, campaign.TaskOpen, h.taskNamed(id, "ledger").Status)

	_, err = h.engine.Void(t.Context(), h.by(cara), id, "mitigate", campaign.MethodUnstated, "Say how it was done.")
	require.NoError(t, err)
	h.settle()
	h.minute()
	require.Equal(t, campaign.TaskInProgress, h.taskNamed(id, "search").Status)
	seen, err := tracker.Read(t.Context(), ticket.Ref)
	require.NoError(t, err)
	require.Equal(t, campaign.TicketInProgress, seen.Status)
	require.Equal(t, ticket.ID, seen.Key)
}

package builtin_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/tracker/builtin"
	"github.com/musterbot/muster/campaign/tracker/trackertest"
	"github.com/musterbot/muster/store/bolt"
)

func TestTrackerContract(t *testing.T) {
	trackertest.Run(t, func(t *testing.T) trackertest.Subject {
		tracker := openTracker(t, "")
		return trackertest.Subject{
			Tracker: tracker, Atomic: true,
			Look: func(t *testing.T, ref campaign.TicketRef) trackertest.Seen {
				ticket, _, err := tracker.Look(t.Context(), ref.ID)
				require.NoError(t, err)
				return trackertest.Seen{Title: ticket.Title, Body: ticket.Body, Assignee: ticket.Assignee, Due: ticket.Due, Status: ticket.Status}
			},
			Count: func(t *testing.T, keys ...string) int {
				count := 0
				for _, ticket := range all(t, tracker) {
					if slices.Contains(keys, ticket.Key) {
						count++
					}
				}
				return count
			},
			Comments: func(t *testing.T, ref campaign.TicketRef) []string {
				_, comments, err := tracker.Look(t.Context(), ref.ID)
				require.NoError(t, err)
				var texts []string
				for _, c := range comments {
					texts = append(texts, c.Text)
				}
				return texts
			},
		}
	})
}

func openTracker(t *testing.T, page string) *builtin.Tracker {
	t.Helper()
	store, err := bolt.Open(filepath.Join(t.TempDir(), "muster.db"), bolt.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	tracker, err := builtin.New(builtin.Options{Store: store, PageURL: page})
	require.NoError(t, err)
	return tracker
}

func all(t *testing.T, tracker *builtin.Tracker) []builtin.Ticket {
	t.Helper()
	var tickets []builtin.Ticket
	for ticket, err := range tracker.All(t.Context()) {
		require.NoError(t, err)
		tickets = append(tickets, ticket)
	}
	return tickets
}

func TestNumbersRunOnWithoutGaps(t *testing.T) {
	tracker := openTracker(t, "http://127.0.0.1:8080/tickets/")
	for n := range 12 {
		ref, err := tracker.Ensure(t.Context(), fmt.Sprint("key", n), campaign.TicketDraft{Title: "one of twelve"})
		require.NoError(t, err)
		require.Equal(t, campaign.TicketRef{ID: fmt.Sprint("MU-", n+1), URL: fmt.Sprint("http://127.0.0.1:8080/tickets/MU-", n+1)}, ref)
	}
	tickets := all(t, tracker)
	require.Len(t, tickets, 12)
	require.Equal(t, "MU-2", tickets[1].Name())
	require.Equal(t, "MU-12", tickets[11].Name(), "in the order of numbers, not of letters")
	count, err := tracker.Count(t.Context())
	require.NoError(t, err)
	require.Equal(t, 12, count)
}

// MU-1's comments and those of MU-10 lie beside each other in the store.
func TestCommentsStayWithTheirTicket(t *testing.T) {
	tracker := openTracker(t, "")
	for n := range 11 {
		ref, err := tracker.Ensure(t.Context(), fmt.Sprint("key", n), campaign.TicketDraft{Title: "one of eleven"})
		require.NoError(t, err)
		require.NoError(t, tracker.Comment(t.Context(), ref, "a", "on "+ref.ID))
	}
	for _, name := range []string{"MU-1", "MU-2", "MU-10", "MU-11"} {
		_, comments, err := tracker.Look(t.Context(), name)
		require.NoError(t, err)
		require.Len(t, comments, 1)
		require.Equal(t, "on "+name, comments[0].Text)
	}
}

func TestWhatIsTooLargeIsRefusedWithWords(t *testing.T) {
	tracker := openTracker(t, "")
	_, err := tracker.Ensure(t.Context(), "key", campaign.TicketDraft{Title: "t", Body: strings.Repeat("x", 257<<10)})
	require.Equal(t, campaign.Invalid, campaign.KindOf(err))
	require.Contains(t, campaign.PublicMessage(err), "larger than 256 KiB")
	require.Empty(t, all(t, tracker))
}

func TestNamesOfNoTicketAreNotFound(t *testing.T) {
	tracker := openTracker(t, "")
	for _, name := range []string{"", "MU-", "MU-0", "MU-01", "MU-1", "mu-1", "JIRA-1", "MU--1", "MU-99999999999999999999"} {
		_, _, err := tracker.Look(t.Context(), name)
		require.Equal(t, campaign.NotFound, campaign.KindOf(err), name)
	}
}

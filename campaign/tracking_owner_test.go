package campaign_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

// givenToEve launches a campaign and lets somebody give Ann's ticket for ledger to
// Eve in the tracker.
func (h *house) givenToEve() (string, campaign.Ticket) {
	h.t.Helper()
	id := h.launched(plain)
	ledger := h.ticketNamed(id, "ledger")
	h.tracker.people(ledger.ID, func(t *filed) { t.Draft.Assignee = "eve" })
	h.minute()
	h.settle()
	return id, ledger
}

func TestAReassignmentInTheTrackerMovesTheWorkHere(t *testing.T) {
	h := newHouse(t)
	h.tracker.owners = []string{"ann", "ben"}
	id, ledger := h.givenToEve()

	task := h.taskNamed(id, "ledger")
	require.Equal(t, "group:default/eve", task.Owner)
	require.Equal(t, string(eve), task.Contact)
	require.Len(t, h.firsts(eve), 1, "who has it now is asked")
	require.Equal(t, "eve", h.tracker.now(ledger.ID).Assignee, "and it is not taken back")
	require.NotContains(t, stored[campaign.Contact](h, id, campaign.KindContact, string(ann)).Tickets, ledger.ID)
	_, err := h.engine.OnIt(t.Context(), h.by(eve), id, campaign.TaskSet{Contact: string(eve)})
	require.NoError(t, err)
	wrong, err := h.engine.Recount(t.Context(), id)
	require.NoError(t, err)
	require.Empty(t, wrong)
}

// The catalog still names the team that had it; who was given the ticket is asked
// for the next step, too, on the same ticket.
func TestAReassignedTicketKeepsItsOwnerInLaterPlans(t *testing.T) {
	h := newHouse(t)
	id, ledger := h.givenToEve()
	h.approvesFix(id)
	h.launch(id, campaign.SliceAll)
	h.settle()

	fix := 0
	for _, task := range all[campaign.Task](h, id, campaign.KindTask) {
		if task.Name == "ledger" {
			require.Equal(t, "group:default/eve", task.Owner, task.Track)
			require.Equal(t, string(eve), task.Contact, task.Track)
			require.Equal(t, ledger.ID, task.Ticket, task.Track)
		}
		if task.Track == "fix" {
			fix++
		}
	}
	require.Greater(t, fix, 1, "the others have the next step as well")
	require.Equal(t, "group:default/eve", stored[campaign.Target](h, id, campaign.KindTarget, h.taskNamed(id, "ledger").Target).Owner)
	require.Equal(t, "eve", h.tracker.now(ledger.ID).Assignee, "and it is not taken back")
}

func TestWhomTheCatalogDoesNotKnowStandsOnTheTicket(t *testing.T) {
	h := newHouse(t)
	h.tracker.owners = []string{"ann", "ben"} // no tracker knows all names that people have there
	id := h.launched(plain)
	ledger := h.ticketNamed(id, "ledger")
	h.tracker.people(ledger.ID, func(t *filed) { t.Draft.Assignee = "j.doe" })
	h.minute()
	require.Equal(t, string(ann), h.taskNamed(id, "ledger").Contact, "the owner stays")
	require.Equal(t, "j.doe", h.ticketNamed(id, "ledger").Given)
	m, err := h.engine.Tickets(t.Context(), id, ann)
	require.NoError(t, err)
	require.Contains(t, m.Text, "j.doe")

	_, err = h.engine.OnIt(t.Context(), h.by(ann), id, campaign.TaskSet{Tasks: []string{h.taskNamed(id, "ledger").ID}})
	require.NoError(t, err)
	h.settle()
	require.Equal(t, "j.doe", h.tracker.now(ledger.ID).Assignee)
}

// A project may give new tickets to its lead: that is nobody's doing.
func TestWhomATrackerAssignsToByItselfIsNotGivenTheWork(t *testing.T) {
	h := newHouse(t)
	h.tracker.owners, h.tracker.leader = []string{}, "eve"
	id := h.launched(plain)
	h.minute()
	require.Equal(t, "group:default/ann", h.taskNamed(id, "ledger").Owner)
	require.Empty(t, h.firsts(eve))

	_, err := h.engine.OnIt(t.Context(), h.by(ann), id, campaign.TaskSet{Contact: string(ann)})
	require.NoError(t, err)
	h.settle()
	require.Empty(t, h.tracker.now(h.ticketNamed(id, "ledger").ID).Assignee, "Ann has no account there")

	ledger := h.ticketNamed(id, "ledger")
	h.tracker.people(ledger.ID, func(t *filed) { t.Draft.Assignee = "eve" })
	h.minute()
	require.Equal(t, "group:default/eve", h.taskNamed(id, "ledger").Owner, "what people do counts")
}

// Whoever gives a ticket away before Muster looks at it has done so all the same.
func TestATicketThatIsGivenAwayBeforeItIsReadMoves(t *testing.T) {
	h := newHouse(t, func(o *campaign.Options) { o.Work.TrackPoll = -1 })
	id := h.launched(plain)
	ledger := h.ticketNamed(id, "ledger")
	h.clock.advance(2 * time.Minute)
	h.tracker.people(ledger.ID, func(t *filed) { t.Draft.Assignee = "eve" })
	h.hint(ledger)
	h.drain()
	require.Equal(t, "group:default/eve", h.taskNamed(id, "ledger").Owner)
}

package campaign_test

import (
	"crypto/sha256"
	"encoding/base32"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

// A plan is drawn, enrolled and filed in steps, and calls things new that may be
// there by the time of the step: those are kept as they are.
func TestWhatThePlanTakesForNewMayBeThereAlready(t *testing.T) {
	first := newHouse(t)
	first.estate()
	id := first.ready()
	first.launch(id, campaign.SliceAll)
	known := first.taskNamed(id, "search")

	h := newHouse(t)
	h.estate()
	begun := known
	begun.Status, begun.Ticket, begun.Contact = campaign.TaskInProgress, "", ""
	h.readyWith(func(id string) { h.put(id, campaign.KindTask, begun.ID, begun) }) // an approval died half-way, and somebody began
	require.Equal(t, campaign.TaskInProgress, h.taskNamed(id, "search").Status)
	filed := campaign.Ticket{ID: known.Ticket, Owner: known.Owner, Contact: known.Contact, Name: "search", Status: campaign.TicketOpen, Ref: campaign.TicketRef{ID: "SEC-7"}}
	h.put(id, campaign.KindTicket, filed.ID, filed)
	h.launch(id, campaign.SliceAll)
	require.Equal(t, filed.ID, h.taskNamed(id, "search").Ticket)
	require.Len(t, h.tracker.filed(), len(first.tracker.filed())-1, "it is not filed a second time")
	ticket := h.ticketNamed(id, "search")
	require.Equal(t, "SEC-7", ticket.Ref.ID)
	require.Equal(t, []string{known.ID}, ticket.Tasks)
}

// A process that slept through its lease goes on with a part that others have filed
// and the wave's cursor has passed.
func TestAPartThatTheCursorPassedIsNotFiledAgain(t *testing.T) {
	h := newHouse(t)
	h.estate()
	id := h.ready()
	_, err := h.engine.Launch(t.Context(), h.by(cara), id, campaign.SliceExposed)
	require.NoError(t, err)
	slept := h.waves(id)[campaign.SliceExposed]
	h.settle()
	records := len(h.audited(id))
	require.NoError(t, h.engine.FilePart(t.Context(), id, slept, 0))
	h.settle()
	require.Empty(t, h.tracker.filed()[h.ticketNamed(id, "checkout").ID].Comments)
	require.Len(t, h.audited(id), records)
	require.Len(t, h.firsts(ann), 1)
}

// What is written together begins alike, so that a store has it in one place.
func TestIDsOfOneOwnersTicketsBeginAlike(t *testing.T) {
	h := newHouse(t)
	h.estate()
	id := h.ready()
	h.tracker.fail(campaign.Unavailable, 100)
	h.launch(id, campaign.SliceAll)
	checkout, ledger, search := h.ticketNamed(id, "checkout").ID, h.ticketNamed(id, "ledger").ID, h.ticketNamed(id, "search").ID
	require.Equal(t, checkout[:4], ledger[:4], "both are Ann's")
	require.NotEqual(t, checkout[:4], search[:4])
	require.NotEqual(t, checkout, ledger)
	begins := map[string]bool{}
	for _, e := range all[campaign.Effect](h, id, campaign.KindEffect) {
		if e.Kind == campaign.EffectTicket {
			require.Len(t, e.ID, 16)
			require.Len(t, e.Subject, 16)
			require.Equal(t, e.Subject[:4], e.ID[:4])
			begins[e.ID] = true
		}
	}
	require.Len(t, begins, 3)
}

// A team's ticket from before its ID told the owner takes up what the team gets.
func TestATicketKeepsTheIDThatItGotAtFirst(t *testing.T) {
	h := newHouse(t)
	h.estate()
	id := h.readyWith(func(id string) {
		team := campaign.ByTeam
		_, err := h.engine.Edit(t.Context(), h.by(cara), id, campaign.CampaignEdit{Grouping: &team})
		require.NoError(t, err)
	})
	const owner = "group:default/ann"
	sum := sha256.Sum256([]byte(id + "\x00ticket\x00" + owner + "\x00" + owner))
	first := strings.ToLower(base32.StdEncoding.EncodeToString(sum[:10]))
	h.put(id, campaign.KindTicket, first, campaign.Ticket{ID: first, Owner: owner, Name: "ann", Status: campaign.TicketOpen, Ref: campaign.TicketRef{ID: "SEC-7"}})
	_, err := h.engine.Freeze(t.Context(), h.by(cara), id)
	require.NoError(t, err)
	h.launch(id, campaign.SliceAll)
	require.Equal(t, first, h.taskNamed(id, "checkout").Ticket)
	require.Equal(t, first, h.taskNamed(id, "ledger").Ticket)
	require.Len(t, h.tracker.filed(), 1, "Ben's alone is new")
}

// What was said of a task before its ticket was filed shows on the ticket.
func TestATicketShowsWhatWasSaidBeforeItWasFiled(t *testing.T) {
	h := newHouse(t)
	h.estate()
	id := h.ready()
	h.claims(cara, id, "ledger")
	h.launch(id, campaign.SliceAll)
	h.settle()
	filed := h.tracker.filed()
	require.Equal(t, campaign.TicketDone, filed[h.ticketNamed(id, "ledger").ID].Draft.Status)
	require.Equal(t, campaign.TicketOpen, filed[h.ticketNamed(id, "search").ID].Draft.Status)
}

// A further plan may have everything with another owner, and due at another time.
func TestAFurtherPlanMayChangeEverything(t *testing.T) {
	h := newHouse(t, func(o *campaign.Options) { o.Brakes.SecondPersonAbove = 1000 })
	h.company(150)
	id := h.ready()
	catalog := catalogNow(nil)
	clear(catalog.Services)
	for _, target := range all[campaign.Target](h, id, campaign.KindTarget) {
		catalog.Services[target.Service] = campaign.Service{Ref: target.Service, Name: target.Name, Owner: "group:default/ben"}
	}
	_, err := h.engine.ImportCatalog(t.Context(), h.by(cara), catalog)
	require.NoError(t, err)
	due := h.clock.Now().Add(20 * time.Hour)
	_, err = h.engine.SetTrack(t.Context(), h.by(cara), id, campaign.TrackEdit{Name: "mitigate", Due: due})
	require.NoError(t, err)
	_, err = h.engine.Freeze(t.Context(), h.by(cara), id)
	require.NoError(t, err)
	tasks := all[campaign.Task](h, id, campaign.KindTask)
	require.Len(t, tasks, 452)
	for _, task := range tasks {
		require.Equal(t, "group:default/ben", task.Owner)
		require.Equal(t, due, task.Due)
	}
}

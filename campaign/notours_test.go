package campaign_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

// asks returns the messages of a template in somebody's direct messages.
func (h *house) asks(p campaign.Person, template string) []posted {
	var found []posted
	for _, m := range h.slack.said(p.User()) {
		if strings.HasPrefix(m.Message.Text, template) {
			found = append(found, m)
		}
	}
	return found
}

// gives lets Ann say that her ledger belongs to somebody, and returns the
// reassignment.
func (h *house) gives(id, owner string) string {
	h.t.Helper()
	ledger := h.taskNamed(id, "ledger")
	_, err := h.engine.NotOurs(h.t.Context(), h.by(ann), id, campaign.TaskSet{Tasks: []string{ledger.ID}}, owner)
	require.NoError(h.t, err)
	h.settle()
	return h.taskNamed(id, "ledger").Offer
}

// sound asserts that the counters are what the tasks say.
func (h *house) sound(id string) {
	h.t.Helper()
	wrong, err := h.engine.Recount(h.t.Context(), id)
	require.NoError(h.t, err)
	require.Empty(h.t, wrong)
}

func allLaunched(t *testing.T) (*house, string) {
	h := newHouse(t)
	h.estate()
	id := h.ready()
	h.launch(id, campaign.SliceAll)
	h.settle()
	return h, id
}

func TestWhomTheOwnerNamesIsAskedAndTakesIt(t *testing.T) {
	h, id := allLaunched(t)
	before := h.ticketNamed(id, "ledger")
	chain := h.gives(id, "eve")
	require.Len(t, h.asks(eve, "reassign_asked"), 1)
	require.Equal(t, id+"|"+chain, press(t, h.asks(eve, "reassign_asked")[0].Message, "reassign.accept"))
	require.Equal(t, "group:default/ann", h.taskNamed(id, "ledger").Owner, "it stays counted for Ann meanwhile")

	request := h.by(eve)
	for range 2 {
		_, err := h.engine.AcceptWork(t.Context(), request, id, chain)
		require.NoError(t, err)
		h.settle()
	}
	task, ticket := h.taskNamed(id, "ledger"), h.ticketNamed(id, "ledger")
	require.Equal(t, "group:default/eve", task.Owner)
	require.Equal(t, string(eve), task.Contact)
	require.Empty(t, task.Blocked)
	require.Equal(t, before.ID, ticket.ID, "the ticket stays the one it was")
	require.Equal(t, "eve", h.tracker.now(ticket.ID).Assignee)
	require.Empty(t, ticket.Given, "nobody gave it away in the tracker")
	require.Equal(t, "group:default/eve", stored[campaign.Target](h, id, campaign.KindTarget, task.Target).Owner)
	require.NotContains(t, stored[campaign.Contact](h, id, campaign.KindContact, string(ann)).Tickets, ticket.ID)
	require.Len(t, h.firsts(eve), 1, "one message with what to do")
	press(t, h.firsts(eve)[0].Message, "task.on_it")
	require.Contains(t, h.slack.said(ann.User())[len(h.slack.said(ann.User()))-1].Message.Text, "took on ledger")
	h.sound(id)

	kept, err := campaign.Corrections(t.Context(), h.store)
	require.NoError(t, err)
	require.Len(t, kept, 1)
	require.Equal(t, "group:default/eve", kept[0].To)
	require.Equal(t, "group:default/ann", kept[0].From)
	require.Subset(t, h.audited(id), []string{"task.not_ours", "reassignment.asked", "reassignment.moving", "task.reassign", "ticket.reassign", "reassignment.moved"})
	_, err = h.engine.DeclineWork(t.Context(), h.by(eve), id, chain, "too late")
	require.Contains(t, refused(t, err, campaign.Conflict), "settled")
}

func TestOnlyWhoWasAskedMayAnswer(t *testing.T) {
	h, id := allLaunched(t)
	chain := h.gives(id, "eve")
	_, err := h.engine.AcceptWork(t.Context(), h.by(ben), id, chain)
	refused(t, err, campaign.Forbidden)
	_, err = h.engine.SettleWork(t.Context(), h.by(ben), id, chain, "ben")
	refused(t, err, campaign.Forbidden)
	_, err = h.engine.DeclineWork(t.Context(), h.by(eve), id, chain, " ")
	refused(t, err, campaign.Invalid)
}

func TestWhatIsDeclinedComesBackWithItsReasonAndNobodyIsAskedTwice(t *testing.T) {
	h, id := allLaunched(t)
	chain := h.gives(id, "eve")
	_, err := h.engine.DeclineWork(t.Context(), h.by(eve), id, chain, "we only archive it")
	require.NoError(t, err)
	h.settle()
	back := h.asks(ann, "reassign_returned")
	require.Len(t, back, 1)
	require.Contains(t, back[0].Message.Text, "we only archive it")
	press(t, back[0].Message, "task.not_ours")
	require.Empty(t, h.taskNamed(id, "ledger").Blocked)

	h.gives(id, "eve")
	require.Len(t, h.asks(eve, "reassign_asked"), 1, "she was asked for it before")
	require.Len(t, h.triaged(id), 1)
	h.sound(id)
}

// triaged returns what the commander was asked to decide the owner of.
func (h *house) triaged(id string) []planned {
	var found []planned
	for _, p := range h.planned(id, commandChannel) {
		if strings.HasPrefix(p.Message.Text, "reassign_triage") {
			found = append(found, p)
		}
	}
	return found
}

func TestTheThirdHopIsForTheCommander(t *testing.T) {
	h, id := allLaunched(t)
	chain := h.gives(id, "eve")
	_, err := h.engine.PassWork(t.Context(), h.by(eve), id, chain, "ben@example.com")
	require.NoError(t, err)
	h.settle()
	require.Len(t, h.asks(ben, "reassign_asked"), 1)
	_, err = h.engine.PassWork(t.Context(), h.by(ben), id, chain, "org")
	require.NoError(t, err)
	h.settle()
	asked := h.triaged(id)
	require.Len(t, asked, 1)
	require.Contains(t, asked[0].Message.Text, "passed on")
	require.Equal(t, campaign.TaskOpen, h.taskNamed(id, "ledger").Status)
	_, err = h.engine.AcceptWork(t.Context(), h.by(ben), id, chain)
	refused(t, err, campaign.Forbidden)

	value := press(t, asked[0].Message, "reassign.settle")
	require.Equal(t, id+"|"+chain+"|group:default/eve", value)
	_, err = h.engine.SettleWork(t.Context(), h.by(cara), id, chain, "group:default/ben")
	require.NoError(t, err)
	h.settle()
	require.Equal(t, "group:default/ben", h.taskNamed(id, "ledger").Owner)
	h.sound(id)
}

func TestSilenceIsForTheCommander(t *testing.T) {
	h, id := allLaunched(t)
	h.gives(id, "eve")
	h.clock.advance(25 * time.Hour)
	h.settle()
	require.Len(t, h.triaged(id), 1)
	require.Contains(t, h.triaged(id)[0].Message.Text, "did not answer")
}

func TestOneOfSeveralInATicketGetsATicketOfItsOwn(t *testing.T) {
	h := newHouse(t)
	h.estate()
	id := h.readyWith(func(id string) {
		byTeam := campaign.ByTeam
		_, err := h.engine.Edit(t.Context(), h.by(cara), id, campaign.CampaignEdit{Grouping: &byTeam})
		require.NoError(t, err)
	})
	h.launch(id, campaign.SliceAll)
	h.settle()
	tickets := len(h.tracker.filed())
	chain := h.gives(id, "eve")
	_, err := h.engine.AcceptWork(t.Context(), h.by(eve), id, chain)
	require.NoError(t, err)
	h.settle()
	ledger, checkout := h.taskNamed(id, "ledger"), h.taskNamed(id, "checkout")
	require.NotEqual(t, checkout.Ticket, ledger.Ticket)
	require.Equal(t, "group:default/ann", checkout.Owner)
	require.Equal(t, "group:default/eve", ledger.Owner)
	require.Len(t, h.tracker.filed(), tickets+1)
	require.Equal(t, "eve", h.tracker.now(ledger.Ticket).Assignee)
	require.Contains(t, h.tracker.filed()[ledger.Ticket].Draft.Body, "ledger")
	require.NotContains(t, h.tracker.filed()[checkout.Ticket].Draft.Body, `"ledger"`)
	require.Len(t, h.firsts(eve), 1)
	h.sound(id)
}

func TestManyAreAskedForInOneMessageAndMoveInSteps(t *testing.T) {
	h, id := allLaunched(t)
	h.burden(id, 210, 5)
	_, err := h.engine.NotOurs(t.Context(), h.by(ann), id, campaign.TaskSet{Contact: string(ann)}, "eve")
	require.NoError(t, err)
	h.settle()
	require.Len(t, h.asks(eve, "reassign_asked"), 1)
	chain := h.taskNamed(id, "ledger").Offer
	_, err = h.engine.AcceptWork(t.Context(), h.by(eve), id, chain)
	require.NoError(t, err)
	h.settle()
	for _, task := range all[campaign.Task](h, id, campaign.KindTask) {
		if task.Ticket == h.taskNamed(id, "checkout").Ticket && task.Status == campaign.TaskOpen {
			require.Equal(t, "group:default/eve", task.Owner, task.Name)
		}
	}
	after, err := h.engine.Recount(t.Context(), id)
	require.NoError(t, err)
	for _, d := range after { // the burden was never counted where it came from
		require.Contains(t, d.Counter, "|group:default/ann|")
		require.Negative(t, d.Counted)
		require.Zero(t, d.Recounted)
	}
	require.Len(t, h.firsts(eve), 1)
}

func TestAnOwnerIsFoundByAFewLetters(t *testing.T) {
	h := newHouse(t)
	h.estate()
	found, err := h.engine.Owners(t.Context(), "ev", 5)
	require.NoError(t, err)
	require.Equal(t, []campaign.OwnerChoice{{Ref: "group:default/eve", Name: "eve"}, {Ref: "user:default/eve", Name: "eve"}}, found)
	found, err = h.engine.Owners(t.Context(), "e", 1)
	require.NoError(t, err)
	require.Len(t, found, 1)
}

func TestWhoTookOnWorkBeforeTheirWaveGetsOneFirstMessage(t *testing.T) {
	h := newHouse(t)
	h.estate()
	id := h.ready()
	h.launch(id, campaign.SliceExposed)
	h.settle()
	checkout := h.taskNamed(id, "checkout")
	_, err := h.engine.NotOurs(t.Context(), h.by(ann), id, campaign.TaskSet{Tasks: []string{checkout.ID}}, "ben")
	require.NoError(t, err)
	h.settle()
	_, err = h.engine.AcceptWork(t.Context(), h.by(ben), id, h.taskNamed(id, "checkout").Offer)
	require.NoError(t, err)
	h.settle()
	require.Len(t, h.firsts(ben), 1)

	h.launch(id, campaign.SliceRest)
	h.settle()
	require.Len(t, h.firsts(ben), 1, "the plan was drawn before Ben had anything")
	more := h.asks(ben, "more_work")
	require.Len(t, more, 1)
	require.Contains(t, more[0].Message.Text, "search")
	require.NotContains(t, more[0].Message.Text, "checkout")
}

package campaign_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

// minute lets a minute pass as a service does: with its heartbeat.
func (h *house) minute() {
	h.t.Helper()
	for range 3 {
		require.NoError(h.t, h.engine.Heartbeat(h.t.Context()))
		h.drain()
		h.clock.advance(20 * time.Second)
	}
	h.drain()
}

// launched returns a campaign whose tickets are all filed, and known as filed.
func (h *house) launched(adjust func(id string)) string {
	h.t.Helper()
	h.estate()
	id := h.readyWith(adjust)
	h.launch(id, campaign.SliceAll)
	h.settle()
	h.minute()
	return id
}

// ticketNamed returns the ticket of a service or a team.
func (h *house) ticketNamed(id, name string) campaign.Ticket {
	h.t.Helper()
	tickets := all[campaign.Ticket](h, id, campaign.KindTicket)
	i := slices.IndexFunc(tickets, func(t campaign.Ticket) bool { return t.Name == name })
	require.GreaterOrEqual(h.t, i, 0, "no ticket %s", name)
	return tickets[i]
}

// saidTo returns the messages that a person got of one template.
func (h *house) saidTo(p campaign.Person, template string) []posted {
	var found []posted
	for _, m := range h.slack.said(p.User()) {
		if strings.HasPrefix(m.Message.Text, template+" ") {
			found = append(found, m)
		}
	}
	return found
}

func (h *house) auditedTimes(id, action string) int {
	h.t.Helper()
	n := 0
	for _, a := range h.audited(id) {
		if a == action {
			n++
		}
	}
	return n
}

func (h *house) hint(ticket campaign.Ticket) {
	h.t.Helper()
	require.NoError(h.t, h.engine.Hint(h.t.Context(), []campaign.TicketRef{{ID: ticket.Ref.ID}}))
}

// byTeam groups a campaign's tickets by team.
func (h *house) byTeam(id string) {
	grouping := campaign.ByTeam
	_, err := h.engine.Edit(h.t.Context(), h.by(cara), id, campaign.CampaignEdit{Grouping: &grouping})
	require.NoError(h.t, err)
}

func plain(string) {}

func TestClosingInTheTrackerClaimsWithinAMinuteAndAsksHowOnce(t *testing.T) {
	h := newHouse(t)
	id := h.launched(plain)
	search := h.ticketNamed(id, "search")
	h.tracker.move(search.ID, campaign.TicketDone)

	h.minute()
	task := h.taskNamed(id, "search")
	require.Equal(t, campaign.TaskClaimed, task.Status)
	require.Equal(t, campaign.MethodUnstated, task.Claim.Method)
	require.Equal(t, campaign.TaskOpen, h.taskNamed(id, "ledger").Status, "nobody else's work is done by it")
	records, err := h.store.Audit(t.Context(), campaign.Scope(id), 0, 0)
	require.NoError(t, err)
	i := slices.IndexFunc(records, func(r campaign.AuditRecord) bool { return r.Action == "tracker.closed" })
	require.GreaterOrEqual(t, i, 0)
	require.Equal(t, "tracker", records[i].Actor)

	for range 3 {
		h.hint(search)
		h.minute()
	}
	asked := h.saidTo(ben, "how_done")
	require.Len(t, asked, 1, "one closing, one question")
	require.Equal(t, 1, h.auditedTimes(id, "tracker.closed"))
	require.Equal(t, campaign.TicketDone, h.tracker.now(search.ID).Status, "it stays closed")

	value := press(t, asked[0].Message, "task.how")
	require.Equal(t, id+"|contact/"+string(ben)+"|"+campaign.MethodClassRemoved, value)
	_, err = h.engine.StateMethod(t.Context(), h.by(ben), id, campaign.TaskSet{Contact: string(ben)}, campaign.MethodClassRemoved)
	require.NoError(t, err)
	require.Equal(t, campaign.MethodClassRemoved, h.taskNamed(id, "search").Claim.Method)
	require.Equal(t, ben, h.taskNamed(id, "search").Claim.By)
}

// Muster has reopened the work, and its update has not reached the tracker: that
// the ticket is still closed there is nothing new.
func TestAnOldClosingDoesNotClaimAgain(t *testing.T) {
	h := newHouse(t)
	id := h.launched(plain)
	search := h.ticketNamed(id, "search")
	h.tracker.move(search.ID, campaign.TicketDone)
	h.minute()
	h.settle()

	_, err := h.engine.NotDone(t.Context(), h.by(ben), id, campaign.TaskSet{Contact: string(ben)})
	require.NoError(t, err)
	h.tracker.fail(campaign.Unavailable, 1000)
	for range 3 {
		h.hint(search)
		h.minute()
	}
	require.Equal(t, campaign.TicketDone, h.tracker.now(search.ID).Status, "the update could not get through")
	require.Equal(t, campaign.TaskInProgress, h.taskNamed(id, "search").Status)

	h.tracker.clear()
	h.settle()
	h.settle()
	require.Equal(t, campaign.TicketInProgress, h.tracker.now(search.ID).Status, "reopened by Muster")
	require.Equal(t, campaign.TaskInProgress, h.taskNamed(id, "search").Status)

	h.tracker.move(search.ID, campaign.TicketDone)
	h.minute()
	h.minute()
	require.Equal(t, campaign.TaskClaimed, h.taskNamed(id, "search").Status, "closed anew")
	require.Len(t, h.saidTo(ben, "how_done"), 2, "each closing is asked about once")
}

// A copy of the tracker that lags still shows the closing that Muster undid.
func TestAReadingThatLagsIsNotBelieved(t *testing.T) {
	h := newHouse(t)
	id := h.launched(plain)
	search := h.ticketNamed(id, "search")
	h.tracker.move(search.ID, campaign.TicketDone)
	h.minute()
	h.settle()
	closed := h.tracker.now(search.ID)
	_, err := h.engine.NotDone(t.Context(), h.by(ben), id, campaign.TaskSet{Contact: string(ben)})
	require.NoError(t, err)
	h.settle()
	require.Equal(t, campaign.TicketInProgress, h.tracker.now(search.ID).Status)

	h.tracker.lagging[search.ID] = closed
	h.hint(search)
	h.drain()
	require.Equal(t, campaign.TaskInProgress, h.taskNamed(id, "search").Status)
}

// The press has its update on the way when somebody closes the ticket.
func TestAnUpdateDoesNotOverwriteAClosing(t *testing.T) {
	h := newHouse(t, func(o *campaign.Options) { o.Work.TrackPoll = -1 })
	id := h.launched(plain)
	search := h.ticketNamed(id, "search")
	_, err := h.engine.OnIt(t.Context(), h.by(ben), id, campaign.TaskSet{Contact: string(ben)})
	require.NoError(t, err)
	h.tracker.move(search.ID, campaign.TicketDone)
	h.settle()
	require.Equal(t, campaign.TaskClaimed, h.taskNamed(id, "search").Status)
	require.Equal(t, campaign.TicketDone, h.tracker.now(search.ID).Status)
}

func TestClosedAndReopenedBetweenTwoLooksIsNothing(t *testing.T) {
	h := newHouse(t)
	id := h.launched(plain)
	search := h.ticketNamed(id, "search")
	h.tracker.move(search.ID, campaign.TicketDone)
	h.tracker.move(search.ID, campaign.TicketOpen)
	h.minute()
	require.Equal(t, campaign.TaskOpen, h.taskNamed(id, "search").Status)
	require.Empty(t, h.saidTo(ben, "how_done"))
}

func TestReopeningInTheTrackerReopensWhatWasOnlyClaimed(t *testing.T) {
	h := newHouse(t)
	id := h.launched(plain)
	search := h.ticketNamed(id, "search")
	_, err := h.engine.Claim(t.Context(), h.by(ben), id, campaign.TaskSet{Contact: string(ben)}, campaign.Claim{Method: campaign.MethodFlag})
	require.NoError(t, err)
	h.settle()
	require.Equal(t, campaign.TicketDone, h.tracker.now(search.ID).Status)

	h.tracker.move(search.ID, campaign.TicketOpen)
	h.minute()
	task := h.taskNamed(id, "search")
	require.Equal(t, campaign.TaskInProgress, task.Status)
	require.Equal(t, "reopened in the tracker", task.Reason)
	require.Len(t, h.saidTo(ben, "reopened"), 1)
}

func TestAVerifiedTaskStaysVerifiedAndTheTicketIsClosedAgain(t *testing.T) {
	h := newHouse(t)
	id := h.launched(plain)
	search := h.ticketNamed(id, "search")
	_, err := h.engine.Claim(t.Context(), h.by(ben), id, campaign.TaskSet{Contact: string(ben)}, campaign.Claim{Method: campaign.MethodFlag})
	require.NoError(t, err)
	_, err = h.engine.Confirm(t.Context(), h.by(hal), id, campaign.TaskSet{Tasks: []string{h.taskNamed(id, "search").ID}})
	require.NoError(t, err)
	h.settle()

	h.tracker.move(search.ID, campaign.TicketOpen)
	h.minute()
	h.settle()
	require.Equal(t, campaign.TaskVerified, h.taskNamed(id, "search").Status)
	require.Equal(t, campaign.TicketDone, h.tracker.now(search.ID).Status)
	require.Contains(t, strings.Join(sorted(h.tracker.filed()[search.ID].Comments), "\n"), "stays verified")
}

func sorted(m map[string]string) []string {
	var texts []string
	for _, text := range m {
		texts = append(texts, text)
	}
	slices.Sort(texts)
	return texts
}

func TestStartedInTheTrackerIsStartedHere(t *testing.T) {
	h := newHouse(t)
	id := h.launched(plain)
	h.tracker.move(h.ticketNamed(id, "search").ID, campaign.TicketInProgress)
	h.minute()
	require.Equal(t, campaign.TaskInProgress, h.taskNamed(id, "search").Status)
}

func TestAChecklistIsTickedFromBothSides(t *testing.T) {
	h := newHouse(t)
	id := h.launched(h.byTeam)
	team := h.ticketNamed(id, "ann")
	checkout, ledger := h.taskNamed(id, "checkout"), h.taskNamed(id, "ledger")
	draft := h.tracker.filed()[team.ID].Draft
	require.Len(t, draft.Checklist, 2)
	require.Equal(t, "checkout · mitigate — 13 Dec 2021 18:00 UTC", draft.Checklist[0].Text)
	require.NotContains(t, draft.Body, draft.Checklist[0].Text, "the body does not say it twice")

	h.tracker.tick(team.ID, ledger.ID, true)
	h.minute()
	require.Equal(t, campaign.TaskClaimed, h.taskNamed(id, "ledger").Status)
	require.Equal(t, campaign.TaskOpen, h.taskNamed(id, "checkout").Status)

	_, err := h.engine.Claim(t.Context(), h.by(ann), id, campaign.TaskSet{Tasks: []string{checkout.ID}}, campaign.Claim{Method: campaign.MethodFlag})
	require.NoError(t, err)
	h.settle()
	h.minute()
	require.ElementsMatch(t, []string{checkout.ID, ledger.ID}, h.tracker.now(team.ID).Checked)
	require.Equal(t, campaign.MethodFlag, h.taskNamed(id, "checkout").Claim.Method, "our own tick is no news")

	h.tracker.tick(team.ID, ledger.ID, false)
	h.minute()
	require.Equal(t, campaign.TaskInProgress, h.taskNamed(id, "ledger").Status)
	require.Equal(t, "unticked in the tracker", h.taskNamed(id, "ledger").Reason)
	require.Equal(t, campaign.TaskClaimed, h.taskNamed(id, "checkout").Status)
}

// No tracker takes a checklist of hundreds: those are listed that are to be done.
func TestAChecklistOfVeryManyTasksShowsWhatIsToBeDone(t *testing.T) {
	h := newHouse(t)
	id := h.launched(plain)
	open := h.burden(id, 95, 45)
	checkout, ticket := h.taskNamed(id, "checkout"), h.ticketNamed(id, "checkout")
	onIt := func() campaign.TicketDraft {
		_, err := h.engine.OnIt(t.Context(), h.by(ann), id, campaign.TaskSet{Tasks: []string{checkout.ID}})
		require.NoError(t, err)
		h.settle()
		return h.tracker.filed()[ticket.ID].Draft
	}
	draft := onIt()
	require.Len(t, draft.Checklist, 100)
	require.Equal(t, 41, draft.More)
	require.Len(t, h.tracker.now(ticket.ID).Checked, 4, "there is room for so many that are done")

	for _, task := range open[:3] {
		h.tracker.tick(ticket.ID, task, true)
	}
	h.minute()
	h.minute()
	require.Equal(t, 3, h.inStatus(id, campaign.TaskClaimed))
	require.Equal(t, 45, h.inStatus(id, campaign.TaskVerified), "what is not listed any more was not unticked")
	require.Len(t, h.tracker.now(ticket.ID).Checked, 7)
}

func TestClosingATicketOfVeryManyTasksClaimsAllOfThem(t *testing.T) {
	h := newHouse(t)
	id := h.launched(plain)
	h.burden(id, 210, 30)
	checkout := h.ticketNamed(id, "checkout")
	h.tracker.move(checkout.ID, campaign.TicketDone)
	h.minute()
	require.Equal(t, 211, h.inStatus(id, campaign.TaskClaimed), "checkout and the 210")
	require.Equal(t, 30, h.inStatus(id, campaign.TaskVerified))
	require.Len(t, h.saidTo(ann, "how_done"), 1)
}

// laneTracker remembers for whom it was called.
type laneTracker struct {
	campaign.Tracker

	read, filed map[campaign.Lane]int
}

func (l *laneTracker) Read(ctx context.Context, ref campaign.TicketRef) (campaign.TicketSeen, error) {
	l.read[campaign.LaneOf(ctx)]++
	return l.Tracker.Read(ctx, ref)
}

func (l *laneTracker) Ensure(ctx context.Context, key string, d campaign.TicketDraft) (campaign.TicketRef, error) {
	l.filed[campaign.LaneOf(ctx)]++
	return l.Tracker.Ensure(ctx, key, d)
}

// Somebody who closed a ticket looks into Slack: the reading after a webhook does
// not stand in line behind the filing of thousands.
func TestWhatAWebhookSaysIsReadBeforeTicketsAreFiled(t *testing.T) {
	lanes := &laneTracker{read: map[campaign.Lane]int{}, filed: map[campaign.Lane]int{}}
	h := newHouse(t, func(o *campaign.Options) {
		lanes.Tracker = o.Tracker
		o.Tracker = lanes
	})
	id := h.launched(plain)
	require.NoError(t, h.engine.Hint(t.Context(), []campaign.TicketRef{{ID: h.ticketNamed(id, "ledger").Ref.ID}}))
	h.drain()
	require.Equal(t, 1, lanes.read[campaign.Interactive])
	require.Zero(t, lanes.filed[campaign.Interactive])
	require.Positive(t, lanes.filed[campaign.Bulk])
}

// A token that lapsed hides tickets for a while: what happened meanwhile is written
// once they are there again.
func TestATicketThatShowsAgainIsBroughtUpToDate(t *testing.T) {
	h := newHouse(t)
	id := h.launched(plain)
	search := h.ticketNamed(id, "search")
	h.tracker.hide(search.ID)
	h.hint(search)
	h.minute()
	_, err := h.engine.OnIt(t.Context(), h.by(ben), id, campaign.TaskSet{Contact: string(ben)})
	require.NoError(t, err)
	h.settle()
	require.Equal(t, campaign.TaskInProgress, h.taskNamed(id, "search").Status)

	h.tracker.hide(search.ID)
	h.hint(search)
	h.minute()
	require.Equal(t, campaign.TicketInProgress, h.tracker.now(search.ID).Status)
	require.False(t, h.ticketNamed(id, "search").Tracked.Lost)
}

func TestADeletedTicketIsToldOnceAndFiledAgainOnlyWhenAsked(t *testing.T) {
	h := newHouse(t)
	id := h.launched(plain)
	search := h.ticketNamed(id, "search")
	h.tracker.delete(search.ID)
	h.hint(search)
	h.minute()
	_, err := h.engine.OnIt(t.Context(), h.by(ben), id, campaign.TaskSet{Contact: string(ben)})
	require.NoError(t, err)
	h.settle()
	require.NotContains(t, h.tracker.filed(), search.ID, "not by itself")
	var told []posted
	for _, m := range h.slack.said(commandChannel) {
		if strings.Contains(m.Message.Text, "gone from the tracker") {
			told = append(told, m)
		}
	}
	require.Len(t, told, 1)
	require.Equal(t, id+"|"+search.ID, press(t, told[0].Message, "ticket.refile"))

	_, err = h.engine.Refile(t.Context(), h.by(cara), id, search.ID)
	require.NoError(t, err)
	h.settle()
	require.Contains(t, h.tracker.filed(), search.ID)
	require.Equal(t, campaign.TaskInProgress, h.taskNamed(id, "search").Status)
	_, err = h.engine.Refile(t.Context(), h.by(cara), id, search.ID)
	refused(t, err, campaign.Conflict)
}

func TestAStormOfHintsIsOneReading(t *testing.T) {
	h := newHouse(t, func(o *campaign.Options) { o.Work.TrackPoll = -1 })
	id := h.launched(plain)
	search := h.ticketNamed(id, "search")
	before := h.tracker.reads
	for range 50 {
		h.hint(search)
	}
	h.drain()
	require.Equal(t, before+1, h.tracker.reads)
}

func TestAHintOfAStrangersTicketIsDropped(t *testing.T) {
	h := newHouse(t)
	id := h.launched(plain)
	_, err := h.tracker.Ensure(t.Context(), "", campaign.TicketDraft{Title: "somebody else's"})
	require.NoError(t, err)
	ref := h.tracker.filed()[""].Ref
	require.NoError(t, h.engine.Hint(t.Context(), []campaign.TicketRef{ref, {ID: "SEC-999"}, {}}))
	h.drain()
	waits, err := h.store.Claim(t.Context(), campaign.ClaimRequest{Now: h.clock.Now(), Lease: time.Second, N: 10})
	require.NoError(t, err)
	require.Empty(t, waits.Entries)
	require.Equal(t, 0, h.auditedTimes(id, "tracker.lost"))
}

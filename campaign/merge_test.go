package campaign_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/sample"
)

// twoCampaigns has two campaigns about the same, both launched: the first asks of
// checkout and ledger (Ann) and search (Ben); the second, which was approved while
// only the ledger was known, of the ledger alone.
func twoCampaigns(t *testing.T, adjust ...func(*campaign.Options)) (h *house, from, into string) {
	h = newHouse(t, adjust...)
	h.estate()
	from = h.ready()
	h.launch(from, campaign.SliceAll)
	h.settle()
	into = "log4shell"
	c := catalogNow(nil)
	for _, name := range []string{"checkout", "search", "archive", "wiki"} {
		delete(c.Services, "component:default/"+name)
	}
	h.importsOwners(c)
	h.readyAbout("Log4Shell", "log4j-core", func(string) {})
	_, err := h.engine.Triage(t.Context(), h.by(cara), into, campaign.TriageOrder{Waive: true, Reason: "whose they are is not known"})
	require.NoError(t, err)
	h.launch(into, campaign.SliceAll)
	h.settle()
	h.put(into, campaign.KindCampaign, "self", lateToday(h.campaign(into), h.clock.Now()))
	h.importsOwners(catalogNow(nil))
	return h, from, into
}

// lateToday is a campaign whose admission rule lets nobody in for two days.
func lateToday(c campaign.Campaign, now time.Time) campaign.Campaign {
	c.Late = map[string]int{now.Format(time.DateOnly): 1000, now.AddDate(0, 0, 1).Format(time.DateOnly): 1000}
	return c
}

// merges lets one campaign take over another, with a second person's yes.
func (h *house) merges(from, into string) {
	h.t.Helper()
	m, err := h.engine.Merge(h.t.Context(), h.by(cara), from, into)
	require.NoError(h.t, err)
	require.Contains(h.t, m.Text, "second person")
	for _, hold := range all[campaign.Hold](h, into, campaign.KindRequest) {
		if hold.Kind == campaign.HoldMerge && hold.Status == campaign.HoldOpen {
			_, err = h.engine.Decide(h.t.Context(), h.by(devi), into, hold.ID, true)
			require.NoError(h.t, err)
		}
	}
}

func TestOneCampaignTakesOverAnotherWithoutAskingAnybodyTwice(t *testing.T) {
	h, from, into := twoCampaigns(t)
	ctx := t.Context()
	ledgerThere, ledgerHere := h.ticketNamed(from, "ledger"), h.ticketNamed(into, "ledger")
	checkout, search := h.ticketNamed(from, "checkout"), h.ticketNamed(from, "search")
	require.NotEqual(t, ledgerThere.ID, ledgerHere.ID)
	_, err := h.engine.Claim(ctx, h.by(ann), from, campaign.TaskSet{Tasks: []string{h.taskNamed(from, "ledger").ID}}, campaign.Claim{Method: campaign.MethodIsolated})
	require.NoError(t, err)
	_, err = h.engine.OnIt(ctx, h.by(ann), from, campaign.TaskSet{Tasks: []string{h.taskNamed(from, "checkout").ID}})
	require.NoError(t, err)
	h.settle()
	filed := len(h.tracker.filed())
	asked := map[campaign.Person]int{ann: len(h.slack.said(ann.User())), ben: len(h.slack.said(ben.User()))}

	h.merges(from, into)
	h.settle()

	require.Len(t, h.tracker.filed(), filed, "nothing is filed again")
	for p, n := range asked {
		require.Len(t, h.slack.said(p.User()), n, "%s is asked nothing again", p)
	}
	require.Equal(t, checkout.ID, h.taskNamed(into, "checkout").Ticket, "a ticket goes on under its ID")
	require.Equal(t, campaign.TaskInProgress, h.taskNamed(into, "checkout").Status)
	require.Equal(t, ann, h.taskNamed(into, "checkout").Accepted)
	require.Equal(t, search.ID, h.taskNamed(into, "search").Ticket)
	require.Equal(t, string(ben), h.taskNamed(into, "search").Contact)
	ledger := h.taskNamed(into, "ledger")
	require.Equal(t, ledgerHere.ID, ledger.Ticket)
	require.Equal(t, campaign.TaskClaimed, ledger.Status, "what was done there counts here")
	require.Equal(t, campaign.MethodIsolated, ledger.Claim.Method)
	require.Equal(t, campaign.TicketDone, h.tracker.now(ledgerThere.ID).Status)
	require.Len(t, h.tracker.filed()[ledgerThere.ID].Comments, 1, "the closed ticket says why")
	require.Equal(t, campaign.TicketInProgress, h.tracker.now(checkout.ID).Status)

	ended := h.campaign(from)
	require.Equal(t, campaign.Cancelled, ended.Status)
	require.Equal(t, into, ended.MergedInto)
	for _, task := range all[campaign.Task](h, from, campaign.KindTask) {
		require.Equal(t, campaign.TaskWithdrawn, task.Status, task.Name)
	}
	require.Contains(t, h.slack.said(ben.User())[0].Message.Buttons[0].Value, into, "his buttons lead to where the work is")
	_, err = h.engine.OnIt(ctx, h.by(ann), from, campaign.TaskSet{Contact: string(ann)})
	require.Contains(t, refused(t, err, campaign.Conflict), "was merged into log4shell")
	_, err = h.engine.Claim(ctx, h.by(ben), into, campaign.TaskSet{Contact: string(ben)}, campaign.Claim{Method: campaign.MethodIsolated})
	require.NoError(t, err)
	h.tracker.move(checkout.ID, campaign.TicketDone)
	h.minute()
	require.Equal(t, campaign.TaskClaimed, h.taskNamed(into, "checkout").Status, "the tracker is followed here")
	require.Subset(t, h.audited(into), []string{"campaign.merge", "ticket.merge", "task.merge"})
	require.Subset(t, h.audited(from), []string{"campaign.merged", "task.withdraw"})
	h.sound(from)
	h.sound(into)
	_, err = h.engine.Merge(ctx, h.by(cara), from, into)
	require.NoError(t, err, "again changes nothing")
}

func TestAMergeThatIsCutOffAnywhereGoesOn(t *testing.T) {
	t.Parallel()
	for cut := 1; ; cut++ {
		store := &cutStore{}
		h, from, into := twoCampaigns(t, func(o *campaign.Options) { store.Store, o.Store = o.Store, store })
		h.merges(from, into)
		filed, said := len(h.tracker.filed()), len(h.slack.said(ann.User()))+len(h.slack.said(ben.User()))
		store.left = cut // so many changes get through, and then the process is gone
		store.on = true
		ended := store.drains(h)
		store.on = false
		h.settle()
		require.NoError(t, h.engine.Heartbeat(t.Context()))
		h.settle()
		require.Len(t, h.tracker.filed(), filed, "cut after %d", cut)
		require.Equal(t, said, len(h.slack.said(ann.User()))+len(h.slack.said(ben.User())), "cut after %d", cut)
		require.Equal(t, campaign.MergeDone, all[campaign.Merge](h, into, campaign.KindMerge)[0].Stage, "cut after %d", cut)
		require.Equal(t, 2, all[campaign.Merge](h, into, campaign.KindMerge)[0].Adopted, "cut after %d", cut)
		for _, name := range []string{"checkout", "search", "ledger"} {
			require.NotEmpty(t, h.taskNamed(into, name).Ticket, "cut after %d", cut)
		}
		h.sound(from)
		h.sound(into)
		if ended {
			require.Greater(t, cut, 5)
			return
		}
	}
}

// cutStore lets so many changes through, and then none.
type cutStore struct {
	campaign.Store

	on   bool
	left int
}

func (s *cutStore) Apply(ctx context.Context, c campaign.Change) error {
	if s.on {
		if s.left == 0 {
			return &campaign.Error{Kind: campaign.Unavailable, Message: "The store is gone."}
		}
		s.left--
	}
	return s.Store.Apply(ctx, c)
}

// Claim gives leases that run out at once, as if who holds them were dead.
func (s *cutStore) Claim(ctx context.Context, r campaign.ClaimRequest) (campaign.Claims, error) {
	if s.on {
		r.Lease = time.Nanosecond
	}
	return s.Store.Claim(ctx, r)
}

// drains works until nothing is due, and returns true; false once the store is gone.
func (s *cutStore) drains(h *house) bool {
	for range 20 {
		if _, err := h.engine.Drain(context.Background()); err != nil || s.left == 0 {
			return false
		}
		h.clock.advance(20 * time.Second)
	}
	return true
}

func TestADraftGivesWhatItLooksForAndWhatWasDecided(t *testing.T) {
	h, id := doubtfulHouse(t, 2)
	_, err := h.engine.Triage(t.Context(), h.by(cara), id, campaign.TriageOrder{Targets: []string{"shop-0"}, Reason: "the API only"})
	require.NoError(t, err)
	_, err = h.engine.Triage(t.Context(), h.by(cara), id, campaign.TriageOrder{Rule: &campaign.TriagePattern{Name: "legacy-*"}, Reason: "gone"})
	require.NoError(t, err)
	_, err = h.engine.New(t.Context(), h.by(devi), campaign.NewCampaign{Title: "Log4j again", Advisory: sample.Advisories(2)[1], Channel: campaign.ChannelRef{ID: commandChannel}})
	require.NoError(t, err)
	_, err = h.engine.Merge(t.Context(), h.by(devi), id, "log4j-again")
	require.NoError(t, err)
	h.settle()
	require.Equal(t, campaign.Cancelled, h.campaign(id).Status)
	c := h.campaign("log4j-again")
	require.Len(t, c.Advisories, 2)
	require.Len(t, c.TriageRules, 1)
	waiting, _ := h.doubted("log4j-again")
	require.Equal(t, []string{"shop-1"}, waiting, "what was decided there is decided here")
}

func TestWhatDoesNotGoTogetherIsRefused(t *testing.T) {
	h, from, into := twoCampaigns(t)
	ctx := t.Context()
	_, err := h.engine.New(ctx, h.by(cara), campaign.NewCampaign{Title: "Rotate keys", Rows: []campaign.Row{{Target: "a"}}})
	require.NoError(t, err)
	_, err = h.engine.New(ctx, h.by(cara), campaign.NewCampaign{Title: "xz", Pattern: "xz*"})
	require.NoError(t, err)
	_, err = h.engine.New(ctx, h.by(cara), campaign.NewCampaign{Title: "Log4j draft", Pattern: "log4j-core"})
	require.NoError(t, err)
	for _, pair := range [][2]string{{"rotate-keys", into}, {"xz", into}, {from, "log4j-draft"}} {
		_, err = h.engine.Merge(ctx, h.by(cara), pair[0], pair[1])
		refused(t, err, campaign.Conflict)
	}
	_, err = h.engine.Merge(ctx, h.by(cara), into, into)
	refused(t, err, campaign.Invalid)
	_, err = h.engine.Merge(ctx, h.by(cara), "nope", into)
	refused(t, err, campaign.NotFound)
}

// another launches a second campaign about the same, before which adjust may change
// the world, and whose admission rule lets nobody in by itself.
func (h *house) another(adjust func()) string {
	h.t.Helper()
	adjust()
	id := h.readyAbout("Log4Shell", "log4j-core", func(string) {})
	h.put(id, campaign.KindCampaign, "self", lateToday(h.campaign(id), h.clock.Now()))
	return id
}

func TestATicketWithManyTasksGoesOver(t *testing.T) {
	t.Parallel()
	const services = 300
	h := newHouse(t, func(o *campaign.Options) { o.Brakes.SecondPersonAbove = 10 * services })
	byTeam := func(id string) {
		grouping := campaign.ByTeam
		_, err := h.engine.Edit(t.Context(), h.by(cara), id, campaign.CampaignEdit{Grouping: &grouping})
		require.NoError(t, err)
	}
	h.company(1)
	into := h.readyAbout("Log4Shell", "log4j-core", byTeam)
	h.launch(into, campaign.SliceAll)
	h.settle()
	h.put(into, campaign.KindCampaign, "self", lateToday(h.campaign(into), h.clock.Now()))
	h.company(services)
	from := h.readyWith(byTeam)
	h.launch(from, campaign.SliceAll)
	h.settle()
	filed := len(h.tracker.filed())

	h.merges(from, into)
	h.settle()

	require.Equal(t, campaign.MergeDone, all[campaign.Merge](h, into, campaign.KindMerge)[0].Stage)
	require.Len(t, h.tracker.filed(), filed)
	held := 0
	for _, ticket := range all[campaign.Ticket](h, into, campaign.KindTicket) {
		for _, id := range ticket.Tasks {
			require.Equal(t, ticket.ID, h.task(into, id).Ticket)
			held++
		}
	}
	require.Equal(t, 3*services+2, held, "every task is on one ticket")
	for _, task := range all[campaign.Task](h, from, campaign.KindTask) {
		require.Equal(t, campaign.TaskWithdrawn, task.Status, task.Name)
	}
	h.sound(from)
	h.sound(into)
}

func TestWhoeverWasNotToldYetIsToldAfterAMerge(t *testing.T) {
	h := newHouse(t)
	h.clock.advance(14 * time.Hour) // at night
	h.estate()
	from := h.ready()
	h.launch(from, campaign.SliceExposed)
	h.settle()
	h.launch(from, campaign.SliceRest)
	h.settle()
	require.Len(t, h.slack.said(ann.User()), 1, "of the ledger she hears in the morning")
	require.Empty(t, h.slack.said(ben.User()))
	into := h.another(func() {
		c := catalogNow(nil)
		for _, name := range []string{"ledger", "search", "archive", "wiki"} {
			delete(c.Services, "component:default/"+name)
		}
		h.importsOwners(c)
	})
	_, err := h.engine.Triage(t.Context(), h.by(cara), into, campaign.TriageOrder{Waive: true, Reason: "whose they are is not known"})
	require.NoError(t, err)
	h.launch(into, campaign.SliceAll)
	h.importsOwners(catalogNow(nil))
	h.settle()
	require.Len(t, h.slack.said(ann.User()), 2)

	h.merges(from, into)
	h.settle()
	h.clock.advance(10 * time.Hour)
	h.settle()

	require.Len(t, h.slack.said(ann.User()), 3, "she is told of the ledger once")
	require.Len(t, h.slack.said(ben.User()), 1, "and he of the search")
	require.Equal(t, string(ann), h.taskNamed(into, "ledger").Contact)
	h.sound(into)
}

func TestMethodsThatAreVoidStayVoidInAMerge(t *testing.T) {
	h, from, into := twoCampaigns(t)
	h.claim(from, ann, "checkout", campaign.MethodFlag, "")
	h.claim(from, ben, "search", campaign.MethodIsolated, "")
	h.claim(into, ann, "ledger", campaign.MethodClassRemoved, "")
	_, err := h.engine.Void(t.Context(), h.by(cara), into, "mitigate", campaign.MethodFlag, "a second hole")
	require.NoError(t, err)
	_, err = h.engine.Void(t.Context(), h.by(cara), from, "mitigate", campaign.MethodClassRemoved, "the class comes back")
	require.NoError(t, err)
	h.settle()

	h.merges(from, into)
	h.settle()

	require.Equal(t, campaign.TaskInProgress, h.taskNamed(into, "checkout").Status, "claimed there by what is void here")
	require.Equal(t, campaign.TaskInProgress, h.taskNamed(into, "ledger").Status, "claimed here by what is void there")
	require.Equal(t, campaign.TaskClaimed, h.taskNamed(into, "search").Status)
	require.Len(t, h.moved(ann), 2, "she is told of both")
	h.sound(into)
	h.sound(from)
	left, err := h.engine.Outstanding(t.Context(), from)
	require.NoError(t, err)
	require.Zero(t, left, "nothing turns over there for tickets that went on")
}

func TestAMergeThatReopensMuchSaysSoAndNeedsASecondPerson(t *testing.T) {
	h := newHouse(t, func(o *campaign.Options) { o.Brakes.SecondPersonAbove = 5 })
	h.company(2)
	into := h.ready()
	_, err := h.engine.Launch(t.Context(), h.by(cara), into, campaign.SliceAll)
	require.NoError(t, err)
	_, err = h.engine.Decide(t.Context(), h.by(devi), into, h.openHolds(into)[0].ID, true)
	require.NoError(t, err)
	h.settle()
	for _, p := range []campaign.Person{ann, ben, eve} {
		_, err = h.engine.Claim(t.Context(), h.by(p), into, campaign.TaskSet{Contact: string(p)}, campaign.Claim{Method: campaign.MethodFlag})
		require.NoError(t, err)
	}
	_, err = h.engine.New(t.Context(), h.by(cara), campaign.NewCampaign{Title: "Draft", Pattern: "log4j-core", Channel: campaign.ChannelRef{ID: commandChannel}})
	require.NoError(t, err)
	_, err = h.engine.Void(t.Context(), h.by(cara), "draft", "mitigate", campaign.MethodFlag, "a second hole")
	require.NoError(t, err)
	_, err = h.engine.Merge(t.Context(), h.by(cara), "draft", into)
	require.NoError(t, err)
	require.Equal(t, campaign.Draft, h.campaign("draft").Status, "it waits")
	require.Contains(t, h.openHolds(into)[0].Preview, "8 tasks are reopened, because a method does not count that was used")
}

func TestAQuestionThatWaitsForTheMorningIsAskedAfterAMerge(t *testing.T) {
	h, id := doubtfulHouse(t, 2)
	h.clock.advance(15 * time.Hour) // at night
	_, err := h.engine.AskOwners(t.Context(), h.by(cara), id, campaign.AboutDoubt, []string{"all"})
	require.NoError(t, err)
	h.settle()
	require.Empty(t, h.asks(ann, "inquiry_asked"))
	_, err = h.engine.New(t.Context(), h.by(devi), campaign.NewCampaign{Title: "Log4j again", Advisory: sample.Advisories(2)[1], Channel: campaign.ChannelRef{ID: commandChannel}})
	require.NoError(t, err)
	_, err = h.engine.Merge(t.Context(), h.by(devi), id, "log4j-again")
	require.NoError(t, err)
	h.settle()
	h.clock.advance(12 * time.Hour)
	h.settle()
	asked := h.asks(ann, "inquiry_asked")
	require.Len(t, asked, 1)
	require.Contains(t, press(t, asked[0].Message, "inquiry.answer"), "log4j-again|")
}

func TestAQuestionToAnOwnerIsAnsweredWhereTheWorkGoesOn(t *testing.T) {
	h, id := doubtfulHouse(t, 3)
	q := h.inquires(id, campaign.AboutDoubt)
	_, err := h.engine.New(t.Context(), h.by(devi), campaign.NewCampaign{Title: "Log4j again", Advisory: sample.Advisories(2)[1], Channel: campaign.ChannelRef{ID: commandChannel}})
	require.NoError(t, err)
	into := "log4j-again"
	_, err = h.engine.Merge(t.Context(), h.by(devi), id, into)
	require.NoError(t, err)
	h.settle()

	form, err := h.engine.Inquiry(t.Context(), id, q.ID)
	require.NoError(t, err)
	require.NotEqual(t, q.Targets, form.Targets, "a form that opens now is about targets over here")
	_, err = h.engine.AnswerInquiry(t.Context(), h.by(ann), id, q.ID, campaign.InquiryAnswer{Running: true, Only: q.Targets[:1], How: "listed the jars"})
	require.NoError(t, err)
	waiting, _ := h.doubted(into)
	require.Empty(t, waiting)
	running := 0
	for _, d := range h.campaign(into).Triage {
		if d.Affected {
			running++
		}
	}
	require.Equal(t, 1, running, "the one that she named in a form of before")
	m, err := h.engine.AnswerInquiry(t.Context(), h.by(ann), id, q.ID, campaign.InquiryAnswer{Running: true, How: "again"})
	require.NoError(t, err)
	require.Contains(t, m.Text, "answered already")
}

func TestAMergeWaitsForWhatWasLaunchedMeanwhile(t *testing.T) {
	h := newHouse(t)
	h.estate()
	from := h.ready()
	h.launch(from, campaign.SliceExposed)
	h.settle()
	into := h.another(func() {})
	_, err := h.engine.Launch(t.Context(), h.by(cara), into, campaign.SliceExposed)
	require.NoError(t, err)
	h.settle()
	h.merges(from, into)
	_, err = h.engine.Launch(t.Context(), h.by(cara), from, campaign.SliceRest)
	require.NoError(t, err)
	h.settle()
	h.settle()
	require.Equal(t, campaign.MergeDone, all[campaign.Merge](h, into, campaign.KindMerge)[0].Stage)
	for _, task := range all[campaign.Task](h, from, campaign.KindTask) {
		require.Equal(t, campaign.TaskWithdrawn, task.Status, task.Name)
	}
	require.NotEmpty(t, h.taskNamed(into, "search").Ticket, "what went out meanwhile went over")
	h.sound(into)
}

func TestAnAskOfACampaignThatIsMergedIsNotLeftOpen(t *testing.T) {
	h, from, into := twoCampaigns(t)
	_, err := h.engine.SendAsk(t.Context(), h.by(cara), from, devi, "waive the freeze", time.Time{})
	require.NoError(t, err)
	h.merges(from, into)
	h.settle()
	require.Equal(t, campaign.AskWithdrawn, all[campaign.Ask](h, from, campaign.KindAsk)[0].Status)
	told := h.slack.said(commandChannel)
	require.True(t, slices.ContainsFunc(told, func(p posted) bool {
		return strings.Contains(p.Message.Text, "waive the freeze") && strings.Contains(p.Message.Text, "What you still need: `/campaign ask "+into)
	}), "%+v", told)
}

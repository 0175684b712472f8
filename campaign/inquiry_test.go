package campaign_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

// inquires lets Cara ask owners, and returns the one inquiry that this makes.
func (h *house) inquires(id string, about campaign.InquiryAbout) campaign.Inquiry {
	h.t.Helper()
	request := h.by(cara)
	for range 2 { // again after a crash asks nobody twice
		_, err := h.engine.AskOwners(h.t.Context(), request, id, about, []string{"all"})
		require.NoError(h.t, err)
	}
	h.settle()
	open := slices.DeleteFunc(all[campaign.Inquiry](h, id, campaign.KindInquiry), func(q campaign.Inquiry) bool { return !q.Open() })
	require.Len(h.t, open, 1)
	return open[0]
}

func TestAnOwnerSaysWhichNearMatchesAreReal(t *testing.T) {
	h, id := doubtfulHouse(t, 3)
	q := h.inquires(id, campaign.AboutDoubt)
	messages := h.asks(ann, "inquiry_asked")
	require.Len(t, messages, 1, "one message for all three")
	require.Equal(t, id+"|"+q.ID, press(t, messages[0].Message, "inquiry.answer"))
	require.Equal(t, id+"|"+q.ID, press(t, messages[0].Message, "inquiry.not_ours"))

	list, err := h.engine.TriageList(t.Context(), id)
	require.NoError(t, err)
	require.Contains(t, list.Text, "and has not answered")
	m, err := h.engine.AskOwners(t.Context(), h.by(cara), id, campaign.AboutDoubt, []string{"all"})
	require.NoError(t, err)
	require.Contains(t, m.Text, "Nobody was asked. 3 services are with somebody who was asked before")

	answer := campaign.InquiryAnswer{Running: true, Only: q.Targets[:1], How: "listed the jars"}
	_, err = h.engine.AnswerInquiry(t.Context(), h.by(ben), id, q.ID, answer)
	refused(t, err, campaign.Forbidden)
	_, err = h.engine.AnswerInquiry(t.Context(), h.by(ann), id, q.ID, campaign.InquiryAnswer{How: " "})
	refused(t, err, campaign.Invalid)
	request := h.by(ann)
	for range 2 {
		_, err = h.engine.AnswerInquiry(t.Context(), request, id, q.ID, answer)
		require.NoError(t, err)
	}
	waiting, affected := h.doubted(id)
	require.Empty(t, waiting)
	require.Equal(t, 1, affected)
	decided := h.campaign(id).Triage[q.Targets[0]]
	require.Equal(t, ann, decided.By)
	require.Equal(t, "listed the jars", decided.Reason)
	require.Subset(t, h.audited(id), []string{"inquiry.ask", "inquiry.answered"})
}

func TestASampleOfWhatAnOwnerClearsIsCheckedAndCarriesTheRest(t *testing.T) {
	h, id := doubtfulHouse(t, 12)
	q := h.inquires(id, campaign.AboutDoubt)
	_, err := h.engine.AnswerInquiry(t.Context(), h.by(ann), id, q.ID, campaign.InquiryAnswer{How: "we never use it"})
	require.NoError(t, err)
	sample, _ := h.doubted(id)
	require.Len(t, sample, 2, "one of ten, and one of the last two")
	list, err := h.engine.TriageList(t.Context(), id)
	require.NoError(t, err)
	require.Contains(t, list.Text, "a sample to check")

	m, err := h.engine.Triage(t.Context(), h.by(cara), id, campaign.TriageOrder{Targets: sample[:1], Affected: true, Reason: "it is there"})
	require.NoError(t, err)
	require.Contains(t, m.Text, "10 targets that the same answer cleared")
	waiting, affected := h.doubted(id)
	require.Len(t, waiting, 11)
	require.Equal(t, 1, affected)
}

func TestWhatIsNotTheOwnersComesBackToTheList(t *testing.T) {
	h, id := doubtfulHouse(t, 1)
	q := h.inquires(id, campaign.AboutDoubt)
	_, err := h.engine.AnswerInquiry(t.Context(), h.by(ann), id, q.ID, campaign.InquiryAnswer{NotOurs: true})
	require.NoError(t, err)
	list, err := h.engine.TriageList(t.Context(), id)
	require.NoError(t, err)
	require.Contains(t, list.Text, "says that it is not theirs")
}

func TestTheCommandersWordHoldsOverALateAnswer(t *testing.T) {
	h, id := doubtfulHouse(t, 1)
	q := h.inquires(id, campaign.AboutDoubt)
	_, err := h.engine.Triage(t.Context(), h.by(cara), id, campaign.TriageOrder{Targets: q.Targets, Affected: true, Reason: "I saw it"})
	require.NoError(t, err)
	h.clock.advance(time.Minute)
	_, err = h.engine.AnswerInquiry(t.Context(), h.by(ann), id, q.ID, campaign.InquiryAnswer{How: "no"})
	require.NoError(t, err)
	_, affected := h.doubted(id)
	require.Equal(t, 1, affected)
}

func TestWhoDoesNotKnowYetSaysByWhenAndIsAskedAgain(t *testing.T) {
	h, id := allLaunched(t)
	archive := h.taskNamed(id, "archive")
	require.Equal(t, campaign.TaskUnknown, archive.Status)
	q := h.inquires(id, campaign.AboutUnscanned)
	require.Len(t, h.asks(eve, "attest_batch"), 1)
	require.Equal(t, []string{"archive"}, q.Names)

	until := h.clock.Now().Add(26 * time.Hour)
	_, err := h.engine.AnswerInquiry(t.Context(), h.by(eve), id, q.ID, campaign.InquiryAnswer{Until: h.clock.Now().Add(-time.Hour)})
	refused(t, err, campaign.Invalid)
	_, err = h.engine.AnswerInquiry(t.Context(), h.by(eve), id, q.ID, campaign.InquiryAnswer{Until: until, How: "the vendor is asked"})
	require.NoError(t, err)
	require.Equal(t, campaign.TaskUnknown, h.taskNamed(id, "archive").Status, "a promise is not knowledge")
	show, err := h.engine.Show(t.Context(), id)
	require.NoError(t, err)
	require.Contains(t, show.Text, `"Inquiries":{"promised":1,`)

	require.NoError(t, h.engine.Heartbeat(t.Context())) // restores, and asks nobody early
	h.settle()
	require.Empty(t, h.asks(eve, "inquiry_due"))
	h.clock.advance(27 * time.Hour)
	h.settle()
	reminders := h.asks(eve, "inquiry_due")
	require.Len(t, reminders, 1)
	show, err = h.engine.Show(t.Context(), id)
	require.NoError(t, err)
	require.Contains(t, show.Text, `"overdue":1`)
	require.NoError(t, h.engine.Heartbeat(t.Context()))
	h.settle()
	require.Len(t, h.asks(eve, "inquiry_due"), 1, "reminded once")

	_, err = h.engine.AnswerInquiry(t.Context(), h.by(eve), id, q.ID, campaign.InquiryAnswer{How: "looked at its image"})
	require.NoError(t, err)
	require.Equal(t, campaign.TaskNotAffected, h.taskNamed(id, "archive").Status)
	require.Equal(t, eve, h.taskNamed(id, "archive").Accepted)
	h.sound(id)
}

func TestAPromiseThatAScanKeptIsNotAskedFor(t *testing.T) {
	h, id := allLaunched(t)
	_, err := h.engine.Promise(t.Context(), h.by(eve), id, []string{"all"}, h.clock.Now().Add(24*time.Hour), "the image is being looked at")
	require.NoError(t, err)
	h.scan("pkg:maven/junit/junit@4.13", "archive")
	require.Equal(t, campaign.TaskNotAffected, h.taskNamed(id, "archive").Status)
	h.clock.advance(25 * time.Hour)
	h.settle()
	require.Empty(t, h.asks(eve, "inquiry_due"))
	for _, q := range all[campaign.Inquiry](h, id, campaign.KindInquiry) {
		require.False(t, q.Open())
	}
}

func TestAPromiseUnaskedTakesThePlaceOfTheQuestion(t *testing.T) {
	h, id := allLaunched(t)
	h.inquires(id, campaign.AboutUnscanned)
	_, err := h.engine.Promise(t.Context(), h.by(eve), id, []string{"archive"}, h.clock.Now().Add(time.Hour), "")
	require.NoError(t, err)
	_, err = h.engine.Promise(t.Context(), h.by(ben), id, []string{"archive"}, h.clock.Now().Add(time.Hour), "")
	refused(t, err, campaign.Forbidden)
	open := slices.DeleteFunc(all[campaign.Inquiry](h, id, campaign.KindInquiry), func(q campaign.Inquiry) bool { return !q.Open() })
	require.Len(t, open, 1)
	require.Equal(t, campaign.InquiryPromised, open[0].Status)
}

func TestAskingManyOwnersWaitsForASecondPerson(t *testing.T) {
	h := newHouse(t, func(o *campaign.Options) { o.Brakes.SecondPersonAbove = 1 })
	h.importsOwners(catalogNow(nil))
	h.scan(unversioned, "checkout", "search", "wiki")
	_, err := h.engine.New(t.Context(), h.by(cara), campaign.NewCampaign{Title: "Log4Shell", Pattern: "log4j-core"})
	require.NoError(t, err)
	_, err = h.engine.SetFloor(t.Context(), h.by(cara), "log4shell", campaign.Floor{Package: "log4j-core", Fixed: "2.17.1", Reason: "by hand"})
	require.NoError(t, err)
	m, err := h.engine.AskOwners(t.Context(), h.by(cara), "log4shell", campaign.AboutDoubt, []string{"all"})
	require.NoError(t, err)
	require.Contains(t, m.Text, "second person")
	require.Empty(t, all[campaign.Inquiry](h, "log4shell", campaign.KindInquiry))
	_, err = h.engine.Decide(t.Context(), h.by(devi), "log4shell", all[campaign.Hold](h, "log4shell", campaign.KindRequest)[0].ID, true)
	require.NoError(t, err)
	require.Len(t, all[campaign.Inquiry](h, "log4shell", campaign.KindInquiry), 3)
}

func TestWhatIsNotTheirsIsToldAndNotAskedAgain(t *testing.T) {
	h, id := doubtfulHouse(t, 2)
	q := h.inquires(id, campaign.AboutDoubt)
	_, err := h.engine.AnswerInquiry(t.Context(), h.by(ann), id, q.ID, campaign.InquiryAnswer{NotOurs: true})
	require.NoError(t, err)
	h.settle()
	require.Len(t, h.said(commandChannel, "shop-0 and shop-1 are not theirs; the catalog names ann"), 1)

	m, err := h.engine.AskOwners(t.Context(), h.by(cara), id, campaign.AboutDoubt, []string{"all"})
	require.NoError(t, err)
	require.Contains(t, m.Text, "For 2 services the owner in the catalog said that it is not theirs")
	_, err = h.engine.SettleOwner(t.Context(), h.by(cara), id, "shop-0", "group:default/ben")
	require.NoError(t, err)
	_, err = h.engine.AskOwners(t.Context(), h.by(cara), id, campaign.AboutDoubt, []string{"all"})
	require.NoError(t, err)
	h.settle()
	require.Len(t, h.asks(ben, "inquiry_asked"), 1, "the new owner is asked")
	require.Len(t, h.asks(ann, "inquiry_asked"), 1)
}

func TestWhoPromisedIsReminded(t *testing.T) {
	h, id := doubtfulHouse(t, 2)
	q := h.inquires(id, campaign.AboutDoubt)
	_, err := h.engine.AnswerInquiry(t.Context(), h.by(cara), id, q.ID, campaign.InquiryAnswer{Until: h.clock.Now().Add(26 * time.Hour), How: "I look myself"})
	require.NoError(t, err)
	h.clock.advance(27 * time.Hour)
	h.settle()
	h.clock.advance(20 * time.Hour)
	h.settle()
	require.Empty(t, h.asks(ann, "inquiry_due"))
	require.Len(t, h.asks(cara, "inquiry_due"), 1)
}

func TestTwoWhoAskAtOnceAskOnce(t *testing.T) {
	raced := &racedStore{}
	h, id := doubtfulHouse(t, 2, func(o *campaign.Options) { raced.Store, o.Store = o.Store, raced })
	raced.before = func() {
		_, err := h.engine.AskOwners(t.Context(), h.by(devi), id, campaign.AboutDoubt, []string{"all"})
		require.NoError(t, err)
	}
	m, err := h.engine.AskOwners(t.Context(), h.by(cara), id, campaign.AboutDoubt, []string{"all"})
	require.NoError(t, err)
	require.Contains(t, m.Text, "Nobody was asked.")
	h.settle()
	require.Len(t, h.asks(ann, "inquiry_asked"), 1)
	_, err = h.engine.AskOwners(t.Context(), h.by(cara), id, campaign.AboutDoubt, []string{"shop-0", "shopp-1"})
	require.Contains(t, refused(t, err, campaign.NotFound), "shopp-1 is not in doubt")
}

// racedStore lets somebody else be faster, once, before the first change.
type racedStore struct {
	campaign.Store

	before func()
}

func (s *racedStore) Apply(ctx context.Context, c campaign.Change) error {
	if before := s.before; before != nil {
		s.before = nil
		before()
	}
	return s.Store.Apply(ctx, c)
}

func TestWhoeverAgreesThatOwnersAreAskedAgreesToThose(t *testing.T) {
	h, id := doubtfulHouse(t, 2, func(o *campaign.Options) { o.Brakes.SecondPersonAbove = 1 })
	c := catalogNow(nil)
	for _, s := range []string{"shop-0", "shop-1"} {
		c.Services["component:default/"+s] = campaign.Service{Ref: "component:default/" + s, Name: s, Owner: "group:default/" + map[string]string{"shop-0": "ann", "shop-1": "ben"}[s]}
	}
	h.importsOwners(c)
	_, err := h.engine.AskOwners(t.Context(), h.by(cara), id, campaign.AboutDoubt, []string{"all"})
	require.NoError(t, err)
	hold := h.openHolds(id)
	require.Len(t, hold, 1)
	c.Services["component:default/shop-2"] = campaign.Service{Ref: "component:default/shop-2", Name: "shop-2", Owner: "group:default/eve"}
	h.importsOwners(c)
	h.scan(unversioned, "shop-2")
	_, err = h.engine.Decide(t.Context(), h.by(devi), id, hold[0].ID, true)
	require.NoError(t, err)
	h.settle()
	require.Len(t, h.asks(ann, "inquiry_asked"), 1)
	require.Len(t, h.asks(ben, "inquiry_asked"), 1)
	require.Empty(t, h.asks(eve, "inquiry_asked"), "she came after")
}

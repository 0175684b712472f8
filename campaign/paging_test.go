package campaign_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

var _ campaign.Pager = (*fakePager)(nil)

// fakePager remembers what is open, and how often it woke somebody.
type fakePager struct {
	faults
	mu    sync.Mutex
	open  map[string]campaign.Page
	woken []campaign.Page
}

func newFakePager() *fakePager { return &fakePager{open: map[string]campaign.Page{}} }

func (p *fakePager) Trigger(_ context.Context, page campaign.Page) error {
	return p.meet(func() error {
		p.mu.Lock()
		defer p.mu.Unlock()
		if _, open := p.open[page.Key]; !open {
			p.woken = append(p.woken, page)
		}
		p.open[page.Key] = page
		return nil
	})
}

func (p *fakePager) Resolve(_ context.Context, page campaign.Page) error {
	return p.meet(func() error {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.open, page.Key)
		return nil
	})
}

func pagedHouse(t *testing.T) (*house, *fakePager) {
	pager := newFakePager()
	return newHouse(t, func(o *campaign.Options) { o.Pager = pager }), pager
}

func TestAQuestionThatNeedsAPersonPagesUntilItIsAnswered(t *testing.T) {
	h, pager := pagedHouse(t)
	id := h.newCampaign()
	q := h.ask(id, ann, "100.1", "`ledger` of Payroll cannot restart")
	h.clock.advance(52 * time.Minute)
	for range 2 {
		_, err := h.engine.Escalate(t.Context(), h.by(ben), id, q.ID)
		require.NoError(t, err)
	}
	h.settle()
	require.Len(t, pager.woken, 1)
	page := pager.woken[0]
	require.Equal(t, campaign.PageDesk, page.Route)
	require.Contains(t, page.Summary, "question 1")
	require.Contains(t, page.Summary, "52 minutes")
	require.Equal(t, "https://app.slack.com/client/T1/CHELP/thread/CHELP-100.1", page.Link)

	_, err := h.engine.Answer(t.Context(), h.by(hal), id, q.ID)
	require.NoError(t, err)
	h.settle()
	require.Empty(t, pager.open)
	require.Len(t, pager.woken, 1)
}

// A page goes through another company: nothing of what it is about goes along.
func TestPagesNameNothing(t *testing.T) {
	h, pager := pagedHouse(t)
	id := h.newCampaign()
	q := h.ask(id, ann, "100.1", "`ledger` of Payroll cannot restart")
	_, err := h.engine.Escalate(t.Context(), h.by(ben), id, q.ID)
	require.NoError(t, err)
	require.NoError(t, h.engine.PageIncidentResponse(t.Context(), h.by(ann)))
	h.settle()
	require.Len(t, pager.woken, 2)
	sent, err := json.Marshal(pager.woken)
	require.NoError(t, err)
	for _, name := range []string{id, "log4j", "ledger", "Payroll", "Ann", "UANN", "UBEN"} {
		require.NotContains(t, string(sent), name)
	}
}

func TestAnAnswerBeforeThePageWakesNobody(t *testing.T) {
	h, pager := pagedHouse(t)
	id := h.newCampaign()
	q := h.ask(id, ann, "100.1", "Which jar?")
	_, err := h.engine.Escalate(t.Context(), h.by(ben), id, q.ID)
	require.NoError(t, err)
	_, err = h.engine.Answer(t.Context(), h.by(hal), id, q.ID)
	require.NoError(t, err)
	h.settle()
	require.Empty(t, pager.woken)
	require.Empty(t, pager.open)
}

func TestALostAnswerOfThePagerWakesOnce(t *testing.T) {
	h, pager := pagedHouse(t)
	id := h.newCampaign()
	q := h.ask(id, ann, "100.1", "Which jar?")
	pager.timeOut(2)
	_, err := h.engine.Escalate(t.Context(), h.by(ben), id, q.ID)
	require.NoError(t, err)
	h.settle()
	h.settle()
	require.Len(t, pager.woken, 1)
	for _, e := range all[campaign.Effect](h, id, campaign.KindEffect) {
		require.Equal(t, campaign.EffectDone, e.Status, "%s %s", e.Kind, e.LastError)
	}
}

func TestSomethingOddPagesIncidentResponseOnce(t *testing.T) {
	h, pager := pagedHouse(t)
	id := h.newCampaign()
	r := h.by(ann)
	for range 2 { // the envelope was worked twice
		require.NoError(t, h.engine.PageIncidentResponse(t.Context(), r))
	}
	h.settle()
	require.Len(t, pager.woken, 1)
	require.Equal(t, campaign.PageIncident, pager.woken[0].Route)
	require.Equal(t, campaign.PageCritical, pager.woken[0].Severity)
	require.Empty(t, h.audited(id), "nothing of it is in the campaign's log")
	require.Empty(t, all[campaign.Effect](h, id, campaign.KindEffect))
}

func TestDeadLettersPageOnceAndEndWithTheLast(t *testing.T) {
	h, pager := pagedHouse(t)
	id := h.newCampaign()
	first, second := h.ask(id, ann, "100.1", "Which jar?"), h.ask(id, ann, "100.2", "Which host?")
	require.NotEqual(t, first, second)
	h.slack.fail(campaign.Forbidden, 2)
	h.settle()
	require.Len(t, pager.woken, 1)
	require.Equal(t, campaign.PageLow, pager.woken[0].Severity)

	var dead []string
	for _, e := range all[campaign.Effect](h, id, campaign.KindEffect) {
		if e.Status == campaign.EffectDead {
			dead = append(dead, e.ID)
		}
	}
	require.Len(t, dead, 2)
	for i, effect := range dead {
		require.Len(t, pager.open, 1, "%d dead letters are left", 2-i)
		_, err := h.engine.Revive(t.Context(), h.by(cara), id, effect)
		require.NoError(t, err)
		h.settle()
	}
	require.Empty(t, pager.open)
}

// A pager that refuses for good is told of in Slack, and pages nobody about it.
func TestAPagerThatRefuses(t *testing.T) {
	h, pager := pagedHouse(t)
	id := h.newCampaign()
	q := h.ask(id, ann, "100.1", "Which jar?")
	pager.fail(campaign.Forbidden, 1)
	_, err := h.engine.Escalate(t.Context(), h.by(ben), id, q.ID)
	require.NoError(t, err)
	h.settle()
	require.Empty(t, pager.woken)
	var told []string
	for _, m := range h.planned(id, commandChannel) {
		told = append(told, m.Message.Text)
	}
	require.True(t, slices.ContainsFunc(told, func(text string) bool { return strings.Contains(text, "dead_letter") }), "%v", told)
}

func TestWithoutAPagerNothingIsPlanned(t *testing.T) {
	h := newHouse(t)
	id := h.newCampaign()
	q := h.ask(id, ann, "100.1", "Which jar?")
	_, err := h.engine.Escalate(t.Context(), h.by(ben), id, q.ID)
	require.NoError(t, err)
	require.NoError(t, h.engine.PageIncidentResponse(t.Context(), h.by(ann)))
	for _, scope := range []string{id, string(campaign.Sys)} {
		for _, e := range all[campaign.Effect](h, scope, campaign.KindEffect) {
			require.NotEqual(t, campaign.EffectPage, e.Kind)
		}
	}
}

// The page ended when the last dead letter was revived; it fails again at once.
func TestADeadLetterAfterThePageEndedPagesAgain(t *testing.T) {
	h, pager := pagedHouse(t)
	id := h.newCampaign()
	h.ask(id, ann, "100.1", "Which jar?")
	h.slack.fail(campaign.Forbidden, 1)
	h.settle()
	require.Len(t, pager.open, 1)
	for _, e := range all[campaign.Effect](h, id, campaign.KindEffect) {
		if e.Status != campaign.EffectDead {
			continue
		}
		h.clock.advance(time.Second)
		_, err := h.engine.Revive(t.Context(), h.by(cara), id, e.ID)
		require.NoError(t, err)
		h.slack.fail(campaign.Forbidden, 1)
		h.settle()
	}
	require.Len(t, pager.woken, 2)
	require.Len(t, pager.open, 1)
}

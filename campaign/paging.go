package campaign

import (
	"context"
	"fmt"
	"time"
)

// pagePayload is what an effect of kind page carries.
type pagePayload struct {
	Page    Page `json:"page"`
	Resolve bool `json:"resolve,omitempty"`
	// Question and Dead say what must still be so when the page goes out:
	// nobody is woken for what was settled meanwhile.
	Question string `json:"question,omitempty"` // it is not answered
	Dead     bool   `json:"dead,omitempty"`     // there are dead letters
}

// deadPageEvery is how often a campaign's dead letters page at most: a tracker
// that is down makes a thousand of them.
const deadPageEvery = 10 * time.Minute

// page plans a page, or its end, when pages go anywhere. id makes it unique
// within the scope. What concerns one key goes out in order.
func (tx *transaction) page(id string, p pagePayload) error {
	if tx.engine.opts.Pager == nil {
		return nil
	}
	return tx.effect(Effect{
		ID: opaqueID(string(tx.scope), "page", id), Kind: EffectPage, Subject: "page/" + p.Page.Key, Lane: Interactive, Serial: "page/" + p.Page.Key,
	}, p)
}

// questionPage is the page of a question that nobody has answered.
func questionPage(c Campaign, q Question, at time.Time) Page {
	return Page{
		Key:     opaqueID(c.ID, "page", q.subject()),
		Summary: fmt.Sprintf("Muster: question %d of a security campaign needs a person; asked %s ago", q.Number, roughly(at.Sub(q.AskedAt))),
		Detail: "An engineer is stuck and has asked for a person in the help channel. The link leads to the thread. " +
			"This page ends by itself when the question is answered there.",
		Severity: PageHigh, Route: PageDesk, Link: q.address(), At: at,
	}
}

func (tx *transaction) pageQuestion(c Campaign, q Question) error {
	return tx.page(q.subject(), pagePayload{Page: questionPage(c, q, tx.now), Question: q.ID})
}

// endQuestionPage ends the page of a question that was escalated and is answered.
func (tx *transaction) endQuestionPage(c Campaign, q Question) error {
	if q.EscalatedAt.IsZero() {
		return nil
	}
	return tx.page(q.subject()+"/answered", pagePayload{Page: questionPage(c, q, q.EscalatedAt), Resolve: true})
}

// deadPage is the page of a campaign's dead letters: one, however many they are.
func (tx *transaction) deadPage() Page {
	return Page{
		Key:     opaqueID(string(tx.scope), "page", counterDead),
		Summary: "Muster: tickets or messages of a security campaign could not be sent",
		Detail: "They were given up after many attempts, or refused for good. Each stands in the command channel with what was wrong and a button to try again. " +
			"This page ends by itself when none is left.",
		Severity: PageLow, Route: PageDesk, At: tx.now,
	}
}

// pageDead pages because of a dead letter. What went wrong with a page itself is
// told in Slack only.
func (tx *transaction) pageDead(e Effect) error {
	if e.Kind == EffectPage {
		return nil
	}
	dead, err := tx.engine.opts.Store.Counters(tx.ctx, tx.scope, counterDead)
	if err != nil {
		return err
	}
	at := tx.now
	if dead[counterDead] > 0 { // the page before goes on
		at = at.Truncate(deadPageEvery)
	}
	return tx.page(counterDead+"/"+timeKey(at), pagePayload{Page: tx.deadPage(), Dead: true})
}

// endDeadPage ends that page when the dead letter that is being revived was the
// last one.
func (tx *transaction) endDeadPage(revived Effect) error {
	dead, err := tx.engine.opts.Store.Counters(tx.ctx, tx.scope, counterDead)
	if err != nil || dead[counterDead] > 1 {
		return err
	}
	return tx.page(counterDead+"/revived/"+revived.ID+"/"+timeKey(tx.now), pagePayload{Page: tx.deadPage(), Resolve: true})
}

// PageIncidentResponse pages incident response because somebody saw something
// odd. What it was is not in the page and not in any record of it; those who
// were told privately know. The request's key makes it one page.
func (g *Engine) PageIncidentResponse(ctx context.Context, r Request) error {
	return g.atomically(ctx, Sys, Request{}, func(tx *transaction) error {
		return tx.page("odd/"+r.Key, pagePayload{Page: Page{
			Key:     opaqueID(string(Sys), "page", "odd", r.Key),
			Summary: "Muster: somebody reports a possible sign of a break-in",
			Detail: "What they saw stands in a direct message from Muster in Slack, to counsel, the commander and the deputy, and nowhere else. " +
				"End this page by hand.",
			Severity: PageCritical, Route: PageIncident, At: tx.now,
		}})
	})
}

// sendPage carries out a page, or ends one.
func (g *Engine) sendPage(ctx context.Context, scope Scope, e Effect) (any, error) {
	p, err := decodePayload[pagePayload](e)
	if err != nil {
		return nil, err
	}
	if g.opts.Pager == nil {
		return nil, Refuse(Forbidden, "Paging was switched off in the configuration after this page was planned, so nobody was woken.")
	}
	if p.Resolve {
		return nil, g.opts.Pager.Resolve(ctx, p.Page)
	}
	if settled, err := g.pageSettled(ctx, scope, p); settled || err != nil {
		return nil, err
	}
	return nil, g.opts.Pager.Trigger(ctx, p.Page)
}

// pageSettled returns whether the reason for a page is gone.
func (g *Engine) pageSettled(ctx context.Context, scope Scope, p pagePayload) (bool, error) {
	switch {
	case p.Question != "":
		q, _, err := Load[Question](ctx, g.opts.Store, scope, KindQuestion, p.Question)
		return q.Status == QuestionAnswered, err
	case p.Dead:
		dead, err := g.opts.Store.Counters(ctx, scope, counterDead)
		return dead[counterDead] == 0, err
	}
	return false, nil
}

// roughly says how long something took, for a line without room.
func roughly(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return "a minute"
	case d < 2*time.Hour:
		return fmt.Sprintf("%d minutes", d/time.Minute)
	}
	return fmt.Sprintf("%d hours", d/time.Hour)
}

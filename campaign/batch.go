package campaign

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A BulkTracker files many tickets in one call. The worker gives a hand as many
// claimed filings as one call takes, of any campaigns; here they are filed
// together, and settled in one step for each campaign. Each of them keeps its own
// lease, its own effect and its own outcome: a lost answer makes all of them
// uncertain, and each is then looked up by its key before it is tried again.

// bulk returns how many filings go out in one call; 1 when the tracker takes them
// one by one.
func (g *Engine) bulk() int { return bulkOf(g.opts.Tracker) }

func bulkOf(tracker Tracker) int {
	if t, ok := tracker.(BulkTracker); ok {
		return max(1, min(t.Bulk(), maxBulk))
	}
	return 1
}

// maxBulk bounds a batch so that what follows from it fits into one step: an
// effect, its index row, its lease, its audit record, its ticket, its contact's
// message, and the ticket's renewal: an effect, an index row and a due entry.
const maxBulk = 80

// fileTogether files the tickets of claimed entries, and ends their leases.
func (g *Engine) fileTogether(ctx context.Context, claims []Claimed) {
	b := batch{engine: g}
	for scope, mine := range byScope(claims) {
		part := batch{engine: g}
		if err := part.gather(ctx, scope, mine); err != nil {
			for _, c := range mine {
				if !c.Expired { // see tryAlone
					g.retry(ctx, c, fmt.Errorf("gather filings: %w", err))
				}
			}
			continue
		}
		b.filings, b.tried = append(b.filings, part.filings...), append(b.tried, part.tried...)
		b.settled, b.alone = append(b.settled, part.settled...), append(b.alone, part.alone...)
	}
	b.file(ctx)
	for scope, settled := range b.endings() {
		g.settleTogether(ctx, scope, settled)
	}
	b.tryAlone(ctx)
}

// batch is what one call files, and what came of it.
type batch struct {
	engine  *Engine
	filings []Filing
	tried   []*attempt // of each filing
	settled []outcome  // known without a call, and then all
	alone   []Claimed  // need a look of their own first
}

// outcome is an attempt with its end.
type outcome struct {
	attempt *attempt
	end     ending
}

// gather sorts the claims of one campaign: what can go out now is drafted; what may
// have gone out before, or is over, is looked at by itself; what a pause holds is
// put back.
func (b *batch) gather(ctx context.Context, scope Scope, claims []Claimed) error {
	g := b.engine
	c, err := g.Campaign(ctx, string(scope))
	if err != nil {
		return err
	}
	attempts, err := b.pending(ctx, scope, claims)
	if err != nil {
		return err
	}
	if c.Status == Paused || c.Status == Cancelled {
		until := g.opts.Clock.Now().Add(heldFor)
		for _, a := range attempts {
			if c.Status == Cancelled {
				b.alone = append(b.alone, a.claim)
				continue
			}
			b.settled = append(b.settled, outcome{a, ending{status: EffectPending, retryAt: until, turn: true}})
		}
		return nil
	}
	return b.write(ctx, scope, attempts)
}

// pending returns the attempts of claims that can go out now, and leaves the others
// to be looked at alone.
func (b *batch) pending(ctx context.Context, scope Scope, claims []Claimed) ([]*attempt, error) {
	g := b.engine
	ids := make([]string, len(claims))
	byID := make(map[string]Claimed, len(claims))
	for i, c := range claims {
		ids[i] = c.ID[len(filePrefix):]
		byID[ids[i]] = c
	}
	effects, err := LoadMany[Effect](ctx, g.opts.Store, scope, KindEffect, ids)
	if err != nil {
		return nil, err
	}
	var attempts []*attempt
	for _, stored := range effects {
		e := stored.Value
		if err := g.recall(ctx, &e); err != nil {
			return nil, err
		}
		c := byID[e.ID]
		if c.Expired || e.Status != EffectPending && e.Status != EffectUncertain || g.mayStillShow(e) {
			continue
		}
		attempts = append(attempts, &attempt{engine: g, claim: c, effect: e, version: stored.Version, action: g.effects[e.Kind]})
		delete(byID, e.ID)
	}
	for _, id := range ids {
		if c, ok := byID[id]; ok {
			b.alone = append(b.alone, c)
		}
	}
	return attempts, nil
}

// mayStillShow returns whether a filing that is in doubt has not been waited for:
// the tracker may have it and not show it yet. Afterwards it is filed with others,
// since each filing looks for its key: fifty in doubt take one search.
func (g *Engine) mayStillShow(e Effect) bool {
	return g.opts.Clock.Now().Before(e.UncertainAt.Add(g.opts.Work.UncertainWait))
}

// write renders what is to be filed.
func (b *batch) write(ctx context.Context, scope Scope, attempts []*attempt) error {
	g := b.engine
	ids := make([]string, len(attempts))
	for i, a := range attempts {
		ids[i] = a.effect.Subject
	}
	found, err := LoadMany[Ticket](ctx, g.opts.Store, scope, KindTicket, ids)
	if err != nil {
		return err
	}
	tickets := make(map[string]Ticket, len(found))
	for _, t := range found {
		tickets[t.ID] = t.Value
	}
	texts := map[string]approvedTexts{}
	for _, a := range attempts {
		t, ok := tickets[a.effect.Subject]
		switch {
		case !ok:
			b.alone = append(b.alone, a.claim)
			continue
		case t.Ref.ID != "":
			b.settled = append(b.settled, outcome{a, a.judge(ctx, t.Ref, nil)})
			continue
		}
		if _, ok := texts[t.Plan]; !ok {
			if texts[t.Plan], err = g.approvedTexts(ctx, scope, t.Plan); err != nil {
				return err
			}
		}
		draft, err := g.draftTicket(ctx, scope, texts[t.Plan], t)
		if err == nil {
			err = asApproved(t, draft)
		}
		if err != nil && ctx.Err() != nil {
			return err // nothing was sent
		}
		if err != nil {
			b.settled = append(b.settled, outcome{a, a.judge(ctx, nil, err)})
			continue
		}
		b.filings, b.tried = append(b.filings, Filing{Key: t.ID, Draft: draft}), append(b.tried, a)
	}
	return nil
}

// file makes the call.
func (b *batch) file(ctx context.Context) {
	if len(b.filings) == 0 {
		return
	}
	outcomes := b.engine.opts.Tracker.(BulkTracker).EnsureAll(ctx, b.filings)
	for i, a := range b.tried {
		got := FilingOutcome{Err: &Error{Kind: Uncertain, Err: errors.New("the tracker gave no outcome")}}
		if len(outcomes) == len(b.filings) {
			got = outcomes[i]
		}
		end := a.judge(ctx, got.Ref, got.Err)
		if !end.retryAt.IsZero() && len(b.filings) < b.engine.bulk() {
			end.retryAt = meetingAt(end.retryAt)
		}
		b.settled = append(b.settled, outcome{a, end})
	}
}

// meetingAt returns when filings that did not fill a call come back: together with
// others that did not either. Else what faults have scattered would go out in ones
// and twos at a rate that counts calls.
func meetingAt(t time.Time) time.Time { return t.Truncate(linger).Add(linger) }

// endings returns what is settled, by campaign.
func (b *batch) endings() map[Scope][]outcome {
	endings := map[Scope][]outcome{}
	for _, s := range b.settled {
		endings[s.attempt.claim.Scope] = append(endings[s.attempt.claim.Scope], s)
	}
	return endings
}

// tryAlone works what needs a look of its own. What time does not suffice for is
// put back; an expired lease is left to run out, since put back it would look as
// if nothing had been tried.
func (b *batch) tryAlone(ctx context.Context) {
	for i, c := range b.alone {
		if ctx.Err() != nil {
			b.engine.putBack(ctx, b.alone[i:], time.Time{})
			return
		}
		if err := b.engine.perform(ctx, c); err != nil {
			b.engine.retry(ctx, c, err)
		}
	}
}

// settleTogether records the ends of attempts of one campaign in one step. When
// that is refused, since one of them was overtaken, each is recorded by itself.
func (g *Engine) settleTogether(ctx context.Context, scope Scope, all []outcome) {
	ctx = context.WithoutCancel(ctx) // what happened is recorded even when time has run out
	waiting, err := g.settleOnce(ctx, scope, all)
	if err == nil {
		g.releaseLate(ctx, scope, waiting)
		return
	}
	log := g.opts.Log.WithField(FieldCampaign, string(scope))
	log.WithError(err).WithField("effects", len(all)).Info("settle filings one by one")
	for _, s := range all {
		if err := s.attempt.write(ctx, s.end); err != nil {
			log.WithError(err).WithField(FieldEffect, s.attempt.effect.ID).Error("record filing; its lease will run out")
		}
	}
}

func (g *Engine) settleOnce(ctx context.Context, scope Scope, all []outcome) ([]string, error) {
	tx := g.begin(ctx, scope, Request{})
	var effects, tickets []string
	for _, s := range all {
		if !s.end.turn {
			effects, tickets = append(effects, s.attempt.effect.ID), append(tickets, s.attempt.effect.Subject)
		}
	}
	if err := errors.Join(tx.prefetch(KindEffect, effects), tx.prefetch(KindTicket, tickets)); err != nil {
		return nil, err
	}
	for _, s := range all {
		outdated, err := s.attempt.record(tx, s.end)
		if err != nil {
			return nil, err
		}
		if outdated {
			return nil, &Error{Kind: Conflict, Err: fmt.Errorf("effect %s moved while it was carried out", s.attempt.effect.ID)}
		}
	}
	waiting, err := tx.release()
	if err != nil {
		return nil, err
	}
	return waiting, tx.commit()
}

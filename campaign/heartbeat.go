package campaign

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// beats is when the next heartbeat is due, for all replicas together.
type beats struct {
	Next time.Time `json:"next"`
}

// beatShare bounds what heartbeats take: after one that took a second, none follows
// for nine more.
const beatShare = 9

// beat runs the heartbeat until ctx ends: at once, so that a restart restores what
// is missing, and then at its interval whenever no other replica is faster.
func (g *Engine) beat(ctx context.Context) {
	for first := true; ctx.Err() == nil; first = false {
		began := time.Now()
		mine, err := g.takeBeat(ctx, g.opts.Work.Heartbeat, first)
		if err == nil && mine {
			err = g.Heartbeat(ctx)
			if pause := beatShare * time.Since(began); err == nil && pause > g.opts.Work.Heartbeat {
				_, err = g.takeBeat(ctx, pause, true)
			}
		}
		if err != nil && ctx.Err() == nil {
			g.opts.Log.WithError(err).Error("heartbeat")
		}
		if err := g.opts.Clock.Wait(ctx, g.opts.Work.Heartbeat); err != nil {
			return
		}
	}
}

// takeBeat returns whether this replica has the next heartbeat, which it has always
// when it insists, and puts off the one after it.
func (g *Engine) takeBeat(ctx context.Context, pause time.Duration, insists bool) (mine bool, err error) {
	_, err = Upsert(ctx, g.opts.Store, Sys, KindRun, "beats", func(b *beats, _ *Change) error {
		now := g.opts.Clock.Now()
		if mine = insists || !now.Before(b.Next); mine {
			b.Next = now.Add(pause)
		}
		return nil
	})
	return mine, err
}

// Heartbeat compares plan, tasks and effects, and restores the work that is
// missing. What is there stays as it is, so it may run at any time and on every
// replica.
func (g *Engine) Heartbeat(ctx context.Context) error {
	scopes, err := g.opts.Store.Scopes(ctx)
	if err != nil {
		return err
	}
	problems := []error{g.noteRun(ctx)}
	for _, scope := range scopes {
		for _, restore := range g.restorers() {
			problems = append(problems, restore(ctx, scope))
		}
	}
	problems = append(problems, g.forgetInbox(ctx), g.restorePolling(ctx))
	return errors.Join(problems...)
}

// restorers are what the heartbeat does in each scope.
func (g *Engine) restorers() []func(context.Context, Scope) error {
	return []func(context.Context, Scope) error{g.restoreEffects, g.restoreWaves, g.restoreDigests, g.restoreAdvice, g.restoreRenewals, g.restoreReassignments, g.restoreInquiries, g.restoreMerges, g.restoreSweep}
}

// restoreEffects gives every open effect its due entry again, but for those that
// wait for what has not come yet.
func (g *Engine) restoreEffects(ctx context.Context, scope Scope) error {
	for after := (IndexHit{}); ; {
		hits, err := g.opts.Store.Index(ctx, scope, indexOpenEffects, "", after, MaxChangeRecords/2)
		if err != nil || len(hits) == 0 {
			return err
		}
		ids := make([]string, len(hits))
		for i, hit := range hits {
			ids[i], after = hit.ID, hit
		}
		effects, err := LoadMany[Effect](ctx, g.opts.Store, scope, KindEffect, ids)
		if err != nil {
			return err
		}
		now, change := g.opts.Clock.Now(), Change{Scope: scope}
		for _, e := range valuesOf(effects) {
			if now.Sub(e.CreatedAt) <= g.restoreAfter() {
				continue
			}
			if waits, err := g.stillWaits(ctx, scope, e); err != nil {
				return err
			} else if !waits {
				change.Due = append(change.Due, DueEntry{ID: e.dueID(), Lane: e.Lane, Serial: e.Serial, At: latest(now, e.NotBefore), Restore: true})
			}
		}
		if len(change.Due) == 0 {
			continue
		}
		if err := g.opts.Store.Apply(ctx, change); err != nil {
			return fmt.Errorf("restore effects of %s: %w", scope, err)
		}
	}
}

// stillWaits returns whether an effect waits for tickets that are not all filed.
// In a cancelled campaign nothing waits: the effect is to be given up.
func (g *Engine) stillWaits(ctx context.Context, scope Scope, e Effect) (bool, error) {
	if !e.Waits {
		return false, nil
	}
	p, err := decodePayload[postPayload](e)
	if err != nil {
		return false, err
	}
	tickets, err := LoadMany[struct {
		Ref TicketRef `json:"ref"`
	}](ctx, g.opts.Store, scope, KindTicket, p.After)
	if err != nil {
		return false, err
	}
	filed := 0
	for _, t := range tickets {
		if t.Value.Ref.ID != "" {
			filed++
		}
	}
	if filed == len(p.After) {
		return false, nil
	}
	c, err := g.Campaign(ctx, string(scope))
	return c.Status != Cancelled, err
}

// restoreAfter is how old an effect must be before the heartbeat looks after it:
// a young one is on its way.
func (g *Engine) restoreAfter() time.Duration { return 4 * g.opts.Work.Heartbeat }

// restoreWaves lets waves that are being filed go on, and those be watched that
// are not all out, or have one waiting behind them.
func (g *Engine) restoreWaves(ctx context.Context, scope Scope) error {
	for stored, err := range LoadAll[Wave](ctx, g.opts.Store, scope, KindWave) {
		if err != nil {
			return err
		}
		now := g.opts.Clock.Now()
		var due []DueEntry
		if stored.Value.Status == WaveFiling {
			due = append(due, stored.Value.due(now))
		}
		if stored.Value.Watched {
			due = append(due, stored.Value.watch(now.Add(g.restoreAfter())))
		}
		if len(due) == 0 {
			continue
		}
		err := g.opts.Store.Apply(ctx, Change{Scope: scope, Due: due})
		if err != nil {
			return fmt.Errorf("restore wave %s: %w", stored.ID, err)
		}
	}
	return nil
}

// forgetInbox drops envelopes that were done with more than an hour ago: no
// redelivery comes that late.
func (g *Engine) forgetInbox(ctx context.Context) error {
	before := g.opts.Clock.Now().Add(-inboxKeep)
	hits, err := g.opts.Store.Index(ctx, Sys, inboxIndex, "", IndexHit{}, MaxChangeRecords/4)
	if err != nil {
		return err
	}
	for _, hit := range hits {
		if hit.Key >= timeKey(before) {
			return nil
		}
		e, version, err := Load[Envelope](ctx, g.opts.Store, Sys, KindInbox, hit.ID)
		if err != nil && KindOf(err) != NotFound {
			return err
		}
		change := Change{Scope: Sys, Index: []IndexEntry{{Name: inboxIndex, Key: hit.Key, ID: hit.ID, Remove: true}}}
		switch {
		case version > 0 && e.Status == InboxPending:
			change = Change{Scope: Sys, Due: []DueEntry{{ID: inboxPrefix + hit.ID, Lane: Interactive, At: g.opts.Clock.Now()}}}
		case version > 0:
			change.Records = []Record{{Kind: KindInbox, ID: hit.ID, Version: version}}
		}
		if err := g.opts.Store.Apply(ctx, change); err != nil && KindOf(err) != Conflict {
			return fmt.Errorf("forget envelope %s: %w", hit.ID, err)
		}
	}
	return nil
}

// Outstanding returns how much of a campaign is still on its way: effects that are
// neither done nor dead, waves that are not out, advice that is being moved.
func (g *Engine) Outstanding(ctx context.Context, id string) (int, error) {
	left := 0
	for after := (IndexHit{}); ; {
		hits, err := g.opts.Store.Index(ctx, Scope(id), indexOpenEffects, "", after, 0)
		if err != nil {
			return 0, err
		}
		if len(hits) == 0 {
			break
		}
		left, after = left+len(hits), hits[len(hits)-1]
	}
	for stored, err := range LoadAll[Wave](ctx, g.opts.Store, Scope(id), KindWave) {
		if err != nil {
			return 0, err
		}
		if w := stored.Value; w.Status == WaveFiling || w.Watched {
			left++
		}
	}
	for stored, err := range LoadAll[Advice](ctx, g.opts.Store, Scope(id), KindAdvice) {
		if err != nil {
			return 0, err
		}
		if stored.Value.Stage != AdviceDone {
			left++
		}
	}
	return left, nil
}

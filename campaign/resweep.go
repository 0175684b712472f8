package campaign

import (
	"context"
	"slices"
	"time"
)

const (
	sweepPrefix = "sweep/"
	sweepDue    = sweepPrefix + self
	// sweepImported is for what an import may not have come to itself.
	sweepImported = sweepPrefix + "imported"
	// sweepEvery is how often a running campaign is compared with the scans by
	// itself: scans grow old without anybody importing anything.
	sweepEvery = time.Hour
	// sweepAfter is when it is compared again after an import, should the import
	// itself not have come to it.
	sweepAfter = 2 * time.Minute
)

// sweepMark remembers when a campaign was last compared with the scans.
type sweepMark struct {
	At time.Time `json:"at"`
}

// swept returns whether a campaign's tasks follow the scans.
func (c Campaign) swept() bool {
	return c.Plan != "" && c.Status != Closed && c.Status != Cancelled
}

// sweepSoon gives each such campaign a due entry, so that what is imported now
// reaches it even if this process dies in the middle.
func (g *Engine) sweepSoon(ctx context.Context) error {
	return g.markImported(ctx, DueEntry{ID: sweepImported, Lane: Bulk, At: g.opts.Clock.Now().Add(sweepAfter)})
}

// importSwept takes those entries out: the import came to all campaigns itself.
// Should another import go on meanwhile and die, the hourly look is left.
func (g *Engine) importSwept(ctx context.Context) error {
	return g.markImported(ctx, DueEntry{ID: sweepImported, Remove: true})
}

func (g *Engine) markImported(ctx context.Context, due DueEntry) error {
	all, err := g.Campaigns(ctx)
	if err != nil {
		return err
	}
	for _, c := range all {
		if !c.swept() {
			continue
		}
		if err := g.opts.Store.Apply(ctx, Change{Scope: Scope(c.ID), Due: []DueEntry{due}}); err != nil {
			return err
		}
	}
	return nil
}

// sweepNow lets a campaign be compared with the scans as soon as this step is
// through.
func (tx *transaction) sweepNow(c Campaign) {
	if c.swept() {
		tx.due(DueEntry{ID: sweepDue, Lane: Bulk, At: tx.now})
	}
}

// resweep compares one campaign with the scans, and puts itself back for the
// next time.
func (g *Engine) resweep(ctx context.Context, claimed Claimed) error {
	c, err := g.Campaign(ctx, string(claimed.Scope))
	if err != nil {
		return err
	}
	if !c.swept() {
		return Done(ctx, g.opts.Store, claimed)
	}
	if _, err := g.Sweep(ctx, Request{}, c.ID); err != nil {
		return err
	}
	if claimed.ID != sweepDue {
		return Done(ctx, g.opts.Store, claimed)
	}
	return g.atomically(ctx, claimed.Scope, Request{}, func(tx *transaction) error {
		if _, _, err := find[sweepMark](tx, KindCursor, sweepPrefix); err != nil {
			return err
		}
		tx.finish(claimed, tx.now.Add(sweepEvery))
		return save(tx, KindCursor, sweepPrefix, sweepMark{At: tx.now})
	})
}

// restoreSweep lets a campaign be compared with the scans whose entry is missing,
// as it is when it has just been launched.
func (g *Engine) restoreSweep(ctx context.Context, scope Scope) error {
	if scope == Sys {
		return nil
	}
	mark, _, err := Load[sweepMark](ctx, g.opts.Store, scope, KindCursor, sweepPrefix)
	if err != nil && KindOf(err) != NotFound {
		return err
	}
	now := g.opts.Clock.Now()
	if err == nil && now.Sub(mark.At) < sweepEvery+sweepAfter {
		return nil
	}
	c, err := g.Campaign(ctx, string(scope))
	if err != nil || !c.swept() {
		if KindOf(err) == NotFound {
			return nil
		}
		return err
	}
	return g.opts.Store.Apply(ctx, Change{Scope: scope, Due: []DueEntry{{ID: sweepDue, Lane: Bulk, At: now}}})
}

// enrolUnknown counts services that nobody has scanned of late and that were no
// targets so far. Nobody is asked anything by it.
func (g *Engine) enrolUnknown(ctx context.Context, r Request, c Campaign, world Assessment) error {
	known := map[string]bool{}
	for id := range world.Before {
		known[id] = true
	}
	unknown := slices.DeleteFunc(slices.Clone(world.Targets), func(t Target) bool { return t.Knowledge != KnownNothing || known[t.ID] })
	if len(unknown) == 0 {
		return nil
	}
	plan, err := g.frozen(ctx, c)
	if err != nil {
		return err
	}
	return g.enrol(ctx, r, c, Plan{Targets: unknown, Tracks: plan.Tracks})
}

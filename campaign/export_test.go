package campaign

import (
	"context"
	"iter"
	"slices"
	"strconv"
	"time"
)

// Revise gives a track new instructions, as the commands that edit a campaign do.
func (g *Engine) Revise(ctx context.Context, r Request, id, track, text string) error {
	return g.atomically(ctx, Scope(id), r, func(tx *transaction) error {
		c, err := tx.steered("edit the instructions")
		if err != nil {
			return err
		}
		t, ok := c.Track(track)
		if !ok {
			return noTrack(c, track)
		}
		if err := tx.revise(&c, &t, text); err != nil {
			return err
		}
		return save(tx, KindCampaign, self, c)
	})
}

// FilePart files one part of a wave as it was known, as a process does that slept.
func (g *Engine) FilePart(ctx context.Context, id string, w Wave, part int) error {
	return g.fileAhead(ctx, Scope(id), w, part)
}

// Drain works everything that is due by now, as a worker does, and returns how
// many entries it worked. What puts itself back for later is left for later.
func (g *Engine) Drain(ctx context.Context) (int, error) {
	worked := 0
	for worked < 10_000 {
		claims, err := g.opts.Store.Claim(ctx, ClaimRequest{Now: g.opts.Clock.Now(), Lease: g.opts.Work.Lease, N: 8})
		if err != nil || len(claims.Entries) == 0 {
			return worked, err
		}
		alone, together, err := g.gatherRound(ctx, claims.Entries, ClaimRequest{Now: g.opts.Clock.Now(), Lease: g.opts.Work.Lease, N: 8})
		if err != nil {
			return worked, err
		}
		worked += len(alone) + len(together)
		if len(together) > 0 {
			g.fileTogether(ctx, together)
		}
		for _, c := range alone {
			if err := g.handle(ctx, c); err != nil {
				if err := Retry(ctx, g.opts.Store, c, g.opts.Clock.Now().Add(retryDelay(c.Attempts, err))); err != nil {
					return worked, err
				}
			}
		}
	}
	return worked, nil
}

// Step works one entry that is due, if there is one.
func (g *Engine) Step(ctx context.Context) error {
	claims, err := g.opts.Store.Claim(ctx, ClaimRequest{Now: g.opts.Clock.Now(), Lease: g.opts.Work.Lease, N: 1})
	for _, c := range claims.Entries {
		err = g.handle(ctx, c)
	}
	return err
}

// Work works a claimed entry.
func (g *Engine) Work(ctx context.Context, c Claimed) error { return g.handle(ctx, c) }

// FileTogether files claimed filings in one call.
func (g *Engine) FileTogether(ctx context.Context, claims []Claimed) { g.fileTogether(ctx, claims) }

// DrainUntil works what is due, one entry after the other, and dies over the
// first one that dies says yes to: its lease is held by nobody. It returns
// whether there was one.
func (g *Engine) DrainUntil(ctx context.Context, dies func(Claimed) bool) (bool, error) {
	for range 10_000 {
		claims, err := g.opts.Store.Claim(ctx, ClaimRequest{Now: g.opts.Clock.Now(), Lease: time.Nanosecond, N: 1})
		if err != nil || len(claims.Entries) == 0 {
			return false, err
		}
		c := claims.Entries[0]
		if dies(c) {
			return true, nil
		}
		if err := g.handle(ctx, c); err != nil {
			if err := Retry(ctx, g.opts.Store, c, g.opts.Clock.Now().Add(retryDelay(c.Attempts, err))); err != nil {
				return false, err
			}
		}
	}
	return false, nil
}

// AtVersion returns a component as it would be at another version.
func AtVersion(c Component, version string) Component { return c.at(version) }

// EnrolBatch returns how many targets are enrolled in one step.
func EnrolBatch(tracks int, known bool) int { return enrolBatch(tracks, known) }

// KeepScans stores scans many at a time, without looking at campaigns.
func (g *Engine) KeepScans(ctx context.Context, scans []Scan) error {
	for page := range slices.Chunk(scans, MaxChangeRecords) {
		change := Change{Scope: Sys}
		for _, s := range page {
			data, err := pack(s)
			if err != nil {
				return err
			}
			change.Records = append(change.Records, Record{Kind: KindScan, ID: scanID(s), Data: data})
		}
		if err := g.opts.Store.Apply(ctx, change); err != nil {
			return err
		}
	}
	return nil
}

// PlanTakes returns what a plan of so many tickets is said to take; the tickets are
// spread evenly over the contacts.
func PlanTakes(tickets, contacts int, pace Pace) time.Duration {
	if pace.MessagesPerMinute == 0 {
		pace.MessagesPerMinute = 300
	}
	var p Plan
	for n := range contacts {
		p.Contacts = append(p.Contacts, PlanContact{Person: Person("T1/U" + strconv.Itoa(n)), Slice: SliceExposed})
	}
	for n := range tickets {
		id := strconv.Itoa(n)
		p.Tickets = append(p.Tickets, PlanTicket{ID: id})
		if contacts > 0 {
			c := &p.Contacts[n*contacts/tickets]
			c.Tickets = append(c.Tickets, id)
		}
	}
	return p.takes(pace)
}

// KeptScans yields the scans that are stored.
func (g *Engine) KeptScans(ctx context.Context) iter.Seq2[Scan, error] { return g.scans(ctx) }

// SignOf says what looks wrong with a source.
func SignOf(h SourceHealth) string { return h.sign() }

// Assess looks at the world of today for a campaign.
func (g *Engine) Assess(ctx context.Context, id string) (Assessment, error) {
	c, err := g.Campaign(ctx, id)
	if err != nil {
		return Assessment{}, err
	}
	world, _, err := g.assess(ctx, c)
	return world, err
}

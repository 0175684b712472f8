package campaign

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
)

// trackingPrefix is that of the work of following the tracker:
//
//	tracking/poll           (Sys)      asks the tracker what changed
//	tracking/ref/<id>       (Sys)      reads a ticket that somebody told us of
//	tracking/ticket/<id>    (campaign) takes up what changed on a ticket
//	tracking/how/<person>   (campaign) asks a contact how something was done
const trackingPrefix = "tracking/"

const pollDue = trackingPrefix + "poll"

// KindCursor is how far the tracker's changes were looked at.
const KindCursor RecordKind = "tracker_cursor"

// pollCursor survives a crash between two looks.
type pollCursor struct {
	// Since is up to when all changes were looked at, in the tracker's time.
	Since time.Time `json:"since"`
	// At is how far a look came that was cut short; zero when it was not.
	At time.Time `json:"at,omitzero"`
	// PolledAt is when it was last looked, in ours.
	PolledAt time.Time `json:"polled_at,omitzero"`
	Failures int       `json:"failures,omitempty"` // in a row
}

const (
	// pollOverlap is looked at again each time: what a tracker's search shows
	// late, and what its clock put into the past.
	pollOverlap = 2 * time.Minute
	// pollBack is how far the first look goes back.
	pollBack = 24 * time.Hour
	// pollBatch is how many changes are compared at a time.
	pollBatch = 200
	// pollMost bounds one look. The next one goes on where it ended.
	pollMost = 20_000
	// pollGap is how many missed looks the heartbeat takes for a lost entry.
	pollGap = 4
)

// trackDue works what following the tracker has due.
func (g *Engine) trackDue(ctx context.Context, c Claimed) error {
	sort, id := subjectParts(strings.TrimPrefix(c.ID, trackingPrefix))
	switch sort {
	case "poll":
		return g.poll(ctx, c)
	case "ref":
		return g.followHint(ctx, c, id)
	case "ticket":
		if err := g.track(ctx, c.Scope, id, nil); err != nil {
			return err
		}
		return Done(ctx, g.opts.Store, c)
	case "how":
		return g.askContactHow(ctx, c, id)
	}
	return Done(ctx, g.opts.Store, c)
}

// restorePolling lets the tracker be asked again if the entry for it is missing,
// as it is at the very start.
func (g *Engine) restorePolling(ctx context.Context) error {
	if g.opts.Work.TrackPoll < 0 {
		return nil
	}
	cursor, _, err := Load[pollCursor](ctx, g.opts.Store, Sys, KindCursor, self)
	if err != nil && KindOf(err) != NotFound {
		return err
	}
	now := g.opts.Clock.Now()
	if err == nil && now.Sub(cursor.PolledAt) < pollGap*g.opts.Work.TrackPoll {
		return nil
	}
	return g.opts.Store.Apply(ctx, Change{Scope: Sys, Due: []DueEntry{{ID: pollDue, Lane: Interactive, At: now}}})
}

// poll asks the tracker what changed since the last look, and gives work to each
// ticket that is not as we know it. One replica at a time does it.
func (g *Engine) poll(ctx context.Context, c Claimed) error {
	if g.opts.Work.TrackPoll < 0 {
		return Done(ctx, g.opts.Store, c)
	}
	cursor, version, err := Load[pollCursor](ctx, g.opts.Store, Sys, KindCursor, self)
	if err != nil && KindOf(err) != NotFound {
		return err
	}
	now := g.opts.Clock.Now()
	if cursor.Since.IsZero() {
		cursor.Since = now.Add(-pollBack)
	}
	problem := g.look(ctx, &cursor)
	if problem != nil {
		g.opts.Log.WithError(problem).Warn("tracker not asked for changes; asked again later")
	}
	next := now.Add(g.opts.Work.TrackPoll)
	switch {
	case problem != nil:
		cursor.Failures++
		next = latest(next, now.Add(retryDelay(cursor.Failures, problem)))
	case !cursor.At.IsZero():
		cursor.Failures, next = 0, now // there is more
	default:
		cursor.Failures = 0
	}
	cursor.PolledAt = next.Add(-g.opts.Work.TrackPoll) // a long wait is no lost entry
	record, err := Put(KindCursor, self, version, cursor)
	if err != nil {
		return err
	}
	// A look that ran out of its time is kept too: else the next begins where this did.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), putBackFor)
	defer cancel()
	return g.opts.Store.Apply(ctx, Change{
		Scope: Sys, Records: []Record{record}, Finish: []Finish{{ID: c.ID, Token: c.Token, RetryAt: next}},
	})
}

// look goes through the tracker's changes as far as it may, and moves the cursor
// over what was given work.
func (g *Engine) look(ctx context.Context, cursor *pollCursor) error {
	from := cursor.At
	if from.IsZero() {
		from = cursor.Since.Add(-pollOverlap)
	}
	var batch []TicketSeen
	looked, newest := 0, cursor.Since
	flush := func() error {
		ctx := ctx
		if ctx.Err() != nil { // what was seen is taken up, though the time is over
			var cancel func()
			ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), putBackFor)
			defer cancel()
		}
		if err := g.wakeTickets(ctx, batch); err != nil {
			return err
		}
		if len(batch) > 0 {
			last := batch[len(batch)-1].UpdatedAt
			newest, cursor.At = latest(newest, last), latest(cursor.At, last)
		}
		batch = batch[:0]
		return nil
	}
	for seen, err := range g.opts.Tracker.Changes(ctx, from) {
		if err != nil {
			return errors.Join(flush(), err)
		}
		batch = append(batch, seen)
		if looked++; len(batch) == pollBatch {
			if err := flush(); err != nil {
				return err
			}
		}
		if looked >= pollMost && cursor.At.After(from) {
			return flush() // At stands where the next look goes on
		}
	}
	if err := flush(); err != nil {
		return err
	}
	cursor.Since, cursor.At = newest, time.Time{}
	return nil
}

// wakeTickets gives work to those tickets that the tracker shows otherwise than
// they are known.
func (g *Engine) wakeTickets(ctx context.Context, batch []TicketSeen) error {
	seen := map[string]TicketSeen{}
	var ids []string
	for _, s := range batch {
		if s.Key == "" {
			continue
		}
		if _, twice := seen[s.Key]; !twice {
			ids = append(ids, s.Key)
		}
		seen[s.Key] = s
	}
	if len(ids) == 0 {
		return nil
	}
	found, err := g.campaignsOfTickets(ctx, ids)
	if err != nil {
		return err
	}
	catalog, _, err := g.catalog(ctx)
	if err != nil {
		return err
	}
	for scope, tickets := range found {
		wake, first := Change{Scope: scope}, Change{Scope: scope}
		for _, stored := range tickets {
			t, s := stored.Value, seen[stored.Value.ID]
			switch {
			case t.Ref.ID == "" || t.Tracked.stale(s):
			case t.Tracked.news(s).any() || t.Tracked.Lost || catalog.givenAway(t, s):
				wake.Due = append(wake.Due, DueEntry{ID: trackingPrefix + "ticket/" + t.ID, Lane: Bulk, At: g.opts.Clock.Now()})
			case !t.Tracked.Read: // as we filed it: what stands there is what later changes are told from
				t.Tracked = t.Tracked.take(s)
				record, err := Put(KindTicket, t.ID, stored.Version, t)
				if err != nil {
					return err
				}
				first.Records = append(first.Records, record)
			}
		}
		if len(wake.Due) > 0 {
			if err := g.opts.Store.Apply(ctx, wake); err != nil {
				return err
			}
		}
		if len(first.Records) > 0 {
			if err := g.opts.Store.Apply(ctx, first); err != nil && KindOf(err) != Conflict {
				return err // after a conflict the next look does it
			}
		}
	}
	return nil
}

// maxHints bounds how many tickets one webhook tells of.
const maxHints = MaxChangeRecords

// Hint makes durable that tickets may have changed in the tracker. They are read
// there a moment later; the same hint again, while it waits, is the same.
func (g *Engine) Hint(ctx context.Context, refs []TicketRef) error {
	change := Change{Scope: Sys}
	for _, ref := range refs[:min(len(refs), maxHints)] {
		due := DueEntry{ID: trackingPrefix + "ref/" + ref.ID, Lane: Interactive, At: g.opts.Clock.Now()}
		if ref.ID == "" || len(due.ID) > 512 || slices.ContainsFunc(change.Due, func(d DueEntry) bool { return d.ID == due.ID }) {
			continue
		}
		change.Due = append(change.Due, due)
	}
	if len(change.Due) == 0 {
		return nil
	}
	return g.opts.Store.Apply(ctx, change)
}

// followHint reads a ticket that somebody told us of, and takes up what changed if
// it is one of ours. One that cannot be read any more is looked for by what the
// tracker calls it.
func (g *Engine) followHint(ctx context.Context, c Claimed, ref string) error {
	seen, err := g.opts.Tracker.Read(ctx, TicketRef{ID: ref})
	switch {
	case err != nil && KindOf(err) == NotFound:
		if err := g.followDeleted(ctx, ref); err != nil {
			return err
		}
		return Done(ctx, g.opts.Store, c)
	case err != nil && (KindOf(err) == Forbidden || KindOf(err) == Invalid):
		g.logTracking(ref).WithError(err).Info("hint about a ticket that cannot be read; dropped")
		return Done(ctx, g.opts.Store, c)
	case err != nil:
		return err
	case seen.Key == "":
		g.logTracking(ref).Info("hint about a ticket that is not ours; dropped")
		return Done(ctx, g.opts.Store, c)
	}
	found, err := g.campaignsOfTickets(ctx, []string{seen.Key})
	if err != nil {
		return err
	}
	if len(found) == 0 {
		g.logTracking(ref).Info("hint about a ticket of no open campaign; dropped")
	}
	for scope := range found {
		if err := g.track(ctx, scope, seen.Key, &seen); err != nil {
			return err
		}
	}
	return Done(ctx, g.opts.Store, c)
}

// followDeleted takes up that a ticket is gone, if it was one of ours. That is
// rare, so all tickets are looked through for it.
func (g *Engine) followDeleted(ctx context.Context, ref string) error {
	all, err := g.Campaigns(ctx)
	if err != nil {
		return err
	}
	for _, c := range all {
		if c.StartedAt.IsZero() || c.over() != nil {
			continue
		}
		for stored, err := range LoadAll[Ticket](ctx, g.opts.Store, Scope(c.ID), KindTicket) {
			if err != nil {
				return err
			}
			if stored.Value.Ref.ID == ref {
				return g.track(ctx, Scope(c.ID), stored.Value.ID, nil)
			}
		}
	}
	g.logTracking(ref).Info("hint about a ticket that is gone and was not ours; dropped")
	return nil
}

package campaign

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// promiseWithin bounds how far ahead somebody may promise to know.
const promiseWithin = 60 * 24 * time.Hour

func (g *Engine) promise(ctx context.Context, r Request, id, inquiry string, a InquiryAnswer) (Message, error) {
	err := g.checkPromise(a.Until)
	if err != nil {
		return Message{}, err
	}
	if a.by, err = g.opts.Directory.ByID(ctx, r.Actor); err != nil {
		return Message{}, err
	}
	return g.closeInquiry(ctx, r, id, inquiry, InquiryPromised, a, nil, "Noted: you will know by then. Until then they count as unknown; you are asked again at that time.")
}

func (g *Engine) checkPromise(until time.Time) error {
	now := g.opts.Clock.Now()
	if !until.After(now) || until.Sub(now) > promiseWithin {
		return Refuse(Invalid, "By when you will know has to lie ahead, within 60 days. Nothing was changed.")
	}
	return nil
}

// Promise keeps that the actor will know by a time whether services without a scan
// run what is looked for; "all" means all unknown ones of the actor's teams. They
// stay unknown, and the actor is asked again then.
func (g *Engine) Promise(ctx context.Context, r Request, id string, targets []string, until time.Time, why string) (Message, error) {
	if err := g.checkPromise(until); err != nil {
		return Message{}, err
	}
	reply := say("Noted. Until then they count as unknown; you are asked again at that time.")
	c, done, err := g.enter(ctx, r, id)
	if err != nil || done {
		return reply, err
	}
	tasks, err := g.unknownTasks(ctx, r.Actor, c, targets)
	if err != nil {
		return Message{}, err
	}
	user, err := g.opts.Directory.ByID(ctx, r.Actor)
	if err != nil {
		return Message{}, err
	}
	catalog, _, err := g.catalog(ctx)
	if err != nil {
		return Message{}, err
	}
	promises := promisesOf(tasks, r, user, catalog, id)
	busy, _, err := g.inquired(ctx, id)
	if err != nil {
		return Message{}, err
	}
	left := len(promises)
	for batch := range slices.Chunk(promises, 50) {
		left -= len(batch)
		step := r
		step.more = left > 0
		err := g.atomically(ctx, Scope(id), step, func(tx *transaction) error {
			for _, q := range batch {
				if err := tx.keepPromise(q, busy, until, why); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return Message{}, err
		}
	}
	return reply, nil
}

// promisesOf are the inquiries that somebody answers unasked, by owner.
func promisesOf(tasks []Task, r Request, user User, catalog Catalog, id string) []Inquiry {
	byOwner := map[string][]Task{}
	for _, t := range tasks {
		if !slices.ContainsFunc(byOwner[t.Owner], func(known Task) bool { return known.Target == t.Target }) {
			byOwner[t.Owner] = append(byOwner[t.Owner], t)
		}
	}
	var all []Inquiry
	for _, owner := range sortedKeys(byOwner) {
		for part := range slices.Chunk(byOwner[owner], inquiryTargets) {
			q := Inquiry{
				ID: opaqueID(id, "promise", r.Key, owner, part[0].Target), About: AboutUnscanned, Status: InquiryAsked, Owner: owner, Team: ownerName(catalog, owner),
				Person: r.Actor, Name: user.Name, Zone: user.Zone, By: r.Actor,
			}
			for _, t := range part {
				q.Targets, q.Names = append(q.Targets, t.Target), append(q.Names, t.Name)
			}
			all = append(all, q)
		}
	}
	return all
}

// keepPromise stores a promise, and lets it take the place of what was open about
// the same targets.
func (tx *transaction) keepPromise(q Inquiry, busy map[string]Inquiry, until time.Time, why string) error {
	for _, target := range q.Targets {
		old, asked := busy[target]
		if !asked || old.ID == q.ID {
			continue
		}
		err := amend(tx, KindInquiry, old.ID, func(o *Inquiry) {
			if i := slices.Index(o.Targets, target); i >= 0 {
				o.Targets, o.Names = slices.Delete(slices.Clone(o.Targets), i, i+1), slices.Delete(slices.Clone(o.Names), i, i+1)
			}
			if len(o.Targets) == 0 {
				o.Status, o.AnsweredBy, o.AnsweredAt = InquiryAnswered, tx.request.Actor, tx.now
			}
		})
		if err != nil {
			return err
		}
	}
	q.At, q.Status, q.Until, q.How, q.AnsweredBy, q.AnsweredAt = tx.now, InquiryPromised, until, why, tx.request.Actor, tx.now
	if _, _, err := find[Inquiry](tx, KindInquiry, q.ID); err != nil {
		return err
	}
	if err := tx.audit("inquiry.promised", "inquiry/"+q.ID, "", string(InquiryPromised), why); err != nil {
		return err
	}
	tx.due(q.due(until))
	return save(tx, KindInquiry, q.ID, q)
}

// due is the work of asking again when a promise has passed.
func (q Inquiry) due(at time.Time) DueEntry {
	return DueEntry{ID: inquiryPrefix + q.ID, Lane: Bulk, At: at}
}

// reminder is the key of the message that asks again.
func (q Inquiry) reminder() string { return inquiryPrefix + q.ID + "/due/" + timeKey(q.Until) }

// remind asks again, once, whoever promised to know by now; a promise that scans
// or others kept is closed without a word.
func (g *Engine) remind(ctx context.Context, claim Claimed) error {
	id := strings.TrimPrefix(claim.ID, inquiryPrefix)
	return Retrying(ctx, func() error {
		tx := g.begin(ctx, claim.Scope, Request{})
		q, found, err := find[Inquiry](tx, KindInquiry, id)
		if err != nil {
			return err
		}
		c, err := tx.campaign()
		if err != nil {
			return err
		}
		switch {
		case !found || q.Status != InquiryPromised || q.Reminded || c.over() != nil:
			return Done(ctx, g.opts.Store, claim)
		case tx.now.Before(q.Until):
			return Retry(ctx, g.opts.Store, claim, q.Until)
		}
		tx.finish(claim, time.Time{})
		left, err := g.stillOpen(ctx, c, q)
		if err != nil {
			return err
		}
		if len(left) == 0 {
			q.Status, q.AnsweredAt = InquiryAnswered, tx.now
			if err := tx.audit("inquiry.settled", "inquiry/"+q.ID, string(InquiryPromised), string(q.Status), ""); err != nil {
				return err
			}
		} else {
			q.Reminded = true
			zone := cmp.Or(q.PromiserZone, q.Zone)
			m, err := g.speak("inquiry_due", InquiryDueData{
				LocalTime: LocalTime{Zone: zone, Now: tx.now}, Title: c.Title, Lookup: c.lookup(), Count: len(left), Names: left, Said: q.AnsweredAt, HelpChannel: ChannelLink(c.HelpRef),
			})
			if err != nil {
				return err
			}
			m.Buttons = inquiryButtons(c.ID, q)
			if err := tx.askPerson(cmp.Or(q.Promiser, q.Person), zone, q.reminder(), morning(tx.now, zone), m); err != nil {
				return err
			}
		}
		if err := save(tx, KindInquiry, q.ID, q); err != nil {
			return err
		}
		return tx.commit()
	})
}

// stillOpen returns the names of what an inquiry is about that nothing has settled.
func (g *Engine) stillOpen(ctx context.Context, c Campaign, q Inquiry) ([]string, error) {
	var left []string
	if q.About == AboutDoubt {
		doubtful, err := g.doubtful(ctx, c)
		for _, t := range doubtful {
			if slices.Contains(q.Targets, t.ID) {
				left = append(left, t.Name)
			}
		}
		return left, err
	}
	unknown, err := g.stillUnknown(ctx, c, q.Targets)
	for i, target := range q.Targets {
		if unknown[target] {
			left = append(left, q.Names[i])
		}
	}
	return left, err
}

// stillUnknown returns which of the targets are unknown on some track.
func (g *Engine) stillUnknown(ctx context.Context, c Campaign, targets []string) (map[string]bool, error) {
	unknown := map[string]bool{}
	for _, track := range c.Tracks {
		ids := make([]string, 0, len(targets))
		for _, target := range targets {
			ids = append(ids, TaskID(target, track.Name))
		}
		tasks, err := LoadMany[Task](ctx, g.opts.Store, Scope(c.ID), KindTask, ids)
		if err != nil {
			return nil, err
		}
		for _, t := range valuesOf(tasks) {
			unknown[t.Target] = unknown[t.Target] || t.Status == TaskUnknown
		}
	}
	return unknown, nil
}

// restoreInquiries lets promises be asked for whose due entry was lost.
func (g *Engine) restoreInquiries(ctx context.Context, scope Scope) error {
	for stored, err := range LoadAll[Inquiry](ctx, g.opts.Store, scope, KindInquiry) {
		if err != nil {
			return err
		}
		q := stored.Value
		if q.Status != InquiryPromised || q.Reminded {
			continue
		}
		if err := g.opts.Store.Apply(ctx, Change{Scope: scope, Due: []DueEntry{q.due(latest(g.opts.Clock.Now(), q.Until))}}); err != nil {
			return fmt.Errorf("restore inquiry %s: %w", q.ID, err)
		}
	}
	return nil
}

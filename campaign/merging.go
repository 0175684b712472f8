package campaign

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"
)

// How much of a campaign goes over at a time: tickets, contacts or loose tasks in a
// page, and tasks in one step, each of which writes about eight entries.
const (
	mergePage = 20
	mergeRoom = 80
)

// mergeTicket is a ticket of the campaign that ends, or a part of one that has many
// tasks, beside what the other has.
type mergeTicket struct {
	ticket Ticket
	moves  []mergeMove
	// adopted says that the ticket goes on over here. One whose tasks all stand on
	// tickets here does not.
	adopted bool
	last    bool // of its parts
}

// mergeMove is one of its tasks, with the target that it is on over here.
type mergeMove struct {
	task   Task   // over there
	target Target // over here
	here   *Task  // over here; nil when there is none
	ticket string // over there
}

// id is the ID of the task over here.
func (m mergeMove) id() string { return TaskID(m.target.ID, m.task.Track) }

// goesOn returns whether the task is on no other ticket over here.
func (m mergeMove) goesOn() bool {
	return m.here == nil || m.here.Ticket == "" || m.here.Ticket == m.ticket
}

// credits returns whether what was done over there counts for the task over here.
func (m mergeMove) credits() bool {
	return m.task.claimedOrVerified() && (m.here == nil || m.here.Status == TaskOpen || m.here.Status == TaskInProgress || m.here.Status == TaskUnknown)
}

type mergeTickets struct {
	tickets []mergeTicket
	last    string // ID of the last ticket that was looked at
}

// parts cuts a page into what one step takes.
func (p mergeTickets) parts() [][]mergeTicket {
	var parts [][]mergeTicket
	room := 0
	for _, t := range p.tickets {
		left := len(t.moves)
		for moves := range slices.Chunk(t.moves, mergeRoom) {
			if room < len(moves) {
				parts, room = append(parts, nil), mergeRoom
			}
			left, room = left-len(moves), room-len(moves)
			t.moves, t.last = moves, left == 0
			parts[len(parts)-1] = append(parts[len(parts)-1], t)
		}
	}
	return parts
}

// mergePages yields the tickets of one campaign beside another, page by page, from
// after one on. A ticket that is not in the tracker is left out.
func (g *Engine) mergePages(ctx context.Context, f, i Campaign, after string) iter.Seq2[mergeTickets, error] {
	return func(yield func(mergeTickets, error) bool) {
		for {
			records, err := g.opts.Store.List(ctx, Scope(f.ID), KindTicket, after, mergePage)
			if err != nil || len(records) == 0 {
				if err != nil {
					yield(mergeTickets{}, err)
				}
				return
			}
			after = records[len(records)-1].ID
			page := mergeTickets{last: after}
			ids := make([]string, len(records))
			for n, r := range records {
				ids[n] = r.ID
			}
			tickets, err := LoadMany[Ticket](ctx, g.opts.Store, Scope(f.ID), KindTicket, ids)
			for _, t := range valuesOf(tickets) {
				if err != nil {
					break
				}
				if t.Ref.ID == "" {
					continue
				}
				var one mergeTicket
				if one, err = g.mergeTicket(ctx, f, i, t); err == nil && len(one.moves) > 0 {
					page.tickets = append(page.tickets, one)
				}
			}
			if !yield(page, err) || err != nil {
				return
			}
		}
	}
}

func (g *Engine) mergeTicket(ctx context.Context, f, i Campaign, t Ticket) (mergeTicket, error) {
	one := mergeTicket{ticket: t}
	tasks, err := LoadMany[Task](ctx, g.opts.Store, Scope(f.ID), KindTask, t.Tasks)
	if err != nil {
		return one, err
	}
	for _, task := range valuesOf(tasks) {
		if _, ok := i.Track(task.Track); !ok || task.Status == TaskWithdrawn {
			continue
		}
		move, err := g.mergeMove(ctx, f, i, task)
		if err != nil {
			return one, err
		}
		move.ticket = t.ID
		one.moves = append(one.moves, move)
		one.adopted = one.adopted || move.goesOn()
	}
	if one.adopted {
		return one, nil
	}
	_, _, err = Load[Ticket](ctx, g.opts.Store, Scope(i.ID), KindTicket, t.ID)
	switch {
	case err == nil:
		one.adopted = true // in a step that was cut off
	case KindOf(err) != NotFound:
		return one, err
	}
	return one, nil
}

func (g *Engine) mergeMove(ctx context.Context, f, i Campaign, task Task) (mergeMove, error) {
	target, _, err := Load[Target](ctx, g.opts.Store, Scope(f.ID), KindTarget, task.Target)
	if err != nil {
		return mergeMove{}, err
	}
	target.ID = target.idIn(i.ID)
	move := mergeMove{task: task, target: target}
	here, _, err := Load[Task](ctx, g.opts.Store, Scope(i.ID), KindTask, move.id())
	switch {
	case err == nil:
		move.here = &here
	case KindOf(err) != NotFound:
		return move, err
	}
	return move, nil
}

// idIn is the ID that the target has in a campaign.
func (t Target) idIn(campaign string) string {
	if t.Product {
		return t.ID
	}
	ref := t.Service
	if ref == "" {
		ref = "asset:" + t.Name
	}
	return targetID(campaign, ref, t.Layer)
}

// mergeStep does the next of a merge.
func (g *Engine) mergeStep(ctx context.Context, claim Claimed) error {
	from := strings.TrimPrefix(claim.ID, mergePrefix)
	m, _, err := Load[Merge](ctx, g.opts.Store, claim.Scope, KindMerge, from)
	if err != nil && KindOf(err) == NotFound || err == nil && m.Stage == MergeDone {
		return Done(ctx, g.opts.Store, claim)
	}
	if err != nil {
		return err
	}
	f, err := g.Campaign(ctx, from)
	if err != nil {
		return err
	}
	i, err := g.Campaign(ctx, string(claim.Scope))
	if err != nil {
		return err
	}
	if f.MergedInto == "" {
		if i.over() != nil || f.over() != nil { // ended meanwhile: nothing has gone over
			return g.mergeAdvance(ctx, claim, m, func(tx *transaction, m *Merge) error { return tx.endMerge(i, m, false) })
		}
		if err := g.settledOutside(ctx, f); KindOf(err) == Conflict && err != nil { // something was launched meanwhile
			return g.mergeWaits(ctx, claim, m, f)
		} else if err != nil {
			return err
		}
		if err := g.endForMerge(ctx, m, i); err != nil {
			return err
		}
	}
	switch m.Stage {
	case MergeCriteria:
		return g.mergeCriteria(ctx, claim, m, f, i)
	case MergeTickets:
		return g.mergeNextPage(ctx, claim, m, f, i)
	case MergeContacts:
		return g.mergeNextContacts(ctx, claim, m, f, i)
	}
	return g.mergeRest(ctx, claim, m, f, i)
}

// mergeWaits puts a merge back, and tells once that it waits.
func (g *Engine) mergeWaits(ctx context.Context, claim Claimed, m Merge, f Campaign) error {
	return g.atomically(ctx, claim.Scope, Request{Actor: m.By}, func(tx *transaction) error {
		tx.finish(claim, tx.now.Add(heldFor))
		text := say("*%s waits before it is merged: some of it is on the way to the tracker or to Slack.* It goes on by itself once that has arrived.", f.Title)
		if f.Status == Paused {
			text.Text += " But it is paused: `/campaign resume " + f.ID + "` lets it arrive."
		}
		text.Ephemeral = false
		return tx.tellCommand("merge/"+m.From+"/waits/"+timeKey(m.At), text)
	})
}

// mergeAdvance stores the cursor of a merge together with change, and lets it go on.
func (g *Engine) mergeAdvance(ctx context.Context, claim Claimed, m Merge, change func(*transaction, *Merge) error) error {
	return Retrying(ctx, func() error {
		tx := g.begin(ctx, claim.Scope, Request{Actor: m.By})
		now, err := load[Merge](tx, KindMerge, m.From)
		if err != nil {
			return err
		}
		if now.Stage != m.Stage || now.After != m.After {
			return Retry(ctx, g.opts.Store, claim, tx.now) // somebody else did it
		}
		if err := change(tx, &now); err != nil {
			return err
		}
		next := tx.now
		if now.Stage == MergeDone {
			next = time.Time{}
		}
		tx.finish(claim, next)
		if err := save(tx, KindMerge, m.From, now); err != nil {
			return err
		}
		return tx.commit()
	})
}

// endForMerge ends the campaign that is merged: from here on nothing of it goes out,
// and nobody can work on it.
func (g *Engine) endForMerge(ctx context.Context, m Merge, i Campaign) error {
	return g.changeCampaign(ctx, Request{Actor: m.By, Reason: "merged into " + i.ID}, m.From, "campaign.merged", func(tx *transaction, c *Campaign) error {
		if c.MergedInto != "" {
			return nil
		}
		if err := move(&c.Status, Cancelled, "campaign", "The campaign is "+words(c.Status)+", so it cannot be merged. Nothing was changed."); err != nil {
			return err
		}
		c.ClosedAt, c.MergedInto = tx.now, i.ID
		text := say("*%s was merged into %s.* Its work goes on there, with what was done; nobody is asked again. Ask in %s.", c.Title, i.Title, cmp.Or(ChannelLink(i.HelpRef), Escape("its help channel")))
		text.Ephemeral = false
		if err := tx.tellCommand("merged", text); err != nil {
			return err
		}
		if err := tx.withdrawAsks(*c, i.ID); err != nil {
			return err
		}
		if err := tx.tellExecutives(*c, say("*%s was merged into %s.* Its digests end here; those of %s go on.", c.Title, i.Title, i.Title)); err != nil {
			return err
		}
		if c.HelpRef.ID == "" {
			return nil
		}
		return tx.post("merged/help", Interactive, postPayload{To: c.HelpRef.ID, Message: text})
	})
}

// mergeNextPage takes over the next tickets: first here, then over there, and last
// the cursor. Each may be repeated.
func (g *Engine) mergeNextPage(ctx context.Context, claim Claimed, m Merge, f, i Campaign) error {
	for page, err := range g.mergePages(ctx, f, i, m.After) {
		if err != nil {
			return err
		}
		for _, part := range page.parts() {
			err := g.atomically(ctx, Scope(i.ID), Request{Actor: m.By}, func(tx *transaction) error { return tx.takePart(i, f, part) })
			if err != nil {
				return fmt.Errorf("merge tickets of %s: %w", f.ID, err)
			}
		}
		for _, part := range page.parts() {
			err := g.atomically(ctx, Scope(f.ID), Request{Actor: m.By}, func(tx *transaction) error { return tx.leavePart(i, part) })
			if err != nil {
				return fmt.Errorf("merge tickets of %s: %w", f.ID, err)
			}
		}
		return g.mergeAdvance(ctx, claim, m, func(_ *transaction, now *Merge) error {
			now.After = page.last
			return nil
		})
	}
	return g.mergeAdvance(ctx, claim, m, func(_ *transaction, now *Merge) error {
		now.Stage, now.After = MergeContacts, ""
		return nil
	})
}

// mergeRest takes over what stands on no ticket: what people attested, and what they
// promised to find out. Then it ends the merge.
func (g *Engine) mergeRest(ctx context.Context, claim Claimed, m Merge, f, i Campaign) error {
	records, err := g.opts.Store.List(ctx, Scope(f.ID), KindTask, m.After, mergePage)
	if err != nil {
		return err
	}
	if len(records) == 0 {
		if err := g.mergeInquiries(ctx, m, f, i); err != nil {
			return err
		}
		return g.mergeAdvance(ctx, claim, m, func(tx *transaction, now *Merge) error { return tx.endMerge(i, now, true) })
	}
	ids := make([]string, len(records))
	for n, r := range records {
		ids[n] = r.ID
	}
	tasks, err := LoadMany[Task](ctx, g.opts.Store, Scope(f.ID), KindTask, ids)
	if err != nil {
		return err
	}
	if err := g.takeWords(ctx, m, f, i, valuesOf(tasks)); err != nil {
		return err
	}
	if err := g.leaveLoose(ctx, m, i, ids); err != nil {
		return err
	}
	return g.mergeAdvance(ctx, claim, m, func(_ *transaction, now *Merge) error {
		now.After = ids[len(ids)-1]
		return nil
	})
}

// takeWords takes over what people attested of services that are unknown here.
func (g *Engine) takeWords(ctx context.Context, m Merge, f, i Campaign, tasks []Task) error {
	var said []mergeMove
	for _, task := range tasks {
		if task.Status != TaskNotAffected || task.Accepted == "" {
			continue
		}
		move, err := g.mergeMove(ctx, f, i, task)
		if err != nil {
			return err
		}
		if move.here != nil && move.here.Status == TaskUnknown {
			said = append(said, move)
		}
	}
	return g.atomically(ctx, Scope(i.ID), Request{Actor: m.By}, func(tx *transaction) error {
		for _, move := range said {
			_, err := tx.changeTask(move.id(), "task.merge", move.task.Reason, func(t *Task) error {
				if t.Status != TaskUnknown {
					return nil
				}
				t.Reason, t.Accepted, t.Evidence = move.task.Reason, move.task.Accepted, move.task.Evidence
				return moveTask(t, TaskNotAffected)
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// leaveLoose withdraws over there what stands on no ticket, and what stands on one
// that never came to the tracker: here it joins like anything that is found.
func (g *Engine) leaveLoose(ctx context.Context, m Merge, i Campaign, ids []string) error {
	return g.atomically(ctx, Scope(m.From), Request{Actor: m.By}, func(tx *transaction) error {
		for _, id := range ids {
			t, err := load[Task](tx, KindTask, id)
			if err != nil {
				return err
			}
			if !CanMove(t.Status, TaskWithdrawn) {
				continue
			}
			_, err = tx.changeTask(id, "task.withdraw", "merged into "+i.ID, func(t *Task) error {
				t.Ticket, t.Contact = "", "" // nothing out there shows it
				return moveTask(t, TaskWithdrawn)
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// mergeInquiries lets open questions to owners be answered here; see
// Engine.AnswerInquiry for the buttons that they have.
func (g *Engine) mergeInquiries(ctx context.Context, m Merge, f, i Campaign) error {
	ids, err := g.targetIDs(ctx, f, i)
	if err != nil {
		return err
	}
	for stored, err := range LoadAll[Inquiry](ctx, g.opts.Store, Scope(f.ID), KindInquiry) {
		if err != nil {
			return err
		}
		q := stored.Value
		if !q.Open() {
			continue
		}
		for n, id := range q.Targets {
			q.Targets[n] = cmp.Or(ids[id], id)
		}
		said := inquiryPrefix + q.ID
		if q.Reminded {
			said = q.reminder()
		}
		asked, err := g.saidOver(ctx, f, said)
		if err != nil {
			return err
		}
		err = g.atomically(ctx, Scope(i.ID), Request{Actor: m.By}, func(tx *transaction) error {
			if _, found, err := find[Inquiry](tx, KindInquiry, q.ID); err != nil || found {
				return err
			}
			if q.Status == InquiryAsked && !asked {
				return tx.ask(i, q, len(q.Targets))
			}
			if q.Status == InquiryPromised && (!q.Reminded || !asked) {
				q.Reminded = false
				tx.due(q.due(latest(tx.now, q.Until)))
			}
			return save(tx, KindInquiry, q.ID, q)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// saidOver returns whether a message of the campaign that has ended went out.
func (g *Engine) saidOver(ctx context.Context, f Campaign, key string) (bool, error) {
	e, _, err := Load[Effect](ctx, g.opts.Store, Scope(f.ID), KindEffect, opaqueID(f.ID, "message", key))
	if err != nil && KindOf(err) == NotFound {
		return true, nil // it is done, and forgotten
	}
	return e.Status == EffectDone, err
}

// endMerge ends a merge, and tells what it brought.
func (tx *transaction) endMerge(i Campaign, m *Merge, over bool) error {
	m.Stage = MergeDone
	text := say("*%s could not be merged into %s: one of them ended meanwhile.* Nothing went over.", m.Title, i.Title)
	if over {
		text = say("*%s was merged into %s.* %s on here, %s closed there because the same is asked for here; what was done for %s counts here. What neither has asked for joins under the admission rule.",
			m.Title, i.Title, Escape(goOrGoes(m.Adopted, "ticket")), Escape(isOrAre(m.Joined, "ticket")), Escape(count(m.Credited, "task")))
		tx.sweepNow(i)
	}
	text.Ephemeral = false
	if err := tx.audit("campaign.merge", "campaign/"+m.From, string(MergeRest), string(MergeDone), m.Reason); err != nil {
		return err
	}
	return tx.tellCommand("merge/"+m.From, text)
}

// restoreMerges lets merges go on whose due entry was lost.
func (g *Engine) restoreMerges(ctx context.Context, scope Scope) error {
	for stored, err := range LoadAll[Merge](ctx, g.opts.Store, scope, KindMerge) {
		if err != nil {
			return err
		}
		if stored.Value.Stage == MergeDone {
			continue
		}
		if err := g.opts.Store.Apply(ctx, Change{Scope: scope, Due: []DueEntry{stored.Value.due(g.opts.Clock.Now())}}); err != nil {
			return fmt.Errorf("restore merge of %s: %w", stored.ID, err)
		}
	}
	return nil
}

package campaign

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sirupsen/logrus"
)

// theTracker acts where somebody did it in the tracker: over there nobody is a
// Slack user.
const theTracker = Person(actorTracker)

// Why a task is open again, when it was done in the tracker.
const (
	reopenedThere = "reopened in the tracker"
	untickedThere = "unticked in the tracker"
)

// track reads a ticket in the tracker and takes up what people did to it there.
// It may be called any number of times, in any order and by several replicas: only
// what differs from what is known counts, and whoever is slower looks again. seen
// is a reading that was just taken; nil to take one.
func (g *Engine) track(ctx context.Context, scope Scope, id string, seen *TicketSeen) error {
	for more := true; more; seen = nil {
		err := Retrying(ctx, func() error {
			tx := g.begin(ctx, scope, Request{Actor: theTracker})
			var err error
			more, err = tx.track(id, seen)
			seen = nil
			if err != nil {
				return err
			}
			return tx.commit()
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// track takes up one reading of a ticket, as much of it as fits into one step; it
// returns whether there is more. The ticket is read here first and there second:
// if it changed in between, the step is refused and begins anew.
func (tx *transaction) track(id string, seen *TicketSeen) (more bool, err error) {
	t, found, err := find[Ticket](tx, KindTicket, id)
	if err != nil || !found || t.Ref.ID == "" {
		return false, err
	}
	c, err := tx.campaign()
	if err != nil {
		return false, err
	}
	if seen == nil {
		read, err := tx.engine.opts.Tracker.Read(tx.ctx, t.Ref)
		if err != nil && KindOf(err) == NotFound {
			return false, tx.loseTicket(c, t)
		}
		if err != nil {
			return false, err
		}
		seen = &read
	}
	if t.Tracked.stale(*seen) {
		return false, nil
	}
	f := following{tx: tx, c: c, t: t, seen: *seen, news: t.Tracked.news(*seen), room: workAtOnce}
	if !t.Tracked.Read {
		if f.news.assigned, err = tx.engine.givenAway(tx.ctx, t, *seen); err != nil {
			return false, err
		}
	}
	if c.over() == nil && f.news.any() {
		if more, err = f.follow(); err != nil || more {
			return more, err
		}
	}
	f.t.Tracked = t.Tracked.take(*seen)
	if f.t.Tracked.Lost {
		f.t.Tracked.Lost = false
		if err := tx.refresh(EffectTicketUpdate, id); err != nil { // what happened meanwhile was not written
			return false, err
		}
	}
	return false, save(tx, KindTicket, id, f.t)
}

// following is one reading of a ticket being taken up.
type following struct {
	tx   *transaction
	c    Campaign
	t    Ticket
	seen TicketSeen
	news trackerNews
	room int // tasks that may still be changed in this step

	reopened []Task
	kept     []Task // verified: they stay
	void     []Task // closing alone does not count for them
}

// follow lets tasks, owner and contact follow what happened in the tracker.
func (f *following) follow() (more bool, err error) {
	for _, id := range f.t.Tasks {
		if f.room == 0 {
			return true, f.answer()
		}
		t, found, err := find[Task](f.tx, KindTask, id)
		if err != nil {
			return false, err
		}
		if !found {
			continue
		}
		before := t.Status
		if err := f.followTask(t); err != nil {
			return false, err
		}
		if t, _, err = find[Task](f.tx, KindTask, id); err != nil {
			return false, err
		}
		if t.Status != before {
			f.room--
		}
	}
	if more, err := f.reassign(); err != nil || more {
		return more, err
	}
	if err := f.record(); err != nil {
		return false, err
	}
	return false, f.answer()
}

// followTask changes one task as its ticket, or its item, was changed.
func (f *following) followTask(t Task) error {
	ticked, unticked := slices.Contains(f.news.ticked, t.ID), slices.Contains(f.news.unticked, t.ID)
	switch {
	case (f.news.closed || ticked) && t.Status.Actionable():
		return f.claim(t)
	case (f.news.reopened || unticked) && t.Status == TaskClaimed:
		reason := reopenedThere
		if unticked {
			reason = untickedThere
		}
		t, err := f.tx.reopenTask(t.ID, "task.reopen", reason)
		f.reopened = append(f.reopened, t)
		return err
	case (f.news.reopened || unticked) && t.Status == TaskVerified:
		f.kept = append(f.kept, t)
	case f.news.started && t.Status == TaskOpen:
		_, err := f.tx.changeTask(t.ID, "task.start", "", func(t *Task) error { return moveTask(t, TaskInProgress) })
		return err
	}
	return nil
}

// claim counts a task as done, by a method that nobody has named yet.
func (f *following) claim(t Task) error {
	if f.c.IsVoid(t.Track, MethodUnstated) {
		f.void = append(f.void, t)
		return nil
	}
	f.tx.askHow(f.t.Contact)
	track, _ := f.c.Track(t.Track)
	_, err := f.tx.changeTask(t.ID, "task.claim", "", func(t *Task) error {
		t.Claim, t.Blocked = &Claim{Method: MethodUnstated, Revision: track.ApprovedRevision, By: theTracker, At: f.tx.now}, ""
		return moveTask(t, TaskClaimed)
	})
	return err
}

// record says in the log what happened in the tracker.
func (f *following) record() error {
	before, after := string(f.t.Tracked.Status), string(f.seen.Status)
	switch {
	case f.news.closed:
		return f.tx.audit("tracker.closed", "ticket/"+f.t.ID, before, after, "")
	case f.news.reopened:
		return f.tx.audit("tracker.reopened", "ticket/"+f.t.ID, before, after, "")
	}
	return nil
}

// answer tells those concerned what came of it: the contact, when work is open
// again; the ticket, when a word of the tracker does not count.
func (f *following) answer() error {
	tx := f.tx
	if len(f.reopened) > 0 {
		if f.c.Status == Closing {
			if err := tx.moveCampaign(&f.c, Running, "campaign.reopen"); err != nil {
				return err
			}
			if err := save(tx, KindCampaign, self, f.c); err != nil {
				return err
			}
		}
		if err := tx.tellReopened(f.t.Contact, f.reopened); err != nil {
			return err
		}
	}
	var text string
	switch {
	case len(f.void) > 0:
		text = "Closing this ticket does not count as done any more for " + listWords(taskNames(f.void)) + ". Please say in Slack how it was done; the ticket is open again until then."
	case len(f.kept) > 0 && len(f.reopened) == 0:
		text = "A check found " + listWords(taskNames(f.kept)) + " in order, so it stays verified and this was set back. If that is wrong, say so in " + "#" + helpName(f.c.ID) + "."
	default:
		return nil
	}
	if err := tx.refresh(EffectTicketUpdate, f.t.ID); err != nil {
		return err
	}
	return tx.effect(Effect{
		ID:   opaqueID(string(tx.scope), "answer", f.t.ID, timeKey(f.seen.UpdatedAt), string(f.seen.Status), strings.Join(f.seen.Checked, ",")),
		Kind: EffectComment, Subject: f.t.ID, Lane: Bulk, Serial: ticketSerial(f.t.ID),
	}, commentPayload{Text: text})
}

// loseTicket keeps in mind that a ticket was deleted in the tracker, and asks the
// command channel what is to become of it. It is not filed again by itself:
// whoever deleted it had a reason.
func (tx *transaction) loseTicket(c Campaign, t Ticket) error {
	if t.Tracked.Lost || c.over() != nil {
		return nil
	}
	t.Tracked.Lost = true
	if err := tx.audit("tracker.lost", "ticket/"+t.ID, string(t.Status), "", ""); err != nil {
		return err
	}
	m := say("*%s: the ticket %s of %s is gone from the tracker.* Its tasks stay open and counted here. It was deleted there, or moved to where Muster may not look.", c.Title, t.Ref.ID, t.Name)
	m.Ephemeral = false
	m.Buttons = []Button{{Label: "File it again", Action: "ticket.refile", Value: buttonValue(c.ID, t.ID), Style: Primary}}
	if err := tx.tellCommand(fmt.Sprintf("lost/%s/%d", t.ID, t.Filings), m); err != nil {
		return err
	}
	return save(tx, KindTicket, t.ID, t)
}

// Refile files a ticket anew that was deleted in the tracker.
func (g *Engine) Refile(ctx context.Context, r Request, id, ticket string) (Message, error) {
	err := g.atomically(ctx, Scope(id), r, func(tx *transaction) error {
		c, err := tx.steered("file a ticket again")
		if err != nil {
			return err
		}
		if err := c.editable(); err != nil {
			return err
		}
		t, err := load[Ticket](tx, KindTicket, ticket)
		if err != nil {
			return err
		}
		if !t.Tracked.Lost {
			return Refuse(Conflict, "This ticket is not lost: it is in the tracker, or being filed. Nothing was changed.")
		}
		if err := tx.audit("ticket.refile", "ticket/"+t.ID, t.Ref.ID, "", r.Reason); err != nil {
			return err
		}
		t.Filings++
		t.Ref, t.Status, t.Tracked = TicketRef{}, TicketPlanned, Tracked{}
		tx.count(counterFiled, -1)
		if err := save(tx, KindTicket, t.ID, t); err != nil {
			return err
		}
		return tx.effect(Effect{
			ID: opaqueID(string(tx.scope), "file", t.ID, fmt.Sprint(t.Filings)), Kind: EffectTicket, Subject: t.ID, Lane: Bulk,
		}, nil)
	})
	if err != nil {
		return Message{}, err
	}
	return say("It is being filed again, with the text that was approved. The owner's message shows it as soon as it is there."), nil
}

// updateTicket brings a filed ticket to what its tasks say, silently. What people
// did there meanwhile is taken up first, so that nothing of theirs is overwritten
// unseen.
func (g *Engine) updateTicket(ctx context.Context, scope Scope, e Effect) (any, error) {
	t, _, err := Load[Ticket](ctx, g.opts.Store, scope, KindTicket, e.Subject)
	if err != nil {
		return nil, err
	}
	if t.Ref.ID == "" {
		return nil, g.notThere(ctx, scope)
	}
	if err := g.track(ctx, scope, t.ID, nil); err != nil {
		return nil, err
	}
	t, draft, err := g.ticketNow(ctx, scope, e.Subject)
	if err != nil || t.Tracked.Lost {
		return nil, err
	}
	err = g.atomically(ctx, scope, Request{}, func(tx *transaction) error {
		return amend(tx, KindTicket, t.ID, func(t *Ticket) { t.Tracked = t.Tracked.sending(draft) })
	})
	if err != nil {
		return nil, err
	}
	if err := g.opts.Tracker.Update(ctx, t.Ref, draft); err != nil {
		return nil, err
	}
	return written(draft), nil
}

// notThere is why nothing can be done to a ticket without a place in the tracker: it
// is still being filed, or its campaign was merged and the ticket goes on there.
func (g *Engine) notThere(ctx context.Context, scope Scope) error {
	c, err := g.Campaign(ctx, string(scope))
	if err != nil || c.MergedInto != "" {
		return err
	}
	return &Error{Kind: Unavailable, Message: "The ticket is still being filed.", RetryAfter: time.Second}
}

// ticketUpdated records what the tracker holds, in the step that ends the update.
func ticketUpdated(tx *transaction, e Effect) error {
	if len(e.Result) == 0 {
		return nil
	}
	var w ticketWritten
	if err := json.Unmarshal(e.Result, &w); err != nil {
		return fmt.Errorf("decode result of effect %s: %w", e.ID, err)
	}
	if w.Status == "" {
		return nil
	}
	return amend(tx, KindTicket, e.Subject, func(t *Ticket) { t.Tracked = t.Tracked.wrote(w) })
}

// campaignsOfTickets returns in which campaigns that are not over these tickets
// are.
func (g *Engine) campaignsOfTickets(ctx context.Context, ids []string) (map[Scope][]Stored[Ticket], error) {
	all, err := g.Campaigns(ctx)
	if err != nil {
		return nil, err
	}
	found := map[Scope][]Stored[Ticket]{}
	for _, c := range all {
		if c.StartedAt.IsZero() || c.over() != nil {
			continue
		}
		tickets, err := LoadMany[Ticket](ctx, g.opts.Store, Scope(c.ID), KindTicket, ids)
		if err != nil {
			return nil, err
		}
		if len(tickets) > 0 {
			found[Scope(c.ID)] = tickets
		}
	}
	return found, nil
}

// logTracking is the log with the fields of a ticket.
func (g *Engine) logTracking(ref string) logrus.FieldLogger {
	return g.opts.Log.WithField("ticket", ref)
}

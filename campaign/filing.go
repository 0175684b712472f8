package campaign

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
)

// fileWave files the next part of a wave: its tickets and messages become
// effects, in one step with the wave's cursor.
func (g *Engine) fileWave(ctx context.Context, claim Claimed) error {
	id := strings.TrimPrefix(claim.ID, wavePrefix)
	return Retrying(ctx, func() error {
		tx := g.begin(ctx, claim.Scope, Request{})
		w, err := load[Wave](tx, KindWave, id)
		if err != nil {
			return err
		}
		tx.began = w.At
		c, err := tx.campaign()
		if err != nil {
			return err
		}
		switch {
		case w.Status != WaveFiling || c.Status == Cancelled:
			return Done(ctx, g.opts.Store, claim)
		case c.Status == Paused:
			return Retry(ctx, g.opts.Store, claim, g.opts.Clock.Now().Add(heldFor))
		}
		first := w.Next == 0 && w.Joined == 0
		if w.Next < w.Parts {
			part, err := load[planPart](tx, KindPlanPart, planPartID(w.Plan, w.Slice, w.Next))
			if err != nil {
				return err
			}
			if err := tx.filePart(c, &w, part); err != nil {
				return err
			}
		}
		next := tx.now
		if w.Next >= w.Parts {
			next = time.Time{}
			if err := move(&w.Status, WaveFiled, "wave", ""); err != nil {
				return err
			}
			if err := tx.audit("wave.filed", "wave/"+w.ID, string(WaveFiling), string(WaveFiled), ""); err != nil {
				return err
			}
		}
		if err := tx.showWave(c, w, first); err != nil {
			return err
		}
		tx.finish(claim, next)
		if err := save(tx, KindWave, w.ID, w); err != nil {
			return err
		}
		return tx.commit()
	})
}

// filePart turns a part of the plan into tickets, contacts and effects, and moves
// the wave's cursor. A contact's message waits until all its tickets exist. The
// tasks of a part that is too heavy for one step get their ticket in further ones.
func (tx *transaction) filePart(c Campaign, w *Wave, part planPart) error {
	if err := tx.prefetchPart(part); err != nil {
		return err
	}
	room := partWeight
	if w.Joined == 0 {
		for _, planned := range part.Tickets {
			if err := tx.fileTicket(*w, planned); err != nil {
				return err
			}
		}
		for _, planned := range part.Contacts {
			if err := tx.fileContact(c, *w, planned); err != nil {
				return err
			}
		}
		room -= ticketWeight*len(part.Tickets) + contactWeight*len(part.Contacts)
		w.Filed += len(part.Tickets)
	}
	further := w.Joined > 0
	left, err := tx.joinTasks(w, part, room)
	if err != nil || left > 0 {
		return err
	}
	w.Next, w.Joined = w.Next+1, 0
	if !further {
		return nil
	}
	for _, planned := range part.Tickets { // its tasks may have moved before they knew it
		if err := tx.refresh(EffectTicketUpdate, planned.ID); err != nil {
			return err
		}
	}
	return nil
}

// prefetchPart reads what filing a part looks at, in few calls.
func (tx *transaction) prefetchPart(part planPart) error {
	var tickets, tasks, filings, contacts []string
	for _, planned := range part.Tickets {
		tickets, tasks = append(tickets, planned.ID), append(tasks, planned.Tasks...)
		filings = append(filings, tx.filingID(planned.ID))
	}
	for _, planned := range part.Contacts {
		contacts = append(contacts, string(planned.Person))
	}
	return errors.Join(
		tx.prefetch(KindTicket, tickets), tx.prefetch(KindTask, tasks),
		tx.prefetch(KindEffect, filings), tx.prefetch(KindContact, contacts),
	)
}

// filingID is the ID of the effect that files a ticket.
func (tx *transaction) filingID(ticket string) string {
	return opaqueID(string(tx.scope), "file", ticket)
}

// ticketSerial keeps what is said on a ticket in order.
func ticketSerial(ticket string) string { return "ticket/" + ticket }

// joinTasks tells the next tasks of a part, room of them at most, which ticket
// they are on, and returns how many are left.
func (tx *transaction) joinTasks(w *Wave, part planPart, room int) (left int, err error) {
	at, until := 0, w.Joined+room
	for _, planned := range part.Tickets {
		for _, id := range planned.Tasks {
			if at >= w.Joined && at < until {
				join := func(task *Task) {
					task.Ticket, task.Contact = planned.ID, string(planned.Contact)
					if task.Status.handled() {
						tx.countWave(w.ID, waveHandled, 1)
					}
				}
				if err := amend(tx, KindTask, id, join); err != nil {
					return 0, err
				}
			}
			at++
		}
	}
	w.Joined = min(at, until)
	return at - w.Joined, nil
}

func (tx *transaction) fileTicket(w Wave, planned PlanTicket) error {
	t, found, err := find[Ticket](tx, KindTicket, planned.ID)
	if err != nil {
		return err
	}
	if !found {
		t = Ticket{ID: planned.ID, Owner: planned.Owner, Name: planned.Name, Status: TicketPlanned}
	}
	switch {
	case t.Ref.ID != "":
		tx.countWave(w.ID, waveFiled, 1)
	case found: // this wave files it from here on
		tx.countWave(t.Wave, waveFiled, 1)
	}
	t.Contact, t.Wave, t.Plan, t.TextHash, t.Planned = string(planned.Contact), w.ID, w.Plan, planned.Hash, planned
	for _, id := range planned.Tasks {
		if !slices.Contains(t.Tasks, id) {
			t.Tasks = append(t.Tasks, id)
		}
	}
	if err := save(tx, KindTicket, t.ID, t); err != nil {
		return err
	}
	if found {
		return tx.joinTicket(t, w)
	}
	return tx.effect(Effect{
		ID: tx.filingID(t.ID), Kind: EffectTicket, Subject: t.ID, Lane: Bulk,
	}, nil)
}

// joinTicket lets a ticket that exists take up further tasks: its body is renewed
// silently, and a comment says what is asked now.
func (tx *transaction) joinTicket(t Ticket, w Wave) error {
	if err := tx.refresh(EffectTicketUpdate, t.ID); err != nil {
		return err
	}
	text := "This ticket now asks for more: see its description."
	return tx.effect(Effect{
		ID: opaqueID(string(tx.scope), "comment", t.ID, w.ID), Kind: EffectComment, Subject: t.ID, Lane: Bulk, Serial: ticketSerial(t.ID),
	}, commentPayload{Text: text})
}

func (tx *transaction) fileContact(c Campaign, w Wave, planned PlanContact) error {
	contact, found, err := find[Contact](tx, KindContact, string(planned.Person))
	if err != nil {
		return err
	}
	if !found {
		contact = Contact{Person: planned.Person}
	}
	contact.Name, contact.Zone = planned.Name, planned.Zone
	for _, id := range planned.Tickets {
		if !slices.Contains(contact.Tickets, id) {
			contact.Tickets = append(contact.Tickets, id)
		}
	}
	e := Effect{Kind: EffectFirstMessage, Subject: contactSubject(string(planned.Person)), Lane: Bulk}
	post := postPayload{
		To: planned.Person.User(), Zone: planned.Zone, After: planned.Tickets,
		Message: Message{Text: planned.Text, Buttons: taskButtons(c.ID, planned.Person, planned.Count)}, Wave: w.ID,
	}
	if contact.First == "" {
		e.ID = opaqueID(string(tx.scope), "first", string(planned.Person))
		contact.First, contact.Text = e.ID, planned.Text
		post.Remember = contactSubject(string(planned.Person))
	} else {
		contact.Asked++
		e.ID, e.Kind, e.AsksWork = opaqueID(string(tx.scope), "more", string(planned.Person), w.ID), EffectMessage, true
	}
	e.NotBefore = tx.now
	if w.Slice != SliceExposed && !planned.Exposed {
		e.NotBefore = morning(tx.now, planned.Zone)
	}
	filed, err := tx.allFiled(planned.Tickets)
	if err != nil {
		return err
	}
	if !filed { // the last of its tickets lets it go; see release
		contact.Waiting = append(contact.Waiting, e.ID)
		e.Waits = true
	}
	if err := save(tx, KindContact, string(planned.Person), contact); err != nil {
		return err
	}
	return tx.effect(e, post)
}

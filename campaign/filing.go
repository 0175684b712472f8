package campaign

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// partsAtOnce is how many parts of a wave are filed between two steps of its
// cursor, handsOn at a time.
const partsAtOnce = 8

// filedPart marks a part of a wave as filed, until the wave's cursor has passed it.
type filedPart struct {
	Tickets int `json:"tickets"`
}

func (w Wave) partMark(n int) string { return fmt.Sprintf("%s/%05d", w.ID, n) }

// fileWave files the next parts of a wave, each in a step of its own: its tickets
// and messages become effects, together with a mark that it is done. Then the
// wave's cursor moves past what is marked. Whoever goes on after a crash, or works
// on the same wave because a lease ran out, finds the marks.
func (g *Engine) fileWave(ctx context.Context, claim Claimed) error {
	id := strings.TrimPrefix(claim.ID, wavePrefix)
	w, _, err := Load[Wave](ctx, g.opts.Store, claim.Scope, KindWave, id)
	if err != nil {
		return err
	}
	if w.Status == WaveFiling && w.Joined == 0 {
		err := together(countTo(min(partsAtOnce, w.Parts-w.Next)), func(n int) error { return g.fileAhead(ctx, claim.Scope, w, w.Next+n) })
		if err != nil {
			return err
		}
	}
	return Retrying(ctx, func() error { return g.passFiled(ctx, claim, id) })
}

// fileAhead files one part, once. A part that is too heavy for one step is left to
// the cursor, and so is everything while the campaign does not run.
func (g *Engine) fileAhead(ctx context.Context, scope Scope, w Wave, n int) error {
	look := false // for tickets that are new to the plan: hardly ever is one there
	return Retrying(ctx, func() error {
		tx := g.begin(ctx, scope, Request{})
		tx.began = w.At
		mark := w.partMark(n)
		if _, found, err := find[filedPart](tx, KindFiledPart, mark); err != nil || found {
			return err
		}
		// The cursor takes the mark away: who slept meanwhile must see that it passed.
		if now, err := load[Wave](tx, KindWave, w.ID); err != nil || n < now.Next {
			return err
		}
		c, err := tx.campaign()
		if err != nil || c.Status == Cancelled || c.Status == Paused {
			return err
		}
		part, err := load[planPart](tx, KindPlanPart, planPartID(w.Plan, w.Slice, n))
		if err != nil || part.weight() > partWeight {
			return err
		}
		if err := tx.prefetchPart(part, look); err != nil {
			return err
		}
		look = true
		if err := tx.filePart(c, w, part); err != nil {
			return err
		}
		strayed, err := tx.joinTasks(w, part.tasks())
		if err != nil {
			return err
		}
		if err := tx.follow(strayed); err != nil {
			return err
		}
		if err := save(tx, KindFiledPart, mark, filedPart{Tickets: len(part.Tickets)}); err != nil {
			return err
		}
		return tx.commit()
	})
}

// passFiled moves a wave's cursor past the parts that are filed, and ends the wave
// after the last.
func (g *Engine) passFiled(ctx context.Context, claim Claimed, id string) error {
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
	if err := tx.pass(&w); err != nil {
		return err
	}
	if w.Next < w.Parts {
		if err := tx.fileHeavy(c, &w); err != nil {
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
}

// pass moves the cursor over parts that are marked as filed, and takes the marks
// away.
func (tx *transaction) pass(w *Wave) error {
	var marks []string
	for n := w.Next; n < min(w.Parts, w.Next+partsAtOnce); n++ {
		marks = append(marks, w.partMark(n))
	}
	if err := tx.prefetch(KindFiledPart, marks); err != nil {
		return err
	}
	for _, mark := range marks {
		filed, found, err := find[filedPart](tx, KindFiledPart, mark)
		if err != nil || !found {
			return err
		}
		w.Next, w.Filed = w.Next+1, w.Filed+filed.Tickets
		tx.remove(KindFiledPart, mark)
	}
	return nil
}

// weight counts what filing a part writes at most.
func (p planPart) weight() int {
	w := ticketWeight*len(p.Tickets) + contactWeight*len(p.Contacts)
	for _, t := range p.Tickets {
		w += len(t.Tasks)
	}
	return w
}

// fileHeavy files the next part if it is too heavy for one step: its tickets and
// messages first, and then its tasks, so many at a time.
func (tx *transaction) fileHeavy(c Campaign, w *Wave) error {
	part, err := load[planPart](tx, KindPlanPart, planPartID(w.Plan, w.Slice, w.Next))
	if err != nil || part.weight() <= partWeight {
		return err
	}
	if err := tx.prefetchPart(part, true); err != nil {
		return err
	}
	room, further := partWeight, w.Joined > 0
	if !further {
		if err := tx.filePart(c, *w, part); err != nil {
			return err
		}
		room -= ticketWeight*len(part.Tickets) + contactWeight*len(part.Contacts)
		w.Filed += len(part.Tickets)
	}
	tasks := part.tasks()[w.Joined:]
	if _, err := tx.joinTasks(*w, tasks[:min(room, len(tasks))]); err != nil { // those of all steps are followed at the end
		return err
	}
	if len(tasks) > room {
		w.Joined += room
		return nil
	}
	if err := tx.followStrayed(part); err != nil {
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

// filePart turns a part of the plan into tickets, contacts and effects. A contact's
// message waits until all its tickets exist.
func (tx *transaction) filePart(c Campaign, w Wave, part planPart) error {
	for _, planned := range part.Tickets {
		if err := tx.fileTicket(w, planned); err != nil {
			return err
		}
	}
	for _, planned := range part.Contacts {
		if err := tx.fileContact(c, w, planned); err != nil {
			return err
		}
	}
	return nil
}

// prefetchPart reads what filing a part looks at, in few calls. Unless it is to
// look for them, tickets that are new to the plan are taken for missing.
func (tx *transaction) prefetchPart(part planPart, look bool) error {
	var tickets, tasks, filings, contacts []string
	for _, planned := range part.Tickets {
		tasks = append(tasks, planned.Tasks...)
		if look || planned.Joins {
			tickets, filings = append(tickets, planned.ID), append(filings, tx.filingID(planned.ID))
		} else {
			tx.suppose(KindTicket, planned.ID)
			tx.suppose(KindEffect, tx.filingID(planned.ID))
		}
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
	return opaqueNear(ticket, string(tx.scope), "file", ticket)
}

// ticketSerial keeps what is said on a ticket in order.
func ticketSerial(ticket string) string { return "ticket/" + ticket }

// plannedTask is a task with the ticket that the plan has it on.
type plannedTask struct {
	id      string
	planned PlanTicket
}

func (p planPart) tasks() []plannedTask {
	var tasks []plannedTask
	for _, planned := range p.Tickets {
		for _, id := range planned.Tasks {
			tasks = append(tasks, plannedTask{id, planned})
		}
	}
	return tasks
}

// joinTasks tells tasks which ticket they are on, and it whether something was done
// before. It returns which of them belong to somebody else by now.
func (tx *transaction) joinTasks(w Wave, tasks []plannedTask) (strayed []strayedTask, err error) {
	for _, t := range tasks {
		begun := false
		err := amend(tx, KindTask, t.id, func(task *Task) {
			task.Ticket, task.Contact = t.planned.ID, string(t.planned.Contact)
			begun = task.Status != TaskOpen
			if task.Status.handled() {
				tx.countWave(w.ID, waveHandled, 1)
			}
			if task.Owner != t.planned.Owner {
				strayed = append(strayed, strayedTask{*task, t.planned})
			}
		})
		if err == nil && begun {
			err = amend(tx, KindTicket, t.planned.ID, func(ticket *Ticket) { ticket.Begun = ticket.Ref.ID == "" })
		}
		if err != nil {
			return nil, err
		}
	}
	return strayed, nil
}

// followStrayed lets tasks of a part that was filed in several steps go on to those
// whom they belong to by now.
func (tx *transaction) followStrayed(part planPart) error {
	tasks := part.tasks()
	ids := make([]string, len(tasks))
	for i, t := range tasks {
		ids[i] = t.id
	}
	if err := tx.prefetch(KindTask, ids); err != nil {
		return err
	}
	var strayed []strayedTask
	for _, t := range tasks {
		task, found, err := find[Task](tx, KindTask, t.id)
		if err != nil {
			return err
		}
		if found && task.Ticket == t.planned.ID && task.Owner != t.planned.Owner {
			strayed = append(strayed, strayedTask{task, t.planned})
		}
	}
	return tx.follow(strayed)
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
	if contact.First != "" && !planned.Again { // asked for something else since the plan was drawn
		if planned, err = tx.askedAgain(planned); err != nil {
			return err
		}
	}
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
	switch {
	case planned.Text == "": // nothing is left to ask for
		return save(tx, KindContact, string(planned.Person), contact)
	case contact.First == "":
		e.ID = opaqueID(string(tx.scope), "first", string(planned.Person))
		contact.First, contact.Text = e.ID, planned.Text
		post.Remember = contactSubject(string(planned.Person))
	default:
		contact.Asked++
		e.ID, e.Kind, e.AsksWork = opaqueID(string(tx.scope), "more", string(planned.Person), w.ID), EffectMessage, true
		only, err := tx.tasksOn(planned.Tickets)
		if err != nil {
			return err
		}
		post.Message.Buttons = taskButtons(c.ID, planned.Person, planned.Count, only...)
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

// tasksOn are the tasks of tickets.
func (tx *transaction) tasksOn(tickets []string) (tasks []string, err error) {
	for _, id := range tickets {
		t, found, err := find[Ticket](tx, KindTicket, id)
		if err != nil {
			return nil, err
		}
		if found {
			tasks = append(tasks, t.Tasks...)
		}
	}
	return tasks, nil
}

package campaign

import (
	"cmp"
	"slices"
)

// takePage takes over a page of tickets, and counts it once.
func (tx *transaction) takePage(i, f Campaign, page mergeTickets, over map[string]Contact) error {
	m, err := load[Merge](tx, KindMerge, f.ID)
	if err != nil {
		return err
	}
	counted := m
	if err := tx.takeTickets(i, f, page, over, &counted); err != nil || m.Taken == page.last {
		return err
	}
	counted.Taken = page.last
	return save(tx, KindMerge, f.ID, counted)
}

// takeTickets lets tickets go on here, with their tasks and whom they are asked of,
// and credits tasks that have a ticket here with what was done over there.
func (tx *transaction) takeTickets(i, f Campaign, page mergeTickets, over map[string]Contact, counted *Merge) error {
	asked := map[string][]Ticket{} // by contact: what they were asked for over there
	for _, one := range page.tickets {
		for _, move := range one.moves {
			if move.credits() {
				counted.Credited++
			}
			if err := tx.takeTask(one, move, f); err != nil {
				return err
			}
		}
		if !one.adopts() {
			counted.Joined++
			continue
		}
		counted.Adopted++
		t, err := tx.takeTicket(i, f, one)
		if err != nil {
			return err
		}
		asked[t.Contact] = append(asked[t.Contact], t)
	}
	for _, person := range sortedKeys(asked) {
		if person == "" {
			continue
		}
		if err := tx.takeContact(i, f, over[person], asked[person]); err != nil {
			return err
		}
	}
	return nil
}

// takeTask brings one task over: as it is where there is none here, else what was
// done or said about it.
func (tx *transaction) takeTask(one mergeTicket, move mergeMove, f Campaign) error {
	if _, found, err := find[Target](tx, KindTarget, move.target.ID); err != nil {
		return err
	} else if !found {
		if err := save(tx, KindTarget, move.target.ID, move.target); err != nil {
			return err
		}
	}
	here, found, err := find[Task](tx, KindTask, move.id())
	if err != nil {
		return err
	}
	why := "merged from " + f.ID
	if !found {
		t := move.task
		t.ID, t.Target, t.Ticket, t.Offer = move.id(), move.target.ID, "", ""
		if t.givenBack() {
			t.Blocked = ""
		}
		if one.adopts() {
			t.Ticket = one.ticket.ID
		}
		if t.Blocked != "" {
			tx.count(t.blockedName(), 1)
		}
		tx.count(counterReopened, int64(t.Reopened))
		return tx.addTask(t)
	}
	if here.Ticket == one.ticket.ID {
		return nil // done before
	}
	_, err = tx.changeTask(here.ID, "task.merge", why, func(t *Task) error {
		if t.Ticket == "" && one.adopts() {
			t.Ticket, t.Contact, t.Owner = one.ticket.ID, move.task.Contact, move.task.Owner
		}
		t.Accepted = cmp.Or(t.Accepted, move.task.Accepted)
		if move.credits() {
			t.Status, t.Claim, t.Evidence, t.ProvenAt = move.task.Status, move.task.Claim, move.task.Evidence, move.task.ProvenAt
		} else if t.Status == TaskUnknown && move.task.Status.Actionable() {
			t.Status = move.task.Status
		}
		return nil
	})
	return err
}

// takeTicket stores a ticket here under the ID that it has. It shows the texts that
// were approved here from its next update on.
func (tx *transaction) takeTicket(i, f Campaign, one mergeTicket) (Ticket, error) {
	old, found, err := find[Ticket](tx, KindTicket, one.ticket.ID)
	if err != nil || found {
		return old, err
	}
	t := one.ticket
	t.Tasks, t.Planned.Tasks, t.Planned.Targets, t.Revisions = nil, nil, nil, nil
	here := map[string]string{}
	for _, move := range one.moves {
		here[move.task.ID] = move.id()
		if !move.goesOn() {
			continue
		}
		t.Tasks = append(t.Tasks, move.id())
		if !slices.Contains(t.Planned.Targets, move.target.ID) {
			t.Planned.Targets = append(t.Planned.Targets, move.target.ID)
		}
	}
	for n, id := range t.Tracked.Checked {
		t.Tracked.Checked[n] = cmp.Or(here[id], id)
	}
	for n, id := range t.Tracked.Sent {
		t.Tracked.Sent[n] = cmp.Or(here[id], id)
	}
	t.Planned.Tasks = slices.Clone(t.Tasks)
	t.Plan, t.Wave = i.Plan, "merged/"+f.ID // no wave of this campaign filed it
	if err := tx.audit("ticket.merge", "ticket/"+t.ID, f.ID, i.ID, ""); err != nil {
		return t, err
	}
	if err := save(tx, KindTicket, t.ID, t); err != nil {
		return t, err
	}
	return t, tx.refresh(EffectTicketUpdate, t.ID)
}

// takeContact lets somebody who was asked over there be asked here: their message
// goes on here where they have none yet, and whoever had none so far gets one.
func (tx *transaction) takeContact(i, f Campaign, over Contact, tickets []Ticket) error {
	person := tickets[0].Contact
	here, found, err := find[Contact](tx, KindContact, person)
	if err != nil {
		return err
	}
	planned := PlanContact{Person: Person(person), Name: tickets[0].Planned.ContactName, Zone: tickets[0].Planned.Zone}
	for _, t := range tickets {
		planned.Tickets = append(planned.Tickets, t.ID)
	}
	if over.Message.TS == "" && (!found || here.First == "") { // what waited for their morning over there
		text, ask, err := tx.askedOf(heir{user: User{Person: planned.Person, Name: planned.Name, Zone: planned.Zone}}, tickets)
		if err != nil {
			return err
		}
		if text != "" {
			return tx.fileContact(i, Wave{ID: "merged/" + f.ID, Slice: ask.Slice}, ask)
		}
	}
	if err := tx.keepContact(planned); err != nil {
		return err
	}
	if here.First == "" && over.Message.TS != "" {
		err := amend(tx, KindContact, person, func(c *Contact) {
			c.First, c.Text, c.Message, c.FirstAt, c.Asked = over.First, over.Text, over.Message, over.FirstAt, c.Asked+over.Asked
		})
		if err != nil {
			return err
		}
	}
	return tx.refresh(EffectEdit, contactSubject(person))
}

// leaveTickets lets go over there of what went on here: its tasks are withdrawn, and
// a ticket whose work has one here already is closed in the tracker.
func (tx *transaction) leaveTickets(i Campaign, page mergeTickets) error {
	for _, one := range page.tickets {
		t, err := load[Ticket](tx, KindTicket, one.ticket.ID)
		if err != nil {
			return err
		}
		adopted := one.adopts()
		for _, move := range one.moves {
			_, err := tx.changeTask(move.task.ID, "task.withdraw", "merged into "+i.ID, func(t *Task) error {
				if adopted {
					t.Ticket, t.Contact = "", "" // what shows it is shown there from now on
				}
				if t.Status == TaskWithdrawn {
					return nil
				}
				return moveTask(t, TaskWithdrawn)
			})
			if err != nil {
				return err
			}
		}
		if !adopted {
			text := "Merged into \"" + i.Title + "\": the same is asked for there already, on a ticket of its own. What was said here counts there."
			err := tx.effect(Effect{
				ID: opaqueID(string(tx.scope), "merged", t.ID), Kind: EffectComment, Subject: t.ID, Lane: Bulk, Serial: ticketSerial(t.ID),
			}, commentPayload{Text: text})
			if err != nil {
				return err
			}
			continue
		}
		if t.Ref = (TicketRef{}); t.Contact != "" {
			if err := tx.leaveContact(t); err != nil {
				return err
			}
		}
		if err := save(tx, KindTicket, t.ID, t); err != nil {
			return err
		}
	}
	return nil
}

// leaveContact takes a ticket off its contact's list over there. Their message shows
// what became of it, unless it goes on here.
func (tx *transaction) leaveContact(t Ticket) error {
	err := amend(tx, KindContact, t.Contact, func(c *Contact) {
		c.Tickets = slices.DeleteFunc(slices.Clone(c.Tickets), func(id string) bool { return id == t.ID })
	})
	if err != nil {
		return err
	}
	return tx.refresh(EffectEdit, contactSubject(t.Contact))
}

package campaign

import (
	"cmp"
	"context"
	"slices"
)

// heir is who answers for work after it was given to somebody else.
type heir struct {
	owner string // catalog ref
	team  string // what people call it
	user  User   // who is asked
}

// heirNamed returns whom somebody means by a name; false when the catalog does
// not know them, or nobody there can be reached in Slack. owner and contact are
// whose it was: a colleague there takes it on within the team.
func (g *Engine) heirNamed(ctx context.Context, name, owner, contact string) (heir, bool, error) {
	catalog, _, err := g.catalog(ctx)
	if err != nil {
		return heir{}, false, err
	}
	ref := catalog.named(name)
	if ref == "" {
		return heir{}, false, nil
	}
	h := heir{owner: ref}
	if _, isUnit := catalog.Units[ref]; !isUnit {
		h.owner = cmp.Or(catalog.teamOf(ref), ref)
		if slices.Contains(catalog.Units[owner].Members, ref) {
			h.owner = owner // a colleague takes it on
		}
	}
	h.team = ownerName(catalog, h.owner)
	h.user, err = g.contactOf(ctx, catalog, ref)
	if err != nil && KindOf(err) == NotFound {
		return heir{}, false, nil
	}
	if h.owner == owner && ref == owner && contact != "" {
		h.user.Person = Person(contact) // the team that has it: whoever was asked stays
	}
	return h, err == nil, err
}

// giving is a ticket on its way to another owner, as far as one step takes it:
// its tasks first, with their counters, and the ticket with the last of them.
type giving struct {
	tx     *transaction
	c      Campaign
	t      *Ticket // saved by the caller
	to     heir
	room   int // tasks that may still be changed in this step
	reason string
}

// moveTasks gives the tasks of the ticket to its heir.
func (v *giving) moveTasks() (more bool, err error) {
	for _, id := range v.t.Tasks {
		if more, err = v.moveTask(id, ""); err != nil || more {
			return more, err
		}
	}
	return false, nil
}

// moveTask gives one task to the heir, on another ticket where one is named, and
// its target with it. What the heir has already costs nothing.
func (v *giving) moveTask(id, ticket string) (more bool, err error) {
	person := string(v.to.user.Person)
	t, found, err := find[Task](v.tx, KindTask, id)
	if err != nil || !found || t.Owner == v.to.owner && t.Contact == person && (ticket == "" || t.Ticket == ticket) {
		return false, err
	}
	if v.room <= 0 {
		return true, nil
	}
	v.room--
	_, err = v.tx.changeTask(id, "task.reassign", v.reason, func(t *Task) error {
		t.Owner, t.Contact, t.Accepted, t.Ticket = v.to.owner, person, "", cmp.Or(ticket, t.Ticket)
		if t.givenBack() {
			t.Blocked = ""
		}
		return nil
	})
	if err != nil {
		return false, err
	}
	return false, amend(v.tx, KindTarget, t.Target, func(target *Target) { target.Owner = v.to.owner })
}

// moveTicket takes the ticket off the list of the contact who had it. It does not
// say anything to anybody yet.
func (v *giving) moveTicket() error {
	from := v.t.Contact
	v.t.Owner, v.t.Contact = v.to.owner, string(v.to.user.Person)
	if from == "" || from == v.t.Contact {
		return nil
	}
	c, found, err := find[Contact](v.tx, KindContact, from)
	if err != nil {
		return err
	}
	if found {
		c.Tickets = slices.DeleteFunc(slices.Clone(c.Tickets), func(id string) bool { return id == v.t.ID })
		if err := v.tx.unask(&c, v.t.ID); err != nil {
			return err
		}
		if err := save(v.tx, KindContact, from, c); err != nil {
			return err
		}
	}
	return v.tx.refresh(EffectEdit, contactSubject(from))
}

// readdress writes the heir into the ticket, so that the tracker gives it to
// them. The words around stay those that were approved.
func (v *giving) readdress() error {
	p := &v.t.Planned
	if p.Team != v.to.team && !slices.Contains(v.t.Had, p.Team) {
		v.t.Had = append(slices.Clone(v.t.Had), p.Team)
	}
	p.Owner, p.Team, p.Contact, p.ContactName, p.Zone = v.to.owner, v.to.team, v.to.user.Person, v.to.user.Name, v.to.user.Zone
	v.t.Given, v.t.Kept = "", false
	return v.rehash()
}

// rehash renews what a ticket is checked by that is not filed yet; one that is
// filed follows by an update.
func (v *giving) rehash() error {
	if v.t.Ref.ID != "" {
		return v.tx.refresh(EffectTicketUpdate, v.t.ID)
	}
	approved, err := v.tx.engine.approvedTexts(v.tx.ctx, v.tx.scope, v.t.Plan)
	if err != nil {
		return err
	}
	draft, err := v.tx.engine.draftTicket(v.tx.ctx, v.tx.scope, approved, *v.t)
	if err != nil {
		return err
	}
	v.t.TextHash = textHash(draft.Title, draft.Body)
	v.t.Planned.Title, v.t.Planned.Hash = draft.Title, v.t.TextHash
	return nil
}

// split gives the tasks of some of the ticket's targets to the heir, on a ticket
// of their own: the other targets stay with whom they are with.
func (v *giving) split(id string, targets map[string]bool) (more bool, err error) {
	tx := v.tx
	fresh, found, err := find[Ticket](tx, KindTicket, id)
	if err != nil {
		return false, err
	}
	if !found {
		fresh = Ticket{
			ID: id, Owner: v.to.owner, Contact: string(v.to.user.Person), Name: v.t.Name, Wave: v.t.Wave, Plan: v.t.Plan, Status: TicketPlanned, Planned: v.t.Planned,
		}
		tx.countWave(fresh.Wave, waveFiled, -1) // the wave planned one ticket, and sees two filed
		fresh.Planned.ID, fresh.Planned.Targets, fresh.Planned.Tasks, fresh.Planned.Joins = id, nil, nil, false
		fresh.Revisions = v.t.Revisions
		if v.c.Grouping == ByTeam {
			fresh.Name, fresh.Planned.Name = v.to.team, v.to.team
		}
	}
	before := len(fresh.Tasks)
	for _, id := range slices.Clone(v.t.Tasks) {
		t, known, err := find[Task](tx, KindTask, id)
		if err != nil {
			return false, err
		}
		if !known || !targets[t.Target] {
			continue
		}
		if more, err = v.moveTask(id, fresh.ID); err != nil {
			return false, err
		}
		if more {
			break
		}
		moveIDs(id, &v.t.Tasks, &fresh.Tasks)
		moveIDs(id, &v.t.Planned.Tasks, &fresh.Planned.Tasks)
		moveIDs(t.Target, &v.t.Planned.Targets, &fresh.Planned.Targets)
	}
	if len(fresh.Tasks) == before {
		return more, nil
	}
	other := giving{tx: tx, c: v.c, t: &fresh, to: v.to}
	for _, renew := range []func() error{v.rehash, other.readdress} {
		if err := renew(); err != nil {
			return false, err
		}
	}
	if err := save(tx, KindTicket, fresh.ID, fresh); err != nil {
		return false, err
	}
	if err := save(tx, KindTicket, v.t.ID, *v.t); err != nil {
		return false, err
	}
	if found {
		return more, nil
	}
	return more, tx.effect(Effect{ID: tx.filingID(fresh.ID), Kind: EffectTicket, Subject: fresh.ID, Lane: Bulk}, nil)
}

// moveIDs takes an ID from one list to another, where it is in the first.
func moveIDs(id string, from, to *[]string) {
	if i := slices.Index(*from, id); i >= 0 {
		*from = slices.Delete(slices.Clone(*from), i, i+1)
		*to = append(slices.Clone(*to), id)
	}
}

// askedOf is what the heir is asked about tickets, in the words that were approved
// for the first of them; "" when nothing is left to do.
func (tx *transaction) askedOf(to heir, tickets []Ticket) (string, PlanContact, error) {
	_, messaged, err := find[Contact](tx, KindContact, string(to.user.Person))
	if err != nil {
		return "", PlanContact{}, err
	}
	contact := PlanContact{Person: to.user.Person, Name: to.user.Name, Zone: to.user.Zone, Slice: tickets[0].Planned.Slice, Again: messaged}
	var targets []Target
	for _, ticket := range tickets {
		contact.Tickets = append(contact.Tickets, ticket.ID)
		for _, id := range ticket.Tasks {
			t, found, err := find[Task](tx, KindTask, id)
			if err != nil {
				return "", contact, err
			}
			if !found || !t.Status.Actionable() {
				continue
			}
			if !slices.Contains(contact.Tracks, t.Track) {
				contact.Tracks = append(contact.Tracks, t.Track)
			}
			if slices.ContainsFunc(targets, func(known Target) bool { return known.ID == t.Target }) {
				continue
			}
			target, err := load[Target](tx, KindTarget, t.Target)
			if err != nil {
				return "", contact, err
			}
			targets = append(targets, target)
		}
	}
	contact.Count, contact.Exposed = len(targets), slices.ContainsFunc(targets, isExposed)
	if len(targets) == 0 {
		return "", contact, nil
	}
	slices.SortFunc(targets, compareTargets)
	now, err := tx.engine.textsNow(tx.ctx, tx.scope, tickets[0])
	if err != nil {
		return "", contact, err
	}
	contact.Text, err = contactText(tx.engine.opts.Renderer, now.plan, now.revisions, contact, targets)
	return contact.Text, contact, err
}

// askedAgain is what somebody is asked whose first message came in between, in
// the same approved words.
func (tx *transaction) askedAgain(planned PlanContact) (PlanContact, error) {
	tickets := make([]Ticket, 0, len(planned.Tickets))
	for _, id := range planned.Tickets {
		t, err := load[Ticket](tx, KindTicket, id)
		if err != nil {
			return planned, err
		}
		tickets = append(tickets, t)
	}
	_, again, err := tx.askedOf(heir{user: User{Person: planned.Person, Name: planned.Name, Zone: planned.Zone}}, tickets)
	return again, err
}

// keepContact makes the heir the contact of tickets without a message.
func (tx *transaction) keepContact(planned PlanContact) error {
	contact, found, err := find[Contact](tx, KindContact, string(planned.Person))
	if err != nil {
		return err
	}
	if !found {
		contact = Contact{Person: planned.Person, Name: planned.Name, Zone: planned.Zone}
	}
	for _, id := range planned.Tickets {
		if !slices.Contains(contact.Tickets, id) {
			contact.Tickets = append(contact.Tickets, id)
		}
	}
	return save(tx, KindContact, string(planned.Person), contact)
}

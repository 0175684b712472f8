package campaign

import (
	"context"
	"slices"
	"strings"
)

// heir is who answers for a ticket after it was given to somebody else.
type heir struct {
	owner string // catalog ref
	user  User   // who is asked
}

// heirOf returns whom the tracker's people gave a ticket to; false when the
// catalog does not know them, or nobody there can be reached in Slack.
func (g *Engine) heirOf(ctx context.Context, t Ticket, name string) (heir, bool, error) {
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
		if h.owner = catalog.teamOf(ref); h.owner == "" {
			h.owner = ref
		}
		if slices.Contains(catalog.Units[t.Owner].Members, ref) {
			h.owner = t.Owner // a colleague takes it on
		}
	}
	h.user, err = g.contactOf(ctx, catalog, ref)
	if err != nil && KindOf(err) == NotFound {
		return heir{}, false, nil
	}
	if h.owner == t.Owner && ref == t.Owner {
		h.user.Person = Person(t.Contact) // the team that has it: whoever was asked stays
	}
	return h, err == nil, err
}

// givenAway returns whether a ticket that was never read is in the hands of
// somebody whom the catalog knows as another owner. Everybody else may be the
// account that stands for its owner in the tracker.
func (g *Engine) givenAway(ctx context.Context, t Ticket, name string) (bool, error) {
	catalog, _, err := g.catalog(ctx)
	return err == nil && catalog.givenAway(t, name), err
}

func (c Catalog) givenAway(t Ticket, name string) bool {
	if t.Tracked.Read || name == t.Planned.Team {
		return false
	}
	ref := c.named(name)
	return ref != "" && ref != t.Owner && !slices.Contains(c.Units[t.Owner].Members, ref)
}

// named returns the ref of the unit or the person that somebody outside calls by
// this name: a ref, the name of a unit, an e-mail address, an account name, or a
// person's name; "" when nobody, or more than one, is called so.
func (c Catalog) named(name string) string {
	name = strings.ToLower(strings.TrimPrefix(strings.TrimSpace(name), "@"))
	if name == "" {
		return ""
	}
	if _, ok := c.Units[name]; ok {
		return name
	}
	if _, ok := c.Members[name]; ok {
		return name
	}
	tail := func(ref string) string { return strings.ToLower(ref[strings.LastIndexByte(ref, '/')+1:]) }
	for _, matches := range []func() []string{
		func() []string {
			return c.unitsThat(func(u Unit) bool { return strings.ToLower(u.Name) == name || tail(u.Ref) == name })
		},
		func() []string { return c.membersThat(func(m Member) bool { return strings.ToLower(m.Email) == name }) },
		func() []string {
			return c.membersThat(func(m Member) bool {
				local, _, _ := strings.Cut(strings.ToLower(m.Email), "@")
				return tail(m.Ref) == name || local == name
			})
		},
		func() []string { return c.membersThat(func(m Member) bool { return strings.ToLower(m.Name) == name }) },
	} {
		if found := matches(); len(found) == 1 {
			return found[0]
		} else if len(found) > 1 {
			return ""
		}
	}
	return ""
}

func (c Catalog) unitsThat(is func(Unit) bool) (refs []string) {
	for ref, u := range c.Units {
		if is(u) {
			refs = append(refs, ref)
		}
	}
	return refs
}

func (c Catalog) membersThat(is func(Member) bool) (refs []string) {
	for ref, m := range c.Members {
		if is(m) {
			refs = append(refs, ref)
		}
	}
	return refs
}

// reassign lets the ticket follow whom it was given to in the tracker. Whom the
// catalog does not know stands on the ticket in the tracker's words, and the owner
// stays.
func (f *following) reassign() (more bool, err error) {
	name := f.seen.Assignee
	if !f.news.assigned || name == "" {
		return false, nil
	}
	to, known, err := f.tx.engine.heirOf(f.tx.ctx, f.t, name)
	switch {
	case err != nil:
		return false, err
	case known && to.owner == f.t.Owner && string(to.user.Person) == f.t.Contact:
		if f.t.Tracked.Read {
			f.t.Given = name
		}
		return false, nil
	}
	f.t.Given = name
	if !known {
		return false, f.tx.audit("tracker.assigned", "ticket/"+f.t.ID, f.t.Owner, f.t.Owner, "given to "+name+", whom the catalog does not know")
	}
	if more, err := f.moveTasks(to); err != nil || more {
		return more, err
	}
	return false, f.handOver(to)
}

// moveTasks gives the tasks of the ticket to its heir.
func (f *following) moveTasks(to heir) (more bool, err error) {
	person := string(to.user.Person)
	for _, id := range f.t.Tasks {
		t, found, err := find[Task](f.tx, KindTask, id)
		if err != nil {
			return false, err
		}
		if !found || t.Owner == to.owner && t.Contact == person {
			continue
		}
		if f.room == 0 {
			return true, nil
		}
		f.room--
		_, err = f.tx.changeTask(id, "task.reassign", "reassigned in the tracker", func(t *Task) error {
			t.Owner, t.Contact, t.Accepted = to.owner, person, ""
			return nil
		})
		if err != nil {
			return false, err
		}
	}
	return false, nil
}

// handOver moves the ticket from the contact who had it to its heir, who is told
// when something is left to do.
func (f *following) handOver(to heir) error {
	tx, from := f.tx, f.t.Contact
	if err := tx.audit("tracker.assigned", "ticket/"+f.t.ID, f.t.Owner, to.owner, ""); err != nil {
		return err
	}
	f.t.Owner, f.t.Contact = to.owner, string(to.user.Person)
	if from != "" && from != f.t.Contact {
		err := amend(tx, KindContact, from, func(c *Contact) {
			c.Tickets = slices.DeleteFunc(c.Tickets, func(id string) bool { return id == f.t.ID })
		})
		if err != nil {
			return err
		}
		if err := tx.refresh(EffectEdit, contactSubject(from)); err != nil {
			return err
		}
	}
	text, planned, err := f.words(to)
	if err != nil {
		return err
	}
	if text == "" {
		return f.keepContact(planned)
	}
	return tx.fileContact(f.c, Wave{ID: "given/" + f.t.ID + "/" + timeKey(tx.now), Slice: f.t.Planned.Slice}, planned)
}

// words are what the heir is asked, in the words that were approved for the
// ticket; "" when nothing is left to do.
func (f *following) words(to heir) (string, PlanContact, error) {
	tx := f.tx
	_, messaged, err := find[Contact](tx, KindContact, string(to.user.Person))
	if err != nil {
		return "", PlanContact{}, err
	}
	contact := PlanContact{
		Person: to.user.Person, Name: to.user.Name, Zone: to.user.Zone, Slice: f.t.Planned.Slice, Tickets: []string{f.t.ID}, Again: messaged,
	}
	var open []Task
	for _, id := range f.t.Tasks {
		t, found, err := find[Task](tx, KindTask, id)
		if err != nil {
			return "", contact, err
		}
		if found && t.Status.Actionable() {
			open = append(open, t)
		}
	}
	if len(open) == 0 {
		return "", contact, nil
	}
	var targets []Target
	for _, t := range open {
		if name := t.Track; !slices.Contains(contact.Tracks, name) {
			contact.Tracks = append(contact.Tracks, name)
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
	contact.Count = len(targets)
	now, err := tx.engine.textsNow(tx.ctx, tx.scope, f.t)
	if err != nil {
		return "", contact, err
	}
	contact.Text, err = contactText(tx.engine.opts.Renderer, now.plan, now.revisions, contact, targets)
	return contact.Text, contact, err
}

// keepContact makes the heir the ticket's contact without a message.
func (f *following) keepContact(planned PlanContact) error {
	contact, found, err := find[Contact](f.tx, KindContact, string(planned.Person))
	if err != nil {
		return err
	}
	if !found {
		contact = Contact{Person: planned.Person, Name: planned.Name, Zone: planned.Zone}
	}
	if !slices.Contains(contact.Tickets, f.t.ID) {
		contact.Tickets = append(contact.Tickets, f.t.ID)
	}
	return save(f.tx, KindContact, string(planned.Person), contact)
}

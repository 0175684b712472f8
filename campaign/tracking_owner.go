package campaign

import (
	"context"
	"slices"
	"strings"
	"time"
)

// settlesIn is how long after its creation a ticket may still be changed by the
// tracker's own rules: a project's default assignee, an automation.
const settlesIn = time.Minute

// givenAway returns whether a ticket that was never read is in the hands of
// somebody whom the catalog knows as another owner, and was given to them by
// people. Everybody else may be the account that stands for its owner in the
// tracker.
func (g *Engine) givenAway(ctx context.Context, t Ticket, seen TicketSeen) (bool, error) {
	catalog, _, err := g.catalog(ctx)
	return err == nil && catalog.givenAway(t, seen), err
}

func (c Catalog) givenAway(t Ticket, seen TicketSeen) bool {
	name := seen.Assignee
	if t.Tracked.Read || name == t.Planned.Team || slices.Contains(t.Had, name) || seen.UpdatedAt.Sub(seen.CreatedAt) < settlesIn {
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
	to, known, err := f.tx.engine.heirNamed(f.tx.ctx, name, f.t.Owner, f.t.Contact)
	switch {
	case err != nil:
		return false, err
	case known && to.owner == f.t.Owner && string(to.user.Person) == f.t.Contact:
		if f.t.Tracked.Read {
			f.t.Given = name
		}
		if name == f.t.Planned.Team {
			f.t.Given = ""
		}
		return false, nil
	}
	f.t.Given = name
	if !known {
		return false, f.tx.audit("tracker.assigned", "ticket/"+f.t.ID, f.t.Owner, f.t.Owner, "given to "+name+", whom the catalog does not know")
	}
	move := giving{tx: f.tx, c: f.c, t: &f.t, to: to, room: f.room, reason: "reassigned in the tracker"}
	if more, err := move.moveTasks(); err != nil || more {
		return more, err
	}
	return false, f.handOver(&move)
}

// handOver moves the ticket from the contact who had it to its heir, who is told
// when something is left to do.
func (f *following) handOver(move *giving) error {
	tx := f.tx
	if err := tx.audit("tracker.assigned", "ticket/"+f.t.ID, f.t.Owner, move.to.owner, ""); err != nil {
		return err
	}
	if err := move.moveTicket(); err != nil {
		return err
	}
	f.t.Kept = true
	text, planned, err := tx.askedOf(move.to, []Ticket{f.t})
	if err != nil {
		return err
	}
	if text == "" {
		return tx.keepContact(planned)
	}
	return tx.fileContact(f.c, Wave{ID: "given/" + f.t.ID + "/" + timeKey(tx.now), Slice: f.t.Planned.Slice}, planned)
}

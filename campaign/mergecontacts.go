package campaign

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// mergeContact is somebody who was asked over there.
type mergeContact struct {
	over   Contact
	untold []string // tickets of which no message has told them
}

const mergeContacts = 200 // in a page

// mergeNextContacts takes over the next contacts: first here, then over there, and
// last the cursor. Each may be repeated.
func (g *Engine) mergeNextContacts(ctx context.Context, claim Claimed, m Merge, f, i Campaign) error {
	records, err := g.opts.Store.List(ctx, Scope(f.ID), KindContact, m.After, mergeContacts)
	if err != nil {
		return err
	}
	if len(records) == 0 {
		return g.mergeVoid(ctx, claim, m, i)
	}
	untold, err := g.untold(ctx, f)
	if err != nil {
		return err
	}
	for _, r := range records {
		over, err := Decode[Contact](r)
		if err != nil {
			return err
		}
		one := mergeContact{over, untold[over.Person.User()]}
		err = g.atomically(ctx, Scope(i.ID), Request{Actor: m.By}, func(tx *transaction) error { return tx.takeContact(i, f, one) })
		if err != nil {
			return fmt.Errorf("merge contacts of %s: %w", f.ID, err)
		}
		err = g.atomically(ctx, Scope(f.ID), Request{Actor: m.By}, func(tx *transaction) error {
			return tx.refresh(EffectEdit, contactSubject(string(over.Person)))
		})
		if err != nil {
			return fmt.Errorf("merge contacts of %s: %w", f.ID, err)
		}
	}
	return g.mergeAdvance(ctx, claim, m, func(_ *transaction, now *Merge) error {
		now.After = records[len(records)-1].ID
		return nil
	})
}

// allOfTheirs stands for all of a contact's tickets.
const allOfTheirs = "*"

// untold returns by user the tickets that messages were to tell contacts of and did
// not: those of a campaign that has ended do not go out any more. One that asks for
// something else, as that advice has moved, leaves nothing of theirs told.
func (g *Engine) untold(ctx context.Context, f Campaign) (map[string][]string, error) {
	untold := map[string][]string{}
	for stored, err := range LoadAll[Effect](ctx, g.opts.Store, Scope(f.ID), KindEffect) {
		if err != nil {
			return nil, err
		}
		e := stored.Value
		if e.Status == EffectDone || e.Kind != EffectFirstMessage && !(e.Kind == EffectMessage && e.AsksWork) || strings.HasPrefix(e.Subject, inquiryPrefix) {
			continue
		}
		p, err := decodePayload[postPayload](e)
		if err != nil {
			return nil, err
		}
		if untold[p.To] = append(untold[p.To], p.After...); len(p.After) == 0 {
			untold[p.To] = append(untold[p.To], allOfTheirs)
		}
	}
	return untold, nil
}

// mergeVoid reopens what came over and was done by a method that is void here, as
// Void does, and goes on to the rest.
func (g *Engine) mergeVoid(ctx context.Context, claim Claimed, m Merge, i Campaign) error {
	var advice []Advice
	tasks, err := g.allTasks(ctx, i.ID)
	if err != nil {
		return err
	}
	for _, v := range i.Void {
		if slices.ContainsFunc(tasks, func(t Task) bool { return t.usedMethod(v.Track, v.Method) }) {
			id := opaqueID(i.ID, "void", v.Track, v.Method, "merged", m.From)
			advice = append(advice, Advice{ID: id, Kind: AdviceVoid, Track: v.Track, Method: v.Method, Reason: v.Reason})
		}
	}
	return g.mergeAdvance(ctx, claim, m, func(tx *transaction, now *Merge) error {
		for _, a := range advice {
			if err := tx.startAdvice(a); err != nil {
				return err
			}
		}
		now.Stage, now.After = MergeRest, ""
		return nil
	})
}

// takeContact lets somebody who was asked over there be asked here: their message
// goes on here where they have none yet, and of what no message told them one does.
func (tx *transaction) takeContact(i, f Campaign, one mergeContact) error {
	person := string(one.over.Person)
	m, err := load[Merge](tx, KindMerge, f.ID)
	if err != nil || person <= m.Asked {
		return err
	}
	if err := tx.prefetch(KindTicket, one.over.Tickets); err != nil {
		return err
	}
	var told, untold []Ticket
	for _, id := range one.over.Tickets {
		t, found, err := find[Ticket](tx, KindTicket, id)
		switch {
		case err != nil:
			return err
		case !found || t.Contact != person: // not taken over, or somebody else's by now
		case slices.Contains(one.untold, id) || slices.Contains(one.untold, allOfTheirs) || one.over.Message.TS == "":
			untold = append(untold, t)
		default:
			told = append(told, t)
		}
	}
	if err := tx.goOnWith(one.over, told); err != nil {
		return err
	}
	if err := tx.askFor(i, f, one.over, untold); err != nil {
		return err
	}
	m.Asked = person
	return save(tx, KindMerge, f.ID, m)
}

// goOnWith lets a contact have tickets that a message told them of.
func (tx *transaction) goOnWith(over Contact, tickets []Ticket) error {
	if len(tickets) == 0 {
		return nil
	}
	planned := PlanContact{Person: over.Person, Name: over.Name, Zone: over.Zone}
	for _, t := range tickets {
		planned.Tickets = append(planned.Tickets, t.ID)
	}
	if err := tx.keepContact(planned); err != nil {
		return err
	}
	err := amend(tx, KindContact, string(over.Person), func(c *Contact) {
		if c.First == "" {
			c.First, c.Text, c.Message, c.FirstAt, c.Asked = over.First, over.Text, over.Message, over.FirstAt, c.Asked+over.Asked
		}
	})
	if err != nil {
		return err
	}
	return tx.refresh(EffectEdit, contactSubject(string(over.Person)))
}

// askFor asks a contact here for what a message was still to ask them over there.
func (tx *transaction) askFor(i, f Campaign, over Contact, tickets []Ticket) error {
	if len(tickets) == 0 {
		return nil
	}
	text, ask, err := tx.askedOf(heir{user: User{Person: over.Person, Name: over.Name, Zone: over.Zone}}, tickets)
	if err != nil {
		return err
	}
	if text == "" {
		return tx.keepContact(ask)
	}
	return tx.fileContact(i, Wave{ID: "merged/" + f.ID, Slice: ask.Slice}, ask)
}

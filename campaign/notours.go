package campaign

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
)

// The buttons of a reassignment; their value is campaign|reassignment.
const (
	actionReassignAccept  = "reassign.accept"
	actionReassignDecline = "reassign.decline"
	actionReassignOther   = "reassign.other"
	actionReassignSettle  = "reassign.settle" // and |owner; "" leaves it where it is
)

// NotOurs takes work off its owner's list. Whom the owner names, in the words of
// the catalog, is asked to take it; when nobody is named whom the catalog knows,
// or too many were asked already, the commander decides. It stays counted as open
// for whom it is with meanwhile.
func (g *Engine) NotOurs(ctx context.Context, r Request, id string, set TaskSet, owner string) (Message, error) {
	owner = strings.TrimSpace(owner)
	chain := opaqueID(id, "reassignment", cmp.Or(r.Key, string(r.Actor)+timeKey(g.opts.Clock.Now())))
	to, known, err := g.heirNamed(ctx, owner, "", "")
	if err != nil {
		return Message{}, err
	}
	if !known {
		to = heir{}
	}
	earlier := map[string]bool{} // reassignments that some of it was part of
	return g.work(ctx, r, id, set, labour{
		action: "task.not_ours",
		done: func(what string) Message {
			if !known {
				return say("Noted: %s not yours. The commander was asked to find an owner; until then it stays open and counted.", agree(what, "is", "are"))
			}
			return say("Noted: %s not yours. %s is asked to take it, or the commander decides; until then it stays open, and counted for you.", agree(what, "is", "are"), to.team)
		},
		change: func(_ Campaign, t *Task) (bool, error) {
			if !t.Status.Actionable() || t.givenBack() {
				return false, nil
			}
			if known && to.owner == t.Owner && string(to.user.Person) == t.Contact {
				return false, Refuse(Invalid, fmt.Sprintf("%s is with %s already. Nothing was changed; name somebody else, or leave it blank and a person finds out.", Escape(t.Name), Escape(to.team)))
			}
			earlier[t.Offer] = true
			t.Blocked, t.Accepted, t.Offer = notOurs, "", chain
			return true, nil
		},
		also: func(tx *transaction, c Campaign, tasks []Task) error {
			return tx.giveBack(c, chain, tasks, sortedKeys(earlier), to, owner)
		},
	})
}

// giveBack adds tasks to a reassignment, and has the one that was named asked
// once all of them are there.
func (tx *transaction) giveBack(c Campaign, id string, tasks []Task, earlier []string, to heir, said string) error {
	r, found, err := find[Reassignment](tx, KindReassignment, id)
	if err != nil {
		return err
	}
	before := r.Status
	if !found {
		first := tasks[0]
		r = Reassignment{ID: id, Cause: CauseNotOurs, By: tx.request.Actor, At: tx.now, Owner: first.Owner, Contact: first.Contact}
	}
	for _, t := range tasks {
		if !slices.Contains(r.Targets, t.Target) {
			r.Targets, r.Names = append(r.Targets, t.Target), append(r.Names, t.Name)
		}
		r.Exposed, r.Due = r.Exposed || t.Exposed, earliest(r.Due, t.Due)
	}
	for _, id := range earlier {
		if id == "" {
			continue
		}
		old, found, err := find[Reassignment](tx, KindReassignment, id)
		if err != nil {
			return err
		}
		if !found || id == r.ID {
			continue
		}
		for _, name := range append(slices.Clone(old.Before), old.askedOnes()...) {
			if !slices.Contains(r.Before, name) {
				r.Before = append(r.Before, name)
			}
		}
	}
	if tx.request.more {
		r.Status = ReassignmentTriage // until all of it is there
		return save(tx, KindReassignment, id, r)
	}
	if err := tx.offer(c, &r, to, said); err != nil {
		return err
	}
	return tx.keepReassignment(r, before, "")
}

// askedOnes are the owners and people who were named for it.
func (r Reassignment) askedOnes() []string {
	var names []string
	for _, h := range r.Hops {
		names = append(names, h.Owner, string(h.Person))
	}
	return names
}

// hops counts how often somebody was asked for it.
func (r Reassignment) hops() int { return len(r.Hops) + (len(r.Before)+1)/2 }

// offer asks an heir to take it, or leaves it to the commander. said is whom
// somebody named, in their words.
func (tx *transaction) offer(c Campaign, r *Reassignment, to heir, said string) error {
	switch {
	case to.owner == "" && said == "":
		return tx.toTriage(c, r, "")
	case to.owner == "":
		return tx.toTriage(c, r, "they think of: "+clip(said, maxOwnerWords))
	case r.hops() >= maxHops:
		return tx.toTriage(c, r, fmt.Sprintf("they think of %s, and %d were asked before", to.team, r.hops()))
	case r.named(to.owner, to.user.Person):
		return tx.toTriage(c, r, fmt.Sprintf("they think of %s, who was asked or had it already", to.team))
	}
	r.Status = ReassignmentAsked
	r.Hops = append(r.Hops, Hop{
		Owner: to.owner, Team: to.team, Person: to.user.Person, Name: to.user.Name, Zone: to.user.Zone, By: tx.request.Actor, At: tx.now,
	})
	data := ReassignAskedData{
		LocalTime: LocalTime{Zone: to.user.Zone, Now: tx.now}, Title: c.Title, By: Mention(tx.request.Actor), Team: to.team,
		Count: len(r.Names), Names: r.Names, Exposed: r.Exposed, Due: r.Due, Within: tx.now.Add(answerWithin), HelpChannel: ChannelLink(c.HelpRef),
	}
	m, err := tx.engine.speak("reassign_asked", data)
	if err != nil {
		return err
	}
	value := buttonValue(c.ID, r.ID)
	m.Buttons = []Button{
		{Label: "Accept", Action: actionReassignAccept, Value: value, Style: Primary},
		{Label: "It belongs to…", Action: actionReassignOther, Value: value},
		{Label: "Decline", Action: actionReassignDecline, Value: value},
		{Label: "I saw something odd", Action: "odd.report", Value: value},
	}
	at := tx.now
	if !r.Exposed {
		at = morning(tx.now, to.user.Zone)
	}
	key := fmt.Sprintf("reassign/%s/%d", r.ID, len(r.Hops))
	return tx.askPerson(to.user.Person, to.user.Zone, key, at, m)
}

// maxOwnerWords bounds what the command channel is shown of a guess.
const maxOwnerWords = 300

// maxSettle is how many owners the commander is offered as buttons.
const maxSettle = 3

// toTriage puts it before the commander. why is plain words.
func (tx *transaction) toTriage(c Campaign, r *Reassignment, why string) error {
	r.Status = ReassignmentTriage
	catalog, _, err := tx.engine.catalog(tx.ctx)
	if err != nil {
		return err
	}
	data := ReassignTriageData{
		LocalTime: tx.engine.local(c), Title: c.Title, By: Mention(r.By), Owner: ownerName(catalog, r.Owner), Count: len(r.Names), Names: r.Names, Exposed: r.Exposed, Due: r.Due, Why: why,
	}
	if r.Cause == CauseCatalog {
		data.By = ""
	}
	value := buttonValue(c.ID, r.ID)
	var buttons []Button
	for _, h := range r.Hops {
		data.Asked = append(data.Asked, ReassignAnswer{Who: Mention(h.Person), Team: h.Team, Answer: h.Answer, Reason: h.Reason})
		if len(buttons) < maxSettle {
			buttons = append(buttons, Button{Label: clip("Give to "+h.Team, 70), Action: actionReassignSettle, Value: value + "|" + h.Owner})
		}
	}
	m, err := tx.engine.speak("reassign_triage", data)
	if err != nil {
		return err
	}
	m.Buttons = append(buttons,
		Button{Label: "Name the owner…", Action: actionReassignOther, Value: value, Style: Primary},
		Button{Label: clip("Leave with "+data.Owner, 70), Action: actionReassignSettle, Value: value + "|"})
	return tx.tellCommand("reassign/"+r.ID+"/triage", m)
}

// answering changes a reassignment that is not decided, by somebody who may answer
// it: who was asked, a member of their team, or whoever steers the campaign while
// it is before them.
func (g *Engine) answering(ctx context.Context, r Request, id, reassignment string, change func(*transaction, Campaign, *Reassignment) error) error {
	rights := g.rightsOf(ctx, r.Actor)
	return g.atomically(ctx, Scope(id), r, func(tx *transaction) error {
		c, err := tx.campaign()
		if err != nil {
			return err
		}
		if err := c.editable(); err != nil {
			return err
		}
		one, err := load[Reassignment](tx, KindReassignment, reassignment)
		if err != nil {
			return err
		}
		if !one.open() {
			return Refuse(Conflict, "This is settled already. Nothing was changed; `/campaign tickets` shows what is yours.")
		}
		if err := g.mayAnswer(ctx, rights, c, one); err != nil {
			return err
		}
		before := one.Status
		if err := change(tx, c, &one); err != nil {
			return err
		}
		if one.Status == before && one.Status == ReassignmentAsked {
			if err := tx.audit("reassignment.passed_on", "reassignment/"+one.ID, "", one.Hops[len(one.Hops)-1].Owner, ""); err != nil {
				return err
			}
		}
		return tx.keepReassignment(one, before, r.Reason)
	})
}

// mayAnswer refuses those who were not asked.
func (g *Engine) mayAnswer(ctx context.Context, r rights, c Campaign, one Reassignment) error {
	if one.Status == ReassignmentTriage {
		steers, err := g.steers(ctx, c, r.person)
		if err != nil || steers {
			return err
		}
		return Refuse(Forbidden, fmt.Sprintf("The commander decides whose this is. Nothing was changed; ask %s.", Mention(c.Commander)))
	}
	hop := one.Hops[len(one.Hops)-1]
	if hop.Person == r.person {
		return nil
	}
	m, err := r.of()
	if err != nil || m.belongs(hop.Owner) {
		return err
	}
	return Refuse(Forbidden, fmt.Sprintf("%s was asked, so only they or their team can answer. Nothing was changed.", Mention(hop.Person)))
}

// AcceptWork is the yes of whoever was asked to take work over. It moves to them
// ticket by ticket, and they are asked for it in the approved words.
func (g *Engine) AcceptWork(ctx context.Context, r Request, id, reassignment string) (Message, error) {
	var names []string
	err := g.answering(ctx, r, id, reassignment, func(tx *transaction, _ Campaign, one *Reassignment) error {
		if one.Status != ReassignmentAsked {
			return Refuse(Conflict, "The commander decides this by now. Nothing was changed.")
		}
		hop := &one.Hops[len(one.Hops)-1]
		hop.Answer, names = "accepted", one.Names
		one.Reason = fmt.Sprintf("accepted by %s", hop.Team)
		one.give(heir{owner: hop.Owner, team: hop.Team, user: User{Person: hop.Person, Name: hop.Name, Zone: hop.Zone}}, tx.request.Actor, tx.now)
		return nil
	})
	if err != nil {
		return Message{}, err
	}
	if len(names) == 0 {
		return say("Thank you: it is yours now. A message with what to do follows."), nil
	}
	return say("Thank you: %s is yours now, and the catalog's owner is corrected here. A message with what to do follows in a moment.", listWords(names)), nil
}

// DeclineWork is the no of whoever was asked to take work over: it goes back to
// whom it is with, with the reason.
func (g *Engine) DeclineWork(ctx context.Context, r Request, id, reassignment, reason string) (Message, error) {
	reason = strings.TrimSpace(reason)
	if reason == "" {
		return Message{}, Refuse(Invalid, "Please say why it is not yours: the one who has it reads it. Nothing was changed.")
	}
	r.Reason = reason
	err := g.answering(ctx, r, id, reassignment, func(tx *transaction, c Campaign, one *Reassignment) error {
		if one.Status != ReassignmentAsked {
			return Refuse(Conflict, "The commander decides this by now. Nothing was changed.")
		}
		hop := &one.Hops[len(one.Hops)-1]
		hop.Answer, hop.Reason = "declined", reason
		one.Status, one.Reason = ReassignmentReturned, reason
		return tx.tellReturned(c, *one, tx.request.Actor, reason)
	})
	if err != nil {
		return Message{}, err
	}
	return say("Noted: it is not yours. Who has it was told, with your reason; you are not asked for it again."), nil
}

// tellReturned tells whoever gave work back that it stays with them.
func (tx *transaction) tellReturned(c Campaign, r Reassignment, by Person, reason string) error {
	zone := ""
	if u, err := tx.engine.opts.Directory.ByID(tx.ctx, r.By); err == nil {
		zone = u.Zone
	}
	m, err := tx.engine.speak("reassign_returned", ReassignReturnedData{
		LocalTime: LocalTime{Zone: zone, Now: tx.now}, Title: c.Title, By: Mention(by), Count: len(r.Names), Names: r.Names, Due: r.Due, Reason: reason,
		HelpChannel: ChannelLink(c.HelpRef),
	})
	if err != nil {
		return err
	}
	ids, err := tx.tasksOfTargets(c, r.Targets)
	if err != nil {
		return err
	}
	var back []string
	for _, id := range ids {
		if _, found, err := find[Task](tx, KindTask, id); err != nil {
			return err
		} else if found {
			back = append(back, id)
		}
	}
	for _, b := range taskButtons(c.ID, Person(r.Contact), len(r.Names), back...) {
		if b.Action != "task.done" {
			m.Buttons = append(m.Buttons, b)
		}
	}
	at := tx.now
	if !r.Exposed {
		at = morning(tx.now, zone)
	}
	key := "reassign/" + r.ID + "/returned"
	return tx.askPerson(r.By, zone, key, at, m)
}

// PassWork says whose work it is instead: whoever was asked names another, who is
// asked then; the commander's word settles it.
func (g *Engine) PassWork(ctx context.Context, r Request, id, reassignment, owner string) (Message, error) {
	owner = strings.TrimSpace(owner)
	if owner == "" {
		return Message{}, Refuse(Invalid, "Please name a team or a person. Nothing was changed; press Decline when you do not know.")
	}
	one, _, err := Load[Reassignment](ctx, g.opts.Store, Scope(id), KindReassignment, reassignment)
	if err != nil {
		return Message{}, err
	}
	if one.Status == ReassignmentTriage {
		return g.SettleWork(ctx, r, id, reassignment, owner)
	}
	to, known, err := g.heirNamed(ctx, owner, "", "")
	if err != nil {
		return Message{}, err
	}
	if !known {
		to = heir{}
	}
	err = g.answering(ctx, r, id, reassignment, func(tx *transaction, c Campaign, one *Reassignment) error {
		if one.Status != ReassignmentAsked {
			return Refuse(Conflict, "The commander decides this by now. Nothing was changed.")
		}
		one.Hops[len(one.Hops)-1].Answer = "passed on"
		return tx.offer(c, one, to, owner)
	})
	if err != nil {
		return Message{}, err
	}
	if !known {
		return say("Noted: it is not yours. The commander was asked to find its owner; you are not asked for it again."), nil
	}
	return say("Noted: it is not yours. %s is asked, or the commander decides; you are not asked for it again.", to.team), nil
}

// SettleWork is the commander's word on whose work it is; a blank owner leaves it
// where it is.
func (g *Engine) SettleWork(ctx context.Context, r Request, id, reassignment, owner string) (Message, error) {
	var to heir
	if owner != "" {
		var known bool
		var err error
		if to, known, err = g.heirNamed(ctx, owner, "", ""); err != nil {
			return Message{}, err
		}
		if !known {
			return Message{}, Refuse(NotFound, "The catalog knows nobody to ask for "+string(Escape(clip(owner, maxOwnerWords)))+". Nothing was changed. Owners are written like `group:default/payments`.")
		}
	}
	err := g.answering(ctx, r, id, reassignment, func(tx *transaction, c Campaign, one *Reassignment) error {
		if one.Status != ReassignmentTriage {
			return Refuse(Conflict, "Somebody was asked to take it, and has until a day after that. Nothing was changed.")
		}
		if owner == "" || to.owner == one.Owner && string(to.user.Person) == one.Contact {
			one.Status, one.Reason = ReassignmentReturned, "the commander decided"
			if one.Cause != CauseNotOurs {
				return nil
			}
			return tx.tellReturned(c, *one, tx.request.Actor, "The commander decided that it stays with you.")
		}
		one.Reason = cmp.Or(r.Reason, "decided by the commander")
		one.give(to, tx.request.Actor, tx.now)
		return nil
	})
	if err != nil {
		return Message{}, err
	}
	if owner == "" {
		return say("Decided: it stays where it is, and they were told."), nil
	}
	return say("Decided: it goes to %s, who is asked for it in the approved words. The catalog's owner is corrected here.", to.team), nil
}

// OwnerChoice is an owner whom people may name.
type OwnerChoice struct {
	Ref  string
	Name string
}

// Owners returns the teams and people of the catalog whose name or reference
// contains what somebody typed, teams first, at most n.
func (g *Engine) Owners(ctx context.Context, typed string, n int) ([]OwnerChoice, error) {
	catalog, _, err := g.catalog(ctx)
	if err != nil {
		return nil, err
	}
	typed = strings.ToLower(strings.TrimPrefix(strings.TrimSpace(typed), "@"))
	fits := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(strings.ToLower(w), typed) })
	}
	var found []OwnerChoice
	for _, ref := range sortedKeys(catalog.Units) {
		if u := catalog.Units[ref]; fits(u.Name, ref) {
			found = append(found, OwnerChoice{ref, cmp.Or(u.Name, ref)})
		}
	}
	for _, ref := range sortedKeys(catalog.Members) {
		if m := catalog.Members[ref]; fits(m.Name, ref, m.Email) {
			found = append(found, OwnerChoice{ref, cmp.Or(m.Name, ref)})
		}
	}
	slices.SortStableFunc(found, func(a, b OwnerChoice) int { // what begins with it first
		begins := func(o OwnerChoice) int {
			if strings.HasPrefix(strings.ToLower(o.Name), typed) {
				return 0
			}
			return 1
		}
		return begins(a) - begins(b)
	})
	return found[:min(len(found), n)], nil
}

package campaign

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Reassignment is work that is to go to another owner: because its owner says
// that it belongs to somebody else, or because the catalog says so by now. Until
// it has moved it stays counted for whom it is with.
type Reassignment struct {
	ID     string             `json:"id"`
	Cause  ReassignmentCause  `json:"cause"`
	Status ReassignmentStatus `json:"status"`
	By     Person             `json:"by"` // who said so
	At     time.Time          `json:"at"`

	Owner   string    `json:"owner"` // who has it, as a catalog ref; of the first target
	Contact string    `json:"contact,omitempty"`
	Targets []string  `json:"targets"`
	Names   []string  `json:"names"` // of the targets
	Exposed bool      `json:"exposed,omitempty"`
	Due     time.Time `json:"due,omitzero"`

	// Hops are those who were named for it, in order; Before are the owners and
	// people who were named for some of it in an earlier reassignment.
	Hops   []Hop    `json:"hops,omitempty"`
	Before []string `json:"before,omitempty"`

	// To is who gets it, once that is decided.
	To        string    `json:"to,omitempty"`
	Team      string    `json:"team,omitempty"`
	Person    Person    `json:"person,omitempty"`
	Name      string    `json:"name,omitempty"`
	Zone      string    `json:"zone,omitempty"`
	Silent    bool      `json:"silent,omitempty"`   // another name of the same people: nobody is told
	Reason    string    `json:"reason,omitempty"`   // why, for those who read the correction
	Corrects  bool      `json:"corrects,omitempty"` // a person decided it: the catalog is corrected
	DecidedBy Person    `json:"decided_by,omitempty"`
	DecidedAt time.Time `json:"decided_at,omitzero"`

	// Tickets hold the tasks of the targets; Next is the first that has not
	// moved. Moved are those that are the heir's.
	Listed  bool     `json:"listed,omitempty"`
	Tickets []string `json:"tickets,omitempty"`
	Next    int      `json:"next,omitempty"`
	Moved   []string `json:"moved,omitempty"`
	Kept    []string `json:"kept,omitempty"` // tickets that moved and are asked of the same person as before
	Done    bool     `json:"done,omitempty"` // nothing is left to do about it
}

// Hop is one owner who was named, and what they answered.
type Hop struct {
	Owner  string    `json:"owner"`
	Team   string    `json:"team"`
	Person Person    `json:"person"` // who was asked
	Name   string    `json:"name,omitempty"`
	Zone   string    `json:"zone,omitempty"`
	By     Person    `json:"by"` // who named them
	At     time.Time `json:"at"`
	Answer string    `json:"answer,omitempty"` // accepted, declined, passed on, silent; "" while they are asked
	Reason string    `json:"reason,omitempty"`
}

// ReassignmentCause says what brought a reassignment about.
type ReassignmentCause string

// The causes.
const (
	CauseNotOurs ReassignmentCause = "not_ours" // its owner says so
	CauseCatalog ReassignmentCause = "catalog"  // an import says so
)

// ReassignmentStatus is how far a reassignment is.
type ReassignmentStatus string

// The states of a reassignment.
const (
	ReassignmentAsked    ReassignmentStatus = "asked"    // somebody was asked to take it
	ReassignmentTriage   ReassignmentStatus = "triage"   // the commander decides
	ReassignmentMoving   ReassignmentStatus = "moving"   // decided: it moves ticket by ticket
	ReassignmentMoved    ReassignmentStatus = "moved"    // it is the heir's
	ReassignmentReturned ReassignmentStatus = "returned" // it stays with whom it is with
)

const (
	reassignPrefix = "reassign/"
	// maxHops is how many are asked before the commander decides.
	maxHops = 2
	// answerWithin is how long somebody may take to say whether work is theirs.
	answerWithin = 24 * time.Hour
	// notOurs is why a task does not go on whose owner gave it back.
	notOurs = "not ours; its owner is being found"
)

// givenBack returns whether the owner gave a task back, and it is not settled
// whose it is.
func (t Task) givenBack() bool { return t.Blocked == notOurs && t.Offer != "" }

// open returns whether it is not decided yet.
func (r Reassignment) open() bool {
	return r.Status == ReassignmentAsked || r.Status == ReassignmentTriage
}

// named returns whether an owner or a person was named for it before, or has it.
func (r Reassignment) named(owner string, p Person) bool {
	if owner == r.Owner && (string(p) == r.Contact || p == r.By) {
		return true
	}
	for _, h := range r.Hops {
		if h.Person == p || h.Owner == owner {
			return true
		}
	}
	return slices.Contains(r.Before, string(p)) || slices.Contains(r.Before, owner)
}

// heir returns who gets it.
func (r Reassignment) heir() heir {
	return heir{owner: r.To, team: r.Team, user: User{Person: r.Person, Name: r.Name, Zone: r.Zone}}
}

// give decides that it goes to an heir.
func (r *Reassignment) give(to heir, by Person, now time.Time) {
	r.Status, r.DecidedBy, r.DecidedAt, r.Corrects = ReassignmentMoving, by, now, true
	r.To, r.Team, r.Person, r.Name, r.Zone = to.owner, to.team, to.user.Person, to.user.Name, to.user.Zone
}

// due is the entry under which the next of it is done.
func (r Reassignment) due(at time.Time) DueEntry {
	return DueEntry{ID: reassignPrefix + r.ID, Lane: Bulk, At: at}
}

// keepReassignment stores a reassignment with what has to be done about it next,
// and logs what became of it.
func (tx *transaction) keepReassignment(r Reassignment, before ReassignmentStatus, reason string) error {
	if r.Status != before {
		if err := tx.audit("reassignment."+string(r.Status), "reassignment/"+r.ID, string(before), string(r.Status), reason); err != nil {
			return err
		}
	}
	switch {
	case r.Status == ReassignmentAsked:
		tx.due(r.due(tx.now.Add(answerWithin)))
	case !r.Done && r.Status != ReassignmentTriage:
		tx.due(r.due(tx.now))
	}
	return save(tx, KindReassignment, r.ID, r)
}

// restoreReassignments lets those go on whose due entry was lost.
func (g *Engine) restoreReassignments(ctx context.Context, scope Scope) error {
	for stored, err := range LoadAll[Reassignment](ctx, g.opts.Store, scope, KindReassignment) {
		if err != nil {
			return err
		}
		r, at := stored.Value, g.opts.Clock.Now()
		switch {
		case r.Done || r.Status == ReassignmentTriage || r.Status == ReassignmentMoved:
			continue
		case r.Status == ReassignmentAsked:
			at = latest(at, r.Hops[len(r.Hops)-1].At.Add(answerWithin))
		}
		if err := g.opts.Store.Apply(ctx, Change{Scope: scope, Due: []DueEntry{r.due(at)}}); err != nil {
			return fmt.Errorf("restore reassignment %s: %w", r.ID, err)
		}
	}
	return nil
}

// reassign does the next of a reassignment, in one step with its cursor.
func (g *Engine) reassign(ctx context.Context, claim Claimed) error {
	id := strings.TrimPrefix(claim.ID, reassignPrefix)
	if err := g.keepCorrections(ctx, claim.Scope, id); err != nil {
		return err
	}
	return Retrying(ctx, func() error {
		tx := g.begin(ctx, claim.Scope, Request{})
		r, found, err := find[Reassignment](tx, KindReassignment, id)
		if err != nil {
			return err
		}
		c, err := tx.campaign()
		if err != nil {
			return err
		}
		if !found || r.Done || c.over() != nil {
			return Done(ctx, g.opts.Store, claim)
		}
		next, before := time.Time{}, r.Status
		switch r.Status {
		case ReassignmentAsked:
			hop := &r.Hops[len(r.Hops)-1]
			if wait := hop.At.Add(answerWithin); tx.now.Before(wait) {
				return Retry(ctx, g.opts.Store, claim, wait)
			}
			hop.Answer = "silent"
			err = tx.toTriage(c, &r, fmt.Sprintf("%s did not answer within a day", hop.Name))
		case ReassignmentMoving:
			if next, err = tx.findHeir(c, &r); err == nil && next.IsZero() && r.Status == ReassignmentMoving {
				next, err = tx.moveNext(c, &r)
			}
		case ReassignmentReturned:
			next, err = tx.returnNext(c, &r)
		default:
			return Done(ctx, g.opts.Store, claim)
		}
		if err != nil {
			return err
		}
		if r.Status != before {
			if err := tx.audit("reassignment."+string(r.Status), "reassignment/"+r.ID, string(before), string(r.Status), ""); err != nil {
				return err
			}
		}
		tx.finish(claim, next)
		if err := save(tx, KindReassignment, r.ID, r); err != nil {
			return err
		}
		return tx.commit()
	})
}

// strayedTask is a task that went to another owner between plan and filing, with
// the ticket that was approved for the owner of then.
type strayedTask struct {
	task    Task
	planned PlanTicket
}

// follow lets tickets that are filed as they were approved go on to those whom
// their tasks belong to by now.
func (tx *transaction) follow(strayed []strayedTask) error {
	moves := map[string]*Reassignment{}
	for _, s := range strayed {
		id := opaqueID(string(tx.scope), "strayed", s.planned.ID, s.task.Owner)
		r := moves[id]
		if r == nil {
			r = &Reassignment{
				ID: id, Cause: CauseCatalog, Status: ReassignmentMoving, At: tx.now, DecidedAt: tx.now, Owner: s.planned.Owner,
				Contact: string(s.planned.Contact), To: s.task.Owner, Due: s.task.Due,
			}
			moves[id] = r
		}
		if !slices.Contains(r.Targets, s.task.Target) {
			r.Targets, r.Names = append(r.Targets, s.task.Target), append(r.Names, s.task.Name)
		}
		r.Exposed = r.Exposed || s.task.Exposed
	}
	for _, id := range sortedKeys(moves) {
		if _, found, err := find[Reassignment](tx, KindReassignment, id); err != nil {
			return err
		} else if found {
			continue
		}
		if err := tx.keepReassignment(*moves[id], "", ""); err != nil {
			return err
		}
	}
	return nil
}

// findHeir finds who is asked on behalf of the owner that an import names. Nobody
// there: the commander decides. It returns when to look again.
func (tx *transaction) findHeir(c Campaign, r *Reassignment) (time.Time, error) {
	if r.Person != "" || r.Silent {
		return time.Time{}, nil
	}
	catalog, _, err := tx.engine.catalog(tx.ctx)
	if err != nil {
		return time.Time{}, err
	}
	if catalog.standing(r.To) == "" && tx.now.Sub(r.At) < importSettles {
		return tx.now.Add(time.Second), nil // the import is being stored
	}
	user, err := tx.engine.contactOf(tx.ctx, catalog, r.To)
	if err != nil && KindOf(err) == NotFound {
		return time.Time{}, tx.toTriage(c, r, fmt.Sprintf("the catalog gives it to %s, where nobody can be reached", ownerName(catalog, r.To)))
	}
	if err != nil {
		return time.Time{}, err
	}
	r.Team, r.Person, r.Name, r.Zone = ownerName(catalog, r.To), user.Person, user.Name, user.Zone
	return time.Time{}, nil
}

// importSettles is how long an import may take to store its catalog after it
// decided what moves.
const importSettles = 10 * time.Minute

// tasksOfTargets returns the IDs that the tasks of targets have, whether there is
// a task or not, and reads those that there are.
func (tx *transaction) tasksOfTargets(c Campaign, targets []string) ([]string, error) {
	var ids []string
	for _, target := range targets {
		for _, track := range c.Tracks {
			ids = append(ids, TaskID(target, track.Name))
		}
	}
	return ids, tx.prefetch(KindTask, ids)
}

// moveNext moves one more ticket to the heir, or as much of it as fits into one
// step; after the last one the heir is told. It returns when to go on.
func (tx *transaction) moveNext(c Campaign, r *Reassignment) (time.Time, error) {
	if !r.Listed {
		return tx.now, tx.listTickets(c, r)
	}
	if r.Next < len(r.Tickets) {
		more, err := tx.moveOne(c, r, r.Tickets[r.Next])
		if err == nil && !more {
			r.Next++
		}
		return tx.now, err
	}
	more, err := tx.moveLoose(c, *r)
	if err != nil || more {
		return tx.now, err
	}
	r.Status, r.Done = ReassignmentMoved, true
	return time.Time{}, tx.tellMoved(c, *r)
}

// listTickets finds the tickets that hold tasks of the targets.
func (tx *transaction) listTickets(c Campaign, r *Reassignment) error {
	ids, err := tx.tasksOfTargets(c, r.Targets)
	if err != nil {
		return err
	}
	tickets := map[string]bool{}
	for _, id := range ids {
		t, found, err := find[Task](tx, KindTask, id)
		if err != nil {
			return err
		}
		if found && t.Ticket != "" {
			tickets[t.Ticket] = true
		}
	}
	r.Listed, r.Tickets = true, slices.Sorted(maps.Keys(tickets))
	return nil
}

// moveOne moves a ticket to the heir, or those of its tasks that are meant.
func (tx *transaction) moveOne(c Campaign, r *Reassignment, id string) (more bool, err error) {
	t, found, err := find[Ticket](tx, KindTicket, id)
	if err != nil || !found {
		return false, err
	}
	targets := map[string]bool{}
	for _, target := range r.Targets {
		targets[target] = true
	}
	if err := tx.prefetch(KindTask, t.Tasks); err != nil {
		return false, err
	}
	whole := true
	for _, id := range t.Tasks {
		task, known, err := find[Task](tx, KindTask, id)
		if err != nil {
			return false, err
		}
		whole = whole && (!known || targets[task.Target])
	}
	if t.Owner == r.To && t.Contact == string(r.Person) && whole {
		return false, nil
	}
	to, into := r.heir(), &r.Moved
	if r.Silent && t.Contact != "" {
		to.user = User{Person: Person(t.Contact), Name: t.Planned.ContactName, Zone: t.Planned.Zone}
	}
	if t.Contact == string(to.user.Person) {
		into = &r.Kept
	}
	move := giving{tx: tx, c: c, t: &t, to: to, room: workAtOnce, reason: cmp.Or(r.Reason, string(r.Cause))}
	if !whole {
		part := opaqueID(c.ID, "ticket", r.ID, t.ID)
		if !slices.Contains(*into, part) {
			*into = append(*into, part)
		}
		return move.split(part, targets)
	}
	if more, err := move.moveTasks(); err != nil || more {
		return more, err
	}
	if err := tx.audit("ticket.reassign", "ticket/"+t.ID, t.Owner, r.To, ""); err != nil {
		return false, err
	}
	if err := move.moveTicket(); err != nil {
		return false, err
	}
	if err := move.readdress(); err != nil {
		return false, err
	}
	*into = append(*into, t.ID)
	return false, save(tx, KindTicket, t.ID, t)
}

// moveLoose gives the heir what is on no ticket yet.
func (tx *transaction) moveLoose(c Campaign, r Reassignment) (more bool, err error) {
	ids, err := tx.tasksOfTargets(c, r.Targets)
	if err != nil {
		return false, err
	}
	move := giving{tx: tx, c: c, to: r.heir(), room: workAtOnce, reason: cmp.Or(r.Reason, string(r.Cause))}
	for _, id := range ids {
		t, found, err := find[Task](tx, KindTask, id)
		if err != nil {
			return false, err
		}
		if !found || t.Ticket != "" || t.Owner == r.To {
			continue
		}
		if move.room == 0 {
			return true, nil
		}
		move.room--
		_, err = tx.changeTask(id, "task.reassign", move.reason, func(t *Task) error {
			t.Owner = r.To
			return nil
		})
		if err != nil {
			return false, err
		}
		if err := amend(tx, KindTarget, t.Target, func(target *Target) { target.Owner = r.To }); err != nil {
			return false, err
		}
	}
	return false, nil
}

// tellMoved makes the heir the contact of what moved, and asks them in one message
// for all of it, in the approved words.
func (tx *transaction) tellMoved(c Campaign, r Reassignment) error {
	for _, id := range r.Kept {
		t, found, err := find[Ticket](tx, KindTicket, id)
		if err != nil {
			return err
		}
		if found {
			if err := tx.keepContact(PlanContact{Person: Person(t.Contact), Name: t.Planned.ContactName, Zone: t.Planned.Zone, Tickets: []string{id}}); err != nil {
				return err
			}
		}
	}
	var tickets []Ticket
	for _, id := range r.Moved {
		t, found, err := find[Ticket](tx, KindTicket, id)
		if err != nil {
			return err
		}
		if found && t.Contact == string(r.Person) {
			tickets = append(tickets, t)
		}
	}
	if len(tickets) > 0 {
		text, planned, err := tx.askedOf(r.heir(), tickets)
		if err != nil {
			return err
		}
		if text == "" || r.Silent {
			err = tx.keepContact(planned)
		} else {
			err = tx.fileContact(c, Wave{ID: "given/" + r.ID, Slice: planned.Slice}, planned)
		}
		if err != nil {
			return err
		}
	}
	if r.Cause != CauseNotOurs || r.By == r.Person {
		return nil
	}
	m := say("*%s: %s took on %s.* It is not yours any more; your message and the ticket say so. Thank you for telling whose it is.", c.Title, Mention(r.Person), listWords(r.Names))
	m.Ephemeral = false
	return tx.post("reassign/"+r.ID+"/moved", Bulk, postPayload{To: r.By.User(), Message: m})
}

// returnNext lets the next tasks go on that stay with whom they are with.
func (tx *transaction) returnNext(c Campaign, r *Reassignment) (time.Time, error) {
	ids, err := tx.tasksOfTargets(c, r.Targets)
	if err != nil {
		return time.Time{}, err
	}
	room := workAtOnce
	for _, id := range ids {
		t, found, err := find[Task](tx, KindTask, id)
		if err != nil {
			return time.Time{}, err
		}
		if !found || !t.givenBack() || t.Offer != r.ID {
			continue
		}
		if room == 0 {
			return tx.now, nil
		}
		room--
		_, err = tx.changeTask(id, "task.returned", r.Reason, func(t *Task) error {
			t.Blocked = ""
			return nil
		})
		if err != nil {
			return time.Time{}, err
		}
	}
	r.Done = true
	return time.Time{}, nil
}

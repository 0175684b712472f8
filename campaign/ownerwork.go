package campaign

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
)

// TaskSet names tasks: by ID, or all that one contact can act on.
type TaskSet struct {
	Tasks   []string
	Contact string // Person
}

// TaskView is a task with what a list shows beside it.
type TaskView struct {
	Campaign string
	Title    string
	Task     Task
	Ticket   TicketRef
	Methods  []string
	Void     []string
}

// TasksOf returns what a person is asked for in all running campaigns, exposed
// and soonest due first, finished work last.
func (g *Engine) TasksOf(ctx context.Context, p Person) ([]TaskView, error) {
	all, err := g.Campaigns(ctx)
	if err != nil {
		return nil, err
	}
	var views []TaskView
	for _, c := range all {
		if c.StartedAt.IsZero() || c.editable() != nil {
			continue
		}
		contact, _, err := Load[Contact](ctx, g.opts.Store, Scope(c.ID), KindContact, string(p))
		if KindOf(err) == NotFound && err != nil {
			continue
		}
		if err != nil {
			return nil, err
		}
		tasks, err := g.tasksOf(ctx, Scope(c.ID), contact)
		if err != nil {
			return nil, err
		}
		for _, t := range tasks {
			ticket, _, err := Load[Ticket](ctx, g.opts.Store, Scope(c.ID), KindTicket, t.Ticket)
			if err != nil {
				return nil, err
			}
			track, _ := c.Track(t.Track)
			views = append(views, TaskView{Campaign: c.ID, Title: c.Title, Task: t, Ticket: ticket.Ref, Methods: validMethods(c, track)})
		}
	}
	slices.SortStableFunc(views, func(a, b TaskView) int { return compareTasks(a.Task, b.Task) })
	return views, nil
}

// validMethods returns the methods of a track that still count.
func validMethods(c Campaign, t Track) []string {
	return slices.DeleteFunc(slices.Clone(t.Methods), func(m string) bool { return c.IsVoid(t.Name, m) })
}

// tasksOf returns the tasks of a contact's tickets.
func (g *Engine) tasksOf(ctx context.Context, scope Scope, c Contact) ([]Task, error) {
	records, err := g.opts.Store.GetMany(ctx, scope, KindTicket, c.Tickets)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, record := range records {
		t, err := Decode[Ticket](record)
		if err != nil {
			return nil, err
		}
		ids = append(ids, t.Tasks...)
	}
	if records, err = g.opts.Store.GetMany(ctx, scope, KindTask, ids); err != nil {
		return nil, err
	}
	tasks := make([]Task, 0, len(records))
	for _, record := range records {
		t, err := Decode[Task](record)
		if err != nil {
			return nil, err
		}
		tasks = append(tasks, t)
	}
	slices.SortStableFunc(tasks, compareTasks)
	return tasks, nil
}

// compareTasks puts what is left before what is finished, exposed first, then
// what is due first.
func compareTasks(a, b Task) int {
	flag := func(v bool) int {
		if v {
			return 1
		}
		return 0
	}
	return cmp.Or(flag(a.Status.Finished())-flag(b.Status.Finished()), flag(b.Exposed)-flag(a.Exposed), a.Due.Compare(b.Due),
		cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
}

// OnIt says that a named person accepted the work.
func (g *Engine) OnIt(ctx context.Context, r Request, id string, set TaskSet) (Message, error) {
	return g.work(ctx, r, id, set, "task.on_it", "Thank you: %s is yours now. The instructions are in the ticket; press Done when it is, or Blocked when it is not going on.", func(_ Campaign, t *Task) (bool, error) {
		if t.Accepted == r.Actor && t.Status == TaskInProgress || !t.Status.Actionable() {
			return false, nil
		}
		t.Accepted = r.Actor
		if t.Status == TaskOpen {
			return true, moveTask(t, TaskInProgress)
		}
		return true, nil
	})
}

// Claim says that the work is done, by which method. It is a claim until a scan
// or a second person agrees.
func (g *Engine) Claim(ctx context.Context, r Request, id string, set TaskSet, claim Claim) (Message, error) {
	claim.Method = strings.TrimSpace(claim.Method)
	if claim.Method == "" {
		return Message{}, Refuse(Invalid, "Please say how it was done: a claim needs its method. Nothing was changed.")
	}
	claim.By, claim.At = r.Actor, g.opts.Clock.Now()
	return g.work(ctx, r, id, set, "task.claim", "Thank you: %s counts as done, by "+claim.Method+". It is confirmed once a scan or a second person agrees.", func(c Campaign, t *Task) (bool, error) {
		if !t.Status.Actionable() {
			return false, nil
		}
		if c.IsVoid(t.Track, claim.Method) {
			return false, Refuse(Conflict, fmt.Sprintf("%s does not count any more for %s, so nothing was changed. The ticket says what does.", claim.Method, t.Track))
		}
		track, _ := c.Track(t.Track)
		mine := claim
		mine.Revision = track.ApprovedRevision
		t.Claim, t.Accepted, t.Blocked = &mine, cmp.Or(t.Accepted, r.Actor), ""
		return true, moveTask(t, TaskClaimed)
	})
}

// Block says that the work cannot go on, and why. It is counted and shown to the
// leads.
func (g *Engine) Block(ctx context.Context, r Request, id string, set TaskSet, reason string) (Message, error) {
	if strings.TrimSpace(reason) == "" {
		return Message{}, Refuse(Invalid, "Please say what blocks it, so that somebody can help. Nothing was changed.")
	}
	m, err := g.work(ctx, r, id, set, "task.block", "Noted: %s is blocked. The campaign's commander sees it, with your reason.", func(_ Campaign, t *Task) (bool, error) {
		if !t.Status.Actionable() || t.Blocked == reason {
			return false, nil
		}
		t.Blocked = reason
		return true, nil
	})
	return m, err
}

// Unblock says that the work can go on.
func (g *Engine) Unblock(ctx context.Context, r Request, id string, set TaskSet) (Message, error) {
	return g.work(ctx, r, id, set, "task.unblock", "Good: %s is not blocked any more.", func(_ Campaign, t *Task) (bool, error) {
		if t.Blocked == "" {
			return false, nil
		}
		t.Blocked = ""
		return true, nil
	})
}

// NotOurs takes work off its owner's list and puts it before the commander, with
// whom the owner thinks it belongs to. It stays counted as open meanwhile.
func (g *Engine) NotOurs(ctx context.Context, r Request, id string, set TaskSet, owner string) (Message, error) {
	reason := "not ours"
	if owner = strings.TrimSpace(owner); owner != "" {
		reason += "; may belong to " + owner
	}
	return g.work(ctx, r, id, set, "task.not_ours", "Noted: %s is not yours. The commander was asked to find its owner; until then it stays open and counted.", func(_ Campaign, t *Task) (bool, error) {
		if !t.Status.Actionable() || t.Blocked == reason {
			return false, nil
		}
		t.Blocked, t.Accepted = reason, ""
		return true, nil
	})
}

// Confirm is the second person's word for what no scan can see. It must be
// somebody other than the one who claimed it.
func (g *Engine) Confirm(ctx context.Context, r Request, id string, set TaskSet) (Message, error) {
	return g.work(ctx, r, id, set, "task.confirm", "Confirmed: %s counts as verified, by your word.", func(_ Campaign, t *Task) (bool, error) {
		if t.Status != TaskClaimed {
			return false, nil
		}
		if t.Claim != nil && t.Claim.By == r.Actor {
			return false, Refuse(Forbidden, "You claimed this yourself, so somebody else has to confirm it. Nothing was changed.")
		}
		t.Evidence = "checked by " + string(r.Actor)
		return true, moveTask(t, TaskVerified)
	})
}

// workAtOnce is how many tasks one press changes in one step.
const workAtOnce = 100

// work changes tasks of one owner in one step and says what became of them. done
// has one %s for what it was. change returns whether it changed the task.
func (g *Engine) work(ctx context.Context, r Request, id string, set TaskSet, action, done string, change func(Campaign, *Task) (bool, error)) (Message, error) {
	ids := set.Tasks
	if len(ids) == 0 {
		contact, _, err := Load[Contact](ctx, g.opts.Store, Scope(id), KindContact, set.Contact)
		if err != nil {
			return Message{}, err
		}
		tasks, err := g.tasksOf(ctx, Scope(id), contact)
		if err != nil {
			return Message{}, err
		}
		for _, t := range tasks {
			ids = append(ids, t.ID)
		}
	}
	if len(ids) > workAtOnce {
		return Message{}, Refuse(Invalid, fmt.Sprintf("That is %d at once; please choose at most %d. Nothing was changed.", len(ids), workAtOnce))
	}
	var names []string
	err := g.atomically(ctx, Scope(id), r, func(tx *transaction) error {
		names = nil
		c, err := tx.campaign()
		if err != nil {
			return err
		}
		if err := c.editable(); err != nil {
			return err
		}
		for _, taskID := range ids {
			if err := tx.mayWork(c, taskID); err != nil {
				return err
			}
			t, err := load[Task](tx, KindTask, taskID)
			if err != nil {
				return err
			}
			if changed, err := change(c, &t); err != nil {
				return err
			} else if !changed {
				continue
			}
			if _, err := tx.changeTask(taskID, action, r.Reason, func(stored *Task) error { *stored = t; return nil }); err != nil {
				return err
			}
			if !slices.Contains(names, t.Name) {
				names = append(names, t.Name)
			}
		}
		return nil
	})
	switch {
	case err != nil:
		return Message{}, err
	case len(names) == 0:
		return say("There was nothing to change: it stands like that already, or somebody else was faster. `/campaign tickets` shows what is left."), nil
	}
	return say(done, listWords(names)), nil
}

// mayWork refuses those who neither own a task nor steer the campaign: the
// contact, members of the owning team, the commander and the deputy may.
func (tx *transaction) mayWork(c Campaign, taskID string) error {
	actor := tx.request.Actor
	if c.Commands(actor) {
		return nil
	}
	t, err := load[Task](tx, KindTask, taskID)
	if err != nil {
		return err
	}
	if t.Contact == string(actor) {
		return nil
	}
	member, err := tx.engine.memberOf(tx.ctx, actor, t.Owner)
	if err != nil || member {
		return err
	}
	if helper, err := tx.engine.opts.Roles.Has(tx.ctx, actor, Helper); err != nil || helper {
		return err
	}
	return Refuse(Forbidden, fmt.Sprintf("%s belongs to another team, so you cannot change it. Nothing was changed. Ask in the help channel if that is wrong.", t.Name))
}

// memberOf returns whether a person belongs to an owner, or is it.
func (g *Engine) memberOf(ctx context.Context, p Person, owner string) (bool, error) {
	user, err := g.opts.Directory.ByID(ctx, p)
	if KindOf(err) == NotFound && err != nil || err == nil && (user.Foreign || user.Deleted) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	catalog, _, err := g.catalog(ctx)
	if err != nil {
		return false, err
	}
	refs := append([]string{owner}, catalog.Units[owner].Members...)
	return slices.ContainsFunc(refs, func(ref string) bool {
		m, ok := catalog.Members[ref]
		return ok && (m.SlackID != "" && m.SlackID == p.User() || m.Email != "" && strings.EqualFold(m.Email, user.Email))
	}), nil
}

// listWords writes "a, b and 3 more".
func listWords(names []string) string {
	const shown = 4
	switch {
	case len(names) == 1:
		return names[0]
	case len(names) <= shown:
		return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:shown], ", "), len(names)-shown)
}

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
	Given    string // whom the tracker's people gave the ticket to, in the tracker's words
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
			views = append(views, TaskView{Campaign: c.ID, Title: c.Title, Task: t, Ticket: ticket.Ref, Methods: validMethods(c, track), Given: ticket.Given})
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
	tickets, err := LoadMany[Ticket](ctx, g.opts.Store, scope, KindTicket, c.Tickets)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, t := range tickets {
		ids = append(ids, t.Value.Tasks...)
	}
	stored, err := LoadMany[Task](ctx, g.opts.Store, scope, KindTask, ids)
	if err != nil {
		return nil, err
	}
	tasks := valuesOf(stored)
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

// labour is one thing that people say of their tasks.
type labour struct {
	action string                    // for the audit log
	done   func(what string) Message // the reply; what is "ledger and wiki"
	// change returns whether it changed the task. It runs before the step too,
	// on a copy, and leaves alone what is not actionable.
	change func(Campaign, *Task) (bool, error)
	// also joins the step that changed these tasks; nil for nothing.
	also func(*transaction, Campaign, []Task) error
}

// OnIt says that a named person accepted the work.
func (g *Engine) OnIt(ctx context.Context, r Request, id string, set TaskSet) (Message, error) {
	return g.work(ctx, r, id, set, labour{
		action: "task.on_it",
		done: func(what string) Message {
			return say("Thank you: %s yours now. The instructions are in the ticket; press Done when it is, or Blocked when it is not going on.", agree(what, "is", "are"))
		},
		change: func(_ Campaign, t *Task) (bool, error) {
			if t.Accepted == r.Actor && t.Status == TaskInProgress || !t.Status.Actionable() {
				return false, nil
			}
			t.Accepted = r.Actor
			if t.Status == TaskOpen {
				return true, moveTask(t, TaskInProgress)
			}
			return true, nil
		},
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
	return g.work(ctx, r, id, set, labour{
		action: "task.claim",
		done: func(what string) Message {
			return say("Thank you: %s as done, by %s. It is confirmed once a scan or a second person agrees.", agree(what, "counts", "count"), claim.Method)
		},
		change: func(c Campaign, t *Task) (bool, error) {
			if !t.Status.Actionable() {
				return false, nil
			}
			if c.IsVoid(t.Track, claim.Method) {
				return false, Refuse(Conflict, fmt.Sprintf("%s does not count any more for %s, so nothing was changed. The ticket says what does.", Escape(claim.Method), Escape(t.Track)))
			}
			track, _ := c.Track(t.Track)
			mine := claim
			mine.Revision = track.ApprovedRevision
			t.Claim, t.Accepted, t.Blocked = &mine, cmp.Or(t.Accepted, r.Actor), ""
			return true, moveTask(t, TaskClaimed)
		},
	})
}

// Block says that the work cannot go on, and why. It is counted and shown to the
// leads.
func (g *Engine) Block(ctx context.Context, r Request, id string, set TaskSet, reason string) (Message, error) {
	if strings.TrimSpace(reason) == "" {
		return Message{}, Refuse(Invalid, "Please say what blocks it, so that somebody can help. Nothing was changed.")
	}
	return g.work(ctx, r, id, set, labour{
		action: "task.block",
		done: func(what string) Message {
			return say("Noted: %s blocked. The campaign's commander sees it, with your reason.", agree(what, "is", "are"))
		},
		change: func(_ Campaign, t *Task) (bool, error) {
			if !t.Status.Actionable() || t.Blocked == reason {
				return false, nil
			}
			t.Blocked = reason
			return true, nil
		},
	})
}

// Unblock says that the work can go on.
func (g *Engine) Unblock(ctx context.Context, r Request, id string, set TaskSet) (Message, error) {
	return g.work(ctx, r, id, set, labour{
		action: "task.unblock",
		done:   func(what string) Message { return say("Good: %s not blocked any more.", agree(what, "is", "are")) },
		change: func(_ Campaign, t *Task) (bool, error) {
			if t.Blocked == "" {
				return false, nil
			}
			t.Blocked = ""
			return true, nil
		},
	})
}

// Confirm is the second person's word for what no scan can see. It must be
// somebody other than the one who claimed it.
func (g *Engine) Confirm(ctx context.Context, r Request, id string, set TaskSet) (Message, error) {
	return g.work(ctx, r, id, set, labour{
		action: "task.confirm",
		done: func(what string) Message {
			return say("Confirmed: %s as verified, by your word.", agree(what, "counts", "count"))
		},
		change: func(_ Campaign, t *Task) (bool, error) {
			if t.Status != TaskClaimed {
				return false, nil
			}
			if t.Claim != nil && t.Claim.By == r.Actor {
				return false, Refuse(Forbidden, "You claimed this yourself, so somebody else has to confirm it. Nothing was changed.")
			}
			t.Evidence = "checked by " + string(r.Actor)
			return true, moveTask(t, TaskVerified)
		},
	})
}

// workAtOnce is how many tasks one step changes: each may bring eight more
// entries into the Change, for its note, its ticket and its contact's message.
const workAtOnce = 100

// work changes tasks of one owner, in steps, and says what became of them. After
// a crash between two steps it goes on with what is left.
func (g *Engine) work(ctx context.Context, r Request, id string, set TaskSet, l labour) (Message, error) {
	if done, err := g.carriedOut(ctx, Scope(id), r); err != nil || done {
		return l.done("it"), err
	}
	rights := g.rightsOf(ctx, r.Actor)
	left, err := g.workLeft(ctx, id, set, rights, l)
	if err != nil {
		return Message{}, err
	}
	var changed []Task
	for todo := len(left); len(left) > 0; {
		batch := left[:min(len(left), workAtOnce)]
		left = left[len(batch):]
		step := r
		step.more = len(left) > 0
		tasks, err := g.workStep(ctx, step, id, batch, rights, l)
		if KindOf(err) == Conflict && err != nil && len(changed) > 0 {
			return Message{}, &Error{Kind: Conflict, Message: fmt.Sprintf("%d of %d are done; the rest changed in this moment and stands as it was. Please look at it again: `/campaign tickets`.", len(changed), todo), Err: err}
		}
		if err != nil {
			return Message{}, err
		}
		changed = append(changed, tasks...)
	}
	if len(changed) == 0 {
		return say("There was nothing to change: it stands like that already, or somebody else was faster. `/campaign tickets` shows what is left."), nil
	}
	return l.done(listWords(taskNames(changed))), nil
}

// workLeft returns the tasks of a set that there is something to change about, and
// that the actor may change: some that a message was about may have gone to another
// team since. A set of which they may change nothing is refused.
func (g *Engine) workLeft(ctx context.Context, id string, set TaskSet, rights rights, l labour) ([]string, error) {
	c, err := g.Campaign(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := c.editable(); err != nil {
		return nil, err
	}
	tasks, err := g.tasksIn(ctx, Scope(id), set)
	if err != nil {
		return nil, err
	}
	var left []string
	var refused error
	mine := 0
	for _, t := range tasks {
		if err := rights.mayWork(c, t); KindOf(err) == Forbidden && err != nil {
			refused = cmp.Or(refused, err)
			continue
		} else if err != nil {
			return nil, err
		}
		mine++
		needed, err := l.change(c, &t)
		if err != nil {
			return nil, err
		}
		if needed {
			left = append(left, t.ID)
		}
	}
	if mine == 0 {
		return nil, refused
	}
	return left, nil
}

// agree is what listWords made of names, with the verb for one or for several.
func agree(names, one, several string) string {
	if strings.Contains(names, " and ") {
		return names + " " + several
	}
	return names + " " + one
}

func taskIDs(tasks []Task) []string {
	ids := make([]string, 0, len(tasks))
	for _, t := range tasks {
		ids = append(ids, t.ID)
	}
	return ids
}

// tasksIn reads the tasks of a set; one that does not exist is NotFound.
func (g *Engine) tasksIn(ctx context.Context, scope Scope, set TaskSet) ([]Task, error) {
	if len(set.Tasks) == 0 {
		contact, _, err := Load[Contact](ctx, g.opts.Store, scope, KindContact, set.Contact)
		if err != nil {
			return nil, err
		}
		return g.tasksOf(ctx, scope, contact)
	}
	var tasks []Task
	for ids := range slices.Chunk(slices.Compact(slices.Sorted(slices.Values(set.Tasks))), MaxChangeRecords) {
		stored, err := LoadMany[Task](ctx, g.opts.Store, scope, KindTask, ids)
		if err != nil {
			return nil, err
		}
		if len(stored) < len(ids) {
			return nil, Refuse(NotFound, "There is no such task. Nothing was changed.")
		}
		tasks = append(tasks, valuesOf(stored)...)
	}
	slices.SortStableFunc(tasks, compareTasks)
	return tasks, nil
}

// workStep changes at most workAtOnce tasks together and returns those that it
// changed.
func (g *Engine) workStep(ctx context.Context, r Request, id string, ids []string, rights rights, l labour) ([]Task, error) {
	var tasks []Task
	err := g.atomically(ctx, Scope(id), r, func(tx *transaction) error {
		tasks = nil
		c, err := tx.campaign()
		if err != nil {
			return err
		}
		if err := c.editable(); err != nil {
			return err
		}
		for _, taskID := range ids {
			t, err := load[Task](tx, KindTask, taskID)
			if err != nil {
				return err
			}
			if err := rights.mayWork(c, t); err != nil {
				return err
			}
			if changed, err := l.change(c, &t); err != nil {
				return err
			} else if !changed {
				continue
			}
			if _, err := tx.changeTask(taskID, l.action, r.Reason, func(stored *Task) error { *stored = t; return nil }); err != nil {
				return err
			}
			tasks = append(tasks, t)
		}
		if l.also == nil || len(tasks) == 0 {
			return nil
		}
		return l.also(tx, c, tasks)
	})
	return tasks, err
}

// taskNames returns the names of the tasks' targets, each once.
func taskNames(tasks []Task) []string {
	seen := map[string]bool{}
	var names []string
	for _, t := range tasks {
		if !seen[t.Name] {
			seen[t.Name] = true
			names = append(names, t.Name)
		}
	}
	return names
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

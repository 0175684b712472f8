package campaign

import (
	"fmt"
	"strings"
	"time"
)

// The counters of a campaign: one per owner × track × status × exposure, kept
// with every transition, so that a rollup reads no tasks.
const counterTask = "task|"

// counterName returns the counter that a task is counted in.
func (t Task) counterName() string {
	exposure := "internal"
	if t.Exposed {
		exposure = "exposed"
	}
	return counterTask + t.Owner + "|" + t.Track + "|" + string(t.Status) + "|" + exposure
}

// blockedName returns the counter of blocked tasks that a task belongs to.
func (t Task) blockedName() string { return "blocked|" + t.Owner + "|" + t.Track }

// counterParts splits a counter's name: owner, track, status, exposed.
func counterParts(name string) (owner, track string, status TaskStatus, exposed, ok bool) {
	parts := strings.Split(strings.TrimPrefix(name, counterTask), "|")
	if len(parts) != 4 || !strings.HasPrefix(name, counterTask) {
		return "", "", "", false, false
	}
	return parts[0], parts[1], TaskStatus(parts[2]), parts[3] == "exposed", true
}

// addTask stores a new task and counts it.
func (tx *transaction) addTask(t Task) error {
	t.UpdatedAt = tx.now
	tx.count(t.counterName(), 1)
	if err := tx.audit("task.add", "task/"+t.ID, "", string(t.Status), ""); err != nil {
		return err
	}
	return save(tx, KindTask, t.ID, t)
}

// changeTask loads a task, lets change alter it, and stores, counts and audits
// what came of it. change may move the status by moveTask, and anything else.
// The ticket and the contact's message follow by themselves.
func (tx *transaction) changeTask(id, action, reason string, change func(*Task) error) (Task, error) {
	t, err := load[Task](tx, KindTask, id)
	if err != nil {
		return t, err
	}
	before := t
	if err := change(&t); err != nil {
		return t, err
	}
	t.UpdatedAt = tx.now
	tx.count(before.counterName(), -1)
	tx.count(t.counterName(), 1)
	if before.Blocked != "" {
		tx.count(before.blockedName(), -1)
	}
	if t.Blocked != "" {
		tx.count(t.blockedName(), 1)
	}
	if err := tx.audit(action, "task/"+id, string(before.Status), string(t.Status), reason); err != nil {
		return t, err
	}
	if err := tx.countHandled(before, t); err != nil {
		return t, err
	}
	if err := tx.showTaskChange(before, t); err != nil {
		return t, err
	}
	return t, save(tx, KindTask, id, t)
}

// moveTask moves a task by its life cycle, or returns a Conflict that says where
// it stands.
func moveTask(t *Task, to TaskStatus) error {
	return move(&t.Status, to, "task", fmt.Sprintf("%s is %s, so it cannot become %s. Nothing was changed.", t.Name, words(t.Status), words(to)))
}

// reopenTask brings a task that counted as done back to its owner, as an event
// with its reason. What was claimed stays in the audit log.
func (tx *transaction) reopenTask(id, action, reason string) (Task, error) {
	return tx.changeTask(id, action, reason, func(t *Task) error {
		if err := moveTask(t, TaskInProgress); err != nil {
			return err
		}
		t.Reopened++
		t.Reason, t.Claim, t.Evidence, t.ProvenAt = reason, nil, "", time.Time{}
		tx.count(counterReopened, 1)
		return nil
	})
}

const counterReopened = "reopened"

// words returns a status as people say it.
func words[S ~string](s S) string { return strings.ReplaceAll(string(s), "_", " ") }

// showTaskChange lets everything that shows a task follow: its ticket in the
// tracker, and its contact's message, both silently and coalesced.
func (tx *transaction) showTaskChange(before, after Task) error {
	if before.Status == after.Status && before.Blocked == after.Blocked && before.Owner == after.Owner && before.Accepted == after.Accepted {
		return nil
	}
	if after.Ticket != "" {
		if err := tx.refresh(EffectTicketUpdate, after.Ticket); err != nil {
			return err
		}
	}
	if after.Contact != "" {
		return tx.refresh(EffectEdit, contactSubject(after.Contact))
	}
	return nil
}

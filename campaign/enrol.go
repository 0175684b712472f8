package campaign

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// enrolTargets is how many targets a sweep looks at in one step at most.
const enrolTargets = 60

// enrolBatch returns how many targets are enrolled in one step: each writes itself,
// and for each track a task and its audit record. A task that is known may get
// another owner and another due date: an audit record more, and a reason.
func enrolBatch(tracks int, known bool) int {
	perTrack := 2
	if known {
		perTrack = 4
	}
	return max(1, partWeight/(1+perTrack*tracks))
}

// enrol stores targets and tasks, so that everything is counted from the approval
// on, unknown ones included. It may be repeated.
func (g *Engine) enrol(ctx context.Context, r Request, c Campaign, p Plan) error {
	// In the order of their keys, so that a store writes each of its pages once.
	targets := slices.SortedFunc(slices.Values(p.Targets), func(a, b Target) int { return cmp.Compare(a.ID, b.ID) })
	step := func(batch []Target, look bool) error {
		tx := g.begin(ctx, Scope(c.ID), Request{Actor: r.Actor})
		if err := tx.prefetchTargets(batch, p.Tracks, look); err != nil {
			return err
		}
		for _, t := range batch {
			if err := tx.enrolTarget(t, p.Tracks); err != nil {
				return err
			}
		}
		return tx.commit()
	}
	err := together(slices.Chunk(targets, enrolBatch(len(p.Tracks), false)), func(batch []Target) error {
		if c.Plan == "" { // before the first plan hardly ever is one there
			if err := step(batch, false); KindOf(err) != Conflict {
				return err
			}
		}
		for known := range slices.Chunk(batch, enrolBatch(len(p.Tracks), true)) {
			if err := Retrying(ctx, func() error { return step(known, true) }); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("enrol targets of %s: %w", c.ID, err)
	}
	return nil
}

// prefetchTargets reads what enrolling targets looks at, in few calls, or takes it
// for missing.
func (tx *transaction) prefetchTargets(targets []Target, tracks []PlanTrack, look bool) error {
	ids, tasks := make([]string, len(targets)), make([]string, 0, len(targets)*len(tracks))
	for i, t := range targets {
		ids[i] = t.ID
		for _, track := range tracks {
			tasks = append(tasks, TaskID(t.ID, track.Name))
		}
	}
	if !look {
		tx.suppose(KindTarget, ids...)
		tx.suppose(KindTask, tasks...)
		return nil
	}
	return errors.Join(tx.prefetch(KindTarget, ids), tx.prefetch(KindTask, tasks))
}

// enrolTarget stores a target as it is known now, and the tasks that it lacks.
func (tx *transaction) enrolTarget(t Target, tracks []PlanTrack) error {
	if _, _, err := find[Target](tx, KindTarget, t.ID); err != nil {
		return err
	}
	if err := save(tx, KindTarget, t.ID, t); err != nil {
		return err
	}
	if t.Doubt != "" || t.Owner == "" && t.Knowledge != KnownNothing {
		return nil // on the triage list: a person decides before anything is asked
	}
	status := TaskOpen
	if t.Knowledge == KnownNothing {
		status = TaskUnknown
	}
	for _, track := range tracks {
		if !track.concerns(t) {
			continue
		}
		id := TaskID(t.ID, track.Name)
		old, found, err := find[Task](tx, KindTask, id)
		if err == nil && found {
			err = tx.followOwner(old, t.Owner)
		}
		if err == nil && found {
			err = tx.followDue(old, track.Due)
		}
		if err != nil {
			return err
		}
		if found {
			continue
		}
		err = tx.addTask(Task{
			ID: id, Target: t.ID, Track: track.Name, Name: t.Name, Status: status,
			Owner: t.Owner, Exposed: t.Exposure.Counts(), Due: track.Due,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// followOwner gives a task that is on no ticket yet the owner that the plan has for
// its target.
func (tx *transaction) followOwner(t Task, owner string) error {
	if t.Ticket != "" || t.Owner == owner || owner == "" {
		return nil
	}
	_, err := tx.changeTask(t.ID, "task.reassign", "the plan has it with another owner", func(t *Task) error {
		t.Owner = owner
		return nil
	})
	return err
}

// followDue gives unfinished work the due date that was approved last.
func (tx *transaction) followDue(t Task, due time.Time) error {
	if t.Status.Finished() || t.Due.Equal(due) {
		return nil
	}
	_, err := tx.changeTask(t.ID, "task.due", "", func(t *Task) error {
		t.Due = due
		return nil
	})
	return err
}

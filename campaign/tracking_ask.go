package campaign

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"
)

// The buttons under the question how something was done that was closed in the
// tracker.
const (
	actionHow     = "task.how"      // value: campaign|contact/<person>|<method>
	actionNotDone = "task.not_done" // value: campaign|contact/<person>
)

// maxHow is how many methods are offered as buttons; the others are typed.
const maxHow = 8

// askHow lets a contact be asked, a moment later and once for all that was closed
// until then, how it was done.
func (tx *transaction) askHow(contact string) {
	if contact == "" {
		return
	}
	tx.due(DueEntry{ID: trackingPrefix + "how/" + contact, Lane: Bulk, At: tx.now.Add(tx.engine.opts.Work.Coalesce)})
}

// unstated returns whether a task counts as done and nobody has said how.
func (t Task) unstated() bool {
	return t.Status == TaskClaimed && t.Claim != nil && t.Claim.Method == MethodUnstated
}

// askContactHow asks a contact how the tasks were done that were closed in the
// tracker since they were last asked.
func (g *Engine) askContactHow(ctx context.Context, claim Claimed, person string) error {
	return Retrying(ctx, func() error {
		tx := g.begin(ctx, claim.Scope, Request{})
		contact, found, err := find[Contact](tx, KindContact, person)
		if err != nil {
			return err
		}
		c, err := tx.campaign()
		if err != nil {
			return err
		}
		if !found || c.over() != nil {
			return Done(ctx, g.opts.Store, claim)
		}
		tasks, err := g.tasksOf(ctx, claim.Scope, contact)
		if err != nil {
			return err
		}
		tasks = slices.DeleteFunc(tasks, func(t Task) bool { return !t.unstated() || !t.Claim.At.After(contact.AskedHow) })
		tx.finish(claim, time.Time{})
		if len(tasks) == 0 {
			return tx.commit()
		}
		contact.AskedHow = tx.now
		if err := save(tx, KindContact, person, contact); err != nil {
			return err
		}
		if err := tx.postHow(c, contact, tasks); err != nil {
			return err
		}
		return tx.commit()
	})
}

func (tx *transaction) postHow(c Campaign, contact Contact, tasks []Task) error {
	data := HowDoneData{
		LocalTime: LocalTime{Zone: contact.Zone, Now: tx.now}, Title: c.Title, Count: len(taskNames(tasks)), Names: taskNames(tasks), HelpChannel: ChannelLink(c.HelpRef),
	}
	var methods []string
	at := morning(tx.now, contact.Zone)
	for _, t := range tasks {
		track, _ := c.Track(t.Track)
		for _, m := range validMethods(c, track) {
			if !slices.Contains(methods, m) && len(methods) < maxHow {
				methods = append(methods, m)
			}
		}
		if t.Exposed {
			at = tx.now
		}
	}
	m, err := tx.engine.speak("how_done", data)
	if err != nil {
		return err
	}
	value := c.ID + "|" + contactSubject(string(contact.Person))
	for i, method := range methods {
		b := Button{Label: clip(strings.ToUpper(method[:1])+method[1:], 70), Action: actionHow, Value: value + "|" + method}
		if i == 0 {
			b.Style = Primary
		}
		m.Buttons = append(m.Buttons, b)
	}
	m.Buttons = append(m.Buttons, Button{Label: "Not done yet", Action: actionNotDone, Value: value})
	key := "how/" + string(contact.Person) + "/" + timeKey(tx.now)
	return tx.askPerson(contact.Person, contact.Zone, key, at, m)
}

// StateMethod says by which method tasks were done that were closed in the
// tracker. Tasks whose track does not offer the method stay as they are.
func (g *Engine) StateMethod(ctx context.Context, r Request, id string, set TaskSet, method string) (Message, error) {
	method = strings.TrimSpace(method)
	return g.work(ctx, r, id, set, labour{
		action: "task.method",
		done: func(what string) Message {
			return say("Thank you: %s as done, by %s. It is confirmed once a scan or a second person agrees.", agree(what, "counts", "count"), method)
		},
		change: func(c Campaign, t *Task) (bool, error) {
			track, _ := c.Track(t.Track)
			if !t.unstated() || !slices.Contains(validMethods(c, track), method) {
				return false, nil
			}
			stated := *t.Claim
			stated.Method, stated.By = method, r.Actor
			t.Claim, t.Accepted = &stated, cmp.Or(t.Accepted, r.Actor)
			return true, nil
		},
	})
}

// NotDone takes back what was closed in the tracker by mistake.
func (g *Engine) NotDone(ctx context.Context, r Request, id string, set TaskSet) (Message, error) {
	return g.work(ctx, r, id, set, labour{
		action: "task.reopen",
		done: func(what string) Message {
			return say("Noted: %s open again, in the tracker too. Press Done when it is, or Blocked or Not ours on your first message.", agree(what, "is", "are"))
		},
		change: func(_ Campaign, t *Task) (bool, error) {
			if !t.unstated() {
				return false, nil
			}
			t.Reopened++
			t.Claim, t.Reason = nil, "closed by mistake"
			return true, moveTask(t, TaskInProgress)
		},
		also: func(tx *transaction, _ Campaign, tasks []Task) error {
			tx.count(counterReopened, int64(len(tasks)))
			return nil
		},
	})
}

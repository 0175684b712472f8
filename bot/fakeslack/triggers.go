package fakeslack

import (
	"fmt"
	"strings"
	"time"
)

// trigger lets the app open one modal for one person, soon.
type trigger struct {
	user string
	born time.Time
	used bool
}

// maxTriggers bounds how many triggers and response URLs are remembered.
const maxTriggers = 10_000

// newTrigger gives out a trigger_id. The lock is held.
func (w *Workspace) newTrigger(user string) string {
	now := w.opts.Now()
	if len(w.triggers) >= maxTriggers {
		for id, t := range w.triggers {
			if now.Sub(t.born) > 2*w.opts.TriggerLife {
				delete(w.triggers, id)
			}
		}
	}
	w.serial++
	id := fmt.Sprintf("%d.%d.%s", now.UnixMilli(), w.serial, strings.ReplaceAll(uuid(), "-", ""))
	w.triggers[id] = &trigger{user: user, born: now}
	return id
}

// exchange uses a trigger up and tells whose it was.
func (w *Workspace) exchange(id string) (user string, err error) {
	t := w.triggers[id]
	switch {
	case t == nil:
		return "", fail("invalid_trigger_id")
	case t.used:
		return "", fail("exchanged_trigger_id")
	case w.opts.Now().Sub(t.born) > w.opts.TriggerLife:
		return "", fail("expired_trigger_id")
	}
	t.used = true
	return t.user, nil
}

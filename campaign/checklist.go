package campaign

import (
	"context"
	"slices"
)

// maxItems bounds a checklist: Jira takes 32,767 characters of text, and as many
// bytes of what is remembered beside it.
const maxItems = 100

// checklist returns the tasks of a ticket that holds several, as the items that
// its owners and Muster both tick, and how many it holds besides: of very many,
// those are listed that are to be done.
func (g *Engine) checklist(t Ticket, tasks []Task) (items []CheckItem, more int) {
	if len(tasks) < 2 {
		return nil, 0
	}
	sorted := slices.Clone(tasks)
	slices.SortStableFunc(sorted, func(a, b Task) int { // in an order that their states do not change
		return compareStrings(a.Name, b.Name, a.ID, b.ID)
	})
	zone := LocalTime{Zone: t.Planned.Zone}
	for _, task := range sorted {
		text := task.Name + " · " + task.Track
		if due := zone.Date(task.Due); due != "" {
			text += " — " + due
		}
		items = append(items, CheckItem{ID: task.ID, Text: text, Done: task.Status.Finished() || task.Status == TaskClaimed})
	}
	return mostOpen(items)
}

// mostOpen returns at most maxItems, in their order, open ones before done ones.
func mostOpen(items []CheckItem) (listed []CheckItem, more int) {
	room := maxItems
	take := map[string]bool{}
	for _, done := range []bool{false, true} {
		for _, item := range items {
			if item.Done == done && room > 0 {
				take[item.ID] = true
				room--
			}
		}
	}
	listed = slices.DeleteFunc(items, func(i CheckItem) bool { return !take[i.ID] })
	return listed, len(items) - len(listed)
}

// tasksOfTicket reads the tasks of a ticket.
func (g *Engine) tasksOfTicket(ctx context.Context, scope Scope, t Ticket) ([]Task, error) {
	tasks, err := LoadMany[Task](ctx, g.opts.Store, scope, KindTask, t.Tasks)
	return valuesOf(tasks), err
}

// statusOf sums up the tasks of a ticket.
func statusOf(tasks []Task) TicketStatus {
	finished, started := 0, false
	for _, task := range tasks {
		if task.Status.Finished() || task.Status == TaskClaimed {
			finished++
		}
		started = started || task.Status != TaskOpen
	}
	switch {
	case finished == len(tasks) && finished > 0:
		return TicketDone
	case started:
		return TicketInProgress
	}
	return TicketOpen
}

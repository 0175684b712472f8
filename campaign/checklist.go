package campaign

import (
	"context"
	"slices"
)

// checklist returns the tasks of a ticket that holds several, as the items that
// its owners and Muster both tick.
func (g *Engine) checklist(t Ticket, tasks []Task) []CheckItem {
	if len(tasks) < 2 {
		return nil
	}
	sorted := slices.Clone(tasks)
	slices.SortStableFunc(sorted, func(a, b Task) int { // in an order that their states do not change
		return compareStrings(a.Name, b.Name, a.ID, b.ID)
	})
	zone := LocalTime{Zone: t.Planned.Zone}
	items := make([]CheckItem, 0, len(sorted))
	for _, task := range sorted {
		text := task.Name + " · " + task.Track
		if due := zone.Date(task.Due); due != "" {
			text += " — " + due
		}
		items = append(items, CheckItem{ID: task.ID, Text: text, Done: task.Status.Finished() || task.Status == TaskClaimed})
	}
	return items
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

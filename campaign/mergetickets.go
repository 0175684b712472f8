package campaign

import (
	"cmp"
	"slices"
)

// takePart takes over a part of a page: tasks with their targets, and the tickets
// that they are on. What is counted already is not counted again.
func (tx *transaction) takePart(i, f Campaign, part []mergeTicket) error {
	m, err := load[Merge](tx, KindMerge, f.ID)
	if err != nil {
		return err
	}
	counted := m
	for _, one := range part {
		for _, move := range one.moves {
			credited, err := tx.takeTask(one, move, f)
			if err != nil {
				return err
			}
			if credited {
				counted.Credited++
			}
		}
		if one.adopted {
			if err := tx.takeTicket(i, f, one); err != nil {
				return err
			}
		}
		if one.ticket.ID <= counted.Taken {
			continue
		}
		counted.Taken = one.ticket.ID
		if one.adopted {
			counted.Adopted++
		} else {
			counted.Joined++
		}
	}
	if counted == m {
		return nil
	}
	return save(tx, KindMerge, f.ID, counted)
}

// takeTask brings one task over: as it is where there is none here, else what was
// done or said about it. It returns whether that counts here now.
func (tx *transaction) takeTask(one mergeTicket, move mergeMove, f Campaign) (credited bool, err error) {
	if _, found, err := find[Target](tx, KindTarget, move.target.ID); err != nil {
		return false, err
	} else if !found {
		if err := save(tx, KindTarget, move.target.ID, move.target); err != nil {
			return false, err
		}
	}
	here, found, err := find[Task](tx, KindTask, move.id())
	if err != nil {
		return false, err
	}
	if !found {
		t := move.task
		t.ID, t.Target, t.Ticket, t.Offer = move.id(), move.target.ID, "", ""
		if t.givenBack() {
			t.Blocked = ""
		}
		if one.adopted {
			t.Ticket = one.ticket.ID
		}
		if t.Blocked != "" {
			tx.count(t.blockedName(), 1)
		}
		tx.count(counterReopened, int64(t.Reopened))
		return t.claimedOrVerified(), tx.addTask(t)
	}
	if here.Ticket == one.ticket.ID {
		return false, nil // done before
	}
	move.here = &here
	credited = move.credits()
	_, err = tx.changeTask(here.ID, "task.merge", "merged from "+f.ID, func(t *Task) error {
		if t.Ticket == "" && one.adopted {
			t.Ticket, t.Contact, t.Owner = one.ticket.ID, move.task.Contact, move.task.Owner
		}
		t.Accepted = cmp.Or(t.Accepted, move.task.Accepted)
		if credited {
			t.Status, t.Claim, t.Evidence, t.ProvenAt = move.task.Status, move.task.Claim, move.task.Evidence, move.task.ProvenAt
		} else if t.Status == TaskUnknown && move.task.Status.Actionable() {
			t.Status = move.task.Status
		}
		return nil
	})
	return credited, err
}

// takeTicket stores a ticket here under the ID that it has, with those of its tasks
// that stand in this part; the parts before are on it already. It shows the texts
// that were approved here from its next update on.
func (tx *transaction) takeTicket(i, f Campaign, one mergeTicket) error {
	t, found, err := find[Ticket](tx, KindTicket, one.ticket.ID)
	if err != nil {
		return err
	}
	if !found {
		t = one.ticket
		t.Tasks, t.Planned.Tasks, t.Planned.Targets, t.Revisions = nil, nil, nil, nil
		t.Plan, t.Wave = i.Plan, "merged/"+f.ID // no wave of this campaign filed it
		if err := tx.audit("ticket.merge", "ticket/"+t.ID, f.ID, i.ID, ""); err != nil {
			return err
		}
	}
	here := map[string]string{}
	for _, move := range one.moves {
		here[move.task.ID] = move.id()
		if !move.goesOn() || slices.Contains(t.Tasks, move.id()) {
			continue
		}
		t.Tasks = append(t.Tasks, move.id())
		if !slices.Contains(t.Planned.Targets, move.target.ID) {
			t.Planned.Targets = append(t.Planned.Targets, move.target.ID)
		}
	}
	t.Tracked.Checked, t.Tracked.Sent = renamed(t.Tracked.Checked, here), renamed(t.Tracked.Sent, here)
	t.Planned.Tasks = slices.Clone(t.Tasks)
	if err := save(tx, KindTicket, t.ID, t); err != nil {
		return err
	}
	return tx.refresh(EffectTicketUpdate, t.ID)
}

func renamed(ids []string, to map[string]string) []string {
	var out []string
	for _, id := range ids {
		out = append(out, cmp.Or(to[id], id))
	}
	return out
}

// leavePart lets go over there of what went on here: its tasks are withdrawn, and a
// ticket whose work has one here already is closed in the tracker.
func (tx *transaction) leavePart(i Campaign, part []mergeTicket) error {
	for _, one := range part {
		for _, move := range one.moves {
			_, err := tx.changeTask(move.task.ID, "task.withdraw", "merged into "+i.ID, func(t *Task) error {
				if one.adopted {
					t.Ticket, t.Contact = "", "" // what shows it is shown there from now on
				}
				if t.Status == TaskWithdrawn {
					return nil
				}
				return moveTask(t, TaskWithdrawn)
			})
			if err != nil {
				return err
			}
		}
		if !one.last { // it is looked at again while it stands
			continue
		}
		if one.adopted {
			if err := amend(tx, KindTicket, one.ticket.ID, func(t *Ticket) { t.Ref = TicketRef{} }); err != nil {
				return err
			}
			continue
		}
		text := "Merged into \"" + i.Title + "\": the same is asked for there already, on a ticket of its own. What was said here counts there."
		err := tx.effect(Effect{
			ID: opaqueID(string(tx.scope), "merged", one.ticket.ID), Kind: EffectComment, Subject: one.ticket.ID, Lane: Bulk, Serial: ticketSerial(one.ticket.ID),
		}, commentPayload{Text: text})
		if err != nil {
			return err
		}
	}
	return nil
}

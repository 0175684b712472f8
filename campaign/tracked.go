package campaign

import (
	"slices"
	"time"
)

// Tracked is what a tracker is known to hold of a ticket: as it was last read
// there, or written by us. Only what differs from it is somebody's doing over
// there; a ticket that is closed and was closed already tells nothing new.
type Tracked struct {
	Status   TicketStatus `json:"status,omitempty"`
	Assignee string       `json:"assignee,omitempty"` // in the tracker's words
	// Gave is whom we gave it to last; "" once its people gave it to somebody else.
	Gave string `json:"gave,omitempty"`
	// Checked are the tasks that were seen ticked, but for those that we
	// unticked since.
	Checked []string `json:"checked,omitempty"`
	// UpdatedAt is the tracker's time of the newest reading.
	UpdatedAt time.Time `json:"updated_at,omitzero"`
	Read      bool      `json:"read,omitempty"`  // it was read at least once
	Wrote     bool      `json:"wrote,omitempty"` // and written since that reading

	// Sending is the status that is being written: it may be there already, or
	// not yet. It stays while nobody knows.
	Sending TicketStatus `json:"sending,omitempty"`
	// Sent are the tasks whose ticks are ours.
	Sent []string `json:"sent,omitempty"`
	// Lost says that the ticket is gone over there.
	Lost bool `json:"lost,omitempty"`
}

// trackerNews is what people did to a ticket in the tracker.
type trackerNews struct {
	closed, reopened, started, assigned bool
	ticked, unticked                    []string // tasks
}

func (n trackerNews) any() bool {
	return n.closed || n.reopened || n.started || n.assigned || len(n.ticked)+len(n.unticked) > 0
}

// stale returns whether a reading is older than what is known: it came late, or
// was taken from a copy that lags behind what we wrote.
func (k Tracked) stale(seen TicketSeen) bool {
	if seen.UpdatedAt.IsZero() {
		return false
	}
	return seen.UpdatedAt.Before(k.UpdatedAt) || k.Wrote && !seen.UpdatedAt.After(k.UpdatedAt)
}

// news returns what a reading shows that is not known. What we are writing may
// show already, or not yet: neither is news.
func (k Tracked) news(seen TicketSeen) trackerNews {
	done := seen.Status == TicketDone
	n := trackerNews{
		closed:   done && k.Status != TicketDone && k.Sending != TicketDone,
		reopened: !done && k.Status == TicketDone && (k.Sending == "" || k.Sending == TicketDone),
		started:  seen.Status == TicketInProgress && (k.Status == TicketOpen || k.Status == "") && k.Sending == "",
		assigned: k.Read && seen.Assignee != k.Assignee && (k.Gave == "" || seen.Assignee != k.Gave),
	}
	for _, id := range seen.Checked {
		if !slices.Contains(k.Checked, id) && !slices.Contains(k.Sent, id) {
			n.ticked = append(n.ticked, id)
		}
	}
	for _, id := range k.Checked {
		if !slices.Contains(seen.Checked, id) && k.Sending == "" {
			n.unticked = append(n.unticked, id)
		}
	}
	return n
}

// take returns what is known after a reading was taken up.
func (k Tracked) take(seen TicketSeen) Tracked {
	if seen.Assignee != k.Gave && seen.Assignee != k.Assignee {
		k.Gave = ""
	}
	k.Status, k.Assignee, k.Checked = seen.Status, seen.Assignee, slices.Clone(seen.Checked)
	if seen.UpdatedAt.After(k.UpdatedAt) {
		k.UpdatedAt = seen.UpdatedAt
	}
	k.Read, k.Wrote = true, false
	return k
}

// sending returns what is known while a draft is being written.
func (k Tracked) sending(d TicketDraft) Tracked {
	k.Sending, k.Gave = d.Status, d.Assignee
	k.Sent = slices.Clone(k.Sent)
	for _, item := range d.Checklist {
		if item.Done && !slices.Contains(k.Sent, item.ID) {
			k.Sent = append(k.Sent, item.ID)
		}
	}
	return k
}

// ticketWritten is the result of an update: what the tracker holds since.
type ticketWritten struct {
	Status  TicketStatus `json:"status"`
	Checked []string     `json:"checked,omitempty"`
}

func written(d TicketDraft) ticketWritten {
	w := ticketWritten{Status: d.Status}
	for _, item := range d.Checklist {
		if item.Done {
			w.Checked = append(w.Checked, item.ID)
		}
	}
	return w
}

// wrote returns what is known once a draft was written.
func (k Tracked) wrote(w ticketWritten) Tracked {
	k.Status, k.Sending, k.Sent, k.Wrote = w.Status, "", w.Checked, true
	k.Checked = slices.DeleteFunc(slices.Clone(k.Checked), func(id string) bool { return !slices.Contains(w.Checked, id) })
	return k
}

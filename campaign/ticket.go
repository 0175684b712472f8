package campaign

import (
	"context"
	"time"
)

// Ticket is what an owner gets in the tracker. Its status follows its tasks.
type Ticket struct {
	ID      string `json:"id"`
	Owner   string `json:"owner"`   // catalog ref
	Contact string `json:"contact"` // Person
	Name    string `json:"name"`    // of the service or team
	// Tasks are the IDs of its tasks, over all tracks.
	Tasks    []string `json:"tasks"`
	Wave     string   `json:"wave"`
	Plan     string   `json:"plan"`      // hash of the plan that holds its approved text
	TextHash string   `json:"text_hash"` // of title and body as approved
	// Planned is the ticket as the approved plan has it; its text is rendered from it.
	Planned PlanTicket   `json:"planned"`
	Status  TicketStatus `json:"status"`
	// Ref is what the tracker calls it, once it exists there.
	Ref TicketRef `json:"ref,omitzero"`
}

// TicketStatus is how far a ticket is, as the tracker's categories have it.
type TicketStatus string

// The states of a ticket. Before TicketOpen it does not exist in the tracker.
const (
	TicketPlanned    TicketStatus = "planned"
	TicketOpen       TicketStatus = "open"
	TicketInProgress TicketStatus = "in_progress"
	TicketDone       TicketStatus = "done"
)

// TicketRef is a ticket in a tracker.
type TicketRef struct {
	ID  string `json:"id"`            // the tracker's own
	URL string `json:"url,omitempty"` // for people; "" where the tracker has no page
}

// TicketDraft is what a tracker is asked to hold.
type TicketDraft struct {
	Title    string
	Body     string // Markdown
	Assignee string // the owner's name in the catalog
	Due      time.Time
	Status   TicketStatus
}

// Tracker is a ticket system. campaign/tracker has them; trackertest is their
// contract. Errors: Unavailable was refused cleanly, Uncertain may have taken
// effect, Invalid and Forbidden will not get better by themselves.
type Tracker interface {
	// Ensure returns the ticket that was filed under this key, and files it
	// when there is none. It may be called any number of times.
	Ensure(ctx context.Context, key string, d TicketDraft) (TicketRef, error)
	// Find returns the ticket under this key, or NotFound.
	Find(ctx context.Context, key string) (TicketRef, error)
	// Update brings body, assignee, due date and status to what the draft
	// says, without notifying anybody. It may be called any number of times.
	Update(ctx context.Context, ref TicketRef, d TicketDraft) error
	// Comment adds a comment once per key.
	Comment(ctx context.Context, ref TicketRef, key, text string) error
}

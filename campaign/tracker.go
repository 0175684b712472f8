package campaign

import (
	"context"
	"iter"
	"time"
)

// Tracker is a ticket system. campaign/tracker has them; trackertest is their
// contract. Errors: Unavailable was refused cleanly, Uncertain may have taken
// effect, Invalid and Forbidden will not get better by themselves. A Tracker
// never waits for its turn: at its limit it answers Unavailable with RetryAfter,
// unless it has begun what it was asked for, and then it waits some seconds only.
type Tracker interface {
	// Ensure returns the ticket that was filed under this key, and files it
	// when there is none. It may be called any number of times.
	Ensure(ctx context.Context, key string, d TicketDraft) (TicketRef, error)
	// Find returns the ticket under this key, or NotFound.
	Find(ctx context.Context, key string) (TicketRef, error)
	// Update brings title, body, checklist, assignee, due date and status to
	// what the draft says, without notifying anybody. It may be called any
	// number of times.
	Update(ctx context.Context, ref TicketRef, d TicketDraft) error
	// Comment adds a comment once per key.
	Comment(ctx context.Context, ref TicketRef, key, text string) error
	// Read returns the ticket as the tracker holds it now, not as its search
	// index remembers it, or NotFound.
	Read(ctx context.Context, ref TicketRef) (TicketSeen, error)
	// Changes yields the tickets filed by this installation that changed at or
	// after since, oldest change first, and ends after the first error. What a
	// tracker's search shows late comes late; one may come twice.
	Changes(ctx context.Context, since time.Time) iter.Seq2[TicketSeen, error]
}

// BulkTracker is a Tracker that files many tickets in one call.
type BulkTracker interface {
	Tracker
	// Bulk is the largest number of filings that one call takes.
	Bulk() int
	// EnsureAll is Ensure for up to Bulk filings, with distinct keys. It returns
	// one outcome for each, in their order; one that is refused does not touch
	// the others.
	EnsureAll(ctx context.Context, filings []Filing) []FilingOutcome
}

// Filing is a ticket to be filed under its key.
type Filing struct {
	Key   string
	Draft TicketDraft
}

// FilingOutcome is how a filing went.
type FilingOutcome struct {
	Ref TicketRef
	Err error
}

// TicketDraft is what a tracker is asked to hold.
type TicketDraft struct {
	Title    string
	Body     string // Markdown, without the checklist
	Assignee string // the owner's name in the catalog
	// KeepAssignee says that people of the tracker gave the ticket to somebody:
	// Update leaves it with whom it finds there.
	KeepAssignee bool
	Due          time.Time
	Status       TicketStatus
	// Checklist are the tasks of a ticket that holds several; empty otherwise.
	Checklist []CheckItem
	// More is how many tasks the ticket holds that have no item.
	More int
}

// CheckItem is a task as a line of a ticket's checklist.
type CheckItem struct {
	ID   string // of the task; it comes back in TicketSeen
	Text string // one line
	Done bool
}

// TicketSeen is a ticket as a tracker holds it.
type TicketSeen struct {
	Ref    TicketRef
	Key    string // what it was filed under
	Status TicketStatus
	// Assignee is the owner whom the adapter files under this assignee, else as
	// the tracker names it; "" when nobody is assigned.
	Assignee string
	// Checked are the IDs of the checklist's items that are ticked there.
	Checked []string
	// CreatedAt and UpdatedAt are by the tracker's clock.
	CreatedAt, UpdatedAt time.Time
}

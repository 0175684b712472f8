package builtin

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/musterbot/muster/campaign"
)

// Ticket is a ticket as the tracker holds it.
type Ticket struct {
	Number    uint64                `json:"number"`
	Key       string                `json:"key"` // what it was filed under
	Title     string                `json:"title"`
	Body      string                `json:"body,omitempty"` // Markdown
	Assignee  string                `json:"assignee,omitempty"`
	Due       time.Time             `json:"due,omitzero"`
	Status    campaign.TicketStatus `json:"status"`
	Tasks     []Task                `json:"tasks,omitempty"` // of a ticket that holds several
	CreatedAt time.Time             `json:"created_at"`
	UpdatedAt time.Time             `json:"updated_at"`
}

// Task is an item of a ticket's checklist.
type Task struct {
	ID   string `json:"id"`
	Text string `json:"text"`
	Done bool   `json:"done,omitempty"`
}

// Name returns what people call it: MU-1.
func (t Ticket) Name() string { return name(t.Number) }

// take brings the ticket to what the draft says, and returns whether that
// changed it. What is filed is open at least.
func (t *Ticket) take(d campaign.TicketDraft) bool {
	status := d.Status
	if status == "" || status == campaign.TicketPlanned {
		status = campaign.TicketOpen
	}
	old := *t
	t.Title, t.Body, t.Due, t.Status = d.Title, d.Body, campaign.Stamp(d.Due), status
	if !d.KeepAssignee {
		t.Assignee = d.Assignee
	}
	if d.Due.IsZero() {
		t.Due = time.Time{}
	}
	t.Tasks = nil
	for _, item := range d.Checklist {
		t.Tasks = append(t.Tasks, Task(item))
	}
	return !reflect.DeepEqual(*t, old)
}

// Comment is a remark on a ticket.
type Comment struct {
	Text string    `json:"text"`
	At   time.Time `json:"at"`
}

// All yields all tickets in the order of their numbers, and ends after the
// first error.
func (t *Tracker) All(ctx context.Context) iter.Seq2[Ticket, error] {
	return func(yield func(Ticket, error) bool) {
		for stored, err := range campaign.LoadAll[Ticket](ctx, t.opts.Store, Scope, kindTicket) {
			if !yield(stored.Value, err) {
				return
			}
		}
	}
}

// Read implements campaign.Tracker.
func (t *Tracker) Read(ctx context.Context, ref campaign.TicketRef) (campaign.TicketSeen, error) {
	number, err := parseName(ref.ID)
	if err != nil {
		return campaign.TicketSeen{}, err
	}
	ticket, _, err := campaign.Load[Ticket](ctx, t.opts.Store, Scope, kindTicket, recordID(number))
	if err != nil {
		return campaign.TicketSeen{}, fmt.Errorf("read ticket %s: %w", ref.ID, err)
	}
	return t.seen(ticket), nil
}

func (t *Tracker) seen(ticket Ticket) campaign.TicketSeen {
	seen := campaign.TicketSeen{
		Ref: t.ref(ticket.Number), Key: ticket.Key, Status: ticket.Status, Assignee: ticket.Assignee,
		CreatedAt: ticket.CreatedAt, UpdatedAt: ticket.UpdatedAt,
	}
	for _, task := range ticket.Tasks {
		if task.Done {
			seen.Checked = append(seen.Checked, task.ID)
		}
	}
	return seen
}

// Changes implements campaign.Tracker. It looks at all tickets.
func (t *Tracker) Changes(ctx context.Context, since time.Time) iter.Seq2[campaign.TicketSeen, error] {
	return func(yield func(campaign.TicketSeen, error) bool) {
		var changed []campaign.TicketSeen
		for ticket, err := range t.All(ctx) {
			if err != nil {
				yield(campaign.TicketSeen{}, err)
				return
			}
			if !ticket.UpdatedAt.Before(since) {
				changed = append(changed, t.seen(ticket))
			}
		}
		slices.SortStableFunc(changed, func(a, b campaign.TicketSeen) int { return a.UpdatedAt.Compare(b.UpdatedAt) })
		for _, seen := range changed {
			if !yield(seen, nil) {
				return
			}
		}
	}
}

// Count returns how many tickets there are. It reads one record.
func (t *Tracker) Count(ctx context.Context) (int, error) {
	last, _, err := campaign.Load[filed](ctx, t.opts.Store, Scope, kindNumber, lastNumber)
	if err != nil && campaign.KindOf(err) != campaign.NotFound {
		return 0, fmt.Errorf("count tickets: %w", err)
	}
	return int(last.Number), nil
}

// maxComments bounds how many comments Look returns: the oldest ones.
const maxComments = 1000

// Look returns the ticket of that name (MU-1) with its comments, oldest first,
// or NotFound.
func (t *Tracker) Look(ctx context.Context, name string) (Ticket, []Comment, error) {
	number, err := parseName(name)
	if err != nil {
		return Ticket{}, nil, err
	}
	ticket, _, err := campaign.Load[Ticket](ctx, t.opts.Store, Scope, kindTicket, recordID(number))
	if err != nil {
		return Ticket{}, nil, fmt.Errorf("read ticket %s: %w", name, err)
	}
	prefix := recordID(number) + "/"
	page, err := t.opts.Store.List(ctx, Scope, kindComment, prefix, maxComments)
	if err != nil {
		return Ticket{}, nil, fmt.Errorf("read comments of %s: %w", name, err)
	}
	var comments []Comment
	for _, record := range page {
		if !strings.HasPrefix(record.ID, prefix) {
			break // of the next ticket
		}
		comment, err := campaign.Decode[Comment](record)
		if err != nil {
			return Ticket{}, nil, err
		}
		comments = append(comments, comment)
	}
	slices.SortStableFunc(comments, func(a, b Comment) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Text, b.Text))
	})
	return ticket, comments, nil
}

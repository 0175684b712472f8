// Package builtin is the tracker that needs no other system: tickets live in
// Muster's own store, beside the campaigns. Each has a running number (MU-1,
// MU-2, ...) and stands under the opaque key of its campaign's ticket, and both
// are given in one atomic step, so that filing twice files once, also by two
// replicas at the same time. It notifies nobody: people hear of their tickets by
// Muster's messages.
package builtin

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/musterbot/muster/campaign"
)

var _ campaign.Tracker = (*Tracker)(nil)

// Scope holds the tickets. A campaign's ID has no dot, so none can have it.
const Scope campaign.Scope = "tracker.builtin"

// The kinds of records in Scope.
const (
	kindTicket  campaign.RecordKind = "builtin_ticket"  // <number, ten digits>
	kindKey     campaign.RecordKind = "builtin_key"     // <key>: what was filed under it
	kindComment campaign.RecordKind = "builtin_comment" // <number, ten digits>/<key>
	kindNumber  campaign.RecordKind = "builtin_number"  // one: the last number given
)

const (
	namePrefix = "MU-"
	lastNumber = "last"
	maxBody    = 256 << 10 // bytes of a body, a title, a comment or a checklist
	maxKey     = 400       // bytes
)

// Options are what a Tracker needs.
type Options struct {
	Store campaign.Store // required
	Clock campaign.Clock // default: real time
	// PageURL is where people read the tickets: MU-1 is at PageURL/MU-1. Without
	// it a ticket has no address.
	PageURL string
}

// Tracker is a campaign.Tracker. Make it with New.
type Tracker struct{ opts Options }

// New returns the tracker in a store.
func New(o Options) (*Tracker, error) {
	if o.Store == nil {
		return nil, errors.New("builtin: Options.Store is required")
	}
	if o.Clock == nil {
		o.Clock = campaign.RealClock{}
	}
	return &Tracker{opts: o}, nil
}

// filed is what a key leads to.
type filed struct {
	Number uint64 `json:"number"`
}

// Ensure implements campaign.Tracker. The key's record must not exist and the
// number must be the next one, in the same step: whoever comes second is
// refused by the store, and then finds what the first one filed.
func (t *Tracker) Ensure(ctx context.Context, key string, d campaign.TicketDraft) (campaign.TicketRef, error) {
	if err := check(key, d); err != nil {
		return campaign.TicketRef{}, err
	}
	var number uint64
	err := campaign.Retrying(ctx, func() error {
		found, _, err := campaign.Load[filed](ctx, t.opts.Store, Scope, kindKey, key)
		if campaign.KindOf(err) != campaign.NotFound {
			number = found.Number
			return err
		}
		last, version, err := campaign.Load[filed](ctx, t.opts.Store, Scope, kindNumber, lastNumber)
		if err != nil && campaign.KindOf(err) != campaign.NotFound {
			return err
		}
		number = last.Number + 1
		return t.file(ctx, key, number, version, d)
	})
	if err != nil {
		return campaign.TicketRef{}, fmt.Errorf("file ticket: %w", err)
	}
	return t.ref(number), nil
}

// file writes a new ticket, its key and its number as one.
func (t *Tracker) file(ctx context.Context, key string, number, lastVersion uint64, d campaign.TicketDraft) error {
	now := t.opts.Clock.Now()
	ticket := Ticket{Number: number, Key: key, CreatedAt: now, UpdatedAt: now}
	ticket.take(d)
	c := campaign.Change{Scope: Scope}
	for _, put := range []func() (campaign.Record, error){
		func() (campaign.Record, error) {
			return campaign.Put(kindNumber, lastNumber, lastVersion, filed{Number: number})
		},
		func() (campaign.Record, error) { return campaign.Put(kindKey, key, 0, filed{Number: number}) },
		func() (campaign.Record, error) { return campaign.Put(kindTicket, recordID(number), 0, ticket) },
	} {
		record, err := put()
		if err != nil {
			return err
		}
		c.Records = append(c.Records, record)
	}
	return t.opts.Store.Apply(ctx, c)
}

// Find implements campaign.Tracker.
func (t *Tracker) Find(ctx context.Context, key string) (campaign.TicketRef, error) {
	if key == "" || len(key) > maxKey {
		return campaign.TicketRef{}, campaign.Refuse(campaign.NotFound, "There is no such ticket.")
	}
	found, _, err := campaign.Load[filed](ctx, t.opts.Store, Scope, kindKey, key)
	if err != nil {
		return campaign.TicketRef{}, fmt.Errorf("find ticket: %w", err)
	}
	return t.ref(found.Number), nil
}

// Update implements campaign.Tracker. One that changes nothing writes nothing.
func (t *Tracker) Update(ctx context.Context, ref campaign.TicketRef, d campaign.TicketDraft) error {
	number, err := parseName(ref.ID)
	if err != nil {
		return err
	}
	if err := checkDraft(d); err != nil {
		return err
	}
	_, err = campaign.Update(ctx, t.opts.Store, Scope, kindTicket, recordID(number), func(ticket *Ticket, _ *campaign.Change) error {
		if ticket.take(d) {
			ticket.UpdatedAt = t.opts.Clock.Now()
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("update ticket %s: %w", ref.ID, err)
	}
	return nil
}

// Comment implements campaign.Tracker. A second comment under the same key is
// not an error and changes nothing.
func (t *Tracker) Comment(ctx context.Context, ref campaign.TicketRef, key, text string) error {
	number, err := parseName(ref.ID)
	if err != nil {
		return err
	}
	if key == "" || len(key) > maxKey || len(text) > maxBody {
		return campaign.Refuse(campaign.Invalid, "This comment is too large or has no key, and was not added. Shorten it to 256 KiB.")
	}
	if _, _, err := campaign.Load[Ticket](ctx, t.opts.Store, Scope, kindTicket, recordID(number)); err != nil {
		return fmt.Errorf("comment on ticket %s: %w", ref.ID, err)
	}
	record, err := campaign.Put(kindComment, recordID(number)+"/"+key, 0, Comment{Text: text, At: t.opts.Clock.Now()})
	if err != nil {
		return err
	}
	err = t.opts.Store.Apply(ctx, campaign.Change{Scope: Scope, Records: []campaign.Record{record}})
	if err != nil && campaign.KindOf(err) != campaign.Conflict { // a Conflict: it is there
		return fmt.Errorf("comment on ticket %s: %w", ref.ID, err)
	}
	return nil
}

func (t *Tracker) ref(number uint64) campaign.TicketRef {
	ref := campaign.TicketRef{ID: name(number)}
	if t.opts.PageURL != "" {
		ref.URL = strings.TrimSuffix(t.opts.PageURL, "/") + "/" + url.PathEscape(ref.ID)
	}
	return ref
}

func check(key string, d campaign.TicketDraft) error {
	if key == "" || len(key) > maxKey {
		return campaign.Refuse(campaign.Invalid, "A ticket needs a key of at most 400 bytes; nothing was filed.")
	}
	return checkDraft(d)
}

func checkDraft(d campaign.TicketDraft) error {
	if strings.TrimSpace(d.Title) == "" {
		return campaign.Refuse(campaign.Invalid, "A ticket needs a title; nothing was changed.")
	}
	if len(d.Title) > maxBody || len(d.Body) > maxBody || len(d.Assignee) > maxBody {
		return campaign.Refuse(campaign.Invalid, "The text of this ticket is larger than 256 KiB; nothing was changed. Shorten the instructions.")
	}
	size := 0
	for _, item := range d.Checklist {
		size += len(item.ID) + len(item.Text)
	}
	if size > maxBody {
		return campaign.Refuse(campaign.Invalid, "This ticket holds more tasks than a ticket can list (256 KiB); nothing was changed. Group tickets by service.")
	}
	return nil
}

func name(number uint64) string { return namePrefix + strconv.FormatUint(number, 10) }

// recordID keeps records in the order of their numbers.
func recordID(number uint64) string { return fmt.Sprintf("%010d", number) }

// parseName reads the number out of MU-12.
func parseName(s string) (uint64, error) {
	digits, ok := strings.CutPrefix(s, namePrefix)
	number, err := strconv.ParseUint(digits, 10, 64)
	if !ok || err != nil || number == 0 || name(number) != s {
		return 0, campaign.Refuse(campaign.NotFound, "There is no such ticket.")
	}
	return number, nil
}

package campaign

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Scope is the unit of atomicity: one campaign (its ID), or Sys. Nothing is
// atomic across scopes.
type Scope string

// Sys is the scope of what belongs to no campaign: the inbox, the inventory,
// the catalog, the people.
const Sys Scope = "sys"

// MaxChangeRecords is the largest number of records that one Change may carry.
const MaxChangeRecords = 1000

// Store keeps what Muster knows. A write is a value: Apply carries it out
// whole or not at all, and it is durable when Apply returns nil. All values
// that a Store returns are copies, and all that it is given are copied.
// store/storetest is the contract in code. Implementations are safe for
// concurrent use.
type Store interface {
	Reader
	Applier
	Claimer
	// Close waits for running calls and releases what the store holds.
	Close() error
}

// Reader reads. Unless a method says otherwise, reading what does not exist is
// not an error but an empty answer.
type Reader interface {
	// Get returns one record, or an error of kind NotFound.
	Get(ctx context.Context, scope Scope, kind RecordKind, id string) (Record, error)
	// GetMany returns those of the records that exist, in the order of ids.
	GetMany(ctx context.Context, scope Scope, kind RecordKind, ids []string) ([]Record, error)
	// List returns up to limit records with an ID greater than after, in
	// byte order of their IDs. A limit of 0 or less means 1,000.
	List(ctx context.Context, scope Scope, kind RecordKind, after string, limit int) ([]Record, error)
	// Index returns up to limit entries of an index whose key starts with
	// prefix, in byte order of (key, ID), after the entry given. A limit of
	// 0 or less means 1,000.
	Index(ctx context.Context, scope Scope, name, prefix string, after IndexHit, limit int) ([]IndexHit, error)
	// Counters returns the counters of a scope whose name starts with prefix.
	// A counter that is zero may be left out.
	Counters(ctx context.Context, scope Scope, prefix string) (map[string]int64, error)
	// Audit returns up to limit audit records with a sequence greater than
	// after, in order. A limit of 0 or less means 1,000.
	Audit(ctx context.Context, scope Scope, after uint64, limit int) ([]AuditRecord, error)
	// Scopes returns all scopes that hold anything, in byte order.
	Scopes(ctx context.Context) ([]Scope, error)
}

// Applier writes.
type Applier interface {
	// Apply carries out one change of one scope, all or nothing, durably. A
	// record whose version is not the stored one, or a lease that is no
	// longer held, refuses the whole change with kind Conflict; a change that
	// breaks a bound of Change refuses it with Invalid. Applying the same
	// Change a second time is refused (Conflict) when it carries a record or a
	// lease; so a caller that is unsure whether it was applied reads back.
	Apply(ctx context.Context, c Change) error
}

// Claimer hands out due entries.
type Claimer interface {
	// Claim leases up to r.N entries whose time has come. Interactive entries
	// come before bulk ones; bulk ones rotate between scopes. Of the entries
	// of one serial only the head can be claimed, also while it waits for its
	// retry or is leased. No entry is leased to two claimers at once; an entry
	// whose lease has run out is handed out again with Expired set.
	Claim(ctx context.Context, r ClaimRequest) (Claims, error)
	// Ready receives a value soon after an entry was added or changed, by this
	// process at least. It may fire without need; it never replaces polling.
	Ready() <-chan struct{}
}

// RecordKind is a family of records with one schema. The kinds are in kinds.go.
type RecordKind string

// Record is one stored value.
type Record struct {
	Kind RecordKind
	ID   string // at most 512 bytes
	// Version is the version the record was read at; 0 means that it must not
	// exist yet. The store raises it by one with each write.
	Version uint64
	// Data is the encoded value, at most 1 MiB; nil deletes the record.
	Data []byte
}

// IndexEntry is a row of a secondary index. Adding one that is there, or
// removing one that is not, is not an error.
type IndexEntry struct {
	Name   string // the index
	Key    string // what it is looked up by
	ID     string // what it leads to
	Remove bool
}

// IndexHit is a row that Reader.Index found.
type IndexHit struct{ Key, ID string }

// CounterDelta changes a counter.
type CounterDelta struct {
	Name string
	By   int64
}

// Lane separates what a person waits for from what goes out in bulk.
type Lane uint8

// The lanes, in the order in which they are claimed.
const (
	Interactive Lane = iota
	Bulk
)

// DueEntry is a piece of work that waits for its time. ID names the work within
// its scope. Adding an entry whose ID is waiting keeps its place and moves its
// time forward if the new one is earlier; adding one that is leased makes it
// fall due again, at the new time, once its lease is finished.
type DueEntry struct {
	ID     string
	Lane   Lane
	Serial string // entries of one serial are worked in order, one at a time; "" has none
	At     time.Time
	Remove bool // takes a waiting entry out; a leased one is left alone
}

// Finish ends a lease, in the same step as what the work brought about.
type Finish struct {
	ID    string
	Token string
	// RetryAt puts the entry back to fall due at that time, at its place in
	// its serial; zero means that the work is done.
	RetryAt time.Time
}

// ClaimRequest asks for work.
type ClaimRequest struct {
	Now   time.Time     // on campaign.Clock: what is due by then
	Lease time.Duration // real time: how long the work is held
	N     int           // at most so many, at least 1
	// Lanes limits the claim to these lanes; nil means all.
	Lanes []Lane
}

// Claims is what Claim returns.
type Claims struct {
	Entries []Claimed
	// Next is when the next entry falls due; zero when none waits.
	Next time.Time
}

// Claimed is a leased entry.
type Claimed struct {
	Scope  Scope
	ID     string
	Lane   Lane
	Serial string
	At     time.Time
	Token  string // proves the lease; goes into Finish
	// Attempts counts the claims of this entry before this one since it was added.
	Attempts int
	// Expired says that an earlier lease ran out: the work may have been done.
	Expired bool
}

// Change is a write of one scope, at most MaxChangeRecords records in all of
// its lists but Count. A record, index row or due entry may stand in it once.
type Change struct {
	Scope   Scope
	Records []Record
	Index   []IndexEntry
	Count   []CounterDelta
	Due     []DueEntry
	Finish  []Finish
	Audit   []AuditRecord // Seq is given by the store: one unbroken sequence per scope, from 1
}

// Validate reports what breaks the bounds of a Change, as Invalid.
func (c Change) Validate() error {
	switch n := len(c.Records) + len(c.Index) + len(c.Due) + len(c.Finish) + len(c.Audit); {
	case c.Scope == "" || strings.ContainsAny(string(c.Scope), "/{}\x00"):
		return invalidChange("scope %q", c.Scope)
	case n > MaxChangeRecords:
		return invalidChange("%d entries, at most %d", n, MaxChangeRecords)
	}
	for _, r := range c.Records {
		if r.Kind == "" || r.ID == "" || len(r.ID) > 512 || len(r.Data) > 1<<20 {
			return invalidChange("record %s/%.40q of %d bytes", r.Kind, r.ID, len(r.Data))
		}
	}
	for _, d := range c.Due {
		if d.ID == "" || len(d.ID) > 512 {
			return invalidChange("due entry %.40q", d.ID)
		}
	}
	return nil
}

func invalidChange(format string, args ...any) error {
	return &Error{Kind: Invalid, Message: "This change is too large or malformed, and was not stored.", Err: fmt.Errorf("change: "+format, args...)}
}

// Done ends a lease whose work is done and left nothing else to write.
func Done(ctx context.Context, s Applier, c Claimed) error {
	return s.Apply(ctx, Change{Scope: c.Scope, Finish: []Finish{{ID: c.ID, Token: c.Token}}})
}

// Retry ends a lease and lets the entry fall due again at the time given.
func Retry(ctx context.Context, s Applier, c Claimed, at time.Time) error {
	return s.Apply(ctx, Change{Scope: c.Scope, Finish: []Finish{{ID: c.ID, Token: c.Token, RetryAt: at}}})
}

// maxConflicts bounds how often a read-change-write is tried again after
// another writer was faster. Twenty writers on one record need about ten.
const maxConflicts = 64

// Retrying runs step until it returns something other than a Conflict, at most
// 64 times. step reads what it needs and applies its change; it may run twice.
func Retrying(ctx context.Context, step func() error) error {
	var err error
	for range maxConflicts {
		if err = step(); KindOf(err) != Conflict {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if _, ok := errors.AsType[*StateError](err); ok {
			return err // the state forbids it: trying again changes nothing
		}
	}
	return err
}

package campaign

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
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

// maxRecordBytes is the largest value that a Record may carry.
const maxRecordBytes = 1 << 20

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
	// Scopes returns all scopes that hold anything, or once did, in byte order.
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
	// Ready returns a channel that is closed soon after the next Apply that
	// added, changed or finished a due entry, by this process at least; it
	// wakes all who wait for it. Each channel serves once: a claimer calls
	// Ready anew in each round, before its Claim, so that nothing slips in
	// between, and waits for what it got when the Claim came back empty. It
	// may fire without need, and says nothing of leases that run out and of
	// times that come: it never replaces polling.
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
	// Data is the encoded value, at most 1 MiB; empty deletes the record. Empty at
	// version 0 writes nothing, and only makes sure that there is none.
	Data []byte
}

// IndexEntry is a row of a secondary index. Adding one that is there, or
// removing one that is not, is not an error.
type IndexEntry struct {
	Name   string // the index, at most 512 bytes
	Key    string // what it is looked up by, at most 1,024 bytes, may be empty
	ID     string // what it leads to, at most 512 bytes
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
// its scope. Adding an entry whose ID is waiting keeps its place, lane and
// serial, and moves its time forward if the new one is earlier. Adding one that
// is leased makes it fall due again, at the new time, once its lease is
// finished: as a new entry, whose place in its serial is that of the second
// adding, when the work was done; at the earlier of both times when it is to be
// retried. An entry whose lease ran out counts as leased until it is claimed
// again and finished.
type DueEntry struct {
	ID     string // at most 512 bytes
	Lane   Lane
	Serial string    // entries of one serial are worked in order, one at a time; "" has none
	At     time.Time // kept in whole milliseconds, cut
	// Restore adds the entry only where it is missing: one that waits or is leased
	// stays as it is, its time included.
	Restore bool
	// Remove takes a waiting entry out. A leased one keeps its lease, but no
	// longer falls due again after it.
	Remove bool
}

// Finish ends a lease, in the same step as what the work brought about, and
// before the due entries of the same Change are looked at. A lease that ran out
// can still be finished as long as nobody claimed the entry again.
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
	N     int           // at most so many, at least 1; more than MaxChangeRecords count as that
	// Lanes limits the claim to these lanes; nil means all.
	Lanes []Lane
}

// Claims is what Claim returns.
type Claims struct {
	Entries []Claimed
	// Next is when the next entry of the lanes asked for falls due that could
	// then be claimed; it is not after Now when more is due than N. Zero when
	// none waits.
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
	// Expired says that the lease before this one ran out: the work may have
	// been done.
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
	case !named(string(c.Scope)) || strings.ContainsAny(string(c.Scope), "/{}\x00"):
		return invalidChange("scope %q", c.Scope)
	case n > MaxChangeRecords:
		return invalidChange("%d entries, at most %d", n, MaxChangeRecords)
	}
	for _, r := range c.Records {
		if !named(string(r.Kind), r.ID) || len(r.Data) > maxRecordBytes {
			return invalidChange("record %.40q/%.40q of %d bytes", r.Kind, r.ID, len(r.Data))
		}
	}
	for _, e := range c.Index {
		if !named(e.Name, e.ID) || len(e.Key) > 1024 {
			return invalidChange("row %.40q of index %.40q with a key of %d bytes", e.ID, e.Name, len(e.Key))
		}
	}
	for _, d := range c.Count {
		if !named(d.Name) {
			return invalidChange("counter %.40q", d.Name)
		}
	}
	for _, d := range c.Due {
		if !named(d.ID) || len(d.Serial) > 512 || d.Lane > Bulk {
			return invalidChange("due entry %.40q in lane %d with serial %.40q", d.ID, d.Lane, d.Serial)
		}
	}
	for _, f := range c.Finish {
		if !named(f.ID) {
			return invalidChange("lease of %.40q", f.ID)
		}
	}
	return c.validateOnce()
}

// named reports whether all names may stand in a key of a store.
func named(names ...string) bool {
	return !slices.ContainsFunc(names, func(n string) bool { return n == "" || len(n) > 512 })
}

// validateOnce reports what stands in a Change twice.
func (c Change) validateOnce() error {
	type key struct{ list, name, key, id string }
	seen := make(map[key]struct{}, len(c.Records)+len(c.Index)+len(c.Due)+len(c.Finish))
	twice := func(k key) bool {
		_, found := seen[k]
		seen[k] = struct{}{}
		return found
	}
	for _, r := range c.Records {
		if twice(key{"record", string(r.Kind), "", r.ID}) {
			return invalidChange("record %s/%.40q stands in it twice", r.Kind, r.ID)
		}
	}
	for _, e := range c.Index {
		if twice(key{"index", e.Name, e.Key, e.ID}) {
			return invalidChange("row %.40q of index %s stands in it twice", e.ID, e.Name)
		}
	}
	for _, d := range c.Due {
		if twice(key{list: "due", id: d.ID}) {
			return invalidChange("due entry %.40q stands in it twice", d.ID)
		}
	}
	for _, f := range c.Finish {
		if twice(key{list: "finish", id: f.ID}) {
			return invalidChange("lease of %.40q stands in it twice", f.ID)
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

// conflictPause is what the pause after a conflict grows by. Without a pause
// the writers of one record march in step, and one of them may lose each time.
const conflictPause = 250 * time.Microsecond

// Retrying runs step until it returns something other than a Conflict, at most
// 64 times, with short random pauses. step reads what it needs and applies its
// change; it may run twice.
func Retrying(ctx context.Context, step func() error) error {
	var err error
	for i := range maxConflicts {
		if err = step(); KindOf(err) != Conflict {
			return err
		}
		if _, ok := errors.AsType[*StateError](err); ok {
			return err // the state forbids it: trying again changes nothing
		}
		if waitErr := wait(ctx, rand.N(time.Duration(min(i+1, 20))*conflictPause)); waitErr != nil {
			return waitErr
		}
	}
	return err
}

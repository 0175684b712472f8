package campaign

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// transaction collects one atomic step of a scope: what it read, with versions,
// and what it writes. Nothing is stored before commit.
type transaction struct {
	ctx     context.Context
	engine  *Engine
	scope   Scope
	request Request
	now     time.Time
	began   time.Time // when the work began that this step is a part of; zero when it is the whole
	change  Change
	read    map[recordKey]loaded
	counts  map[string]int64
	// dueAt and indexed are what stands in the change already.
	dueAt   map[string]int
	indexed map[IndexEntry]bool
	// filedFor are the contacts of tickets that this step records as filed.
	filedFor map[string]bool
}

type recordKey struct {
	kind RecordKind
	id   string
}

type loaded struct {
	version uint64
	data    []byte
	dirty   bool
}

// errReplayed says that the request was carried out before.
var errReplayed = errors.New("request was carried out before")

// atomically runs step and applies what it collected, again from the start when
// another writer was faster. A request that was carried out before runs nothing
// and returns nil.
func (g *Engine) atomically(ctx context.Context, scope Scope, r Request, step func(*transaction) error) error {
	var refused error // by the step: a Conflict of its own is not one of versions, and not retried
	err := Retrying(ctx, func() error {
		tx := g.begin(ctx, scope, r)
		if refused = tx.markSeen(); refused == nil {
			refused = step(tx)
		}
		if refused != nil {
			return nil
		}
		return tx.commit()
	})
	if errors.Is(refused, errReplayed) {
		return nil
	}
	return cmp.Or(refused, err)
}

func (g *Engine) begin(ctx context.Context, scope Scope, r Request) *transaction {
	return &transaction{
		ctx: ctx, engine: g, scope: scope, request: r, now: g.opts.Clock.Now(), began: r.At,
		change: Change{Scope: scope}, read: map[recordKey]loaded{}, counts: map[string]int64{},
		dueAt: map[string]int{}, indexed: map[IndexEntry]bool{}, filedFor: map[string]bool{},
	}
}

// seenMark remembers that an envelope was carried out in this scope.
type seenMark struct {
	At time.Time `json:"at"`
}

func (tx *transaction) markSeen() error {
	if tx.request.Key == "" || tx.request.more {
		return nil
	}
	_, found, err := find[seenMark](tx, KindSeen, tx.request.Key)
	if err != nil {
		return err
	}
	if found {
		return errReplayed
	}
	return save(tx, KindSeen, tx.request.Key, seenMark{At: tx.now})
}

// carriedOut returns whether a request was carried out in this scope before, for
// what would be refused the second time because it was done the first time.
func (g *Engine) carriedOut(ctx context.Context, scope Scope, r Request) (bool, error) {
	if r.Key == "" {
		return false, nil
	}
	_, _, err := Load[seenMark](ctx, g.opts.Store, scope, KindSeen, r.Key)
	if KindOf(err) == NotFound && err != nil {
		return false, nil
	}
	return err == nil, err
}

// load returns a record as this transaction sees it, or NotFound.
func load[T any](tx *transaction, kind RecordKind, id string) (T, error) {
	value, found, err := find[T](tx, kind, id)
	if err == nil && !found {
		err = &Error{Kind: NotFound, Message: "There is no such " + string(kind) + ".", Err: fmt.Errorf("%s/%s not found", kind, id)}
	}
	return value, err
}

// find is load for a record that may be missing.
func find[T any](tx *transaction, kind RecordKind, id string) (T, bool, error) {
	var value T
	key := recordKey{kind, id}
	got, ok := tx.read[key]
	if !ok {
		record, err := tx.engine.opts.Store.Get(tx.ctx, tx.scope, kind, id)
		if err != nil && KindOf(err) != NotFound {
			return value, false, err
		}
		got = loaded{version: record.Version, data: record.Data}
		tx.read[key] = got
	}
	if got.data == nil {
		return value, false, nil
	}
	value, err := Decode[T](Record{Kind: kind, ID: id, Data: got.data})
	return value, err == nil, err
}

// prefetch reads records that the step will look at one by one, in one call.
func (tx *transaction) prefetch(kind RecordKind, ids []string) error {
	missing := make([]string, 0, len(ids))
	for _, id := range ids {
		key := recordKey{kind, id}
		if _, ok := tx.read[key]; !ok {
			tx.read[key] = loaded{} // until it is found
			missing = append(missing, id)
		}
	}
	for chunk := range slices.Chunk(missing, MaxChangeRecords) {
		records, err := tx.engine.opts.Store.GetMany(tx.ctx, tx.scope, kind, chunk)
		if err != nil {
			return err
		}
		for _, r := range records {
			tx.read[recordKey{kind, r.ID}] = loaded{version: r.Version, data: r.Data}
		}
	}
	return nil
}

// suppose takes records that were not read yet for missing, without looking. The
// step must write each that it asks for, so that its commit finds out; after that
// Conflict it has to look.
func (tx *transaction) suppose(kind RecordKind, ids ...string) {
	for _, id := range ids {
		key := recordKey{kind, id}
		if _, ok := tx.read[key]; !ok {
			tx.read[key] = loaded{}
		}
	}
}

// save writes a record when the transaction commits. What was not loaded before
// must not exist.
func save[T any](tx *transaction, kind RecordKind, id string, value T) error {
	record, err := Put(kind, id, 0, value)
	if err != nil {
		return err
	}
	key := recordKey{kind, id}
	tx.read[key] = loaded{version: tx.read[key].version, data: record.Data, dirty: true}
	return nil
}

// remove takes a record out when the transaction commits.
func (tx *transaction) remove(kind RecordKind, id string) {
	key := recordKey{kind, id}
	tx.read[key] = loaded{version: tx.read[key].version, dirty: true}
}

// count changes a counter.
func (tx *transaction) count(name string, by int64) { tx.counts[name] += by }

// due adds work.
func (tx *transaction) due(d DueEntry) {
	if i, ok := tx.dueAt[d.ID]; ok {
		if d.At.Before(tx.change.Due[i].At) {
			tx.change.Due[i].At = d.At
		}
		return
	}
	tx.dueAt[d.ID] = len(tx.change.Due)
	tx.change.Due = append(tx.change.Due, d)
}

// index adds a row to an index, or takes it out.
func (tx *transaction) index(e IndexEntry) {
	if !tx.indexed[e] {
		tx.indexed[e] = true
		tx.change.Index = append(tx.change.Index, e)
	}
}

// finish ends the lease under which this step runs.
func (tx *transaction) finish(c Claimed, retryAt time.Time) {
	tx.change.Finish = append(tx.change.Finish, Finish{ID: c.ID, Token: c.Token, RetryAt: retryAt})
}

// audit records what this step did. The reason is free text from people: it is
// kept beside the log, which holds only a commitment to it.
func (tx *transaction) audit(action, subject, before, after, reason string) error {
	record := AuditRecord{At: tx.now, Action: action, Subject: subject, Before: before, After: after, Request: tx.request.Key}
	actor, err := tx.engine.pseudonyms.of(tx.ctx, tx.engine.opts.Store, tx.request.Actor)
	if err != nil {
		return err
	}
	record.Actor = actor
	if reason != "" {
		note := Note{Salt: rand.Text(), Text: reason, By: tx.request.Actor}
		record.Reason = note.Commitment()
		if err := save(tx, KindNote, record.Reason, note); err != nil {
			return err
		}
	}
	tx.change.Audit = append(tx.change.Audit, record)
	return nil
}

// effect plans something outgoing. An effect with this ID that exists already
// stays as it is, so that planning twice sends once.
func (tx *transaction) effect(e Effect, payload any) error {
	if _, found, err := find[Effect](tx, KindEffect, e.ID); err != nil || found {
		return err
	}
	if payload != nil {
		data, err := json.Marshal(payload)
		if err != nil {
			return fmt.Errorf("encode payload of %s: %w", e.ID, err)
		}
		e.Payload = data
	}
	e.Status, e.CreatedAt = EffectPending, tx.now
	if act := tx.engine.effects[e.Kind]; act.lookUp != nil && !act.ensures {
		e.Began = tx.began
	}
	if err := save(tx, KindEffect, e.ID, e); err != nil {
		return err
	}
	tx.index(IndexEntry{Name: indexOpenEffects, ID: e.ID})
	if !e.Waits {
		tx.due(DueEntry{ID: e.dueID(), Lane: e.Lane, Serial: e.Serial, At: latest(tx.now, e.NotBefore)})
	}
	return nil
}

func (tx *transaction) commit() error {
	keys := slices.SortedFunc(maps.Keys(tx.read), func(a, b recordKey) int {
		return compareStrings(string(a.kind), string(b.kind), a.id, b.id)
	})
	for _, key := range keys {
		if got := tx.read[key]; got.dirty {
			tx.change.Records = append(tx.change.Records, Record{Kind: key.kind, ID: key.id, Version: got.version, Data: got.data})
		}
	}
	for _, name := range sortedKeys(tx.counts) {
		if tx.counts[name] != 0 {
			tx.change.Count = append(tx.change.Count, CounterDelta{Name: name, By: tx.counts[name]})
		}
	}
	if len(tx.change.Audit) > 0 {
		tx.due(DueEntry{ID: sealDue, Lane: Interactive, At: tx.now.Add(tx.engine.opts.Work.Seal)})
	}
	return tx.engine.opts.Store.Apply(tx.ctx, tx.change)
}

// size returns how much of a Change's bound is used up.
func (tx *transaction) size() int {
	n := len(tx.change.Index) + len(tx.change.Due) + len(tx.change.Finish) + len(tx.change.Audit) + 1 // and the sealing
	for _, got := range tx.read {
		if got.dirty {
			n++
		}
	}
	return n
}

const indexOpenEffects = "effect_open"

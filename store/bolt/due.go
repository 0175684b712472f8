package bolt

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/store"
)

// entry is the state of a due entry. It is in one of three places:
//
//	in the waiting bucket     when it can be claimed once its time has come
//	in the leases bucket      while its lease runs
//	behind its serial's head  in the serials bucket alone
//
// An entry with a serial has its row in the serials bucket in all three. One
// whose lease ran out moves to the waiting bucket and keeps its token until it
// is claimed again.
type entry struct {
	scope campaign.Scope
	id    string

	Seq      uint64        `json:"q"` // its place: unique and rising
	At       int64         `json:"a"` // milliseconds
	Lane     campaign.Lane `json:"l,omitempty"`
	Serial   string        `json:"s,omitempty"`
	Attempts int           `json:"n,omitempty"`

	Token   string `json:"t,omitempty"` // of the lease, also of one that ran out
	Until   uint64 `json:"u,omitempty"` // when the lease ends, in ns since Open; 0 when it ran out
	Expired bool   `json:"x,omitempty"` // the lease ran out

	Again *again `json:"g,omitempty"` // it was added while leased
}

type again struct {
	Seq uint64 `json:"q"`
	At  int64  `json:"a"`
}

func (e *entry) leased() bool { return e.Token != "" }

func (e *entry) ref() []byte { return append(store.Key(e.scope), e.id...) }

func (e *entry) serialPrefix() []byte { return store.Key(string(e.scope), e.Serial) }

func (e *entry) serialKey() []byte {
	return binary.BigEndian.AppendUint64(e.serialPrefix(), e.Seq)
}

func (e *entry) leaseKey() []byte {
	return binary.BigEndian.AppendUint64(be64(e.Until), e.Seq)
}

// waitingKey sorts interactive entries of all scopes by time, and bulk ones by
// scope and then by time, which is what claiming in turn needs.
func (e *entry) waitingKey() []byte {
	key := []byte{byte(e.Lane)}
	if e.Lane == campaign.Bulk {
		key = store.AppendPart(key, e.scope)
	}
	key = append(key, sortable(e.At)...)
	return binary.BigEndian.AppendUint64(key, e.Seq)
}

// sortable returns milliseconds, before 1970 too, so that rows sort by them.
func sortable(ms int64) []byte { return be64(uint64(ms) ^ 1<<63) }

func unsortable(b []byte) int64 { return int64(binary.BigEndian.Uint64(b) ^ 1<<63) }

// fromMillis is the inverse of time.Time.UnixMilli, in UTC.
func fromMillis(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

// entry returns an entry, nil when there is none.
func (t *txn) entry(scope campaign.Scope, id string) (*entry, error) {
	e := &entry{scope: scope, id: id}
	value := t.due.Get(e.ref())
	if value == nil {
		return nil, nil
	}
	if err := json.Unmarshal(value, e); err != nil {
		return nil, fmt.Errorf("read due entry %s/%s: %w", scope, id, err)
	}
	return e, nil
}

// entryAt returns the entry that a row of another bucket refers to.
func (t *txn) entryAt(ref []byte) (*entry, error) {
	scope, id, err := store.CutPart(ref)
	if err != nil {
		return nil, err
	}
	e, err := t.entry(campaign.Scope(scope), string(id))
	if err == nil && e == nil {
		err = fmt.Errorf("read due entry %s/%s: it is not there", scope, id)
	}
	return e, err
}

func (t *txn) save(e *entry) error {
	value, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("encode due entry %s/%s: %w", e.scope, e.id, err)
	}
	return t.put(t.due, e.ref(), value)
}

func (t *txn) nextSeq() (uint64, error) {
	t.writes++
	seq, err := t.due.NextSequence()
	if err != nil {
		return 0, fmt.Errorf("number due entry: %w", err)
	}
	return seq, nil
}

// head returns the reference to the head of e's serial, nil when it is empty.
func (t *txn) head(e *entry) []byte {
	for _, ref := range rows(t.serials, e.serialPrefix(), nil) {
		return ref
	}
	return nil
}

// promote makes the head of e's serial one that can be claimed, unless it is
// leased.
func (t *txn) promote(e *entry) error {
	ref := t.head(e)
	if ref == nil {
		return nil
	}
	head, err := t.entryAt(slices.Clone(ref))
	if err != nil || head.leased() {
		return err
	}
	return t.wait(head)
}

// wait makes an entry one that can be claimed when its time has come.
func (t *txn) wait(e *entry) error { return t.put(t.waiting, e.waitingKey(), e.ref()) }

func (t *txn) add(scope campaign.Scope, d campaign.DueEntry) error {
	e, err := t.entry(scope, d.ID)
	at := d.At.UnixMilli()
	switch {
	case err != nil:
		return err
	case e == nil:
		return t.addNew(&entry{scope: scope, id: d.ID, At: at, Lane: d.Lane, Serial: d.Serial})
	case d.Restore:
		return nil
	case e.leased():
		return t.addAgain(e, at)
	case at >= e.At:
		return nil
	}
	old := e.waitingKey()
	e.At = at
	if t.waiting.Get(old) != nil {
		if err := t.del(t.waiting, old); err != nil {
			return err
		}
		if err := t.wait(e); err != nil {
			return err
		}
	}
	return t.save(e)
}

func (t *txn) addNew(e *entry) error {
	seq, err := t.nextSeq()
	if err != nil {
		return err
	}
	e.Seq = seq
	first := true
	if e.Serial != "" {
		first = t.head(e) == nil
		if err := t.put(t.serials, e.serialKey(), e.ref()); err != nil {
			return err
		}
	}
	if first {
		if err := t.wait(e); err != nil {
			return err
		}
	}
	return t.save(e)
}

func (t *txn) addAgain(e *entry, at int64) error {
	if e.Again == nil {
		seq, err := t.nextSeq()
		if err != nil {
			return err
		}
		e.Again = &again{Seq: seq, At: at}
	}
	e.Again.At = min(e.Again.At, at)
	return t.save(e)
}

func (t *txn) remove(scope campaign.Scope, id string) error {
	e, err := t.entry(scope, id)
	switch {
	case err != nil || e == nil:
		return err
	case e.leased():
		e.Again = nil
		return t.save(e)
	}
	if err := t.del(t.waiting, e.waitingKey()); err != nil {
		return err
	}
	return t.drop(e)
}

// drop forgets an entry that is in neither the waiting nor the leases bucket.
func (t *txn) drop(e *entry) error {
	if err := t.del(t.due, e.ref()); err != nil {
		return err
	}
	if e.Serial == "" {
		return nil
	}
	if err := t.del(t.serials, e.serialKey()); err != nil {
		return err
	}
	return t.promote(e)
}

// finish ends a lease that was checked.
func (t *txn) finish(scope campaign.Scope, f campaign.Finish) error {
	e, err := t.entry(scope, f.ID)
	if err != nil {
		return err
	}
	if e.Until != 0 {
		err = t.del(t.leases, e.leaseKey())
	} else {
		err = t.del(t.waiting, e.waitingKey())
	}
	if err != nil {
		return err
	}
	next := e.Again
	e.Token, e.Until, e.Expired, e.Again = "", 0, false, nil
	if f.RetryAt.IsZero() {
		return t.finishDone(e, next)
	}
	e.At = f.RetryAt.UnixMilli()
	if next != nil {
		e.At = min(e.At, next.At)
	}
	if err := t.wait(e); err != nil {
		return err
	}
	return t.save(e)
}

// finishDone forgets e, or puts it back in the place that it got when it was
// added again. Nothing else of its serial waits yet: e was the head.
func (t *txn) finishDone(e *entry, next *again) error {
	if next == nil {
		return t.drop(e)
	}
	old := e.serialKey()
	e.Seq, e.At, e.Attempts = next.Seq, next.At, 0
	if err := t.save(e); err != nil {
		return err
	}
	if e.Serial == "" {
		return t.wait(e)
	}
	if err := t.del(t.serials, old); err != nil {
		return err
	}
	if err := t.put(t.serials, e.serialKey(), e.ref()); err != nil {
		return err
	}
	return t.promote(e)
}

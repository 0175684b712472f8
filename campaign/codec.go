package campaign

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"strconv"
)

// ReadApplier is what reading, changing and writing back needs of a Store.
type ReadApplier interface {
	Reader
	Applier
}

// Versioned is implemented by a value whose stored form has changed: it returns
// the version of the schema that it is written in. Types without it are at 1.
// What was written at the version before is read too; json.Unmarshaler is the
// place for a field whose meaning changed.
type Versioned interface{ SchemaVersion() int }

// envelope is the stored form of every record.
type envelope[T any] struct {
	V int `json:"v"`
	D T   `json:"d"`
}

func schemaOf[T any]() int {
	if v, ok := any(*new(T)).(Versioned); ok {
		return v.SchemaVersion()
	}
	return 1
}

// Compressed is implemented by a value that is stored compressed: large, and
// seldom read.
type Compressed interface{ StoredCompressed() }

// Put returns the record that stores value under kind and id. version is the
// one that the value was read at, 0 for a new one.
func Put[T any](kind RecordKind, id string, version uint64, value T) (Record, error) {
	data, err := json.Marshal(envelope[T]{V: schemaOf[T](), D: value})
	if err != nil {
		return Record{}, fmt.Errorf("encode %s/%s: %w", kind, id, err)
	}
	if _, ok := any(value).(Compressed); ok {
		if data, err = compress(data); err != nil {
			return Record{}, fmt.Errorf("encode %s/%s: %w", kind, id, err)
		}
	}
	return Record{Kind: kind, ID: id, Version: version, Data: data}, nil
}

// Decode returns the value of a record. A record of a schema that this program
// does not read is an Internal error.
func Decode[T any](r Record) (T, error) {
	var value T
	data, err := decompressed(r.Data)
	if err != nil {
		return value, fmt.Errorf("decode %s/%s: %w", r.Kind, r.ID, err)
	}
	version, body, ok := openEnvelope(data)
	if !ok {
		var head envelope[json.RawMessage]
		if err := json.Unmarshal(data, &head); err != nil {
			return value, fmt.Errorf("decode %s/%s: %w", r.Kind, r.ID, err)
		}
		version, body = head.V, head.D
	}
	if want := schemaOf[T](); version != want && version != want-1 || version < 1 {
		return value, fmt.Errorf("decode %s/%s: it has schema version %d, this program reads %d and the one before", r.Kind, r.ID, version, want)
	}
	if err := json.Unmarshal(body, &value); err != nil {
		return *new(T), fmt.Errorf("decode %s/%s: %w", r.Kind, r.ID, err)
	}
	return value, nil
}

// openEnvelope takes an envelope apart as Put writes it, without reading all of it
// twice; false when somebody else wrote it.
func openEnvelope(data []byte) (version int, body []byte, ok bool) {
	rest, ok := bytes.CutPrefix(data, []byte(`{"v":`))
	if !ok {
		return 0, nil, false
	}
	number, body, ok := bytes.Cut(rest, []byte(`,"d":`))
	if !ok || len(number) > 4 || !bytes.HasSuffix(body, []byte("}")) {
		return 0, nil, false
	}
	version, err := strconv.Atoi(string(number))
	return version, body[:len(body)-1], err == nil
}

// Load returns a stored value and the version it is at, or NotFound.
func Load[T any](ctx context.Context, r Reader, scope Scope, kind RecordKind, id string) (T, uint64, error) {
	rec, err := r.Get(ctx, scope, kind, id)
	if err != nil {
		return *new(T), 0, err
	}
	value, err := Decode[T](rec)
	return value, rec.Version, err
}

// Stored is a value with what it was stored under.
type Stored[T any] struct {
	ID      string
	Version uint64
	Value   T
}

// LoadMany returns those of the values that exist, in the order of ids.
func LoadMany[T any](ctx context.Context, r Reader, scope Scope, kind RecordKind, ids []string) ([]Stored[T], error) {
	records, err := r.GetMany(ctx, scope, kind, ids)
	if err != nil {
		return nil, err
	}
	found := make([]Stored[T], len(records))
	for i, rec := range records {
		value, err := Decode[T](rec)
		if err != nil {
			return nil, err
		}
		found[i] = Stored[T]{ID: rec.ID, Version: rec.Version, Value: value}
	}
	return found, nil
}

// valuesOf returns the values alone.
func valuesOf[T any](stored []Stored[T]) []T {
	values := make([]T, len(stored))
	for i, s := range stored {
		values[i] = s.Value
	}
	return values
}

// LoadAll yields all values of a kind in byte order of their IDs, read page by
// page, so that it sees those that are written meanwhile or does not. It ends
// after the first error.
func LoadAll[T any](ctx context.Context, r Reader, scope Scope, kind RecordKind) iter.Seq2[Stored[T], error] {
	return func(yield func(Stored[T], error) bool) {
		for after := ""; ; {
			page, err := r.List(ctx, scope, kind, after, 0)
			if err != nil {
				yield(Stored[T]{}, err)
				return
			}
			for _, rec := range page {
				value, err := Decode[T](rec)
				if !yield(Stored[T]{ID: rec.ID, Version: rec.Version, Value: value}, err) || err != nil {
					return
				}
				after = rec.ID
			}
			if len(page) == 0 {
				return
			}
		}
	}
}

// Update reads a value, lets edit change it in place and add to the Change
// what goes with it (audit records, index rows, counters, work), and applies
// both as one. When another writer was faster it reads again; so edit may run
// twice, each time with a fresh value and an empty Change of the scope, and must
// do nothing else. An error of edit is returned as it is and nothing is stored.
// An edit that changes nothing writes nothing. Update returns what is stored.
func Update[T any](ctx context.Context, s ReadApplier, scope Scope, kind RecordKind, id string, edit func(value *T, c *Change) error) (T, error) {
	return updateRecord(ctx, s, scope, Record{Kind: kind, ID: id}, false, edit)
}

// Upsert is Update for a value that may not exist yet: edit then gets the zero
// value, which is stored even when edit leaves it so.
func Upsert[T any](ctx context.Context, s ReadApplier, scope Scope, kind RecordKind, id string, edit func(value *T, c *Change) error) (T, error) {
	return updateRecord(ctx, s, scope, Record{Kind: kind, ID: id}, true, edit)
}

func updateRecord[T any](ctx context.Context, s ReadApplier, scope Scope, fresh Record, create bool, edit func(*T, *Change) error) (T, error) {
	var value T
	var refused error // by edit: a Conflict of its own is not one of versions, and not retried
	err := Retrying(ctx, func() error {
		rec, err := s.Get(ctx, scope, fresh.Kind, fresh.ID)
		if create && KindOf(err) == NotFound {
			rec, err = fresh, nil
		}
		if err != nil {
			return err
		}
		var c Change
		if value, c, refused = editRecord(scope, rec, edit); refused != nil || c.empty() {
			return nil
		}
		return s.Apply(ctx, c)
	})
	if err = cmp.Or(refused, err); err != nil {
		return *new(T), err
	}
	return value, nil
}

// editRecord runs edit once and returns what it made of the value and what is
// to be written.
func editRecord[T any](scope Scope, rec Record, edit func(*T, *Change) error) (T, Change, error) {
	var value T
	c := Change{Scope: scope}
	if rec.Version > 0 {
		var err error
		if value, err = Decode[T](rec); err != nil {
			return value, c, err
		}
	}
	if err := edit(&value, &c); err != nil {
		return value, c, err
	}
	next, err := Put(rec.Kind, rec.ID, rec.Version, value)
	if err == nil && !bytes.Equal(next.Data, rec.Data) {
		c.Records = append(c.Records, next)
	}
	return value, c, err
}

func (c Change) empty() bool {
	return len(c.Records)+len(c.Index)+len(c.Count)+len(c.Due)+len(c.Finish)+len(c.Audit) == 0
}

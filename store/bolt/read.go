package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/store"
)

// view runs fn on the latest committed state.
func (s *Store) view(ctx context.Context, fn func(*txn) error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	err := s.db.View(func(tx *bbolt.Tx) error { return fn(newTxn(tx)) })
	if errors.Is(err, berrors.ErrDatabaseNotOpen) {
		return store.Closed()
	}
	return err
}

// rows yields the rows whose key starts with prefix, without it, from the key
// prefix+from on. They live as long as the transaction.
func rows(b *bbolt.Bucket, prefix, from []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		c := b.Cursor()
		start := append(slices.Clone(prefix), from...)
		for k, v := c.Seek(start); k != nil && bytes.HasPrefix(k, prefix); k, v = c.Next() {
			if !yield(k[len(prefix):], v) {
				return
			}
		}
	}
}

// Get implements campaign.Reader.
func (s *Store) Get(ctx context.Context, scope campaign.Scope, kind campaign.RecordKind, id string) (campaign.Record, error) {
	found, err := s.GetMany(ctx, scope, kind, []string{id})
	if err != nil {
		return campaign.Record{}, err
	}
	if len(found) == 0 {
		return campaign.Record{}, store.MissingRecord(scope, kind, id)
	}
	return found[0], nil
}

// GetMany implements campaign.Reader.
func (s *Store) GetMany(ctx context.Context, scope campaign.Scope, kind campaign.RecordKind, ids []string) ([]campaign.Record, error) {
	out := make([]campaign.Record, 0, len(ids))
	err := s.view(ctx, func(t *txn) error {
		for _, id := range ids {
			value := t.records.Get(recordKey(scope, kind, id))
			if value == nil {
				continue
			}
			r, err := record(kind, id, value)
			if err != nil {
				return fmt.Errorf("read %s/%s/%s: %w", scope, kind, id, err)
			}
			out = append(out, r)
		}
		return nil
	})
	return out, err
}

// List implements campaign.Reader.
func (s *Store) List(ctx context.Context, scope campaign.Scope, kind campaign.RecordKind, after string, limit int) ([]campaign.Record, error) {
	var out []campaign.Record
	limit = store.Limit(limit)
	err := s.view(ctx, func(t *txn) error {
		for id, value := range rows(t.records, store.Key(string(scope), string(kind)), []byte(after)) {
			if string(id) == after {
				continue
			}
			if len(out) == limit {
				break
			}
			r, err := record(kind, string(id), value)
			if err != nil {
				return fmt.Errorf("list %s/%s at %s: %w", scope, kind, id, err)
			}
			out = append(out, r)
		}
		return nil
	})
	return out, err
}

func record(kind campaign.RecordKind, id string, value []byte) (campaign.Record, error) {
	version, data, err := store.DecodeRecord(value)
	return campaign.Record{Kind: kind, ID: id, Version: version, Data: bytes.Clone(data)}, err
}

// Index implements campaign.Reader.
func (s *Store) Index(ctx context.Context, scope campaign.Scope, name, prefix string, after campaign.IndexHit, limit int) ([]campaign.IndexHit, error) {
	var out []campaign.IndexHit
	limit = store.Limit(limit)
	base := store.Key(string(scope), name)
	open := store.AppendOpen(slices.Clone(base), prefix)
	last := store.IndexRow(after)
	var from []byte
	if start := append(slices.Clone(base), last...); bytes.HasPrefix(start, open) {
		from = start[len(open):]
	} else if bytes.Compare(start, open) > 0 {
		return nil, nil // after is past all that start with prefix
	}
	err := s.view(ctx, func(t *txn) error {
		for tail := range rows(t.index, open, from) {
			row := slices.Concat(open[len(base):], tail)
			if bytes.Equal(row, last) {
				continue
			}
			if len(out) == limit {
				break
			}
			hit, err := store.ParseIndexRow(row)
			if err != nil {
				return fmt.Errorf("read index %s of %s: %w", name, scope, err)
			}
			out = append(out, hit)
		}
		return nil
	})
	return out, err
}

// Counters implements campaign.Reader.
func (s *Store) Counters(ctx context.Context, scope campaign.Scope, prefix string) (map[string]int64, error) {
	out := map[string]int64{}
	err := s.view(ctx, func(t *txn) error {
		for tail, value := range rows(t.counters, append(store.Key(scope), prefix...), nil) {
			if len(value) != 8 {
				return fmt.Errorf("read counter %s%s of %s: %d bytes", prefix, tail, scope, len(value))
			}
			out[prefix+string(tail)] = int64(binary.BigEndian.Uint64(value))
		}
		return nil
	})
	return out, err
}

// Audit implements campaign.Reader.
func (s *Store) Audit(ctx context.Context, scope campaign.Scope, after uint64, limit int) ([]campaign.AuditRecord, error) {
	var out []campaign.AuditRecord
	limit = store.Limit(limit)
	if after == math.MaxUint64 {
		return nil, nil
	}
	err := s.view(ctx, func(t *txn) error {
		for key, value := range rows(t.audit, store.Key(scope), be64(after+1)) {
			if len(out) == limit {
				break
			}
			rec, err := store.DecodeAudit(binary.BigEndian.Uint64(key), value)
			if err != nil {
				return err
			}
			out = append(out, rec)
		}
		return nil
	})
	return out, err
}

// Scopes implements campaign.Reader.
func (s *Store) Scopes(ctx context.Context) ([]campaign.Scope, error) {
	var out []campaign.Scope
	err := s.view(ctx, func(t *txn) error {
		for key := range rows(t.scopes, nil, nil) {
			scope, _, err := store.CutPart(key)
			if err != nil {
				return err
			}
			out = append(out, campaign.Scope(scope))
		}
		return nil
	})
	return out, err
}

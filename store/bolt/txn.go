package bolt

import (
	"encoding/binary"
	"fmt"

	"go.etcd.io/bbolt"

	"github.com/musterbot/muster/store"
)

// txn is a bbolt transaction with the buckets of a store.
type txn struct {
	scopes, records, index, counters, audit *bbolt.Bucket
	due, serials, leases, waiting           *bbolt.Bucket

	writes int  // so many rows were written, in vain ones included
	woke   bool // due entries were changed
}

func newTxn(tx *bbolt.Tx) *txn {
	bucket := func(name string) *bbolt.Bucket {
		b := tx.Bucket([]byte(name))
		b.FillPercent = fill(name)
		return b
	}
	return &txn{
		scopes: bucket(store.Scopes), records: bucket(store.Records), index: bucket(store.Index),
		counters: bucket(store.Counters), audit: bucket(store.Audit),
		due: bucket(store.Due), serials: bucket(store.Serials), leases: bucket(store.Leases), waiting: bucket(store.Waiting),
	}
}

// fill is how full bbolt makes the pages that it splits. The audit log only
// grows at its ends.
func fill(bucket string) float64 {
	if bucket == store.Audit {
		return 0.9
	}
	return bbolt.DefaultFillPercent
}

func (t *txn) put(b *bbolt.Bucket, key, value []byte) error {
	t.writes++
	if err := b.Put(key, value); err != nil {
		return fmt.Errorf("put %d bytes under a key of %d: %w", len(value), len(key), err)
	}
	return nil
}

func (t *txn) del(b *bbolt.Bucket, key []byte) error {
	t.writes++
	if err := b.Delete(key); err != nil {
		return fmt.Errorf("delete a key of %d bytes: %w", len(key), err)
	}
	return nil
}

// number reads a row that is a number, 0 when it is not there.
func number(b *bbolt.Bucket, key []byte) uint64 {
	if v := b.Get(key); len(v) == 8 {
		return binary.BigEndian.Uint64(v)
	}
	return 0
}

// be64 returns a number so that rows sort by it.
func be64(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

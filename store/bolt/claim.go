package bolt

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"go.etcd.io/bbolt"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/store"
)

// errEnough ends a claim that has all it asked for.
var errEnough = errors.New("enough")

// Claim implements campaign.Claimer. What it hands out costs one commit; to
// find nothing costs none, so polling is cheap.
func (s *Store) Claim(ctx context.Context, r campaign.ClaimRequest) (campaign.Claims, error) {
	if r.N < 1 || r.Lease <= 0 {
		return campaign.Claims{}, store.BadClaim(r)
	}
	r.N = min(r.N, campaign.MaxChangeRecords)
	if r.Lanes == nil {
		r.Lanes = []campaign.Lane{campaign.Interactive, campaign.Bulk}
	}
	var out campaign.Claims
	found := false
	err := s.view(ctx, func(t *txn) error {
		out.Next = t.next(r.Lanes)
		found = t.hasExpired(s.elapsed()) || !out.Next.IsZero() && !out.Next.After(r.Now)
		return nil
	})
	if err != nil || !found {
		return out, err
	}
	err = s.writer.do(ctx, 4*r.N, func(t *txn) error {
		c := claim{txn: t, request: r, now: r.Now.UnixMilli(), until: s.elapsed() + uint64(r.Lease), rotation: &s.rotation}
		if err := c.run(s.elapsed()); err != nil {
			return err
		}
		out = campaign.Claims{Entries: c.entries, Next: t.next(r.Lanes)}
		return nil
	})
	if err != nil {
		return campaign.Claims{}, err
	}
	return out, nil
}

// elapsed is the time on which leases are measured. It starts anew with each
// process, which is right, since none of the leases before can be held.
func (s *Store) elapsed() uint64 { return uint64(time.Since(s.opened)) + 1 }

// claim is one Claim inside its transaction.
type claim struct {
	*txn

	request  campaign.ClaimRequest
	now      int64
	until    uint64
	rotation *campaign.Scope
	entries  []campaign.Claimed
}

func (c *claim) run(elapsed uint64) error {
	if err := c.expire(elapsed); err != nil {
		return err
	}
	for _, lane := range []campaign.Lane{campaign.Interactive, campaign.Bulk} {
		if !slices.Contains(c.request.Lanes, lane) {
			continue
		}
		take := c.takeInteractive
		if lane == campaign.Bulk {
			take = c.takeBulk
		}
		if err := take(); err != nil {
			if errors.Is(err, errEnough) {
				return nil
			}
			return err
		}
	}
	return nil
}

func (c *claim) takeInteractive() error {
	prefix := []byte{byte(campaign.Interactive)}
	for {
		key, ref := first(c.waiting, prefix)
		if key == nil || unsortable(key[1:]) > c.now {
			return nil
		}
		if err := c.lease(ref); err != nil {
			return err
		}
	}
}

// takeBulk takes one entry of each scope in turn, beginning behind the scope
// that was served last, until none has any.
func (c *claim) takeBulk() error {
	for taken := true; taken; {
		taken = false
		for head := range bulkHeads(c.waiting, *c.rotation) {
			if head.at > c.now {
				continue
			}
			taken = true
			*c.rotation = head.scope
			if err := c.lease(head.ref); err != nil {
				return err
			}
		}
	}
	return nil
}

// lease hands out the entry at ref, or ends the claim when it is full.
func (c *claim) lease(ref []byte) error {
	e, err := c.entryAt(ref)
	if err != nil {
		return err
	}
	if err := c.del(c.waiting, e.waitingKey()); err != nil {
		return err
	}
	c.entries = append(c.entries, campaign.Claimed{
		Scope: e.scope, ID: e.id, Lane: e.Lane, Serial: e.Serial, At: fromMillis(e.At),
		Token: rand.Text(), Attempts: e.Attempts, Expired: e.Expired,
	})
	e.Token, e.Until, e.Expired = c.entries[len(c.entries)-1].Token, c.until, false
	e.Attempts++
	if err := c.put(c.leases, e.leaseKey(), e.ref()); err != nil {
		return err
	}
	if err := c.save(e); err != nil {
		return err
	}
	if len(c.entries) == c.request.N {
		return errEnough
	}
	return nil
}

// hasExpired reports whether a lease has run out.
func (t *txn) hasExpired(elapsed uint64) bool {
	key, _ := first(t.leases, nil)
	return key != nil && binary.BigEndian.Uint64(key) <= elapsed
}

// expire puts the entries whose lease ran out back to the waiting ones.
func (t *txn) expire(elapsed uint64) error {
	for {
		key, ref := first(t.leases, nil)
		if key == nil || binary.BigEndian.Uint64(key) > elapsed {
			return nil
		}
		e, err := t.entryAt(ref)
		if err != nil {
			return err
		}
		if err := t.del(t.leases, key); err != nil {
			return err
		}
		e.Until, e.Expired = 0, true
		if err := t.wait(e); err != nil {
			return err
		}
		if err := t.save(e); err != nil {
			return err
		}
	}
}

// expireAll ends all leases: whoever held them is gone.
func expireAll(tx *bbolt.Tx) error {
	if err := newTxn(tx).expire(1<<64 - 1); err != nil {
		return fmt.Errorf("expire leases: %w", err)
	}
	return nil
}

// next returns when the next entry that can be claimed falls due.
func (t *txn) next(lanes []campaign.Lane) time.Time {
	at, found := int64(0), false
	earlier := func(ms int64) {
		if !found || ms < at {
			at, found = ms, true
		}
	}
	if slices.Contains(lanes, campaign.Interactive) {
		if key, _ := first(t.waiting, []byte{byte(campaign.Interactive)}); key != nil {
			earlier(unsortable(key[1:]))
		}
	}
	if slices.Contains(lanes, campaign.Bulk) {
		for head := range bulkHeads(t.waiting, "") {
			earlier(head.at)
		}
	}
	if !found {
		return time.Time{}
	}
	return fromMillis(at)
}

// first returns copies of the first row whose key starts with prefix, with the
// whole key.
func first(b *bbolt.Bucket, prefix []byte) (key, value []byte) {
	k, v := b.Cursor().Seek(prefix)
	if !bytes.HasPrefix(k, prefix) {
		return nil, nil
	}
	return bytes.Clone(k), bytes.Clone(v)
}

// bulkHead is the bulk entry of a scope that falls due first.
type bulkHead struct {
	scope campaign.Scope
	at    int64
	ref   []byte
}

// bulkHeads yields the first waiting bulk entry of each scope once, beginning
// behind the scope after and coming round to it. It looks each up anew, so the
// bucket may change meanwhile.
func bulkHeads(waiting *bbolt.Bucket, after campaign.Scope) iter.Seq[bulkHead] {
	lane := []byte{byte(campaign.Bulk)}
	turn := store.After(store.AppendPart(slices.Clone(lane), after))
	return func(yield func(bulkHead) bool) {
		walk := func(from, to []byte) bool {
			for {
				k, v := waiting.Cursor().Seek(from)
				if k == nil || k[0] != lane[0] || to != nil && bytes.Compare(k, to) >= 0 {
					return true
				}
				prefix := k[:len(k)-16]
				scope, _, err := store.CutPart(prefix[1:])
				if err != nil {
					return true
				}
				head := bulkHead{scope: campaign.Scope(scope), at: unsortable(k[len(prefix):]), ref: bytes.Clone(v)}
				from = store.After(prefix)
				if !yield(head) {
					return false
				}
			}
		}
		if walk(turn, nil) {
			walk(lane, turn)
		}
	}
}

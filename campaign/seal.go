package campaign

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"iter"
	"strings"
	"time"
)

// Seal closes a batch of audit records of a scope. Its Hash is SHA-256, in hex,
// over these lines, each ended by "\n":
//
//	muster seal v1
//	<Prev: the hash of the seal before it, "" for the first>
//	<From> <To>
//	<each record from From to To, as canonical JSON>
//
// Canonical JSON is one object without spaces, its keys in the order of
// AuditRecord's fields, empty ones left out but for seq, at, actor, action and
// subject; times are RFC 3339 in UTC, cut to milliseconds, without trailing
// zeros; <, > and & are written as \u003c, \u003e and \u0026. `muster audit
// export` writes exactly these lines.
type Seal struct {
	From uint64    `json:"from"`
	To   uint64    `json:"to"`
	Hash string    `json:"hash"`
	Prev string    `json:"prev,omitempty"`
	At   time.Time `json:"at"`
}

// Anchor is the seal in short, for people to keep somewhere else: who rewrites
// the log and all its seals cannot rewrite the messages that carried this.
func (s Seal) Anchor() string {
	if s.Hash == "" {
		return ""
	}
	return fmt.Sprintf("%d:%s", s.To, s.Hash[:16])
}

const (
	sealPrefix = "seal/"
	// sealDue is the ID of the work that seals a scope.
	sealDue = sealPrefix + "tail"
	// sealHead is the ID of the record that repeats the newest seal.
	sealHead  = "head"
	sealBatch = 1000
)

func sealID(to uint64) string { return fmt.Sprintf("%020d", to) }

// sealer hashes the lines of one seal.
type sealer struct{ sum hash.Hash }

func newSealer(prev string, from, to uint64) sealer {
	s := sealer{sum: sha256.New()}
	fmt.Fprintf(s.sum, "muster seal v1\n%s\n%d %d\n", prev, from, to)
	return s
}

func (s sealer) add(r AuditRecord) error {
	line, err := r.canonical()
	s.sum.Write(line)
	s.sum.Write([]byte{'\n'})
	return err
}

func (s sealer) hash() string { return hex.EncodeToString(s.sum.Sum(nil)) }

// canonical returns the line that a seal covers.
func (r AuditRecord) canonical() ([]byte, error) {
	r.At = Stamp(r.At)
	line, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encode audit record %d: %w", r.Seq, err)
	}
	return line, nil
}

// seal hashes what has been logged since the newest seal, batch by batch. It is
// due work of a scope, so one process seals it at a time.
func (g *Engine) seal(ctx context.Context, c Claimed) error {
	for {
		more, err := g.sealOnce(ctx, c)
		if err != nil {
			return fmt.Errorf("seal %s: %w", c.Scope, err)
		}
		if !more {
			return nil
		}
	}
}

// sealOnce writes one seal, and ends the lease with the last one.
func (g *Engine) sealOnce(ctx context.Context, c Claimed) (more bool, err error) {
	err = Retrying(ctx, func() error {
		tx := g.begin(ctx, c.Scope, Request{})
		head, _, err := find[Seal](tx, KindSeal, sealHead)
		if err != nil {
			return err
		}
		records, err := g.opts.Store.Audit(ctx, c.Scope, head.To, sealBatch)
		if err != nil {
			return err
		}
		if more = len(records) == sealBatch; !more {
			tx.finish(c, time.Time{})
		}
		if len(records) == 0 {
			return tx.commit()
		}
		next, err := sealOver(head, records)
		if err != nil {
			return err
		}
		next.At = tx.now
		if err := save(tx, KindSeal, sealHead, next); err != nil {
			return err
		}
		if err := save(tx, KindSeal, sealID(next.To), next); err != nil {
			return err
		}
		return tx.commit()
	})
	return more, err
}

func sealOver(head Seal, records []AuditRecord) (Seal, error) {
	next := Seal{From: head.To + 1, To: records[len(records)-1].Seq, Prev: head.Hash}
	s := newSealer(next.Prev, next.From, next.To)
	for i, r := range records {
		if want := next.From + uint64(i); r.Seq != want {
			return next, fmt.Errorf("audit record %d follows %d", r.Seq, want-1)
		}
		if err := s.add(r); err != nil {
			return next, err
		}
	}
	next.Hash = s.hash()
	return next, nil
}

// auditPlace returns the newest sequence of a scope's log and the anchor of its
// newest seal.
func auditPlace(ctx context.Context, r Reader, scope Scope) (seq uint64, anchor string, err error) {
	head, _, err := Load[Seal](ctx, r, scope, KindSeal, sealHead)
	if err != nil && KindOf(err) != NotFound {
		return 0, "", fmt.Errorf("read newest seal: %w", err)
	}
	seq = head.To
	for record, err := range auditFrom(ctx, r, scope, head.To) {
		if err != nil {
			return 0, "", err
		}
		seq = record.Seq
	}
	return seq, head.Anchor(), nil
}

// auditFrom yields the records of a scope after a sequence. It ends after the
// first error.
func auditFrom(ctx context.Context, r Reader, scope Scope, after uint64) iter.Seq2[AuditRecord, error] {
	return func(yield func(AuditRecord, error) bool) {
		for {
			page, err := r.Audit(ctx, scope, after, sealBatch)
			if err != nil {
				yield(AuditRecord{}, fmt.Errorf("read audit log of %s: %w", scope, err))
				return
			}
			for _, record := range page {
				if !yield(record, nil) {
					return
				}
				after = max(after, record.Seq)
			}
			if len(page) < sealBatch {
				return
			}
		}
	}
}

// sealsOf yields the seals of a scope in order.
func sealsOf(ctx context.Context, r Reader, scope Scope) iter.Seq2[Seal, error] {
	return func(yield func(Seal, error) bool) {
		for stored, err := range LoadAll[Seal](ctx, r, scope, KindSeal) {
			if err == nil && stored.ID == sealHead {
				continue
			}
			if !yield(stored.Value, err) || err != nil {
				return
			}
		}
	}
}

// ExportAudit writes a scope's log as JSON lines: each record as the seals hash
// it, and after the last record of each seal a line {"seal":{...}}.
func ExportAudit(ctx context.Context, r Reader, scope Scope, w io.Writer) error {
	next, stop := iter.Pull2(sealsOf(ctx, r, scope))
	defer stop()
	seal, err, more := next()
	for record, readErr := range auditFrom(ctx, r, scope, 0) {
		if readErr != nil {
			return readErr
		}
		line, encodeErr := record.canonical()
		if encodeErr != nil {
			return encodeErr
		}
		for ; more && err == nil && seal.To <= record.Seq; seal, err, more = next() {
			data, encodeErr := json.Marshal(map[string]Seal{"seal": seal})
			if encodeErr != nil {
				return fmt.Errorf("encode seal %d: %w", seal.To, encodeErr)
			}
			line = bytes.Join([][]byte{line, data}, []byte{'\n'})
		}
		if err != nil {
			return fmt.Errorf("read seals of %s: %w", scope, err)
		}
		if _, err := w.Write(append(line, '\n')); err != nil {
			return fmt.Errorf("write audit log: %w", err)
		}
	}
	return nil
}

// hasAnchor returns whether an anchor is that of the seal.
func (s Seal) hasAnchor(anchor string) bool {
	to, hash, ok := strings.Cut(anchor, ":")
	return ok && to == fmt.Sprint(s.To) && len(hash) >= 8 && strings.HasPrefix(s.Hash, strings.ToLower(hash))
}

package bolt

import (
	"context"
	"encoding/binary"
	"slices"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/store"
)

// Apply implements campaign.Applier. What is applied at the same time is
// committed together.
func (s *Store) Apply(ctx context.Context, c campaign.Change) error {
	if err := c.Validate(); err != nil {
		return err
	}
	p, err := prepare(c)
	if err != nil {
		return err
	}
	weight := len(c.Records) + len(c.Index) + len(c.Count) + len(c.Due) + len(c.Finish) + len(c.Audit)
	return s.writer.do(ctx, weight+1, p.run)
}

// prepared is a change with its keys and values encoded, in the caller's
// goroutine, so that the writer's only looks up and puts.
type prepared struct {
	campaign.Change

	scope   []byte
	records []row
	index   [][]byte
	audit   [][]byte
}

type row struct{ key, value []byte }

func prepare(c campaign.Change) (*prepared, error) {
	p := &prepared{Change: c, scope: store.Key(c.Scope)}
	for _, r := range c.Records {
		p.records = append(p.records, row{
			key:   recordKey(c.Scope, r.Kind, r.ID),
			value: store.EncodeRecord(r.Version+1, r.Data),
		})
	}
	for _, e := range c.Index {
		key := store.AppendPart(slices.Clone(p.scope), e.Name)
		p.index = append(p.index, append(key, store.IndexRow(campaign.IndexHit{Key: e.Key, ID: e.ID})...))
	}
	for _, a := range c.Audit {
		value, err := store.EncodeAudit(a)
		if err != nil {
			return nil, err
		}
		p.audit = append(p.audit, value)
	}
	return p, nil
}

func (p *prepared) run(t *txn) error {
	if err := p.check(t); err != nil {
		return err
	}
	return p.write(t)
}

// check refuses the change, or finds that nothing but a failing disk can keep
// it from being written.
func (p *prepared) check(t *txn) error {
	for i, r := range p.Records {
		var stored uint64
		if value := t.records.Get(p.records[i].key); value != nil {
			var err error
			if stored, err = store.RecordVersion(value); err != nil {
				return err
			}
		}
		if stored != r.Version {
			return store.StaleVersion(p.Scope, r, stored)
		}
	}
	for _, f := range p.Finish {
		e, err := t.entry(p.Scope, f.ID)
		if err != nil {
			return err
		}
		if e == nil || !e.leased() || e.Token != f.Token {
			return store.LostLease(p.Scope, f.ID)
		}
	}
	return nil
}

func (p *prepared) write(t *txn) error {
	if t.scopes.Get(p.scope) == nil {
		if err := t.put(t.scopes, p.scope, be64(0)); err != nil {
			return err
		}
	}
	for i, r := range p.Records {
		var err error
		if len(r.Data) == 0 {
			err = t.del(t.records, p.records[i].key)
		} else {
			err = t.put(t.records, p.records[i].key, p.records[i].value)
		}
		if err != nil {
			return err
		}
	}
	if err := p.writeIndex(t); err != nil {
		return err
	}
	if err := p.writeAudit(t); err != nil {
		return err
	}
	return p.writeDue(t)
}

func (p *prepared) writeIndex(t *txn) error {
	for i, e := range p.Index {
		var err error
		if e.Remove {
			err = t.del(t.index, p.index[i])
		} else {
			err = t.put(t.index, p.index[i], nil)
		}
		if err != nil {
			return err
		}
	}
	for _, d := range p.Count {
		key := append(slices.Clone(p.scope), d.Name...)
		n := int64(number(t.counters, key)) + d.By
		var err error
		if n == 0 {
			err = t.del(t.counters, key)
		} else {
			err = t.put(t.counters, key, be64(uint64(n)))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *prepared) writeAudit(t *txn) error {
	if len(p.audit) == 0 {
		return nil
	}
	seq := number(t.scopes, p.scope)
	for _, value := range p.audit {
		seq++
		if err := t.put(t.audit, auditKey(p.scope, seq), value); err != nil {
			return err
		}
	}
	return t.put(t.scopes, p.scope, be64(seq))
}

func (p *prepared) writeDue(t *txn) error {
	if len(p.Finish)+len(p.Due) > 0 {
		t.woke = true
	}
	for _, f := range p.Finish {
		if err := t.finish(p.Scope, f); err != nil {
			return err
		}
	}
	for _, d := range p.Due {
		var err error
		if d.Remove {
			err = t.remove(p.Scope, d.ID)
		} else {
			err = t.add(p.Scope, d)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func recordKey(scope campaign.Scope, kind campaign.RecordKind, id string) []byte {
	return append(store.Key(string(scope), string(kind)), id...)
}

func auditKey(scope []byte, seq uint64) []byte {
	return binary.BigEndian.AppendUint64(slices.Clone(scope), seq)
}

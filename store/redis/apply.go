package redis

import (
	"cmp"
	"context"
	_ "embed"
	"fmt"
	"slices"
	"strconv"

	goredis "github.com/redis/go-redis/v9"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/store"
)

var (
	//go:embed due.lua
	dueLua string
	//go:embed apply.lua
	applyLua string

	applyScript = goredis.NewScript(dueLua + applyLua)
)

// Apply implements campaign.Applier. The whole change is one script. When the
// answer to it is lost, it is sent again under the same token, and the server
// carries it out only if it had not yet; so an error is Uncertain only when the
// server could not be asked any more.
func (s *Store) Apply(ctx context.Context, c campaign.Change) error {
	if err := c.Validate(); err != nil {
		return err
	}
	if err := s.usable(ctx); err != nil {
		return err
	}
	if err := s.register(ctx, c.Scope); err != nil {
		return err
	}
	slot, err := s.slots.take(ctx)
	if err != nil {
		return err
	}
	defer s.slots.give(slot)
	e, err := s.encode(c, slot)
	if err != nil {
		return err
	}
	leave, err := s.heavy.enter(ctx, c)
	if err != nil {
		return err
	}
	defer leave()
	var answer []string
	err = s.settle(ctx, "apply a change of "+string(c.Scope), func(ctx context.Context, _ bool) error {
		answer, err = applyScript.Run(ctx, s.client, e.keys, e.args...).StringSlice()
		return err
	})
	if err == nil {
		err = e.refusal(answer)
	}
	if kind := campaign.KindOf(err); len(c.Due)+len(c.Finish) > 0 && (err == nil || kind == campaign.Uncertain) {
		s.board.nudge(c.Scope)
		s.wake()
	}
	return err
}

// encoded is a change as apply.lua reads it.
type encoded struct {
	change campaign.Change
	order  []int // index of the record that has an ordinal in the script
	keys   []string
	args   []any
}

func (e *encoded) add(args ...any) { e.args = append(e.args, args...) }

func (s *Store) encode(c campaign.Change, slot *slot) (*encoded, error) {
	e := &encoded{change: c}
	e.keys = append(s.keys.due(c.Scope),
		s.keys.numbers(c.Scope), s.keys.tokens(c.Scope, s.instance), s.keys.counters(c.Scope), s.keys.audit(c.Scope))
	e.args = make([]any, 0, 16+5*len(c.Records)+2*len(c.Index)+2*len(c.Count)+4*len(c.Due)+3*len(c.Finish)+len(c.Audit))
	keep := ""
	if slot.refresh(c.Scope) {
		keep = "1"
	}
	slot.last++
	e.add(slot.name, slot.last, keep)

	byKind := grouped(len(c.Records), func(i int) string { return string(c.Records[i].Kind) })
	e.add(len(byKind))
	for _, g := range byKind {
		e.keys = append(e.keys, s.keys.records(c.Scope, campaign.RecordKind(g.name)))
		e.checks(g.members)
	}
	e.add(len(c.Finish))
	for _, f := range c.Finish {
		retry := ""
		if !f.RetryAt.IsZero() {
			retry = strconv.FormatInt(f.RetryAt.UnixMilli(), 10)
		}
		e.add(f.ID, f.Token, retry)
	}
	e.add(len(c.Count))
	for _, d := range c.Count {
		e.add(d.Name, d.By)
	}
	places := 0
	for _, d := range c.Due {
		if !d.Remove {
			places++
		}
	}
	e.add(places)
	for _, g := range byKind {
		e.values(g.members)
	}
	s.encodeIndex(e)
	if err := e.audit(); err != nil {
		return nil, err
	}
	e.due()
	if len(c.Due)+len(c.Finish) > 0 {
		e.add(s.keys.channel(), s.instance+string(c.Scope))
	} else {
		e.add("", "")
	}
	return e, nil
}

// checks adds which records must not be there yet, in the order of their keys, and
// which version others must have.
func (e *encoded) checks(members []int) {
	records := e.change.Records
	var fresh, known []int
	for _, i := range members {
		if records[i].Version == 0 {
			fresh = append(fresh, i)
		} else {
			known = append(known, i)
		}
	}
	slices.SortFunc(fresh, func(a, b int) int { return cmp.Compare(records[a].ID, records[b].ID) })
	e.order = append(append(e.order, fresh...), known...)
	e.add(len(fresh))
	for _, i := range fresh {
		e.add(recordPart(records[i].ID))
	}
	e.add(len(known))
	for _, i := range known {
		e.add(recordPart(records[i].ID), strconv.FormatUint(records[i].Version, 10)+"\n")
	}
}

// values adds what is stored of the records, with their scores.
func (e *encoded) values(members []int) {
	at, n := len(e.args), 0
	e.add(0)
	for _, i := range members {
		r := e.change.Records[i]
		if len(r.Data) == 0 {
			continue
		}
		n++
		member := store.AppendRecord(store.AppendPart(make([]byte, 0, len(r.ID)+len(r.Data)/2+8), r.ID), r.Version+1, r.Data)
		e.add("0", member)
	}
	e.args[at] = n
}

func (s *Store) encodeIndex(e *encoded) {
	rows := e.change.Index
	byName := grouped(len(rows), func(i int) string { return rows[i].Name })
	e.add(len(byName))
	for _, g := range byName {
		e.keys = append(e.keys, s.keys.index(e.change.Scope, g.name))
		var added, removed []any
		for _, i := range g.members {
			row := store.IndexRow(campaign.IndexHit{Key: rows[i].Key, ID: rows[i].ID})
			if rows[i].Remove {
				removed = append(removed, row)
			} else {
				added = append(added, "0", row)
			}
		}
		e.add(len(added) / 2)
		e.add(added...)
		e.add(len(removed))
		e.add(removed...)
	}
}

func (e *encoded) audit() error {
	e.add(len(e.change.Audit))
	for _, a := range e.change.Audit {
		value, err := store.EncodeAudit(a)
		if err != nil {
			return err
		}
		e.add(value)
	}
	return nil
}

func (e *encoded) due() {
	e.add(len(e.change.Due))
	for _, d := range e.change.Due {
		if d.Remove {
			e.add(d.ID, "", "", 0)
			continue
		}
		serial := ""
		if d.Serial != "" {
			serial = recordPart(d.Serial)
		}
		lane := int(d.Lane)
		if d.Restore {
			lane += 2 // see add_entry
		}
		e.add(d.ID, lane, serial, d.At.UnixMilli())
	}
}

// refusal is what the script's answer means.
func (e *encoded) refusal(answer []string) error {
	switch {
	case len(answer) == 1 && (answer[0] == "ok" || answer[0] == "done"):
		return nil
	case len(answer) == 3 && answer[0] == "version":
		ordinal, err := strconv.Atoi(answer[1])
		stored, err2 := strconv.ParseUint(answer[2], 10, 64)
		if err == nil && err2 == nil && ordinal >= 1 && ordinal <= len(e.order) {
			return store.StaleVersion(e.change.Scope, e.change.Records[e.order[ordinal-1]], stored)
		}
	case len(answer) == 2 && answer[0] == "lease":
		return store.LostLease(e.change.Scope, answer[1])
	}
	return fmt.Errorf("apply a change of %s: the script answered %q", e.change.Scope, answer)
}

// group is what has one name, by index.
type group struct {
	name    string
	members []int
}

// grouped sorts n things by name, in the order in which the names come first.
func grouped(n int, name func(i int) string) []group {
	var out []group
	for i := range n {
		name := name(i)
		at := slices.IndexFunc(out, func(g group) bool { return g.name == name })
		if at < 0 {
			at = len(out)
			out = append(out, group{name: name})
		}
		out[at].members = append(out[at].members, i)
	}
	return out
}

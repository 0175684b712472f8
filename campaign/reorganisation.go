package campaign

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// standing returns who stands for an owner by now: the owner, or whoever took the
// place of a group that is gone; "" when nobody does.
func (c Catalog) standing(owner string) string {
	for range len(c.Aliases) + 1 {
		if _, ok := c.Units[owner]; ok {
			return owner
		}
		if _, ok := c.Members[owner]; ok {
			return owner
		}
		if owner = c.Aliases[owner]; owner == "" {
			return ""
		}
	}
	return ""
}

// follow gives a catalog the aliases of the one before and those of the groups that
// are gone since, and what they still own on paper to whoever stands for them.
func (c *Catalog) follow(old Catalog) {
	*c = c.copied()
	c.Aliases = map[string]string{}
	for gone, to := range old.Aliases {
		if _, back := c.Units[gone]; !back {
			c.Aliases[gone] = to
		}
	}
	for ref, u := range old.Units {
		if _, still := c.Units[ref]; still {
			continue
		}
		if to := cmp.Or(old.renamed(u, *c), u.Parent); to != "" {
			c.Aliases[ref] = to
		}
	}
	for ref, s := range c.Services {
		s.Owner = c.orStanding(s.Owner)
		if s.Owner == "" && old.Services[ref].Owner != "" {
			if before := old.Services[ref].Owner; c.Units[before].Ref == "" && c.Members[before].Ref == "" {
				s.Owner = c.standing(before)
			}
		}
		if len(s.Owners) > 0 {
			s.Owners = maps.Clone(s.Owners)
			for layer, owner := range s.Owners {
				s.Owners[layer] = c.orStanding(owner)
			}
		}
		c.Services[ref] = s
	}
}

func (c Catalog) orStanding(owner string) string { return cmp.Or(c.standing(owner), owner) }

// renamed returns the group under whose name the same people own the same by now;
// "" when there is none, or more than one.
func (c Catalog) renamed(u Unit, fresh Catalog) string {
	members := slices.Sorted(slices.Values(u.Members))
	if len(members) == 0 {
		return ""
	}
	var found []string
	for ref, other := range fresh.Units {
		_, known := c.Units[ref]
		if !known && slices.Equal(members, slices.Sorted(slices.Values(other.Members))) {
			found = append(found, ref)
		}
	}
	if len(found) != 1 {
		return ""
	}
	for ref, s := range c.Services {
		if now, ok := fresh.Services[ref]; ok && s.Owner == u.Ref && now.Owner != found[0] && now.Owner != u.Ref {
			return ""
		}
	}
	return found[0]
}

// ownerNow returns who answers for a target, and whether the catalog says anything
// of it.
func (c Catalog) ownerNow(t Target) (string, bool) {
	s, ok := c.Services[t.Service]
	if !ok {
		return "", false
	}
	return s.OwnerOf(t.Layer), true
}

// ownerMove is the work of a campaign that goes from one owner to another.
type ownerMove struct {
	from, to string // to is "" where a person has to decide
	silent   bool   // another name of the same people
	contact  string
	targets  []string
	names    []string
	open     int // tasks that are not finished
	exposed  bool
}

// ownerMoves are the moves of all campaigns, by campaign.
type ownerMoves map[string][]*ownerMove

// open counts the open tasks that go to other people.
func (m ownerMoves) open() (n int) {
	for _, moves := range m {
		n += openIn(moves)
	}
	return n
}

func openIn(moves []*ownerMove) (n int) {
	for _, one := range moves {
		if !one.silent {
			n += one.open
		}
	}
	return n
}

// most returns the campaign that most of it concerns.
func (m ownerMoves) most() string {
	return slices.MaxFunc(sortedKeys(m), func(a, b string) int { return openIn(m[a]) - openIn(m[b]) })
}

// preview says in plain words what would go where.
func (m ownerMoves) preview(old, fresh Catalog) string {
	const shown = 6
	sums := map[string]int{}
	for _, moves := range m {
		for _, one := range moves {
			if to := one.to; !one.silent {
				name := "nobody that the catalog knows: to be decided"
				if to != "" {
					name = ownerName(fresh, to)
				}
				sums[ownerName(old, one.from)+" to "+name] += one.open
			}
		}
	}
	lines := sortedKeys(sums)
	slices.SortStableFunc(lines, func(a, b string) int { return sums[b] - sums[a] })
	text := fmt.Sprintf("An import of the catalog would give %d open tasks in %s to other owners.", m.open(), count(len(m), "campaign"))
	for i, line := range lines {
		if i == shown {
			text += fmt.Sprintf(" And %d more such moves.", len(lines)-shown)
			break
		}
		text += fmt.Sprintf(" %s: %d.", line, sums[line])
	}
	return text + " Often the reason is a re-organisation, or a catalog of which a part is missing."
}

// reorganise compares whose the work of all running campaigns is with whose it is
// under another catalog. What a person gave away since stays where it is, unless
// the catalog moved as well.
func (g *Engine) reorganise(ctx context.Context, old, fresh Catalog) (ownerMoves, error) {
	all, err := g.Campaigns(ctx)
	if err != nil {
		return nil, err
	}
	found := ownerMoves{}
	for _, c := range all {
		if c.Plan == "" || c.over() != nil {
			continue
		}
		moves, err := g.movesOf(ctx, c, old, fresh)
		if err != nil {
			return nil, err
		}
		if len(moves) > 0 {
			found[c.ID] = moves
		}
	}
	return found, nil
}

func (g *Engine) movesOf(ctx context.Context, c Campaign, old, fresh Catalog) ([]*ownerMove, error) {
	targets := map[string]Target{}
	for stored, err := range LoadAll[Target](ctx, g.opts.Store, Scope(c.ID), KindTarget) {
		if err != nil {
			return nil, err
		}
		t := stored.Value
		targets[t.ID] = Target{ID: t.ID, Service: t.Service, Layer: t.Layer}
	}
	moves := map[string]*ownerMove{}
	for stored, err := range LoadAll[Task](ctx, g.opts.Store, Scope(c.ID), KindTask) {
		if err != nil {
			return nil, err
		}
		t := stored.Value
		if t.Status == TaskWithdrawn {
			continue
		}
		to, moved := ownerAfter(t, targets[t.Target], old, fresh)
		if !moved {
			continue
		}
		key := to
		if to == "" {
			key = "?" + t.Owner
		}
		alias := fresh.Aliases[t.Owner]
		silent := to != "" && alias == to && old.Units[t.Owner].Ref != "" && old.renamed(old.Units[t.Owner], fresh) == to
		if silent {
			key = "=" + to
		}
		one, ok := moves[key]
		if !ok {
			one = &ownerMove{from: t.Owner, to: to, silent: silent, contact: t.Contact}
			moves[key] = one
		}
		if !slices.Contains(one.targets, t.Target) {
			one.targets, one.names = append(one.targets, t.Target), append(one.names, t.Name)
		}
		if !t.Status.Finished() {
			one.open++
		}
		one.exposed = one.exposed || t.Exposed
	}
	var sorted []*ownerMove
	for _, key := range sortedKeys(moves) {
		sorted = append(sorted, moves[key])
	}
	return sorted, nil
}

// ownerAfter returns to whom a task goes under another catalog; "" and true where
// a person has to decide.
func ownerAfter(t Task, target Target, old, fresh Catalog) (to string, moved bool) {
	now, known := fresh.ownerNow(target)
	before, _ := old.ownerNow(target)
	gone := fresh.standing(t.Owner) != t.Owner
	switch {
	case !known || now == before && !gone, now == t.Owner && !gone:
		now = t.Owner
	}
	if gone && now == t.Owner {
		now = fresh.standing(t.Owner)
	}
	if now == t.Owner {
		return "", false
	}
	for range len(fresh.Units) + 1 { // up, until somebody can be asked
		if now == "" {
			break
		}
		if _, reachable := fresh.Contact(now); reachable {
			return now, now != t.Owner
		}
		now = fresh.standing(fresh.Units[now].Parent)
	}
	return "", gone || before != ""
}

// startMoves lets the work move. It may be called again for the same version of
// the catalog.
func (g *Engine) startMoves(ctx context.Context, r Request, all ownerMoves, version uint64) error {
	for _, id := range sortedKeys(all) {
		for _, one := range all[id] {
			if err := g.startMove(ctx, r, id, one, version); err != nil {
				return fmt.Errorf("move work of %s: %w", id, err)
			}
		}
	}
	return nil
}

func (g *Engine) startMove(ctx context.Context, r Request, id string, one *ownerMove, version uint64) error {
	key := opaqueID(id, "reorganisation", fmt.Sprint(version), one.from, one.to, strings.Join(one.targets, ","))
	return g.atomically(ctx, Scope(id), Request{Actor: r.Actor}, func(tx *transaction) error {
		if _, found, err := find[Reassignment](tx, KindReassignment, key); err != nil || found {
			return err
		}
		c, err := tx.campaign()
		if err != nil {
			return err
		}
		move := Reassignment{
			ID: key, Cause: CauseCatalog, By: r.Actor, At: tx.now, Owner: one.from, Contact: one.contact,
			Targets: one.targets, Names: one.names, Exposed: one.exposed, Silent: one.silent,
		}
		if one.to == "" {
			if err := tx.toTriage(c, &move, "the catalog has nobody to ask for it any more"); err != nil {
				return err
			}
			return tx.keepReassignment(move, "", "")
		}
		move.Status, move.To, move.DecidedBy, move.DecidedAt = ReassignmentMoving, one.to, r.Actor, tx.now
		return tx.keepReassignment(move, "", "")
	})
}

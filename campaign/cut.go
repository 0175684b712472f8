package campaign

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// maxDivisions is how many waves the rest is cut into at most, by organisation.
const maxDivisions = 20

// cut gives each ticket its wave, and returns the waves in the order in which
// they go out: the pilot, the exposed ones, and the rest as the campaign cuts it.
func (b *planBuilder) cut() []PlanSlice {
	tickets := make([]*PlanTicket, 0, len(b.tickets))
	for _, id := range sortedKeys(b.tickets) {
		tickets = append(tickets, b.tickets[id])
	}
	waves := []PlanSlice{{Name: SlicePilot, Picks: b.pilot(tickets)}, {Name: SliceExposed}}
	rest := slices.DeleteFunc(tickets, func(t *PlanTicket) bool { return t.Slice != SliceRest })
	switch b.in.Campaign.Rollout.Split {
	case SplitOrganisation:
		return append(waves, b.byOrganisation(rest)...)
	case SplitShare:
		return append(waves, b.byShare(rest)...)
	case SplitNone:
	}
	return append(waves, PlanSlice{Name: SliceRest})
}

// byOrganisation makes a wave of each division, the smallest first. Beyond
// maxDivisions the smallest ones go together, with those of no division.
func (b *planBuilder) byOrganisation(rest []*PlanTicket) []PlanSlice {
	owners := map[string]string{}
	for _, t := range rest {
		owners[t.Owner] = ""
	}
	organisation := organisationOf(b.in.Catalog, slices.Sorted(maps.Keys(owners)))
	divisions := organisation.Divisions()
	for owner := range owners {
		owners[owner] = organisation.division(owner, divisions)
	}
	sizes := map[string]int{}
	for _, t := range rest {
		sizes[owners[t.Owner]]++
	}
	units := slices.SortedFunc(maps.Keys(sizes), func(x, y string) int {
		return cmp.Or(cmp.Compare(sizes[x], sizes[y]), cmp.Compare(organisation.Name(x), organisation.Name(y)), cmp.Compare(x, y))
	})
	if len(units) < 2 {
		return []PlanSlice{{Name: SliceRest}}
	}
	together := max(0, len(units)-maxDivisions+1)
	names, taken := map[string]string{}, map[string]bool{SlicePilot: true, SliceExposed: true, SliceRest: true, SliceAll: true, SliceNext: true, sliceOthers: true}
	var waves []PlanSlice
	for i, unit := range units {
		if unit == "" || together > 1 && i < together {
			names[unit] = sliceOthers
			if !slices.ContainsFunc(waves, func(s PlanSlice) bool { return s.Name == sliceOthers }) {
				waves = append(waves, PlanSlice{Name: sliceOthers, Title: "the other teams"})
			}
			continue
		}
		slug := Slug(organisation.Name(unit))
		name := slug
		for n := 2; taken[name]; n++ {
			name = fmt.Sprintf("%s-%d", slug, n)
		}
		names[unit], taken[name] = name, true
		waves = append(waves, PlanSlice{Name: name, Title: organisation.Name(unit)})
	}
	for _, t := range rest {
		t.Slice = names[owners[t.Owner]]
	}
	return waves
}

// sliceOthers is the wave of those who are in no wave of their own division.
const sliceOthers = "others"

// byShare cuts the rest into parts of the sizes that the campaign names. People
// are dealt out in an order that has nothing to do with their names, and each
// one's tickets stay together, so that nobody is written to twice.
func (b *planBuilder) byShare(rest []*PlanTicket) []PlanSlice {
	shares := b.in.Campaign.Rollout.Shares
	lot := map[Person]string{}
	for _, t := range rest {
		if _, drawn := lot[t.Contact]; !drawn {
			lot[t.Contact] = opaqueID(b.in.Campaign.ID, "share", string(t.Contact))
		}
	}
	slices.SortStableFunc(rest, func(x, y *PlanTicket) int { return cmp.Compare(lot[x.Contact], lot[y.Contact]) })
	var waves []PlanSlice
	at, until := 0, 0
	for i, share := range shares {
		until += share
		name := fmt.Sprintf("%s-%d", SliceRest, i+1)
		waves = append(waves, PlanSlice{Name: name, Title: fmt.Sprintf("part %d of %d of the rest", i+1, len(shares))})
		for at < len(rest) && (i == len(shares)-1 || at*100 < until*len(rest) || at > 0 && rest[at].Contact == rest[at-1].Contact) {
			rest[at].Slice = name
			at++
		}
	}
	return waves
}

// division returns which of the divisions an owner belongs to; "" for none.
func (o Organisation) division(owner string, divisions []string) string {
	at := o.Team(owner)
	for range len(o.Units) + 1 {
		if slices.Contains(divisions, at) {
			return at
		}
		u, ok := o.Units[at]
		if !ok {
			return ""
		}
		at = u.Parent
	}
	return ""
}

package campaign

import (
	"context"
	"fmt"
)

// Audience is who a digest is for.
type Audience string

// The audiences.
const (
	ForExecutives Audience = "executives"
	ForLeads      Audience = "leads"
	ForTeam       Audience = "team"
)

// Rollup is the numbers of one unit, and of the units directly below it. What
// is unknown is always beside what is known.
type Rollup struct {
	Unit string `json:"unit,omitempty"` // catalog ref; "" is the whole company
	Name string `json:"name,omitempty"`
	Numbers
	Below []Rollup `json:"below,omitempty"` // by name, without those below them
}

// Rollup adds up the live counters of a campaign for a unit; for the whole
// company when unit is "". It reads no tasks. A unit that the catalog does not
// know is NotFound.
func (g *Engine) Rollup(ctx context.Context, id, unit string) (Rollup, error) {
	c, err := g.Campaign(ctx, id)
	if err != nil {
		return Rollup{}, err
	}
	counters, err := g.opts.Store.Counters(ctx, Scope(id), "")
	if err != nil {
		return Rollup{}, fmt.Errorf("read counters of %s: %w", id, err)
	}
	leaves := leavesOf(counters)
	o, err := g.organisation(ctx, leaves)
	if err != nil {
		return Rollup{}, err
	}
	if _, known := o.Units[unit]; unit != "" && !known {
		return Rollup{}, Refuse(NotFound, "The catalog has no unit "+unit+" that owns a service.")
	}
	roll := rollup(leaves, o, c.trackNames(), unit)
	roll.At = g.opts.Clock.Now()
	if unit == "" {
		roll.Reopened, roll.Questions = int(counters[counterReopened]), countQuestions(counters)
	}
	return roll, nil
}

// numbers returns the live numbers of a whole campaign.
func (g *Engine) numbers(ctx context.Context, id string) (Numbers, error) {
	roll, err := g.Rollup(ctx, id, "")
	return roll.Numbers, err
}

// organisation returns the tree above the leaves' owners, as the catalog has it
// now.
func (g *Engine) organisation(ctx context.Context, leaves []Leaf) (Organisation, error) {
	catalog, _, err := g.catalog(ctx)
	if err != nil {
		return Organisation{}, fmt.Errorf("read catalog: %w", err)
	}
	owners := make([]string, 0, len(leaves))
	for _, l := range leaves {
		owners = append(owners, l.Owner)
	}
	return organisationOf(catalog, owners), nil
}

// rollup adds up the leaves of a unit and of those below it. Pure: sums of a
// snapshot come from it as well as live ones.
func rollup(leaves []Leaf, o Organisation, tracks []string, unit string) Rollup {
	roll := Rollup{Unit: unit, Name: o.Name(unit), Numbers: sumUnit(leaves, o, tracks, unit)}
	for _, ref := range o.Children(unit) {
		roll.Below = append(roll.Below, Rollup{Unit: ref, Name: o.Name(ref), Numbers: sumUnit(leaves, o, tracks, ref)})
	}
	return roll
}

func sumUnit(leaves []Leaf, o Organisation, tracks []string, unit string) Numbers {
	own := leaves
	if unit != "" {
		own = nil
		for _, l := range leaves {
			if o.In(l.Owner, unit) {
				own = append(own, l)
			}
		}
	}
	n := sumLeaves(own, tracks)
	n.Services = max(n.Services, o.servicesIn(unit))
	return n
}

// trackNames returns the campaign's tracks in order.
func (c Campaign) trackNames() []string {
	names := make([]string, len(c.Tracks))
	for i, t := range c.Tracks {
		names[i] = t.Name
	}
	return names
}

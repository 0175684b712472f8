package campaign

import (
	"cmp"
	"maps"
	"slices"
)

// Organisation is the tree that numbers are added up along, at one version of
// the catalog. A snapshot keeps the part that its owners need.
type Organisation struct {
	Version uint64 `json:"version"`
	// Units are the teams and all above them, by ref.
	Units map[string]OrganisationUnit `json:"units,omitempty"`
	// Home is the team of each owner that is not a unit itself.
	Home map[string]string `json:"home,omitempty"`
	// Services counts the catalogued services of each owner.
	Services map[string]int `json:"services,omitempty"`
}

// OrganisationUnit is a unit as the numbers need it.
type OrganisationUnit struct {
	Name    string `json:"name"`
	Parent  string `json:"parent,omitempty"`
	Lead    string `json:"lead,omitempty"`    // name of the person
	Channel string `json:"channel,omitempty"` // the unit's own channel in Slack
}

// organisationOf returns the part of the catalog's tree that holds the owners
// given and those of all services.
func organisationOf(c Catalog, owners []string) Organisation {
	o := Organisation{Version: c.Version, Units: map[string]OrganisationUnit{}, Home: map[string]string{}, Services: map[string]int{}}
	for _, s := range c.Services {
		o.Services[s.Owner]++
	}
	for _, owner := range slices.AppendSeq(slices.Clone(owners), maps.Keys(o.Services)) {
		if _, known := o.Units[owner]; known {
			continue
		}
		path := c.Path(owner)
		if len(path) > 0 && path[0].Ref != owner {
			o.Home[owner] = path[0].Ref
		}
		for _, u := range path {
			o.Units[u.Ref] = OrganisationUnit{Name: cmp.Or(u.Name, u.Ref), Parent: u.Parent, Lead: c.Members[u.Lead].Name, Channel: u.Channel}
		}
	}
	return o
}

// Team returns the unit that answers for an owner: itself, or the home of a
// person; "" when there is none.
func (o Organisation) Team(owner string) string {
	if _, ok := o.Units[owner]; ok {
		return owner
	}
	return o.Home[owner]
}

// In returns whether an owner belongs to a unit, or is it. All belong to "".
func (o Organisation) In(owner, unit string) bool {
	if unit == "" || owner == unit {
		return true
	}
	at := o.Team(owner)
	for range len(o.Units) {
		if at == unit {
			return true
		}
		u, ok := o.Units[at]
		if !ok {
			return false
		}
		at = u.Parent
	}
	return false
}

// Children returns the units directly below one, by name; the topmost ones for "".
func (o Organisation) Children(unit string) []string {
	var found []string
	for ref, u := range o.Units {
		parent := u.Parent
		if _, ok := o.Units[parent]; !ok {
			parent = ""
		}
		if parent == unit {
			found = append(found, ref)
		}
	}
	slices.SortFunc(found, func(a, b string) int { return compareStrings(o.Name(a), o.Name(b), a, b) })
	return found
}

// Divisions returns the units that leaders compare: those below the one top, or
// the topmost ones where there are several.
func (o Organisation) Divisions() []string {
	units := o.Children("")
	for range len(o.Units) {
		if len(units) != 1 {
			break
		}
		below := o.Children(units[0])
		if len(below) == 0 {
			break
		}
		units = below
	}
	return units
}

// Name returns what people call an owner or a unit.
func (o Organisation) Name(ref string) string {
	if u, ok := o.Units[ref]; ok {
		return u.Name
	}
	return ref
}

// servicesIn counts the catalogued services of a unit.
func (o Organisation) servicesIn(unit string) int {
	sum := 0
	for owner, n := range o.Services {
		if o.In(owner, unit) {
			sum += n
		}
	}
	return sum
}

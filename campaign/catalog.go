package campaign

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
)

// Person is a Slack user: team ID and user ID, "T01/U02".
type Person string

// NewPerson returns the person with these Slack IDs.
func NewPerson(teamID, userID string) Person { return Person(teamID + "/" + userID) }

// User returns the Slack user ID, without the team.
func (p Person) User() string {
	_, user, ok := strings.Cut(string(p), "/")
	if !ok {
		return string(p)
	}
	return user
}

// Member is a person as the catalog knows them. Slack is found by e-mail.
type Member struct {
	Ref     string `json:"ref"` // user:default/mei
	Name    string `json:"name,omitempty"`
	Email   string `json:"email,omitempty"`
	SlackID string `json:"slack_id,omitempty"` // annotation muster/slack-id, where given
	OnLeave bool   `json:"on_leave,omitempty"` // annotation muster/on-leave: "true"
	Zone    string `json:"zone,omitempty"`     // annotation muster/time-zone, IANA name; else Slack's
}

// Unit is a group of the organisation: a team when nothing is below it.
type Unit struct {
	Ref     string   `json:"ref"` // group:default/payments
	Name    string   `json:"name,omitempty"`
	Type    string   `json:"type,omitempty"` // team, department, ...
	Parent  string   `json:"parent,omitempty"`
	Members []string `json:"members,omitempty"` // refs, in catalog order
	Lead    string   `json:"lead,omitempty"`    // annotation muster/lead, a user ref
	OnCall  string   `json:"on_call,omitempty"` // annotation muster/on-call, a user ref
	Channel string   `json:"channel,omitempty"` // annotation muster/slack-channel
}

// Service is something the company runs, and who answers for it.
type Service struct {
	Ref         string   `json:"ref"`  // component:default/checkout-api
	Name        string   `json:"name"` // metadata.name
	Owner       string   `json:"owner,omitempty"`
	System      string   `json:"system,omitempty"`
	Exposure    Exposure `json:"exposure,omitempty"`    // annotation muster/exposure
	Environment string   `json:"environment,omitempty"` // annotation muster/environment
	Tier        string   `json:"tier,omitempty"`        // annotation muster/tier
	Assets      []string `json:"assets,omitempty"`      // annotation muster/assets, comma-separated; else the name itself
	Repository  string   `json:"repository,omitempty"`
	// FixUnit is what one change to it covers, beside others that are built from
	// the same: annotation muster/fix-unit (a base image, a shared library), else
	// the repository.
	FixUnit    string `json:"fix_unit,omitempty"`
	NotScanned bool   `json:"not_scanned,omitempty"` // annotation muster/scan: "none": nothing will ever scan it
	// Owners are those of a layer of its own: the platform team of the host, say.
	// Layers that are not named have Owner. Annotations muster/owner-host,
	// muster/owner-runtime, muster/owner-application.
	Owners map[Layer]string `json:"owners,omitempty"`
	// Claims are what the sources say of the owner where they do not agree, the
	// most trusted first: Owner is that one.
	Claims []OwnerClaim `json:"claims,omitempty"`
}

// OwnerOf returns who answers for a layer of the service.
func (s Service) OwnerOf(layer Layer) string {
	return cmp.Or(s.Owners[cmp.Or(layer, LayerApplication)], s.Owner)
}

// setOwner gives a layer another owner; the application's is the service's.
func (s *Service) setOwner(layer Layer, owner string) {
	layer = cmp.Or(layer, LayerApplication)
	if _, own := s.Owners[layer]; layer == LayerApplication && !own {
		s.Owner = owner
		return
	}
	owners := maps.Clone(s.Owners)
	if owners == nil {
		owners = map[Layer]string{}
	}
	owners[layer], s.Owners = owner, owners
}

// disputed returns whether the sources name different owners and nobody has said
// which of them is right.
func (s Service) disputed() bool { return len(s.Claims) > 1 && s.Claims[0].Source != SourceCorrection }

// OwnerClaim is what one source says of a service's owner.
type OwnerClaim struct {
	Source string `json:"source"` // backstage, csv, codeowners
	Owner  string `json:"owner"`
	File   string `json:"file,omitempty"`
}

// Catalog is who owns what, at one version.
type Catalog struct {
	Version  uint64             `json:"version"`
	At       time.Time          `json:"at,omitzero"`
	Services map[string]Service `json:"services"` // by ref
	Units    map[string]Unit    `json:"units"`    // by ref
	Members  map[string]Member  `json:"members"`  // by ref
	// Aliases are groups that are gone: the name under which the same people go on,
	// or the group above that answers for what they had.
	Aliases map[string]string `json:"aliases,omitempty"`
}

// Contact returns who is asked for an owner reference: whoever is on call,
// else the lead, else the first member, skipping people on leave; the member
// itself for a user reference; false when nobody is left.
func (c Catalog) Contact(owner string) (Member, bool) {
	if m, ok := c.Members[owner]; ok {
		return m, !m.OnLeave
	}
	u, ok := c.Units[owner]
	if !ok {
		return Member{}, false
	}
	for _, ref := range append([]string{u.OnCall, u.Lead}, u.Members...) {
		if m, ok := c.Members[ref]; ok && !m.OnLeave {
			return m, true
		}
	}
	return Member{}, false
}

// Path returns the units above an owner, the owner's own team first. A cycle,
// which intake refuses, ends the path.
func (c Catalog) Path(owner string) []Unit {
	var path []Unit
	if _, ok := c.Units[owner]; !ok {
		owner = c.teamOf(owner)
	}
	for seen := map[string]bool{}; owner != "" && !seen[owner]; {
		seen[owner] = true
		u, ok := c.Units[owner]
		if !ok {
			break
		}
		path, owner = append(path, u), u.Parent
	}
	return path
}

// teamOf returns the first unit, by ref, that a person is a member of.
func (c Catalog) teamOf(member string) string {
	var found []string
	for ref, u := range c.Units {
		if slices.Contains(u.Members, member) {
			found = append(found, ref)
		}
	}
	if len(found) == 0 {
		return ""
	}
	return slices.Min(found)
}

// Row is a target of a campaign that is not about packages.
type Row struct {
	Target   string   `json:"target"`
	Kind     string   `json:"kind,omitempty"`
	Owner    string   `json:"owner,omitempty"`
	Detail   string   `json:"detail,omitempty"`
	Exposure Exposure `json:"exposure,omitempty"`
}

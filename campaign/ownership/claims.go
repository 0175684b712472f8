package ownership

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/musterbot/muster/campaign"
)

// The sources of what is owned by whom.
const (
	SourceBackstage  = "backstage"
	SourceCSV        = "csv"
	SourceCodeowners = "codeowners"
)

// Sources are all sources in the order in which they are trusted unless another
// order is set.
var Sources = []string{SourceBackstage, SourceCSV, SourceCodeowners}

// ownerClaim is what a source says of one service.
type ownerClaim struct {
	service string
	campaign.OwnerClaim
}

// claim keeps what a source says; nothing when it says nothing.
func (m *merger) claim(service, source, owner, file string) {
	if owner != "" {
		m.owners = append(m.owners, ownerClaim{service: service, OwnerClaim: campaign.OwnerClaim{Source: source, Owner: owner, File: file}})
	}
}

// alias remembers how another system calls the group or person of e.
func (m *merger) alias(e *entity, annotation, prefix string) {
	if name := strings.ToLower(strings.TrimSpace(e.Metadata.Annotations[annotation])); name != "" {
		m.aliases[prefix+strings.TrimPrefix(name, prefix)] = e.ref
	}
}

// named returns the group or person that somebody means: by reference, by
// e-mail address, by the name that their source host gives them, or by the
// name alone. False when nobody in the catalog is meant.
func (m *merger) named(text string) (string, bool) {
	text = strings.ToLower(strings.TrimSpace(text))
	if ref, ok := m.aliases[text]; ok {
		return ref, true
	}
	short, team := strings.CutPrefix(text, "@")
	if _, name, ok := strings.Cut(short, "/"); ok && team {
		short = name // @acme/payments: the group of that name
	}
	for _, kind := range []string{"group", "user"} {
		ref, err := parseRef(short, kind, defaultNamespace)
		if err != nil {
			continue
		}
		if m.known(ref) {
			return ref, true
		}
	}
	return "", false
}

func (m *merger) known(ref string) bool {
	_, unit := m.catalog.Units[ref]
	_, member := m.catalog.Members[ref]
	return unit || member
}

// settleOwners gives each service the owner that its most trusted source names.
// One whom nobody knows gives way to one who is known, and a service that no
// source names has the owner of its system.
func (m *merger) settleOwners() {
	claims := map[string][]campaign.OwnerClaim{}
	for _, c := range m.owners {
		claims[c.service] = append(claims[c.service], c.OwnerClaim)
	}
	for _, ref := range slices.Sorted(maps.Keys(m.catalog.Services)) {
		s := m.catalog.Services[ref]
		said := claims[ref]
		slices.SortStableFunc(said, func(a, b campaign.OwnerClaim) int {
			return cmp.Or(boolean(m.known(b.Owner))-boolean(m.known(a.Owner)), slices.Index(m.trust, a.Source)-slices.Index(m.trust, b.Source))
		})
		said = slices.CompactFunc(said, func(a, b campaign.OwnerClaim) bool { return a.Owner == b.Owner && a.Source == b.Source })
		switch {
		case len(said) > 0:
			s.Owner = said[0].Owner
			if disagree(said) {
				s.Claims = said
				m.tellConflict(s)
			}
		default:
			s.Owner = m.systems[s.System]
		}
		m.catalog.Services[ref] = s
	}
}

func disagree(said []campaign.OwnerClaim) bool {
	return slices.ContainsFunc(said, func(c campaign.OwnerClaim) bool { return c.Owner != said[0].Owner })
}

func (m *merger) tellConflict(s campaign.Service) {
	var others []string
	for _, c := range s.Claims[1:] {
		if c.Owner != s.Owner {
			others = append(others, fmt.Sprintf("%s by %s", c.Owner, c.Source))
		}
	}
	m.remarks = append(m.remarks, campaign.Refusal{
		File: s.Claims[0].File, Notice: true,
		Problem: fmt.Sprintf("gives %s the owner %s (%s), but it is %s. The first counts.", s.Ref, s.Owner, s.Claims[0].Source, strings.Join(others, ", ")),
	})
}

func boolean(b bool) int {
	if b {
		return 1
	}
	return 0
}

package advisory

import (
	"fmt"
	"slices"
	"strings"

	"github.com/musterbot/muster/campaign"
)

// overrides are the local decisions and the suppliers' statements of criteria,
// by the key of the package that they speak of.
type overrides struct {
	fixed      map[string][]campaign.Override
	alias      map[string]identity // how the aliased package is called in records
	why        map[string]string   // of an alias
	statements map[string][]product
}

// product is one product of a statement.
type product struct {
	version   string // blank: all
	statement campaign.Statement
}

func compileOverrides(c campaign.Criteria) (overrides, error) {
	o := overrides{
		fixed: map[string][]campaign.Override{}, alias: map[string]identity{}, why: map[string]string{},
		statements: map[string][]product{},
	}
	for _, each := range c.Overrides {
		if err := o.add(each); err != nil {
			return o, err
		}
	}
	for _, s := range c.Statements {
		if s.Within != "" {
			continue
		}
		for _, purl := range s.Products {
			id, ok := parsePURL(campaign.Component{PURL: purl})
			if !ok || id.ecosystem == "" {
				continue // a product that no scan finds by this name
			}
			key := nameKey(id.ecosystem, id.name)
			o.statements[key] = append(o.statements[key], product{version: id.version, statement: s})
		}
	}
	return o, nil
}

func (o overrides) add(each campaign.Override) error {
	id, err := overridePackage(each.Package)
	if err != nil {
		return err
	}
	key := nameKey(id.ecosystem, id.name)
	if strings.TrimSpace(each.Reason) == "" {
		return refuse(nil, "The override for %s gives no reason. Nothing was changed; say why, since others will ask.", each.Package)
	}
	switch each.Kind {
	case campaign.OverrideFixed:
		if len(each.Versions) == 0 || slices.ContainsFunc(each.Versions, func(v string) bool { return strings.Trim(v, "* ") == "" }) {
			return refuse(nil, "The override for %s names no versions. Nothing was changed; name those that are fixed, e.g. 2.14.1-acme1, or 2.14.1-acme* for all that begin so.", each.Package)
		}
		o.fixed[key] = append(o.fixed[key], each)
	case campaign.OverrideAlias:
		as, err := overridePackage(each.As)
		if err != nil {
			return err
		}
		if nameKey(as.ecosystem, as.name) == key {
			return refuse(nil, "The alias of %s is itself. Nothing was changed; name the package that records speak of.", each.Package)
		}
		o.alias[key], o.why[key] = as, each.Reason
	default:
		return refuse(nil, "The override for %s is of no known kind (%.40q). Nothing was changed; it is fixed or alias.", each.Package, each.Kind)
	}
	return nil
}

func overridePackage(purl string) (identity, error) {
	id, ok := parsePURL(campaign.Component{PURL: purl})
	if !ok || id.ecosystem == "" || id.version != "" {
		return identity{}, refuse(nil, "The override's package %.100q is not a package URL of a known type without a version. Nothing was changed; write it like pkg:maven/org.apache.logging.log4j/log4j-core.", purl)
	}
	return id, nil
}

// called returns the identity under the name that records use.
func (o overrides) called(id identity) identity {
	if as, ok := o.alias[nameKey(id.ecosystem, id.name)]; ok {
		id.ecosystem, id.name, id.short, id.near = as.ecosystem, as.name, as.short, nil
	}
	return id
}

// excuse returns why a finding of an advisory does not count for a component;
// "" when it does.
func (o overrides) excuse(own identity, con *concern) string {
	key := nameKey(own.ecosystem, own.name)
	for _, each := range o.fixed[key] {
		if each.Advisory != "" && !con.known(each.Advisory) {
			continue
		}
		if slices.ContainsFunc(each.Versions, func(v string) bool { return versionLike(own.version, v) }) {
			return "overridden here: " + each.Reason
		}
	}
	for _, p := range o.statements[key] {
		if p.version != "" && p.version != own.version {
			continue
		}
		if con.known(p.statement.Vulnerability) || slices.ContainsFunc(p.statement.Aliases, con.known) {
			return words(p.statement)
		}
	}
	return ""
}

// known returns whether the concern's record has this ID or alias.
func (c *concern) known(id string) bool {
	return strings.EqualFold(c.advisory, id) || slices.ContainsFunc(c.aliases, func(a string) bool { return strings.EqualFold(a, id) })
}

// versionLike compares a version as inventories write it with one of an
// override, which may end in a star.
func versionLike(version, like string) bool {
	if begin, ok := strings.CutSuffix(like, "*"); ok {
		return strings.HasPrefix(version, begin)
	}
	return version == like
}

func words(s campaign.Statement) string {
	text := "its supplier says that it is not affected"
	if s.Justification != "" {
		text += fmt.Sprintf(" (%s)", s.Justification)
	}
	if s.Detail != "" {
		text += ": " + s.Detail
	}
	return text
}

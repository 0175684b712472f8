package campaign

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// maxOverlaps bounds the campaigns that a warning names.
const maxOverlaps = 3

// overlap returns what two campaigns both are about: a record, by ID or alias, or
// a package; "" for nothing.
func (c Campaign) overlap(other Campaign) string {
	for _, a := range c.Advisories {
		for _, b := range other.Advisories {
			if i := slices.IndexFunc(b.names(), func(n string) bool { return slices.Contains(a.names(), n) }); i >= 0 {
				return b.names()[i]
			}
			if i := slices.IndexFunc(b.Packages, func(p string) bool { return slices.Contains(a.Packages, p) }); i >= 0 {
				return b.Packages[i]
			}
		}
	}
	if c.Pattern != "" && strings.EqualFold(c.Pattern, other.Pattern) {
		return c.Pattern
	}
	return ""
}

// names are the ID and the aliases of a record.
func (a Advisory) names() []string { return append([]string{a.ID}, a.Aliases...) }

// overlapping warns of campaigns under way that are about the same; "" for none.
func (g *Engine) overlapping(ctx context.Context, c Campaign) (string, error) {
	all, err := g.Campaigns(ctx)
	if err != nil {
		return "", err
	}
	text, n := "", 0
	for _, other := range all {
		if other.ID == c.ID || other.Status == Closed || other.Status == Cancelled || n == maxOverlaps {
			continue
		}
		if about := c.overlap(other); about != "" {
			n++
			text += fmt.Sprintf("\n:warning: *%s* (%s, %s) is about %s as well. `/campaign show %s` opens it; `/campaign merge %s %s` lets it take over this one.",
				Escape(other.Title), Escape(other.ID), words(other.Status), Escape(about), Escape(other.ID), Escape(c.ID), Escape(other.ID))
		}
	}
	return text, nil
}

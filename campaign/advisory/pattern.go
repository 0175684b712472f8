package advisory

import (
	"strings"

	"github.com/musterbot/muster/campaign"
)

// Bounds of a name pattern.
const (
	maxPatternLength = 200
	minPatternLength = 2 // without its stars: "*" would make a target of everything
)

// pattern is a name pattern with *, compared without regard to case.
type pattern struct {
	text string
	name campaign.NamePattern
}

func newPattern(text string) (*pattern, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return nil, nil
	}
	if len(text) > maxPatternLength {
		return nil, refuse(nil, "The name pattern is longer than %d characters. Nothing was changed; shorten it.", maxPatternLength)
	}
	if len(strings.Trim(text, "* ")) < minPatternLength {
		return nil, refuse(nil, "The name pattern %q matches nearly everything. Nothing was changed; name at least %d characters, e.g. log4j*.", text, minPatternLength)
	}
	return &pattern{text: text, name: campaign.NewNamePattern(text)}, nil
}

// matches compares the pattern with each way a component may be called: its
// name, its full name, and the file it was found in.
func (p *pattern) matches(c campaign.Component, id identity) bool {
	for _, name := range []string{id.name, id.short, c.Name, shortName(c.Name), shortName(c.Path)} {
		if name != "" && p.name.Matches(name) {
			return true
		}
	}
	return false
}

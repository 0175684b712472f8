package campaign

import "strings"

// NamePattern is a name with * for any run of characters, compared without regard
// to case.
type NamePattern []string // what stands between the stars, in lower case

// NewNamePattern returns the pattern that a text spells.
func NewNamePattern(text string) NamePattern {
	return strings.Split(strings.ToLower(strings.TrimSpace(text)), "*")
}

// Matches returns whether the whole name fits.
func (p NamePattern) Matches(name string) bool {
	name = strings.ToLower(name)
	first, last := p[0], p[len(p)-1]
	if len(p) == 1 {
		return name == first
	}
	if len(name) < len(first)+len(last) || !strings.HasPrefix(name, first) || !strings.HasSuffix(name, last) {
		return false
	}
	name = name[len(first) : len(name)-len(last)]
	for _, part := range p[1 : len(p)-1] {
		_, after, ok := strings.Cut(name, part)
		if !ok {
			return false
		}
		name = after
	}
	return true
}

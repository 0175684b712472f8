package campaign

import "strings"

// unitName is what people call a fix unit: the last part of the repository's or
// the image's name, "shop-core" for github.com/acme/shop-core.
func unitName(unit string) string {
	unit = strings.TrimSuffix(strings.TrimRight(unit, "/"), ".git")
	return unit[strings.LastIndexByte(unit, '/')+1:]
}

// shared returns what most of the targets are built from, by name, and how many
// services they are: one change covers them all. It is "" when no two share
// anything.
func shared(targets []Target) (unit string, services int) {
	built := map[string]map[string]bool{}
	for _, t := range targets {
		if t.FixUnit == "" {
			continue
		}
		if built[t.FixUnit] == nil {
			built[t.FixUnit] = map[string]bool{}
		}
		built[t.FixUnit][t.Name] = true
	}
	for _, u := range sortedKeys(built) {
		if n := len(built[u]); n > 1 && n > services {
			unit, services = unitName(u), n
		}
	}
	return unit, services
}

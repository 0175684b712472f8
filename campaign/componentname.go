package campaign

import (
	"cmp"
	"net/url"
	"strings"
)

// packageName returns what a component is called without its version.
func (c Component) packageName() string {
	name := cmp.Or(c.PURL, c.Name)
	if c.PURL == "" {
		return name
	}
	if i := strings.IndexAny(name, "?#"); i >= 0 {
		name = name[:i]
	}
	if i := strings.LastIndexByte(name, '@'); i > strings.LastIndexByte(name, '/') {
		name = name[:i]
	}
	return name
}

// spoken names a component as people do: "log4j-core 2.14.1".
func (c Component) spoken() string {
	base, _, _ := strings.Cut(c.PURL, "?")
	base, _, _ = strings.Cut(base, "#")
	name, version := c.packageName(), c.Version
	if c.PURL != "" {
		version = cmp.Or(version, strings.TrimPrefix(strings.TrimPrefix(base, name), "@"))
		name = name[strings.LastIndexByte(name, '/')+1:]
	}
	if plain, err := url.PathUnescape(version); err == nil {
		version = plain
	}
	return strings.TrimSpace(name + " " + version)
}

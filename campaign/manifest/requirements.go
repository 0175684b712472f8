package manifest

import (
	"errors"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/musterbot/muster/campaign"
)

// requirement is a line of pip's requirements file: a name, perhaps extras, and
// what versions will do (packaging.python.org/en/latest/specifications/dependency-specifiers).
var requirement = regexp.MustCompile(`^([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[[^\]]*\])?\s*([=<>!~@(].*)?$`)

// readRequirements reads what pip is asked to install. Only == and === say which
// version that is. Other files that it names are read where they are found
// themselves.
func readRequirements(_ string, raw []byte) ([]Dependency, error) {
	if !utf8.Valid(raw) {
		return nil, errors.New("is not text in UTF-8")
	}
	var found []Dependency
	lines := strings.Split(string(raw), "\n")
	for n := 0; n < len(lines); n++ {
		line, at := strings.TrimRight(lines[n], "\r"), n+1
		for strings.HasSuffix(line, `\`) && n+1 < len(lines) {
			n++
			line = strings.TrimSuffix(line, `\`) + strings.TrimRight(lines[n], "\r")
		}
		if c, ok := pinned(line); ok {
			found = append(found, Dependency{Component: c, Line: at})
		}
	}
	return found, nil
}

// pinned reads one line; false when it names no package.
func pinned(line string) (c campaign.Component, ok bool) {
	if i := strings.Index(line, " #"); i >= 0 {
		line = line[:i]
	}
	line = strings.TrimSpace(line)
	if line == "" || strings.HasPrefix(line, "#") || strings.HasPrefix(line, "-") {
		return c, false
	}
	line, _, _ = strings.Cut(line, ";") // when it is to be installed
	line, _, _ = strings.Cut(line, " --")
	match := requirement.FindStringSubmatch(strings.TrimSpace(line))
	if match == nil {
		return c, false // an address or a path without a name
	}
	return component("pypi", "", strings.ToLower(match[1]), exactly(match[2])), true
}

// exactly returns the version that a specifier leaves as the only one, else "".
func exactly(specifier string) string {
	specifier = strings.Trim(strings.TrimSpace(specifier), "()")
	if strings.HasPrefix(specifier, "@") || strings.Contains(specifier, ",") {
		return ""
	}
	version, ok := strings.CutPrefix(specifier, "===")
	if !ok {
		version, ok = strings.CutPrefix(specifier, "==")
	}
	if version = strings.TrimSpace(version); !ok || strings.ContainsAny(version, "* ") {
		return ""
	}
	return version
}

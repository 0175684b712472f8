package advisory

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/google/osv-scalibr/semantic"
)

// maxVersionLength bounds what is given to a comparator: they use big numbers,
// whose cost grows with the square of their length.
const maxVersionLength = 256

var errNoVersion = errors.New("not a version")

// The comparators accept any text and order it somehow. What cannot be a
// version of the ecosystem is refused before: a range, a variable, a word.
var (
	startsWithDigit = regexp.MustCompile(`^[vV=]?[0-9][0-9A-Za-z.+~!:_-]*$`)
	holdsADigit     = regexp.MustCompile(`^[0-9A-Za-z.+~:_^-]*[0-9][0-9A-Za-z.+~:_^-]*$`)
)

// anyDigit lists the ecosystems whose versions may begin with a letter.
var anyDigit = map[string]bool{
	"Maven": true, "Red Hat": true, "Rocky Linux": true, "AlmaLinux": true, "SUSE": true,
	"openSUSE": true, "openEuler": true, "Mageia": true, "CRAN": true, "Packagist": true,
}

// parseVersion returns a comparable version. asSemver is for ranges that say
// SEMVER in ecosystems without a comparator of their own.
func parseVersion(text, ecosystem string, asSemver bool) (v semantic.Version, err error) {
	text = strings.TrimSpace(text)
	form := startsWithDigit
	if anyDigit[ecosystem] {
		form = holdsADigit
	}
	if len(text) > maxVersionLength || !form.MatchString(text) {
		return nil, fmt.Errorf("parse version %.40q: %w", text, errNoVersion)
	}
	if ecosystem == "npm" || ecosystem == "Go" {
		text = strings.TrimLeft(text, "=V")
	}
	if ecosystem == "RubyGems" {
		text = strings.ReplaceAll(text, "-", ".pre.") // as Gem::Version reads it
	}
	v, err = semantic.Parse(text, ecosystem)
	if asSemver && errors.Is(err, semantic.ErrUnsupportedEcosystem) {
		return semantic.ParseSemverVersion(text), nil
	}
	if err != nil {
		return nil, fmt.Errorf("parse version %.40q: %w", text, err)
	}
	return v, nil
}

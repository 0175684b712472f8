package advisory

import (
	"strings"

	"github.com/musterbot/muster/campaign"
)

// prefilter holds the last parts of all names that the criteria's records use,
// squeezed. Almost all components of an estate are none of them, and parsing a
// package URL costs ten times as much as asking here first.
type prefilter map[string]bool

// squeeze appends name without separators and in lower case, so that every
// spelling that some ecosystem takes for the same name becomes one.
func squeeze(dst []byte, name string) []byte {
	for i := range len(name) {
		switch c := name[i]; {
		case c == '-' || c == '_' || c == '.':
		case 'A' <= c && c <= 'Z':
			dst = append(dst, c+'a'-'A')
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

func (p prefilter) add(name string) {
	name = shortName(name)
	p[string(squeeze(nil, name))] = true
	if name == "stdlib" {
		p["std"] = true
	}
}

// rulesOut returns true only when no record can name the component. What it
// cannot read at a glance (escapes) it does not rule out.
func (p prefilter) rulesOut(c campaign.Component) bool {
	name, ok := strings.CutPrefix(c.PURL, "pkg:")
	if !ok {
		return false
	}
	// Types, qualifiers and most names may be written in any case; see mayName.
	name, qualifiers, _ := strings.Cut(strings.ToLower(name), "?")
	if strings.IndexByte(name, '#') >= 0 {
		return false
	}
	if at := strings.LastIndexByte(name, '@'); at > strings.LastIndexByte(name, '/') {
		name = name[:at]
	}
	if strings.Count(name, "@") > strings.Count(name, "/@") {
		return false // the version has a slash in it: it is not seen at a glance which is the name
	}
	kind := name
	name = name[strings.LastIndexByte(name, '/')+1:]
	if p.mayName(name) {
		return false
	}
	if !strings.HasPrefix(kind, "deb/") && !strings.HasPrefix(kind, "rpm/") && !strings.HasPrefix(kind, "apk/") {
		return c.Source == "" && !strings.Contains(qualifiers, "upstream")
	}
	if source := sourceRPM(c.Source); source != "" && p.mayName(source) {
		return false
	}
	if i := strings.Index(qualifiers, "upstream="); i >= 0 {
		source, _, _ := strings.Cut(qualifiers[i+len("upstream="):], "&")
		return !p.mayName(sourceRPM(source)) && !p.mayName(binaryRoot(name))
	}
	return !p.mayName(binaryRoot(name))
}

// mayName returns whether some record may use the name, in some spelling.
func (p prefilter) mayName(name string) bool {
	if name == "" || strings.ContainsAny(name, "%@:") {
		return true
	}
	var buffer [128]byte
	return p[string(squeeze(buffer[:0], name))]
}

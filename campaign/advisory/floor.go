package advisory

import (
	"strings"

	"github.com/google/osv-scalibr/semantic"
	"github.com/package-url/packageurl-go"

	"github.com/musterbot/muster/campaign"
)

// floorSet is what was set by hand for one package.
type floorSet struct {
	pkg    string // as the person wrote it
	plain  bool   // a plain name: the ecosystem is that of the component
	floors []campaign.Floor
}

// floorKey returns the index key of a floor's package: ecosystem and name for
// a package URL, the lower-case name for a plain one.
func floorKey(pkg string) (key string, plain bool, err error) {
	pkg = strings.TrimSpace(pkg)
	if !strings.HasPrefix(strings.ToLower(pkg), "pkg:") {
		if pkg == "" {
			return "", false, refuse(nil, "The floor names no package. Nothing was changed; give a package URL such as pkg:maven/org.apache.logging.log4j/log4j-core.")
		}
		return strings.ToLower(pkg), true, nil
	}
	id, ok := parsePURL(campaign.Component{PURL: pkg})
	if !ok || id.ecosystem == "" {
		return "", false, refuse(nil, "The floor's package %q is not a package URL of a known type. Nothing was changed; write it like pkg:maven/org.apache.logging.log4j/log4j-core, or give the plain name.", pkg)
	}
	if p, err := packageurl.FromString(pkg); err == nil && p.Version != "" {
		return "", false, refuse(nil, "The floor's package %q carries a version. Nothing was changed; leave the version to the floor.", pkg)
	}
	return nameKey(id.ecosystem, id.name), false, nil
}

func compileFloors(floors []campaign.Floor) (map[string]*floorSet, error) {
	sets := map[string]*floorSet{}
	for _, f := range floors {
		key, plain, err := floorKey(f.Package)
		if err != nil {
			return nil, err
		}
		ecosystem, _, _ := strings.Cut(key, "\x00")
		if plain {
			ecosystem = "Maven" // the most lenient form of a version
		}
		if _, err := parseVersion(f.Fixed, ecosystem, true); err != nil {
			return nil, refuse(err, "The floor %q of %s is not a version that can be compared. Nothing was changed; give the first fixed version, e.g. 2.17.1.", f.Fixed, f.Package)
		}
		if sets[key] == nil {
			sets[key] = &floorSet{pkg: f.Package, plain: plain}
		}
		sets[key].floors = append(sets[key].floors, f)
	}
	return sets, nil
}

// floorFor returns the floor that decides about a version: the one of the
// longest branch that the version belongs to, else the one without a branch.
func (s *floorSet) floorFor(version string) (campaign.Floor, bool) {
	var best campaign.Floor
	found := false
	for _, f := range s.floors {
		if onBranch(version, f.Branch) && (!found || len(f.Branch) >= len(best.Branch)) {
			best, found = f, true
		}
	}
	return best, found
}

// onBranch returns whether 2.12.1 is on 2.12, and 2.120 is not.
func onBranch(version, branch string) bool {
	if branch == "" {
		return true
	}
	version, branch = strings.TrimLeft(version, "vV="), strings.TrimLeft(branch, "vV=")
	rest, ok := strings.CutPrefix(version, branch)
	return ok && (rest == "" || strings.ContainsAny(rest[:1], ".-+_~"))
}

// below returns whether v is below the floor.
func below(v semantic.Version, f campaign.Floor, ecosystem string) (bool, error) {
	floor, err := parseVersion(f.Fixed, ecosystem, true)
	if err != nil {
		return false, err
	}
	c, err := v.Compare(floor)
	return c < 0, err
}

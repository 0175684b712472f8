package advisory

import (
	"fmt"
	"slices"
	"strings"

	"github.com/musterbot/muster/campaign"
)

// concern is one package, in one release, that one advisory names.
type concern struct {
	advisory  string
	aliases   []string
	ecosystem string
	release   string // blank: any
	name      string // as the record writes it
	span      span
}

var _ campaign.Excuser = (*judge)(nil)

// judge is the compiled form of criteria. It is not changed once compiled.
type judge struct {
	byName  map[string][]*concern // nameKey
	byFold  map[string][]*concern // nameKey in lower case
	byShort map[string][]*concern // distinctive short names, lower case
	names   prefilter
	floors  map[string]*floorSet // floorKey
	local   overrides
	pattern *pattern
	label   string // the Advisory of findings that no record backs
}

// nameKey joins ecosystem and name into an index key.
func nameKey(ecosystem, name string) string {
	return ecosystem + "\x00" + canonicalName(ecosystem, name)
}

// Compile prepares criteria. Advisories are read again from their raw records,
// so that what was stored by an older version is judged by this one.
func (Matcher) Compile(c campaign.Criteria) (campaign.Judge, error) {
	j := &judge{
		byName: map[string][]*concern{}, byFold: map[string][]*concern{}, byShort: map[string][]*concern{},
		names: prefilter{},
	}
	for _, adv := range c.Advisories {
		rec, err := decodeRecord(adv.Raw)
		if err != nil {
			return nil, err
		}
		j.addRecord(rec)
	}
	var err error
	if j.floors, err = compileFloors(c.Floors); err != nil {
		return nil, err
	}
	if j.local, err = compileOverrides(c); err != nil {
		return nil, err
	}
	for key := range j.local.alias { // its name may be that of no record
		j.names.add(key[strings.IndexByte(key, 0)+1:])
	}
	if j.pattern, err = newPattern(c.Pattern); err != nil {
		return nil, err
	}
	j.label = c.Pattern
	return j, nil
}

func (j *judge) addRecord(rec record) {
	type key struct{ ecosystem, release, name string }
	var concerns []*concern
	known := map[key]*concern{}
	for _, a := range rec.Affected {
		if !a.usable() {
			continue
		}
		ecosystem, release := baseEcosystem(a.Package.Ecosystem)
		k := key{ecosystem, recordRelease(ecosystem, release), a.Package.Name}
		if known[k] == nil {
			known[k] = &concern{advisory: rec.ID, aliases: rec.Aliases, ecosystem: k.ecosystem, release: k.release, name: k.name}
			concerns = append(concerns, known[k])
		}
		known[k].span.add(a, ecosystem)
	}
	for _, c := range concerns {
		j.names.add(c.name)
		key := nameKey(c.ecosystem, c.name)
		j.byName[key] = append(j.byName[key], c)
		j.byFold[strings.ToLower(key)] = append(j.byFold[strings.ToLower(key)], c)
		if short := strings.ToLower(shortName(c.name)); distinctive(short) {
			j.byShort[short] = append(j.byShort[short], c)
		}
	}
}

// Judge gives the findings of one component, one at most for each advisory.
func (j *judge) Judge(c campaign.Component) []campaign.Finding {
	found, _ := j.weigh(c)
	return found
}

// Excused implements campaign.Excuser.
func (j *judge) Excused(c campaign.Component) []campaign.Finding {
	_, excused := j.weigh(c)
	return excused
}

// weigh returns what counts, and what an override or a statement took out.
func (j *judge) weigh(c campaign.Component) (found, excused []campaign.Finding) {
	if j.pattern == nil && len(j.floors) == 0 && j.names.rulesOut(c) {
		return nil, nil
	}
	own, ok := parsePURL(c)
	if !ok {
		own = identity{name: c.Name, short: shortName(c.Name), version: c.Version}
	}
	id := j.local.called(own)
	concerns, doubt := j.lookUp(id, ok)
	floors := j.floorsOf(id)
	for _, con := range concerns {
		f, ok := con.judge(id, doubt, floors)
		if !ok {
			continue
		}
		f.Component = c
		if why := j.local.excuse(own, con); why != "" {
			f.Verdict, f.Why, f.Fixed = campaign.NotAffected, why, nil
			excused = append(excused, f)
			continue
		}
		found = strongest(found, f)
	}
	if len(concerns) > 0 {
		return found, excused
	}
	if f, ok := j.withoutRecord(c, id, floors); ok {
		f.Component = c
		if why := j.local.excuse(own, &concern{}); why != "" { // a floor or a name has no ID that could be spoken of
			f.Verdict, f.Why, f.Fixed = campaign.NotAffected, why, nil
			return nil, append(excused, f)
		}
		found = append(found, f)
	}
	return found, excused
}

// lookUp returns the concerns that name the component, and what is doubtful
// about the match; blank when nothing is. No version is looked at.
func (j *judge) lookUp(id identity, purl bool) (concerns []*concern, doubt string) {
	if id.ecosystem != "" {
		key := nameKey(id.ecosystem, id.name)
		if exact := j.byName[key]; len(exact) > 0 {
			return exact, ""
		}
		if folded := j.byFold[strings.ToLower(key)]; len(folded) > 0 {
			return folded, "the name differs from " + folded[0].name + " by upper and lower case"
		}
		for _, other := range id.near {
			if near := j.byName[nameKey(id.ecosystem, other.name)]; len(near) > 0 {
				return near, other.doubt
			}
		}
		if id.ecosystem != "Maven" {
			return nil, ""
		}
		near := inEcosystem(j.byShort[strings.ToLower(id.short)], id.ecosystem)
		if len(near) > 0 {
			return near, "the same artifact under another group than " + near[0].name
		}
		return nil, ""
	}
	if purl || id.short == "" {
		return nil, ""
	}
	if near := j.byShort[strings.ToLower(id.short)]; len(near) > 0 {
		return near, "the inventory gives a name but no usable package URL"
	}
	return nil, ""
}

func inEcosystem(concerns []*concern, ecosystem string) []*concern {
	var kept []*concern
	for _, c := range concerns {
		if c.ecosystem == ecosystem {
			kept = append(kept, c)
		}
	}
	return kept
}

func (j *judge) floorsOf(id identity) *floorSet {
	if len(j.floors) == 0 {
		return nil
	}
	if set := j.floors[nameKey(id.ecosystem, id.name)]; set != nil {
		return set
	}
	if set := j.floors[strings.ToLower(id.name)]; set != nil {
		return set
	}
	return j.floors[strings.ToLower(id.short)]
}

// judge compares the component's version with the floors set by hand, or else
// with what the record says.
func (c *concern) judge(id identity, doubt string, floors *floorSet) (campaign.Finding, bool) {
	f := campaign.Finding{Advisory: c.advisory, Verdict: campaign.Affected, Why: doubt}
	if c.release != "" && id.release == "" {
		f.Why = join(f.Why, "the inventory does not say which release of "+c.ecosystem+" it runs")
	} else if c.release != "" && c.release != id.release {
		return campaign.Finding{}, false
	}
	affected, fixed, why := c.compare(id, floors)
	f.Fixed, f.Why = fixed, join(f.Why, why)
	if f.Why != "" {
		f.Verdict = campaign.Possible
	}
	return f, affected
}

// compare returns whether the version counts as affected, what to move to, and
// why that is doubtful.
func (c *concern) compare(id identity, floors *floorSet) (affected bool, fixed []string, why string) {
	if id.version == "" {
		return true, c.span.fixes(nil), "the inventory names no version"
	}
	v, err := parseVersion(id.version, c.ecosystem, true)
	if err != nil {
		if slices.Contains(c.span.versions, id.version) {
			return true, c.span.fixes(nil), ""
		}
		return true, c.span.fixes(nil), fmt.Sprintf("the version %.40q cannot be compared", id.version)
	}
	if floors != nil {
		if floor, ok := floors.floorFor(id.version); ok {
			affected, err = below(v, floor, c.ecosystem)
			if err != nil {
				return true, []string{floor.Fixed}, fmt.Sprintf("the version %.40q cannot be compared with the floor", id.version)
			}
			return affected, []string{floor.Fixed}, ""
		}
	}
	affected, err = c.span.holds(id.version, v)
	if err != nil {
		return true, c.span.fixes(v), fmt.Sprintf("the version %.40q cannot be compared with the record", id.version)
	}
	if !affected {
		return false, nil, ""
	}
	return true, c.span.fixes(v), ""
}

// withoutRecord judges a component that no advisory names: by a floor set for
// it, and by the name pattern.
func (j *judge) withoutRecord(c campaign.Component, id identity, floors *floorSet) (campaign.Finding, bool) {
	matched := j.pattern != nil && j.pattern.matches(c, id)
	if !matched && floors == nil {
		return campaign.Finding{}, false
	}
	f := campaign.Finding{Advisory: j.label, Verdict: campaign.Possible, Why: "matched by name alone"}
	if floors == nil {
		return f, true
	}
	if f.Advisory == "" {
		f.Advisory = floors.pkg
	}
	floor, ok := floors.floorFor(id.version)
	if !ok {
		return f, matched
	}
	f.Fixed = []string{floor.Fixed}
	ecosystem := id.ecosystem
	if ecosystem == "" {
		ecosystem = "Maven"
	}
	v, err := parseVersion(id.version, ecosystem, true)
	if err != nil {
		f.Why = join(f.Why, fmt.Sprintf("the version %.40q cannot be compared", id.version))
		return f, true
	}
	under, err := below(v, floor, ecosystem)
	if err != nil {
		return f, true
	}
	if !floors.plain {
		f.Verdict, f.Why = campaign.Affected, ""
	}
	return f, under
}

// strongest adds f, or lets it replace a weaker finding of the same advisory.
func strongest(found []campaign.Finding, f campaign.Finding) []campaign.Finding {
	i := slices.IndexFunc(found, func(other campaign.Finding) bool { return other.Advisory == f.Advisory })
	switch {
	case i < 0:
		return append(found, f)
	case found[i].Verdict == campaign.Possible && f.Verdict == campaign.Affected:
		found[i] = f
	}
	return found
}

func join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "; " + b
}

package campaign

import (
	"cmp"
	"slices"
	"time"
)

// Target is service × layer, or a row of a campaign that is not about packages.
type Target struct {
	ID          string    `json:"id"`
	Service     string    `json:"service,omitempty"` // catalog ref; "" when no service is known
	Name        string    `json:"name"`              // what people call it
	Layer       Layer     `json:"layer"`
	Owner       string    `json:"owner,omitempty"` // catalog ref of the unit or person; "" when nobody is known
	Exposure    Exposure  `json:"exposure,omitempty"`
	Environment string    `json:"environment,omitempty"`
	Tier        string    `json:"tier,omitempty"`
	Detail      string    `json:"detail,omitempty"`
	FixUnit     string    `json:"fix_unit,omitempty"` // what one change covers; "" when only it is known
	Findings    []Finding `json:"findings,omitempty"`
	// Product marks a product of a vendor: it stands on tracks of kind vendor, and
	// on no other.
	Product bool `json:"product,omitempty"`
	// Knowledge is what is known: affected, possible, or unknown.
	Knowledge Knowledge `json:"knowledge"`
	// Doubt says why the target stands on the triage list; "" when it does not.
	Doubt     string    `json:"doubt,omitempty"`
	ScannedAt time.Time `json:"scanned_at,omitzero"` // the newest scan that was looked at
}

// Knowledge is what Muster knows of a target.
type Knowledge string

// What may be known of a target.
const (
	KnownAffected Knowledge = "affected"
	KnownPossible Knowledge = "possible"
	KnownNothing  Knowledge = "unknown" // no fresh scan: never "fine"
	KnownSafe     Knowledge = "not_affected"
)

// Asset is a scanned thing with the service that it belongs to.
type Asset struct {
	Service string // catalog ref; "" when the catalog knows none
	Scans   []Scan // the newest of each source
}

// TargetInput is the world that targets are drawn from.
type TargetInput struct {
	Campaign Campaign
	Catalog  Catalog
	Scans    []Scan
	Judge    Judge
	Now      time.Time
	FreshFor time.Duration // how long a scan counts
	// Products are what the company runs of vendors; Statements what those say.
	Products   []Product
	Statements []VendorStatement
	// Before is what was found on targets when they were planned, by target ID;
	// only needed to judge what has become of them.
	Before map[string][]Finding
}

// Assessment is what BuildTargets found.
type Assessment struct {
	Targets []Target // sorted by exposure, tier and name
	Checked int      // services with a fresh scan and nothing found
	// Looks are the fresh scans of each target, newest first, also of those on
	// which nothing was found; by target ID.
	Looks  map[string][]Look
	Before map[string][]Finding // as it came in
	// Vendors is what is known of products, by target ID, and Vendor how many are how
	// far; see Engine.vendorCount for what was done about them.
	Vendors map[string]vendorView
	Vendor  VendorCount
	// Sources is how each source's scans look, sorted by name.
	Sources []SourceHealth
}

// BuildTargets draws the targets of a campaign: affected and possible ones from
// the scans, unknown ones from the services without a fresh scan, all rows of a
// campaign that is not about packages. Nothing that is doubtful is dropped: it
// carries its Doubt. Pure: same in, same out.
func BuildTargets(in TargetInput) Assessment {
	if len(in.Campaign.Rows) > 0 {
		return Assessment{Targets: rowTargets(in.Campaign, in.Catalog)}
	}
	b := newTargetBuilder(in)
	for _, scan := range in.Scans {
		b.scan(scan)
	}
	return b.assessment()
}

// targetBuilder is given scans one by one, and keeps what was found alone.
type targetBuilder struct {
	in       TargetInput
	services AssetIndex
	found    map[string]*Target
	fresh    map[string]bool // services with a fresh scan
	looks    map[string][]Look
	owners   map[layerOf]time.Time // when owners themselves last scanned
	sources  map[string]*SourceHealth
}

func newTargetBuilder(in TargetInput) *targetBuilder {
	return &targetBuilder{in: in, services: NewAssetIndex(in.Catalog), found: map[string]*Target{}, fresh: map[string]bool{}, looks: map[string][]Look{}, owners: map[layerOf]time.Time{}, sources: map[string]*SourceHealth{}}
}

// assessment draws the conclusion from all scans.
func (b *targetBuilder) assessment() Assessment {
	b.believeOwners()
	b.sortLooks()
	out := Assessment{Looks: b.looks, Before: b.in.Before}
	for _, source := range sortedKeys(b.sources) {
		out.Sources = append(out.Sources, *b.sources[source])
	}
	for ref, service := range b.in.Catalog.Services {
		if b.fresh[ref] {
			if !b.hit(ref) {
				out.Checked++
			}
			continue
		}
		b.unknown(ref, service)
	}
	b.products(&out)
	for _, t := range b.found {
		decide(t, b.in.Campaign, b.in.Catalog)
		if t.Knowledge != KnownSafe {
			out.Targets = append(out.Targets, *t)
		}
	}
	slices.SortFunc(out.Targets, compareTargets)
	return out
}

// products adds what the company runs of vendors.
func (b *targetBuilder) products(out *Assessment) {
	judge := newVendorJudge(b.in.Campaign, b.in.Statements)
	out.Vendors = map[string]vendorView{}
	for _, p := range b.in.Products {
		view := judge.judge(p)
		t := p.target(b.in.Campaign, b.in.Catalog, view)
		b.found[t.ID] = &t
		out.Vendors[t.ID] = view
		out.Vendor.add(view.Standing)
	}
}

func (b *targetBuilder) id(ref string, layer Layer) string {
	return targetID(b.in.Campaign.ID, ref, layer)
}

// targetID is the ID of a layer of a service, or of an asset that has none.
func targetID(campaign, ref string, layer Layer) string {
	return opaqueID(campaign, ref, string(layer))
}

func (b *targetBuilder) scan(s Scan) {
	ref, known := b.service(s)
	fresh := len(s.Components) > 0 && !s.At.IsZero() && b.in.Now.Sub(s.At) <= b.in.FreshFor && !s.At.After(b.in.Now)
	if known && fresh {
		b.fresh[ref] = true
	}
	own := cmp.Or(s.Layer, LayerApplication)
	health := b.watchSource(s)
	layers := map[Layer]*layerLook{} // a scan that lists nothing of a layer says nothing of it: its scanner may be broken
	stays := b.foundBefore(ref, s)
	packages := slices.ContainsFunc(s.Components, func(c Component) bool { return c.PURL != "" })
	for _, c := range s.Components {
		layer := cmp.Or(stays.layer(c), c.Layer, own)
		l := layers[layer]
		if l == nil {
			l = b.newLook(ref, layer, s)
			layers[layer] = l
		}
		l.reads = l.reads || c.PURL != "" || !packages
		findings := b.in.Judge.Judge(c)
		if len(l.before) > 0 {
			health.compare(l.before, s, c)
			if len(findings) == 0 {
				l.note(c)
			}
		}
		for _, f := range findings {
			f.Asset, f.File, f.Source, f.At = s.Asset, s.File, s.Source, s.At
			l.Found = append(l.Found, f)
			t := b.target(ref, known, s, layer)
			if f.Verdict == Affected {
				t.Knowledge = KnownAffected
			}
			t.Findings = append(t.Findings, f)
			if s.At.After(t.ScannedAt) {
				t.ScannedAt = s.At
			}
		}
	}
	if !fresh {
		return
	}
	for layer, l := range layers {
		if !l.reads {
			continue
		}
		b.looks[l.target] = append(b.looks[l.target], l.Look)
		if s.Source == SourceOwner {
			b.owners[layerOf{s.Asset, layer}] = s.At
		}
	}
}

// hit returns whether something was found on any layer of a service.
func (b *targetBuilder) hit(ref string) bool {
	for _, layer := range layers {
		if _, ok := b.found[b.id(ref, layer)]; ok {
			return true
		}
	}
	return false
}

// service returns the catalog ref of what was scanned; when the catalog does not
// know it, the asset's own name, and false.
func (b *targetBuilder) service(s Scan) (string, bool) {
	if service, ok := b.services.Service(s); ok {
		return service.Ref, true
	}
	return "asset:" + s.Asset, false
}

func (b *targetBuilder) target(ref string, known bool, s Scan, layer Layer) *Target {
	id := b.id(ref, layer)
	if t, ok := b.found[id]; ok {
		return t
	}
	t := &Target{ID: id, Name: s.Asset, Layer: layer, Exposure: s.Exposure, Environment: s.Environment, Tier: s.Tier, Knowledge: KnownPossible}
	if known {
		service := b.in.Catalog.Services[ref]
		t.fromService(service)
	} else {
		t.Doubt = "no service in the catalog has this asset"
	}
	b.found[id] = t
	return t
}

func (b *targetBuilder) unknown(ref string, service Service) {
	id := b.id(ref, LayerApplication)
	if t, ok := b.found[id]; ok && t.Knowledge == KnownAffected {
		return // an old scan found it: that it is old does not make it safe
	}
	t, ok := b.found[id]
	if !ok {
		t = &Target{ID: id, Layer: LayerApplication}
		t.fromService(service)
		b.found[id] = t
	}
	t.Knowledge = KnownNothing
}

func (t *Target) fromService(s Service) {
	t.Service, t.Name, t.Owner = s.Ref, s.Name, s.OwnerOf(t.Layer)
	t.Exposure = cmp.Or(s.Exposure, t.Exposure)
	t.FixUnit = cmp.Or(s.FixUnit, s.Repository)
	t.Environment, t.Tier = cmp.Or(s.Environment, t.Environment), cmp.Or(s.Tier, t.Tier)
}

// decide applies what people decided of a target, by itself or by a rule, and marks
// what they still have to.
func decide(t *Target, c Campaign, catalog Catalog) {
	if d, ok := c.Triage[t.ID]; ok && d.reaches(*t) {
		if d.Sample {
			t.Doubt = "a sample to check: its owner says that it is not affected"
			if d.Reason != "" {
				t.Doubt += " (" + d.Reason + ")"
			}
			return
		}
		t.Doubt = ""
		t.settle(d)
	}
	if t.Knowledge == KnownSafe || t.Knowledge == KnownNothing {
		return
	}
	t.Doubt = cmp.Or(t.Doubt, c.doubt(*t, catalog))
	if t.Doubt == "" {
		return
	}
	if r, ok := c.ruled(*t); ok {
		t.Doubt = ""
		if t.settle(r.TriageDecision); r.Affected {
			t.Doubt = c.doubt(*t, catalog)
		}
	}
}

// settle takes over what somebody decided.
func (t *Target) settle(d TriageDecision) {
	if !d.Affected {
		t.Knowledge = KnownSafe
		return
	}
	t.Owner = cmp.Or(d.Owner, t.Owner)
	t.Knowledge = KnownAffected
}

// doubt says why a person has to judge a target that nobody has decided.
func (c Campaign) doubt(t Target, catalog Catalog) string {
	_, reachable := catalog.Contact(t.Owner)
	switch {
	case t.Owner == "":
		return "no owner in the catalog"
	case !reachable:
		return "nobody in the catalog can be asked for " + t.Owner
	case t.Knowledge == KnownPossible && !t.Product && !c.byNameOnly():
		return possibleBecause(t.Findings)
	}
	return ""
}

// reaches returns whether a decision still covers what is found. That something is
// not affected does not cover what records name for sure since.
func (d TriageDecision) reaches(t Target) bool {
	return d.Affected || d.By == "" || knownFor(t) == "" || knownFor(t) == d.Found
}

// knownFor names what records, or its vendor, count as affected for sure on a target.
func knownFor(t Target) string {
	if t.Product {
		if t.Knowledge != KnownAffected {
			return ""
		}
		return textHash(t.Detail)
	}
	var names []string
	for _, f := range t.Findings {
		if f.Verdict == Affected {
			names = append(names, f.Asset+" "+f.Component.spoken())
		}
	}
	if len(names) == 0 {
		return ""
	}
	slices.Sort(names)
	return textHash(slices.Compact(names)...)
}

// byNameOnly says that the campaign has nothing but a name to go by. Every match
// is then possible, and asking for mitigation of possible targets is the point.
func (c Campaign) byNameOnly() bool {
	return c.Pattern != "" && len(c.Advisories) == 0 && len(c.Floors) == 0
}

func possibleBecause(findings []Finding) string {
	for _, f := range findings {
		if f.Why != "" {
			return "possible: " + f.Why
		}
	}
	return "possible: a near match"
}

func rowTargets(c Campaign, catalog Catalog) []Target {
	services := NewAssetIndex(catalog)
	var targets []Target
	for _, row := range c.Rows {
		t := Target{
			ID: opaqueID(c.ID, "row", row.Kind, row.Target), Name: row.Target, Layer: LayerApplication,
			Exposure: row.Exposure, Detail: row.Detail, Owner: row.Owner, Knowledge: KnownAffected,
		}
		if service, ok := services.Service(Scan{Asset: row.Target}); ok {
			t.Service, t.Owner = service.Ref, cmp.Or(t.Owner, service.Owner)
			t.FixUnit = cmp.Or(service.FixUnit, service.Repository)
			t.Exposure, t.Environment, t.Tier = cmp.Or(t.Exposure, service.Exposure), service.Environment, service.Tier
		}
		decide(&t, c, catalog)
		targets = append(targets, t)
	}
	slices.SortFunc(targets, compareTargets)
	return targets
}

// compareTargets puts exposed targets first, then the lower tier, then the name.
func compareTargets(a, b Target) int {
	rank := func(t Target) int {
		if t.Exposure.Counts() {
			return 0
		}
		return 1
	}
	return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(cmp.Or(a.Tier, "~"), cmp.Or(b.Tier, "~")),
		cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
}

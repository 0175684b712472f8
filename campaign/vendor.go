package campaign

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Product is something of a vendor that the company runs and cannot look into: its
// owner asks the vendor, and does what the vendor's statement says.
type Product struct {
	Vendor      string   `json:"vendor"`
	Name        string   `json:"name"`
	Versions    []string `json:"versions,omitempty"` // that are run; none, or a blank one, when nobody knows
	Owner       string   `json:"owner,omitempty"`    // as it was written; see Catalog.named
	Service     string   `json:"service,omitempty"`  // whose owner it has, where no owner is named
	Exposure    Exposure `json:"exposure,omitempty"`
	Environment string   `json:"environment,omitempty"`
	Tier        string   `json:"tier,omitempty"`
	// Said is what its vendor's statements meant for it when they were last held
	// against it; Changed is when that was something else than Before.
	Said    string    `json:"said,omitempty"`
	Changed time.Time `json:"changed,omitzero"`
	Before  string    `json:"before,omitempty"`
}

// id is the ID of the product's target, in every campaign: what one owner runs of
// it is one product, in whatever versions.
func (p Product) id() string {
	return opaqueID("product", plainName(p.Vendor), plainName(p.Name), cmp.Or(p.Owner, p.Service))
}

// VendorStatement is what a vendor says of one product, about one vulnerability or
// several.
type VendorStatement struct {
	Source  string        `json:"source,omitempty"` // one source's word replaces its own of before, and no other's
	Vendor  string        `json:"vendor"`
	Product string        `json:"product"` // "All" or blank: of every product of the vendor
	Claims  []VendorClaim `json:"claims"`
	Link    string        `json:"link,omitempty"`
	Notes   string        `json:"notes,omitempty"`
	Updated time.Time     `json:"updated,omitzero"` // as the list says
}

// The sources of statements.
const (
	SourceTable    = "table"
	SourceAgencies = "agencies" // https://github.com/cisagov/log4j-affected-db
)

// VendorClaim is what a statement says of one vulnerability. Versions are in the
// vendor's words; "All" stands for all of them.
type VendorClaim struct {
	CVE          string   `json:"cve,omitempty"` // in upper case; "" for whatever a campaign is about
	Investigated bool     `json:"investigated,omitempty"`
	Affected     []string `json:"affected,omitempty"`
	Fixed        []string `json:"fixed,omitempty"`
	Unaffected   []string `json:"unaffected,omitempty"`
}

// VendorStanding is what is known of a product from its vendor.
type VendorStanding string

// The standings, from the one that asks most of people. A product is as bad as the
// worst that is said of it.
const (
	VendorAffected      VendorStanding = "affected"
	VendorUnclear       VendorStanding = "unclear" // something was said that does not fit what is run
	VendorInvestigating VendorStanding = "investigating"
	VendorNotAffected   VendorStanding = "not_affected"
	VendorSilent        VendorStanding = "silent" // nothing was said
)

var standingOrder = []VendorStanding{VendorAffected, VendorUnclear, VendorInvestigating, VendorNotAffected, VendorSilent}

func worse(a, b VendorStanding) VendorStanding {
	if slices.Index(standingOrder, a) <= slices.Index(standingOrder, b) {
		return a
	}
	return b
}

// vendorView is what is known of one product today.
type vendorView struct {
	Product  Product
	Standing VendorStanding
	Said     string // in words: who says what
	Link     string
	Near     string // a statement that may be about it, for a person to judge
}

// why is what is said, and where.
func (v vendorView) why() string { return withLink(v.Said, v.Link) }

func withLink(text, link string) string {
	if link == "" {
		return text
	}
	return text + " (" + link + ")"
}

// vendorJudge finds what vendors say of products.
type vendorJudge struct {
	byVendor map[string][]VendorStatement
	cves     map[string]bool // that the campaign is about; none: all
}

func newVendorJudge(c Campaign, statements []VendorStatement) vendorJudge {
	j := vendorJudge{byVendor: map[string][]VendorStatement{}, cves: map[string]bool{}}
	for _, a := range c.Advisories {
		for _, name := range append([]string{a.ID}, a.Aliases...) {
			if strings.HasPrefix(strings.ToUpper(name), "CVE-") {
				j.cves[strings.ToUpper(name)] = true
			}
		}
	}
	for _, s := range statements {
		vendor := plainVendor(s.Vendor)
		j.byVendor[vendor] = append(j.byVendor[vendor], s)
	}
	return j
}

// judge returns what is known of a product. Only statements about exactly this
// product, or about all of its vendor's, count; one about a product of a similar
// name is left to a person.
func (j vendorJudge) judge(p Product) vendorView {
	view := vendorView{Product: p, Standing: VendorSilent, Said: "no statement of " + p.Vendor + " is known"}
	name := plainName(p.Name)
	exact := false
	for _, s := range j.byVendor[plainVendor(p.Vendor)] {
		if plainName(s.Product) == name {
			exact = true
			view.add(j.says(s, p), s)
		}
	}
	if exact {
		return view
	}
	for _, s := range j.byVendor[plainVendor(p.Vendor)] {
		other := plainName(s.Product)
		standing := j.says(s, p)
		switch {
		case other == "all" || other == "all products":
			view.add(standing, s)
		case standing == VendorSilent || other == "":
		case view.Near == "" && (wordsIn(name, other) || wordsIn(other, name)):
			view.Near = fmt.Sprintf("%s speaks of %q: %s", s.Vendor, s.Product, withLink(s.words(standing), s.Link))
		}
	}
	if view.Standing != VendorSilent {
		view.Near = ""
	}
	return view
}

func (v *vendorView) add(standing VendorStanding, s VendorStatement) {
	if standing == VendorSilent {
		return
	}
	if v.Standing == VendorSilent || worse(standing, v.Standing) == standing {
		v.Standing, v.Said, v.Link = standing, s.words(standing), s.Link
	}
}

// says returns what a statement means for the versions that are run: the worst.
func (j vendorJudge) says(s VendorStatement, p Product) VendorStanding {
	versions := p.Versions
	if len(versions) == 0 {
		versions = []string{""}
	}
	standing := VendorSilent
	for _, c := range s.Claims {
		if len(j.cves) > 0 && c.CVE != "" && !j.cves[c.CVE] {
			continue
		}
		for _, version := range versions {
			if said := c.says(version); said != VendorSilent {
				standing = worse(said, standing)
			}
		}
	}
	return standing
}

// says returns what a claim means for a version: what names it exactly counts before
// what is said of all.
func (c VendorClaim) says(version string) VendorStanding {
	switch {
	case names(c.Affected, version):
		return VendorAffected
	case names(c.Fixed, version), names(c.Unaffected, version):
		return VendorNotAffected
	case namesAll(c.Affected):
		return VendorAffected
	case namesAll(c.Unaffected), version != "" && namesAll(c.Fixed):
		return VendorNotAffected
	case version == "" && len(c.Affected)+len(c.Fixed) > 0:
		return VendorAffected // until somebody says that another version runs
	case len(c.Affected)+len(c.Fixed)+len(c.Unaffected) > 0:
		return VendorUnclear
	case c.Investigated:
		return VendorInvestigating
	}
	return VendorSilent
}

// names returns whether a list of versions names one; a blank one is named by none.
func names(list []string, version string) bool {
	version = plainVersion(version)
	return version != "" && slices.ContainsFunc(list, func(v string) bool { return plainVersion(v) == version })
}

func namesAll(list []string) bool {
	return slices.ContainsFunc(list, func(v string) bool { v = plainVersion(v); return v == "all" || v == "all versions" })
}

func plainVersion(version string) string {
	return strings.TrimPrefix(strings.ToLower(strings.TrimSpace(version)), "v")
}

// words says what a statement is, and whose.
func (s VendorStatement) words(standing VendorStanding) string {
	text := s.Vendor + " says: "
	var fixed []string
	for _, c := range s.Claims {
		for _, v := range c.Fixed {
			if v = strings.TrimSpace(v); v != "" && !slices.Contains(fixed, v) {
				fixed = append(fixed, v)
			}
		}
	}
	switch standing {
	case VendorAffected:
		text += "affected"
		if len(fixed) > 0 {
			text += ", fixed in " + strings.Join(fixed[:min(len(fixed), 4)], ", ")
		} else {
			text += ", no fixed version is named"
		}
	case VendorUnclear:
		text += "it depends on the version"
		if len(fixed) > 0 {
			text += "; fixed in " + strings.Join(fixed[:min(len(fixed), 4)], ", ")
		}
	case VendorInvestigating:
		text += "under investigation"
	case VendorNotAffected:
		text += "not affected"
	default:
		text += "nothing so far"
	}
	return text
}

// target returns the product as a target of the campaign.
func (p Product) target(c Campaign, catalog Catalog, view vendorView) Target {
	t := Target{
		ID: p.id(), Name: strings.TrimSpace(p.Vendor + " " + p.Name + " " + strings.TrimPrefix(strings.Join(p.Versions, ", "), ", ")), Layer: LayerApplication, Product: true, Owner: catalog.named(p.Owner),
		Exposure: p.Exposure, Environment: p.Environment, Tier: p.Tier, Knowledge: KnownPossible, Detail: view.why(),
	}
	if s, ok := catalog.serviceNamed(p.Service); ok && p.Service != "" {
		t.Owner = cmp.Or(t.Owner, s.Owner)
		t.Exposure, t.Environment, t.Tier = cmp.Or(t.Exposure, s.Exposure), cmp.Or(t.Environment, s.Environment), cmp.Or(t.Tier, s.Tier)
	}
	switch {
	case view.Standing == VendorAffected:
		t.Knowledge = KnownAffected
	case view.Standing == VendorNotAffected:
		t.Knowledge = KnownSafe
	case view.Near != "":
		t.Doubt = "possible: " + view.Near
	}
	return t
}

// vendorSays returns where a vendor's statement moves the task of a product.
func (s taskEvidence) vendorSays() ruling {
	v := s.vendor
	settled := cmp.Or(s.task.ProvenAt, s.task.UpdatedAt)
	if s.task.Claim != nil {
		settled = s.task.Claim.At
	}
	switch s.task.Status {
	case TaskOpen, TaskInProgress:
		if v.Standing == VendorNotAffected {
			return ruling{to: TaskNotAffected, why: v.why(), at: s.now, cleared: true}
		}
	case TaskClaimed, TaskVerified, TaskNotAffected:
		if v.Product.Changed.After(settled) && (v.Standing == VendorAffected || v.Standing == VendorUnclear) {
			return ruling{to: TaskInProgress, why: "what its vendor says of it has changed. " + v.why() + ". Before: " + v.Product.Before}
		}
	}
	return ruling{}
}

// plainName is how names of products are compared: lower case, without marks and
// anything but letters, digits and single spaces.
func plainName(name string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		switch {
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			b.WriteRune(r)
		case r == '®' || r == '™' || r == '\'' || r == '’':
		default:
			b.WriteByte(' ')
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// companyForms are what vendors are called by in one list and not in another.
var companyForms = []string{"inc", "incorporated", "corp", "corporation", "co", "ltd", "limited", "llc", "gmbh", "ag", "sa", "bv", "plc", "software", "technologies"}

// plainVendor is how vendors are compared: plainName without the company's form.
func plainVendor(name string) string {
	words := strings.Fields(plainName(name))
	for len(words) > 1 && slices.Contains(companyForms, words[len(words)-1]) {
		words = words[:len(words)-1]
	}
	return strings.Join(words, " ")
}

// wordsIn returns whether all words of a name stand in another.
func wordsIn(name, in string) bool {
	if name == "" {
		return false
	}
	all := strings.Fields(in)
	return !slices.ContainsFunc(strings.Fields(name), func(w string) bool { return !slices.Contains(all, w) })
}

// VendorCount is how far the products of vendors are: asked, answered, acted upon.
type VendorCount struct {
	Products      int `json:"products,omitempty"`
	Silent        int `json:"silent,omitempty"` // no statement
	Investigating int `json:"investigating,omitempty"`
	Unclear       int `json:"unclear,omitempty"`
	Affected      int `json:"affected,omitempty"`
	NotAffected   int `json:"not_affected,omitempty"`
	Acted         int `json:"acted,omitempty"` // of the affected: done, by somebody's word or more
}

func (n *VendorCount) add(standing VendorStanding) {
	n.Products++
	switch standing {
	case VendorSilent:
		n.Silent++
	case VendorInvestigating:
		n.Investigating++
	case VendorUnclear:
		n.Unclear++
	case VendorAffected:
		n.Affected++
	case VendorNotAffected:
		n.NotAffected++
	}
}

package campaign

import (
	"context"
	"iter"
	"slices"
	"strings"
	"time"
)

// Component is one piece of software that a scan found on an asset.
type Component struct {
	PURL string `json:"purl,omitempty"` // as it stands in the inventory
	// Name and Version serve where there is no package URL, e.g. in a host list.
	Name    string `json:"name,omitempty"`
	Version string `json:"version,omitempty"`
	Path    string `json:"path,omitempty"` // where on the asset
	// Source is the distribution's source package, "name" or "name@version",
	// where the scanner tells it beside the package URL.
	Source string `json:"source,omitempty"`
	// Layer is set where the component is of another layer than its scan, as an
	// operating system's package in the scan of an image is.
	Layer Layer `json:"layer,omitempty"`
}

// Scan is what one source saw on one asset at one time. The newest scan of an
// asset and source replaces the ones before.
type Scan struct {
	Asset    string `json:"asset"`              // the document's main component or artifact, else the file's stem
	Source   string `json:"source"`             // which scanner or file format
	File     string `json:"file,omitempty"`     // where it was imported from
	Document string `json:"document,omitempty"` // the document's own serial number or namespace
	Service  string `json:"service,omitempty"`  // where the inventory itself names one; else the catalog tells
	Layer    Layer  `json:"layer,omitempty"`
	// At is when the scan started; zero when the document does not say, and
	// then it proves nothing and is not fresh.
	At          time.Time   `json:"at,omitzero"`
	Exposure    Exposure    `json:"exposure,omitempty"`
	Environment string      `json:"environment,omitempty"`
	Tier        string      `json:"tier,omitempty"`
	Components  []Component `json:"components,omitempty"`
}

// Layer is the part of an asset that one owner answers for.
type Layer string

// The layers. Blank counts as LayerApplication.
const (
	LayerHost        Layer = "host"
	LayerRuntime     Layer = "runtime"
	LayerApplication Layer = "application"
)

// layers are all of them.
var layers = []Layer{LayerHost, LayerRuntime, LayerApplication}

// ParseLayer reads a layer as people write it; blank is blank. An unknown word is
// false.
func ParseLayer(s string) (Layer, bool) {
	l := Layer(strings.ToLower(strings.TrimSpace(s)))
	return l, l == "" || slices.Contains(layers, l)
}

// Exposure says who can reach a target.
type Exposure string

// The exposures. Blank counts as exposed: not knowing is no protection.
const (
	ExposureUnknown Exposure = ""
	Exposed         Exposure = "exposed"
	NotExposed      Exposure = "internal"
	Isolated        Exposure = "isolated"
)

// Counts returns whether the target counts as exposed.
func (e Exposure) Counts() bool { return e == ExposureUnknown || e == Exposed }

// ParseExposure reads an exposure as people write it. An unknown word is
// false, and then counts as exposed like a blank one.
func ParseExposure(s string) (Exposure, bool) {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "":
		return ExposureUnknown, true
	case "exposed", "internet", "internet-facing", "public", "external":
		return Exposed, true
	case "internal", "private", "not exposed":
		return NotExposed, true
	case "isolated", "offline":
		return Isolated, true
	}
	return ExposureUnknown, false
}

// Verdict is what matching says of a component.
type Verdict string

// The verdicts. Possible is for a person to judge: a near match, a missing
// version, a name pattern; it is neither dropped nor ticketed as certain.
const (
	NotAffected Verdict = "not_affected"
	Possible    Verdict = "possible"
	Affected    Verdict = "affected"
)

// Finding is a component that an advisory or pattern concerns.
type Finding struct {
	Advisory  string    `json:"advisory"` // the record's id; the campaign's pattern where there is none
	Component Component `json:"component"`
	Asset     string    `json:"asset"`
	File      string    `json:"file,omitempty"`
	Source    string    `json:"source,omitempty"` // of the scan that found it
	At        time.Time `json:"at,omitzero"`      // when that scan started
	Verdict   Verdict   `json:"verdict"`
	Fixed     []string  `json:"fixed,omitempty"` // versions to move to, lowest first
	Why       string    `json:"why,omitempty"`   // for Possible: what is doubtful, in a few words
}

// Advisory is a published record, kept as it came.
type Advisory struct {
	ID        string    `json:"id"`
	Aliases   []string  `json:"aliases,omitempty"`
	Summary   string    `json:"summary,omitempty"`
	Modified  time.Time `json:"modified,omitzero"`
	Withdrawn time.Time `json:"withdrawn,omitzero"`
	Packages  []string  `json:"packages,omitempty"` // ecosystem:name, for people
	Raw       []byte    `json:"raw"`                // the OSV record, JSON
}

// line names an advisory where people read of it. OSV's site shows every record
// by its ID.
func (a Advisory) line() AdvisoryLine {
	return AdvisoryLine{ID: a.ID, Summary: a.Summary, URL: "https://osv.dev/vulnerability/" + a.ID}
}

// Floor is a fixed version set by hand, for one branch of a package or for all.
type Floor struct {
	Package string    `json:"package"`          // package URL without version, or a plain name
	Branch  string    `json:"branch,omitempty"` // e.g. "2.12": versions 2.12 and 2.12.*; blank: all that no other floor names
	Fixed   string    `json:"fixed"`            // the first version that counts as fixed
	Reason  string    `json:"reason"`
	By      Person    `json:"by,omitzero"`
	At      time.Time `json:"at,omitzero"`
}

// Criteria is what a campaign looks for. Floors beat the ranges of advisories
// for the packages that they name.
type Criteria struct {
	Advisories []Advisory
	Pattern    string // a name pattern with * for campaigns without a record: matches are Possible
	Floors     []Floor
	Overrides  []Override  // beat the records and the floors
	Statements []Statement // beat the records and the floors, for their products
}

// Matcher knows advisory formats and version order. campaign/advisory has it.
type Matcher interface {
	// ReadAdvisory reads one OSV record (JSON). Invalid when it is malformed,
	// withdrawn or has no ranges at all; the words say which.
	ReadAdvisory(raw []byte) (Advisory, error)
	// Compile prepares criteria for many components. Invalid names the floor
	// or the pattern that cannot be read.
	Compile(Criteria) (Judge, error)
}

// Judge gives the findings of one component; safe for concurrent use.
type Judge interface {
	Judge(Component) []Finding // Asset and File are left for the caller
}

// Refusal is an input row or file that was not imported, and why; or, as a
// Notice, something that was imported and still deserves a word.
type Refusal struct {
	File     string `json:"file"`
	Position string `json:"position,omitempty"` // line, byte offset or JSON path
	Problem  string `json:"problem"`            // words for people
	Notice   bool   `json:"notice,omitempty"`   // nothing was refused: ignored or doubtful only
}

// ScanReader yields the scans of inventory files. campaign/inventory has it.
type ScanReader interface {
	// ReadScans walks the paths (files and folders). A file is yielded whole
	// or refused whole, except for CSV rows, which are refused one by one.
	ReadScans(ctx context.Context, paths []string) iter.Seq2[Scan, *Refusal]
}

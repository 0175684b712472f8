package campaign

import "time"

// OverrideKind is what a local override says.
type OverrideKind string

// The kinds of overrides.
const (
	// OverrideFixed says that versions which a record counts as affected are not,
	// such as a backport that the record forgets.
	OverrideFixed OverrideKind = "fixed"
	// OverrideAlias says that a package is the one that records call otherwise,
	// such as a renamed fork or a vendor's rebuild.
	OverrideAlias OverrideKind = "alias"
)

// Override is a company's own decision about what records say, with its reason.
type Override struct {
	Kind     OverrideKind `json:"kind"`
	Advisory string       `json:"advisory,omitempty"` // ID or alias of the record; blank: all of the criteria
	Package  string       `json:"package"`            // package URL without version
	Versions []string     `json:"versions,omitempty"` // OverrideFixed: as they stand in inventories; 2.14.1-acme* is all that begin so
	As       string       `json:"as,omitempty"`       // OverrideAlias: package URL of the package that records name
	Reason   string       `json:"reason"`
	By       Person       `json:"by,omitzero"`
	At       time.Time    `json:"at,omitzero"`
}

// Statement is what a supplier says of a product and a vulnerability (VEX): that
// it is not affected, or fixed. Statements of other kinds are not kept.
type Statement struct {
	Vulnerability string   `json:"vulnerability"`     // an advisory's ID or alias
	Aliases       []string `json:"aliases,omitempty"` // further names of the vulnerability
	// Products are package URLs; one without a version speaks of all versions.
	Products []string `json:"products"`
	// Within limits the statement to the inventory document of this serial number:
	// "not reachable in our shop" says nothing of other programs. A Judge honours
	// statements without it only; advisory.Within gives those for a document.
	Within        string `json:"within,omitempty"`
	Justification string `json:"justification,omitempty"` // e.g. code_not_reachable
	Detail        string `json:"detail,omitempty"`        // in the supplier's words
	File          string `json:"file,omitempty"`
}

// Excuser is a Judge that also tells what overrides and statements took out.
type Excuser interface {
	// Excused gives the findings that Judge leaves out because of an override or
	// a statement: their Verdict is NotAffected, and Why is the justification.
	Excused(Component) []Finding
}

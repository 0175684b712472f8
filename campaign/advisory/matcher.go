// Package advisory knows published records (OSV), package identities and
// version order: it says which component an advisory, a floor or a name pattern
// concerns.
//
// A record enters through ReadAdvisory (record.go). Compile turns criteria into
// a Judge (judge.go), which looks the component's name up (identity.go) before
// it compares any version (ranges.go, version.go). What is close but not certain
// (near.go, pattern.go) becomes campaign.Possible, for a person to judge. Local
// decisions and suppliers' statements (override.go, vex.go) beat the records.
package advisory

import "github.com/musterbot/muster/campaign"

// Matcher is the campaign.Matcher of this package. It has no state and is safe
// for concurrent use.
type Matcher struct{}

var _ campaign.Matcher = Matcher{}

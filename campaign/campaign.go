package campaign

import (
	"slices"
	"time"
)

// Campaign is one company-wide effort, from its name at hour zero to its
// closing report.
type Campaign struct {
	ID        string    `json:"id"` // a slug, unique for ever
	Title     string    `json:"title"`
	Status    Status    `json:"status"`
	CreatedBy Person    `json:"created_by"`
	CreatedAt time.Time `json:"created_at"`
	Commander Person    `json:"commander"`
	Deputy    Person    `json:"deputy,omitempty"`
	// HandoverTo is who was asked to take command and has not yet accepted.
	HandoverTo Person `json:"handover_to,omitempty"`
	// Zone is the IANA time zone of the campaign's schedules and totals.
	Zone string `json:"zone"`

	Pattern    string     `json:"pattern,omitempty"` // name pattern, where no record exists yet
	Advisories []Advisory `json:"advisories,omitempty"`
	Floors     []Floor    `json:"floors,omitempty"`
	// Overrides are this company's own decisions about what the records say.
	Overrides []Override `json:"overrides,omitempty"`
	// Baseline counts the changes of what counts as fixed.
	Baseline int   `json:"baseline"`
	Rows     []Row `json:"rows,omitempty"` // targets of a campaign that is not about packages
	// Exploited says that attacks are known; the messages say so.
	Exploited bool `json:"exploited,omitempty"`
	// Waiver names the change-freeze waiver, for the messages.
	Waiver string `json:"waiver,omitempty"`

	Grouping   Grouping     `json:"grouping"`
	Rollout    Rollout      `json:"rollout,omitzero"`
	Tracks     []Track      `json:"tracks"`
	Milestones []Milestone  `json:"milestones,omitempty"`
	Void       []VoidMethod `json:"void,omitempty"`
	// Triage holds what a person decided of doubtful targets, by target ID.
	Triage map[string]TriageDecision `json:"triage,omitempty"`
	// TriageRules hold for what later scans bring, too; TriageRuled is the highest
	// number that was given to one.
	TriageRules []TriageRule `json:"triage_rules,omitempty"`
	TriageRuled int          `json:"triage_ruled,omitempty"`
	// TriageWaived says why launching beside an open triage list is right.
	TriageWaived string `json:"triage_waived,omitempty"`

	// Plan is the hash of the frozen plan that is in force.
	Plan       string     `json:"plan,omitempty"`
	PlannedAt  time.Time  `json:"planned_at,omitzero"`
	CommandRef ChannelRef `json:"command_ref,omitzero"` // where the campaign is steered
	HelpRef    ChannelRef `json:"help_ref,omitzero"`    // where its questions are asked
	Questions  int        `json:"questions,omitempty"`  // numbers given so far
	Asks       int        `json:"asks,omitempty"`
	AskedAt    time.Time  `json:"asked_at,omitzero"` // the newest question
	StartedAt  time.Time  `json:"started_at,omitzero"`
	ResumedAt  time.Time  `json:"resumed_at,omitzero"`
	ClosedAt   time.Time  `json:"closed_at,omitzero"`
	// MergedInto is the campaign in which its work goes on.
	MergedInto string `json:"merged_into,omitempty"`
	// Pinned is the message with the instructions of now in the help channel.
	Pinned MessageRef `json:"pinned,omitzero"`
	// InquiryRounds counts how often owners were asked, so that two do not ask the same.
	InquiryRounds int `json:"inquiry_rounds,omitempty"`
	// Late counts targets that joined after the launch, by UTC day; Admissions how
	// often some did.
	Late       map[string]int `json:"late,omitempty"`
	Admissions int            `json:"admissions,omitempty"`
}

// ChannelRef is a Slack channel.
type ChannelRef struct {
	ID   string `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
}

// Grouping says what makes one ticket.
type Grouping string

// The groupings.
const (
	ByService Grouping = "service" // one ticket per service and owner
	ByTeam    Grouping = "team"    // one ticket per owner
	// ByFixUnit is one ticket per owner and repository, or base image: one change
	// covers all that is built from it.
	ByFixUnit Grouping = "fix_unit"
)

// Check refuses what is no grouping.
func (g Grouping) Check() error {
	switch g {
	case ByService, ByTeam, ByFixUnit:
		return nil
	}
	return Refuse(Invalid, "Tickets are grouped by `service`, by `team` or by `fix_unit` (what is built from one repository). Nothing was changed.")
}

// TrackKind says what a track asks for.
type TrackKind string

// The kinds of tracks; users may name others, which behave like TrackMitigate.
const (
	TrackMitigate TrackKind = "mitigate"
	TrackFix      TrackKind = "fix"
	TrackHunt     TrackKind = "hunt"
	TrackVendor   TrackKind = "vendor"
	TrackAttest   TrackKind = "attest"
)

// Proof says what makes a claim of a track true.
type Proof string

// The proofs.
const (
	ProofScan         Proof = "scan"          // a newer scan agrees
	ProofSecondPerson Proof = "second_person" // no scan can see it: a named second person checks
	ProofAttestation  Proof = "attestation"   // the owner's word, with how it was checked
)

// Track is one line of work of a campaign, e.g. mitigate now or fix later.
type Track struct {
	Name  string    `json:"name"` // "mitigate", "fix", or the user's word
	Kind  TrackKind `json:"kind"`
	Due   time.Time `json:"due,omitzero"`
	Proof Proof     `json:"proof"`
	// Methods are the ways to be done that owners are offered.
	Methods []string `json:"methods,omitempty"`
	// Revision is the newest revision of the instructions, 0 when there is
	// none; ApprovedRevision the newest that reviewers approved.
	Revision         int       `json:"revision"`
	ApprovedRevision int       `json:"approved_revision"`
	DeclaredAt       time.Time `json:"declared_at,omitzero"`
}

// Milestone is a point that a person declared, with the numbers beside it.
type Milestone struct {
	Name    string    `json:"name"` // contained, fixed, closed
	By      Person    `json:"by"`
	At      time.Time `json:"at"`
	Numbers string    `json:"numbers"`
}

// The milestones.
const (
	MilestoneContained = "contained"
	MilestoneFixed     = "fixed"
	MilestoneClosed    = "closed"
)

// VoidMethod is a method that no longer counts.
type VoidMethod struct {
	Track  string    `json:"track"`
	Method string    `json:"method"`
	By     Person    `json:"by"`
	At     time.Time `json:"at"`
	Reason string    `json:"reason"`
}

// TriageDecision is what a person decided of a doubtful target.
type TriageDecision struct {
	Affected bool      `json:"affected"`
	Owner    string    `json:"owner,omitempty"` // the owner it was given to
	By       Person    `json:"by"`
	At       time.Time `json:"at"`
	Reason   string    `json:"reason,omitempty"`
	// Found names what records counted as affected for sure when it was decided: a
	// decision does not reach further than what people saw.
	Found string `json:"found,omitempty"`
	// Inquiry is the one that it answers. Sample says that its owner's word is not
	// all: it stands on the list for a person to check.
	Inquiry string `json:"inquiry,omitempty"`
	Sample  bool   `json:"sample,omitempty"`
}

func (d TriageDecision) verdict() string {
	if d.Affected {
		return "affected"
	}
	return "not affected"
}

// Track returns a track by name.
func (c Campaign) Track(name string) (Track, bool) {
	i := slices.IndexFunc(c.Tracks, func(t Track) bool { return t.Name == name })
	if i < 0 {
		return Track{}, false
	}
	return c.Tracks[i], true
}

// setTrack replaces the track of the same name, or adds it.
func (c *Campaign) setTrack(t Track) {
	i := slices.IndexFunc(c.Tracks, func(old Track) bool { return old.Name == t.Name })
	if i < 0 {
		c.Tracks = append(c.Tracks, t)
		return
	}
	c.Tracks[i] = t
}

// IsVoid returns whether claims by this method no longer count on a track.
func (c Campaign) IsVoid(track, method string) bool {
	return slices.ContainsFunc(c.Void, func(v VoidMethod) bool { return v.Track == track && v.Method == method })
}

// Commands returns whether the person steers this campaign.
func (c Campaign) Commands(p Person) bool {
	return p != "" && (p == c.Commander || p == c.Deputy)
}

// Criteria returns what the campaign looks for, but for the VEX statements that
// stand in records of their own.
func (c Campaign) Criteria() Criteria {
	return Criteria{Advisories: c.Advisories, Pattern: c.Pattern, Floors: c.Floors, Overrides: c.Overrides}
}

// Location returns the campaign's time zone; UTC when it cannot be loaded.
func (c Campaign) Location() *time.Location { return location(c.Zone) }

func location(zone string) *time.Location {
	if loc, err := time.LoadLocation(zone); err == nil {
		return loc
	}
	return time.UTC
}

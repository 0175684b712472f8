package campaign

import "time"

// Standing is how far a campaign is at one moment. No number stands without
// what is unknown beside it.
type Standing struct {
	State    string    // "not contained yet", "contained", "fixed": the newest milestone that was declared
	AsOf     time.Time // of the snapshot
	Since    time.Time // of the snapshot it is compared with; zero for the first
	Services int       // catalogued, whether checked or not; 0 when nobody knows
	Unknown  int       // of those, without a fresh scan and not attested
	// UnknownBefore is Unknown at Since.
	UnknownBefore int
	Inquiries     InquiryCount // of the unknown ones
	// Track names the track that the tallies are of, the one due first; "" when
	// the campaign has no other.
	Track     string
	Won       string // what its done targets are: "protected", "fixed"; "done" when blank
	Exposed   Tally  // internet-facing targets of that track
	All       Tally  // all targets of it
	Reopened  int    // events since Since
	Overdue   int
	Questions int // open in the help channel
}

// Tally counts targets by how far they are.
type Tally struct {
	Known   int // affected, or to be treated as such
	Done    int // verified, excepted, or attested as not affected
	Before  int // Done at the time compared with
	Claimed int // done by somebody's word, not confirmed yet
	Taken   int // somebody has accepted them
	Blocked int
	Idle    int // nobody has started
}

// Left returns how many are not done.
func (t Tally) Left() int { return max(t.Known-t.Done, 0) }

// TrackStanding is how far one track is.
type TrackStanding struct {
	Name    string
	Due     time.Time
	Tally   Tally
	Unknown int
}

// UnitStanding is how far one unit of the organisation is.
type UnitStanding struct {
	Name    string
	Lead    Markup
	Exposed Tally
	All     Tally
	Unknown int
}

// OpenAsk is something that a named person is asked for.
type OpenAsk struct {
	Who  Markup // Mention, or a name
	What string // "waive the freeze for six Payments services"
	Due  time.Time
}

// OpenTarget is a target that needs a person.
type OpenTarget struct {
	Name    string
	Owner   string // team
	Who     Markup // who accepted it; blank for nobody
	Status  string
	Blocked string
	Exposed bool
	Due     time.Time
}

// DigestExecutivesData is for digest_executives, at most 90 words: safe or not,
// exposed, unknown, asks, next word.
type DigestExecutivesData struct {
	LocalTime
	Title string
	Standing
	Next    time.Time // when the next digest comes
	Asks    []OpenAsk
	Over    bool   // nothing comes after this one
	Changed string // one sentence of the commander; blank when there is none
}

// DigestLeadsData is for digest_leads: the organisation by unit, and what is
// stuck.
type DigestLeadsData struct {
	LocalTime
	Title string
	Standing
	Next   time.Time
	Tracks []TrackStanding
	Units  []UnitStanding // where most is left first
	Stuck  []OpenTarget   // blocked, overdue or exposed without anybody, worst first
	Asks   []OpenAsk
}

// DigestTeamData is for digest_team: what is left for one team.
type DigestTeamData struct {
	LocalTime
	Title       string
	Team        string
	AsOf        time.Time
	Next        time.Time
	All         Tally
	Unknown     int
	Noun        string
	Due         time.Time
	Left        []OpenTarget // exposed first
	Done        []string     // since the last one, for the credit
	HelpChannel Markup
}

// HandoverData is for handover: what the one who takes command must know, at
// most 110 words.
type HandoverData struct {
	LocalTime
	Title     string
	From      Markup
	To        Markup
	State     string // as in Standing
	Questions int    // open
	Oldest    time.Duration
	Budget    time.Duration // within which questions are to be answered; 0 when none is set
	Burning   []OpenTarget  // worst first
	Promised  []OpenAsk     // what was promised to whom
	Void      []VoidLine
	Never     string // what is not answered here, and where it goes
	Missing   []string
	Coming    []ComingLine
}

// VoidLine is advice that no longer holds.
type VoidLine struct {
	Method string
	Since  time.Time
}

// ComingLine is what happens next.
type ComingLine struct {
	What string
	At   time.Time
}

// MilestoneData is for milestone.
type MilestoneData struct {
	LocalTime
	Title string
	Name  string // contained, fixed, closed
	By    Markup
	At    time.Time
	Standing
	Reason string
}

// AskData is for ask: one person is asked for one thing.
type AskData struct {
	LocalTime
	Title    string
	From     Markup
	What     string
	Due      time.Time
	Standing Standing
	// Answer is set once they answered: "granted" or "declined".
	Answer   string
	Answered time.Time
}

// ClosingReportData is for closing_report, Markdown that people keep.
type ClosingReportData struct {
	LocalTime
	Company    string
	Campaign   string
	Title      string
	Commander  string
	Deputy     string
	Created    time.Time
	Launched   time.Time
	Closed     time.Time
	Advisories []AdvisoryLine
	Floors     []FloorLine
	Milestones []MilestoneLine
	Tracks     []TrackStanding
	Units      []UnitStanding
	Services   int
	Unknown    int
	Tickets    int
	Contacts   int
	Messages   int
	Questions  int
	Reopened   int
	Methods    []MethodLine
	Void       []VoidLine
	Exceptions []ExceptionLine
	Open       []OpenTarget // what is left
	Records    int          // audit records that were sealed
	Seal       string       // the last one
}

// MilestoneLine is a milestone in a report.
type MilestoneLine struct {
	Name    string
	By      string
	At      time.Time
	Numbers string
}

// MethodLine is how many targets were done in one way.
type MethodLine struct {
	Track  string
	Method string
	Count  int
}

// ExceptionLine is a target that was let off until a day.
type ExceptionLine struct {
	Name    string
	Reason  string
	Expires time.Time
}

// ClosingNoteData is for closing_note: the message that a campaign is over.
type ClosingNoteData struct {
	LocalTime
	Title     string
	By        Markup
	At        time.Time
	All       Tally
	Noun      string
	Unknown   int
	Services  int
	Excepted  int
	People    int // contacts who took part
	Questions int // answered
	Reopened  int
	Took      time.Duration // from launch to close
	Report    Markup        // Link; blank when it has no page
}

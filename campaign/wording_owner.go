package campaign

import "time"

// FirstMessageData is for first_message: what a contact reads when the campaign
// reaches them, at most 110 words.
type FirstMessageData struct {
	LocalTime
	Title     string    // of the campaign: "Log4Shell"
	Count     int       // targets of this contact that need work
	Noun      string    // what targets are called, in the plural; "services" when blank
	Verb      string    // what the track due first asks: "Contain", "Fix"; see Ask
	Due       time.Time // of that track
	Exploited bool      // attacks are known
	Exposed   []string  // names of this contact's internet-facing targets, worst first
	Names     []string  // names of all, where none is internet-facing
	Action    Markup    // the action in short: Mrkdwn(Opening(instructions))
	Minutes   int       // measured in the dry run; 0 when it was not
	Tried     Markup    // who tried it and on what: "Mei and Tom on `ledger`"
	Void      []string  // methods that do not count
	Later     []TrackDue
	// Shared is what several of them are built from, so that one change covers
	// SharedCount of them; blank when nothing is known of that.
	Shared      string
	SharedCount int
	Unknown     int // further targets of this contact that nobody has checked
	Waiver      string
	Tickets     []Markup // TicketLink of each; three are shown
	Helpers     []Markup // Mention of who answers now
	HelpChannel Markup   // ChannelLink
}

// TrackDue is a track that comes later.
type TrackDue struct {
	Name string // "fix"
	Due  time.Time
}

// MoreWorkData is for more_work: a contact who has been told already gets
// further targets.
type MoreWorkData struct {
	LocalTime
	Title       string
	Count       int    // new ones
	Next        bool   // they are not new: the campaign's next step is asked of them
	Total       int    // of this contact, with the new ones
	Done        int    // of the earlier ones, for the credit
	Noun        string // as in FirstMessageData
	Verb        string
	Due         time.Time
	Names       []string // of the new ones, worst first
	Exposed     int      // how many of them face the internet
	Why         string   // what brought them: "a scan of 09:00 found them"
	Action      Markup
	Minutes     int
	Tried       Markup
	Tickets     []Markup
	Helpers     []Markup
	HelpChannel Markup
}

// AdviceMovedData is for advice_moved: what a contact did counts, and some of it
// needs one more step; at most 90 words.
type AdviceMovedData struct {
	LocalTime
	Title   string
	Count   int // targets that need one more step
	Total   int // targets of this contact
	Done    int // of those, how many had been done before
	Noun    string
	Due     time.Time
	Why     string // what changed, in the commander's words
	Void    string // the method that no longer counts; blank when versions moved
	Groups  []AdviceStep
	Started bool   // some of them have not been started
	Direct  string // what to do for those: "2.16.0"; blank when there is no short cut
	Minutes int
	Tried   Markup

	Helpers     []Markup
	HelpChannel Markup
}

// AdviceStep is what some targets need now.
type AdviceStep struct {
	Names []string
	Do    Markup // "2.16.0 (on Java 7: 2.12.2)", "remove the class today"
}

// ReopenedData is for reopened: work that counted as done is open again for a
// reason other than the advice.
type ReopenedData struct {
	LocalTime
	Title       string
	Count       int
	Total       int
	Noun        string
	Names       []string
	Due         time.Time
	Why         string // "the scan of 09:00 still sees 2.14.1", "the exception ran out"
	Claimed     string // the method that was claimed; blank when it was none
	Helpers     []Markup
	HelpChannel Markup
}

// RevisionMovedData is for revision_moved: newly approved instructions ask something
// else of work that is not done yet; at most 90 words.
type RevisionMovedData struct {
	LocalTime
	Title       string
	Count       int // targets that are not done yet
	Done        int // those that are
	Noun        string
	Verb        string
	Names       []string
	Due         time.Time
	Action      Markup
	Minutes     int
	Tried       Markup
	HelpChannel Markup
}

// HowDoneData is for how_done: work was closed in the tracker, and nobody has said
// yet how it was done; at most 90 words.
type HowDoneData struct {
	LocalTime
	Title       string
	Count       int // targets
	Noun        string
	Names       []string
	HelpChannel Markup
}

// ProgressData is for progress: the headline of a contact's message once its
// numbers have moved (see WithHeadline).
type ProgressData struct {
	LocalTime
	Title    string
	Count    int // all targets of this contact
	Done     int // verified, or otherwise settled
	Claimed  int // done by somebody's word, not yet confirmed
	Blocked  int
	Unknown  int
	Noun     string
	Verb     string
	Due      time.Time // of the next open task
	Accepted Markup    // Mention of who took it on; blank for nobody
}

// TicketTitleData is for ticket_title, plain text of one line.
type TicketTitleData struct {
	LocalTime
	Title   string
	Name    string // of the service or team
	Count   int    // targets in it
	Noun    string
	Verb    string
	Due     time.Time
	Exposed bool // at least one of them faces the internet
}

// TicketBodyData is for ticket_body, Markdown with everything in it. It has no
// Now: the text is part of the frozen plan and must not depend on the hour.
type TicketBodyData struct {
	LocalTime
	Campaign   string // ID
	Title      string
	Exploited  bool
	Advisories []AdvisoryLine
	Pattern    string // the name looked for where there is no record
	Targets    []TicketTarget
	Tracks     []TicketTrack
	Waiver     string
	Owner      string // name of the team or person
	Contact    string // name of who is asked
	Help       string // name of the help channel, with its #
	HelpURL    string
}

// AdvisoryLine is a published record that a campaign goes by.
type AdvisoryLine struct {
	ID      string
	Summary string
	URL     string
}

// TicketTarget is one target in a ticket.
type TicketTarget struct {
	Name        string
	Layer       string // blank for the application
	Exposed     bool
	Guessed     bool // nobody recorded who can reach it, so it counts as exposed
	Environment string
	Tier        string
	Detail      string // of a row
	Unknown     bool   // no fresh scan
	ScannedAt   time.Time
	Findings    []TicketFinding
}

// TicketFinding is what was found, and where.
type TicketFinding struct {
	Component string // name, or package URL
	Version   string
	Asset     string
	Path      string
	Possible  bool
	Why       string   // with Possible
	Fixed     []string // versions to move to
}

// TicketTrack is what one track asks of a ticket's targets.
type TicketTrack struct {
	Name         string
	Verb         string
	Due          time.Time
	Proof        string // see ProofWords
	Methods      []string
	Void         []string
	Revision     int    // approved, 0 when there are no instructions
	Instructions Markup // Markdown, as the reviewers approved it
	Minutes      int
	Tried        Markup
}

// Won returns what a target is whose task on this track is done.
func (t Track) Won() string {
	switch t.Kind {
	case TrackMitigate:
		return "protected"
	case TrackFix:
		return "fixed"
	}
	return "done"
}

// Ask returns what a track asks for, as the first word of a sentence.
func (t Track) Ask() string {
	switch t.Kind {
	case TrackMitigate:
		return "Contain"
	case TrackFix:
		return "Fix"
	case TrackHunt:
		return "Check for intruders"
	case TrackVendor:
		return "Ask the vendor"
	case TrackAttest:
		return "Tell us"
	}
	return "Finish"
}

// ProofWords says what makes a claim count.
func ProofWords(p Proof) string {
	switch p {
	case ProofScan:
		return "a scan that starts at least five minutes after you say done"
	case ProofSecondPerson:
		return "a second person who checks it, by name"
	case ProofAttestation:
		return "your word, with how you checked"
	}
	return string(p)
}

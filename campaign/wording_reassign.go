package campaign

import "time"

// ReassignAskedData is for reassign_asked: somebody is asked to take over work that
// another owner says is theirs; at most 90 words.
type ReassignAskedData struct {
	LocalTime
	Title       string
	By          Markup // who says so
	Team        string // of the reader
	Count       int
	Noun        string
	Names       []string
	Exposed     bool // some of it faces the internet
	Due         time.Time
	Within      time.Time // until when an answer is waited for
	HelpChannel Markup
}

// ReassignTriageData is for reassign_triage: the commander is asked whose work it
// is; at most 90 words.
type ReassignTriageData struct {
	LocalTime
	Title   string
	By      Markup // who gave it back; blank when an import did
	Owner   string // with whom it is
	Count   int
	Noun    string
	Names   []string
	Exposed bool
	Due     time.Time
	Asked   []ReassignAnswer
	Why     string
}

// ReassignAnswer is what somebody answered who was asked to take work over.
type ReassignAnswer struct {
	Who    Markup
	Team   string
	Answer string // accepted, declined, passed on, silent
	Reason string
}

// ReassignReturnedData is for reassign_returned: work that was given back stays
// with whom it is with; at most 80 words.
type ReassignReturnedData struct {
	LocalTime
	Title       string
	By          Markup
	Count       int
	Noun        string
	Names       []string
	Due         time.Time
	Reason      string
	HelpChannel Markup
}

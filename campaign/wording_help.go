package campaign

import "time"

// DryRunInviteData is for dryrun_invite: the reviewers are asked to execute a
// revision.
type DryRunInviteData struct {
	LocalTime
	Title     string
	Track     string
	Revision  int
	By        Markup
	Steps     int
	Reviewers []Markup
	Quorum    int
	Changes   string // what changed since the last revision; blank for the first
}

// DryRunStepData is for dryrun_step: one step and how it went so far.
type DryRunStepData struct {
	Number   int
	Of       int
	Text     Markup // Mrkdwn(step)
	Verdicts []StepLine
}

// StepLine is one reviewer's verdict on a step.
type StepLine struct {
	Who     Markup
	Verdict StepVerdict
	Comment string
}

// DryRunResultData is for dryrun_result: where a revision's dry run stands.
type DryRunResultData struct {
	LocalTime
	Campaign string // its ID: others may run in the same channel
	Title    string
	Track    string
	Revision int
	Approved bool // by the quorum, all comments resolved
	Quorum   int
	Reviews  []ReviewLine
	Open     int // unresolved comments
}

// ReviewLine is one reviewer's result.
type ReviewLine struct {
	Who      Markup
	Service  string
	Minutes  int
	Verdict  ReviewVerdict // blank while it is going on
	Comments []string
}

// HelpTopicData is for help_topic, plain text of at most 250 characters.
type HelpTopicData struct {
	LocalTime
	Title  string
	Verb   string
	Due    time.Time
	Odd    string // who is told, privately, of signs of a break-in; blank leaves it out
	Paused bool
	Closed bool
}

// HelpWelcomeData is for help_welcome, which is pinned in the help channel.
type HelpWelcomeData struct {
	LocalTime
	Title     string
	Exploited bool
	Tracks    []HelpTrack
	Void      []string
	Helpers   []Markup
	Budget    time.Duration // within which questions are answered; 0 when none is set
	Commander Markup
	Odd       Markup // who is told, privately, of signs of a break-in; blank leaves it out
}

// HelpTrack is a track's instructions, as they stand in the help channel.
type HelpTrack struct {
	Name     string
	Verb     string
	Due      time.Time
	Revision int
	Text     Markup // Mrkdwn(instructions)
	Minutes  int
	Tried    Markup
}

// QuestionTakenData is for question_taken: the first answer in a question's
// thread.
type QuestionTakenData struct {
	LocalTime
	Number   int
	Helpers  []Markup
	AnswerBy time.Time // zero when no time is set
}

// QuestionEscalatedData is for question_escalated, in the command channel.
type QuestionEscalatedData struct {
	LocalTime
	Title     string
	Number    int
	From      Markup
	Text      string
	Asked     time.Time
	Waited    time.Duration
	To        []Markup // who is asked to answer
	Thread    Markup   // Link to the question
	Suggested string   // an answer that did not help; blank for none
}

// QuestionAnsweredData is for question_answered.
type QuestionAnsweredData struct {
	Number int
	By     Markup
	Took   time.Duration
}

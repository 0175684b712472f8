package campaign

import "time"

// PreviewData is for preview: what the commander reads before a launch, at most
// 120 words.
type PreviewData struct {
	LocalTime
	Title    string
	Tickets  int
	Messages int
	// DoneAt is when all of it will have gone out, at Slack's and the tracker's
	// pace; zero when nothing goes out.
	DoneAt   time.Time
	Woken    int // people asleep who are woken, since their targets are exposed
	Sleeping int // people whose message waits for their morning
	Texts    []PreviewText
	Unknown  int // services without a fresh scan
	Unowned  int // targets without an owner
	Triage   int // doubtful targets that nobody has judged
	Missing  []string
	Exposed  int  // tickets of the exposed slice
	Early    bool // no text is approved so far
}

// PreviewText is the proof of one track's instructions.
type PreviewText struct {
	Track     string
	Revision  int
	Executed  []Markup // Mention of who executed and approved it
	Minutes   int      // of the slower one; 0 when nobody executed it
	Unchanged bool     // since they did
}

// DriftData is for drift: how the world has moved since the plan was frozen. A
// count of zero is left out.
type DriftData struct {
	LocalTime
	Title      string
	Since      time.Time // when the plan was frozen
	Added      int
	AddedNames []string
	Gone       int
	GoneNames  []string
	Moved      int // changed their owner or contact
	MovedNames []string
	Texts      []string // tracks whose approved text changed
	Waiting    int      // late targets beyond the admission rule, waiting for a person
	PerDay     int      // the admission rule: at most so many a day join by themselves
}

// LaunchLockData is for launch_lock.
type LaunchLockData struct {
	Title string
	Lines []LockLine
}

// LockLine is one condition of the launch.
type LockLine struct {
	What    string // "Text approved"
	OK      bool
	Detail  string // what is there: "revision 3, by Mei and Tom"
	Missing string // what is missing, and what to do about it
	Waived  string // why it does not stop the launch; then it counts as OK
}

// SecondPersonData is for second_person: the command channel is asked for a
// second pair of eyes.
type SecondPersonData struct {
	LocalTime
	Title  string
	By     Markup // Mention of who asks
	What   string // "launch the exposed slice", "void flag on mitigate"
	Why    string // in the asker's words
	Size   int    // how much it touches
	Of     string // of what: "tickets", "tasks reopened", "people messaged"
	Limit  int    // above which a second person is needed; 0 when it always is
	Effect Markup // the preview, rendered
}

// DeadLetterData is for dead_letter: something could not be sent.
type DeadLetterData struct {
	LocalTime
	Title    string
	What     string // "the first message", "ticket MU-12"
	To       Markup // person or channel; blank where it is neither
	Why      string // public words
	Attempts int
	Since    time.Time
	Unclear  bool // it may have taken effect
}

// VoidPreviewData is for void_preview.
type VoidPreviewData struct {
	LocalTime
	Title    string
	Track    string
	Method   string
	Why      string
	Reopens  int // claims and verified tasks that stop counting
	Exposed  int // of those, how many face the internet
	Contacts int // people who get a message
	Names    []string
	Kept     int // done by other methods: untouched
	Limit    int // above which a second person is needed; 0 when it is not
}

// RebaselinePreviewData is for rebaseline_preview.
type RebaselinePreviewData struct {
	LocalTime
	Title    string
	Floors   []FloorLine
	Choices  []RebaselineChoice
	Names    []string // examples
	Credited int      // done to the earlier floor and still counting
	Limit    int
}

// FloorLine is a fixed version asked for.
type FloorLine struct {
	Package string
	Branch  string // blank for all others
	Fixed   string
	Reason  string
}

// RebaselineChoice is one reach of a re-baseline and what it would do.
type RebaselineChoice struct {
	Which    string // "all", "exposed", "unfinished"
	Reopens  int
	Contacts int
}

// PausedData is for paused.
type PausedData struct {
	LocalTime
	Campaign string // its ID
	Title    string
	By       Markup
	At       time.Time
	Why      string
	Held     int // messages and tickets that wait
	Posted   int // of the launch: already out
}

// ResumedData is for resumed.
type ResumedData struct {
	LocalTime
	Title  string
	By     Markup
	At     time.Time
	Paused time.Duration
	Held   int // messages and tickets that go out now
	DoneAt time.Time
}

// CancelledData is for cancelled: what owners and the command channel read.
type CancelledData struct {
	LocalTime
	Title     string
	By        Markup
	At        time.Time
	Why       string
	Withdrawn int // tasks
	Done      int // that were done before
	Told      int // contacts who are told
	Noun      string
}

// PlanWavesData is for plan_waves: in which waves a plan goes out, and what lies
// between them.
type PlanWavesData struct {
	LocalTime
	Waves  []WaveLine
	Picks  []PilotPick // of the pilot; empty when there is none
	ByHand bool        // the pilot was chosen by name
	Gate   string      // when the next wave goes out
	// Fast is how long without a question is enough before the exposed ones, since
	// attacks are known; zero when it is as before the others.
	Fast        time.Duration
	Questions   int // above so many open ones a gate stays shut
	DeadLetters int // above so many a gate stays shut
}

// WaveLine is one wave of a plan.
type WaveLine struct {
	Name     string // what it is launched by
	Title    string // what people call it
	Tickets  int
	Messages int
	Woken    int
	Sleeping int
	Takes    time.Duration
	State    string // "out", "going out", "waits at its gate"; blank while it was not launched
}

// WaveProgressData is for wave_progress: the one message about a wave that is
// going out, edited in place.
type WaveProgressData struct {
	LocalTime
	Title     string
	Wave      string // "the exposed slice"
	Opened    string // why its gate opened; blank when it had none
	Tickets   int
	Filed     int // of them, in the tracker
	Messages  int
	Sent      int
	Failed    int // tickets and messages that could not be sent
	Sleeping  int // messages that wait for their readers' morning; 0 while others go out
	Rate      int // tickets a minute
	Bar       string
	Launched  time.Time
	DoneAt    time.Time // zero when all that can go is out
	Took      time.Duration
	Out       bool // all of it
	Paused    bool
	Cancelled bool

	Next        string // the wave that waits for this one; blank when none does
	NextTickets int
	Gate        string // what it waits for
	Held        string // what keeps its gate shut
}

// GateHeldData is for gate_held: a wave stays, and somebody has to look.
type GateHeldData struct {
	LocalTime
	Title   string
	Wave    string
	Tickets int
	Why     string
}

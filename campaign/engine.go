package campaign

import (
	"cmp"
	"errors"
	"io"
	"time"

	"github.com/sirupsen/logrus"
)

// Options are the parts that an Engine works with.
type Options struct {
	Store     Store     // required
	Matcher   Matcher   // required
	Renderer  Renderer  // required
	Messenger Messenger // required
	Channels  Channels  // required
	Directory Directory // required
	Roles     Roles     // required
	Tracker   Tracker   // required
	Pager     Pager     // default: nobody is paged
	Files     Files     // default: files that are dropped into channels are not read
	Documents Documents // goes with Files
	Exploits  Exploits  // default: no catalogue of exploited vulnerabilities is asked

	// Epoch names the run of the store's server, when what it acknowledged last
	// may be missing from the next one; "" when nothing can be lost. It is asked
	// before each sending and does not wait. Default: nothing can be lost.
	Epoch func() string

	Clock Clock              // default: RealClock
	Log   logrus.FieldLogger // default: discards

	Company        string        // what the messages call the company; default "the company"
	Zone           string        // IANA zone of new campaigns; default "UTC"
	CommandChannel ChannelRef    // where dead letters and requests for a second person go
	Brakes         Brakes        // zero fields take their defaults
	Quorum         int           // reviewers who must approve; default 2
	FreshFor       time.Duration // how long a scan counts; default 7 days
	Pace           Pace          // what the plan's duration is computed from
	Work           WorkOptions   // leases, waits and workers
	Digests        []DigestSchedule
}

// Brakes are the sizes above which a second person is needed.
type Brakes struct {
	SecondPersonAbove int     // tickets opened, tasks reopened or people messaged at once; default 50
	AdmissionPerDay   int     // late targets that join by themselves in a day; default 25
	AdmissionShare    float64 // and as a share of the plan's targets; default 0.10
}

// WorkOptions are the times of the worker. Leases and polls are real time.
type WorkOptions struct {
	Lease         time.Duration // default 30 s
	UncertainWait time.Duration // before an uncertain effect is looked up; default 2 min
	Poll          time.Duration // how long to sleep at most when nothing is due; default 1 s
	Heartbeat     time.Duration // default 15 s
	Coalesce      time.Duration // how long an edited message waits for more; default 30 s
	Seal          time.Duration // how long the audit log waits to be sealed, in batches; default 500 ms
	Workers       int           // default 8
	Stop          time.Duration // how long a shutdown lets work in hand finish, in real time; default 7 s
	TrackPoll     time.Duration // between two looks at what changed in the tracker; default 30 s, negative for never
}

// DigestSchedule says who gets a digest, and when.
type DigestSchedule struct {
	Audience Audience
	Cron     string // five fields
	Zone     string // IANA name; default: the campaign's
	Channel  string // channel ID or name
	// Written is the channel as the configuration has it; default: Channel. It tells
	// this schedule from others, so that replicas agree also when one did not find the
	// channel at its start.
	Written string
}

func (o Options) withDefaults() (Options, error) {
	required := map[string]bool{
		"Store": o.Store == nil, "Matcher": o.Matcher == nil, "Renderer": o.Renderer == nil,
		"Messenger": o.Messenger == nil, "Channels": o.Channels == nil, "Directory": o.Directory == nil,
		"Roles": o.Roles == nil, "Tracker": o.Tracker == nil,
	}
	for _, name := range sortedKeys(required) {
		if required[name] {
			return o, errors.New("campaign: Options." + name + " is required")
		}
	}
	if o.Clock == nil {
		o.Clock = RealClock{}
	}
	if o.Epoch == nil {
		o.Epoch = func() string { return "" }
	}
	if o.Log == nil {
		silent := logrus.New()
		silent.SetOutput(io.Discard)
		o.Log = silent
	}
	if err := checkDigests(o.Digests); err != nil {
		return o, err
	}
	o.Company = cmp.Or(o.Company, "the company")
	o.Zone = cmp.Or(o.Zone, "UTC")
	o.Brakes.SecondPersonAbove = cmp.Or(o.Brakes.SecondPersonAbove, 50)
	o.Brakes.AdmissionPerDay = cmp.Or(o.Brakes.AdmissionPerDay, 25)
	o.Brakes.AdmissionShare = cmp.Or(o.Brakes.AdmissionShare, 0.10)
	o.Quorum = cmp.Or(o.Quorum, 2)
	o.FreshFor = cmp.Or(o.FreshFor, 7*24*time.Hour)
	o.Pace = o.Pace.withDefaults(o.Tracker)
	o.Work = o.Work.withDefaults()
	return o, nil
}

func (w WorkOptions) withDefaults() WorkOptions {
	w.Lease = cmp.Or(w.Lease, 30*time.Second)
	w.UncertainWait = cmp.Or(w.UncertainWait, 2*time.Minute)
	w.Poll = cmp.Or(w.Poll, time.Second)
	w.Heartbeat = cmp.Or(w.Heartbeat, 15*time.Second)
	w.Coalesce = cmp.Or(w.Coalesce, 30*time.Second)
	w.Seal = cmp.Or(w.Seal, 500*time.Millisecond)
	w.Workers = cmp.Or(w.Workers, 8)
	w.Stop = cmp.Or(w.Stop, 7*time.Second)
	w.TrackPoll = cmp.Or(w.TrackPoll, 30*time.Second)
	return w
}

// Engine carries out what people ask of campaigns. Its methods may be called
// at the same time from many places, and on many replicas.
type Engine struct {
	opts       Options
	handlers   map[string]Handler
	effects    map[EffectKind]action
	holds      map[HoldKind]grant
	pseudonyms pseudonyms
	unpacked   catalogCache
	losses     lossWatch
}

// New returns an Engine, or an error that names the option that is missing.
func New(o Options) (*Engine, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	g := &Engine{opts: o, handlers: map[string]Handler{}}
	g.effects, g.holds = g.actions(), g.grants()
	g.routes()
	return g, nil
}

// Log fields, so that every log line of the domain can be searched alike.
const (
	FieldCampaign = "campaign"
	FieldRequest  = "request"
	FieldEffect   = "effect"
	FieldActor    = "actor"
)

// Request is who asks for something, and by which envelope.
type Request struct {
	// Key is the envelope's key. A request that was carried out before is not
	// carried out again; the method then returns what it led to. A blank key is
	// never remembered.
	Key    string
	Actor  Person
	Reason string
	// At is when the envelope was received; see Loss. Zero is now.
	At time.Time

	// more says that further steps of the request follow, so that this one does
	// not count as having carried it out.
	more bool
}

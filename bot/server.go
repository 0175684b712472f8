package bot

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/musterbot/muster/campaign"
)

// Inbox makes envelopes durable. campaign.Inbox does.
type Inbox interface {
	// Append returns nil when the envelope is durable; a second one with the
	// same key is not an error. Envelopes of one serial are worked in order.
	Append(ctx context.Context, e campaign.Envelope, serial string) error
}

// Handlers decide what must be decided before the acknowledgement.
type Handlers interface {
	// Check returns what Slack must hear at once: the errors of a form, the
	// options of a select. With rejected set the envelope goes no further.
	Check(ctx context.Context, e campaign.Envelope) (ack any, rejected bool, err error)
	// Serial returns the order that the envelope keeps; "" for what overtakes
	// everything else of its person.
	Serial(e campaign.Envelope) string
	// Beside returns what a trigger forces, because a trigger lives three
	// seconds: to open a form. It runs beside the append. It is nil for most
	// envelopes.
	Beside(e campaign.Envelope) func(context.Context)
}

// Options are what a Server needs.
type Options struct {
	Inbox    Inbox              // required
	Handlers Handlers           // required
	Clock    campaign.Clock     // default: real time
	Log      logrus.FieldLogger // default: discards
}

func (o Options) withDefaults() (Options, error) {
	if o.Inbox == nil || o.Handlers == nil {
		return o, errors.New("bot: Options.Inbox and Options.Handlers are required")
	}
	if o.Clock == nil {
		o.Clock = campaign.RealClock{}
	}
	if o.Log == nil {
		silent := logrus.New()
		silent.SetOutput(io.Discard)
		o.Log = silent
	}
	return o, nil
}

// Server receives what Slack sends. Both ways in, Socket and the HTTP handlers,
// go through it.
type Server struct {
	opts   Options
	mu     sync.Mutex
	closed bool
	beside sync.WaitGroup
}

// New returns a Server.
func New(o Options) (*Server, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	return &Server{opts: o}, nil
}

// Close waits for what runs beside the requests. Nothing may be received
// afterwards.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.beside.Wait()
	return nil
}

// besideFor is how long a form may take to be opened: longer than its trigger
// lives is of no use.
const besideFor = 5 * time.Second

// receive stores what came in and returns the acknowledgement: store, answer,
// work, in that order. An error means that nothing may be acknowledged.
func (s *Server) receive(ctx context.Context, kind campaign.EnvelopeKind, payload json.RawMessage) (any, error) {
	env, keep, err := envelopeOf(kind, payload, s.opts.Clock.Now())
	if err != nil {
		return nil, &campaign.Error{Kind: campaign.Invalid, Message: "This request cannot be read, and was not kept.", Err: err}
	}
	ack, rejected, err := s.opts.Handlers.Check(ctx, env)
	if err != nil || rejected || !keep {
		return ack, err
	}
	s.runBeside(ctx, env)
	return ack, s.opts.Inbox.Append(ctx, env, s.opts.Handlers.Serial(env))
}

// runBeside starts what a trigger forces; Close waits for it.
func (s *Server) runBeside(ctx context.Context, env campaign.Envelope) {
	run := s.opts.Handlers.Beside(env)
	if run == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), besideFor, errors.New("the trigger has expired"))
	s.beside.Go(func() {
		defer cancel()
		run(ctx)
	})
}

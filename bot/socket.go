package bot

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/slack-go/slack/socketmode"

	"github.com/musterbot/muster/campaign"
)

// SocketOptions are what a Socket needs beside its Server.
type SocketOptions struct {
	// Connect returns a new client for one connection. Required.
	Connect func() *socketmode.Client
	// Connections is how many are held at a time. Slack ends each of them
	// every few hours, and the library opens the next only then; with two,
	// opened apart, one is always there. Default 2.
	Connections int
	Stagger     time.Duration // between the opening of one and the next; default 10 s
	Backoff     time.Duration // before a connection that failed for good is tried again; default 30 s
	InFlight    int           // envelopes received at the same time; default 64
}

// Socket receives over Socket Mode, which needs no public endpoint.
type Socket struct {
	server *Server
	opts   SocketOptions
	open   atomic.Int32
	slots  chan struct{}
}

// NewSocket returns a Socket; Run connects it.
func NewSocket(s *Server, o SocketOptions) (*Socket, error) {
	if s == nil || o.Connect == nil {
		return nil, errors.New("bot: NewSocket needs a Server and SocketOptions.Connect")
	}
	o.Connections = cmp.Or(o.Connections, 2)
	o.Stagger = cmp.Or(o.Stagger, 10*time.Second)
	o.Backoff = cmp.Or(o.Backoff, 30*time.Second)
	o.InFlight = cmp.Or(o.InFlight, 64)
	return &Socket{server: s, opts: o, slots: make(chan struct{}, o.InFlight)}, nil
}

// Connected returns how many connections are up, for the readiness check.
func (s *Socket) Connected() int { return int(s.open.Load()) }

// Run holds the connections until ctx ends, and returns when everything that
// was received is stored. What is not acknowledged by then comes again: Slack
// delivers it to another connection, and the inbox knows it.
func (s *Socket) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	for n := range s.opts.Connections {
		wg.Go(func() {
			if !pause(ctx, time.Duration(n)*s.opts.Stagger) {
				return
			}
			for ctx.Err() == nil {
				s.hold(ctx, n)
				pause(ctx, s.opts.Backoff)
			}
		})
	}
	wg.Wait()
	return nil
}

// pause waits in real time, and returns whether ctx still runs.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// hold keeps one connection open until it fails for good, as by a token that
// was revoked, or ctx ends.
func (s *Socket) hold(ctx context.Context, n int) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	client := s.opts.Connect()
	log := s.server.opts.Log.WithField("connection", n)
	var wg sync.WaitGroup
	wg.Go(func() {
		defer cancel()
		if err := client.RunContext(ctx); ctx.Err() == nil {
			log.WithError(err).Error("socket mode connection given up; it is tried again")
		}
	})
	c := connection{socket: s, client: client, log: log}
	for {
		select {
		case <-ctx.Done():
			c.down()
			wg.Wait()
			return
		case event := <-client.Events:
			c.take(ctx, event, &wg)
		}
	}
}

// connection is one of the sockets. Its fields belong to the one loop of hold.
type connection struct {
	socket *Socket
	client *socketmode.Client
	log    logrus.FieldLogger
	up     bool
}

func (c *connection) down() {
	if c.up {
		c.up = false
		c.socket.open.Add(-1)
	}
}

// take handles one event of the library. Envelopes are received beside each
// other, so that a slow disk holds up none; their number is bounded.
func (c *connection) take(ctx context.Context, event socketmode.Event, wg *sync.WaitGroup) {
	switch event.Type {
	case socketmode.EventTypeHello:
		if !c.up {
			c.up = true
			c.socket.open.Add(1)
		}
		c.log.Info("socket mode connected")
	case socketmode.EventTypeConnecting:
		c.down()
	case socketmode.EventTypeConnectionError, socketmode.EventTypeInvalidAuth:
		c.log.WithField("event", event.Type).Warn("socket mode cannot connect")
	case socketmode.EventTypeErrorBadMessage:
		if bad, ok := event.Data.(*socketmode.ErrorBadMessage); ok {
			c.takeUnknown(ctx, bad.Message, wg)
		}
	case socketmode.EventTypeErrorWriteFailed:
		c.log.Warn("acknowledgement not written; slack delivers it again")
	default:
		if event.Request != nil {
			c.takeRequest(ctx, *event.Request, wg)
		}
	}
}

// takeUnknown reads what the library could not: an event of a newer type is an
// event all the same, and everything else is acknowledged, or it would come
// again and again.
func (c *connection) takeUnknown(ctx context.Context, raw json.RawMessage, wg *sync.WaitGroup) {
	var request socketmode.Request
	if err := json.Unmarshal(raw, &request); err != nil || request.EnvelopeID == "" {
		c.log.Warn("unreadable socket mode message")
		return
	}
	c.takeRequest(ctx, request, wg)
}

var socketKinds = map[string]campaign.EnvelopeKind{
	socketmode.RequestTypeEventsAPI:     campaign.EnvelopeEvent,
	socketmode.RequestTypeSlashCommands: campaign.EnvelopeCommand,
	socketmode.RequestTypeInteractive:   campaign.EnvelopeAction,
}

func (c *connection) takeRequest(ctx context.Context, request socketmode.Request, wg *sync.WaitGroup) {
	if request.EnvelopeID == "" {
		return
	}
	kind, known := socketKinds[request.Type]
	if !known {
		c.log.WithField("type", request.Type).Warn("socket mode message of an unknown type acknowledged")
		c.acknowledge(ctx, request, nil)
		return
	}
	select {
	case c.socket.slots <- struct{}{}:
	case <-ctx.Done():
		return
	}
	wg.Go(func() {
		defer func() { <-c.socket.slots }()
		// What was received is stored even while we shut down.
		ack, err := c.socket.server.receive(context.WithoutCancel(ctx), kind, request.Payload)
		if err != nil && campaign.KindOf(err) != campaign.Invalid {
			c.log.WithError(err).WithField("envelope", kind).Error("envelope not acknowledged")
			return
		}
		if err != nil {
			c.log.WithError(err).WithField("envelope", kind).Warn("unreadable envelope acknowledged")
		}
		c.acknowledge(ctx, request, ack)
	})
}

func (c *connection) acknowledge(ctx context.Context, request socketmode.Request, ack any) {
	if err := c.client.AckCtx(ctx, request.EnvelopeID, ack); err != nil && ctx.Err() == nil {
		c.log.WithError(err).Error("acknowledge envelope")
	}
}

package bot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
	"github.com/sirupsen/logrus"
	"github.com/slack-go/slack"
)

// SocketOptions are what a Socket needs beside its Server.
type SocketOptions struct {
	// Open asks Slack for the address of one connection, which serves once and
	// soon. Required.
	Open func(ctx context.Context) (url string, err error)
	// Connections is how many are held at a time. Slack ends each of them
	// every few hours; with two, opened apart, one is always there. Default 2.
	Connections int
	Stagger     time.Duration // between the opening of one and the next; default 10 s
	Backoff     time.Duration // the longest pause before one that failed is tried again; default 30 s
	InFlight    int           // envelopes received at the same time; default 64
	// Ping is how often Slack is asked whether a connection lives; one on which
	// nothing comes for three times as long is given up. Slack asks as well, every
	// few seconds. Default 10 s.
	Ping time.Duration
}

// Socket receives over Socket Mode, which needs no public endpoint. It speaks the
// protocol itself, on the library's types: the library's own client cuts a
// connection when it stops, and what Slack has just sent on it is refused to
// whoever sent it.
type Socket struct {
	server *Server
	opts   SocketOptions
	open   atomic.Int32
	slots  chan struct{}
}

// NewSocket returns a Socket; Run connects it.
func NewSocket(s *Server, o SocketOptions) (*Socket, error) {
	if s == nil || o.Open == nil {
		return nil, errors.New("bot: NewSocket needs a Server and SocketOptions.Open")
	}
	o.Connections = cmp.Or(o.Connections, 2)
	o.Stagger = cmp.Or(o.Stagger, 10*time.Second)
	o.Backoff = cmp.Or(o.Backoff, 30*time.Second)
	o.InFlight = cmp.Or(o.InFlight, 64)
	o.Ping = cmp.Or(o.Ping, 10*time.Second)
	return &Socket{server: s, opts: o, slots: make(chan struct{}, o.InFlight)}, nil
}

// Connected returns how many connections are up, for the readiness check.
func (s *Socket) Connected() int { return int(s.open.Load()) }

// Run holds the connections until ctx ends. Then it takes leave of Slack, and
// returns when everything that was received is stored and, while Slack listens,
// acknowledged. That takes at most leaveIdle and leaveFor, and what storing takes.
func (s *Socket) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	for n := range s.opts.Connections {
		wg.Go(func() {
			if pause(ctx, time.Duration(n)*s.opts.Stagger) {
				s.keep(ctx, s.server.opts.Log.WithField("connection", n))
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

// keep holds one connection until ctx ends. When Slack asks for another in its
// place, that is opened first, and the old one left when the new one is up: people
// type meanwhile. Otherwise the next is opened after a pause, which grows while
// none lasts.
func (s *Socket) keep(ctx context.Context, log logrus.FieldLogger) {
	var serving sync.WaitGroup
	defer serving.Wait()
	var old *connection // Slack asked it to go; it is served until another is up
	first := max(1, s.opts.Backoff/256)
	for wait := first; ctx.Err() == nil; wait = min(2*wait, s.opts.Backoff) {
		began := time.Now()
		c, err := s.connect(ctx, log)
		if err == nil {
			serving.Go(func() { c.serve(ctx) })
			old = c.takeOver(old)
		}
		if ctx.Err() != nil {
			return
		}
		if err == nil && time.Since(began) > lastsFrom {
			wait = first
			if old == c {
				continue
			}
		}
		rest := wait/2 + rand.N(wait/2+1)
		if limited, ok := errors.AsType[*slack.RateLimitedError](err); ok {
			rest = max(rest, limited.RetryAfter)
		}
		if err != nil {
			log.WithError(err).WithField("pause", rest).Warn("socket mode cannot connect; it is tried again")
		}
		pause(ctx, rest)
	}
}

// The bounds of one connection.
const (
	dialFor  = 20 * time.Second
	writeFor = 10 * time.Second
	// lastsFrom is how long a connection lives that is no failure to connect.
	lastsFrom = time.Second
	maxFrame  = 1 << 20  // bytes of one message of Slack
	maxAck    = 20 << 10 // bytes from which Slack drops an acknowledgement without a word
	// Slack does not put an acknowledgement together that comes in several frames.
	writeBuffer = 32 << 10
)

// connect opens one connection.
func (s *Socket) connect(ctx context.Context, log logrus.FieldLogger) (*connection, error) {
	address, err := s.opts.Open(ctx)
	if err != nil {
		return nil, err
	}
	dialer := websocket.Dialer{Proxy: http.ProxyFromEnvironment, HandshakeTimeout: dialFor, WriteBufferSize: writeBuffer}
	conn, answer, err := dialer.DialContext(ctx, address, nil)
	if answer != nil {
		_ = answer.Body.Close()
	}
	if err != nil {
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err // the address is a credential
		}
		return nil, fmt.Errorf("dial socket mode: %w", err)
	}
	return newConnection(s, conn, log), nil
}

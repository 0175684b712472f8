package bot

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"github.com/sirupsen/logrus"
	"github.com/slack-go/slack/socketmode"

	"github.com/musterbot/muster/campaign"
)

// How a connection is left. Slack sends an envelope to any connection that it
// holds for open, and tells a person whose command is not acknowledged that it
// failed. So a connection is closed at a moment when all is acknowledged that
// came on it, and read on until Slack has answered that it is closed.
const (
	relieveFor = 8 * time.Second // how long another connection is waited for, when Slack asks for one
	leaveIdle  = time.Second     // how long that moment is waited for
	leaveFor   = 3 * time.Second // how long Slack's answer is waited for
)

// connection is one of the sockets.
type connection struct {
	socket *Socket
	conn   *websocket.Conn
	log    logrus.FieldLogger

	hello    chan struct{} // closed when Slack says that it is up
	asked    chan struct{} // closed when Slack asks us to come anew
	relieved chan struct{} // closed when another is up in its place
	ended    chan struct{} // closed when nothing more comes
	up, told bool          // whether hello and asked are closed; known to the reader alone

	receiving sync.WaitGroup
	writing   sync.Mutex // one acknowledgement at a time

	mu   sync.Mutex
	left bool          // the goodbye was said
	held int           // envelopes that were read, and are not settled
	idle chan struct{} // closed when held falls to 0; nil while nobody waits
}

func newConnection(s *Socket, conn *websocket.Conn, log logrus.FieldLogger) *connection {
	return &connection{
		socket: s, conn: conn, log: log,
		hello: make(chan struct{}), asked: make(chan struct{}), relieved: make(chan struct{}), ended: make(chan struct{}),
	}
}

// takeOver waits until a connection that is being served is up, relieves the one
// in whose place it was opened, if there is one, and waits until it has ended or is
// asked to go itself. It returns who waits to be relieved then, or nil.
func (c *connection) takeOver(old *connection) *connection {
	select {
	case <-c.ended:
		return old
	case <-c.hello:
	}
	if old != nil {
		close(old.relieved)
	}
	select {
	case <-c.ended:
		return nil
	case <-c.asked:
		return c
	}
}

// serve reads until the connection ends, by Slack or because ctx ended, and waits
// for what was received.
func (c *connection) serve(ctx context.Context) {
	var beside sync.WaitGroup
	beside.Go(func() { c.untilLeave(ctx) })
	err := c.read(ctx)
	close(c.ended)
	beside.Wait()
	if c.up {
		c.socket.open.Add(-1)
	}
	c.receiving.Wait()
	_ = c.conn.Close()
	if ctx.Err() == nil {
		c.log.WithError(err).Info("socket mode connection ended")
	}
}

// untilLeave keeps the connection alive until it is to be left, and leaves it.
func (c *connection) untilLeave(ctx context.Context) {
	ping := time.NewTicker(c.socket.opts.Ping)
	defer ping.Stop()
	asked, patience := c.asked, (<-chan time.Time)(nil)
	for {
		select {
		case <-c.ended:
			return
		case <-ping.C:
			_ = c.conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(writeFor)) // else the reader sees it
			continue
		case <-asked:
			asked, patience = nil, time.After(relieveFor)
			continue
		case <-c.relieved:
		case <-patience:
		case <-ctx.Done():
		}
		c.takeLeave()
		return
	}
}

// takeLeave says goodbye when nothing is in hand, and bounds how long the reader
// goes on. What crosses our goodbye is stored all the same; only its
// acknowledgement comes too late.
func (c *connection) takeLeave() {
	patience := time.NewTimer(leaveIdle)
	defer patience.Stop()
	select {
	case <-c.ended:
		return
	case <-c.settled():
	case <-patience.C:
	}
	bye := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
	_ = c.conn.WriteControl(websocket.CloseMessage, bye, time.Now().Add(leaveFor)) // else the reader sees it
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left = true
	_ = c.conn.SetReadDeadline(time.Now().Add(leaveFor)) // fails where the connection has ended
}

// read takes in what Slack sends until the connection ends.
func (c *connection) read(ctx context.Context) error {
	c.conn.SetReadLimit(maxFrame)
	answerPing := c.conn.PingHandler()
	c.conn.SetPingHandler(func(data string) error {
		c.heard()
		return answerPing(data)
	})
	c.conn.SetPongHandler(func(string) error {
		c.heard()
		return nil
	})
	for {
		c.heard()
		_, raw, err := c.conn.ReadMessage()
		if err != nil {
			return err
		}
		c.take(ctx, raw)
	}
}

// heard moves the time at which a silent connection counts as dead.
func (c *connection) heard() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.left {
		_ = c.conn.SetReadDeadline(time.Now().Add(3 * c.socket.opts.Ping)) // fails where the connection has ended
	}
}

// take handles one message of Slack.
func (c *connection) take(ctx context.Context, raw []byte) {
	var message socketmode.Request
	if err := json.Unmarshal(raw, &message); err != nil {
		c.log.Warn("unreadable socket mode message")
		return
	}
	switch message.Type {
	case socketmode.RequestTypeHello:
		if !c.up {
			c.up = true
			c.socket.open.Add(1)
			close(c.hello)
		}
		c.log.Info("socket mode connected")
	case socketmode.RequestTypeDisconnect:
		if !c.told {
			c.told = true
			close(c.asked)
		}
	default:
		if message.EnvelopeID != "" {
			c.takeEnvelope(ctx, message)
		}
	}
}

var socketKinds = map[string]campaign.EnvelopeKind{
	socketmode.RequestTypeEventsAPI:     campaign.EnvelopeEvent,
	socketmode.RequestTypeSlashCommands: campaign.EnvelopeCommand,
	socketmode.RequestTypeInteractive:   campaign.EnvelopeAction,
}

// takeEnvelope receives an envelope beside others, so that a slow disk holds up
// none; their number is bounded. What was received is stored even while we stop.
func (c *connection) takeEnvelope(ctx context.Context, message socketmode.Request) {
	kind, known := socketKinds[message.Type]
	if !known { // or it would come again and again
		c.log.WithField("type", message.Type).Warn("socket mode message of an unknown type acknowledged")
		c.acknowledge(message.EnvelopeID, nil)
		return
	}
	c.socket.slots <- struct{}{}
	c.hold(1)
	c.receiving.Go(func() {
		defer func() {
			c.hold(-1)
			<-c.socket.slots
		}()
		ack, err := c.socket.server.receive(context.WithoutCancel(ctx), kind, message.Payload)
		if err != nil && campaign.KindOf(err) != campaign.Invalid {
			c.log.WithError(err).WithField("envelope", kind).Error("envelope not acknowledged")
			return
		}
		if err != nil {
			c.log.WithError(err).WithField("envelope", kind).Warn("unreadable envelope acknowledged")
		}
		c.acknowledge(message.EnvelopeID, ack)
	})
}

// hold counts the envelopes that are in hand.
func (c *connection) hold(more int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held += more
	if c.held == 0 && c.idle != nil {
		close(c.idle)
		c.idle = nil
	}
}

// settled returns a channel that is closed once nothing is in hand. One caller
// waits at a time.
func (c *connection) settled() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	idle := make(chan struct{})
	if c.held == 0 {
		close(idle)
	} else {
		c.idle = idle
	}
	return idle
}

// acknowledge tells Slack that an envelope is durable. Where that cannot be
// written any more Slack delivers an event again, which the inbox knows, and tells
// a person that a command failed.
func (c *connection) acknowledge(id string, payload any) {
	body, err := json.Marshal(socketmode.Response{EnvelopeID: id, Payload: payload})
	if err == nil && len(body) >= maxAck {
		err = fmt.Errorf("it has %d bytes, and Slack drops what has %d", len(body), maxAck)
	}
	if err == nil {
		c.writing.Lock()
		defer c.writing.Unlock()
		_ = c.conn.SetWriteDeadline(time.Now().Add(writeFor)) // fails where writing fails
		err = c.conn.WriteMessage(websocket.TextMessage, body)
	}
	if err != nil {
		c.log.WithError(err).Warn("an envelope is stored, and its acknowledgement not written")
	}
}

package fakeslack

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
)

// Slack's bounds on Socket Mode.
const (
	maxSockets   = 10
	ticketLife   = 30 * time.Second
	socketQueue  = 1024
	writeTimeout = 10 * time.Second
)

// hub holds the Socket Mode connections.
type hub struct {
	w       *Workspace
	mu      sync.Mutex
	off     bool
	tickets map[string]time.Time
	sockets []*socket
	opening int // connections that are being upgraded
	turn    int
	serial  int64
}

// socket is one connection: a reader and a writer that end together.
type socket struct {
	hub    *hub
	serial int64
	conn   *websocket.Conn
	queue  chan frame
	gone   chan struct{}
	once   sync.Once
	parted atomic.Bool // the app closed it in good order

	mu      sync.Mutex
	pending map[string]chan json.RawMessage // envelope id -> acknowledgement
}

// frame is one message to write; cut closes the connection after it.
type frame struct {
	body []byte
	cut  bool
}

func (h *hub) init(w *Workspace) { h.w, h.tickets = w, map[string]time.Time{} }

// ticket admits one connection, once and soon.
func (h *hub) ticket() (string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.off {
		return "", fail("link_disabled")
	}
	now := time.Now()
	for t, until := range h.tickets {
		if now.After(until) {
			delete(h.tickets, t)
		}
	}
	t := rand.Text()
	h.tickets[t] = now.Add(ticketLife)
	return t, nil
}

// upgrader takes any origin, as slack-go sends one of its own; the ticket guards.
var upgrader = websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}

// serveSocket upgrades a connection that brings a ticket.
func (w *Workspace) serveSocket(rw http.ResponseWriter, hr *http.Request) {
	h := &w.hub
	h.mu.Lock()
	until, ok := h.tickets[hr.URL.Query().Get("ticket")]
	delete(h.tickets, hr.URL.Query().Get("ticket"))
	valid := ok && time.Now().Before(until)
	full := len(h.sockets)+h.opening >= maxSockets
	if valid && !full {
		h.opening++
	}
	h.mu.Unlock()
	switch {
	case !valid:
		http.Error(rw, "invalid ticket", http.StatusForbidden)
		return
	case full:
		http.Error(rw, "too many websockets", http.StatusTooManyRequests)
		return
	}
	conn, err := upgrader.Upgrade(rw, hr, nil)
	if err != nil {
		h.mu.Lock()
		h.opening--
		h.mu.Unlock()
		return // Upgrade has answered
	}
	s := &socket{
		hub: h, conn: conn, queue: make(chan frame, socketQueue), gone: make(chan struct{}),
		pending: map[string]chan json.RawMessage{},
	}
	h.mu.Lock()
	h.serial++
	s.serial = h.serial
	hello := h.hello(len(h.sockets)+1, hr.URL.Query().Get("debug_reconnects") == "true")
	s.queue <- frame{body: hello}
	h.sockets = append(h.sockets, s)
	h.opening--
	off := h.off // it may have been switched off while this connection was being opened
	h.mu.Unlock()
	if off || w.ctx.Err() != nil {
		s.close()
	}
	w.moved()
	writing := make(chan struct{})
	go func() { // ends with the reader below, which waits for it
		defer close(writing)
		s.write()
	}()
	s.read()
	s.close()
	<-writing
	h.drop(s)
	w.moved()
}

// moved tells the feed that a connection came or went.
func (w *Workspace) moved() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.change(Change{Kind: SocketsMoved})
}

func (h *hub) hello(n int, short bool) []byte {
	life := 18060
	if short {
		life = 360
	}
	body, _ := json.Marshal(fields{ // plain values: it cannot fail
		"type": "hello", "num_connections": n,
		"connection_info": fields{"app_id": h.w.appID},
		"debug_info": fields{
			"host": "applink-fake-" + strconv.FormatInt(h.serial, 10), "build_number": 1,
			"approximate_connection_time": life,
		},
	})
	return body
}

func (s *socket) close() {
	s.once.Do(func() {
		close(s.gone)
		_ = s.conn.Close()
	})
}

func (h *hub) drop(s *socket) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i, have := range h.sockets {
		if have == s {
			h.sockets = append(h.sockets[:i:i], h.sockets[i+1:]...)
			return
		}
	}
}

// write is the one goroutine that writes to the connection.
func (s *socket) write() {
	defer s.close()
	ping := time.NewTicker(s.hub.w.opts.PingEvery)
	defer ping.Stop()
	beat := func() error {
		return s.conn.WriteControl(websocket.PingMessage,
			[]byte("Ping from applink"), time.Now().Add(writeTimeout))
	}
	if beat() != nil { // at once: slack-go gives up on a connection that it saw no ping on
		return
	}
	for {
		select {
		case <-s.gone:
			return
		case <-ping.C:
			if beat() != nil {
				return
			}
		case f := <-s.queue:
			_ = s.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
			if s.conn.WriteMessage(websocket.TextMessage, f.body) != nil || f.cut {
				return
			}
		}
	}
}

// read takes acknowledgements in until the connection ends.
func (s *socket) read() {
	s.conn.SetReadLimit(1 << 20)
	for {
		_, body, err := s.conn.ReadMessage()
		if err != nil {
			s.parted.Store(websocket.IsCloseError(err, websocket.CloseNormalClosure, websocket.CloseGoingAway))
			return
		}
		var ack struct {
			EnvelopeID string          `json:"envelope_id"`
			Payload    json.RawMessage `json:"payload"`
		}
		if json.Unmarshal(body, &ack) != nil || ack.EnvelopeID == "" || len(body) >= maxAck {
			continue // Slack ignores what it cannot read, and what is too long
		}
		s.mu.Lock()
		waiting := s.pending[ack.EnvelopeID]
		delete(s.pending, ack.EnvelopeID)
		s.mu.Unlock()
		if waiting != nil {
			waiting <- ack.Payload
		}
	}
}

// next is the connection whose turn it is, nil when none is alive. The lock is held.
func (h *hub) next() *socket {
	for range h.sockets {
		s := h.sockets[h.turn%len(h.sockets)]
		h.turn++
		select {
		case <-s.gone: // cut, and not yet taken off the list
		default:
			return s
		}
	}
	return nil
}

// hand puts an envelope into the queue of one connection, each in its turn.
func (h *hub) hand(p *parcel, a *Attempt, cut bool) outcome {
	h.mu.Lock()
	s := h.next()
	h.mu.Unlock()
	if s == nil {
		return func(context.Context) (json.RawMessage, error) { return nil, errNoAck{"no_connection"} }
	}
	a.EnvelopeID = uuid()
	envelope := fields{
		"envelope_id": a.EnvelopeID, "type": p.kind, "payload": p.payload,
		"accepts_response_payload": p.kind != eventsAPI,
	}
	if p.kind == eventsAPI || a.Retry > 0 {
		envelope["retry_attempt"], envelope["retry_reason"] = a.Retry, a.Reason
	}
	body, err := json.Marshal(envelope)
	if err != nil {
		return func(context.Context) (json.RawMessage, error) { return nil, err }
	}
	answered := make(chan json.RawMessage, 1)
	s.mu.Lock()
	s.pending[a.EnvelopeID] = answered
	s.mu.Unlock()
	forget := func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.pending, a.EnvelopeID)
	}
	select {
	case s.queue <- frame{body: body, cut: cut}:
	default:
		forget()
		s.close() // a thousand envelopes behind: this connection is dead
		return func(context.Context) (json.RawMessage, error) { return nil, errNoAck{"connection_failed"} }
	}
	return func(ctx context.Context) (json.RawMessage, error) {
		defer forget()
		deadline := time.NewTimer(h.w.opts.AckWithin)
		defer deadline.Stop()
		select {
		case ack := <-answered:
			return ack, nil
		case <-s.gone:
			select { // it may have come with the last breath
			case ack := <-answered:
				return ack, nil
			default:
			}
			if s.parted.Load() {
				return nil, errNoAck{handedOn}
			}
			return nil, errNoAck{"connection_failed"}
		case <-deadline.C:
			return nil, errNoAck{"timeout"}
		case <-ctx.Done():
			return nil, errNoAck{"cancelled"}
		case <-h.w.ctx.Done():
			return nil, errNoAck{"cancelled"}
		}
	}
}

// uuid makes an envelope id of the shape that Slack uses.
func uuid() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	const hex = "0123456789abcdef"
	out := make([]byte, 0, 36)
	for i, c := range b {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			out = append(out, '-')
		}
		out = append(out, hex[c>>4], hex[c&15])
	}
	return string(out)
}

// Sockets is the number of open Socket Mode connections.
func (w *Workspace) Sockets() int {
	w.hub.mu.Lock()
	defer w.hub.mu.Unlock()
	return len(w.hub.sockets)
}

// each copies the list of connections.
func (h *hub) each() []*socket {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]*socket(nil), h.sockets...)
}

// say tells every connection that it will end; cut ends it.
func (h *hub) say(reason string, cut bool) {
	body, _ := json.Marshal(fields{ // plain values: it cannot fail
		"type": "disconnect", "reason": reason, "debug_info": fields{"host": "applink-fake"},
	})
	for _, s := range h.each() {
		select {
		case s.queue <- frame{body: body, cut: cut}:
		default:
			s.close()
		}
	}
}

// WarnSockets announces to every connection that it will be cut soon.
func (w *Workspace) WarnSockets() { w.hub.say("warning", false) }

// RefreshSockets asks every connection to come anew, and cuts it.
func (w *Workspace) RefreshSockets() { w.hub.say("refresh_requested", true) }

// DropSockets cuts every connection without a word.
func (w *Workspace) DropSockets() { w.hub.closeAll() }

// DisableSocketMode switches Socket Mode off for the app, or on again: connections
// are cut with link_disabled, and new ones are refused.
func (w *Workspace) DisableSocketMode(off bool) {
	w.hub.mu.Lock()
	w.hub.off = off
	w.hub.mu.Unlock()
	if off {
		w.hub.say("link_disabled", true)
	}
}

func (h *hub) closeAll() {
	for _, s := range h.each() {
		s.close()
	}
}

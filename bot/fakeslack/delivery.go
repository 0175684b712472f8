package fakeslack

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"
)

// The kinds of delivery, named as Socket Mode names them.
const (
	eventsAPI     = "events_api"
	slashCommands = "slash_commands"
	interactive   = "interactive"
)

// handedOn is why an attempt ended whose connection the app closed in good order: the
// envelope goes to another one at once. Slack's people say that closing one of
// several connections does not matter to what is delivered; how they do it, they
// do not say. A connection that was cut fails what was on its way.
const handedOn = "connection_closed"

// maxAck is the size of an acknowledgement from which Slack drops it silently.
const maxAck = 20 * 1024

// Delivery is one thing that the workspace told the app, with all its attempts.
type Delivery struct {
	Seq      int64           `json:"seq"`
	Kind     string          `json:"kind"` // events_api, slash_commands or interactive
	Type     string          `json:"type"` // message, block_actions, view_submission …, or the command
	Key      string          `json:"key"`  // event_id or trigger_id: what the app dedupes by
	At       time.Time       `json:"at"`   // by the workspace's clock
	Payload  json.RawMessage `json:"payload"`
	Attempts []Attempt       `json:"attempts"`
	Acked    bool            `json:"acked"`
}

// Attempt is one try to deliver.
type Attempt struct {
	EnvelopeID string          `json:"envelope_id,omitempty"` // Socket Mode only; new with every attempt
	Retry      int             `json:"retry"`                 // 0 for the first
	Reason     string          `json:"reason,omitempty"`      // why it was tried again
	Sent       time.Time       `json:"sent"`                  // real time
	Acked      time.Time       `json:"acked"`                 // zero when it was not
	Ack        json.RawMessage `json:"ack,omitempty"`         // the payload of the acknowledgement
	Failure    string          `json:"failure,omitempty"`     // timeout, connection_failed, http_error …
	Fault      FaultKind       `json:"fault,omitempty"`
}

// parcel is a delivery under way.
type parcel struct {
	seq     int64
	kind    string
	typ     string
	form    []pair // of a slash command over HTTP
	payload json.RawMessage
	text    string // for matching faults
}

type pair struct{ name, value string }

// errNoAck says why there is no acknowledgement, in the word that a retry carries.
type errNoAck struct{ reason string }

func (e errNoAck) Error() string { return e.reason }

// reasonOf is the word for a failed attempt.
func reasonOf(err error) string {
	var e errNoAck
	if errors.As(err, &e) {
		return e.reason
	}
	return "unknown_error"
}

// record files a new delivery. The lock is held.
func (w *Workspace) record(p *parcel, key string) {
	p.seq = w.deliveries.next()
	w.deliveries.add(Delivery{
		Seq: p.seq, Kind: p.kind, Type: p.typ, Key: key, At: w.opts.Now(), Payload: p.payload,
	})
}

// outcome of an attempt that is under way: it blocks until the acknowledgement.
type outcome func(context.Context) (json.RawMessage, error)

// begin starts an attempt. Over a socket the envelope is in the connection's
// queue when begin returns, which keeps events in order.
func (w *Workspace) begin(p *parcel, retry int, reason string) outcome {
	fault := w.faults.take(Call{Method: p.kind, Args: map[string]string{"type": p.typ, "text": p.text}})
	a := Attempt{Retry: retry, Reason: reason, Sent: time.Now()}
	if fault != nil {
		a.Fault = fault.Do
	}
	var wait outcome
	switch {
	case fault != nil && fault.Do == Slow:
		wait = func(ctx context.Context) (json.RawMessage, error) {
			if !w.rest(ctx, fault.Delay) {
				return nil, errNoAck{"connection_failed"}
			}
			return w.hand(p, &a, false)(ctx)
		}
	default:
		wait = w.hand(p, &a, fault != nil && fault.Do == DroppedSocket)
	}
	return func(ctx context.Context) (json.RawMessage, error) {
		ack, err := wait(ctx)
		for err != nil && reasonOf(err) == handedOn {
			w.settle(p, a, nil, err)
			a = Attempt{Retry: retry, Reason: reason, Sent: time.Now()}
			ack, err = w.hand(p, &a, false)(ctx)
		}
		if err == nil && fault != nil && fault.Do == LostAck {
			ack, err = nil, errNoAck{"timeout"}
		}
		if err == nil && len(ack) >= maxAck {
			ack, err = nil, errNoAck{"timeout"} // dropped silently
		}
		w.settle(p, a, ack, err)
		if err == nil && fault != nil && fault.Do == Redelivered {
			again := w.begin(p, retry+1, "timeout")
			w.run(func() { _, _ = again(w.ctx) })
		}
		return ack, err
	}
}

// hand gives the parcel to the socket, or to the app's HTTP endpoint.
func (w *Workspace) hand(p *parcel, a *Attempt, cut bool) outcome {
	w.hub.mu.Lock()
	over := w.endpointFor(p.kind)
	w.hub.mu.Unlock()
	if over != "" {
		return w.handHTTP(p, a, over)
	}
	return w.hub.hand(p, a, cut)
}

// settle files how an attempt ended.
func (w *Workspace) settle(p *parcel, a Attempt, ack json.RawMessage, err error) {
	if err != nil {
		a.Failure = reasonOf(err)
	} else {
		a.Acked, a.Ack = time.Now(), ack
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if d := w.deliveries.at(p.seq); d != nil {
		d.Attempts = append(slices.Clone(d.Attempts), a)
		d.Acked = d.Acked || err == nil
	}
	w.change(Change{Kind: Delivered, Detail: p.typ})
}

// rest waits in real time; it is false when there was no time left.
func (w *Workspace) rest(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
	case <-w.ctx.Done():
	}
	return false
}

// pursue delivers until it is acknowledged or the redeliveries are used up.
func (w *Workspace) pursue(p *parcel, first outcome) {
	_, err := first(w.ctx)
	for i := 0; err != nil && i < len(w.opts.Redeliver); i++ {
		if !w.rest(w.ctx, w.opts.Redeliver[i]) {
			return
		}
		_, err = w.begin(p, i+1, reasonOf(err))(w.ctx)
	}
}

// Deliveries are what the workspace told the app, oldest first, as far as they
// are remembered. An empty kind or type means all.
func (w *Workspace) Deliveries(kind, typ string) []Delivery {
	w.mu.RLock()
	defer w.mu.RUnlock()
	var out []Delivery
	for _, d := range w.deliveries.since(0) {
		if (kind == "" || d.Kind == kind) && (typ == "" || d.Type == typ) {
			out = append(out, d)
		}
	}
	return out
}

// Redeliver sends a delivery once more, under a new envelope id, as Slack does
// when an acknowledgement got lost on its side. It waits for the acknowledgement.
func (w *Workspace) Redeliver(ctx context.Context, seq int64) error {
	w.mu.RLock()
	d := w.deliveries.at(seq)
	var p *parcel
	retry := 0
	if d != nil {
		p = &parcel{seq: d.Seq, kind: d.Kind, typ: d.Type, payload: d.Payload, form: formOf(d.Kind, d.Payload)}
		retry = len(d.Attempts)
	}
	w.mu.RUnlock()
	if p == nil {
		return errors.New("redeliver: that delivery is forgotten or never was")
	}
	_, err := w.begin(p, retry, "timeout")(ctx)
	return err
}

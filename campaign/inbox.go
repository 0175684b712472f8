package campaign

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Envelope is something that reached us from outside: a command, a press, a
// form, an event. It is durable before it is acknowledged.
type Envelope struct {
	// Key is what the payload itself carries (event_id, trigger_id), not the
	// transport's envelope ID: a redelivery has the same key.
	Key     string          `json:"key"`
	Kind    EnvelopeKind    `json:"kind"`
	Actor   Person          `json:"actor"`
	At      time.Time       `json:"at"`      // when it was received
	Payload json.RawMessage `json:"payload"` // as it came, at most 512 KiB
	Status  InboxStatus     `json:"status"`
	Problem string          `json:"problem,omitempty"` // why it was given up
	Form    FormState       `json:"form,omitempty"`    // what became of the form that it asks for
}

// FormState is what became of a form; "" while nobody knows.
type FormState string

// The states of a form.
const (
	FormOpen   FormState = "open"
	FormFailed FormState = "failed"
)

// EnvelopeKind says how to read the payload.
type EnvelopeKind string

// The kinds of envelopes.
const (
	EnvelopeCommand    EnvelopeKind = "command"
	EnvelopeAction     EnvelopeKind = "action"
	EnvelopeSubmission EnvelopeKind = "submission"
	EnvelopeEvent      EnvelopeKind = "event"
)

// InboxStatus is how far an envelope is.
type InboxStatus string

// The states of an envelope. Done and failed ones are kept for an hour, so that
// a redelivery is recognised.
const (
	InboxPending InboxStatus = "pending"
	InboxDone    InboxStatus = "done"
	InboxFailed  InboxStatus = "failed"
)

const (
	inboxPrefix  = "inbox/"
	inboxKeep    = time.Hour
	inboxIndex   = "inbox_at"
	inboxMaxSize = 512 << 10
)

// Inbox keeps envelopes until they are worked.
type Inbox struct{ store Store }

// NewInbox returns the inbox of a store.
func NewInbox(s Store) *Inbox { return &Inbox{store: s} }

// Append makes an envelope durable and due at once. A second one with the same
// key is not an error and changes nothing. With serial, envelopes are worked in
// order, one at a time; without, at once, overtaking all others of the person.
func (i *Inbox) Append(ctx context.Context, e Envelope, serial string) error {
	if e.Key == "" || len(e.Key) > 400 || len(e.Payload) > inboxMaxSize {
		return Refuse(Invalid, "This request is too large or has no key, and was not kept.")
	}
	e.At, e.Status = Stamp(e.At), InboxPending
	record, err := Put(KindInbox, e.Key, 0, e)
	if err != nil {
		return err
	}
	err = i.store.Apply(ctx, Change{
		Scope:   Sys,
		Records: []Record{record},
		Index:   []IndexEntry{{Name: inboxIndex, Key: timeKey(e.At), ID: e.Key}},
		Due:     []DueEntry{{ID: inboxPrefix + e.Key, Lane: Interactive, Serial: serial, At: e.At}},
	})
	if KindOf(err) == Conflict {
		return nil // a redelivery
	}
	return err
}

// Reply is what the one who asked gets to see: at the response URL while it
// serves, else as a direct message to the user.
type Reply struct {
	URL     string
	To      string // Slack user ID
	Message Message
}

// Envelope returns what a due entry of the inbox stands for, or NotFound when it
// is long done.
func (g *Engine) Envelope(ctx context.Context, c Claimed) (Envelope, error) {
	e, _, err := Load[Envelope](ctx, g.opts.Store, Sys, KindInbox, strings.TrimPrefix(c.ID, inboxPrefix))
	return e, err
}

// MarkForm keeps what became of an envelope's form, for whichever replica works it.
// It is NotFound until the envelope is stored, and changes nothing once it is done.
func (g *Engine) MarkForm(ctx context.Context, key string, state FormState) error {
	return Retrying(ctx, func() error {
		tx := g.begin(ctx, Sys, Request{})
		e, found, err := find[Envelope](tx, KindInbox, key)
		switch {
		case err != nil:
			return err
		case !found:
			return Refuse(NotFound, "There is no such request.")
		case e.Status != InboxPending:
			return nil
		}
		e.Form = state
		if err := save(tx, KindInbox, key, e); err != nil {
			return err
		}
		return tx.commit()
	})
}

// Conclude ends an envelope: its replies are planned, its record is marked and
// its lease ends in one step, so that a crash before it replays the envelope and
// one after it loses no answer. A problem marks the envelope as failed.
func (g *Engine) Conclude(ctx context.Context, c Claimed, problem string, replies ...Reply) error {
	key := strings.TrimPrefix(c.ID, inboxPrefix)
	return Retrying(ctx, func() error {
		tx := g.begin(ctx, Sys, Request{})
		status := InboxDone
		if problem != "" {
			status = InboxFailed
		}
		err := amend(tx, KindInbox, key, func(e *Envelope) {
			e.Status, e.Problem = status, problem
			e.Payload = nil // what was said is not kept longer than it is needed
		})
		if err != nil {
			return err
		}
		for i, r := range replies {
			e := Effect{ID: opaqueID(string(Sys), "reply", key, fmt.Sprint(i)), Kind: EffectReply, Lane: Interactive}
			if err := tx.effect(e, replyPayload(r)); err != nil {
				return err
			}
		}
		tx.finish(c, time.Time{})
		return tx.commit()
	})
}

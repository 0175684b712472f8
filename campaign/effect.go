package campaign

import (
	"encoding/json"
	"time"
)

// Effect is anything outgoing: a record before it is sent, so that nothing is
// lost, and with a key of its own, so that nothing is sent twice.
type Effect struct {
	ID     string       `json:"id"` // the key that goes to the outside
	Kind   EffectKind   `json:"kind"`
	Status EffectStatus `json:"status"`
	// Subject is the ID of the record that it is about: a ticket, a contact, a
	// question, a digest.
	Subject string          `json:"subject,omitempty"`
	Payload json.RawMessage `json:"payload,omitempty"` // by kind
	Lane    Lane            `json:"lane,omitempty"`
	Serial  string          `json:"serial,omitempty"`
	// NotBefore is when it may go out at the earliest; zero for at once.
	NotBefore time.Time `json:"not_before,omitzero"`
	// Waits says that it has no due entry yet: what it waits for gives it one.
	Waits bool `json:"waits,omitempty"`
	// AsksWork says that it asks an owner for something: a paused campaign holds
	// it back, a cancelled one drops it.
	AsksWork bool `json:"asks_work,omitempty"`
	// RevivedAt is when a dead letter was last put back.
	RevivedAt time.Time `json:"revived_at,omitzero"`
	// Result is where it ended up: a MessageRef, a TicketRef, a ChannelRef.
	Result    json.RawMessage `json:"result,omitempty"`
	Attempts  int             `json:"attempts,omitempty"`
	LastError string          `json:"last_error,omitempty"` // for operators
	ErrorKind string          `json:"error_kind,omitempty"`
	// UncertainAt is when it became unclear whether it was carried out.
	UncertainAt time.Time `json:"uncertain_at,omitzero"`
	CreatedAt   time.Time `json:"created_at"`
	// Began is when the work began that plans it part by part; see Loss.
	Began  time.Time `json:"began,omitzero"`
	DoneAt time.Time `json:"done_at,omitzero"`
}

// EffectKind says what is carried out, and how it is looked up afterwards.
type EffectKind string

// The kinds of effects.
const (
	EffectTicket       EffectKind = "ticket"        // Subject: a ticket; Ensure
	EffectTicketUpdate EffectKind = "ticket_update" // Subject: a ticket; Update, silently
	EffectComment      EffectKind = "comment"       // Subject: a ticket; payload commentPayload
	EffectFirstMessage EffectKind = "first_message" // Subject: a contact; after its tickets
	EffectMessage      EffectKind = "message"       // payload postPayload
	EffectEdit         EffectKind = "edit"          // Subject: what shows the numbers; newest state wins
	EffectChannel      EffectKind = "channel"       // payload channelPayload
	EffectDress        EffectKind = "dress"
	EffectReply        EffectKind = "reply" // answers a command or a button
	EffectPage         EffectKind = "page"  // payload pagePayload; its key makes repeating harmless
)

// MaxAttempts is how often an effect is tried before it is a dead letter.
const MaxAttempts = 12

// The prefixes of the due entries of effects. Filings have one of their own, so
// that whoever claims them sees what can go out together.
const (
	effectPrefix = "effect/"
	filePrefix   = "file/"
)

// dueID is the ID of the due entry that carries out an effect.
func (e Effect) dueID() string {
	if e.Kind == EffectTicket {
		return filePrefix + e.ID
	}
	return effectPrefix + e.ID
}

// since returns from when on it should have gone out.
func (e Effect) since() time.Time { return latest(latest(e.CreatedAt, e.NotBefore), e.RevivedAt) }

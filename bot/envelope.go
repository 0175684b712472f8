package bot

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/musterbot/muster/campaign"
)

// The types of interactions that have their own answer.
const (
	typeSubmission = "view_submission"
	typeSuggestion = "block_suggestion"
	typeAction     = "block_actions"
)

// head is what is read of a payload before it is durable; the rest is read when
// it is worked.
type head struct {
	Type      string `json:"type"`
	TriggerID string `json:"trigger_id"`
	EventID   string `json:"event_id"`
	TeamID    string `json:"team_id"`
	UserID    string `json:"user_id"` // of a command, as are these
	Channel   string `json:"channel_id"`
	Command   string `json:"command"`
	Text      string `json:"text"`
	User      struct {
		ID     string `json:"id"`
		TeamID string `json:"team_id"`
	} `json:"user"` // of an interaction
	Team struct {
		ID string `json:"id"`
	} `json:"team"`
	Actions json.RawMessage `json:"actions"`
	View    struct {
		ID    string          `json:"id"`
		Hash  string          `json:"hash"`
		State json.RawMessage `json:"state"`
	} `json:"view"`
	Event struct {
		Type string          `json:"type"`
		User json.RawMessage `json:"user"` // an ID, or the whole person
	} `json:"event"`
}

// envelopeOf reads a payload's head. The kind is the one that the transport
// names; an interaction becomes an action or a submission. keep is false for
// what needs an answer but no work: suggestions, and forms that were closed.
func envelopeOf(kind campaign.EnvelopeKind, payload json.RawMessage, now time.Time) (env campaign.Envelope, keep bool, err error) {
	var h head
	if err := json.Unmarshal(payload, &h); err != nil {
		return campaign.Envelope{}, false, fmt.Errorf("decode %s: %w", kind, err)
	}
	env = campaign.Envelope{Kind: kind, At: now, Payload: payload}
	switch kind {
	case campaign.EnvelopeCommand:
		env.Actor = campaign.NewPerson(h.TeamID, h.UserID)
		env.Key = keyOf(h.TriggerID, h.UserID, h.Channel, h.Command, h.Text)
	case campaign.EnvelopeEvent:
		env.Key = h.EventID
		if id := idOf(h.Event.User); id != "" {
			env.Actor = campaign.NewPerson(h.TeamID, id)
		}
	default:
		team := h.Team.ID
		if team == "" {
			team = h.User.TeamID
		}
		env.Actor = campaign.NewPerson(team, h.User.ID)
		env.Key = keyOf(h.TriggerID, h.User.ID, string(h.Actions))
		switch h.Type {
		case typeSubmission:
			env.Kind = campaign.EnvelopeSubmission
			// Pressed twice, a form carries two triggers, but is the same form.
			env.Key = keyOf("view/"+h.View.ID+"/"+h.View.Hash, h.User.ID, string(h.View.State))
		case typeAction:
			env.Kind = campaign.EnvelopeAction
		default:
			return env, false, nil
		}
	}
	if env.Key == "" { // a payload without one is its own key
		sum := sha256.Sum256(payload)
		env.Key = hex.EncodeToString(sum[:16])
	}
	return env, true, nil
}

// keyOf returns the key by which a delivery is known when it comes again: the
// trigger, and what was asked with it, since not all that speaks Slack's protocol
// gives each its own trigger. It is "" without a trigger.
func keyOf(trigger string, asked ...string) string {
	if trigger == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(strings.Join(asked, "\x00")))
	return trigger + "/" + hex.EncodeToString(sum[:8])
}

// idOf reads a user that stands as an ID or as a whole person.
func idOf(raw json.RawMessage) string {
	var id string
	if json.Unmarshal(raw, &id) == nil {
		return id
	}
	var whole struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(raw, &whole) == nil {
		return whole.ID
	}
	return ""
}

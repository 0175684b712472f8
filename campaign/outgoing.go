package campaign

import "time"

// postPayload is what an effect of kind message carries: approved or rendered
// when the effect was planned, and sent as it stands.
type postPayload struct {
	To      string  `json:"to"` // a channel ID, toHelp, or a Slack user ID
	Thread  string  `json:"thread,omitempty"`
	Message Message `json:"message"`
	// Zone is the reader's, for the times of an approved text.
	Zone string `json:"zone,omitempty"`
	// After are the tickets that must exist before it is sent.
	After []string `json:"after,omitempty"`
	// Remember names the record that keeps where the message went, so that it
	// can be edited or threaded later; "" for none.
	Remember string `json:"remember,omitempty"`
	Wave     string `json:"wave,omitempty"` // that it is counted in
}

// post plans a message. key makes it unique within the campaign: planning it
// again sends nothing more.
func (tx *transaction) post(key string, lane Lane, p postPayload) error {
	return tx.effect(Effect{
		ID: opaqueID(string(tx.scope), "message", key), Kind: EffectMessage, Subject: key, Lane: lane, Serial: "to/" + p.To,
	}, p)
}

// askPerson plans a direct message that asks somebody for something, not before a time.
// key is as in post.
func (tx *transaction) askPerson(p Person, zone, key string, at time.Time, m Message) error {
	return tx.effect(Effect{
		ID: opaqueID(string(tx.scope), "message", key), Kind: EffectMessage, Subject: key, Lane: Bulk, NotBefore: at, AsksWork: true,
	}, postPayload{To: p.User(), Zone: zone, Message: m})
}

// replyPayload is what an effect of kind reply carries.
type replyPayload struct {
	URL     string  `json:"url,omitempty"` // response URL, while it serves
	To      string  `json:"to,omitempty"`  // else a direct message to this user
	Message Message `json:"message"`
}

// responseURLServes is how long Slack takes answers at a response URL.
const responseURLServes = 30 * time.Minute

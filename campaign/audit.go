package campaign

import "time"

// AuditRecord is one entry of the log of a scope: who changed what, from what
// to what, and why. People stand in it as pseudonyms and free text as salted
// commitments (see Pseudonym and Commitment), so that a person's data can be
// deleted and the chain of seals stays valid.
type AuditRecord struct {
	Seq     uint64    `json:"seq"` // given by the store, from 1, unbroken within the scope
	At      time.Time `json:"at"`
	Actor   string    `json:"actor"`             // a pseudonym, or "muster"
	Action  string    `json:"action"`            // what was done, e.g. "campaign.launch"
	Subject string    `json:"subject"`           // kind/ID of what it was done to
	Before  string    `json:"before,omitempty"`  // the state before
	After   string    `json:"after,omitempty"`   // the state after
	Reason  string    `json:"reason,omitempty"`  // a commitment
	Request string    `json:"request,omitempty"` // the envelope that asked for it
}

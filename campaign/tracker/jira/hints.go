package jira

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/musterbot/muster/campaign"
)

// Hints returns the tickets that a webhook is about, to be read then. A webhook
// without a right signature (X-Hub-Signature, HMAC-SHA-256 of the body under the
// secret) is Forbidden. What is about anything else gives no ticket. header is
// read only, and what the body claims about a ticket is not believed.
func (t *Tracker) Hints(header http.Header, body []byte) ([]campaign.TicketRef, error) {
	if t.opts.WebhookSecret.IsZero() {
		return nil, campaign.Refuse(campaign.Forbidden, "No webhook of Jira is taken: `tracker.webhook_secret` is not set.")
	}
	sent, found := strings.CutPrefix(header.Get("X-Hub-Signature"), "sha256=")
	given, err := hex.DecodeString(sent)
	mac := hmac.New(sha256.New, []byte(t.opts.WebhookSecret.Reveal()))
	mac.Write(body)
	if !found || err != nil || !hmac.Equal(given, mac.Sum(nil)) {
		return nil, campaign.Refuse(campaign.Forbidden, "This webhook is not signed with the secret that Muster shares with Jira.")
	}
	var event struct {
		Issue struct {
			Key string `json:"key"`
		} `json:"issue"`
	}
	if err := json.Unmarshal(body, &event); err != nil {
		return nil, &campaign.Error{Kind: campaign.Invalid, Err: err, Message: "This webhook of Jira cannot be read."}
	}
	if !strings.HasPrefix(event.Issue.Key, t.opts.Project+"-") {
		return nil, nil // of another project, or about no issue
	}
	return []campaign.TicketRef{t.ref(event.Issue.Key)}, nil
}

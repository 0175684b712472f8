package github

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/google/go-github/v84/github"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/tracker/mark"
)

// maxHook bounds a delivery, in bytes; GitHub's own bound is 25 MB, for pushes.
const maxHook = 5 << 20

// Hints reads a delivery of GitHub's webhook and returns the tickets that may
// have changed; they are to be read. A delivery that is not signed with the
// secret is Forbidden. Events that concern no ticket of ours hint at nothing.
func (t *Tracker) Hints(header http.Header, body []byte) ([]campaign.TicketRef, error) {
	if len(body) > maxHook {
		return nil, campaign.Refuse(campaign.Invalid, "The delivery is larger than 5 MiB.")
	}
	signature, key := header.Get("X-Hub-Signature-256"), t.opts.WebhookSecret.Reveal()
	if key == "" || !strings.HasPrefix(signature, "sha256=") || github.ValidateSignature(signature, body, []byte(key)) != nil {
		return nil, campaign.Refuse(campaign.Forbidden, "The delivery is not signed with the webhook's secret.")
	}
	if event := header.Get("X-GitHub-Event"); event != "issues" && event != "issue_comment" {
		return nil, nil // a ping, or more than was asked for
	}
	var delivery struct {
		Issue *github.Issue `json:"issue"`
	}
	if err := json.Unmarshal(body, &delivery); err != nil {
		return nil, &campaign.Error{Kind: campaign.Invalid, Message: "The delivery is not JSON. Set the webhook's content type to application/json.", Err: err}
	}
	issue := delivery.Issue
	if issue == nil || issue.IsPullRequest() || mark.Key(issue.GetBody(), labelsOf(issue)) == "" {
		return nil, nil
	}
	ref := refOf(issue)
	repository, _, _ := strings.Cut(ref.ID, "#")
	if !slices.ContainsFunc(t.repositories(), func(r string) bool { return strings.EqualFold(r, repository) }) {
		return nil, nil
	}
	return []campaign.TicketRef{ref}, nil
}

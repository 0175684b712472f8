package gitlab

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/musterbot/muster/campaign"
)

const (
	maxHook = 5 << 20 // bytes of a delivery
	// signatureAge is how old a signed delivery may be.
	signatureAge = 5 * time.Minute
)

// Hints reads a delivery of GitLab's webhook and returns the tickets that may
// have changed; they are to be read. A delivery that does not prove the secret
// is Forbidden. Events that concern no issue of the project hint at nothing.
func (t *Tracker) Hints(header http.Header, body []byte) ([]campaign.TicketRef, error) {
	if len(body) > maxHook {
		return nil, campaign.Refuse(campaign.Invalid, "The delivery is larger than 5 MiB.")
	}
	if !proven(t.opts.WebhookSecret.Reveal(), header, body, time.Now()) {
		return nil, campaign.Refuse(campaign.Forbidden, "The delivery does not prove the webhook's secret.")
	}
	var delivery struct {
		Kind    string `json:"object_kind"`
		Project struct {
			ID   int64  `json:"id"`
			Path string `json:"path_with_namespace"`
		} `json:"project"`
		Attributes reference `json:"object_attributes"`
		Issue      reference `json:"issue"`
	}
	if err := json.Unmarshal(body, &delivery); err != nil {
		return nil, &campaign.Error{Kind: campaign.Invalid, Message: "The delivery is not JSON.", Err: err}
	}
	about := delivery.Attributes
	switch delivery.Kind {
	case "issue", "work_item":
	case "note":
		about = delivery.Issue // none for a note on a commit or a merge request
	default:
		return nil, nil
	}
	projects := t.projects()
	i := slices.IndexFunc(projects, func(p string) bool {
		return p == strconv.FormatInt(delivery.Project.ID, 10) || strings.EqualFold(p, delivery.Project.Path)
	})
	if about.IID <= 0 || i < 0 {
		return nil, nil
	}
	ref := campaign.TicketRef{ID: projects[i] + "#" + strconv.FormatInt(about.IID, 10)}
	if strings.HasPrefix(about.URL, t.opts.URL+"/") {
		ref.URL, _, _ = strings.Cut(about.URL, "#")
	}
	return []campaign.TicketRef{ref}, nil
}

type reference struct {
	IID int64  `json:"iid"`
	URL string `json:"url"`
}

// proven checks a secret token, or, when the secret is a signing token, the
// signature: HMAC-SHA256 over id, time and body, as Standard Webhooks has it.
func proven(key string, header http.Header, body []byte, now time.Time) bool {
	if key == "" {
		return false
	}
	encoded, signed := strings.CutPrefix(key, "whsec_")
	if !signed {
		return subtle.ConstantTimeCompare([]byte(header.Get("X-Gitlab-Token")), []byte(key)) == 1
	}
	raw, err := base64.StdEncoding.DecodeString(encoded)
	sent, timeErr := strconv.ParseInt(header.Get("webhook-timestamp"), 10, 64)
	if err != nil || timeErr != nil || now.Sub(time.Unix(sent, 0)).Abs() > signatureAge {
		return false
	}
	mac := hmac.New(sha256.New, raw)
	mac.Write([]byte(header.Get("webhook-id") + "." + header.Get("webhook-timestamp") + "."))
	mac.Write(body)
	want := mac.Sum(nil)
	for signature := range strings.FieldsSeq(header.Get("webhook-signature")) { // several while a key is changed
		given, ok := strings.CutPrefix(signature, "v1,")
		if got, err := base64.StdEncoding.DecodeString(given); ok && err == nil && hmac.Equal(got, want) {
			return true
		}
	}
	return false
}

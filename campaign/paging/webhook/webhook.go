// Package webhook pages by a signed POST to an address of the company's own, for
// paging services that Muster does not know. docs/paging.md has the format and
// how to verify the signature.
package webhook

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/paging"
	"github.com/musterbot/muster/configs/secret"
)

// The headers of a delivery.
const (
	HeaderTimestamp = "Muster-Timestamp" // Unix seconds of the sending
	HeaderSignature = "Muster-Signature" // "v1=" and hexadecimal digits
)

const service = "The paging webhook"

// Options say where to page.
type Options struct {
	URL    secret.URL       // required
	Secret secret.Secret    // required: signs each delivery
	HTTP   *http.Client     // default paging.Client()
	Now    func() time.Time // default time.Now: of the signature, not of the domain
}

// Pager pages by webhook.
type Pager struct{ opts Options }

var _ campaign.Pager = (*Pager)(nil)

// New returns a Pager, or an error that names the option that is missing.
func New(o Options) (*Pager, error) {
	if o.URL.IsZero() || o.Secret.IsZero() {
		return nil, errors.New("webhook: Options.URL and Secret are required")
	}
	if o.HTTP == nil {
		o.HTTP = paging.Client()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Pager{opts: o}, nil
}

// delivery is the body. Fields are added to it, never renamed.
type delivery struct {
	Event string        `json:"event"` // page.trigger or page.resolve
	Page  campaign.Page `json:"page"`
}

// Trigger delivers page.trigger. The receiver tells repetitions by the key.
func (p *Pager) Trigger(ctx context.Context, page campaign.Page) error {
	if page.Key == "" || page.Summary == "" {
		return campaign.Refuse(campaign.Invalid, "The page has no key or summary, so nobody was paged. This is a defect of Muster.")
	}
	return p.send(ctx, delivery{Event: "page.trigger", Page: page})
}

// Resolve delivers page.resolve.
func (p *Pager) Resolve(ctx context.Context, page campaign.Page) error {
	return p.send(ctx, delivery{Event: "page.resolve", Page: page})
}

func (p *Pager) send(ctx context.Context, d delivery) error {
	body, err := json.Marshal(d)
	if err != nil {
		return fmt.Errorf("encode page %s: %w", d.Page.Key, err)
	}
	timestamp := strconv.FormatInt(p.opts.Now().Unix(), 10)
	header := http.Header{}
	header.Set(HeaderTimestamp, timestamp)
	header.Set(HeaderSignature, sign(p.opts.Secret.Reveal(), timestamp, body))
	return paging.Post(ctx, p.opts.HTTP, paging.Call{Service: service, URL: p.opts.URL.Reveal(), Header: header, Body: body})
}

// sign covers the time as well, so that an old delivery cannot be played again.
func sign(key, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte("v1:" + timestamp + ":"))
	mac.Write(body)
	return "v1=" + hex.EncodeToString(mac.Sum(nil))
}

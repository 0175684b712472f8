// Package pagerduty pages by PagerDuty's Events API v2. An integration key (the
// "routing key" of a service or an event orchestration) says who is woken; the
// page's key is the dedup_key, so that triggering twice makes one incident.
package pagerduty

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/paging"
)

// DefaultURL is PagerDuty's service region US; EU is events.eu.pagerduty.com.
const DefaultURL = "https://events.pagerduty.com"

const (
	service    = "PagerDuty"
	maxSummary = 1024 // bytes; more is refused
)

// Options say where to page; URL is the base and may be left out. The keys are
// integration keys of 32 characters.
type Options = paging.Options

// Pager pages through PagerDuty.
type Pager struct{ opts Options }

var _ campaign.Pager = (*Pager)(nil)

// New returns a Pager, or an error that names the option that is missing.
func New(o Options) (*Pager, error) {
	o, err := o.WithDefaults("pagerduty", DefaultURL)
	if err != nil {
		return nil, err
	}
	return &Pager{opts: o}, nil
}

// event is what the Events API v2 takes.
type event struct {
	RoutingKey string   `json:"routing_key"`
	Action     string   `json:"event_action"`
	DedupKey   string   `json:"dedup_key"`
	Client     string   `json:"client,omitempty"`
	Links      []link   `json:"links,omitempty"`
	Payload    *payload `json:"payload,omitempty"`
}

type link struct {
	Href string `json:"href"`
	Text string `json:"text"`
}

type payload struct {
	Summary   string            `json:"summary"`
	Source    string            `json:"source"`
	Severity  string            `json:"severity"`
	Timestamp string            `json:"timestamp,omitempty"`
	Details   map[string]string `json:"custom_details,omitempty"`
}

// severities are PagerDuty's words: critical, error, warning, info.
var severities = map[campaign.PageSeverity]string{
	campaign.PageCritical: "critical", campaign.PageHigh: "error", campaign.PageLow: "warning",
}

// Trigger opens an incident, or adds to the log of the one that is open.
func (p *Pager) Trigger(ctx context.Context, page campaign.Page) error {
	severity, ok := severities[page.Severity]
	if !ok || page.Summary == "" || page.Key == "" {
		return campaign.Refuse(campaign.Invalid, "The page has no key, summary or severity, so nobody was paged. This is a defect of Muster.")
	}
	e := event{
		Action: "trigger", Client: "Muster",
		Payload: &payload{
			Summary: paging.Clip(page.Summary, maxSummary), Source: "muster", Severity: severity, Timestamp: page.At.UTC().Format(time.RFC3339),
		},
	}
	if page.Detail != "" {
		e.Payload.Details = map[string]string{"detail": page.Detail}
	}
	if page.Link != "" {
		e.Links = []link{{Href: page.Link, Text: "Open in Slack"}}
	}
	return p.send(ctx, page, e)
}

// Resolve ends the incident under the page's key, if it is open.
func (p *Pager) Resolve(ctx context.Context, page campaign.Page) error {
	return p.send(ctx, page, event{Action: "resolve"})
}

func (p *Pager) send(ctx context.Context, page campaign.Page, e event) error {
	key := p.opts.Key
	if page.Route == campaign.PageIncident {
		key = p.opts.IncidentKey
	}
	e.RoutingKey, e.DedupKey = key.Reveal(), page.Key
	body, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("encode event %s: %w", page.Key, err)
	}
	return paging.Post(ctx, p.opts.HTTP, paging.Call{
		Service: service, URL: strings.TrimSuffix(p.opts.URL, "/") + "/v2/enqueue", Body: body,
	})
}

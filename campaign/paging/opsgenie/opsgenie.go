// Package opsgenie pages by Opsgenie's Alert API v2, which Jira Service
// Management answers under an address of its own. The key of an API integration
// says which team is woken; the page's key is the alert's alias, so that
// creating twice makes one alert.
package opsgenie

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/paging"
)

// DefaultURL is Opsgenie's region US. EU is api.eu.opsgenie.com, and Jira
// Service Management api.atlassian.com/jsm/ops/integration.
const DefaultURL = "https://api.opsgenie.com"

const (
	service        = "Opsgenie"
	maxMessage     = 130
	maxDescription = 15000
)

// Options say where to page; URL is the base and may be left out. The keys are
// those of API integrations that may create alerts.
type Options = paging.Options

// Pager pages through Opsgenie.
type Pager struct{ opts Options }

var _ campaign.Pager = (*Pager)(nil)

// New returns a Pager, or an error that names the option that is missing.
func New(o Options) (*Pager, error) {
	o, err := o.WithDefaults("opsgenie", DefaultURL)
	if err != nil {
		return nil, err
	}
	return &Pager{opts: o}, nil
}

// alert is what Opsgenie takes to create one.
type alert struct {
	Message     string            `json:"message"`
	Alias       string            `json:"alias"`
	Description string            `json:"description,omitempty"`
	Priority    string            `json:"priority"`
	Source      string            `json:"source"`
	Details     map[string]string `json:"details,omitempty"`
}

var priorities = map[campaign.PageSeverity]string{
	campaign.PageCritical: "P1", campaign.PageHigh: "P2", campaign.PageLow: "P3",
}

// Trigger creates an alert, or counts one more on the one that is open.
func (p *Pager) Trigger(ctx context.Context, page campaign.Page) error {
	priority, ok := priorities[page.Severity]
	if !ok || page.Summary == "" || page.Key == "" {
		return campaign.Refuse(campaign.Invalid, "The page has no key, summary or severity, so nobody was paged. This is a defect of Muster.")
	}
	a := alert{
		Message: paging.Clip(page.Summary, maxMessage), Alias: page.Key, Description: paging.Clip(page.Detail, maxDescription),
		Priority: priority, Source: "muster",
	}
	if page.Link != "" {
		a.Details = map[string]string{"link": page.Link}
	}
	return p.send(ctx, page, "/v2/alerts", a)
}

// Resolve closes the alert under the page's key, if it is open.
func (p *Pager) Resolve(ctx context.Context, page campaign.Page) error {
	if page.Key == "" {
		return campaign.Refuse(campaign.Invalid, "The page has no key, so it was not ended. This is a defect of Muster.")
	}
	err := p.send(ctx, page, "/v2/alerts/"+url.PathEscape(page.Key)+"/close?identifierType=alias", struct {
		Source string `json:"source"`
	}{"muster"})
	if campaign.KindOf(err) == campaign.NotFound && err != nil {
		return nil // usually it finds out later, and says nothing
	}
	return err
}

func (p *Pager) send(ctx context.Context, page campaign.Page, path string, body any) error {
	key := p.opts.Key
	if page.Route == campaign.PageIncident {
		key = p.opts.IncidentKey
	}
	encoded, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encode alert %s: %w", page.Key, err)
	}
	return paging.Post(ctx, p.opts.HTTP, paging.Call{
		Service: service, URL: strings.TrimSuffix(p.opts.URL, "/") + path, Body: encoded,
		Header: http.Header{"Authorization": {"GenieKey " + key.Reveal()}},
	})
}

package campaign

import (
	"context"
	"time"
)

// Pager wakes people outside of Slack. campaign/paging has them; pagingtest is
// their contract. Errors: Unavailable was refused cleanly, Uncertain may have
// taken effect, Invalid, Forbidden and NotFound will not get better by
// themselves. A key makes repeating harmless, so nothing is looked up before it.
type Pager interface {
	// Trigger pages the people of the page's route. A page whose key is open
	// already wakes nobody a second time.
	Trigger(ctx context.Context, p Page) error
	// Resolve ends the page under this key. One that is not open is no error.
	Resolve(ctx context.Context, p Page) error
}

// Page is what wakes somebody. It passes through another company and lies on
// lock screens, so it names no campaign, service or person and quotes nobody:
// the link leads to where that is told.
type Page struct {
	Key      string       `json:"key"`     // opaque, at most 64 characters
	Summary  string       `json:"summary"` // one line, at most 130 characters
	Detail   string       `json:"detail,omitempty"`
	Severity PageSeverity `json:"severity"`
	Route    PageRoute    `json:"route"`
	Link     string       `json:"link,omitempty"` // into Slack
	At       time.Time    `json:"at"`             // when it came about
}

// PageSeverity says how much a page matters.
type PageSeverity string

// The severities.
const (
	PageCritical PageSeverity = "critical" // a sign of a break-in
	PageHigh     PageSeverity = "high"     // somebody is stuck
	PageLow      PageSeverity = "low"      // something of Muster's own is stuck
)

// PageRoute says whom a page is for.
type PageRoute string

// The routes.
const (
	PageDesk     PageRoute = "desk"     // the help desk and those who command
	PageIncident PageRoute = "incident" // incident response
)

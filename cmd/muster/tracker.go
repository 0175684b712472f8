package main

import (
	"cmp"
	"fmt"
	"maps"
	"time"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/tracker/builtin"
	"github.com/musterbot/muster/campaign/tracker/github"
	"github.com/musterbot/muster/campaign/tracker/gitlab"
	"github.com/musterbot/muster/campaign/tracker/jira"
	"github.com/musterbot/muster/campaign/tracker/redmine"
	"github.com/musterbot/muster/campaign/tracker/rest"
	"github.com/musterbot/muster/campaign/tracker/servicenow"
	"github.com/musterbot/muster/configs"
)

// trackerParts are what a tracker is made from, beside its configuration.
type trackerParts struct {
	store   campaign.Store
	limiter campaign.Limiter
	clock   campaign.Clock
	page    string // where people read builtin tickets; "" where there is no page
}

// callsPerMinute are the rates that the kinds stay under unless told otherwise:
// those that their makers document, or what one of our own servers bears.
var callsPerMinute = map[string]float64{
	"redmine": 600, "jira": 300, "github": 80, "gitlab": 300, "servicenow": 300,
}

// trackerRate is what all calls of the configured tracker count under.
func trackerRate(t configs.Tracker) campaign.Rate {
	perMinute := cmp.Or(float64(t.CallsPerMinute), callsPerMinute[t.Kind])
	return campaign.Rate{Name: "tracker " + t.Kind, PerMinute: perMinute, Burst: max(1, int(perMinute/10))}
}

// newTracker makes the configured tracker; it calls nobody yet. The builtin one
// is returned as well, for those who show its tickets; nil for the others.
func newTracker(t configs.Tracker, p trackerParts) (campaign.Tracker, *builtin.Tracker, error) {
	if t.Kind == "builtin" {
		own, err := builtin.New(builtin.Options{Store: p.store, Clock: p.clock, PageURL: p.page})
		return own, own, err
	}
	var outside campaign.Tracker
	var err error
	switch t.Kind {
	case "jira":
		outside, err = newJira(t, p)
	case "redmine":
		outside, err = newRedmine(t, p)
	case "github":
		outside, err = github.New(github.Options{
			URL: t.URL, Token: t.Token, Repository: t.Project, Repositories: t.Projects, Assignees: t.Owners, InProgress: t.Statuses.InProgress,
			WebhookSecret: t.WebhookSecret, Limiter: p.limiter, Rate: trackerRate(t),
		})
	case "gitlab":
		outside, err = gitlab.New(gitlab.Options{
			URL: t.URL, Token: t.Token, Project: t.Project, Projects: t.Projects, Assignees: t.Owners, InProgress: t.Statuses.InProgress,
			WebhookSecret: t.WebhookSecret, Limiter: p.limiter, Rate: trackerRate(t),
		})
	case "servicenow":
		outside, err = newServiceNow(t, p)
	default:
		err = fmt.Errorf("there is no tracker of the kind %q", t.Kind)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("make tracker: %w", err)
	}
	return outside, nil, nil
}

func newRedmine(t configs.Tracker, p trackerParts) (campaign.Tracker, error) {
	client, err := rest.New(rest.Options{
		System: "Redmine", BaseURL: t.URL, Auth: rest.Header("X-Redmine-API-Key", t.Token), Limiter: p.limiter, Rate: trackerRate(t),
	})
	if err != nil {
		return nil, err
	}
	return redmine.New(redmine.Options{
		Client: client, PageURL: t.URL, Project: t.Project, Type: t.Type, KeyField: t.KeyField,
		Markdown: t.TextFormat == "markdown", Statuses: statusNames(t.Statuses), Owners: t.Owners,
	})
}

func newJira(t configs.Tracker, p trackerParts) (campaign.Tracker, error) {
	auth := rest.Bearer(t.Token)
	if t.User != "" {
		auth = rest.Basic(t.User, t.Token)
	}
	client, err := rest.New(rest.Options{
		System: "Jira", BaseURL: t.URL, Auth: auth, Limiter: p.limiter, Rate: trackerRate(t),
		Timeout: time.Minute, // of fifty issues in one call
	})
	if err != nil {
		return nil, err
	}
	return jira.New(jira.Options{
		Client: client, Cloud: t.API == 3, PageURL: t.URL, Project: t.Project, IssueType: t.Type, OwnerField: t.OwnerField,
		Owners: t.Owners, Statuses: statusNames(t.Statuses), Fields: t.Fields, Resolution: t.Resolution, NoDue: t.NoDue,
		WebhookSecret: t.WebhookSecret,
	})
}

func newServiceNow(t configs.Tracker, p trackerParts) (campaign.Tracker, error) {
	auth := rest.Bearer(t.Token)
	if t.User != "" {
		auth = rest.Basic(t.User, t.Token)
	}
	client, err := rest.New(rest.Options{System: "ServiceNow", BaseURL: t.URL, Auth: auth, Limiter: p.limiter, Rate: trackerRate(t)})
	if err != nil {
		return nil, err
	}
	return servicenow.New(servicenow.Options{
		Client: client, PageURL: t.URL, Table: t.Project, States: statusNames(t.Statuses), Groups: t.Owners,
		CloseCode: t.CloseCode, CloseNotes: t.CloseNotes, MaxDescription: t.TextLimit, WorkNotes: t.CommentField == "work_notes",
	})
}

// statusNames are the statuses that the configuration names.
func statusNames(s configs.TrackerStatuses) map[campaign.TicketStatus]string {
	names := map[campaign.TicketStatus]string{
		campaign.TicketOpen: s.Open, campaign.TicketInProgress: s.InProgress, campaign.TicketDone: s.Done,
	}
	maps.DeleteFunc(names, func(_ campaign.TicketStatus, name string) bool { return name == "" })
	return names
}

// ticketsPerMinute is how fast the configured tracker takes tickets, for the
// plan's duration; 0 leaves it to the domain.
func ticketsPerMinute(t configs.Tracker) float64 {
	calls := trackerRate(t).PerMinute
	switch t.Kind {
	case "jira":
		return calls / 2 * 50 // a search and a creation for fifty
	case "github":
		return min(calls/2, 500.0/60) // 500 creations an hour
	case "builtin":
		return 0
	}
	return calls / 2 // a search and a creation for each
}

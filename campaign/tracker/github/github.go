// Package github keeps tickets as issues of GitHub.com or GitHub Enterprise
// Server. An issue is found again by a label of its own, through the list of
// issues and not through the search, whose index lags and allows 30 calls a
// minute; its text hides the same key. GitHub has no due date and no state
// between open and closed: the text tells the one, a label the other.
package github

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/google/go-github/v84/github"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/tracker/checklist"
	"github.com/musterbot/muster/campaign/tracker/mark"
	"github.com/musterbot/muster/campaign/tracker/rest"
	"github.com/musterbot/muster/configs/secret"
)

// DefaultURL is the API of GitHub.com. An Enterprise Server has its own at
// https://HOST/api/v3.
const DefaultURL = "https://api.github.com"

const (
	system   = "GitHub"
	maxTitle = 256 // characters; more is refused
	pageSize = 100
)

// Options say where issues go.
type Options struct {
	URL   string        // of the API; default DefaultURL
	Token secret.Secret // required: may read and write issues
	// Repository is where issues go, as "owner/name"; required.
	Repository string
	// Repositories are those of single owners, by their name in the catalog.
	Repositories map[string]string
	// Assignees are the logins of owners. An owner without one stands in the
	// issue's text, and nobody is assigned.
	Assignees map[string]string
	// InProgress is the label of issues that somebody works on; default "in progress".
	InProgress string
	// WebhookSecret checks what GitHub sends; empty refuses all of it.
	WebhookSecret secret.Secret
	// Limiter is asked before each call; Rate is what all calls count under, and
	// Creations what those that create something count under instead: GitHub
	// allows 500 an hour and 80 a minute. What writes is held apart from what reads:
	// GitHub stops it when it was too much, and people's changes are still seen.
	Limiter   campaign.Limiter
	Rate      campaign.Rate
	Creations campaign.Rate
	Base      http.RoundTripper // default: one that verifies certificates
}

func (o Options) withDefaults() (Options, error) {
	o.URL = strings.TrimSuffix(cmp.Or(o.URL, DefaultURL), "/")
	o.InProgress = cmp.Or(o.InProgress, "in progress")
	if o.Limiter != nil && o.Creations.Name == "" {
		o.Creations = campaign.Rate{Name: o.Rate.Name + " creations", PerMinute: 500.0 / 60, Burst: 10}
	}
	for _, repository := range append(slices.Collect(maps.Values(o.Repositories)), o.Repository) {
		owner, name, _ := strings.Cut(repository, "/")
		if owner == "" || name == "" || strings.Contains(name, "/") {
			return o, fmt.Errorf("github: %q is not a repository as owner/name", repository)
		}
	}
	return o, nil
}

// Tracker keeps tickets as issues. It may be used by many at once.
type Tracker struct {
	opts   Options
	client *github.Client
	owners map[string]string // by login, in lower case

	mu       sync.Mutex
	prepared map[string]bool // repositories whose labels Muster may write
}

var _ campaign.Tracker = (*Tracker)(nil)

// New returns a Tracker; it connects to nothing yet.
func New(o Options) (*Tracker, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	writes := campaign.Rate{Name: o.Rate.Name + " writes", PerMinute: o.Rate.PerMinute, Burst: o.Rate.Burst}
	var lanes transport
	for _, lane := range []struct {
		to          *http.RoundTripper
		rate, share campaign.Rate
	}{{&lanes.reads, o.Rate, campaign.Rate{}}, {&lanes.edits, o.Rate, writes}, {&lanes.creations, o.Creations, writes}} {
		client, err := rest.New(rest.Options{
			System: system, BaseURL: o.URL, Auth: rest.Bearer(o.Token), Limiter: o.Limiter, Rate: lane.rate, Share: lane.share, Base: o.Base,
		})
		if err != nil {
			return nil, err
		}
		*lane.to = client.Transport()
	}
	base, err := url.Parse(o.URL + "/")
	if err != nil {
		return nil, errors.New("github: Options.URL is not a web address")
	}
	t := &Tracker{opts: o, client: github.NewClient(&http.Client{Transport: lanes}), prepared: map[string]bool{}, owners: map[string]string{}}
	t.client.BaseURL = base
	t.client.DisableRateLimitCheck = true // the transport judges
	for owner, login := range o.Assignees {
		t.owners[strings.ToLower(login)] = owner
	}
	return t, nil
}

// transport counts what creates something apart from the rest, and lets what
// writes be held by itself.
type transport struct{ creations, edits, reads http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	switch r.Method {
	case http.MethodPost:
		return t.creations.RoundTrip(r)
	case http.MethodGet, http.MethodHead:
		return t.reads.RoundTrip(r)
	}
	return t.edits.RoundTrip(r)
}

// place is an issue.
type place struct {
	owner, repo string
	number      int
}

func (p place) id() string { return p.owner + "/" + p.repo + "#" + strconv.Itoa(p.number) }

func placeOf(ref campaign.TicketRef) (place, error) {
	repository, number, _ := strings.Cut(ref.ID, "#")
	owner, repo, _ := strings.Cut(repository, "/")
	n, err := strconv.Atoi(number)
	if err != nil || n <= 0 || owner == "" || repo == "" {
		return place{}, campaign.Refuse(campaign.NotFound, "This is no issue on GitHub: "+rest.Quote(ref.ID))
	}
	return place{owner: owner, repo: repo, number: n}, nil
}

// repositories returns all of them, each once, the general one first.
func (t *Tracker) repositories() []string {
	others := slices.Compact(slices.Sorted(maps.Values(t.opts.Repositories)))
	others = slices.DeleteFunc(others, func(r string) bool { return r == t.opts.Repository })
	return append([]string{t.opts.Repository}, others...)
}

// Ensure implements campaign.Tracker.
func (t *Tracker) Ensure(ctx context.Context, key string, d campaign.TicketDraft) (campaign.TicketRef, error) {
	ctx = rest.Operation(ctx)
	repository := cmp.Or(t.opts.Repositories[d.Assignee], t.opts.Repository)
	found, err := t.find(ctx, repository, key)
	if err != nil || found != nil {
		return refOf(found), err
	}
	if err := t.prepare(ctx, repository); err != nil {
		return campaign.TicketRef{}, err
	}
	owner, repo, _ := strings.Cut(repository, "/")
	request := t.request(key, d, nil)
	request.State, request.StateReason = nil, nil // an issue is born open
	issue, _, err := t.client.Issues.Create(ctx, owner, repo, request)
	if err != nil {
		return campaign.TicketRef{}, failed(ctx, err, true)
	}
	if !has(labelsOf(issue), mark.KeyLabel(key)) {
		return campaign.TicketRef{}, &campaign.Error{
			Kind: campaign.Forbidden, Err: fmt.Errorf("%s lost its labels", refOf(issue).ID),
			Message: "GitHub filed an issue without Muster's labels, so it cannot be found again: " + refOf(issue).URL + ". Close it, and give Muster's account write access to issues.",
		}
	}
	ref := refOf(issue)
	if d.Status == campaign.TicketDone {
		return ref, t.Update(ctx, ref, d)
	}
	return ref, nil
}

// Find implements campaign.Tracker.
func (t *Tracker) Find(ctx context.Context, key string) (campaign.TicketRef, error) {
	for _, repository := range t.repositories() {
		issue, err := t.find(ctx, repository, key)
		if err != nil || issue != nil {
			return refOf(issue), err
		}
	}
	return campaign.TicketRef{}, campaign.Refuse(campaign.NotFound, "GitHub has no issue under this key.")
}

// find returns the issue of a key, the first one filed, or nil.
func (t *Tracker) find(ctx context.Context, repository, key string) (*github.Issue, error) {
	owner, repo, _ := strings.Cut(repository, "/")
	issues, _, err := t.client.Issues.ListByRepo(ctx, owner, repo, &github.IssueListByRepoOptions{
		State: "all", Labels: []string{mark.KeyLabel(key)}, Sort: "created", Direction: "asc", ListOptions: github.ListOptions{PerPage: pageSize},
	})
	if err != nil {
		return nil, failed(ctx, err, false)
	}
	i := slices.IndexFunc(issues, func(issue *github.Issue) bool {
		return !issue.IsPullRequest() && mark.Key(issue.GetBody(), labelsOf(issue)) == key
	})
	if i < 0 {
		return nil, nil
	}
	return issues[i], nil
}

// prepare finds out, once, whether Muster may write labels in a repository:
// without that GitHub files issues and drops their labels without a word, and
// no issue would be found again.
func (t *Tracker) prepare(ctx context.Context, repository string) error {
	t.mu.Lock()
	done := t.prepared[repository]
	t.mu.Unlock()
	if done {
		return nil
	}
	owner, repo, _ := strings.Cut(repository, "/")
	_, _, err := t.client.Issues.CreateLabel(rest.AsRead(ctx), owner, repo, &github.Label{
		Name: github.Ptr(mark.Label), Description: github.Ptr("Filed by Muster"),
	})
	if err = failed(ctx, err, false); err != nil {
		answered, ok := errors.AsType[*rest.StatusError](err)
		if !ok || answered.Status != http.StatusUnprocessableEntity { // else it is there already
			return err
		}
	}
	t.mu.Lock()
	t.prepared[repository] = true
	t.mu.Unlock()
	return nil
}

// request returns what an issue is to be. kept are labels that others put on it.
func (t *Tracker) request(key string, d campaign.TicketDraft, kept []string) *github.IssueRequest {
	ours := []string{mark.Label, mark.KeyLabel(key)}
	labels := slices.DeleteFunc(kept, func(l string) bool { return has(ours, l) || strings.EqualFold(l, t.opts.InProgress) })
	labels = append(labels, ours...)
	if d.Status == campaign.TicketInProgress {
		labels = append(labels, t.opts.InProgress)
	}
	r := &github.IssueRequest{
		Title: github.Ptr(mark.Title(d.Title, maxTitle)), Body: github.Ptr(mark.Render(key, d)), Labels: &labels,
		State: github.Ptr("open"),
	}
	if !d.KeepAssignee {
		r.Assignees = &[]string{}
		if login := t.opts.Assignees[d.Assignee]; login != "" {
			r.Assignees = &[]string{login}
		}
	}
	if d.Status == campaign.TicketDone {
		r.State, r.StateReason = github.Ptr("closed"), github.Ptr("completed")
	}
	return r
}

// Update implements campaign.Tracker. Labels that people put on the issue stay.
func (t *Tracker) Update(ctx context.Context, ref campaign.TicketRef, d campaign.TicketDraft) error {
	ctx = rest.Operation(ctx)
	issue, at, err := t.get(ctx, ref)
	if err != nil {
		return err
	}
	key := mark.Key(issue.GetBody(), labelsOf(issue))
	if key == "" {
		return campaign.Refuse(campaign.NotFound, "The issue does not carry Muster's mark any more, so it was left as it is: "+rest.Quote(ref.ID))
	}
	_, _, err = t.client.Issues.Edit(ctx, at.owner, at.repo, at.number, t.request(key, d, labelsOf(issue)))
	return failed(ctx, err, true)
}

// get reads an issue, also where it was moved to.
func (t *Tracker) get(ctx context.Context, ref campaign.TicketRef) (*github.Issue, place, error) {
	at, err := placeOf(ref)
	if err != nil {
		return nil, at, err
	}
	issue, _, err := t.client.Issues.Get(ctx, at.owner, at.repo, at.number)
	if err != nil {
		return nil, at, rest.Gone(failed(ctx, err, false), system, at.owner+"/"+at.repo, func() error { return t.look(ctx, at) })
	}
	at, err = placeOf(refOf(issue))
	return issue, at, err
}

// look finds out whether GitHub shows the issues of a repository: a private one is
// not there for those who may not see it, and neither are issues that were switched
// off.
func (t *Tracker) look(ctx context.Context, at place) error {
	_, _, err := t.client.Issues.ListByRepo(ctx, at.owner, at.repo, &github.IssueListByRepoOptions{
		State: "all", ListOptions: github.ListOptions{PerPage: 1},
	})
	return failed(ctx, err, false)
}

// Comment implements campaign.Tracker. The key stands in the comment, unseen.
func (t *Tracker) Comment(ctx context.Context, ref campaign.TicketRef, key, text string) error {
	ctx = rest.Operation(ctx)
	_, at, err := t.get(ctx, ref)
	if err != nil {
		return err
	}
	for page := 1; page > 0; {
		comments, response, err := t.client.Issues.ListComments(ctx, at.owner, at.repo, at.number, &github.IssueListCommentsOptions{
			ListOptions: github.ListOptions{Page: page, PerPage: pageSize},
		})
		if err != nil {
			return failed(ctx, err, false)
		}
		if slices.ContainsFunc(comments, func(c *github.IssueComment) bool { return mark.IsComment(c.GetBody(), key) }) {
			return nil
		}
		page = response.NextPage
	}
	_, _, err = t.client.Issues.CreateComment(ctx, at.owner, at.repo, at.number, &github.IssueComment{Body: github.Ptr(mark.Comment(key, text))})
	return failed(ctx, err, true)
}

// Read implements campaign.Tracker.
func (t *Tracker) Read(ctx context.Context, ref campaign.TicketRef) (campaign.TicketSeen, error) {
	issue, _, err := t.get(rest.Operation(ctx), ref)
	if err != nil {
		return campaign.TicketSeen{}, err
	}
	return t.seen(issue), nil
}

func (t *Tracker) seen(issue *github.Issue) campaign.TicketSeen {
	labels := labelsOf(issue)
	s := campaign.TicketSeen{
		Ref: refOf(issue), Key: mark.Key(issue.GetBody(), labels), Status: campaign.TicketOpen,
		Checked: checklist.Checked(issue.GetBody()), CreatedAt: campaign.Stamp(issue.GetCreatedAt().Time), UpdatedAt: campaign.Stamp(issue.GetUpdatedAt().Time),
	}
	switch {
	case issue.GetState() == "closed":
		s.Status = campaign.TicketDone
	case has(labels, t.opts.InProgress):
		s.Status = campaign.TicketInProgress
	}
	if len(issue.Assignees) > 0 {
		login := issue.Assignees[0].GetLogin()
		s.Assignee = cmp.Or(t.owners[strings.ToLower(login)], login)
	}
	return s
}

func labelsOf(issue *github.Issue) []string {
	var names []string
	for _, label := range issue.Labels {
		names = append(names, label.GetName())
	}
	return names
}

// has returns whether a label is among others: to GitHub, case makes no difference.
func has(labels []string, label string) bool {
	return slices.ContainsFunc(labels, func(l string) bool { return strings.EqualFold(l, label) })
}

// refOf returns where an issue is, by the address of its repository.
func refOf(issue *github.Issue) campaign.TicketRef {
	if issue == nil {
		return campaign.TicketRef{}
	}
	parts := strings.Split(strings.TrimSuffix(issue.GetRepositoryURL(), "/"), "/")
	if len(parts) < 2 {
		return campaign.TicketRef{}
	}
	at := place{owner: parts[len(parts)-2], repo: parts[len(parts)-1], number: issue.GetNumber()}
	return campaign.TicketRef{ID: at.id(), URL: issue.GetHTMLURL()}
}

// failed takes the domain's error out of what the client made of it.
func failed(ctx context.Context, err error, write bool) error {
	if err == nil {
		return nil
	}
	if known, ok := errors.AsType[*campaign.Error](err); ok {
		return known
	}
	if write { // it was sent, and what came back is not an issue
		return &campaign.Error{Kind: campaign.Uncertain, Err: err, Message: "GitHub's answer was not understood. It may have been done; it is looked up before it is tried again."}
	}
	return &campaign.Error{Kind: campaign.Unavailable, Err: errors.Join(err, ctx.Err()), Message: "GitHub's answer was not understood. It is tried again."}
}

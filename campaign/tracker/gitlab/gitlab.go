// Package gitlab keeps tickets as issues of one GitLab project, on GitLab.com or
// on a server of one's own. An issue is found again by a label of its own,
// through the list of issues; its text hides the same key. Owner and due date
// are GitLab's own fields; a label tells that somebody works on it.
package gitlab

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	gitlab "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/tracker/checklist"
	"github.com/musterbot/muster/campaign/tracker/mark"
	"github.com/musterbot/muster/campaign/tracker/rest"
	"github.com/musterbot/muster/configs/secret"
)

// DefaultURL is GitLab.com.
const DefaultURL = "https://gitlab.com"

const (
	system   = "GitLab"
	maxTitle = 255 // characters; more is refused
	pageSize = 100
	// usersFor is how long the number of a user is believed.
	usersFor = time.Hour
)

// Options say where issues go.
type Options struct {
	URL     string        // of the server, without /api/v4; default DefaultURL
	Token   secret.Secret // required: of a project, group or person, with the scope api
	Project string        // required: "group/project", or its number
	// Projects are those of single owners, by their name in the catalog.
	Projects map[string]string
	// Assignees are the user names of owners. An owner without one stands in the
	// issue's text, and nobody is assigned.
	Assignees map[string]string
	// InProgress is the label of issues that somebody works on; default "in progress".
	InProgress string
	// WebhookSecret checks what GitLab sends: a signing token, which begins with
	// whsec_, or a secret token. Empty refuses all of it.
	WebhookSecret secret.Secret
	Limiter       campaign.Limiter // asked before each call
	Rate          campaign.Rate
	Base          http.RoundTripper // default: one that verifies certificates
}

// Tracker keeps tickets as issues. It may be used by many at once.
type Tracker struct {
	opts   Options
	client *gitlab.Client
	owners map[string]string // by user name, in lower case

	mu       sync.Mutex
	prepared map[string]bool // projects whose labels Muster may write
	users    map[string]user
}

type user struct {
	id int64
	at time.Time
}

var _ campaign.Tracker = (*Tracker)(nil)

// New returns a Tracker; it connects to nothing yet.
func New(o Options) (*Tracker, error) {
	o.URL = strings.TrimSuffix(cmp.Or(o.URL, DefaultURL), "/")
	o.InProgress = cmp.Or(o.InProgress, "in progress")
	for _, project := range append(slices.Collect(maps.Values(o.Projects)), o.Project) {
		if project == "" || strings.Contains(project, "#") {
			return nil, fmt.Errorf("gitlab: %q is not a project", project)
		}
	}
	calls, err := rest.New(rest.Options{System: system, BaseURL: o.URL, Auth: rest.Header("PRIVATE-TOKEN", o.Token), Limiter: o.Limiter, Rate: o.Rate, Base: o.Base})
	if err != nil {
		return nil, err
	}
	client, err := gitlab.NewAuthSourceClient(gitlab.Unauthenticated{}, // the transport adds the token
		gitlab.WithBaseURL(o.URL), gitlab.WithHTTPClient(&http.Client{Transport: unpaced{calls.Transport()}}), gitlab.WithoutRetries(),
		gitlab.WithURLWarningLogger(slog.New(slog.NewTextHandler(io.Discard, nil))))
	if err != nil {
		return nil, fmt.Errorf("gitlab: %w", err)
	}
	t := &Tracker{opts: o, client: client, owners: map[string]string{}, prepared: map[string]bool{}, users: map[string]user{}}
	for owner, name := range o.Assignees {
		t.owners[strings.ToLower(name)] = owner
	}
	return t, nil
}

// unpaced hides GitLab's rate from its client, which would wait in line for it.
// The limiter keeps it, and whoever is refused comes back later.
type unpaced struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (u unpaced) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := u.next.RoundTrip(r)
	if err == nil {
		response.Header.Del("RateLimit-Limit")
	}
	return response, err
}

// projects returns all of them, each once, the general one first.
func (t *Tracker) projects() []string {
	others := slices.Compact(slices.Sorted(maps.Values(t.opts.Projects)))
	others = slices.DeleteFunc(others, func(p string) bool { return p == t.opts.Project })
	return append([]string{t.opts.Project}, others...)
}

// Ensure implements campaign.Tracker.
func (t *Tracker) Ensure(ctx context.Context, key string, d campaign.TicketDraft) (campaign.TicketRef, error) {
	ctx = rest.SearchAndCreate(ctx)
	project := cmp.Or(t.opts.Projects[d.Assignee], t.opts.Project)
	found, err := t.find(ctx, project, key)
	if err != nil || found != nil {
		return refOf(project, found), err
	}
	if err := t.prepare(ctx, project); err != nil {
		return campaign.TicketRef{}, err
	}
	assignees, err := t.assignees(ctx, d.Assignee)
	if err != nil {
		return campaign.TicketRef{}, err
	}
	o := &gitlab.CreateIssueOptions{
		Title: gitlab.Ptr(mark.Title(d.Title, maxTitle)), Description: gitlab.Ptr(text(key, d)), AssigneeIDs: &assignees,
		Labels: &gitlab.LabelOptions{mark.Label, mark.KeyLabel(key)},
	}
	if !d.Due.IsZero() {
		o.DueDate = gitlab.Ptr(gitlab.ISOTime(d.Due.UTC()))
	}
	if d.Status == campaign.TicketInProgress {
		*o.Labels = append(*o.Labels, t.opts.InProgress)
	}
	issue, _, err := t.client.Issues.CreateIssue(project, o, gitlab.WithContext(ctx))
	if err != nil {
		return campaign.TicketRef{}, failed(ctx, err, true)
	}
	ref := refOf(project, issue)
	if !slices.Contains(issue.Labels, mark.KeyLabel(key)) {
		return campaign.TicketRef{}, &campaign.Error{
			Kind: campaign.Forbidden, Err: fmt.Errorf("%s lost its labels", ref.ID),
			Message: "GitLab filed an issue without Muster's labels, so it cannot be found again: " + ref.URL + ". Close it, and give Muster's account the role Planner or Reporter.",
		}
	}
	if d.Status == campaign.TicketDone {
		return ref, t.Update(ctx, ref, d)
	}
	return ref, nil
}

// Find implements campaign.Tracker.
func (t *Tracker) Find(ctx context.Context, key string) (campaign.TicketRef, error) {
	for _, project := range t.projects() {
		issue, err := t.find(ctx, project, key)
		if err != nil || issue != nil {
			return refOf(project, issue), err
		}
	}
	return campaign.TicketRef{}, campaign.Refuse(campaign.NotFound, "GitLab has no issue under this key.")
}

// find returns the issue of a key, the first one filed, or nil.
func (t *Tracker) find(ctx context.Context, project, key string) (*gitlab.Issue, error) {
	issues, _, err := t.client.Issues.ListProjectIssues(project, &gitlab.ListProjectIssuesOptions{
		Labels: &gitlab.LabelOptions{mark.KeyLabel(key)}, Scope: gitlab.Ptr("all"), OrderBy: gitlab.Ptr("created_at"), Sort: gitlab.Ptr("asc"),
		ListOptions: gitlab.ListOptions{PerPage: pageSize},
	}, gitlab.WithContext(ctx))
	if err != nil {
		return nil, failed(ctx, err, false)
	}
	for _, issue := range issues {
		if mark.Key(issue.Description, issue.Labels) == key {
			return issue, nil
		}
	}
	return nil, nil
}

// prepare finds out, once, whether Muster may write labels in a project: without
// that GitLab files issues without them, and no issue would be found again.
func (t *Tracker) prepare(ctx context.Context, project string) error {
	t.mu.Lock()
	done := t.prepared[project]
	t.mu.Unlock()
	if done {
		return nil
	}
	_, _, err := t.client.Labels.CreateLabel(project, &gitlab.CreateLabelOptions{
		Name: gitlab.Ptr(mark.Label), Color: gitlab.Ptr("#6699cc"), Description: gitlab.Ptr("Filed by Muster"),
	}, gitlab.WithContext(rest.AsRead(ctx)))
	if err = failed(ctx, err, false); err != nil && campaign.KindOf(err) != campaign.Conflict { // 409: it is there already
		return err
	}
	t.mu.Lock()
	t.prepared[project] = true
	t.mu.Unlock()
	return nil
}

// assignees returns the numbers of an owner's users, or 0, which GitLab takes
// for nobody.
func (t *Tracker) assignees(ctx context.Context, owner string) ([]int64, error) {
	name := t.opts.Assignees[owner]
	if name == "" {
		return []int64{0}, nil
	}
	t.mu.Lock()
	known := t.users[name]
	t.mu.Unlock()
	if known.id != 0 && time.Since(known.at) < usersFor {
		return []int64{known.id}, nil
	}
	users, _, err := t.client.Users.ListUsers(&gitlab.ListUsersOptions{Username: gitlab.Ptr(name)}, gitlab.WithContext(ctx))
	if err != nil {
		return nil, failed(ctx, err, false)
	}
	if len(users) == 0 {
		return nil, campaign.Refuse(campaign.Invalid, "GitLab has no user "+rest.Quote(name)+" An operator corrects `tracker.owners`. What was to be done is kept.")
	}
	t.mu.Lock()
	t.users[name] = user{id: users[0].ID, at: time.Now()}
	t.mu.Unlock()
	return []int64{users[0].ID}, nil
}

// Update implements campaign.Tracker. Labels that people put on the issue stay.
func (t *Tracker) Update(ctx context.Context, ref campaign.TicketRef, d campaign.TicketDraft) error {
	ctx = rest.Operation(ctx)
	issue, project, err := t.get(ctx, ref)
	if err != nil {
		return err
	}
	key := mark.Key(issue.Description, issue.Labels)
	if key == "" {
		return campaign.Refuse(campaign.NotFound, "The issue does not carry Muster's mark any more, so it was left as it is: "+rest.Quote(ref.ID))
	}
	o := &gitlab.UpdateIssueOptions{
		Title: gitlab.Ptr(mark.Title(d.Title, maxTitle)), Description: gitlab.Ptr(text(key, d)),
		AddLabels: &gitlab.LabelOptions{mark.Label, mark.KeyLabel(key)}, ResetDueDate: d.Due.IsZero(),
	}
	if !d.KeepAssignee {
		assignees, err := t.assignees(ctx, d.Assignee)
		if err != nil {
			return err
		}
		o.AssigneeIDs = &assignees
	}
	if !d.Due.IsZero() {
		o.DueDate = gitlab.Ptr(gitlab.ISOTime(d.Due.UTC()))
	}
	if d.Status == campaign.TicketInProgress {
		*o.AddLabels = append(*o.AddLabels, t.opts.InProgress)
	} else {
		o.RemoveLabels = &gitlab.LabelOptions{t.opts.InProgress}
	}
	switch closed := issue.State == "closed"; {
	case d.Status == campaign.TicketDone && !closed:
		o.StateEvent = gitlab.Ptr("close")
	case d.Status != campaign.TicketDone && closed:
		o.StateEvent = gitlab.Ptr("reopen")
	}
	_, _, err = t.client.Issues.UpdateIssue(project, issue.IID, o, gitlab.WithContext(ctx))
	return failed(ctx, err, true)
}

// get reads an issue. One that was moved to another project is closed here and
// goes on there under another number, where Muster may have no rights.
func (t *Tracker) get(ctx context.Context, ref campaign.TicketRef) (issue *gitlab.Issue, project string, err error) {
	project, iid, _ := strings.Cut(ref.ID, "#")
	number, err := strconv.ParseInt(iid, 10, 64)
	if err != nil || number <= 0 || !slices.Contains(t.projects(), project) {
		return nil, project, campaign.Refuse(campaign.NotFound, "This is no issue of a project that Muster files into on GitLab: "+rest.Quote(ref.ID))
	}
	issue, _, err = t.client.Issues.GetIssue(project, number, gitlab.WithContext(ctx))
	if err != nil {
		return nil, project, rest.Gone(failed(ctx, err, false), system, project, func() error { return t.look(ctx, project) })
	}
	if issue.MovedToID != 0 {
		return nil, project, campaign.Refuse(campaign.NotFound, "The issue was moved to another project of GitLab: "+rest.Quote(ref.ID)+" Muster does not follow it there; move it back, or close its tasks in Slack.")
	}
	return issue, project, nil
}

// look finds out whether GitLab shows the issues of a project: a private one is not
// there for those who may not see it.
func (t *Tracker) look(ctx context.Context, project string) error {
	_, _, err := t.client.Issues.ListProjectIssues(project, &gitlab.ListProjectIssuesOptions{
		ListOptions: gitlab.ListOptions{PerPage: 1},
	}, gitlab.WithContext(ctx))
	return failed(ctx, err, false)
}

// Comment implements campaign.Tracker. The key stands in the comment, unseen.
func (t *Tracker) Comment(ctx context.Context, ref campaign.TicketRef, key, text string) error {
	ctx = rest.Operation(ctx)
	issue, project, err := t.get(ctx, ref)
	if err != nil {
		return err
	}
	o := &gitlab.ListIssueNotesOptions{ListOptions: gitlab.ListOptions{Page: 1, PerPage: pageSize}, Sort: gitlab.Ptr("asc")}
	for o.Page > 0 {
		notes, response, err := t.client.Notes.ListIssueNotes(project, issue.IID, o, gitlab.WithContext(ctx))
		if err != nil {
			return failed(ctx, err, false)
		}
		if slices.ContainsFunc(notes, func(n *gitlab.Note) bool { return mark.IsComment(n.Body, key) }) {
			return nil
		}
		o.Page = response.NextPage
	}
	_, _, err = t.client.Notes.CreateIssueNote(project, issue.IID, &gitlab.CreateIssueNoteOptions{
		Body: gitlab.Ptr(mark.Comment(key, withoutQuickActions(text))),
	}, gitlab.WithContext(ctx))
	return failed(ctx, err, true)
}

// Read implements campaign.Tracker.
func (t *Tracker) Read(ctx context.Context, ref campaign.TicketRef) (campaign.TicketSeen, error) {
	issue, project, err := t.get(rest.Operation(ctx), ref)
	if err != nil {
		return campaign.TicketSeen{}, err
	}
	return t.seen(project, issue), nil
}

// Changes implements campaign.Tracker: the changes of all projects, merged.
func (t *Tracker) Changes(ctx context.Context, since time.Time) iter.Seq2[campaign.TicketSeen, error] {
	var feeds []iter.Seq2[campaign.TicketSeen, error]
	for _, project := range t.projects() {
		feeds = append(feeds, t.changesOf(ctx, project, since))
	}
	return mark.Merge(feeds...)
}

// changesOf reads a project's changes, page by page. Each full page moves the
// time on from which is asked, since what changes meanwhile would shift pages
// that are counted, and something would slip through between two.
func (t *Tracker) changesOf(ctx context.Context, project string, since time.Time) iter.Seq2[campaign.TicketSeen, error] {
	return func(yield func(campaign.TicketSeen, error) bool) {
		from := since.UTC()
		for page := int64(1); ; {
			issues, _, err := t.client.Issues.ListProjectIssues(project, &gitlab.ListProjectIssuesOptions{
				Labels: &gitlab.LabelOptions{mark.Label}, Scope: gitlab.Ptr("all"), OrderBy: gitlab.Ptr("updated_at"), Sort: gitlab.Ptr("asc"),
				UpdatedAfter: &from, ListOptions: gitlab.ListOptions{Page: page, PerPage: pageSize},
			}, gitlab.WithContext(ctx))
			if err != nil {
				yield(campaign.TicketSeen{}, failed(ctx, err, false))
				return
			}
			for _, issue := range issues {
				seen := t.seen(project, issue)
				if seen.Key == "" || issue.MovedToID != 0 || seen.UpdatedAt.Before(since) {
					continue
				}
				if !yield(seen, nil) {
					return
				}
			}
			if len(issues) < pageSize {
				return
			}
			if last := issues[len(issues)-1].UpdatedAt; last != nil && last.After(from) {
				from, page = last.UTC(), 1
			} else {
				page++ // more than a page at one moment
			}
		}
	}
}

func (t *Tracker) seen(project string, issue *gitlab.Issue) campaign.TicketSeen {
	s := campaign.TicketSeen{
		Ref: refOf(project, issue), Key: mark.Key(issue.Description, issue.Labels), Status: campaign.TicketOpen, Checked: checklist.Checked(issue.Description),
	}
	if issue.CreatedAt != nil {
		s.CreatedAt = campaign.Stamp(*issue.CreatedAt)
	}
	if issue.UpdatedAt != nil {
		s.UpdatedAt = campaign.Stamp(*issue.UpdatedAt)
	}
	switch {
	case issue.State == "closed":
		s.Status = campaign.TicketDone
	case slices.Contains(issue.Labels, t.opts.InProgress):
		s.Status = campaign.TicketInProgress
	}
	if len(issue.Assignees) > 0 {
		name := issue.Assignees[0].Username
		s.Assignee = cmp.Or(t.owners[strings.ToLower(name)], name)
	}
	return s
}

func refOf(project string, issue *gitlab.Issue) campaign.TicketRef {
	if issue == nil {
		return campaign.TicketRef{}
	}
	return campaign.TicketRef{ID: project + "#" + strconv.FormatInt(issue.IID, 10), URL: issue.WebURL}
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
		return &campaign.Error{Kind: campaign.Uncertain, Err: err, Message: "GitLab's answer was not understood. It may have been done; it is looked up before it is tried again."}
	}
	return &campaign.Error{Kind: campaign.Unavailable, Err: errors.Join(err, ctx.Err()), Message: "GitLab's answer was not understood. It is tried again."}
}

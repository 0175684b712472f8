package jiratest

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Issue is an issue as Jira holds it.
type Issue struct {
	ID, Key     string
	Summary     string
	Description any // a string of wiki markup, or a document in Cloud
	Labels      []string
	Status      string // a name of Workflow
	Category    string // new, indeterminate or done
	Assignee    string // a name, or an account's id in Cloud; "" for nobody
	Components  []string
	Custom      map[string]any // customfield_…
	Due         string         // 2006-01-02
	Properties  map[string]any
	Resolution  string // "" while it is unresolved
	Comments    []Comment
	Created     time.Time
	Updated     time.Time
}

// Comment is a comment of an Issue.
type Comment struct {
	ID         string
	Body       any
	Properties []any
}

// The documented limits.
const (
	maxSummary     = 255
	maxDescription = 32767
	maxLabel       = 255
	maxBulk        = 50
)

// desk holds the issues.
type desk struct {
	all     []*issue // in order of creation
	byID    map[string]*issue
	byLabel map[string][]*issue
	keys    int
	edits   int // comments' ids
}

// issue is an Issue with what the search still shows of it.
type issue struct {
	Issue
	number  int       // in order of creation
	indexed []version // older states, while the search lags
}

type version struct {
	until time.Time // from then on the next one is shown
	shown *Issue    // nil: not there yet
}

// Issues returns copies of all issues, in the order of their creation.
func (s *Server) Issues() []Issue {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := make([]Issue, 0, len(s.desk.all))
	for _, i := range s.desk.all {
		found = append(found, i.clone())
	}
	return found
}

// Issue returns a copy of one, or ErrNoIssue.
func (s *Server) Issue(key string) (Issue, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.find(key)
	if i == nil {
		return Issue{}, ErrNoIssue
	}
	return i.clone(), nil
}

// Change lets a person change an issue in Jira. It returns ErrNoIssue when there
// is none of that key. A new Status sets its category.
func (s *Server) Change(key string, change func(*Issue)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.find(key)
	if i == nil {
		return ErrNoIssue
	}
	s.touch(i, func() {
		change(&i.Issue)
		for _, status := range Workflow {
			if status.Name == i.Status {
				i.Category = status.Category
			}
		}
	})
	return nil
}

// File lets a person file an issue in Jira, and returns its key.
func (s *Server) File(summary string, labels ...string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.add(Issue{Summary: summary, Labels: labels}).Key
}

func (i *Issue) clone() Issue {
	c := *i
	c.Labels, c.Components, c.Comments = slices.Clone(i.Labels), slices.Clone(i.Components), slices.Clone(i.Comments)
	c.Custom, c.Properties = maps.Clone(i.Custom), maps.Clone(i.Properties)
	return c
}

func (s *Server) find(idOrKey string) *issue { return s.desk.byID[idOrKey] }

func (s *Server) add(fields Issue) *issue {
	s.desk.keys++
	now := s.opts.Now().Truncate(time.Millisecond)
	fields.ID, fields.Key = strconv.Itoa(10000+s.desk.keys), fmt.Sprintf("%s-%d", s.opts.Project, s.desk.keys)
	fields.Status, fields.Category = Workflow[0].Name, Workflow[0].Category
	fields.Created, fields.Updated = now, now
	i := &issue{Issue: fields, number: s.desk.keys}
	if s.opts.SearchLag > 0 {
		i.indexed = []version{{until: now.Add(s.opts.SearchLag)}}
	}
	s.desk.all = append(s.desk.all, i)
	s.desk.byID[i.ID], s.desk.byID[i.Key] = i, i
	for _, label := range i.Labels {
		s.desk.byLabel[label] = append(s.desk.byLabel[label], i)
	}
	return i
}

// touch changes an issue; the search goes on showing it as it was for a while.
func (s *Server) touch(i *issue, change func()) {
	now := s.opts.Now().Truncate(time.Millisecond)
	before := i.clone()
	change()
	i.Updated = now
	if s.opts.SearchLag > 0 {
		i.indexed = append(i.indexed, version{until: now.Add(s.opts.SearchLag), shown: &before})
	}
	for _, label := range i.Labels {
		if !slices.Contains(before.Labels, label) && !slices.Contains(s.desk.byLabel[label], i) {
			s.desk.byLabel[label] = append(s.desk.byLabel[label], i)
		}
	}
}

// asIndexed returns an issue as the search shows it now; nil when it does not.
func (s *Server) asIndexed(i *issue) *Issue {
	now := s.opts.Now()
	i.indexed = slices.DeleteFunc(i.indexed, func(v version) bool { return !now.Before(v.until) })
	if len(i.indexed) > 0 {
		return i.indexed[0].shown
	}
	return &i.Issue
}

func (s *Server) create(body map[string]any) reply {
	fields, problems := s.readIssue(body)
	if len(problems) > 0 {
		return refuseFields(problems)
	}
	return reply{http.StatusCreated, s.created(s.add(fields))}
}

func (s *Server) created(i *issue) map[string]any {
	return map[string]any{"id": i.ID, "key": i.Key, "self": s.URL() + s.api() + "issue/" + i.ID}
}

func (s *Server) createAll(body map[string]any) reply {
	updates, _ := body["issueUpdates"].([]any)
	if len(updates) == 0 || len(updates) > maxBulk {
		return refuse(http.StatusBadRequest, fmt.Sprintf("The number of issues in one request is limited to %d.", maxBulk))
	}
	issues, failed := []any{}, []any{}
	for n, update := range updates {
		one, _ := update.(map[string]any)
		fields, problems := s.readIssue(one)
		status := http.StatusBadRequest
		if given := s.opts.Elements[fields.Summary]; given != 0 {
			status, problems = given, map[string]string{"issue": http.StatusText(given)}
		}
		if len(problems) > 0 {
			failed = append(failed, map[string]any{
				"status": status, "failedElementNumber": n,
				"elementErrors": problem{Messages: []string{}, Errors: problems},
			})
			continue
		}
		issues = append(issues, s.created(s.add(fields)))
	}
	status := http.StatusCreated
	if len(issues) == 0 {
		status = http.StatusBadRequest
	}
	return reply{status, map[string]any{"issues": issues, "errors": failed}}
}

func (s *Server) edit(i *issue, body map[string]any) reply {
	fields, _ := body["fields"].(map[string]any)
	changed := i.clone()
	problems := map[string]string{}
	s.set(&changed, fields, problems)
	if _, asked := fields["assignee"]; asked && s.opts.AssigneeOffEdit {
		problems["assignee"] = notOnScreen("assignee")
	}
	steps, _ := body["update"].(map[string]any)
	changed.step(steps, fields, problems)
	if len(problems) > 0 {
		return refuseFields(problems)
	}
	list, _ := body["properties"].([]any)
	for _, entry := range list {
		if p, ok := entry.(map[string]any); ok {
			changed.Properties[fmt.Sprint(p["key"])] = p["value"]
		}
	}
	s.touch(i, func() { i.Issue = changed })
	return reply{status: http.StatusNoContent}
}

// assign is the call that changes the assignee alone, whatever the screens show.
func (s *Server) assign(i *issue, body map[string]any) reply {
	who, wrong := s.assignee(body)
	if wrong != "" {
		return refuseFields(map[string]string{"assignee": wrong})
	}
	s.touch(i, func() { i.Assignee = who })
	return reply{status: http.StatusNoContent}
}

// step carries out the operations on labels, the only ones that are known here.
func (i *Issue) step(update, fields map[string]any, problems map[string]string) {
	for name, value := range update {
		if _, twice := fields[name]; twice || name != "labels" {
			problems[name] = "Field '" + name + "' cannot be set here."
			continue
		}
		list, _ := value.([]any)
		for _, entry := range list {
			operation, _ := entry.(map[string]any)
			if label, ok := operation["add"].(string); ok && !slices.Contains(i.Labels, label) {
				i.Labels = append(i.Labels, label)
			}
		}
	}
}

func (s *Server) setProperty(i *issue, key string, value map[string]any) reply {
	changed := i.clone()
	if changed.Properties == nil {
		changed.Properties = map[string]any{}
	}
	_, had := changed.Properties[key]
	changed.Properties[key] = value
	i.Issue = changed // a property does not touch the issue
	if had {
		return reply{status: http.StatusOK}
	}
	return reply{status: http.StatusCreated}
}

func (s *Server) comment(i *issue, body map[string]any) reply {
	text, wrong := s.text(body["body"])
	if wrong != "" || text == nil || text == "" {
		return refuseFields(map[string]string{"comment": wrong + "Comment body can not be empty!"})
	}
	s.desk.edits++
	c := Comment{ID: strconv.Itoa(s.desk.edits), Body: text}
	c.Properties, _ = body["properties"].([]any)
	s.touch(i, func() { i.Comments = append(i.Comments, c) })
	return reply{http.StatusCreated, map[string]any{"id": c.ID, "body": c.Body}}
}

func (s *Server) comments(i *issue, query url.Values) reply {
	start, _ := strconv.Atoi(query.Get("startAt"))
	most, err := strconv.Atoi(query.Get("maxResults"))
	if err != nil || most > 100 {
		most = 100
	}
	list := []any{}
	for n, c := range i.Comments {
		if n < start || len(list) == most {
			continue
		}
		shown := map[string]any{"id": c.ID, "body": c.Body}
		if strings.Contains(query.Get("expand"), "properties") {
			shown["properties"] = c.Properties
		}
		list = append(list, shown)
	}
	return ok(map[string]any{"startAt": start, "maxResults": most, "total": len(i.Comments), "comments": list})
}

// show returns an issue as the API does.
func (s *Server) show(i *issue, properties bool) map[string]any {
	return s.showIssue(&i.Issue, properties)
}

func (s *Server) showIssue(i *Issue, properties bool) map[string]any {
	fields := map[string]any{
		"summary": i.Summary, "description": i.Description, "labels": slices.Clone(i.Labels),
		"status": showStatus(Status{Name: i.Status, Category: i.Category}), "assignee": nil, "duedate": nil, "resolution": nil,
		"created": i.Created.UTC().Format(stamp), "updated": i.Updated.UTC().Format(stamp),
	}
	if i.Labels == nil {
		fields["labels"] = []string{}
	}
	if i.Assignee != "" && s.opts.Cloud {
		fields["assignee"] = map[string]any{"accountId": i.Assignee, "displayName": "The " + i.Assignee}
	} else if i.Assignee != "" {
		fields["assignee"] = map[string]any{"name": i.Assignee, "displayName": "The " + i.Assignee}
	}
	if i.Due != "" {
		fields["duedate"] = i.Due
	}
	if i.Resolution != "" {
		fields["resolution"] = map[string]any{"name": i.Resolution}
	}
	components := []any{}
	for _, name := range i.Components {
		components = append(components, map[string]any{"name": name})
	}
	fields["components"] = components
	for name, value := range i.Custom {
		fields[name] = value
	}
	shown := map[string]any{"id": i.ID, "key": i.Key, "fields": fields}
	if properties {
		shown["properties"] = maps.Clone(i.Properties)
	}
	return shown
}

// stamp is how Jira writes points in time.
const stamp = "2006-01-02T15:04:05.000-0700"

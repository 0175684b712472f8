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
	"unicode/utf8"
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

// Workflow is how issues move: every status leads to every other one but itself.
var Workflow = []Status{
	{"1", "To Do", "new"}, {"3", "In Progress", "indeterminate"}, {"4", "In Review", "indeterminate"}, {"5", "Done", "done"},
}

// Status is one of the workflow's.
type Status struct{ ID, Name, Category string }

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
		if len(problems) > 0 {
			failed = append(failed, map[string]any{
				"status": http.StatusBadRequest, "failedElementNumber": n,
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

// readIssue reads what a creation asks for, with what is wrong by field.
func (s *Server) readIssue(body map[string]any) (Issue, map[string]string) {
	fields, _ := body["fields"].(map[string]any)
	problems := map[string]string{}
	project, _ := fields["project"].(map[string]any)
	if project["key"] != s.opts.Project {
		problems["project"] = "valid project is required"
	}
	kind, _ := fields["issuetype"].(map[string]any)
	if name, _ := kind["name"].(string); name == "" {
		problems["issuetype"] = "issue type is required"
	}
	var i Issue
	s.set(&i, fields, problems)
	if i.Summary == "" && problems["summary"] == "" {
		problems["summary"] = "You must specify a summary of the issue."
	}
	i.Properties = map[string]any{}
	list, _ := body["properties"].([]any)
	for _, entry := range list {
		if p, ok := entry.(map[string]any); ok {
			i.Properties[fmt.Sprint(p["key"])] = p["value"]
		}
	}
	return i, problems
}

// set takes fields into an issue.
func (s *Server) set(i *Issue, fields map[string]any, problems map[string]string) {
	for name, value := range fields {
		var wrong string
		switch name {
		case "project", "issuetype":
		case "summary":
			i.Summary, wrong = summary(value)
		case "description":
			i.Description, wrong = s.text(value)
		case "labels":
			i.Labels, wrong = labels(value)
		case "assignee":
			i.Assignee, wrong = s.assignee(value)
		case "components":
			i.Components, wrong = s.components(value)
		case "duedate":
			i.Due, wrong = day(value)
		default:
			if !strings.HasPrefix(name, "customfield_") {
				wrong = "Field '" + name + "' cannot be set. It is not on the appropriate screen, or unknown."
				break
			}
			if i.Custom == nil {
				i.Custom = map[string]any{}
			}
			i.Custom[name] = value
		}
		if wrong != "" {
			problems[name] = wrong
		}
	}
}

func summary(value any) (string, string) {
	text, _ := value.(string)
	switch {
	case strings.TrimSpace(text) == "":
		return "", "You must specify a summary of the issue."
	case strings.ContainsAny(text, "\r\n"):
		return "", "The summary is invalid because it contains newline characters."
	case utf8.RuneCountInString(text) > maxSummary:
		return "", "Summary must be less than 255 characters."
	}
	return text, ""
}

// text reads a description or a comment.
func (s *Server) text(value any) (any, string) {
	if !s.opts.Cloud {
		text, isText := value.(string)
		switch {
		case value == nil:
			return nil, ""
		case !isText:
			return nil, "Operation value must be a string"
		case utf8.RuneCountInString(text) > maxDescription:
			return nil, fmt.Sprintf("The entered text is too long. It exceeds the allowed limit of %d characters.", maxDescription)
		}
		return text, ""
	}
	if value == nil {
		return nil, ""
	}
	doc, _ := value.(map[string]any)
	content, _ := doc["content"].([]any)
	if doc["type"] != "doc" || doc["version"] != float64(1) {
		return nil, "Operation value must be an Atlassian Document (see the Atlassian Document Format)"
	}
	for _, node := range content {
		if wrong := checkNode(node); wrong != "" {
			return nil, wrong
		}
	}
	if size := textSize(doc); size > maxDescription {
		return nil, "CONTENT_LIMIT_EXCEEDED"
	}
	return doc, ""
}

func labels(value any) ([]string, string) {
	list, _ := value.([]any)
	var found []string
	for _, entry := range list {
		label, _ := entry.(string)
		if label == "" || strings.ContainsAny(label, " \t\n") {
			return nil, "The label '" + label + "' contains spaces which is invalid."
		}
		if len(label) > maxLabel {
			return nil, "The label '" + label[:20] + "…' exceeds the maximum length for labels of 255 characters."
		}
		if !slices.Contains(found, label) {
			found = append(found, label)
		}
	}
	return found, ""
}

func (s *Server) assignee(value any) (string, string) {
	key := "name"
	if s.opts.Cloud {
		key = "accountId"
	}
	who, _ := value.(map[string]any)
	id, _ := who[key].(string)
	if value == nil || who != nil && who[key] == nil {
		return "", ""
	}
	if id == "" || s.opts.Accounts != nil && !slices.Contains(s.opts.Accounts, id) {
		return "", "User '" + id + "' does not exist."
	}
	return id, ""
}

func (s *Server) components(value any) ([]string, string) {
	list, _ := value.([]any)
	var found []string
	for _, entry := range list {
		c, _ := entry.(map[string]any)
		name, _ := c["name"].(string)
		if !slices.Contains(s.opts.Components, name) {
			return nil, "Component name '" + name + "' is not valid"
		}
		found = append(found, name)
	}
	return found, ""
}

func day(value any) (string, string) {
	text, _ := value.(string)
	if value == nil {
		return "", ""
	}
	if _, err := time.Parse(time.DateOnly, text); err != nil {
		return "", "Error parsing date string: " + text
	}
	return text, ""
}

func (s *Server) edit(i *issue, body map[string]any) reply {
	fields, _ := body["fields"].(map[string]any)
	changed := i.clone()
	problems := map[string]string{}
	s.set(&changed, fields, problems)
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

func (s *Server) transitions(i *issue) []any {
	var list []any
	for _, status := range Workflow {
		if status.Name != i.Status {
			list = append(list, map[string]any{"id": "1" + status.ID, "name": "Move to " + status.Name, "to": showStatus(status)})
		}
	}
	return list
}

func showStatus(s Status) map[string]any {
	return map[string]any{"id": s.ID, "name": s.Name, "statusCategory": map[string]any{"key": s.Category}}
}

func (s *Server) transit(i *issue, body map[string]any) reply {
	wanted, _ := body["transition"].(map[string]any)
	for _, status := range Workflow {
		if wanted["id"] == "1"+status.ID && status.Name != i.Status {
			s.touch(i, func() { i.Status, i.Category = status.Name, status.Category })
			return reply{status: http.StatusNoContent}
		}
	}
	return refuse(http.StatusBadRequest, "It seems that you have tried to perform a workflow operation that is not valid for the current state of this issue.")
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
		"status": showStatus(Status{Name: i.Status, Category: i.Category}), "assignee": nil, "duedate": nil,
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

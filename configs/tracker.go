package configs

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// trackerKind is what one kind of tracker asks of its section.
type trackerKind struct {
	needs []string // keys that it cannot do without
	takes []string // keys that it has a use for besides; all take url and calls_per_minute
}

var trackerKinds = map[string]trackerKind{
	"builtin": {},
	"redmine": {needs: []string{"url", "token", "project"}, takes: []string{"type", "key_field", "text_format", "statuses", "owners"}},
	"jira":    {needs: []string{"url", "token", "project"}, takes: []string{"user", "type", "api", "owner_field", "statuses", "owners", "fields", "resolution", "no_due", "webhook_secret"}},
	"github":  {needs: []string{"token", "project"}, takes: []string{"url", "projects", "statuses", "owners", "webhook_secret"}},
	"gitlab":  {needs: []string{"token", "project"}, takes: []string{"url", "projects", "statuses", "owners", "webhook_secret"}},
	"servicenow": {needs: []string{"url", "token"}, takes: []string{
		"user", "project", "statuses", "owners", "comment_field", "close_code", "close_notes", "text_limit",
	}},
}

// TrackerKinds are the kinds of trackers, as they are written.
func TrackerKinds() []string {
	return []string{"builtin", "redmine", "jira", "github", "gitlab", "servicenow"}
}

// set returns the keys of the section that hold something.
func (t Tracker) set() map[string]bool {
	return map[string]bool{
		"url": t.URL != "", "user": t.User != "", "token": !t.Token.IsZero(), "project": t.Project != "", "projects": len(t.Projects) > 0,
		"type": t.Type != "", "api": t.API != 0, "key_field": t.KeyField != "", "owner_field": t.OwnerField != "",
		"text_format": t.TextFormat != "", "statuses": t.Statuses != (TrackerStatuses{}), "owners": len(t.Owners) > 0,
		"fields": len(t.Fields) > 0, "resolution": t.Resolution != "", "no_due": t.NoDue,
		"webhook_secret": !t.WebhookSecret.IsZero(), "comment_field": t.CommentField != "", "close_code": t.CloseCode != "",
		"close_notes": t.CloseNotes != "", "text_limit": t.TextLimit != 0,
	}
}

var (
	jiraKey    = regexp.MustCompile(`^[A-Z][A-Z0-9_]+$`)
	jiraOwner  = regexp.MustCompile(`^(?:assignee|components|customfield_\d+(?::[a-z]+)?)$`)
	jiraField  = regexp.MustCompile(`^[a-z][A-Za-z0-9_]*$`)
	ownerSlash = regexp.MustCompile(`^[^/\s]+/[^/\s]+$`)
)

// jiraFilled are the fields that every creation fills; the one for owners is
// another.
var jiraFilled = []string{"summary", "description", "labels", "project", "issuetype", "assignee", "duedate"}

// leastText is what a text needs at least: all tasks of a ticket may be done, and
// each of them takes some characters also where there is no room for its line.
const leastText = 3500

func checkTracker(c Config) []Problem {
	t := c.Tracker
	found := oneOf("tracker.kind", t.Kind, TrackerKinds()...)
	if len(found) > 0 {
		return found
	}
	kind, set := trackerKinds[t.Kind], t.set()
	for _, key := range kind.needs {
		if !set[key] {
			found = append(found, Problem{
				Path: "tracker." + key, Where: c.origins["tracker.kind"], What: t.Kind + " needs it",
				Do: "Set it; docs/trackers.md says where it is found. The variable is " + variable("tracker."+key) + ".",
			})
		}
	}
	known := map[string]bool{}
	for _, key := range append(kind.needs, kind.takes...) {
		known[key] = true
	}
	for _, key := range sortedKeys(set) {
		if set[key] && !known[key] {
			found = append(found, Problem{Path: "tracker." + key, What: t.Kind + " has no use for it", Do: "Remove it, or check tracker.kind."})
		}
	}
	if t.URL != "" {
		found = append(found, tokenAddress("tracker.url", t.URL)...)
	}
	found = append(found, atLeast("tracker.calls_per_minute", t.CallsPerMinute, 0)...)
	switch t.Kind {
	case "jira":
		found = append(found, checkJira(c)...)
	case "redmine":
		if t.TextFormat != "" {
			found = append(found, oneOf("tracker.text_format", t.TextFormat, "textile", "markdown")...)
		}
	case "servicenow":
		if t.CommentField != "" {
			found = append(found, oneOf("tracker.comment_field", t.CommentField, "comments", "work_notes")...)
		}
		if t.TextLimit != 0 {
			found = append(found, atLeast("tracker.text_limit", t.TextLimit, leastText)...)
		}
	case "github":
		if t.Project != "" && !ownerSlash.MatchString(t.Project) {
			found = append(found, Problem{Path: "tracker.project", What: fmt.Sprintf("%q is not a repository", t.Project), Do: "Write it as owner/name."})
		}
	}
	return found
}

func checkJira(c Config) []Problem {
	var found []Problem
	t := c.Tracker
	if t.Project != "" && !jiraKey.MatchString(t.Project) {
		found = append(found, Problem{Path: "tracker.project", What: fmt.Sprintf("%q is not the key of a project", t.Project), Do: "Write what stands before the number of an issue, such as SEC."})
	}
	if t.API != 0 {
		found = append(found, oneOf("tracker.api", strconv.Itoa(t.API), "2", "3")...)
	}
	if t.API == 3 && t.User == "" {
		found = append(found, Problem{Path: "tracker.user", Where: c.origins["tracker.api"], What: "Jira Cloud needs it", Do: "Write the e-mail address of the account whose API token it is."})
	}
	if t.OwnerField != "" && !jiraOwner.MatchString(t.OwnerField) {
		found = append(found, Problem{
			Path: "tracker.owner_field", What: fmt.Sprintf("%q is not a field for owners", t.OwnerField),
			Do: "Write assignee, components or customfield_12345, with :value behind it for a choice and :name for a group.",
		})
	}
	owner, _, _ := strings.Cut(t.OwnerField, ":")
	for _, id := range sortedKeys(t.Fields) {
		switch {
		case !jiraField.MatchString(id):
			found = append(found, Problem{Path: "tracker.fields." + id, What: "it is not the ID of a field", Do: "Write it as the API does, such as customfield_10010 or priority."})
		case slices.Contains(jiraFilled, strings.ToLower(id)), strings.EqualFold(id, owner):
			found = append(found, Problem{Path: "tracker.fields." + id, What: "Muster fills this field itself", Do: "Remove it."})
		}
	}
	if strings.HasSuffix(t.URL, "/rest") || strings.Contains(t.URL, "/rest/api") {
		found = append(found, Problem{Path: "tracker.url", What: "it leads into the API", Do: "Write the address that people open, such as https://jira.example.com."})
	}
	return found
}

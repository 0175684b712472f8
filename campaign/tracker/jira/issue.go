package jira

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/musterbot/muster/campaign"
)

// issue is an issue as Jira sends it.
type issue struct {
	ID         string                     `json:"id"`
	Key        string                     `json:"key"`
	Fields     map[string]json.RawMessage `json:"fields"`
	Properties map[string]json.RawMessage `json:"properties"`
}

// propertyName is the issue property, and the comment property, that is ours.
const propertyName = "muster"

// property is what stands in it: how tasks are found again whose marks an editor
// dropped.
type property struct {
	Key   string `json:"key"`
	Tasks []task `json:"tasks,omitempty"`
}

// propertyOf returns what stands in an issue's property; blank when there is none.
func propertyOf(i issue) (p property) {
	_ = json.Unmarshal(i.Properties[propertyName], &p)
	return p
}

type task struct {
	ID   string `json:"id"`
	Text string `json:"text"`
}

type status struct {
	Name     string `json:"name"`
	Category struct {
		Key string `json:"key"`
	} `json:"statusCategory"`
}

// read decodes a field; one that is missing, or of another form, is blank.
func read[T any](i issue, field string) (v T) {
	_ = json.Unmarshal(i.Fields[field], &v)
	return v
}

// fields are those that are asked for.
func (t *Tracker) fields() string {
	list := []string{"summary", "description", "labels", "status", "assignee", "duedate", "created", "updated"}
	if name, _ := t.ownerField(); name != fieldAssignee {
		list = append(list, name)
	}
	return strings.Join(list, ",")
}

var categories = map[string]campaign.TicketStatus{
	"new": campaign.TicketOpen, "undefined": campaign.TicketOpen,
	"indeterminate": campaign.TicketInProgress, "done": campaign.TicketDone,
}

// status returns how far an issue is: by the configured names, else by category.
func (t *Tracker) status(s status) campaign.TicketStatus {
	for ours, name := range t.opts.Statuses {
		if strings.EqualFold(name, s.Name) {
			return ours
		}
	}
	if ours, ok := categories[s.Category.Key]; ok {
		return ours
	}
	return campaign.TicketInProgress
}

// moment reads Jira's points in time.
func moment(text string) (time.Time, error) {
	at, err := time.Parse("2006-01-02T15:04:05.000-0700", text)
	if err != nil {
		return at, fmt.Errorf("read jira's time: %w", err)
	}
	return campaign.Stamp(at), nil
}

func (t *Tracker) seen(i issue) (campaign.TicketSeen, error) {
	created, err := moment(read[string](i, "created"))
	if err != nil {
		return campaign.TicketSeen{}, err
	}
	updated, err := moment(read[string](i, "updated"))
	if err != nil {
		return campaign.TicketSeen{}, err
	}
	p := propertyOf(i)
	seen := campaign.TicketSeen{
		Ref: t.ref(i.Key), Key: t.keyOf(read[[]string](i, "labels")), Status: t.status(read[status](i, "status")),
		Assignee: t.readOwner(i), CreatedAt: created, UpdatedAt: updated,
	}
	if seen.Key == "" {
		seen.Key = t.hiddenKey(i) // somebody took the label away
	}
	if t.opts.Cloud {
		seen.Checked = checkedIn(read[node](i, "description"), p.Tasks)
	} else {
		seen.Checked = checkedInWiki(read[string](i, "description"))
	}
	return seen, nil
}

const fieldAssignee = "assignee"

// ownerField returns the field that holds the owner, and the key within a choice.
func (t *Tracker) ownerField() (name, key string) {
	name, key, _ = strings.Cut(t.opts.OwnerField, ":")
	return name, key
}

// unmapped reports whether a draft is for nobody whom Jira could assign.
func (t *Tracker) unmapped(d campaign.TicketDraft) bool {
	name, _ := t.ownerField()
	return name == fieldAssignee && t.opts.Owners[d.Assignee] == ""
}

func (t *Tracker) accountKey() string {
	if t.opts.Cloud {
		return "accountId"
	}
	return "name"
}

// setOwner writes the owner where it goes.
func (t *Tracker) setOwner(fields map[string]any, owner string) {
	name, key := t.ownerField()
	value, mapped := t.opts.Owners[owner]
	switch {
	case name == fieldAssignee && !mapped:
		value = ""
	case !mapped:
		value = owner
	}
	switch {
	case name == "components" && value == "":
		fields[name] = []any{}
	case value == "":
		fields[name] = nil
	case name == "components":
		fields[name] = []any{map[string]string{"name": value}}
	case name == fieldAssignee:
		fields[name] = map[string]string{t.accountKey(): value}
	case key != "":
		fields[name] = map[string]string{key: value}
	default:
		fields[name] = value
	}
}

// readOwner returns the owner that is mapped to what Jira has, else Jira's name
// for it.
func (t *Tracker) readOwner(i issue) string {
	name, key := t.ownerField()
	var value, shown string
	switch {
	case name == "components":
		for _, c := range read[[]map[string]any](i, name) {
			value, _ = c["name"].(string)
			if owner, ok := t.owners[value]; ok {
				return owner
			}
		}
	case name == fieldAssignee:
		who := read[map[string]any](i, name)
		value, _ = who[t.accountKey()].(string)
		shown, _ = who["displayName"].(string)
	case key != "":
		value, _ = read[map[string]any](i, name)[key].(string)
	default:
		value = read[string](i, name)
	}
	if owner, ok := t.owners[value]; ok {
		return owner
	}
	if name == fieldAssignee && shown != "" {
		return shown
	}
	return value
}

// maxSummary is Jira's limit in characters; the body repeats what is cut.
const maxSummary = 254

// draft returns the fields and the property of a draft, and refuses what Jira
// would refuse.
func (t *Tracker) draft(key string, d campaign.TicketDraft) (map[string]any, property, error) {
	summary := strings.Join(strings.Fields(d.Title), " ")
	if summary == "" {
		return nil, property{}, campaign.Refuse(campaign.Invalid, "A ticket needs a title; nothing was changed.")
	}
	if runes := []rune(summary); len(runes) > maxSummary {
		summary = string(runes[:maxSummary-1]) + "…"
	}
	fields := map[string]any{"summary": summary}
	if t.opts.Cloud {
		fields["description"] = withTasks(document(d.Body), d.Checklist, d.More)
	} else {
		fields["description"] = withKeyInWiki(withTasksInWiki(wiki(d.Body), d.Checklist, d.More), key)
	}
	if !d.KeepAssignee {
		t.setOwner(fields, d.Assignee)
	}
	if !t.opts.NoDue {
		fields["duedate"] = nil
		if !d.Due.IsZero() {
			fields["duedate"] = d.Due.UTC().Format(time.DateOnly)
		}
	}
	p := property{Key: key}
	for _, item := range d.Checklist {
		p.Tasks = append(p.Tasks, task{ID: item.ID, Text: oneLine(item.Text)})
	}
	return fields, p, nil
}

// creation returns what a creation sends. With null it asks for nobody as the
// assignee where the owner has no account; else Jira chooses one then.
func (t *Tracker) creation(key string, d campaign.TicketDraft, null bool) (map[string]any, error) {
	label, err := t.label(key)
	if err != nil {
		return nil, err
	}
	fields, p, err := t.draft(key, d)
	if err != nil {
		return nil, err
	}
	maps.Copy(fields, map[string]any{
		"project": map[string]string{"key": t.opts.Project}, "issuetype": map[string]string{"name": t.opts.IssueType},
		"labels": []string{t.opts.Label, label},
	})
	for name, value := range fields {
		if value == nil && !(null && name == fieldAssignee) {
			delete(fields, name) // some projects refuse even nothing for fields they do not have
		}
	}
	for name, value := range t.opts.Fields {
		fields[name] = value
	}
	create := map[string]any{"fields": fields}
	if t.opts.Cloud {
		create["properties"] = []any{map[string]any{"key": propertyName, "value": p}}
	}
	return create, nil
}

package jiratest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// readIssue reads what a creation asks for, with what is wrong by field.
func (s *Server) readIssue(body map[string]any) (Issue, map[string]string) {
	fields, _ := body["fields"].(map[string]any)
	problems := map[string]string{}
	project, _ := fields["project"].(map[string]any)
	if project["key"] != s.opts.Project || s.hidden {
		problems["project"] = "valid project is required"
	}
	kind, _ := fields["issuetype"].(map[string]any)
	if name, _ := kind["name"].(string); name == "" {
		problems["issuetype"] = "issue type is required"
	}
	var i Issue
	given, asked := fields["assignee"]
	switch {
	case asked && given == nil && s.opts.Unassigned == UnassignedRefused:
		problems["assignee"] = notOnScreen("assignee")
	case !asked, given == nil && s.opts.Unassigned == UnassignedIgnored:
		fields = maps.Clone(fields)
		delete(fields, "assignee")
		i.Assignee = s.opts.DefaultAssignee
	}
	s.set(&i, fields, problems)
	if i.Summary == "" && problems["summary"] == "" {
		problems["summary"] = "You must specify a summary of the issue."
	}
	for _, name := range s.opts.Mandatory {
		if fields[name] == nil {
			problems[name] = name + " is required."
		}
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
				wrong = notOnScreen(name)
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

func notOnScreen(field string) string {
	return "Field '" + field + "' cannot be set. It is not on the appropriate screen, or unknown."
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
		if s.opts.Unassigned == UnassignedNever {
			return "", "Issues must be assigned."
		}
		return "", ""
	}
	if id == "-1" {
		return s.opts.DefaultAssignee, ""
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

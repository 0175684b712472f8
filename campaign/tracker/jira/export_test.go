package jira

import (
	"encoding/json"
	"strings"
)

// For the contract's test: the forms in which Jira holds a body.

func Wiki(markdown string) string { return wiki(markdown) }

func Document(markdown string) string { return encoded(document(markdown)) }

// WithoutTasks takes the checklist, and the hidden key, off a description.
func WithoutTasks(description any) string {
	if text, ok := description.(string); ok {
		if n := strings.LastIndex(text, "{anchor:muster-"+keyMark); n >= 0 {
			text = text[:n]
		}
		body, _, _ := strings.Cut(text, "\n"+tasksHead)
		return body
	}
	raw, _ := json.Marshal(description)
	var doc node
	_ = json.Unmarshal(raw, &doc)
	for i, n := range doc.Content {
		if n.Type == "taskList" && n.Attrs["localId"] == tasksID {
			doc.Content = doc.Content[:i-1]
			break
		}
	}
	return encoded(doc)
}

func encoded(doc node) string {
	raw, _ := json.Marshal(doc)
	return string(raw)
}

func CheckedInWiki(text string) []string { return checkedInWiki(text) }

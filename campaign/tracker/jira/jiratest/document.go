package jiratest

import (
	"fmt"
	"slices"
)

// nodes are the block and inline nodes of Atlassian's documents that Muster may
// send; true for those that hold content.
var nodes = map[string]bool{
	"paragraph": true, "heading": true, "bulletList": true, "orderedList": true, "listItem": true, "codeBlock": true,
	"blockquote": true, "rule": false, "table": true, "tableRow": true, "tableCell": true, "tableHeader": true,
	"taskList": true, "taskItem": true, "panel": true, "text": false, "hardBreak": false,
}

// children are what some nodes may hold; the others hold any.
var children = map[string][]string{
	"bulletList": {"listItem"}, "orderedList": {"listItem"}, "taskList": {"taskItem", "taskList"}, "table": {"tableRow"},
	"tableRow": {"tableCell", "tableHeader"}, "codeBlock": {"text"}, "paragraph": {"text", "hardBreak"},
	"heading": {"text", "hardBreak"}, "taskItem": {"text", "hardBreak"},
	"listItem":   {"paragraph", "bulletList", "orderedList", "codeBlock", "taskList"},
	"blockquote": {"paragraph", "bulletList", "orderedList", "codeBlock"},
}

// checkNode says what Jira would not take about a node: it refuses a document
// whole, with one message.
func checkNode(v any) string {
	const invalid = "INVALID_INPUT"
	node, _ := v.(map[string]any)
	kind, _ := node["type"].(string)
	holds, known := nodes[kind]
	if !known {
		return invalid + ": " + kind
	}
	content, _ := node["content"].([]any)
	if kind == "text" {
		if text, _ := node["text"].(string); text == "" {
			return invalid + ": empty text"
		}
	}
	if len(content) > 0 && !holds {
		return invalid + ": content of " + kind
	}
	for _, child := range content {
		c, _ := child.(map[string]any)
		if allowed, limited := children[kind]; limited && !slices.Contains(allowed, fmt.Sprint(c["type"])) {
			return fmt.Sprintf("%s: %v in %s", invalid, c["type"], kind)
		}
		if wrong := checkNode(child); wrong != "" {
			return wrong
		}
	}
	return ""
}

// textSize counts the characters of all text nodes.
func textSize(v any) int {
	switch v := v.(type) {
	case map[string]any:
		size := 0
		if text, ok := v["text"].(string); ok {
			size = len([]rune(text))
		}
		return size + textSize(v["content"])
	case []any:
		size := 0
		for _, entry := range v {
			size += textSize(entry)
		}
		return size
	}
	return 0
}

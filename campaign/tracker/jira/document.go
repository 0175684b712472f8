package jira

import (
	"slices"
	"strings"

	"github.com/yuin/goldmark/ast"
	east "github.com/yuin/goldmark/extension/ast"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/tracker/checklist"
)

// node is a node of Jira's documents (ADF).
type node struct {
	Type    string         `json:"type"`
	Version int            `json:"version,omitempty"` // of the whole document
	Attrs   map[string]any `json:"attrs,omitempty"`
	Content []node         `json:"content,omitempty"`
	Text    string         `json:"text,omitempty"`
	Marks   []inlineMark   `json:"marks,omitempty"`
}

// inlineMark is a mark on a text.
type inlineMark struct {
	Type  string         `json:"type"`
	Attrs map[string]any `json:"attrs,omitempty"`
}

// document turns Markdown into a document.
func document(source string) node {
	d := &documentWriter{source: []byte(source)}
	doc := node{Type: "doc", Version: 1, Content: d.blocks(parse(d.source), 0)}
	if len(doc.Content) == 0 {
		doc.Content = []node{{Type: "paragraph"}}
	}
	return doc
}

type documentWriter struct{ source []byte }

func (d *documentWriter) blocks(n ast.Node, depth int) []node {
	var list []node
	for child := n.FirstChild(); child != nil; child = child.NextSibling() {
		list = append(list, d.block(child, depth+1)...)
	}
	return list
}

func (d *documentWriter) block(n ast.Node, depth int) []node {
	if depth > maxDepth {
		return nil
	}
	switch n := n.(type) {
	case *ast.Heading:
		return []node{{Type: "heading", Attrs: map[string]any{"level": n.Level}, Content: d.inline(n, nil)}}
	case *ast.Paragraph, *ast.TextBlock:
		return []node{{Type: "paragraph", Content: d.inline(n, nil)}}
	case *ast.FencedCodeBlock:
		return []node{codeBlock(linesOf(n, d.source), languages[strings.ToLower(string(n.Language(d.source)))])}
	case *ast.CodeBlock, *ast.HTMLBlock:
		return []node{codeBlock(linesOf(n, d.source), "")}
	case *ast.Blockquote:
		return []node{{Type: "blockquote", Content: atLeastOne(allowed(d.blocks(n, depth), "paragraph", "bulletList", "orderedList", "codeBlock"))}}
	case *ast.ThematicBreak:
		return []node{{Type: "rule"}}
	case *ast.List:
		return []node{d.list(n, depth)}
	case *east.Table:
		return []node{d.table(n)}
	}
	return d.blocks(n, depth)
}

func (d *documentWriter) list(n *ast.List, depth int) node {
	list := node{Type: "bulletList"}
	if n.IsOrdered() {
		list.Type = "orderedList"
		if n.Start > 1 {
			list.Attrs = map[string]any{"order": n.Start}
		}
	}
	for item := n.FirstChild(); item != nil; item = item.NextSibling() {
		content := atLeastOne(allowed(d.blocks(item, depth+1), "paragraph", "bulletList", "orderedList", "codeBlock"))
		if content[0].Type != "paragraph" { // a list cannot begin an item
			content = append([]node{{Type: "paragraph"}}, content...)
		}
		list.Content = append(list.Content, node{Type: "listItem", Content: content})
	}
	return list
}

func atLeastOne(list []node) []node {
	if len(list) == 0 {
		return []node{{Type: "paragraph"}}
	}
	return list
}

// allowed turns what may not stand here into paragraphs of the same text.
func allowed(list []node, kinds ...string) []node {
	var fit []node
	for _, n := range list {
		switch {
		case slices.Contains(kinds, n.Type):
			fit = append(fit, n)
		case n.Type == "heading":
			for i := range n.Content {
				if n.Content[i].Type == "text" {
					n.Content[i].Marks = strengthened(n.Content[i].Marks)
				}
			}
			fit = append(fit, node{Type: "paragraph", Content: n.Content})
		case n.Type == "rule":
		default: // a quotation within one, or a table: its parts, one below the other
			fit = append(fit, allowed(n.Content, kinds...)...)
		}
	}
	return fit
}

func strengthened(marks []inlineMark) []inlineMark {
	if slices.ContainsFunc(marks, func(m inlineMark) bool { return m.Type == "strong" || m.Type == "code" }) {
		return marks
	}
	return append(slices.Clone(marks), inlineMark{Type: "strong"})
}

func codeBlock(text, language string) node {
	block := node{Type: "codeBlock"}
	if language != "" {
		block.Attrs = map[string]any{"language": language}
	}
	if text = strings.TrimSuffix(text, "\n"); text != "" {
		block.Content = []node{{Type: "text", Text: text}}
	}
	return block
}

func (d *documentWriter) table(n *east.Table) node {
	table := node{Type: "table"}
	for row := n.FirstChild(); row != nil; row = row.NextSibling() {
		kind := "tableCell"
		if _, head := row.(*east.TableHeader); head {
			kind = "tableHeader"
		}
		r := node{Type: "tableRow"}
		for cell := row.FirstChild(); cell != nil; cell = cell.NextSibling() {
			r.Content = append(r.Content, node{Type: kind, Content: []node{{Type: "paragraph", Content: d.inline(cell, nil)}}})
		}
		table.Content = append(table.Content, r)
	}
	return table
}

// inline returns the text nodes of a block.
func (d *documentWriter) inline(n ast.Node, marks []inlineMark) []node {
	var list []node
	for child := n.FirstChild(); child != nil; child = child.NextSibling() {
		if first, ok := child.(*ast.Text); ok {
			characters, last := textRun(first, d.source)
			if last.SoftLineBreak() && !last.HardLineBreak() {
				characters += " "
			}
			list = append(list, textNode(characters, marks)...)
			if last.HardLineBreak() {
				list = append(list, node{Type: "hardBreak"})
			}
			child = last
			continue
		}
		list = append(list, d.span(child, marks)...)
	}
	return list
}

func (d *documentWriter) span(n ast.Node, marks []inlineMark) []node {
	switch n := n.(type) {
	case *ast.String:
		return textNode(string(n.Value), marks)
	case *ast.CodeSpan:
		return textNode(codeOf(n, d.source), codeMarks(marks))
	case *ast.Emphasis:
		if n.Level > 1 {
			return d.inline(n, with(marks, inlineMark{Type: "strong"}))
		}
		return d.inline(n, with(marks, inlineMark{Type: "em"}))
	case *east.Strikethrough:
		return d.inline(n, with(marks, inlineMark{Type: "strike"}))
	case *ast.Link:
		return d.link(n, string(n.Destination), marks)
	case *ast.Image:
		return d.link(n, string(n.Destination), marks)
	case *ast.AutoLink:
		address := string(n.URL(d.source))
		return textNode(address, linked(marks, address))
	case *ast.RawHTML:
		return textNode(rawOf(n, d.source), marks)
	}
	return d.inline(n, marks)
}

func (d *documentWriter) link(n ast.Node, address string, marks []inlineMark) []node {
	list := d.inline(n, linked(marks, address))
	if len(list) == 0 {
		return textNode(address, linked(marks, address))
	}
	return list
}

func linked(marks []inlineMark, address string) []inlineMark {
	link := safeLink(address)
	if link == "" {
		return marks
	}
	return with(marks, inlineMark{Type: "link", Attrs: map[string]any{"href": link}})
}

// with adds a mark; the same one twice would be refused.
func with(marks []inlineMark, m inlineMark) []inlineMark {
	if slices.ContainsFunc(marks, func(has inlineMark) bool { return has.Type == m.Type }) {
		return marks
	}
	return append(slices.Clone(marks), m)
}

// codeMarks: code may be linked, and nothing else.
func codeMarks(marks []inlineMark) []inlineMark {
	kept := slices.DeleteFunc(slices.Clone(marks), func(m inlineMark) bool { return m.Type != "link" })
	return append(kept, inlineMark{Type: "code"})
}

func textNode(text string, marks []inlineMark) []node {
	if text == "" {
		return nil // an empty text would be refused
	}
	return []node{{Type: "text", Text: text, Marks: marks}}
}

const (
	tasksID  = "muster-tasks"
	tasksSay = "Tasks"
)

// withTasks appends the items as a task list, each under the ID of its task.
func withTasks(doc node, items []campaign.CheckItem, more int) node {
	if len(items) == 0 {
		return doc
	}
	list := node{Type: "taskList", Attrs: map[string]any{"localId": tasksID}}
	for _, item := range items {
		state := "TODO"
		if item.Done {
			state = "DONE"
		}
		list.Content = append(list.Content, node{
			Type: "taskItem", Attrs: map[string]any{"localId": item.ID, "state": state}, Content: textNode(oneLine(item.Text), nil),
		})
	}
	head := node{Type: "heading", Attrs: map[string]any{"level": 3}, Content: textNode(tasksSay, nil)}
	doc.Content = append(doc.Content, head, list)
	if more > 0 {
		doc.Content = append(doc.Content, node{Type: "paragraph", Content: textNode(checklist.More(more), nil)})
	}
	return doc
}

// checkedIn returns the IDs of the items that are ticked in a document. An item
// whose ID an editor dropped is known by its text.
func checkedIn(doc node, tasks []task) []string {
	known, byText := map[string]bool{}, map[string]string{}
	for _, t := range tasks {
		known[t.ID] = true
		byText[t.Text] = t.ID
	}
	var ticked, open []string
	var walk func(n node, depth int)
	walk = func(n node, depth int) {
		if depth > 4*maxDepth {
			return
		}
		if n.Type == "taskItem" {
			id, _ := n.Attrs["localId"].(string)
			if !known[id] {
				id = byText[oneLine(textOf(n, 0))]
			}
			switch {
			case id == "":
			case n.Attrs["state"] == "DONE":
				ticked = append(ticked, id)
			default:
				open = append(open, id)
			}
		}
		for _, child := range n.Content {
			walk(child, depth+1)
		}
	}
	walk(doc, 0)
	slices.Sort(ticked)
	return slices.DeleteFunc(slices.Compact(ticked), func(id string) bool { return slices.Contains(open, id) })
}

func textOf(n node, depth int) string {
	if depth > maxDepth {
		return ""
	}
	text := n.Text
	for _, child := range n.Content {
		text += textOf(child, depth+1)
	}
	return text
}

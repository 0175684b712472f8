package templates

import (
	"bytes"
	"strings"

	"github.com/yuin/goldmark/ast"

	"github.com/musterbot/muster/campaign"
)

// Steps implements campaign.Renderer.
func (*Set) Steps(markdown string) []campaign.Step { return Steps(markdown) }

// Steps returns the items of the numbered lists that stand at the top level of
// Markdown instructions, in order and numbered from one, each with its
// continuation paragraphs, nested lists and code blocks. Their text is Markdown.
// It returns nil when there are none, or when the text is longer than 16 KiB.
func Steps(markdown string) []campaign.Step {
	doc, source := parseMarkdown(markdown)
	if doc == nil {
		return nil
	}
	var steps []campaign.Step
	for block := doc.FirstChild(); block != nil; block = block.NextSibling() {
		list, ok := block.(*ast.List)
		if !ok || !list.IsOrdered() {
			continue
		}
		for child := list.FirstChild(); child != nil; child = child.NextSibling() {
			item, ok := child.(*ast.ListItem)
			if !ok {
				continue
			}
			text := dedent(source[lineStart(source, item.Pos()):itemEnd(source, item)], item.Offset)
			steps = append(steps, campaign.Step{Number: len(steps) + 1, Text: text})
		}
	}
	return steps
}

// itemEnd returns where the line of the next item or block starts.
func itemEnd(source []byte, item ast.Node) int {
	next := item.NextSibling()
	if next == nil {
		next = item.Parent().NextSibling()
	}
	if next == nil || next.Pos() < 0 {
		return len(source)
	}
	return max(lineStart(source, next.Pos()), lineStart(source, item.Pos()))
}

func lineStart(source []byte, at int) int {
	at = min(max(at, 0), len(source))
	return bytes.LastIndexByte(source[:at], '\n') + 1
}

// dedent takes the marker off the first line and the indentation off the others.
func dedent(item []byte, offset int) string {
	var b strings.Builder
	first := true
	for line := range strings.Lines(string(item)) {
		if first {
			b.WriteString(afterMarker(line))
			first = false
			continue
		}
		b.WriteString(unindent(line, offset))
	}
	return strings.TrimSpace(b.String())
}

// afterMarker returns the line behind "1. ", keeping further indentation.
func afterMarker(line string) string {
	rest := strings.TrimLeft(strings.TrimLeft(line, " \t"), "0123456789")
	if rest == "" {
		return ""
	}
	rest = rest[1:] // the full stop or parenthesis
	if strings.HasPrefix(rest, " ") || strings.HasPrefix(rest, "\t") {
		rest = rest[1:]
	}
	return rest
}

// unindent takes up to width columns of blanks off a line; a tab fills up to the
// next multiple of four.
func unindent(line string, width int) string {
	column := 0
	for i, r := range line {
		switch {
		case column >= width || r != ' ' && r != '\t':
			return line[i:]
		case r == '\t':
			column += 4 - column%4
		default:
			column++
		}
	}
	return line
}

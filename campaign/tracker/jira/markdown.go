package jira

import (
	"net/url"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// markdown is how instructions are written. Task lists stay text: only the
// checklist's boxes are tasks.
var markdown = goldmark.New(goldmark.WithExtensions(extension.Table, extension.Strikethrough, extension.Linkify))

// maxDepth bounds how deep lists and quotations nest; below it, text stays text.
const maxDepth = 12

func parse(source []byte) ast.Node { return markdown.Parser().Parse(text.NewReader(source)) }

// plainText returns a text node's characters, without escapes and entities.
func plainText(segment []byte, raw bool) string {
	if raw {
		return string(segment)
	}
	return string(util.ResolveEntityNames(util.ResolveNumericReferences(util.UnescapePunctuations(segment))))
}

// textRun returns the characters of a text node and of those that follow it on
// the same line: goldmark cuts text where something might have begun. last is the
// last of them.
func textRun(n *ast.Text, source []byte) (characters string, last *ast.Text) {
	var b strings.Builder
	for {
		b.WriteString(plainText(n.Segment.Value(source), n.IsRaw()))
		next, ok := n.NextSibling().(*ast.Text)
		if !ok || n.SoftLineBreak() || n.HardLineBreak() {
			return b.String(), n
		}
		n = next
	}
}

// linesOf returns the raw lines of a block of code or HTML.
func linesOf(n ast.Node, source []byte) string {
	var b strings.Builder
	lines := n.Lines()
	for i := range lines.Len() {
		segment := lines.At(i)
		b.Write(segment.Value(source))
	}
	return b.String()
}

// codeOf returns the text of a span of code.
func codeOf(n ast.Node, source []byte) string {
	var b strings.Builder
	for child := n.FirstChild(); child != nil; child = child.NextSibling() {
		if t, ok := child.(*ast.Text); ok {
			b.WriteString(strings.ReplaceAll(string(t.Segment.Value(source)), "\n", " "))
		}
	}
	return b.String()
}

// rawOf returns inline HTML as it was typed.
func rawOf(n *ast.RawHTML, source []byte) string {
	var b strings.Builder
	for i := range n.Segments.Len() {
		segment := n.Segments.At(i)
		b.Write(segment.Value(source))
	}
	return b.String()
}

// safeLink returns an address that may be linked, in a form without anything
// that could end it; "" for one that may not.
func safeLink(address string) string {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil || (u.Scheme != "https" && u.Scheme != "http" && u.Scheme != "mailto") {
		return ""
	}
	return strings.NewReplacer("|", "%7C", "[", "%5B", "]", "%5D", "{", "%7B", "}", "%7D", " ", "%20", `\`, "%5C").Replace(u.String())
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

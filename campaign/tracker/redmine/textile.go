package redmine

import (
	"fmt"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	east "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

var markdown = goldmark.New(goldmark.WithExtensions(extension.Table, extension.Strikethrough, extension.Linkify))

// maxDepth bounds how deep lists and quotations nest.
const maxDepth = 12

// textile turns Markdown into Redmine's Textile. Characters that would become
// markup are written as entities.
func textile(source string) string {
	w := &textileWriter{source: []byte(source)}
	w.blocks(markdown.Parser().Parse(text.NewReader(w.source)), "", 0)
	return strings.TrimRight(w.out.String(), "\n ") + "\n"
}

type textileWriter struct {
	source []byte
	out    strings.Builder
}

func (w *textileWriter) blocks(n ast.Node, bullets string, depth int) {
	for child := n.FirstChild(); child != nil; child = child.NextSibling() {
		w.block(child, bullets, depth+1)
	}
}

func (w *textileWriter) block(n ast.Node, bullets string, depth int) {
	if depth > maxDepth {
		return
	}
	switch n := n.(type) {
	case *ast.Heading:
		w.line(fmt.Sprintf("h%d. %s", n.Level, w.inline(n)))
	case *ast.Paragraph, *ast.TextBlock:
		w.line(w.inline(n))
	case *ast.FencedCodeBlock:
		w.code(n, string(n.Language(w.source)))
	case *ast.CodeBlock, *ast.HTMLBlock:
		w.code(n, "")
	case *ast.Blockquote:
		for child := n.FirstChild(); child != nil; child = child.NextSibling() {
			if _, ok := child.(*ast.Paragraph); ok {
				w.line("bq. " + w.inline(child))
				continue
			}
			w.block(child, "", depth+1)
		}
	case *ast.ThematicBreak:
		w.line("---")
	case *ast.List:
		w.list(n, bullets, depth)
	case *east.Table:
		w.table(n)
	default:
		w.blocks(n, bullets, depth)
	}
}

func (w *textileWriter) line(text string) { w.out.WriteString(text + "\n\n") }

// code cannot hold its own end.
func (w *textileWriter) code(n ast.Node, language string) {
	var b strings.Builder
	for i := range n.Lines().Len() {
		segment := n.Lines().At(i)
		b.Write(segment.Value(w.source))
	}
	body := strings.NewReplacer("&", "&amp;", "<", "&lt;").Replace(strings.TrimSuffix(b.String(), "\n"))
	class := ""
	if language != "" && strings.IndexFunc(language, func(r rune) bool { return !isWord(r) }) < 0 {
		class = ` class="` + language + `"`
	}
	w.line("<pre><code" + class + ">\n" + body + "\n</code></pre>")
}

func (w *textileWriter) list(n *ast.List, bullets string, depth int) {
	if n.IsOrdered() {
		bullets += "#"
	} else {
		bullets += "*"
	}
	for item := n.FirstChild(); item != nil; item = item.NextSibling() {
		begun := false
		for child := item.FirstChild(); child != nil; child = child.NextSibling() {
			switch child := child.(type) {
			case *ast.TextBlock, *ast.Paragraph:
				if !begun {
					w.out.WriteString(bullets + " " + w.inline(child) + "\n")
				} else {
					w.shorten()
					w.out.WriteString(w.inline(child) + "\n")
				}
			case *ast.List:
				if !begun {
					w.out.WriteString(bullets + " &nbsp;\n")
				}
				w.list(child, bullets, depth+1)
				w.shorten()
			default:
				w.out.WriteString("\n")
				w.block(child, bullets, depth+1)
			}
			begun = true
		}
		if !begun {
			w.out.WriteString(bullets + " &nbsp;\n")
		}
	}
	w.out.WriteString("\n")
}

// shorten takes the empty line off that a block has left.
func (w *textileWriter) shorten() {
	all := strings.TrimRight(w.out.String(), "\n")
	w.out.Reset()
	w.out.WriteString(all + "\n")
}

func (w *textileWriter) table(n *east.Table) {
	for row := n.FirstChild(); row != nil; row = row.NextSibling() {
		cellMark := "| "
		if _, head := row.(*east.TableHeader); head {
			cellMark = "|_. "
		}
		for cell := row.FirstChild(); cell != nil; cell = cell.NextSibling() {
			w.out.WriteString(cellMark + w.inline(cell) + " ")
		}
		w.out.WriteString("|\n")
	}
	w.out.WriteString("\n")
}

func (w *textileWriter) inline(n ast.Node) string {
	var b strings.Builder
	for child := n.FirstChild(); child != nil; child = child.NextSibling() {
		w.span(&b, child)
	}
	return strings.TrimSpace(b.String())
}

func (w *textileWriter) span(b *strings.Builder, n ast.Node) {
	switch n := n.(type) {
	case *ast.Text:
		segment := n.Segment.Value(w.source)
		if !n.IsRaw() {
			segment = util.ResolveEntityNames(util.ResolveNumericReferences(util.UnescapePunctuations(segment)))
		}
		b.WriteString(escapeTextile(string(segment)))
		switch {
		case n.HardLineBreak():
			b.WriteByte('\n')
		case n.SoftLineBreak():
			b.WriteByte(' ')
		}
	case *ast.String:
		b.WriteString(escapeTextile(string(n.Value)))
	case *ast.CodeSpan:
		w.codeSpan(b, n)
	case *ast.Emphasis:
		w.marked(b, n, strings.Repeat("_", 2-min(n.Level, 2))+strings.Repeat("*", min(n.Level, 2)-1))
	case *east.Strikethrough:
		w.marked(b, n, "-")
	case *ast.Link:
		w.link(b, w.inline(n), string(n.Destination))
	case *ast.Image:
		w.link(b, w.inline(n), string(n.Destination))
	case *ast.AutoLink:
		w.link(b, "", string(n.URL(w.source)))
	case *ast.RawHTML:
		for i := range n.Segments.Len() {
			segment := n.Segments.At(i)
			b.WriteString(escapeTextile(string(segment.Value(w.source))))
		}
	default:
		b.WriteString(w.inline(n))
	}
}

func (w *textileWriter) codeSpan(b *strings.Builder, n ast.Node) {
	var code strings.Builder
	for child := n.FirstChild(); child != nil; child = child.NextSibling() {
		if t, ok := child.(*ast.Text); ok {
			code.WriteString(strings.ReplaceAll(string(t.Segment.Value(w.source)), "\n", " "))
		}
	}
	b.WriteString("<code>" + escapeTextile(code.String()) + "</code>")
}

// marked writes a phrase. Brackets make it one inside of a word as well.
func (w *textileWriter) marked(b *strings.Builder, n ast.Node, mark string) {
	phrase := w.inline(n)
	if phrase == "" {
		return
	}
	before, _ := utf8.DecodeLastRuneInString(b.String())
	after := ' '
	if next, ok := n.NextSibling().(*ast.Text); ok && next.Segment.Len() > 0 {
		after, _ = utf8.DecodeRune(next.Segment.Value(w.source))
	}
	if b.Len() > 0 && isWord(before) || isWord(after) {
		b.WriteString(phrase) // Redmine marks whole words only
		return
	}
	b.WriteString(mark + phrase + mark)
}

func (w *textileWriter) link(b *strings.Builder, words, address string) {
	u, err := url.Parse(strings.TrimSpace(address))
	safe := err == nil && (u.Scheme == "https" || u.Scheme == "http" || u.Scheme == "mailto")
	switch {
	case !safe && words == "":
		b.WriteString(escapeTextile(address))
	case !safe:
		b.WriteString(words)
	default:
		if words == "" {
			words = escapeTextile(address)
		}
		b.WriteString(`"` + strings.ReplaceAll(words, `"`, "&#34;") + `":` + strings.NewReplacer(" ", "%20", `"`, "%22", "<", "%3C", ">", "%3E").Replace(u.String()))
	}
}

// always are the characters that mean something wherever they stand: markup,
// macros, links to issues and pages, and names that are told of a mention.
const always = `*[]{}|^~%!"#@<>=`

// escapeTextile makes text plain in Textile.
func escapeTextile(text string) string {
	var b strings.Builder
	before := ' '
	runes := []rune(strings.Map(func(r rune) rune {
		if r == '\n' || r == '\r' {
			return ' '
		}
		return r
	}, text))
	for i, r := range runes {
		after := ' '
		if i+1 < len(runes) {
			after = runes[i+1]
		}
		switch {
		case r == '&':
			b.WriteString("&amp;")
		case strings.ContainsRune(always, r),
			strings.ContainsRune("-+_?", r) && !(isWord(before) && isWord(after)),
			r == '.' && i > 0 && i < 4 && after == ' ' && isWord(before): // h1. and bq. begin blocks
			fmt.Fprintf(&b, "&#%d;", r)
		default:
			b.WriteRune(r)
		}
		before = r
	}
	return b.String()
}

func isWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

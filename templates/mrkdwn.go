package templates

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	east "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"

	"github.com/musterbot/muster/campaign"
)

const (
	// maxMarkdown is how many bytes are parsed; what is longer is shown as it
	// stands. The parser's time grows with the square of a hostile text: this
	// much costs it some tenths of a second.
	maxMarkdown = 16 << 10
	// maxNesting is how deep lists and quotations go; what is deeper is shown as
	// it stands.
	maxNesting = 16
)

// Mrkdwn implements campaign.Renderer. Raw HTML is shown and not obeyed, tables
// become lines, and nothing in the text is a live mention.
func (*Set) Mrkdwn(markdown string) string {
	return Mrkdwn(markdown)
}

// Mrkdwn turns Markdown that people wrote into Slack's mark-up, escaped.
func Mrkdwn(markdown string) string {
	doc, source := parseMarkdown(markdown)
	if doc == nil {
		return string(campaign.Escape(markdown))
	}
	r := mrkdwn{source: source}
	return strings.TrimSpace(r.blocks(doc, "\n\n", 0))
}

// parseMarkdown returns the document and the text that its segments refer to;
// nil when the text is too long.
func parseMarkdown(markdown string) (ast.Node, []byte) {
	source := []byte(strings.ToValidUTF8(strings.ReplaceAll(markdown, "\r\n", "\n"), "\uFFFD"))
	if len(source) > maxMarkdown {
		return nil, nil
	}
	parser := goldmark.New(goldmark.WithExtensions(extension.Table, extension.Strikethrough, extension.TaskList)).Parser()
	return parser.Parse(text.NewReader(source)), source
}

// mrkdwn renders one document.
type mrkdwn struct {
	source []byte
	bold   bool // in bold already: Slack does not nest it
}

// blocks renders the children of a container.
func (r *mrkdwn) blocks(parent ast.Node, separator string, depth int) string {
	var parts []string
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		if part := r.block(n, depth); part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, separator)
}

func (r *mrkdwn) block(n ast.Node, depth int) string {
	switch n := n.(type) {
	case *ast.Heading:
		return r.strong(n)
	case *ast.Paragraph, *ast.TextBlock:
		return strings.TrimSpace(r.inlines(n))
	case *ast.FencedCodeBlock, *ast.CodeBlock:
		return codeBlock(r.lines(n))
	case *ast.Blockquote:
		if depth >= maxNesting {
			return r.literal(n)
		}
		return prefixLines("> ", r.blocks(n, "\n\n", depth+1))
	case *ast.List:
		if depth >= maxNesting {
			return r.literal(n)
		}
		return r.list(n, depth)
	case *ast.HTMLBlock:
		return strings.TrimSpace(string(campaign.Escape(r.lines(n))))
	case *ast.ThematicBreak:
		return "———"
	case *east.Table:
		return r.table(n)
	}
	return r.blocks(n, "\n", depth)
}

func (r *mrkdwn) list(n *ast.List, depth int) string {
	var items []string
	number := n.Start
	for item := n.FirstChild(); item != nil; item = item.NextSibling() {
		marker := "• "
		if n.IsOrdered() {
			marker = fmt.Sprintf("%d. ", number)
			number++
		}
		body := r.blocks(item, "\n", depth+1)
		items = append(items, marker+strings.ReplaceAll(body, "\n", "\n    "))
	}
	separator := "\n"
	if !n.IsTight {
		separator = "\n\n"
	}
	return strings.Join(items, separator)
}

// table turns each row into a line that is read without its columns: a phone and
// a screen reader have none.
func (r *mrkdwn) table(n *east.Table) string {
	var header, lines []string
	for row := n.FirstChild(); row != nil; row = row.NextSibling() {
		var cells []string
		for cell := row.FirstChild(); cell != nil; cell = cell.NextSibling() {
			cells = append(cells, strings.TrimSpace(r.inlines(cell)))
		}
		if row.Kind() == east.KindTableHeader {
			header = cells
			continue
		}
		var words []string
		for i, cell := range cells {
			switch {
			case cell == "":
			case i > 0 && i < len(header) && header[i] != "":
				words = append(words, header[i]+": "+cell)
			default:
				words = append(words, cell)
			}
		}
		lines = append(lines, "• "+strings.Join(words, ", "))
	}
	if len(lines) == 0 {
		return strings.Join(header, ", ")
	}
	return strings.Join(lines, "\n")
}

func (r *mrkdwn) inlines(parent ast.Node) string {
	var b strings.Builder
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		r.inline(&b, n)
	}
	return b.String()
}

func (r *mrkdwn) inline(b *strings.Builder, n ast.Node) {
	switch n := n.(type) {
	case *ast.Text:
		b.WriteString(literalText(n.Value(r.source), n.IsRaw()))
		if n.HardLineBreak() {
			b.WriteByte('\n')
		} else if n.SoftLineBreak() {
			b.WriteByte(' ')
		}
	case *ast.String:
		b.WriteString(literalText(n.Value, n.IsRaw() || n.IsCode()))
	case *ast.CodeSpan:
		b.WriteString(string(slack.code(r.raw(n))))
	case *ast.Emphasis:
		if n.Level > 1 {
			b.WriteString(r.strong(n))
			return
		}
		wrap(b, "_", r.inlines(n))
	case *east.Strikethrough:
		wrap(b, "~", r.inlines(n))
	case *ast.Link:
		b.WriteString(link(string(n.Destination), r.plain(n)))
	case *ast.Image:
		b.WriteString(link(string(n.Destination), r.plain(n)))
	case *ast.AutoLink:
		address := string(n.URL(r.source))
		if n.AutoLinkType == ast.AutoLinkEmail && !strings.HasPrefix(address, "mailto:") {
			address = "mailto:" + address
		}
		b.WriteString(link(address, string(n.Label(r.source))))
	case *ast.RawHTML:
		for i := range n.Segments.Len() {
			segment := n.Segments.At(i)
			b.WriteString(string(campaign.Escape(string(segment.Value(r.source)))))
		}
	case *east.TaskCheckBox:
		if n.IsChecked {
			b.WriteString("☑ ")
		} else {
			b.WriteString("☐ ")
		}
	default:
		b.WriteString(r.inlines(n))
	}
}

// strong renders the content of a node in bold, once.
func (r *mrkdwn) strong(n ast.Node) string {
	if r.bold {
		return r.inlines(n)
	}
	r.bold = true
	defer func() { r.bold = false }()
	var b strings.Builder
	wrap(&b, "*", strings.TrimSpace(r.inlines(n)))
	return b.String()
}

// wrap puts markers around text where Slack would take them for mark-up.
func wrap(b *strings.Builder, marker, text string) {
	if strings.TrimSpace(text) != text || text == "" || strings.Contains(text, "\n") {
		b.WriteString(text)
		return
	}
	b.WriteString(marker + text + marker)
}

// raw returns the source text below a node.
func (r *mrkdwn) raw(n ast.Node) string {
	var b strings.Builder
	for child := n.FirstChild(); child != nil; child = child.NextSibling() {
		switch child := child.(type) {
		case *ast.Text:
			b.Write(child.Value(r.source))
		case *ast.String:
			b.Write(child.Value)
		}
	}
	return strings.ReplaceAll(b.String(), "\n", " ")
}

// plain returns the text of a node without any mark-up, as it is read.
func (r *mrkdwn) plain(n ast.Node) string {
	var b strings.Builder
	_ = ast.Walk(n, func(child ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			switch child := child.(type) {
			case *ast.Text:
				b.Write(child.Value(r.source))
				if child.SoftLineBreak() || child.HardLineBreak() {
					b.WriteByte(' ')
				}
			case *ast.String:
				b.Write(child.Value)
			}
		}
		return ast.WalkContinue, nil
	})
	return unescape([]byte(b.String()))
}

func (r *mrkdwn) lines(n ast.Node) string {
	var b strings.Builder
	for i := range n.Lines().Len() {
		segment := n.Lines().At(i)
		b.Write(segment.Value(r.source))
	}
	return b.String()
}

// literal shows the source of what is nested too deep.
func (r *mrkdwn) literal(n ast.Node) string {
	var b strings.Builder
	_ = ast.Walk(n, func(child ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering && child.Type() == ast.TypeBlock && child.Lines() != nil {
			b.WriteString(r.lines(child))
		}
		return ast.WalkContinue, nil
	})
	return strings.TrimSpace(string(campaign.Escape(b.String())))
}

func codeBlock(code string) string {
	code = strings.ReplaceAll(strings.Trim(code, "\n"), "```", "'''")
	return "```\n" + string(campaign.Escape(code)) + "\n```"
}

func prefixLines(prefix, text string) string {
	return prefix + strings.ReplaceAll(text, "\n", "\n"+prefix)
}

// link returns a link where the address is one that a reader may follow, and its
// text alone elsewhere.
func link(address, label string) string {
	label = strings.Join(strings.Fields(label), " ")
	if label == "" {
		label = address
	}
	if to, isMail := strings.CutPrefix(address, "mailto:"); isMail && !strings.ContainsAny(to, "|<> \n") {
		return "<mailto:" + string(campaign.Escape(to)) + "|" + string(campaign.Escape(strings.ReplaceAll(label, "|", "¦"))) + ">"
	}
	return string(campaign.Link(address, label))
}

// literalText escapes text for Slack; what Markdown took for plain text must not be
// mark-up to Slack, either.
func literalText(source []byte, raw bool) string {
	text := string(source)
	if !raw {
		text = unescape(source)
	}
	return string(campaign.Escape(neutral(text)))
}

func unescape(source []byte) string {
	return string(util.ResolveEntityNames(util.ResolveNumericReferences(util.UnescapePunctuations(source))))
}

// neutral puts a zero-width space behind a marker that Slack would take for the
// start of bold, italic, struck or code text. Slack has no escape for them.
func neutral(text string) string {
	if !strings.ContainsAny(text, "*_~`") {
		return text
	}
	var b strings.Builder
	previous := ' '
	for _, r := range text {
		b.WriteRune(r)
		if strings.ContainsRune("*_~`", r) && !unicode.IsLetter(previous) && !unicode.IsDigit(previous) {
			b.WriteRune('\u200B')
		}
		previous = r
	}
	return b.String()
}

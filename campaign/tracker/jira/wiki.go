package jira

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/yuin/goldmark/ast"
	east "github.com/yuin/goldmark/extension/ast"
)

// wiki turns Markdown into Jira's wiki markup. Text never becomes markup that
// it was not in Markdown.
func wiki(source string) string {
	w := &wikiWriter{source: []byte(source)}
	w.blocks(parse(w.source), "", 0)
	return strings.TrimRight(w.out.String(), "\n ") + "\n"
}

type wikiWriter struct {
	source []byte
	out    strings.Builder
}

// blocks writes the blocks of n, one below the other; bullets is what stands
// before the items of the list that they are in.
func (w *wikiWriter) blocks(n ast.Node, bullets string, depth int) {
	for child := n.FirstChild(); child != nil; child = child.NextSibling() {
		w.block(child, bullets, depth+1)
	}
}

func (w *wikiWriter) block(n ast.Node, bullets string, depth int) {
	if depth > maxDepth {
		return
	}
	switch n := n.(type) {
	case *ast.Heading:
		w.line("h" + strconv.Itoa(n.Level) + ". " + w.inline(n))
	case *ast.Paragraph:
		w.line(startSafe(w.inline(n)))
	case *ast.TextBlock:
		w.line(startSafe(w.inline(n)))
	case *ast.FencedCodeBlock:
		w.code(linesOf(n, w.source), string(n.Language(w.source)))
	case *ast.CodeBlock:
		w.code(linesOf(n, w.source), "")
	case *ast.HTMLBlock:
		w.code(linesOf(n, w.source), "")
	case *ast.Blockquote:
		w.out.WriteString("{quote}\n")
		w.blocks(n, "", depth)
		w.trim()
		w.line("{quote}")
	case *ast.ThematicBreak:
		w.line("----")
	case *ast.List:
		w.list(n, bullets, depth)
	case *east.Table:
		w.table(n)
	default:
		w.blocks(n, bullets, depth)
	}
}

// line ends a block.
func (w *wikiWriter) line(text string) { w.out.WriteString(text + "\n\n") }

// trim takes the empty line off that a block has left.
func (w *wikiWriter) trim() {
	text := strings.TrimRight(w.out.String(), "\n")
	w.out.Reset()
	w.out.WriteString(text + "\n")
}

func (w *wikiWriter) list(n *ast.List, bullets string, depth int) {
	if n.IsOrdered() {
		bullets += "#"
	} else {
		bullets += "*"
	}
	for item := n.FirstChild(); item != nil; item = item.NextSibling() {
		first := true
		for child := item.FirstChild(); child != nil; child = child.NextSibling() {
			switch child.(type) {
			case *ast.TextBlock, *ast.Paragraph:
				if first {
					w.out.WriteString(bullets + " " + startSafe(w.inline(child)) + "\n")
				} else { // of the same item: a line break keeps it in the list
					w.trim()
					text := strings.TrimSuffix(w.out.String(), "\n")
					w.out.Reset()
					w.out.WriteString(text + ` \\ ` + w.inline(child) + "\n")
				}
			default:
				if _, isList := child.(*ast.List); first && !isList {
					w.out.WriteString(bullets + " \n")
				}
				w.block(child, bullets, depth+1)
				w.trim()
			}
			first = false
		}
		if first {
			w.out.WriteString(bullets + " \n")
		}
	}
	w.out.WriteString("\n")
}

// languages are those that every Jira can colour; another one makes it complain.
var languages = map[string]string{
	"bash": "bash", "sh": "bash", "shell": "bash", "console": "bash", "c": "c", "cpp": "cpp", "css": "css", "go": "go", "groovy": "groovy",
	"html": "html", "java": "java", "javascript": "javascript", "js": "javascript", "json": "json", "kotlin": "java", "php": "php",
	"python": "python", "py": "python", "ruby": "ruby", "scala": "scala", "sql": "sql", "xml": "xml", "yaml": "yaml", "yml": "yaml",
}

func (w *wikiWriter) code(text, language string) {
	begin, end := "{code}", "{code}"
	if strings.Contains(text, "{code") {
		begin, end = "{noformat}", "{noformat}"
		text = strings.ReplaceAll(text, "{noformat", "{\u2060noformat")
	} else if known := languages[strings.ToLower(language)]; known != "" {
		begin = "{code:" + known + "}"
	}
	w.line(begin + "\n" + strings.TrimSuffix(text, "\n") + "\n" + end)
}

func (w *wikiWriter) table(n *east.Table) {
	for row := n.FirstChild(); row != nil; row = row.NextSibling() {
		bar := "|"
		if _, head := row.(*east.TableHeader); head {
			bar = "||"
		}
		for cell := row.FirstChild(); cell != nil; cell = cell.NextSibling() {
			text := w.inline(cell)
			if text == "" {
				text = " " // two bars would be a heading
			}
			w.out.WriteString(bar + text)
		}
		w.out.WriteString(bar + "\n")
	}
	w.out.WriteString("\n")
}

// inline returns the text of a block.
func (w *wikiWriter) inline(n ast.Node) string {
	var b strings.Builder
	for child := n.FirstChild(); child != nil; child = child.NextSibling() {
		if first, ok := child.(*ast.Text); ok {
			child = w.text(&b, first)
			continue
		}
		w.span(&b, child)
	}
	return strings.TrimSpace(b.String())
}

func (w *wikiWriter) span(b *strings.Builder, n ast.Node) {
	switch n := n.(type) {
	case *ast.String:
		b.WriteString(escapeWiki(string(n.Value)))
	case *ast.CodeSpan:
		if code := codeOf(n, w.source); strings.TrimSpace(code) != "" {
			b.WriteString(braced("{{", escapeWiki(code), "}}"))
		}
	case *ast.Emphasis:
		mark := "_"
		if n.Level > 1 {
			mark = "*"
		}
		w.marked(b, n, mark)
	case *east.Strikethrough:
		w.marked(b, n, "-")
	case *ast.Link:
		w.link(b, w.inline(n), string(n.Destination))
	case *ast.Image:
		w.link(b, w.inline(n), string(n.Destination))
	case *ast.AutoLink:
		w.link(b, "", string(n.URL(w.source)))
	case *ast.RawHTML:
		b.WriteString(escapeWiki(rawOf(n, w.source)))
	default:
		b.WriteString(w.inline(n))
	}
}

// text writes a run of text, and returns its last node.
func (w *wikiWriter) text(b *strings.Builder, n *ast.Text) *ast.Text {
	characters, last := textRun(n, w.source)
	b.WriteString(escapeWiki(characters))
	switch {
	case last.HardLineBreak():
		b.WriteString(` \\ `)
	case last.SoftLineBreak():
		b.WriteByte(' ')
	}
	return last
}

func braced(open, text, end string) string { return open + text + end }

// marked writes a phrase. The braces make it one inside of a word as well.
func (w *wikiWriter) marked(b *strings.Builder, n ast.Node, mark string) {
	text := w.inline(n)
	if text == "" {
		return
	}
	before, _ := utf8.DecodeLastRuneInString(b.String())
	if b.Len() > 0 && !unicode.IsSpace(before) || !spaceFollows(n, w.source) {
		mark = "{" + mark + "}"
	}
	b.WriteString(mark + text + mark)
}

// spaceFollows reports whether what stands behind n cannot be taken for a part
// of its last word.
func spaceFollows(n ast.Node, source []byte) bool {
	next, ok := n.NextSibling().(*ast.Text)
	if !ok {
		return n.NextSibling() == nil
	}
	r, _ := utf8.DecodeRune(next.Segment.Value(source))
	return unicode.IsSpace(r) || strings.ContainsRune(".,;:!?)", r) || next.Segment.Len() == 0
}

func (w *wikiWriter) link(b *strings.Builder, text, address string) {
	link := safeLink(address)
	switch {
	case link == "" && text == "":
		b.WriteString(escapeWiki(address))
	case link == "":
		b.WriteString(text)
	case text == "":
		b.WriteString("[" + link + "]")
	default:
		b.WriteString("[" + text + "|" + link + "]")
	}
}

// always are the characters that mean something wherever they stand.
const always = `{}[]*|^~!`

var entityLike = regexp.MustCompile(`^&#?[A-Za-z0-9]{1,31};`)

// icon is what Jira shows as a picture.
var icon = regexp.MustCompile(`^(?:\((?:[x/!+\-?*ynil]|on|off|\*[rgby]|flag|flagoff)\)|[:;]-?[)(PpD])`)

// escapeWiki makes text plain in wiki markup. What is not UTF-8 is replaced: no
// JSON could carry it to Jira.
func escapeWiki(text string) string {
	text = strings.ToValidUTF8(text, string(utf8.RuneError))
	var b strings.Builder
	before := ' '
	for i, r := range text {
		after, _ := utf8.DecodeRuneInString(text[i+utf8.RuneLen(r):])
		switch {
		case r == '\\':
			b.WriteString("&#92;") // a backslash before a backslash is a line break
		case r == '&' && entityLike.MatchString(text[i:]):
			b.WriteString("&amp;")
		case strings.ContainsRune(always, r),
			strings.ContainsRune("-+_", r) && !(isWord(before) && isWord(after)),
			r == '?' && (after == '?' || before == '?'),
			(r == '(' || r == ':' || r == ';') && icon.MatchString(text[i:]):
			b.WriteString(`\` + string(r))
		case r == '\n' || r == '\r':
			b.WriteByte(' ')
		default:
			b.WriteRune(r)
		}
		before = r
	}
	return b.String()
}

func isWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// blockStart is what makes a block of a line that begins with it.
var blockStart = regexp.MustCompile(`^(?:h[1-6]\.|bq\.|#)`)

// startSafe keeps a paragraph from becoming a heading, a quotation or a list.
func startSafe(text string) string {
	if !blockStart.MatchString(text) {
		return text
	}
	if text[0] == '#' {
		return `\` + text
	}
	return strings.Replace(text, ".", `\.`, 1)
}

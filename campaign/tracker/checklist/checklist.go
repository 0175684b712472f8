// Package checklist is the one form in which a ticket's text holds several tasks
// where the ticket system has no checklist of its own: lines of Markdown that
// GitHub and GitLab show as boxes, or lines of plain text. Each line carries the
// ID of its task in a mark, so that what people ticked is read back whatever
// else they did to the text around it.
package checklist

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/musterbot/muster/campaign"
)

const (
	begin = "<!-- muster:tasks -->"
	end   = "<!-- /muster:tasks -->"
	// gap stands between body and checklist, so that the body is found again to
	// the letter.
	gap = "\n\n"
)

// Render returns Markdown: the body, and below it the items as a task list, and how
// many more there are. Texts of items are plain; what Markdown or a mention would
// make of them is taken away.
func Render(body string, items []campaign.CheckItem, more int) string {
	return RenderIn(body, items, more, "- ", escape)
}

// RenderIn is Render for another markup that shows no HTML comments: bullet
// begins an item, and escape makes its text plain.
func RenderIn(body string, items []campaign.CheckItem, more int, bullet string, escape func(string) string) string {
	if len(items) == 0 && !strings.Contains(body, begin) {
		return body
	}
	var b strings.Builder
	b.WriteString(body + gap + begin + "\n")
	for _, item := range items {
		b.WriteString(bullet + box(item.Done) + " " + escape(OneLine(item.Text)) + " <!-- muster:" + encodeID(item.ID) + " -->\n")
	}
	if more > 0 {
		b.WriteString(bullet + More(more) + "\n")
	}
	b.WriteString(end + "\n")
	return b.String()
}

// More says how many tasks a ticket holds beside those of its checklist.
func More(n int) string { return fmt.Sprintf("and %d more: /campaign tickets in Slack", n) }

// heading begins the checklist in plain text, where no mark can be hidden.
const heading = "---- Tasks: change [ ] to [x] for what is done, and keep the {marks} ----"

// RenderPlain is Render for systems that show text as it is typed.
func RenderPlain(body string, items []campaign.CheckItem, more int) string {
	if len(items) == 0 && !strings.Contains(body, heading) {
		return body
	}
	var b strings.Builder
	b.WriteString(body + gap + heading + "\n")
	for _, item := range items {
		b.WriteString(plainLine(item))
	}
	if more > 0 {
		b.WriteString(More(more) + "\n")
	}
	return b.String()
}

func plainLine(item campaign.CheckItem) string {
	return box(item.Done) + " " + OneLine(item.Text) + " {muster:" + encodeID(item.ID) + "}\n"
}

func box(done bool) string {
	if done {
		return "[x]"
	}
	return "[ ]"
}

// Split takes a text that Render or RenderPlain made apart again. A text
// without a checklist is all body.
func Split(text string) (body string, items []campaign.CheckItem) {
	at := max(strings.LastIndex(text, begin), strings.LastIndex(text, heading))
	if at < 0 {
		return text, nil
	}
	for line := range strings.Lines(text[at:]) {
		if item, ok := parseLine(line); ok {
			items = append(items, item)
		}
	}
	body, ok := strings.CutSuffix(text[:at], gap)
	if !ok { // edited on Windows
		body = strings.TrimSuffix(body, "\r\n\r\n")
	}
	return body, items
}

// Checked returns the IDs of the items that are ticked in a text, wherever
// people moved them, in order and once each. An item that stands there twice is
// ticked when all of its lines are. Those that are done and had no room for a line
// are among them.
func Checked(text string) []string {
	var ticked, open []string
	for line := range strings.Lines(text) {
		item, ok := parseLine(line)
		switch {
		case !ok:
		case item.Done:
			ticked = append(ticked, item.ID)
		default:
			open = append(open, item.ID)
		}
	}
	for _, found := range unseen.FindAllStringSubmatch(text, -1) {
		ticked = append(ticked, marked(found[1])...)
	}
	slices.Sort(ticked)
	return slices.DeleteFunc(slices.Compact(ticked), func(id string) bool { return slices.Contains(open, id) })
}

// line is a box, some text, and a mark: at its start may stand what makes a list.
var line = regexp.MustCompile(`^[\s>]*(?:(?:[-*+#]+|\d{1,9}[.)])\s+)?\[([ xX\x{00a0}]?)\]\s*(.*?)\s*(?:<!--\s*muster:(\S+?)\s*-->|\{muster:([^}\s]+)\})`)

// maxLine bounds a line that is looked at, in bytes.
const maxLine = 4096

func parseLine(text string) (campaign.CheckItem, bool) {
	if len(text) > maxLine || !strings.Contains(text, "muster:") {
		return campaign.CheckItem{}, false
	}
	found := line.FindStringSubmatch(text)
	if found == nil {
		return campaign.CheckItem{}, false
	}
	id, err := url.QueryUnescape(found[3] + found[4])
	if err != nil || id == "" {
		return campaign.CheckItem{}, false
	}
	what := found[2]
	if found[3] != "" { // Markdown
		what = unescape(what)
	}
	return campaign.CheckItem{ID: id, Text: what, Done: strings.EqualFold(found[1], "x")}, true
}

// encodeID keeps an ID from ending its mark.
func encodeID(id string) string { return url.QueryEscape(id) }

// OneLine returns text without line breaks and control characters, and without
// what would look like a mark.
func OneLine(text string) string {
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r)
	}), " ")
	return strings.NewReplacer("<!--", "<!–", "-->", "–>", "{muster:", "(muster:").Replace(text)
}

const (
	special = "\\`*_{}[]<>()#+!|~&$"
	joiner  = "\u2060" // between @ and a name: a name there would call somebody
)

// escape makes text plain in Markdown.
func escape(text string) string {
	var b strings.Builder
	for _, r := range OneLine(text) {
		if strings.ContainsRune(special, r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
		if r == '@' {
			b.WriteString(joiner)
		}
	}
	return b.String()
}

// unescape undoes escape, also of what people typed without it.
func unescape(text string) string {
	text = strings.ReplaceAll(text, "@"+joiner, "@")
	var b strings.Builder
	escaped := false
	for _, r := range text {
		if r == '\\' && !escaped {
			escaped = true
			continue
		}
		if escaped && !strings.ContainsRune(special, r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
		escaped = false
	}
	if escaped {
		b.WriteByte('\\')
	}
	return b.String()
}

package checklist

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/musterbot/muster/campaign"
)

// shortened ends a body that was cut.
const shortened = "\n[This text was cut: there is no room for more. The whole of it is in Slack.]\n"

// RenderPlainWithin is RenderPlain in at most limit characters. The body is
// shortened first, down to a quarter of them; then only as many items are lines as
// fit, open ones before done ones, and a last line says how many there are besides.
// Those of them that are done stand there in a mark, so that nobody takes them for
// unticked: 3,500 characters have room for those of 100 items, with IDs of 16.
func RenderPlainWithin(body string, items []campaign.CheckItem, more, limit int) string {
	text := RenderPlain(body, items, more)
	over := utf8.RuneCountInString(text) - limit
	if over <= 0 {
		return text
	}
	least := limit / 4
	if room := utf8.RuneCountInString(body) - over; room >= least {
		return RenderPlain(shorten(body, room), items, more)
	}
	head := shorten(body, least) + gap + heading + "\n"
	return head + linesWithin(items, more, limit-utf8.RuneCountInString(head))
}

// shorten returns a body of at most so many characters, and says that it was cut.
func shorten(body string, limit int) string {
	runes := []rune(body)
	if len(runes) <= limit {
		return body
	}
	return string(runes[:max(0, limit-utf8.RuneCountInString(shortened))]) + shortened
}

// linesWithin returns as many items as fit into so many characters, in their order,
// and what is said of the others, of which more are no items.
func linesWithin(items []campaign.CheckItem, more, room int) string {
	room -= utf8.RuneCountInString(others(more+len(items), len(items)) + mark(nil) + "\n")
	marks, lines := map[string]bool{}, map[string]bool{} // by ID
	for _, item := range items {
		if need := len(markOf(item)); item.Done && need <= room {
			marks[item.ID] = true
			room -= need
		}
	}
	for _, done := range []bool{false, true} {
		for _, item := range items {
			need := utf8.RuneCountInString(plainLine(item))
			if marks[item.ID] {
				need -= len(markOf(item)) // one or the other
			}
			if item.Done == done && need <= room {
				lines[item.ID] = true
				room -= need
			}
		}
	}
	var b strings.Builder
	var done []string
	moreDone := 0
	for _, item := range items {
		if lines[item.ID] {
			b.WriteString(plainLine(item))
			continue
		}
		more++
		if item.Done {
			moreDone++
		}
		if marks[item.ID] {
			done = append(done, markOf(item))
		}
	}
	b.WriteString(others(more, moreDone))
	if len(done) > 0 {
		b.WriteString(mark(done))
	}
	return b.String() + "\n"
}

// others says how many items there is no room for.
func others(n, done int) string {
	if done == 0 {
		return More(n)
	}
	return fmt.Sprintf("and %d more, %d of them done: /campaign tickets in Slack", n, done)
}

// markOf is an item's part of the mark of those that are done and not shown.
func markOf(item campaign.CheckItem) string { return encodeID(item.ID) + "," }

func mark(done []string) string {
	return " {muster:done:" + strings.TrimSuffix(strings.Join(done, ""), ",") + "}"
}

// unseen is the last line, with what mark makes.
var unseen = regexp.MustCompile(`(?m)^and \d+ more.*\{muster:done:([^}\s]+)\}`)

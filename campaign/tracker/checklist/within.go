package checklist

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
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
// unticked: 3,500 characters have room for those of 100 items, with IDs as
// the engine gives them: 16 and a track.
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
	endings := map[string]bool{}
	for _, item := range items {
		need := markSize(item)
		_, ending := ended(item)
		if !endings[ending] {
			need += len(ending)
		}
		if item.Done && need <= room {
			marks[item.ID], endings[ending] = true, true
			room -= need
		}
	}
	openLeft := false
	for _, done := range []bool{false, true} {
		for _, item := range items {
			if item.Done != done || done && openLeft {
				continue
			}
			need := utf8.RuneCountInString(plainLine(item))
			if marks[item.ID] {
				need -= markSize(item) // one or the other
			}
			if need > room {
				openLeft = openLeft || !done
				continue
			}
			lines[item.ID] = true
			room -= need
		}
	}
	var b strings.Builder
	var done []campaign.CheckItem
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
			done = append(done, item)
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

// ended returns an item's ID, as it is written, up to its last dot, and the rest:
// the items of a track end in the same.
func ended(item campaign.CheckItem) (stem, ending string) {
	id := encodeID(item.ID)
	n := max(0, strings.LastIndexByte(id, '.'))
	if n == 0 {
		return id, ""
	}
	return id[:n], id[n:]
}

// asBefore stands for the ending of the ID before; no ID holds it as it is written.
const asBefore = "*"

// markSize is what an item takes in a mark, besides the ending that it shares.
func markSize(item campaign.CheckItem) int {
	stem, _ := ended(item)
	return len(stem + asBefore + ",")
}

// mark names those that are done and not shown.
func mark(done []campaign.CheckItem) string {
	slices.SortStableFunc(done, func(a, b campaign.CheckItem) int {
		_, first := ended(a)
		_, second := ended(b)
		return strings.Compare(first, second)
	})
	var ids []string
	before := ""
	for _, item := range done {
		stem, ending := ended(item)
		if ending != "" && ending == before {
			ids = append(ids, stem+asBefore)
			continue
		}
		ids, before = append(ids, stem+ending), ending
	}
	return " {muster:done:" + strings.Join(ids, ",") + "}"
}

// marked returns the IDs that a mark names.
func marked(names string) []string {
	var ids []string
	before := ""
	for name := range strings.SplitSeq(names, ",") {
		if stem, same := strings.CutSuffix(name, asBefore); same {
			name = stem + before
		} else {
			before = name[max(0, strings.LastIndexByte(name, '.')):]
		}
		if id, err := url.QueryUnescape(name); err == nil && id != "" {
			ids = append(ids, id)
		}
	}
	return ids
}

// unseen is the last line, with what mark makes.
var unseen = regexp.MustCompile(`(?m)^and \d+ more.*\{muster:done:([^}\s]+)\}`)

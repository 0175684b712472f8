package jira

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/tracker/checklist"
)

// mark is an anchor that nobody sees.
func mark(id string) string { return "{anchor:muster-" + url.QueryEscape(id) + "}" }

// tasksHead begins the checklist in wiki markup.
var tasksHead = mark("tasks") + "*Tasks*: change {{\\(x\\)}} to {{\\(/\\)}} when one is done."

const taskMark = "task-"

// withTasksInWiki appends the items as a list with an icon each.
func withTasksInWiki(body string, items []campaign.CheckItem, more int) string {
	if len(items) == 0 {
		return body
	}
	var b strings.Builder
	b.WriteString(body + "\n" + tasksHead + "\n")
	for _, item := range items {
		icon := "(x)"
		if item.Done {
			icon = "(/)"
		}
		b.WriteString("* " + icon + " " + escapeWiki(oneLine(item.Text)) + " " + mark(taskMark+item.ID) + "\n")
	}
	if more > 0 {
		b.WriteString("* " + checklist.More(more) + "\n")
	}
	return b.String()
}

const keyMark = "key-"

// withKeyInWiki ends a text with the key that its ticket was filed under, hidden:
// people take labels away.
func withKeyInWiki(text, key string) string {
	if key == "" {
		return text
	}
	return text + mark(keyMark+key) + "\n"
}

var wikiKey = regexp.MustCompile(`\{anchor:muster-` + keyMark + `([^}\s]+)\}`)

// keyInWiki returns the key that a text ends with; "" when it has none. The last one
// counts: the text above it is not ours alone.
func keyInWiki(text string) string {
	found := wikiKey.FindAllStringSubmatch(text, -1)
	if len(found) == 0 {
		return ""
	}
	key, err := url.QueryUnescape(found[len(found)-1][1])
	if err != nil {
		return ""
	}
	return key
}

// wikiTask is a line of the checklist, whatever else people wrote there.
var wikiTask = regexp.MustCompile(`^[\s*#-]*\(([x/])\).*\{anchor:muster-` + taskMark + `([^}\s]+)\}`)

// maxLine bounds a line that is looked at, in bytes.
const maxLine = 4096

// checkedInWiki returns the IDs of the items that are ticked. One that stands
// there twice is ticked when all of its lines are.
func checkedInWiki(text string) []string {
	var ticked, open []string
	for line := range strings.Lines(text) {
		if len(line) > maxLine {
			continue
		}
		found := wikiTask.FindStringSubmatch(line)
		if found == nil {
			continue
		}
		id, err := url.QueryUnescape(found[2])
		switch {
		case err != nil:
		case found[1] == "/":
			ticked = append(ticked, id)
		default:
			open = append(open, id)
		}
	}
	slices.Sort(ticked)
	return slices.DeleteFunc(slices.Compact(ticked), func(id string) bool { return slices.Contains(open, id) })
}

package jira

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/musterbot/muster/campaign"
)

// mark is an anchor that nobody sees.
func mark(id string) string { return "{anchor:muster-" + url.QueryEscape(id) + "}" }

// tasksHead begins the checklist in wiki markup.
var tasksHead = mark("tasks") + "*Tasks*: change {{\\(x\\)}} to {{\\(/\\)}} when one is done."

const taskMark = "task-"

// withTasksInWiki appends the items as a list with an icon each.
func withTasksInWiki(body string, items []campaign.CheckItem) string {
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
	return b.String()
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

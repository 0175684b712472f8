package gitlab

import (
	"regexp"
	"strings"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/tracker/mark"
)

// text is the description of an issue.
func text(key string, d campaign.TicketDraft) string {
	d.Body = withoutQuickActions(d.Body)
	return mark.Render(key, d)
}

// quickAction is a line that GitLab would carry out, such as "/close", instead
// of showing it.
var quickAction = regexp.MustCompile(`(?m)^([ \t]*)/([a-zA-Z_])`)

// withoutQuickActions shows such lines as they are. Within code GitLab carries
// nothing out, and a backslash would be shown.
func withoutQuickActions(markdown string) string {
	var b strings.Builder
	fence := ""
	for line := range strings.Lines(markdown) {
		trimmed := strings.TrimLeft(line, " \t")
		switch {
		case fence != "":
			if strings.HasPrefix(trimmed, fence) {
				fence = ""
			}
		case strings.HasPrefix(trimmed, "```"), strings.HasPrefix(trimmed, "~~~"):
			fence = trimmed[:3]
		default:
			line = quickAction.ReplaceAllString(line, `${1}\/${2}`)
		}
		b.WriteString(line)
	}
	return b.String()
}

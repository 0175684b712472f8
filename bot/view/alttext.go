package view

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/musterbot/muster/campaign"
)

var (
	webLink  = regexp.MustCompile(`<(?:https?|mailto):[^<>|]*\|([^<>]*)>`)
	bareLink = regexp.MustCompile(`<((?:https?|mailto):[^<>|]*)>`)
	styled   = regexp.MustCompile(`(^|[\s(>"',.:;])([*_~])([^\s*_~](?:[^*_~\n]*[^\s*_~])?)([*_~])($|[\s).,:;?!"'])`)
)

// AltText returns what a notification and a screen reader tell: the same facts as
// the message with its chart and table, without mark-up, the first line of it
// short. It is still escaped, and mentions in it are still Slack's, since Slack
// reads it as the message's text. It has at most 4,000 characters; where that is
// too few it says how many lines the message goes on for.
func AltText(m campaign.Message) string {
	text := m.Alt
	if text == "" {
		text = unstyled(m.Text)
	}
	if m.Chart != nil {
		text += "\n" + ChartText(*m.Chart)
	}
	if m.Table != nil {
		text += "\n" + TableText(*m.Table)
	}
	return bounded(shortHeadline(strings.TrimSpace(text)))
}

// unstyled takes the mark-up off.
func unstyled(text string) string {
	text = webLink.ReplaceAllString(text, "$1")
	text = bareLink.ReplaceAllString(text, "$1")
	text = strings.NewReplacer(fence+"\n", "", "\n"+fence, "", fence, "", "`", "").Replace(text)
	for range 2 { // neighbours share the blank between them
		text = styled.ReplaceAllString(text, "$1$3$5")
	}
	return strings.TrimSpace(text)
}

// shortHeadline ends the first line after a sentence that fits, or between words.
func shortHeadline(text string) string {
	first, _, _ := strings.Cut(text, "\n")
	if utf8.RuneCountInString(first) <= maxHeadline {
		return text
	}
	runes := []rune(first)
	at := cutAt(runes, maxHeadline)
	if sentence := strings.LastIndex(string(runes[:at]), ". "); sentence > 0 {
		return text[:sentence+1] + "\n" + strings.TrimLeft(text[sentence+2:], " ")
	}
	head := string(runes[:at])
	return head + "\n" + strings.TrimLeft(text[len(head):], " ")
}

func bounded(text string) string {
	if utf8.RuneCountInString(text) <= maxAlt {
		return text
	}
	parts := pieces(text, maxAlt-60)
	left := strings.Count(text, "\n") - strings.Count(parts[0], "\n")
	return fmt.Sprintf("%s\n(%d more lines stand in the message.)", parts[0], max(left, 1))
}

package templates

import (
	"regexp"
	"strings"
	"unicode"
)

var (
	labelled = regexp.MustCompile(`<[^<>|]*\|([^<>]*)>`)
	live     = regexp.MustCompile(`<[@#!][^<>]*>`)
)

// Words counts the words of a message as its reader would: a mention is one, a
// link is its label, and mark-up and lone punctuation are none.
func Words(text string) int {
	text = labelled.ReplaceAllString(text, "$1")
	text = live.ReplaceAllString(text, "name")
	n := 0
	for _, field := range strings.Fields(text) {
		if strings.ContainsFunc(field, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }) {
			n++
		}
	}
	return n
}

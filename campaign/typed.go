package campaign

import (
	"cmp"
	"context"
	"regexp"
	"strings"
)

// Reading says for what a typed text is read.
type Reading uint8

// The readings. They differ in links, and in the mentions of people.
const (
	// AsProse is for sentences: a link keeps its address.
	AsProse Reading = iota
	// AsWords is for names and patterns: a link is what people see of it.
	AsWords
	// AsPeople is AsWords where people may be named: their mentions stay
	// <@U…|name>, those of user groups <!subteam^S…|name>.
	AsPeople
	// AsMarkdown is for instructions: a link is one of Markdown's.
	AsMarkdown
)

// slackToken is what Slack puts between angle brackets. Those that people type
// are escaped, so that no text of theirs looks like one.
var slackToken = regexp.MustCompile(`<[^<>]+>`)

// Typed returns what a person typed, of the text that Slack makes of it in
// commands and messages: links, channels and mentions stand between angle
// brackets, and &, < and > are escaped. Tokens are read before the escapes are
// undone, so that what was typed between brackets stays as it was. name tells
// what a user ID is called where Slack does not, "" when nobody knows; it may be
// nil. What people type into forms is not escaped and must not come here.
//
// The result is plain text, or Markdown: it is escaped again on its way out.
func Typed(text string, as Reading, name func(user string) string) string {
	var b strings.Builder
	last := 0
	for _, at := range slackToken.FindAllStringIndex(text, -1) {
		b.WriteString(slackUnescapes.Replace(text[last:at[0]]))
		b.WriteString(readToken(text[at[0]+1:at[1]-1], as, name))
		last = at[1]
	}
	b.WriteString(slackUnescapes.Replace(text[last:]))
	return b.String()
}

var slackUnescapes = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&")

var (
	userToken    = regexp.MustCompile(`^@[UW][A-Z0-9]+$`)
	groupToken   = regexp.MustCompile(`^!subteam\^S[A-Z0-9]+$`)
	channelToken = regexp.MustCompile(`^#[CDG][A-Z0-9]+$`)
	addressToken = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*:`)
)

// readToken reads what stands between a pair of angle brackets.
func readToken(token string, as Reading, name func(user string) string) string {
	body, label, _ := strings.Cut(token, "|")
	body, label = slackUnescapes.Replace(body), slackUnescapes.Replace(label)
	switch {
	case userToken.MatchString(body):
		if label == "" && name != nil {
			label = name(body[1:])
		}
		return mentionTyped(body, cmp.Or(label, body[1:]), as)
	case groupToken.MatchString(body):
		return mentionTyped(body, cmp.Or(label, strings.TrimPrefix(body, "!subteam^")), as)
	case channelToken.MatchString(body):
		return "#" + cmp.Or(label, body[1:])
	case strings.HasPrefix(body, "!date^"):
		return label
	case strings.HasPrefix(body, "!"): // here, channel, everyone
		what, _, _ := strings.Cut(body[1:], "^")
		if as == AsPeople {
			as = AsWords
		}
		return mentionTyped(body, cmp.Or(label, what), as)
	case addressToken.MatchString(body):
		return linkTyped(body, label, as)
	}
	return "<" + slackUnescapes.Replace(token) + ">"
}

// mentionTyped returns a mention as text; it mentions nobody any more. In Markdown
// it has no @: instructions go into trackers, where others have these names.
func mentionTyped(body, label string, as Reading) string {
	label = strings.TrimPrefix(label, "@")
	if as == AsPeople {
		return "<" + body + "|" + tokenMarks.Replace(label) + ">"
	}
	if as == AsMarkdown {
		return label
	}
	return "@" + label
}

// tokenMarks takes out of a label what would end its token.
var tokenMarks = strings.NewReplacer("<", "", ">", "", "|", "")

// linkTyped returns a link. Most are made by Slack of an address that was typed
// without its scheme, and become what was typed; in Markdown they get the scheme.
func linkTyped(address, label string, as Reading) string {
	mail, isMail := strings.CutPrefix(address, "mailto:")
	_, bare, isURL := strings.Cut(address, "://")
	itself := label == "" || label == address || isMail && label == mail ||
		isURL && strings.TrimSuffix(label, "/") == strings.TrimSuffix(bare, "/")
	switch {
	case isMail && itself:
		return mail
	case as == AsMarkdown && itself:
		return address
	case as == AsMarkdown:
		return "[" + markdownLabel.Replace(label) + "](" + markdownAddress.Replace(address) + ")"
	case as == AsProse && !itself:
		return label + " (" + address + ")"
	}
	return cmp.Or(label, address)
}

var (
	markdownLabel   = strings.NewReplacer(`\`, `\\`, "[", `\[`, "]", `\]`, "<", `\<`, "`", "\\`")
	markdownAddress = strings.NewReplacer("(", "%28", ")", "%29", "<", "%3C", ">", "%3E", " ", "%20", `\`, "%5C", "|", "%7C")
)

// maxNames bounds the people of one text who are looked up.
const maxNames = 20

// Names returns what Typed asks for the names of people in what a person typed:
// those of the same workspace are looked up, at most twenty.
func Names(ctx context.Context, d Directory, by Person) func(user string) string {
	team, _, _ := strings.Cut(string(by), "/")
	left := maxNames
	return func(user string) string {
		if left--; left < 0 {
			return ""
		}
		u, err := d.ByID(ctx, NewPerson(team, user))
		if err != nil {
			return "" // the ID is shown
		}
		return u.Name
	}
}

// Package mark is how a ticket on GitHub or GitLab carries what they have no
// field for: the key that it was filed under, hidden in its text and as a label
// that lists find at once, and who owns it and by when, in words.
package mark

import (
	"crypto/sha256"
	"encoding/base32"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/tracker/checklist"
)

// Label is on every ticket of Muster's.
const Label = "muster"

// begin ends what people wrote, and begins what Muster adds below it.
const begin = "<!-- muster:about -->"

var (
	keyMark = regexp.MustCompile(`<!-- muster:key=(\S+) -->`)
	plain   = regexp.MustCompile(`^[a-z0-9-]{1,40}$`)
)

// KeyLabel returns the label of one key, at most 50 characters, which is what
// GitHub takes. Labels are compared whole, and so are keys by them.
func KeyLabel(key string) string {
	if plain.MatchString(key) {
		return Label + "-" + key
	}
	sum := sha256.Sum256([]byte(key))
	return Label + "-" + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:20]))
}

// Key returns what a ticket was filed under, by its text, else by its labels; ""
// for one that is none of ours.
func Key(text string, labels []string) string {
	if found := keyMark.FindStringSubmatch(text); found != nil {
		if key, err := url.QueryUnescape(found[1]); err == nil {
			return key
		}
	}
	for _, label := range labels {
		if key, ok := strings.CutPrefix(label, Label+"-"); ok && plain.MatchString(key) {
			return key
		}
	}
	return ""
}

// Render returns the whole text of a ticket.
func Render(key string, d campaign.TicketDraft) string {
	var facts []string
	if d.Assignee != "" {
		facts = append(facts, "Owner: "+checklist.OneLine(d.Assignee))
	}
	if !d.Due.IsZero() {
		facts = append(facts, "Due: "+d.Due.UTC().Format(time.DateOnly))
	}
	text := checklist.Render(d.Body, d.Checklist, d.More) + "\n\n" + begin + "\n"
	if len(facts) > 0 {
		text += strings.Join(facts, " · ") + "\n"
	}
	return text + "<!-- muster:key=" + url.QueryEscape(key) + " -->\n"
}

// Split takes a text that Render made apart: the body, and the facts below it.
func Split(text string) (body, facts string) {
	at := strings.LastIndex(text, begin)
	if at < 0 {
		body, _ = checklist.Split(text)
		return body, ""
	}
	facts = strings.TrimPrefix(text[at:], begin)
	head, ok := strings.CutSuffix(text[:at], "\n\n")
	if !ok { // edited on Windows
		head = strings.TrimSuffix(head, "\r\n\r\n")
	}
	body, _ = checklist.Split(head)
	return body, facts
}

// Comment returns a comment with its key hidden in it.
func Comment(key, text string) string { return text + "\n\n" + commentMark(key) }

// IsComment returns whether a text is the comment under this key.
func IsComment(text, key string) bool { return strings.Contains(text, commentMark(key)) }

func commentMark(key string) string { return "<!-- muster:comment=" + url.QueryEscape(key) + " -->" }

// Title cuts a title to so many characters, and shows that it did.
func Title(title string, limit int) string {
	title = checklist.OneLine(title)
	runes := []rune(title)
	if len(runes) <= limit {
		return title
	}
	return string(runes[:limit-1]) + "…"
}

package campaign

import (
	"strings"
	"time"
)

// LocalTime says a text's times as its reader would. The data of
// templates embeds it: {{.When .Due}}.
type LocalTime struct {
	Zone string    // IANA name; UTC when blank or unknown
	Now  time.Time // when it is read, for "today"
	// Held leaves the times of an approved text to the moment of sending.
	Held bool
}

// When returns a time as the reader would say it: "today 18:00 (Sydney)",
// "Friday 17:00 (Sydney)", "24 Dec 17:00 (Sydney)"; "" for the zero time.
func (l LocalTime) When(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	if l.Held {
		return holdTime(t)
	}
	loc := location(l.Zone)
	return dayWords(t.In(loc), l.Now.In(loc)) + " " + l.Hour(t)
}

// Hour returns the time of day with its zone: "23:00 UTC", "18:00 (Sydney)".
func (l LocalTime) Hour(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	loc := location(l.Zone)
	return t.In(loc).Format("15:04") + " " + zoneWords(loc)
}

// Date returns a time that stays true whenever it is read: "17 Dec 2021 17:00
// (Sydney)"; "" for the zero time. Texts that outlive the day use it.
func (l LocalTime) Date(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	loc := location(l.Zone)
	return t.In(loc).Format("2 Jan 2006 15:04") + " " + zoneWords(loc)
}

// By returns until when something is to be done: "by today 18:00 (Sydney)", or,
// when that has passed, "now: it was due yesterday 18:00 (Sydney)"; "" for the
// zero time.
func (l LocalTime) By(t time.Time) string {
	switch {
	case t.IsZero():
		return ""
	case l.Late(t):
		return "now: it was due " + l.When(t)
	}
	return "by " + l.When(t)
}

// Late returns whether t is set and has passed.
func (l LocalTime) Late(t time.Time) bool { return !t.IsZero() && t.Before(l.Now) }

func dayWords(t, now time.Time) string {
	switch days := midnight(t).Sub(midnight(now)).Hours() / 24; {
	case now.IsZero():
		return t.Format("2 Jan 2006")
	case days == 0:
		return "today"
	case days == 1:
		return "tomorrow"
	case days == -1:
		return "yesterday"
	case days > 1 && days < 7:
		return t.Format("Monday")
	case t.Year() == now.Year():
		return t.Format("2 Jan")
	}
	return t.Format("2 Jan 2006")
}

// midnight returns the calendar day without its zone, so that days are 24 hours
// long on the day when clocks change, too.
func midnight(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
}

// zoneWords returns what people call a zone: "(Sydney)", "UTC".
func zoneWords(loc *time.Location) string {
	name := loc.String()
	if i := strings.LastIndexByte(name, '/'); i >= 0 && !strings.HasPrefix(name, "Etc/") {
		return "(" + strings.ReplaceAll(name[i+1:], "_", " ") + ")"
	}
	return strings.TrimPrefix(name, "Etc/")
}

// Escape returns text as Slack shows it literally: no mention, link or date in
// it is live.
func Escape(text string) Markup { return Markup(slackEscapes.Replace(text)) }

var slackEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// Mention names a person, in the reader's own Slack by name and face; "" for
// nobody.
func Mention(p Person) Markup {
	if p == "" {
		return ""
	}
	return "<@" + Escape(p.User()) + ">"
}

// Mentions names people.
func Mentions(people []Person) []Markup {
	out := make([]Markup, 0, len(people))
	for _, p := range people {
		out = append(out, Mention(p))
	}
	return out
}

// ChannelLink names a channel so that a press leads there; its plain name while
// it has no ID; "" for none.
func ChannelLink(c ChannelRef) Markup {
	switch {
	case c.ID != "":
		return "<#" + Escape(c.ID) + ">"
	case c.Name != "":
		return "#" + Escape(c.Name)
	}
	return ""
}

// TicketLink names a ticket, with a link where the tracker has a page.
func TicketLink(r TicketRef) Markup { return Link(r.URL, r.ID) }

// Link returns a link with its text; the text alone when the address is not one
// of the web.
func Link(url, text string) Markup {
	if !strings.HasPrefix(url, "https://") && !strings.HasPrefix(url, "http://") || strings.ContainsAny(url, "|> \n") {
		return Escape(text)
	}
	return "<" + Escape(url) + "|" + Escape(strings.ReplaceAll(text, "|", "¦")) + ">"
}

// WithHeadline returns a text with its first line replaced, for messages that
// are edited as numbers move.
func WithHeadline(text, headline string) string {
	if _, rest, found := strings.Cut(text, "\n"); found {
		return headline + "\n" + rest
	}
	return headline
}

// Opening returns the first paragraph of Markdown instructions: the action in
// short, for messages. Where they start with their steps, it is the first step.
func Opening(markdown string) string {
	var paragraph []string
	for line := range strings.Lines(markdown) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" && len(paragraph) > 0:
			return strings.Join(paragraph, " ")
		case line == "", strings.HasPrefix(line, "#"):
			continue
		case startsItem(line):
			if len(paragraph) > 0 {
				return strings.Join(paragraph, " ")
			}
			_, line, _ = strings.Cut(line, " ")
		case strings.HasPrefix(line, "```"), strings.HasPrefix(line, "~~~"):
			return strings.Join(paragraph, " ")
		}
		paragraph = append(paragraph, line)
	}
	return strings.Join(paragraph, " ")
}

// startsItem returns whether a line opens an item of a list.
func startsItem(line string) bool {
	marker, _, found := strings.Cut(line, " ")
	if !found {
		return false
	}
	number := strings.TrimRight(marker, ".)")
	return marker == "-" || marker == "*" || marker == "+" ||
		number != marker && number != "" && strings.Trim(number, "0123456789") == ""
}

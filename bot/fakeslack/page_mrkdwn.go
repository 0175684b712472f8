package fakeslack

import (
	"cmp"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// span is a piece of formatted text. The page makes one element of each, and puts
// the text in with textContent, so that no message can become markup.
//
// Kinds that stand on lines of their own: line, gap, quote, item, pre. Kinds
// within a line: text, bold, italic, strike, code, link, user, me, channel,
// group, all, emoji.
type span struct {
	Kind string `json:"k"`
	Text string `json:"s,omitempty"`
	Href string `json:"h,omitempty"` // http, https or mailto; or #/… for a place in this workspace
	Kids []span `json:"c,omitempty"`
}

// maxNesting bounds bold within italic within strike and so on.
const maxNesting = 6

// reader is the person for whom text is rendered: mentions get names that they
// know, and dates are of their zone.
type reader struct {
	me      string
	now     time.Time // in the reader's zone
	user    func(id string) string
	channel func(id string) string
	group   func(id string) string
	local   func(link string) string // where a link to this workspace leads within the page; "" for others
}

// mrkdwn reads Slack's own markup.
func (r reader) mrkdwn(s string) []span {
	parts := strings.Split(s, "```")
	if n := len(parts); n%2 == 0 { // the last fence has no partner
		parts = append(parts[:n-2], parts[n-2]+"```"+parts[n-1])
	}
	var out []span
	for i, part := range parts {
		if i%2 == 1 {
			out = append(out, span{Kind: "pre", Text: unescape(strings.Trim(part, "\n"))})
			continue
		}
		if i > 0 {
			part = strings.TrimPrefix(part, "\n")
		}
		if i < len(parts)-1 {
			part = strings.TrimSuffix(part, "\n")
		}
		if part != "" {
			out = append(out, r.lines(part)...)
		}
	}
	return out
}

var bullet = regexp.MustCompile(`^\s*(•|◦|▪|-|\d{1,3}\.)\s+`)

func (r reader) lines(s string) []span {
	var out []span
	all := strings.Split(s, "\n")
	for i := 0; i < len(all); i++ {
		line := all[i]
		if quoted, ok := unquote(line); ok {
			kids := []span{{Kind: "line", Kids: r.inline(quoted, 0)}}
			for i+1 < len(all) {
				next, more := unquote(all[i+1])
				if !more {
					break
				}
				kids = append(kids, span{Kind: "line", Kids: r.inline(next, 0)})
				i++
			}
			out = append(out, span{Kind: "quote", Kids: kids})
			continue
		}
		marker := bullet.FindStringSubmatch(line)
		switch {
		case strings.TrimSpace(line) == "":
			out = append(out, span{Kind: "gap"})
		case marker != nil:
			out = append(out, span{Kind: "item", Text: marker[1], Kids: r.inline(line[len(marker[0]):], 0)})
		default:
			out = append(out, span{Kind: "line", Kids: r.inline(line, 0)})
		}
	}
	return out
}

// unquote takes the mark of a quotation off a line.
func unquote(line string) (string, bool) {
	for _, mark := range []string{"&gt;", ">"} {
		if rest, ok := strings.CutPrefix(line, mark); ok {
			return strings.TrimPrefix(rest, " "), true
		}
	}
	return line, false
}

var styles = map[byte]string{'*': "bold", '_': "italic", '~': "strike"}

// inline reads one line.
func (r reader) inline(s string, depth int) []span {
	var out []span
	var plain strings.Builder
	flush := func() {
		if plain.Len() > 0 {
			out = append(out, span{Kind: "text", Text: unescape(plain.String())})
			plain.Reset()
		}
	}
	hopeless := map[byte]bool{} // marks that no later mark closes: no need to look again
	for i := 0; i < len(s); {
		var found *span
		next := i
		switch c := s[i]; c {
		case '<':
			if end := strings.IndexByte(s[i:], '>'); end > 0 {
				found, next = r.angle(s[i+1:i+end]), i+end+1
			}
		case ':':
			found, next = emojiAt(s, i)
		case '*', '_', '~', '`':
			if hopeless[c] || depth >= maxNesting || !opens(s, i) {
				break
			}
			end := closer(s, i)
			switch {
			case end < 0:
				hopeless[c] = true
			case c == '`':
				found, next = &span{Kind: "code", Text: unescape(s[i+1 : end])}, end+1
			default:
				found, next = &span{Kind: styles[c], Kids: r.inline(s[i+1:end], depth+1)}, end+1
			}
		}
		if found == nil {
			plain.WriteByte(s[i])
			i++
			continue
		}
		flush()
		out = append(out, *found)
		i = next
	}
	flush()
	return out
}

// opens says whether the mark at i may begin a style: at the start of a word.
func opens(s string, i int) bool {
	before, _ := utf8.DecodeLastRuneInString(s[:i])
	if i > 0 && (unicode.IsLetter(before) || unicode.IsDigit(before)) {
		return false
	}
	return i+1 < len(s) && s[i+1] != s[i] && s[i+1] != ' '
}

// closer finds the mark that ends the style begun at i; -1 when none does.
func closer(s string, i int) int {
	for j := i + 1; j < len(s); j++ {
		if s[j] == '<' && s[i] != '`' { // a link's own characters close nothing
			if end := strings.IndexByte(s[j:], '>'); end > 0 {
				j += end
				continue
			}
		}
		if s[j] != s[i] || j == i+1 || s[j-1] == ' ' {
			continue
		}
		after, _ := utf8.DecodeRuneInString(s[j+1:])
		if j+1 == len(s) || !unicode.IsLetter(after) && !unicode.IsDigit(after) {
			return j
		}
	}
	return -1
}

// angle reads what stands between angle brackets; nil when it means nothing.
func (r reader) angle(s string) *span {
	body, label, _ := strings.Cut(s, "|")
	if len(body) < 2 {
		return nil
	}
	switch body[0] {
	case '@':
		kind := "user"
		if body[1:] == r.me {
			kind = "me"
		}
		return &span{Kind: kind, Text: "@" + cmp.Or(r.user(body[1:]), unescape(label), body[1:])}
	case '#':
		id := body[1:]
		return &span{Kind: "channel", Text: "#" + cmp.Or(r.channel(id), unescape(label), id), Href: "#/" + id}
	case '!':
		return r.special(body[1:], unescape(label))
	}
	return r.link(body, label)
}

func (r reader) special(body, label string) *span {
	kind, rest, _ := strings.Cut(body, "^")
	switch kind {
	case "channel", "here", "everyone":
		return &span{Kind: "all", Text: "@" + kind}
	case "subteam":
		return &span{Kind: "group", Text: "@" + strings.TrimPrefix(cmp.Or(r.group(rest), label, rest), "@")}
	case "date":
		at, format, _ := strings.Cut(rest, "^")
		format, link, _ := strings.Cut(format, "^")
		secs, err := strconv.ParseInt(at, 10, 64)
		said := label
		if err == nil && secs >= 0 && secs < 1<<37 {
			said = r.date(time.Unix(secs, 0), unescape(format))
		}
		if link != "" {
			return r.link(link, said)
		}
		return &span{Kind: "text", Text: said}
	}
	return nil
}

// link makes a link of what may be followed; anything else stays text.
func (r reader) link(to, label string) *span {
	to = unescape(to)
	u, err := url.Parse(to)
	if err != nil {
		return nil
	}
	said := cmp.Or(unescape(label), strings.TrimPrefix(to, "mailto:"))
	switch {
	case u.Host != "" && (u.Scheme == "http" || u.Scheme == "https"):
		if here := r.local(to); here != "" {
			return &span{Kind: "link", Text: said, Href: here}
		}
		return &span{Kind: "link", Text: said, Href: u.String()}
	case u.Scheme == "mailto":
		return &span{Kind: "link", Text: said, Href: u.String()}
	}
	return nil
}

// date writes a moment in the reader's zone, by the names of Slack's date tokens.
func (r reader) date(at time.Time, format string) string {
	at = at.In(r.now.Location())
	day := func(layout string, pretty bool) string {
		if pretty {
			switch calendarDays(r.now, at) {
			case 0:
				return "today"
			case 1:
				return "tomorrow"
			case -1:
				return "yesterday"
			}
		}
		return at.Format(layout)
	}
	return strings.NewReplacer(
		"{date_num}", at.Format(time.DateOnly), "{date}", day("2 January 2006", false),
		"{date_short}", day("2 Jan 2006", false), "{date_long}", day("Monday, 2 January 2006", false),
		"{date_pretty}", day("2 January 2006", true), "{date_short_pretty}", day("2 Jan 2006", true),
		"{date_long_pretty}", day("Monday, 2 January 2006", true), "{day_divider_pretty}", day("Monday, 2 January", true),
		"{time}", at.Format("15:04"), "{time_secs}", at.Format("15:04:05"), "{ago}", ago(r.now.Sub(at)),
	).Replace(format)
}

// calendarDays is how many days later than now a moment is by the calendar.
func calendarDays(now, at time.Time) int {
	midnight := func(t time.Time) time.Time { return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC) }
	return int(midnight(at).Sub(midnight(now)) / (24 * time.Hour))
}

func ago(d time.Duration) string {
	said := d.Abs().Round(time.Minute).String()
	said = strings.TrimSuffix(said, "0s")
	switch {
	case d.Abs() < time.Minute:
		return "just now"
	case d < 0:
		return "in " + said
	}
	return said + " ago"
}

// unescape undoes Slack's three escapes and no others.
func unescape(s string) string {
	if !strings.Contains(s, "&") {
		return s
	}
	return unescaper.Replace(s)
}

var unescaper = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&")

// plain reads a plain_text object, in which only emoji mean something.
func (r reader) plain(s string) []span {
	var out []span
	for line := range strings.SplitSeq(s, "\n") {
		kids := []span{}
		from := 0
		for i := 0; i < len(line); {
			found, next := emojiAt(line, i)
			if found == nil {
				i++
				continue
			}
			if from < i {
				kids = append(kids, span{Kind: "text", Text: unescape(line[from:i])})
			}
			kids = append(kids, *found)
			i, from = next, next
		}
		if from < len(line) {
			kids = append(kids, span{Kind: "text", Text: unescape(line[from:])})
		}
		out = append(out, span{Kind: "line", Kids: kids})
	}
	return out
}

var (
	mdHeading = regexp.MustCompile(`(?m)^#{1,6}\s+(.+?)\s*#*$`)
	mdBold    = regexp.MustCompile(`\*\*([^*\n]+)\*\*`)
	mdLink    = regexp.MustCompile(`\[([^\[\]\n]+)\]\(([^()\s]+)\)`)
)

// markdown reads the little of Markdown that a markdown block is used for, by
// writing it as mrkdwn.
func (r reader) markdown(s string) []span {
	s = escaper.Replace(unescape(s))
	s = mdBold.ReplaceAllString(s, "*$1*")
	s = mdHeading.ReplaceAllString(s, "*$1*")
	s = mdLink.ReplaceAllString(s, "<$2|$1>")
	return r.mrkdwn(s)
}

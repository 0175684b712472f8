package command

import (
	"cmp"
	"context"
	"regexp"
	"strings"
	"unicode"

	"github.com/musterbot/muster/campaign"
)

// maxText bounds what is read of a command.
const maxText = 8000

// split cuts what people type into words. Quotes hold words together, also the
// “smart” ones that Slack makes of them; a quote that is never closed reaches to
// the end. An apostrophe within a word is a letter, and a mention is one word.
func split(text string) []string {
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "")
	}
	var words []string
	var word strings.Builder
	var until rune // the closing quote; 0 outside of quotes
	open := false  // a word has begun
	mention := 0   // where the mention ends that is being read
	end := func() {
		if open {
			words = append(words, word.String())
		}
		word.Reset()
		open = false
	}
	for i, r := range text {
		if r == '<' && i >= mention {
			mention = i + len(mentions.FindString(text[i:]))
		}
		switch {
		case i < mention:
			open = true
			word.WriteRune(r)
		case until != 0 && (r == until || until == '"' && isDouble(r)):
			until = 0
		case until != 0:
			word.WriteRune(r)
		case isDouble(r):
			until, open = '"', true
		case r == '\'' && !open:
			until, open = '\'', true
		case r == '‘' && !open:
			until, open = '’', true
		case unicode.IsSpace(r):
			end()
		default:
			open = true
			word.WriteRune(r)
		}
	}
	end()
	return words
}

func isDouble(r rune) bool { return strings.ContainsRune("\"“”„«»", r) }

// anyQuotes are what people, their clients and help texts put around a word.
const anyQuotes = "\"'`“”„«»‘’‚‹›"

// straight makes plain quotes of smart ones, for JSON that was typed into Slack.
var straight = strings.NewReplacer("“", `"`, "”", `"`, "„", `"`, "‘", "'", "’", "'")

var (
	mentioned  = regexp.MustCompile(`^<@([UW][A-Z0-9]+)(?:\|[^>]*)?>$`)
	advisoryID = regexp.MustCompile(`(?i)^(CVE-\d{4}-\d{4,}|GHSA(-[0-9a-z]{4}){3}|(GO|RUSTSEC|PYSEC|MAL|OSV|DSA|ALAS)-[0-9A-Z-]+)$`)
)

// nearlyID matches what was meant as an advisory's ID, written right or not.
var nearlyID = regexp.MustCompile(`(?i)^(CVE|GHSA|PYSEC|RUSTSEC|OSV|DSA|ALAS)-[0-9A-Z-]*$`)

// The mentions of people and of user groups, as campaign.AsPeople leaves them: at
// the start of a text, with a name anywhere in it, and a group's alone.
var (
	mentions = regexp.MustCompile(`^<(?:@[UW]|!subteam\^S)[A-Z0-9]+(?:\|[^<>]*)?>`)
	named    = regexp.MustCompile(`<(?:@[UW]|!subteam\^S)[A-Z0-9]+\|([^<>]*)>`)
	grouped  = regexp.MustCompile(`^<!subteam\^S[A-Z0-9]+(?:\|([^<>]*))?>$`)
)

// said returns the words as a sentence, in which mentions are names. A mention
// that was typed letter by letter counts as one.
func said(words []string) string {
	return named.ReplaceAllString(strings.Join(words, " "), "@$1")
}

// whom returns the person that a word names. A user group is refused by its name.
func (c commands) whom(ctx context.Context, word string) (campaign.Person, error) {
	if m := grouped.FindStringSubmatch(word); m != nil {
		return "", campaign.Refuse(campaign.Invalid, "@"+string(campaign.Escape(cmp.Or(m[1], "…")))+" is a user group, and those cannot be named here: name each person. Nothing was done.")
	}
	return c.person(ctx, word)
}

// nearest returns the name that is at most two typing errors away; "" when none is.
func nearest(word string, names []string) string {
	best, least := "", 3
	for _, name := range names {
		if d := distance(strings.ToLower(word), name); d < least {
			best, least = name, d
		}
	}
	return best
}

// distance counts insertions, deletions, replacements and swaps of neighbours.
func distance(a, b string) int {
	if len(a) > 40 {
		return len(a)
	}
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}

package command

import (
	"regexp"
	"strings"
	"unicode"
)

// maxText bounds what is read of a command.
const maxText = 8000

// split cuts what people type into words. Quotes hold words together, also the
// “smart” ones that Slack makes of them; a quote that is never closed reaches to
// the end. An apostrophe within a word is a letter.
func split(text string) []string {
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "")
	}
	var words []string
	var word strings.Builder
	var until rune // the closing quote; 0 outside of quotes
	open := false  // a word has begun
	end := func() {
		if open {
			words = append(words, word.String())
		}
		word.Reset()
		open = false
	}
	for _, r := range text {
		switch {
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

// unescape undoes what Slack does to typed text.
var unescape = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&")

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

package fakeslack

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func sydney(t testing.TB) reader {
	t.Helper()
	zone, err := time.LoadLocation("Australia/Sydney")
	require.NoError(t, err)
	return reader{
		me: "U1", now: time.Date(2026, 1, 5, 20, 0, 0, 0, zone),
		user:    func(id string) string { return map[string]string{"U1": "Ann", "U2": "Bob"}[id] },
		channel: func(id string) string { return map[string]string{"C1": "ops"}[id] },
		group:   func(id string) string { return map[string]string{"S1": "desk"}[id] },
		local: func(link string) string {
			if strings.HasPrefix(link, "https://acme.slack.com/") {
				return "#/C1"
			}
			return ""
		},
	}
}

// sketch writes spans down as people would say them: bold(…), link(words to where).
func sketch(spans []span) string {
	var out []string
	for _, s := range spans {
		switch {
		case s.Kind == "text":
			out = append(out, s.Text)
		case s.Kind == "gap":
			out = append(out, "gap")
		case s.Href != "":
			out = append(out, s.Kind+"("+s.Text+" to "+s.Href+")")
		default:
			out = append(out, s.Kind+"("+s.Text+sketch(s.Kids)+")")
		}
	}
	return strings.Join(out, "")
}

func TestMrkdwnReadsAsSlackDoes(t *testing.T) {
	tests := map[string]struct{ text, want string }{
		"bold":                         {"*Contain* it", "line(bold(Contain) it)"},
		"italic in bold":               {"*a _b_*", "line(bold(a italic(b)))"},
		"struck":                       {"~gone~.", "line(strike(gone).)"},
		"code keeps its stars":         {"`a*b*`", "line(code(a*b*))"},
		"snake case is no style":       {"a_b_c and x*y*z", "line(a_b_c and x*y*z)"},
		"a lone star":                  {"2 * 3 * 4", "line(2 * 3 * 4)"},
		"an open star":                 {"*open", "line(*open)"},
		"two lines and a blank one":    {"a\n\nb", "line(a)gapline(b)"},
		"a quotation":                  {"&gt; one\n&gt; two\nthree", "quote(line(one)line(two))line(three)"},
		"a list":                       {"• one\n2. two", "item(•one)item(2.two)"},
		"a block of code":              {"a ```x <y> &lt;z\n*w*``` b", "line(a )pre(x <y> <z\n*w*)line( b)"},
		"a fence without its partner":  {"a ```b", "line(a ```b)"},
		"escapes, once":                {"&lt;b&gt; &amp;lt;", "line(<b> &lt;)"},
		"a link with words":            {"<https://example.com/?a=1&amp;b=2|here>", "line(link(here to https://example.com/?a=1&b=2))"},
		"a bare link":                  {"<https://example.com>", "line(link(https://example.com to https://example.com))"},
		"mail":                         {"<mailto:a@b.example>", "line(link(a@b.example to mailto:a@b.example))"},
		"a link to a message here":     {"<https://acme.slack.com/archives/C1|there>", "line(link(there to #/C1))"},
		"a link that would run code":   {"<javascript:alert(1)|x>", "line(<javascript:alert(1)|x>)"},
		"a data link":                  {"<data:text/html,x|x>", "line(<data:text/html,x|x>)"},
		"oneself and another":          {"<@U1> and <@U2|b>", "line(me(@Ann) and user(@Bob))"},
		"nobody":                       {"<@U9>", "line(user(@U9))"},
		"a channel":                    {"<#C1|old-name>", "line(channel(#ops to #/C1))"},
		"a group and everyone":         {"<!subteam^S1> <!here>", "line(group(@desk) all(@here))"},
		"a mention that was escaped":   {"&lt;!channel&gt;", "line(<!channel>)"},
		"today, by the reader's clock": {"<!date^1767603600^{date_short_pretty} at {time}|x>", "line(today at 20:00)"},
		"a date in words":              {"<!date^1767312000^{date_long}|x>", "line(Friday, 2 January 2026)"},
		"a date of nonsense":           {"<!date^zzz^{date}|later>", "line(later)"},
		"emoji, and what is none":      {":warning: at 10:30:15 :nope:", "line(emoji(⚠️) at 10:30:15 :nope:)"},
		"bold around a link":           {"*<https://a.example|a*b> c*", "line(bold(link(a*b to https://a.example) c))"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, tt.want, sketch(sydney(t).mrkdwn(tt.text)))
		})
	}
}

func TestMarkdownAndPlainText(t *testing.T) {
	r := sydney(t)
	require.Equal(t, "line(bold(Title))line(bold(x) link(y to https://y.example) <b>)",
		sketch(r.markdown("## Title\n**x** [y](https://y.example) <b>")))
	require.Equal(t, "line(*plain* emoji(✅) <@U1>)", sketch(r.plain("*plain* :white_check_mark: &lt;@U1&gt;")))
}

func TestRichTextReadsLikeMrkdwn(t *testing.T) {
	tree, err := parseBlocks([]byte(`[{"type":"rich_text","elements":[
		{"type":"rich_text_section","elements":[{"type":"text","text":"Hi\nyou ","style":{"bold":true}},{"type":"user","user_id":"U2"},
			{"type":"link","url":"javascript:x","text":"x"},{"type":"emoji","name":"fire"}]},
		{"type":"rich_text_list","style":"ordered","elements":[
			{"type":"rich_text_section","elements":[{"type":"text","text":"one"}]},
			{"type":"rich_text_section","elements":[{"type":"text","text":"two","style":{"code":true}}]}]},
		{"type":"rich_text_quote","elements":[{"type":"text","text":"said"}]},
		{"type":"rich_text_preformatted","elements":[{"type":"text","text":"a < b"}]}]}]`))
	require.NoError(t, err)
	require.Equal(t, "line(bold(Hi))line(bold(you )user(@Bob)xemoji(🔥))item(1.one)item(2.code(two))quote(line(said))pre(a < b)",
		sketch(sydney(t).richText(tree[0].(map[string]any))))
}

func FuzzMrkdwn(f *testing.F) {
	for _, seed := range []string{
		"*a _b ~c `d` e~ f_ g*", "```a``` ```", "<https://x|y> <@U1> <!date^1^{date}^javascript:x|y>", "&gt; q\n• i\n\n&amp;lt;",
		":fire: :+1: ::", "<mailto:x", strings.Repeat("*a ", 200), strings.Repeat("<", 200), "*<a|*>*", "`<`>`",
	} {
		f.Add(seed)
	}
	r := sydney(f)
	f.Fuzz(func(t *testing.T, said string) {
		n := 0
		var check func(spans []span, depth int)
		check = func(spans []span, depth int) {
			require.LessOrEqual(t, depth, maxNesting+3)
			for _, s := range spans {
				n += utf8.RuneCountInString(s.Text)
				safe := s.Href == "" || strings.HasPrefix(s.Href, "#/") || strings.HasPrefix(s.Href, "mailto:") ||
					strings.HasPrefix(s.Href, "http://") || strings.HasPrefix(s.Href, "https://")
				require.True(t, safe, s.Href)
				check(s.Kids, depth+1)
			}
		}
		check(r.mrkdwn(said), 0)
		check(r.markdown(said), 0)
		check(r.plain(said), 0)
		require.LessOrEqual(t, n, 200*(utf8.RuneCountInString(said)+1), "text grows by names and dates only")
	})
}

package campaign_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/templates"
)

func called(user string) string {
	return map[string]string{"U0AOIFE": "Aoife Byrne"}[user]
}

func TestWhatSlackMakesOfTypedTextIsUndone(t *testing.T) {
	tests := map[string]struct {
		typed                          string
		prose, words, people, markdown string // "" for the one before
	}{
		"plain":                         {typed: "log4j RCE", prose: "log4j RCE"},
		"escapes, once":                 {typed: "a &lt; b &amp;&amp; &amp;lt;", prose: "a < b && &lt;"},
		"an address without its scheme": {typed: "<http://www.google.com|www.google.com>", prose: "www.google.com", markdown: "http://www.google.com"},
		"a pattern that looks like one": {typed: "<http://org.apache.logging|org.apache.logging>*", prose: "org.apache.logging*", markdown: "http://org.apache.logging*"},
		"an address":                    {typed: "<https://example.com/a?b=1&amp;c=2>.", prose: "https://example.com/a?b=1&c=2."},
		"an address as its own label":   {typed: "<https://example.com/|https://example.com/>", prose: "https://example.com/"},
		"a link": {
			typed: "see <https://example.com/a?b=1&amp;c=2|the wiki>", prose: "see the wiki (https://example.com/a?b=1&c=2)",
			words: "see the wiki", markdown: "see [the wiki](https://example.com/a?b=1&c=2)",
		},
		"a link shown shorter": {
			typed: "<https://example.com/a?b=1|example.com/a>", prose: "example.com/a (https://example.com/a?b=1)",
			words: "example.com/a", markdown: "[example.com/a](https://example.com/a?b=1)",
		},
		"a link with Markdown in it": {
			typed: "<https://x.example/(a)|a](http://evil) `b`>", prose: "a](http://evil) `b` (https://x.example/(a))",
			words: "a](http://evil) `b`", markdown: "[a\\](http://evil) \\`b\\`](https://x.example/%28a%29)",
		},
		"an e-mail":                  {typed: "<mailto:dana@example.com|dana@example.com>", prose: "dana@example.com"},
		"an e-mail without a label":  {typed: "<mailto:dana@example.com>", prose: "dana@example.com"},
		"a number":                   {typed: "<tel:+35312345|+353 12345>", prose: "+353 12345 (tel:+35312345)", words: "+353 12345", markdown: "[+353 12345](tel:+35312345)"},
		"a channel":                  {typed: "<#C0GENERAL1|general>", prose: "#general"},
		"a channel that hides":       {typed: "<#C0GENERAL1|>", prose: "#C0GENERAL1"},
		"a person":                   {typed: "<@U0AOIFE|aoife>", prose: "@aoife", people: "<@U0AOIFE|aoife>", markdown: "aoife"},
		"a person by the ID":         {typed: "<@U0AOIFE>", prose: "@Aoife Byrne", people: "<@U0AOIFE|Aoife Byrne>", markdown: "Aoife Byrne"},
		"a person whom nobody knows": {typed: "<@W0NOBODY>", prose: "@W0NOBODY", people: "<@W0NOBODY|W0NOBODY>", markdown: "W0NOBODY"},
		"a user group":               {typed: "<!subteam^S0SEC|@security>", prose: "@security", people: "<!subteam^S0SEC|security>", markdown: "security"},
		"everybody":                  {typed: "<!here> <!channel> <!everyone> <!here|here> <!here|@here>", prose: "@here @channel @everyone @here @here", markdown: "here channel everyone here here"},
		"a date":                     {typed: "by <!date^1392734382^{date}|18 Feb 2014>", prose: "by 18 Feb 2014"},
		"typed between brackets":     {typed: "&lt;!channel&gt; &lt;@U0AOIFE&gt; &lt;https://x.example|y&gt;", prose: "<!channel> <@U0AOIFE> <https://x.example|y>"},
		"one within another":         {typed: "<http://evil.example|<!channel>>", prose: "<http://evil.example|@channel>", markdown: "<http://evil.example|channel>"},
		"escapes within a link":      {typed: "<http://evil.example|&lt;!channel&gt;>", prose: "<!channel> (http://evil.example)", words: "<!channel>", markdown: `[\<!channel>](http://evil.example)`},
		"a name with a token in it":  {typed: "<@U0AOIFE|x&gt;&lt;!here&gt;>", prose: "@x><!here>", people: "<@U0AOIFE|x!here>", markdown: "x><!here>"},
		"no token":                   {typed: "<b> <> a <", prose: "<b> <> a <"},
		"cut off":                    {typed: "see <https://exam", prose: "see <https://exam"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			want := tt.prose
			for _, as := range []struct {
				reading campaign.Reading
				want    string
			}{{campaign.AsProse, tt.prose}, {campaign.AsWords, tt.words}, {campaign.AsPeople, tt.people}, {campaign.AsMarkdown, tt.markdown}} {
				if as.want != "" {
					want = as.want
				}
				require.Equal(t, want, campaign.Typed(tt.typed, as.reading, called), "reading %d", as.reading)
			}
		})
	}
}

// What people typed between brackets comes back as it was, and whatever Slack sent,
// nothing of it is live when it goes out again.
func FuzzTyped(f *testing.F) {
	for _, seed := range []string{
		"<http://evil|<!channel>>", "&lt;!channel&gt;", "<@U1|x> <#C1|y>", "<!subteam^S1|@x>", "<https://a/(b)|[c](d)>", "<mailto:a|b>", "<!date^1^x|y>", "`<!here>`", "&amp;lt;!here&amp;gt;",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		require.Equal(t, text, campaign.Typed(string(campaign.Escape(text)), campaign.AsMarkdown, nil))
		for as := range campaign.AsMarkdown + 1 {
			require.NotContains(t, string(campaign.Escape(campaign.Typed(text, as, nil))), "<")
		}
		shown := templates.Mrkdwn(campaign.Typed(text, campaign.AsMarkdown, nil))
		for _, live := range []string{"<!", "<@", "<#"} {
			require.NotContains(t, shown, live)
		}
	})
}

func TestALinkInInstructionsLeadsWhereItDid(t *testing.T) {
	typed := "1. Read <https://example.com/a?b=1&amp;c=2|example.com/a> and <http://log4j.org|log4j.org>.\n2. Ask in <#C1|general>, not <!channel>; &lt;@U1&gt; is no mention."
	shown := templates.Mrkdwn(campaign.Typed(typed, campaign.AsMarkdown, nil))
	require.Contains(t, shown, "<https://example.com/a?b=1&amp;c=2|example.com/a>")
	require.Contains(t, shown, "http://log4j.org.")
	require.Contains(t, shown, "#general, not channel; &lt;@U1&gt; is")
	require.False(t, strings.Contains(shown, "<!") || strings.Contains(shown, "<@"), shown)
}

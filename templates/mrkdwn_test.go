package templates_test

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/templates"
)

func TestMarkdownBecomesWhatSlackReads(t *testing.T) {
	tests := map[string]struct{ markdown, want string }{
		"heading":               {"# Contain **now**\n\ntext", "*Contain now*\n\ntext"},
		"bold, italics, struck": {"**a** *b* ~~c~~ __d__", "*a* _b_ ~c~ *d*"},
		"hard-wrapped lines":    {"one\ntwo\n\nthree", "one two\n\nthree"},
		"a line break":          {"one\\\ntwo", "one\ntwo"},
		"code":                  {"Run `a && b <c>`", "Run `a &amp;&amp; b &lt;c&gt;`"},
		"a code block":          {"```sh\nrm -v *.jar\n\n# done\n```", "```\nrm -v *.jar\n\n# done\n```"},
		"indented code":         {"    a\n    b", "```\na\nb\n```"},
		"code with a fence":     {"~~~\n```\n~~~", "```\n'''\n```"},
		"a list":                {"- a\n- b\n  - c\n", "• a\n• b\n    • c"},
		"numbers from four":     {"4. a\n5. b", "4. a\n5. b"},
		"a list with code":      {"1. Do\n\n   ```\n   x\n   ```\n2. Then", "1. Do\n    ```\n    x\n    ```\n\n2. Then"},
		"boxes":                 {"- [x] a\n- [ ] b", "• ☑ a\n• ☐ b"},
		"a link":                {"[the *record*](https://x.example/a?b=1&c=2)", "<https://x.example/a?b=1&amp;c=2|the record>"},
		"a mail address":        {"<help@example.com>", "<mailto:help@example.com|help@example.com>"},
		"a bare address":        {"<https://x.example>", "<https://x.example|https://x.example>"},
		"a script":              {"[x](javascript:alert(1))", "x"},
		"a link with a pipe":    {"[a|b](https://x.example)", "<https://x.example|a¦b>"},
		"a picture":             {"![the dial](https://x.example/a.png)", "<https://x.example/a.png|the dial>"},
		"a quotation":           {"> a\n> b\n\nc", "> a b\n\nc"},
		"a rule":                {"a\n\n---\n\nb", "a\n\n———\n\nb"},
		"a mention":             {"<!channel> and <@U1> & co", "&lt;!channel&gt; and &lt;@U1&gt; &amp; co"},
		"a mention in code":     {"`<!channel>`", "`&lt;!channel&gt;`"},
		"HTML":                  {"<b>x</b> <script>y</script>", "&lt;b&gt;x&lt;/b&gt; &lt;script&gt;y&lt;/script&gt;"},
		"an HTML block":         {"<div>\n<!here>\n</div>", "&lt;div&gt;\n&lt;!here&gt;\n&lt;/div&gt;"},
		"an entity":             {"&lt;!channel&gt; &copy;", "&lt;!channel&gt; ©"},
		"escaped markers":       {`\*not bold\* 2\*3`, "*\u200Bnot bold* 2*3"},
		"names":                 {"my_service_name", "my_service_name"},
		"a table":               {"| Host | Path |\n|---|---|\n| a | /opt |\n| b | |", "• a, Path: /opt\n• b"},
		"nothing":               {"", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { require.Equal(t, tt.want, templates.Mrkdwn(tt.markdown)) })
	}
}

func TestStepsAreTheNumberedItems(t *testing.T) {
	markdown := "Remove one class.\n\n1. Stop **one** instance.\n2. Remove it:\n\n   ```sh\n   zip -q -d a.jar X.class\n   ```\n\n   - on Linux\n   - not on Windows\n3) not the same list\n\nThen:\n\n1. Start it.\n   And wait.\n\n- a bullet\n"
	require.Equal(t, []campaign.Step{
		{Number: 1, Text: "Stop **one** instance."},
		{Number: 2, Text: "Remove it:\n\n```sh\nzip -q -d a.jar X.class\n```\n\n- on Linux\n- not on Windows"},
		{Number: 3, Text: "not the same list"},
		{Number: 4, Text: "Start it.\nAnd wait."},
	}, templates.Steps(markdown))
}

func TestStepsOfOtherText(t *testing.T) {
	tests := map[string]struct {
		markdown string
		want     []string
	}{
		"none":                 {"just words\n- a\n- b", nil},
		"nested numbers":       {"- a\n  1. b\n", nil},
		"a heading behind":     {"1. a\n# Head\n\n2. b", []string{"a", "b"}},
		"code behind":          {"1. a\n\n```\n2. not a step\n```\n", []string{"a"}},
		"tabs":                 {"1.\ta\n\tb\n2.\tc", []string{"a\nb", "c"}},
		"Windows line ends":    {"1. a\r\n2. b\r\n", []string{"a", "b"}},
		"ten and more":         {"9. a\n10. b\n    c\n", []string{"a", "b\nc"}},
		"an item with nothing": {"1.\n2. b", []string{"", "b"}},
		"indented markers":     {"  1. a\n     b\n  2. c", []string{"a\nb", "c"}},
		"nothing":              {"", nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, s := range templates.Steps(tt.markdown) {
				got = append(got, s.Text)
			}
			require.Equal(t, tt.want, got)
		})
	}
}

// Whoever writes instructions can paste anything.
func TestHugeAndDeepMarkdownEndsInTime(t *testing.T) {
	for name, unit := range map[string]string{
		"quotations": ">", "lists": "- ", "brackets": "[", "links": "[a](", "emphasis": "*a_", "numbers": "1. ", "code": "`", "images": "![", "tables": "|a", "angles": "<a",
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			text := strings.Repeat(unit, 16_000/len(unit))
			templates.Mrkdwn(text)
			templates.Steps(text)
			require.Less(t, time.Since(start), 30*time.Second)
		})
	}
	long := strings.Repeat("word <!here> ", 20_000)
	require.Equal(t, string(campaign.Escape(long)), templates.Mrkdwn(long), "what is too long is shown as it stands")
}

func FuzzMrkdwn(f *testing.F) {
	for _, seed := range []string{"# a\n\n1. b\n   ```\n   <!channel>\n   ```", "[a](https://x|<!here>)", "| a |\n|-|\n| <@U1> |", "`` ` ``", "&lt;!channel&gt;", "<a@b.c>", "\x00\xff", "> > - 1. a"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, markdown string) {
		out := templates.Mrkdwn(markdown)
		require.True(t, utf8.ValidString(out) || !utf8.ValidString(markdown))
		for _, live := range []string{"<!", "<@", "<#"} {
			require.NotContains(t, out, live)
		}
		if i := strings.IndexByte(out, '<'); i >= 0 {
			require.Regexp(t, `^<(https?://|mailto:)[^<>|]+\|[^<>]*>`, out[i:], "something is live that we did not make")
		}
	})
}

func FuzzSteps(f *testing.F) {
	for _, seed := range []string{"1. a\n2. b\n\n   c", "1.\ta\n\tb", "- x\n\n1) y", "1.\n\n 2. z", "\r\n1. a"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, markdown string) {
		for i, s := range templates.Steps(markdown) {
			require.Equal(t, i+1, s.Number)
			require.LessOrEqual(t, len(s.Text), 3*len(markdown))
		}
	})
}

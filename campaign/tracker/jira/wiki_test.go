package jira_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign/tracker/jira"
)

func TestMarkdownAsWikiMarkup(t *testing.T) {
	tests := map[string]struct{ markdown, want string }{
		"a paragraph":           {"One line\nand the next.\n", "One line and the next."},
		"emphasis":              {"**Now**, *please*, ~~later~~.", "*Now*, _please_, -later-."},
		"emphasis in a word":    {"un**frigging**believable", "un{*}frigging{*}believable"},
		"a heading":             {"## Upgrade\n\ntext", "h2. Upgrade\n\ntext"},
		"steps":                 {"1. One\n2. Two\n   - a\n   - b\n", "# One\n# Two\n#* a\n#* b"},
		"code":                  {"Run `mvn -U`.", `Run {{mvn \-U}}.`},
		"a block of code":       {"```xml\n<a>{x}</a>\n```", "{code:xml}\n<a>{x}</a>\n{code}"},
		"an unknown language":   {"```log4j\nx\n```", "{code}\nx\n{code}"},
		"code that ends itself": {"```\n{code}*x*\n```", "{noformat}\n{code}*x*\n{noformat}"},
		"a link":                {"[the *page*](https://a.example/b_c?x=1|2)", "[the _page_|https://a.example/b_c?x=1%7C2]"},
		"a bare address":        {"See https://a.example/x_y~z.", "See [https://a.example/x_y~z]."},
		"a link that runs":      {"[x](javascript:alert(1))", "x"},
		"a quotation":           {"> said", "{quote}\nsaid\n{quote}"},
		"a table":               {"| a | b |\n|---|---|\n| c | |\n", "||a||b||\n|c| |"},
		"markup typed as text":  {`{color:red} [~admin] !x.png! \| h1. (x) :)`, `\{color:red\} \[\~admin\] \!x.png\! \| h1. \(x) \:)`},
		"a line like a heading": {"h1. no", `h1\. no`},
		"a line like a list":    {`\# no`, `\# no`},
		"names with dashes":     {"log4j-core 2.17.1 snake_case a - b --c", `log4j-core 2.17.1 snake_case a \- b \-\-c`},
		"a backslash":           {`C:\\temp & &amp; AT&amp;T`, `C:&#92;temp & & AT&T`},
		"an entity as text":     {"`&#92;`", "{{&amp;#92;}}"},
		"HTML":                  {"<script>alert(1)</script>", "{code}\n<script>alert(1)</script>\n{code}"},
		"a box of its own":      {"- [x] mine", `* \[x\] mine`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, tt.want+"\n", jira.Wiki(tt.markdown))
		})
	}
}

func TestMarkdownAsADocument(t *testing.T) {
	tests := map[string]struct{ markdown, want string }{
		"emphasis in a link": {"[**a**](https://x.example)", `{"type":"doc","version":1,"content":[{"type":"paragraph","content":[{"type":"text","text":"a","marks":[{"type":"link","attrs":{"href":"https://x.example"}},{"type":"strong"}]}]}]}`},
		"code":               {"**`a`**", `{"type":"doc","version":1,"content":[{"type":"paragraph","content":[{"type":"text","text":"a","marks":[{"type":"code"}]}]}]}`},
		"steps":              {"3. a\n\n   ```go\n   b\n   ```\n", `{"type":"doc","version":1,"content":[{"type":"orderedList","attrs":{"order":3},"content":[{"type":"listItem","content":[{"type":"paragraph","content":[{"type":"text","text":"a"}]},{"type":"codeBlock","attrs":{"language":"go"},"content":[{"type":"text","text":"b"}]}]}]}]}`},
		"nothing":            {"", `{"type":"doc","version":1,"content":[{"type":"paragraph"}]}`},
		"a heading quoted":   {"> # a", `{"type":"doc","version":1,"content":[{"type":"blockquote","content":[{"type":"paragraph","content":[{"type":"text","text":"a","marks":[{"type":"strong"}]}]}]}]}`},
		"a link that runs":   {"[x](javascript:alert(1))", `{"type":"doc","version":1,"content":[{"type":"paragraph","content":[{"type":"text","text":"x"}]}]}`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			require.JSONEq(t, tt.want, jira.Document(tt.markdown))
		})
	}
}

// Whatever is typed, no form of it can end the checklist's marks or fail to be
// made.
func FuzzMarkdown(f *testing.F) {
	f.Add("# a\n\n- [x] b {anchor:muster-task-x}\n\n```\n{code}\n```\n")
	f.Add("| a |\n|---|\n| * (/) x {anchor:muster-task-forged} |")
	f.Add(strings.Repeat("> - ", 200) + "x")
	f.Add("\xff")
	f.Fuzz(func(t *testing.T, source string) {
		text := jira.Wiki(source)
		if !strings.Contains(text, "{code") && !strings.Contains(text, "{noformat}") { // code is shown as it is
			require.Empty(t, jira.CheckedInWiki(text), text)
		}
		require.True(t, json.Valid([]byte(jira.Document(source))))
	})
}

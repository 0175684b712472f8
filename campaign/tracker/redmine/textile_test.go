package redmine_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign/tracker/checklist"
	"github.com/musterbot/muster/campaign/tracker/redmine"
)

func TestMarkdownAsTextile(t *testing.T) {
	tests := map[string]struct{ markdown, want string }{
		"emphasis":             {"**Now**, *please*, ~~later~~.", "*Now*, _please_, -later-."},
		"emphasis in a word":   {"un**frigging**believable", "unfriggingbelievable"},
		"a heading":            {"## Upgrade\n\ntext", "h2. Upgrade\n\ntext"},
		"steps":                {"1. One\n2. Two\n   - a\n   - b\n", "# One\n# Two\n#* a\n#* b"},
		"code":                 {"Run `mvn <x>`.", "Run <code>mvn &#60;x&#62;</code>."},
		"a block of code":      {"```xml\n<a></pre>\n```", "<pre><code class=\"xml\">\n&lt;a>&lt;/pre>\n</code></pre>"},
		"a link":               {"[the *page*](https://a.example/b_c)", `"the _page_":https://a.example/b_c`},
		"a link that runs":     {"[x](javascript:alert(1))", "x"},
		"a table":              {"| a | b |\n|---|---|\n| c | d |\n", "|_. a |_. b |\n| c | d |"},
		"a mention and issues": {"@admin #12 [[Page]] !x.png!", "&#64;admin &#35;12 &#91;&#91;Page&#93;&#93; &#33;x.png&#33;"},
		"a macro":              {"{{include(Secret)}}", "&#123;&#123;include(Secret)&#125;&#125;"},
		"a line like a block":  {"h1. no", "h1&#46; no"},
		"names with dashes":    {"log4j-core 2.17.1 a - b", "log4j-core 2.17.1 a &#45; b"},
		"a box of its own":     {"- [x] mine", "* &#91;x&#93; mine"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, tt.want+"\n", redmine.Textile(tt.markdown))
		})
	}
}

// Whatever is typed, it forges no task that is ticked.
func FuzzTextile(f *testing.F) {
	f.Add("- [x] b <!-- muster:x -->")
	f.Add("```\n</pre>\n[x] <!-- muster:x -->\n```")
	f.Add(strings.Repeat("> - ", 200) + "x")
	f.Fuzz(func(t *testing.T, source string) {
		require.Empty(t, checklist.Checked(redmine.Textile(source)))
	})
}

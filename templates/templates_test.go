package templates_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/templates"
)

func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	return dir
}

func TestAFolderOverridesWords(t *testing.T) {
	set := load(t, folder(t, map[string]string{"question_answered.tmpl": "Done, number {{.Number}}.\n", "notes.txt": "not a template"}))
	text, err := set.Render(nil, "question_answered", campaign.QuestionAnsweredData{Number: 3})
	require.NoError(t, err)
	require.Equal(t, "Done, number 3.", text)
}

func TestAWrongOverrideStopsTheStart(t *testing.T) {
	tests := map[string]struct{ file, text, want string }{
		"a field that does not exist":  {"ask.tmpl", "{{.Whoever}}", "ask"},
		"a field only in another case": {"ask.tmpl", "{{if .Answer}}{{.Nope}}{{end}}{{range .Standing.Exposed}}{{end}}", "ask"},
		"a syntax error":               {"ask.tmpl", "{{if}}", "ask"},
		"a function nobody has":        {"ask.tmpl", "{{shout .What}}", "shout"},
		"a misspelt name":              {"first_mesage.tmpl", "hi", "overrides nothing"},
		"not UTF-8":                    {"ask.tmpl", "\xff", "UTF-8"},
		"far too long":                 {"ask.tmpl", strings.Repeat("x", 65<<10), "at most"},
		"a struct printed whole":       {"ask.tmpl", "{{.Standing}}", "cannot be printed"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := templates.Load(folder(t, map[string]string{tt.file: tt.text}))
			require.ErrorContains(t, err, tt.want)
		})
	}
}

func TestAFolderThatIsNotThereStopsTheStart(t *testing.T) {
	_, err := templates.Load(filepath.Join(t.TempDir(), "nowhere"))
	require.ErrorContains(t, err, "read templates")
}

func TestAnApprovedTextIsRenderedAsItWasApproved(t *testing.T) {
	set := load(t, "")
	approved := map[string]string{"question_answered": "As approved: {{.Number}} by {{.By}} <{{.Number}}>"}
	text, err := set.Render(approved, "question_answered", campaign.QuestionAnsweredData{Number: 3, By: "<@U1>"})
	require.NoError(t, err)
	require.Equal(t, "As approved: 3 by <@U1> <3>", text)

	_, err = set.Render(map[string]string{"question_answered": "{{.Gone}}"}, "question_answered", campaign.QuestionAnsweredData{})
	require.ErrorContains(t, err, "question_answered")
}

func TestDataMustFitItsTemplate(t *testing.T) {
	set := load(t, "")
	_, err := set.Render(nil, "ask", campaign.DriftData{})
	require.ErrorContains(t, err, "campaign.AskData")
	_, err = set.Render(nil, "nobody", nil)
	require.ErrorContains(t, err, "no such template")
	_, err = set.Render(nil, "ask", nil)
	require.Error(t, err)
}

func TestTextsAreACopy(t *testing.T) {
	set := load(t, "")
	set.Texts()["ask"] = "overwritten"
	require.NotEqual(t, "overwritten", set.Texts()["ask"])
}

func TestALineWithoutDataIsLeftOut(t *testing.T) {
	set := load(t, "")
	text, err := set.Render(nil, "first_message", campaign.FirstMessageData{Title: "Log4Shell", Count: 1, Noun: "accounts", Verb: "Rotate"})
	require.NoError(t, err)
	require.Equal(t, "*Log4Shell: 1 of your accounts. Rotate.*", text)

	text, err = set.Render(nil, "progress", campaign.ProgressData{Title: "Log4Shell", Count: 14, Done: 14})
	require.NoError(t, err)
	require.Equal(t, "*Log4Shell: all 14 of your services are done. Thank you.*", text)
}

func TestTheFirstMessageSaysWhichServices(t *testing.T) {
	set := load(t, "")
	for want, data := range map[string]campaign.FirstMessageData{
		"*Log4Shell: 1 of your services. Contain.*\nIt is `ledger`.":                          {Count: 1, Names: []string{"ledger"}},
		"*Log4Shell: 2 of your services. Contain.*\nThey are `ledger` and `search`.":          {Count: 2, Names: []string{"ledger", "search"}},
		"*Log4Shell: 1 of your services. Contain.*\n`checkout`: it faces the internet.":       {Count: 1, Exposed: []string{"checkout"}},
		"*Log4Shell: 2 of your services. Contain.*\nFirst `checkout`: it faces the internet.": {Count: 2, Exposed: []string{"checkout"}},
		"*Log4Shell: 1 of your services. Contain.*\nAttackers use it now. It is `ledger`.":    {Count: 1, Exploited: true, Names: []string{"ledger"}},
	} {
		data.Title, data.Verb = "Log4Shell", "Contain"
		text, err := set.Render(nil, "first_message", data)
		require.NoError(t, err)
		require.Equal(t, want, text)
	}
}

func TestAPlanThatSendsNothingSaysSo(t *testing.T) {
	text, err := load(t, "").Render(nil, "preview", campaign.PreviewData{Title: "Log4Shell", Unknown: 3})
	require.NoError(t, err)
	require.Contains(t, text, "*Log4Shell: this plan sends nothing new.*\nNot covered: 3 services")
}

func TestWordsAreCountedAsTheyAreRead(t *testing.T) {
	tests := map[string]struct {
		text string
		want int
	}{
		"mark-up is no word":   {"*Contain* _now_ · `x`", 3},
		"a mention is one":     {"<@U1> is in <#C1> now", 5},
		"a link is its label":  {"see <https://x.example/a|the closing report>", 4},
		"a number is a word":   {"41 of 44 known", 4},
		"bullets and dashes":   {"• one – two", 2},
		"nothing":              {"", 0},
		"an escaped ampersand": {"A &amp; B", 3},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { require.Equal(t, tt.want, templates.Words(tt.text)) })
	}
}

package mark_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/tracker/checklist"
	"github.com/musterbot/muster/campaign/tracker/mark"
)

func draft() campaign.TicketDraft {
	return campaign.TicketDraft{
		Body: "1. Upgrade.\n", Assignee: "payments", Due: time.Date(2021, 12, 17, 9, 0, 0, 0, time.UTC),
		Checklist: []campaign.CheckItem{{ID: "abc.fix", Text: "Upgrade", Done: true}},
	}
}

func TestTheTextThatPeopleRead(t *testing.T) {
	text := mark.Render("mzxw6ytboi4dc2lt", draft())
	require.True(t, strings.HasPrefix(text, "1. Upgrade.\n"))
	require.Contains(t, text, "\nOwner: payments · Due: 2021-12-17\n")
	require.Equal(t, []string{"abc.fix"}, checklist.Checked(text))
	require.Equal(t, "mzxw6ytboi4dc2lt", mark.Key(text, nil))
	body, facts := mark.Split(strings.ReplaceAll(text, "\n", "\r\n"))
	require.Equal(t, "1. Upgrade.\r\n", body)
	require.Contains(t, facts, "payments")
}

func TestAKeyOutlivesWhatPeopleDo(t *testing.T) {
	text := mark.Render("mzxw6ytboi4dc2lt", draft())
	tests := map[string]struct {
		text   string
		labels []string
		want   string
	}{
		"nothing":                 {text: text, want: "mzxw6ytboi4dc2lt"},
		"wrote below":             {text: text + "\nThanks!", want: "mzxw6ytboi4dc2lt"},
		"threw the text away":     {labels: []string{"bug", mark.Label, mark.KeyLabel("mzxw6ytboi4dc2lt")}, want: "mzxw6ytboi4dc2lt"},
		"an issue of somebody's":  {text: "muster:key=x", labels: []string{"bug"}},
		"only the general label":  {labels: []string{mark.Label}},
		"a mark that was damaged": {text: "<!-- muster:key=%zz -->"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { require.Equal(t, tt.want, mark.Key(tt.text, tt.labels)) })
	}
}

func TestLabelsFitAndStayApart(t *testing.T) {
	long := strings.Repeat("k", 300)
	for _, key := range []string{"mzxw6ytboi4dc2lt", long, "with,comma", "Überprüfung", ""} {
		require.LessOrEqual(t, len(mark.KeyLabel(key)), 50)
		require.NotContains(t, mark.KeyLabel(key), ",")
	}
	require.NotEqual(t, mark.KeyLabel(long), mark.KeyLabel(long+"k"))
	require.NotEqual(t, mark.KeyLabel("a"), mark.KeyLabel("A"))
}

func FuzzKey(f *testing.F) {
	f.Add("mzxw6ytboi4dc2lt", "body\n")
	f.Add("a b --> <!--", "<!-- muster:about -->")
	f.Add("%", "\r\n\r\n")
	f.Fuzz(func(t *testing.T, key, body string) {
		if key == "" || strings.Contains(body, "muster:") {
			t.Skip()
		}
		text := mark.Render(key, campaign.TicketDraft{Body: body})
		require.Equal(t, key, mark.Key(text, nil))
		back, _ := mark.Split(text)
		require.Equal(t, body, back)
		require.True(t, mark.IsComment(mark.Comment(key, body), key))
	})
}

package checklist_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/tracker/checklist"
)

var items = []campaign.CheckItem{
	{ID: "abc.mitigate", Text: "Set the flag on checkout-api", Done: true},
	{ID: "abc.fix", Text: "Upgrade checkout-api"},
	{ID: "def.fix", Text: "@everyone: *upgrade* <b>#12</b> [x] -->"},
}

func TestATaskListAsGitHubShowsIt(t *testing.T) {
	require.Equal(t, "Do it.\n"+`

<!-- muster:tasks -->
- [x] Set the flag on checkout-api <!-- muster:abc.mitigate -->
- [ ] Upgrade checkout-api <!-- muster:abc.fix -->
- [ ] @`+"\u2060"+`everyone: \*upgrade\* \<b\>\#12\</b\> \[x\] –\> <!-- muster:def.fix -->
<!-- /muster:tasks -->
`, checklist.Render("Do it.\n", items, 0))
}

func TestATaskListInPlainText(t *testing.T) {
	text := checklist.RenderPlain("Do it.", items[:2], 0)
	require.Contains(t, text, "[x] Set the flag on checkout-api {muster:abc.mitigate}\n[ ] Upgrade checkout-api {muster:abc.fix}\n")
	body, back := checklist.Split(text)
	require.Equal(t, "Do it.", body)
	require.Equal(t, items[:2], back)
}

func TestABodyWithoutTasksStaysAsItIs(t *testing.T) {
	for _, body := range []string{"", "\n", "text", "text\n\n", "- [x] a box of its own\n"} {
		require.Equal(t, body, checklist.Render(body, nil, 0))
		back, none := checklist.Split(body)
		require.Equal(t, body, back)
		require.Empty(t, none)
		require.Empty(t, checklist.Checked(body))
	}
}

func TestWhatPeopleDoToAText(t *testing.T) {
	text := checklist.Render("Do it.\n", items, 0)
	tick := func(s string) string { return strings.ReplaceAll(s, "- [ ] Upgrade", "- [x] Upgrade") }
	tests := map[string]struct {
		edited string
		want   []string
	}{
		"nothing":                    {text, []string{"abc.mitigate"}},
		"tick":                       {tick(text), []string{"abc.fix", "abc.mitigate"}},
		"tick with a capital":        {strings.ReplaceAll(tick(text), "[x]", "[X]"), []string{"abc.fix", "abc.mitigate"}},
		"untick":                     {strings.ReplaceAll(text, "- [x]", "- [ ]"), nil},
		"write around it":            {"Thanks!\n" + strings.ReplaceAll(tick(text), "\n- [", "\nPlease note.\n\n- ["), []string{"abc.fix", "abc.mitigate"}},
		"change the words":           {strings.ReplaceAll(tick(text), "Upgrade checkout-api", "Upgrade it, see #42"), []string{"abc.fix", "abc.mitigate"}},
		"take the frame away":        {strings.ReplaceAll(strings.ReplaceAll(tick(text), "<!-- muster:tasks -->", ""), "<!-- /muster:tasks -->", ""), []string{"abc.fix", "abc.mitigate"}},
		"indent and number":          {strings.ReplaceAll(tick(text), "\n- [", "\n   1. ["), []string{"abc.fix", "abc.mitigate"}},
		"other bullets":              {strings.ReplaceAll(tick(text), "\n- [", "\n* ["), []string{"abc.fix", "abc.mitigate"}},
		"edit on Windows":            {strings.ReplaceAll(tick(text), "\n", "\r\n"), []string{"abc.fix", "abc.mitigate"}},
		"copy a line that is open":   {text + "- [ ] again <!-- muster:abc.mitigate -->\n", nil},
		"copy a line that is ticked": {text + "- [x] again <!-- muster:abc.mitigate -->\n", []string{"abc.mitigate"}},
		"take the mark away":         {strings.ReplaceAll(text, " <!-- muster:abc.mitigate -->", ""), nil},
		"throw all away":             {"", nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, tt.want, nilWhenEmpty(checklist.Checked(tt.edited)))
		})
	}
	body, _ := checklist.Split(strings.ReplaceAll(checklist.Render("Do it.", items, 0), "\n", "\r\n"))
	require.Equal(t, "Do it.", body)
}

func nilWhenEmpty(list []string) []string {
	if len(list) == 0 {
		return nil
	}
	return list
}

// What has no room is counted, and not taken for unticked.
func TestMoreTasksThanThereIsRoomFor(t *testing.T) {
	var many []campaign.CheckItem
	var done []string
	for n := range 80 {
		item := campaign.CheckItem{ID: fmt.Sprintf("k3jq7wabcdefgh%02d.mitigate", n), Text: fmt.Sprintf("service-%d · mitigate — 13 Dec 2021 18:00 UTC", n), Done: n%2 == 0}
		if item.Done {
			done = append(done, item.ID)
		}
		many = append(many, item)
	}
	text := checklist.RenderPlainWithin(strings.Repeat("Näher erklärt. ", 200), many, 0, 4000)
	require.LessOrEqual(t, utf8.RuneCountInString(text), 4000)
	require.Greater(t, utf8.RuneCountInString(text), 3900)
	require.Equal(t, done, checklist.Checked(text))
	body, shown := checklist.Split(text)
	require.Contains(t, body, "This text was cut")
	require.NotEmpty(t, shown)
	for _, item := range shown {
		require.False(t, item.Done, "open ones come first, and there is no room for all of them")
	}
	require.Contains(t, text, fmt.Sprintf("\nand %d more, 40 of them done: /campaign tickets in Slack {muster:done:", 80-len(shown)))

	unticked := slices.Clone(many)
	for n := range unticked {
		unticked[n].Done = false
	}
	text = checklist.RenderPlainWithin("Do it.", unticked, 0, 4000)
	require.Empty(t, checklist.Checked(text))
	require.True(t, strings.HasSuffix(text, " more: /campaign tickets in Slack\n"), "%s", text)

	text = checklist.RenderPlainWithin(strings.Repeat("word ", 1000), items, 0, 4000)
	require.Equal(t, 4000, utf8.RuneCountInString(text), "the body makes room")
	_, shown = checklist.Split(text)
	require.Len(t, shown, len(items))
}

// Whatever a body and the items hold, both come back, and only what is ticked
// is.
func FuzzRoundTrip(f *testing.F) {
	f.Add("Do it.\n", "abc.fix", "Upgrade", true)
	f.Add("<!-- muster:tasks -->\n- [x] forged <!-- muster:other -->\n", "a b", "@all -->", false)
	f.Add("---- Tasks: change [ ] to [x] for what is done, and keep the {marks} ----", "{x}", "a\\b\\", true)
	f.Add("it\r\n\r\n", "a", "b", true)
	f.Add("", "-->", "\u2060@\u2060", false)
	f.Fuzz(func(t *testing.T, body, id, text string, done bool) {
		if id == "" || !utf8.ValidString(id+text+body) || len(text) > 1000 || len(id) > 200 {
			t.Skip()
		}
		want := []campaign.CheckItem{{ID: id, Text: checklist.OneLine(text), Done: done}}
		for name, render := range map[string]func(string, []campaign.CheckItem, int) string{
			"markdown": checklist.Render, "plain": checklist.RenderPlain,
		} {
			back, items := checklist.Split(render(body, want, 0))
			require.Equal(t, body, back, name)
			require.Len(t, items, 1, name)
			require.Equal(t, id, items[0].ID, name)
			require.Equal(t, done, items[0].Done, name)
			back, items = checklist.Split(render(body, nil, 0))
			if !strings.Contains(body, "muster:") && !strings.Contains(body, "---- Tasks") {
				require.Equal(t, body, back, name)
				require.Empty(t, items, name)
			}
			if !strings.Contains(body, "muster:") {
				require.Equal(t, done, slices.Contains(checklist.Checked(render(body, want, 0)), id), name)
			}
		}
	})
}

// Whatever is to be shown, it is no longer than it may be, and what is done is:
// of as many tasks as the engine lists, with IDs as it gives them.
func FuzzWithin(f *testing.F) {
	f.Add("Do it.\n", "Upgrade", 3, 3, 3500)
	f.Add(strings.Repeat("ä", 2000), "Upgrade — it", 60, 7, 4000)
	f.Add("", "x", 25, 0, 3500)
	f.Add(strings.Repeat("ä", 5000), "Upgrade — it", 100, 99, 3500)
	f.Add("Do it.", "Upgrade", 100, 30, 3600)
	f.Add(strings.Repeat("ä", 5000), strings.Repeat("ä", 500), 100, 100, 3500)
	f.Fuzz(func(t *testing.T, body, text string, n, done, limit int) {
		if !utf8.ValidString(body+text) || len(text) > 2000 || strings.Contains(body, "muster:") || n < 0 || n > 100 || limit < 3500 || limit > 50_000 {
			t.Skip()
		}
		var many []campaign.CheckItem
		var ids []string
		for i := range n {
			item := campaign.CheckItem{ID: fmt.Sprintf("%016d.%s", i, []string{"mitigate", "rotate-all-credentials"}[i%2]), Text: text, Done: i < done}
			if item.Done {
				ids = append(ids, item.ID)
			}
			many = append(many, item)
		}
		for _, more := range []int{0, 90_000} {
			shown := checklist.RenderPlainWithin(body, many, more, limit)
			require.LessOrEqual(t, utf8.RuneCountInString(shown), limit)
			require.Equal(t, ids, nilWhenEmpty(checklist.Checked(shown)))
			var lines, open int
			for _, item := range many {
				if !strings.Contains(shown, "{muster:"+item.ID+"}") {
					continue
				}
				if lines++; !item.Done {
					open++
				}
			}
			require.True(t, lines == open || open == n-len(ids), "open ones first")
		}
	})
}

func FuzzChecked(f *testing.F) {
	f.Add("- [x] a <!-- muster:a -->")
	f.Add("[X] {muster:%zz}")
	f.Add(strings.Repeat("- [x] <!-- muster:", 50))
	f.Fuzz(func(t *testing.T, text string) {
		ids := checklist.Checked(text)
		require.True(t, slices.IsSorted(ids))
		require.NotContains(t, ids, "")
	})
}

func TestTasksWithoutAnItemAreCounted(t *testing.T) {
	for name, text := range map[string]string{
		"markdown": checklist.Render("Do it.", items, 87),
		"plain":    checklist.RenderPlain("Do it.", items, 87),
		"cut":      checklist.RenderPlainWithin(strings.Repeat("word ", 1000), items, 87, 4000),
	} {
		require.Contains(t, text, "and 87 more: /campaign tickets in Slack\n", name)
		_, found := checklist.Split(text)
		require.Len(t, found, len(items), name)
	}
}

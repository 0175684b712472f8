package view_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/bot/fakeslack"
	"github.com/musterbot/muster/bot/view"
	"github.com/musterbot/muster/campaign"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares what Slack is sent with what was reviewed, and holds it against
// Slack's limits.
func golden(t *testing.T, name string, on fakeslack.Surface, sent any) {
	t.Helper()
	got, err := json.MarshalIndent(sent, "", "  ")
	require.NoError(t, err)
	require.Empty(t, fakeslack.ValidateBlocks(on, got), "Slack would refuse %s", name)
	path := filepath.Join("testdata", name+".golden.json")
	if *update {
		require.NoError(t, os.WriteFile(path, append(got, '\n'), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got)+"\n")
}

func firstMessage() campaign.Message {
	return campaign.Message{
		Text: "*Log4Shell: 14 of your services. Contain by today 18:00 (Sydney).*\nAttackers use it now. First `checkout-api` and `partner-gw`: they face the internet.\n<@U0AOIFE> is in <#C0HELP> now.",
		Buttons: []campaign.Button{
			{Label: "On it (14)", Action: "task.on_it", Value: "log4shell|contact/T1/U2", Style: campaign.Primary},
			{Label: "Show all 14", Action: "task.show_all", Value: "log4shell|contact/T1/U2"},
			{Label: "Done", Action: "task.done", Value: "log4shell|contact/T1/U2"},
			{Label: "Not ours", Action: "task.not_ours", Value: "log4shell|contact/T1/U2"},
			{Label: "Blocked", Action: "task.blocked", Value: "log4shell|contact/T1/U2"},
			{Label: "I saw something odd", Action: "odd.report", Value: "log4shell|contact/T1/U2"},
		},
	}
}

func preview() campaign.Message {
	return campaign.Message{
		Text: "*Log4Shell: sending cannot be undone. 312 tickets, 188 messages, done about today 14:52 UTC.*\nNot covered: 1,204 services without a fresh scan.",
		Buttons: []campaign.Button{
			{Label: "Launch the 44 exposed", Action: "launch.slice", Value: "log4shell|exposed", Style: campaign.Primary},
			{Label: "Launch all", Action: "launch.slice", Value: "log4shell|all", Style: campaign.Danger, Confirm: "312 tickets and 188 messages go out. That cannot be undone."},
			{Label: "Back", Action: "plan.show", Value: "log4shell"},
		},
	}
}

func digest() campaign.Message {
	return campaign.Message{
		Text:    "*Log4Shell: not contained yet. Next word today 23:00 UTC.*\nUnknown: 1,204 of 3,010 services unchecked.",
		Chart:   &campaign.Chart{Title: "Internet-facing", Labels: []string{"06:00", "12:00", "18:00"}, Series: []campaign.ChartSeries{{Name: "Protected", Values: []float64{0, 22, 41}}, {Name: "Open", Values: []float64{44, 22, 3}}, {Name: "Unknown", Values: []float64{1660, 1660, 1204}}}},
		Table:   &campaign.Table{Header: []string{"Unit", "Left", "Unknown"}, Rows: [][]string{{"Payments", "60", "410"}, {"Inside IT", "24", ""}}},
		Buttons: []campaign.Button{{Label: "Waive", Action: "ask.grant", Value: "log4shell|1", Style: campaign.Primary}, {Label: "Call me", Action: "ask.call", Value: "log4shell|1"}},
	}
}

func TestMessagesAsSlackGetsThem(t *testing.T) {
	for name, m := range map[string]campaign.Message{"first_message": firstMessage(), "preview": preview(), "digest": digest(), "digest_in_text": view.InText(digest())} {
		t.Run(name, func(t *testing.T) {
			blocks, err := view.Blocks(m)
			require.NoError(t, err)
			golden(t, name, fakeslack.SurfaceMessage, blocks)
		})
	}
}

func TestAMessageThatSaysNothingIsRefused(t *testing.T) {
	tests := map[string]campaign.Message{
		"nothing at all":       {},
		"blanks":               {Text: " \n "},
		"a button without use": {Text: "x", Buttons: []campaign.Button{{Label: "On it"}}},
		"an endless label":     {Text: "x", Buttons: []campaign.Button{{Label: strings.Repeat("x", 76), Action: "a.b"}}},
		"an endless value":     {Text: "x", Buttons: []campaign.Button{{Label: "x", Action: "a.b", Value: strings.Repeat("x", 2001)}}},
		"a table of nothing":   {Text: "x", Table: &campaign.Table{}},
		"a row too wide":       {Text: "x", Table: &campaign.Table{Header: []string{"a"}, Rows: [][]string{{"1", "2"}}}},
		"far too much":         {Text: strings.Repeat("word ", 4000)},
	}
	for name, m := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := view.Blocks(m)
			require.Error(t, err)
		})
	}
}

// everything returns what all parts of a message say together.
func everything(parts []campaign.Message) string {
	var b strings.Builder
	for _, m := range parts {
		b.WriteString(m.Text)
		if m.Table != nil {
			for _, row := range m.Table.Rows {
				b.WriteString(strings.Join(row, " "))
			}
		}
	}
	return b.String()
}

func TestALongMessageIsSplitAndNothingIsLost(t *testing.T) {
	var services []string
	var rows [][]string
	for i := range 1200 {
		services = append(services, fmt.Sprintf("• `service-%04d`, internet-facing: in progress", i))
		rows = append(rows, []string{fmt.Sprintf("row-%04d", i), "1"})
	}
	code := "```\n" + strings.Repeat("rm -v /opt/app/lib/log4j.jar\n", 700) + "```"
	tests := map[string]campaign.Message{
		"a long list":       {Text: "*Head*\n" + strings.Join(services, "\n"), Buttons: firstMessage().Buttons},
		"many paragraphs":   {Text: "*Head*\n\n" + strings.Join(services, "\n\n")},
		"a long table":      {Text: "*Head*", Table: &campaign.Table{Header: []string{"a", "b"}, Rows: rows}, Buttons: firstMessage().Buttons},
		"one endless line":  {Text: strings.Repeat("<https://x.example/a|label> &amp; ", 900)},
		"one endless word":  {Text: strings.Repeat("ü", 30_000)},
		"much code":         {Text: "*Head*\n" + code},
		"all with a chart":  {Text: strings.Join(services, "\n"), Chart: digest().Chart, Table: &campaign.Table{Header: []string{"a", "b"}, Rows: rows}, Buttons: digest().Buttons},
		"a message as such": firstMessage(),
	}
	for name, m := range tests {
		t.Run(name, func(t *testing.T) {
			parts := view.Split(m)
			for i, part := range parts {
				blocks, err := view.Blocks(part)
				require.NoError(t, err)
				raw, err := json.Marshal(blocks)
				require.NoError(t, err)
				require.Empty(t, fakeslack.ValidateBlocks(fakeslack.SurfaceMessage, raw), "part %d", i+1)
				require.Equal(t, 0, strings.Count(part.Text, "```")%2, "part %d ends inside of code", i+1)
				require.Equal(t, strings.Count(part.Text, "<"), strings.Count(part.Text, ">"), "part %d cuts a link", i+1)
			}
			require.Equal(t, m.Buttons, parts[len(parts)-1].Buttons, "the last part carries the buttons")
			squeeze := strings.NewReplacer("\n", "", " ", "", "```", "")
			require.Equal(t, squeeze.Replace(everything([]campaign.Message{m})), squeeze.Replace(everything(parts)), "a word was lost or came twice")
		})
	}
}

func TestTheTextAlternativeTellsTheSame(t *testing.T) {
	require.Equal(t, `Log4Shell: 14 of your services. Contain by today 18:00 (Sydney).
Attackers use it now. First checkout-api and partner-gw: they face the internet.
<@U0AOIFE> is in <#C0HELP> now.`, view.AltText(firstMessage()))

	alt := view.AltText(digest())
	for _, fact := range []string{"1,204 of 3,010", "Protected: 41 at 18:00", "Unknown: 1,204 at 18:00", "Payments, Left: 60, Unknown: 410"} {
		require.Contains(t, alt, fact)
	}
	require.Equal(t, alt, view.AltText(view.InText(digest())), "the numbers would be told twice")
}

func TestANotificationShowsAWholeThought(t *testing.T) {
	long := campaign.Message{Text: "*Log4Shell: " + strings.Repeat("ledger-batch and ", 5) + "ledger are open again. " + strings.Repeat("They wait for payroll ", 10) + "*\nrest"}
	first, rest, _ := strings.Cut(view.AltText(long), "\n")
	require.LessOrEqual(t, utf8.RuneCountInString(first), 150)
	require.True(t, strings.HasSuffix(first, "open again."), first)
	require.Contains(t, rest, "They wait")

	require.LessOrEqual(t, utf8.RuneCountInString(view.AltText(campaign.Message{Text: strings.Repeat("ü word\n", 3000)})), 4000)
}

func TestAltTextKeepsNamesWithMarkers(t *testing.T) {
	tests := map[string]struct{ text, want string }{
		"bold and italics":     {"*a* _b_ ~c~, *d e*.", "a b c, d e."},
		"underscores in names": {"my_service_name and 2*3*4", "my_service_name and 2*3*4"},
		"links":                {"<https://x.example|the report> <mailto:a@b.c|mail>", "the report mail"},
		"escapes stay":         {"a &lt;!channel&gt; b", "a &lt;!channel&gt; b"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { require.Equal(t, tt.want, view.AltText(campaign.Message{Text: tt.text})) })
	}
}

func TestAChartThatSlackWouldRefuseIsToldInWords(t *testing.T) {
	labels := make([]string, 50)
	values := make([]float64, 50)
	for i := range labels {
		labels[i], values[i] = "the same long label for all of them", float64(i)
	}
	tests := map[string]struct {
		chart  campaign.Chart
		native bool
	}{
		"fifty points with one label": {campaign.Chart{Title: strings.Repeat("t", 80), Labels: labels, Series: []campaign.ChartSeries{{Name: strings.Repeat("n", 40), Values: values}}}, true},
		"a value short":               {campaign.Chart{Title: "t", Labels: []string{"a", "b"}, Series: []campaign.ChartSeries{{Name: "n", Values: []float64{1}}}}, false},
		"seven series":                {campaign.Chart{Title: "t", Labels: []string{"a"}, Series: slicesOf(7)}, false},
		"no points":                   {campaign.Chart{Title: "t", Series: []campaign.ChartSeries{{Name: "n"}}}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			blocks, err := view.Blocks(campaign.Message{Text: "x", Chart: &tt.chart})
			require.NoError(t, err)
			raw, err := json.Marshal(blocks)
			require.NoError(t, err)
			require.Empty(t, fakeslack.ValidateBlocks(fakeslack.SurfaceMessage, raw))
			require.Equal(t, tt.native, strings.Contains(string(raw), "data_visualization"))
		})
	}
}

func slicesOf(n int) []campaign.ChartSeries {
	var out []campaign.ChartSeries
	for i := range n {
		out = append(out, campaign.ChartSeries{Name: fmt.Sprint(i), Values: []float64{1}})
	}
	return out
}

// Every message that the templates give is one that Slack takes, and whose first
// line a notification shows whole.
func TestEveryTemplateFitsAMessage(t *testing.T) {
	files, err := filepath.Glob("../../templates/testdata/*.golden")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".golden")
		if name == "ticket_body" || name == "closing_report" { // Markdown
			continue
		}
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			m := campaign.Message{Text: string(text), Buttons: firstMessage().Buttons}
			require.Len(t, view.Split(m), 1)
			blocks, err := view.Blocks(m)
			require.NoError(t, err)
			raw, err := json.Marshal(blocks)
			require.NoError(t, err)
			require.Empty(t, fakeslack.ValidateBlocks(fakeslack.SurfaceMessage, raw))
			first, _, _ := strings.Cut(view.AltText(m), "\n")
			require.LessOrEqual(t, utf8.RuneCountInString(first), 150)
			require.NotContains(t, first, "*")
		})
	}
}

func FuzzSplit(f *testing.F) {
	f.Add("*a*\n\n```\ncode\n```", 3)
	f.Add("<https://x|y> &amp; <@U1> < > ;&", 2000)
	f.Fuzz(func(t *testing.T, text string, times int) {
		if times < 0 || times > 3000 || len(text)*times > 40_000 || !utf8.ValidString(text) || strings.TrimSpace(text) == "" {
			t.Skip()
		}
		m := campaign.Message{Text: strings.Repeat(text, times) + "x", Buttons: firstMessage().Buttons}
		for _, part := range view.Split(m) {
			blocks, err := view.Blocks(part)
			require.NoError(t, err)
			raw, err := json.Marshal(blocks)
			require.NoError(t, err)
			require.Empty(t, fakeslack.ValidateBlocks(fakeslack.SurfaceMessage, raw))
			require.LessOrEqual(t, utf8.RuneCountInString(view.AltText(part)), 4000)
		}
	})
}

package command

import (
	"context"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

func TestWordsAreReadAsPeopleTypeThem(t *testing.T) {
	tests := map[string]struct {
		text string
		want []string
	}{
		"plain":                 {"show log4j-rce", []string{"show", "log4j-rce"}},
		"smart quotes":          {"new “log4j spring”", []string{"new", "log4j spring"}},
		"straight quotes":       {`new "log4j spring" for log4j*`, []string{"new", "log4j spring", "for", "log4j*"}},
		"German quotes":         {"new „log4j“", []string{"new", "log4j"}},
		"an apostrophe":         {"attest ledger no it doesn't, I'm sure", []string{"attest", "ledger", "no", "it", "doesn't,", "I'm", "sure"}},
		"single quotes":         {"void 'class removed' ‘it grows back’", []string{"void", "class removed", "it grows back"}},
		"an empty value":        {`edit waiver ""`, []string{"edit", "waiver", ""}},
		"a quote never closed":  {`new "log4j RCE`, []string{"new", "log4j RCE"}},
		"lines and tabs":        {"a\tb\nc", []string{"a", "b", "c"}},
		"mentions stay as they": {"dryrun fix <@U123|mei>", []string{"dryrun", "fix", "<@U123|mei>"}},
		"nothing":               {"  ", nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { require.Equal(t, tt.want, split(tt.text)) })
	}
}

func FuzzWords(f *testing.F) {
	for _, seed := range []string{"new “log4j” 'x", `a "b c" d`, "<@U1|x> <!channel>", "pause\u00a0x", "“\u3000”", "due fri 17:00", "in 6h", "\xff'"} {
		f.Add(seed)
	}
	now := time.Date(2021, 12, 13, 9, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text string) {
		words := split(text)
		total := 0
		for _, word := range words {
			total += utf8.RuneCountInString(word)
		}
		require.LessOrEqual(t, total, utf8.RuneCountInString(text), "nothing is invented")
		if _, rest, ok := when(words, now); ok {
			require.Less(t, len(rest), len(words), "a time is made of words")
		}
		name, rest := firstWord(text)
		require.False(t, strings.ContainsFunc(name, unicode.IsSpace))
		require.LessOrEqual(t, len(name)+len(rest), len(text))
		nearest(name, []string{"launch", "list"})
	})
}

func TestTimesAreReadInThePersonsZone(t *testing.T) {
	sydney, err := time.LoadLocation("Australia/Sydney")
	require.NoError(t, err)
	now := time.Date(2021, 12, 13, 9, 30, 0, 0, sydney) // a Monday
	at := func(month time.Month, day, h, m int) time.Time {
		return time.Date(2021, month, day, h, m, 0, 0, sydney)
	}
	tests := map[string]struct {
		text string
		want time.Time
		rest string
		bad  bool
	}{
		"a weekday with an hour":       {text: "fri 17:00", want: at(12, 17, 17, 0)},
		"a whole weekday":              {text: "Friday", want: at(12, 17, 17, 0)},
		"today's weekday, later today": {text: "mon 10:00", want: at(12, 13, 10, 0)},
		"today's weekday, over":        {text: "mon 9:00", want: at(12, 20, 9, 0)},
		"today":                        {text: "today 18:00", want: at(12, 13, 18, 0)},
		"tomorrow in the morning":      {text: "tomorrow 9am", want: at(12, 14, 9, 0)},
		"a date and an hour":           {text: "2021-12-17 18:00 please", want: at(12, 17, 18, 0), rest: "please"},
		"a date":                       {text: "2021-12-17", want: at(12, 17, 17, 0)},
		"an hour to come":              {text: "20:00", want: at(12, 13, 20, 0)},
		"an hour that is over":         {text: "8:00", want: at(12, 14, 8, 0)},
		"in hours":                     {text: "in 6h", want: at(12, 13, 15, 30)},
		"in days":                      {text: "in 2 days", want: at(12, 15, 9, 30)},
		"in no unit":                   {text: "in 6", bad: true},
		"in too long":                  {text: "in 5000 weeks", bad: true},
		"soon":                         {text: "soon", bad: true},
		"half a weekday":               {text: "frida", want: at(12, 17, 17, 0)},
		"no weekday":                   {text: "friends", bad: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, rest, ok := when(split(tt.text), now)
			require.Equal(t, !tt.bad, ok)
			if ok {
				require.Equal(t, tt.want, got)
				require.Equal(t, tt.rest, strings.Join(rest, " "))
			}
		})
	}
}

// The commands that the product promises, each with its help.
func TestEveryCommandHasItsRowAndItsHelp(t *testing.T) {
	promised := strings.Fields("new show list edit attach track floor override alias dryrun approve plan gate launch pause resume status tickets triage attest void rebaseline declare ask digest command close merge cancel audit help")
	r := &Router{rows: append(commands{}.table(), Command{Name: "help", Summary: "this list"})}
	for _, name := range promised {
		row, _, ok := r.find(name)
		require.True(t, ok, name)
		m, err := r.help(t.Context(), Call{Words: []string{name}})
		require.NoError(t, err)
		require.Contains(t, m.Text, "/campaign "+name)
		require.NotEmpty(t, row.Summary)
		require.NotContains(t, row.Summary, "!")
	}
	require.Len(t, r.rows, len(promised), "no row that nobody promised")
	m, err := r.help(t.Context(), Call{})
	require.NoError(t, err)
	require.Less(t, utf8.RuneCountInString(m.Text), 6000)
}

func TestWhatSteersNeedsARole(t *testing.T) {
	free := map[string]bool{"show": true, "list": true, "status": true, "tickets": true, "attest": true, "command": true, "merge": true} // merge looks at both campaigns
	for _, row := range (commands{}).table() {
		require.Equal(t, free[row.Name], row.Role == campaign.Everybody, row.Name)
	}
}

type nobody struct{ campaign.Roles }

func (nobody) Has(context.Context, campaign.Person, campaign.Role) (bool, error) { return false, nil }

type everybody struct{ campaign.Directory }

func TestAHalfFilledTableIsRefused(t *testing.T) {
	run := func(context.Context, Call) (campaign.Message, error) { return campaign.Message{}, nil }
	good := Command{Name: "show", Summary: "shows", Run: run}
	tests := map[string][]Command{
		"twice":       {good, good},
		"no name":     {{Summary: "shows", Run: run}},
		"no summary":  {{Name: "show", Run: run}},
		"nothing run": {{Name: "show", Summary: "shows"}},
		"upper case":  {{Name: "Show", Summary: "shows", Run: run}},
		"two words":   {{Name: "show all", Summary: "shows", Run: run}},
		"help again":  {{Name: "help", Summary: "helps", Run: run}},
	}
	o := Options{Engine: &campaign.Engine{}, Roles: nobody{}, Directory: everybody{}, Clock: campaign.RealClock{}}
	for name, rows := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := NewRouter(o, rows)
			require.Error(t, err)
		})
	}
	_, err := NewRouter(o, []Command{good})
	require.NoError(t, err)
	_, err = NewRouter(Options{}, []Command{good})
	require.Error(t, err)
}

func TestTheNearestCommandIsFound(t *testing.T) {
	names := []string{"launch", "list", "show", "status", "pause"}
	tests := map[string]struct{ typed, want string }{
		"a letter missing": {"lanch", "launch"},
		"two swapped":      {"lsit", "list"},
		"upper case":       {"PAUSE", "pause"},
		"something else":   {"weather", ""},
		"very long":        {strings.Repeat("launch", 20), ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { require.Equal(t, tt.want, nearest(tt.typed, names)) })
	}
}

func TestTheNameOfACommandIsReadAsItIsTyped(t *testing.T) {
	tests := map[string]struct{ text, name, rest string }{
		"plain":                       {"launch all", "launch", "all"},
		"a no-break space":            {"help\u00a0launch", "help", "launch"},
		"a wide space":                {"launch　all", "launch", "all"},
		"a space that is long":        {"launch \u2003\n all", "launch", "all"},
		"smart quotes":                {"“help”", "help", ""},
		"straight quotes":             {`"status" heartbleed`, "status", "heartbleed"},
		"single quotes":               {"‘help’ launch", "help", "launch"},
		"as help texts write it":      {"`pause`", "pause", ""},
		"quotes around all of it":     {"“launch all”", "launch", "all”"},
		"only the name is taken bare": {`new "log4j RCE"`, "new", `"log4j RCE"`},
		"nothing in quotes":           {`""`, "", ""},
		"nothing":                     {"\u00a0", "", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			name, rest := firstWord(tt.text)
			require.Equal(t, tt.name, name)
			require.Equal(t, tt.rest, rest)
		})
	}
	require.Equal(t, []string{"all"}, split("all”"), "a quote that was opened before the name")
}

func TestPauseOvertakes(t *testing.T) {
	for _, text := range []string{" Pause log4j-rce", "pause\u00a0log4j-rce", "pause\u3000", "“pause”", `"pause" log4j-rce`, "`pause`"} {
		require.True(t, Overtakes(text), text)
	}
	require.False(t, Overtakes("resume"))
	require.False(t, Overtakes(""))
}

func TestInstructionsKeepTheirLines(t *testing.T) {
	before, after, found := cutWord("due fri 17:00 instructions 1. One.\n2. Two.", "instructions")
	require.True(t, found)
	require.Equal(t, "due fri 17:00 ", before)
	require.Equal(t, " 1. One.\n2. Two.", after)
	before, after, found = cutWord("due fri\u00a0instructions\u00a01. One.", "instructions")
	require.True(t, found)
	require.Equal(t, "due fri\u00a0", before)
	require.Equal(t, "\u00a01. One.", after)
	_, _, found = cutWord("methods reinstructions", "instructions")
	require.False(t, found, "only a word that stands alone")
}

func TestGatesAreReadAsTheyAreTyped(t *testing.T) {
	set := campaign.GateSet
	for name, tt := range map[string]struct {
		text string
		want campaign.Gate
		bad  bool
	}{
		"claims":          {text: "claimed 5", want: campaign.Gate{Mode: set, Claimed: 5}},
		"a share":         {text: "claimed 30%", want: campaign.Gate{Mode: set, Share: 30}},
		"quiet":           {text: "quiet 30m", want: campaign.Gate{Mode: set, Quiet: 30 * time.Minute}},
		"either":          {text: "claimed 5 or quiet 1h", want: campaign.Gate{Mode: set, Claimed: 5, Quiet: time.Hour}},
		"only the button": {text: "button", want: campaign.Gate{Mode: set}},
		"nothing":         {text: "", bad: true},
		"no number":       {text: "claimed", bad: true},
		"less than none":  {text: "claimed -1", bad: true},
		"no time":         {text: "quiet soon", bad: true},
		"too short":       {text: "quiet 5s", bad: true},
		"another word":    {text: "sometime", bad: true},
	} {
		t.Run(name, func(t *testing.T) {
			gate, ok := gateOf(split(tt.text))
			require.Equal(t, !tt.bad, ok)
			if ok {
				require.Equal(t, tt.want, gate)
			}
		})
	}
}

func TestWavesAreReadAsTheyAreTyped(t *testing.T) {
	for name, tt := range map[string]struct {
		text   string
		want   campaign.Split
		shares []int
		bad    bool
	}{
		"organisation":         {text: "waves organisation", want: campaign.SplitOrganisation},
		"the other spelling":   {text: "waves organization", want: campaign.SplitOrganisation},
		"with a sign":          {text: "waves=organisation", want: campaign.SplitOrganisation},
		"shares":               {text: "waves share 10 30 60", want: campaign.SplitShare, shares: []int{10, 30, 60}},
		"shares in hundredths": {text: "waves=share 10% 30% 60%", want: campaign.SplitShare, shares: []int{10, 30, 60}},
		"none":                 {text: "waves none", want: campaign.SplitNone},
		"numbers of nothing":   {text: "waves organisation 10", bad: true},
		"another word":         {text: "waves alphabet", bad: true},
	} {
		t.Run(name, func(t *testing.T) {
			fields, err := options(split(tt.text), "title", "waves")
			require.NoError(t, err)
			cut, shares, err := waves(fields["waves"])
			require.Equal(t, tt.bad, err != nil)
			if !tt.bad {
				require.Equal(t, tt.want, cut)
				require.Equal(t, tt.shares, shares)
			}
		})
	}
}

func TestAPilotIsNamedOrPicked(t *testing.T) {
	require.Equal(t, campaign.Pilot{Rule: true}, pilot([]string{"auto"}))
	require.Equal(t, campaign.Pilot{}, pilot([]string{"none"}))
	require.Equal(t, campaign.Pilot{Names: []string{"checkout", "ledger"}}, pilot([]string{"checkout,", "ledger"}))
}

func TestTriageIsReadAsItIsTyped(t *testing.T) {
	for _, tt := range []struct {
		text string
		want campaign.TriageOrder
	}{
		{`ledger, wiki affected owner group:payments "they run it"`, campaign.TriageOrder{Targets: []string{"ledger", "wiki"}, Affected: true, Owner: "group:payments", Reason: "they run it"}},
		{`all not_affected the API only`, campaign.TriageOrder{Targets: []string{"all"}, Reason: "the API only"}},
		{`legacy-* safe "switched off"`, campaign.TriageOrder{Rule: &campaign.TriagePattern{Name: "legacy-*"}, Reason: "switched off"}},
		{`package:log4j-to-* owner:group:default/ann legacy-* affected`, campaign.TriageOrder{
			Rule: &campaign.TriagePattern{Name: "legacy-*", Package: "log4j-to-*", OwnedBy: "group:default/ann"}, Affected: true,
		}},
	} {
		got, ok := triageOrder(split(tt.text))
		require.True(t, ok, tt.text)
		require.Equal(t, tt.want, got, tt.text)
	}
	for _, text := range []string{"ledger", "affected", "ledger perhaps"} {
		_, ok := triageOrder(split(text))
		require.False(t, ok, text)
	}
}

func TestAMentionIsOneWord(t *testing.T) {
	for text, want := range map[string][]string{
		"dryrun fix <@U1|Ann “O’Hara” Smith>, <@U2|tom>": {"dryrun", "fix", "<@U1|Ann “O’Hara” Smith>,", "<@U2|tom>"},
		"a<!subteam^S1|on duty>b":                        {"a<!subteam^S1|on duty>b"},
		"“x <@U1|Ann Smith> y” z":                        {"x <@U1|Ann Smith> y", "z"},
		"<@U1|Ann Smith":                                 {"<@U1|Ann", "Smith"},
		"<@nobody at all>":                               {"<@nobody", "at", "all>"},
	} {
		require.Equal(t, want, split(text), text)
	}
	require.Equal(t, "ask @Ann Smith of @on duty, <!here> <@U1>", said([]string{"ask", "<@U1|Ann Smith>", "of", "<!subteam^S1|on duty>,", "<!here>", "<@U1>"}))
}

func TestAUserGroupIsNoPerson(t *testing.T) {
	_, err := commands{}.whom(t.Context(), "<!subteam^S0SEC|security>")
	require.Equal(t, campaign.Invalid, campaign.KindOf(err))
	require.Contains(t, campaign.PublicMessage(err), "@security is a user group")
}

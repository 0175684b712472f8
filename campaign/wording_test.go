package campaign_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

func TestTimesAreSaidAsTheReaderWould(t *testing.T) {
	now := time.Date(2021, 12, 14, 6, 30, 0, 0, time.UTC) // a Tuesday; 17:30 in Sydney
	tests := map[string]struct {
		at   time.Time
		zone string
		want string
	}{
		"today in Sydney":           {at: now.Add(30 * time.Minute), zone: "Australia/Sydney", want: "today 18:00 (Sydney)"},
		"tomorrow there, today UTC": {at: now.Add(7 * time.Hour), zone: "Australia/Sydney", want: "tomorrow 00:30 (Sydney)"},
		"yesterday":                 {at: now.Add(-24 * time.Hour), zone: "UTC", want: "yesterday 06:30 UTC"},
		"within the week":           {at: now.Add(72 * time.Hour), zone: "America/New_York", want: "Friday 01:30 (New York)"},
		"later":                     {at: now.AddDate(0, 0, 10), zone: "Europe/Dublin", want: "24 Dec 06:30 (Dublin)"},
		"next year":                 {at: now.AddDate(0, 1, 0), zone: "", want: "14 Jan 2022 06:30 UTC"},
		"a zone nobody knows":       {at: now, zone: "Mars/Base", want: "today 06:30 UTC"},
		"Etc":                       {at: now, zone: "Etc/UTC", want: "today 06:30 UTC"},
		"no time":                   {zone: "UTC", want: ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, tt.want, campaign.LocalTime{Zone: tt.zone, Now: now}.When(tt.at))
		})
	}
}

func TestDaysAreCountedAcrossAClockChange(t *testing.T) {
	l := campaign.LocalTime{Zone: "Europe/Dublin", Now: time.Date(2022, 3, 26, 23, 30, 0, 0, time.UTC)}
	require.Equal(t, "tomorrow 23:30 (Dublin)", l.When(time.Date(2022, 3, 27, 22, 30, 0, 0, time.UTC)))
}

func TestLinksAreLiveOnlyWhereWeMakeThem(t *testing.T) {
	require.Equal(t, campaign.Markup("<https://t.example/1?a=1&amp;b=2|MU-1>"), campaign.Link("https://t.example/1?a=1&b=2", "MU-1"))
	require.Equal(t, campaign.Markup("&lt;!channel&gt;"), campaign.Link("javascript:alert(1)", "<!channel>"))
	require.Equal(t, campaign.Markup("MU-1"), campaign.Link("https://t.example/|<!channel>", "MU-1"))
	require.Equal(t, campaign.Markup("<@U2>"), campaign.Mention("T1/U2"))
	require.Equal(t, campaign.Markup("#help-log4shell"), campaign.ChannelLink(campaign.ChannelRef{Name: "help-log4shell"}))
}

func TestOpeningIsTheActionInShort(t *testing.T) {
	tests := map[string]struct{ markdown, want string }{
		"a paragraph before the steps": {"# Contain\n\nRemove one class\nand restart.\n\n1. Stop\n", "Remove one class and restart."},
		"steps at once":                {"1. Remove the class.\n2. Restart.\n", "Remove the class."},
		"a list glued to it":           {"Do this:\n- one\n- two\n", "Do this:"},
		"only code":                    {"```\nrm -rf /\n```\n", ""},
		"nothing":                      {"", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { require.Equal(t, tt.want, campaign.Opening(tt.markdown)) })
	}
}

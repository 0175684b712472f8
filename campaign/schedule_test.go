package campaign_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

func TestSchedulesKeepTheirLocalTime(t *testing.T) {
	tests := map[string]struct {
		expr, zone, after string
		want              []string
	}{
		"weekdays at nine": {
			"0 9 * * 1-5", "Europe/Dublin", "2026-03-26T12:00:00Z", // a Thursday; clocks move on Sunday
			[]string{"2026-03-27T09:00:00Z", "2026-03-30T08:00:00Z"},
		},
		"a skipped half past two runs at three": {
			"30 2 * * *", "America/New_York", "2026-03-07T12:00:00Z",
			[]string{"2026-03-08T07:00:00Z", "2026-03-09T06:30:00Z"}, // 03:00 EDT, then 02:30 EDT
		},
		"all that was skipped is one run": {
			"*/15 2 * * *", "America/New_York", "2026-03-08T06:59:00Z",
			[]string{"2026-03-08T07:00:00Z", "2026-03-09T06:00:00Z"},
		},
		"a skipped run meets the next one": {
			"30 2,3 * * *", "Europe/Berlin", "2026-03-29T00:00:00Z",
			[]string{"2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z"},
		},
		"a repeated half past one runs once": {
			"30 1 * * *", "America/New_York", "2026-11-01T04:00:00Z",
			[]string{"2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"},
		},
		"the repeated hour stays silent": {
			"*/30 * * * *", "America/New_York", "2026-11-01T05:00:00Z",
			[]string{"2026-11-01T05:30:00Z", "2026-11-01T07:00:00Z", "2026-11-01T07:30:00Z"},
		},
		"asked within the repeated hour": {
			"30 1 * * *", "America/New_York", "2026-11-01T06:10:00Z",
			[]string{"2026-11-02T06:30:00Z"},
		},
		"half an hour of daylight saving": {
			"15 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00:00Z", // 02:00 becomes 02:30 on the 4th
			[]string{"2026-10-03T15:30:00Z", "2026-10-04T15:15:00Z"},
		},
		"midnight that does not exist": {
			"0 0 * * *", "America/Santiago", "2026-09-05T12:00:00Z", // 00:00 becomes 01:00 on the 6th
			[]string{"2026-09-06T04:00:00Z", "2026-09-07T03:00:00Z"},
		},
		"a day that an island left out": {
			"0 9 30 12 *", "Pacific/Apia", "2011-12-29T20:00:00Z",
			[]string{"2011-12-30T10:00:00Z", "2012-12-29T19:00:00Z"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s, err := campaign.ParseSchedule(tt.expr, tt.zone)
			require.NoError(t, err)
			at, err := time.Parse(time.RFC3339, tt.after)
			require.NoError(t, err)
			var got []string
			for range tt.want {
				at = s.Next(at)
				got = append(got, at.Format(time.RFC3339))
			}
			require.Equal(t, tt.want, got)
		})
	}
}

func TestSchedulesThatCannotBeRead(t *testing.T) {
	tests := map[string]struct{ expr, zone string }{
		"a word":                      {"daily", "UTC"},
		"six fields":                  {"0 0 9 * * 1", "UTC"},
		"hour 25":                     {"0 25 * * *", "UTC"},
		"the 30th of February":        {"0 9 30 2 *", "UTC"},
		"a zone of its own":           {"CRON_TZ=Asia/Tokyo 0 9 * * *", "UTC"},
		"no such zone":                {"0 9 * * *", "Europe/Atlantis"},
		"the machine's own zone":      {"0 9 * * *", "Local"},
		"a descriptor of the library": {"@hourly", "UTC"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := campaign.ParseSchedule(tt.expr, tt.zone)
			require.Equal(t, campaign.Invalid, campaign.KindOf(err), "%v", err)
		})
	}
}

func FuzzSchedule(f *testing.F) {
	f.Add("30 2 * * *", "America/New_York", int64(1_772_900_000))
	f.Add("*/7 0-5 1 */2 1-5", "Australia/Lord_Howe", int64(1_790_000_000))
	f.Fuzz(func(t *testing.T, expr, zone string, unix int64) {
		s, err := campaign.ParseSchedule(expr, zone)
		if err != nil {
			return
		}
		after := time.Unix(unix%4_000_000_000, 0)
		next := s.Next(after)
		require.True(t, next.IsZero() || next.After(after), "%s in %s after %s: %s", expr, zone, after, next)
	})
}

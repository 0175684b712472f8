package campaign

import (
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// Schedule is a cron schedule of five fields, read in a time zone. A local time
// that daylight saving skips runs at the next valid minute, and one that it
// repeats runs once.
type Schedule struct {
	spec cron.Schedule
	zone *time.Location
}

var fiveFields = cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)

// ParseSchedule reads "minute hour day month weekday" in an IANA zone. It
// returns Invalid for what cannot be read and for what never comes, such as the
// 30th of February.
func ParseSchedule(expr, zone string) (Schedule, error) {
	loc, err := time.LoadLocation(zone)
	if err != nil || zone == "Local" {
		return Schedule{}, &Error{Kind: Invalid, Message: fmt.Sprintf("%q is not a time zone. Write it as in Europe/Dublin.", zone), Err: err}
	}
	if len(strings.Fields(expr)) != 5 {
		return Schedule{}, Refuse(Invalid, fmt.Sprintf("%q is not a schedule. Write minute, hour, day, month and weekday.", expr))
	}
	spec, err := fiveFields.Parse(expr)
	if err != nil {
		return Schedule{}, &Error{Kind: Invalid, Message: fmt.Sprintf("%q is not a schedule. Write minute, hour, day, month and weekday.", expr), Err: err}
	}
	if spec.Next(time.Unix(0, 0).UTC()).IsZero() {
		return Schedule{}, Refuse(Invalid, fmt.Sprintf("%q never comes.", expr))
	}
	return Schedule{spec: spec, zone: loc}, nil
}

// longestShift is more than any zone's clock was ever moved at once.
const longestShift = 25 * time.Hour

// Next returns the first time after the one given at which the schedule runs,
// in UTC; zero when there is none within five years.
//
// The library's own Next skips and doubles around daylight saving, so it is
// asked about wall-clock times, which have none, and each is then placed.
func (s Schedule) Next(after time.Time) time.Time {
	wall := onTheWall(after, s.zone)
	if start, _ := after.In(s.zone).ZoneBounds(); after.Sub(start) < longestShift {
		wall = wall.Add(-longestShift) // what the shift displaced may still be to come
	}
	for {
		if wall = s.spec.Next(wall); wall.IsZero() {
			return time.Time{}
		}
		if at := offTheWall(wall, s.zone); at.After(after) {
			return at.UTC()
		}
	}
}

// onTheWall returns what a clock in the zone shows, as if it were UTC.
func onTheWall(t time.Time, zone *time.Location) time.Time {
	_, offset := t.In(zone).Zone()
	return t.UTC().Add(time.Duration(offset) * time.Second)
}

// offTheWall returns when a clock in the zone first shows this; when it never
// does, the moment at which it jumps over it.
func offTheWall(wall time.Time, zone *time.Location) time.Time {
	y, m, d := wall.Date()
	at := time.Date(y, m, d, wall.Hour(), wall.Minute(), wall.Second(), 0, zone)
	start, end := at.ZoneBounds()
	switch shown := onTheWall(at, zone); {
	case shown.After(wall):
		return start
	case shown.Before(wall):
		return end
	case start.IsZero():
		return at
	}
	_, offset := start.Add(-time.Second).Zone()
	if first := wall.Add(-time.Duration(offset) * time.Second); first.Before(start) {
		return first
	}
	return at
}

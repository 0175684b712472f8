package command

import (
	"strconv"
	"strings"
	"time"

	"github.com/musterbot/muster/campaign"
)

// endOfWork is the hour that a day means when none is named.
const endOfWork = 17

var weekdays = map[string]time.Weekday{
	"sun": time.Sunday, "mon": time.Monday, "tue": time.Tuesday, "wed": time.Wednesday,
	"thu": time.Thursday, "fri": time.Friday, "sat": time.Saturday,
}

// when reads a moment from the first words: "fri 17:00", "today 18:00",
// "tomorrow", "2021-12-17 18:00", "in 6h", "in 2 days", "18:00". Hours are those
// of now's zone; a day without an hour means five in the afternoon. It returns
// the words that are left, and false when the first ones are no time.
func when(words []string, now time.Time) (at time.Time, rest []string, ok bool) {
	if len(words) == 0 {
		return at, words, false
	}
	first := strings.ToLower(strings.Trim(words[0], ",."))
	rest = words[1:]
	if first == "in" {
		return span(rest, now)
	}
	if h, m, isClock := clock(first); isClock {
		at = onDay(now, 0, h, m)
		if !at.After(now) {
			at = onDay(now, 1, h, m)
		}
		return at, rest, true
	}
	day, weekday, ok := dayOf(first, now)
	if !ok {
		return at, words, false
	}
	h, m := endOfWork, 0
	if len(rest) > 0 {
		if hh, mm, isClock := clock(strings.ToLower(rest[0])); isClock {
			h, m, rest = hh, mm, rest[1:]
		}
	}
	at = onDay(day, 0, h, m)
	if weekday && !at.After(now) {
		at = onDay(day, 7, h, m)
	}
	return at, rest, true
}

// dayOf reads a day: a weekday is the next one, today included.
func dayOf(word string, now time.Time) (day time.Time, isWeekday, ok bool) {
	switch word {
	case "today", "tonight":
		return now, false, true
	case "tomorrow":
		return now.AddDate(0, 0, 1), false, true
	}
	if day, err := time.ParseInLocation(time.DateOnly, word, now.Location()); err == nil {
		return day, false, true
	}
	if len(word) < 3 {
		return now, false, false
	}
	weekday, ok := weekdays[word[:3]]
	if !ok || !strings.HasPrefix(strings.ToLower(weekday.String()), word) {
		return now, false, false
	}
	return now.AddDate(0, 0, (int(weekday)-int(now.Weekday())+7)%7), true, true
}

func onDay(day time.Time, later, h, m int) time.Time {
	y, month, d := day.Date()
	return time.Date(y, month, d+later, h, m, 0, 0, day.Location())
}

// clock reads 17:00, 9:30 or 9am.
func clock(word string) (h, m int, ok bool) {
	for _, layout := range []string{"15:04", "3pm", "3:04pm"} {
		if t, err := time.Parse(layout, word); err == nil {
			return t.Hour(), t.Minute(), true
		}
	}
	return 0, 0, false
}

var units = map[string]time.Duration{
	"m": time.Minute, "min": time.Minute, "minute": time.Minute, "h": time.Hour, "hour": time.Hour,
	"d": 24 * time.Hour, "day": 24 * time.Hour, "w": 7 * 24 * time.Hour, "week": 7 * 24 * time.Hour,
}

// span reads 6h, 90m, 2d, "6 hours", "2 days".
func span(words []string, now time.Time) (time.Time, []string, bool) {
	if len(words) == 0 {
		return now, words, false
	}
	word := strings.ToLower(words[0])
	digits := strings.TrimRight(word, "abcdefghijklmnopqrstuvwxyz")
	name, rest := word[len(digits):], words[1:]
	if name == "" && len(rest) > 0 {
		name, rest = strings.ToLower(rest[0]), rest[1:]
	}
	if len(name) > 1 {
		name = strings.TrimSuffix(name, "s")
	}
	n, err := strconv.Atoi(digits)
	unit, known := units[name]
	if err != nil || !known || n < 1 || n > 1000 {
		return now, words, false
	}
	return now.Add(time.Duration(n) * unit), rest, true
}

// badTime says how a time is written.
func badTime(words []string) error {
	return campaign.Refuse(campaign.Invalid, "I cannot read “"+string(campaign.Escape(clip(strings.Join(words, " "), 60)))+
		"” as a time. Nothing was changed. Write it like `fri 17:00`, `2021-12-17 18:00` or `in 6h`, in your own time zone.")
}

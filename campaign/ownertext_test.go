package campaign

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAnApprovedTextSaysItsTimesWhenItIsSent(t *testing.T) {
	due := time.Date(2021, 12, 14, 7, 0, 0, 0, time.UTC)
	held := LocalTime{Zone: "UTC", Held: true}
	text := "*Contain " + held.By(due) + ".* Later, " + held.When(due) + "."
	require.Equal(t, "*Contain by today 18:00 (Sydney).* Later, today 18:00 (Sydney).", settleTimes(text, "Australia/Sydney", due.Add(-time.Hour)))
	require.Equal(t, "*Contain now: it was due yesterday 07:00 UTC.* Later, yesterday 07:00 UTC.", settleTimes(text, "UTC", due.Add(24*time.Hour)))
}

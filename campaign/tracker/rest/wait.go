package rest

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	// unsaidWait is for a refusal that names no time; GitHub asks for a minute.
	unsaidWait = time.Minute
	// longestWait bounds what the other side may ask for.
	longestWait = 24 * time.Hour
)

// retryAfter returns how long a response asks to wait, at least a second; 0 when
// it does not say.
func retryAfter(h http.Header) time.Duration {
	if wait, ok := delay(h.Get("Retry-After")); ok {
		return wait
	}
	for _, name := range []string{"X-RateLimit-Reset", "RateLimit-Reset"} {
		if wait, ok := delay(h.Get(name)); ok {
			return wait
		}
	}
	return 0
}

// delay reads seconds, seconds since 1970, or a date, as they are all sent.
func delay(text string) (time.Duration, bool) {
	text = strings.TrimSpace(text)
	if text == "" {
		return 0, false
	}
	if n, err := strconv.ParseFloat(text, 64); err == nil {
		const sinceEpoch = 1e9 // 2001; nobody asks for a wait of thirty years
		switch {
		case n != n || n < 0:
			return 0, false
		case n >= sinceEpoch:
			return bounded(time.Until(time.Unix(int64(min(n, 1e11)), 0))), true
		}
		return bounded(time.Duration(n * float64(time.Second))), true
	}
	for _, layout := range []string{http.TimeFormat, time.RFC850, time.ANSIC, time.RFC3339, "2006-01-02T15:04Z07:00"} {
		if at, err := time.Parse(layout, text); err == nil {
			return bounded(time.Until(at)), true
		}
	}
	return 0, false
}

func bounded(d time.Duration) time.Duration { return min(max(d, time.Second), longestWait) }

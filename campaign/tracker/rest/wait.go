package rest

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// unsaidWait is for a refusal that names no time, and longestUnsaid for the
	// one after many such; GitHub asks for a minute at least, and for longer ones.
	unsaidWait    = time.Minute
	longestUnsaid = 30 * time.Minute
	// longestWait bounds what the other side may ask for.
	longestWait = 24 * time.Hour
)

// retryAfter returns how long a response asks to wait, at least a second; 0 when
// it does not say. When a quota is full again counts only once the quota is used
// up: GitHub sends that time with every answer, and refuses for other reasons too.
func retryAfter(h http.Header) time.Duration {
	if wait, ok := delay(h.Get("Retry-After")); ok {
		return wait
	}
	for _, quota := range []string{"X-RateLimit-", "RateLimit-"} {
		if left := strings.TrimSpace(h.Get(quota + "Remaining")); left != "" && left != "0" {
			continue
		}
		if wait, ok := delay(h.Get(quota + "Reset")); ok {
			return wait
		}
	}
	return 0
}

// backoff is how long to wait after refusals that name no time. The zero value is
// ready. It may be used by many at once.
type backoff struct {
	mu    sync.Mutex
	wait  time.Duration
	until time.Time
}

// next returns how long to wait: a minute, and twice as long whenever a refusal
// follows soon after the wait before, up to half an hour. Calls that were on their
// way together count once.
func (b *backoff) next(now time.Time) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case now.Before(b.until):
		return max(time.Second, b.until.Sub(now))
	case now.Before(b.until.Add(b.wait)):
		b.wait = min(2*b.wait, longestUnsaid)
	default:
		b.wait = unsaidWait
	}
	b.until = now.Add(b.wait)
	return b.wait
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

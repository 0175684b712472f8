package web

import (
	"fmt"
	"net/http"
	"time"
)

// fewAtOnce lets n requests through to next at once. As many as waiting wait for
// their turn, with patience; the others get 503 and Retry-After, and nothing of
// them was read.
func fewAtOnce(n, waiting int, patience time.Duration, next http.HandlerFunc) http.Handler {
	inside, queue := make(chan struct{}, n), make(chan struct{}, n+waiting)
	busy := func(w http.ResponseWriter) {
		w.Header().Set("Retry-After", fmt.Sprint(int(scansAgain/time.Second)))
		refuse(w, http.StatusServiceUnavailable, fmt.Sprintf("Too many files are being imported at once. Nothing of this one was kept; send it again in %d seconds.", int(scansAgain/time.Second)))
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case queue <- struct{}{}:
			defer func() { <-queue }()
		default:
			busy(w)
			return
		}
		timer := time.NewTimer(patience)
		defer timer.Stop()
		select {
		case inside <- struct{}{}:
			defer func() { <-inside }()
			next(w, r)
		case <-timer.C:
			busy(w)
		case <-r.Context().Done():
		}
	})
}

package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestFewUploadsAreTakenAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		finish := make(chan struct{})
		var mu sync.Mutex
		busiest, inside := 0, 0
		enter := func(n int) {
			mu.Lock()
			defer mu.Unlock()
			inside += n
			busiest = max(busiest, inside)
		}
		h := fewAtOnce(2, 3, 15*time.Second, func(w http.ResponseWriter, _ *http.Request) {
			enter(1)
			<-finish
			enter(-1)
			w.WriteHeader(http.StatusOK)
		})
		answers := make(chan *httptest.ResponseRecorder, 10)
		send := func() {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/v1/scans", strings.NewReader("{}")))
			answers <- w
		}
		for range 6 {
			go send()
			synctest.Wait()
		}
		w := <-answers
		require.Equal(t, http.StatusServiceUnavailable, w.Code, "the sixth does not even wait")
		require.Equal(t, "30", w.Header().Get("Retry-After"))
		require.Contains(t, w.Body.String(), "send it again in 30 seconds")

		finish <- struct{}{}
		require.Equal(t, http.StatusOK, (<-answers).Code)
		synctest.Wait()
		require.Equal(t, 2, inside, "one that waited has its turn")

		time.Sleep(15 * time.Second)
		synctest.Wait()
		require.Equal(t, http.StatusServiceUnavailable, (<-answers).Code)
		require.Equal(t, http.StatusServiceUnavailable, (<-answers).Code)
		close(finish)
		require.Equal(t, http.StatusOK, (<-answers).Code)
		require.Equal(t, http.StatusOK, (<-answers).Code)
		require.Equal(t, 2, busiest)
	})
}

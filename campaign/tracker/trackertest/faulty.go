package trackertest

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
)

// Faults lets a stand-in's calls meet faults.
type Faults struct {
	mu   sync.Mutex
	next []Fault
}

// Inject is a Subject's Inject.
func (f *Faults) Inject(_ *testing.T, fault Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.next = append(f.next, fault)
}

// Handler wraps a stand-in. writes says which calls change something.
func (f *Faults) Handler(writes func(*http.Request) bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fault, met := f.take(writes(r))
		switch {
		case !met:
			next.ServeHTTP(w, r)
		case fault.Lost:
			next.ServeHTTP(httptest.NewRecorder(), r)
			breakOff(w)
		default:
			for name, value := range fault.Header {
				w.Header().Set(name, value)
			}
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(fault.Status)
			_, _ = w.Write([]byte(`{"message":"The stand-in was told to fail."}`))
		}
	})
}

// breakOff ends the connection within the answer: one without a word of an answer
// is tried again by net/http itself, where it was a read.
func breakOff(w http.ResponseWriter) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		_, _ = conn.Write([]byte("HTTP/1.1 200 O"))
		_ = conn.Close()
	}
}

func (f *Faults) take(write bool) (Fault, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := slices.IndexFunc(f.next, func(fault Fault) bool { return write || !fault.Write })
	if i < 0 {
		return Fault{}, false
	}
	fault := f.next[i]
	f.next = slices.Delete(f.next, i, i+1)
	return fault, true
}

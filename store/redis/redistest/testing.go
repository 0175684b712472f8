package redistest

import (
	"errors"
	"os"
	"testing"
)

// New starts a server that is closed when the test ends. Where redis-server is
// missing the test is skipped; with CI=true it fails.
func New(t testing.TB, o Options) *Server {
	t.Helper()
	s, err := Start(o)
	Need(t, err)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close redis: %v", err)
		}
	})
	return s
}

// Need ends a test whose servers could not be started.
func Need(t testing.TB, err error) {
	t.Helper()
	switch {
	case errors.Is(err, ErrMissing) && os.Getenv("CI") != "true":
		t.Skipf("NOT TESTED against Redis: %v", err)
	case err != nil:
		t.Fatalf("start redis: %v", err)
	}
}

package rest_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/tracker/rest"
	"github.com/musterbot/muster/configs/secret"
)

// refusals answers each call as GitHub does above a secondary limit: with what is
// left of the hourly one.
type refusals struct{}

func (refusals) RoundTrip(r *http.Request) (*http.Response, error) {
	h := http.Header{}
	h.Set("X-RateLimit-Remaining", "4987")
	h.Set("X-RateLimit-Reset", "4102444800")
	body := io.NopCloser(strings.NewReader(`{"message":"You have exceeded a secondary rate limit."}`))
	return &http.Response{StatusCode: http.StatusForbidden, Header: h, Body: body, Request: r}, nil
}

// A refusal that names no time is waited out for a minute, and for longer each
// time that it comes back.
func TestRefusalsThatComeBackAreWaitedOutForLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := rest.New(rest.Options{System: "GitHub", BaseURL: "https://api.github.com", Auth: rest.Bearer(secret.New(token)), Base: refusals{}})
		require.NoError(t, err)
		wait := func() time.Duration {
			return campaign.RetryAfter(c.Do(t.Context(), rest.Call{Method: http.MethodPost, Path: "/x"}))
		}
		for _, want := range []time.Duration{1, 2, 4, 8, 16, 30, 30} {
			require.Equal(t, want*time.Minute, wait())
			time.Sleep(10 * time.Second)
			require.Equal(t, want*time.Minute-10*time.Second, wait(), "what was on its way counts once")
			time.Sleep(want * time.Minute)
		}
		time.Sleep(2 * time.Hour)
		require.Equal(t, time.Minute, wait(), "it begins anew")
	})
}

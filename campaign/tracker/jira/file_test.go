package jira_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/tracker/jira"
)

// instead answers bulk creations itself.
type instead struct{ answer string }

func (a instead) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(r.URL.Path, "/issue/bulk") {
		return http.DefaultTransport.RoundTrip(r)
	}
	return &http.Response{
		StatusCode: http.StatusCreated, Header: http.Header{"Content-Type": {"application/json"}}, Request: r,
		Body: io.NopCloser(strings.NewReader(a.answer)),
	}, nil
}

// Which of them were filed cannot be told then.
func TestAnAnswerThatDoesNotAddUpIsUncertain(t *testing.T) {
	const refused = `{"status": 400, "failedElementNumber": %d, "elementErrors": {"errorMessages": ["no"], "errors": {}}}`
	element := func(n int) string { return fmt.Sprintf(refused, n) }
	for name, answer := range map[string]string{
		"one refused twice": `{"issues": [{"key": "SEC-1"}], "errors": [` + element(1) + "," + element(1) + `]}`,
		"one above":         `{"issues": [{"key": "SEC-1"}, {"key": "SEC-2"}], "errors": [` + element(3) + `]}`,
		"one below":         `{"issues": [{"key": "SEC-1"}, {"key": "SEC-2"}], "errors": [` + element(-1) + `]}`,
		"two and one above": `{"issues": [{"key": "SEC-1"}, {"key": "SEC-2"}], "errors": [` + element(1) + "," + element(7) + `]}`,
		"none":              `{"issues": [], "errors": []}`,
	} {
		t.Run(name, func(t *testing.T) {
			server := start(t, options(false))
			tracker := connect(t, server, false, func(o *jira.Options) { o.Client = clientOf(t, server, false, instead{answer}) })
			var filings []campaign.Filing
			for n := range 3 {
				filings = append(filings, campaign.Filing{Key: fmt.Sprint("k", n), Draft: draft()})
			}
			for _, o := range tracker.EnsureAll(t.Context(), filings) {
				require.Equal(t, campaign.Uncertain, campaign.KindOf(o.Err), "%v", o.Err)
			}
		})
	}
}

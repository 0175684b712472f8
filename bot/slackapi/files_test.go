package slackapi_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/bot/slackapi"
	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/configs/secret"
	"github.com/musterbot/muster/store/pace"
)

// wire answers every request, and so stands for all hosts there are.
type wire struct{ asked []string }

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	w.asked = append(w.asked, r.Header.Get("Authorization"))
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("a file")), Request: r}, nil
}

func TestTheTokenGoesToTheHostOfTheWorkspaceAlone(t *testing.T) {
	const slacks = "https://slack.com/api/"
	tests := map[string]struct {
		api, file string
		taken     bool
	}{
		"Slack's files":                         {slacks, "https://files.slack.com/files-pri/T1/scan.json", true},
		"Slack itself":                          {slacks, "https://slack.com/files/scan.json", true},
		"another port of Slack's":               {slacks, "https://files.slack.com:8443/scan.json", false},
		"another port of slack.com":             {slacks, "https://slack.com:8443/scan.json", false},
		"another port, where one is configured": {"https://slack.com:443/api/", "https://slack.com:8443/scan.json", false},
		"without TLS":                           {slacks, "http://files.slack.com/scan.json", false},
		"a name that ends alike":                {slacks, "https://notslack.com/scan.json", false},
		"a name that begins alike":              {slacks, "https://slack.com.example.org/scan.json", false},
		"a stand-in":                            {"http://127.0.0.1:8080/api/", "http://127.0.0.1:8080/files/scan.json", true},
		"a stand-in's other port":               {"http://127.0.0.1:8080/api/", "http://127.0.0.1:8081/files/scan.json", true},
		"another host than the stand-in's":      {"http://127.0.0.1:8080/api/", "http://192.0.2.1:8080/files/scan.json", false},
		"a file that claims to be local":        {slacks, "https://127.0.0.1/scan.json", false},
		"someone before the host":               {"http://127.0.0.1:8080/api/", "http://127.0.0.1:8080@192.0.2.1/scan.json", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := &wire{}
			client, err := slackapi.New(slackapi.Options{
				BotToken: secret.New("xoxb-very-secret"), APIURL: tt.api, Limiter: pace.New(1e6), HTTP: &http.Client{Transport: w},
			})
			require.NoError(t, err)
			data, err := client.Fetch(t.Context(), tt.file, 100)
			if !tt.taken {
				require.Equal(t, campaign.Forbidden, campaign.KindOf(err))
				require.Empty(t, w.asked)
				return
			}
			require.NoError(t, err)
			require.Equal(t, "a file", string(data))
			require.Equal(t, []string{"Bearer xoxb-very-secret"}, w.asked)
		})
	}
}

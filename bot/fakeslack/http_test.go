package fakeslack_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/bot/fakeslack"
)

func fetch(t *testing.T, req *http.Request) map[string]any {
	t.Helper()
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer func() { require.NoError(t, resp.Body.Close()) }()
	raw, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return decode(t, raw)
}

// commandServer acknowledges slash commands over HTTP and hands them on.
func commandServer(t *testing.T, heard chan<- slack.SlashCommand) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, hr *http.Request) {
		cmd, err := slack.SlashCommandParse(hr)
		if err != nil {
			http.Error(rw, err.Error(), http.StatusBadRequest)
			return
		}
		heard <- cmd
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// signed verifies requests with slack-go and hands them on with their body.
func signed(t *testing.T, ws *fakeslack.Workspace, handle func(http.ResponseWriter, *http.Request, []byte)) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, hr *http.Request) {
		body, err := io.ReadAll(hr.Body)
		if err != nil {
			http.Error(rw, err.Error(), http.StatusBadRequest)
			return
		}
		verifier, err := slack.NewSecretsVerifier(hr.Header, ws.SigningSecret())
		if err == nil {
			_, _ = verifier.Write(body)
			err = verifier.Ensure()
		}
		if err != nil {
			http.Error(rw, err.Error(), http.StatusUnauthorized)
			return
		}
		hr.Body = io.NopCloser(bytes.NewReader(body))
		handle(rw, hr, body)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestSignIsTheExampleOfSlacksDocumentation(t *testing.T) {
	body := "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V" +
		"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=" +
		"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN" +
		"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
	require.Equal(t, "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
		fakeslack.Sign("8f742231b10e8888abcd99yyyzzz85a5", time.Unix(1531420618, 0), []byte(body)))
}

func TestHTTPModeIsSignedAndAnswered(t *testing.T) {
	v := settle(t, fakeslack.Options{})
	url := signed(t, v.ws, func(rw http.ResponseWriter, hr *http.Request, _ []byte) {
		cmd, err := slack.SlashCommandParse(hr)
		if err != nil || cmd.Command != "/campaign" || cmd.Text != "show “log4j spring”" {
			http.Error(rw, "unexpected "+cmd.Text, http.StatusBadRequest)
			return
		}
		rw.Header().Set("Content-Type", "application/json")
		_, _ = rw.Write([]byte(`{"response_type":"in_channel","text":"here it is"}`))
	})
	v.ws.DeliverTo(fakeslack.Endpoints{Command: url})
	seen := v.ann.Runs(`/campaign show "log4j spring"`, "ops")
	require.True(t, seen.OK(), seen.Text())
	require.Equal(t, "here it is", seen.Text())
	posts := v.ws.Posts("ops")
	require.Equal(t, "here it is", posts[len(posts)-1].Text)
	require.Empty(t, v.ann.Ephemerals("ops"))
}

func TestEventsOverHTTPAreRetriedWithTheirNumber(t *testing.T) {
	v := settle(t, fakeslack.Options{
		Redeliver: []time.Duration{0, time.Millisecond}, Events: []string{"app_home_opened"},
	})
	var mu sync.Mutex
	var retries [][2]string
	var ids []string
	url := signed(t, v.ws, func(rw http.ResponseWriter, hr *http.Request, body []byte) {
		var envelope struct {
			EventID   string `json:"event_id"`
			Challenge string `json:"challenge"`
		}
		if json.Unmarshal(body, &envelope) != nil {
			rw.WriteHeader(http.StatusBadRequest)
			return
		}
		if envelope.Challenge != "" {
			_, _ = rw.Write([]byte(envelope.Challenge))
			return
		}
		mu.Lock()
		defer mu.Unlock()
		ids = append(ids, envelope.EventID)
		retries = append(retries, [2]string{hr.Header.Get("X-Slack-Retry-Num"), hr.Header.Get("X-Slack-Retry-Reason")})
		if len(retries) < 3 {
			rw.WriteHeader(http.StatusInternalServerError)
		}
	})
	v.ws.DeliverTo(fakeslack.Endpoints{Events: url})
	require.NoError(t, v.ws.VerifyURL(t.Context()))
	v.ann.OpensHome()
	require.NoError(t, v.ws.WaitFor(soon(t), func() bool {
		d := v.ws.Deliveries("events_api", "app_home_opened")
		return len(d) == 1 && d[0].Acked
	}))
	mu.Lock()
	defer mu.Unlock()
	require.Equal(t, [][2]string{{"", ""}, {"1", "http_error"}, {"2", "http_error"}}, retries)
	require.Equal(t, ids[0], ids[2], "the same event")
}

func TestASlowOrDeadAppShowsThePersonAnError(t *testing.T) {
	v := settle(t, fakeslack.Options{AckWithin: 20 * time.Millisecond})
	release := make(chan struct{})
	url := signed(t, v.ws, func(http.ResponseWriter, *http.Request, []byte) { <-release })
	t.Cleanup(func() { close(release) })
	v.ws.DeliverTo(fakeslack.Endpoints{Command: url})
	require.Equal(t, fakeslack.ToastTimeout, v.ann.Runs("/campaign list", "ops").Toast)
	v.ws.DeliverTo(fakeslack.Endpoints{Command: "http://127.0.0.1:1"})
	require.Equal(t, fakeslack.ToastFailed, v.ann.Runs("/campaign list", "ops").Toast)
}

func TestAResponseURLServesFiveTimesForHalfAnHour(t *testing.T) {
	clock := newClock()
	v := settle(t, fakeslack.Options{Now: clock.Now})
	heard := make(chan slack.SlashCommand, 2)
	v.ws.DeliverTo(fakeslack.Endpoints{Command: commandServer(t, heard)})
	answer := func(url string) error {
		_, _, err := v.api.PostMessage("", slack.MsgOptionResponseURL(url, slack.ResponseTypeEphemeral), words("later"))
		return err
	}
	require.True(t, v.ann.Runs("/campaign list", "ops").OK())
	url := (<-heard).ResponseURL
	for range 5 {
		require.NoError(t, answer(url))
	}
	require.Error(t, answer(url))
	require.Len(t, v.ann.Ephemerals("ops"), 5)
	calls := v.ws.Calls("response_url")
	require.Equal(t, "used_url", calls[len(calls)-1].Error)

	require.True(t, v.ann.Runs("/campaign list", "ops").OK())
	clock.Advance(31 * time.Minute)
	require.Error(t, answer((<-heard).ResponseURL))
	calls = v.ws.Calls("response_url")
	require.Equal(t, "expired_url", calls[len(calls)-1].Error)
}

package web_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus/hooks/test"
	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/bot/fakeslack"
	"github.com/musterbot/muster/bot/web"
	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/store/bolt"
)

func start(t *testing.T, o web.Options) string {
	t.Helper()
	o.Listen = "127.0.0.1:0"
	server, err := web.Listen(t.Context(), o)
	require.NoError(t, err)
	server.Start()
	t.Cleanup(func() { require.NoError(t, server.Stop(context.WithoutCancel(t.Context()))) })
	return "http://" + server.Addr()
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(body)
}

func openStore(t *testing.T) *bolt.Store {
	t.Helper()
	store, err := bolt.Open(filepath.Join(t.TempDir(), "muster.db"), bolt.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	return store
}

func TestHealthAsksNobody(t *testing.T) {
	base := start(t, web.Options{Ready: []web.Check{{Name: "slack", Run: func(context.Context) error { return errors.New("down") }}}})
	code, body := get(t, base+"/healthz")
	require.Equal(t, http.StatusOK, code)
	require.Equal(t, "ok\n", body)
}

func TestReadinessNamesWhatIsNotWell(t *testing.T) {
	var broken error
	log, logged := test.NewNullLogger()
	base := start(t, web.Options{Log: log, Ready: []web.Check{
		{Name: "store", Run: func(context.Context) error { return nil }},
		{Name: "slack", Run: func(context.Context) error { return broken }},
	}})
	code, body := get(t, base+"/readyz")
	require.Equal(t, http.StatusOK, code)
	require.Equal(t, "store: ok\nslack: ok\n", body)

	broken = errors.New("dial 10.0.0.7: refused")
	code, body = get(t, base+"/readyz")
	require.Equal(t, http.StatusServiceUnavailable, code)
	require.Contains(t, body, "store: ok\n")
	require.Contains(t, body, "slack: Something went wrong")
	require.NotContains(t, body, "10.0.0.7", "causes are for the log")
	require.ErrorContains(t, logged.LastEntry().Data["error"].(error), "10.0.0.7")

	broken = campaign.Refuse(campaign.Unavailable, "No connection to Slack is up.")
	_, body = get(t, base+"/readyz")
	require.Contains(t, body, "slack: No connection to Slack is up.\n")
}

func TestACheckThatHangsIsNotReady(t *testing.T) {
	base := start(t, web.Options{Ready: []web.Check{{Name: "store", Run: func(ctx context.Context) error {
		<-ctx.Done()
		return context.Cause(ctx)
	}}}})
	code, _ := get(t, base+"/readyz")
	require.Equal(t, http.StatusServiceUnavailable, code)
}

func TestAStopIsAnnouncedAndRunningRequestsAreAnswered(t *testing.T) {
	began, finish := make(chan struct{}), make(chan struct{})
	server, err := web.Listen(t.Context(), web.Options{
		Listen: "127.0.0.1:0", Leave: time.Second,
		Routes: map[string]http.Handler{"GET /slow": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			close(began)
			<-finish
			_, _ = io.WriteString(w, "done")
		})},
	})
	require.NoError(t, err)
	server.Start()
	base := "http://" + server.Addr()
	answer := make(chan string, 1)
	go func() {
		_, body := get(t, base+"/slow")
		answer <- body
	}()
	<-began
	stopped := make(chan error, 1)
	go func() { stopped <- server.Stop(context.WithoutCancel(t.Context())) }()
	require.Eventually(t, func() bool {
		code, _ := get(t, base+"/readyz")
		return code == http.StatusServiceUnavailable
	}, 900*time.Millisecond, 5*time.Millisecond)
	code, _ := get(t, base+"/healthz")
	require.Equal(t, http.StatusOK, code, "it serves while it says that it leaves")
	close(finish)
	require.Equal(t, "done", <-answer)
	require.NoError(t, <-stopped)
}

func TestAPortInUseSaysWhatToDo(t *testing.T) {
	taken := strings.TrimPrefix(start(t, web.Options{}), "http://")
	_, err := web.Listen(t.Context(), web.Options{Listen: taken})
	require.Equal(t, campaign.Invalid, campaign.KindOf(err))
	require.Contains(t, campaign.PublicMessage(err), taken+" is in use by another program")
	require.Contains(t, campaign.PublicMessage(err), "MUSTER_LISTEN")
}

func TestUnknownPathsAndMethods(t *testing.T) {
	base := start(t, web.Options{})
	code, _ := get(t, base+"/metrics")
	require.Equal(t, http.StatusNotFound, code)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/readyz", strings.NewReader("x"))
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusMethodNotAllowed, resp.StatusCode)
}

func TestMetricsTellWorkAndCallsWithoutNames(t *testing.T) {
	plain := openStore(t)
	log, _ := test.NewNullLogger()
	metrics := web.NewMetrics(plain, "muster test", log)
	store := metrics.Store(plain)
	base := start(t, web.Options{Gather: metrics.Handler()})

	now := campaign.RealClock{}.Now()
	require.NoError(t, store.Apply(t.Context(), campaign.Change{Scope: "log4j-embargoed", Due: []campaign.DueEntry{
		{ID: "effect/1", Lane: campaign.Bulk, At: now.Add(-time.Second)}, {ID: "inbox/1", Lane: campaign.Interactive, At: now.Add(-time.Second)},
	}}))
	claims, err := store.Claim(t.Context(), campaign.ClaimRequest{Now: now, Lease: time.Minute, N: 10})
	require.NoError(t, err)
	require.Len(t, claims.Entries, 2)
	metrics.ObserveInbox(20 * time.Millisecond)

	ws, err := fakeslack.Start(fakeslack.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, ws.Close()) })
	client := &http.Client{Transport: metrics.Transport(http.DefaultTransport)}
	for _, call := range []struct{ path, token string }{
		{"auth.test", "xoxb-fake-bot"}, {"auth.test", "xoxb-wrong"}, {"secret.name.of.nobody/x", ""},
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, ws.APIURL()+call.path, nil)
		require.NoError(t, err)
		request.Header.Set("Authorization", "Bearer "+call.token)
		resp, err := client.Do(request)
		require.NoError(t, err)
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		if strings.HasSuffix(call.path, ".test") {
			require.Contains(t, string(body), `"ok":`, "the body is whole after it was looked at")
		}
	}

	code, body := get(t, base+"/metrics")
	require.Equal(t, http.StatusOK, code)
	for _, want := range []string{
		`muster_claims_total{expired="false",lane="bulk"} 1`,
		`muster_claims_total{expired="false",lane="interactive"} 1`,
		`muster_inbox_lag_seconds_count 1`,
		`muster_slack_calls_total{method="auth.test",outcome="ok"} 1`,
		`muster_slack_calls_total{method="auth.test",outcome="refused"} 1`,
		`muster_slack_calls_total{method="other",`,
		`muster_effects_open{status="dead"} 0`,
		`muster_effects_open{status="pending"} 0`,
		`muster_store_apply_seconds_count{outcome="ok"} 1`,
		`muster_build_info{version="muster test"} 1`,
	} {
		require.Contains(t, body, want)
	}
	require.NotContains(t, body, "embargoed")
	require.NotContains(t, body, "nobody")
}

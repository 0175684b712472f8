package main

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/bot/fakeslack"
	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/sample"
	"github.com/musterbot/muster/configs"
	"github.com/musterbot/muster/configs/secret"
	"github.com/musterbot/muster/store/bolt"
)

// office is a workspace with people in it, and Muster running in this process.
type office struct {
	desk
	ws   *fakeslack.Workspace
	cfg  configs.Config
	ann  *fakeslack.Person // may command
	bob  *fakeslack.Person // has no role
	ops  string            // a channel that both are in
	app  *app
	logs *journal
}

// journal is what was logged, to be read while more is.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// newOffice opens an office in which Muster does not run yet.
func newOffice(t *testing.T, mode string) *office {
	t.Helper()
	ws, err := fakeslack.Start(fakeslack.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, ws.Close()) })
	return newOfficeIn(t, ws, mode)
}

// newOfficeIn is newOffice in a workspace of its own kind.
func newOfficeIn(t *testing.T, ws *fakeslack.Workspace, mode string) *office {
	t.Helper()
	o := &office{desk: newDesk(t), ws: ws, logs: &journal{}}
	o.ann = ws.AddUser("ann", fakeslack.Profile{TZ: "Europe/Dublin", Email: "ann@acme.example"})
	o.bob = ws.AddUser("bob", fakeslack.Profile{TZ: "America/New_York", Email: "bob@acme.example"})
	o.ops = ws.AddChannel("ops", o.ann, o.bob)
	ws.AddChannel("muster-command", o.ann)

	o.cfg = configs.Default()
	o.cfg.Store = secret.NewURL("bolt://" + o.db)
	o.cfg.Listen = "127.0.0.1:0"
	o.cfg.Slack = configs.Slack{
		Mode: mode, APIURL: ws.APIURL(), BotToken: secret.New(ws.BotToken()),
		AppToken: secret.New(ws.AppToken()), SigningSecret: secret.New(ws.SigningSecret()),
	}
	o.cfg.Roles.Commander = []string{o.ann.ID}
	o.cfg.Work.Poll = 50 * time.Millisecond
	return o
}

// opens starts Muster, which runs until the test ends or closes is called.
func (o *office) opens() {
	o.t.Helper()
	log := logrus.New()
	log.SetOutput(o.logs)
	a, err := startApp(o.t.Context(), appOptions{Config: o.cfg, Log: log, Stagger: 10 * time.Millisecond, StartFor: time.Millisecond})
	require.NoError(o.t, err)
	o.app = a
	o.t.Cleanup(o.closes)
	if o.cfg.Slack.Mode == "http" {
		base := "http://" + a.web.Addr() + "/slack/"
		o.ws.DeliverTo(fakeslack.Endpoints{Events: base + "events", Interactivity: base + "interactivity", Command: base + "command"})
		return
	}
	o.connected(2)
}

// connected waits until so many sockets are up: the workspace does not tell.
func (o *office) connected(n int) {
	o.t.Helper()
	require.Eventually(o.t, func() bool { return o.app.socket.Connected() == n }, 20*time.Second, 5*time.Millisecond)
}

func (o *office) closes() {
	o.t.Helper()
	if o.app == nil {
		return
	}
	began := time.Now()
	require.NoError(o.t, o.app.Stop(context.WithoutCancel(o.t.Context())))
	require.Less(o.t, time.Since(began), 10*time.Second)
	o.app = nil
}

// hears waits for an answer that only the person sees.
func (o *office) hears(p *fakeslack.Person, part string) fakeslack.Message {
	o.t.Helper()
	ctx, cancel := context.WithTimeout(o.t.Context(), 20*time.Second)
	defer cancel()
	m, err := p.WaitsForEphemeral(ctx, o.ops, fakeslack.Containing(part))
	require.NoError(o.t, err, "log:\n%s", o.logs)
	return *m
}

// asks is what the web server answers.
func (o *office) asks(path string) (int, string) {
	o.t.Helper()
	request, err := http.NewRequestWithContext(o.t.Context(), http.MethodGet, "http://"+o.app.web.Addr()+path, nil)
	require.NoError(o.t, err)
	resp, err := http.DefaultClient.Do(request)
	require.NoError(o.t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(o.t, err)
	return resp.StatusCode, string(body)
}

func TestACampaignIsStartedAndShown(t *testing.T) {
	for _, mode := range []string{"socket", "http"} {
		t.Run(mode, func(t *testing.T) {
			o := newOffice(t, mode)
			o.opens()

			// The operator imports the company while the service runs.
			catalog, scans := o.sampleFiles()
			_, out, errs := o.types("import", "catalog", catalog)
			require.Regexp(t, `: [1-9]\d* new`, out, errs)
			_, out, errs = o.types("import", "inventory", scans)
			require.Regexp(t, `^scans: [1-9]\d* new`, out, errs)

			// Hour zero: a name, and nothing else.
			require.True(t, o.ann.Runs(`/campaign new “log4j RCE”`, o.ops).OK())
			o.hears(o.ann, "log4j RCE")
			require.True(t, o.ann.Runs("/campaign show", o.ops).OK())
			o.hears(o.ann, "log4j-rce")

			// Bob has no role, and hears whom to ask.
			require.True(t, o.bob.Runs("/campaign launch", o.ops).OK())
			o.hears(o.bob, "commander")
			require.True(t, o.bob.Runs("/campaign dance", o.ops).OK())
			o.hears(o.bob, "dance")

			all, err := o.app.engine.Campaigns(t.Context())
			require.NoError(t, err)
			require.Len(t, all, 1)
			require.Equal(t, campaign.NewPerson(o.ws.TeamID(), o.ann.ID), all[0].Commander)

			code, ready := o.asks("/readyz")
			require.Equal(t, http.StatusOK, code, ready)
			_, metrics := o.asks("/metrics")
			require.Contains(t, metrics, "muster_inbox_lag_seconds_count 4")
			require.NotContains(t, metrics, "log4j")
		})
	}
}

func TestARestartKeepsEverything(t *testing.T) {
	o := newOffice(t, "socket")
	o.opens()
	require.True(t, o.ann.Runs(`/campaign new "log4j RCE"`, o.ops).OK())
	o.hears(o.ann, "log4j RCE")
	o.closes()
	require.NoFileExists(t, o.db+".sock")

	o.opens()
	require.True(t, o.ann.Runs("/campaign list", o.ops).OK())
	o.hears(o.ann, "log4j RCE")
}

// What is imported while the service is down is there when it is back.
func TestAnImportWithoutTheServiceWaitsForIt(t *testing.T) {
	o := newOffice(t, "socket")
	catalog, scans := o.sampleFiles()
	o.types("import", "catalog", catalog)
	o.types("import", "inventory", scans)
	o.opens()
	require.NoError(t, os.WriteFile(o.dir+"/log4shell.json", sample.Log4Shell(), 0o600))
	_, again, errs := o.types("import", "inventory", scans)
	require.Regexp(t, `^scans: 0 new, 0 changed, [1-9]\d* unchanged`, again, errs)
}

func TestReadinessFollowsTheConnection(t *testing.T) {
	o := newOffice(t, "socket")
	o.opens()
	code, _ := o.asks("/readyz")
	require.Equal(t, http.StatusOK, code)

	o.ws.RevokeTokens() // cuts the sockets
	o.connected(0)
	code, words := o.asks("/readyz")
	require.Equal(t, http.StatusServiceUnavailable, code)
	require.Contains(t, words, "store: ok, ")
	require.Contains(t, words, "slack: No Socket Mode connection to Slack is up.")
	code, _ = o.asks("/healthz")
	require.Equal(t, http.StatusOK, code)
}

func TestTheAddressOfTheAPIMayLackItsSlash(t *testing.T) {
	o := newOffice(t, "socket")
	o.cfg.Slack.APIURL = strings.TrimSuffix(o.ws.APIURL(), "/")
	require.NoError(t, o.cfg.Validate())
	o.opens()
	require.True(t, o.ann.Runs(`/campaign new "log4j RCE"`, o.ops).OK())
	o.hears(o.ann, "log4j RCE")
}

func TestABadSignatureGetsNoWork(t *testing.T) {
	o := newOffice(t, "http")
	o.cfg.Slack.SigningSecret = secret.New("another secret")
	o.opens()
	require.False(t, o.ann.Runs(`/campaign new "log4j RCE"`, o.ops).OK())
	all, err := o.app.engine.Campaigns(t.Context())
	require.NoError(t, err)
	require.Empty(t, all)
}

// serveOnce runs the command with some variables changed, until it gives up by
// itself; it is interrupted when it does not.
func (o *office) serveOnce(change map[string]string) (code int, errs string) {
	o.t.Helper()
	ctx, cancel := context.WithTimeout(o.t.Context(), 20*time.Second)
	defer cancel()
	variables := map[string]string{
		"MUSTER_STORE": "bolt://" + o.db, "MUSTER_LISTEN": "127.0.0.1:0", "MUSTER_SLACK_API_URL": o.ws.APIURL(),
		"MUSTER_SLACK_BOT_TOKEN": o.ws.BotToken(), "MUSTER_SLACK_APP_TOKEN": o.ws.AppToken(), "MUSTER_ROLES_COMMANDER": o.ann.ID,
	}
	maps.Copy(variables, change)
	var environ []string
	for name, value := range variables {
		environ = append(environ, name+"="+value)
	}
	var stderr bytes.Buffer
	code = run(ctx, streams{in: strings.NewReader(""), out: io.Discard, err: &stderr, environ: environ}, []string{"serve"})
	return code, stderr.String()
}

func TestServeSaysWhyItCannotStart(t *testing.T) {
	tests := map[string]struct {
		prepare func(*testing.T, *office)
		change  func(*office) map[string]string
		code    int
		want    []string
	}{
		"a token that Slack does not know": {
			change: func(*office) map[string]string { return map[string]string{"MUSTER_SLACK_BOT_TOKEN": "xoxb-wrong"} }, code: exitFailure,
			want: []string{"does not accept Muster's token", "MUSTER_SLACK_BOT_TOKEN"},
		},
		"a token that was revoked": {
			prepare: func(_ *testing.T, o *office) { o.ws.RevokeTokens() }, code: exitFailure,
			want: []string{"has revoked Muster's token", "install the app again"},
		},
		"a scope that is missing": {
			prepare: func(_ *testing.T, o *office) { o.ws.GrantScopes("commands", "chat:write") }, code: exitFailure,
			want: []string{"lacks the Slack permission `users:read`", "muster manifest"},
		},
		"a store that another process holds": {
			prepare: func(t *testing.T, o *office) {
				store, err := bolt.Open(o.db, bolt.Options{})
				require.NoError(t, err)
				t.Cleanup(func() { require.NoError(t, store.Close()) })
			}, code: exitFailure,
			want: []string{"in use by another process", "nothing was changed"},
		},
		"a port that is taken": {
			change: func(o *office) map[string]string {
				other := newOffice(o.t, "socket")
				other.opens()
				return map[string]string{"MUSTER_LISTEN": other.app.web.Addr()}
			}, code: exitUsage,
			want: []string{"is in use by another program", "MUSTER_LISTEN"},
		},
		"a Redis that does not run": {
			change: func(*office) map[string]string {
				return map[string]string{"MUSTER_STORE": "redis://muster:xoxb-secret@127.0.0.1:1/0"}
			}, code: exitFailure,
			want: []string{"redis://127.0.0.1:1", "cannot be reached"},
		},
		"a Redis address that is wrong": {
			change: func(*office) map[string]string {
				return map[string]string{"MUSTER_STORE": "redis://127.0.0.1/0?x=xoxb-1"}
			}, code: exitUsage,
			want: []string{"address of the Redis store is wrong"},
		},
		"no commander": {
			change: func(*office) map[string]string { return map[string]string{"MUSTER_ROLES_COMMANDER": ""} }, code: exitUsage,
			want: []string{"roles.commander", "nobody may start a campaign"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t, "socket")
			if tt.prepare != nil {
				tt.prepare(t, o)
			}
			var change map[string]string
			if tt.change != nil {
				change = tt.change(o)
			}
			code, errs := o.serveOnce(change)
			require.Equal(t, tt.code, code, errs)
			for _, want := range tt.want {
				require.Contains(t, errs, want)
			}
			require.NotContains(t, errs, "xoxb-", "tokens are never printed")
			require.NoFileExists(t, o.db+".sock")
		})
	}
}

// Interrupted, serve ends with 0 and leaves nothing behind.
func TestServeEndsWhenInterrupted(t *testing.T) {
	o := newOffice(t, "socket")
	ctx, interrupt := context.WithCancel(t.Context())
	log, out := logrus.New(), &bytes.Buffer{}
	log.SetOutput(out)
	done := make(chan error, 1)
	go func() { done <- serve(ctx, appOptions{Config: o.cfg, Log: log}) }()
	require.Eventually(t, func() bool { return o.ws.CallCount("apps.connections.open") > 0 }, 20*time.Second, 5*time.Millisecond)
	interrupt()
	require.NoError(t, <-done)
	require.Contains(t, out.String(), "muster is running")
	require.Contains(t, out.String(), "team="+o.ws.TeamID())
	require.NotContains(t, out.String(), o.ws.BotToken())
	require.NoFileExists(t, o.db+".sock")
	store, err := bolt.Open(o.db, bolt.Options{})
	require.NoError(t, err, "the store is free again")
	require.NoError(t, store.Close())
}

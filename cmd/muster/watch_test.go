package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/sirupsen/logrus/hooks/test"
	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/bot/web"
	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/inventory"
	"github.com/musterbot/muster/campaign/tracker/builtin"
	"github.com/musterbot/muster/configs"
	"github.com/musterbot/muster/store/bolt"
)

// quietApp has a store and an engine, and nothing of Slack.
func quietApp(t *testing.T) (*app, *test.Hook) {
	t.Helper()
	store, err := bolt.Open(filepath.Join(t.TempDir(), "muster.db"), bolt.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	log, hook := test.NewNullLogger()
	log.SetLevel(logrus.InfoLevel)
	cfg := configs.Default()
	nobody := offline{}
	tickets, err := builtin.New(builtin.Options{Store: store})
	require.NoError(t, err)
	engine, err := newEngine(cfg, store, tickets, slackParts{
		messenger: nobody, channels: nobody, directory: nobody, roles: nobody, command: campaign.ChannelRef{ID: "CCOMMAND"},
	}, campaign.RealClock{}, log, nil)
	require.NoError(t, err)
	return &app{opts: appOptions{Config: cfg}, log: log, store: store, engine: engine}, hook
}

func kept(t *testing.T, a *app, kind campaign.RecordKind) int {
	t.Helper()
	page, err := a.store.List(t.Context(), campaign.Sys, kind, "", 0)
	require.NoError(t, err)
	return len(page)
}

func TestAFileInTheWatchedFolderIsTakenWhenItHasSettled(t *testing.T) {
	a, _ := quietApp(t)
	dir := t.TempDir()
	w := newWatcher(a, dir)
	path := filepath.Join(dir, "hosts.csv")
	text := "asset,purl,scanned_at\nweb-1,pkg:maven/a/b@1,2021-12-13T08:00:00Z\nweb-2,,2021-12-13T08:00:00Z\n"
	require.NoError(t, os.WriteFile(path, []byte(text[:20]), 0o600))
	w.look(t.Context())
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	w.look(t.Context())
	require.Zero(t, kept(t, a, campaign.KindScan), "it changed between the two looks")
	w.look(t.Context())
	require.Equal(t, 1, kept(t, a, campaign.KindTaken))
	scans := kept(t, a, campaign.KindScan)
	require.Positive(t, scans)

	require.NoError(t, os.Chtimes(path, time.Now(), time.Now().Add(time.Minute)))
	w.look(t.Context())
	w.look(t.Context())
	require.Equal(t, 1, kept(t, a, campaign.KindTaken), "the same content is the same file")
}

func TestWhatTheWatchedFolderRefusedIsTold(t *testing.T) {
	a, _ := quietApp(t)
	dir := t.TempDir()
	w := newWatcher(a, dir)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "broken.json"), []byte(`{"bomFormat": "CycloneDX", "components": [`), 0o600))
	w.look(t.Context())
	w.look(t.Context())
	w.look(t.Context())
	require.Equal(t, 1, kept(t, a, campaign.KindEffect), "one message in the command channel")
}

func TestAFileThatCannotBeTakenInIsNotTriedForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, hook := quietApp(t)
		dir := t.TempDir()
		w := newWatcher(a, dir)
		path := filepath.Join(dir, "hosts.csv")
		require.NoError(t, os.WriteFile(path, []byte("asset,purl\nweb-1,pkg:maven/a/b@1\n"), 0o600))
		t.Setenv("TMPDIR", filepath.Join(dir, ".nowhere")) // nothing can be spooled
		looks := 0
		for ; looks < 1000 && kept(t, a, campaign.KindEffect) == 0; looks++ {
			w.look(t.Context())
			time.Sleep(watchEvery)
		}
		require.Less(t, looks, 100)
		warned := len(hook.AllEntries())
		require.LessOrEqual(t, warned, watchTries+1, "it is not tried at each look")
		for range 10 {
			w.look(t.Context())
			time.Sleep(watchLongest)
		}
		require.Len(t, hook.AllEntries(), warned, "given up")

		t.Setenv("TMPDIR", t.TempDir())
		require.NoError(t, os.WriteFile(path, []byte("asset,purl\nweb-1,pkg:maven/a/b@1\nweb-2,pkg:maven/a/b@1\n"), 0o600))
		w.look(t.Context())
		w.look(t.Context())
		require.Equal(t, 1, kept(t, a, campaign.KindTaken), "it changed, so it is tried again")
		require.Equal(t, 1, kept(t, a, campaign.KindEffect), "told once")
	})
}

func TestAFileOfTheWatchedFolderHasABound(t *testing.T) {
	a, _ := quietApp(t)
	dir := t.TempDir()
	w := newWatcher(a, dir)
	path := filepath.Join(dir, "huge.json")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	require.NoError(t, os.Truncate(path, inventory.MaxFileBytes+1)) // takes no room
	for range 3 {
		w.look(t.Context())
	}
	require.Equal(t, 1, kept(t, a, campaign.KindEffect), "told once")
}

func TestScansArePosted(t *testing.T) {
	a, _ := quietApp(t)
	token := web.Token{Name: "ci", SHA256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", May: []string{"scans"}} // of "test"
	handler := web.Bearer([]web.Token{token}, "scans", web.Scans(a.takeScans(), a.log))
	post := func(body, bearer string) (int, string) {
		r := httptest.NewRequest(http.MethodPost, "/v1/scans?name=hosts.csv", strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+bearer)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w.Code, w.Body.String()
	}
	text := "asset,purl,scanned_at\nweb-1,pkg:maven/a/b@1,2021-12-13T08:00:00Z\nweb-2,pkg:maven/a/b@1,yesterday\n"
	status, body := post(text, "wrong")
	require.Equal(t, http.StatusUnauthorized, status, body)
	status, body = post(text, "test")
	require.Equal(t, http.StatusOK, status, body)
	require.Contains(t, body, `"new":`)
	require.Contains(t, body, `"position"`)
	require.Contains(t, body, `hosts.csv`)
	status, again := post(text, "test")
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, strings.Replace(body, `"already":false`, `"already":true`, 1), again, "the same content is imported once")
	status, body = post("{]", "test")
	require.Equal(t, http.StatusBadRequest, status, body)
}

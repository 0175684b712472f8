package redmine_test

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign/tracker/rest"
	"github.com/musterbot/muster/configs/secret"
)

// server is a real Redmine.
type server struct {
	url           string
	muster, admin secret.Secret // API keys
}

var listening = regexp.MustCompile(`Listening on (http://127\.0\.0\.1:\d+)`)

// startRedmine serves a Redmine of its own for this test. Where it is not
// installed the test is skipped, except in CI.
func startRedmine(t *testing.T) server {
	t.Helper()
	script, err := filepath.Abs("../../../.ci/redmine")
	require.NoError(t, err)
	dir := t.TempDir()
	serve := exec.Command(script, "serve", dir)
	serve.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	serve.WaitDelay = 10 * time.Second
	out, err := serve.StdoutPipe()
	require.NoError(t, err)
	said := &strings.Builder{}
	serve.Stderr = said
	require.NoError(t, serve.Start())

	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if found := listening.FindStringSubmatch(lines.Text()); found != nil {
			s := server{url: found[1], muster: keyIn(t, dir, "muster.key"), admin: keyIn(t, dir, "admin.key")}
			drained := make(chan struct{})
			go func() {
				defer close(drained)
				for lines.Scan() { // else it would stop when the pipe is full
				}
			}()
			t.Cleanup(func() {
				require.NoError(t, syscall.Kill(-serve.Process.Pid, syscall.SIGTERM))
				<-drained
				_ = serve.Wait() // it ends by the signal
			})
			return s
		}
	}
	err = serve.Wait()
	exit, _ := errors.AsType[*exec.ExitError](err)
	if exit != nil && exit.ExitCode() == 3 && os.Getenv("CI") == "" {
		t.Skip("no Redmine here: run .ci/redmine install as root")
	}
	require.FailNow(t, "Redmine does not start", "%v: %s", err, said)
	return server{}
}

func keyIn(t *testing.T, dir, name string) secret.Secret {
	t.Helper()
	key, err := os.ReadFile(filepath.Join(dir, name))
	require.NoError(t, err)
	return secret.New(strings.TrimSpace(string(key)))
}

func (s server) client(t *testing.T, key secret.Secret) *rest.Client {
	t.Helper()
	o := rest.Options{System: "Redmine", BaseURL: s.url, Auth: rest.Header("X-Redmine-API-Key", key)}
	c, err := rest.New(o)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

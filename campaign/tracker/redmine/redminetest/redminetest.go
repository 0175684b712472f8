// Package redminetest starts a real Redmine for tests, by the script .ci/redmine.
package redminetest

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

	"github.com/musterbot/muster/configs/secret"
)

// Server is a Redmine of its own for one test, with the project "sec" set up as
// docs/trackers.md asks for it.
type Server struct {
	URL    string
	Muster secret.Secret // API key of an account with the documented permissions
	Admin  secret.Secret // API key of the administrator, to act as people do
}

var listening = regexp.MustCompile(`Listening on (http://127\.0\.0\.1:\d+)`)

// Start serves a Redmine until the test ends. Where it is not installed the test
// is skipped, except in CI.
func Start(t *testing.T) Server {
	t.Helper()
	dir := t.TempDir()
	serve := exec.Command(script(t), "serve", dir)
	serve.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	serve.WaitDelay = 10 * time.Second
	out, err := serve.StdoutPipe()
	require.NoError(t, err)
	said := &strings.Builder{}
	serve.Stderr = said
	require.NoError(t, serve.Start())

	lines := bufio.NewScanner(out)
	for lines.Scan() {
		found := listening.FindStringSubmatch(lines.Text())
		if found == nil {
			continue
		}
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
		return Server{URL: found[1], Muster: key(t, dir, "muster.key"), Admin: key(t, dir, "admin.key")}
	}
	err = serve.Wait()
	exit, _ := errors.AsType[*exec.ExitError](err)
	if exit != nil && exit.ExitCode() == 3 && os.Getenv("CI") == "" {
		t.Skip("no Redmine here: run .ci/redmine install as root")
	}
	require.FailNow(t, "Redmine does not start", "%v: %s", err, said)
	return Server{}
}

// script finds .ci/redmine from wherever the test runs.
func script(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	require.NoError(t, err)
	for {
		if path := filepath.Join(dir, ".ci", "redmine"); exists(path) {
			return path
		}
		require.NotEqual(t, filepath.Dir(dir), dir, ".ci/redmine is not above this test")
		dir = filepath.Dir(dir)
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func key(t *testing.T, dir, name string) secret.Secret {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name))
	require.NoError(t, err)
	return secret.New(strings.TrimSpace(string(text)))
}

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

// outcome is what a shell would see of a command.
type outcome struct {
	code     int
	out, err string
}

// muster runs a command line in this process.
func muster(t *testing.T, environ []string, args ...string) outcome {
	t.Helper()
	var out, errs bytes.Buffer
	code := run(t.Context(), streams{in: strings.NewReader(""), out: &out, err: &errs, environ: environ}, args)
	return outcome{code, out.String(), errs.String()}
}

func TestMistakesInTheCommandLine(t *testing.T) {
	tests := map[string]struct {
		args []string
		says string
	}{
		"unknown subcommand":       {[]string{"bake"}, `muster has no subcommand "bake". It knows `},
		"misspelt subcommand":      {[]string{"manifset"}, `muster has no subcommand "manifset". Did you mean "manifest"?`},
		"unknown sub-subcommand":   {[]string{"config", "bake"}, `muster config has no subcommand "bake". It knows check`},
		"misspelt sub-subcommand":  {[]string{"config", "chek"}, `muster config has no subcommand "chek". Did you mean "check"?`},
		"help for an unknown one":  {[]string{"bake", "--help"}, `muster has no subcommand "bake"`},
		"unknown flag":             {[]string{"version", "--frobnicate"}, "unknown flag: --frobnicate"},
		"misspelt flag":            {[]string{"manifest", "--htp", "x"}, "unknown flag: --htp. Did you mean --http?"},
		"misspelt persistent flag": {[]string{"--confg", "x", "version"}, "unknown flag: --confg. Did you mean --config?"},
		"unknown shorthand":        {[]string{"version", "-z"}, "unknown shorthand flag"},
		"flag without its value":   {[]string{"manifest", "--http"}, "flag needs an argument"},
		"an argument too many":     {[]string{"version", "now"}, `unknown command "now" for "muster version"`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := muster(t, nil, tt.args...)
			require.Equal(t, exitUsage, got.code)
			require.Contains(t, got.err, "muster: "+tt.says)
			require.Contains(t, got.err, `--help".`)
			require.Empty(t, got.out)
		})
	}
}

func TestHelpIsNoMistake(t *testing.T) {
	for _, args := range [][]string{nil, {"--help"}, {"help"}, {"config"}, {"config", "check", "--help"}, {"help", "manifest"}} {
		got := muster(t, nil, args...)
		require.Equal(t, exitOK, got.code, args)
		require.Contains(t, got.out, "Usage:", args)
		require.Empty(t, got.err, args)
	}
}

// Help must be enough without a README.
func TestEveryCommandExplainsItself(t *testing.T) {
	var check func(cmd *cobra.Command)
	check = func(cmd *cobra.Command) {
		path := cmd.CommandPath()
		require.NotEmpty(t, cmd.Short, path)
		require.NotEmpty(t, cmd.Long, path)
		require.NotNil(t, cmd.RunE, "%s must use RunE, which can report an exit status", path)
		require.Nil(t, cmd.Run, path)
		if !cmd.HasSubCommands() {
			require.NotEmpty(t, cmd.Example, path)
			require.Contains(t, cmd.Long, "Exit status:", path)
			require.NotNil(t, cmd.Args, "%s must say which arguments it takes", path)
		}
		for line := range strings.SplitSeq(cmd.Long+"\n"+cmd.Example, "\n") {
			require.LessOrEqual(t, len(line), 90, "%s: %s", path, line)
		}
		for _, sub := range cmd.Commands() {
			check(sub)
		}
	}
	check(newRootCommand(streams{}))
}

func TestErrorsBecomeExitStatuses(t *testing.T) {
	tests := map[string]struct {
		err  error
		want int
	}{
		"none":            {nil, exitOK},
		"a failure":       {errors.New("disk on fire"), exitFailure},
		"bad input":       {fmt.Errorf("read: %w", badInput(errors.New("not JSON"))), exitUsage},
		"affected":        {errAffected, exitAffected},
		"invalid":         {fmt.Errorf("plan: %w", campaign.Refuse(campaign.Invalid, "no date")), exitUsage},
		"not found":       {campaign.Refuse(campaign.NotFound, "no such campaign"), exitUsage},
		"not now":         {campaign.Refuse(campaign.Unavailable, "try later"), exitFailure},
		"may have worked": {campaign.Refuse(campaign.Uncertain, "no answer"), exitFailure},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			require.Equal(t, tt.want, report(&out, newRootCommand(streams{}), tt.err, true))
			silent := tt.err == nil || tt.want == exitAffected
			require.Equal(t, silent, out.Len() == 0, out.String())
		})
	}
}

func TestVersion(t *testing.T) {
	for _, args := range [][]string{{"version"}, {"--version"}} {
		got := muster(t, nil, args...)
		require.Equal(t, exitOK, got.code)
		require.Regexp(t, `^muster \S+ \(go\S+, \w+/\w+\)\n$`, got.out)
	}
}

func TestManifest(t *testing.T) {
	socket := muster(t, nil, "manifest")
	require.Equal(t, exitOK, socket.code)
	require.True(t, json.Valid([]byte(socket.out)))
	require.Contains(t, socket.out, `"socket_mode_enabled": true`)

	http := muster(t, nil, "manifest", "--http", "https://muster.example.com")
	require.Equal(t, exitOK, http.code)
	require.Contains(t, http.out, `"https://muster.example.com/slack/events"`)

	bad := muster(t, nil, "manifest", "--http", "http://10.0.0.1")
	require.Equal(t, exitUsage, bad.code)
	require.Contains(t, bad.err, "Slack cannot call that address")
	require.Empty(t, bad.out)
}

func TestConfigCheck(t *testing.T) {
	const schedule = "digests:\n  - {audience: team, channel: news, schedule: \"0 25 * * *\"}\n"
	tokens := []string{"MUSTER_SLACK_BOT_TOKEN=xoxb-hunter2", "MUSTER_SLACK_APP_TOKEN=xapp-hunter2", "MUSTER_ROLES_COMMANDER=U1AB"}
	tests := map[string]struct {
		file    string
		environ []string
		args    []string
		code    int
		says    string
	}{
		"good":                      {file: "company: Acme\n", environ: tokens, says: "The configuration is good (FILE): store bolt://./muster.db, Slack by socket, 0 digests."},
		"tokens are missing":        {file: "company: Acme\n", code: exitUsage, says: "slack.bot_token: it is needed to speak to Slack."},
		"values only":               {file: "company: Acme\n", args: []string{"--values-only"}, says: "The configuration is good"},
		"unknown key":               {file: "compny: Acme\n", environ: tokens, code: exitUsage, says: `FILE:1: compny: there is no such key. Did you mean "company"?`},
		"unread and invalid":        {file: "compny: Acme\nlisten: x\n", environ: tokens, code: exitUsage, says: "the configuration has 2 problems:"},
		"a schedule cron refuses":   {file: schedule, environ: tokens, code: exitUsage, says: `FILE:2: digests[0].schedule: "0 25 * * *" is not a schedule`},
		"too few schedule fields":   {file: strings.Replace(schedule, "0 25 * * *", "daily", 1), environ: tokens, code: exitUsage, says: "the configuration has a problem:"},
		"secrets stay out of sight": {file: "slack: {bot_token: hunter2}\n", code: exitUsage, says: "this is another kind of token"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "muster.yaml")
			require.NoError(t, os.WriteFile(path, []byte(tt.file), 0o600))
			got := muster(t, tt.environ, append([]string{"config", "check", "--config", path}, tt.args...)...)
			require.Equal(t, tt.code, got.code, got.err)
			require.Contains(t, got.out+got.err, strings.ReplaceAll(tt.says, "FILE", path))
			require.NotContains(t, got.out+got.err, "hunter2")
		})
	}
}

func TestTheExampleConfigIsGood(t *testing.T) {
	got := muster(t, nil, "config", "check", "--values-only", "--config", "../../configs/muster.example.yaml")
	require.Equal(t, exitOK, got.code, got.err)
	require.Contains(t, got.out, "2 digests")
}

func TestTheDefaultFileMayBeAbsent(t *testing.T) {
	t.Chdir(t.TempDir())
	got := muster(t, nil, "config", "check", "--values-only")
	require.Equal(t, exitOK, got.code, got.err)
	require.Contains(t, got.out, "no file, variables only")

	for _, command := range [][]string{{"config", "check"}, {"serve"}} {
		missing := muster(t, nil, command...)
		require.Equal(t, exitUsage, missing.code)
		require.Contains(t, missing.err, "there is no muster.yaml in "+here())
		require.Contains(t, missing.err, "--config")
		require.Contains(t, missing.err, "the configuration has 3 problems:\n  slack.bot_token: ")
	}

	named := muster(t, nil, "config", "check", "--config", "muster.yaml")
	require.Equal(t, exitUsage, named.code)
	require.Contains(t, named.err, "muster.yaml: there is no such file.")

	require.NoError(t, os.WriteFile("muster.yaml", []byte("company: ''\n"), 0o600))
	found := muster(t, nil, "config", "check", "--values-only")
	require.Equal(t, exitUsage, found.code)
	require.Contains(t, found.err, "muster.yaml:1: company: it is empty.")
	require.NotContains(t, found.err, "there is no muster.yaml")
}

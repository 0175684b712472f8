package configs_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/musterbot/muster/configs"
	"github.com/musterbot/muster/configs/secret"
)

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "muster.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestAnEmptyConfigIsTheDefault(t *testing.T) {
	files := map[string]string{
		"no file": "", "empty file": write(t, ""), "comments only": write(t, "# nothing\n"),
		"keys without values": write(t, "slack:\n  mode:\nroles:\ndigests:\n"),
	}
	for name, path := range files {
		t.Run(name, func(t *testing.T) {
			cfg, err := configs.Load(path, nil)
			require.NoError(t, err)
			require.NoError(t, cfg.Validate())
			require.Equal(t, asYAML(t, configs.Default()), asYAML(t, cfg))
			require.Equal(t, "bolt://./muster.db", cfg.Store.Reveal())
		})
	}
}

func asYAML(t *testing.T, cfg configs.Config) string {
	t.Helper()
	text, err := yaml.Marshal(cfg)
	require.NoError(t, err)
	return string(text)
}

func TestTheExampleLoadsAndShowsTheDefaults(t *testing.T) {
	cfg, err := configs.Load("muster.example.yaml", nil)
	require.NoError(t, err)
	require.NoError(t, cfg.Validate())
	require.Len(t, cfg.Digests, 2)
	require.Equal(t, "Europe/Dublin", cfg.Digests[0].TimeZone)
	require.Equal(t, "UTC", cfg.Digests[1].TimeZone, "inherited")

	cfg.Digests = nil
	require.Equal(t, asYAML(t, configs.Default()), asYAML(t, cfg))
}

func TestTheExampleShowsEveryKey(t *testing.T) {
	text, err := os.ReadFile("muster.example.yaml")
	require.NoError(t, err)
	var shown, all map[string]any
	require.NoError(t, yaml.Unmarshal(text, &shown))
	cfg := configs.Default()
	cfg.Digests = []configs.Digest{{}}
	require.NoError(t, yaml.Unmarshal([]byte(asYAML(t, cfg)), &all))
	requireSameKeys(t, "", all, shown)
}

func requireSameKeys(t *testing.T, path string, want, got any) {
	t.Helper()
	if list, ok := want.([]any); ok && len(list) > 0 {
		requireSameKeys(t, path+"[0]", list[0], got.([]any)[0])
	}
	section, ok := want.(map[string]any)
	if !ok {
		return
	}
	for key, child := range section {
		require.Contains(t, got, key, "in %q", path)
		requireSameKeys(t, path+"."+key, child, got.(map[string]any)[key])
	}
}

func TestFileThenVariables(t *testing.T) {
	path := write(t, `
store: redis://app:${REDIS_PASSWORD}@cache:6379/0
company: "Acme ${REGION}, $${HOME} costs $5"
slack: {mode: http, bot_token: "${BOT}"}
roles:
  commander: [U111, S222]
work: {lease: 5s, workers: "${WORKERS}"}
tracker:
  kind: jira
  url: https://jira.example.com
  token: t0ken
  project: SEC
  owners: {payments: "${REGION} pay", team.x: y}
pace: {messages_per_channel_per_second: 0.5}
`)
	cfg, err := configs.Load(path, []string{
		"REDIS_PASSWORD=hunter2", "REGION=EMEA: north #1", "BOT=xoxb-file", "WORKERS=3",
		"MUSTER_SLACK_BOT_TOKEN=xoxb-variable", "MUSTER_ROLES_HELPER=U333, S444,",
		"MUSTER_WORK_LEASE=2s", "MUSTER_LISTEN=", "UNRELATED=1", "MUSTER_SERVICE_HOST=10.0.0.1",
		"MUSTER_PORT_8080_TCP=tcp://10.0.0.1:8080",
	})
	require.NoError(t, err)
	require.NoError(t, cfg.Validate())
	require.Equal(t, "redis://app:hunter2@cache:6379/0", cfg.Store.Reveal())
	require.Equal(t, "Acme EMEA: north #1, ${HOME} costs $5", cfg.Company)
	require.Equal(t, "http", cfg.Slack.Mode)
	require.Equal(t, "xoxb-variable", cfg.Slack.BotToken.Reveal())
	require.Equal(t, []string{"U111", "S222"}, cfg.Roles.Commander)
	require.Equal(t, []string{"U333", "S444"}, cfg.Roles.Helper)
	require.Equal(t, 2*time.Second, cfg.Work.Lease)
	require.Equal(t, 3, cfg.Work.Workers)
	require.Equal(t, map[string]string{"payments": "EMEA: north #1 pay", "team.x": "y"}, cfg.Tracker.Owners)
	require.InDelta(t, 0.5, cfg.Pace.MessagesPerChannelPerSecond, 0)
	require.Equal(t, "127.0.0.1:8080", cfg.Listen, "an empty variable counts as not set")
}

// The names of these variables are promised to operators.
func TestFixedVariablesOverride(t *testing.T) {
	tests := map[string]struct {
		value string
		got   func(configs.Config) string
	}{
		"MUSTER_STORE":                {"rediss://cache", func(c configs.Config) string { return c.Store.Reveal() }},
		"MUSTER_SLACK_MODE":           {"http", func(c configs.Config) string { return c.Slack.Mode }},
		"MUSTER_SLACK_BOT_TOKEN":      {"xoxb-1", func(c configs.Config) string { return c.Slack.BotToken.Reveal() }},
		"MUSTER_SLACK_APP_TOKEN":      {"xapp-1", func(c configs.Config) string { return c.Slack.AppToken.Reveal() }},
		"MUSTER_SLACK_SIGNING_SECRET": {"s1", func(c configs.Config) string { return c.Slack.SigningSecret.Reveal() }},
		"MUSTER_SLACK_API_URL":        {"http://127.0.0.1:1/api/", func(c configs.Config) string { return c.Slack.APIURL }},
		"MUSTER_LISTEN":               {":9090", func(c configs.Config) string { return c.Listen }},
	}
	path := write(t, "store: bolt://file.db\nlisten: 127.0.0.1:1\nslack:\n  mode: socket\n  bot_token: xoxb-f\n"+
		"  app_token: xapp-f\n  signing_secret: f\n  api_url: https://file.example/\n")
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			cfg, err := configs.Load(path, []string{name + "=" + tt.value})
			require.NoError(t, err)
			require.NoError(t, cfg.Validate())
			require.Equal(t, tt.value, tt.got(cfg))
		})
	}
}

// Each file in testdata has one thing wrong with it; its first line says what
// the person who wrote it is told.
func TestBadFilesSayWhatIsWrongAndWhere(t *testing.T) {
	files, err := filepath.Glob("testdata/bad-*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			first, _, _ := strings.Cut(string(text), "\n")
			want, ok := strings.CutPrefix(first, "# wants: ")
			require.True(t, ok, "the first line must begin with %q", "# wants: ")

			cfg, err := configs.Load(file, nil)
			var found configs.Problems
			if err != nil {
				require.ErrorAs(t, err, &found)
			}
			var judged configs.Problems
			if err := cfg.Validate(configs.ReadyToServe); err != nil {
				require.ErrorAs(t, err, &judged)
			}
			var said []string
			for _, p := range append(found, judged...) {
				if p.Where != "" { // the rest is what ReadyToServe misses in every such file
					said = append(said, p.String())
				}
			}
			require.Equal(t, []string{want}, said)
		})
	}
}

func TestEverythingWrongIsToldAtOnce(t *testing.T) {
	path := write(t, "stoer: x\nlisten: nowhere\nslack:\n  mode: carrier-pigeon\nreview:\n  quorum: 0\n")
	cfg, err := configs.Load(path, []string{"MUSTER_WORK_WORKERS=many"})
	var read, judged configs.Problems
	require.ErrorAs(t, err, &read)
	require.ErrorAs(t, cfg.Validate(), &judged)
	require.Len(t, read, 2)
	require.Len(t, judged, 3)
	require.Contains(t, read.Error(), "the configuration has 2 problems:\n  "+path+":1: stoer: there is no such key. Did you mean \"store\"?\n")
	require.Contains(t, read.Error(), "MUSTER_WORK_WORKERS: work.workers: the value cannot be read. Write a whole number.")
	require.Contains(t, judged.Error(), path+":6: review.quorum: 0 is too small. Write 1 or more.")
}

func TestAMisspeltVariableIsNoticed(t *testing.T) {
	_, err := configs.Load("", []string{"MUSTER_SLAKC_MODE=http"})
	var found configs.Problems
	require.ErrorAs(t, err, &found)
	require.Equal(t, "MUSTER_SLAKC_MODE: there is no such variable. Did you mean MUSTER_SLACK_MODE?", found[0].String())
}

func TestAMissingFileSaysWhatToDo(t *testing.T) {
	_, err := configs.Load(filepath.Join(t.TempDir(), "none.yaml"), nil)
	require.ErrorContains(t, err, "there is no such file. Name another with --config")
}

func TestAHugeFileIsRefused(t *testing.T) {
	_, err := configs.Load(write(t, strings.Repeat("#", 1<<20+1)), nil)
	require.ErrorContains(t, err, "larger than 1 MiB")
}

func TestServingNeedsTokensAndACommander(t *testing.T) {
	tests := map[string]struct {
		change func(*configs.Config)
		want   []string
	}{
		"nothing set": {func(*configs.Config) {}, []string{"slack.bot_token", "slack.app_token", "roles.commander"}},
		"http mode": {
			func(c *configs.Config) { c.Slack.Mode = "http" },
			[]string{"slack.bot_token", "slack.signing_secret", "roles.commander"},
		},
		"ready": {func(c *configs.Config) {
			c.Slack.BotToken, c.Slack.AppToken = secret.New("xoxb-1"), secret.New("xapp-1")
			c.Roles.Commander = []string{"S123"}
		}, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			cfg := configs.Default()
			tt.change(&cfg)
			var paths []string
			for _, p := range configs.ReadyToServe(cfg) {
				paths = append(paths, p.Path)
			}
			require.Equal(t, tt.want, paths)
		})
	}
}

func TestFurtherChecksJoinTheOthers(t *testing.T) {
	path := write(t, "digests:\n- audience: team\n  schedule: 61 * * * *\n  channel: x\n")
	cfg, err := configs.Load(path, nil)
	require.NoError(t, err)
	err = cfg.Validate(func(c configs.Config) []configs.Problem {
		return []configs.Problem{{Path: "digests[0].schedule", What: c.Digests[0].Schedule + " is no schedule"}}
	})
	require.ErrorContains(t, err, path+":3: digests[0].schedule: 61 * * * * is no schedule.")
}

func TestNoProblemRepeatsASecret(t *testing.T) {
	const hidden = "hunter2"
	path := write(t, fmt.Sprintf(`
store: "redis://app:%[1]s %%zz@cache"
slack:
  bot_token: %[1]s
  app_token: [%[1]s]
  signing_secret: {key: %[1]s}
`, hidden))
	for _, environ := range [][]string{nil, {"MUSTER_STORE=" + hidden, "MUSTER_SLACK_APP_TOKEN=" + hidden}} {
		cfg, err := configs.Load(path, environ)
		require.Error(t, err)
		require.NotContains(t, err.Error(), hidden)
		err = cfg.Validate(configs.ReadyToServe)
		require.Error(t, err)
		require.NotContains(t, err.Error(), hidden)

		asJSON, err := json.Marshal(cfg)
		require.NoError(t, err)
		printed := fmt.Sprintf("%v %+v %#v %s", cfg, cfg, &cfg, asJSON) + asYAML(t, cfg)
		require.NotContains(t, printed, hidden)
	}
}

func FuzzLoad(f *testing.F) {
	example, err := os.ReadFile("muster.example.yaml")
	require.NoError(f, err)
	f.Add(string(example), "MUSTER_STORE=bolt://x")
	f.Add("a: &a [*a]", "MUSTER_ROLES_HELPER=,")
	f.Add("slack: {mode: ${X}}\n---\n", "X=${X}")
	f.Add("digests: [{}, 1, [x]]\n? [k]\n: v\n<<: {store: x}", "")
	path := filepath.Join(f.TempDir(), "fuzz.yaml")
	f.Fuzz(func(t *testing.T, text, variable string) {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		cfg, err := configs.Load(path, []string{variable})
		if err == nil {
			again, err := configs.Load(path, []string{variable})
			require.NoError(t, err)
			require.Equal(t, fmt.Sprint(cfg), fmt.Sprint(again))
		}
		_ = cfg.Validate(configs.ReadyToServe)
	})
}

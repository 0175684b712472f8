package configs_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/dlclark/regexp2"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/configs"
)

// regexp2Engine understands the schema's look-aheads, which regexp does not.
func regexp2Engine(pattern string) (jsonschema.Regexp, error) {
	re, err := regexp2.Compile(pattern, regexp2.ECMAScript)
	if err != nil {
		return nil, err
	}
	return ecmaRegexp{re}, nil
}

type ecmaRegexp struct{ *regexp2.Regexp }

func (r ecmaRegexp) MatchString(s string) bool {
	matched, err := r.Regexp.MatchString(s)
	return err == nil && matched
}

func TestManifestFitsSlacksSchema(t *testing.T) {
	schema := filepath.Join("..", "..", "shared", "data", "slack", "manifest.schema.2.0.0.json")
	if _, err := os.Stat(schema); err != nil {
		t.Skip("Slack's manifest schema is not here: ", schema)
	}
	compiler := jsonschema.NewCompiler()
	compiler.UseRegexpEngine(regexp2Engine)
	compiled, err := compiler.Compile(schema)
	require.NoError(t, err)

	for name, address := range map[string]string{"socket mode": "", "http mode": "https://muster.example.com"} {
		t.Run(name, func(t *testing.T) {
			text, err := configs.Manifest(address)
			require.NoError(t, err)
			document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
			require.NoError(t, err)
			require.NoError(t, compiled.Validate(document))
		})
	}
	t.Run("a wrong manifest is noticed", func(t *testing.T) {
		document, err := jsonschema.UnmarshalJSON(bytes.NewReader([]byte(`{"display_information":{"name":""},"features":{"slash_commands":[{"command":"campaign"}]}}`)))
		require.NoError(t, err)
		require.Error(t, compiled.Validate(document))
	})
}

type manifestFile struct {
	OAuth struct {
		Scopes struct {
			Bot []string `json:"bot"`
		} `json:"scopes"`
	} `json:"oauth_config"`
	Features struct {
		Commands []struct{ Command, URL string } `json:"slash_commands"`
	} `json:"features"`
	Settings struct {
		Events struct {
			URL string   `json:"request_url"`
			Bot []string `json:"bot_events"`
		} `json:"event_subscriptions"`
		Interactivity struct {
			URL string `json:"request_url"`
		} `json:"interactivity"`
		SocketMode bool `json:"socket_mode_enabled"`
	} `json:"settings"`
}

func readManifest(t *testing.T, address string) manifestFile {
	t.Helper()
	text, err := configs.Manifest(address)
	require.NoError(t, err)
	var m manifestFile
	require.NoError(t, json.Unmarshal(text, &m))
	return m
}

// A scope more is a permission that nobody agreed to; one less is a feature
// that fails on the day. Slack's schema accepts invented names, so the list is
// written out.
func TestManifestAsksForTheseScopesOnly(t *testing.T) {
	want := []string{
		"commands", "chat:write", "im:write", "users:read", "users:read.email",
		"channels:manage", "channels:read", "channels:join", "groups:write", "groups:read",
		"pins:write", "bookmarks:write", "bookmarks:read", "reactions:read", "usergroups:read",
		"channels:history", "groups:history", "im:history", "usergroups:write",
		"files:write", "files:read",
	}
	require.ElementsMatch(t, want, readManifest(t, "").OAuth.Scopes.Bot)
}

// An event without its scope is never delivered.
func TestEachEventHasItsScope(t *testing.T) {
	needs := map[string]string{
		"app_home_opened": "",
		"channel_archive": "channels:read", "channel_left": "channels:read", "member_left_channel": "channels:read",
		"group_archive": "groups:read", "group_left": "groups:read",
		"message.channels": "channels:history", "message.groups": "groups:history", "message.im": "im:history",
		"team_join": "users:read", "user_change": "users:read",
	}
	m := readManifest(t, "")
	for _, event := range m.Settings.Events.Bot {
		need, known := needs[event]
		require.True(t, known, event)
		if need != "" && !slices.Contains(m.OAuth.Scopes.Bot, need) {
			t.Errorf("the event %s needs the scope %s", event, need)
		}
	}
	require.Len(t, m.Settings.Events.Bot, len(needs))
}

func TestManifestModes(t *testing.T) {
	socket := readManifest(t, "")
	require.True(t, socket.Settings.SocketMode)
	require.Empty(t, socket.Settings.Events.URL)
	require.Equal(t, "/campaign", socket.Features.Commands[0].Command)

	http := readManifest(t, "https://muster.example.com/slackbot/")
	require.False(t, http.Settings.SocketMode)
	require.Equal(t, "https://muster.example.com/slackbot/slack/events", http.Settings.Events.URL)
	require.Equal(t, "https://muster.example.com/slackbot/slack/interactivity", http.Settings.Interactivity.URL)
	require.Equal(t, "https://muster.example.com/slackbot/slack/command", http.Features.Commands[0].URL)
}

func TestManifestRefusesAnAddressSlackCannotCall(t *testing.T) {
	for name, address := range map[string]string{
		"not encrypted": "http://muster.example.com", "no host": "https://", "no scheme": "muster.example.com",
		"a query": "https://muster.example.com/?a=b", "a password": "https://a:b@muster.example.com",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := configs.Manifest(address)
			require.ErrorContains(t, err, "Slack cannot call that address")
		})
	}
}

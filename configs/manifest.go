package configs

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
)

// scope is a permission that the app asks for, with the reason that whoever
// installs it may hear.
type scope struct{ name, reason string }

// botScopes are all that the bot's token may do. Those after the core serve
// features that can be left out: without them Muster says what it cannot do.
var botScopes = []scope{
	// Core.
	{"commands", "people steer campaigns with /campaign"},
	{"chat:write", "instructions, reminders and digests are posted and kept up to date"},
	{"im:write", "the contact of an owner gets one direct message per campaign"},
	{"users:read", "people are shown by name and written to in their own time zone"},
	{"users:read.email", "people of the catalog are found in Slack by their e-mail address"},
	{"channels:manage", "a campaign gets its help channel, with topic and purpose"},
	{"channels:read", "a channel's name and members are checked before it is posted to"},
	{"channels:join", "the bot joins the public channel of a team to post there"},
	{"groups:write", "an embargoed campaign gets private channels and invites people to them"},
	{"groups:read", "the same checks as channels:read, for private channels"},
	{"pins:write", "the approved instructions are pinned in the help channel"},
	{"bookmarks:write", "instructions and status are bookmarked in the help channel"},
	{"bookmarks:read", "a bookmark that is there already is not added a second time"},
	{"reactions:read", "a reaction marks a question as answered"},
	{"usergroups:read", "roles can be given to Slack user groups"},
	// Help desk.
	{"channels:history", "questions in the help channel are tracked from asked to answered"},
	{"groups:history", "the same in the private help channel of an embargoed campaign"},
	{"im:history", "questions by direct message; and reading back whether a message arrived before sending it again"},
	{"usergroups:write", "the user group of the helpers on duty follows the shift"},
	// Files.
	{"files:write", "charts are posted as pictures where native charts are not available"},
	{"files:read", "a scan report dropped in the command channel is read"},
}

// botEvents are what the bot hears. A mention arrives as a message, so that
// app_mention and its scope are not needed.
var botEvents = []string{
	"app_home_opened",
	"channel_archive",
	"channel_left",
	"group_archive",
	"group_left",
	"member_left_channel",
	"message.channels",
	"message.groups",
	"message.im",
	"team_join",
	"user_change",
}

// The paths of Slack's HTTP mode, below the address that Listen serves.
const (
	pathEvents        = "/slack/events"
	pathInteractivity = "/slack/interactivity"
	pathCommand       = "/slack/command"
)

type manifest struct {
	Metadata struct {
		Major int `json:"major_version"`
	} `json:"_metadata"`
	Display struct {
		Name        string `json:"name"`
		Description string `json:"description"`
		Long        string `json:"long_description"`
		Background  string `json:"background_color"`
	} `json:"display_information"`
	Features struct {
		Home struct {
			Home     bool `json:"home_tab_enabled"`
			Messages bool `json:"messages_tab_enabled"`
			ReadOnly bool `json:"messages_tab_read_only_enabled"`
		} `json:"app_home"`
		Bot struct {
			Name   string `json:"display_name"`
			Online bool   `json:"always_online"`
		} `json:"bot_user"`
		Commands []slashCommand `json:"slash_commands"`
	} `json:"features"`
	OAuth struct {
		Scopes struct {
			Bot []string `json:"bot"`
		} `json:"scopes"`
	} `json:"oauth_config"`
	Settings struct {
		Events struct {
			URL string   `json:"request_url,omitempty"`
			Bot []string `json:"bot_events"`
		} `json:"event_subscriptions"`
		Interactivity struct {
			Enabled bool   `json:"is_enabled"`
			URL     string `json:"request_url,omitempty"`
		} `json:"interactivity"`
		OrgDeploy     bool `json:"org_deploy_enabled"`
		SocketMode    bool `json:"socket_mode_enabled"`
		TokenRotation bool `json:"token_rotation_enabled"`
	} `json:"settings"`
}

type slashCommand struct {
	Command     string `json:"command"`
	URL         string `json:"url,omitempty"`
	Description string `json:"description"`
	Hint        string `json:"usage_hint"`
	Escape      bool   `json:"should_escape"`
}

// Manifest returns the Slack app manifest (schema version 2) as indented JSON.
// With an empty address the app uses Socket Mode and needs no public endpoint;
// otherwise address is the https URL under which Slack reaches the service.
func Manifest(address string) ([]byte, error) {
	base, err := publicBase(address)
	if err != nil {
		return nil, err
	}
	at := func(path string) string {
		if base == "" {
			return ""
		}
		return base + path
	}

	var m manifest
	m.Metadata.Major = 2
	m.Display.Name = "Muster"
	m.Display.Description = "Runs security campaigns: one clear instruction, one ticket per owner, one set of true numbers."
	m.Display.Long = "Muster runs security campaigns the way a very large company ran its Log4j response: " +
		"one clear instruction, rehearsed before anyone receives it, one ticket per owner with everything in it, " +
		"help around the clock, and leaders who always see the same true numbers. Type /campaign help to begin."
	m.Display.Background = "#1d3557"
	m.Features.Home.Home = true
	m.Features.Home.Messages = true
	m.Features.Bot.Name = "Muster"
	m.Features.Bot.Online = true
	m.Features.Commands = []slashCommand{{
		Command:     "/campaign",
		URL:         at(pathCommand),
		Description: "Start, steer and follow security campaigns",
		Hint:        "help | new | show | list | status",
		Escape:      true, // users and channels then arrive as ids
	}}
	for _, s := range botScopes {
		m.OAuth.Scopes.Bot = append(m.OAuth.Scopes.Bot, s.name)
	}
	m.Settings.Events.URL = at(pathEvents)
	m.Settings.Events.Bot = botEvents
	m.Settings.Interactivity.Enabled = true
	m.Settings.Interactivity.URL = at(pathInteractivity)
	m.Settings.SocketMode = base == ""

	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode manifest: %w", err)
	}
	return append(text, '\n'), nil
}

// publicBase checks address and takes a slash off its end.
func publicBase(address string) (string, error) {
	if address == "" {
		return "", nil
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return "", Problems{{
			Path: "url", What: "Slack cannot call that address",
			Do: "Write the public https address of the service without a query, such as https://muster.example.com.",
		}}
	}
	return strings.TrimSuffix(address, "/"), nil
}

package main

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/bot/fakeslack"
	"github.com/musterbot/muster/configs"
)

// reports adds a digest that goes to a channel.
func (o *office) reports(channel string) {
	o.cfg.Digests = append(o.cfg.Digests, configs.Digest{Audience: "leads", Schedule: "0 9 * * 1", TimeZone: "UTC", Channel: channel})
}

// A restart in the middle of an incident must not hang on the state of a channel.
func TestAChannelThatCannotBeUsedDoesNotKeepMusterDown(t *testing.T) {
	tests := map[string]struct {
		prepare func(*office) (channel string)
	}{
		"archived, by name": {func(o *office) string {
			o.ws.AddChannel("leads", o.ann)
			require.NoError(o.t, o.ann.Archives("leads"))
			return "leads"
		}},
		"archived, by ID": {func(o *office) string {
			id := o.ws.AddChannel("leads", o.ann)
			require.NoError(o.t, o.ann.Archives("leads"))
			return id
		}},
		"not to be joined": {func(o *office) string {
			o.ws.AddChannel("leads", o.ann)
			o.ws.Inject(fakeslack.Fault{Do: fakeslack.Refused, Error: "restricted_action", Method: "conversations.join", Times: -1})
			return "leads"
		}},
		"of another kind": {func(o *office) string {
			o.ws.Inject(fakeslack.Fault{Do: fakeslack.Refused, Error: "method_not_supported_for_channel_type", Method: "conversations.join", Times: -1})
			return o.ws.AddChannel("leads", o.ann)
		}},
		"not there":            {func(*office) string { return "leads" }},
		"private, without us":  {func(o *office) string { return o.ws.AddPrivateChannel("leads", o.ann) }},
		"refused in new words": {func(o *office) string { o.refusesToList("purple_elephant"); return "leads" }},
	}
	for name, tt := range tests {
		for _, key := range []string{"digests[0].channel", "command_channel"} {
			t.Run(name+" as "+key, func(t *testing.T) {
				t.Parallel()
				o := newOffice(t, "socket")
				channel := tt.prepare(o)
				if key == "command_channel" {
					o.cfg.CommandChannel = channel
				} else {
					o.reports(channel)
				}
				o.opens()
				require.Contains(t, o.logs.String(), "a channel of the configuration cannot be used")
				require.Contains(t, o.logs.String(), key)
				require.NotContains(t, o.logs.String(), "slack.bot_token", "the token is good")
				code, words := o.asks("/readyz")
				require.Equal(t, http.StatusOK, code, "people can work")
				require.Contains(t, words, key+" ("+channel+") cannot be used: ")

				require.True(t, o.ann.Runs(`/campaign new "log4j RCE"`, o.ops).OK())
				o.hears(o.ann, "log4j RCE")
			})
		}
	}
}

func (o *office) refusesToList(code string) {
	for _, method := range []string{"users.conversations", "conversations.list"} {
		o.ws.Inject(fakeslack.Fault{Do: fakeslack.Refused, Error: code, Method: method, Times: -1})
	}
}

// A list of many pages takes longer than a Slack that does not answer is tried.
func TestTheStartWaitsForAListOfManyPages(t *testing.T) {
	ws, err := fakeslack.Start(fakeslack.Options{MaxListed: 5})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, ws.Close()) })
	o := newOfficeIn(t, ws, "socket")
	for n := range 100 {
		ws.AddChannel(fmt.Sprintf("team-%03d", n), o.ann)
	}
	o.cfg.Pace.Factor = 100
	executives, leads := ws.AddChannel("executives", o.ann), ws.AddChannel("leads", o.ann)
	o.reports("executives")
	o.reports("leads")
	o.opens()
	pages := ws.CallCount("conversations.list")
	require.Equal(t, 21, pages, "each once")
	require.Contains(t, o.logs.String(), "the start waits for slack's pace")
	require.Equal(t, 1, ws.CallCount("users.conversations"))
	for _, id := range []string{executives, leads} {
		channel, ok := ws.Channel(id)
		require.True(t, ok)
		require.Contains(t, channel.Members, ws.BotUserID())
	}
	o.closes()

	o.opens()
	require.Equal(t, pages, ws.CallCount("conversations.list"), "a restart finds them where Muster is")
}

func TestOneCommanderIsEnoughToStart(t *testing.T) {
	tests := map[string]func(*office){
		"a user group that is gone": func(o *office) { o.cfg.Roles.Commander = append(o.cfg.Roles.Commander, "S0NOWHERE1") },
		"user groups that are not told": func(o *office) {
			o.cfg.Roles.Commander = append([]string{o.ws.AddUserGroup("security", o.ann)}, o.cfg.Roles.Commander...)
			o.ws.Inject(fakeslack.Fault{Do: fakeslack.Refused, Error: "unknown_method", Method: "usergroups.users.list", Times: -1})
		},
		"a person who is not told": func(o *office) {
			o.cfg.Roles.Commander = append(o.cfg.Roles.Commander, o.bob.ID)
			o.ws.Inject(fakeslack.Fault{Do: fakeslack.Refused, Error: "missing_scope", Method: "users.info", Times: -1, Match: func(c fakeslack.Call) bool {
				return c.Args["user"] == o.bob.ID
			}})
		},
	}
	for name, prepare := range tests {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t, "socket")
			prepare(o)
			o.opens()
			require.Contains(t, o.logs.String(), "slack does not tell of everybody in a role")
			require.True(t, o.ann.Runs(`/campaign new "log4j RCE"`, o.ops).OK())
			o.hears(o.ann, "log4j RCE")
		})
	}
}

func TestRolesThatSlackRefusesDoNotKeepMusterDown(t *testing.T) {
	for _, code := range []string{"no_such_subteam", "missing_scope", "purple_elephant"} {
		t.Run(code, func(t *testing.T) {
			o := newOffice(t, "socket")
			o.cfg.Roles.Commander = []string{"S0NOWHERE1"}
			o.ws.Inject(fakeslack.Fault{Do: fakeslack.Refused, Error: code, Method: "usergroups.users.list", Times: -1})
			o.opens()
			require.Contains(t, o.logs.String(), "slack tells of nobody in roles.commander")
			code, words := o.asks("/readyz")
			require.Equal(t, http.StatusOK, code, "answers to campaigns under way are taken")
			require.Contains(t, words, "roles.commander")
		})
	}
}

func TestPeopleAreReadBesideTheStart(t *testing.T) {
	o := newOffice(t, "socket")
	for n := range 300 {
		o.ws.AddUser(fmt.Sprintf("user%d", n), fakeslack.Profile{})
	}
	o.opens()
	require.Eventually(t, func() bool { return o.ws.CallCount("users.list") == 2 }, 20*time.Second, 5*time.Millisecond, "nobody has been named yet")
}

package fakeslack_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"github.com/slack-go/slack/socketmode"
	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/bot/fakeslack"
)

func TestHelloTellsHowManyConnectionsThereAre(t *testing.T) {
	v := settle(t, fakeslack.Options{})
	first := connect(t, v.ws, nil)
	second := connect(t, v.ws, nil)
	require.Equal(t, 2, v.ws.Sockets())
	hello := func(a *app) socketmode.Event { return a.hears(t, socketmode.EventTypeHello, 1)[0] }
	require.Equal(t, 1, hello(first).Request.NumConnections)
	require.Equal(t, 2, hello(second).Request.NumConnections)
	require.Equal(t, v.ws.AppID(), hello(second).Request.ConnectionInfo.AppID)
	require.NotEmpty(t, hello(second).Request.DebugInfo.Host)
}

func TestEachEnvelopeGoesToOneConnection(t *testing.T) {
	v := settle(t, fakeslack.Options{Events: []string{}})
	a, b := connect(t, v.ws, nil), connect(t, v.ws, nil)
	for range 6 {
		require.True(t, v.ann.Runs("/campaign list", "ops").OK())
	}
	require.Len(t, a.got(socketmode.EventTypeSlashCommand), 3)
	require.Len(t, b.got(socketmode.EventTypeSlashCommand), 3)
}

func TestThereAreTenConnectionsAtMostAndTicketsServeOnce(t *testing.T) {
	ws, api := start(t, fakeslack.Options{})
	dial := func(url string) (*websocket.Conn, int) {
		conn, resp, err := websocket.DefaultDialer.Dial(url, nil)
		if err != nil {
			return nil, resp.StatusCode
		}
		t.Cleanup(func() { _ = conn.Close() })
		return conn, resp.StatusCode
	}
	var url string
	for range 10 {
		var err error
		_, url, err = api.StartSocketModeContext(t.Context())
		require.NoError(t, err)
		conn, _ := dial(url)
		require.NotNil(t, conn)
	}
	_, status := dial(url)
	require.Equal(t, http.StatusForbidden, status, "a ticket serves once")
	_, url, err := api.StartSocketModeContext(t.Context())
	require.NoError(t, err)
	_, status = dial(url)
	require.Equal(t, http.StatusTooManyRequests, status)

	ws.DisableSocketMode(true)
	require.NoError(t, ws.WaitFor(soon(t), func() bool { return ws.Sockets() == 0 }))
	_, _, err = api.StartSocketModeContext(t.Context())
	require.EqualError(t, err, "link_disabled")
	ws.DisableSocketMode(false)
	_, _, err = api.StartSocketModeContext(t.Context())
	require.NoError(t, err)
}

func TestAnUnacknowledgedEventComesAgainUnderANewEnvelope(t *testing.T) {
	v := settle(t, fakeslack.Options{
		AckWithin: 10 * time.Millisecond, Redeliver: []time.Duration{time.Millisecond, time.Millisecond},
		Events: []string{"message.im"},
	})
	heard := make(chan socketmode.Event, 10)
	connect(t, v.ws, func(evt socketmode.Event) (any, bool) {
		heard <- evt
		return nil, evt.Request.RetryAttempt == 2
	})
	v.ann.Says(fakeslack.DM, "anyone there")
	var envelopes, events []string
	for attempt := range 3 {
		evt := <-heard
		require.Equal(t, attempt, evt.Request.RetryAttempt)
		if attempt > 0 {
			require.Equal(t, "timeout", evt.Request.RetryReason)
		}
		envelopes = append(envelopes, evt.Request.EnvelopeID)
		events = append(events, evt.Data.(slackevents.EventsAPIEvent).Data.(*slackevents.EventsAPICallbackEvent).EventID)
	}
	slices.Sort(envelopes)
	require.Len(t, slices.Compact(envelopes), 3, "every attempt has an envelope of its own")
	require.Len(t, slices.Compact(events), 1, "and the same event inside")
	require.NoError(t, v.ws.WaitFor(soon(t), func() bool { return v.ws.Deliveries("events_api", "message")[0].Acked }))
	require.Len(t, v.ws.Deliveries("events_api", "message")[0].Attempts, 3)
}

func TestEventsWaitForAConnection(t *testing.T) {
	v := settle(t, fakeslack.Options{
		Redeliver: []time.Duration{time.Millisecond, time.Hour}, Events: []string{"message.im"},
	})
	v.ann.Says(fakeslack.DM, "hello")
	require.NoError(t, v.ws.WaitFor(soon(t), func() bool {
		return len(v.ws.Deliveries("events_api", "")[0].Attempts) == 2
	}))
	connect(t, v.ws, nil)
	require.NoError(t, v.ws.Redeliver(t.Context(), v.ws.Deliveries("events_api", "")[0].Seq))
	require.True(t, v.ws.Deliveries("events_api", "")[0].Acked)
}

func TestSlackAsksConnectionsToComeAnew(t *testing.T) {
	v := settle(t, fakeslack.Options{Events: []string{}})
	a := connect(t, v.ws, nil)
	for name, ask := range map[string]func(){
		"warning": v.ws.WarnSockets, "refresh_requested": v.ws.RefreshSockets, "cut": v.ws.DropSockets,
	} {
		before := len(a.hears(t, socketmode.EventTypeHello, 1))
		ask()
		a.hears(t, socketmode.EventTypeHello, before+1)
		require.NoError(t, v.ws.WaitFor(soon(t), func() bool { return v.ws.Sockets() == 1 }), name)
	}
	require.True(t, v.ann.Runs("/campaign list", "ops").OK())
}

func TestWhatWasOnItsWayGoesToAnotherConnectionWhenOneIsClosed(t *testing.T) {
	tests := map[string]struct {
		end  func(*websocket.Conn) error
		want string
	}{
		"closed in good order": {func(c *websocket.Conn) error {
			return c.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""))
		}, ""},
		"cut": {(*websocket.Conn).Close, fakeslack.ToastFailed},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			v := settle(t, fakeslack.Options{Events: []string{}})
			_, url, err := v.api.StartSocketModeContext(t.Context())
			require.NoError(t, err)
			leaving, _, err := websocket.DefaultDialer.Dial(url, nil)
			require.NoError(t, err)
			t.Cleanup(func() { _ = leaving.Close() })
			require.NoError(t, v.ws.WaitFor(soon(t), func() bool { return v.ws.Sockets() == 1 }))
			staying := connect(t, v.ws, nil)
			seen := make(chan fakeslack.Seen, 1)
			go func() { seen <- v.ann.Runs("/campaign list", "ops") }()
			for range 2 { // hello, and the command
				_, _, err = leaving.ReadMessage()
				require.NoError(t, err)
			}
			require.NoError(t, tt.end(leaving))
			require.Equal(t, tt.want, (<-seen).Toast)
			if tt.want == "" {
				require.Len(t, staying.got(socketmode.EventTypeSlashCommand), 1)
				require.Len(t, v.ws.Deliveries("slash_commands", "")[0].Attempts, 2)
			}
		})
	}
}

func TestAnAcknowledgementOf20KBIsDroppedSilently(t *testing.T) {
	ws, api := start(t, fakeslack.Options{AckWithin: 50 * time.Millisecond, Events: []string{}})
	ann := ws.AddUser("ann", fakeslack.Profile{})
	_, url, err := api.StartSocketModeContext(t.Context())
	require.NoError(t, err)
	conn, _, err := websocket.DefaultDialer.Dial(url, nil)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	go func() {
		for {
			var envelope struct {
				EnvelopeID string `json:"envelope_id"`
			}
			if conn.ReadJSON(&envelope) != nil {
				return
			}
			_ = conn.WriteJSON(map[string]any{
				"envelope_id": envelope.EnvelopeID, "payload": map[string]string{"text": strings.Repeat("x", 20*1024)},
			})
		}
	}()
	require.NoError(t, ws.WaitFor(soon(t), func() bool { return ws.Sockets() == 1 }))
	require.Equal(t, fakeslack.ToastTimeout, ann.Runs("/campaign list", fakeslack.DM).Toast)
}

func TestACommandWithoutAConnectionFails(t *testing.T) {
	v := settle(t, fakeslack.Options{})
	seen := v.ann.Runs("/campaign list", "ops")
	require.Equal(t, fakeslack.ToastFailed, seen.Toast)
	require.Equal(t, "no_connection", v.ws.Deliveries("slash_commands", "")[0].Attempts[0].Failure)
}

func TestEveryEventTypeIsOneThatSlackGoKnows(t *testing.T) {
	v := settle(t, fakeslack.Options{Redeliver: []time.Duration{}})
	a := connect(t, v.ws, nil)
	group := v.ws.AddUserGroup("desk", v.ann)
	cat := v.ws.AddUser("cat", fakeslack.Profile{})
	require.NoError(t, v.ann.Invites("ops", cat.ID))
	require.NoError(t, v.ann.Reacts("eyes", *v.ann.Says("ops", fmt.Sprintf("<@%s> look", v.ws.BotUserID()))))
	m := v.ann.Says(fakeslack.DM, "hello")
	require.True(t, v.ann.Edits(*m, "hello again"))
	require.True(t, v.ann.Deletes(*m))
	v.ann.OpensHome()
	v.ann.Becomes(func(u *fakeslack.User) { u.TZ = "Europe/Dublin" })
	_, err := v.ann.Uploads("ops", "hosts.csv", []byte("target,kind\n"))
	require.NoError(t, err)
	_, err = v.api.UpdateUserGroupMembers(group, cat.ID)
	require.NoError(t, err)
	_, err = v.api.RenameConversation(v.vault, "vault-2")
	require.NoError(t, err)
	require.NoError(t, cat.Leaves("ops"))
	require.NoError(t, v.ann.Archives("vault-2"))
	require.NoError(t, v.ann.Kicks("ops", v.ws.BotUserID()))

	want := []string{
		"app_home_opened", "app_mention", "channel_left", "channel_rename", "file_shared", "group_archive",
		"member_joined_channel", "member_left_channel", "message", "reaction_added", "subteam_updated",
		"team_join", "user_change",
	}
	acked := func() []string {
		var types []string
		for _, d := range v.ws.Deliveries("events_api", "") {
			if d.Acked {
				types = append(types, d.Type)
			}
		}
		slices.Sort(types)
		return slices.Compact(types)
	}
	require.NoError(t, v.ws.WaitFor(soon(t), func() bool { return slices.Equal(acked(), want) }), "got %v", acked())
	require.Empty(t, a.got(socketmode.EventTypeErrorBadMessage))
}

func TestASubmissionObeysItsResponseAction(t *testing.T) {
	view := form("next")
	tests := map[string]struct {
		ack   any
		check func(*testing.T, fakeslack.Seen)
	}{
		"nothing closes": {nil, func(t *testing.T, s fakeslack.Seen) { require.Nil(t, s.Modal) }},
		"errors stay": {
			slack.NewErrorsViewSubmissionResponse(map[string]string{"name": "Taken."}),
			func(t *testing.T, s fakeslack.Seen) {
				require.Equal(t, "Taken.", s.Errors["name"])
				require.Equal(t, "Taken.", s.Modal.Errors["name"])
			},
		},
		"errors for no block are refused": {
			slack.NewErrorsViewSubmissionResponse(map[string]string{"nobody": "Taken."}),
			func(t *testing.T, s fakeslack.Seen) { require.Equal(t, fakeslack.ToastFailed, s.Toast) },
		},
		"update replaces": {
			slack.NewUpdateViewSubmissionResponse(&view), func(t *testing.T, s fakeslack.Seen) {
				require.Equal(t, "next", s.Modal.PrivateMetadata)
				require.Equal(t, s.Modal.ID, s.Modal.RootID)
				require.Equal(t, "log4j", s.Modal.Values["name"]["name_in"]["value"], "what was typed stays")
			},
		},
		"push puts on top": {
			slack.NewPushViewSubmissionResponse(&view), func(t *testing.T, s fakeslack.Seen) {
				require.Equal(t, "next", s.Modal.PrivateMetadata)
				require.NotEqual(t, s.Modal.ID, s.Modal.RootID)
			},
		},
		"clear closes all": {
			slack.NewClearViewSubmissionResponse(), func(t *testing.T, s fakeslack.Seen) { require.Nil(t, s.Modal) },
		},
		"a view that Slack refuses is a failure": {
			slack.NewUpdateViewSubmissionResponse(&slack.ModalViewRequest{Type: slack.VTModal}),
			func(t *testing.T, s fakeslack.Seen) { require.Equal(t, fakeslack.ToastFailed, s.Toast) },
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			v := settle(t, fakeslack.Options{Events: []string{}})
			connect(t, v.ws, func(evt socketmode.Event) (any, bool) {
				if cmd, ok := evt.Data.(slack.SlashCommand); ok {
					_, err := v.api.OpenView(cmd.TriggerID, form("first"))
					return nil, err == nil
				}
				return tt.ack, true
			})
			seen := v.ann.Runs("/campaign new", "ops")
			filled, err := v.ann.Fills(*seen.Modal, fakeslack.Fill{"Name": "log4j"})
			require.NoError(t, err)
			tt.check(t, v.ann.Submits(*filled))
		})
	}
}

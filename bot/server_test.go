package bot_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/bot"
	"github.com/musterbot/muster/bot/fakeslack"
	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/configs/secret"
	"github.com/musterbot/muster/store/bolt"
)

// quiet are handlers that have nothing to say.
type quiet struct {
	mu     sync.Mutex
	check  func(campaign.Envelope) (any, bool, error)
	beside []campaign.EnvelopeKind
}

// fromNowOn lets a check have its say.
func (q *quiet) fromNowOn(check func(campaign.Envelope) (any, bool, error)) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.check = check
}

func (q *quiet) Check(_ context.Context, e campaign.Envelope) (any, bool, error) {
	q.mu.Lock()
	check := q.check
	q.mu.Unlock()
	if check == nil {
		return nil, false, nil
	}
	return check(e)
}

func (*quiet) Serial(e campaign.Envelope) string { return string(e.Actor) }

func (q *quiet) Beside(e campaign.Envelope) func(context.Context) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.beside = append(q.beside, e.Kind)
	return nil
}

// door is a server on a store of its own.
type door struct {
	*bot.Server
	handlers *quiet
	store    campaign.Store
}

func openDoor(t testing.TB) door {
	t.Helper()
	store, err := bolt.Open(filepath.Join(t.TempDir(), "muster.db"), bolt.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	return openDoorOn(t, store)
}

// openDoorOn opens a door whose inbox is in a store.
func openDoorOn(t testing.TB, store campaign.Store) door {
	t.Helper()
	handlers := &quiet{}
	server, err := bot.New(bot.Options{Inbox: campaign.NewInbox(store), Handlers: handlers})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Close()) })
	return door{Server: server, handlers: handlers, store: store}
}

// envelopes returns what is in the inbox.
func (d door) envelopes(t *testing.T) []campaign.Envelope {
	t.Helper()
	records, err := d.store.List(t.Context(), campaign.Sys, campaign.KindInbox, "", 0)
	require.NoError(t, err)
	var out []campaign.Envelope
	for _, r := range records {
		e, _, err := campaign.Load[campaign.Envelope](t.Context(), d.store, campaign.Sys, campaign.KindInbox, r.ID)
		require.NoError(t, err)
		out = append(out, e)
	}
	return out
}

// commands returns the commands in the inbox: the workspace's own news of who
// joined may be there as well.
func (d door) commands(t *testing.T) []campaign.Envelope {
	t.Helper()
	return slices.DeleteFunc(d.envelopes(t), func(e campaign.Envelope) bool { return e.Kind != campaign.EnvelopeCommand })
}

// overHTTP lets a fake workspace deliver to the door by signed HTTP.
func (d door) overHTTP(t *testing.T) *fakeslack.Workspace {
	t.Helper()
	w, err := fakeslack.Start(fakeslack.Options{Redeliver: []time.Duration{0}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.Close()) })
	signing := secret.New(w.SigningSecret())
	mux := http.NewServeMux()
	mux.Handle("/slack/events", d.Events(signing))
	mux.Handle("/slack/interactivity", d.Interactivity(signing))
	mux.Handle("/slack/command", d.Command(signing))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	w.DeliverTo(fakeslack.Endpoints{
		Events: server.URL + "/slack/events", Interactivity: server.URL + "/slack/interactivity", Command: server.URL + "/slack/command",
	})
	return w
}

// overSocket lets a fake workspace deliver to the door by Socket Mode.
func (d door) overSocket(t *testing.T, o fakeslack.Options) (w *fakeslack.Workspace, socket *bot.Socket, stop, stopped func()) {
	t.Helper()
	w, err := fakeslack.Start(o)
	require.NoError(t, err)
	api := slack.New(w.BotToken(), slack.OptionAppLevelToken(w.AppToken()), slack.OptionAPIURL(w.APIURL()))
	socket, err = bot.NewSocket(d.Server, bot.SocketOptions{
		Open: func(ctx context.Context) (string, error) {
			_, address, err := api.StartSocketModeContext(ctx)
			return address, err
		},
		Stagger: time.Millisecond, Backoff: time.Millisecond,
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.Close()) })
	stop, stopped = runs(t, socket)
	require.NoError(t, w.WaitFor(t.Context(), func() bool { return w.Sockets() == 2 }))
	return w, socket, stop, stopped
}

func TestACommandIsStoredBeforeItIsAcknowledged(t *testing.T) {
	for name, connect := range map[string]func(*testing.T, door) *fakeslack.Workspace{
		"http": func(t *testing.T, d door) *fakeslack.Workspace { return d.overHTTP(t) },
		"socket": func(t *testing.T, d door) *fakeslack.Workspace {
			w, _, _, _ := d.overSocket(t, fakeslack.Options{})
			return w
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := openDoor(t)
			w := connect(t, d)
			mei := w.AddUser("mei", fakeslack.Profile{})
			w.AddChannel("general", mei)

			require.True(t, mei.Runs("/campaign show “log4j”", "general").OK())

			envelopes := d.commands(t)
			require.Len(t, envelopes, 1)
			require.Equal(t, campaign.EnvelopeCommand, envelopes[0].Kind)
			require.Equal(t, campaign.NewPerson(w.TeamID(), mei.ID), envelopes[0].Actor)
			require.Contains(t, string(envelopes[0].Payload), "log4j")
		})
	}
}

func TestARedeliveryIsStoredOnce(t *testing.T) {
	d := openDoor(t)
	w, _, _, _ := d.overSocket(t, fakeslack.Options{RedeliverCommands: true})
	mei := w.AddUser("mei", fakeslack.Profile{})
	w.AddChannel("general", mei)
	w.Inject(fakeslack.Fault{Do: fakeslack.Redelivered, Method: "slash_commands"})

	require.True(t, mei.Runs("/campaign list", "general").OK())
	require.NoError(t, w.WaitFor(t.Context(), func() bool {
		commands := w.Deliveries("slash_commands", "")
		return len(commands) == 1 && len(commands[0].Attempts) == 2
	}))
	require.Len(t, d.commands(t), 1)
}

func TestWhatIsNotStoredIsNotAcknowledged(t *testing.T) {
	d := openDoor(t)
	w := d.overHTTP(t)
	mei := w.AddUser("mei", fakeslack.Profile{})
	w.AddChannel("general", mei)
	d.handlers.fromNowOn(func(campaign.Envelope) (any, bool, error) {
		return nil, false, campaign.Refuse(campaign.Unavailable, "The disk is full.")
	})
	require.False(t, mei.Runs("/campaign list", "general").OK())
	require.Empty(t, d.commands(t))
}

func TestARejectedFormIsNotStored(t *testing.T) {
	d := openDoor(t)
	d.handlers.fromNowOn(func(e campaign.Envelope) (any, bool, error) {
		return map[string]string{"response_action": "errors"}, true, nil
	})
	w := httptest.NewRecorder()
	signed(t, d.Interactivity(secret.New("s")), w, "payload="+`{"type":"view_submission","team":{"id":"T1"},"user":{"id":"U1"},"view":{"id":"V1","hash":"h"}}`)
	require.Equal(t, http.StatusOK, w.Code)
	require.JSONEq(t, `{"response_action":"errors"}`, w.Body.String())
	require.Empty(t, d.envelopes(t))
}

// signed serves a request as Slack would have signed it with the secret "s".
func signed(t *testing.T, h http.Handler, w http.ResponseWriter, body string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/slack/x", strings.NewReader(body))
	r.Header.Set("X-Slack-Request-Timestamp", seconds(time.Now()))
	r.Header.Set("X-Slack-Signature", fakeslack.Sign("s", time.Now(), []byte(body)))
	h.ServeHTTP(w, r)
}

func seconds(at time.Time) string {
	text, _ := json.Marshal(at.Unix()) // a number always encodes
	return string(text)
}

func TestPressingTwiceIsOneForm(t *testing.T) {
	d := openDoor(t)
	for _, trigger := range []string{"1", "2"} {
		w := httptest.NewRecorder()
		signed(t, d.Interactivity(secret.New("s")), w, `payload={"type":"view_submission","trigger_id":"`+trigger+`","team":{"id":"T1"},"user":{"id":"U1"},"view":{"id":"V1","hash":"h"}}`)
		require.Equal(t, http.StatusOK, w.Code)
	}
	require.Len(t, d.envelopes(t), 1)
}

func TestWhatComesAgainIsKnownAndWhatIsOtherIsNot(t *testing.T) {
	d := openDoor(t)
	sends := func(h http.Handler, body string) {
		w := httptest.NewRecorder()
		signed(t, h, w, body)
		require.Equal(t, http.StatusOK, w.Code)
	}
	types := func(user, text string) {
		sends(d.Command(secret.New("s")), "team_id=T1&user_id="+user+"&channel_id=C1&command=%2Fcampaign&text="+text+"&trigger_id=1.1")
	}
	types("U1", "status")
	types("U1", "status") // Slack delivers it again
	require.Len(t, d.envelopes(t), 1)
	types("U1", "list") // a tool that uses one trigger for all
	types("U2", "status")
	require.Len(t, d.envelopes(t), 3)

	press := func(at string) {
		sends(d.Interactivity(secret.New("s")), `payload={"type":"block_actions","trigger_id":"1.1","team":{"id":"T1"},"user":{"id":"U1"},`+
			`"actions":[{"action_id":"task.on_it","value":"c1|t1","action_ts":"`+at+`"}]}`)
	}
	press("10.1")
	press("10.1")
	require.Len(t, d.envelopes(t), 4)
	press("11.5")
	require.Len(t, d.envelopes(t), 5)
}

// The signature that Slack's documentation gives as its example.
func TestSlacksOwnExampleIsVerified(t *testing.T) {
	const (
		example   = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
		signature = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
	)
	signedAt := time.Unix(1531420618, 0)
	tests := map[string]struct {
		later     time.Duration
		body      string
		signature string
		want      int
		stored    int
	}{
		"as it is":                {0, example, signature, http.StatusOK, 1},
		"four minutes later":      {4 * time.Minute, example, signature, http.StatusOK, 1},
		"six minutes later":       {6 * time.Minute, example, signature, http.StatusUnauthorized, 0},
		"from the future":         {-6 * time.Minute, example, signature, http.StatusUnauthorized, 0},
		"with another user":       {0, strings.Replace(example, "U2CERLKJA", "U2CERLKJB", 1), signature, http.StatusUnauthorized, 0},
		"with another signature":  {0, example, strings.Replace(signature, "a2", "a3", 1), http.StatusUnauthorized, 0},
		"with no signature":       {0, example, "", http.StatusUnauthorized, 0},
		"with half of a hex code": {0, example, signature[:20], http.StatusUnauthorized, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // a bubble starts in the year 2000
				d := openDoor(t)
				time.Sleep(time.Until(signedAt.Add(tt.later)))
				r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/slack/command", strings.NewReader(tt.body))
				r.Header.Set("X-Slack-Request-Timestamp", "1531420618")
				if tt.signature != "" {
					r.Header.Set("X-Slack-Signature", tt.signature)
				}
				w := httptest.NewRecorder()
				d.Command(secret.New("8f742231b10e8888abcd99yyyzzz85a5")).ServeHTTP(w, r)
				require.Equal(t, tt.want, w.Code)
				require.Len(t, d.envelopes(t), tt.stored)
				d.handlers.mu.Lock()
				defer d.handlers.mu.Unlock()
				if tt.stored == 0 {
					require.Empty(t, d.handlers.beside, "a bad signature is no work at all")
				}
			})
		})
	}
}

func TestBadRequestsAreRefused(t *testing.T) {
	d := openDoor(t)
	s := secret.New("s")
	tests := map[string]struct {
		handler http.Handler
		body    string
		want    int
	}{
		"an interaction without payload": {d.Interactivity(s), "x=1", http.StatusBadRequest},
		"an event that is not JSON":      {d.Events(s), "{", http.StatusBadRequest},
		"a body of two megabytes":        {d.Events(s), strings.Repeat("x", 2<<20), http.StatusRequestEntityTooLarge},
		"a certificate check":            {d.Command(s), "ssl_check=1", http.StatusOK},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := httptest.NewRecorder()
			signed(t, tt.handler, w, tt.body)
			require.Equal(t, tt.want, w.Code)
			require.Empty(t, d.envelopes(t))
		})
	}
	t.Run("an unset secret lets nobody in", func(t *testing.T) {
		w := httptest.NewRecorder()
		signed(t, d.Events(secret.Secret{}), w, "{}")
		require.Equal(t, http.StatusUnauthorized, w.Code)
	})
	t.Run("a GET", func(t *testing.T) {
		w := httptest.NewRecorder()
		d.Events(s).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/slack/events", nil))
		require.Equal(t, http.StatusMethodNotAllowed, w.Code)
	})
}

func TestSlackMayVerifyTheAddress(t *testing.T) {
	d := openDoor(t)
	w := d.overHTTP(t)
	require.NoError(t, w.VerifyURL(t.Context()))
	require.Empty(t, d.envelopes(t))
}

func TestSocketsComeBackAndNothingIsLost(t *testing.T) {
	tests := map[string]func(*fakeslack.Workspace){
		"dropped without a word": (*fakeslack.Workspace).DropSockets,
		"warned before the end":  (*fakeslack.Workspace).WarnSockets,
		"asked to refresh":       (*fakeslack.Workspace).RefreshSockets,
		"cut amid an event's way": func(w *fakeslack.Workspace) {
			w.Inject(fakeslack.Fault{Do: fakeslack.DroppedSocket, Method: "events_api"})
		},
	}
	for name, disturb := range tests {
		t.Run(name, func(t *testing.T) {
			d := openDoor(t)
			w, socket, _, _ := d.overSocket(t, fakeslack.Options{Redeliver: []time.Duration{50 * time.Millisecond, 200 * time.Millisecond, time.Second, 3 * time.Second}, AckWithin: time.Second})
			mei := w.AddUser("mei", fakeslack.Profile{})
			w.AddChannel("help", mei)
			require.NoError(t, mei.Invites("help", w.BotUserID()))

			disturb(w)
			mei.Says("help", "which jar is it?")

			require.NoError(t, w.WaitFor(t.Context(), func() bool {
				said := w.Deliveries("events_api", "message")
				return len(said) == 1 && said[0].Acked && w.Sockets() == 2
			}))
			require.Eventually(t, func() bool { return socket.Connected() > 0 }, 10*time.Second, time.Millisecond) // which the workspace cannot see
			count := 0
			for _, e := range d.envelopes(t) {
				if strings.Contains(string(e.Payload), "which jar") {
					count++
				}
			}
			require.Equal(t, 1, count)
		})
	}
}

func TestAnUnknownMessageOfTheSocketIsAcknowledged(t *testing.T) {
	d := openDoor(t)
	w, _, _, _ := d.overSocket(t, fakeslack.Options{Redeliver: []time.Duration{}})
	mei := w.AddUser("mei", fakeslack.Profile{})
	w.AddChannel("help", mei)
	require.NoError(t, mei.Invites("help", w.BotUserID()))
	require.NoError(t, mei.Kicks("help", w.BotUserID()))
	require.NoError(t, w.WaitFor(t.Context(), func() bool {
		left := w.Deliveries("events_api", "channel_left")
		return len(left) == 1 && left[0].Acked
	}), "an event that the library may not know is stored like any other")
}

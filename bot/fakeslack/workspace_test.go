package fakeslack_test

import (
	"context"
	"encoding/json"
	"io"
	"log"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/bot/fakeslack"
)

// start opens a workspace for one test, and slack-go's own client on it.
func start(t *testing.T, o fakeslack.Options) (*fakeslack.Workspace, *slack.Client) {
	t.Helper()
	ws, err := fakeslack.Start(o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, ws.Close()) })
	return ws, client(ws)
}

// clock stands still until it is advanced.
type clock struct{ nanos atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.nanos.Store(time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC).UnixNano())
	return c
}

func (c *clock) Now() time.Time { return time.Unix(0, c.nanos.Load()).UTC() }

func (c *clock) Advance(d time.Duration) { c.nanos.Add(int64(d)) }

func client(ws *fakeslack.Workspace) *slack.Client {
	return slack.New(ws.BotToken(), slack.OptionAPIURL(ws.APIURL()), slack.OptionAppLevelToken(ws.AppToken()))
}

// soon bounds how long a test waits for what should happen at once.
func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// app is a Socket Mode app: it acknowledges with what its handler returns, or not
// at all when that says so.
type app struct {
	mu     sync.Mutex
	seen   []socketmode.Event
	moved  chan struct{} // closed with every event
	handle func(socketmode.Event) (payload any, ack bool)
}

// connect runs slack-go's Socket Mode client until the test ends.
func connect(t *testing.T, ws *fakeslack.Workspace, handle func(socketmode.Event) (any, bool)) *app {
	t.Helper()
	a := &app{handle: handle, moved: make(chan struct{})}
	quiet := log.New(io.Discard, "", 0)
	smc := socketmode.New(client(ws), socketmode.OptionLog(quiet))
	ctx, cancel := context.WithCancel(context.Background())
	before := ws.Sockets()
	var wg sync.WaitGroup
	wg.Go(func() { _ = smc.RunContext(ctx) })
	wg.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case evt := <-smc.Events:
				a.receive(smc, evt)
			}
		}
	})
	t.Cleanup(func() { cancel(); wg.Wait() })
	require.NoError(t, ws.WaitFor(soon(t), func() bool { return ws.Sockets() > before }))
	return a
}

func (a *app) receive(smc *socketmode.Client, evt socketmode.Event) {
	a.mu.Lock()
	a.seen = append(a.seen, evt)
	close(a.moved)
	a.moved = make(chan struct{})
	a.mu.Unlock()
	if evt.Request == nil || evt.Request.EnvelopeID == "" {
		return
	}
	payload, ack := any(nil), true
	if a.handle != nil {
		payload, ack = a.handle(evt)
	}
	if ack {
		_ = smc.Ack(*evt.Request, payload)
	}
}

// hears waits until the app has had n events of a kind.
func (a *app) hears(t *testing.T, kind socketmode.EventType, n int) []socketmode.Event {
	t.Helper()
	ctx := soon(t)
	for {
		a.mu.Lock()
		moved := a.moved
		a.mu.Unlock()
		if got := a.got(kind); len(got) >= n {
			return got
		}
		select {
		case <-moved:
		case <-ctx.Done():
			require.FailNow(t, "the app did not hear", "%d of %s", n, kind)
		}
	}
}

// got copies the events of one kind.
func (a *app) got(kind socketmode.EventType) []socketmode.Event {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []socketmode.Event
	for _, evt := range a.seen {
		if evt.Type == kind {
			out = append(out, evt)
		}
	}
	return out
}

func section(words string) slack.Block {
	return slack.NewSectionBlock(slack.NewTextBlockObject("mrkdwn", words, false, false), nil, nil)
}

func plain(words string) *slack.TextBlockObject {
	return slack.NewTextBlockObject("plain_text", words, false, false)
}

func button(label, action, value string) *slack.ButtonBlockElement {
	return slack.NewButtonBlockElement(action, value, plain(label))
}

func decode(t *testing.T, raw json.RawMessage) map[string]any {
	t.Helper()
	var out map[string]any
	require.NoError(t, json.Unmarshal(raw, &out))
	return out
}

func TestACommandOpensAModalAndItsSubmissionAnswers(t *testing.T) {
	ws, api := start(t, fakeslack.Options{})
	ann := ws.AddUser("ann", fakeslack.Profile{TZ: "Australia/Sydney"})
	ops := ws.AddChannel("ops", ann)
	connect(t, ws, func(evt socketmode.Event) (any, bool) {
		switch data := evt.Data.(type) {
		case slack.SlashCommand:
			_, err := api.OpenView(data.TriggerID, form(data.Text))
			if err != nil {
				return map[string]string{"text": err.Error()}, true
			}
		case slack.InteractionCallback:
			return slack.NewErrorsViewSubmissionResponse(map[string]string{"name": "Too short."}), true
		}
		return nil, true
	})

	seen := ann.Runs(`/campaign new "log4j RCE"`, ops)
	require.True(t, seen.OK(), seen.Text())
	require.NotNil(t, seen.Modal)
	require.Equal(t, "new “log4j RCE”", seen.Modal.PrivateMetadata, "quotes arrive curly")

	require.Contains(t, ann.Submits(*seen.Modal).Errors, "name", "the client asks for required fields")
	filled, err := ann.Fills(*seen.Modal, fakeslack.Fill{"Name": "log4j"})
	require.NoError(t, err)
	answer := ann.Submits(*filled)
	require.Equal(t, map[string]string{"name": "Too short."}, answer.Errors)
	require.NotNil(t, answer.Modal, "the form stays open")
	require.Len(t, ws.Deliveries("interactive", "view_submission"), 1)
}

func form(private string) slack.ModalViewRequest {
	name := slack.NewInputBlock("name", plain("Name"), nil, slack.NewPlainTextInputBlockElement(nil, "name_in"))
	return slack.ModalViewRequest{
		Type: slack.VTModal, Title: plain("New campaign"), Submit: plain("Create"), Close: plain("Cancel"),
		CallbackID: "new", PrivateMetadata: private, Blocks: slack.Blocks{BlockSet: []slack.Block{name}},
	}
}

func TestAPostToAPersonOpensTheDMAndWakesThem(t *testing.T) {
	ws, api := start(t, fakeslack.Options{})
	ann := ws.AddUser("ann", fakeslack.Profile{})
	channel, ts, err := api.PostMessage(ann.ID, slack.MsgOptionText("hello", false))
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(channel, "D"))
	require.Len(t, ann.DMs(), 1)
	require.Equal(t, fakeslack.ForDM, ann.Notifications()[0].Why)

	_, _, _, err = api.UpdateMessage(channel, ts, slack.MsgOptionText("hello again", false))
	require.NoError(t, err)
	require.Len(t, ann.Notifications(), 1, "an edit wakes nobody")
	require.Equal(t, "hello again", ann.DMs()[0].Text)
	require.Equal(t, "hello", ann.DMs()[0].Versions[0].Text)
}

func TestCloseCutsEverythingAndMayBeCalledTwice(t *testing.T) {
	ws, err := fakeslack.Start(fakeslack.Options{AckWithin: time.Hour, Redeliver: []time.Duration{time.Hour}})
	require.NoError(t, err)
	ann := ws.AddUser("ann", fakeslack.Profile{}) // its event waits an hour for its redelivery
	connect(t, ws, func(evt socketmode.Event) (any, bool) { return nil, evt.Type != socketmode.EventTypeSlashCommand })
	ws.Inject(fakeslack.Fault{Do: fakeslack.TimedOut, Method: "auth.test"})
	hung, pressed := make(chan error, 1), make(chan fakeslack.Seen, 1)
	go func() { _, err := client(ws).AuthTest(); hung <- err }()
	go func() { pressed <- ann.Runs("/campaign list", fakeslack.DM) }()
	require.NoError(t, ws.WaitFor(soon(t), func() bool {
		return ws.CallCount("auth.test") == 1 && len(ws.Deliveries("slash_commands", "")) == 1
	}))
	require.NoError(t, ws.Close())
	require.NoError(t, ws.Close())
	require.Error(t, <-hung)
	require.Equal(t, fakeslack.ToastFailed, (<-pressed).Toast)
	require.Zero(t, ws.Sockets())
	_, err = client(ws).AuthTest()
	require.Error(t, err, "nobody listens any more")
}

func TestManyAtOnceLoseNothing(t *testing.T) {
	ws, api := start(t, fakeslack.Options{})
	connect(t, ws, nil)
	var wg sync.WaitGroup
	const people, each = 8, 40
	for range people {
		p := ws.AddUser("p"+string(rune('a'+len(ws.Users()))), fakeslack.Profile{})
		wg.Go(func() {
			for range each {
				_, _, err := api.PostMessage(p.ID, slack.MsgOptionText("x", false))
				if err != nil {
					t.Error(err)
				}
				p.Says(fakeslack.DM, "thanks")
			}
		})
	}
	wg.Wait()
	for _, u := range ws.Users()[1:] {
		p := ws.Person(u.ID)
		require.Len(t, p.DMs(), 2*each)
		require.Len(t, p.Notifications(), each)
	}
	require.Equal(t, people*each, ws.CallCount("chat.postMessage"))
	require.NoError(t, ws.WaitFor(soon(t), func() bool {
		acked := 0
		for _, d := range ws.Deliveries("events_api", "message") {
			if d.Acked {
				acked++
			}
		}
		return acked == 2*people*each
	}))
}

package bot_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/bot"
	"github.com/musterbot/muster/bot/fakeslack"
	"github.com/musterbot/muster/campaign"
)

// runs lets a socket run until it is stopped; stopped returns once it has.
func runs(t *testing.T, socket *bot.Socket) (stop, stopped func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = socket.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	return cancel, running.Wait
}

// slackAt is the Slack side of one connection, played by a test. The socket
// returned connects to it alone.
func slackAt(t *testing.T, d door, play func(*websocket.Conn)) *bot.Socket {
	t.Helper()
	played := make(chan struct{})
	var once sync.Once
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		once.Do(func() {
			defer close(played)
			upgrader := websocket.Upgrader{}
			conn, err := upgrader.Upgrade(w, r, nil)
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = conn.Close() }()
			play(conn)
		})
	}))
	t.Cleanup(server.Close)
	socket, err := bot.NewSocket(d.Server, bot.SocketOptions{
		Open:        func(context.Context) (string, error) { return "ws" + strings.TrimPrefix(server.URL, "http"), nil },
		Connections: 1, Stagger: time.Millisecond, Backoff: time.Hour,
	})
	require.NoError(t, err)
	t.Cleanup(func() { <-played })
	return socket
}

const typed = `{"envelope_id":"E1","type":"slash_commands","accepts_response_payload":true,
"payload":{"team_id":"T1","user_id":"U1","channel_id":"C1","command":"/campaign","text":"list","trigger_id":"1.1"}}`

func TestAStopAcknowledgesWhatIsInHandBeforeItLeaves(t *testing.T) {
	d := openDoor(t)
	w, socket, stop, stopped := d.overSocket(t, fakeslack.Options{})
	mei := w.AddUser("mei", fakeslack.Profile{})
	w.AddChannel("general", mei)
	storing, stored := make(chan struct{}), make(chan struct{})
	d.handlers.fromNowOn(func(e campaign.Envelope) (any, bool, error) {
		if e.Kind == campaign.EnvelopeCommand {
			close(storing)
			<-stored
		}
		return nil, false, nil
	})
	seen := make(chan fakeslack.Seen, 1)
	go func() { seen <- mei.Runs("/campaign list", "general") }()
	<-storing
	stop()
	close(stored)
	stopped()
	require.True(t, (<-seen).OK())
	require.Len(t, d.commands(t), 1)
	require.NoError(t, w.WaitFor(t.Context(), func() bool { return w.Sockets() == 0 }))
	require.Zero(t, socket.Connected())
}

func TestWhatCrossesOurGoodbyeIsStored(t *testing.T) {
	d := openDoor(t)
	up, left := make(chan struct{}), make(chan int, 1)
	socket := slackAt(t, d, func(conn *websocket.Conn) {
		conn.SetCloseHandler(func(code int, _ string) error {
			left <- code
			if err := conn.WriteMessage(websocket.TextMessage, []byte(typed)); err != nil {
				return err
			}
			return conn.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(code, ""))
		})
		if conn.WriteMessage(websocket.TextMessage, []byte(`{"type":"hello"}`)) != nil {
			return
		}
		close(up)
		_, _, _ = conn.ReadMessage() // until it is closed
	})
	stop, stopped := runs(t, socket)
	<-up
	stop()
	stopped()
	require.Equal(t, websocket.CloseNormalClosure, <-left)
	require.Len(t, d.commands(t), 1)
}

func TestASlackThatDoesNotAnswerTheGoodbyeHoldsNothingUp(t *testing.T) {
	d := openDoor(t)
	up, over := make(chan struct{}), make(chan struct{})
	socket := slackAt(t, d, func(conn *websocket.Conn) {
		conn.SetCloseHandler(func(int, string) error { return nil })
		if conn.WriteMessage(websocket.TextMessage, []byte(`{"type":"hello"}`)) == nil {
			close(up)
			_, _, _ = conn.ReadMessage()
			<-over
		}
	})
	stop, stopped := runs(t, socket)
	<-up
	began := time.Now()
	stop()
	stopped()
	close(over)
	require.Less(t, time.Since(began), 6*time.Second)
}

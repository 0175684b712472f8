package bot_test

import (
	"cmp"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
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

// slackAt is the Slack side of connections, played by a test one after the other.
// The socket returned holds one at a time.
func slackAt(t *testing.T, d door, o bot.SocketOptions, plays ...func(*websocket.Conn)) *bot.Socket {
	t.Helper()
	var playing sync.WaitGroup
	playing.Add(len(plays))
	var next atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := int(next.Add(1)) - 1
		if n >= len(plays) {
			return
		}
		defer playing.Done()
		upgrader := websocket.Upgrader{}
		conn, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = conn.Close() }()
		plays[n](conn)
	}))
	t.Cleanup(server.Close)
	o.Open = func(context.Context) (string, error) { return "ws" + strings.TrimPrefix(server.URL, "http"), nil }
	o.Connections, o.Stagger, o.Backoff = 1, time.Millisecond, cmp.Or(o.Backoff, time.Hour)
	socket, err := bot.NewSocket(d.Server, o)
	require.NoError(t, err)
	t.Cleanup(playing.Wait)
	return socket
}

// says sends what Slack says; false when the connection is gone.
func says(conn *websocket.Conn, text string) bool {
	return conn.WriteMessage(websocket.TextMessage, []byte(text)) == nil
}

const (
	hello      = `{"type":"hello","num_connections":1,"connection_info":{"app_id":"A1"}}`
	disconnect = `{"type":"disconnect","reason":"refresh_requested","debug_info":{"host":"applink-1"}}`
)

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
	socket := slackAt(t, d, bot.SocketOptions{}, func(conn *websocket.Conn) {
		conn.SetCloseHandler(func(code int, _ string) error {
			left <- code
			if err := conn.WriteMessage(websocket.TextMessage, []byte(typed)); err != nil {
				return err
			}
			return conn.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(code, ""))
		})
		if !says(conn, hello) {
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
	socket := slackAt(t, d, bot.SocketOptions{}, func(conn *websocket.Conn) {
		conn.SetCloseHandler(func(int, string) error { return nil })
		if says(conn, hello) {
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

func TestAConnectionIsLeftWhenAnotherIsUpInItsPlace(t *testing.T) {
	d := openDoor(t)
	second, told, acknowledged := make(chan struct{}), make(chan struct{}), make(chan struct{})
	socket := slackAt(t, d, bot.SocketOptions{Backoff: time.Second}, func(conn *websocket.Conn) {
		if !says(conn, hello) || !says(conn, disconnect) {
			return
		}
		<-second // it is opened, and Slack has not said hello yet
		says(conn, typed)
		_, answer, err := conn.ReadMessage()
		if err != nil || !strings.Contains(string(answer), `"E1"`) {
			t.Errorf("the old connection was left too early: %v %s", err, answer)
		}
		close(acknowledged)
		_, _, err = conn.ReadMessage()
		if !websocket.IsCloseError(err, websocket.CloseNormalClosure) {
			t.Error(err)
		}
		close(told)
	}, func(conn *websocket.Conn) {
		close(second)
		<-acknowledged
		says(conn, hello)
		_, _, _ = conn.ReadMessage()
	})
	stop, stopped := runs(t, socket)
	<-told
	stop()
	stopped()
	require.Len(t, d.commands(t), 1)
}

func TestASlackThatNeverPingsKeepsItsConnection(t *testing.T) {
	d := openDoor(t)
	acknowledged := make(chan error, 1)
	socket := slackAt(t, d, bot.SocketOptions{Ping: 20 * time.Millisecond}, func(conn *websocket.Conn) {
		answer, pings := conn.PingHandler(), 0
		conn.SetPingHandler(func(data string) error {
			if pings++; pings == 6 { // silent for longer than a dead one would be held for
				says(conn, typed)
			}
			return answer(data)
		})
		says(conn, hello)
		_, _, err := conn.ReadMessage()
		acknowledged <- err
		_, _, _ = conn.ReadMessage()
	})
	stop, stopped := runs(t, socket)
	require.NoError(t, <-acknowledged)
	stop()
	stopped()
	require.Len(t, d.commands(t), 1)
}

func TestADeadConnectionIsReplaced(t *testing.T) {
	d := openDoor(t)
	replaced := make(chan struct{})
	socket := slackAt(t, d, bot.SocketOptions{Ping: 20 * time.Millisecond, Backoff: time.Second}, func(conn *websocket.Conn) {
		says(conn, hello)
		<-replaced // and reads nothing, so that no ping is answered
	}, func(conn *websocket.Conn) {
		close(replaced)
		says(conn, hello)
		_, _, _ = conn.ReadMessage()
	})
	stop, stopped := runs(t, socket)
	<-replaced
	stop()
	stopped()
}

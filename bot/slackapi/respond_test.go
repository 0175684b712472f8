package slackapi_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/sirupsen/logrus/hooks/test"
	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/bot/fakeslack"
	"github.com/musterbot/muster/bot/slackapi"
	"github.com/musterbot/muster/campaign"
)

// asked lets mei type a command in #ops, and returns where it is to be answered.
func (h house) asked(t *testing.T) string {
	t.Helper()
	if _, there := h.slack.Channel("ops"); !there {
		h.slack.AddChannel("ops", h.mei)
	}
	heard := make(chan string, 1)
	app := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { heard <- r.FormValue("response_url") }))
	defer app.Close()
	h.slack.DeliverTo(fakeslack.Endpoints{Command: app.URL})
	require.True(t, h.mei.Runs("/campaign digest", "ops").OK())
	return <-heard
}

func private(m campaign.Message) campaign.Message {
	m.Ephemeral = true
	return m
}

func TestAnAnswerWhoseChartIsNotTakenComesInAnotherForm(t *testing.T) {
	h := workspace(t, fakeslack.Options{RefuseBlocks: []string{"data_visualization"}}, func(o *slackapi.Options) {
		o.Chart = func(campaign.Chart) ([]byte, error) { return []byte("\x89PNG\r\n\x1a\n0000"), nil }
	})
	for n := range 2 {
		require.NoError(t, h.Respond(t.Context(), h.asked(t), private(chart())))
		got := h.mei.Ephemerals("ops")
		require.Len(t, got, n+1)
		require.Contains(t, string(got[n].Blocks), "slack_file")
		require.Contains(t, got[n].Text, "3 of 9")
	}
	require.Equal(t, 3, h.slack.CallCount("response_url"), "the refusal is remembered")
}

// hook answers at a response URL as it is told, and counts what was taken to it.
type hook struct {
	status int
	kind   string // Content-Type; "" for none
	body   string
	header map[string]string

	posts []string
}

func (k *hook) start(t *testing.T) string {
	t.Helper()
	var mu sync.Mutex
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		k.posts = append(k.posts, r.Method+" "+string(body))
		mu.Unlock()
		w.Header()["Content-Type"] = nil
		if k.kind != "" {
			w.Header().Set("Content-Type", k.kind)
		}
		for name, value := range k.header {
			w.Header().Set(name, value)
		}
		w.WriteHeader(k.status)
		_, _ = io.WriteString(w, k.body)
	}))
	t.Cleanup(s.Close)
	return s.URL + "/commands/T1/sesame"
}

func TestWhatAResponseURLAnswersDecides(t *testing.T) {
	const delivered = campaign.Kind(255)
	html := "<html><body>" + strings.Repeat("no ", 20_000) + "</body></html>"
	tests := map[string]struct {
		hook  hook
		kind  campaign.Kind
		posts int
	}{
		"ok":                          {hook{status: 200, kind: "text/html", body: "ok"}, delivered, 1},
		"JSON":                        {hook{status: 200, kind: "application/json", body: `{"ok":true}`}, delivered, 1},
		"nothing, of no type":         {hook{status: 200}, delivered, 1},
		"no content":                  {hook{status: 204}, delivered, 1},
		"accepted":                    {hook{status: 202, kind: "text/plain", body: "queued"}, delivered, 1},
		"other words":                 {hook{status: 200, kind: "text/plain", body: "thank you"}, delivered, 1},
		"JSON of another kind":        {hook{status: 200, kind: "text/plain", body: `{"id":1}`}, delivered, 1},
		"used up":                     {hook{status: 404, kind: "text/plain", body: "used_url"}, campaign.NotFound, 1},
		"used up, as JSON":            {hook{status: 404, kind: "application/json", body: `{"ok":false,"error":"used_url"}`}, campaign.NotFound, 1},
		"gone":                        {hook{status: 410}, campaign.NotFound, 1},
		"forbidden by a proxy":        {hook{status: 403, kind: "text/html", body: html}, campaign.NotFound, 1},
		"moved":                       {hook{status: 302, header: map[string]string{"Location": "/elsewhere"}}, campaign.NotFound, 1},
		"no form is taken":            {hook{status: 400, kind: "text/plain", body: "invalid_blocks"}, campaign.NotFound, 3},
		"no form is taken, no reason": {hook{status: 400}, campaign.NotFound, 3},
		"no form, as JSON":            {hook{status: 200, kind: "text/plain", body: `{"ok":false,"error":"invalid_blocks"}`}, campaign.NotFound, 3},
		"refused, as JSON":            {hook{status: 200, body: `{"ok":false}`}, campaign.NotFound, 1},
		"too fast":                    {hook{status: 429, header: map[string]string{"Retry-After": "7"}}, campaign.Unavailable, 1},
		"too fast, and not how long":  {hook{status: 429}, campaign.Unavailable, 1},
		"a server error":              {hook{status: 500, kind: "text/plain", body: "server_error"}, campaign.Uncertain, 1},
		"broken inside":               {hook{status: 200, body: `{"ok":false,"error":"fatal_error"}`}, campaign.Uncertain, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			h := workspace(t, fakeslack.Options{})
			err := h.Respond(t.Context(), tt.hook.start(t), private(chart()))
			require.Len(t, tt.hook.posts, tt.posts)
			if tt.kind == delivered {
				require.NoError(t, err)
				return
			}
			require.Equal(t, tt.kind, campaign.KindOf(err), err)
			require.NotContains(t, err.Error(), "sesame")
			if tt.hook.header["Retry-After"] != "" {
				require.Equal(t, 7*time.Second, campaign.RetryAfter(err))
			}
			for _, post := range tt.hook.posts {
				require.True(t, strings.HasPrefix(post, "POST "), post)
				require.NotContains(t, post, h.slack.BotToken())
			}
		})
	}
}

// What a proxy says of one answer is no reason to show everybody pictures.
func TestOnlyARefusalOfTheFormIsRemembered(t *testing.T) {
	h := workspace(t, fakeslack.Options{})
	odd := hook{status: 400, kind: "text/plain", body: "invalid_payload"}
	require.Error(t, h.Respond(t.Context(), odd.start(t), private(chart())))
	require.NoError(t, h.Respond(t.Context(), h.asked(t), private(chart())))
	require.Contains(t, string(h.mei.Ephemerals("ops")[0].Blocks), "data_visualization")
}

func TestAnswersGoToSlackAlone(t *testing.T) {
	log, lines := test.NewNullLogger()
	log.SetLevel(logrus.TraceLevel)
	h := workspace(t, fakeslack.Options{}, func(o *slackapi.Options) { o.Log, o.APIURL = log, slack.APIURL })
	for _, address := range []string{"http://localhost:1/commands/sesame", "https://hooks.slack.com.example.com/sesame", "http://hooks.slack.com/sesame", "https://x@hooks.slack.com/sesame", "://"} {
		err := h.Respond(t.Context(), address, private(says("hello")))
		require.Equal(t, campaign.NotFound, campaign.KindOf(err), address)
		require.NotContains(t, err.Error(), "sesame")
	}
	require.Empty(t, lines.AllEntries())
}

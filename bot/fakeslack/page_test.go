package fakeslack_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/bot/fakeslack"
)

// reads fetches something of the page, by a Host of the caller's choice.
func reads(t *testing.T, page *fakeslack.Page, path, host string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(soon(t), http.MethodGet, page.URL()+path, nil)
	require.NoError(t, err)
	if host != "" {
		req.Host = host
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer func() { require.NoError(t, resp.Body.Close()) }()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp, string(body)
}

// state is what the page would show a person.
func state(t *testing.T, page *fakeslack.Page, as, open string) map[string]any {
	t.Helper()
	resp, body := reads(t, page, "page/state?"+url.Values{"as": {as}, "open": {open}}.Encode(), "")
	require.Equal(t, http.StatusOK, resp.StatusCode)
	return decode(t, json.RawMessage(body))
}

// acts does something with a token, and returns the status and the answer.
func acts(t *testing.T, page *fakeslack.Page, token string, what map[string]any) (int, string) {
	t.Helper()
	body, err := json.Marshal(what)
	require.NoError(t, err)
	req, err := http.NewRequestWithContext(soon(t), http.MethodPost, page.URL()+"page/act", bytes.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("X-Page-Token", token)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer func() { require.NoError(t, resp.Body.Close()) }()
	answer, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(answer)
}

var tokenInPage = regexp.MustCompile(`name="page-token" content="([^"]+)"`)

func serve(t *testing.T, o fakeslack.PageOptions) (*town, *fakeslack.Page, string) {
	t.Helper()
	v := settle(t, fakeslack.Options{Events: []string{}})
	page, err := v.ws.ServePage(o)
	require.NoError(t, err)
	_, body := reads(t, page, "", "")
	return v, page, tokenInPage.FindStringSubmatch(body)[1]
}

func TestThePageIsForThisMachineOnly(t *testing.T) {
	v, page, token := serve(t, fakeslack.PageOptions{})
	for host, want := range map[string]int{
		"localhost:1": http.StatusOK, "127.0.0.1": http.StatusOK, "[::1]:80": http.StatusOK,
		"evil.example:80": http.StatusMisdirectedRequest, "127.0.0.1.evil.example": http.StatusMisdirectedRequest,
	} {
		for _, path := range []string{"", "page/state", "page/app.js"} {
			resp, _ := reads(t, page, path, host)
			require.Equal(t, want, resp.StatusCode, host+" "+path)
		}
	}
	resp, body := reads(t, page, "", "")
	policy := resp.Header.Get("Content-Security-Policy")
	require.Contains(t, policy, "default-src 'none'; script-src 'self'")
	require.NotContains(t, policy, "unsafe")
	require.NotRegexp(t, `(?i)\son[a-z]+=|<script>|style=`, body, "nothing inline")

	said := map[string]any{"as": "ann", "do": "say", "channel": "ops", "text": "by the page"}
	status, _ := acts(t, page, "", said)
	require.Equal(t, http.StatusForbidden, status)
	status, _ = acts(t, page, strings.Repeat("x", len(token)), said)
	require.Equal(t, http.StatusForbidden, status)
	require.Len(t, v.ws.Posts("ops"), 2, "nothing was said")
	status, _ = acts(t, page, token, said)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "by the page", v.ws.Posts("ops")[2].Text)

	status, _ = acts(t, page, token, map[string]any{"as": "nobody", "do": "say"})
	require.Equal(t, http.StatusNotFound, status)
	status, _ = acts(t, page, token, map[string]any{"as": "ann", "do": "say", "text": strings.Repeat("x", 300<<10)})
	require.Equal(t, http.StatusBadRequest, status)
	_, err := v.ws.ServePage(fakeslack.PageOptions{})
	require.Error(t, err, "one page is enough")
}

func TestAnUploadedFileCannotAct(t *testing.T) {
	v, page, _ := serve(t, fakeslack.PageOptions{})
	file, err := v.ann.Uploads("ops", "x.html", []byte("<script>alert(1)</script>"))
	require.NoError(t, err)
	resp, _ := reads(t, page, strings.TrimPrefix(file.URL, page.URL()), "")
	require.Contains(t, resp.Header.Get("Content-Security-Policy"), "sandbox")
}

// place finds a conversation in the side bar.
func place(t *testing.T, page *fakeslack.Page, as, id string) map[string]any {
	t.Helper()
	for _, c := range state(t, page, as, "")["channels"].([]any) {
		if c.(map[string]any)["id"] == id {
			return c.(map[string]any)
		}
	}
	return nil
}

func TestBadgesCountWhatSlackWouldCount(t *testing.T) {
	v, page, token := serve(t, fakeslack.PageOptions{Cast: []fakeslack.Actor{{Who: "bob", Role: "reviewer"}, {Who: "ann", Role: "commander"}}})
	require.NoError(t, v.bob.Joins("ops"))
	read := func(as, thread, ts string) {
		t.Helper()
		status, _ := acts(t, page, token, map[string]any{"as": as, "do": "read", "channel": v.ops, "thread": thread, "ts": ts})
		require.Equal(t, http.StatusOK, status)
	}
	badge := func(as, channel string) [2]float64 {
		t.Helper()
		c := place(t, page, as, channel)
		return [2]float64{c["unread"].(float64), c["calls"].(float64)}
	}
	all := v.ws.Messages("ops")
	read("ann", "", all[len(all)-1].TS)
	require.Equal(t, [2]float64{0, 0}, badge("ann", v.ops))

	_, ts, err := v.api.PostMessage(v.ops, words("news"))
	require.NoError(t, err)
	require.Equal(t, [2]float64{1, 0}, badge("ann", v.ops), "a post is new but calls nobody")
	read("ann", "", ts)
	_, _, _, err = v.api.UpdateMessage(v.ops, ts, words("other news"))
	require.NoError(t, err)
	require.Equal(t, [2]float64{0, 0}, badge("ann", v.ops), "an edit is not new")
	read("ann", "", v.said)
	require.Equal(t, [2]float64{0, 0}, badge("ann", v.ops), "reading never goes back")

	v.ann.Says("ops", "mine")
	require.Equal(t, [2]float64{0, 0}, badge("ann", v.ops), "nobody's own words are new to them")
	require.NoError(t, post(v, v.ops, words("<@"+v.ann.ID+"> look")))
	require.Equal(t, [2]float64{1, 1}, badge("ann", v.ops))
	require.NoError(t, post(v, v.ann.ID, words("for you alone")))
	dm := v.ann.DMs()[0]
	require.Equal(t, [2]float64{1, 1}, badge("ann", dm.Channel))
	require.Nil(t, place(t, page, "bob", dm.Channel), "nobody sees another's direct messages")
	require.Nil(t, place(t, page, "bob", v.vault))

	reply := v.bob.RepliesIn(*v.ann.Says("ops", "a question"), "an answer")
	require.Equal(t, [2]float64{1, 2}, badge("ann", v.ops), "a reply calls those who take part")
	read("ann", reply.ThreadTS, reply.TS)
	require.Equal(t, [2]float64{1, 1}, badge("ann", v.ops))

	people := state(t, page, "bob", "")["people"].([]any)
	require.Equal(t, "bob", people[0].(map[string]any)["handle"], "the cast comes first, in its order")
	require.InDelta(t, 2, people[1].(map[string]any)["calls"].(float64), 0, "what waits for ann is seen while acting as bob")
}

func TestNobodySeesMoreThanTheirs(t *testing.T) {
	v, page, token := serve(t, fakeslack.PageOptions{})
	require.Nil(t, state(t, page, "bob", v.vault)["open"])
	require.NotNil(t, state(t, page, "ann", v.vault)["open"])
	_, err := v.api.PostEphemeral(v.ops, v.ann.ID, words("only for ann"), slack.MsgOptionMetadata(slack.SlackMetadata{
		EventType: "muster_key", EventPayload: map[string]any{"key": "s3cret"},
	}))
	require.NoError(t, err)
	whole := func(as string) string {
		_, body := reads(t, page, "page/state?"+url.Values{"as": {as}, "open": {v.ops}}.Encode(), "")
		return body
	}
	require.Contains(t, whole("ann"), "only for ann")
	require.NotContains(t, whole("bob"), "only for ann")
	require.NotContains(t, whole("ann"), "s3cret", "metadata is for programs")
	_, answer := acts(t, page, token, map[string]any{"as": "bob", "do": "say", "channel": v.vault, "text": "let me in"})
	require.Contains(t, answer, "bob cannot write there")
}

// follows reads the page's stream of events from a change on.
func follows(t *testing.T, page *fakeslack.Page, after int64) (next func() string) {
	t.Helper()
	ctx, cancel := context.WithCancel(soon(t))
	t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, page.URL()+"page/events", nil)
	require.NoError(t, err)
	req.Header.Set("Last-Event-ID", fmt.Sprint(after))
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	t.Cleanup(func() { _ = resp.Body.Close() })
	lines := bufio.NewScanner(resp.Body)
	return func() string {
		t.Helper()
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				return data
			}
		}
		return "" // the stream has ended
	}
}

func TestTheStreamTakesUpWhereItWas(t *testing.T) {
	v, page, _ := serve(t, fakeslack.PageOptions{})
	missed := v.ws.LastChange()
	require.NoError(t, post(v, v.ops, words("while nobody listened")))
	next := follows(t, page, missed)
	require.Contains(t, next(), `"posted":1`)
	page.Narrate("a line")
	require.Contains(t, next(), `"narrated":1`)

	require.NotEmpty(t, follows(t, page, 1<<40)(), "a number of another workspace begins anew")
	require.NoError(t, v.ws.Close(), "open streams do not keep the workspace")
	require.Empty(t, next())
}

func TestTheGuideAndThePanelsAreBounded(t *testing.T) {
	rows := [][]string{{"Ticket"}}
	for i := range 700 {
		rows = append(rows, []string{fmt.Sprint("T-", i)})
	}
	_, page, _ := serve(t, fakeslack.PageOptions{
		Title: "Tour", Steps: []string{"Try `/campaign list`"},
		Panels: []fakeslack.Panel{{Name: "Tickets", Rows: func() [][]string { return rows }, Text: func() string { return "*All*" }}},
	})
	for i := range 500 {
		page.Narrate(fmt.Sprint("line ", i))
	}
	shown := state(t, page, "ann", "panel0")
	lines := shown["guide"].(map[string]any)["lines"].([]any)
	require.Len(t, lines, 400)
	require.Contains(t, fmt.Sprint(lines[399]), "line 499")
	panel := shown["panel"].(map[string]any)
	require.Len(t, panel["rows"], 501)
	require.InDelta(t, 200, panel["more"].(float64), 0)
	require.Nil(t, state(t, page, "ann", "panel7")["panel"])
	require.Len(t, rows, 701, "what the panel returned is its own")
}

func TestPermalinksLeadToTheirPlaceOnThePage(t *testing.T) {
	v, page, _ := serve(t, fakeslack.PageOptions{})
	link := v.ws.Permalink(v.ops, v.said)
	require.NoError(t, post(v, v.ops, words("see <"+link+"|there> and <https://elsewhere.example/archives/"+v.ops+"|not there>")))
	_, body := reads(t, page, "page/state?"+url.Values{"as": {"ann"}, "open": {v.ops}}.Encode(), "")
	require.Contains(t, body, `"h":"#/`+v.ops+`"`, "a permalink leads to its place on the page")
	require.Contains(t, body, "https://elsewhere.example/")
}

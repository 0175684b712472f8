package rest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/tracker/rest"
	"github.com/musterbot/muster/configs/secret"
	"github.com/musterbot/muster/store/pace"
)

const token = "hunter2-token"

func open(t *testing.T, h http.HandlerFunc, change ...func(*rest.Options)) (*rest.Client, *httptest.Server) {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	o := rest.Options{System: "Jira", BaseURL: server.URL + "/jira/", Auth: rest.Bearer(secret.New(token))}
	for _, c := range change {
		c(&o)
	}
	c, err := rest.New(o)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c, server
}

func TestACallCarriesPathCredentialsAndJSON(t *testing.T) {
	auths := map[string]struct {
		auth         rest.Auth
		header, want string
	}{
		"bearer": {rest.Bearer(secret.New(token)), "Authorization", "Bearer " + token},
		"basic":  {rest.Basic("bot@acme.example", secret.New(token)), "Authorization", "Basic Ym90QGFjbWUuZXhhbXBsZTpodW50ZXIyLXRva2Vu"},
		"header": {rest.Header("X-Redmine-API-Key", secret.New(token)), "X-Redmine-Api-Key", token},
	}
	for name, tt := range auths {
		t.Run(name, func(t *testing.T) {
			c, _ := open(t, func(w http.ResponseWriter, r *http.Request) {
				require.Equal(t, tt.want, r.Header.Get(tt.header))
				require.Equal(t, "/jira/issue/a%2F..%2Fb/%2E%2E", r.URL.EscapedPath(), "no way out of the base")
				require.Equal(t, "1", r.URL.Query().Get("full"))
				body, err := io.ReadAll(r.Body)
				require.NoError(t, err)
				require.JSONEq(t, `{"title":"t"}`, string(body))
				_, _ = io.WriteString(w, `{"id": "7"}`)
			}, func(o *rest.Options) { o.Auth = tt.auth })
			var out struct{ ID string }
			err := c.Do(t.Context(), rest.Call{
				Method: "POST", Path: rest.Path("issue", "a/../b", ".."), Query: map[string][]string{"full": {"1"}},
				In: map[string]string{"title": "t"}, Out: &out,
			})
			require.NoError(t, err)
			require.Equal(t, "7", out.ID)
		})
	}
}

// The kind alone decides what the worker does next.
func TestWhatAnAnswerMeans(t *testing.T) {
	in90s := time.Now().Add(90 * time.Second)
	tests := map[string]struct {
		status      int
		header      map[string]string
		body        string
		read, write campaign.Kind
		wait        time.Duration
		words       string
	}{
		"too many, with seconds":        {429, map[string]string{"Retry-After": "17"}, "", campaign.Unavailable, campaign.Unavailable, 17 * time.Second, "rate limit"},
		"too many, with a date":         {429, map[string]string{"Retry-After": in90s.UTC().Format(http.TimeFormat)}, "", campaign.Unavailable, campaign.Unavailable, 90 * time.Second, "rate limit"},
		"too many, by GitHub's reset":   {429, map[string]string{"X-RateLimit-Reset": fmt.Sprint(in90s.Unix())}, "", campaign.Unavailable, campaign.Unavailable, 90 * time.Second, "rate limit"},
		"too many, by GitLab's reset":   {429, map[string]string{"RateLimit-Reset": fmt.Sprint(in90s.Unix())}, "", campaign.Unavailable, campaign.Unavailable, 90 * time.Second, "rate limit"},
		"too many, by Jira's reset":     {429, map[string]string{"X-RateLimit-Reset": in90s.UTC().Format(time.RFC3339)}, "", campaign.Unavailable, campaign.Unavailable, 90 * time.Second, "rate limit"},
		"too many, without a time":      {429, nil, "", campaign.Unavailable, campaign.Unavailable, time.Minute, "rate limit"},
		"too many, until next year":     {429, map[string]string{"Retry-After": "99999999"}, "", campaign.Unavailable, campaign.Unavailable, 24 * time.Hour, "rate limit"},
		"GitHub's secondary limit":      {403, nil, `{"message":"You have exceeded a secondary rate limit."}`, campaign.Unavailable, campaign.Unavailable, time.Minute, "rate limit"},
		"GitHub's primary limit":        {403, map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": fmt.Sprint(in90s.Unix())}, "", campaign.Unavailable, campaign.Unavailable, 90 * time.Second, "rate limit"},
		"with what is left of a quota":  {403, map[string]string{"X-RateLimit-Remaining": "4987", "X-RateLimit-Reset": fmt.Sprint(in90s.Unix() + 3600)}, `{"message":"You have exceeded a secondary rate limit."}`, campaign.Unavailable, campaign.Unavailable, time.Minute, "rate limit"},
		"too many, with a quota left":   {429, map[string]string{"RateLimit-Remaining": "12", "RateLimit-Reset": fmt.Sprint(in90s.Unix() + 3600)}, "", campaign.Unavailable, campaign.Unavailable, time.Minute, "rate limit"},
		"down, with a quota left":       {503, map[string]string{"X-RateLimit-Remaining": "4987", "X-RateLimit-Reset": fmt.Sprint(in90s.Unix() + 3600)}, "", campaign.Unavailable, campaign.Unavailable, 0, "not available"},
		"down for a while":              {503, map[string]string{"Retry-After": "5"}, "", campaign.Unavailable, campaign.Unavailable, 5 * time.Second, "not available"},
		"an error inside":               {500, nil, "<html>", campaign.Unavailable, campaign.Uncertain, 0, "Jira"},
		"a proxy lost it":               {502, nil, "", campaign.Unavailable, campaign.Uncertain, 0, "Jira"},
		"a proxy gave up":               {504, nil, "", campaign.Unavailable, campaign.Uncertain, 0, "Jira"},
		"wrong credentials":             {401, nil, "", campaign.Forbidden, campaign.Forbidden, 0, "tracker.token"},
		"Jira Cloud answers nobody":     {404, map[string]string{"X-Seraph-LoginReason": "AUTHENTICATED_FAILED"}, "", campaign.Forbidden, campaign.Forbidden, 0, "tracker.token"},
		"nobody finds nothing":          {200, map[string]string{"X-Seraph-LoginReason": "OUT, AUTHENTICATED_FAILED"}, `{"issues":[]}`, campaign.Forbidden, campaign.Forbidden, 0, "tracker.token"},
		"Jira wants a captcha":          {403, map[string]string{"X-Seraph-LoginReason": "AUTHENTICATION_DENIED"}, "", campaign.Forbidden, campaign.Forbidden, 0, "tracker.token"},
		"broken, whoever asks":          {500, map[string]string{"X-Seraph-LoginReason": "AUTHENTICATED_FAILED"}, "", campaign.Unavailable, campaign.Uncertain, 0, "Jira"},
		"may not":                       {403, nil, `{"errorMessages":["No permission"]}`, campaign.Forbidden, campaign.Forbidden, 0, "No permission"},
		"not there":                     {404, nil, "", campaign.NotFound, campaign.NotFound, 0, "no such thing"},
		"a field is wrong":              {400, nil, `{"errorMessages":[],"errors":{"duedate":"Bad date"}}`, campaign.Invalid, campaign.Invalid, 0, "duedate: Bad date"},
		"Redmine refuses":               {422, nil, `{"errors":["Subject cannot be blank"]}`, campaign.Invalid, campaign.Invalid, 0, "Subject cannot be blank"},
		"GitHub refuses":                {422, nil, `{"message":"Validation Failed","errors":[{"field":"title","code":"missing_field"}]}`, campaign.Invalid, campaign.Invalid, 0, "Validation Failed"},
		"ServiceNow refuses":            {400, nil, `{"error":{"message":"Invalid table","detail":null},"status":"failure"}`, campaign.Invalid, campaign.Invalid, 0, "Invalid table"},
		"somebody was faster":           {409, nil, "", campaign.Conflict, campaign.Conflict, 0, "somebody else"},
		"words that would wake a crowd": {400, nil, `{"message":"<!channel> & ` + "`" + `x` + strings.Repeat("y", 5000) + `"}`, campaign.Invalid, campaign.Invalid, 0, "‹!channel› ＆ 'xyyy"},
		"words that echo the token":     {400, nil, `{"message":"bad token ` + token + `"}`, campaign.Invalid, campaign.Invalid, 0, "bad token [redacted]"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c, _ := open(t, func(w http.ResponseWriter, _ *http.Request) {
				for key, value := range tt.header {
					w.Header().Set(key, value)
				}
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, tt.body)
			})
			for method, want := range map[string]campaign.Kind{"GET": tt.read, "POST": tt.write, "PUT": tt.write, "DELETE": tt.write} {
				err := c.Do(t.Context(), rest.Call{Method: method, Path: "/x"})
				require.Equal(t, want, campaign.KindOf(err), "%s: %v", method, err)
				require.InDelta(t, tt.wait.Seconds(), campaign.RetryAfter(err).Seconds(), 3)
				require.Contains(t, campaign.PublicMessage(err), tt.words)
				require.Less(t, len(campaign.PublicMessage(err)), 1200)
				require.NotContains(t, err.Error()+campaign.PublicMessage(err), token)
				answered, ok := errors.AsType[*rest.StatusError](err)
				require.True(t, ok)
				require.Equal(t, tt.status, answered.Status)
			}
			err := c.Do(t.Context(), rest.Call{Method: "POST", Path: "/x", ReadOnly: true})
			require.Equal(t, tt.read, campaign.KindOf(err), "a search by POST")
		})
	}
}

func TestAConnectionThatBreaks(t *testing.T) {
	hijack := func(answer string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := w.(http.Hijacker).Hijack()
			require.NoError(t, err)
			_, _ = io.WriteString(conn, answer)
			_ = conn.Close()
		}
	}
	tests := map[string]http.HandlerFunc{
		"before the answer": hijack(""),
		"in its middle":     hijack("HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n{\"id\":"),
		"not in time": func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
		},
		"with an answer that is no JSON": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>Sign in") },
		"with an answer without end": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"id":"`+strings.Repeat("x", 2<<20)+`"}`)
		},
	}
	for name, handler := range tests {
		t.Run(name, func(t *testing.T) {
			c, _ := open(t, handler, func(o *rest.Options) { o.Timeout, o.MaxAnswer = 300*time.Millisecond, 1<<20 })
			var out struct{ ID string }
			err := c.Do(t.Context(), rest.Call{Method: "POST", Path: "/x", In: 1, Out: &out})
			require.Equal(t, campaign.Uncertain, campaign.KindOf(err), "%v", err)
			err = c.Do(t.Context(), rest.Call{Path: "/x", Out: &out})
			require.Equal(t, campaign.Unavailable, campaign.KindOf(err), "%v", err)
		})
	}
}

// Nothing was sent, so nothing can have been done.
func TestWhatWasNeverSentIsNotUncertain(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	closed := "http://" + listener.Addr().String()
	require.NoError(t, listener.Close())

	secure := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(secure.Close)
	secure.Config.ErrorLog = nil
	for name, address := range map[string]string{
		"nobody listens": closed, "no such host": "http://tracker.invalid", "a certificate that nobody vouches for": secure.URL,
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := open(t, nil, func(o *rest.Options) { o.BaseURL = address })
			err := c.Do(t.Context(), rest.Call{Method: "POST", Path: "/x", In: 1})
			require.Equal(t, campaign.Unavailable, campaign.KindOf(err), "%v", err)
		})
	}
	t.Run("the caller has gone", func(t *testing.T) {
		c, _ := open(t, func(http.ResponseWriter, *http.Request) { t.Error("it was called") })
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		err := c.Do(ctx, rest.Call{Method: "POST", Path: "/x", In: 1})
		require.Equal(t, campaign.Unavailable, campaign.KindOf(err), "%v", err)
	})
}

func TestCredentialsNeverGoElsewhere(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("somebody else was called") }))
	t.Cleanup(elsewhere.Close)
	c, server := open(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/jira/moved":
			http.Redirect(w, r, "/jira/here", http.StatusMovedPermanently)
		case "/jira/here":
			require.Equal(t, "Bearer "+token, r.Header.Get("Authorization"))
			require.Equal(t, http.MethodGet, r.Method)
			_, _ = io.WriteString(w, `{}`)
		case "/jira/away":
			http.Redirect(w, r, elsewhere.URL, http.StatusFound)
		case "/jira/loop":
			http.Redirect(w, r, "/jira/loop", http.StatusFound)
		default:
			http.Redirect(w, r, "/jira/here", http.StatusFound)
		}
	})
	require.NoError(t, c.Do(t.Context(), rest.Call{Path: "/moved"}), "a read may follow within the host")
	require.Equal(t, campaign.Invalid, campaign.KindOf(c.Do(t.Context(), rest.Call{Path: "/away"})))
	require.Equal(t, campaign.Invalid, campaign.KindOf(c.Do(t.Context(), rest.Call{Method: "POST", Path: "/away"})))
	require.Equal(t, campaign.Invalid, campaign.KindOf(c.Do(t.Context(), rest.Call{Method: "POST", Path: "/write"})), "a write that is sent on is none")
	require.Error(t, c.Do(t.Context(), rest.Call{Path: "/loop"}))

	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, elsewhere.URL, nil)
	require.NoError(t, err)
	_, err = (&http.Client{Transport: c.Transport()}).Do(request) // what a vendor's client might do
	require.Equal(t, campaign.Forbidden, campaign.KindOf(err), "%v", err)
	require.NotContains(t, server.URL, elsewhere.URL)
}

// fakeLimiter lets so many calls through, and remembers what it was told.
type fakeLimiter struct {
	mu    sync.Mutex
	left  int
	err   error
	rates []campaign.Rate
	holds map[string]time.Duration
}

func (l *fakeLimiter) Take(_ context.Context, rates []campaign.Rate, _ campaign.Lane) (time.Duration, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rates = rates
	if l.left--; l.left < 0 {
		return 7 * time.Second, l.err
	}
	return 0, l.err
}

func (l *fakeLimiter) Hold(_ context.Context, name string, d time.Duration) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.holds = map[string]time.Duration{name: d}
	return nil
}

func TestTheLimiterIsAskedBeforeAndToldAfter(t *testing.T) {
	calls, limiter := 0, &fakeLimiter{left: 2}
	rate := campaign.Rate{Name: "tracker jira", PerMinute: 60, Burst: 5}
	c, _ := open(t, func(w http.ResponseWriter, _ *http.Request) {
		if calls++; calls == 2 {
			w.Header().Set("Retry-After", "33")
			w.WriteHeader(http.StatusTooManyRequests)
		}
	}, func(o *rest.Options) { o.Limiter, o.Rate = limiter, rate })

	require.NoError(t, c.Do(t.Context(), rest.Call{Path: "/x"}))
	require.Equal(t, []campaign.Rate{rate}, limiter.rates)
	require.Empty(t, limiter.holds)
	require.Equal(t, 33*time.Second, campaign.RetryAfter(c.Do(t.Context(), rest.Call{Path: "/x"})))
	require.Equal(t, map[string]time.Duration{"tracker jira": 33 * time.Second}, limiter.holds, "the other replicas are told")

	err := c.Do(t.Context(), rest.Call{Method: "POST", Path: "/x", In: 1})
	require.Equal(t, campaign.Unavailable, campaign.KindOf(err))
	require.Equal(t, 7*time.Second, campaign.RetryAfter(err))
	require.Equal(t, 2, calls, "not called at all")

	limiter.err = errors.New("redis is gone")
	err = c.Do(t.Context(), rest.Call{Method: "POST", Path: "/x", In: 1})
	require.Equal(t, campaign.Unavailable, campaign.KindOf(err), "nothing was sent")
	require.Equal(t, 2, calls)
}

// While tickets are filed at the limit, what a person waits for goes through.
func TestAFifthIsKeptForWhatPeopleWaitFor(t *testing.T) {
	calls := 0
	c, _ := open(t, func(http.ResponseWriter, *http.Request) { calls++ }, func(o *rest.Options) {
		o.Limiter, o.Rate = pace.New(1), campaign.Rate{Name: "tracker jira", PerMinute: 1, Burst: 10}
	})
	var err error
	for err == nil {
		err = c.Do(t.Context(), rest.Call{Path: "/bulk"})
	}
	require.Equal(t, campaign.Unavailable, campaign.KindOf(err))
	bulk := calls
	require.Less(t, bulk, 4)
	for range 10 - bulk {
		require.NoError(t, c.Do(campaign.ForLane(t.Context(), campaign.Interactive), rest.Call{Path: "/person"}))
	}
	require.Error(t, c.Do(campaign.ForLane(t.Context(), campaign.Interactive), rest.Call{Path: "/person"}), "the limit is one for all")
	require.Equal(t, 10, calls)
}

// turns is a limiter that lets every call through after its wait.
type turns struct {
	fakeLimiter
	waits []time.Duration
	rates []campaign.Rate // that were asked for
}

func (l *turns) Take(_ context.Context, rates []campaign.Rate, _ campaign.Lane) (time.Duration, error) {
	l.rates = append(l.rates, rates...)
	wait := l.waits[0]
	l.waits = l.waits[1:]
	return wait, nil
}

func TestAnOperationThatHasBegunGoesOn(t *testing.T) {
	calls, limiter := 0, &turns{}
	c, _ := open(t, func(http.ResponseWriter, *http.Request) { calls++ }, func(o *rest.Options) { o.Limiter = limiter })
	call := func(ctx context.Context) error { return c.Do(ctx, rest.Call{Path: "/x"}) }

	ctx := rest.Operation(t.Context())
	limiter.waits = []time.Duration{time.Millisecond}
	require.Equal(t, campaign.Unavailable, campaign.KindOf(call(ctx)), "not begun: it comes back later")
	require.Zero(t, calls)

	ctx = rest.Operation(t.Context())
	limiter.waits = []time.Duration{0, time.Millisecond, 2 * time.Millisecond, 0, time.Hour}
	require.NoError(t, call(ctx))
	require.NoError(t, call(ctx), "it waits for its turn")
	require.Equal(t, 2, calls)
	require.Equal(t, time.Hour, campaign.RetryAfter(call(ctx)), "but not for that long")

	ctx, cancel := context.WithCancel(ctx)
	cancel()
	limiter.waits = []time.Duration{time.Second}
	require.Equal(t, campaign.Unavailable, campaign.KindOf(call(ctx)))
	require.Equal(t, 2, calls)
}

// At the rate, a search whose creation has to wait would be a call for nothing.
func TestAFilingTakesBothOfItsCallsAtOnce(t *testing.T) {
	calls, limiter := 0, &turns{}
	c, _ := open(t, func(http.ResponseWriter, *http.Request) { calls++ }, func(o *rest.Options) { o.Limiter = limiter })
	ctx := rest.SearchAndCreate(t.Context())
	limiter.waits = []time.Duration{0, time.Hour}
	require.NoError(t, c.Do(ctx, rest.Call{Path: "/search"}))
	require.NoError(t, c.Do(ctx, rest.Call{Path: "/create"}))
	require.Equal(t, 2, limiter.rates[0].Taken())
	require.Equal(t, campaign.Unavailable, campaign.KindOf(c.Do(ctx, rest.Call{Path: "/more"})))
	require.Equal(t, 1, limiter.rates[1].Taken(), "what follows is taken by itself")
	require.Equal(t, 2, calls)
}

// Clients that share a rate are stopped together; those without it go on.
func TestARefusalHoldsWhatIsShared(t *testing.T) {
	limiter := pace.New(1)
	writes := campaign.Rate{Name: "tracker github writes", PerMinute: 600, Burst: 10}
	client := func(name string, share campaign.Rate) *rest.Client {
		c, _ := open(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				w.WriteHeader(http.StatusTooManyRequests)
			}
		}, func(o *rest.Options) {
			o.Limiter, o.Rate, o.Share = limiter, campaign.Rate{Name: name, PerMinute: 600, Burst: 10}, share
		})
		return c
	}
	reads, edits, creations := client("reads", campaign.Rate{}), client("edits", writes), client("creations", writes)
	require.NoError(t, edits.Do(t.Context(), rest.Call{Method: "PATCH", Path: "/x"}))
	require.Equal(t, campaign.Unavailable, campaign.KindOf(creations.Do(t.Context(), rest.Call{Method: "POST", Path: "/x"})))
	require.InDelta(t, time.Minute.Seconds(), campaign.RetryAfter(edits.Do(t.Context(), rest.Call{Method: "PATCH", Path: "/x"})).Seconds(), 3)
	require.NoError(t, reads.Do(t.Context(), rest.Call{Path: "/x"}))
}

func TestNothingPrintsTheCredentials(t *testing.T) {
	c, _ := open(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	err := c.Do(t.Context(), rest.Call{Path: "/x"})
	require.Error(t, err)
	var logged bytes.Buffer
	log := logrus.New()
	log.SetOutput(&logged)
	log.WithError(err).WithField("client", rest.Options{Auth: rest.Basic("u", secret.New(token))}).Error("call refused")
	text, jsonErr := json.Marshal(rest.Options{Auth: rest.Bearer(secret.New(token))})
	require.NoError(t, jsonErr)
	all := logged.String() + string(text) + fmt.Sprintf("%v %+v %#v %v", err, c, rest.Bearer(secret.New(token)), rest.Basic("u", secret.New(token)))
	require.NotContains(t, all, token)
	require.NotContains(t, all, "aHVudGVy", "nor in base64")
}

func TestOptionsThatCannotWork(t *testing.T) {
	good := rest.Options{System: "Jira", BaseURL: "https://jira.example/", Auth: rest.Bearer(secret.New(token))}
	_, err := rest.New(good)
	require.NoError(t, err)
	for name, change := range map[string]func(*rest.Options){
		"no system":             func(o *rest.Options) { o.System = "" },
		"no address":            func(o *rest.Options) { o.BaseURL = "" },
		"another scheme":        func(o *rest.Options) { o.BaseURL = "ftp://jira.example" },
		"a password in the URL": func(o *rest.Options) { o.BaseURL = "https://me:" + token + "@jira.example" },
		"no credentials":        func(o *rest.Options) { o.Auth = rest.Auth{} },
		"an empty token":        func(o *rest.Options) { o.Auth = rest.Bearer(secret.New("")) },
	} {
		t.Run(name, func(t *testing.T) {
			o := good
			change(&o)
			_, err := rest.New(o)
			require.Error(t, err)
			require.NotContains(t, err.Error(), token)
		})
	}
}

func FuzzWords(f *testing.F) {
	f.Add([]byte(`{"errorMessages":["a"],"errors":{"summary":"b"}}`))
	f.Add([]byte(`{"errors":[{"status":400,"elementErrors":{"errors":{"summary":"b"}},"failedElementNumber":0}]}`))
	f.Add([]byte(`[[[[[[[[["deep"]]]]]]]]]`))
	f.Add([]byte("\x00<!channel>"))
	f.Fuzz(func(t *testing.T, body []byte) {
		words := rest.Quote(rest.Words(body))
		require.LessOrEqual(t, len([]rune(words)), 310)
		require.NotContains(t, words, "<")
		require.NotContains(t, words, "\n")
	})
}

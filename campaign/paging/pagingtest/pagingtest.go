// Package pagingtest is the contract of campaign.Pager as a test suite: every
// paging service that Muster speaks to has to pass it.
package pagingtest

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

// Subject is a pager under test, and a look at the service behind it.
type Subject struct {
	Pager   campaign.Pager
	Service *Service
	// Secrets must be in no error.
	Secrets []string
	// MaxSummary is how many characters of a summary the service takes; 0 for any.
	MaxSummary int
}

// Seen is what the service was told under a key.
type Seen struct {
	Summary  string
	Detail   string
	Severity string // in the service's words
	Link     string
	To       string // the key or the route that decides who is woken
	Open     bool
	Woken    int // how often somebody was
}

// Service is a stand-in of a paging service: pages by key, and faults. Its
// handler is the service's own dialect, which the test of each pager brings.
type Service struct {
	mu     sync.Mutex
	pages  map[string]Seen
	faults []Fault
}

// Fault is how the service meets one call.
type Fault struct {
	Status  int    // answered without effect; 0 for none
	Body    string // of that answer
	Header  http.Header
	Lose    bool // carried out, and then the connection drops
	Retired bool // answers with a redirect to another host
}

// Start serves a dialect until the test ends, and returns its address. dialect
// answers a call and says what it made of it: it calls Trigger or Resolve.
func Start(t *testing.T, dialect func(*Service, http.ResponseWriter, *http.Request)) (*Service, string) {
	t.Helper()
	s := &Service{pages: map[string]Seen{}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fault := s.next()
		switch {
		case fault.Status != 0:
			for name, values := range fault.Header {
				w.Header()[name] = values
			}
			w.WriteHeader(fault.Status)
			_, _ = w.Write([]byte(fault.Body))
		case fault.Retired:
			http.Redirect(w, r, "http://elsewhere.example/", http.StatusPermanentRedirect)
		case fault.Lose:
			dialect(s, httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		default:
			dialect(s, w, r)
		}
	}))
	t.Cleanup(server.Close)
	return s, server.URL
}

// Fail lets the next call meet a fault.
func (s *Service) Fail(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, f)
}

func (s *Service) next() Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.faults) == 0 {
		return Fault{}
	}
	f := s.faults[0]
	s.faults = s.faults[1:]
	return f
}

// Trigger is called by a dialect: an open page of this key wakes nobody again.
func (s *Service) Trigger(key string, seen Seen) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.pages[key]
	seen.Woken, seen.Open = old.Woken, true
	if !old.Open {
		seen.Woken++
	}
	s.pages[key] = seen
}

// Resolve is called by a dialect.
func (s *Service) Resolve(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if seen, ok := s.pages[key]; ok {
		seen.Open = false
		s.pages[key] = seen
	}
}

// Look returns what is known under a key.
func (s *Service) Look(key string) Seen {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pages[key]
}

// Page returns a page like those of the domain.
func Page(key string) campaign.Page {
	return campaign.Page{
		Key: key, Summary: "Muster: question 7 of a security campaign needs a person", Detail: "The link leads to the thread.",
		Severity: campaign.PageHigh, Route: campaign.PageDesk, Link: "https://app.slack.com/client/T1/C1/thread/C1-1.2",
		At: time.Date(2021, 12, 13, 9, 0, 0, 0, time.UTC),
	}
}

// Run runs the suite. open returns a subject of its own for each test.
func Run(t *testing.T, open func(t *testing.T) Subject) {
	tests := map[string]func(*testing.T, Subject){
		"TriggerWakesWithTheFacts":     wakesWithTheFacts,
		"TriggerTwiceWakesOnce":        triggerTwiceWakesOnce,
		"KeysAreApart":                 keysAreApart,
		"ResolveEndsAndMayBeRepeated":  resolveEnds,
		"TriggerAfterTheEndWakesAnew":  triggerAfterTheEnd,
		"IncidentResponseIsOthers":     incidentResponseIsOthers,
		"LongAndStrangeTextIsAccepted": longAndStrangeText,
		"ALostAnswerWakesOnce":         lostAnswerWakesOnce,
		"RefusalsHaveKinds":            refusalsHaveKinds,
		"ARedirectIsNotFollowed":       redirectIsNotFollowed,
		"GivenUpIsUncertain":           givenUp,
		"AnUnfinishedPageIsInvalid":    unfinishedPage,
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

func trigger(t *testing.T, s Subject, p campaign.Page) {
	t.Helper()
	require.NoError(t, s.Pager.Trigger(t.Context(), p))
}

func wakesWithTheFacts(t *testing.T, s Subject) {
	p := Page("k1")
	trigger(t, s, p)
	seen := s.Service.Look("k1")
	require.Equal(t, Seen{
		Summary: p.Summary, Detail: p.Detail, Link: p.Link, Severity: seen.Severity, To: seen.To, Open: true, Woken: 1,
	}, seen)
	p.Key, p.Severity = "k2", campaign.PageCritical
	trigger(t, s, p)
	require.NotEqual(t, seen.Severity, s.Service.Look("k2").Severity)
}

func triggerTwiceWakesOnce(t *testing.T, s Subject) {
	for range 3 {
		trigger(t, s, Page("k1"))
	}
	require.Equal(t, 1, s.Service.Look("k1").Woken)
}

func keysAreApart(t *testing.T, s Subject) {
	trigger(t, s, Page("k1"))
	trigger(t, s, Page("k2"))
	require.NoError(t, s.Pager.Resolve(t.Context(), Page("k1")))
	require.False(t, s.Service.Look("k1").Open)
	require.True(t, s.Service.Look("k2").Open)
}

func resolveEnds(t *testing.T, s Subject) {
	require.NoError(t, s.Pager.Resolve(t.Context(), Page("k1")), "of what was never triggered")
	trigger(t, s, Page("k1"))
	for range 2 {
		require.NoError(t, s.Pager.Resolve(t.Context(), Page("k1")))
		require.False(t, s.Service.Look("k1").Open)
	}
	require.Equal(t, 1, s.Service.Look("k1").Woken)
}

func triggerAfterTheEnd(t *testing.T, s Subject) {
	trigger(t, s, Page("k1"))
	require.NoError(t, s.Pager.Resolve(t.Context(), Page("k1")))
	trigger(t, s, Page("k1"))
	require.Equal(t, 2, s.Service.Look("k1").Woken)
}

func incidentResponseIsOthers(t *testing.T, s Subject) {
	p := Page("k2")
	p.Route = campaign.PageIncident
	trigger(t, s, Page("k1"))
	trigger(t, s, p)
	require.NotEqual(t, s.Service.Look("k1").To, s.Service.Look("k2").To)
	require.NoError(t, s.Pager.Resolve(t.Context(), p))
	require.False(t, s.Service.Look("k2").Open)
}

func longAndStrangeText(t *testing.T, s Subject) {
	p := Page("k1")
	p.Summary = strings.Repeat(`ü "<!channel>" `, 200)
	p.Detail = strings.Repeat("日本語 🔥\n", 3000)
	trigger(t, s, p)
	seen := s.Service.Look("k1").Summary
	require.True(t, utf8.ValidString(seen))
	require.True(t, strings.HasPrefix(seen, `ü "<!channel>" `))
	if s.MaxSummary > 0 {
		require.LessOrEqual(t, utf8.RuneCountInString(seen), s.MaxSummary)
	}
}

func lostAnswerWakesOnce(t *testing.T, s Subject) {
	s.Service.Fail(Fault{Lose: true})
	err := s.Pager.Trigger(t.Context(), Page("k1"))
	s.requireKind(t, campaign.Uncertain, err)
	trigger(t, s, Page("k1"))
	require.Equal(t, 1, s.Service.Look("k1").Woken)
}

func refusalsHaveKinds(t *testing.T, s Subject) {
	tests := map[string]struct {
		fault Fault
		kind  campaign.Kind
		after time.Duration
	}{
		"too many, and says for how long": {
			fault: Fault{Status: 429, Header: http.Header{"Retry-After": {"7"}}}, kind: campaign.Unavailable, after: 7 * time.Second,
		},
		"too many, and does not say": {fault: Fault{Status: 429}, kind: campaign.Unavailable, after: 30 * time.Second},
		"too many, for ever":         {fault: Fault{Status: 429, Header: http.Header{"Retry-After": {"99999999999"}}}, kind: campaign.Unavailable, after: time.Hour},
		"out of service":             {fault: Fault{Status: 503}, kind: campaign.Unavailable},
		"failed within":              {fault: Fault{Status: 500, Body: "oops"}, kind: campaign.Uncertain},
		"a gateway lost it":          {fault: Fault{Status: 504}, kind: campaign.Uncertain},
		"invalid":                    {fault: Fault{Status: 400, Body: `{"errors":["no"]}`}, kind: campaign.Invalid},
		"unprocessable":              {fault: Fault{Status: 422, Body: `{"message":"no"}`}, kind: campaign.Invalid},
		"a key that does not serve":  {fault: Fault{Status: 401}, kind: campaign.Forbidden},
		"a key that may not":         {fault: Fault{Status: 403}, kind: campaign.Forbidden},
		"another address":            {fault: Fault{Status: 404}, kind: campaign.NotFound},
		"a long answer":              {fault: Fault{Status: 400, Body: strings.Repeat("é", 1<<20)}, kind: campaign.Invalid},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s.Service.Fail(tt.fault)
			err := s.Pager.Trigger(t.Context(), Page("k1"))
			s.requireKind(t, tt.kind, err)
			require.Equal(t, tt.after, campaign.RetryAfter(err))
			require.Less(t, len(err.Error()), 2000)
		})
	}
	require.Zero(t, s.Service.Look("k1").Woken)
}

// requireKind asserts an error that has words for people and no secret.
func (s Subject) requireKind(t *testing.T, kind campaign.Kind, err error) {
	t.Helper()
	require.Error(t, err)
	require.Equal(t, kind.String(), campaign.KindOf(err).String(), "%v", err)
	require.NotEqual(t, campaign.PublicMessage(nil), campaign.PublicMessage(err))
	for _, secret := range s.Secrets {
		require.NotContains(t, err.Error(), secret)
	}
}

func redirectIsNotFollowed(t *testing.T, s Subject) {
	s.Service.Fail(Fault{Retired: true})
	s.requireKind(t, campaign.NotFound, s.Pager.Trigger(t.Context(), Page("k1")))
}

func givenUp(t *testing.T, s Subject) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s.requireKind(t, campaign.Uncertain, s.Pager.Trigger(ctx, Page("k1")))
	trigger(t, s, Page("k1"))
	require.Equal(t, 1, s.Service.Look("k1").Woken)
}

func unfinishedPage(t *testing.T, s Subject) {
	for _, p := range []campaign.Page{{Key: "k1", Severity: campaign.PageHigh}, {Summary: "Muster", Severity: campaign.PageHigh}} {
		s.requireKind(t, campaign.Invalid, s.Pager.Trigger(t.Context(), p))
	}
	require.Zero(t, s.Service.Look("k1").Woken)
}

// Listen serves somebody who accepts everything, and counts the calls.
func Listen(t *testing.T) (called func() int64, address string) {
	t.Helper()
	var calls atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		w.WriteHeader(http.StatusAccepted)
	}))
	t.Cleanup(server.Close)
	return calls.Load, server.URL
}

// NoServer returns an address that nobody listens at.
func NoServer(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := "http://" + listener.Addr().String()
	require.NoError(t, listener.Close())
	return address
}

// Package jiratest is a stand-in that behaves like Jira where Muster meets it:
// issues with their fields and workflow, bulk creation with an error per
// element, search by JQL whose index lags, comments, properties, transitions,
// the documented limits and errors, rates that are enforced, and answers that
// get lost. It speaks REST v2 as Data Center does, or v3 as Cloud does. It keeps
// all in memory, and is for tests and measurements only.
package jiratest

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Options say what kind of Jira it is. The zero value is a Data Center without
// limits that never fails.
type Options struct {
	Cloud   bool   // REST v3, documents instead of wiki markup, accounts by id
	Project string // default SEC
	// User and Token are asked of each call: Token alone as a bearer token, both
	// as basic authentication. Without a Token anybody may call. Others are told so
	// by 401 in a Data Center; in Cloud they are answered as if nobody asked, who
	// sees nothing here, with a header that says so.
	User, Token string
	// Accounts are the names (Data Center) or ids (Cloud) that issues can be
	// assigned to; nil takes any.
	Accounts []string
	// DefaultAssignee gets the issues that are filed without an assignee; "" leaves
	// them unassigned. Unassigned is what becomes of one who is explicitly nobody.
	DefaultAssignee string
	Unassigned      Unassigned
	AssigneeOffEdit bool // the edit screen is without the assignee
	// Components are those of the project.
	Components []string
	// Mandatory are the fields that a creation must fill besides its own.
	Mandatory []string
	// Resolution is how an issue is resolved that becomes Done, Resolutions by what.
	Resolution  Resolution
	Resolutions []string
	// NotAdmin says that the account administers neither Jira nor the project: a
	// Data Center then refuses edits that ask not to notify, and Cloud notifies.
	NotAdmin bool
	// SearchLag is how long the search goes on showing what was before.
	SearchLag time.Duration
	// CallsPerMinute, when above 0, is enforced over a bucket of Burst calls
	// (at least 1): what is above is answered with 429 and Retry-After.
	CallsPerMinute float64
	Burst          int
	// Shares of all calls (of writes, for Lost) that fail at random, by Seed.
	LostShare, TooManyShare, ErrorShare float64
	// Elements are summaries of single issues that a bulk creation does not create,
	// with the status that its answer gives each of them.
	Elements map[string]int
	Seed     uint64
	Listen   string           // default 127.0.0.1:0
	Now      func() time.Time // default time.Now
}

// Unassigned is how an issue comes to be nobody's.
type Unassigned int

// The ways of a Jira, by its version, screens and settings.
const (
	UnassignedTaken   Unassigned = iota // at its creation as well
	UnassignedIgnored                   // a creation uses the default; later it can be done
	UnassignedRefused                   // the field is not on the create screen; later it can be done
	UnassignedNever                     // "Allow unassigned issues" is off
)

// Fault is what one call meets. A write that is refused with 403 is refused again
// when it follows at once: nobody gives permissions in between.
type Fault struct {
	Write  bool // waits for the next call that changes something; else for the next call
	Lost   bool // the call is carried out, and the connection breaks before its answer
	Status int  // answered instead of carrying out the call, unless Lost
	Header map[string]string
}

// Stats count what was asked.
type Stats struct {
	Calls, Writes, Bulk int // Bulk: calls of the bulk creation
	TooMany             int // refused above the rate, injected ones aside
	Faults              int // injected and random ones
}

// Server is a running stand-in. All its methods may be used at any time.
type Server struct {
	opts     Options
	listener net.Listener
	http     *http.Server
	done     chan struct{}

	mu     sync.Mutex
	random *rand.Rand
	faults []Fault
	stats  Stats
	tokens float64
	filled time.Time
	hidden bool   // from the account
	denied string // the write that was just refused: method and path
	desk   desk
}

// Start serves on a free port of the loopback interface, or on Options.Listen.
func Start(o Options) (*Server, error) {
	if o.Project == "" {
		o.Project = "SEC"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	o.Burst = max(1, o.Burst)
	listener, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen as jira: %w", err)
	}
	s := &Server{
		opts: o, listener: listener, done: make(chan struct{}),
		random: rand.New(rand.NewPCG(o.Seed, o.Seed)), tokens: float64(o.Burst), filled: o.Now(),
		desk: desk{byID: map[string]*issue{}, byLabel: map[string][]*issue{}},
	}
	s.http = &http.Server{Handler: http.HandlerFunc(s.serve), ReadHeaderTimeout: 10 * time.Second}
	go func() {
		defer close(s.done)
		_ = s.http.Serve(listener) // it ends by Close
	}()
	return s, nil
}

// URL returns the base address.
func (s *Server) URL() string { return "http://" + s.listener.Addr().String() }

// Close stops serving, and waits until it has.
func (s *Server) Close() {
	_ = s.http.Close()
	<-s.done
}

// Inject makes the next call that a fault is for meet it; several wait in line.
func (s *Server) Inject(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, f)
}

// SetSearchLag changes how late the search is, from now on.
func (s *Server) SetSearchLag(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opts.SearchLag = d
}

// SetShares changes what fails at random, from now on.
func (s *Server) SetShares(lost, tooMany, internal float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opts.LostShare, s.opts.TooManyShare, s.opts.ErrorShare = lost, tooMany, internal
}

// Stats returns what was asked so far.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stats
}

// reply is what a call is answered.
type reply struct {
	status int
	body   any // nil for none
}

func ok(body any) reply { return reply{http.StatusOK, body} }

// problem is Jira's body of an error.
type problem struct {
	Messages []string          `json:"errorMessages"`
	Errors   map[string]string `json:"errors"`
}

func refuse(status int, message string) reply {
	return reply{status, problem{Messages: []string{message}, Errors: map[string]string{}}}
}

func refuseFields(fields map[string]string) reply {
	return reply{http.StatusBadRequest, problem{Messages: []string{}, Errors: fields}}
}

const maxBody = 8 << 20

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	var body map[string]any
	if r.Method != http.MethodGet {
		err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&body)
		if err != nil && r.ContentLength != 0 {
			answer(w, refuse(http.StatusBadRequest, "Unexpected character in the request"))
			return
		}
	}
	write := r.Method != http.MethodGet && !strings.HasSuffix(r.URL.Path, "/search")

	s.mu.Lock()
	s.stats.Calls++
	if write {
		s.stats.Writes++
	}
	fault, lost := s.meets(w, write)
	switch what := r.Method + " " + r.URL.Path; {
	case fault == nil && s.denied == what:
		denied := refuse(http.StatusForbidden, http.StatusText(http.StatusForbidden))
		fault = &denied
	case fault != nil && fault.status == http.StatusForbidden && write:
		s.denied = what
	default:
		s.denied = ""
	}
	if fault != nil && !lost {
		s.mu.Unlock()
		answer(w, *fault)
		return
	}
	var done reply
	if s.knows(r) {
		done = s.route(r, body)
	} else {
		w.Header().Set("X-Seraph-LoginReason", "AUTHENTICATED_FAILED")
		done = s.stranger(r)
	}
	s.mu.Unlock()
	if lost {
		panic(http.ErrAbortHandler) // the connection breaks, without a word
	}
	answer(w, done)
}

// meets returns what a call is answered instead of being carried out, or that
// its answer is to be lost.
func (s *Server) meets(w http.ResponseWriter, write bool) (*reply, bool) {
	for i, f := range s.faults {
		if f.Write && !write {
			continue
		}
		s.faults = append(s.faults[:i:i], s.faults[i+1:]...)
		s.stats.Faults++
		if f.Lost {
			return &reply{}, true
		}
		for name, value := range f.Header {
			w.Header().Set(name, value)
		}
		r := refuse(f.Status, http.StatusText(f.Status))
		return &r, false
	}
	if wait := s.take(); wait > 0 {
		s.stats.TooMany++
		return s.tooMany(w, wait), false
	}
	dice := s.random.Float64()
	switch {
	case dice < s.opts.TooManyShare:
		s.stats.Faults++
		return s.tooMany(w, time.Second), false
	case dice < s.opts.TooManyShare+s.opts.ErrorShare:
		s.stats.Faults++
		r := refuse(http.StatusInternalServerError, "Internal server error")
		return &r, false
	case write && dice < s.opts.TooManyShare+s.opts.ErrorShare+s.opts.LostShare:
		s.stats.Faults++
		return &reply{}, true
	}
	return nil, false
}

func (s *Server) tooMany(w http.ResponseWriter, wait time.Duration) *reply {
	w.Header().Set("Retry-After", fmt.Sprint(math.Ceil(wait.Seconds())))
	r := refuse(http.StatusTooManyRequests, "Rate limit exceeded")
	return &r
}

// take returns how long a call has to wait for the rate; 0 when it is let in.
func (s *Server) take() time.Duration {
	if s.opts.CallsPerMinute <= 0 {
		return 0
	}
	now, perSecond := s.opts.Now(), s.opts.CallsPerMinute/60
	s.tokens = min(float64(s.opts.Burst), s.tokens+now.Sub(s.filled).Seconds()*perSecond)
	s.filled = now
	if s.tokens >= 1 {
		s.tokens--
		return 0
	}
	return time.Duration((1 - s.tokens) / perSecond * float64(time.Second))
}

func (s *Server) knows(r *http.Request) bool {
	if s.opts.Token == "" {
		return true
	}
	user, token, basic := r.BasicAuth()
	if !basic {
		token, _ = strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	}
	return user == s.opts.User && subtle.ConstantTimeCompare([]byte(token), []byte(s.opts.Token)) == 1
}

// stranger answers a call with wrong credentials.
func (s *Server) stranger(r *http.Request) reply {
	switch {
	case !s.opts.Cloud, strings.HasSuffix(r.URL.Path, "/myself"):
		return refuse(http.StatusUnauthorized, "You are not authenticated. Authentication required to perform this operation.")
	case strings.HasSuffix(r.URL.Path, "/search/jql"):
		return ok(map[string]any{"issues": []any{}, "isLast": true})
	case r.Method == http.MethodGet, r.Method == http.MethodPut:
		return refuse(http.StatusNotFound, "Issue does not exist or you do not have permission to see it.")
	}
	return refuseFields(map[string]string{"project": "valid project is required"})
}

// SetToken changes the token that is asked for: those that were given out before
// have expired.
func (s *Server) SetToken(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opts.Token = token
}

// Hide takes the permission to browse the project away from the account, or gives
// it back.
func (s *Server) Hide(hidden bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hidden = hidden
}

func answer(w http.ResponseWriter, r reply) {
	if r.body == nil {
		w.WriteHeader(r.status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(r.status)
	_ = json.NewEncoder(w).Encode(r.body)
}

// api is the path below which calls are answered.
func (s *Server) api() string {
	if s.opts.Cloud {
		return "/rest/api/3/"
	}
	return "/rest/api/2/"
}

func (s *Server) route(r *http.Request, body map[string]any) reply {
	path, found := strings.CutPrefix(r.URL.Path, s.api())
	if !found {
		return reply{status: http.StatusNotFound}
	}
	parts := strings.Split(path, "/")
	call := r.Method + " " + parts[0]
	if parts[0] == "issue" && len(parts) > 2 {
		call += "/X/" + parts[2]
	} else if len(parts) > 1 {
		call += "/" + parts[1]
	}
	switch {
	case call == "POST issue":
		return s.create(body)
	case call == "POST issue/bulk":
		s.stats.Bulk++
		return s.createAll(body)
	case call == "GET search/jql" && s.opts.Cloud, call == "GET search" && !s.opts.Cloud:
		return s.search(r.URL.Query())
	case call == "POST search" && !s.opts.Cloud:
		return s.search(asQuery(body))
	case (call == "GET search" || call == "POST search") && s.opts.Cloud:
		return refuse(http.StatusGone, "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API.")
	case call == "GET resolution":
		return ok(s.resolutions())
	case call == "GET myself":
		return ok(map[string]any{"name": "muster", "accountId": "muster", "timeZone": "Europe/Dublin"})
	}
	if r.Method == http.MethodGet && parts[0] == "project" && len(parts) == 2 {
		return s.project(parts[1])
	}
	if parts[0] != "issue" || len(parts) < 2 {
		return reply{status: http.StatusNotFound}
	}
	i := s.find(parts[1])
	if i == nil || s.hidden {
		return refuse(http.StatusNotFound, "Issue does not exist or you do not have permission to see it.")
	}
	return s.routeIssue(i, r, call, parts, body)
}

func (s *Server) project(key string) reply {
	if key != s.opts.Project || s.hidden {
		return refuse(http.StatusNotFound, "No project could be found with key '"+key+"'.")
	}
	kind := "UNASSIGNED"
	if s.opts.DefaultAssignee != "" {
		kind = "PROJECT_LEAD"
	}
	return ok(map[string]any{"key": key, "assigneeType": kind})
}

func (s *Server) routeIssue(i *issue, r *http.Request, call string, parts []string, body map[string]any) reply {
	switch call {
	case "GET issue/" + parts[1]:
		return ok(s.show(i, r.URL.Query().Get("properties") != ""))
	case "PUT issue/" + parts[1]:
		if r.URL.Query().Get("notifyUsers") == "false" && s.opts.NotAdmin && !s.opts.Cloud {
			return refuse(http.StatusForbidden, "To discard the user notification either admin or project admin permissions are required.")
		}
		return s.edit(i, body)
	case "PUT issue/X/assignee":
		return s.assign(i, body)
	case "GET issue/X/transitions":
		return ok(map[string]any{"transitions": s.transitions(i, r.URL.Query().Get("expand") == "transitions.fields")})
	case "POST issue/X/transitions":
		return s.transit(i, body)
	case "GET issue/X/comment":
		return s.comments(i, r.URL.Query())
	case "POST issue/X/comment":
		return s.comment(i, body)
	case "PUT issue/X/properties":
		if len(parts) < 4 {
			return reply{status: http.StatusNotFound}
		}
		return s.setProperty(i, parts[3], body)
	}
	return reply{status: http.StatusMethodNotAllowed}
}

// ErrNoIssue says that there is no issue of that key.
var ErrNoIssue = errors.New("there is no such issue")

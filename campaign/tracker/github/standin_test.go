package github_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/musterbot/muster/campaign/tracker/trackertest"
)

const token = "github_pat_hunter2"

// standIn answers as GitHub documents its REST API: issues, labels and comments
// of repositories.
type standIn struct {
	trackertest.Faults
	t   *testing.T
	url string

	mu       sync.Mutex
	now      time.Time
	readOnly bool // labels are dropped without a word, as GitHub does to those without write access
	hidden   bool // the account lost its access: private repositories are not there for it
	tooMuch  bool // what writes is above the secondary limit for content
	repos    map[string]*repository
	calls    []string
}

type repository struct {
	labels []string
	issues []*issue
}

// label returns a label as the repository has it, for GitHub ignores case; one that
// is not there yet is made.
func (r *repository) label(name string) string {
	if i := r.labelAt(name); i >= 0 {
		return r.labels[i]
	}
	r.labels = append(r.labels, name)
	return name
}

func (r *repository) labelAt(name string) int {
	return slices.IndexFunc(r.labels, func(l string) bool { return strings.EqualFold(l, name) })
}

type issue struct {
	Number      int       `json:"number"`
	Title       string    `json:"title"`
	Body        string    `json:"body"`
	State       string    `json:"state"`
	StateReason *string   `json:"state_reason"`
	Labels      []named   `json:"labels"`
	Assignees   []login   `json:"assignees"`
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
	HTMLURL     string    `json:"html_url"`
	Repository  string    `json:"repository_url"`
	PullRequest *struct{} `json:"pull_request,omitempty"`

	comments []comment
	movedTo  string // path of the issue
	deleted  bool
}

type named struct {
	Name string `json:"name"`
}

type login struct {
	Login string `json:"login"`
}

type comment struct {
	Body string `json:"body"`
}

func startStandIn(t *testing.T, repos ...string) *standIn {
	s := &standIn{t: t, now: time.Date(2021, 12, 13, 9, 0, 0, 0, time.UTC), repos: map[string]*repository{}}
	for _, name := range repos {
		s.repos[name] = &repository{}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /repos/{owner}/{repo}/issues", s.in(s.list))
	mux.HandleFunc("POST /repos/{owner}/{repo}/issues", s.in(s.create))
	mux.HandleFunc("POST /repos/{owner}/{repo}/labels", s.in(s.createLabel))
	mux.HandleFunc("GET /repos/{owner}/{repo}/issues/{number}", s.in(s.on(s.get)))
	mux.HandleFunc("PATCH /repos/{owner}/{repo}/issues/{number}", s.in(s.on(s.edit)))
	mux.HandleFunc("GET /repos/{owner}/{repo}/issues/{number}/comments", s.in(s.on(s.listComments)))
	mux.HandleFunc("POST /repos/{owner}/{repo}/issues/{number}/comments", s.in(s.on(s.createComment)))
	writes := func(r *http.Request) bool {
		return r.Method != http.MethodGet && !strings.HasSuffix(r.URL.Path, "/labels")
	}
	server := httptest.NewServer(s.Handler(writes, mux))
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func refuse(w http.ResponseWriter, status int, message string, errors ...map[string]string) {
	answer(w, status, map[string]any{"message": message, "errors": errors, "documentation_url": "https://docs.github.com/rest", "status": strconv.Itoa(status)})
}

// in finds the repository, for those who may see it.
func (s *standIn) in(next func(http.ResponseWriter, *http.Request, *repository)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.calls = append(s.calls, r.Method+" "+r.URL.Path)
		if r.Header.Get("Authorization") != "Bearer "+token {
			refuse(w, http.StatusUnauthorized, "Bad credentials")
			return
		}
		w.Header().Set("X-RateLimit-Limit", "5000") // what is left of the hour, on each answer
		w.Header().Set("X-RateLimit-Remaining", "4987")
		w.Header().Set("X-RateLimit-Reset", strconv.FormatInt(time.Now().Add(40*time.Minute).Unix(), 10))
		if s.tooMuch && r.Method != http.MethodGet {
			refuse(w, http.StatusForbidden, "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.")
			return
		}
		repo := s.repos[r.PathValue("owner")+"/"+r.PathValue("repo")]
		if repo == nil || s.hidden {
			refuse(w, http.StatusNotFound, "Not Found")
			return
		}
		next(w, r, repo)
	}
}

// on finds the issue, or says where it went.
func (s *standIn) on(next func(http.ResponseWriter, *http.Request, *issue)) func(http.ResponseWriter, *http.Request, *repository) {
	return func(w http.ResponseWriter, r *http.Request, repo *repository) {
		number, _ := strconv.Atoi(r.PathValue("number"))
		i := slices.IndexFunc(repo.issues, func(i *issue) bool { return i.Number == number })
		switch {
		case i < 0:
			refuse(w, http.StatusNotFound, "Not Found")
		case repo.issues[i].deleted:
			refuse(w, http.StatusGone, "This issue was deleted")
		case repo.issues[i].movedTo != "":
			w.Header().Set("Location", s.url+repo.issues[i].movedTo)
			refuse(w, http.StatusMovedPermanently, "Moved Permanently")
		default:
			next(w, r, repo.issues[i])
		}
	}
}

// tick lets a second pass: GitHub keeps no fractions of one.
func (s *standIn) tick() time.Time {
	s.now = s.now.Add(time.Second)
	return s.now
}

func (s *standIn) list(w http.ResponseWriter, r *http.Request, repo *repository) {
	q := r.URL.Query()
	var found []*issue
	since, _ := time.Parse(time.RFC3339, q.Get("since"))
	for _, i := range repo.issues {
		matches := !i.deleted && i.movedTo == "" && !i.UpdatedAt.Before(since) && (q.Get("state") == "all" || i.State == "open")
		for label := range strings.SplitSeq(q.Get("labels"), ",") {
			matches = matches && slices.ContainsFunc(i.Labels, func(l named) bool { return strings.EqualFold(l.Name, label) })
		}
		if matches {
			found = append(found, i)
		}
	}
	if q.Get("sort") == "updated" {
		slices.SortStableFunc(found, func(a, b *issue) int { return a.UpdatedAt.Compare(b.UpdatedAt) })
	}
	size, _ := strconv.Atoi(q.Get("per_page"))
	page := max(1, atoi(q.Get("page")))
	from := min(len(found), (page-1)*size)
	to := min(len(found), from+size)
	if to < len(found) {
		w.Header().Set("Link", fmt.Sprintf(`<%s%s?page=%d>; rel="next"`, s.url, r.URL.Path, page+1))
	}
	answer(w, http.StatusOK, found[from:to])
}

func atoi(text string) int {
	n, _ := strconv.Atoi(text)
	return n
}

// wish is what creating and editing take.
type wish struct {
	Title       *string
	Body        *string
	State       *string
	StateReason *string `json:"state_reason"`
	Labels      *[]string
	Assignees   *[]string
}

func (s *standIn) create(w http.ResponseWriter, r *http.Request, repo *repository) {
	name := r.PathValue("owner") + "/" + r.PathValue("repo")
	i := &issue{
		Number: len(repo.issues) + 1, State: "open", Labels: []named{}, Assignees: []login{}, Repository: s.url + "/repos/" + name,
	}
	i.HTMLURL = fmt.Sprintf("https://github.com/%s/issues/%d", name, i.Number)
	var x wish
	if err := json.NewDecoder(r.Body).Decode(&x); err != nil {
		refuse(w, http.StatusBadRequest, "Problems parsing JSON")
		return
	}
	x.State = nil
	if !s.apply(w, repo, i, x) {
		return
	}
	repo.issues = append(repo.issues, i)
	answer(w, http.StatusCreated, i)
}

func (s *standIn) edit(w http.ResponseWriter, r *http.Request, i *issue) {
	var x wish
	if err := json.NewDecoder(r.Body).Decode(&x); err != nil {
		refuse(w, http.StatusBadRequest, "Problems parsing JSON")
		return
	}
	if s.apply(w, s.repos[r.PathValue("owner")+"/"+r.PathValue("repo")], i, x) {
		answer(w, http.StatusOK, i)
	}
}

func (s *standIn) apply(w http.ResponseWriter, repo *repository, i *issue, x wish) bool {
	invalid := func(field, code string) bool {
		refuse(w, http.StatusUnprocessableEntity, "Validation Failed", map[string]string{"resource": "Issue", "field": field, "code": code})
		return false
	}
	switch {
	case x.Title != nil && *x.Title == "", x.Title == nil && i.Title == "":
		return invalid("title", "missing_field")
	case x.Title != nil && utf8.RuneCountInString(*x.Title) > 256:
		return invalid("title", "too_long")
	case x.Body != nil && utf8.RuneCountInString(*x.Body) > 65536:
		return invalid("body", "too_long")
	}
	if x.Labels != nil && !s.readOnly {
		i.Labels = nil
		for _, label := range *x.Labels {
			if len(label) > 50 {
				return invalid("labels", "invalid")
			}
			if name := (named{repo.label(label)}); !slices.Contains(i.Labels, name) {
				i.Labels = append(i.Labels, name)
			}
		}
	}
	if x.Assignees != nil {
		i.Assignees = []login{}
		for _, name := range *x.Assignees {
			if strings.HasPrefix(name, "nobody") {
				return invalid("assignees", "invalid")
			}
			i.Assignees = append(i.Assignees, login{name})
		}
	}
	if x.Title != nil {
		i.Title = *x.Title
	}
	if x.Body != nil {
		i.Body = *x.Body
	}
	if x.State != nil {
		i.State, i.StateReason = *x.State, x.StateReason
	}
	i.UpdatedAt = s.tick()
	if i.CreatedAt.IsZero() {
		i.CreatedAt = i.UpdatedAt
	}
	return true
}

func (s *standIn) get(w http.ResponseWriter, _ *http.Request, i *issue) { answer(w, http.StatusOK, i) }

func (s *standIn) createLabel(w http.ResponseWriter, r *http.Request, repo *repository) {
	var label named
	_ = json.NewDecoder(r.Body).Decode(&label)
	switch {
	case s.readOnly:
		refuse(w, http.StatusForbidden, "Resource not accessible by personal access token")
	case repo.labelAt(label.Name) >= 0:
		refuse(w, http.StatusUnprocessableEntity, "Validation Failed", map[string]string{"resource": "Label", "code": "already_exists", "field": "name"})
	default:
		repo.label(label.Name)
		answer(w, http.StatusCreated, label)
	}
}

func (s *standIn) listComments(w http.ResponseWriter, r *http.Request, i *issue) {
	size, page := atoi(r.URL.Query().Get("per_page")), max(1, atoi(r.URL.Query().Get("page")))
	from := min(len(i.comments), (page-1)*size)
	to := min(len(i.comments), from+size)
	if to < len(i.comments) {
		w.Header().Set("Link", fmt.Sprintf(`<%s%s?page=%d>; rel="next"`, s.url, r.URL.Path, page+1))
	}
	answer(w, http.StatusOK, i.comments[from:to])
}

func (s *standIn) createComment(w http.ResponseWriter, r *http.Request, i *issue) {
	var c comment
	_ = json.NewDecoder(r.Body).Decode(&c)
	i.comments = append(i.comments, c)
	i.UpdatedAt = s.tick()
	answer(w, http.StatusCreated, c)
}

// person changes an issue as somebody does on the page.
func (s *standIn) person(id string, change func(*issue)) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.find(id)
	change(i)
	i.UpdatedAt = s.tick()
}

func (s *standIn) find(id string) *issue {
	s.t.Helper()
	name, number, _ := strings.Cut(id, "#")
	repo := s.repos[name]
	if repo == nil {
		s.t.Fatalf("no repository %s", name)
	}
	for _, i := range repo.issues {
		if strconv.Itoa(i.Number) == number {
			return i
		}
	}
	s.t.Fatalf("no issue %s", id)
	return nil
}

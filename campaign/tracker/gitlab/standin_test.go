package gitlab_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/musterbot/muster/campaign/tracker/trackertest"
)

const token = "glpat-hunter2"

// standIn answers as GitLab documents its REST API v4: issues, labels, notes and
// users around one project.
type standIn struct {
	trackertest.Faults
	t   *testing.T
	url string

	mu     sync.Mutex
	now    time.Time
	hidden bool // the account lost its access: private projects are not there for it
	guest  bool // labels are left out without a word, as GitLab does to guests
	labels map[string]bool
	issues []*issue
	users  map[string]int
}

type issue struct {
	IID         int       `json:"iid"`
	ProjectID   int       `json:"project_id"`
	Title       string    `json:"title"`
	Description string    `json:"description"`
	State       string    `json:"state"`
	Labels      []string  `json:"labels"`
	Assignees   []user    `json:"assignees"`
	DueDate     *string   `json:"due_date"`
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
	in          string    // its project
	WebURL      string    `json:"web_url"`
	MovedToID   *int      `json:"moved_to_id"`

	notes []string
}

type user struct {
	ID       int    `json:"id"`
	Username string `json:"username"`
}

func startStandIn(t *testing.T) *standIn {
	s := &standIn{
		t: t, now: time.Date(2021, 12, 13, 9, 0, 0, 0, time.UTC), labels: map[string]bool{}, users: map[string]int{"ann-pay": 11, "ben-platform": 12},
	}
	mux := http.NewServeMux()
	const project = "/api/v4/projects/{project}"
	mux.HandleFunc("GET "+project+"/issues", s.in(s.list))
	mux.HandleFunc("POST "+project+"/issues", s.in(s.create))
	mux.HandleFunc("POST "+project+"/labels", s.in(s.createLabel))
	mux.HandleFunc("GET "+project+"/issues/{iid}", s.in(s.on(s.get)))
	mux.HandleFunc("PUT "+project+"/issues/{iid}", s.in(s.on(s.edit)))
	mux.HandleFunc("GET "+project+"/issues/{iid}/notes", s.in(s.on(s.listNotes)))
	mux.HandleFunc("POST "+project+"/issues/{iid}/notes", s.in(s.on(s.createNote)))
	mux.HandleFunc("GET /api/v4/users", s.in(s.listUsers))
	writes := func(r *http.Request) bool {
		return r.Method != http.MethodGet && !strings.HasSuffix(r.URL.Path, "/labels")
	}
	server := httptest.NewServer(s.Handler(writes, mux))
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("RateLimit-Limit", "60") // its client would wait in line for it
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func refuse(w http.ResponseWriter, status int, message any) {
	answer(w, status, map[string]any{"message": message})
}

func (s *standIn) in(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		project := r.PathValue("project")
		switch {
		case r.Header.Get("PRIVATE-TOKEN") != token:
			refuse(w, http.StatusUnauthorized, "401 Unauthorized")
		case project != "" && (s.hidden || project != "acme/security" && project != "acme/platform"):
			refuse(w, http.StatusNotFound, "404 Project Not Found")
		default:
			next(w, r)
		}
	}
}

func (s *standIn) on(next func(http.ResponseWriter, *http.Request, *issue)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		i := slices.IndexFunc(s.issues, func(i *issue) bool { return strconv.Itoa(i.IID) == r.PathValue("iid") })
		if i < 0 {
			refuse(w, http.StatusNotFound, "404 Not found")
			return
		}
		next(w, r, s.issues[i])
	}
}

func (s *standIn) tick() time.Time {
	s.now = s.now.Add(137 * time.Millisecond)
	return s.now
}

func page[T any](w http.ResponseWriter, r *http.Request, all []T) {
	size, _ := strconv.Atoi(r.URL.Query().Get("per_page"))
	number, _ := strconv.Atoi(r.URL.Query().Get("page"))
	if size == 0 {
		size = 20
	}
	number = max(1, number)
	from := min(len(all), (number-1)*size)
	to := min(len(all), from+size)
	if to < len(all) {
		w.Header().Set("X-Next-Page", strconv.Itoa(number+1))
	}
	answer(w, http.StatusOK, all[from:to])
}

func (s *standIn) list(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	after, _ := time.Parse(time.RFC3339Nano, q.Get("updated_after"))
	found := []*issue{}
	for _, i := range s.issues {
		matches := !i.UpdatedAt.Before(after) && (i.in == "" || i.in == r.PathValue("project"))
		for label := range strings.SplitSeq(q.Get("labels"), ",") {
			matches = matches && slices.Contains(i.Labels, label)
		}
		if matches {
			found = append(found, i)
		}
	}
	if q.Get("order_by") == "updated_at" {
		slices.SortStableFunc(found, func(a, b *issue) int { return a.UpdatedAt.Compare(b.UpdatedAt) })
	}
	page(w, r, found)
}

// wish is what creating and editing take.
type wish struct {
	Title        *string
	Description  *string
	AssigneeIDs  *[]int `json:"assignee_ids"`
	Labels       *string
	AddLabels    *string `json:"add_labels"`
	RemoveLabels *string `json:"remove_labels"`
	StateEvent   *string `json:"state_event"`

	raw map[string]json.RawMessage
}

func readWish(r *http.Request) (wish, error) {
	var x wish
	if err := json.NewDecoder(r.Body).Decode(&x.raw); err != nil {
		return x, fmt.Errorf("decode: %w", err)
	}
	text, err := json.Marshal(x.raw)
	if err != nil {
		return x, fmt.Errorf("encode: %w", err)
	}
	return x, json.Unmarshal(text, &x)
}

func (s *standIn) create(w http.ResponseWriter, r *http.Request) {
	x, err := readWish(r)
	if err != nil {
		refuse(w, http.StatusBadRequest, "400 Bad request")
		return
	}
	iid := len(s.issues) + 1
	i := &issue{in: r.PathValue("project"), IID: iid, ProjectID: 42, State: "opened", Labels: []string{}, Assignees: []user{}, WebURL: fmt.Sprintf("%s/acme/security/-/issues/%d", s.url, iid)}
	if !s.apply(w, i, x) {
		return
	}
	s.issues = append(s.issues, i)
	answer(w, http.StatusCreated, i)
}

func (s *standIn) edit(w http.ResponseWriter, r *http.Request, i *issue) {
	x, err := readWish(r)
	if err != nil {
		refuse(w, http.StatusBadRequest, "400 Bad request")
		return
	}
	if s.apply(w, i, x) {
		answer(w, http.StatusOK, i)
	}
}

var quick = regexp.MustCompile(`(?m)^/close\b.*$`)

// act carries out quick actions, which vanish from the text.
func (i *issue) act(text string) string {
	if quick.MatchString(text) {
		i.State = "closed"
	}
	return quick.ReplaceAllString(text, "")
}

func (s *standIn) apply(w http.ResponseWriter, i *issue, x wish) bool {
	switch {
	case x.Title == nil && i.Title == "" || x.Title != nil && *x.Title == "":
		refuse(w, http.StatusBadRequest, map[string][]string{"title": {"can't be blank"}})
		return false
	case x.Title != nil && utf8.RuneCountInString(*x.Title) > 255:
		refuse(w, http.StatusBadRequest, map[string][]string{"title": {"is too long (maximum is 255 characters)"}})
		return false
	}
	if x.Title != nil {
		i.Title = *x.Title
	}
	if x.Description != nil {
		i.Description = i.act(*x.Description)
	}
	if !s.guest {
		s.label(i, x)
	}
	if x.AssigneeIDs != nil {
		i.Assignees = []user{}
		for name, id := range s.users {
			if slices.Contains(*x.AssigneeIDs, id) {
				i.Assignees = append(i.Assignees, user{id, name})
			}
		}
	}
	if due, ok := x.raw["due_date"]; ok {
		i.DueDate = nil
		_ = json.Unmarshal(due, &i.DueDate)
	}
	if x.StateEvent != nil {
		i.State = map[string]string{"close": "closed", "reopen": "opened"}[*x.StateEvent]
	}
	i.UpdatedAt = s.tick()
	if i.CreatedAt.IsZero() {
		i.CreatedAt = i.UpdatedAt
	}
	return true
}

func (s *standIn) label(i *issue, x wish) {
	for _, list := range []*string{x.Labels, x.AddLabels} {
		if list == nil {
			continue
		}
		for name := range strings.SplitSeq(*list, ",") {
			s.labels[name] = true
			if !slices.Contains(i.Labels, name) {
				i.Labels = append(i.Labels, name)
			}
		}
	}
	if x.RemoveLabels != nil {
		i.Labels = slices.DeleteFunc(i.Labels, func(l string) bool { return slices.Contains(strings.Split(*x.RemoveLabels, ","), l) })
	}
}

func (s *standIn) get(w http.ResponseWriter, _ *http.Request, i *issue) { answer(w, http.StatusOK, i) }

func (s *standIn) createLabel(w http.ResponseWriter, r *http.Request) {
	var label struct{ Name, Color string }
	_ = json.NewDecoder(r.Body).Decode(&label)
	switch {
	case s.guest:
		refuse(w, http.StatusForbidden, "403 Forbidden")
	case label.Color == "":
		answer(w, http.StatusBadRequest, map[string]string{"error": "color is missing"})
	case s.labels[label.Name]:
		refuse(w, http.StatusConflict, "Label already exists")
	default:
		s.labels[label.Name] = true
		answer(w, http.StatusCreated, map[string]any{"id": 1, "name": label.Name})
	}
}

func (s *standIn) listNotes(w http.ResponseWriter, r *http.Request, i *issue) {
	notes := []map[string]any{}
	for _, text := range i.notes {
		notes = append(notes, map[string]any{"body": text})
	}
	page(w, r, notes)
}

func (s *standIn) createNote(w http.ResponseWriter, r *http.Request, i *issue) {
	var note struct{ Body string }
	_ = json.NewDecoder(r.Body).Decode(&note)
	i.notes = append(i.notes, i.act(note.Body))
	i.UpdatedAt = s.tick()
	answer(w, http.StatusCreated, map[string]any{"id": len(i.notes), "body": note.Body})
}

func (s *standIn) listUsers(w http.ResponseWriter, r *http.Request) {
	name := strings.ToLower(r.URL.Query().Get("username"))
	users := []user{}
	if id, ok := s.users[name]; ok {
		users = append(users, user{id, name})
	}
	answer(w, http.StatusOK, users)
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
	_, number, _ := strings.Cut(id, "#")
	for _, i := range s.issues {
		if strconv.Itoa(i.IID) == number {
			return i
		}
	}
	s.t.Fatalf("no issue %s", id)
	return nil
}

package servicenow_test

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

const password = "hunter2-password"

var groups = map[string]string{"Payments Team": "g1", "platform": "g2"}

// standIn answers as ServiceNow documents its Table API, with the rules of its
// own that incidents are delivered with.
type standIn struct {
	trackertest.Faults
	t   *testing.T
	url string

	mu      sync.Mutex
	now     time.Time
	records []map[string]string
	closed  []string // states that end the work: active is off in them
	patches []map[string]string
	lists   int
	hidden  bool // the account lost its role: the table is empty for it
	deaf    bool // drops what it does not understand of a query, and answers with everything
}

func startStandIn(t *testing.T) *standIn {
	s := &standIn{t: t, now: time.Date(2021, 12, 13, 9, 0, 0, 0, time.UTC), closed: []string{"7", "8"}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/now/table/sys_user_group", s.in(s.listGroups))
	mux.HandleFunc("GET /api/now/table/incident", s.in(s.list))
	mux.HandleFunc("POST /api/now/table/incident", s.in(s.create))
	mux.HandleFunc("PATCH /api/now/table/incident/{id}", s.in(s.edit))
	server := httptest.NewServer(s.Handler(func(r *http.Request) bool { return r.Method != http.MethodGet }, mux))
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

func (s *standIn) in(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if name, pass, _ := r.BasicAuth(); name != "muster" || pass != password {
			refuse(w, http.StatusUnauthorized, "User Not Authenticated", "Required to provide Auth information")
			return
		}
		next(w, r)
	}
}

func answer(w http.ResponseWriter, status int, result any) {
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"result": result})
}

func refuse(w http.ResponseWriter, status int, message, detail string) {
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]string{"message": message, "detail": detail}, "status": "failure"})
}

// tick lets a second pass: ServiceNow keeps no fractions of one.
func (s *standIn) tick() string {
	s.now = s.now.Add(time.Second)
	return s.now.Format(time.DateTime)
}

func (s *standIn) listGroups(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Query().Get("sysparm_query"), "name=")
	found := []map[string]string{}
	for group, id := range groups {
		if strings.EqualFold(group, name) {
			found = append(found, map[string]string{"sys_id": id, "name": group})
		}
	}
	answer(w, http.StatusOK, found)
}

func (s *standIn) list(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	found := slices.Clone(s.records)
	if s.hidden {
		found = nil
	}
	if s.lists++; s.lists%2 == 0 { // what no order was asked for has none
		slices.Reverse(found)
	}
	var order []string
	for part := range strings.SplitSeq(q.Get("sysparm_query"), "^") {
		switch name, value, _ := strings.Cut(part, "="); {
		case s.deaf:
		case strings.HasPrefix(part, "ORDERBY"):
			order = append(order, strings.TrimPrefix(part, "ORDERBY"))
		case strings.HasSuffix(part, "ISNOTEMPTY"):
			found = slices.DeleteFunc(found, func(r map[string]string) bool { return r[strings.TrimSuffix(part, "ISNOTEMPTY")] == "" })
		case strings.HasSuffix(name, ">"):
			found = slices.DeleteFunc(found, func(r map[string]string) bool { return r[strings.TrimSuffix(name, ">")] < value })
		default: // letters compare without case
			found = slices.DeleteFunc(found, func(r map[string]string) bool { return !strings.EqualFold(r[name], value) })
		}
	}
	slices.SortStableFunc(found, func(a, b map[string]string) int {
		for _, by := range order {
			if c := strings.Compare(a[by], b[by]); c != 0 {
				return c
			}
		}
		return 0
	})
	limit, _ := strconv.Atoi(q.Get("sysparm_limit"))
	offset, _ := strconv.Atoi(q.Get("sysparm_offset"))
	found = found[min(offset, len(found)):]
	found = found[:min(limit, len(found))]
	shown := []map[string]any{}
	for _, record := range found {
		shown = append(shown, s.show(record, q.Get("sysparm_fields")))
	}
	answer(w, http.StatusOK, shown)
}

// show is sysparm_display_value=all. Journals have a display value only.
func (s *standIn) show(record map[string]string, fields string) map[string]any {
	shown := map[string]any{}
	for name := range strings.SplitSeq(fields, ",") {
		value, display := record[name], record[name]
		switch name {
		case "comments", "work_notes":
			value = ""
		case "active":
			value = strconv.FormatBool(!slices.Contains(s.closed, record["state"]))
			display = value
		case "assignment_group":
			for group, id := range groups {
				if id == value {
					display = group
				}
			}
		}
		shown[name] = map[string]string{"value": value, "display_value": display}
	}
	return shown
}

func (s *standIn) create(w http.ResponseWriter, r *http.Request) {
	n := len(s.records) + 1
	record := map[string]string{
		"sys_id": fmt.Sprintf("%032x", n), "number": fmt.Sprintf("INC%07d", n), "state": "1", "sys_created_on": s.now.Format(time.DateTime),
	}
	if s.apply(w, r, record) {
		s.records = append(s.records, record)
		answer(w, http.StatusCreated, s.show(record, r.URL.Query().Get("sysparm_fields")))
	}
}

func (s *standIn) edit(w http.ResponseWriter, r *http.Request) {
	i := slices.IndexFunc(s.records, func(record map[string]string) bool { return record["sys_id"] == r.PathValue("id") })
	if i < 0 {
		refuse(w, http.StatusNotFound, "No Record found", "Record doesn't exist or ACL restricts the record retrieval")
		return
	}
	if s.apply(w, r, s.records[i]) {
		answer(w, http.StatusOK, s.show(s.records[i], "sys_id"))
	}
}

func (s *standIn) apply(w http.ResponseWriter, r *http.Request, record map[string]string) bool {
	var values map[string]string
	if err := json.NewDecoder(r.Body).Decode(&values); err != nil {
		refuse(w, http.StatusBadRequest, "Exception while reading request", err.Error())
		return false
	}
	if r.Method == http.MethodPatch {
		s.patches = append(s.patches, values)
	}
	if (values["state"] == "6" || values["state"] == "7") && (values["close_code"] == "" || values["close_notes"] == "") {
		refuse(w, http.StatusForbidden, "Operation Failed", "Data Policy Exception: Resolution code, Resolution notes are mandatory")
		return false
	}
	for name, value := range values {
		switch name {
		case "comments", "work_notes":
			record[name] = s.now.Format(time.DateTime) + " - Muster (Additional comments)\n" + value + "\n\n" + record[name]
		case "description": // cut off without a word
			record[name] = string([]rune(value)[:min(4000, utf8.RuneCountInString(value))])
		default:
			record[name] = value
		}
	}
	record["sys_updated_on"] = s.tick()
	return true
}

// person changes a record as somebody does on the page.
func (s *standIn) person(number string, change func(map[string]string)) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.find(number)
	change(r)
	r["sys_updated_on"] = s.tick()
}

func (s *standIn) find(number string) map[string]string {
	s.t.Helper()
	for _, r := range s.records {
		if r["number"] == number {
			return r
		}
	}
	s.t.Fatalf("no record %s", number)
	return nil
}

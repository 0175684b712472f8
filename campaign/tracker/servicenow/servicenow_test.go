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

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/tracker/checklist"
	"github.com/musterbot/muster/campaign/tracker/rest"
	"github.com/musterbot/muster/campaign/tracker/servicenow"
	"github.com/musterbot/muster/campaign/tracker/trackertest"
	"github.com/musterbot/muster/configs/secret"
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
	hidden  bool // the account lost its role: the table is empty for it
	deaf    bool // drops what it does not understand of a query, and answers with everything
}

func startStandIn(t *testing.T) *standIn {
	s := &standIn{t: t, now: time.Date(2021, 12, 13, 9, 0, 0, 0, time.UTC)}
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
	for part := range strings.SplitSeq(q.Get("sysparm_query"), "^") {
		switch name, value, _ := strings.Cut(part, "="); {
		case s.deaf:
		case strings.HasPrefix(part, "ORDERBY"):
			by := strings.TrimPrefix(part, "ORDERBY")
			slices.SortStableFunc(found, func(a, b map[string]string) int { return strings.Compare(a[by], b[by]) })
		case strings.HasSuffix(part, "ISNOTEMPTY"):
			found = slices.DeleteFunc(found, func(r map[string]string) bool { return r[strings.TrimSuffix(part, "ISNOTEMPTY")] == "" })
		case strings.HasSuffix(name, ">"):
			found = slices.DeleteFunc(found, func(r map[string]string) bool { return r[strings.TrimSuffix(name, ">")] < value })
		default: // letters compare without case
			found = slices.DeleteFunc(found, func(r map[string]string) bool { return !strings.EqualFold(r[name], value) })
		}
	}
	limit, _ := strconv.Atoi(q.Get("sysparm_limit"))
	offset, _ := strconv.Atoi(q.Get("sysparm_offset"))
	found = found[min(offset, len(found)):]
	found = found[:min(limit, len(found))]
	shown := []map[string]any{}
	for _, record := range found {
		shown = append(shown, show(record, q.Get("sysparm_fields")))
	}
	answer(w, http.StatusOK, shown)
}

// show is sysparm_display_value=all. Journals have a display value only.
func show(record map[string]string, fields string) map[string]any {
	shown := map[string]any{}
	for name := range strings.SplitSeq(fields, ",") {
		value, display := record[name], record[name]
		switch name {
		case "comments", "work_notes":
			value = ""
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
		answer(w, http.StatusCreated, show(record, r.URL.Query().Get("sysparm_fields")))
	}
}

func (s *standIn) edit(w http.ResponseWriter, r *http.Request) {
	i := slices.IndexFunc(s.records, func(record map[string]string) bool { return record["sys_id"] == r.PathValue("id") })
	if i < 0 {
		refuse(w, http.StatusNotFound, "No Record found", "Record doesn't exist or ACL restricts the record retrieval")
		return
	}
	if s.apply(w, r, s.records[i]) {
		answer(w, http.StatusOK, show(s.records[i], "sys_id"))
	}
}

func (s *standIn) apply(w http.ResponseWriter, r *http.Request, record map[string]string) bool {
	var values map[string]string
	if err := json.NewDecoder(r.Body).Decode(&values); err != nil {
		refuse(w, http.StatusBadRequest, "Exception while reading request", err.Error())
		return false
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

func open(t *testing.T, adjust ...func(*servicenow.Options)) (*servicenow.Tracker, *standIn) {
	t.Helper()
	s := startStandIn(t)
	client, err := rest.New(rest.Options{System: "ServiceNow", BaseURL: s.url, Auth: rest.Basic("muster", secret.New(password))})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	o := servicenow.Options{Client: client, PageURL: "https://acme.service-now.com/", Groups: map[string]string{"payments": "Payments Team"}}
	for _, a := range adjust {
		a(&o)
	}
	tracker, err := servicenow.New(o)
	require.NoError(t, err)
	return tracker, s
}

func draft() campaign.TicketDraft {
	return campaign.TicketDraft{
		Title: "Upgrade log4j-core", Body: "1. Upgrade.\n", Assignee: "payments",
		Due: time.Date(2021, 12, 17, 18, 0, 0, 0, time.UTC), Status: campaign.TicketOpen,
	}
}

func ensure(t *testing.T, tracker *servicenow.Tracker, key string, d campaign.TicketDraft) campaign.TicketRef {
	t.Helper()
	ref, err := tracker.Ensure(t.Context(), key, d)
	require.NoError(t, err)
	return ref
}

func TestContract(t *testing.T) {
	trackertest.Run(t, func(t *testing.T) trackertest.Subject {
		tracker, s := open(t)
		return trackertest.Subject{
			Tracker: tracker, Inject: s.Inject, LongestBody: 3900,
			Look: func(_ *testing.T, ref campaign.TicketRef) trackertest.Seen {
				s.mu.Lock()
				defer s.mu.Unlock()
				return look(s.find(ref.ID))
			},
			Count: func(_ *testing.T, keys ...string) int {
				s.mu.Lock()
				defer s.mu.Unlock()
				n := 0
				for _, r := range s.records {
					if slices.Contains(keys, r["correlation_id"]) {
						n++
					}
				}
				return n
			},
			Comments: func(_ *testing.T, ref campaign.TicketRef) []string {
				s.mu.Lock()
				defer s.mu.Unlock()
				var texts []string
				for line := range strings.Lines(s.find(ref.ID)["comments"]) {
					if strings.HasPrefix(line, "The ") {
						texts = append(texts, strings.TrimSpace(line))
					}
				}
				return texts
			},
			Close: func(_ *testing.T, ref campaign.TicketRef) {
				s.person(ref.ID, func(r map[string]string) { r["state"] = "7" })
			},
			Reassign: func(_ *testing.T, ref campaign.TicketRef, owner string) {
				to := map[string]string{"payments": "g1", "platform": "g2"}[owner]
				s.person(ref.ID, func(r map[string]string) { r["assignment_group"] = to })
			},
			Tick: func(_ *testing.T, ref campaign.TicketRef, item string) {
				s.person(ref.ID, func(r map[string]string) {
					lines := strings.Split(r["description"], "\n")
					for n, line := range lines {
						if strings.Contains(line, "{muster:"+item) {
							lines[n] = strings.Replace(line, "[ ]", "[x]", 1)
						}
					}
					r["description"] = strings.Join(lines, "\n")
				})
			},
			Foreign: func(*testing.T) {
				s.mu.Lock()
				defer s.mu.Unlock()
				s.records = append(s.records, map[string]string{
					"sys_id": "f1", "number": "INC9999999", "correlation_id": "x1", "correlation_display": "Nagios", "sys_updated_on": s.tick(),
				})
			},
		}
	})
}

func look(r map[string]string) trackertest.Seen {
	body, _ := checklist.Split(r["description"])
	seen := trackertest.Seen{Title: r["short_description"], Body: body, Status: campaign.TicketOpen}
	seen.Assignee = map[string]string{"g1": "payments", "g2": "platform"}[r["assignment_group"]]
	if r["due_date"] != "" {
		seen.Due, _ = time.Parse(time.DateTime, r["due_date"])
	}
	switch r["state"] {
	case "2", "3":
		seen.Status = campaign.TicketInProgress
	case "6", "7", "8":
		seen.Status = campaign.TicketDone
	}
	return seen
}

func TestARecordAsPeopleSeeIt(t *testing.T) {
	tracker, s := open(t)
	ref := ensure(t, tracker, "mzxw6ytboi4dc2lt", draft())
	require.Equal(t, "INC0000001", ref.ID)
	require.Equal(t, "https://acme.service-now.com/nav_to.do?uri=incident.do%3Fsys_id%3D00000000000000000000000000000001", ref.URL)
	r := s.find(ref.ID)
	require.Equal(t, "mzxw6ytboi4dc2lt", r["correlation_id"])
	require.Equal(t, "Muster", r["correlation_display"])
	require.Equal(t, "2021-12-17 18:00:00", r["due_date"])

	d := draft()
	d.Status = campaign.TicketDone
	require.NoError(t, tracker.Update(t.Context(), ref, d))
	require.Equal(t, "6", r["state"])
	require.Equal(t, "Solution provided", r["close_code"])
}

// What people chose among states that mean the same stays.
func TestStatesThatMeanTheSameStay(t *testing.T) {
	for state, status := range map[string]campaign.TicketStatus{
		"3": campaign.TicketInProgress, "7": campaign.TicketDone, "8": campaign.TicketDone,
	} {
		tracker, s := open(t)
		ref := ensure(t, tracker, "k1", draft())
		s.person(ref.ID, func(r map[string]string) { r["state"] = state })
		seen, err := tracker.Read(t.Context(), ref)
		require.NoError(t, err)
		require.Equal(t, status, seen.Status)
		d := draft()
		d.Status = status
		require.NoError(t, tracker.Update(t.Context(), ref, d))
		require.Equal(t, state, s.find(ref.ID)["state"])
	}
}

// ServiceNow drops what it does not understand of a query, and answers with
// everything.
func TestAQueryThatFindsEverythingFindsNothing(t *testing.T) {
	tracker, s := open(t)
	first := ensure(t, tracker, "k1", draft())
	s.deaf = true
	found, err := tracker.Find(t.Context(), "k1")
	require.NoError(t, err)
	require.Equal(t, first, found)
	_, err = tracker.Find(t.Context(), "k2")
	require.Equal(t, campaign.NotFound, campaign.KindOf(err))
	_, err = tracker.Find(t.Context(), "k1^ORnumberISNOTEMPTY")
	require.Equal(t, campaign.NotFound, campaign.KindOf(err), "a key is no query")
	for seen, err := range tracker.Changes(t.Context(), time.Time{}) {
		require.NoError(t, err)
		require.Equal(t, "k1", seen.Key)
	}
}

// To an account without its role ServiceNow shows an empty table. That is no reason
// to file everything again.
func TestATableThatIsNotShownHasNotLostItsRecords(t *testing.T) {
	tracker, s := open(t)
	ref := ensure(t, tracker, "k1", draft())
	s.hidden = true
	_, err := tracker.Read(t.Context(), ref)
	require.Equal(t, campaign.Forbidden, campaign.KindOf(err), "%v", err)
	require.Contains(t, campaign.PublicMessage(err), "does not show “table incident” to Muster's account any more")
	s.hidden = false
	_, err = tracker.Read(t.Context(), campaign.TicketRef{ID: "INC7"})
	require.Equal(t, campaign.NotFound, campaign.KindOf(err), "%v", err)
}

func TestALongTextKeepsItsTasks(t *testing.T) {
	tracker, s := open(t)
	d := draft()
	d.Body = strings.Repeat("Näher erklärt. ", 2000)
	d.Checklist = []campaign.CheckItem{{ID: "abc.fix", Text: "Upgrade", Done: true}, {ID: "def.fix", Text: "Deploy"}}
	ref := ensure(t, tracker, "k1", d)
	text := s.find(ref.ID)["description"]
	require.Equal(t, 4000, utf8.RuneCountInString(text))
	require.Contains(t, text, "This text was cut")
	seen, err := tracker.Read(t.Context(), ref)
	require.NoError(t, err)
	require.Equal(t, []string{"abc.fix"}, seen.Checked)
}

func TestOwnersAndGroups(t *testing.T) {
	tracker, s := open(t, func(o *servicenow.Options) { o.Groups["ghosts"] = "No Such Group" })
	d := draft()
	d.Assignee = "nobody's"
	require.Empty(t, s.find(ensure(t, tracker, "k1", d).ID)["assignment_group"], "an owner without a group is filed unassigned")
	d.Assignee = "ghosts"
	_, err := tracker.Ensure(t.Context(), "k2", d)
	require.Equal(t, campaign.Invalid, campaign.KindOf(err), "what the configuration names has to be there: %v", err)
	require.Len(t, s.records, 1)
}

func TestNothingIsLostBetweenPages(t *testing.T) {
	tracker, s := open(t)
	ensure(t, tracker, "k0", draft())
	for n := range 350 {
		at := s.now.Format(time.DateTime)
		if n > 220 {
			at = s.tick()
		}
		s.records = append(s.records, map[string]string{
			"sys_id": fmt.Sprint(n), "number": fmt.Sprint("INC1", n), "correlation_id": fmt.Sprint("many", n), "correlation_display": "Muster", "sys_updated_on": at,
		})
	}
	keys := map[string]bool{}
	for seen, err := range tracker.Changes(t.Context(), time.Time{}) {
		require.NoError(t, err)
		keys[seen.Key] = true
	}
	require.Len(t, keys, 351)
}

func TestWhatCannotBeConfigured(t *testing.T) {
	client, err := rest.New(rest.Options{System: "ServiceNow", BaseURL: "https://x.example", Auth: rest.Bearer(secret.New(password))})
	require.NoError(t, err)
	for name, o := range map[string]servicenow.Options{
		"no client":         {PageURL: "https://x.example"},
		"no page":           {Client: client},
		"a table of tricks": {Client: client, PageURL: "https://x.example", Table: "incident/../sys_user"},
		"an origin, too":    {Client: client, PageURL: "https://x.example", Origin: "a^ORb"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := servicenow.New(o)
			require.Error(t, err)
		})
	}
}

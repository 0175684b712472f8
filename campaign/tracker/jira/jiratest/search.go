package jiratest

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// query is the part of JQL that is understood here: clauses joined by AND.
type query struct {
	all   [][]string // clauses of labels: one of each
	since time.Time
	desc  bool
}

var (
	order  = regexp.MustCompile(`(?i)\s+order\s+by\s+(.+)$`)
	and    = regexp.MustCompile(`(?i)\s+and\s+`)
	clause = regexp.MustCompile(`(?i)^(project|labels|updated)\s*(=|in|>=)\s*(.+)$`)
	ago    = regexp.MustCompile(`^-(\d+)m$`)
)

// parse reads JQL. Dates are in the time zone of the account, Europe/Dublin, and
// to the minute.
func (s *Server) parse(jql string) (query, string) {
	var q query
	if at := order.FindStringSubmatchIndex(jql); at != nil {
		q.desc = strings.HasSuffix(strings.ToLower(jql[at[2]:at[3]]), "desc")
		jql = jql[:at[0]]
	}
	for _, text := range and.Split(strings.TrimSpace(jql), -1) {
		found := clause.FindStringSubmatch(strings.TrimSpace(text))
		if found == nil {
			return q, fmt.Sprintf("Error in the JQL Query: the clause %q is not understood.", text)
		}
		values := unquoted(found[3])
		switch strings.ToLower(found[1]) {
		case "project":
			if values[0] != s.opts.Project || s.hidden {
				return q, fmt.Sprintf("The value '%s' does not exist for the field 'project'.", values[0])
			}
		case "labels":
			q.all = append(q.all, values)
		case "updated":
			at, wrong := s.moment(values[0])
			if wrong != "" {
				return q, wrong
			}
			q.since = at
		}
	}
	if len(q.all) == 0 && q.since.IsZero() && s.opts.Cloud {
		return q, "Unbounded JQL queries are not allowed here. Please add a search restriction to your query."
	}
	return q, ""
}

func unquoted(text string) []string {
	text = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(text), "("), ")")
	var values []string
	for part := range strings.SplitSeq(text, ",") {
		values = append(values, strings.Trim(strings.TrimSpace(part), `"'`))
	}
	return values
}

func (s *Server) moment(text string) (time.Time, string) {
	if found := ago.FindStringSubmatch(text); found != nil {
		minutes, _ := strconv.Atoi(found[1])
		return s.opts.Now().Add(-time.Duration(minutes) * time.Minute), ""
	}
	zone, err := time.LoadLocation("Europe/Dublin")
	if err != nil {
		zone = time.UTC
	}
	at, err := time.ParseInLocation("2006-01-02 15:04", text, zone)
	if err != nil {
		return at, fmt.Sprintf("Date value '%s' for field 'updated' is invalid. Valid formats include: 'yyyy/MM/dd HH:mm', 'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period format e.g. '-5d', '4w 2d'.", text)
	}
	return at, ""
}

// asQuery turns the body of a search by POST into the form of one by GET.
func asQuery(body map[string]any) url.Values {
	v := url.Values{}
	for name, value := range body {
		if list, ok := value.([]any); ok {
			for _, entry := range list {
				v.Add(name, fmt.Sprint(entry))
			}
			continue
		}
		v.Set(name, fmt.Sprint(value))
	}
	return v
}

func (s *Server) search(v url.Values) reply {
	q, wrong := s.parse(v.Get("jql"))
	if wrong != "" {
		return refuse(http.StatusBadRequest, wrong)
	}
	found := s.matching(q)
	start, _ := strconv.Atoi(v.Get("startAt"))
	if s.opts.Cloud {
		start, _ = strconv.Atoi(v.Get("nextPageToken"))
	}
	most, err := strconv.Atoi(v.Get("maxResults"))
	if err != nil || most <= 0 {
		most = 50
	}
	// The server gives fewer than asked for, the more of each is wanted.
	if strings.Contains(v.Get("fields"), "description") {
		most = min(most, 100)
	}
	most = min(most, 1000)
	issues := []any{}
	for n := start; n < len(found) && len(issues) < most; n++ {
		issues = append(issues, s.showIssue(found[n], v.Get("properties") != ""))
	}
	if !s.opts.Cloud {
		return ok(map[string]any{"startAt": start, "maxResults": most, "total": len(found), "issues": issues})
	}
	page := map[string]any{"issues": issues, "isLast": start+len(issues) >= len(found)}
	if start+len(issues) < len(found) {
		page["nextPageToken"] = strconv.Itoa(start + len(issues))
	}
	return ok(page)
}

// matching returns what the search shows, oldest issue first.
func (s *Server) matching(q query) []*Issue {
	var found []*Issue
	for _, i := range s.candidates(q) {
		shown := s.asIndexed(i)
		if shown == nil || shown.Updated.Before(q.since) {
			continue
		}
		fits := true
		for _, any := range q.all {
			fits = fits && slices.ContainsFunc(any, func(label string) bool { return slices.Contains(shown.Labels, label) })
		}
		if fits {
			found = append(found, shown)
		}
	}
	if q.desc {
		slices.Reverse(found)
	}
	return found
}

// candidates uses the index of the rarest labels asked for.
func (s *Server) candidates(q query) []*issue {
	best := s.desk.all
	for _, any := range q.all {
		var some []*issue
		for _, label := range any {
			some = append(some, s.desk.byLabel[label]...)
		}
		if len(some) < len(best) {
			best = some
		}
	}
	if len(best) == len(s.desk.all) {
		return best
	}
	best = slices.Clone(best)
	slices.SortFunc(best, func(a, b *issue) int { return a.number - b.number })
	return slices.Compact(best)
}

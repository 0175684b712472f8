package redmine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/tracker/redmine/redminetest"
	"github.com/musterbot/muster/configs/secret"
)

// inSmallPages stands before a Redmine that shows three issues a page. read is
// called after each page of issues.
func inSmallPages(t *testing.T, s redminetest.Server, read func()) redminetest.Server {
	t.Helper()
	to, err := url.Parse(s.URL)
	require.NoError(t, err)
	next := httputil.NewSingleHostReverseProxy(to)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		page := q.Get("updated_on") != ""
		if page {
			q.Set("limit", "3")
			r.URL.RawQuery = q.Encode()
		}
		next.ServeHTTP(w, r)
		if page {
			read()
		}
	}))
	t.Cleanup(proxy.Close)
	return redminetest.Server{URL: proxy.URL, Muster: s.Muster}
}

// A look may last so long only. Each begins where the one before came to, and what
// people change meanwhile is not lost between two pages.
func looksCutShort(t *testing.T, s redminetest.Server, admin person) {
	var mu sync.Mutex
	pages, between, stop := 0, func() {}, func() {}
	tracker := open(t, inSmallPages(t, s, func() {
		mu.Lock()
		defer mu.Unlock()
		between()
		if pages++; pages%3 == 0 {
			stop()
		}
	}), s.Muster, nil)

	name := fmt.Sprint(time.Now().UnixNano())
	refs := map[string]campaign.TicketRef{}
	var first time.Time
	for n := range 14 {
		key := fmt.Sprintf("cut-%s-%d", name, n)
		ref, err := tracker.Ensure(t.Context(), key, campaign.TicketDraft{Title: "t", Assignee: "payments"})
		require.NoError(t, err)
		refs[key] = ref
		if n == 0 {
			seen, err := tracker.Read(t.Context(), ref)
			require.NoError(t, err)
			first = seen.UpdatedAt
		}
		time.Sleep(400 * time.Millisecond) // Redmine shows seconds, and a page has to be longer than one
	}

	changed := 0
	mu.Lock()
	between = func() { // the oldest are changed while pages are read: what follows moves up
		if changed < 4 {
			admin.change(t, refs[fmt.Sprintf("cut-%s-%d", name, changed)].ID, map[string]any{"subject": "changed"})
			changed++
		}
	}
	mu.Unlock()
	last, found := first, map[string]time.Time{}
	looks, done := 0, false
	for ; !done && looks < 30; looks++ {
		ctx, cancel := context.WithCancel(t.Context())
		mu.Lock()
		stop = cancel
		mu.Unlock()
		done = true
		at := last
		for seen, err := range tracker.Changes(ctx, last) {
			if err != nil {
				require.Equal(t, campaign.Unavailable, campaign.KindOf(err), "%v", err)
				done = false
				break
			}
			require.False(t, seen.UpdatedAt.Before(at), "the oldest change comes first")
			at = seen.UpdatedAt
			found[seen.Key] = seen.UpdatedAt
		}
		last = at
		cancel()
	}
	require.True(t, done, "it never came to the end")
	require.Greater(t, looks, 1)
	for key, ref := range refs {
		require.Contains(t, found, key)
		now, err := tracker.Read(t.Context(), ref)
		require.NoError(t, err)
		require.Equal(t, now.UpdatedAt, found[key], "the latest change of %s", key)
	}
}

// oneSecond answers as Redmine does when so many issues changed within one second
// that they fill pages; its own clock is too fast for that.
type oneSecond struct {
	mu   sync.Mutex
	ids  []int // in the order of their change
	left int   // how many of the first were changed again, and stand behind the others
}

func (o *oneSecond) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var answer any
	switch r.URL.Path {
	case "/projects/sec.json":
		answer = map[string]any{"project": map[string]any{
			"trackers": []any{map[string]any{"id": 1, "name": "Bug"}}, "issue_custom_fields": []any{map[string]any{"id": 1, "name": "External ID"}},
		}}
	case "/issue_statuses.json":
		answer = map[string]any{"issue_statuses": []any{
			map[string]any{"id": 1, "name": "New"}, map[string]any{"id": 2, "name": "In Progress"}, map[string]any{"id": 5, "name": "Closed", "is_closed": true},
		}}
	case "/trackers.json":
		answer = map[string]any{"trackers": []any{map[string]any{"id": 1, "name": "Bug", "default_status": map[string]any{"id": 1}}}}
	case "/issues.json":
		answer = o.page(r.URL.Query())
	default:
		answer = map[string]any{}
	}
	_ = json.NewEncoder(w).Encode(answer)
}

func (o *oneSecond) page(q url.Values) any {
	var issues []any
	from, _ := time.Parse(time.RFC3339, strings.TrimPrefix(q.Get("updated_on"), ">="))
	for n, id := range o.ids {
		at := time.Date(2021, 12, 13, 9, 0, 0, 0, time.UTC)
		if n >= len(o.ids)-o.left {
			at = at.Add(time.Minute)
		}
		if !at.Before(from) {
			issues = append(issues, map[string]any{
				"id": id, "status": map[string]any{"id": 1}, "updated_on": at, "custom_fields": []any{map[string]any{"id": 1, "value": fmt.Sprint("k", id)}},
			})
		}
	}
	offset, _ := strconv.Atoi(q.Get("offset"))
	limit, _ := strconv.Atoi(q.Get("limit"))
	return map[string]any{"total_count": len(issues), "issues": issues[min(offset, len(issues)):min(offset+limit, len(issues))]}
}

// change changes the first n issues.
func (o *oneSecond) change(n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ids = append(o.ids[n:], o.ids[:n]...)
	o.left += n
}

// What is changed again while a second's pages are read lets those behind it move
// up.
func TestNothingIsLostWithinOneSecond(t *testing.T) {
	o := &oneSecond{}
	for id := range 350 {
		o.ids = append(o.ids, id+1)
	}
	server := httptest.NewServer(o)
	t.Cleanup(server.Close)
	tracker := open(t, redminetest.Server{URL: server.URL}, secret.New("k3y"), nil)
	keys := map[string]bool{}
	for seen, err := range tracker.Changes(t.Context(), time.Date(2021, 12, 13, 9, 0, 0, 0, time.UTC)) {
		require.NoError(t, err)
		if keys[seen.Key] = true; len(keys) == 150 || len(keys) == 340 {
			o.change(5)
		}
	}
	require.Len(t, keys, 350)
}

package redmine_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/tracker/redmine/redminetest"
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

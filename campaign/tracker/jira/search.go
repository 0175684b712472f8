package jira

import (
	"context"
	"fmt"
	"iter"
	"net/url"
	"strconv"

	"github.com/musterbot/muster/campaign/tracker/rest"
)

const (
	// maxPages bounds one search.
	maxPages = 2000
	// perPage is how many whole issues are asked for at a time.
	perPage = 100
	// perSkim is the same where only few fields of each are asked for: what a Data
	// Center gives at most as delivered.
	perSkim = 1000
)

// searchPage is a page of either search.
type searchPage struct {
	Issues []issue `json:"issues"`
	Total  int     `json:"total"`         // Data Center
	Next   string  `json:"nextPageToken"` // Cloud

	last bool
}

// search yields pages of what a query finds, of at most most issues each, and ends
// after the first error.
func (t *Tracker) search(ctx context.Context, jql, fields string, most int) iter.Seq2[searchPage, error] {
	return func(yield func(searchPage, error) bool) {
		path, q := t.api+"/search", url.Values{"jql": {jql}, "fields": {fields}, "maxResults": {strconv.Itoa(most)}}
		if t.opts.Cloud {
			path = t.api + "/search/jql"
			q.Set("properties", propertyName)
		}
		start := 0
		for range maxPages {
			var page searchPage
			if err := t.opts.Client.Do(ctx, rest.Call{Path: path, Query: q, Out: &page}); err != nil {
				yield(searchPage{}, err)
				return
			}
			start += len(page.Issues)
			page.last = t.opts.Cloud && page.Next == "" || !t.opts.Cloud && start >= page.Total || len(page.Issues) == 0
			if !yield(page, nil) || page.last {
				return
			}
			if t.opts.Cloud {
				q.Set("nextPageToken", page.Next)
			} else {
				q.Set("startAt", strconv.Itoa(start))
			}
		}
		yield(searchPage{}, fmt.Errorf("search jira: more than %d pages", maxPages))
	}
}

package jira

import (
	"context"
	"fmt"
	"iter"
	"net/url"
	"slices"
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
// after the first error. The query says in which order, and leaves none open.
func (t *Tracker) search(ctx context.Context, jql, fields string, most int) iter.Seq2[searchPage, error] {
	return func(yield func(searchPage, error) bool) {
		path, q := t.api+"/search", url.Values{"jql": {jql}, "fields": {fields}, "maxResults": {strconv.Itoa(most)}}
		if t.opts.Cloud {
			path = t.api + "/search/jql"
			q.Set("properties", propertyName)
		}
		c := counted{most: most, yielded: map[string]bool{}}
		for range maxPages {
			var page searchPage
			if err := t.opts.Client.Do(ctx, rest.Call{Path: path, Query: q, Out: &page}); err != nil {
				yield(searchPage{}, err)
				return
			}
			if t.opts.Cloud {
				page.last = page.Next == "" || len(page.Issues) == 0
				q.Set("nextPageToken", page.Next)
			} else {
				goesOn := c.take(&page)
				q.Set("startAt", strconv.Itoa(c.start))
				if !goesOn {
					continue
				}
			}
			if !yield(page, nil) || page.last {
				return
			}
		}
		yield(searchPage{}, fmt.Errorf("search jira: more than %d pages", maxPages))
	}
}

// counted are the pages of a Data Center, which begin at a number. What leaves the
// result meanwhile lets those behind it move up, so each page begins with the last
// issue of the one before: one that shows none of those that were yielded may have
// skipped some, and an earlier one is asked for.
type counted struct {
	most    int // issues of a page
	start   int // of the page to be asked for
	overlap bool
	yielded map[string]bool // by issue key
}

// take reports whether a page goes on where the one before ended, takes off what
// was yielded, and moves start to what is to be asked for next.
func (c *counted) take(page *searchPage) bool {
	size := len(page.Issues)
	fresh := slices.DeleteFunc(page.Issues, func(i issue) bool { return c.yielded[i.Key] })
	if c.overlap && c.start > 0 && len(fresh) == size {
		c.start = max(0, c.start-c.most)
		return false
	}
	for _, i := range fresh {
		c.yielded[i.Key] = true
	}
	page.Issues, page.last = fresh, c.start+size >= page.Total || size == 0
	c.start += size
	if c.overlap = size > 1; c.overlap {
		c.start--
	}
	return true
}

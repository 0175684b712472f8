package redmine

import (
	"context"
	"fmt"
	"iter"
	"strconv"
	"time"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/tracker/rest"
)

// Changes implements campaign.Tracker. Each page is handed on as it is read, so
// that a look that is cut short has come some way. A page that ends in a later
// second moves the time on from which is asked, since what changes meanwhile
// would shift pages that are counted, and something would slip through between
// two.
func (t *Tracker) Changes(ctx context.Context, since time.Time) iter.Seq2[campaign.TicketSeen, error] {
	ctx = rest.Operation(ctx)
	return func(yield func(campaign.TicketSeen, error) bool) {
		fail := func(err error) { yield(campaign.TicketSeen{}, fmt.Errorf("read changes: %w", err)) }
		d, err := t.know(ctx)
		if err != nil {
			fail(err)
			return
		}
		w := window{from: since.UTC().Truncate(time.Second)} // Redmine shows seconds
		for range maxPages {
			issues, total, err := t.changed(ctx, d, w)
			if err != nil {
				fail(err)
				return
			}
			if w.shifted(issues) {
				w = window{from: w.from}
				continue
			}
			for _, i := range issues {
				seen := t.seen(d, i)
				if seen.Key == "" || i.UpdatedOn.Before(w.from) || seen.UpdatedAt.Before(since.Truncate(time.Second)) {
					continue
				}
				if !yield(seen, nil) {
					return
				}
			}
			if w.offset+len(issues) >= total || len(issues) == 0 {
				return
			}
			w = w.next(issues)
		}
		fail(fmt.Errorf("more than %d pages", maxPages))
	}
}

// window is where a page begins: how far into what changed at or after a second.
type window struct {
	from   time.Time
	offset int
	last   int // number of the issue that stands there; 0 for any
}

// next returns the window of the page that follows. Within one second pages can
// only be counted; each begins with the last issue of the one before.
func (w window) next(issues []issue) window {
	last := issues[len(issues)-1]
	if last.UpdatedOn.After(w.from) {
		return window{from: last.UpdatedOn.UTC()}
	}
	return window{from: w.from, offset: w.offset + len(issues) - 1, last: last.ID}
}

// shifted returns whether a page does not begin where the one before ended: an
// issue was changed meanwhile, and those behind it moved up.
func (w window) shifted(issues []issue) bool {
	return w.last != 0 && (len(issues) == 0 || issues[0].ID != w.last)
}

// changed returns a page of the issues that changed, the oldest change first, and
// how many there are from the window's second on. Where its database keeps
// fractions of a second, Redmine begins up to a second early.
func (t *Tracker) changed(ctx context.Context, d desk, w window) ([]issue, int, error) {
	q := t.query(d, "*") // any key: ours
	q.Set("updated_on", ">="+w.from.Format(time.RFC3339))
	q.Set("sort", "updated_on,id")
	q.Set("offset", strconv.Itoa(w.offset))
	var answer struct {
		Total  int     `json:"total_count"`
		Issues []issue `json:"issues"`
	}
	err := t.opts.Client.Do(ctx, rest.Call{Path: "/issues.json", Query: q, Out: &answer})
	return answer.Issues, answer.Total, err
}

package jira

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/tracker/rest"
)

// overlap is how much further back is searched: our clock and Jira's differ, and
// its search counts in whole minutes.
const overlap = 10 * time.Minute

// Changes implements campaign.Tracker. The time is given as minutes ago, since
// JQL reads dates in the time zone of the account. One page is read at once. More
// is skimmed first, and then read page by page, the oldest change first: whoever
// is cut off goes on behind what was yielded, however many changes there are.
func (t *Tracker) Changes(ctx context.Context, since time.Time) iter.Seq2[campaign.TicketSeen, error] {
	return func(yield func(campaign.TicketSeen, error) bool) {
		err := t.changes(rest.Operation(ctx), since, func(seen campaign.TicketSeen) bool { return yield(seen, nil) })
		if err != nil {
			yield(campaign.TicketSeen{}, fmt.Errorf("read changes: %w", err))
		}
	}
}

// changes ends without an error when yield wants no more.
func (t *Tracker) changes(ctx context.Context, since time.Time, yield func(campaign.TicketSeen) bool) error {
	ago := max(0, time.Since(since)) + overlap
	jql := fmt.Sprintf(`project = "%s" AND labels = "%s" AND updated >= "-%dm" ORDER BY created ASC, key ASC`,
		t.opts.Project, t.opts.Label, int(ago/time.Minute)+1)
	for page, err := range t.search(ctx, jql, t.fields(), perPage) {
		if err != nil {
			return err
		}
		if !page.last {
			break
		}
		seen, err := t.seenSince(page.Issues, since)
		if err != nil {
			return err
		}
		for _, s := range seen {
			if !yield(s) {
				return nil
			}
		}
		return nil
	}
	changed, err := t.skim(ctx, jql, since)
	if err != nil {
		return err
	}
	return t.readInOrder(ctx, changed, since, yield)
}

// seenSince returns what issues show, the oldest change first, without those that
// are not ours or changed before.
func (t *Tracker) seenSince(issues []issue, since time.Time) ([]campaign.TicketSeen, error) {
	var found []campaign.TicketSeen
	for _, i := range issues {
		seen, err := t.seen(i)
		if err != nil {
			return nil, fmt.Errorf("read issue %s: %w", i.Key, err)
		}
		if seen.Key != "" && !seen.UpdatedAt.Before(since) {
			found = append(found, seen)
		}
	}
	slices.SortStableFunc(found, byChange)
	return found, nil
}

func byChange(a, b campaign.TicketSeen) int {
	return cmp.Or(a.UpdatedAt.Compare(b.UpdatedAt), cmp.Compare(a.Ref.ID, b.Ref.ID))
}

// skimmed is an issue that is to be read.
type skimmed struct {
	issueKey string
	label    string // that it is found by; "" when somebody took it away
	updated  time.Time
}

// skim returns what changed since, the oldest change first. It is asked for in the
// order of filing: pages in the order of changes would skip what changes meanwhile.
func (t *Tracker) skim(ctx context.Context, jql string, since time.Time) ([]skimmed, error) {
	var found []skimmed
	for page, err := range t.search(ctx, jql, "labels,updated", perSkim) {
		if err != nil {
			return nil, err
		}
		for _, i := range page.Issues {
			updated, err := moment(read[string](i, "updated"))
			if err != nil {
				return nil, fmt.Errorf("skim issue %s: %w", i.Key, err)
			}
			if updated.Before(since) {
				continue
			}
			s := skimmed{issueKey: i.Key, updated: updated}
			switch key := t.keyOf(read[[]string](i, "labels")); {
			case key != "":
				s.label = t.opts.Label + "-" + key
			case t.opts.Cloud && propertyOf(i).Key == "":
				continue // somebody gave it our label by hand
			}
			found = append(found, s)
		}
	}
	slices.SortStableFunc(found, func(a, b skimmed) int {
		return cmp.Or(a.updated.Compare(b.updated), cmp.Compare(a.issueKey, b.issueKey))
	})
	return found, nil
}

// readInOrder yields what was skimmed, page by page. What changed again meanwhile
// waits for its turn. What changed after all that was skimmed comes with the next
// look: yielded now, it would hide what changed at the same time and was read before.
func (t *Tracker) readInOrder(ctx context.Context, changed []skimmed, since time.Time, yield func(campaign.TicketSeen) bool) error {
	var waiting []campaign.TicketSeen
	for len(changed) > 0 {
		upTo := changed[len(changed)-1].updated
		page, rest := pageOf(changed)
		issues, err := t.readPage(ctx, page)
		if err != nil {
			return err
		}
		seen, err := t.seenSince(issues, since)
		if err != nil {
			return err
		}
		if changed = rest; len(changed) > 0 {
			upTo = changed[0].updated
		}
		waiting = append(waiting, seen...)
		slices.SortStableFunc(waiting, byChange)
		for len(waiting) > 0 && !waiting[0].UpdatedAt.After(upTo) {
			if !yield(waiting[0]) {
				return nil
			}
			waiting = waiting[1:]
		}
	}
	return nil
}

// maxLabels bounds what is asked for in one call by the labels' characters, so
// that its address stays one that every proxy takes.
const maxLabels = 3000

// pageOf cuts off what is read in one call: at least one issue, at most 100.
func pageOf(changed []skimmed) (page, rest []skimmed) {
	characters := 0
	for n, s := range changed {
		characters += len(s.label)
		if n == perPage || n > 0 && characters > maxLabels {
			return changed[:n], changed[n:]
		}
	}
	return changed, nil
}

// readPage reads issues by their labels: a search by issue keys fails when one of
// them was deleted meanwhile. Those without their label are read one by one.
func (t *Tracker) readPage(ctx context.Context, page []skimmed) ([]issue, error) {
	var labels []string
	var found []issue
	for _, s := range page {
		if s.label != "" {
			labels = append(labels, `"`+s.label+`"`)
			continue
		}
		i, err := t.get(ctx, s.issueKey)
		if err != nil && campaign.KindOf(err) != campaign.NotFound {
			return nil, err
		}
		if err == nil {
			found = append(found, i)
		}
	}
	if len(labels) == 0 {
		return found, nil
	}
	jql := fmt.Sprintf(`project = "%s" AND labels in (%s) ORDER BY created ASC, key ASC`, t.opts.Project, strings.Join(labels, ", "))
	for answer, err := range t.search(ctx, jql, t.fields(), perPage) {
		if err != nil {
			return nil, err
		}
		found = append(found, answer.Issues...)
	}
	return found, nil
}

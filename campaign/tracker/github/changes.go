package github

import (
	"context"
	"iter"
	"strings"
	"time"

	"github.com/google/go-github/v84/github"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/tracker/mark"
)

// Changes implements campaign.Tracker: the changes of all repositories, merged.
func (t *Tracker) Changes(ctx context.Context, since time.Time) iter.Seq2[campaign.TicketSeen, error] {
	return func(yield func(campaign.TicketSeen, error) bool) {
		var heads []*head
		defer func() {
			for _, h := range heads {
				h.stop()
			}
		}()
		for _, repository := range t.repositories() {
			next, stop := iter.Pull2(t.changesOf(ctx, repository, since))
			h := &head{next: next, stop: stop}
			heads = append(heads, h)
			h.advance()
		}
		for {
			first := oldest(heads)
			if first == nil || !yield(first.seen, first.err) || first.err != nil {
				return
			}
			first.advance()
		}
	}
}

// head is the next change of one repository.
type head struct {
	next func() (campaign.TicketSeen, error, bool)
	stop func()
	seen campaign.TicketSeen
	err  error
	ok   bool
}

func (h *head) advance() { h.seen, h.err, h.ok = h.next() }

// oldest returns what comes first: an error, then the oldest change; nil at the end.
func oldest(heads []*head) *head {
	var first *head
	for _, h := range heads {
		switch {
		case !h.ok:
		case h.err != nil:
			return h
		case first == nil || h.seen.UpdatedAt.Before(first.seen.UpdatedAt):
			first = h
		}
	}
	return first
}

// changesOf reads a repository's changes, page by page. Each full page moves the
// time on from which is asked, since what changes meanwhile would shift pages
// that are counted, and something would slip through between two.
func (t *Tracker) changesOf(ctx context.Context, repository string, since time.Time) iter.Seq2[campaign.TicketSeen, error] {
	owner, repo, _ := strings.Cut(repository, "/")
	return func(yield func(campaign.TicketSeen, error) bool) {
		from := since.UTC().Truncate(time.Second) // as GitHub keeps it
		for page := 1; ; {
			issues, _, err := t.client.Issues.ListByRepo(ctx, owner, repo, &github.IssueListByRepoOptions{
				State: "all", Labels: []string{mark.Label}, Sort: "updated", Direction: "asc", Since: from,
				ListOptions: github.ListOptions{Page: page, PerPage: pageSize},
			})
			if err != nil {
				yield(campaign.TicketSeen{}, failed(ctx, err, false))
				return
			}
			for _, issue := range issues {
				seen := t.seen(issue)
				if issue.IsPullRequest() || seen.Key == "" || seen.UpdatedAt.Before(since) {
					continue
				}
				if !yield(seen, nil) {
					return
				}
			}
			if len(issues) < pageSize {
				return
			}
			if last := issues[len(issues)-1].GetUpdatedAt().UTC(); last.After(from) {
				from, page = last, 1
			} else {
				page++ // more than a page in one second
			}
		}
	}
}

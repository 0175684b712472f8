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
	var feeds []iter.Seq2[campaign.TicketSeen, error]
	for _, repository := range t.repositories() {
		feeds = append(feeds, t.changesOf(ctx, repository, since))
	}
	return mark.Merge(feeds...)
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

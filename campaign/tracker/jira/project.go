package jira

import (
	"context"
	"fmt"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/tracker/rest"
)

// project is what Jira says about the project.
type project struct {
	// AssigneeType is who gets issues that name nobody: PROJECT_LEAD or UNASSIGNED.
	AssigneeType string `json:"assigneeType"`
}

func (t *Tracker) project(ctx context.Context) (project, error) {
	var p project
	err := t.opts.Client.Do(ctx, rest.Call{Path: t.api + rest.Path("project", t.opts.Project), Out: &p})
	return p, err
}

// gone says what it means that Jira shows no issue: that it was deleted, or, as
// Forbidden, that the account sees nothing of the project any more. missing is
// Jira's answer. Deletions are rare, so the project is asked for each time.
func (t *Tracker) gone(ctx context.Context, missing error) error {
	_, err := t.project(ctx)
	switch {
	case err == nil:
		return missing
	case campaign.KindOf(err) != campaign.NotFound:
		return err
	}
	return &campaign.Error{
		Kind: campaign.Forbidden, Err: fmt.Errorf("see project: %w", err),
		Message: fmt.Sprintf("Jira does not show project %s to Muster's account any more, so nothing is known of its tickets. "+
			"An operator must check the project, and the permissions that docs/trackers.md lists.", t.opts.Project),
	}
}

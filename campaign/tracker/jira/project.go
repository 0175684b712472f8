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

// project asks for it. That Jira does not show it is Forbidden.
func (t *Tracker) project(ctx context.Context) (project, error) {
	var p project
	err := t.opts.Client.Do(ctx, rest.Call{Path: t.api + rest.Path("project", t.opts.Project), Out: &p})
	if err == nil || campaign.KindOf(err) != campaign.NotFound {
		return p, err
	}
	return p, &campaign.Error{
		Kind: campaign.Forbidden, Err: fmt.Errorf("see project: %w", err),
		Message: fmt.Sprintf("Jira does not show project %s to Muster's account any more, so nothing is known of its tickets. "+
			"An operator must check the project, and the permissions that docs/trackers.md lists.", t.opts.Project),
	}
}

// gone says what it means that Jira shows no issue: that it was deleted, or, as
// Forbidden, that the account sees nothing of the project any more. missing is
// Jira's answer. Deletions are rare, so the project is asked for each time.
func (t *Tracker) gone(ctx context.Context, missing error) error {
	if _, err := t.project(ctx); err != nil {
		return err
	}
	return missing
}

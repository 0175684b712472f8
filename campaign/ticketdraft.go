package campaign

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// ticketDraft renders a ticket from the plan that it was approved with, to the
// letter.
func (g *Engine) ticketDraft(ctx context.Context, scope Scope, id string) (Ticket, TicketDraft, error) {
	t, _, err := Load[Ticket](ctx, g.opts.Store, scope, KindTicket, id)
	if err != nil {
		return t, TicketDraft{}, err
	}
	a, err := g.approvedTexts(ctx, scope, t.Plan)
	if err != nil {
		return t, TicketDraft{}, err
	}
	draft, err := g.draftTicket(ctx, scope, a, t)
	return t, draft, err
}

// ticketNow renders a ticket as it is to be now: in the approved words, with the
// instructions that were approved since, and with what no longer counts.
func (g *Engine) ticketNow(ctx context.Context, scope Scope, id string) (Ticket, TicketDraft, error) {
	t, _, err := Load[Ticket](ctx, g.opts.Store, scope, KindTicket, id)
	if err != nil {
		return t, TicketDraft{}, err
	}
	a, err := g.textsNow(ctx, scope, t)
	if err != nil {
		return t, TicketDraft{}, err
	}
	draft, err := g.draftTicket(ctx, scope, a, t)
	if err != nil {
		return t, draft, err
	}
	tasks, err := g.tasksOfTicket(ctx, scope, t)
	draft.Status = statusOf(tasks)
	if t.Given != "" {
		draft.Assignee, draft.KeepAssignee = t.Tracked.Assignee, true // it is whose its people say it is
	}
	return t, draft, err
}

// approvedTexts are a plan and the instructions that it was approved with.
type approvedTexts struct {
	plan      Plan
	revisions map[string]Revision
	judge     Judge // of what counts as fixed by now; nil for what did at the approval
}

func (g *Engine) approvedTexts(ctx context.Context, scope Scope, plan string) (approvedTexts, error) {
	p, _, err := Load[Plan](ctx, g.opts.Store, scope, KindPlan, plan)
	if err != nil {
		return approvedTexts{}, err
	}
	a := approvedTexts{plan: p, revisions: map[string]Revision{}}
	for _, track := range p.Tracks {
		a.revisions[track.Name], _, err = Load[Revision](ctx, g.opts.Store, scope, KindRevision, revisionID(track.Name, track.Revision))
		if err != nil {
			return approvedTexts{}, err
		}
	}
	return a, nil
}

// textsNow are the texts of a ticket with the instructions that it shows by now,
// and with what no longer counts. Both were decided by people since its plan was
// approved: the reviewers' quorum, and the commander.
func (g *Engine) textsNow(ctx context.Context, scope Scope, t Ticket) (approvedTexts, error) {
	a, err := g.approvedTexts(ctx, scope, t.Plan)
	if err != nil {
		return a, err
	}
	c, err := g.Campaign(ctx, string(scope))
	if err != nil {
		return a, err
	}
	a.plan.Frame.Void = nil
	for _, v := range c.Void {
		a.plan.Frame.Void = append(a.plan.Frame.Void, v.Track+": "+v.Method)
	}
	for i := range a.plan.Tracks {
		track := &a.plan.Tracks[i]
		track.Methods = validMethods(c, Track{Name: track.Name, Methods: track.Methods})
		if now, ok := c.Track(track.Name); ok && t.Ref.ID != "" && !now.Due.IsZero() {
			track.Due = now.Due // a ticket that is filed follows; before that its text is the approved one
		}
		n := t.Revisions[track.Name]
		if n <= track.Revision {
			continue
		}
		rev, _, err := Load[Revision](ctx, g.opts.Store, scope, KindRevision, revisionID(track.Name, n))
		if err != nil {
			return a, err
		}
		a.revisions[track.Name] = rev
		track.Revision, track.Hash, track.Minutes, track.Tried = rev.Number, rev.Hash, rev.Minutes, rev.Tried
	}
	if a.plan.Baseline > 0 && c.Baseline != a.plan.Baseline {
		a.judge, err = g.judge(ctx, c)
	}
	return a, err
}

// draftTicket renders a ticket from approved texts.
func (g *Engine) draftTicket(ctx context.Context, scope Scope, a approvedTexts, t Ticket) (TicketDraft, error) {
	stored, err := LoadMany[Target](ctx, g.opts.Store, scope, KindTarget, t.Planned.Targets)
	if err != nil {
		return TicketDraft{}, err
	}
	if len(stored) < len(t.Planned.Targets) {
		return TicketDraft{}, fmt.Errorf("draft ticket %s: %d of its %d targets are gone", t.ID, len(t.Planned.Targets)-len(stored), len(t.Planned.Targets))
	}
	targets := valuesOf(stored)
	for i, target := range targets {
		targets[i] = target.judgedBy(a.judge)
	}
	title, body, err := ticketText(g.opts.Renderer, a.plan, a.revisions, t.Planned, targets)
	if err != nil {
		return TicketDraft{}, err
	}
	draft := TicketDraft{Title: title, Body: body, Assignee: t.Planned.Team, Due: byDue(concerning(a.plan.Tracks, targets))[0].Due, Status: TicketOpen}
	if len(t.Tasks) > 1 {
		tasks, err := g.tasksOfTicket(ctx, scope, t)
		if err != nil {
			return draft, err
		}
		draft.Checklist, draft.More = g.checklist(t, tasks)
		if due := nextDue(a.plan.Tracks, tasks); t.Ref.ID != "" && !due.IsZero() {
			draft.Due = due
		}
	}
	return draft, nil
}

// nextDue is when the first of what is still to be done is due.
func nextDue(tracks []PlanTrack, tasks []Task) time.Time {
	var due time.Time
	for _, track := range tracks {
		left := slices.ContainsFunc(tasks, func(t Task) bool { return t.Track == track.Name && t.Status.Actionable() })
		if left && !track.Due.IsZero() && (due.IsZero() || track.Due.Before(due)) {
			due = track.Due
		}
	}
	return due
}

// judgedBy returns the target with the versions to move to as a judge has them.
func (t Target) judgedBy(judge Judge) Target {
	if judge == nil {
		return t
	}
	findings := make([]Finding, 0, len(t.Findings))
	for _, f := range t.Findings {
		var fixed []string
		for _, now := range judge.Judge(f.Component) {
			for _, v := range now.Fixed {
				if !slices.Contains(fixed, v) {
					fixed = append(fixed, v)
				}
			}
		}
		if len(fixed) > 0 {
			f.Fixed = fixed
		}
		findings = append(findings, f)
	}
	t.Findings = findings
	return t
}

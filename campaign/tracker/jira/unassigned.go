package jira

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/tracker/rest"
)

// unassigning is how an issue is filed for nobody. A project may give issues that
// name nobody to its lead, and the answer to a bulk creation does not tell.
type unassigning int

const (
	unknown unassigning = iota
	leftOut             // the project's default is nobody
	tryNull             // asking for nobody may do, or be refused, or be ignored
	byNull              // asking for nobody does
	byCall              // only a call for each issue does
	never               // Jira has no unassigned issues, or Muster may not make them so
)

// askAgain is how long the project's default is believed, and a refusal.
const askAgain = 10 * time.Minute

// unassigning returns how those of the filings that are for nobody are filed so.
// The project is asked once in a while, and only if there are any.
func (t *Tracker) unassigning(ctx context.Context, filings []campaign.Filing, missing []int) (unassigning, error) {
	needed := false
	for _, i := range missing {
		needed = needed || t.unmapped(filings[i].Draft)
	}
	if !needed {
		return leftOut, nil
	}
	return t.unassigningNow(ctx)
}

func (t *Tracker) unassigningNow(ctx context.Context) (unassigning, error) {
	t.mu.Lock()
	how, fresh := t.how, time.Since(t.asked) < askAgain
	t.mu.Unlock()
	if how != unknown && fresh {
		return how, nil
	}
	p, err := t.project(ctx)
	if err != nil {
		return unknown, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.asked = time.Now()
	switch {
	case p.AssigneeType == "UNASSIGNED":
		t.how = leftOut
	case t.how != byNull && t.how != byCall: // what was refused may be allowed by now
		t.how = tryNull
	}
	return t.how, nil
}

func (t *Tracker) learn(how unassigning) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.how = how
	if how == never {
		t.asked = time.Now()
	}
}

func (t *Tracker) learnt() unassigning {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.how
}

// mustAssign reports whether Jira lately refused to have an issue be nobody's.
func (t *Tracker) mustAssign() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.how == never && time.Since(t.asked) < askAgain
}

// refusesAssignee reports whether Jira took nothing because of the assignee: it
// has no issues of nobody, or the field is not on the edit screen.
func refusesAssignee(err error) bool {
	answered, refused := errors.AsType[*rest.StatusError](err)
	if !refused || answered.Status != http.StatusBadRequest || campaign.KindOf(err) == campaign.Unavailable {
		return false
	}
	_, named := readProblem(answered.Body).Errors[fieldAssignee]
	return named
}

// freeNew takes a new issue from whomever Jira gave it to unasked.
func (t *Tracker) freeNew(ctx context.Context, issueKey string, d campaign.TicketDraft) error {
	how := t.learnt()
	if !t.unmapped(d) || how != tryNull && how != byCall {
		return nil
	}
	if how == tryNull { // the first one tells of all others
		i, err := t.get(ctx, issueKey)
		if err != nil {
			return err
		}
		if t.readOwner(i) == "" {
			t.learn(byNull)
			return nil
		}
		t.learn(byCall)
	}
	return t.free(ctx, issueKey)
}

// untouched bounds how far the creation of an issue and its last change lie apart
// when nobody changed it: Cloud stamps them one after the other.
const untouched = 2 * time.Second

// freeFound does the same for an issue that was filed before and perhaps not freed:
// it has an assignee, and nobody has changed it since.
func (t *Tracker) freeFound(ctx context.Context, i issue) campaign.FilingOutcome {
	done := campaign.FilingOutcome{Ref: t.ref(i.Key)}
	created, err := moment(read[string](i, "created"))
	if err != nil {
		return campaign.FilingOutcome{Err: err}
	}
	updated, err := moment(read[string](i, "updated"))
	if err != nil {
		return campaign.FilingOutcome{Err: err}
	}
	if t.readOwner(i) == "" || updated.Sub(created) > untouched {
		return done
	}
	how, err := t.unassigningNow(ctx)
	if err == nil && how != leftOut && how != never {
		err = t.free(ctx, i.Key)
	}
	if err != nil {
		return campaign.FilingOutcome{Err: halfFiled(err)}
	}
	return done
}

// free leaves an issue to nobody. Where Jira refuses that, it stays with whom it
// has: it is filed, and no ticket is worth less for that.
func (t *Tracker) free(ctx context.Context, issueKey string) error {
	err := t.opts.Client.Do(ctx, rest.Call{
		Method: http.MethodPut, Path: t.issuePath(issueKey, "assignee"), In: map[string]any{t.accountKey(): nil},
	})
	answered, refused := errors.AsType[*rest.StatusError](err)
	if refused && campaign.KindOf(err) != campaign.Unavailable && (answered.Status == http.StatusBadRequest || answered.Status == http.StatusForbidden) {
		t.learn(never)
		return nil
	}
	return err
}

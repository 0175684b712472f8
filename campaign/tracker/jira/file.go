package jira

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/tracker/rest"
)

// maxBulk is how many issues Jira creates in one call.
const maxBulk = 50

// Bulk implements campaign.BulkTracker.
func (t *Tracker) Bulk() int { return maxBulk }

// Find implements campaign.Tracker. Where people copied an issue with its labels,
// the oldest is ours.
func (t *Tracker) Find(ctx context.Context, key string) (campaign.TicketRef, error) {
	ctx = rest.Operation(ctx)
	found, err := t.findAll(ctx, []string{key})
	if err != nil {
		return campaign.TicketRef{}, fmt.Errorf("find ticket: %w", err)
	}
	i, ok := found[key]
	if !ok {
		return campaign.TicketRef{}, campaign.Refuse(campaign.NotFound, "There is no such ticket in Jira.")
	}
	return t.ref(i.Key), nil
}

// findAll returns what was filed under keys, as the search shows it.
func (t *Tracker) findAll(ctx context.Context, keys []string) (map[string]issue, error) {
	labels := make([]string, 0, len(keys))
	for _, key := range keys {
		if label, err := t.label(key); err == nil { // what no label can hold was never filed
			labels = append(labels, `"`+label+`"`)
		}
	}
	found := map[string]issue{}
	if len(labels) == 0 {
		return found, nil
	}
	jql := fmt.Sprintf(`project = "%s" AND labels in (%s) ORDER BY created ASC, key ASC`, t.opts.Project, strings.Join(labels, ", "))
	for page, err := range t.search(ctx, jql, "labels,assignee,created,updated", perPage) {
		if err != nil {
			return nil, err
		}
		for _, i := range page.Issues {
			key := t.keyOf(read[[]string](i, "labels"))
			if _, known := found[key]; key != "" && !known {
				found[key] = i
			}
		}
	}
	return found, nil
}

// created is what Jira says about a new issue.
type created struct {
	Key string `json:"key"`
}

// Ensure implements campaign.Tracker.
func (t *Tracker) Ensure(ctx context.Context, key string, d campaign.TicketDraft) (campaign.TicketRef, error) {
	outcome := t.EnsureAll(ctx, []campaign.Filing{{Key: key, Draft: d}})[0]
	return outcome.Ref, outcome.Err
}

// filed ends a filing: the issue may have been given to somebody, and a draft may
// already be past its beginning. What fails here is Uncertain, since the issue is
// there, and the search may not show it yet.
func (t *Tracker) filed(ctx context.Context, c created, d campaign.TicketDraft) (campaign.TicketRef, error) {
	if c.Key == "" {
		return campaign.TicketRef{}, campaign.Refuse(campaign.Uncertain, "Jira did not say what it filed. It is looked up before it is tried again.")
	}
	if err := t.freeNew(ctx, c.Key, d); err != nil {
		return campaign.TicketRef{}, halfFiled(err)
	}
	if d.Status == campaign.TicketInProgress || d.Status == campaign.TicketDone {
		if err := t.moveTo(ctx, c.Key, campaign.TicketOpen, d.Status); err != nil {
			return campaign.TicketRef{}, halfFiled(err)
		}
	}
	return t.ref(c.Key), nil
}

// halfFiled keeps what failed behind a creation from being filed again.
func halfFiled(err error) error {
	if kind := campaign.KindOf(err); kind != campaign.Unavailable && kind != campaign.NotFound {
		return fmt.Errorf("file ticket: %w", err)
	}
	return &campaign.Error{
		Kind: campaign.Uncertain, Err: fmt.Errorf("file ticket: %w", err),
		Message: "Jira filed this ticket, and then could not be asked for the rest. It is looked up before it is tried again.",
	}
}

// EnsureAll implements campaign.BulkTracker, in two calls: one search for all,
// and one creation of what is missing. More are made where Jira gives issues to
// somebody who was not asked for, and for drafts that are past their beginning.
func (t *Tracker) EnsureAll(ctx context.Context, filings []campaign.Filing) []campaign.FilingOutcome {
	ctx = rest.SearchAndCreate(ctx)
	outcomes := make([]campaign.FilingOutcome, len(filings))
	if len(filings) == 0 {
		return outcomes
	}
	if len(filings) > maxBulk {
		return failed(outcomes, fmt.Errorf("jira: %d filings in one call, above %d", len(filings), maxBulk))
	}
	keys := make([]string, len(filings))
	for i, f := range filings {
		keys[i] = f.Key
	}
	found, err := t.findAll(ctx, keys)
	if err != nil {
		return failed(outcomes, fmt.Errorf("file tickets: %w", err))
	}
	var missing []int
	for i, f := range filings {
		if there, ok := found[f.Key]; ok {
			if outcomes[i].Ref = t.ref(there.Key); t.unmapped(f.Draft) {
				outcomes[i] = t.freeFound(ctx, there)
			}
			continue
		}
		missing = append(missing, i)
	}
	how, err := t.unassigning(ctx, filings, missing)
	if err != nil {
		for _, i := range missing {
			outcomes[i].Err = fmt.Errorf("file tickets: %w", err)
		}
		return outcomes
	}
	again := t.createAll(ctx, filings, outcomes, missing, how == tryNull || how == byNull)
	if len(again) > 0 {
		t.learn(byCall)
		t.createAll(ctx, filings, outcomes, again, false)
	}
	return outcomes
}

func failed(outcomes []campaign.FilingOutcome, err error) []campaign.FilingOutcome {
	for i := range outcomes {
		outcomes[i].Err = err
	}
	return outcomes
}

// bulkAnswer names the new issues in their order, without those that failed.
type bulkAnswer struct {
	Issues []created        `json:"issues"`
	Errors []refusedElement `json:"errors"`
}

type refusedElement struct {
	Element int             `json:"failedElementNumber"`
	Status  int             `json:"status"`
	Said    json.RawMessage `json:"elementErrors"`
}

func (a bulkAnswer) refused(element int) (refusedElement, bool) {
	n := slices.IndexFunc(a.Errors, func(e refusedElement) bool { return e.Element == element })
	if n < 0 {
		return refusedElement{}, false
	}
	return a.Errors[n], true
}

// addsUp reports whether each of so many updates became an issue or was refused.
func (a bulkAnswer) addsUp(updates int) bool {
	refused := map[int]bool{}
	for _, e := range a.Errors {
		if e.Element < 0 || e.Element >= updates || refused[e.Element] {
			return false
		}
		refused[e.Element] = true
	}
	return len(a.Issues)+len(refused) == updates
}

// names reports whether a field is among what was wrong.
func (e refusedElement) names(field string) bool {
	_, named := readProblem(e.Said).Errors[field]
	return named
}

// createAll files what is missing. With null it asks for nobody as the assignee,
// and returns those filings that Jira refused for that.
func (t *Tracker) createAll(ctx context.Context, filings []campaign.Filing, outcomes []campaign.FilingOutcome, missing []int, null bool) (again []int) {
	var updates []any
	var sent []int // the filing of each update
	for _, i := range missing {
		create, err := t.creation(filings[i].Key, filings[i].Draft, null)
		if err != nil {
			outcomes[i].Err = err
			continue
		}
		updates, sent = append(updates, create), append(sent, i)
	}
	if len(updates) == 0 {
		return nil
	}
	said, err := t.create(ctx, updates)
	if err != nil {
		for _, i := range sent {
			outcomes[i].Err = fmt.Errorf("file tickets: %w", err)
		}
		return nil
	}
	next := 0
	for n, i := range sent {
		refused, isRefused := said.refused(n)
		switch {
		case !isRefused:
			outcomes[i].Ref, outcomes[i].Err = t.filed(ctx, said.Issues[next], filings[i].Draft)
			next++
		case null && t.unmapped(filings[i].Draft) && refused.names(fieldAssignee):
			again = append(again, i)
		default:
			outcomes[i].Err = refusal(refused.Status, refused.Said)
		}
	}
	return again
}

// create returns what became of each of the updates: so many issues and refusals
// as there were updates.
func (t *Tracker) create(ctx context.Context, updates []any) (bulkAnswer, error) {
	var said bulkAnswer
	err := t.opts.Client.Do(ctx, rest.Call{
		Method: http.MethodPost, Path: t.api + "/issue/bulk", In: map[string]any{"issueUpdates": updates}, Out: &said,
	})
	answered, refused := errors.AsType[*rest.StatusError](err)
	if refused && answered.Status == http.StatusBadRequest && json.Unmarshal(answered.Body, &said) == nil && len(said.Errors) > 0 {
		err = nil // each of them was refused, and says why
	}
	if err == nil && !said.addsUp(len(updates)) { // which is which cannot be told
		err = campaign.Refuse(campaign.Uncertain, "Jira did not say what became of each ticket. They are looked up before they are tried again.")
	}
	return said, err
}

// busyFor is how long a single issue waits that Jira had no time for: within an
// answer to many there is no Retry-After.
const busyFor = 30 * time.Second

// refusal is what Jira says about one issue of many that it did not create. The
// status is the issue's own.
func refusal(status int, said json.RawMessage) error {
	words := rest.Words(said)
	cause := fmt.Errorf("create issue: %d: %s", status, words)
	switch {
	case status == http.StatusTooManyRequests:
		return &campaign.Error{Kind: campaign.Unavailable, RetryAfter: busyFor, Err: cause, Message: "Jira has no time for this ticket just now. It is tried again by itself."}
	case status >= http.StatusInternalServerError:
		return &campaign.Error{Kind: campaign.Uncertain, Err: cause, Message: "Jira failed over this ticket, and may have filed it. It is looked up before it is tried again."}
	}
	return &campaign.Error{
		Kind: campaign.Invalid, Err: cause,
		Message: "Jira does not take this ticket: " + rest.Quote(words) + " It was not filed; press Try again once that is corrected.",
	}
}

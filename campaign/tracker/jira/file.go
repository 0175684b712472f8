package jira

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
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
	ref, ok := found[key]
	if !ok {
		return campaign.TicketRef{}, campaign.Refuse(campaign.NotFound, "There is no such ticket in Jira.")
	}
	return ref, nil
}

// findAll returns what was filed under keys, as the search shows it.
func (t *Tracker) findAll(ctx context.Context, keys []string) (map[string]campaign.TicketRef, error) {
	labels := make([]string, 0, len(keys))
	for _, key := range keys {
		if label, err := t.label(key); err == nil { // what no label can hold was never filed
			labels = append(labels, `"`+label+`"`)
		}
	}
	found := map[string]campaign.TicketRef{}
	if len(labels) == 0 {
		return found, nil
	}
	jql := fmt.Sprintf(`project = "%s" AND labels in (%s) ORDER BY created ASC`, t.opts.Project, strings.Join(labels, ", "))
	for page, err := range t.search(ctx, jql, "labels", perPage) {
		if err != nil {
			return nil, err
		}
		for _, i := range page.Issues {
			key := t.keyOf(read[[]string](i, "labels"))
			if _, known := found[key]; key != "" && !known {
				found[key] = t.ref(i.Key)
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
	ctx = rest.SearchAndCreate(ctx)
	create, err := t.creation(key, d)
	if err != nil {
		return campaign.TicketRef{}, err
	}
	found, err := t.findAll(ctx, []string{key})
	if err != nil {
		return campaign.TicketRef{}, fmt.Errorf("file ticket: %w", err)
	}
	if ref, ok := found[key]; ok {
		return ref, nil
	}
	var c created
	if err := t.opts.Client.Do(ctx, rest.Call{Method: http.MethodPost, Path: t.api + "/issue", In: create, Out: &c}); err != nil {
		return campaign.TicketRef{}, fmt.Errorf("file ticket: %w", err)
	}
	return t.filed(ctx, c, d)
}

// filed ends a filing: a draft may already be past its beginning.
func (t *Tracker) filed(ctx context.Context, c created, d campaign.TicketDraft) (campaign.TicketRef, error) {
	if c.Key == "" {
		return campaign.TicketRef{}, campaign.Refuse(campaign.Uncertain, "Jira did not say what it filed. It is looked up before it is tried again.")
	}
	if d.Status == campaign.TicketInProgress || d.Status == campaign.TicketDone {
		if err := t.moveTo(ctx, c.Key, campaign.TicketOpen, d.Status); err != nil {
			return campaign.TicketRef{}, fmt.Errorf("file ticket: %w", err)
		}
	}
	return t.ref(c.Key), nil
}

// EnsureAll implements campaign.BulkTracker, in two calls: one search for all,
// and one creation of what is missing.
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
	var updates []any
	var missing []int // the filing of each update
	for i, f := range filings {
		if ref, ok := found[f.Key]; ok {
			outcomes[i].Ref = ref
			continue
		}
		create, err := t.creation(f.Key, f.Draft)
		if err != nil {
			outcomes[i].Err = err
			continue
		}
		updates, missing = append(updates, create), append(missing, i)
	}
	if len(updates) > 0 {
		t.createAll(ctx, filings, outcomes, updates, missing)
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
	Issues []created `json:"issues"`
	Errors []struct {
		Element int             `json:"failedElementNumber"`
		Status  int             `json:"status"`
		Errors  json.RawMessage `json:"elementErrors"`
	} `json:"errors"`
}

func (t *Tracker) createAll(ctx context.Context, filings []campaign.Filing, outcomes []campaign.FilingOutcome, updates []any, missing []int) {
	var said bulkAnswer
	err := t.opts.Client.Do(ctx, rest.Call{
		Method: http.MethodPost, Path: t.api + "/issue/bulk", In: map[string]any{"issueUpdates": updates}, Out: &said,
	})
	answered, refused := errors.AsType[*rest.StatusError](err)
	if refused && answered.Status == http.StatusBadRequest && json.Unmarshal(answered.Body, &said) == nil && len(said.Errors) > 0 {
		err = nil // each of them was refused, and says why
	}
	if err != nil {
		for _, i := range missing {
			outcomes[i].Err = fmt.Errorf("file tickets: %w", err)
		}
		return
	}
	refusals := map[int]error{}
	for _, e := range said.Errors {
		refusals[e.Element] = refusal(e.Status, e.Errors)
	}
	if len(said.Issues)+len(refusals) != len(missing) {
		for _, i := range missing { // which is which cannot be told
			outcomes[i].Err = campaign.Refuse(campaign.Uncertain, "Jira did not say what became of each ticket. They are looked up before they are tried again.")
		}
		return
	}
	next := 0
	for n, i := range missing {
		if err := refusals[n]; err != nil {
			outcomes[i].Err = err
			continue
		}
		outcomes[i].Ref, outcomes[i].Err = t.filed(ctx, said.Issues[next], filings[i].Draft)
		next++
	}
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

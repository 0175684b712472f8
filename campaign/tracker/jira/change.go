package jira

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/tracker/rest"
)

func (t *Tracker) issuePath(key string, more ...string) string {
	return t.api + rest.Path(append([]string{"issue", key}, more...)...)
}

// get reads an issue. It is NotFound only while Jira shows the project: an account
// that lost it sees no issue either.
func (t *Tracker) get(ctx context.Context, key string) (issue, error) {
	var i issue
	q := url.Values{"fields": {t.fields()}}
	if t.opts.Cloud {
		q.Set("properties", propertyName)
	}
	err := t.opts.Client.Do(ctx, rest.Call{Path: t.issuePath(key), Query: q, Out: &i})
	if err != nil && campaign.KindOf(err) == campaign.NotFound {
		err = t.gone(ctx, err)
	}
	return i, err
}

// Read implements campaign.Tracker. An issue that was moved to another project
// is found by its old name, and has a new one.
func (t *Tracker) Read(ctx context.Context, ref campaign.TicketRef) (campaign.TicketSeen, error) {
	ctx = rest.Operation(ctx)
	i, err := t.get(ctx, ref.ID)
	if err != nil {
		return campaign.TicketSeen{}, fmt.Errorf("read ticket %s: %w", ref.ID, err)
	}
	return t.seen(i)
}

// Update implements campaign.Tracker. What stands there already is not written
// again, and nobody is notified where Muster may say so.
func (t *Tracker) Update(ctx context.Context, ref campaign.TicketRef, d campaign.TicketDraft) error {
	ctx = rest.Operation(ctx)
	i, err := t.get(ctx, ref.ID)
	if err != nil {
		return fmt.Errorf("update ticket %s: %w", ref.ID, err)
	}
	if t.unmapped(d) && t.mustAssign() {
		d.KeepAssignee = true
	}
	err = t.write(ctx, i, d)
	if err != nil && !d.KeepAssignee && t.unmapped(d) && refusesAssignee(err) {
		d.KeepAssignee = true
		if err = t.write(ctx, i, d); err == nil {
			err = t.free(ctx, i.Key)
		}
	}
	if err != nil {
		return fmt.Errorf("update ticket %s: %w", ref.ID, err)
	}
	want := d.Status
	if want == "" || want == campaign.TicketPlanned {
		want = campaign.TicketOpen
	}
	if err := t.moveTo(ctx, ref.ID, t.status(read[status](i, "status")), want); err != nil {
		return fmt.Errorf("update ticket %s: %w", ref.ID, err)
	}
	return nil
}

// write writes what differs from a draft.
func (t *Tracker) write(ctx context.Context, i issue, d campaign.TicketDraft) error {
	change, err := t.update(i, d)
	if err != nil || len(change) == 0 {
		return err
	}
	return t.edit(ctx, i.Key, change)
}

// update returns what has to be written to an issue; nothing when all stands there.
// Our labels are put back, since issues are found by them. What is not known any
// more, as the key of an issue whose labels are gone, is not written over either.
func (t *Tracker) update(i issue, d campaign.TicketDraft) (map[string]any, error) {
	key := t.keyOfOurs(i)
	fields, p, err := t.draft(key, d)
	if err != nil {
		return nil, err
	}
	change := map[string]any{}
	if changed := differing(i, fields); len(changed) > 0 {
		change["fields"] = changed
	}
	if key == "" {
		return change, nil
	}
	if missing := t.missingLabels(i, key); len(missing) > 0 {
		change["update"] = map[string]any{"labels": missing}
	}
	if t.opts.Cloud && (len(change) > 0 || propertyOf(i).Key != key) {
		change["properties"] = []any{map[string]any{"key": propertyName, "value": p}}
	}
	return change, nil
}

// missingLabels are the steps that put our labels back beside those of others.
func (t *Tracker) missingLabels(i issue, key string) []any {
	var steps []any
	has := read[[]string](i, "labels")
	for _, label := range []string{t.opts.Label, t.opts.Label + "-" + key} {
		if !slices.Contains(has, label) {
			steps = append(steps, map[string]string{"add": label})
		}
	}
	return steps
}

// edit writes to an issue without notifying anybody, where Jira lets Muster. A Data
// Center refuses the whole change to those who administer neither Jira nor the
// project: then it is written aloud, as all that follow are.
func (t *Tracker) edit(ctx context.Context, issueKey string, change map[string]any) error {
	call := rest.Call{Method: http.MethodPut, Path: t.issuePath(issueKey), In: change}
	if t.aloud.Load() {
		return t.opts.Client.Do(ctx, call)
	}
	silent := call
	silent.Query = url.Values{"notifyUsers": {"false"}}
	err := t.opts.Client.Do(ctx, silent)
	answered, refused := errors.AsType[*rest.StatusError](err)
	if !refused || answered.Status != http.StatusForbidden || campaign.KindOf(err) != campaign.Forbidden {
		return err
	}
	if err := t.opts.Client.Do(ctx, call); err != nil {
		return err
	}
	t.aloud.Store(true)
	return nil
}

// differing returns the fields that Jira holds otherwise.
func differing(i issue, fields map[string]any) map[string]any {
	changed := map[string]any{}
	for name, want := range fields {
		var has any
		_ = json.Unmarshal(i.Fields[name], &has)
		if !same(want, has) {
			changed[name] = want
		}
	}
	return changed
}

// same compares what is to be with what is there; Jira adds to what it shows.
func same(want, has any) bool {
	text, err := json.Marshal(want)
	if err != nil {
		return false
	}
	var plain any
	_ = json.Unmarshal(text, &plain)
	return within(plain, has)
}

func within(want, has any) bool {
	switch want := want.(type) {
	case string:
		text, ok := has.(string)
		return ok && strings.ReplaceAll(want, "\r\n", "\n") == strings.ReplaceAll(text, "\r\n", "\n")
	case map[string]any:
		shown, ok := has.(map[string]any)
		for key, value := range want {
			if !ok || !within(value, shown[key]) {
				return false
			}
		}
		return ok
	case []any:
		list, ok := has.([]any)
		if !ok || len(list) != len(want) {
			return false
		}
		for n, value := range want {
			if !within(value, list[n]) {
				return false
			}
		}
		return true
	}
	return reflect.DeepEqual(want, has)
}

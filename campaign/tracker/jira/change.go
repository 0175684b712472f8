package jira

import (
	"context"
	"encoding/json"
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
	fields, p, err := t.draft(t.keyOf(read[[]string](i, "labels")), d)
	if err != nil {
		return err
	}
	if changed := differing(i, fields); len(changed) > 0 {
		change := map[string]any{"fields": changed}
		if t.opts.Cloud {
			change["properties"] = []any{map[string]any{"key": propertyName, "value": p}}
		}
		err := t.opts.Client.Do(ctx, rest.Call{
			Method: http.MethodPut, Path: t.issuePath(ref.ID), Query: url.Values{"notifyUsers": {"false"}}, In: change,
		})
		if err != nil {
			return fmt.Errorf("update ticket %s: %w", ref.ID, err)
		}
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

// transition is one way out of an issue's status.
type transition struct {
	ID string `json:"id"`
	To status `json:"to"`
}

// maxHops bounds the way through a workflow.
const maxHops = 3

// moveTo brings an issue from one status to another: at once where the workflow
// lets it, else over those between.
func (t *Tracker) moveTo(ctx context.Context, key string, now, want campaign.TicketStatus) error {
	var been []string
	for range maxHops {
		if now == want {
			return nil
		}
		var open struct {
			Transitions []transition `json:"transitions"`
		}
		if err := t.opts.Client.Do(ctx, rest.Call{Path: t.issuePath(key, "transitions"), Out: &open}); err != nil {
			return err
		}
		next, ok := t.pick(open.Transitions, want, been)
		if !ok {
			break
		}
		take := map[string]any{"transition": map[string]string{"id": next.ID}}
		if err := t.opts.Client.Do(ctx, rest.Call{Method: http.MethodPost, Path: t.issuePath(key, "transitions"), In: take}); err != nil {
			return err
		}
		now, been = t.status(next.To), append(been, next.To.Name)
	}
	if now == want {
		return nil
	}
	return campaign.Refuse(campaign.Invalid, fmt.Sprintf(
		"Jira's workflow shows Muster no way from %s to %s for this ticket. An operator must allow it, or name the status in `tracker.statuses`; then press Try again.", now, want))
}

// pick chooses the transition that leads to a status: by its configured name, by
// category, or one step nearer.
func (t *Tracker) pick(open []transition, want campaign.TicketStatus, been []string) (transition, bool) {
	open = slices.DeleteFunc(open, func(o transition) bool { return slices.Contains(been, o.To.Name) })
	if name, ok := t.opts.Statuses[want]; ok {
		if n := slices.IndexFunc(open, func(o transition) bool { return strings.EqualFold(o.To.Name, name) }); n >= 0 {
			return open[n], true
		}
	}
	for _, aim := range []campaign.TicketStatus{want, campaign.TicketInProgress} {
		if n := slices.IndexFunc(open, func(o transition) bool { return t.status(o.To) == aim }); n >= 0 {
			return open[n], true
		}
	}
	return transition{}, false
}

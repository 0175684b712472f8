package jira

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/tracker/rest"
)

// transition is one way out of an issue's status.
type transition struct {
	ID     string              `json:"id"`
	To     status              `json:"to"`
	Fields map[string]askedFor `json:"fields"`
}

// askedFor is a field on a transition's screen.
type askedFor struct {
	Required bool         `json:"required"`
	Allowed  []resolution `json:"allowedValues"`
}

type resolution struct {
	Name string `json:"name"`
}

const fieldResolution = "resolution"

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
		err := t.opts.Client.Do(ctx, rest.Call{
			Path: t.issuePath(key, "transitions"), Query: url.Values{"expand": {"transitions.fields"}}, Out: &open,
		})
		if err != nil {
			return err
		}
		next, ok := t.pick(open.Transitions, want, been)
		if !ok {
			break
		}
		if err := t.take(ctx, key, next); err != nil {
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

// take takes a transition, with a resolution where its screen asks for one. What
// Jira shows of screens is not always so: when it refuses a resolution it is tried
// without, and with one when it misses it.
func (t *Tracker) take(ctx context.Context, key string, next transition) error {
	with := ""
	screen, offered := next.Fields[fieldResolution]
	if offered && (screen.Required || t.status(next.To) == campaign.TicketDone) { // else it would be resolved while it is worked on
		with = t.resolution(screen.Allowed)
	}
	err := t.post(ctx, key, next, with)
	if !aboutResolution(err) {
		return err
	}
	if with != "" {
		return t.post(ctx, key, next, "")
	}
	var all []resolution
	if err := t.opts.Client.Do(ctx, rest.Call{Path: t.api + "/resolution", Out: &all}); err != nil {
		return err
	}
	return t.post(ctx, key, next, t.resolution(all))
}

func (t *Tracker) post(ctx context.Context, key string, next transition, with string) error {
	in := map[string]any{"transition": map[string]string{"id": next.ID}}
	if with != "" {
		in["fields"] = map[string]any{fieldResolution: resolution{Name: with}}
	}
	return t.opts.Client.Do(ctx, rest.Call{Method: http.MethodPost, Path: t.issuePath(key, "transitions"), In: in})
}

// resolution chooses among those that are allowed; where Jira names none, the
// wanted one is tried.
func (t *Tracker) resolution(allowed []resolution) string {
	wanted := []string{t.opts.Resolution, "Done", "Fixed"}
	if t.opts.Resolution == "" {
		wanted = wanted[1:]
	}
	for _, name := range wanted {
		if n := slices.IndexFunc(allowed, func(r resolution) bool { return strings.EqualFold(r.Name, name) }); n >= 0 {
			return allowed[n].Name
		}
	}
	if len(allowed) > 0 {
		return allowed[0].Name
	}
	return wanted[0]
}

// aboutResolution reports whether Jira refused a call and named the resolution: in
// the field's own error, or in words (a workflow's validator).
func aboutResolution(err error) bool {
	answered, ok := errors.AsType[*rest.StatusError](err)
	if !ok || answered.Status != http.StatusBadRequest {
		return false
	}
	said := readProblem(answered.Body)
	_, named := said.Errors[fieldResolution]
	return named || slices.ContainsFunc(said.Messages, func(m string) bool { return strings.Contains(strings.ToLower(m), fieldResolution) })
}

// problem is how Jira says what is wrong with a call.
type problem struct {
	Messages []string          `json:"errorMessages"`
	Errors   map[string]string `json:"errors"` // by field
}

// readProblem reads it; what is of another form is blank.
func readProblem(body []byte) (p problem) {
	_ = json.Unmarshal(body, &p)
	return p
}

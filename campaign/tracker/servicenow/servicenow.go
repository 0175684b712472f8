// Package servicenow keeps tickets as records of ServiceNow's Table API, in the
// table incident unless another one is named. correlation_id, which every task
// table has for this, holds the key. ServiceNow shows descriptions as they are
// typed, so Markdown stays as it is, and the checklist is lines of text. There is
// no webhook: changes are asked for.
package servicenow

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/tracker/checklist"
	"github.com/musterbot/muster/campaign/tracker/rest"
)

const (
	maxTitle = 160 // characters of short_description, as ServiceNow is delivered
	pageSize = 100
	// groupsFor is how long the sys_id of a group is believed.
	groupsFor = time.Hour
	// stampLayout is how the Table API writes times, in UTC.
	stampLayout = "2006-01-02 15:04:05"
)

// Options say where records go.
type Options struct {
	Client *rest.Client // required: its base address is that of the instance
	// PageURL is where people read records: the instance's address; required.
	PageURL string
	Table   string // default incident
	// Origin goes into correlation_display, and tells the records of this
	// installation from others; default Muster.
	Origin string
	// States are the values of the state field that a status is brought to;
	// default 1 (New), 2 (In Progress), 6 (Resolved), as incidents have them. When
	// they are read, what is not active any more counts as done as well, and what is
	// none of the three as in progress.
	States map[campaign.TicketStatus]string
	// CloseCode and CloseNotes are filled in with the resolution, which incidents
	// insist on; default "Solution provided" and a sentence.
	CloseCode, CloseNotes string
	// Groups are the assignment groups of owners, by name. An owner without one is
	// filed under a group of the owner's own name, if there is one.
	Groups map[string]string
	// MaxDescription is how many characters the description takes, at least 1000;
	// ServiceNow cuts the rest off without a word. Default 4000, as it is delivered.
	MaxDescription int
	// WorkNotes sends comments as work notes, which customers do not see; default
	// false: as comments.
	WorkNotes bool
}

var tableName = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

func (o Options) withDefaults() (Options, error) {
	if o.Client == nil || o.PageURL == "" {
		return o, errors.New("servicenow: Options.Client and PageURL are required")
	}
	o.PageURL = strings.TrimSuffix(o.PageURL, "/")
	o.Table = cmp.Or(o.Table, "incident")
	o.Origin = cmp.Or(o.Origin, "Muster")
	o.CloseCode = cmp.Or(o.CloseCode, "Solution provided")
	o.CloseNotes = cmp.Or(o.CloseNotes, "All tasks of this ticket are done, as Muster has it.")
	o.MaxDescription = cmp.Or(o.MaxDescription, 4000)
	if o.MaxDescription < 1000 {
		return o, errors.New("servicenow: Options.MaxDescription is less than 1000")
	}
	if !tableName.MatchString(o.Table) || strings.ContainsAny(o.Origin, "^\n") {
		return o, errors.New("servicenow: Options.Table or Origin cannot be used in a query")
	}
	states := map[campaign.TicketStatus]string{campaign.TicketOpen: "1", campaign.TicketInProgress: "2", campaign.TicketDone: "6"}
	for status, state := range o.States {
		states[status] = state
	}
	o.States = states
	return o, nil
}

// Tracker keeps tickets as records. It may be used by many at once.
type Tracker struct {
	opts   Options
	owners map[string]string // by group

	mu     sync.Mutex
	groups map[string]group // by name
}

type group struct {
	id string // "" when there is none of this name
	at time.Time
}

var _ campaign.Tracker = (*Tracker)(nil)

// New returns a Tracker; it connects to nothing yet.
func New(o Options) (*Tracker, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	t := &Tracker{opts: o, owners: map[string]string{}, groups: map[string]group{}}
	for owner, name := range o.Groups {
		t.owners[name] = owner
	}
	return t, nil
}

// record is what is read of a ticket. Each field carries its stored and its
// displayed value.
type record struct {
	SysID       field `json:"sys_id"`
	Number      field `json:"number"`
	Key         field `json:"correlation_id"`
	Origin      field `json:"correlation_display"`
	State       field `json:"state"`
	Active      field `json:"active"`
	Title       field `json:"short_description"`
	Due         field `json:"due_date"`
	Group       field `json:"assignment_group"`
	Description field `json:"description"`
	CreatedAt   field `json:"sys_created_on"`
	UpdatedAt   field `json:"sys_updated_on"`
	Comments    field `json:"comments"`
	WorkNotes   field `json:"work_notes"`
}

type field struct {
	Value   string `json:"value"`
	Display string `json:"display_value"`
}

const fields = "sys_id,number,correlation_id,correlation_display,state,active,short_description,due_date,assignment_group,description,sys_created_on,sys_updated_on"

func (t *Tracker) path(more ...string) string {
	return rest.Path(append([]string{"api", "now", "table", t.opts.Table}, more...)...)
}

// query returns the records that an encoded query finds.
func (t *Tracker) query(ctx context.Context, query, more string, offset int) ([]record, error) {
	var answer struct {
		Result []record `json:"result"`
	}
	q := url.Values{}
	q.Set("sysparm_query", query)
	q.Set("sysparm_fields", fields+more)
	q.Set("sysparm_display_value", "all")
	q.Set("sysparm_exclude_reference_link", "true")
	q.Set("sysparm_limit", fmt.Sprint(pageSize))
	q.Set("sysparm_offset", fmt.Sprint(offset))
	err := t.opts.Client.Do(ctx, rest.Call{Path: t.path(), Query: q, Out: &answer})
	return answer.Result, err
}

// one returns the first record whose field holds the value, or nil. ServiceNow
// drops a part of a query that it does not understand, and answers with
// everything: so what comes back is compared.
func (t *Tracker) one(ctx context.Context, name, value, more string, of func(record) string) (*record, error) {
	if value == "" || strings.ContainsAny(value, "^\r\n") {
		return nil, nil // it would be a query of its own
	}
	records, err := t.query(ctx, name+"="+value+"^ORDERBYsys_created_on", more, 0)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(records, func(r record) bool { return of(r) == value })
	if i < 0 {
		return nil, nil
	}
	return &records[i], nil
}

func (t *Tracker) byKey(ctx context.Context, key string) (*record, error) {
	return t.one(ctx, "correlation_id", key, "", func(r record) string { return r.Key.Value })
}

func (t *Tracker) byNumber(ctx context.Context, ref campaign.TicketRef, more string) (record, error) {
	found, err := t.one(ctx, "number", ref.ID, more, func(r record) string { return r.Number.Value })
	if err != nil {
		return record{}, err
	}
	if found == nil {
		missing := campaign.Refuse(campaign.NotFound, "ServiceNow has no record of this number, or does not show it to Muster: "+rest.Quote(ref.ID))
		return record{}, rest.Gone(missing, "ServiceNow", "table "+t.opts.Table, func() error { return t.look(ctx) })
	}
	return *found, nil
}

// look finds out whether ServiceNow shows any record of the table: to those who may
// not read it, it is empty.
func (t *Tracker) look(ctx context.Context) error {
	var answer struct {
		Result []struct{} `json:"result"`
	}
	q := url.Values{"sysparm_fields": {"sys_id"}, "sysparm_limit": {"1"}}
	err := t.opts.Client.Do(ctx, rest.Call{Path: t.path(), Query: q, Out: &answer})
	if err == nil && len(answer.Result) == 0 {
		return campaign.Refuse(campaign.NotFound, "ServiceNow shows no record of the table.")
	}
	return err
}

// Ensure implements campaign.Tracker.
func (t *Tracker) Ensure(ctx context.Context, key string, d campaign.TicketDraft) (campaign.TicketRef, error) {
	ctx = rest.SearchAndCreate(ctx)
	if strings.TrimSpace(d.Title) == "" || key == "" || strings.ContainsAny(key, "^\r\n") {
		return campaign.TicketRef{}, campaign.Refuse(campaign.Invalid, "A ticket needs a title and a key without special characters. Nothing was filed.")
	}
	found, err := t.byKey(ctx, key)
	if err != nil {
		return campaign.TicketRef{}, err
	}
	if found != nil {
		return t.refOf(*found), nil
	}
	values, err := t.values(ctx, d)
	if err != nil {
		return campaign.TicketRef{}, err
	}
	values["correlation_id"], values["correlation_display"] = key, t.opts.Origin
	var answer struct {
		Result record `json:"result"`
	}
	q := url.Values{"sysparm_fields": {fields}, "sysparm_display_value": {"all"}, "sysparm_exclude_reference_link": {"true"}}
	err = t.opts.Client.Do(ctx, rest.Call{Method: http.MethodPost, Path: t.path(), Query: q, In: values, Out: &answer})
	if err != nil {
		return campaign.TicketRef{}, err
	}
	if answer.Result.Key.Value != key {
		return campaign.TicketRef{}, campaign.Refuse(campaign.Forbidden, "ServiceNow filed a record without its correlation_id, so it cannot be found again: "+
			rest.Quote(answer.Result.Number.Value)+" Close it, and let Muster's account write correlation_id and correlation_display.")
	}
	return t.refOf(answer.Result), nil
}

// Find implements campaign.Tracker.
func (t *Tracker) Find(ctx context.Context, key string) (campaign.TicketRef, error) {
	found, err := t.byKey(ctx, key)
	if err != nil {
		return campaign.TicketRef{}, err
	}
	if found == nil {
		return campaign.TicketRef{}, campaign.Refuse(campaign.NotFound, "ServiceNow has no record under this key.")
	}
	return t.refOf(*found), nil
}

// Update implements campaign.Tracker. Each write is history that people read and
// may tell who watches the record, so what stands there is not written again.
func (t *Tracker) Update(ctx context.Context, ref campaign.TicketRef, d campaign.TicketDraft) error {
	ctx = rest.Operation(ctx)
	r, err := t.byNumber(ctx, ref, "")
	if err != nil {
		return err
	}
	values, err := t.values(ctx, d)
	if err != nil {
		return err
	}
	if t.status(r) == d.Status { // On Hold is in progress, and Closed is done: people's choice stays
		delete(values, "state")
		delete(values, "close_code")
		delete(values, "close_notes")
	}
	for name, stands := range map[string]string{
		"short_description": r.Title.Value, "description": r.Description.Value, "assignment_group": r.Group.Value, "due_date": r.Due.Value,
	} {
		if typed(stands) == typed(values[name]) {
			delete(values, name)
		}
	}
	if len(values) == 0 {
		return nil
	}
	return t.patch(ctx, r, values)
}

// typed returns a text without what ServiceNow's form changes in it.
func typed(text string) string {
	return strings.TrimRight(strings.ReplaceAll(text, "\r\n", "\n"), " \n")
}

func (t *Tracker) patch(ctx context.Context, r record, values map[string]string) error {
	return t.opts.Client.Do(ctx, rest.Call{
		Method: http.MethodPatch, Path: t.path(r.SysID.Value), Query: url.Values{"sysparm_fields": {"sys_id"}}, In: values,
	})
}

// values returns what a record is to hold.
func (t *Tracker) values(ctx context.Context, d campaign.TicketDraft) (map[string]string, error) {
	v := map[string]string{
		"short_description": cut(checklist.OneLine(d.Title), maxTitle), "description": checklist.RenderPlainWithin(d.Body, d.Checklist, d.More, t.opts.MaxDescription),
		"due_date": "", "state": t.opts.States[d.Status],
	}
	if !d.KeepAssignee {
		id, err := t.group(ctx, d.Assignee)
		if err != nil {
			return nil, err
		}
		v["assignment_group"] = id
	}
	if !d.Due.IsZero() {
		v["due_date"] = d.Due.UTC().Format(stampLayout)
	}
	if d.Status == campaign.TicketDone {
		v["close_code"], v["close_notes"] = t.opts.CloseCode, t.opts.CloseNotes
	}
	return v, nil
}

func cut(text string, limit int) string {
	runes := []rune(text)
	if len(runes) <= limit {
		return text
	}
	return string(runes[:limit-1]) + "…"
}

// group returns the sys_id of an owner's assignment group; "" for an owner that
// has none and is not configured to have one.
func (t *Tracker) group(ctx context.Context, owner string) (string, error) {
	configured := t.opts.Groups[owner]
	name := cmp.Or(configured, owner)
	if name == "" || strings.ContainsAny(name, "^\r\n") {
		return "", nil
	}
	t.mu.Lock()
	known, ok := t.groups[name]
	t.mu.Unlock()
	if !ok || time.Since(known.at) > groupsFor {
		var answer struct {
			Result []struct {
				SysID string `json:"sys_id"`
				Name  string `json:"name"`
			} `json:"result"`
		}
		q := url.Values{"sysparm_query": {"name=" + name}, "sysparm_fields": {"sys_id,name"}, "sysparm_limit": {"10"}}
		if err := t.opts.Client.Do(ctx, rest.Call{Path: rest.Path("api", "now", "table", "sys_user_group"), Query: q, Out: &answer}); err != nil {
			return "", err
		}
		known = group{at: time.Now()}
		for _, g := range answer.Result {
			if strings.EqualFold(g.Name, name) {
				known.id = g.SysID
			}
		}
		t.mu.Lock()
		t.groups[name] = known
		t.mu.Unlock()
	}
	if known.id == "" && configured != "" {
		return "", campaign.Refuse(campaign.Invalid, "ServiceNow has no group "+rest.Quote(name)+" An operator corrects the owner's group in the configuration. What was to be done is kept.")
	}
	return known.id, nil
}

// Comment implements campaign.Tracker. The key stands at the end of the comment.
func (t *Tracker) Comment(ctx context.Context, ref campaign.TicketRef, key, text string) error {
	ctx = rest.Operation(ctx)
	r, err := t.byNumber(ctx, ref, ",comments,work_notes")
	if err != nil {
		return err
	}
	mark := "[muster " + key + "]"
	if strings.Contains(r.Comments.Display, mark) || strings.Contains(r.WorkNotes.Display, mark) {
		return nil
	}
	name := "comments"
	if t.opts.WorkNotes {
		name = "work_notes"
	}
	return t.patch(ctx, r, map[string]string{name: text + "\n" + mark})
}

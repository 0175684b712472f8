package redmine

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/tracker/checklist"
	"github.com/musterbot/muster/campaign/tracker/rest"
)

// issue is an issue as Redmine sends it.
type issue struct {
	ID          int       `json:"id"`
	Subject     string    `json:"subject"`
	Description string    `json:"description"`
	Status      named     `json:"status"`
	AssignedTo  named     `json:"assigned_to"`
	DueDate     string    `json:"due_date"`
	CreatedOn   time.Time `json:"created_on"`
	UpdatedOn   time.Time `json:"updated_on"`
	Fields      []struct {
		ID    int `json:"id"`
		Value any `json:"value"`
	} `json:"custom_fields"`
	Journals []struct {
		Notes string `json:"notes"`
	} `json:"journals"`
}

func (i issue) key(field int) string {
	for _, f := range i.Fields {
		if f.ID == field {
			key, _ := f.Value.(string)
			return key
		}
	}
	return ""
}

func (t *Tracker) seen(d desk, i issue) campaign.TicketSeen {
	seen := campaign.TicketSeen{
		Ref: t.ref(strconv.Itoa(i.ID)), Key: i.key(d.keyField), Status: t.statusOf(d, i.Status.ID), Assignee: i.AssignedTo.Name,
		Checked: checklist.Checked(i.Description), CreatedAt: campaign.Stamp(i.CreatedOn), UpdatedAt: campaign.Stamp(i.UpdatedOn),
	}
	if owner, ok := t.owners[strings.ToLower(i.AssignedTo.Name)]; ok {
		seen.Assignee = owner
	}
	return seen
}

// Find implements campaign.Tracker. Where people copied an issue with its key,
// the oldest is ours.
func (t *Tracker) Find(ctx context.Context, key string) (campaign.TicketRef, error) {
	ctx = rest.Operation(ctx)
	d, err := t.know(ctx)
	if err != nil {
		return campaign.TicketRef{}, fmt.Errorf("find ticket: %w", err)
	}
	i, err := t.find(ctx, d, key)
	if err != nil {
		return campaign.TicketRef{}, err
	}
	return t.ref(strconv.Itoa(i.ID)), nil
}

// find returns the issue of a key, or NotFound.
func (t *Tracker) find(ctx context.Context, d desk, key string) (issue, error) {
	none := campaign.Refuse(campaign.NotFound, "There is no such ticket in Redmine.")
	if !goodKey.MatchString(key) {
		return issue{}, none
	}
	q := t.query(d, "="+key)
	q.Set("limit", "5")
	var page struct {
		Issues []issue `json:"issues"`
	}
	if err := t.opts.Client.Do(ctx, rest.Call{Path: "/issues.json", Query: q, Out: &page}); err != nil {
		return issue{}, fmt.Errorf("find ticket: %w", err)
	}
	for _, i := range page.Issues {
		if i.key(d.keyField) == key {
			return i, nil
		}
		if !strings.EqualFold(i.key(d.keyField), key) { // the filter was not heeded
			return issue{}, campaign.Refuse(campaign.Invalid, "Redmine does not filter by the custom field in `tracker.key_field`. An administrator must mark it as used as a filter; then press Try again.")
		}
	}
	return issue{}, none
}

// query asks for issues of the project, in the order of their filing, whatever
// their status.
func (t *Tracker) query(d desk, key string) url.Values {
	return url.Values{
		"project_id": {t.opts.Project}, "status_id": {"*"}, "cf_" + strconv.Itoa(d.keyField): {key}, "sort": {"id"}, "limit": {"100"},
	}
}

// maxSubject is Redmine's limit in characters.
const maxSubject = 255

// fields returns what a draft asks for.
func (t *Tracker) fields(d desk, draft campaign.TicketDraft) (map[string]any, error) {
	subject := strings.Join(strings.Fields(draft.Title), " ")
	if subject == "" {
		return nil, campaign.Refuse(campaign.Invalid, "A ticket needs a title; nothing was changed.")
	}
	if runes := []rune(subject); len(runes) > maxSubject {
		subject = string(runes[:maxSubject-1]) + "…"
	}
	fields := map[string]any{
		"subject": subject, "description": t.text(draft), "due_date": "",
		"status_id": t.statusFor(d, asked(draft.Status)),
	}
	if !draft.KeepAssignee {
		fields["assigned_to_id"] = ""
		if member := t.memberFor(d, draft.Assignee); member != 0 && draft.Assignee != "" {
			fields["assigned_to_id"] = member
		}
	}
	if !draft.Due.IsZero() {
		fields["due_date"] = draft.Due.UTC().Format(time.DateOnly)
	}
	return fields, nil
}

// asked returns the status of what is filed: open at least.
func asked(s campaign.TicketStatus) campaign.TicketStatus {
	if s == campaign.TicketInProgress || s == campaign.TicketDone {
		return s
	}
	return campaign.TicketOpen
}

// Ensure implements campaign.Tracker.
func (t *Tracker) Ensure(ctx context.Context, key string, draft campaign.TicketDraft) (campaign.TicketRef, error) {
	if !goodKey.MatchString(key) {
		return campaign.TicketRef{}, errKey
	}
	ctx = rest.SearchAndCreate(ctx)
	d, err := t.know(ctx)
	if err != nil {
		return campaign.TicketRef{}, fmt.Errorf("file ticket: %w", err)
	}
	fields, err := t.fields(d, draft)
	if err != nil {
		return campaign.TicketRef{}, err
	}
	switch found, err := t.find(ctx, d, key); {
	case err == nil && found.CreatedOn.Equal(found.UpdatedOn): // whoever filed it may have come no further
		return t.filed(ctx, found, fields)
	case err == nil:
		return t.ref(strconv.Itoa(found.ID)), nil
	case campaign.KindOf(err) != campaign.NotFound:
		return campaign.TicketRef{}, err
	}
	fields["project_id"], fields["tracker_id"] = t.opts.Project, d.tracker
	fields["start_date"] = "" // else today, and a due date may lie before it
	fields["custom_fields"] = []any{map[string]any{"id": d.keyField, "value": key}}
	var answer struct {
		Issue issue `json:"issue"`
	}
	err = t.opts.Client.Do(ctx, rest.Call{Method: http.MethodPost, Path: "/issues.json", In: map[string]any{"issue": fields}, Out: &answer})
	if err != nil {
		return campaign.TicketRef{}, fmt.Errorf("file ticket: %w", err)
	}
	if answer.Issue.key(d.keyField) != key {
		return campaign.TicketRef{}, campaign.Refuse(campaign.Invalid, "Redmine filed a ticket without Muster's key: the custom field in `tracker.key_field` must be for all trackers of the project, and Muster must be allowed to change it. Delete the ticket, correct that, and press Try again.")
	}
	return t.filed(ctx, answer.Issue, fields)
}

// filed takes an issue that was just filed from whom Redmine gave it to by
// itself: who stands in for nobody in the project or its category was not asked
// for, and would be taken for the one it was given to. Where Redmine refuses that,
// it stays with whom it has: no ticket is worth less for that.
func (t *Tracker) filed(ctx context.Context, i issue, fields map[string]any) (campaign.TicketRef, error) {
	ref := t.ref(strconv.Itoa(i.ID))
	if fields["assigned_to_id"] != "" || i.AssignedTo.ID == 0 {
		return ref, nil
	}
	err := t.put(ctx, ref, map[string]any{"assigned_to_id": ""})
	if err != nil && !refused(err, http.StatusUnprocessableEntity, http.StatusForbidden) {
		return campaign.TicketRef{}, fmt.Errorf("file ticket %s unassigned: %w", ref.ID, err)
	}
	return ref, nil
}

// refused reports whether Redmine answered with one of these, and changed nothing.
func refused(err error, status ...int) bool {
	answered, found := errors.AsType[*rest.StatusError](err)
	return found && campaign.KindOf(err) != campaign.Unavailable && slices.Contains(status, answered.Status)
}

func (t *Tracker) get(ctx context.Context, ref campaign.TicketRef, include string) (issue, error) {
	var answer struct {
		Issue issue `json:"issue"`
	}
	if _, err := strconv.Atoi(ref.ID); err != nil {
		return issue{}, campaign.Refuse(campaign.NotFound, "There is no such ticket in Redmine.")
	}
	q := url.Values{}
	if include != "" {
		q.Set("include", include)
	}
	err := t.opts.Client.Do(ctx, rest.Call{Path: rest.Path("issues", ref.ID+".json"), Query: q, Out: &answer})
	return answer.Issue, err
}

// Read implements campaign.Tracker.
func (t *Tracker) Read(ctx context.Context, ref campaign.TicketRef) (campaign.TicketSeen, error) {
	ctx = rest.Operation(ctx)
	d, err := t.know(ctx)
	if err != nil {
		return campaign.TicketSeen{}, fmt.Errorf("read ticket %s: %w", ref.ID, err)
	}
	i, err := t.get(ctx, ref, "")
	if err != nil {
		return campaign.TicketSeen{}, fmt.Errorf("read ticket %s: %w", ref.ID, err)
	}
	return t.seen(d, i), nil
}

// Update implements campaign.Tracker. Redmine has no way to ask for silence: who
// watches the issue hears of it. So what stands there is not written again.
func (t *Tracker) Update(ctx context.Context, ref campaign.TicketRef, draft campaign.TicketDraft) error {
	if err := t.update(rest.Operation(ctx), ref, draft); err != nil {
		return fmt.Errorf("update ticket %s: %w", ref.ID, err)
	}
	return nil
}

func (t *Tracker) update(ctx context.Context, ref campaign.TicketRef, draft campaign.TicketDraft) error {
	d, err := t.know(ctx)
	if err != nil {
		return err
	}
	fields, err := t.fields(d, draft)
	if err != nil {
		return err
	}
	i, err := t.get(ctx, ref, "")
	if err != nil {
		return err
	}
	if t.statusOf(d, i.Status.ID) == asked(draft.Status) {
		delete(fields, "status_id") // Resolved and Feedback are both in progress
	}
	has := map[string]any{
		"subject": i.Subject, "description": strings.ReplaceAll(i.Description, "\r\n", "\n"), "assigned_to_id": "", "due_date": i.DueDate,
	}
	if i.AssignedTo.ID != 0 {
		has["assigned_to_id"] = i.AssignedTo.ID
	}
	for name, value := range has {
		if fields[name] == value {
			delete(fields, name)
		}
	}
	if len(fields) == 0 {
		return nil
	}
	_, moves := fields["status_id"]
	err = t.put(ctx, ref, fields)
	if fields["assigned_to_id"] == "" && refused(err, http.StatusUnprocessableEntity) { // perhaps it has to be somebody's
		if delete(fields, "assigned_to_id"); len(fields) == 0 {
			return nil
		}
		err = t.put(ctx, ref, fields)
	}
	if err != nil || !moves {
		return err
	}
	return t.moved(ctx, d, ref, asked(draft.Status))
}

func (t *Tracker) put(ctx context.Context, ref campaign.TicketRef, fields map[string]any) error {
	return t.opts.Client.Do(ctx, rest.Call{
		Method: http.MethodPut, Path: rest.Path("issues", ref.ID+".json"), In: map[string]any{"issue": fields},
	})
}

// moved makes sure that the status changed: where the workflow does not allow it,
// Redmine says nothing and leaves it as it was.
func (t *Tracker) moved(ctx context.Context, d desk, ref campaign.TicketRef, want campaign.TicketStatus) error {
	i, err := t.get(ctx, ref, "")
	if err != nil || t.statusOf(d, i.Status.ID) == want {
		return err
	}
	return campaign.Refuse(campaign.Invalid, fmt.Sprintf(
		"Redmine's workflow does not let Muster set this ticket to %s. An administrator must allow it for Muster's role, or another status be named in `tracker.statuses`; then press Try again.", want))
}

// Comment implements campaign.Tracker. The key stands in the note, where nobody
// sees it.
func (t *Tracker) Comment(ctx context.Context, ref campaign.TicketRef, key, text string) error {
	if key == "" || strings.TrimSpace(text) == "" {
		return campaign.Refuse(campaign.Invalid, "A comment needs a key and a text; nothing was added.")
	}
	ctx = rest.Operation(ctx)
	mark := "<!-- muster:comment=" + url.QueryEscape(key) + " -->"
	i, err := t.get(ctx, ref, "journals")
	if err != nil {
		return fmt.Errorf("comment on ticket %s: %w", ref.ID, err)
	}
	for _, journal := range i.Journals {
		if strings.Contains(journal.Notes, mark) {
			return nil
		}
	}
	if err := t.put(ctx, ref, map[string]any{"notes": strings.TrimRight(t.markup(text), "\n") + "\n\n" + mark}); err != nil {
		return fmt.Errorf("comment on ticket %s: %w", ref.ID, err)
	}
	return nil
}

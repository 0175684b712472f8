package action

import (
	"context"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"github.com/musterbot/muster/bot/command"
	"github.com/musterbot/muster/bot/view"
	"github.com/musterbot/muster/campaign"
)

// origin is where a press came from, for the form that it opens.
func (p Press) origin(value string) string {
	return command.Origin{Campaign: p.Campaign, Value: value, URL: p.ResponseURL, Channel: p.Channel, Home: p.Home}.Encode()
}

// set reads the tasks that a button is about: those of a contact, or some by ID.
func set(value string) campaign.TaskSet {
	if contact, ok := strings.CutPrefix(value, "contact/"); ok {
		return campaign.TaskSet{Contact: contact}
	}
	if strings.Contains(value, "/") { // task IDs have no slash, people do
		return campaign.TaskSet{Contact: value}
	}
	return campaign.TaskSet{Tasks: command.List(value)}
}

func (p Press) first() string {
	if len(p.Rest) == 0 {
		return ""
	}
	return p.Rest[0]
}

func (h handlers) onIt(ctx context.Context, p Press) (campaign.Message, error) {
	return h.Engine.OnIt(ctx, p.Request, p.Campaign, set(p.first()))
}

// how says by which method something was done that was closed in the tracker.
func (h handlers) how(ctx context.Context, p Press) (campaign.Message, error) {
	if len(p.Rest) < 2 {
		return campaign.Message{}, staleButton()
	}
	return h.Engine.StateMethod(ctx, p.Request, p.Campaign, set(p.first()), p.Rest[1])
}

func (h handlers) notDone(ctx context.Context, p Press) (campaign.Message, error) {
	return h.Engine.NotDone(ctx, p.Request, p.Campaign, set(p.first()))
}

func (h handlers) homeOnIt(ctx context.Context, p Press) (campaign.Message, error) {
	if len(p.Picked) == 0 {
		return h.nothingPicked(ctx, p)
	}
	return h.Engine.OnIt(ctx, p.Request, p.Campaign, campaign.TaskSet{Tasks: p.Picked})
}

func (handlers) nothingPicked(context.Context, Press) (campaign.Message, error) {
	return campaign.Message{Text: "Pick the services first, then press the button. Nothing was changed.", Ephemeral: true}, nil
}

func (h handlers) showAll(ctx context.Context, p Press) (campaign.Message, error) {
	contact := campaign.Person(set(p.first()).Contact)
	if contact == "" {
		contact = p.Request.Actor
	}
	return h.Engine.Tickets(ctx, p.Campaign, contact)
}

// open returns what is left to do of the tasks that a button is about, in a
// campaign that is not over.
func (h handlers) open(ctx context.Context, p Press) ([]campaign.TaskView, error) {
	c, err := h.Engine.Campaign(ctx, p.Campaign)
	if err != nil {
		return nil, err
	}
	if c.MergedInto != "" {
		return nil, campaign.Refuse(campaign.Conflict, "This campaign was merged into "+c.MergedInto+". Nothing was changed; your work goes on there: `/campaign tickets "+c.MergedInto+"`.")
	}
	if c.Status == campaign.Closed || c.Status == campaign.Cancelled {
		return nil, campaign.Refuse(campaign.Conflict, "This campaign is "+string(c.Status)+", so there is nothing left to do. Nothing was changed.")
	}
	about := set(p.first())
	owner := campaign.Person(about.Contact)
	if owner == "" {
		owner = p.Request.Actor
	}
	all, err := h.Engine.TasksOf(ctx, owner)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(t campaign.TaskView) bool {
		return t.Campaign != p.Campaign || !t.Task.Status.Actionable() || len(about.Tasks) > 0 && !slices.Contains(about.Tasks, t.Task.ID)
	}), nil
}

// methods returns the methods that serve all tasks, in the order of the first.
func methods(tasks []campaign.TaskView) []string {
	var out []string
	for _, m := range tasks[0].Methods {
		if !slices.ContainsFunc(tasks, func(t campaign.TaskView) bool { return !slices.Contains(t.Methods, m) }) {
			out = append(out, m)
		}
	}
	return out
}

func (h handlers) doneForm(ctx context.Context, p Press) (*slack.ModalViewRequest, error) {
	tasks, err := h.open(ctx, p)
	if err != nil || len(tasks) == 0 {
		return nil, err
	}
	v := view.DoneModal(methods(tasks), choices(tasks), p.origin(p.first()))
	return &v, nil
}

func (h handlers) homeDoneForm(ctx context.Context, p Press) (*slack.ModalViewRequest, error) {
	if len(p.Picked) == 0 {
		return nil, nil
	}
	p.Rest = []string{strings.Join(p.Picked, ",")}
	return h.doneForm(ctx, p)
}

func (h handlers) blockedForm(ctx context.Context, p Press) (*slack.ModalViewRequest, error) {
	tasks, err := h.open(ctx, p)
	if err != nil || len(tasks) == 0 {
		return nil, err
	}
	v := view.BlockedModal(choices(tasks), p.origin(p.first()))
	return &v, nil
}

func (h handlers) notOursForm(ctx context.Context, p Press) (*slack.ModalViewRequest, error) {
	tasks, err := h.open(ctx, p)
	if err != nil || len(tasks) == 0 {
		return nil, err
	}
	v := view.NotOursModal(choices(tasks), p.origin(p.first()))
	return &v, nil
}

func (h handlers) oddForm(_ context.Context, p Press) (*slack.ModalViewRequest, error) {
	v := view.OddModal(p.origin(p.first()))
	return &v, nil
}

// choices names tasks; where several tracks ask for something, with the track.
func choices(tasks []campaign.TaskView) []view.TaskChoice {
	tracks := map[string]bool{}
	for _, t := range tasks {
		tracks[t.Task.Track] = true
	}
	out := make([]view.TaskChoice, 0, len(tasks))
	for _, t := range tasks {
		name := t.Task.Name
		if len(tracks) > 1 {
			name += " (" + t.Task.Track + ")"
		}
		out = append(out, view.TaskChoice{ID: t.Task.ID, Name: name})
	}
	return out
}

// set returns the tasks that a form is about: those that somebody picked in it, else
// all that it was opened for. Of a contact's, only those that the form could be
// about: what was finished meanwhile stays as it is.
func (f Filled) set() campaign.TaskSet {
	which, _ := f.payload.field(view.FieldWhich)
	if len(which.Selected) == 0 {
		return set(f.Origin.Value)
	}
	var picked campaign.TaskSet
	for _, o := range which.Selected {
		picked.Tasks = append(picked.Tasks, o.Value)
	}
	return picked
}

func (f Filled) text(name string) string {
	in, _ := f.payload.field(name)
	return in.text()
}

func (h handlers) done(ctx context.Context, f Filled) (campaign.Message, error) {
	claim := campaign.Claim{Method: f.text("method"), Version: f.text("version"), Note: f.text("note")}
	return h.Engine.Claim(ctx, f.Request, f.Origin.Campaign, f.set(), claim)
}

func (h handlers) blocked(ctx context.Context, f Filled) (campaign.Message, error) {
	return h.Engine.Block(ctx, f.Request, f.Origin.Campaign, f.set(), f.text("reason"))
}

func (h handlers) notOurs(ctx context.Context, f Filled) (campaign.Message, error) {
	return h.Engine.NotOurs(ctx, f.Request, f.Origin.Campaign, f.set(), f.owner())
}

// odd goes to the commander and to counsel, who also hold incident response; it
// is in no channel, list or report.
func (h handlers) odd(ctx context.Context, f Filled) ([]campaign.Person, campaign.Message, error) {
	c, err := h.Engine.Campaign(ctx, f.Origin.Campaign)
	if err != nil {
		return nil, campaign.Message{}, err
	}
	people, err := h.Roles.Members(ctx, campaign.Counsel)
	if err != nil {
		return nil, campaign.Message{}, err
	}
	people = slices.DeleteFunc(append(people, c.Commander, c.Deputy), func(p campaign.Person) bool { return p == "" })
	slices.Sort(people)
	people = slices.Compact(people)
	if err := h.Engine.PageIncidentResponse(ctx, f.Request); err != nil {
		return nil, campaign.Message{}, err
	}
	text := "*" + string(campaign.Mention(f.Request.Actor)) + " saw something odd, in " + string(campaign.Escape(c.Title)) + ".*\n>" +
		strings.ReplaceAll(string(campaign.Escape(f.text("text"))), "\n", "\n>") +
		"\nOnly you were told: " + joined(people) + ". Write to them directly; nothing of this is in a channel or a report."
	return people, campaign.Message{Text: text}, nil
}

func joined(people []campaign.Person) string {
	words := make([]string, 0, len(people))
	for _, p := range people {
		words = append(words, string(campaign.Mention(p)))
	}
	return strings.Join(words, ", ")
}

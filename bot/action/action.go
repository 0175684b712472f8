// Package action is what buttons and forms do: one table from an action's or a
// form's name to its handler. Who may press is checked here or by the domain,
// when it is carried out and never by what was shown.
package action

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"github.com/musterbot/muster/bot/command"
	"github.com/musterbot/muster/campaign"
)

// Action is a row of the table of buttons.
type Action struct {
	Name string
	Role campaign.Role // who may press; Commander as in command.Command
	// Owners leaves it to the domain, which asks whose the tasks are: a guest may
	// act on those of the own team, and on nothing else.
	Owners bool
	// Sure marks what cannot be undone: pressed more than ten minutes before it
	// is carried out, it asks again.
	Sure bool
	Run  func(context.Context, Press) (campaign.Message, error)
	// Form returns the form that the press opens instead; nil opens none.
	Form func(context.Context, Press) (*slack.ModalViewRequest, error)
}

// Form is a row of the table of forms that are sent in.
type Form struct {
	Callback string
	Role     campaign.Role
	Owners   bool // as in Action
	// Check returns what is wrong, by the name of the input; it has no effect.
	Check func(Filled) map[string]string
	Run   func(context.Context, Filled) (campaign.Message, error)
	// Private sends the answer to people instead of saying it, and who they are.
	Private func(context.Context, Filled) ([]campaign.Person, campaign.Message, error)
}

// Press is a button that was pressed.
type Press struct {
	Request     campaign.Request
	Action      string
	Value       string
	Campaign    string   // the first part of the value
	Rest        []string // the other parts
	Channel     string
	Thread      string
	ResponseURL string
	Trigger     string
	At, Now     time.Time
	Home        bool // it is in App Home
	Picked      []string
}

// Filled is a form that was sent in.
type Filled struct {
	Request campaign.Request
	Origin  command.Origin
	payload payload
}

// Options are what the handlers work with; Lookup may be nil.
type Options struct {
	Engine   *campaign.Engine
	Commands *command.Router
	Roles    campaign.Roles
	Clock    campaign.Clock
	Lookup   func(ctx context.Context, id string) ([]byte, error)
}

// Router finds the rows for what was pressed or sent in.
type Router struct {
	opts    Options
	actions map[string]Action
	forms   map[string]Form
}

// New returns the router over all actions and forms.
func New(o Options) (*Router, error) {
	if o.Engine == nil || o.Commands == nil || o.Roles == nil || o.Clock == nil {
		return nil, errors.New("action: Options.Engine, Commands, Roles and Clock are required")
	}
	h := handlers{o}
	return newRouter(o, h.actions(), h.forms())
}

func newRouter(o Options, actions []Action, forms []Form) (*Router, error) {
	r := &Router{opts: o, actions: map[string]Action{}, forms: map[string]Form{}}
	for _, a := range actions {
		if _, twice := r.actions[a.Name]; twice || a.Name == "" || a.Run == nil && a.Form == nil {
			return nil, fmt.Errorf("action: row %q is half filled, or there twice", a.Name)
		}
		r.actions[a.Name] = a
	}
	for _, f := range forms {
		if _, twice := r.forms[f.Callback]; twice || f.Callback == "" || (f.Run == nil) == (f.Private == nil) {
			return nil, fmt.Errorf("action: form %q is half filled, or there twice", f.Callback)
		}
		r.forms[f.Callback] = f
	}
	return r, nil
}

// Names returns the actions that have a row, sorted.
func (r *Router) Names() []string { return slices.Sorted(maps.Keys(r.actions)) }

// Silent returns whether a press means nothing by itself: an input that was
// touched, or a link that was followed.
func (r *Router) Silent(p Press) bool { return p.Action == "home.pick" || p.Action == "" }

// ReadPress reads a press from an interaction's payload.
func (r *Router) ReadPress(e campaign.Envelope) (Press, error) {
	raw, err := read(e.Payload)
	if err != nil {
		return Press{}, err
	}
	p := Press{
		Request: campaign.Request{Key: e.Key, Actor: e.Actor, At: e.At}, Channel: raw.Channel.ID, Thread: raw.Container.ThreadTS,
		ResponseURL: raw.ResponseURL, Trigger: raw.TriggerID, At: e.At, Now: r.opts.Clock.Now(), Home: raw.View.Type == "home",
	}
	if len(raw.Actions) == 0 {
		return p, nil
	}
	p.Action, _, _ = strings.Cut(raw.Actions[0].ActionID, "#") // the same action twice in a message
	p.Value = raw.Actions[0].Value
	parts := strings.Split(p.Value, "|")
	p.Campaign, p.Rest = parts[0], parts[1:]
	p.Picked = raw.picked(p.Campaign)
	return p, nil
}

// Overtakes returns whether a press is carried out at once, before everything
// else that its person asked for.
func Overtakes(raw json.RawMessage) bool {
	p, err := read(raw)
	return err == nil && len(p.Actions) > 0 && strings.HasPrefix(p.Actions[0].ActionID, "brake.pause")
}

// Run carries out a press.
func (r *Router) Run(ctx context.Context, p Press) (campaign.Message, error) {
	row, err := r.allowed(ctx, p)
	if err != nil {
		return campaign.Message{}, err
	}
	if row.Sure && p.Now.Sub(p.At) > tooOld {
		return campaign.Message{
			Ephemeral: true,
			Text:      fmt.Sprintf("*You pressed this %d minutes ago, and nobody could look at it before now.*\nNothing was done. Is it still wanted?", int(p.Now.Sub(p.At).Minutes())),
			Buttons:   []campaign.Button{{Label: "Yes, go on", Action: p.Action, Value: p.Value, Style: campaign.Danger}},
		}, nil
	}
	if row.Run == nil {
		return campaign.Message{}, nil
	}
	return row.Run(ctx, p)
}

// tooOld is how long what cannot be undone may wait without a second question.
const tooOld = 10 * time.Minute

// Form returns the form that a press opens; nil when it opens none.
func (r *Router) Form(ctx context.Context, p Press) (*slack.ModalViewRequest, error) {
	if row, ok := r.actions[p.Action]; !ok || row.Form == nil {
		return nil, nil
	}
	row, err := r.allowed(ctx, p)
	if err != nil {
		return nil, err
	}
	return row.Form(ctx, p)
}

// MayOpenForm returns whether a press may open a form, without looking anything up.
func (r *Router) MayOpenForm(p Press) bool { return r.actions[p.Action].Form != nil }

// allowed finds the row and checks the role; a button that nobody knows any more
// is answered like a stale one.
func (r *Router) allowed(ctx context.Context, p Press) (Action, error) {
	row, ok := r.actions[p.Action]
	if !ok {
		return row, campaign.Refuse(campaign.NotFound, "This button is of an earlier version and does nothing any more. Nothing was changed. `/campaign help` shows what there is.")
	}
	if row.Owners {
		return row, nil
	}
	var c campaign.Campaign
	if row.Role == campaign.Commander && p.Campaign != "" {
		var err error
		if c, err = r.opts.Engine.Campaign(ctx, p.Campaign); err != nil {
			return row, err
		}
	}
	return row, command.Allow(ctx, r.opts.Roles, p.Request.Actor, row.Role, c, "press this")
}

// Check returns what is wrong with a form, by the name of the input; nothing
// when it can be carried out.
func (r *Router) Check(raw json.RawMessage) (map[string]string, error) {
	p, err := read(raw)
	if err != nil {
		return nil, err
	}
	row, ok := r.forms[p.View.CallbackID]
	if !ok || row.Check == nil {
		return nil, nil
	}
	return row.Check(Filled{Origin: command.ReadOrigin(p.View.Private), payload: p}), nil
}

// Sent is what a form led to.
type Sent struct {
	Origin  command.Origin
	Message campaign.Message
	// To are the people who get Told, privately.
	To   []campaign.Person
	Told campaign.Message
}

// Submit carries out a form.
func (r *Router) Submit(ctx context.Context, e campaign.Envelope) (Sent, error) {
	p, err := read(e.Payload)
	if err != nil {
		return Sent{}, err
	}
	f := Filled{Request: campaign.Request{Key: e.Key, Actor: e.Actor, At: e.At}, Origin: command.ReadOrigin(p.View.Private), payload: p}
	sent := Sent{Origin: f.Origin}
	row, ok := r.forms[p.View.CallbackID]
	if !ok {
		return sent, campaign.Refuse(campaign.NotFound, "This form is of an earlier version. Nothing was changed; please open it again.")
	}
	var c campaign.Campaign
	if f.Origin.Campaign != "" {
		if c, err = r.opts.Engine.Campaign(ctx, f.Origin.Campaign); err != nil {
			return sent, err
		}
	}
	if !row.Owners {
		if err := command.Allow(ctx, r.opts.Roles, e.Actor, row.Role, c, "send this form"); err != nil {
			return sent, err
		}
	}
	if row.Private != nil {
		sent.To, sent.Told, err = row.Private(ctx, f)
		sent.Message = campaign.Message{Text: "Thank you. It went to the people who look into such things, and to nobody else. Please change nothing on that machine until they answer.", Ephemeral: true}
		return sent, err
	}
	sent.Message, err = row.Run(ctx, f)
	sent.Message.Ephemeral = true
	return sent, err
}

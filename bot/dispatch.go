package bot

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/slack-go/slack"

	"github.com/musterbot/muster/bot/action"
	"github.com/musterbot/muster/bot/command"
	"github.com/musterbot/muster/bot/view"
	"github.com/musterbot/muster/campaign"
)

// Views shows forms and App Home. bot/slackapi does.
type Views interface {
	// OpenView opens a form for whoever the trigger belongs to; a trigger
	// serves once, for three seconds.
	OpenView(ctx context.Context, trigger string, v slack.ModalViewRequest) error
	// PublishHome shows a person their App Home. It may be repeated.
	PublishHome(ctx context.Context, p campaign.Person, v slack.HomeTabViewRequest) error
}

// People is the list of people that events keep fresh. bot/slackapi has it.
type People interface {
	Changed(ctx context.Context, u slack.User) error
}

// DispatcherOptions are what a Dispatcher works with. All but Lookup, Log and
// CommandChannel are required.
type DispatcherOptions struct {
	Engine         *campaign.Engine
	Roles          campaign.Roles
	Directory      campaign.Directory
	Views          Views
	People         People
	Clock          campaign.Clock
	BotUser        func(context.Context) (string, error) // the user ID under which we speak
	CommandChannel string                                // channel ID of the installation; "" tells the campaign's commander
	// Lookup fetches an advisory by its ID, where a source is configured.
	Lookup func(ctx context.Context, id string) ([]byte, error)
	Log    logrus.FieldLogger
}

func (o DispatcherOptions) withDefaults() (DispatcherOptions, error) {
	if o.Engine == nil || o.Roles == nil || o.Directory == nil || o.Views == nil || o.People == nil || o.Clock == nil || o.BotUser == nil {
		return o, errors.New("bot: DispatcherOptions lacks a required field")
	}
	if o.Log == nil {
		silent := logrus.New()
		silent.SetOutput(io.Discard)
		o.Log = silent
	}
	return o, nil
}

// Dispatcher carries out what stands in the inbox, and decides what has to be
// decided before that: it is the Handlers of a Server, and its Work belongs to
// the engine's due entries under "inbox/".
type Dispatcher struct {
	opts     DispatcherOptions
	commands *command.Router
	actions  *action.Router
	opened   openings
}

var _ Handlers = (*Dispatcher)(nil)

// NewDispatcher returns a Dispatcher with all commands, buttons and forms.
func NewDispatcher(o DispatcherOptions) (*Dispatcher, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	commands, err := command.New(command.Options{Engine: o.Engine, Roles: o.Roles, Directory: o.Directory, Clock: o.Clock, Lookup: o.Lookup})
	if err != nil {
		return nil, err
	}
	actions, err := action.New(action.Options{Engine: o.Engine, Commands: commands, Roles: o.Roles, Clock: o.Clock, Lookup: o.Lookup})
	if err != nil {
		return nil, err
	}
	return &Dispatcher{opts: o, commands: commands, actions: actions}, nil
}

// Check implements Handlers.
func (d *Dispatcher) Check(ctx context.Context, e campaign.Envelope) (any, bool, error) {
	if e.Kind == campaign.EnvelopeAction {
		var h head
		if err := json.Unmarshal(e.Payload, &h); err == nil && h.Type == typeSuggestion {
			options, err := d.actions.Suggest(ctx, e)
			return options, true, err
		}
		return nil, false, nil
	}
	if e.Kind != campaign.EnvelopeSubmission {
		return nil, false, nil
	}
	wrong, err := d.actions.Check(e.Payload)
	if err != nil {
		return nil, false, &campaign.Error{Kind: campaign.Invalid, Message: "This form cannot be read.", Err: err}
	}
	if len(wrong) > 0 {
		return view.FieldErrors(wrong), true, nil
	}
	return nil, false, nil
}

// Serial implements Handlers: one person's envelopes are worked in order, but
// pausing overtakes everything.
func (d *Dispatcher) Serial(e campaign.Envelope) string {
	switch e.Kind {
	case campaign.EnvelopeCommand:
		var c slack.SlashCommand
		if json.Unmarshal(e.Payload, &c) == nil && command.Overtakes(c.Text) {
			return ""
		}
	case campaign.EnvelopeAction:
		if action.Overtakes(e.Payload) {
			return ""
		}
	case campaign.EnvelopeSubmission, campaign.EnvelopeEvent:
	}
	return string(e.Actor)
}

// maxTries is how often an envelope is tried while Slack or the store cannot be
// reached, before its person is told so; maxTurns, how often while it waits for its
// turn, which takes some three minutes: whoever typed it waits, and what they type
// next waits behind it.
const (
	maxTries = 5
	maxTurns = 25
)

// goesOn returns whether an envelope that failed is tried again by itself.
func goesOn(err error, attempts int) bool {
	switch kind := campaign.KindOf(err); {
	case kind == campaign.Unavailable && campaign.RetryAfter(err) > 0: // our own pace, or Slack says when
		return attempts < maxTurns
	case kind == campaign.Unavailable || kind == campaign.Uncertain:
		return attempts < maxTries
	}
	return false
}

// Work carries out one envelope; register it with Engine.Handle("inbox/", …).
// What it leads to goes out as effects, so that it may be killed anywhere.
func (d *Dispatcher) Work(ctx context.Context, c campaign.Claimed) error {
	e, err := d.opts.Engine.Envelope(ctx, c)
	if err != nil && campaign.KindOf(err) != campaign.NotFound {
		return err
	}
	if err != nil || e.Status != campaign.InboxPending {
		return d.opts.Engine.Conclude(ctx, c, e.Problem)
	}
	log := d.opts.Log.WithFields(logrus.Fields{campaign.FieldRequest: e.Key, campaign.FieldActor: e.Actor, "envelope": e.Kind})
	result, err := d.carryOut(ctx, e, c.Attempts > 0)
	if goesOn(err, c.Attempts) {
		return err
	}
	problem := ""
	if err != nil {
		if campaign.KindOf(err) == campaign.Internal {
			problem = err.Error()
		}
		result.replies = nil
		words := explain(log, err)
		if campaign.KindOf(err) == campaign.Unavailable {
			words += " It was tried for a while and is not tried again by itself: please repeat it in a few minutes."
		}
		if result.answer.To != "" {
			result.reply(campaign.Message{Text: words, Ephemeral: true})
		}
	}
	if err := d.opts.Engine.Conclude(ctx, c, problem, result.replies...); err != nil {
		return err
	}
	if result.home {
		if err := d.publishHome(ctx, e.Actor); err != nil {
			log.WithError(err).Warn("refresh app home") // it is shown anew when it is opened
		}
	}
	return nil
}

// outcome is what an envelope leads to.
type outcome struct {
	answer  campaign.Reply // where its person is answered
	replies []campaign.Reply
	home    bool // App Home shows something else now
}

func (o *outcome) reply(m campaign.Message) {
	if m.Text == "" {
		return
	}
	r := o.answer
	r.Message = m
	o.replies = append(o.replies, r)
}

// carryOut does what an envelope asks for. again says that it was begun before,
// by a process that may have died over it.
func (d *Dispatcher) carryOut(ctx context.Context, e campaign.Envelope, again bool) (outcome, error) {
	switch e.Kind {
	case campaign.EnvelopeCommand:
		return d.command(ctx, e, again)
	case campaign.EnvelopeAction:
		return d.press(ctx, e, again)
	case campaign.EnvelopeSubmission:
		return d.submission(ctx, e)
	case campaign.EnvelopeEvent:
		return d.event(ctx, e)
	}
	return outcome{}, fmt.Errorf("envelope %s is of unknown kind %q", e.Key, e.Kind)
}

func (d *Dispatcher) readCommand(e campaign.Envelope) (command.Call, string, error) {
	var c slack.SlashCommand
	if err := json.Unmarshal(e.Payload, &c); err != nil {
		return command.Call{}, "", fmt.Errorf("decode command: %w", err)
	}
	return command.Call{
		Request: campaign.Request{Key: e.Key, Actor: e.Actor, At: e.At}, ResponseURL: c.ResponseURL, At: e.At, Text: c.Text,
		Channel: campaign.ChannelRef{ID: c.ChannelID, Name: c.ChannelName},
	}, c.TriggerID, nil
}

func (d *Dispatcher) command(ctx context.Context, e campaign.Envelope, again bool) (outcome, error) {
	call, _, err := d.readCommand(e)
	out := outcome{answer: campaign.Reply{URL: call.ResponseURL, To: e.Actor.User()}}
	if err != nil {
		return out, err
	}
	form, err := d.commands.Form(ctx, call)
	if err != nil {
		d.opened.forget(e.Key)
		return out, err
	}
	if form != nil {
		opened, err := d.isOpened(ctx, e)
		if err == nil && !opened {
			out.reply(openByButton(command.ActionRun, "|"+call.Text))
		}
		return out, err
	}
	d.opened.forget(e.Key)
	m, err := d.commands.Run(ctx, call)
	out.reply(orCarriedOut(m, again))
	return out, err
}

func (d *Dispatcher) press(ctx context.Context, e campaign.Envelope, again bool) (outcome, error) {
	p, err := d.actions.ReadPress(e)
	out := outcome{answer: campaign.Reply{URL: p.ResponseURL, To: e.Actor.User()}, home: p.Home}
	if err != nil {
		return out, err
	}
	if d.actions.Silent(p) {
		out.home = false
		return out, nil
	}
	form, err := d.actions.Form(ctx, p)
	if err != nil {
		d.opened.forget(e.Key)
		return out, err
	}
	if form != nil {
		out.home = false // the form's answer will change it
		opened, err := d.isOpened(ctx, e)
		if err == nil && !opened {
			out.reply(openByButton(p.Action, p.Value))
		}
		return out, err
	}
	d.opened.forget(e.Key)
	m, err := d.actions.Run(ctx, p)
	out.reply(orCarriedOut(m, again))
	return out, err
}

func (d *Dispatcher) submission(ctx context.Context, e campaign.Envelope) (outcome, error) {
	sent, err := d.actions.Submit(ctx, e)
	out := outcome{answer: campaign.Reply{URL: sent.Origin.URL, To: e.Actor.User()}, home: sent.Origin.Home}
	if err != nil {
		return out, err
	}
	out.reply(sent.Message)
	for _, p := range sent.To {
		out.replies = append(out.replies, campaign.Reply{To: p.User(), Message: sent.Told})
	}
	return out, nil
}

// orCarriedOut answers what was carried out by a process that died before it
// answered, and is not carried out again.
func orCarriedOut(m campaign.Message, again bool) campaign.Message {
	if m.Text != "" || !again {
		return m
	}
	return campaign.Message{Ephemeral: true, Text: "*That was done.*\nThe answer to it was lost in a restart; nothing was done twice. `/campaign show` says how it stands."}
}

// openByButton answers where a trigger could not be used: pressing the button
// brings a new one.
func openByButton(name, value string) campaign.Message {
	return campaign.Message{
		Ephemeral: true, Text: "*The form could not be opened in time.*\nNothing was lost or changed. Open it here:",
		Buttons: []campaign.Button{{Label: "Open the form", Action: name, Value: value, Style: campaign.Primary}},
	}
}

// explain turns an error into words, in this one place. What is expected is
// logged at info; a surprise with a reference that its person can quote.
func explain(log logrus.FieldLogger, err error) string {
	if campaign.KindOf(err) != campaign.Internal {
		log.WithError(err).Info("request refused")
		return campaign.PublicMessage(err)
	}
	ref := rand.Text()[:8]
	log.WithError(err).WithField("reference", ref).Error("request failed")
	return campaign.PublicMessage(err) + " Nothing more was done. Please quote `" + ref + "` when you ask an operator for help."
}

// publishHome shows a person's App Home as it is now.
func (d *Dispatcher) publishHome(ctx context.Context, p campaign.Person) error {
	tasks, err := d.opts.Engine.TasksOf(ctx, p)
	if err != nil {
		return err
	}
	all, err := d.opts.Engine.Campaigns(ctx)
	if err != nil {
		return err
	}
	h := view.HomeView{Tasks: tasks, Now: d.opts.Clock.Now()}
	for _, c := range all {
		if c.Status == campaign.Running || c.Status == campaign.Paused {
			h.Running = append(h.Running, c)
		}
	}
	if u, err := d.opts.Directory.ByID(ctx, p); err == nil && u.Zone != "" {
		h.Zone, _ = time.LoadLocation(u.Zone) // nil is UTC
	}
	return d.opts.Views.PublishHome(ctx, p, view.Home(h))
}

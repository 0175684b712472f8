// Package command is /campaign: one table for routing, roles and help, and what
// people type made into what the domain is asked.
package command

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/slack-go/slack"

	"github.com/musterbot/muster/campaign"
)

// Needs says whether a command is about one campaign.
type Needs uint8

// What a command may need. The zero value concerns none.
const (
	NoCampaign  Needs = iota
	AnyCampaign       // one if it is clear which, else all
	OneCampaign
)

// Command is a row of the table.
type Command struct {
	Name    string // what people type after /campaign
	Args    string // for the help, e.g. "[exposed|rest|all]"
	Summary string // one line for the help, without a full stop
	Detail  string // more lines and examples, for `help NAME`
	// Role is who may use it. Commander means whoever commands the campaign, its
	// deputy included, or has the role; they may also read what auditors may.
	Role  campaign.Role
	Needs Needs
	// People says that people may be named: their mentions stay tokens in Words.
	People bool
	// Sure marks what cannot be undone: when it was typed more than ten minutes
	// before it is carried out, it asks again.
	Sure bool
	Run  func(context.Context, Call) (campaign.Message, error)
	// Form returns the form that this use opens instead of running; nil, and a
	// nil form, open none.
	Form func(context.Context, Call) (*slack.ModalViewRequest, error)
}

// Call is one use of a command.
type Call struct {
	Request     campaign.Request
	Channel     campaign.ChannelRef
	ResponseURL string
	At          time.Time // when it was received
	Now         time.Time // in the zone of the person who typed it
	Words       []string  // after the command's name and the campaign's ID
	Text        string    // the same as Slack sent it, for campaign.Typed
	Campaign    campaign.Campaign
}

// Options are what the commands work with. All but Lookup are required.
type Options struct {
	Engine    *campaign.Engine
	Roles     campaign.Roles
	Directory campaign.Directory
	Clock     campaign.Clock
	// Lookup fetches an advisory by its ID, where a source is configured.
	Lookup func(ctx context.Context, id string) ([]byte, error)
}

// Router finds the row for what was typed, and checks who may use it.
type Router struct {
	opts Options
	rows []Command
}

// New returns the router over all commands.
func New(o Options) (*Router, error) { return NewRouter(o, commands{o}.table()) }

// NewRouter returns a router over the rows, or an error for one that is there
// twice or half filled. It adds help.
func NewRouter(o Options, rows []Command) (*Router, error) {
	if o.Engine == nil || o.Roles == nil || o.Directory == nil || o.Clock == nil {
		return nil, errors.New("command: Options.Engine, Roles, Directory and Clock are required")
	}
	r := &Router{opts: o}
	r.rows = append(slices.Clone(rows), Command{Name: "help", Args: "[command]", Summary: "this list, or more about one command", Run: r.help})
	seen := map[string]bool{}
	for _, row := range r.rows {
		switch {
		case row.Name == "" || row.Summary == "" || row.Run == nil:
			return nil, fmt.Errorf("command: row %q is half filled", row.Name)
		case seen[row.Name]:
			return nil, fmt.Errorf("command: row %q is there twice", row.Name)
		case row.Name != strings.ToLower(row.Name) || strings.ContainsAny(row.Name, " \t"):
			return nil, fmt.Errorf("command: row %q must be one word in lower case", row.Name)
		}
		seen[row.Name] = true
	}
	return r, nil
}

// find returns the row, and what was typed after its name.
func (r *Router) find(text string) (row Command, rest string, ok bool) {
	name, rest := firstWord(text)
	if name == "" {
		name = "help"
	}
	i := slices.IndexFunc(r.rows, func(c Command) bool { return c.Name == strings.ToLower(name) })
	if i < 0 {
		return Command{}, rest, false
	}
	return r.rows[i], rest, true
}

// firstWord cuts a text after its first word, at any space that there is in
// Unicode: phones and copied text have others than ours. Quotes around the word
// are not part of it.
func firstWord(text string) (word, rest string) {
	text = strings.TrimSpace(text)
	i := strings.IndexFunc(text, unicode.IsSpace)
	if i < 0 {
		i = len(text)
	}
	return strings.Trim(text[:i], anyQuotes), strings.TrimSpace(text[i:])
}

// Overtakes returns whether a command is carried out at once, before everything
// else that its person asked for.
func Overtakes(text string) bool {
	name, _ := firstWord(text)
	return strings.EqualFold(name, "pause")
}

// Run carries out what was typed. The call's Text is everything after /campaign;
// a Campaign in it is the one that a button named.
func (r *Router) Run(ctx context.Context, call Call) (campaign.Message, error) {
	row, call, m, err := r.prepare(ctx, call)
	if err != nil || m.Text != "" {
		return m, err
	}
	if row.Sure && call.Now.Sub(call.At) > tooOld {
		return askAgain(row, call), nil
	}
	m, err = row.Run(ctx, call)
	m.Ephemeral = true
	return m, err
}

// MayOpenForm returns whether a text may open a form, without looking anything up.
func (r *Router) MayOpenForm(text string) bool {
	row, _, ok := r.find(text)
	return ok && row.Form != nil
}

// Form returns the form that the text opens; nil when it opens none, or when
// Run has something to say first.
func (r *Router) Form(ctx context.Context, call Call) (*slack.ModalViewRequest, error) {
	row, _, ok := r.find(call.Text)
	if !ok || row.Form == nil {
		return nil, nil
	}
	row, call, m, err := r.prepare(ctx, call)
	if err != nil || m.Text != "" {
		return nil, err
	}
	return row.Form(ctx, call)
}

// prepare finds row and campaign and checks the role. A message that is not
// empty answers the call already.
func (r *Router) prepare(ctx context.Context, call Call) (Command, Call, campaign.Message, error) {
	row, rest, ok := r.find(call.Text)
	if !ok {
		return row, call, r.unknown(call.Text), nil
	}
	as := campaign.AsWords
	if row.People {
		as = campaign.AsPeople
	}
	call.Text, call.Words = rest, split(campaign.Typed(rest, as, campaign.Names(ctx, r.opts.Directory, call.Request.Actor)))
	call.Now = r.localNow(ctx, call.Request.Actor)
	if call.At.IsZero() {
		call.At = call.Now
	}
	call, m, err := r.resolve(ctx, row, call)
	if err != nil || m.Text != "" {
		return row, call, m, err
	}
	err = Allow(ctx, r.opts.Roles, call.Request.Actor, row.Role, call.Campaign, "use `/campaign "+row.Name+"`")
	return row, call, campaign.Message{}, err
}

// localNow returns the time in the zone of a person; in UTC when nobody knows it.
func (r *Router) localNow(ctx context.Context, p campaign.Person) time.Time {
	now := r.opts.Clock.Now()
	if u, err := r.opts.Directory.ByID(ctx, p); err == nil && u.Zone != "" {
		if zone, err := time.LoadLocation(u.Zone); err == nil {
			return now.In(zone)
		}
	}
	return now
}

// tooOld is how long what cannot be undone may wait to be carried out without a
// second question.
const tooOld = 10 * time.Minute

// askAgain offers what was asked for too long ago.
func askAgain(row Command, call Call) campaign.Message {
	text := strings.TrimSpace(row.Name + " " + call.Text)
	return campaign.Message{
		Ephemeral: true,
		Text: fmt.Sprintf("*You asked for `%s` %d minutes ago, and nobody could look at it before now.*\nNothing was done. Is it still wanted?",
			shown(text, maxShown), int(call.Now.Sub(call.At).Minutes())),
		Buttons: []campaign.Button{{Label: "Yes, " + row.Name, Action: ActionRun, Value: call.Campaign.ID + "|" + text, Style: campaign.Danger}},
	}
}

// ActionRun is the action of buttons whose value is a campaign's ID, "|", and a
// command's text: pressing one is typing it.
const ActionRun = "command.run"

// Allow checks whether a person may do what a role may do. On a campaign, its
// commander and deputy may do what commanders may.
func Allow(ctx context.Context, roles campaign.Roles, p campaign.Person, role campaign.Role, c campaign.Campaign, what string) error {
	known, err := roles.Has(ctx, p, campaign.Everybody)
	if err != nil {
		return err
	}
	if !known {
		return campaign.Refuse(campaign.Forbidden, "Guests and people of other workspaces cannot do this here. Nothing was changed; ask the person who invited you.")
	}
	if role == campaign.Everybody || (role == campaign.Commander || role == campaign.Auditor) && c.Commands(p) {
		return nil
	}
	has, err := roles.Has(ctx, p, role)
	if err != nil || has {
		return err
	}
	words := fmt.Sprintf("You need the role `%s` to %s. Nothing was changed. ", role, what)
	if c.Commander != "" {
		words += fmt.Sprintf("Ask %s, who commands *%s*.", campaign.Mention(c.Commander), campaign.Escape(c.Title))
	} else {
		words += "An operator gives roles in the configuration."
	}
	return campaign.Refuse(campaign.Forbidden, words)
}

package fakeslack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// What a person is shown in place of an answer.
const (
	ToastTimeout = "operation_timeout" // no acknowledgement in time
	ToastFailed  = "dispatch_failed"   // the app could not be reached, or refused
)

// DM stands for the direct messages with the app, where a channel is asked for.
const DM = "dm"

// Profile is what a new user starts with. Empty fields get something sensible.
type Profile struct {
	RealName      string
	Email         string // default NAME@DOMAIN.example
	Title         string
	TZ            string // IANA name; default UTC
	Admin         bool
	Guest         bool // multi-channel guest
	SingleChannel bool // single-channel guest
	Stranger      bool // of a connected workspace
}

// Person is someone who acts in the workspace. Each act returns what that person
// then sees.
type Person struct {
	ID   string
	Name string
	w    *Workspace
}

// Seen is what a person sees after an act.
type Seen struct {
	Trigger string            // of a command; what answers it names it, see Message.Answers
	Toast   string            // an error in place of an answer; empty when the app acknowledged
	Reply   *Message          // what the acknowledgement said, if anything
	Modal   *View             // the person's top modal when the act was over, if any
	Errors  map[string]string // what a form complains about, by block_id
	Err     error             // the act was impossible: no such button, not a member …
}

// Text is the text of the reply, or the toast, or what made the act impossible.
func (s Seen) Text() string {
	switch {
	case s.Err != nil:
		return s.Err.Error()
	case s.Toast != "":
		return s.Toast
	case s.Reply != nil:
		return s.Reply.Text
	}
	return ""
}

// OK says that the act was possible and acknowledged without complaint.
func (s Seen) OK() bool { return s.Err == nil && s.Toast == "" && len(s.Errors) == 0 }

// AddUser adds a person to the workspace. The handle must be new.
func (w *Workspace) AddUser(name string, p Profile) *Person {
	w.mu.Lock()
	defer w.mu.Unlock()
	u := &User{
		ID: w.id("U"), Name: name, RealName: cmp.Or(p.RealName, name), DisplayName: name,
		Email: cmp.Or(p.Email, name+"@"+w.opts.Domain+".example"), Title: p.Title, TZ: cmp.Or(p.TZ, "UTC"),
		Admin: p.Admin, Guest: p.Guest, SingleChannel: p.SingleChannel, Stranger: p.Stranger,
		Locale: "en-US", TeamID: w.team, Updated: w.opts.Now().Unix(),
	}
	u.TZLabel = u.TZ
	if p.Stranger {
		u.TeamID = w.id("T")
	}
	w.users[u.ID] = u
	w.userOrder = append(w.userOrder, u.ID)
	w.byEmail[strings.ToLower(u.Email)] = u.ID
	w.change(Change{Kind: PeopleMoved, User: u.ID})
	w.event("team_join", fields{"type": "team_join", "user": u.wire(w, true), "event_ts": w.ts()})
	return &Person{ID: u.ID, Name: name, w: w}
}

// Person finds someone by handle or id; nil when there is no such person.
func (w *Workspace) Person(ref string) *Person {
	w.mu.RLock()
	defer w.mu.RUnlock()
	ref = strings.TrimPrefix(ref, "@")
	for _, id := range w.userOrder {
		if u := w.users[id]; !u.IsBot && (u.ID == ref || u.Name == ref) {
			return &Person{ID: u.ID, Name: u.Name, w: w}
		}
	}
	return nil
}

// AddChannel makes a public channel with these members and returns its id. The
// app is not among them until someone invites it or it joins.
func (w *Workspace) AddChannel(name string, members ...*Person) string {
	return w.addChannel(public, name, members)
}

// AddPrivateChannel does the same for a private one.
func (w *Workspace) AddPrivateChannel(name string, members ...*Person) string {
	return w.addChannel(private, name, members)
}

func (w *Workspace) addChannel(kind channelKind, name string, members []*Person) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	creator := ""
	if len(members) > 0 {
		creator = members[0].ID
	}
	c := w.newChannel(kind, strings.TrimPrefix(name, "#"), creator)
	for _, p := range members {
		c.admit(p.ID)
	}
	w.change(Change{Kind: Arranged, Channel: c.id, Detail: "created"})
	return c.id
}

// AddUserGroup makes a user group and returns its id.
func (w *Workspace) AddUserGroup(handle string, members ...*Person) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	g := &UserGroup{ID: w.id("S"), Name: handle, Handle: handle, Updated: w.opts.Now()}
	for _, p := range members {
		g.Users = append(g.Users, p.ID)
	}
	w.groups = append(w.groups, g)
	w.change(Change{Kind: PeopleMoved, Detail: handle})
	return g.ID
}

// place finds the conversation that a person acts in. The lock is held.
func (p *Person) place(in string) (*channel, error) {
	if in == DM || in == "" || in == p.w.bot.ID {
		return p.w.dm(p.ID), nil
	}
	c := p.w.find(in)
	switch {
	case c == nil:
		return nil, fmt.Errorf("%s sees no channel %q", p.Name, in)
	case !c.has(p.ID):
		return nil, fmt.Errorf("%s is not a member of %q", p.Name, in)
	case c.archived:
		return nil, fmt.Errorf("channel %q is archived", in)
	}
	return c, nil
}

// user describes the person in payloads.
func (p *Person) user() fields {
	return fields{"id": p.ID, "username": p.Name, "name": p.Name, "team_id": p.w.team}
}

// Invites brings people, or the app by its user id, into a channel.
func (p *Person) Invites(in string, who ...string) error {
	w := p.w
	w.mu.Lock()
	defer w.mu.Unlock()
	c, err := p.place(in)
	if err != nil {
		return err
	}
	for _, id := range who {
		if w.users[id] == nil {
			return fmt.Errorf("nobody has the id %q", id)
		}
		w.join(c, id, p.ID)
	}
	return nil
}

// Joins enters a public channel.
func (p *Person) Joins(in string) error {
	w := p.w
	w.mu.Lock()
	defer w.mu.Unlock()
	c := w.find(in)
	if c == nil || c.kind != public {
		return fmt.Errorf("%s sees no public channel %q", p.Name, in)
	}
	w.join(c, p.ID, "")
	return nil
}

// Leaves goes out of a channel.
func (p *Person) Leaves(in string) error {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	c, err := p.place(in)
	if err != nil {
		return err
	}
	p.w.part(c, p.ID)
	return nil
}

// Kicks removes someone, or the app, from a channel.
func (p *Person) Kicks(in, who string) error {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	c, err := p.place(in)
	if err != nil {
		return err
	}
	p.w.part(c, who)
	return nil
}

// Archives closes a channel.
func (p *Person) Archives(in string) error {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	c, err := p.place(in)
	if err != nil {
		return err
	}
	p.w.archive(c, p.ID)
	return nil
}

// Becomes changes the person's record and tells the app with user_change. Change
// must not use the workspace.
func (p *Person) Becomes(change func(*User)) {
	w := p.w
	w.mu.Lock()
	defer w.mu.Unlock()
	u := *w.users[p.ID]
	change(&u)
	u.Updated = w.opts.Now().Unix()
	delete(w.byEmail, strings.ToLower(w.users[p.ID].Email))
	w.byEmail[strings.ToLower(u.Email)] = u.ID
	w.users[p.ID] = &u
	w.change(Change{Kind: PeopleMoved, User: p.ID})
	w.event("user_change", fields{
		"type": "user_change", "user": u.wire(w, true), "cache_ts": u.Updated, "event_ts": w.ts(),
	})
}

// DMs are the messages between the person and the app, oldest first.
func (p *Person) DMs() []Message {
	p.w.mu.RLock()
	id := p.w.dms[p.ID]
	p.w.mu.RUnlock()
	return p.w.Messages(id)
}

// Ephemerals are the messages that only this person sees in a channel, or
// everywhere when it is empty.
func (p *Person) Ephemerals(in string) []Message {
	w := p.w
	w.mu.RLock()
	defer w.mu.RUnlock()
	var out []Message
	for _, id := range w.channelIDs {
		c := w.channels[id]
		if in != "" && c != w.find(in) && !(in == DM && w.dms[p.ID] == id) {
			continue
		}
		for _, m := range c.ephemerals {
			if m.VisibleTo == p.ID {
				out = append(out, *m)
			}
		}
	}
	slices.SortFunc(out, func(a, b Message) int { return strings.Compare(a.TS, b.TS) })
	return out
}

// Modals are the person's open modals, the top one last.
func (p *Person) Modals() []View {
	p.w.mu.RLock()
	defer p.w.mu.RUnlock()
	out := make([]View, 0, maxStack)
	for _, v := range p.w.modals[p.ID] {
		out = append(out, *v)
	}
	return out
}

// Modal is the top one of the open modals, nil when none is open.
func (p *Person) Modal() *View {
	if open := p.Modals(); len(open) > 0 {
		return &open[len(open)-1]
	}
	return nil
}

// Home is the person's App Home, nil before it was ever published.
func (p *Person) Home() *View {
	p.w.mu.RLock()
	defer p.w.mu.RUnlock()
	v := p.w.homes[p.ID]
	if v == nil {
		return nil
	}
	home := *v
	return &home
}

// Notifications are the times the person was woken, oldest first.
func (p *Person) Notifications() []Notification { return p.w.Notifications(p.ID) }

// WaitsForModal returns the top modal once it matches; a nil match takes any.
func (p *Person) WaitsForModal(ctx context.Context, match func(View) bool) (*View, error) {
	return waitFor(ctx, p.w, func() *View { return p.Modal() }, match)
}

// WaitsForHome returns the App Home once it matches; a nil match takes any.
func (p *Person) WaitsForHome(ctx context.Context, match func(View) bool) (*View, error) {
	return waitFor(ctx, p.w, func() *View { return p.Home() }, match)
}

// WaitsForDM returns the newest matching message that the app sent the person.
func (p *Person) WaitsForDM(ctx context.Context, match func(Message) bool) (*Message, error) {
	return waitForOne(ctx, p.w, func() []Message {
		return slices.DeleteFunc(p.DMs(), func(m Message) bool { return m.User == p.ID })
	}, match)
}

// WaitsForEphemeral returns the newest matching message that only the person
// sees, in a channel or, when it is empty, anywhere.
func (p *Person) WaitsForEphemeral(ctx context.Context, in string, match func(Message) bool) (*Message, error) {
	return waitForOne(ctx, p.w, func() []Message { return p.Ephemerals(in) }, match)
}

// WaitForMessage returns the newest message of a channel, threads included, that
// matches; a nil match takes any.
func (w *Workspace) WaitForMessage(ctx context.Context, in string, match func(Message) bool) (*Message, error) {
	return waitForOne(ctx, w, func() []Message { return w.Messages(in) }, match)
}

// Containing matches messages by a part of their text or of their blocks.
func Containing(part string) func(Message) bool {
	return func(m Message) bool { return strings.Contains(m.Text, part) || strings.Contains(m.Words(), part) }
}

func waitFor(ctx context.Context, w *Workspace, read func() *View, match func(View) bool) (*View, error) {
	var found *View
	err := w.WaitFor(ctx, func() bool {
		found = read()
		return found != nil && (match == nil || match(*found))
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

func waitForOne(ctx context.Context, w *Workspace, read func() []Message, match func(Message) bool) (*Message, error) {
	var found *Message
	err := w.WaitFor(ctx, func() bool {
		for _, m := range slices.Backward(read()) {
			if match == nil || match(m) {
				found = &m
				return true
			}
		}
		return false
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

var errGone = errors.New("it is not there any more")

package slackapi

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/slack-go/slack"

	"github.com/musterbot/muster/campaign"
)

// people is everybody of the workspace, from pages of users.list, kept fresh by
// events. A look-up per person would take 40 minutes for 2,000 owners, but is what a
// person who waits is served by until all are read.
type people struct {
	mu      sync.RWMutex
	all     directory
	filled  time.Time // when all was complete; zero before
	loading sync.Mutex
	next    directory // what was read so far, when Slack stopped us half-way
	cursor  string

	single map[string]looked // by ID or e-mail: asked for one by one, before all was read
}

// looked is a person and when Slack told of them.
type looked struct {
	user campaign.User
	at   time.Time
}

// maxSingle bounds who is remembered one by one.
const maxSingle = 1000

// one returns somebody who was asked for a while ago.
func (p *people) one(id string, keep time.Duration) (campaign.User, bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	l, ok := p.single[id]
	return l.user, ok && time.Since(l.at) < keep
}

func (p *people) keepOne(id string, u campaign.User) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.single == nil || len(p.single) >= maxSingle {
		p.single = map[string]looked{}
	}
	p.single[id] = looked{user: u, at: time.Now()}
}

type directory struct {
	byID    map[string]campaign.User
	byEmail map[string]string
	byName  map[string]string
}

func newDirectory() directory {
	return directory{byID: map[string]campaign.User{}, byEmail: map[string]string{}, byName: map[string]string{}}
}

func (d directory) add(u campaign.User, handle string) {
	id := u.Person.User()
	d.byID[id] = u
	if u.Deleted {
		return
	}
	if u.Email != "" {
		d.byEmail[strings.ToLower(u.Email)] = id
	}
	for _, name := range []string{handle, u.Name} {
		if name != "" {
			d.byName[strings.ToLower(name)] = id
		}
	}
}

// maxPeoplePages bounds the list at 40,000 people.
const maxPeoplePages = 200

// fill reads everybody, and goes on where it was stopped.
func (c *Client) fill(ctx context.Context) error {
	p := &c.people
	p.loading.Lock()
	defer p.loading.Unlock()
	if p.fresh(c.opts.PeopleFor) {
		return nil // somebody else did it meanwhile
	}
	me, err := c.Identity(ctx)
	if err != nil {
		return err
	}
	if p.next.byID == nil {
		p.next = newDirectory()
	}
	for range maxPeoplePages {
		page := c.api.GetUsersPaginated(slack.GetUsersOptionLimit(200), slack.GetUsersOptionCursor(p.cursor))
		err := c.read(ctx, "users.list", func(ctx context.Context) (err error) {
			page, err = page.Next(ctx)
			return err
		})
		if err != nil {
			return err
		}
		for _, u := range page.Users {
			p.next.add(person(u, me), u.Name)
		}
		if p.cursor = page.Cursor; p.cursor == "" {
			break
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all, p.filled = p.next, time.Now()
	p.next, p.cursor = directory{}, ""
	return nil
}

// read returns whether everybody was read once.
func (p *people) read() bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return !p.filled.IsZero()
}

func (p *people) fresh(keep time.Duration) bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return !p.filled.IsZero() && time.Since(p.filled) < keep
}

// find looks in the list, and fills it first when it is old. An old list serves
// on while a new one cannot be had.
func (c *Client) find(ctx context.Context, what string, look func(directory) (string, bool)) (campaign.User, error) {
	var failed error
	if !c.people.fresh(c.opts.PeopleFor) {
		failed = c.fill(ctx)
	}
	c.people.mu.RLock()
	defer c.people.mu.RUnlock()
	if failed != nil && c.people.filled.IsZero() {
		return campaign.User{}, failed
	}
	if id, ok := look(c.people.all); ok {
		if u, ok := c.people.all.byID[id]; ok && !u.Deleted {
			return u, nil
		}
	}
	return campaign.User{}, nobody(what)
}

func nobody(what string) error {
	return &campaign.Error{
		Kind: campaign.NotFound, Err: fmt.Errorf("nobody is %q", what),
		Message: "Slack knows nobody by `" + escape(what) + "`. Nothing was changed; mention the person with @.",
	}
}

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "`", "'")

func escape(s string) string { return escaper.Replace(cut(s, 100)) }

// maxPause bounds the pause between two tries while Slack does not answer, and
// tellEvery is how often the log says so.
const (
	maxPause  = time.Minute
	tellEvery = time.Minute
)

// ReadPeople reads everybody, waiting for Slack's pace, so that names are known
// before anybody is named. It returns when all are read, when ctx ends, or when
// Slack refuses for good; what it has read is not lost.
func (c *Client) ReadPeople(ctx context.Context) error {
	var told time.Time
	for pause := time.Second; ; {
		err := c.fill(ctx)
		if err == nil || campaign.KindOf(err) != campaign.Unavailable {
			return err
		}
		wait := campaign.RetryAfter(err)
		if wait == 0 { // Slack does not answer
			if ctx.Err() == nil && time.Since(told) >= tellEvery {
				told = time.Now()
				c.opts.Log.WithError(err).Warn("the list of people cannot be read; trying again")
			}
			wait, pause = pause, min(2*pause, maxPause)
		}
		if err := (campaign.RealClock{}).Wait(ctx, max(wait, time.Second)); err != nil {
			return err
		}
	}
}

// ByEmail implements campaign.Directory. Before everybody is read it asks for the
// one person.
func (c *Client) ByEmail(ctx context.Context, email string) (campaign.User, error) {
	email = strings.ToLower(strings.TrimSpace(email))
	if !c.people.read() {
		u, err := c.alone(ctx, "users.lookupByEmail", email, c.api.GetUserByEmailContext)
		if !listTells(err) {
			return present(u, err, email)
		}
	}
	return c.find(ctx, email, func(d directory) (string, bool) {
		id, ok := d.byEmail[email]
		return id, ok
	})
}

// ByID implements campaign.Directory. Before everybody is read it asks for the
// one person.
func (c *Client) ByID(ctx context.Context, p campaign.Person) (campaign.User, error) {
	id := p.User()
	c.people.mu.RLock()
	known, ok := c.people.all.byID[id]
	c.people.mu.RUnlock()
	if ok && c.people.fresh(c.opts.PeopleFor) {
		return known, nil
	}
	return c.alone(ctx, "users.info", id, func(ctx context.Context, id string) (*slack.User, error) {
		return c.api.GetUserInfoContext(ctx, id)
	})
}

// alone asks for one person, and remembers the answer for a while.
func (c *Client) alone(ctx context.Context, method, key string, ask func(context.Context, string) (*slack.User, error)) (campaign.User, error) {
	if u, ok := c.people.one(key, c.opts.GroupsFor); ok {
		return u, nil
	}
	me, err := c.Identity(ctx)
	if err != nil {
		return campaign.User{}, err
	}
	var got *slack.User
	err = c.read(ctx, method, func(ctx context.Context) (err error) {
		got, err = ask(ctx, key)
		return err
	})
	if err != nil {
		return campaign.User{}, err
	}
	u := person(*got, me)
	c.people.keepOne(key, u)
	return u, nil
}

// listTells returns whether the list of people is worth a try after one person could
// not be asked for: two thousand owners at once are read faster by it.
func listTells(err error) bool { return passing(err) || codeOf(err) == "unknown_method" }

// present leaves out who is not here any more.
func present(u campaign.User, err error, what string) (campaign.User, error) {
	if err == nil && u.Deleted || err != nil && campaign.KindOf(err) == campaign.NotFound {
		return campaign.User{}, nobody(what)
	}
	return u, err
}

// userID is what Slack calls a person by. Names are in lower case, but people may
// type them in capitals.
var userID = regexp.MustCompile(`^[UW][A-Z0-9]{6,}$`)

// Named implements campaign.Directory. An ID, as mentions carry it, needs no list.
func (c *Client) Named(ctx context.Context, name string) (campaign.User, error) {
	name = strings.TrimPrefix(strings.TrimSpace(name), "@")
	if userID.MatchString(name) {
		u, err := c.ByID(ctx, campaign.NewPerson("", name))
		if !listTells(err) && campaign.KindOf(err) != campaign.NotFound {
			return present(u, err, name)
		}
	}
	return c.find(ctx, name, func(d directory) (string, bool) {
		if _, ok := d.byID[name]; ok {
			return name, true
		}
		id, ok := d.byName[strings.ToLower(name)]
		return id, ok
	})
}

// Changed brings the list up to date with what an event told of a person.
func (c *Client) Changed(ctx context.Context, u slack.User) error {
	me, err := c.Identity(ctx)
	if err != nil {
		return err
	}
	p := &c.people
	p.mu.Lock()
	defer p.mu.Unlock()
	maps.DeleteFunc(p.single, func(_ string, l looked) bool { return l.user.Person.User() == u.ID }) // the next look-up asks anew
	if p.filled.IsZero() {
		return nil // the list that will be read knows it
	}
	if old, ok := p.all.byID[u.ID]; ok {
		delete(p.all.byEmail, strings.ToLower(old.Email))
		for name, id := range p.all.byName {
			if id == u.ID {
				delete(p.all.byName, name)
			}
		}
	}
	p.all.add(person(u, me), u.Name)
	return nil
}

// called returns what people call somebody: the display name that they chose, or
// their real name where that is nothing but the handle.
func called(u slack.User) string {
	chosen := u.Profile.DisplayName
	if chosen == u.Name {
		chosen = ""
	}
	return cmp.Or(chosen, u.RealName, u.Profile.RealName, u.Name)
}

// person turns Slack's user into ours. Guests and people of connected
// workspaces are marked, because they have no role.
func person(u slack.User, me Identity) campaign.User {
	team := cmp.Or(u.TeamID, me.TeamID)
	return campaign.User{
		Person: campaign.NewPerson(me.TeamID, u.ID), Zone: u.TZ, Email: u.Profile.Email,
		Name:    called(u),
		Guest:   u.IsRestricted || u.IsUltraRestricted,
		Foreign: u.IsStranger || (team != me.TeamID && u.Enterprise.ID == ""),
		Deleted: u.Deleted || u.IsBot,
	}
}

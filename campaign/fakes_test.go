package campaign_test

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/musterbot/muster/campaign"
)

var (
	_ campaign.Clock     = (*testClock)(nil)
	_ campaign.Messenger = (*fakeSlack)(nil)
	_ campaign.Channels  = (*fakeSlack)(nil)
	_ campaign.Tracker   = (*fakeTracker)(nil)
	_ campaign.Directory = fakeDirectory{}
	_ campaign.Roles     = (*fakeRoles)(nil)
)

// testClock stands still until somebody advances it, in a synctest bubble and
// outside of one.
type testClock struct {
	mu      sync.Mutex
	now     time.Time
	waiting map[chan struct{}]time.Time
}

func newTestClock(start time.Time) *testClock {
	return &testClock{now: campaign.Stamp(start), waiting: map[chan struct{}]time.Time{}}
}

func (c *testClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *testClock) Wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	c.mu.Lock()
	done := make(chan struct{})
	c.waiting[done] = c.now.Add(d)
	c.mu.Unlock()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		c.mu.Lock()
		delete(c.waiting, done)
		c.mu.Unlock()
		return context.Cause(ctx)
	}
}

// advance moves the clock and wakes those whose time has come.
func (c *testClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = campaign.Stamp(c.now.Add(d))
	for done, at := range c.waiting {
		if !at.After(c.now) {
			close(done)
			delete(c.waiting, done)
		}
	}
}

// faults are what the next calls meet: refused cleanly with a kind, or carried
// out and then answered by a time-out.
type faults struct {
	mu   sync.Mutex
	next []fault
}

type fault struct {
	kind      campaign.Kind
	afterward bool
}

// fail lets the next n calls fail without effect.
func (f *faults) fail(kind campaign.Kind, n int) { f.add(fault{kind: kind}, n) }

// timeOut lets the next n calls take effect and then time out.
func (f *faults) timeOut(n int) { f.add(fault{kind: campaign.Uncertain, afterward: true}, n) }

func (f *faults) add(one fault, n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.next = append(f.next, slices.Repeat([]fault{one}, n)...)
}

// clear lets all calls work again.
func (f *faults) clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.next = nil
}

// meet runs call as the next fault has it.
func (f *faults) meet(call func() error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.next) == 0 {
		return call()
	}
	one := f.next[0]
	f.next = f.next[1:]
	if one.afterward {
		if err := call(); err != nil {
			return err
		}
	}
	return &campaign.Error{Kind: one.kind, Message: "The fake was told to fail.", RetryAfter: time.Second}
}

// posted is one message in the workspace.
type posted struct {
	Ref     campaign.MessageRef
	To      string
	Thread  string
	Key     string // metadata
	Message campaign.Message
	Edits   int
	At      time.Time
}

// fakeSlack remembers what was said to whom, and the channels.
type fakeSlack struct {
	faults
	clock    *testClock
	messages []posted
	answers  map[string][]campaign.Message // by response URL
	channels map[string]string             // name -> ID
	dressed  map[string]campaign.Dress
	invited  map[string][]string
	left     string // a channel that the bot was removed from
}

func newFakeSlack(clock *testClock) *fakeSlack {
	return &fakeSlack{
		clock: clock, answers: map[string][]campaign.Message{}, channels: map[string]string{},
		dressed: map[string]campaign.Dress{}, invited: map[string][]string{},
	}
}

// conversation returns the channel that a message to this channel or user is in.
func conversation(to string) string {
	if strings.HasPrefix(to, "U") {
		return "D" + to
	}
	return to
}

func (s *fakeSlack) Post(_ context.Context, p campaign.Post) (campaign.MessageRef, error) {
	var ref campaign.MessageRef
	err := s.meet(func() error {
		if p.To == s.left {
			return campaign.Refuse(campaign.NotFound, "There is no such channel.")
		}
		ref = campaign.MessageRef{Channel: conversation(p.To), TS: fmt.Sprintf("%d.%06d", s.clock.Now().Unix(), len(s.messages)+1)}
		s.messages = append(s.messages, posted{Ref: ref, To: p.To, Thread: p.Thread, Key: p.Key, Message: p.Message, At: s.clock.Now()})
		return nil
	})
	if err != nil {
		return campaign.MessageRef{}, err
	}
	return ref, nil
}

func (s *fakeSlack) Find(_ context.Context, to, thread, key string, since time.Time) (campaign.MessageRef, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range slices.Backward(s.messages) {
		if m.Key == key && m.Ref.Channel == conversation(to) && m.Thread == thread && !m.At.Before(since) {
			return m.Ref, nil
		}
	}
	return campaign.MessageRef{}, campaign.Refuse(campaign.NotFound, "There is no such message.")
}

func (s *fakeSlack) Edit(_ context.Context, ref campaign.MessageRef, m campaign.Message) error {
	return s.meet(func() error {
		i := slices.IndexFunc(s.messages, func(p posted) bool { return p.Ref == ref })
		if i < 0 {
			return campaign.Refuse(campaign.NotFound, "There is no such message.")
		}
		s.messages[i].Message = m
		s.messages[i].Edits++
		return nil
	})
}

func (s *fakeSlack) Respond(_ context.Context, url string, m campaign.Message) error {
	return s.meet(func() error {
		if len(s.answers[url]) >= 5 {
			return campaign.Refuse(campaign.NotFound, "This address does not serve any more.")
		}
		s.answers[url] = append(s.answers[url], m)
		return nil
	})
}

func (s *fakeSlack) EnsureChannel(_ context.Context, name string, _ bool) (campaign.ChannelRef, error) {
	var ref campaign.ChannelRef
	err := s.meet(func() error {
		if s.channels[name] == "" {
			s.channels[name] = fmt.Sprintf("C%03d", len(s.channels)+1)
		}
		ref = campaign.ChannelRef{ID: s.channels[name], Name: name}
		return nil
	})
	if err != nil {
		return campaign.ChannelRef{}, err
	}
	return ref, nil
}

func (s *fakeSlack) Dress(_ context.Context, channel string, d campaign.Dress) error {
	return s.meet(func() error {
		s.dressed[channel] = d
		return nil
	})
}

func (s *fakeSlack) Invite(_ context.Context, channel string, users []string) error {
	return s.meet(func() error {
		s.invited[channel] = append(s.invited[channel], users...)
		return nil
	})
}

// said returns the messages in a channel or in a user's direct messages, in order.
func (s *fakeSlack) said(to string) []posted {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []posted
	for _, m := range s.messages {
		if m.Ref.Channel == conversation(to) {
			found = append(found, m)
		}
	}
	return found
}

// filed is one ticket in the tracker.
type filed struct {
	Ref      campaign.TicketRef
	Draft    campaign.TicketDraft
	Comments map[string]string // by key
	Updates  int

	// As the tracker's own people left it.
	CreatedAt, UpdatedAt time.Time
}

func (t filed) seen(key string) campaign.TicketSeen {
	seen := campaign.TicketSeen{Ref: t.Ref, Key: key, Status: t.Draft.Status, Assignee: t.Draft.Assignee, CreatedAt: t.CreatedAt, UpdatedAt: t.UpdatedAt}
	for _, item := range t.Draft.Checklist {
		if item.Done {
			seen.Checked = append(seen.Checked, item.ID)
		}
	}
	return seen
}

// fakeTracker remembers tickets by key.
type fakeTracker struct {
	faults
	clock   *testClock
	tickets map[string]*filed
	last    int // number given
	reads   int
	owners  []string                       // who has an account here; nil for everybody
	leader  string                         // whom new tickets of others are assigned to, as projects have it
	hidden  *filed                         // what Muster may not see
	away    error                          // what Changes ends with
	lagging map[string]campaign.TicketSeen // what a copy that lags shows, by key
}

func newFakeTracker() *fakeTracker {
	return &fakeTracker{clock: newTestClock(monday), tickets: map[string]*filed{}, lagging: map[string]campaign.TicketSeen{}}
}

// people lets people of the tracker change a ticket.
func (f *fakeTracker) people(key string, change func(*filed)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f.tickets[key])
	f.tickets[key].UpdatedAt = f.clock.Now()
}

// move lets people bring a ticket to another status.
func (f *fakeTracker) move(key string, to campaign.TicketStatus) {
	f.people(key, func(t *filed) { t.Draft.Status = to })
}

// tick lets people tick an item of a ticket, or untick it.
func (f *fakeTracker) tick(key, task string, done bool) {
	f.people(key, func(t *filed) {
		t.Draft.Checklist = slices.Clone(t.Draft.Checklist)
		for i := range t.Draft.Checklist {
			if t.Draft.Checklist[i].ID == task {
				t.Draft.Checklist[i].Done = done
			}
		}
	})
}

// delete lets people delete a ticket.
func (f *fakeTracker) delete(key string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.tickets, key)
}

// account returns whom a ticket of an owner is assigned to.
func (f *fakeTracker) account(owner string) string {
	if f.owners != nil && !slices.Contains(f.owners, owner) {
		return ""
	}
	return owner
}

// hide lets a ticket be where Muster may not look; the next call shows it again.
func (f *fakeTracker) hide(key string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tickets[key], f.hidden = f.hidden, f.tickets[key]
	if f.tickets[key] == nil {
		delete(f.tickets, key)
	}
}

// now returns a ticket as the tracker holds it.
func (f *fakeTracker) now(key string) campaign.TicketSeen {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.tickets[key].seen(key)
}

func (f *fakeTracker) Ensure(_ context.Context, key string, d campaign.TicketDraft) (campaign.TicketRef, error) {
	var ref campaign.TicketRef
	err := f.meet(func() error {
		if f.tickets[key] == nil {
			f.last++
			id := fmt.Sprintf("SEC-%d", f.last)
			d.Assignee = cmp.Or(f.account(d.Assignee), f.leader)
			f.tickets[key] = &filed{
				Ref: campaign.TicketRef{ID: id, URL: "https://tracker.example/" + id}, Draft: d, Comments: map[string]string{},
				CreatedAt: f.clock.Now(), UpdatedAt: f.clock.Now(),
			}
		}
		ref = f.tickets[key].Ref
		return nil
	})
	if err != nil {
		return campaign.TicketRef{}, err
	}
	return ref, nil
}

func (f *fakeTracker) Find(_ context.Context, key string) (campaign.TicketRef, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if t := f.tickets[key]; t != nil {
		return t.Ref, nil
	}
	return campaign.TicketRef{}, campaign.Refuse(campaign.NotFound, "There is no such ticket.")
}

func (f *fakeTracker) Update(_ context.Context, ref campaign.TicketRef, d campaign.TicketDraft) error {
	return f.change(ref, func(t *filed) {
		if d.Assignee = f.account(d.Assignee); d.KeepAssignee {
			d.Assignee = t.Draft.Assignee
		}
		t.Draft, t.UpdatedAt = d, f.clock.Now()
		t.Updates++
	})
}

func (f *fakeTracker) Comment(_ context.Context, ref campaign.TicketRef, key, text string) error {
	return f.change(ref, func(t *filed) { t.Comments[key] = text })
}

func (f *fakeTracker) Read(_ context.Context, ref campaign.TicketRef) (campaign.TicketSeen, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reads++
	for key, t := range f.tickets {
		if t.Ref.ID == ref.ID {
			if old, lags := f.lagging[key]; lags {
				return old, nil
			}
			return t.seen(key), nil
		}
	}
	return campaign.TicketSeen{}, campaign.Refuse(campaign.NotFound, "There is no such ticket.")
}

func (f *fakeTracker) Changes(_ context.Context, since time.Time) iter.Seq2[campaign.TicketSeen, error] {
	f.mu.Lock()
	defer f.mu.Unlock()
	var changed []campaign.TicketSeen
	for key, t := range f.tickets {
		if !t.UpdatedAt.Before(since) {
			changed = append(changed, t.seen(key))
		}
	}
	slices.SortFunc(changed, func(a, b campaign.TicketSeen) int { return a.UpdatedAt.Compare(b.UpdatedAt) })
	away := f.away
	return func(yield func(campaign.TicketSeen, error) bool) {
		if away != nil {
			yield(campaign.TicketSeen{}, away)
			return
		}
		for _, seen := range changed {
			if !yield(seen, nil) {
				return
			}
		}
	}
}

func (f *fakeTracker) change(ref campaign.TicketRef, change func(*filed)) error {
	return f.meet(func() error {
		for _, t := range f.tickets {
			if t.Ref == ref {
				change(t)
				return nil
			}
		}
		return campaign.Refuse(campaign.NotFound, "There is no such ticket.")
	})
}

// filed returns all tickets, by key.
func (f *fakeTracker) filed() map[string]filed {
	f.mu.Lock()
	defer f.mu.Unlock()
	tickets := map[string]filed{}
	for key, t := range f.tickets {
		one := *t
		one.Comments = maps.Clone(t.Comments)
		tickets[key] = one
	}
	return tickets
}

// fakeDirectory knows people by name; their e-mail address is name@example.com.
type fakeDirectory map[campaign.Person]string

func (d fakeDirectory) user(match func(campaign.User) bool) (campaign.User, error) {
	for p, name := range d {
		u := campaign.User{Person: p, Name: name, Email: strings.ToLower(name) + "@example.com", Zone: "UTC"}
		if match(u) {
			return u, nil
		}
	}
	return campaign.User{}, campaign.Refuse(campaign.NotFound, "There is no such person.")
}

func (d fakeDirectory) ByEmail(_ context.Context, email string) (campaign.User, error) {
	return d.user(func(u campaign.User) bool { return u.Email == email })
}

func (d fakeDirectory) ByID(_ context.Context, p campaign.Person) (campaign.User, error) {
	return d.user(func(u campaign.User) bool { return u.Person == p })
}

func (d fakeDirectory) Named(_ context.Context, name string) (campaign.User, error) {
	name = strings.TrimPrefix(name, "@")
	return d.user(func(u campaign.User) bool { return u.Name == name || u.Person.User() == name })
}

// fakeRoles is a list per role.
type fakeRoles struct {
	mu      sync.Mutex
	members map[campaign.Role][]campaign.Person
}

func (r *fakeRoles) Has(_ context.Context, p campaign.Person, role campaign.Role) (bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return role == campaign.Everybody || slices.Contains(r.members[role], p), nil
}

func (r *fakeRoles) Members(_ context.Context, role campaign.Role) ([]campaign.Person, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.members[role]), nil
}

// revoke takes a role away.
func (r *fakeRoles) revoke(p campaign.Person, role campaign.Role) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.members[role] = slices.DeleteFunc(slices.Clone(r.members[role]), func(m campaign.Person) bool { return m == p })
}

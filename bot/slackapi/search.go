package slackapi

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/slack-go/slack"

	"github.com/musterbot/muster/campaign"
)

// The bounds of a search. Slack's pages are often smaller than what is asked for.
const (
	listPage    = 999 // the most that users.conversations takes
	listPages   = 100
	searchFor   = 10 * time.Minute // how long one that nobody goes on with is kept
	maxSearches = 100
)

// Search looks for channels by name, page after page: first among those that we
// are in, which are few, then among all that we see. It stops as soon as it has
// them all. Archived ones are not found. Make it with Client.Search.
type Search struct {
	client *Client

	// Of whoever is at work only.
	left   map[string]bool // not found yet
	all    bool            // what we are in was read
	cursor string
	pages  int

	mu     sync.Mutex // never held during a call
	atWork bool       // a caller goes on with the search; the others do not wait
	found  map[string]slack.Channel
	ended  bool
	used   time.Time
	failed error // why the list could not be read further
}

// Search returns a search for channels; it does not call Slack. What is an ID
// needs none.
func (c *Client) Search(namesOrIDs ...string) *Search {
	s := &Search{client: c, left: map[string]bool{}, found: map[string]slack.Channel{}, used: time.Now()}
	for _, name := range namesOrIDs {
		if name = strings.TrimPrefix(name, "#"); name != "" && !channelID.MatchString(name) {
			s.left[name] = true
		}
	}
	return s
}

// busyFor is when to ask again for what another caller is at.
const busyFor = 5 * time.Second

// Run goes on with the search until it has found all or has read all, a hundred
// pages at most. When Slack, our own pace or the end of ctx stops it, or another
// caller is at it, it is Unavailable; called again it goes on from there, and once it
// has ended it calls nobody.
func (s *Search) Run(ctx context.Context) error {
	if !s.begin() {
		return busy()
	}
	err := s.run(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.atWork, s.used, s.failed = false, time.Now(), err
	return err
}

func (s *Search) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.atWork {
		return false
	}
	s.atWork = true
	return true
}

func (s *Search) run(ctx context.Context) error {
	for len(s.left) > 0 && !s.over() {
		if ctx.Err() != nil {
			return unavailable(fmt.Errorf("look for channels: %w", context.Cause(ctx)), busyFor)
		}
		page, next, err := s.page(ctx)
		switch {
		case err != nil && codeOf(err) == "invalid_cursor" && s.cursor != "": // it grew old
			s.cursor = ""
			s.pages++
			continue
		case err != nil && !s.all && campaign.KindOf(err) != campaign.Unavailable:
			next = "" // the other list has them too
		case err != nil:
			return err
		}
		s.take(page)
		s.pages++
		s.cursor = next
		if next == "" || s.pages >= listPages {
			if s.all {
				s.Stop()
			}
			s.all, s.cursor, s.pages = true, "", 0
		}
	}
	return nil
}

// take keeps what is looked for of one page.
func (s *Search) take(page []slack.Channel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, ch := range page {
		if s.left[ch.Name] {
			ch.IsMember = ch.IsMember || !s.all // the list of our own does not say
			s.found[ch.Name] = ch
			delete(s.left, ch.Name)
		}
	}
}

func (s *Search) over() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended
}

// Stop ends the search where it is: what was not found is not looked for any more.
func (s *Search) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended, s.failed = true, nil
}

func busy() error {
	return &campaign.Error{
		Kind: campaign.Unavailable, RetryAfter: busyFor, Err: errors.New("another caller reads the list of channels"),
		Message: "Muster is reading Slack's list of channels at the moment. Nothing is lost.",
	}
}

// page reads one page of the list that is being read.
func (s *Search) page(ctx context.Context) (page []slack.Channel, next string, err error) {
	types := []string{"public_channel", "private_channel"}
	if !s.all {
		err = s.client.read(ctx, "users.conversations", func(ctx context.Context) (err error) {
			page, next, err = s.client.api.GetConversationsForUserContext(ctx, &slack.GetConversationsForUserParameters{
				Cursor: s.cursor, Limit: listPage, Types: types, ExcludeArchived: true,
			})
			return err
		})
		return page, next, err
	}
	err = s.client.read(ctx, "conversations.list", func(ctx context.Context) (err error) {
		page, next, err = s.client.api.GetConversationsContext(ctx, &slack.GetConversationsParameters{
			Cursor: s.cursor, Limit: listPage, Types: types, ExcludeArchived: true,
		})
		return err
	})
	return page, next, err
}

// named returns a channel that was found; else NotFound, or why the list was not
// read.
func (s *Search) named(name string) (slack.Channel, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ch, ok := s.found[name]; ok {
		return ch, nil
	}
	if s.atWork {
		return slack.Channel{}, busy()
	}
	if s.failed != nil {
		return slack.Channel{}, s.failed
	}
	return slack.Channel{}, noChannel(name)
}

func noChannel(name string) error {
	return &campaign.Error{
		Kind: campaign.NotFound, Err: fmt.Errorf("no channel named %s", name),
		Message: "Slack shows Muster no channel `" + name + "`: it does not exist, is archived, or is private and Muster is not in it. Create it, unarchive it, or type `/invite @Muster` there.",
	}
}

// channelID is what Slack calls a channel by; names are in lower case.
var channelID = regexp.MustCompile(`^[CGD][A-Z0-9]{2,}$`)

// Channel returns a channel that a person configured by ID, or by a name that Run
// has looked for, and joins it when it is public. NotFound says that we see no such
// channel. With any other refusal the channel comes beside the error when it is
// known: it can be used once that is mended.
func (s *Search) Channel(ctx context.Context, nameOrID string) (campaign.ChannelRef, error) {
	c := s.client
	nameOrID = strings.TrimPrefix(nameOrID, "#")
	if !channelID.MatchString(nameOrID) {
		found, err := s.named(nameOrID)
		if err != nil {
			return campaign.ChannelRef{}, err
		}
		return c.enter(ctx, found)
	}
	found, err := c.info(ctx, nameOrID)
	if code := codeOf(err); code == "unknown_method" || code == "missing_scope" {
		c.opts.Log.WithError(err).WithField("channel", nameOrID).Info("channel taken as configured; slack does not tell of it")
		return campaign.ChannelRef{ID: nameOrID}, nil // a post there joins it
	}
	if err != nil {
		return campaign.ChannelRef{}, err
	}
	return c.enter(ctx, *found)
}

func (c *Client) info(ctx context.Context, channel string) (found *slack.Channel, err error) {
	err = c.read(ctx, "conversations.info", func(ctx context.Context) (err error) {
		found, err = c.api.GetConversationInfoContext(ctx, &slack.GetConversationInfoInput{ChannelID: channel})
		return err
	})
	return found, err
}

// enter joins a channel that anybody may join.
func (c *Client) enter(ctx context.Context, ch slack.Channel) (campaign.ChannelRef, error) {
	ref := campaign.ChannelRef{ID: ch.ID, Name: ch.Name}
	if ch.IsArchived {
		m := meanings["is_archived"]
		return ref, &campaign.Error{Kind: m.kind, Message: m.words, Err: fmt.Errorf("%s is archived", ch.ID)}
	}
	if ch.IsMember || ch.IsPrivate || ch.IsIM {
		return ref, nil
	}
	return ref, c.join(ctx, ch.ID)
}

// searches are those for names that were taken when we wanted to create them, so
// that the next try goes on where Slack stopped the last one, and does not ask to
// create anew what is taken by others. Each began after its name was taken, and so
// finds what we made.
type searches struct {
	mu     sync.Mutex
	byName map[string]*Search
}

// of returns the search for a name that was kept, unless it grew old.
func (k *searches) of(name string) (*Search, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	maps.DeleteFunc(k.byName, func(_ string, s *Search) bool { return s.idle() > searchFor })
	s, ok := k.byName[name]
	return s, ok
}

func (k *searches) keep(name string, s *Search) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.byName == nil || len(k.byName) >= maxSearches {
		k.byName = map[string]*Search{}
	}
	k.byName[name] = s
}

func (k *searches) forget(name string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.byName, name)
}

// idle is for how long nobody went on with the search.
func (s *Search) idle() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.atWork {
		return 0
	}
	return time.Since(s.used)
}

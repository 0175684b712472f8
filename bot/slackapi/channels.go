package slackapi

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/slack-go/slack"

	"github.com/musterbot/muster/campaign"
)

// maxChannelName is Slack's, and maxNames how many names are tried for one channel.
const (
	maxChannelName = 80
	maxNames       = 9
	maxTopic       = 250
	maxInvited     = 1000 // people in one call
)

// EnsureChannel implements campaign.Channels. A channel that somebody else made
// under the same name is not taken: NAME-2 is, and so on.
func (c *Client) EnsureChannel(ctx context.Context, name string, private bool) (campaign.ChannelRef, error) {
	name = ChannelName(name)
	for n := 1; n <= maxNames; n++ {
		ref, err := c.ensure(ctx, numbered(name, n), private)
		if err == nil || campaign.KindOf(err) != campaign.NotFound {
			return ref, err
		}
	}
	return campaign.ChannelRef{}, &campaign.Error{
		Kind: campaign.Conflict, Err: fmt.Errorf("%s to %s are taken", name, numbered(name, maxNames)),
		Message: "All names for the channel `" + name + "` are taken by others. Nothing was created; rename one of them, or choose another title.",
	}
}

// ChannelName turns any text into a name that Slack takes: lower case, digits,
// hyphens and underscores, at most 80 characters.
func ChannelName(text string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(text) {
		switch {
		case b.Len() >= maxChannelName:
		case r < unicode.MaxASCII && (unicode.IsLower(r) || unicode.IsDigit(r) || r == '_'):
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	if name := strings.Trim(b.String(), "-_"); name != "" {
		return name
	}
	return "campaign"
}

func numbered(name string, n int) string {
	if n == 1 {
		return name
	}
	suffix := fmt.Sprintf("-%d", n)
	return strings.TrimRight(name[:min(len(name), maxChannelName-len(suffix))], "-") + suffix
}

func (c *Client) create(ctx context.Context, name string, private bool) (campaign.ChannelRef, error) {
	var made *slack.Channel
	err := c.write(ctx, "conversations.create", campaign.Interactive, func(ctx context.Context) (err error) {
		made, err = c.api.CreateConversationContext(ctx, slack.CreateConversationParams{ChannelName: name, IsPrivate: private})
		return err
	})
	if err != nil {
		return campaign.ChannelRef{}, err
	}
	return campaign.ChannelRef{ID: made.ID, Name: made.Name}, nil // its creator is in it
}

// ensure creates a channel of exactly this name, or returns the open one that our
// own bot made, as after a create whose answer was lost; else NotFound.
func (c *Client) ensure(ctx context.Context, name string, private bool) (campaign.ChannelRef, error) {
	s, taken := c.searches.of(name)
	if !taken {
		ref, err := c.create(ctx, name, private)
		if codeOf(err) != "name_taken" {
			return ref, err
		}
		s = c.Search(name)
		c.searches.keep(name, s)
	}
	me, err := c.Identity(ctx)
	if err != nil {
		return campaign.ChannelRef{}, err
	}
	if err := s.Run(ctx); err != nil {
		return campaign.ChannelRef{}, err
	}
	found, err := s.named(name)
	if err != nil {
		return campaign.ChannelRef{}, err
	}
	if found.Creator != me.UserID {
		return campaign.ChannelRef{}, noChannel(name)
	}
	c.searches.forget(name)
	return c.enter(ctx, found)
}

// Channel returns the channel that a person configured by name or ID, and joins
// it when it is public. By name it reads a list of channels, so it is for start-up
// only: store the ID, and use one Search for several.
func (c *Client) Channel(ctx context.Context, nameOrID string) (campaign.ChannelRef, error) {
	s := c.Search(nameOrID)
	if err := s.Run(ctx); err != nil {
		return campaign.ChannelRef{}, err
	}
	return s.Channel(ctx, nameOrID)
}

func (c *Client) join(ctx context.Context, channel string) error {
	return c.read(ctx, "conversations.join", func(ctx context.Context) error { // twice does no harm
		_, _, _, err := c.api.JoinConversationContext(ctx, channel)
		return err
	})
}

// Dress implements campaign.Channels.
func (c *Client) Dress(ctx context.Context, channel string, d campaign.Dress) error {
	if d.Topic != "" {
		if err := c.topic(ctx, channel, cut(d.Topic, maxTopic)); err != nil {
			return err
		}
	}
	if d.BookmarkURL != "" {
		if err := c.bookmark(ctx, channel, d.BookmarkTitle, d.BookmarkURL); err != nil {
			return err
		}
	}
	if d.Pin.TS == "" {
		return nil
	}
	err := c.read(ctx, "pins.add", func(ctx context.Context) error { // twice does no harm
		return c.api.AddPinContext(ctx, channel, slack.NewRefToMessage(channel, d.Pin.TS))
	})
	if err != nil && codeOf(err) != "already_pinned" {
		return err
	}
	if d.Unpin.TS == "" {
		return nil
	}
	err = c.read(ctx, "pins.remove", func(ctx context.Context) error {
		return c.api.RemovePinContext(ctx, channel, slack.NewRefToMessage(channel, d.Unpin.TS))
	})
	if code := codeOf(err); code == "no_pin" || code == "message_not_found" { // somebody took it down
		return nil
	}
	return err
}

// topic sets the topic unless it stands already: each change is a line in the channel.
func (c *Client) topic(ctx context.Context, channel, topic string) error {
	info, err := c.info(ctx, channel)
	if err != nil || info.Topic.Value == topic {
		return err
	}
	return c.write(ctx, "conversations.setTopic", campaign.Interactive, func(ctx context.Context) error {
		_, err := c.api.SetTopicOfConversationContext(ctx, channel, topic)
		return err
	})
}

func (c *Client) bookmark(ctx context.Context, channel, title, link string) error {
	var all []slack.Bookmark
	err := c.read(ctx, "bookmarks.list", func(ctx context.Context) (err error) {
		all, err = c.api.ListBookmarksContext(ctx, channel)
		return err
	})
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(b slack.Bookmark) bool { return b.Title == title })
	switch {
	case i < 0:
		return c.write(ctx, "bookmarks.add", campaign.Interactive, func(ctx context.Context) error {
			_, err := c.api.AddBookmarkContext(ctx, channel, slack.AddBookmarkParameters{Title: title, Type: "link", Link: link})
			return err
		})
	case all[i].Link == link:
		return nil
	}
	return c.write(ctx, "bookmarks.edit", campaign.Interactive, func(ctx context.Context) error {
		_, err := c.api.EditBookmarkContext(ctx, channel, all[i].ID, slack.EditBookmarkParameters{Title: &title, Link: link})
		return err
	})
}

// Invite implements campaign.Channels. People who cannot be invited, such as
// guests bound to another channel, do not keep the others out.
func (c *Client) Invite(ctx context.Context, channel string, users []string) error {
	for some := range slices.Chunk(users, maxInvited) {
		err := c.read(ctx, "conversations.invite", func(ctx context.Context) error { // twice does no harm
			_, err := c.api.ForceInviteUsersToConversationContext(ctx, channel, some...)
			return err
		})
		if err != nil && !alreadyIn(err) {
			return err
		}
	}
	return nil
}

// alreadyIn returns whether all who were not invited are in the channel.
func alreadyIn(err error) bool {
	answer, ok := errors.AsType[slack.SlackErrorResponse](err)
	if !ok || answer.Err != "already_in_channel" && answer.Err != "cant_invite_self" {
		return false
	}
	return !slices.ContainsFunc(answer.Errors, func(e slack.SlackResponseErrors) bool {
		refused := e.ConversationsInviteResponseError
		return refused != nil && refused.Error != "already_in_channel" && refused.Error != "cant_invite_self"
	})
}

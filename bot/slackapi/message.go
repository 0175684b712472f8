package slackapi

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"github.com/musterbot/muster/bot/view"
	"github.com/musterbot/muster/campaign"
)

// A message carries its key as metadata: opaque, invisible to people, and
// readable by us alone.
const (
	metadataType = "muster_effect"
	metadataKey  = "key"
	metadataPart = "part" // of a message that was too long for one
	metadataMore = "more" // in a part that others follow
)

// Post implements campaign.Messenger. A message that is too long for Slack
// becomes several; those of an earlier attempt that are there already are not
// posted again.
func (c *Client) Post(ctx context.Context, p campaign.Post) (campaign.MessageRef, error) {
	parts := view.Split(p.Message)
	var first campaign.MessageRef
	var there map[int]posted
	for i, m := range parts {
		if len(parts) > 1 && there == nil {
			found, err := c.partsOf(ctx, p.To, p.Thread, p.Key, time.Time{})
			if err != nil && campaign.KindOf(err) != campaign.NotFound {
				return first, err
			}
			there = found
		}
		old, done := there[i]
		ref := old.MessageRef
		if !done {
			fresh, err := c.postPart(ctx, p, m, i, i < len(parts)-1)
			if err != nil {
				return first, err
			}
			ref = fresh
		}
		if i == 0 {
			first = ref
		}
	}
	return first, nil
}

// postPart posts one message, and joins a public channel that it is not in.
func (c *Client) postPart(ctx context.Context, p campaign.Post, m campaign.Message, part int, more bool) (campaign.MessageRef, error) {
	payload := map[string]any{metadataKey: p.Key}
	if part > 0 {
		payload[metadataPart] = strconv.Itoa(part)
	}
	if more {
		payload[metadataMore] = "yes"
	}
	extra := []slack.MsgOption{
		slack.MsgOptionMetadata(slack.SlackMetadata{EventType: metadataType, EventPayload: payload}),
		slack.MsgOptionDisableLinkUnfurl(), slack.MsgOptionDisableMediaUnfurl(),
	}
	if p.Thread != "" {
		extra = append(extra, slack.MsgOptionTS(p.Thread))
	}
	var ref campaign.MessageRef
	send := func(text string, blocks []slack.Block) error {
		options := append([]slack.MsgOption{slack.MsgOptionText(text, false), slack.MsgOptionBlocks(blocks...)}, extra...)
		return c.do(ctx, call{method: methodPost, channel: p.To, lane: p.Lane}, func(ctx context.Context) (err error) {
			ref.Channel, ref.TS, err = c.api.PostMessageContext(ctx, p.To, options...)
			return err
		})
	}
	err := c.dressed(ctx, m, send)
	if codeOf(err) == "not_in_channel" && !isUser(p.To) {
		if joinErr := c.join(ctx, p.To); joinErr != nil {
			return campaign.MessageRef{}, err // its words say what to do
		}
		err = c.dressed(ctx, m, send)
	}
	if err != nil {
		return campaign.MessageRef{}, err
	}
	return ref, nil
}

// isUser returns whether a Slack ID is a person's: a direct message is posted
// to it.
func isUser(id string) bool { return strings.HasPrefix(id, "U") || strings.HasPrefix(id, "W") }

// Bounds of the looking up: the newest few hundred messages.
const (
	findPage  = 200
	findPages = 3
)

// Find implements campaign.Messenger. A message of several parts is found once all
// of them are there.
func (c *Client) Find(ctx context.Context, to, thread, key string, since time.Time) (campaign.MessageRef, error) {
	found, err := c.partsOf(ctx, to, thread, key, since)
	if err != nil {
		return campaign.MessageRef{}, err
	}
	for part := 0; ; part++ {
		at, ok := found[part]
		if !ok {
			return campaign.MessageRef{}, notFound(key) // nothing, or not all: Post adds what is missing
		}
		if !at.more {
			return found[0].MessageRef, nil
		}
	}
}

func notFound(key string) error {
	return &campaign.Error{Kind: campaign.NotFound, Message: "This message was not posted.", Err: fmt.Errorf("no message carries key %s", key)}
}

// posted is a message of ours that was found.
type posted struct {
	campaign.MessageRef
	more bool // another part follows
}

// partsOf returns the messages that carry a key, by part.
func (c *Client) partsOf(ctx context.Context, to, thread, key string, since time.Time) (map[int]posted, error) {
	channel := to
	if isUser(to) {
		opened, err := c.openDM(ctx, to)
		if err != nil {
			return nil, err
		}
		channel = opened
	}
	me, err := c.Identity(ctx)
	if err != nil {
		return nil, err
	}
	found := map[int]posted{}
	cursor, oldest := "", ""
	if !since.IsZero() {
		oldest = strconv.FormatInt(since.Add(-time.Minute).Unix(), 10) // their clock and ours may differ
	}
	for range findPages {
		messages, next, err := c.page(ctx, channel, thread, cursor, oldest)
		if err != nil {
			return nil, err
		}
		for _, m := range messages {
			if part, ok := ours(m, key, me); ok {
				found[part] = posted{
					MessageRef: campaign.MessageRef{Channel: channel, TS: m.Timestamp}, more: m.Metadata.EventPayload[metadataMore] != nil,
				}
			}
		}
		if cursor = next; cursor == "" {
			break
		}
	}
	return found, nil
}

// ours returns whether a message is our own and carries the key.
func ours(m slack.Message, key string, me Identity) (part int, ok bool) {
	if m.Metadata.EventType != metadataType || m.Metadata.EventPayload[metadataKey] != key {
		return 0, false
	}
	if m.User != me.UserID && m.BotID != me.BotID {
		return 0, false
	}
	if text, isText := m.Metadata.EventPayload[metadataPart].(string); isText {
		n, err := strconv.Atoi(text)
		return n, err == nil
	}
	return 0, true
}

// page reads one page of a channel or of a thread.
func (c *Client) page(ctx context.Context, channel, thread, cursor, oldest string) (messages []slack.Message, next string, err error) {
	if thread != "" {
		err = c.read(ctx, "conversations.replies", func(ctx context.Context) (err error) {
			messages, _, next, err = c.api.GetConversationRepliesContext(ctx, &slack.GetConversationRepliesParameters{
				ChannelID: channel, Timestamp: thread, Cursor: cursor, Oldest: oldest, Limit: findPage, IncludeAllMetadata: true,
			})
			return err
		})
		return messages, next, err
	}
	err = c.read(ctx, "conversations.history", func(ctx context.Context) error {
		got, err := c.api.GetConversationHistoryContext(ctx, &slack.GetConversationHistoryParameters{
			ChannelID: channel, Cursor: cursor, Oldest: oldest, Limit: findPage, IncludeAllMetadata: true,
		})
		if err != nil {
			return err
		}
		messages, next = got.Messages, got.ResponseMetaData.NextCursor
		return nil
	})
	return messages, next, err
}

// openDM returns the channel of the direct messages with a person. Opening it
// again does no harm, so that a lost answer means nothing.
func (c *Client) openDM(ctx context.Context, user string) (string, error) {
	var channel string
	err := c.read(ctx, "conversations.open", func(ctx context.Context) error {
		got, _, _, err := c.api.OpenConversationContext(ctx, &slack.OpenConversationParameters{Users: []string{user}})
		if err != nil {
			return err
		}
		channel = got.ID
		return nil
	})
	return channel, err
}

// Edit implements campaign.Messenger.
func (c *Client) Edit(ctx context.Context, ref campaign.MessageRef, m campaign.Message) error {
	parts := view.Split(m)
	if len(parts) > 1 {
		return &campaign.Error{Kind: campaign.Invalid, Message: "This message has become too long to be shown in one. The earlier text stands.", Err: fmt.Errorf("edit would need %d messages", len(parts))}
	}
	return c.dressed(ctx, parts[0], func(text string, blocks []slack.Block) error {
		return c.write(ctx, "chat.update", campaign.Bulk, func(ctx context.Context) error {
			_, _, _, err := c.api.UpdateMessageContext(ctx, ref.Channel, ref.TS, slack.MsgOptionText(text, false), slack.MsgOptionBlocks(blocks...))
			return err
		})
	})
}

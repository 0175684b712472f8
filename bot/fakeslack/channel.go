package fakeslack

import (
	"slices"
	"strings"
	"time"
)

type channelKind string

const (
	public  channelKind = "channel"
	private channelKind = "group"
	direct  channelKind = "im"
	group   channelKind = "mpim"
)

// maxEphemerals bounds the ephemeral messages kept of one channel, and maxEdits
// the earlier versions kept of one message.
const (
	maxEphemerals = 1000
	maxEdits      = 50
)

// channel is a conversation with everything in it. Messages are never changed in
// place: an edit puts another one in the same seat, so that copies stay true.
type channel struct {
	id, name     string
	kind         channelKind
	creator      string
	created      time.Time
	archived     bool
	topic        note
	purpose      note
	members      []string
	memberSet    map[string]bool
	messages     []*Message
	seats        map[string]int      // ts -> place in messages
	threads      map[string][]string // root ts -> reply ts
	ephemerals   []*Message
	pins         []Pin
	bookmarks    []*Bookmark
	previousName []string
}

type note struct {
	value, setBy string
	at           time.Time
}

func (n note) wire() fields {
	at := int64(0)
	if !n.at.IsZero() {
		at = n.at.Unix()
	}
	return fields{"value": n.value, "creator": n.setBy, "last_set": at}
}

// newChannel makes an empty conversation and files it.
func (w *Workspace) newChannel(kind channelKind, name, creator string) *channel {
	prefix := "C"
	if kind == direct {
		prefix = "D"
	}
	c := &channel{
		id: w.id(prefix), name: name, kind: kind, creator: creator, created: w.opts.Now(),
		memberSet: map[string]bool{}, seats: map[string]int{}, threads: map[string][]string{},
	}
	w.channels[c.id] = c
	w.channelIDs = append(w.channelIDs, c.id)
	if name != "" {
		w.names[name] = c.id
	}
	return c
}

func (c *channel) has(user string) bool { return c.memberSet[user] }

func (c *channel) admit(user string) bool {
	if c.memberSet[user] {
		return false
	}
	c.memberSet[user] = true
	c.members = append(c.members, user)
	return true
}

func (c *channel) release(user string) {
	delete(c.memberSet, user)
	c.members = slices.DeleteFunc(c.members, func(m string) bool { return m == user })
}

// message finds by timestamp, replies included; nil when there is none.
func (c *channel) message(ts string) *Message {
	i, ok := c.seats[ts]
	if !ok {
		return nil
	}
	return c.messages[i]
}

// add seats a message; replies join their thread and mark its root.
func (c *channel) add(m *Message) {
	c.seats[m.TS] = len(c.messages)
	c.messages = append(c.messages, m)
	if m.ThreadTS == "" || m.ThreadTS == m.TS {
		return
	}
	c.threads[m.ThreadTS] = append(c.threads[m.ThreadTS], m.TS)
	c.touch(m.ThreadTS, func(root *Message) {
		root.ThreadTS = root.TS
		root.ReplyCount++
		root.LatestReply = m.TS
		if !slices.Contains(root.ReplyUsers, m.User) {
			root.ReplyUsers = append(slices.Clone(root.ReplyUsers), m.User)
		}
	})
}

// touch puts a changed copy of a message in its seat, and returns it.
func (c *channel) touch(ts string, change func(*Message)) *Message {
	i, ok := c.seats[ts]
	if !ok {
		return nil
	}
	next := *c.messages[i]
	change(&next)
	c.messages[i] = &next
	return &next
}

// remove takes a message out. A root with replies stays as a tombstone.
func (c *channel) remove(ts string) {
	m := c.message(ts)
	if m == nil {
		return
	}
	if m.ReplyCount > 0 {
		c.touch(ts, func(m *Message) {
			m.Subtype, m.Text, m.Blocks, m.User = "tombstone", "This message was deleted.", nil, "USLACKBOT"
			m.Attachments, m.Metadata, m.BotID = nil, nil, ""
		})
		return
	}
	at := c.seats[ts]
	c.messages = slices.Delete(c.messages, at, at+1)
	delete(c.seats, ts)
	for i := at; i < len(c.messages); i++ {
		c.seats[c.messages[i].TS] = i
	}
	if m.ThreadTS != "" && m.ThreadTS != ts {
		c.threads[m.ThreadTS] = slices.DeleteFunc(c.threads[m.ThreadTS], func(r string) bool { return r == ts })
		replies := c.threads[m.ThreadTS]
		c.touch(m.ThreadTS, func(root *Message) {
			root.ReplyCount = len(replies)
			if len(replies) == 0 {
				root.ThreadTS, root.LatestReply, root.ReplyUsers = "", "", nil
			} else {
				root.LatestReply = replies[len(replies)-1]
			}
		})
	}
}

// wire renders the channel as the API does, seen by a user.
func (c *channel) wire(w *Workspace, seer string) fields {
	if c.kind == direct {
		return fields{
			"id": c.id, "created": c.created.Unix(), "is_im": true, "is_archived": c.archived,
			"is_org_shared": false, "user": c.partner(w.bot.ID), "is_open": true, "is_user_deleted": false,
			"context_team_id": w.team, "priority": 0,
		}
	}
	return fields{
		"id": c.id, "name": c.name, "name_normalized": c.name, "created": c.created.Unix(),
		"creator": c.creator, "is_channel": c.kind == public, "is_group": c.kind == private,
		"is_im": false, "is_mpim": c.kind == group, "is_private": c.kind != public,
		"is_archived": c.archived, "is_general": c.name == "general", "is_shared": false,
		"is_ext_shared": false, "is_org_shared": false, "is_pending_ext_shared": false,
		"is_member": c.has(seer), "topic": c.topic.wire(), "purpose": c.purpose.wire(),
		"previous_names": slices.Clone(c.previousName), "num_members": len(c.members),
		"context_team_id": w.team, "unlinked": 0, "shared_team_ids": []string{w.team},
	}
}

func (c *channel) partner(bot string) string {
	for _, m := range c.members {
		if m != bot {
			return m
		}
	}
	return ""
}

// find looks a channel up by id or, where people may type one, by name.
func (w *Workspace) find(ref string) *channel {
	if c := w.channels[ref]; c != nil {
		return c
	}
	return w.channels[w.names[strings.TrimPrefix(ref, "#")]]
}

// visible finds a channel that the bot may know of: private ones and direct
// messages only as a member.
func (w *Workspace) visible(ref string) (*channel, error) {
	c := w.channels[ref]
	if c == nil || c.kind != public && !c.has(w.bot.ID) {
		return nil, fail("channel_not_found")
	}
	return c, nil
}

// dm finds the direct message channel between the bot and a user, or opens it.
func (w *Workspace) dm(user string) *channel {
	if id, ok := w.dms[user]; ok {
		return w.channels[id]
	}
	c := w.newChannel(direct, "", user)
	c.admit(w.bot.ID)
	c.admit(user)
	w.dms[user] = c.id
	w.change(Change{Kind: Arranged, Channel: c.id, User: user})
	return c
}

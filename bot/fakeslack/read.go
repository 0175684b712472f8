package fakeslack

import (
	"slices"
	"strings"
	"time"
)

// Channel is a conversation as people see it.
type Channel struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"` // empty for direct messages
	Kind      string     `json:"kind"` // channel, group (private), im or mpim
	Creator   string     `json:"creator"`
	Created   time.Time  `json:"created"`
	Archived  bool       `json:"archived"`
	Topic     string     `json:"topic"`
	Purpose   string     `json:"purpose"`
	Members   []string   `json:"members"`
	Pins      []Pin      `json:"pins"`
	Bookmarks []Bookmark `json:"bookmarks"`
	Messages  int        `json:"messages"`          // how many there are, threads included
	Latest    string     `json:"latest,omitempty"`  // ts of the newest
	Partner   string     `json:"partner,omitempty"` // of an im: the person beside the app
}

func (c *channel) read(w *Workspace) Channel {
	out := Channel{
		ID: c.id, Name: c.name, Kind: string(c.kind), Creator: c.creator, Created: c.created,
		Archived: c.archived, Topic: c.topic.value, Purpose: c.purpose.value,
		Members: slices.Clone(c.members), Pins: slices.Clone(c.pins), Messages: len(c.messages),
	}
	for _, b := range c.bookmarks {
		out.Bookmarks = append(out.Bookmarks, *b)
	}
	if n := len(c.messages); n > 0 {
		out.Latest = c.messages[n-1].TS
	}
	if c.kind == direct {
		out.Partner = c.partner(w.bot.ID)
	}
	return out
}

// Channels are all conversations, direct messages included, in order of creation.
func (w *Workspace) Channels() []Channel {
	w.mu.RLock()
	defer w.mu.RUnlock()
	out := make([]Channel, 0, len(w.channelIDs))
	for _, id := range w.channelIDs {
		out = append(out, w.channels[id].read(w))
	}
	return out
}

// Channel finds a conversation by id, or by name with or without its #.
func (w *Workspace) Channel(ref string) (Channel, bool) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	c := w.find(ref)
	if c == nil {
		return Channel{}, false
	}
	return c.read(w), true
}

// Messages are all messages of a conversation, replies and joins included, oldest
// first. Ephemeral ones are read from the Person who sees them.
func (w *Workspace) Messages(in string) []Message {
	w.mu.RLock()
	defer w.mu.RUnlock()
	c := w.find(in)
	if c == nil {
		return nil
	}
	out := make([]Message, 0, len(c.messages))
	for _, m := range c.messages {
		out = append(out, *m)
	}
	return out
}

// Posts are the messages that someone wrote: Messages without joins, topics and
// the like.
func (w *Workspace) Posts(in string) []Message {
	return slices.DeleteFunc(w.Messages(in), func(m Message) bool {
		return m.Subtype != "" && m.Subtype != "file_share" && m.Subtype != "thread_broadcast"
	})
}

// Message finds one message by its timestamp.
func (w *Workspace) Message(in, ts string) (Message, bool) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if c := w.find(in); c != nil {
		if m := c.message(ts); m != nil {
			return *m, true
		}
	}
	return Message{}, false
}

// Thread is a message with its replies, oldest first.
func (w *Workspace) Thread(in, root string) []Message {
	w.mu.RLock()
	defer w.mu.RUnlock()
	c := w.find(in)
	if c == nil || c.message(root) == nil {
		return nil
	}
	out := []Message{*c.message(root)}
	for _, ts := range c.threads[root] {
		out = append(out, *c.message(ts))
	}
	return out
}

// Pinned are the pinned messages of a channel, the newest pin first.
func (w *Workspace) Pinned(in string) []Message {
	w.mu.RLock()
	defer w.mu.RUnlock()
	c := w.find(in)
	if c == nil {
		return nil
	}
	var out []Message
	for _, p := range slices.Backward(c.pins) {
		if m := c.message(p.TS); m != nil {
			out = append(out, *m)
		}
	}
	return out
}

// Users are all members of the workspace, the bot first.
func (w *Workspace) Users() []User {
	w.mu.RLock()
	defer w.mu.RUnlock()
	out := make([]User, 0, len(w.userOrder))
	for _, id := range w.userOrder {
		out = append(out, *w.users[id])
	}
	return out
}

// User finds one by id or handle.
func (w *Workspace) User(ref string) (User, bool) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	ref = strings.TrimPrefix(ref, "@")
	if u := w.users[ref]; u != nil {
		return *u, true
	}
	for _, id := range w.userOrder {
		if w.users[id].Name == ref {
			return *w.users[id], true
		}
	}
	return User{}, false
}

// UserGroups are all user groups.
func (w *Workspace) UserGroups() []UserGroup {
	w.mu.RLock()
	defer w.mu.RUnlock()
	out := make([]UserGroup, 0, len(w.groups))
	for _, g := range w.groups {
		copied := *g
		copied.Users = slices.Clone(g.Users)
		out = append(out, copied)
	}
	return out
}

// Files are the files that were shared, in order.
func (w *Workspace) Files() []File {
	w.mu.RLock()
	defer w.mu.RUnlock()
	out := make([]File, 0, len(w.fileOrder))
	for _, id := range w.fileOrder {
		out = append(out, *w.files[id])
	}
	return out
}

// File finds one that was shared.
func (w *Workspace) File(id string) (File, bool) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if f := w.files[id]; f != nil && f.ready {
		return *f, true
	}
	return File{}, false
}

// Permalink is the link to a message, empty when there is none.
func (w *Workspace) Permalink(in, ts string) string {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if c := w.find(in); c != nil {
		if m := c.message(ts); m != nil {
			return w.permalink(c, m)
		}
	}
	return ""
}

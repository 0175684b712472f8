package fakeslack

import (
	"fmt"
	"net/url"
	"slices"
	"time"
	"unicode/utf8"
)

// Pin is a message pinned in a channel.
type Pin struct {
	TS string    `json:"ts"`
	By string    `json:"by"`
	At time.Time `json:"at"`
}

// Bookmark is a link in a channel's header.
type Bookmark struct {
	ID      string    `json:"id"`
	Channel string    `json:"channel"`
	Title   string    `json:"title"`
	Link    string    `json:"link"`
	Emoji   string    `json:"emoji,omitempty"`
	At      time.Time `json:"at"`
}

const (
	maxPins      = 100
	maxBookmarks = 100
)

// kept finds a channel in which the bot may pin, bookmark or react.
func (r *request) kept(arg string) (*channel, error) {
	c, err := r.w.visible(r.str(arg))
	switch {
	case err != nil:
		return nil, err
	case !c.has(r.w.bot.ID):
		return nil, fail("not_in_channel")
	case c.archived:
		return nil, fail("is_archived")
	}
	return c, nil
}

func addPin(r *request) (fields, error) {
	w := r.w
	c, err := r.kept("channel")
	if err != nil {
		return nil, err
	}
	ts := r.str("timestamp")
	if ts == "" {
		return nil, fail("no_item_specified")
	}
	m := c.message(ts)
	switch {
	case m == nil:
		return nil, fail("message_not_found")
	case m.Pinned:
		return nil, fail("already_pinned")
	case len(c.pins) >= maxPins:
		return nil, fail("too_many_pins")
	}
	c.pins = append(c.pins, Pin{TS: ts, By: w.bot.ID, At: w.opts.Now()})
	c.touch(ts, func(m *Message) { m.Pinned = true })
	w.change(Change{Kind: Arranged, Channel: c.id, TS: ts, Detail: "pinned"})
	return nil, nil
}

func removePin(r *request) (fields, error) {
	w := r.w
	c, err := r.kept("channel")
	if err != nil {
		return nil, err
	}
	ts := r.str("timestamp")
	if ts == "" {
		return nil, fail("no_item_specified")
	}
	m := c.message(ts)
	switch {
	case m == nil:
		return nil, fail("message_not_found")
	case !m.Pinned:
		return nil, fail("no_pin")
	}
	c.pins = slices.DeleteFunc(c.pins, func(p Pin) bool { return p.TS == ts })
	c.touch(ts, func(m *Message) { m.Pinned = false })
	w.change(Change{Kind: Arranged, Channel: c.id, TS: ts, Detail: "unpinned"})
	return nil, nil
}

func listPins(r *request) (fields, error) {
	c, err := r.w.visible(r.str("channel"))
	if err != nil {
		return nil, err
	}
	items := make([]fields, 0, len(c.pins))
	for _, p := range slices.Backward(c.pins) { // the newest first
		m := c.message(p.TS)
		if m == nil {
			continue
		}
		items = append(items, fields{
			"type": "message", "channel": c.id, "created": p.At.Unix(), "created_by": p.By,
			"message": m.wire(r.w, false),
		})
	}
	return fields{"items": items}, nil
}

func (b *Bookmark) wire(w *Workspace) fields {
	return fields{
		"id": b.ID, "channel_id": b.Channel, "title": b.Title, "link": b.Link, "emoji": b.Emoji,
		"icon_url": "", "type": "link", "date_created": b.At.Unix(), "date_updated": 0,
		"rank": "i", "last_updated_by_user_id": w.bot.ID, "last_updated_by_team_id": w.team, "app_id": w.appID,
	}
}

func addBookmark(r *request) (fields, error) {
	w := r.w
	c, err := r.kept("channel_id")
	if err != nil {
		return nil, err
	}
	switch {
	case r.str("type") != "link":
		return nil, fail("invalid_bookmark_type")
	case r.str("title") == "":
		return nil, fail("invalid_arguments")
	case len(c.bookmarks) >= maxBookmarks:
		return nil, fail("too_many_bookmarks")
	}
	if err := checkLink(r.str("link")); err != nil {
		return nil, err
	}
	b := &Bookmark{
		ID: w.id("Bk"), Channel: c.id, Title: r.str("title"), Link: r.str("link"),
		Emoji: r.str("emoji"), At: w.opts.Now(),
	}
	c.bookmarks = append(c.bookmarks, b)
	w.change(Change{Kind: Arranged, Channel: c.id, Detail: "bookmarked"})
	return fields{"bookmark": b.wire(w)}, nil
}

func checkLink(link string) error {
	u, err := url.Parse(link)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || utf8.RuneCountInString(link) > 3000 {
		return fail("invalid_link")
	}
	return nil
}

func (c *channel) bookmark(id string) int {
	return slices.IndexFunc(c.bookmarks, func(b *Bookmark) bool { return b.ID == id })
}

func editBookmark(r *request) (fields, error) {
	w := r.w
	c, err := r.kept("channel_id")
	if err != nil {
		return nil, err
	}
	at := c.bookmark(r.str("bookmark_id"))
	if at < 0 {
		return nil, fail("not_found")
	}
	b := *c.bookmarks[at]
	if title, given := r.args["title"]; given {
		b.Title = title
	}
	if emoji, given := r.args["emoji"]; given {
		b.Emoji = emoji
	}
	if link := r.str("link"); link != "" {
		if err := checkLink(link); err != nil {
			return nil, err
		}
		b.Link = link
	}
	c.bookmarks[at] = &b
	w.change(Change{Kind: Arranged, Channel: c.id, Detail: "bookmarked"})
	return fields{"bookmark": b.wire(w)}, nil
}

func removeBookmark(r *request) (fields, error) {
	c, err := r.kept("channel_id")
	if err != nil {
		return nil, err
	}
	at := c.bookmark(r.str("bookmark_id"))
	if at < 0 {
		return nil, fail("not_found")
	}
	c.bookmarks = slices.Delete(c.bookmarks, at, at+1)
	r.w.change(Change{Kind: Arranged, Channel: c.id, Detail: "unbookmarked"})
	return nil, nil
}

func listBookmarks(r *request) (fields, error) {
	c, err := r.w.visible(r.str("channel_id"))
	if err != nil {
		return nil, err
	}
	out := make([]fields, 0, len(c.bookmarks))
	for _, b := range c.bookmarks {
		out = append(out, b.wire(r.w))
	}
	return fields{"bookmarks": out}, nil
}

func wireReactions(reacts []Reaction) []fields {
	out := make([]fields, 0, len(reacts))
	for _, r := range reacts {
		out = append(out, fields{"name": r.Name, "users": r.Users, "count": len(r.Users)})
	}
	return out
}

func addReaction(r *request) (fields, error) {
	w := r.w
	c, err := r.kept("channel")
	if err != nil {
		return nil, err
	}
	name := r.str("name")
	if name == "" || len(name) > 100 {
		return nil, fail("invalid_name")
	}
	if c.message(r.str("timestamp")) == nil {
		return nil, fail("message_not_found")
	}
	if !w.react(c, r.str("timestamp"), name, w.bot.ID) {
		return nil, fail("already_reacted")
	}
	return nil, nil
}

// react is false when the user had put that reaction there already.
func (w *Workspace) react(c *channel, ts, name, user string) bool {
	m := c.message(ts)
	reacts := make([]Reaction, 0, len(m.Reacts)+1)
	found := false
	for _, have := range m.Reacts {
		if have.Name == name {
			if slices.Contains(have.Users, user) {
				return false
			}
			have.Users = append(slices.Clone(have.Users), user)
			found = true
		}
		reacts = append(reacts, have)
	}
	if !found {
		reacts = append(reacts, Reaction{Name: name, Users: []string{user}})
	}
	c.touch(ts, func(m *Message) { m.Reacts = reacts })
	w.change(Change{Kind: Reacted, Channel: c.id, TS: ts, User: user, Detail: name})
	if c.has(w.bot.ID) {
		w.event("reaction_added", fields{
			"type": "reaction_added", "user": user, "reaction": name, "item_user": m.User,
			"item": fields{"type": "message", "channel": c.id, "ts": ts}, "event_ts": w.ts(),
		})
	}
	return true
}

func removeReaction(r *request) (fields, error) {
	w := r.w
	c, err := r.kept("channel")
	if err != nil {
		return nil, err
	}
	ts, name := r.str("timestamp"), r.str("name")
	m := c.message(ts)
	if m == nil {
		return nil, fail("message_not_found")
	}
	var left []Reaction
	removed := false
	for _, have := range m.Reacts {
		if have.Name == name && slices.Contains(have.Users, w.bot.ID) {
			removed = true
			have.Users = slices.DeleteFunc(slices.Clone(have.Users), func(u string) bool { return u == w.bot.ID })
		}
		if len(have.Users) > 0 {
			left = append(left, have)
		}
	}
	if !removed {
		return nil, fail("no_reaction")
	}
	c.touch(ts, func(m *Message) { m.Reacts = left })
	w.change(Change{Kind: Reacted, Channel: c.id, TS: ts, User: w.bot.ID, Detail: fmt.Sprintf("-%s", name)})
	return nil, nil
}

func getReactions(r *request) (fields, error) {
	c, err := r.w.visible(r.str("channel"))
	if err != nil {
		return nil, err
	}
	m := c.message(r.str("timestamp"))
	if m == nil {
		return nil, fail("message_not_found")
	}
	return fields{"type": "message", "channel": c.id, "message": m.wire(r.w, false)}, nil
}

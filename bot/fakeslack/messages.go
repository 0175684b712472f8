package fakeslack

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Slack's bounds on one message.
const (
	maxText        = 40_000
	maxBlockText   = 13_200 // of all blocks together; undocumented, seen by others
	maxAttachments = 100
)

// content is what a message says, checked and ready to be kept.
type content struct {
	text        string
	blocks      json.RawMessage
	attachments json.RawMessage
	metadata    json.RawMessage
}

// content checks text, blocks, attachments and metadata of a call.
func (r *request) content() (content, error) {
	c := content{text: r.str("text")}
	if utf8.RuneCountInString(c.text) > maxText {
		return c, fail("msg_too_long")
	}
	var err error
	if c.blocks, err = r.w.checkBlocks(r.str("blocks")); err != nil {
		return c, err
	}
	if raw := r.str("attachments"); raw != "" && raw != "[]" {
		var list []json.RawMessage
		if json.Unmarshal([]byte(raw), &list) != nil {
			return c, fail("invalid_attachments")
		}
		if len(list) > maxAttachments {
			return c, fail("too_many_attachments")
		}
		c.attachments = json.RawMessage(raw)
	}
	if raw := r.str("metadata"); raw != "" {
		if c.metadata, err = checkMetadata(raw); err != nil {
			return c, err
		}
	}
	if strings.TrimSpace(c.text) == "" && c.blocks == nil && c.attachments == nil {
		return c, fail("no_text")
	}
	return c, nil
}

// checkBlocks validates the blocks of a message and gives an id to those that
// have none. Empty input has no blocks.
func (w *Workspace) checkBlocks(raw string) (json.RawMessage, error) {
	if raw == "" || raw == "[]" || raw == "null" {
		return nil, nil
	}
	tree, err := parseBlocks([]byte(raw))
	if err != nil {
		return nil, fail("invalid_blocks_format")
	}
	problems := validateTree(SurfaceMessage, tree)
	for i, block := range tree {
		if kind := text(block, "type"); w.refused[kind] {
			problems = append(problems, Problem{
				Pointer: fmt.Sprintf("/blocks/%d/type", i), Message: "unsupported type: " + kind,
			})
		}
	}
	if len(problems) > 0 {
		return nil, refuseBlocks("invalid_blocks", "", problems)
	}
	if blockText(tree) > maxBlockText {
		return nil, fail("msg_blocks_too_long")
	}
	w.nameBlocks(tree)
	return json.Marshal(tree)
}

// refuseBlocks words problems as Slack does.
func refuseBlocks(code, prefix string, problems []Problem) error {
	plain, tagged := make([]string, 0, len(problems)), make([]string, 0, len(problems))
	for _, p := range problems {
		line := fmt.Sprintf("%s [json-pointer:%s%s]", p.Message, prefix, p.Pointer)
		plain = append(plain, line)
		tagged = append(tagged, "[ERROR] "+line)
	}
	return &apiError{code: code, extra: fields{
		"errors": plain, "response_metadata": fields{"messages": tagged},
	}}
}

func checkMetadata(raw string) (json.RawMessage, error) {
	var m struct {
		EventType    string         `json:"event_type"`
		EventPayload map[string]any `json:"event_payload"`
		Entities     []any          `json:"entities"`
	}
	if json.Unmarshal([]byte(raw), &m) != nil {
		return nil, fail("invalid_metadata_format")
	}
	if m.EventType == "" && len(m.EventPayload) == 0 && len(m.Entities) == 0 {
		return nil, nil // slack-go sends an empty object where there is none
	}
	if m.EventType == "" && len(m.Entities) == 0 {
		return nil, fail("invalid_metadata_schema")
	}
	if len(raw) > 16_000 {
		return nil, fail("metadata_too_large")
	}
	return json.RawMessage(raw), nil
}

// target finds where a post goes: a channel by id or name, or a person, whose
// direct messages it opens.
func (r *request) target() (*channel, error) {
	w, ref := r.w, r.str("channel")
	if u := w.users[ref]; u != nil {
		switch {
		case u.IsBot:
			return nil, fail("cannot_dm_bot")
		case u.Deleted:
			return nil, fail("channel_not_found")
		}
		return w.dm(u.ID), nil
	}
	c := w.find(ref)
	switch {
	case c == nil, c.kind != public && !c.has(w.bot.ID):
		return nil, fail("channel_not_found")
	case c.archived:
		return nil, fail("is_archived")
	case !c.has(w.bot.ID) && !slices.Contains(r.token.scopes, "chat:write.public"): // only when granted by name
		return nil, fail("not_in_channel")
	}
	return c, nil
}

func postMessage(r *request) (fields, error) {
	w := r.w
	c, err := r.target()
	if err != nil {
		return nil, err
	}
	says, err := r.content()
	if err != nil {
		return nil, err
	}
	m := w.botMessage(c, says)
	m.Username, m.Icon = r.str("username"), r.str("icon_emoji")
	if root := r.str("thread_ts"); root != "" {
		if _, ok := parseTS(root); !ok {
			return nil, fail("invalid_thread_ts")
		}
		parent := c.message(root)
		if parent == nil {
			return nil, fail("thread_not_found")
		}
		if parent.ThreadTS != "" {
			root = parent.ThreadTS
		}
		m.ThreadTS, m.Broadcast = root, r.flag("reply_broadcast")
	}
	w.post(c, m)
	return fields{"channel": c.id, "ts": m.TS, "message": m.wire(w, false)}, nil
}

// botMessage makes a message of the app, not yet seated.
func (w *Workspace) botMessage(c *channel, says content) *Message {
	return &Message{
		Channel: c.id, TS: w.ts(), User: w.bot.ID, BotID: w.bot.BotID, At: w.opts.Now(),
		Text: says.text, Blocks: says.blocks, Attachments: says.attachments, Metadata: says.metadata,
	}
}

// post seats a message, notifies whom it wakes, and tells the app.
func (w *Workspace) post(c *channel, m *Message) {
	if m.Broadcast {
		m.Subtype = "thread_broadcast"
	}
	c.add(m)
	w.notify(c, m)
	w.change(Change{Kind: Posted, Channel: c.id, TS: m.TS, User: m.User})
	w.messageEvent(c, m)
}

func postEphemeral(r *request) (fields, error) {
	w := r.w
	c, err := r.target()
	if err != nil {
		return nil, err
	}
	user := r.str("user")
	switch {
	case w.users[user] == nil:
		return nil, fail("user_not_found")
	case !c.has(user):
		return nil, fail("user_not_in_channel")
	}
	says, err := r.content()
	if err != nil {
		return nil, err
	}
	m := w.botMessage(c, says)
	m.ThreadTS = r.str("thread_ts")
	w.whisper(c, user, m)
	return fields{"message_ts": m.TS}, nil
}

// whisper shows a message to one person.
func (w *Workspace) whisper(c *channel, user string, m *Message) {
	m.VisibleTo = user
	c.ephemerals = append(c.ephemerals, m)
	if over := len(c.ephemerals) - maxEphemerals; over > 0 {
		c.ephemerals = append([]*Message(nil), c.ephemerals[over:]...)
	}
	w.change(Change{Kind: Whispered, Channel: c.id, TS: m.TS, User: user})
}

// own finds a message that the bot wrote and may change.
func (r *request) own(refusal string) (*channel, *Message, error) {
	w := r.w
	c := w.channels[r.str("channel")]
	switch {
	case c == nil, c.kind != public && !c.has(w.bot.ID):
		return nil, nil, fail("channel_not_found")
	case c.archived:
		return nil, nil, fail("is_archived")
	}
	m := c.message(r.str("ts"))
	switch {
	case m == nil:
		return nil, nil, fail("message_not_found")
	case m.User != w.bot.ID || m.Subtype != "" && m.Subtype != "thread_broadcast":
		return nil, nil, fail(refusal)
	}
	return c, m, nil
}

// updateMessage edits. An edit notifies nobody.
func updateMessage(r *request) (fields, error) {
	w := r.w
	c, old, err := r.own("cant_update_message")
	if err != nil {
		return nil, err
	}
	// What is left out stays, except that text alone takes the blocks away, and an
	// empty list takes away what it lists.
	if _, given := r.args["blocks"]; !given && r.str("text") == "" && old.Blocks != nil {
		r.args["blocks"] = string(old.Blocks)
	}
	if _, given := r.args["attachments"]; !given && old.Attachments != nil && r.str("text") == "" {
		r.args["attachments"] = string(old.Attachments)
	}
	says, err := r.content()
	if err != nil {
		return nil, err
	}
	m := w.edit(c, old, says, w.bot.ID, r.str("metadata") != "")
	return fields{"channel": c.id, "ts": m.TS, "text": m.Text, "message": m.wire(w, false)}, nil
}

// edit puts other words in a message's seat and keeps the earlier ones.
func (w *Workspace) edit(c *channel, old *Message, says content, by string, metadata bool) *Message {
	m := c.touch(old.TS, func(m *Message) {
		versions := append(append([]Version(nil), old.Versions...),
			Version{Text: old.Text, Blocks: old.Blocks, Replaced: w.opts.Now()})
		if len(versions) > maxEdits {
			versions = versions[len(versions)-maxEdits:]
		}
		m.Versions = versions
		m.Text, m.Blocks, m.Attachments = says.text, says.blocks, says.attachments
		if metadata {
			m.Metadata = says.metadata
		}
		m.EditedBy, m.EditedTS = by, w.ts()
	})
	w.change(Change{Kind: Edited, Channel: c.id, TS: m.TS, User: by})
	w.event(messageEventName(c), fields{
		"type": "message", "subtype": "message_changed", "hidden": true, "channel": c.id,
		"channel_type": string(c.kind), "ts": m.EditedTS, "event_ts": m.EditedTS,
		"message": m.wire(w, true), "previous_message": old.wire(w, true),
	})
	return m
}

func deleteMessage(r *request) (fields, error) {
	w := r.w
	c, m, err := r.own("cant_delete_message")
	if err != nil {
		return nil, err
	}
	w.remove(c, m)
	return fields{"channel": c.id, "ts": m.TS}, nil
}

// remove deletes a message and tells the app.
func (w *Workspace) remove(c *channel, m *Message) {
	c.remove(m.TS)
	w.change(Change{Kind: Removed, Channel: c.id, TS: m.TS})
	at := w.ts()
	w.event(messageEventName(c), fields{
		"type": "message", "subtype": "message_deleted", "hidden": true, "channel": c.id,
		"channel_type": string(c.kind), "ts": at, "event_ts": at, "deleted_ts": m.TS,
		"previous_message": m.wire(w, true),
	})
}

func getPermalink(r *request) (fields, error) {
	w := r.w
	c, err := w.visible(r.str("channel"))
	if err != nil {
		return nil, err
	}
	m := c.message(r.str("message_ts"))
	if m == nil {
		return nil, fail("message_not_found")
	}
	return fields{"channel": c.id, "permalink": w.permalink(c, m)}, nil
}

func (w *Workspace) permalink(c *channel, m *Message) string {
	link := fmt.Sprintf("https://%s.slack.com/archives/%s/p%s",
		w.opts.Domain, c.id, strings.ReplaceAll(m.TS, ".", ""))
	if m.ThreadTS != "" && m.ThreadTS != m.TS {
		link += "?thread_ts=" + m.ThreadTS + "&cid=" + c.id
	}
	return link
}

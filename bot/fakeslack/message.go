package fakeslack

import (
	"encoding/json"
	"time"
)

// Message is a message as it stands. Blocks, Attachments and Metadata are JSON.
type Message struct {
	Channel     string          `json:"channel"`
	TS          string          `json:"ts"`
	ThreadTS    string          `json:"thread_ts,omitempty"` // of the root; the root's own once it has replies
	User        string          `json:"user"`
	BotID       string          `json:"bot_id,omitempty"`
	Subtype     string          `json:"subtype,omitempty"`
	Text        string          `json:"text"` // as it was sent, escapes included
	Blocks      json.RawMessage `json:"blocks,omitempty"`
	Attachments json.RawMessage `json:"attachments,omitempty"`
	Metadata    json.RawMessage `json:"metadata,omitempty"`
	Username    string          `json:"username,omitempty"`
	Icon        string          `json:"icon,omitempty"`
	At          time.Time       `json:"at"`

	EditedBy string     `json:"edited_by,omitempty"`
	EditedTS string     `json:"edited_ts,omitempty"`
	Versions []Version  `json:"versions,omitempty"` // earlier ones, oldest first; the last 50
	Reacts   []Reaction `json:"reactions,omitempty"`
	Files    []string   `json:"files,omitempty"` // ids
	Pinned   bool       `json:"pinned,omitempty"`

	ReplyCount  int      `json:"reply_count,omitempty"`
	ReplyUsers  []string `json:"reply_users,omitempty"`
	LatestReply string   `json:"latest_reply,omitempty"`

	VisibleTo string `json:"visible_to,omitempty"` // the one user who sees an ephemeral message
	Answers   string `json:"answers,omitempty"`    // the trigger ID of the command that it came in answer to
	Broadcast bool   `json:"broadcast,omitempty"`  // a reply also sent to the channel
}

// Version is what a message said before an edit.
type Version struct {
	Text     string          `json:"text"`
	Blocks   json.RawMessage `json:"blocks,omitempty"`
	Replaced time.Time       `json:"replaced"`
}

// Reaction is an emoji under a message.
type Reaction struct {
	Name  string   `json:"name"`
	Users []string `json:"users"`
}

// wire renders a message as the API does.
func (m *Message) wire(w *Workspace, metadata bool) fields {
	out := fields{"type": "message", "user": m.User, "text": m.Text, "ts": m.TS, "team": w.team}
	set := func(name, value string) {
		if value != "" {
			out[name] = value
		}
	}
	set("subtype", m.Subtype)
	set("thread_ts", m.ThreadTS)
	set("username", m.Username)
	if m.BotID != "" {
		out["bot_id"], out["app_id"] = m.BotID, w.appID
		out["bot_profile"] = fields{
			"id": m.BotID, "app_id": w.appID, "name": w.bot.Name, "team_id": w.team,
			"deleted": false, "updated": m.At.Unix(),
			"icons": fields{"image_36": "", "image_48": "", "image_72": ""},
		}
	}
	if m.Blocks != nil {
		out["blocks"] = m.Blocks
	}
	if m.Attachments != nil {
		out["attachments"] = m.Attachments
	}
	if metadata && m.Metadata != nil {
		out["metadata"] = m.Metadata
	}
	if m.EditedTS != "" {
		out["edited"] = fields{"user": m.EditedBy, "ts": m.EditedTS}
	}
	if m.ReplyCount > 0 {
		out["reply_count"], out["reply_users"], out["latest_reply"] = m.ReplyCount, m.ReplyUsers, m.LatestReply
		out["reply_users_count"] = len(m.ReplyUsers)
	} else if m.ThreadTS != "" && m.ThreadTS != m.TS {
		if c := w.channels[m.Channel]; c != nil {
			if root := c.message(m.ThreadTS); root != nil {
				out["parent_user_id"] = root.User
			}
		}
	}
	if len(m.Reacts) > 0 {
		out["reactions"] = wireReactions(m.Reacts)
	}
	if m.Pinned {
		out["pinned_to"] = []string{m.Channel}
	}
	if len(m.Files) > 0 {
		files := make([]fields, 0, len(m.Files))
		for _, id := range m.Files {
			if f := w.files[id]; f != nil {
				files = append(files, f.wire(w))
			}
		}
		out["files"] = files
	}
	return out
}

package fakeslack

import (
	"slices"
	"strings"
	"time"
)

// User is a person, or the bot, as the workspace knows them.
type User struct {
	ID            string `json:"id"`
	Name          string `json:"name"` // the handle
	RealName      string `json:"real_name"`
	DisplayName   string `json:"display_name"`
	Email         string `json:"email,omitempty"`
	Title         string `json:"title,omitempty"`
	TZ            string `json:"tz"` // IANA name
	TZLabel       string `json:"tz_label"`
	Locale        string `json:"locale"`
	StatusText    string `json:"status_text,omitempty"`
	StatusEmoji   string `json:"status_emoji,omitempty"`
	IsBot         bool   `json:"is_bot"`
	BotID         string `json:"bot_id,omitempty"`
	Deleted       bool   `json:"deleted"`
	Admin         bool   `json:"admin"`
	Guest         bool   `json:"guest"`          // multi-channel
	SingleChannel bool   `json:"single_channel"` // single-channel guest
	Stranger      bool   `json:"stranger"`       // of a connected workspace
	TeamID        string `json:"team_id"`        // another one than ours for strangers
	Updated       int64  `json:"updated"`
}

// wire renders a user as the API does; e-mail addresses need their own scope.
func (u *User) wire(w *Workspace, email bool) fields {
	offset := 0
	if zone, err := time.LoadLocation(u.TZ); err == nil {
		_, offset = w.opts.Now().In(zone).Zone()
	}
	team := u.TeamID
	if team == "" {
		team = w.team
	}
	profile := fields{
		"real_name": u.RealName, "real_name_normalized": u.RealName,
		"display_name": u.DisplayName, "display_name_normalized": u.DisplayName,
		"title": u.Title, "phone": "", "skype": "", "team": team, "avatar_hash": "g" + strings.ToLower(u.ID),
		"status_text": u.StatusText, "status_emoji": u.StatusEmoji, "status_expiration": 0,
		"image_24": "", "image_32": "", "image_48": "", "image_72": "", "image_192": "", "image_512": "",
	}
	if email && u.Email != "" {
		profile["email"] = u.Email
	}
	if u.IsBot {
		profile["bot_id"], profile["api_app_id"], profile["always_active"] = u.BotID, w.appID, true
	}
	return fields{
		"id": u.ID, "team_id": team, "name": u.Name, "real_name": u.RealName, "deleted": u.Deleted,
		"color": "9f69e7", "tz": u.TZ, "tz_label": u.TZLabel, "tz_offset": offset, "profile": profile,
		"locale": u.Locale, "is_bot": u.IsBot, "is_app_user": false, "is_admin": u.Admin, "is_owner": false,
		"is_primary_owner": false, "is_restricted": u.Guest || u.SingleChannel,
		"is_ultra_restricted": u.SingleChannel, "is_stranger": u.Stranger,
		"is_email_confirmed": !u.IsBot, "updated": u.Updated,
	}
}

func userInfo(r *request) (fields, error) {
	u := r.w.users[r.str("user")]
	if u == nil {
		return nil, fail("user_not_found")
	}
	return fields{"user": u.wire(r.w, r.token.has("users:read.email"))}, nil
}

func listUsers(r *request) (fields, error) {
	w := r.w
	n := len(w.userOrder)
	from, to, cursor, err := r.page(n, max(1, n), 1000)
	if err != nil {
		return nil, err
	}
	members := make([]fields, 0, to-from)
	for _, id := range w.userOrder[from:to] {
		members = append(members, w.users[id].wire(w, r.token.has("users:read.email")))
	}
	return fields{
		"members": members, "cache_ts": w.opts.Now().Unix(), "response_metadata": nextCursor(cursor),
	}, nil
}

func lookupByEmail(r *request) (fields, error) {
	w := r.w
	u := w.users[w.byEmail[strings.ToLower(r.str("email"))]]
	if u == nil || u.Deleted {
		return nil, fail("users_not_found")
	}
	return fields{"user": u.wire(w, true)}, nil
}

// UserGroup is a set of people with a handle of their own.
type UserGroup struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Handle  string    `json:"handle"`
	Users   []string  `json:"users"`
	Updated time.Time `json:"updated"`
}

func (w *Workspace) userGroup(id string) *UserGroup {
	for _, g := range w.groups {
		if g.ID == id {
			return g
		}
	}
	return nil
}

func (g *UserGroup) wire(w *Workspace, users bool) fields {
	out := fields{
		"id": g.ID, "team_id": w.team, "is_usergroup": true, "name": g.Name, "handle": g.Handle,
		"description": "", "is_external": false, "date_create": g.Updated.Unix(),
		"date_update": g.Updated.Unix(), "date_delete": 0, "created_by": w.bot.ID, "updated_by": w.bot.ID,
		"user_count": len(g.Users), "prefs": fields{"channels": []string{}, "groups": []string{}},
	}
	if users {
		out["users"] = slices.Clone(g.Users)
	}
	return out
}

func listUserGroups(r *request) (fields, error) {
	out := make([]fields, 0, len(r.w.groups))
	for _, g := range r.w.groups {
		out = append(out, g.wire(r.w, r.flag("include_users")))
	}
	return fields{"usergroups": out}, nil
}

func listUserGroupUsers(r *request) (fields, error) {
	g := r.w.userGroup(r.str("usergroup"))
	if g == nil {
		return nil, fail("no_such_subteam")
	}
	return fields{"users": slices.Clone(g.Users)}, nil
}

func updateUserGroupUsers(r *request) (fields, error) {
	w := r.w
	g := w.userGroup(r.str("usergroup"))
	if g == nil {
		return nil, fail("no_such_subteam")
	}
	users := r.list("users")
	if len(users) == 0 {
		return nil, fail("no_users_provided")
	}
	for _, id := range users {
		if u := w.users[id]; u == nil || u.Deleted {
			return nil, fail("invalid_users")
		}
	}
	g.Users, g.Updated = users, w.opts.Now()
	w.change(Change{Kind: PeopleMoved, Detail: g.Handle})
	w.event("subteam_updated", fields{
		"type": "subteam_updated", "subteam": g.wire(w, true), "event_ts": w.ts(),
	})
	return fields{"usergroup": g.wire(w, true)}, nil
}

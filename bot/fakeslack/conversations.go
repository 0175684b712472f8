package fakeslack

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const maxNote = 250 // characters of a topic or purpose

func createChannel(r *request) (fields, error) {
	w := r.w
	kind := public
	if r.flag("is_private") {
		kind = private
	}
	if err := r.needsFor(kind, "manage"); err != nil {
		return nil, err
	}
	name := r.str("name")
	if err := checkName(name); err != nil {
		return nil, err
	}
	if w.names[name] != "" {
		return nil, fail("name_taken")
	}
	c := w.newChannel(kind, name, w.bot.ID)
	w.change(Change{Kind: Arranged, Channel: c.id, Detail: "created"})
	w.join(c, w.bot.ID, "")
	return fields{"channel": c.wire(w, w.bot.ID)}, nil
}

// checkName refuses what Slack refuses, with its own words.
func checkName(name string) error {
	switch {
	case strings.TrimSpace(name) == "":
		return fail("invalid_name_required")
	case utf8.RuneCountInString(name) > 80:
		return fail("invalid_name_maxlength")
	case strings.Trim(name, "-_.!?,;") == "":
		return fail("invalid_name_punctuation")
	}
	for _, c := range name {
		switch {
		case unicode.IsUpper(c), unicode.IsSpace(c), c == '.':
			return fail("invalid_name")
		case unicode.IsLetter(c), unicode.IsDigit(c), c == '-', c == '_':
		default:
			return fail("invalid_name_specials")
		}
	}
	return nil
}

// join makes a user a member, with the line in the channel and the event that
// go with it.
func (w *Workspace) join(c *channel, user, inviter string) {
	if !c.admit(user) {
		return
	}
	m := &Message{
		Channel: c.id, TS: w.ts(), User: user, Subtype: "channel_join",
		Text: "<@" + user + "> has joined the channel", At: w.opts.Now(),
	}
	if c.kind == private {
		m.Subtype = "group_join"
	}
	c.add(m)
	w.change(Change{Kind: Arranged, Channel: c.id, User: user, Detail: "joined"})
	if c.has(w.bot.ID) {
		ev := fields{
			"type": "member_joined_channel", "user": user, "channel": c.id, "channel_type": c.letter(),
			"team": w.team, "event_ts": m.TS,
		}
		if inviter != "" {
			ev["inviter"] = inviter
		}
		w.event("member_joined_channel", ev)
	}
}

// part ends a membership.
func (w *Workspace) part(c *channel, user string) {
	told := c.has(w.bot.ID)
	c.release(user)
	w.change(Change{Kind: Arranged, Channel: c.id, User: user, Detail: "left"})
	if user == w.bot.ID {
		name := "channel_left"
		if c.kind == private {
			name = "group_left"
		}
		w.event(name, fields{"type": name, "channel": c.id, "event_ts": w.ts()})
		return
	}
	if told {
		w.event("member_left_channel", fields{
			"type": "member_left_channel", "user": user, "channel": c.id,
			"channel_type": c.letter(), "team": w.team, "event_ts": w.ts(),
		})
	}
}

// letter is how events name a kind of channel.
func (c *channel) letter() string {
	switch c.kind {
	case public:
		return "C"
	case direct:
		return "D"
	}
	return "G"
}

// manageable finds a channel that the bot may change: visible, its member, open.
func (r *request) manageable(access string) (*channel, error) {
	c, err := r.w.visible(r.str("channel"))
	if err != nil {
		return nil, err
	}
	if err := r.needsFor(c.kind, access); err != nil {
		return nil, err
	}
	switch {
	case c.kind == direct:
		return nil, fail("method_not_supported_for_channel_type")
	case !c.has(r.w.bot.ID):
		return nil, fail("not_in_channel")
	case c.archived:
		return nil, fail("is_archived")
	}
	return c, nil
}

func inviteToChannel(r *request) (fields, error) {
	w := r.w
	c, err := r.manageable("manage")
	if err != nil {
		return nil, err
	}
	users := r.list("users")
	if len(users) == 0 {
		return nil, fail("no_user")
	}
	if len(users) > 1000 {
		return nil, fail("too_many_users")
	}
	refusals := make([]fields, 0, len(users))
	refuse := func(user, code string) {
		refusals = append(refusals, fields{"user": user, "ok": false, "error": code})
	}
	var welcome []string
	for _, id := range users {
		u := w.users[id]
		switch {
		case u == nil || u.Deleted:
			refuse(id, "user_not_found")
		case id == w.bot.ID:
			refuse(id, "cant_invite_self")
		case c.has(id):
			refuse(id, "already_in_channel")
		case u.SingleChannel:
			refuse(id, "ura_max_channels")
		default:
			welcome = append(welcome, id)
		}
	}
	if len(refusals) > 0 && !(r.flag("force") && len(welcome) > 0) {
		code, _ := refusals[0]["error"].(string)
		if len(users) > 1 && code == "user_not_found" {
			code = "users_not_found"
		}
		return nil, &apiError{code: code, extra: fields{"errors": refusals}}
	}
	for _, id := range welcome {
		w.join(c, id, w.bot.ID)
	}
	out := fields{"channel": c.wire(w, w.bot.ID)}
	if len(refusals) > 0 {
		out["errors"] = refusals
	}
	return out, nil
}

func joinChannel(r *request) (fields, error) {
	w := r.w
	c, err := w.visible(r.str("channel"))
	switch {
	case err != nil:
		return nil, err
	case c.kind != public:
		return nil, fail("method_not_supported_for_channel_type")
	case c.archived:
		return nil, fail("is_archived")
	}
	if c.has(w.bot.ID) {
		return fields{
			"channel": c.wire(w, w.bot.ID), "warning": "already_in_channel",
			"response_metadata": fields{"warnings": []string{"already_in_channel"}},
		}, nil
	}
	w.join(c, w.bot.ID, "")
	return fields{"channel": c.wire(w, w.bot.ID)}, nil
}

func openConversation(r *request) (fields, error) {
	w := r.w
	if id := r.str("channel"); id != "" {
		c, err := w.visible(id)
		if err != nil {
			return nil, err
		}
		return fields{"channel": c.wire(w, w.bot.ID), "no_op": true, "already_open": true}, nil
	}
	users := r.list("users")
	kind := direct
	switch {
	case len(users) == 0:
		return nil, fail("users_list_not_supplied")
	case len(users) > 8:
		return nil, fail("too_many_users")
	case len(users) > 1:
		kind = group
	}
	if err := r.needsFor(kind, "write"); err != nil {
		return nil, err
	}
	for _, id := range users {
		u := w.users[id]
		switch {
		case u == nil:
			return nil, fail("user_not_found")
		case u.Deleted:
			return nil, fail("user_disabled")
		case u.IsBot:
			return nil, fail("cannot_dm_bot")
		}
	}
	if kind == direct {
		_, opened := w.dms[users[0]]
		c := w.dm(users[0])
		if !r.flag("return_im") {
			return fields{"channel": fields{"id": c.id}, "no_op": opened, "already_open": opened}, nil
		}
		return fields{"channel": c.wire(w, w.bot.ID), "no_op": opened, "already_open": opened}, nil
	}
	slices.Sort(users)
	key := strings.Join(users, ",")
	id, opened := w.dms[key]
	if !opened {
		c := w.newChannel(group, "mpdm-"+strings.ToLower(strings.Join(users, "--")), w.bot.ID)
		c.admit(w.bot.ID)
		for _, u := range users {
			c.admit(u)
		}
		w.dms[key], id = c.id, c.id
	}
	return fields{"channel": w.channels[id].wire(w, w.bot.ID), "no_op": opened, "already_open": opened}, nil
}

func channelInfo(r *request) (fields, error) {
	c, err := r.w.visible(r.str("channel"))
	if err != nil {
		return nil, err
	}
	if err := r.needsFor(c.kind, "read"); err != nil {
		return nil, err
	}
	out := c.wire(r.w, r.w.bot.ID)
	if !r.flag("include_num_members") {
		delete(out, "num_members")
	}
	return fields{"channel": out}, nil
}

// listChannels pages through what the bot may see. As with Slack a page is cut
// before archived channels are left out, so it may hold few channels or none and
// yet not be the last.
func listChannels(r *request) (fields, error) {
	return r.listOf(func(c *channel) bool { return c.kind == public || c.has(r.w.bot.ID) })
}

// listOwnChannels pages through what the bot is in.
func listOwnChannels(r *request) (fields, error) {
	return r.listOf(func(c *channel) bool { return c.has(r.w.bot.ID) })
}

func (r *request) listOf(wanted func(*channel) bool) (fields, error) {
	w := r.w
	kinds, err := r.kinds()
	if err != nil {
		return nil, err
	}
	if r.method == "users.conversations" && r.number("limit", 0) > 999 {
		return nil, fail("invalid_limit")
	}
	var found []*channel
	for _, id := range w.channelIDs {
		if c := w.channels[id]; kinds[c.kind] && wanted(c) {
			found = append(found, c)
		}
	}
	from, to, cursor, err := r.page(len(found), 100, w.opts.MaxListed)
	if err != nil {
		return nil, err
	}
	out := make([]fields, 0, to-from)
	for _, c := range found[from:to] {
		if c.archived && r.flag("exclude_archived") {
			continue
		}
		seen := c.wire(w, w.bot.ID)
		if r.method == "users.conversations" {
			delete(seen, "is_member")
			delete(seen, "num_members")
		}
		out = append(out, seen)
	}
	return fields{"channels": out, "response_metadata": nextCursor(cursor)}, nil
}

// kinds reads which kinds of conversations are asked for.
func (r *request) kinds() (map[channelKind]bool, error) {
	kinds := map[channelKind]bool{}
	wanted := r.list("types")
	if len(wanted) == 0 {
		wanted = []string{"public_channel"}
	}
	for _, t := range wanted {
		kind, ok := map[string]channelKind{
			"public_channel": public, "private_channel": private, "im": direct, "mpim": group,
		}[t]
		if !ok {
			return nil, fail("invalid_types")
		}
		if err := r.needsFor(kind, "read"); err != nil {
			return nil, err
		}
		kinds[kind] = true
	}
	return kinds, nil
}

func channelMembers(r *request) (fields, error) {
	c, err := r.w.visible(r.str("channel"))
	if err != nil {
		return nil, err
	}
	if err := r.needsFor(c.kind, "read"); err != nil {
		return nil, err
	}
	from, to, cursor, err := r.page(len(c.members), 100, 1000)
	if err != nil {
		return nil, err
	}
	return fields{"members": slices.Clone(c.members[from:to]), "response_metadata": nextCursor(cursor)}, nil
}

func setTopic(r *request) (fields, error) { return setNote(r, "topic") }

func setPurpose(r *request) (fields, error) { return setNote(r, "purpose") }

func setNote(r *request, which string) (fields, error) {
	w := r.w
	c, err := r.manageable("manage")
	if err != nil {
		return nil, err
	}
	value := r.str(which)
	if utf8.RuneCountInString(value) > maxNote {
		return nil, fail("too_long")
	}
	if which == "topic" {
		c.topic = note{value: value, setBy: w.bot.ID, at: w.opts.Now()}
	} else {
		c.purpose = note{value: value, setBy: w.bot.ID, at: w.opts.Now()}
	}
	prefix := "channel_"
	if c.kind == private {
		prefix = "group_"
	}
	c.add(&Message{
		Channel: c.id, TS: w.ts(), User: w.bot.ID, Subtype: prefix + which, At: w.opts.Now(),
		Text: "set the channel " + which + ": " + value,
	})
	w.change(Change{Kind: Arranged, Channel: c.id, Detail: which})
	return fields{"channel": c.wire(w, w.bot.ID), which: value}, nil
}

func archiveChannel(r *request) (fields, error) {
	w := r.w
	c, err := w.visible(r.str("channel"))
	if err != nil {
		return nil, err
	}
	if err := r.needsFor(c.kind, "manage"); err != nil {
		return nil, err
	}
	switch {
	case c.kind == direct || c.kind == group:
		return nil, fail("method_not_supported_for_channel_type")
	case c.archived:
		return nil, fail("already_archived")
	case c.name == "general":
		return nil, fail("cant_archive_general")
	case !c.has(w.bot.ID):
		return nil, fail("not_in_channel")
	}
	w.archive(c, w.bot.ID)
	return nil, nil
}

func (w *Workspace) archive(c *channel, by string) {
	c.archived = true
	w.change(Change{Kind: Arranged, Channel: c.id, Detail: "archived"})
	name := "channel_archive"
	if c.kind == private {
		name = "group_archive"
	}
	w.event(name, fields{"type": name, "channel": c.id, "user": by, "event_ts": w.ts()})
}

func renameChannel(r *request) (fields, error) {
	w := r.w
	c, err := r.manageable("manage")
	if err != nil {
		return nil, err
	}
	name := r.str("name")
	if err := checkName(name); err != nil {
		return nil, err
	}
	if id := w.names[name]; id != "" && id != c.id {
		return nil, fail("name_taken")
	}
	delete(w.names, c.name)
	c.previousName = append([]string{c.name}, c.previousName...)
	c.name = name
	w.names[name] = c.id
	w.change(Change{Kind: Arranged, Channel: c.id, Detail: "renamed"})
	w.event("channel_rename", fields{
		"type":    "channel_rename",
		"channel": fields{"id": c.id, "name": name, "created": c.created.Unix()}, "event_ts": w.ts(),
	})
	return fields{"channel": c.wire(w, w.bot.ID)}, nil
}

func kickFromChannel(r *request) (fields, error) {
	w := r.w
	c, err := r.manageable("manage")
	if err != nil {
		return nil, err
	}
	user := r.str("user")
	switch {
	case w.users[user] == nil:
		return nil, fail("user_not_found")
	case user == w.bot.ID:
		return nil, fail("cant_kick_self")
	case c.name == "general":
		return nil, fail("cant_kick_from_general")
	case !c.has(user):
		return nil, fail("not_in_channel")
	}
	w.part(c, user)
	return fields{"errors": fields{}}, nil
}

func leaveChannel(r *request) (fields, error) {
	w := r.w
	c, err := w.visible(r.str("channel"))
	switch {
	case err != nil:
		return nil, err
	case c.kind == direct:
		return nil, fail("method_not_supported_for_channel_type")
	case c.name == "general":
		return nil, fail("cant_leave_general")
	case c.archived:
		return nil, fail("is_archived")
	case !c.has(w.bot.ID):
		return fields{"not_in_channel": true}, nil
	}
	if err := r.needsFor(c.kind, "manage"); err != nil {
		return nil, err
	}
	w.part(c, w.bot.ID)
	return nil, nil
}

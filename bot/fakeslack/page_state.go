package fakeslack

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxShown is how many messages of a conversation the page shows, the newest ones.
const maxShown = 150

// serveState answers with everything that the page shows: for the person that the
// visitor acts as, and the conversation, thread and panel that are open.
func (p *Page) serveState(rw http.ResponseWriter, hr *http.Request) {
	q := hr.URL.Query()
	person := p.w.Person(q.Get("as"))
	if person == nil {
		person = p.lead()
	}
	if person == nil {
		p.answer(rw, fields{"seq": p.w.LastChange(), "empty": true, "team": p.w.opts.Team})
		return
	}
	seq := p.w.LastChange() // read first: what moves while the state is read comes again
	r := p.reader(person)
	out := fields{
		"seq": seq, "team": p.w.opts.Team, "start": p.opts.Start,
		"bot": fields{"id": p.w.bot.ID, "name": p.w.opts.BotName},
		"me":  person.ID, "people": p.people(), "channels": p.places(person),
		"guide": p.guide(r), "panels": p.panelNames(),
	}
	switch open := q.Get("open"); {
	case open == "home":
		out["home"] = p.view(r, person.Home())
	case strings.HasPrefix(open, "panel"):
		n, err := strconv.Atoi(strings.TrimPrefix(open, "panel"))
		if err == nil {
			out["panel"] = p.panel(r, n)
		}
	default:
		out["open"] = p.conversation(r, person, open, q.Get("thread"))
	}
	modals := person.Modals()
	if len(modals) > 0 {
		out["modal"] = p.view(r, &modals[len(modals)-1])
		out["depth"] = len(modals)
	}
	p.answer(rw, out)
}

// lead is who acts when the visitor has not chosen yet.
func (p *Page) lead() *Person {
	for _, a := range p.opts.Cast {
		if person := p.w.Person(a.Who); person != nil {
			return person
		}
	}
	for _, u := range p.w.Users() {
		if !u.IsBot && !u.Deleted {
			return p.w.Person(u.ID)
		}
	}
	return nil
}

// reader renders text as the person would read it.
func (p *Page) reader(person *Person) reader {
	u, _ := p.w.User(person.ID)
	return reader{
		me: person.ID, now: p.w.Now().In(zoneOf(u)), local: p.place,
		user: func(id string) string {
			u, ok := p.w.User(id)
			if !ok {
				return ""
			}
			return cmp.Or(u.RealName, u.Name)
		},
		channel: func(id string) string {
			c, _ := p.w.Channel(id)
			return c.Name
		},
		group: func(id string) string {
			for _, g := range p.w.UserGroups() {
				if g.ID == id {
					return g.Handle
				}
			}
			return ""
		},
	}
}

func zoneOf(u User) *time.Location {
	zone, err := time.LoadLocation(u.TZ)
	if err != nil {
		return time.UTC
	}
	return zone
}

// people are those whom the visitor may act as, the cast first, with how often
// each of the cast is being called for.
func (p *Page) people() []fields {
	roles, rank := map[string]string{}, map[string]int{}
	for i, a := range p.opts.Cast {
		if person := p.w.Person(a.Who); person != nil {
			roles[person.ID], rank[person.ID] = a.Role, i+1
		}
	}
	var out []fields
	for _, u := range p.w.Users() {
		if u.Deleted {
			continue
		}
		who := fields{
			"id": u.ID, "handle": u.Name, "name": cmp.Or(u.RealName, u.Name), "title": u.Title, "bot": u.IsBot,
			"tz": u.TZ, "clock": p.w.Now().In(zoneOf(u)).Format("15:04"), "role": roles[u.ID], "rank": rank[u.ID],
			"status": cmp.Or(u.StatusText, ""),
		}
		if rank[u.ID] > 0 {
			seen := p.seenUpTo(u.ID)
			p.w.mu.RLock()
			_, calls := p.unread(u.ID, seen)
			p.w.mu.RUnlock()
			n := 0
			for _, c := range calls {
				n += c
			}
			who["calls"] = n
		}
		out = append(out, who)
	}
	slices.SortStableFunc(out, func(a, b fields) int {
		x, y := a["rank"].(int), b["rank"].(int)
		if x == 0 || y == 0 {
			return cmp.Compare(y, x) // those without a rank stay last, in order
		}
		return cmp.Compare(x, y)
	})
	return out
}

// places are the conversations that the person sees in the side bar, and the
// public channels to join.
func (p *Page) places(person *Person) []fields {
	seen := p.seenUpTo(person.ID)
	w := p.w
	w.mu.RLock()
	defer w.mu.RUnlock()
	fresh, calls := p.unread(person.ID, seen)
	var out []fields
	for _, id := range w.channelIDs {
		c := w.channels[id]
		member := c.has(person.ID)
		if !member && c.kind != public || c.archived && !member {
			continue
		}
		out = append(out, fields{
			"id": id, "name": p.nameOf(c, person.ID), "kind": string(c.kind), "member": member,
			"archived": c.archived, "unread": fresh[id], "calls": calls[id],
		})
	}
	slices.SortStableFunc(out, func(a, b fields) int {
		return strings.Compare(a["name"].(string), b["name"].(string))
	})
	return out
}

// nameOf is what a person calls a conversation. The lock is held.
func (p *Page) nameOf(c *channel, user string) string {
	if c.kind != direct && c.kind != group {
		return c.name
	}
	var names []string
	for _, id := range c.members {
		if u := p.w.users[id]; u != nil && id != user {
			names = append(names, cmp.Or(u.RealName, u.Name))
		}
	}
	return strings.Join(names, ", ")
}

func (p *Page) panelNames() []string {
	names := make([]string, 0, len(p.opts.Panels))
	for _, has := range p.opts.Panels {
		names = append(names, has.Name)
	}
	return names
}

// conversation is an open channel as the person sees it, and its open thread; nil
// when it is not theirs to see.
func (p *Page) conversation(r reader, person *Person, id, thread string) fields {
	w := p.w
	w.mu.RLock()
	if id == DM {
		id = w.dms[person.ID]
	}
	c := w.channels[id]
	if c == nil || !c.has(person.ID) && c.kind != public {
		w.mu.RUnlock()
		return nil
	}
	about, name, member := c.read(w), p.nameOf(c, person.ID), c.has(person.ID)
	shown, earlier := p.rootsOf(c, person.ID)
	replies := p.repliesOf(c, person.ID, thread)
	w.mu.RUnlock()

	bookmarks := make([]fields, 0, len(about.Bookmarks))
	for _, b := range about.Bookmarks {
		link := b.Link
		if here := p.place(link); here != "" {
			link = here
		}
		bookmarks = append(bookmarks, fields{"title": b.Title, "href": link})
	}
	out := fields{
		"id": about.ID, "name": name, "kind": about.Kind, "member": member, "archived": about.Archived,
		"topic": r.mrkdwn(about.Topic), "members": len(about.Members), "bookmarks": bookmarks,
		"pins": len(about.Pins), "messages": p.messages(r, shown), "earlier": earlier,
	}
	if len(replies) > 0 {
		out["thread"] = fields{"ts": thread, "messages": p.messages(r, replies)}
	}
	return out
}

// rootsOf are the newest messages outside of threads, with those that only this
// person sees, and how many earlier ones there are. The lock is held.
func (p *Page) rootsOf(c *channel, user string) (shown []Message, earlier int) {
	for _, m := range c.messages {
		if m.ThreadTS == "" || m.ThreadTS == m.TS || m.Broadcast {
			shown = append(shown, *m)
		}
	}
	for _, m := range c.ephemerals {
		if m.VisibleTo == user && m.ThreadTS == "" {
			shown = append(shown, *m)
		}
	}
	return newest(shown)
}

// repliesOf are a thread's messages, its root first. The lock is held.
func (p *Page) repliesOf(c *channel, user, root string) []Message {
	first := c.message(root)
	if first == nil {
		return nil
	}
	var replies []Message
	for _, ts := range c.threads[root] {
		replies = append(replies, *c.message(ts))
	}
	for _, m := range c.ephemerals {
		if m.VisibleTo == user && m.ThreadTS == root {
			replies = append(replies, *m)
		}
	}
	replies, _ = newest(replies)
	return append([]Message{*first}, replies...)
}

// newest sorts by time and keeps the last ones.
func newest(all []Message) (kept []Message, earlier int) {
	slices.SortStableFunc(all, func(a, b Message) int {
		x, _ := parseTS(a.TS)
		y, _ := parseTS(b.TS)
		return cmp.Compare(x, y)
	})
	earlier = max(0, len(all)-maxShown)
	return all[earlier:], earlier
}

// messages renders messages for the reader.
func (p *Page) messages(r reader, all []Message) []fields {
	out := make([]fields, 0, len(all))
	for i := range all {
		out = append(out, p.message(r, &all[i]))
	}
	return out
}

func (p *Page) message(r reader, m *Message) fields {
	at := m.At.In(r.now.Location())
	out := fields{
		"channel": m.Channel, "ts": m.TS, "user": m.User, "name": cmp.Or(m.Username, r.user(m.User), "Slackbot"),
		"app": m.BotID != "", "time": at.Format("15:04"), "day": at.Format("Monday, 2 January"), "subtype": m.Subtype,
	}
	if m.Blocks != nil {
		out["blocks"] = p.render(r, m.Blocks)
	} else if m.Text != "" {
		out["spans"] = r.mrkdwn(m.Text)
	}
	if m.Attachments != nil {
		out["attachments"] = p.attachments(r, m.Attachments)
	}
	if m.EditedTS != "" {
		out["edited"] = m.EditedTS
	}
	if m.VisibleTo != "" {
		out["hidden"] = true
	}
	if m.Pinned {
		out["pinned"] = true
	}
	if m.ReplyCount > 0 {
		out["replies"], out["repliers"] = m.ReplyCount, m.ReplyUsers
		if micro, ok := parseTS(m.LatestReply); ok {
			out["latest"] = time.UnixMicro(micro).In(r.now.Location()).Format("15:04")
		}
	}
	if len(m.Reacts) > 0 {
		reacts := make([]fields, 0, len(m.Reacts))
		for _, x := range m.Reacts {
			reacts = append(reacts, fields{
				"name": x.Name, "sign": cmp.Or(emoji[x.Name], ":"+x.Name+":"), "count": len(x.Users),
				"mine": slices.Contains(x.Users, r.me),
			})
		}
		out["reacts"] = reacts
	}
	if files := p.files(m.Files); len(files) > 0 {
		out["files"] = files
	}
	return out
}

func (p *Page) files(ids []string) []fields {
	var out []fields
	for _, id := range ids {
		if f, ok := p.w.File(id); ok {
			out = append(out, fields{
				"name": f.Name, "title": f.Title, "alt": cmp.Or(f.AltText, f.Title), "size": f.Size,
				"image": strings.HasPrefix(f.Mimetype, "image/"), "src": p.path(f.URL),
			})
		}
	}
	return out
}

// view renders a modal or a home; nil stays nil.
func (p *Page) view(r reader, v *View) fields {
	if v == nil {
		return nil
	}
	return fields{
		"id": v.ID, "title": v.Title, "submit": v.Submit, "close": cmp.Or(v.Close, "Cancel"), "hash": v.Hash,
		"blocks": p.render(r, v.Blocks), "values": v.Values, "errors": v.Errors,
	}
}

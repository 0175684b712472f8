package fakeslack

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

// typed turns what a person types into what Slack sends on: mentions become ids,
// addresses become links, angle brackets and ampersands are escaped. What already
// is a mention, a channel or a link in angle brackets stays.
//
// In commands Slack adds the name to a person's id, <@U1|ann>.
func (w *Workspace) typed(s string, command bool) string {
	var out strings.Builder
	last := 0
	for _, at := range written.FindAllStringIndex(s, -1) {
		out.WriteString(escaper.Replace(s[last:at[0]]))
		out.WriteString(w.resolve(s[at[0]:at[1]], command))
		last = at[1]
	}
	out.WriteString(escaper.Replace(s[last:]))
	return out.String()
}

var (
	escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
	// written is what stands for something else: <@U1>, <#C1|x>, <!channel>, <https://…>,
	// https://…, www.google.com, ann@example.com, @ann, #ops.
	written = regexp.MustCompile(`<(?:[@#!]|https?://|mailto:)[^<>]*>` +
		`|https?://` + inAddress + `*` + endsAddress +
		`|\b[\w.+-]+@(?:[\w-]+\.)+[A-Za-z]{2,}\b` +
		`|\b(?:[\w-]+\.)+(?:com|org|net)\b(?:/` + inAddress + `*` + endsAddress + `)?` +
		`|\B[@#][\p{L}\p{N}._-]*[\p{L}\p{N}_-]`)
)

// What an address is made of, and what its last letter may be: the full stop of a
// sentence is not.
const (
	inAddress   = `[^\s<>|"“”‘’]`
	endsAddress = `[^\s<>|"“”‘’.,;:!?()]`
)

func (w *Workspace) resolve(word string, command bool) string {
	if word[0] == '<' {
		return word
	}
	if word[0] != '@' && word[0] != '#' {
		return linked(word)
	}
	name := word[1:]
	if word[0] == '#' {
		if id := w.names[name]; id != "" {
			return "<#" + id + "|" + name + ">"
		}
		return word
	}
	switch name {
	case "channel", "here", "everyone":
		return "<!" + name + ">"
	}
	for _, u := range w.users {
		if u.Name == name && command {
			return "<@" + u.ID + "|" + name + ">"
		}
		if u.Name == name {
			return "<@" + u.ID + ">"
		}
	}
	for _, g := range w.groups {
		if g.Handle == name && command {
			return "<!subteam^" + g.ID + "|@" + name + ">"
		}
		if g.Handle == name {
			return "<!subteam^" + g.ID + ">"
		}
	}
	return word
}

// linked is the link that Slack makes of an address; where a scheme was not
// typed, what was typed is its label.
func linked(address string) string {
	address = escaper.Replace(address)
	switch {
	case strings.HasPrefix(address, "http://"), strings.HasPrefix(address, "https://"):
		return "<" + address + ">"
	case strings.Contains(address, "@"):
		return "<mailto:" + address + "|" + address + ">"
	}
	return "<http://" + address + "|" + address + ">"
}

// smarten turns straight quotes into the curly ones that Slack's clients put in
// their place.
func smarten(s string) string {
	var out strings.Builder
	before := ' '
	for _, c := range s {
		opens := unicode.IsSpace(before) || strings.ContainsRune("([{<=:“‘", before)
		switch {
		case c == '"' && opens:
			c = '“'
		case c == '"':
			c = '”'
		case c == '\'' && opens:
			c = '‘'
		case c == '\'':
			c = '’'
		}
		out.WriteRune(c)
		before = c
	}
	return out.String()
}

// Says posts in a channel, or to the app with DM. It is nil when the person
// cannot post there.
func (p *Person) Says(in, words string) *Message { return p.say(in, words, "") }

// RepliesIn posts in the thread of a message.
func (p *Person) RepliesIn(thread Message, words string) *Message {
	root := thread.TS
	if thread.ThreadTS != "" {
		root = thread.ThreadTS
	}
	return p.say(thread.Channel, words, root)
}

func (p *Person) say(in, words, thread string) *Message {
	w := p.w
	w.mu.Lock()
	defer w.mu.Unlock()
	c, err := p.place(in)
	if err != nil {
		return nil
	}
	m := &Message{
		Channel: c.id, TS: w.ts(), ThreadTS: thread, User: p.ID, At: w.opts.Now(), Text: w.typed(smarten(words), false),
	}
	w.post(c, m)
	said := *m
	return &said
}

// Edits changes a message of the person's own; false when it is not theirs.
func (p *Person) Edits(m Message, words string) bool {
	w := p.w
	w.mu.Lock()
	defer w.mu.Unlock()
	c := w.channels[m.Channel]
	if c == nil || c.message(m.TS) == nil || c.message(m.TS).User != p.ID {
		return false
	}
	w.edit(c, c.message(m.TS), content{text: w.typed(smarten(words), false)}, p.ID, false)
	return true
}

// Deletes removes a message of the person's own; false when it is not theirs.
func (p *Person) Deletes(m Message) bool {
	w := p.w
	w.mu.Lock()
	defer w.mu.Unlock()
	c := w.channels[m.Channel]
	if c == nil || c.message(m.TS) == nil || c.message(m.TS).User != p.ID {
		return false
	}
	w.remove(c, c.message(m.TS))
	return true
}

// Reacts puts an emoji under a message.
func (p *Person) Reacts(emoji string, m Message) error {
	w := p.w
	w.mu.Lock()
	defer w.mu.Unlock()
	c := w.channels[m.Channel]
	if c == nil || c.message(m.TS) == nil {
		return fmt.Errorf("react to %s: %w", m.TS, errGone)
	}
	w.react(c, m.TS, strings.Trim(emoji, ":"), p.ID)
	return nil
}

// Uploads drops a file into a channel, with the message and the event that go
// with it.
func (p *Person) Uploads(in, name string, data []byte) (*File, error) {
	w := p.w
	w.mu.Lock()
	defer w.mu.Unlock()
	c, err := p.place(in)
	if err != nil {
		return nil, err
	}
	f := newFile(w, name, p.ID)
	f.Content, f.Size, f.ready, f.uploaded, f.Channels = data, len(data), true, true, []string{c.id}
	w.files[f.ID] = f
	w.fileOrder = append(w.fileOrder, f.ID)
	w.change(Change{Kind: FileAdded, Detail: f.ID, User: p.ID})
	m := &Message{
		Channel: c.id, TS: w.ts(), User: p.ID, Subtype: "file_share", At: w.opts.Now(), Files: []string{f.ID},
	}
	w.post(c, m)
	if c.has(w.bot.ID) {
		w.event("file_shared", fields{
			"type": "file_shared", "file_id": f.ID, "user_id": p.ID, "file": fields{"id": f.ID},
			"channel_id": c.id, "event_ts": m.TS,
		})
	}
	shared := *f
	return &shared, nil
}

// OpensHome looks at the App Home tab and tells the app. What the app then
// publishes is waited for with WaitsForHome.
func (p *Person) OpensHome() *View {
	w := p.w
	w.mu.Lock()
	ev := fields{
		"type": "app_home_opened", "user": p.ID, "channel": w.dm(p.ID).id, "tab": "home", "event_ts": w.ts(),
	}
	if v := w.homes[p.ID]; v != nil {
		ev["view"] = v.wire(w)
	}
	w.event("app_home_opened", ev)
	w.mu.Unlock()
	return p.Home()
}

// commandFields are the fields of a slash command, in Slack's order.
var commandFields = []string{
	"token", "team_id", "team_domain", "channel_id", "channel_name", "user_id", "user_name",
	"command", "text", "api_app_id", "is_enterprise_install", "response_url", "trigger_id",
}

// Runs types a slash command in a channel or in DM, and waits for its
// acknowledgement. Slack's clients make quotes curly on the way.
func (p *Person) Runs(command, in string) Seen {
	w := p.w
	name, rest, _ := strings.Cut(strings.TrimSpace(command), " ")
	w.mu.Lock()
	c, err := p.place(in)
	if err != nil {
		w.mu.Unlock()
		return Seen{Err: err}
	}
	trigger := w.newTrigger(p.ID)
	values := map[string]string{
		"token": "fake-verification", "team_id": w.team, "team_domain": w.opts.Domain, "channel_id": c.id,
		"channel_name": c.spoken(), "user_id": p.ID, "user_name": p.Name, "command": name,
		"text": w.typed(smarten(strings.TrimSpace(rest)), true), "api_app_id": w.appID, "is_enterprise_install": "false",
		"response_url": w.newResponseURL(responseURL{user: p.ID, channel: c.id, trigger: trigger}), "trigger_id": trigger,
	}
	payload, err := json.Marshal(values)
	if err != nil {
		w.mu.Unlock()
		return Seen{Err: fmt.Errorf("make the command: %w", err)}
	}
	parcel := &parcel{
		kind: slashCommands, typ: name, payload: payload, form: formOf(slashCommands, payload), text: values["text"],
	}
	w.record(parcel, trigger)
	w.mu.Unlock()

	ack, seen := p.deliver(parcel)
	seen.Trigger = trigger
	if seen.Toast != "" {
		return seen
	}
	w.mu.Lock()
	says, inChannel, said, err := w.ackContent(ack)
	switch {
	case err != nil:
		seen.Toast = ToastFailed
	case said:
		m := w.answerIn(c, p.ID, says, inChannel, "")
		m.Answers = trigger
		reply := *m
		seen.Reply = &reply
	}
	w.mu.Unlock()
	seen.Modal = p.Modal()
	return seen
}

// spoken is how payloads name a channel.
func (c *channel) spoken() string {
	switch c.kind {
	case direct:
		return "directmessage"
	case private:
		return "privategroup"
	}
	return c.name
}

// deliver sends what a person did and waits for the acknowledgement.
func (p *Person) deliver(parcel *parcel) (json.RawMessage, Seen) {
	w := p.w
	ack, err := w.begin(parcel, 0, "")(w.ctx)
	if err == nil {
		return ack, Seen{}
	}
	if w.opts.RedeliverCommands {
		w.run(func() {
			w.pursue(parcel, func(context.Context) (json.RawMessage, error) { return nil, err })
		})
	}
	if reasonOf(err) == "timeout" {
		return nil, Seen{Toast: ToastTimeout}
	}
	return nil, Seen{Toast: ToastFailed}
}

package fakeslack

import (
	"maps"
	"slices"
)

// maxUnread is the number from which on the page only says "more".
const maxUnread = 100

// seenUpTo copies what a person has read: channel, or channel/thread, to the
// timestamp seen last.
func (p *Page) seenUpTo(user string) map[string]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.read[user])
}

// sees notes that a person has read a channel, or a thread of it, up to a message.
// It never goes back. The place must exist.
func (p *Page) sees(user, channel, thread, ts string) {
	m, ok := p.w.Message(channel, ts)
	if !ok || thread != "" && m.ThreadTS != thread {
		return
	}
	place := channel
	if thread != "" {
		place += "/" + thread
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.read[user] == nil {
		p.read[user] = map[string]string{}
	}
	if later(ts, p.read[user][place]) {
		p.read[user][place] = ts
	}
}

// later compares timestamps; the empty one is before all.
func later(a, b string) bool {
	x, _ := parseTS(a)
	y, ok := parseTS(b)
	return !ok || x > y
}

// unread says for every conversation of a person how many messages are new to
// them, and how many of those concern them: direct messages, mentions, and
// replies in their threads. An edit is no new message, and neither is what the
// person wrote or who joined. The lock is held for reading.
func (p *Page) unread(user string, seen map[string]string) (fresh, calls map[string]int) {
	w := p.w
	fresh, calls = map[string]int{}, map[string]int{}
	for _, id := range w.channelIDs {
		c := w.channels[id]
		if !c.has(user) {
			continue
		}
		for _, m := range slices.Backward(c.messages) {
			if !later(m.TS, seen[id]) || fresh[id] >= maxUnread {
				break
			}
			if m.User != user && wroteSomething(m) && (m.ThreadTS == "" || m.ThreadTS == m.TS || m.Broadcast) {
				fresh[id]++
			}
		}
	}
	for _, n := range w.notes {
		if n.User != user || calls[n.Channel] >= maxUnread {
			continue
		}
		c := w.channels[n.Channel]
		if c == nil || !c.has(user) {
			continue
		}
		m := c.message(n.TS)
		if m == nil {
			continue // taken back since
		}
		place := n.Channel
		if m.ThreadTS != "" && m.ThreadTS != m.TS {
			place += "/" + m.ThreadTS
		}
		if later(n.TS, seen[place]) {
			calls[n.Channel]++
		}
	}
	return fresh, calls
}

// wroteSomething leaves out joins, topics and the like.
func wroteSomething(m *Message) bool {
	return m.Subtype == "" || m.Subtype == "file_share" || m.Subtype == "thread_broadcast"
}

package fakeslack

import (
	"regexp"
	"slices"
	"strings"
	"time"
)

// maxNotes bounds the notifications remembered; the counts per person go on.
const maxNotes = 50_000

// Why is the reason for which a person was notified.
type Why string

// The reasons for a notification. A plain post in a channel is none.
const (
	ForDM        Why = "dm"
	ForMention   Why = "mention"
	ForUserGroup Why = "usergroup"
	ForChannel   Why = "channel" // <!channel>, <!here> or <!everyone>
	ForThread    Why = "thread"  // a reply in a thread that the person takes part in
)

// Notification is one person's screen lighting up.
type Notification struct {
	User    string    `json:"user"`
	Channel string    `json:"channel"`
	TS      string    `json:"ts"`
	Why     Why       `json:"why"`
	Text    string    `json:"text"` // what the lock screen shows: the message's text alternative
	At      time.Time `json:"at"`
}

// live finds the mentions in text. What is escaped is no mention: it does not
// start with a bare angle bracket.
var live = regexp.MustCompile(`<(@[UW][A-Z0-9]+|!subteam\^S[A-Z0-9]+|!channel|!here|!everyone)(?:\|[^<>]*)?>`)

// notify wakes everyone whom a new message concerns, each once. The lock is held.
func (w *Workspace) notify(c *channel, m *Message) {
	woken := map[string]bool{m.User: true}
	wake := func(user string, why Why) {
		u := w.users[user]
		if woken[user] || u == nil || u.IsBot || u.Deleted || !c.has(user) {
			return
		}
		woken[user] = true
		w.notes = append(w.notes, Notification{
			User: user, Channel: c.id, TS: m.TS, Why: why, Text: m.Text, At: m.At,
		})
		if len(w.notes) > maxNotes {
			w.notes = slices.Delete(w.notes, 0, maxNotes/10)
		}
		w.noteCounts[user]++
	}
	if c.kind == direct || c.kind == group {
		for _, user := range c.members {
			wake(user, ForDM)
		}
		return
	}
	w.mentions(c, m, wake)
	if m.ThreadTS == "" || m.ThreadTS == m.TS {
		return
	}
	if root := c.message(m.ThreadTS); root != nil {
		wake(root.User, ForThread)
		for _, user := range root.ReplyUsers {
			wake(user, ForThread)
		}
	}
}

func (w *Workspace) mentions(c *channel, m *Message, wake func(string, Why)) {
	said := m.Text
	if m.Blocks != nil {
		if tree, err := parseBlocks(m.Blocks); err == nil {
			said += "\n" + strings.Join(liveText(tree), "\n")
		}
	}
	inThread := m.ThreadTS != "" && m.ThreadTS != m.TS
	for _, found := range live.FindAllStringSubmatch(said, -1) {
		switch who := found[1]; {
		case who[0] == '@':
			wake(who[1:], ForMention)
		case strings.HasPrefix(who, "!subteam^"):
			if g := w.userGroup(strings.TrimPrefix(who, "!subteam^")); g != nil {
				for _, user := range g.Users {
					wake(user, ForUserGroup)
				}
			}
		case inThread: // Slack keeps threads from waking a whole channel
		default:
			for _, user := range c.members {
				wake(user, ForChannel)
			}
		}
	}
}

// liveText collects the text in which Slack looks for mentions: mrkdwn, and the
// mention elements of rich text written as mrkdwn. Plain text mentions nobody.
func liveText(tree []any) []string {
	var out []string
	var walk func(any)
	walk = func(node any) {
		switch n := node.(type) {
		case []any:
			for _, child := range n {
				walk(child)
			}
		case map[string]any:
			switch text(n, "type") {
			case "mrkdwn", "markdown":
				out = append(out, text(n, "text"))
			case "user":
				out = append(out, "<@"+text(n, "user_id")+">")
			case "usergroup":
				out = append(out, "<!subteam^"+text(n, "usergroup_id")+">")
			case "broadcast":
				out = append(out, "<!"+text(n, "range")+">")
			}
			for _, child := range n {
				switch child.(type) {
				case []any, map[string]any:
					walk(child)
				}
			}
		}
	}
	walk(any(tree))
	return out
}

// Notifications are those of one person, oldest first; of everyone when user is
// empty. Only the newest are remembered.
func (w *Workspace) Notifications(user string) []Notification {
	w.mu.RLock()
	defer w.mu.RUnlock()
	var out []Notification
	for _, n := range w.notes {
		if user == "" || n.User == user {
			out = append(out, n)
		}
	}
	return out
}

// NotificationCount is how often a person was woken, forgotten times included.
func (w *Workspace) NotificationCount(user string) int {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.noteCounts[user]
}

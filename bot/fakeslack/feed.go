package fakeslack

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// ChangeKind says what moved in the workspace.
type ChangeKind string

// The kinds of change that the feed reports.
const (
	Posted       ChangeKind = "posted"    // a message, in a channel, thread or DM
	Edited       ChangeKind = "edited"    // a message got other words
	Removed      ChangeKind = "removed"   // a message was deleted
	Whispered    ChangeKind = "whispered" // an ephemeral message, to User
	Arranged     ChangeKind = "arranged"  // a channel: created, renamed, topic, members, pins, bookmarks
	Reacted      ChangeKind = "reacted"
	ModalMoved   ChangeKind = "modal" // User's modals: opened, updated, pushed, closed
	HomeMoved    ChangeKind = "home"  // User's App Home was published
	FileAdded    ChangeKind = "file"
	PeopleMoved  ChangeKind = "people"    // a user or a user group
	Called       ChangeKind = "called"    // a Web API call was answered
	Delivered    ChangeKind = "delivered" // something was sent to the app, or acknowledged by it
	SocketsMoved ChangeKind = "sockets"   // a Socket Mode connection came or went
)

// Change is one entry of the feed. It says where to look; the read methods say
// what is there now.
type Change struct {
	Seq     int64      `json:"seq"`
	Kind    ChangeKind `json:"kind"`
	At      time.Time  `json:"at"`
	Channel string     `json:"channel,omitempty"`
	TS      string     `json:"ts,omitempty"`
	User    string     `json:"user,omitempty"`
	View    string     `json:"view,omitempty"`
	Detail  string     `json:"detail,omitempty"` // method of a call, type of a delivery
}

// change records what moved and wakes whoever waits. The lock is held.
func (w *Workspace) change(c Change) {
	c.Seq = w.changes.next()
	c.At = w.opts.Now()
	w.changes.add(c)
	close(w.changed)
	w.changed = make(chan struct{})
}

// Changes returns what happened after the change numbered after, waiting for
// something to happen when nothing has yet. Begin with LastChange, or with 0 for
// all that is remembered. A first entry later than after+1 means that the feed
// was too long to remember: read everything anew. It fails when ctx ends or the
// workspace closes.
func (w *Workspace) Changes(ctx context.Context, after int64) ([]Change, error) {
	for {
		w.mu.RLock()
		found, wake := w.changes.since(after+1), w.changed
		w.mu.RUnlock()
		if len(found) > 0 {
			return found, nil
		}
		if err := w.sleep(ctx, wake); err != nil {
			return nil, fmt.Errorf("wait for changes: %w", err)
		}
	}
}

// LastChange is the number of the newest change.
func (w *Workspace) LastChange() int64 {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.changes.next() - 1
}

// WaitFor returns once met says yes; it asks again after every change, without
// holding any lock, so met may use every read method. When ctx ends first, the
// error tells what the workspace saw last.
func (w *Workspace) WaitFor(ctx context.Context, met func() bool) error {
	for {
		w.mu.RLock()
		wake := w.changed
		w.mu.RUnlock()
		if met() {
			return nil
		}
		if err := w.sleep(ctx, wake); err != nil {
			return fmt.Errorf("wait for the workspace: %w; it last saw: %s", err, w.recently())
		}
	}
}

// sleep waits for wake, or for the end of ctx or of the workspace.
func (w *Workspace) sleep(ctx context.Context, wake <-chan struct{}) error {
	select {
	case <-wake:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-w.ctx.Done():
		return fmt.Errorf("the workspace is closed: %w", context.Canceled)
	}
}

// recently tells the last few changes in one line.
func (w *Workspace) recently() string {
	w.mu.RLock()
	defer w.mu.RUnlock()
	var said []string
	for _, c := range w.changes.since(w.changes.next() - 12) {
		where := c.Channel
		if ch := w.channels[c.Channel]; ch != nil && ch.name != "" {
			where = "#" + ch.name
		}
		text := ""
		if ch := w.channels[c.Channel]; ch != nil && c.TS != "" {
			if m := ch.message(c.TS); m != nil {
				text = fmt.Sprintf("%.60q", m.Text)
			}
		}
		said = append(said, strings.Join(strings.Fields(
			fmt.Sprintf("%s %s %s %s %s", c.Kind, c.Detail, where, c.User, text)), " "))
	}
	if len(said) == 0 {
		return "nothing at all"
	}
	return strings.Join(said, "; ")
}

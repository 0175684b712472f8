package campaign

import (
	"context"
	"fmt"
	"strings"
)

// maxTail bounds how much of a log is shown in one message.
const maxTail = 30

// AuditTail shows the newest records of a campaign's log, at most 30, with the
// people behind the pseudonyms and the reasons behind the commitments as far as
// they are still known.
func (g *Engine) AuditTail(ctx context.Context, id string, n int) (Message, error) {
	c, err := g.Campaign(ctx, id)
	if err != nil {
		return Message{}, err
	}
	seq, anchor, err := auditPlace(ctx, g.opts.Store, Scope(id))
	if err != nil {
		return Message{}, err
	}
	if n = min(max(n, 1), maxTail); uint64(n) > seq { //nolint:gosec // n is small and positive
		n = int(seq) //nolint:gosec // smaller than n
	}
	records, err := g.opts.Store.Audit(ctx, Scope(id), seq-uint64(n), n) //nolint:gosec // as above
	if err != nil {
		return Message{}, fmt.Errorf("read audit log of %s: %w", id, err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "*%s: the last %s of %s.*", Escape(c.Title), count(len(records), "record"), thousands(int(seq))) //nolint:gosec // far below 2^63
	for _, r := range records {
		line, err := g.auditLine(ctx, c, r)
		if err != nil {
			return Message{}, err
		}
		b.WriteString("\n" + line)
	}
	if anchor != "" {
		b.WriteString("\n_Newest seal " + anchor + ". `muster audit verify` recomputes them all._")
	}
	return Message{Text: b.String(), Ephemeral: true}, nil
}

func (g *Engine) auditLine(ctx context.Context, c Campaign, r AuditRecord) (string, error) {
	who := r.Actor
	known, _, err := Load[alias](ctx, g.opts.Store, Sys, KindAlias, r.Actor)
	if err != nil && KindOf(err) != NotFound {
		return "", err
	}
	if err == nil {
		who = string(Mention(known.Person))
	}
	line := fmt.Sprintf("%d · %s · %s · %s `%s`", r.Seq, r.At.In(c.Location()).Format("2 Jan 15:04:05"), who, Escape(r.Action), Escape(r.Subject))
	if r.Before != "" || r.After != "" {
		line += fmt.Sprintf(" %s → %s", Escape(r.Before), Escape(r.After))
	}
	if r.Reason == "" {
		return line, nil
	}
	note, _, err := Load[Note](ctx, g.opts.Store, Scope(c.ID), KindNote, r.Reason)
	switch {
	case err == nil:
		line += ": " + string(Escape(note.Text))
	case KindOf(err) == NotFound:
		line += ": (the reason was deleted)"
		err = nil
	}
	return line, err
}

package fakeslack

import (
	"slices"
	"time"
)

// Narrated is the kind of change that a new line of the guide makes.
const Narrated ChangeKind = "narrated"

const (
	maxTold = 400 // lines of the guide that are remembered
	maxRows = 500 // rows of a panel that are shown
)

// Panel shows something of another program beside the workspace, read-only, such
// as the tickets of a tracker. Its functions are called often and concurrently.
type Panel struct {
	Name string
	// Rows is a table as plain text, the first row its heading. A cell that is an
	// http link becomes one. Only the first 500 rows are shown.
	Rows func() [][]string
	// Text is mrkdwn shown above the table. Either function may be nil.
	Text func() string
}

// line is one that the guide was told.
type line struct {
	at   time.Time
	text string
}

// Narrate adds a line to the guide, in mrkdwn, with the time by the workspace's
// clock. Only the newest 400 are kept.
func (p *Page) Narrate(text string) {
	p.mu.Lock()
	p.told = append(p.told, line{at: p.w.Now(), text: text})
	if over := len(p.told) - maxTold; over > 0 {
		p.told = slices.Delete(p.told, 0, over)
	}
	p.mu.Unlock()
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	p.w.change(Change{Kind: Narrated})
}

// guide renders steps and lines.
func (p *Page) guide(r reader) fields {
	p.mu.Lock()
	told := slices.Clone(p.told)
	p.mu.Unlock()
	steps := make([][]span, 0, len(p.opts.Steps))
	for _, s := range p.opts.Steps {
		steps = append(steps, r.mrkdwn(s))
	}
	lines := make([]fields, 0, len(told))
	for _, l := range told {
		lines = append(lines, fields{"time": l.at.In(r.now.Location()).Format("15:04"), "spans": r.mrkdwn(l.text)})
	}
	return fields{"title": p.opts.Title, "steps": steps, "lines": lines}
}

// panel reads one of the extra panels; nil when there is none of that number.
func (p *Page) panel(r reader, n int) fields {
	if n < 0 || n >= len(p.opts.Panels) {
		return nil
	}
	has := p.opts.Panels[n]
	out := fields{"name": has.Name}
	if has.Text != nil {
		out["spans"] = r.mrkdwn(has.Text())
	}
	if has.Rows != nil {
		rows := has.Rows()
		if len(rows) > maxRows+1 {
			out["more"] = len(rows) - maxRows - 1
			rows = rows[:maxRows+1]
		}
		out["rows"] = rows
	}
	return out
}

package campaign

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Snapshot is the state of a campaign at one moment, frozen: what leaders are
// told is computed from it alone, so that all of them see the same numbers.
type Snapshot struct {
	ID string    `json:"id"`
	At time.Time `json:"at"`
	// AuditSeq is a place in the audit log: the numbers hold all that was done
	// up to it, and nothing after it unless Busy is set.
	AuditSeq uint64 `json:"audit_seq"`
	// Busy says that work went on while the snapshot was taken, so that it may
	// hold some of what came right after AuditSeq.
	Busy   bool   `json:"busy,omitempty"`
	Anchor string `json:"anchor,omitempty"` // short form of the newest seal

	Tracks       []string      `json:"tracks"` // in the campaign's order
	Leaves       []Leaf        `json:"leaves"`
	Organisation Organisation  `json:"organisation"`
	Reopened     int           `json:"reopened,omitempty"`
	Questions    QuestionCount `json:"questions,omitzero"`
	Exceptions   []TaskLine    `json:"exceptions,omitempty"` // at most 100
	Overdue      int           `json:"overdue,omitempty"`
	Worst        []TaskLine    `json:"worst,omitempty"` // at most 20: exposed, overdue, blocked, oldest
	Asks         []Ask         `json:"asks,omitempty"`  // open ones
	// Inquiries are the unknown targets whose owners were asked, or will know.
	Inquiries InquiryCount `json:"inquiries,omitzero"`
}

// TaskLine is a task as a list shows it.
type TaskLine struct {
	Task     string     `json:"task"`
	Name     string     `json:"name"`
	Owner    string     `json:"owner,omitempty"`
	Track    string     `json:"track"`
	Status   TaskStatus `json:"status"`
	Exposed  bool       `json:"exposed,omitempty"`
	Blocked  string     `json:"blocked,omitempty"`
	Reason   string     `json:"reason,omitempty"`
	Accepted Person     `json:"accepted,omitempty"`
	Due      time.Time  `json:"due,omitzero"`
	Since    time.Time  `json:"since"` // its last change
}

const (
	worstShown      = 20
	exceptionsShown = 100
	// historyKept is how many sums are kept for charts and forecasts, and how
	// many snapshots whole.
	historyKept = 100
	historyID   = "history"
)

// history is the sums of the last snapshots, the oldest first.
type history struct {
	Points []point `json:"points"`
}

// point is the sums of one snapshot.
type point struct {
	ID string `json:"id"`
	Numbers
}

// Numbers adds up a unit of the snapshot; the whole company for "".
func (s Snapshot) Numbers(unit string) Numbers {
	n := sumUnit(s.Leaves, s.Organisation, s.Tracks, unit)
	n.At = s.At
	if unit == "" {
		n.Reopened, n.Questions = s.Reopened, s.Questions
	}
	return n
}

// Rollup adds up a unit of the snapshot and those below it.
func (s Snapshot) Rollup(unit string) Rollup {
	roll := rollup(s.Leaves, s.Organisation, s.Tracks, unit)
	roll.Numbers = s.Numbers(unit)
	return roll
}

// TakeSnapshot returns the snapshot of this ID, and takes it when there is none.
// It may be called any number of times, and by several at once.
func (g *Engine) TakeSnapshot(ctx context.Context, id, snapshot string) (Snapshot, error) {
	old, _, err := Load[Snapshot](ctx, g.opts.Store, Scope(id), KindSnapshot, snapshot)
	if err == nil || KindOf(err) != NotFound {
		return old, err
	}
	fresh, err := g.measure(ctx, id)
	if err != nil {
		return Snapshot{}, fmt.Errorf("measure %s: %w", id, err)
	}
	fresh.ID = snapshot
	err = g.atomically(ctx, Scope(id), Request{}, func(tx *transaction) error {
		if other, found, err := find[Snapshot](tx, KindSnapshot, snapshot); err != nil || found {
			fresh = other // another replica was faster: all tell the same numbers
			return err
		}
		return tx.keepSnapshot(fresh)
	})
	return fresh, err
}

func (tx *transaction) keepSnapshot(s Snapshot) error {
	h, _, err := find[history](tx, KindSnapshot, historyID)
	if err != nil {
		return err
	}
	h.Points = append(h.Points, point{ID: s.ID, Numbers: s.Numbers("")})
	for len(h.Points) > historyKept {
		if err := tx.drop(KindSnapshot, h.Points[0].ID); err != nil {
			return err
		}
		h.Points = h.Points[1:]
	}
	if err := tx.audit("snapshot.take", "snapshot/"+s.ID, "", fmt.Sprint(s.AuditSeq), ""); err != nil {
		return err
	}
	if err := save(tx, KindSnapshot, historyID, h); err != nil {
		return err
	}
	return save(tx, KindSnapshot, s.ID, s)
}

// measure reads a campaign's numbers. Where work goes on meanwhile it reads
// again, a few times, until the numbers and the place in the log agree.
func (g *Engine) measure(ctx context.Context, id string) (Snapshot, error) {
	const tries = 4
	var s Snapshot
	for range tries {
		var err error
		if s, err = g.measureOnce(ctx, id); err != nil || !s.Busy {
			return s, err
		}
	}
	return s, nil
}

func (g *Engine) measureOnce(ctx context.Context, id string) (Snapshot, error) {
	scope, store := Scope(id), g.opts.Store
	c, err := g.Campaign(ctx, id)
	if err != nil {
		return Snapshot{}, err
	}
	seq, anchor, err := auditPlace(ctx, store, scope)
	if err != nil {
		return Snapshot{}, err
	}
	counters, err := store.Counters(ctx, scope, "")
	if err != nil {
		return Snapshot{}, fmt.Errorf("read counters: %w", err)
	}
	s := Snapshot{
		At: g.opts.Clock.Now(), AuditSeq: seq, Anchor: anchor, Tracks: c.trackNames(), Leaves: leavesOf(counters),
		Reopened: int(counters[counterReopened]), Questions: countQuestions(counters),
	}
	if s.Organisation, err = g.organisation(ctx, s.Leaves); err != nil {
		return Snapshot{}, err
	}
	if err := s.listTasks(ctx, store, scope); err != nil {
		return Snapshot{}, err
	}
	if s.Asks, err = openAsks(ctx, store, scope); err != nil {
		return Snapshot{}, err
	}
	if s.Inquiries, err = g.unscannedInquiries(ctx, c); err != nil {
		return Snapshot{}, err
	}
	after, _, err := auditPlace(ctx, store, scope)
	s.Busy = after != seq
	return s, err
}

// listTasks picks the worst tasks and the exceptions.
func (s *Snapshot) listTasks(ctx context.Context, r Reader, scope Scope) error {
	worse := func(a, b TaskLine) int { return a.worse(b, s.At) }
	for t, err := range LoadAll[Task](ctx, r, scope, KindTask) {
		if err != nil {
			return fmt.Errorf("read tasks: %w", err)
		}
		line := taskLine(t.Value)
		switch {
		case line.Status == TaskExcepted && len(s.Exceptions) < exceptionsShown:
			s.Exceptions = append(s.Exceptions, line)
		case line.Status.Actionable():
			if line.overdue(s.At) {
				s.Overdue++
			}
			if s.Worst = append(s.Worst, line); len(s.Worst) >= 8*worstShown {
				slices.SortFunc(s.Worst, worse)
				s.Worst = s.Worst[:worstShown]
			}
		}
	}
	slices.SortFunc(s.Worst, worse)
	s.Worst = s.Worst[:min(len(s.Worst), worstShown)]
	return nil
}

func taskLine(t Task) TaskLine {
	return TaskLine{
		Task: t.ID, Name: t.Name, Owner: t.Owner, Track: t.Track, Status: t.Status, Exposed: t.Exposed,
		Blocked: t.Blocked, Reason: t.Reason, Accepted: t.Accepted, Due: t.Due, Since: t.UpdatedAt,
	}
}

func (l TaskLine) overdue(now time.Time) bool { return !l.Due.IsZero() && l.Due.Before(now) }

// worse puts exposed tasks first, then overdue ones, then blocked ones, then
// those that have not moved for longest.
func (l TaskLine) worse(o TaskLine, now time.Time) int {
	return cmp.Or(
		first(l.Exposed, o.Exposed), first(l.overdue(now), o.overdue(now)), first(l.Blocked != "", o.Blocked != ""),
		l.Since.Compare(o.Since), strings.Compare(l.Task, o.Task))
}

// first orders what is true before what is not.
func first(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// history returns the sums of the last snapshots, the oldest first.
func (g *Engine) history(ctx context.Context, id string) ([]point, error) {
	h, _, err := Load[history](ctx, g.opts.Store, Scope(id), KindSnapshot, historyID)
	if err != nil && KindOf(err) != NotFound {
		return nil, fmt.Errorf("read history of %s: %w", id, err)
	}
	return h.Points, nil
}

// drop deletes a record when the transaction commits. One that is missing is
// not an error.
func (tx *transaction) drop(kind RecordKind, id string) error {
	record, err := tx.engine.opts.Store.Get(tx.ctx, tx.scope, kind, id)
	if err != nil {
		if KindOf(err) == NotFound {
			return nil
		}
		return err
	}
	tx.read[recordKey{kind, id}] = loaded{version: record.Version, dirty: true}
	return nil
}

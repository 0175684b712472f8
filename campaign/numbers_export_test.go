package campaign

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// AddTasks stores tasks as a launch does: counted, indexed and audited.
func (g *Engine) AddTasks(ctx context.Context, id string, tasks ...Task) error {
	for len(tasks) > 0 {
		n := min(len(tasks), 300)
		err := g.atomically(ctx, Scope(id), Request{}, func(tx *transaction) error {
			for _, t := range tasks[:n] {
				if err := tx.addTask(t); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		tasks = tasks[n:]
	}
	return nil
}

// MoveTask moves a task; back to its owner as a reopening.
func (g *Engine) MoveTask(ctx context.Context, r Request, id, task string, to TaskStatus) error {
	return g.atomically(ctx, Scope(id), r, func(tx *transaction) error {
		t, err := load[Task](tx, KindTask, task)
		if err != nil {
			return err
		}
		if to == TaskInProgress && (t.Status.Finished() || t.Status == TaskClaimed) {
			_, err := tx.reopenTask(task, "task.reopen", r.Reason)
			return err
		}
		_, err = tx.changeTask(task, "task.move", r.Reason, func(t *Task) error {
			if to == TaskClaimed {
				t.Claim = &Claim{Method: MethodUpdated, By: r.Actor, At: tx.now}
			}
			return moveTask(t, to)
		})
		return err
	})
}

// WorkNumbers works what is due of the numbers, until nothing is; due work of
// other kinds is put back by an hour. It returns the IDs that were worked.
func (g *Engine) WorkNumbers(ctx context.Context) ([]string, error) {
	var worked []string
	for range 1000 {
		now := g.opts.Clock.Now()
		claims, err := g.opts.Store.Claim(ctx, ClaimRequest{Now: now, Lease: time.Minute, N: 1})
		if err != nil || len(claims.Entries) == 0 {
			return worked, err
		}
		c := claims.Entries[0]
		if prefix, _, _ := strings.Cut(c.ID, "/"); slices.Contains([]string{"seal", "digest", "close"}, prefix) {
			err = g.handle(ctx, c)
		} else {
			err = Retry(ctx, g.opts.Store, c, now.Add(time.Hour))
		}
		if err != nil {
			return worked, fmt.Errorf("work %s: %w", c.ID, err)
		}
		worked = append(worked, c.ID)
	}
	return worked, fmt.Errorf("work does not end: %v", worked[len(worked)-10:])
}

// LiveNumbers returns what Status shows.
func (g *Engine) LiveNumbers(ctx context.Context, id string) (Numbers, error) {
	return g.numbers(ctx, id)
}

// WorkEntry works one due entry that was claimed.
func (g *Engine) WorkEntry(ctx context.Context, c Claimed) error { return g.handle(ctx, c) }

// ForecastOf forecasts from what was left at regular moments.
func ForecastOf(start time.Time, every time.Duration, left []int) (time.Time, string) {
	var points []point
	for i, n := range left {
		points = append(points, point{Numbers: Numbers{
			At: start.Add(time.Duration(i) * every), Tracks: []TrackNumbers{{Track: "fix", All: TaskCounts{Open: n}}},
		}})
	}
	f := forecast(points, "fix")
	return f.At, f.Why
}

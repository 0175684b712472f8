package campaign

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/sirupsen/logrus"
)

// Loss is a moment in which the store may have forgotten what it took in last: a
// server that writes its log once a second was started again, or another one took
// over. What is stored then is the whole of an earlier moment. What was sent
// since may look as if it had never been, so it is looked up before it is sent.
type Loss struct {
	From time.Time `json:"from"` // what was stored by then is there
	At   time.Time `json:"at"`   // when it was noticed
}

// storeRun remembers under which run of the store's server Muster works.
type storeRun struct {
	Epoch  string    `json:"epoch"`
	SeenAt time.Time `json:"seen_at"` // when it was last written down
	Loss   Loss      `json:"loss,omitzero"`
}

const (
	// lossPrefix starts the key of the message that tells of a loss. It names the
	// moment, so that it cannot have been sent before.
	lossPrefix = "loss/"
	// lossesJoin is how close two losses are to count as one: what the first put
	// in doubt may not have been looked up yet.
	lossesJoin = 24 * time.Hour
	// lossTold is how long after a loss the heartbeat still tells of it.
	lossTold = time.Hour
)

// lossWatch caches the newest loss for the run of the store that it was read in.
type lossWatch struct {
	mu    sync.Mutex
	epoch string
	loss  Loss
	told  time.Time
}

// lastLoss returns the newest loss, zero when there was none. Whoever is the first
// to meet another run of the store's server writes the loss down; the others find
// it. It asks the store only when the run changed.
func (g *Engine) lastLoss(ctx context.Context) (Loss, error) {
	epoch := g.opts.Epoch()
	if epoch == "" {
		return Loss{}, nil
	}
	w := &g.losses
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.epoch == epoch {
		return w.loss, nil
	}
	now := g.opts.Clock.Now()
	run, err := Upsert(ctx, g.opts.Store, Sys, KindRun, self, func(run *storeRun, _ *Change) error {
		switch {
		case run.Epoch == epoch:
			return nil
		case run.Epoch != "":
			from := run.SeenAt
			if !run.Loss.At.IsZero() && now.Sub(run.Loss.At) < lossesJoin {
				from = run.Loss.From
			}
			run.Loss = Loss{From: from, At: now}
		}
		run.Epoch, run.SeenAt = epoch, now
		return nil
	})
	if err != nil {
		return Loss{}, fmt.Errorf("look for a loss of the store: %w", err)
	}
	w.epoch, w.loss = epoch, run.Loss
	g.pseudonyms.forget() // what was read may not be there any more
	g.unpacked.forget()
	if run.Loss.At.Equal(now) {
		g.opts.Log.WithFields(logrus.Fields{"since": run.Loss.From}).Warn("the store may have lost its last seconds")
	}
	return run.Loss, nil
}

// lossSettles is how long after a loss nothing is sent that would show twice: what
// a process sent before it may still be on its way, and a tracker's search may not
// show it yet.
func (g *Engine) lossSettles() time.Duration {
	return max(g.opts.Work.UncertainWait, g.opts.Work.Lease)
}

// doubts returns whether an effect may have been carried out before the loss and
// its record forgotten: it was planned by then, or was planned again after it by
// work that had begun before.
func (g *Engine) doubts(l Loss, e Effect) bool {
	if l.At.IsZero() || strings.HasPrefix(e.Subject, lossPrefix) {
		return false
	}
	return e.CreatedAt.Before(l.At.Add(g.lossSettles())) || !e.Began.IsZero() && !e.Began.After(l.At)
}

// recall makes an effect uncertain that a loss puts in doubt, so that it is looked
// up before it is carried out.
func (g *Engine) recall(ctx context.Context, e *Effect) error {
	l, err := g.lastLoss(ctx)
	if err != nil || !g.doubts(l, *e) {
		return err
	}
	settled := l.At.Add(g.lossSettles() - g.opts.Work.UncertainWait)
	e.UncertainAt = latest(e.UncertainAt, settled)
	return nil
}

// mayStandSince returns since when an effect may have been carried out.
func (g *Engine) mayStandSince(ctx context.Context, e Effect) (time.Time, error) {
	l, err := g.lastLoss(ctx)
	if err == nil && g.doubts(l, e) && l.From.Before(e.CreatedAt) {
		return l.From, nil
	}
	return e.CreatedAt, err
}

// noteRun writes down that all is well under this run of the store, so that the
// next loss is known to be later.
func (g *Engine) noteRun(ctx context.Context) error {
	if g.opts.Epoch() == "" {
		return nil
	}
	loss, err := g.lastLoss(ctx)
	if err != nil {
		return err
	}
	now := g.opts.Clock.Now()
	_, err = Update(ctx, g.opts.Store, Sys, KindRun, self, func(run *storeRun, _ *Change) error {
		if now.Sub(run.SeenAt) >= g.opts.Work.Heartbeat {
			run.SeenAt = now
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("note the run of the store: %w", err)
	}
	return g.tellLoss(ctx, loss)
}

// tellLoss says once what may be lost, where the campaigns are steered from: in
// the command channel, or to each commander while there is none.
func (g *Engine) tellLoss(ctx context.Context, l Loss) error {
	w := &g.losses
	w.mu.Lock()
	told := w.told.Equal(l.At)
	w.mu.Unlock()
	if l.At.IsZero() || told || g.opts.Clock.Now().Sub(l.At) > lossTold {
		return nil
	}
	scopes := []Scope{Sys}
	if g.opts.CommandChannel.ID == "" {
		scopes = nil
		campaigns, err := g.Campaigns(ctx)
		if err != nil {
			return err
		}
		for _, c := range campaigns {
			if c.Status != Closed && c.Status != Cancelled {
				scopes = append(scopes, Scope(c.ID))
			}
		}
	}
	for _, scope := range scopes {
		err := g.atomically(ctx, scope, Request{}, func(tx *transaction) error {
			return tx.tellCommand(lossPrefix+timeKey(l.At), g.lossMessage(l))
		})
		if err != nil {
			return fmt.Errorf("tell of a loss in %s: %w", scope, err)
		}
	}
	w.mu.Lock()
	w.told = l.At
	w.mu.Unlock()
	return nil
}

func (g *Engine) lossMessage(l Loss) Message {
	zone := location(g.opts.Zone)
	from, at := l.From.In(zone).Format("15:04:05"), l.At.In(zone).Format("15:04:05 MST")
	return Message{Text: fmt.Sprintf(
		"*The store was restarted, and may have lost up to its last seconds between %s and %s.*\n"+
			"Tickets and messages are looked up before they are sent, so none goes out twice; for that, nothing is sent for %s.\n"+
			"Commands, presses and forms of that time may need repeating: `/campaign status` shows what is known.",
		from, at, g.lossSettles())}
}

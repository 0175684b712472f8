package campaign

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/sirupsen/logrus"
)

// Handler works one due entry. It ends the lease itself, in the same step as
// what the work brought about. An error puts the entry back: the kind of the
// error decides for how long.
type Handler func(ctx context.Context, c Claimed) error

// Handle lets entries whose ID starts with prefix, such as "inbox/", be worked
// by h. It must be called before Run; a prefix has one handler.
func (g *Engine) Handle(prefix string, h Handler) { g.handlers[prefix] = h }

// routes registers the domain's own work.
func (g *Engine) routes() {
	g.Handle("effect/", g.perform)
	g.Handle(wavePrefix, g.fileWave)
	g.Handle(cancelPrefix, g.withdraw)
	g.Handle(sealPrefix, g.seal)
	g.Handle(digestPrefix, g.digest)
	g.Handle(closePrefix, g.finishClosing)
	g.Handle(advicePrefix, g.advise)
}

// Run claims and works due entries until ctx ends, then finishes what it holds
// within the lease and returns nil. Any number of replicas may run at a time.
func (g *Engine) Run(ctx context.Context) error {
	w := &worker{engine: g, freed: make(chan struct{}, 1)}
	var wg sync.WaitGroup
	wg.Go(func() { g.beat(ctx) })
	for ctx.Err() == nil {
		ready := g.opts.Store.Ready() // before the claim, so that nothing is missed in between
		wait, err := w.claim(ctx, &wg)
		if err != nil && ctx.Err() == nil {
			g.opts.Log.WithError(err).Error("claim work")
			wait = g.opts.Work.Poll
		}
		w.rest(ctx, ready, wait)
	}
	wg.Wait()
	return nil
}

// worker is one replica's share of the work.
type worker struct {
	engine *Engine
	freed  chan struct{}
	mu     sync.Mutex
	busy   int
}

// claim takes as much work as there are free hands. A quarter of them is kept
// for what a person waits for. It returns how long nothing will be due.
func (w *worker) claim(ctx context.Context, wg *sync.WaitGroup) (time.Duration, error) {
	o := w.engine.opts
	w.mu.Lock()
	free := o.Work.Workers - w.busy
	w.mu.Unlock()
	kept := max(1, o.Work.Workers/4)
	request := ClaimRequest{Now: o.Clock.Now(), Lease: o.Work.Lease, N: free - kept}
	if free <= 0 {
		return o.Work.Poll, nil
	}
	if request.N <= 0 {
		request.N, request.Lanes = free, []Lane{Interactive}
	}
	claims, err := o.Store.Claim(ctx, request)
	if err != nil {
		return 0, err
	}
	for _, c := range claims.Entries {
		w.mu.Lock()
		w.busy++
		w.mu.Unlock()
		wg.Go(func() { w.work(ctx, c) })
	}
	switch {
	case len(claims.Entries) == request.N:
		return 0, nil // there may be more
	case claims.Next.IsZero():
		return o.Work.Poll, nil
	}
	return min(o.Work.Poll, max(time.Millisecond, claims.Next.Sub(o.Clock.Now()))), nil
}

// rest sleeps until there may be work: a signal, a free hand, or the time given.
func (w *worker) rest(ctx context.Context, ready <-chan struct{}, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	case <-w.freed:
	case <-ready:
	}
}

// work carries out one entry. It outlives ctx by at most the lease, so that a
// shutdown finishes what it holds.
func (w *worker) work(ctx context.Context, c Claimed) {
	g := w.engine
	defer func() {
		w.mu.Lock()
		w.busy--
		w.mu.Unlock()
		select {
		case w.freed <- struct{}{}:
		default:
		}
	}()
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), g.opts.Work.Lease*4/5,
		&Error{Kind: Uncertain, Err: fmt.Errorf("work on %s ran out of its lease", c.ID)})
	defer cancel()
	err := g.handle(ctx, c)
	if err == nil {
		return
	}
	g.opts.Log.WithError(err).WithFields(logrus.Fields{FieldCampaign: string(c.Scope), "entry": c.ID, "attempts": c.Attempts}).Warn("work put back")
	if err := Retry(ctx, g.opts.Store, c, g.opts.Clock.Now().Add(retryDelay(c.Attempts, err))); err != nil && KindOf(err) != Conflict {
		g.opts.Log.WithError(err).WithField("entry", c.ID).Error("put work back; its lease will run out")
	}
}

func (g *Engine) handle(ctx context.Context, c Claimed) error {
	prefix, _, _ := strings.Cut(c.ID, "/")
	h, ok := g.handlers[prefix+"/"]
	if !ok {
		return fmt.Errorf("no handler for due entry %q", c.ID)
	}
	return h(ctx, c)
}

// retryDelay is how long something waits after so many attempts: what the other
// side asked for, or doubling from a quarter of a second to five minutes.
func retryDelay(attempts int, err error) time.Duration {
	backoff := min(250*time.Millisecond<<min(attempts, 12), 5*time.Minute)
	if KindOf(err) == Conflict {
		backoff = min(backoff, time.Second)
	}
	return max(backoff, RetryAfter(err))
}

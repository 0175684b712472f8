package campaign

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
	g.Handle(effectPrefix, g.perform)
	g.Handle(filePrefix, g.perform)
	g.Handle(wavePrefix, g.fileWave)
	g.Handle(watchPrefix, g.watchWave)
	g.Handle(cancelPrefix, g.withdraw)
	g.Handle(sealPrefix, g.seal)
	g.Handle(digestPrefix, g.digest)
	g.Handle(closePrefix, g.finishClosing)
	g.Handle(advicePrefix, g.advise)
	g.Handle(trackingPrefix, g.trackDue)
	g.Handle(reassignPrefix, g.reassign)
	g.Handle(renewalPrefix, g.renew)
	g.Handle(inquiryPrefix, g.remind)
	g.Handle(mergePrefix, g.mergeStep)
	g.Handle(sweepPrefix, g.resweep)
	g.Handle(dropPrefix, g.readDrop)
}

// errStopped is why work in hand is cut off at last.
var errStopped = errors.New("the worker was stopped")

// stopping returns whether a context ended because the worker was stopped.
func stopping(ctx context.Context) bool { return errors.Is(context.Cause(ctx), errStopped) }

// Run claims and works due entries until ctx ends. Then it finishes what it holds;
// what takes longer than Work.Stop is cut off and put back for anybody to claim at
// once, or, where it may have had an effect outside, to be looked up. It returns
// nil. Any number of replicas may run at a time.
func (g *Engine) Run(ctx context.Context) error {
	w := &worker{engine: g, freed: make(chan struct{}, 1)}
	hands, cut := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cut(nil)
	idle := make(chan struct{})
	var beside sync.WaitGroup
	beside.Go(func() { g.beat(ctx) })
	beside.Go(func() {
		<-ctx.Done()
		select {
		case <-idle:
		case <-time.After(g.opts.Work.Stop):
			cut(errStopped)
		}
	})
	for ctx.Err() == nil {
		ready := g.opts.Store.Ready() // before the claim, so that nothing is missed in between
		wait, err := w.claim(ctx, hands)
		if err != nil && ctx.Err() == nil {
			g.opts.Log.WithError(err).Error("claim work")
			wait = g.opts.Work.Poll
		}
		w.rest(ctx, ready, wait)
	}
	w.work.Wait()
	close(idle)
	beside.Wait()
	return nil
}

// worker is one replica's share of the work.
type worker struct {
	engine *Engine
	freed  chan struct{}
	work   sync.WaitGroup
	mu     sync.Mutex
	busy   int
}

// claim takes as much work as there are free hands. A quarter of them is kept
// for what a person waits for. It returns how long nothing will be due.
func (w *worker) claim(ctx, hands context.Context) (time.Duration, error) {
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
	claims, err := o.Store.Claim(hands, request) // not by ctx: what was claimed must be known
	if err != nil {
		return 0, err
	}
	alone, together, err := w.engine.gatherRound(hands, claims.Entries, request)
	if err != nil {
		w.engine.opts.Log.WithError(err).Error("claim more filings")
	}
	if ctx.Err() != nil {
		w.engine.putBack(hands, slices.Concat(alone, together), time.Time{})
		return 0, nil
	}
	if w.engine.mayGrow(together) {
		w.engine.putBack(hands, together, o.Clock.Now().Add(linger))
		together = nil
	}
	for _, c := range alone {
		w.start(hands, c, func(ctx context.Context) {
			if err := w.engine.handle(ctx, c); err != nil {
				w.engine.retry(ctx, c, err)
			}
		})
	}
	if len(together) > 0 {
		w.start(hands, together[0], func(ctx context.Context) { w.engine.fileTogether(ctx, together) })
	}
	switch {
	case len(claims.Entries) == request.N:
		return 0, nil // there may be more
	case claims.Next.IsZero():
		return o.Work.Poll, nil
	}
	return min(o.Work.Poll, max(time.Millisecond, claims.Next.Sub(o.Clock.Now()))), nil
}

// gatherRound parts what was claimed into what is worked alone and what a bulk
// tracker files together. Where there are filings, it claims as many more as one
// call takes; what else comes with them and finds no hand goes back.
func (g *Engine) gatherRound(ctx context.Context, claimed []Claimed, r ClaimRequest) (alone, together []Claimed, err error) {
	bulk := g.bulk()
	if bulk == 1 {
		return claimed, nil, nil
	}
	alone, together = partFilings(claimed)
	if len(together) == 0 || len(together) >= bulk || len(claimed) < r.N {
		return alone, together, nil
	}
	more, err := g.opts.Store.Claim(ctx, ClaimRequest{Now: r.Now, Lease: r.Lease, N: bulk - len(together), Lanes: []Lane{Bulk}})
	if err != nil {
		return alone, together, err
	}
	others, filings := partFilings(more.Entries)
	room := min(len(others), max(0, r.N-len(alone)-1))
	g.putBack(ctx, others[room:], time.Time{})
	return append(alone, others[:room]...), append(together, filings...), nil
}

// linger is how long filings that do not fill a call wait once for more: a wave
// plans them part by part, and at the tracker's limit a call is what is scarce.
const linger = 200 * time.Millisecond

// mayGrow returns whether filings do not fill a call and are claimed for the first
// time.
func (g *Engine) mayGrow(together []Claimed) bool {
	seen := slices.ContainsFunc(together, func(c Claimed) bool { return c.Attempts > 0 || c.Expired })
	return len(together) > 0 && len(together) < g.bulk() && !seen
}

func partFilings(claimed []Claimed) (others, filings []Claimed) {
	for _, c := range claimed {
		if strings.HasPrefix(c.ID, filePrefix) {
			filings = append(filings, c)
		} else {
			others = append(others, c)
		}
	}
	return others, filings
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

// start lets a hand do what was claimed, within the lease.
func (w *worker) start(hands context.Context, c Claimed, do func(context.Context)) {
	w.mu.Lock()
	w.busy++
	w.mu.Unlock()
	w.work.Go(func() {
		defer w.done()
		ctx, cancel := context.WithTimeoutCause(hands, w.engine.opts.Work.Lease*4/5,
			&Error{Kind: Uncertain, Err: fmt.Errorf("work on %s ran out of its lease", c.ID)})
		defer cancel()
		do(ctx)
	})
}

func (w *worker) done() {
	w.mu.Lock()
	w.busy--
	w.mu.Unlock()
	select {
	case w.freed <- struct{}{}:
	default:
	}
}

// putBackFor bounds how long a store may take to take work back.
const putBackFor = 2 * time.Second

// retry puts back what failed, for as long as the kind of the error says; what a
// stop cut off, at once.
func (g *Engine) retry(ctx context.Context, c Claimed, cause error) {
	at := g.opts.Clock.Now().Add(retryDelay(c.failures(), cause))
	if stopping(ctx) {
		at = g.opts.Clock.Now()
	}
	g.opts.Log.WithError(cause).WithFields(logrus.Fields{FieldCampaign: string(c.Scope), "entry": c.ID, "attempts": c.Attempts}).Warn("work put back")
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), putBackFor)
	defer cancel()
	if err := Retry(ctx, g.opts.Store, c, at); err != nil && KindOf(err) != Conflict {
		g.opts.Log.WithError(err).WithField("entry", c.ID).Error("put work back; its lease will run out")
	}
}

// maxTurns bounds what the claims of an effect or an envelope say of its failures.
const maxTurns = 5

// failures returns how often work failed before, as far as its claims tell. An
// effect waits for its turn by being claimed again, perhaps a hundred times; how
// often it failed stands in its own record. So does what somebody typed, who waits.
func (c Claimed) failures() int {
	if strings.HasPrefix(c.ID, effectPrefix) || strings.HasPrefix(c.ID, filePrefix) || strings.HasPrefix(c.ID, inboxPrefix) {
		return min(c.Attempts, maxTurns)
	}
	return c.Attempts
}

// putBack returns claimed work that was not begun, for anybody to claim at that
// time or, when it is zero, at once.
// Entries whose lease ran out before stay: put back, it would look as if nothing
// had been tried.
func (g *Engine) putBack(ctx context.Context, claims []Claimed, at time.Time) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), putBackFor)
	defer cancel()
	claims = slices.DeleteFunc(slices.Clone(claims), func(c Claimed) bool { return c.Expired })
	for scope, mine := range byScope(claims) {
		change := Change{Scope: scope}
		for _, c := range mine {
			change.Finish = append(change.Finish, Finish{ID: c.ID, Token: c.Token, RetryAt: latest(c.At, at)})
		}
		if err := g.opts.Store.Apply(ctx, change); err != nil {
			g.opts.Log.WithError(err).WithFields(logrus.Fields{FieldCampaign: string(scope), "entries": len(mine)}).Warn("put work back; its leases will run out")
		}
	}
}

// byScope parts claims by campaign, each in their order.
func byScope(claims []Claimed) map[Scope][]Claimed {
	parted := map[Scope][]Claimed{}
	for _, c := range claims {
		parted[c.Scope] = append(parted[c.Scope], c)
	}
	return parted
}

func (g *Engine) handle(ctx context.Context, c Claimed) error {
	prefix, _, _ := strings.Cut(c.ID, "/")
	h, ok := g.handlers[prefix+"/"]
	if !ok {
		return fmt.Errorf("no handler for due entry %q", c.ID)
	}
	return h(ForLane(ctx, c.Lane), c)
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

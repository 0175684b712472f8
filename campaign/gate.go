package campaign

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// A launched wave is watched until all of it is out and the wave after it has
// gone: its message is kept up to date, and the gate to the next wave is judged.
const watchPrefix = "watch/"

func (w Wave) watch(at time.Time) DueEntry {
	return DueEntry{ID: watchPrefix + w.ID, Lane: Interactive, At: at}
}

// What keeps a gate shut whatever else holds, until a person opens it or the
// trouble is over.
const (
	maxOpenQuestions = 5
	maxDeadLetters   = 5
)

// watchFor is how long a wave is watched that has nothing waiting behind it: some
// of its messages wait for their readers' morning.
const watchFor = 48 * time.Hour

// gateVerdict is what a gate waits for.
type gateVerdict struct {
	open string // why it opens; "" while it does not
	held string // what keeps it shut although it would open, or will

	filing  bool // the wave before is still going out
	needed  int  // claims that open it; 0 when none do
	handled int
	tasks   int
	until   time.Time // when it opens if nobody asks anything; zero when that does not
}

// judge looks at the gate between a wave and the next.
func (gate Gate) judge(c Campaign, w Wave, n waveNumbers, now time.Time) gateVerdict {
	v := gateVerdict{filing: w.OutAt.IsZero(), needed: gate.needed(w.Tasks), handled: n.Handled, tasks: w.Tasks}
	if gate.Quiet > 0 && !v.filing {
		v.until = latest(latest(w.OutAt, c.AskedAt), c.ResumedAt).Add(gate.Quiet)
	}
	switch {
	case v.filing:
	case gate.Mode == GateNone:
		v.open = "nothing lies between the waves"
	case v.needed > 0 && n.Handled >= v.needed:
		v.open = fmt.Sprintf("%d of %s of %s are claimed", n.Handled, count(w.Tasks, "task"), w.name())
	case !v.until.IsZero() && !now.Before(v.until):
		v.open = "nobody asked anything for " + span(gate.Quiet)
	}
	return v
}

// waits says what a gate waits for.
func (v gateVerdict) waits(local LocalTime) string {
	var ways []string
	if v.needed > 0 {
		ways = append(ways, fmt.Sprintf("once %s of %s are claimed (now %s)", thousands(v.needed), count(v.tasks, "task"), thousands(v.handled)))
	}
	switch {
	case !v.until.IsZero():
		ways = append(ways, local.When(v.until)+" if nobody asks anything until then")
	case v.filing:
		ways = append(ways, "not before this wave is in the tracker")
	}
	if len(ways) == 0 {
		return "when somebody sends it: nothing else opens this gate"
	}
	return strings.Join(ways, ", or ")
}

// nextWave returns the wave that waits for this one, nil when none does, and what
// its gate says.
func (g *Engine) nextWave(ctx context.Context, c Campaign, w Wave, n waveNumbers) (*Wave, gateVerdict, error) {
	if w.Then == "" || w.Plan != c.Plan {
		return nil, gateVerdict{}, nil
	}
	next, _, err := Load[Wave](ctx, g.opts.Store, Scope(c.ID), KindWave, w.Then)
	if err != nil || !next.waitsFor(w) {
		return nil, gateVerdict{}, err
	}
	p, _, err := Load[Plan](ctx, g.opts.Store, Scope(c.ID), KindPlan, w.Plan)
	if err != nil {
		return nil, gateVerdict{}, err
	}
	v := c.gate(p, next.Slice).judge(c, w, n, g.opts.Clock.Now())
	v.held, err = g.trouble(ctx, c)
	return &next, v, err
}

// trouble returns what speaks against sending more, in words.
func (g *Engine) trouble(ctx context.Context, c Campaign) (string, error) {
	counters, err := g.opts.Store.Counters(ctx, Scope(c.ID), counterQuestion)
	if err != nil {
		return "", err
	}
	open := 0
	for _, s := range []QuestionStatus{QuestionOpen, QuestionSuggested, QuestionEscalated} {
		open += int(counters[counterQuestion+string(s)])
	}
	dead, err := g.opts.Store.Counters(ctx, Scope(c.ID), counterDead)
	if err != nil {
		return "", err
	}
	var troubles []string
	if open > maxOpenQuestions {
		troubles = append(troubles, count(open, "question")+" are open")
	}
	if n := int(dead[counterDead]); n > maxDeadLetters {
		troubles = append(troubles, thousands(n)+" tickets or messages could not be sent")
	}
	return strings.Join(troubles, " and "), nil
}

// waitsFor returns whether a wave was launched and waits for another.
func (w Wave) waitsFor(before Wave) bool {
	return w.Status == WavePlanned && w.After == before.ID && w.Plan == before.Plan
}

// watchWave works the watch of a wave.
func (g *Engine) watchWave(ctx context.Context, claim Claimed) error {
	id := strings.TrimPrefix(claim.ID, watchPrefix)
	return Retrying(ctx, func() error {
		tx := g.begin(ctx, claim.Scope, Request{})
		w, found, err := find[Wave](tx, KindWave, id)
		if err != nil || !found || !w.Watched {
			return orDone(ctx, g.opts.Store, claim, err)
		}
		c, err := tx.campaign()
		if err != nil {
			return err
		}
		n, err := g.waveNumbers(ctx, tx.scope, id)
		if err != nil {
			return err
		}
		before := w
		next, err := tx.watched(c, &w, n)
		if err != nil {
			return err
		}
		if !w.same(before) {
			if err := save(tx, KindWave, w.ID, w); err != nil {
				return err
			}
		}
		tx.finish(claim, next)
		return tx.commit()
	})
}

// orDone ends a lease that has nothing to do, unless looking failed.
func orDone(ctx context.Context, s Applier, claim Claimed, err error) error {
	if err != nil {
		return err
	}
	return Done(ctx, s, claim)
}

// watched brings a wave's record up to date, opens the gate behind it when it is
// time, and returns when to look again; zero when nothing is left to watch.
func (tx *transaction) watched(c Campaign, w *Wave, n waveNumbers) (time.Time, error) {
	g := tx.engine
	if w.OutAt.IsZero() && w.filed(n) {
		w.OutAt = tx.now
	}
	next, v, err := g.nextWave(tx.ctx, c, *w, n)
	if err != nil {
		return time.Time{}, err
	}
	again := tx.now.Add(g.opts.Work.Coalesce)
	if c.Status == Running {
		if !w.sent(n) || w.Shown == "" || n.Filed != w.Sample.Tickets || n.Sent != w.Sample.Messages {
			w.Sample = w.Sample.next(tx.now, n)
		}
		if next != nil && v.open != "" && v.held == "" {
			if err := tx.openGate(*next, v.open); err != nil {
				return again, err
			}
			next = nil
		}
		if next != nil {
			if err := tx.tellHeld(c, *w, *next, v); err != nil {
				return again, err
			}
			w.Held = v.held
			if v.until.After(tx.now) && v.until.Before(again) {
				again = v.until
			}
		}
	}
	if shown := fmt.Sprint(c.Status, n, next != nil, v.until, v.held, w.sent(n)); shown != w.Shown {
		w.Shown = shown
		if err := tx.refresh(EffectEdit, "wave/"+w.ID); err != nil {
			return again, err
		}
	}
	ended := c.Status == Closed || c.Status == Cancelled
	over := w.sent(n) || tx.now.Sub(w.At) > watchFor && w.Status == WaveFiled
	if ended || over && next == nil {
		w.Watched = false
		return time.Time{}, nil
	}
	return again, nil
}

// same returns whether nothing worth storing has changed.
func (w Wave) same(o Wave) bool {
	return w.OutAt.Equal(o.OutAt) && w.Held == o.Held && w.Shown == o.Shown && w.Watched == o.Watched && w.Sample == o.Sample
}

// tellHeld says in a message of its own that a wave which would have gone out
// stays: an edit would notify nobody.
func (tx *transaction) tellHeld(c Campaign, w, next Wave, v gateVerdict) error {
	if v.held == "" || w.Held != "" {
		return nil
	}
	g := tx.engine
	text, err := g.opts.Renderer.Render(nil, "gate_held", GateHeldData{
		LocalTime: g.local(c), Title: c.Title, Wave: next.name(), Tickets: next.Tickets, Why: v.held,
	})
	if err != nil {
		return fmt.Errorf("render gate of %s: %w", next.ID, err)
	}
	m := Message{Text: strings.TrimSpace(text), Buttons: []Button{nextButton(c, next), {Label: "Pause", Action: "brake.pause", Value: c.ID, Style: Danger}}}
	return tx.tellCommand("gate/"+next.ID+"/"+timeKey(tx.now), m)
}

// openGate lets a wave go that waited.
func (tx *transaction) openGate(next Wave, why string) error {
	c, err := tx.campaign()
	if err != nil {
		return err
	}
	next, err = load[Wave](tx, KindWave, next.ID)
	if err != nil || next.After == "" {
		return err
	}
	if err := tx.audit("gate.open", "wave/"+next.ID, string(next.Status), string(WaveFiling), why); err != nil {
		return err
	}
	next.Opened = why
	if err := tx.startWave(next); err != nil {
		return err
	}
	return save(tx, KindCampaign, self, c) // so that what is being frozen looks again
}

// SkipGate sends the wave that waits at its gate; wave is its ID, "" for the first
// that waits. The launch that it belongs to was agreed to as a whole.
func (g *Engine) SkipGate(ctx context.Context, r Request, id, wave string) (Message, error) {
	reply := say("It is going out already.")
	err := g.atomically(ctx, Scope(id), r, func(tx *transaction) error {
		c, err := tx.campaign()
		if err != nil {
			return err
		}
		if c.Status != Running {
			return Refuse(Conflict, "The campaign is "+words(c.Status)+", so nothing was sent. `/campaign resume` lets a paused one go on.")
		}
		next, found, err := tx.waiting(c, wave)
		if err != nil {
			return err
		}
		if !found {
			return Refuse(Conflict, "No wave waits at a gate. Nothing was sent. `/campaign plan` shows what is left to launch.")
		}
		if err := tx.openGate(next, g.nameOf(ctx, tx.request.Actor)+" sent it on"); err != nil {
			return err
		}
		reply = say("%s is going out now: %s.", Markup(capital(string(Escape(next.name())))), count(next.Tickets, "ticket"))
		return nil
	})
	return reply, err
}

// waiting returns the wave of this ID if it waits at its gate, or the first that does.
func (tx *transaction) waiting(c Campaign, wave string) (Wave, bool, error) {
	p, _, err := Load[Plan](tx.ctx, tx.engine.opts.Store, tx.scope, KindPlan, c.Plan)
	if err != nil {
		return Wave{}, false, err
	}
	for _, s := range p.Slices {
		w, found, err := find[Wave](tx, KindWave, waveID(p.Hash, s.Name))
		if err != nil {
			return w, false, err
		}
		if found && w.Status == WavePlanned && w.After != "" && (wave == "" || wave == w.ID) {
			return w, true, nil
		}
	}
	return Wave{}, false, nil
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

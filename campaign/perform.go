package campaign

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/sirupsen/logrus"
)

// action is how effects of one kind are carried out.
type action struct {
	// carryOut does it and returns where it ended up.
	carryOut func(context.Context, Scope, Effect) (any, error)
	// lookUp finds what an earlier attempt may have left behind, or returns
	// NotFound. Nil: repeating does no harm, so there is nothing to look up.
	lookUp func(context.Context, Scope, Effect) (any, error)
	// ensures says that carryOut finds what is there by itself, once it can be
	// found at all.
	ensures bool
	// done adds what follows to the step that records the success.
	done func(*transaction, Effect) error
	// waits says that pausing the campaign holds it back.
	waits bool
	// becomes is the kind of record that tells what came of the effect, under its
	// Subject: the effect itself is removed once it is done.
	becomes RecordKind
}

func (g *Engine) actions() map[EffectKind]action {
	return map[EffectKind]action{
		EffectTicket:       {carryOut: g.ensureTicket, lookUp: g.findTicket, ensures: true, done: ticketFiled, waits: true, becomes: KindTicket},
		EffectTicketUpdate: {carryOut: g.updateTicket, done: ticketUpdated},
		EffectComment:      {carryOut: g.commentTicket, waits: true},
		EffectFirstMessage: {carryOut: g.postMessage, lookUp: g.findMessage, done: remember, waits: true},
		EffectMessage:      {carryOut: g.postMessage, lookUp: g.findMessage, done: remember},
		EffectEdit:         {carryOut: g.edit},
		EffectChannel:      {carryOut: g.ensureChannel, done: channelMade},
		EffectDress:        {carryOut: g.dress},
		EffectReply:        {carryOut: g.reply},
		EffectPage:         {carryOut: g.sendPage},
	}
}

// perform carries out one effect. What an earlier attempt may have done is
// looked up first: an expired lease means that a process died between the post
// and its record.
func (g *Engine) perform(ctx context.Context, c Claimed) error {
	err := g.try(ctx, c)
	if err != nil && c.Expired {
		// Put back, it would look as if nothing had been tried before.
		g.opts.Log.WithError(err).WithField("entry", c.ID).Warn("expired work not looked at; its lease will run out")
		return nil
	}
	return err
}

func (g *Engine) try(ctx context.Context, c Claimed) error {
	_, id, _ := strings.Cut(c.ID, "/")
	e, version, err := Load[Effect](ctx, g.opts.Store, c.Scope, KindEffect, id)
	if KindOf(err) == NotFound && err != nil {
		return Done(ctx, g.opts.Store, c)
	}
	if err != nil {
		return err
	}
	if e.Status == EffectDone || e.Status == EffectDead {
		return Done(ctx, g.opts.Store, c)
	}
	act, ok := g.effects[e.Kind]
	if !ok {
		return fmt.Errorf("no action for effect kind %q", e.Kind)
	}
	attempt := attempt{engine: g, claim: c, effect: e, version: version, action: act}
	if c.Expired && attempt.looksBack() {
		return attempt.doubt(ctx)
	}
	if err := g.recall(ctx, &attempt.effect); err != nil {
		return err
	}
	if held, err := attempt.held(ctx); held || err != nil {
		return err
	}
	if e.Status == EffectUncertain || !attempt.effect.UncertainAt.IsZero() {
		settled, err := attempt.readBack(ctx)
		if settled || err != nil {
			return err
		}
	}
	result, err := act.carryOut(ctx, c.Scope, attempt.effect)
	return attempt.settle(ctx, result, err)
}

// attempt is one try at one effect.
type attempt struct {
	engine  *Engine
	claim   Claimed
	effect  Effect
	version uint64
	action  action
}

// heldFor is how long an effect of a paused campaign sleeps before it looks again.
const heldFor = 10 * time.Second

// held puts back what a paused campaign holds, and gives up what is not needed any
// more: of a cancelled one, or since its work went to somebody else.
func (a *attempt) held(ctx context.Context) (bool, error) {
	if !a.action.waits && !a.effect.AsksWork || a.claim.Scope == Sys {
		return false, nil
	}
	c, err := a.engine.Campaign(ctx, string(a.claim.Scope))
	if err != nil {
		return false, err
	}
	switch c.Status {
	case Paused:
		return true, Retry(ctx, a.engine.opts.Store, a.claim, a.engine.opts.Clock.Now().Add(heldFor))
	case Cancelled:
		if c.MergedInto != "" && a.effect.Kind == EffectComment {
			return false, nil // says where its work goes on
		}
		return true, a.write(ctx, ending{status: EffectDead, cause: &Error{Kind: Conflict, Message: "The campaign was cancelled."}})
	}
	elsewhere, err := a.engine.wentElsewhere(ctx, a.claim.Scope, a.effect)
	if err != nil || !elsewhere {
		return false, err
	}
	return true, a.write(ctx, ending{status: EffectDead, elsewhere: true, cause: &Error{Kind: Conflict, Message: "Its work went to somebody else."}})
}

// looksBack says that carrying the effect out twice would show, so that it is
// looked for outside before it is tried again.
func (a *attempt) looksBack() bool {
	return a.action.lookUp != nil
}

// doubt records that the effect may have been carried out by a process that died
// just now. What that process sent may still be on its way, so the wait before
// the look starts anew. It comes before everything else: once the lease is
// finished, nothing but this record tells.
func (a *attempt) doubt(ctx context.Context) error {
	now := a.engine.opts.Clock.Now()
	a.effect.UncertainAt = now
	return a.write(ctx, ending{status: EffectUncertain, retryAt: now.Add(a.engine.opts.Work.UncertainWait)})
}

// readBack finds out whether an uncertain effect took place: after the wait that
// gives a late one time to show, it looks. It returns true when the attempt is
// settled or put back.
func (a *attempt) readBack(ctx context.Context) (bool, error) {
	g, now := a.engine, a.engine.opts.Clock.Now()
	if !a.looksBack() {
		return false, nil
	}
	if until := a.effect.UncertainAt.Add(g.opts.Work.UncertainWait); now.Before(until) {
		return true, Retry(ctx, g.opts.Store, a.claim, until)
	}
	result, err := a.action.lookUp(ctx, a.claim.Scope, a.effect)
	switch {
	case err == nil:
		return true, a.settle(ctx, result, nil)
	case KindOf(err) == NotFound:
		return false, nil
	}
	return true, a.write(ctx, a.unseen(ctx, err))
}

// unseen decides what a look that failed leads to. Whether the effect took place is
// as unclear as before, so it stays uncertain, and as a dead letter too.
func (a *attempt) unseen(ctx context.Context, err error) ending {
	now, kind := a.engine.opts.Clock.Now(), KindOf(err)
	switch {
	case stopping(ctx):
		return ending{turn: true, retryAt: now}
	case kind == Unavailable && RetryAfter(err) > 0:
		return ending{turn: true, retryAt: now.Add(RetryAfter(err) + time.Millisecond)}
	}
	a.effect.Attempts++
	if kind == Invalid || kind == Forbidden || a.effect.Attempts >= MaxAttempts || a.tooOld(now, err) {
		return ending{status: EffectDead, cause: err}
	}
	return ending{status: EffectUncertain, cause: err, retryAt: now.Add(retryDelay(a.effect.Attempts, err))}
}

// ending is how an attempt ended.
type ending struct {
	status    EffectStatus
	result    any
	cause     error
	retryAt   time.Time // zero: it is over
	elsewhere bool      // what the message was to ask for is somebody else's by now
	// turn says that it only waits for its turn, which leaves no trace: it is what
	// most of a paced fan-out does most of the time.
	turn bool
}

// settle records how it went.
func (a *attempt) settle(ctx context.Context, result any, err error) error {
	return a.write(ctx, a.judge(ctx, result, err))
}

// judge decides by the kind of the error how the attempt ended.
func (a *attempt) judge(ctx context.Context, result any, err error) ending {
	now := a.engine.opts.Clock.Now()
	if err == nil {
		return ending{status: EffectDone, result: result}
	}
	kind := KindOf(err)
	turn := kind == Unavailable && RetryAfter(err) > 0
	clean := a.effect.UncertainAt.IsZero()
	if !turn {
		a.effect.Attempts++ // waiting for one's turn is not a failure
	}
	retryAt := now.Add(retryDelay(a.effect.Attempts, err))
	if turn { // to the millisecond that stored times have, and not before it
		retryAt = now.Add(RetryAfter(err) + time.Millisecond)
	}
	if stopping(ctx) && !turn {
		retryAt = now
	}
	uncertain := kind == Uncertain || kind == Internal && ctx.Err() != nil
	a.effect.UncertainAt = time.Time{}
	if uncertain {
		a.effect.UncertainAt = now // a dead letter too: whoever revives it looks first
	}
	switch {
	case kind == Invalid || kind == NotFound || kind == Forbidden || a.effect.Attempts >= MaxAttempts || a.tooOld(now, err):
		return ending{status: EffectDead, cause: err}
	case uncertain:
		if a.looksBack() {
			retryAt = now.Add(a.engine.opts.Work.UncertainWait)
		}
		return ending{status: EffectUncertain, cause: err, retryAt: retryAt}
	}
	return ending{status: EffectPending, cause: err, retryAt: retryAt, turn: turn && clean && a.effect.Status == EffectPending}
}

// tooOld returns whether an effect has been tried for long enough. Waiting for
// one's turn, at Slack's pace or in a long launch, is no failure and may take
// longer.
func (a *attempt) tooOld(now time.Time, err error) bool {
	limit := maxEffectAge
	if KindOf(err) == Unavailable && RetryAfter(err) > 0 {
		limit = maxTurnAge
	}
	return now.Sub(a.effect.since()) > limit
}

// How long something outgoing is tried, and how long it may wait for its turn.
const (
	maxEffectAge = 48 * time.Hour
	maxTurnAge   = 30 * 24 * time.Hour
)

// write stores the attempt's outcome and ends the lease, in one step, again when
// another writer of what follows from it was faster. When the lease was lost,
// another claimer has the effect, and nothing is written.
func (a *attempt) write(ctx context.Context, end ending) error {
	ctx = context.WithoutCancel(ctx) // what happened is recorded even when time has run out
	var waiting []string
	err := Retrying(ctx, func() (err error) {
		waiting, err = a.writeOnce(ctx, end)
		return err
	})
	if KindOf(err) == Conflict {
		a.engine.opts.Log.WithError(err).WithField(FieldEffect, a.effect.ID).Info("effect settled elsewhere")
		return nil
	}
	a.engine.releaseLate(ctx, a.claim.Scope, waiting)
	return err
}

// writeOnce returns the contacts that wait for more tickets.
func (a *attempt) writeOnce(ctx context.Context, end ending) ([]string, error) {
	g := a.engine
	if end.turn {
		return nil, Retry(ctx, g.opts.Store, a.claim, end.retryAt)
	}
	tx := g.begin(ctx, a.claim.Scope, Request{})
	switch outdated, err := a.record(tx, end); {
	case err != nil:
		return nil, err
	case outdated:
		// Asked for again while it was carried out: the newer wish stays.
		return nil, Retry(ctx, g.opts.Store, a.claim, g.opts.Clock.Now())
	}
	waiting, err := tx.release()
	if err != nil {
		return nil, err
	}
	return waiting, tx.commit()
}

// record adds the attempt's outcome and the end of its lease to a step. It returns
// true, and adds nothing, when the effect is gone or is not the one that was
// carried out any more.
func (a *attempt) record(tx *transaction, end ending) (outdated bool, err error) {
	if end.turn {
		tx.finish(a.claim, end.retryAt)
		return false, nil
	}
	e, found, err := find[Effect](tx, KindEffect, a.effect.ID)
	if err != nil {
		return false, err
	}
	if !found || tx.read[recordKey{KindEffect, a.effect.ID}].version != a.version {
		return true, nil
	}
	if err := advance(&e, end.status); err != nil {
		return false, err
	}
	e.Attempts, e.UncertainAt = a.effect.Attempts, a.effect.UncertainAt
	e.LastError, e.ErrorKind = "", ""
	if end.cause != nil {
		e.LastError, e.ErrorKind = end.cause.Error(), KindOf(end.cause).String()
	}
	if err := a.conclude(tx, &e, end.result, end.cause); err != nil {
		return false, err
	}
	if end.elsewhere {
		if err := tx.unsent(e); err != nil {
			return false, err
		}
	}
	tx.finish(a.claim, end.retryAt)
	if end.elsewhere || e.Status == EffectDone && a.action.becomes != "" {
		tx.remove(KindEffect, e.ID)
		return false, nil
	}
	return false, save(tx, KindEffect, e.ID, e)
}

// advance moves an effect through leased, which the due entry stands for, to
// where it ended up.
func advance(e *Effect, to EffectStatus) error {
	if e.Status == to && to == EffectUncertain {
		return nil
	}
	if err := move(&e.Status, EffectLeased, "effect", "This was settled already."); err != nil {
		return err
	}
	return move(&e.Status, to, "effect", "This was settled already.")
}

// conclude adds what follows from the end of an effect to the step.
func (a *attempt) conclude(tx *transaction, e *Effect, result any, cause error) error {
	switch e.Status {
	case EffectDone:
		e.DoneAt, e.UncertainAt = tx.now, time.Time{}
		if result != nil {
			data, err := json.Marshal(result)
			if err != nil {
				return fmt.Errorf("encode result of %s: %w", e.ID, err)
			}
			e.Result = data
		}
		if a.action.done != nil {
			if err := a.action.done(tx, *e); err != nil {
				return err
			}
		}
	case EffectDead:
		if err := tx.announceDead(*e, cause); err != nil {
			return err
		}
	default:
		return nil
	}
	tx.index(IndexEntry{Name: indexOpenEffects, ID: e.ID, Remove: true})
	if tx.scope == Sys {
		return nil // answers leave no trace in the log
	}
	subject := "effect/" + e.ID
	if a.action.becomes != "" {
		subject = string(a.action.becomes) + "/" + e.Subject
	}
	return tx.audit("effect."+string(e.Status), subject, string(EffectPending), string(e.Status), "")
}

// announceDead tells the command channel of a dead letter, with a retry button; the
// commander, where the channel itself takes nothing any more. A dead announcement to
// a person is only logged: it must not breed more of them.
func (tx *transaction) announceDead(e Effect, cause error) error {
	tx.engine.opts.Log.WithError(cause).WithFields(logrus.Fields{FieldCampaign: string(tx.scope), FieldEffect: e.ID, "kind": e.Kind}).Error("effect given up")
	switch {
	case tx.scope == Sys || KindOf(cause) == Conflict:
		return nil
	case strings.HasPrefix(e.Subject, deadPrefix):
		return tx.announceDirectly(e)
	}
	tx.count(counterDead, 1)
	if err := tx.pageDead(e); err != nil {
		return err
	}
	if err := tx.countEffect(e, waveStuck, waveUnsent, 1); err != nil {
		return err
	}
	return tx.tellCommand(deadPrefix+e.ID+"/"+timeKey(tx.now), deadLetter(tx, e, cause))
}

// deadPrefix begins the subject of an announcement of a dead letter.
const deadPrefix = "dead/"

// announceDirectly sends the commander an announcement that died on its way to the
// command channel.
func (tx *transaction) announceDirectly(e Effect) error {
	c, err := tx.campaign()
	if err != nil {
		return err
	}
	var p postPayload
	if err := json.Unmarshal(e.Payload, &p); err != nil {
		return fmt.Errorf("decode payload of effect %s: %w", e.ID, err)
	}
	if p.To == c.Commander.User() {
		return nil
	}
	p.To = c.Commander.User()
	return tx.post(e.Subject+"/commander", Interactive, p)
}

const counterDead = "dead_letters"

// Revive puts a dead letter back to be tried again at once.
func (g *Engine) Revive(ctx context.Context, r Request, id, effect string) (Message, error) {
	err := g.atomically(ctx, Scope(id), r, func(tx *transaction) error {
		e, found, err := find[Effect](tx, KindEffect, effect)
		if err != nil {
			return err
		}
		if !found {
			return Refuse(Conflict, "This was tried again already, and is done now. Nothing was changed.")
		}
		if err := move(&e.Status, EffectPending, "effect", "This was tried again already, and is "+words(e.Status)+" now."); err != nil {
			return err
		}
		e.Attempts, e.RevivedAt = 0, tx.now // UncertainAt stays: it is looked up first
		tx.count(counterDead, -1)
		if err := tx.endDeadPage(e); err != nil {
			return err
		}
		if err := tx.countEffect(e, waveStuck, waveUnsent, -1); err != nil {
			return err
		}
		tx.index(IndexEntry{Name: indexOpenEffects, ID: e.ID})
		// Without its serial: what waits behind it in the serial may wait for it.
		tx.due(DueEntry{ID: e.dueID(), Lane: Interactive, At: tx.now})
		if err := tx.audit("effect.revive", "effect/"+e.ID, string(EffectDead), string(EffectPending), ""); err != nil {
			return err
		}
		return save(tx, KindEffect, e.ID, e)
	})
	return Message{Text: "It is being tried again now. If it fails again, you will hear of it here."}, err
}

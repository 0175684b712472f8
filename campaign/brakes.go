package campaign

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// Hold is something large that waits for a second person.
type Hold struct {
	ID        string          `json:"id"`
	Kind      HoldKind        `json:"kind"`
	Args      json.RawMessage `json:"args,omitempty"` // what was asked for, by kind
	Size      int             `json:"size"`           // tickets, reopenings or messages
	Preview   Markup          `json:"preview"`        // what would happen, in words
	By        Person          `json:"by"`
	At        time.Time       `json:"at"`
	Status    HoldStatus      `json:"status"`
	DecidedBy Person          `json:"decided_by,omitempty"`
	DecidedAt time.Time       `json:"decided_at,omitzero"`
}

// HoldKind says what waits. Each has a row in Engine.holds.
type HoldKind string

// The kinds of holds.
const (
	HoldLaunch     HoldKind = "launch"
	HoldCancel     HoldKind = "cancel"
	HoldVoid       HoldKind = "void"
	HoldRebaseline HoldKind = "rebaseline"
	HoldSweep      HoldKind = "sweep"
	HoldClose      HoldKind = "close"
	HoldTriage     HoldKind = "triage"  // a decision about many doubtful targets
	HoldMerge      HoldKind = "merge"   // of another campaign into this one
	HoldInquiry    HoldKind = "inquiry" // a question to many owners
	HoldCatalog    HoldKind = "catalog" // an import under which much goes to other owners
)

// HoldStatus is what became of a hold.
type HoldStatus string

// The states of a hold.
const (
	HoldOpen     HoldStatus = "open"
	HoldGranted  HoldStatus = "granted"
	HoldDeclined HoldStatus = "declined"
)

// grant carries out what a second person agreed to. args is what needsSecond was
// given. It runs under a request of its own and may be called again.
type grant func(ctx context.Context, r Request, id string, args json.RawMessage) (Message, error)

// needsSecond returns whether something of this size needs a second person.
func (g *Engine) needsSecond(size int) bool { return size > g.opts.Brakes.SecondPersonAbove }

// hold keeps what was asked for until a second person decides, and asks for one
// in the command channel. The message returned tells the one who asked. The
// preview is plain words.
func (tx *transaction) hold(kind HoldKind, size int, args any, preview string) (Message, error) {
	return tx.holdRendered(kind, size, args, Escape(preview))
}

// holdRendered is hold for a preview that a template rendered.
func (tx *transaction) holdRendered(kind HoldKind, size int, args any, preview Markup) (Message, error) {
	data, err := json.Marshal(args)
	if err != nil {
		return Message{}, fmt.Errorf("encode hold: %w", err)
	}
	h := Hold{
		ID:   tx.holdID(kind),
		Kind: kind, Args: data, Size: size, Preview: preview, By: tx.request.Actor, At: tx.now, Status: HoldOpen,
	}
	if err := tx.audit("hold."+string(kind), "request/"+h.ID, "", string(HoldOpen), string(preview)); err != nil {
		return Message{}, err
	}
	if err := tx.tellCommand("hold/"+h.ID, secondPersonMessage(tx, h)); err != nil {
		return Message{}, err
	}
	reply := say("This needs a second person, because it concerns %s. Nothing was sent or changed. I asked for one in the command channel; it goes ahead when somebody other than you agrees.", thousands(size))
	return reply, save(tx, KindRequest, h.ID, h)
}

// holdID is the ID of a hold that this step asks for.
func (tx *transaction) holdID(kind HoldKind) string {
	return opaqueID(string(tx.scope), "hold", string(kind), tx.request.Key, timeKey(tx.now))
}

// Decide is the second person's answer. Only somebody else may agree; the one who
// asked may decline. An answer to what was decided already is a Conflict.
func (g *Engine) Decide(ctx context.Context, r Request, id, holdID string, yes bool) (Message, error) {
	var h Hold
	err := g.atomically(ctx, Scope(id), Request{Actor: r.Actor}, func(tx *transaction) error {
		var err error
		if h, err = load[Hold](tx, KindRequest, holdID); err != nil {
			return err
		}
		switch {
		case h.DecidedBy == r.Actor && (h.Status == HoldGranted && yes || h.Status == HoldDeclined && !yes):
			return nil // again after a crash: what follows may be repeated
		case h.Status != HoldOpen:
			return Refuse(Conflict, "This was decided already. Nothing was changed.")
		case yes && h.By == r.Actor:
			return Refuse(Forbidden, "You asked for this yourself, so somebody else has to agree. Nothing was changed.")
		}
		h.Status, h.DecidedBy, h.DecidedAt = HoldDeclined, r.Actor, tx.now
		if yes {
			h.Status = HoldGranted
		}
		if err := tx.audit("hold.decide", "request/"+h.ID, string(HoldOpen), string(h.Status), r.Reason); err != nil {
			return err
		}
		if err := tx.tellDeclined(h); err != nil {
			return err
		}
		return save(tx, KindRequest, h.ID, h)
	})
	if err != nil {
		return Message{}, err
	}
	if !yes && h.By == r.Actor {
		return say("Declined. Nothing was sent or changed."), nil
	}
	if !yes {
		return say("Declined. Nothing was sent or changed; %s was told.", Mention(h.By)), nil
	}
	carryOut, ok := g.holds[h.Kind]
	if !ok {
		return Message{}, fmt.Errorf("no grant for hold kind %q", h.Kind)
	}
	return carryOut(ctx, Request{Key: "granted/" + h.ID, Actor: h.By, Reason: r.Reason}, id, h.Args)
}

// tellDeclined tells the one who asked that somebody else said no.
func (tx *transaction) tellDeclined(h Hold) error {
	if h.Status != HoldDeclined || h.By == h.DecidedBy || h.By == "" {
		return nil
	}
	m := say("*%s declined what you asked for.* Nothing was sent or changed. It was:\n%s", Mention(h.DecidedBy), h.Preview)
	m.Ephemeral = false
	return tx.post("hold/"+h.ID+"/declined", Interactive, postPayload{To: h.By.User(), Message: m})
}

// tellCommand posts into the channel from which the campaign is steered; to its
// commander while there is none.
func (tx *transaction) tellCommand(key string, m Message) error {
	return tx.tellCommandRemembering(key, m, "")
}

// tellCommandRemembering is tellCommand for a message that is edited later; see
// postPayload.Remember.
func (tx *transaction) tellCommandRemembering(key string, m Message, remember string) error {
	to := tx.engine.opts.CommandChannel.ID
	if tx.scope != Sys {
		c, err := tx.campaign()
		if err != nil {
			return err
		}
		to = cmp.Or(c.CommandRef.ID, to, c.Commander.User())
	}
	if to == "" {
		return nil
	}
	return tx.post(key, Interactive, postPayload{To: to, Message: m, Remember: remember})
}

// grants is what a second person's yes carries out.
func (g *Engine) grants() map[HoldKind]grant {
	return map[HoldKind]grant{
		HoldLaunch:     g.launchGranted,
		HoldCatalog:    g.catalogGranted,
		HoldCancel:     g.cancelGranted,
		HoldClose:      g.closeGranted,
		HoldSweep:      g.sweepGranted,
		HoldTriage:     g.triageGranted,
		HoldInquiry:    g.inquiryGranted,
		HoldMerge:      g.mergeGranted,
		HoldVoid:       g.voidGranted,
		HoldRebaseline: g.rebaselineGranted,
		HoldRenewal:    g.renewalGranted,
	}
}

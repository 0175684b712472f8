package campaign

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	closePrefix = "close/"
	// closingLooks is how often a closing campaign looks for its last proofs.
	closingLooks = 10 * time.Second

	closingID = "closing"
	finalID   = "final"
)

// closing is what a closing campaign remembers: who closes it, why in spite of
// what is left, and what there was.
type closing struct {
	By       Person    `json:"by"`
	At       time.Time `json:"at"`
	Reason   string    `json:"reason,omitempty"`
	Reopened int       `json:"reopened"` // events when it began to close
	Left     int       `json:"left"`     // tasks that waited for their owner
	// Unproven says that it closes without waiting for the proof of claims.
	Unproven bool `json:"unproven,omitempty"`
}

// Close ends a campaign: running, closing, closed. What is still open, and what
// nobody has checked, must be explained by a reason; it is counted and named in
// the report. When much is open a second person must agree. Claims are waited
// for until they are proven; asked again with a reason, it closes without that.
// What reopens meanwhile brings the campaign back to running.
func (g *Engine) Close(ctx context.Context, r Request, id string) (Message, error) {
	return g.close(ctx, r, id, false)
}

type closeArgs struct {
	Reason string `json:"reason"`
}

// closeGranted is Close after a second person agreed.
func (g *Engine) closeGranted(ctx context.Context, r Request, id string, args json.RawMessage) (Message, error) {
	var a closeArgs
	if err := json.Unmarshal(args, &a); err != nil {
		return Message{}, fmt.Errorf("decode held close: %w", err)
	}
	r.Reason = a.Reason
	return g.close(ctx, r, id, true)
}

func (g *Engine) close(ctx context.Context, r Request, id string, granted bool) (Message, error) {
	n, err := g.numbers(ctx, id)
	if err != nil {
		return Message{}, err
	}
	var reply Message
	err = g.atomically(ctx, Scope(id), r, func(tx *transaction) error {
		c, err := tx.steered("close the campaign")
		if err != nil {
			return err
		}
		if c.Status == Closing {
			reply, err = tx.closeUnproven(n)
			return err
		}
		if err := mayClose(c, n, r.Reason); err != nil {
			return err
		}
		if left := actionable(n); !granted && tx.engine.needsSecond(left) {
			reply, err = tx.hold(HoldClose, left, closeArgs{Reason: r.Reason}, fmt.Sprintf("Close %s with %s: %s.", c.Title, leftWords(n), r.Reason))
			return err
		}
		reply, err = tx.beginClosing(c, n)
		return err
	})
	return reply, err
}

func actionable(n Numbers) int {
	left := 0
	for _, t := range n.Tracks {
		left += t.All.Actionable()
	}
	return left
}

func claimed(n Numbers) int {
	sum := 0
	for _, t := range n.Tracks {
		sum += t.All.Claimed
	}
	return sum
}

// leftWords says what closing would leave behind.
func leftWords(n Numbers) string {
	var left []string
	if open := actionable(n); open > 0 {
		left = append(left, count(open, "task")+" still open")
	}
	if n.Unknown > 0 {
		left = append(left, count(n.Unknown, "service")+" that nobody has checked")
	}
	return enumerate(left)
}

func mayClose(c Campaign, n Numbers, reason string) error {
	switch left := leftWords(n); {
	case c.Status == Paused:
		return Refuse(Conflict, "The campaign is paused. Nothing was changed. `/campaign resume` first, so that what is held back goes out or is cancelled.")
	case c.Status != Running:
		return Refuse(Conflict, "The campaign is "+words(c.Status)+", so it cannot be closed. Nothing was changed.")
	case left != "" && strings.TrimSpace(reason) == "":
		return Refuse(Conflict, "Not closed: there are "+left+". Nothing was changed. Finish them, or say why it is right to close all the same: `/campaign close because …`. They are counted and named in the report.")
	}
	return nil
}

func (tx *transaction) beginClosing(c Campaign, n Numbers) (Message, error) {
	if err := move(&c.Status, Closing, "campaign", "The campaign is "+words(c.Status)+", so it cannot be closed. Nothing was changed."); err != nil {
		return Message{}, err
	}
	if _, _, err := find[closing](tx, KindReport, closingID); err != nil { // of an earlier try
		return Message{}, err
	}
	intent := closing{By: tx.request.Actor, At: tx.now, Reason: tx.request.Reason, Reopened: n.Reopened, Left: actionable(n)}
	if err := save(tx, KindReport, closingID, intent); err != nil {
		return Message{}, err
	}
	tx.due(DueEntry{ID: closePrefix + self, Lane: Interactive, At: tx.now})
	if err := tx.audit("campaign.close", "campaign/"+c.ID, string(Running), string(Closing), tx.request.Reason); err != nil {
		return Message{}, err
	}
	reply := say("It is closing. The report comes to the command channel.")
	if waiting := claimed(n); waiting > 0 {
		text := fmt.Sprintf("*%s is closing*, by %s. %s for a proof; it closes when they have one. To close without, ask again with a reason.",
			Escape(c.Title), Mention(tx.request.Actor), count(waiting, "claim")+" wait")
		reply = say("It is closing. It waits for the proof of %s; to close without, ask again with a reason.", count(waiting, "claim"))
		if err := tx.tellCommand("closing/"+timeKey(tx.now), Message{Text: text}); err != nil {
			return reply, err
		}
	}
	return reply, save(tx, KindCampaign, self, c)
}

// closeUnproven is the second word on a closing campaign.
func (tx *transaction) closeUnproven(n Numbers) (Message, error) {
	waiting := claimed(n)
	if waiting > 0 && strings.TrimSpace(tx.request.Reason) == "" {
		return Message{}, Refuse(Conflict, "It is closing, and waits for the proof of "+count(waiting, "claim")+". Nothing was changed. To close without, give a reason: `/campaign close because …`.")
	}
	intent, err := load[closing](tx, KindReport, closingID)
	if err != nil {
		return Message{}, err
	}
	intent.Unproven = true
	intent.Reason = strings.Trim(intent.Reason+"; "+tx.request.Reason, "; ")
	tx.due(DueEntry{ID: closePrefix + self, Lane: Interactive, At: tx.now})
	if err := tx.audit("campaign.close", "campaign/"+string(tx.scope), string(Closing), string(Closing), tx.request.Reason); err != nil {
		return Message{}, err
	}
	return say("It closes now, with %s unproven. The report comes to the command channel.", count(waiting, "claim")), save(tx, KindReport, closingID, intent)
}

// finishClosing brings a closing campaign to its end, or back to running when
// something reopened.
func (g *Engine) finishClosing(ctx context.Context, claim Claimed) error {
	id := string(claim.Scope)
	c, err := g.Campaign(ctx, id)
	if err != nil {
		return err
	}
	if c.Status != Closing {
		return Done(ctx, g.opts.Store, claim)
	}
	intent, _, err := Load[closing](ctx, g.opts.Store, claim.Scope, KindReport, closingID)
	if err != nil {
		return err
	}
	n, err := g.numbers(ctx, id)
	if err != nil {
		return err
	}
	switch {
	case n.Reopened > intent.Reopened || actionable(n) > intent.Left:
		return g.reopenCampaign(ctx, claim, actionable(n)-intent.Left)
	case claimed(n) > 0 && !intent.Unproven:
		return Retry(ctx, g.opts.Store, claim, g.opts.Clock.Now().Add(closingLooks))
	}
	snapshot, err := g.TakeSnapshot(ctx, id, timeKey(intent.At)+"/closing")
	if err != nil {
		return err
	}
	last, err := g.lastDigest(ctx, c, intent, snapshot)
	if err != nil {
		return err
	}
	report, err := g.Report(ctx, id)
	if err != nil {
		return err
	}
	return g.atomically(ctx, claim.Scope, Request{Actor: intent.By}, func(tx *transaction) error {
		tx.finish(claim, time.Time{})
		if err := tx.tellExecutives(c, last); err != nil {
			return err
		}
		return tx.endCampaign(intent, report)
	})
}

// lastDigest is what executives read when the campaign has come to its end.
func (g *Engine) lastDigest(ctx context.Context, c Campaign, intent closing, s Snapshot) (Message, error) {
	plan, err := g.digestPlan(ctx, c.ID)
	if err != nil {
		return Message{}, err
	}
	c.Status, c.Milestones = Closed, append(slices.Clone(c.Milestones), Milestone{Name: MilestoneClosed, By: intent.By, At: s.At})
	r, err := g.read(ctx, c, s, plan.Last[ForExecutives])
	if err != nil {
		return Message{}, err
	}
	return g.digestMessage(ctx, ForExecutives, r, time.Time{}, c.Zone)
}

func (g *Engine) reopenCampaign(ctx context.Context, claim Claimed, found int) error {
	return g.atomically(ctx, claim.Scope, Request{}, func(tx *transaction) error {
		tx.finish(claim, time.Time{})
		c, err := tx.campaign()
		if err != nil || c.Status != Closing {
			return err
		}
		if err := move(&c.Status, Running, "campaign", ""); err != nil {
			return err
		}
		if err := tx.audit("campaign.reopen", "campaign/"+c.ID, string(Closing), string(Running), "something reopened while it was closing"); err != nil {
			return err
		}
		text := fmt.Sprintf("*%s goes on: something reopened while it was closing.* %s there again. Close it again when that is done.",
			Escape(c.Title), count(max(found, 1), "task")+" more")
		if err := tx.tellCommand("closing/back/"+timeKey(tx.now), Message{Text: text}); err != nil {
			return err
		}
		return save(tx, KindCampaign, self, c)
	})
}

func (tx *transaction) endCampaign(intent closing, report Report) error {
	c, err := tx.campaign()
	if err != nil {
		return err
	}
	if err := move(&c.Status, Closed, "campaign", ""); err != nil {
		return err
	}
	c.ClosedAt = tx.now
	c.Milestones = append(c.Milestones, Milestone{Name: MilestoneClosed, By: intent.By, At: tx.now, Numbers: report.inShort()})
	report.close(c, tx.engine.nameOf(tx.ctx, intent.By), intent)
	m, err := tx.engine.tell("closing_note", report.note(intent, tx.engine.viewer(tx.ctx, c, "")))
	if err != nil {
		return err
	}
	if err := tx.tellCommand("closed", m); err != nil {
		return err
	}
	if c.HelpRef.ID != "" {
		if err := tx.post("closed/help", Bulk, postPayload{To: c.HelpRef.ID, Message: m}); err != nil {
			return err
		}
	}
	if err := tx.audit("campaign.closed", "campaign/"+c.ID, string(Closing), string(Closed), intent.Reason); err != nil {
		return err
	}
	if err := save(tx, KindReport, finalID, report); err != nil {
		return err
	}
	if err := tx.withdrawAsks(c, ""); err != nil {
		return err
	}
	return save(tx, KindCampaign, self, c)
}

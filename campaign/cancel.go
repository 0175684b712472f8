package campaign

import (
	"context"
	"encoding/json"
	"time"
)

const cancelPrefix = "cancel/"

// Cancel ends a campaign before its goal: what was not sent stays unsent, and
// open work is withdrawn. One that has been launched needs a second person.
func (g *Engine) Cancel(ctx context.Context, r Request, id string) (Message, error) {
	c, err := g.Campaign(ctx, id)
	if err != nil {
		return Message{}, err
	}
	if c.StartedAt.IsZero() {
		return g.cancel(ctx, r, id)
	}
	if !CanMove(c.Status, Cancelled) {
		return Message{}, Refuse(Conflict, "The campaign is "+words(c.Status)+", so it cannot be cancelled. Nothing was changed.")
	}
	var reply Message
	err = g.atomically(ctx, Scope(id), r, func(tx *transaction) error {
		var err error
		reply, err = tx.hold(HoldCancel, g.opts.Brakes.SecondPersonAbove+1, struct{}{}, "Cancel the campaign "+c.Title+" and withdraw all open work.")
		return err
	})
	return reply, err
}

func (g *Engine) cancelGranted(ctx context.Context, r Request, id string, _ json.RawMessage) (Message, error) {
	return g.cancel(ctx, r, id)
}

func (g *Engine) cancel(ctx context.Context, r Request, id string) (Message, error) {
	err := g.changeCampaign(ctx, r, id, "campaign.cancel", func(tx *transaction, c *Campaign) error {
		if err := move(&c.Status, Cancelled, "campaign", "The campaign is "+words(c.Status)+", so it cannot be cancelled. Nothing was changed."); err != nil {
			return err
		}
		c.ClosedAt = tx.now
		tx.due(DueEntry{ID: cancelPrefix + self, Lane: Bulk, At: tx.now})
		m, err := g.tell("cancelled", CancelledData{
			LocalTime: g.local(*c), Title: c.Title, By: Mention(tx.request.Actor), At: tx.now, Why: tx.request.Reason,
		})
		if err != nil {
			return err
		}
		if err := tx.tellExecutives(*c, say("*%s was cancelled.* This is the last word.", c.Title)); err != nil {
			return err
		}
		if err := tx.withdrawAsks(*c, ""); err != nil {
			return err
		}
		return tx.tellCommand("cancelled", m)
	})
	return say("Cancelled. Nothing further goes out; open work is being withdrawn."), err
}

// tellExecutives is the last word to those who read the digests of a campaign that
// ends, if it was launched: else the last that they heard would be that more comes.
func (tx *transaction) tellExecutives(c Campaign, m Message) error {
	if c.StartedAt.IsZero() {
		return nil
	}
	m.Ephemeral = false
	for _, channel := range tx.engine.channelsFor(c, ForExecutives) {
		if err := tx.post(digestPrefix+"ended/"+channel, Bulk, postPayload{To: channel, Message: m}); err != nil {
			return err
		}
	}
	return nil
}

// withdraw takes back the work of a cancelled campaign, a few tasks at a time.
func (g *Engine) withdraw(ctx context.Context, claim Claimed) error {
	var open []string
	for stored, err := range LoadAll[Task](ctx, g.opts.Store, claim.Scope, KindTask) {
		if err != nil {
			return err
		}
		if CanMove(stored.Value.Status, TaskWithdrawn) && !stored.Value.Status.Finished() {
			open = append(open, stored.ID)
		}
		if len(open) == enrolTargets {
			break
		}
	}
	return g.atomically(ctx, claim.Scope, Request{}, func(tx *transaction) error {
		for _, id := range open {
			_, err := tx.changeTask(id, "task.withdraw", "the campaign was cancelled", func(t *Task) error { return moveTask(t, TaskWithdrawn) })
			if err != nil {
				return err
			}
		}
		next := tx.now
		if len(open) < enrolTargets {
			next = time.Time{}
		}
		tx.finish(claim, next)
		return nil
	})
}

package campaign

import "context"

// Pause holds back everything that has not gone out, at once. One press by one
// person is enough.
func (g *Engine) Pause(ctx context.Context, r Request, id string) (Message, error) {
	err := g.changeCampaign(ctx, r, id, "campaign.pause", func(tx *transaction, c *Campaign) error {
		if c.Status == Paused {
			return nil
		}
		if err := move(&c.Status, Paused, "campaign", "The campaign is "+words(c.Status)+", so there is nothing to pause."); err != nil {
			return err
		}
		m, err := g.tell("paused", PausedData{
			LocalTime: g.local(*c), Campaign: id, Title: c.Title, By: Mention(tx.request.Actor), At: tx.now, Why: tx.request.Reason,
		}, Button{Label: "Resume", Action: "brake.resume", Value: id, Style: Primary})
		if err != nil {
			return err
		}
		return tx.tellCommand("pause/"+timeKey(tx.now), m)
	})
	return say("Paused. Nothing further goes out until `/campaign resume %s`.", id), err
}

// Resume lets a paused campaign go on where it stopped.
func (g *Engine) Resume(ctx context.Context, r Request, id string) (Message, error) {
	going := false
	err := g.changeCampaign(ctx, r, id, "campaign.resume", func(tx *transaction, c *Campaign) error {
		if going = c.Status == Running; going {
			return nil
		}
		if c.Status != Paused {
			return Refuse(Conflict, "The campaign is "+words(c.Status)+", so there is nothing to resume. Nothing was changed.")
		}
		if err := move(&c.Status, Running, "campaign", ""); err != nil {
			return err
		}
		c.ResumedAt = tx.now
		m, err := g.tell("resumed", ResumedData{LocalTime: g.local(*c), Title: c.Title, By: Mention(tx.request.Actor), At: tx.now})
		if err != nil {
			return err
		}
		return tx.tellCommand("resume/"+timeKey(tx.now), m)
	})
	if going {
		return say("It is not paused, and goes on as it did. Nothing was changed."), err
	}
	return say("It goes on where it stopped."), err
}

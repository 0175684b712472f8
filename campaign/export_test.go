package campaign

import "context"

// Revise gives a track new instructions, as the commands that edit a campaign do.
func (g *Engine) Revise(ctx context.Context, r Request, id, track, text string) error {
	return g.atomically(ctx, Scope(id), r, func(tx *transaction) error {
		c, err := tx.steered("edit the instructions")
		if err != nil {
			return err
		}
		t, ok := c.Track(track)
		if !ok {
			return noTrack(c, track)
		}
		if err := tx.revise(&c, &t, text); err != nil {
			return err
		}
		return save(tx, KindCampaign, self, c)
	})
}

package campaign

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// maxInstructions bounds the text of instructions: more is not read at three in
// the morning, and does not fit into a ticket of every tracker.
const maxInstructions = 20_000

// revise gives a track new instructions and leaves saving the campaign to the
// caller. A draft is changed in place. Anything that reviewers have seen stays as
// it is: the text becomes the next revision, which supersedes one in review, and
// a campaign that was not launched goes back to where its tracks are. The same
// text again changes nothing.
func (tx *transaction) revise(c *Campaign, t *Track, text string) error {
	text = strings.TrimSpace(text)
	if text == "" || len(text) > maxInstructions {
		return Refuse(Invalid, fmt.Sprintf("Instructions need between 1 and %d characters. The earlier ones were kept.", maxInstructions))
	}
	next := Revision{
		Track: t.Name, Number: t.Revision + 1, Status: RevisionDraft, Text: text,
		Steps: tx.engine.opts.Renderer.Steps(text), By: tx.request.Actor, At: tx.now,
	}
	next.Hash = next.hash()
	if t.Revision > 0 {
		old, err := load[Revision](tx, KindRevision, revisionID(t.Name, t.Revision))
		if err != nil || old.Hash == next.Hash {
			return err
		}
		switch old.Status {
		case RevisionDraft:
			next.Number = old.Number
		case RevisionInReview:
			if err := tx.supersede(old); err != nil {
				return err
			}
		}
	}
	if err := save(tx, KindRevision, revisionID(t.Name, next.Number), next); err != nil {
		return err
	}
	if err := tx.audit("revision.write", next.subject(), "", string(next.Status), ""); err != nil {
		return err
	}
	t.Revision = next.Number
	c.setTrack(*t)
	return tx.followTracks(c)
}

// supersede ends a revision: another one takes its place.
func (tx *transaction) supersede(r Revision) error {
	before := r.Status
	if err := move(&r.Status, RevisionSuperseded, "revision", fmt.Sprintf("Revision %d of %s is %s. Nothing was changed.", r.Number, r.Track, words(r.Status))); err != nil {
		return err
	}
	if err := tx.audit("revision.supersede", r.subject(), string(before), string(r.Status), ""); err != nil {
		return err
	}
	return save(tx, KindRevision, revisionID(r.Track, r.Number), r)
}

// followTracks brings a campaign that was not launched to where its furthest
// track is. The caller saves it.
func (tx *transaction) followTracks(c *Campaign) error {
	order := []Status{Draft, InReview, Approved}
	at := slices.Index(order, c.Status)
	if at < 0 {
		return nil
	}
	furthest := 0
	for _, t := range c.Tracks {
		if t.Revision == 0 {
			continue
		}
		r, err := load[Revision](tx, KindRevision, revisionID(t.Name, t.Revision))
		if err != nil {
			return err
		}
		furthest = max(furthest, slices.Index(order, r.carries(t)))
	}
	for at != furthest {
		next := at + 1
		if furthest < at {
			next = at - 1
		}
		if err := tx.moveCampaign(c, order[next], "campaign.follow"); err != nil {
			return err
		}
		at = next
	}
	if c.Status != Approved {
		c.Plan = "" // it was frozen with another text
	}
	return nil
}

// moveCampaign moves a campaign by its life cycle and records it. The caller
// saves it.
func (tx *transaction) moveCampaign(c *Campaign, to Status, action string) error {
	before := c.Status
	refusal := fmt.Sprintf("%s is %s, so it cannot become %s. Nothing was changed.", Escape(c.Title), words(c.Status), words(to))
	if err := move(&c.Status, to, "campaign", refusal); err != nil {
		return err
	}
	return tx.audit(action, "campaign/"+c.ID, string(before), string(to), tx.request.Reason)
}

// carries returns how far this newest revision of a track brings its campaign.
// Once a text of the track was approved, a new one is under review even before
// it was sent to anybody.
func (r Revision) carries(t Track) Status {
	switch {
	case r.Status == RevisionApproved:
		return Approved
	case r.Status == RevisionInReview && !r.Returned, t.ApprovedRevision > 0:
		return InReview
	}
	return Draft
}

// hash returns what the reviewers' verdicts are bound to.
func (r Revision) hash() string {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q", r.Track, r.Text)
	for _, step := range r.Steps {
		fmt.Fprintf(h, " %d %q", step.Number, step.Text)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// subject names a revision in the audit log and as the record that remembers
// where its dry run takes place.
func (r Revision) subject() string { return "revision/" + revisionID(r.Track, r.Number) }

// newestRevision loads the newest revision of a track, for a person who named it.
func (tx *transaction) newestRevision(c Campaign, track string) (Track, Revision, error) {
	t, ok := c.Track(track)
	if !ok {
		return t, Revision{}, noTrack(c, track)
	}
	if t.Revision == 0 {
		return t, Revision{}, Refuse(Conflict, fmt.Sprintf("%s has no instructions yet. Write them with `/campaign track %s`.", Escape(track), Escape(track)))
	}
	r, err := load[Revision](tx, KindRevision, revisionID(track, t.Revision))
	return t, r, err
}

func noTrack(c Campaign, track string) error {
	names := make([]string, 0, len(c.Tracks))
	for _, t := range c.Tracks {
		names = append(names, string(Escape(t.Name)))
	}
	if len(names) == 0 {
		return Refuse(NotFound, "This campaign has no tracks yet. Add one with `/campaign track`.")
	}
	return Refuse(NotFound, fmt.Sprintf("There is no track %q. This campaign has %s.", string(Escape(track)), enumerate(names)))
}

// Instructions returns the newest text of a track; "" when it has none.
func (g *Engine) Instructions(ctx context.Context, id, track string) (string, error) {
	c, err := g.Campaign(ctx, id)
	if err != nil {
		return "", err
	}
	t, _ := c.Track(track)
	rev, _, err := Load[Revision](ctx, g.opts.Store, Scope(id), KindRevision, revisionID(track, t.Revision))
	if KindOf(err) == NotFound && err != nil {
		return "", nil
	}
	return rev.Text, err
}

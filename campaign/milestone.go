package campaign

import (
	"context"
	"fmt"
	"strings"
)

// Declare says in public that a campaign is contained or fixed, with the numbers
// of this moment beside it. It is a person's word and no computation; but what
// the numbers plainly contradict needs a reason, which stands beside it too.
// "closed" is said by Close.
func (g *Engine) Declare(ctx context.Context, r Request, id, milestone string) (Message, error) {
	milestone = strings.ToLower(strings.TrimSpace(milestone))
	switch milestone {
	case MilestoneContained, MilestoneFixed:
	case MilestoneClosed:
		return Message{}, Refuse(Invalid, "A campaign is closed by `/campaign close`, which checks what is left. Nothing was declared.")
	default:
		return Message{}, Refuse(Invalid, "The milestones are contained, fixed and closed. Nothing was declared.")
	}
	c, err := g.Campaign(ctx, id)
	if err != nil {
		return Message{}, err
	}
	snapshot, err := g.measure(ctx, id)
	if err != nil {
		return Message{}, err
	}
	reading, err := g.read(ctx, c, snapshot, "")
	if err != nil {
		return Message{}, err
	}
	if against := contradiction(c, reading.now, milestone); against != "" && strings.TrimSpace(r.Reason) == "" {
		return Message{}, Refuse(Conflict, fmt.Sprintf("Not declared: %s. Nothing was changed. If it is right to say it all the same, say why: `/campaign declare %s because …`.", against, milestone))
	}
	var m Message
	err = g.atomically(ctx, Scope(id), r, func(tx *transaction) error {
		var err error
		m, err = tx.declare(milestone, reading)
		return err
	})
	return m, err
}

func (tx *transaction) declare(milestone string, r reading) (Message, error) {
	c, err := tx.steered("declare a milestone")
	if err != nil {
		return Message{}, err
	}
	if c.Status != Running && c.Status != Paused && c.Status != Closing {
		return Message{}, Refuse(Conflict, "The campaign is "+words(c.Status)+", so there is nothing to declare yet. Nothing was changed.")
	}
	standing := r.standing()
	standing.State = milestone
	m, err := tx.engine.tell("milestone", MilestoneData{
		LocalTime: tx.engine.viewer(tx.ctx, c, ""), Title: c.Title, Name: milestone, By: Mention(tx.request.Actor), At: tx.now,
		Standing: standing, Reason: tx.request.Reason,
	})
	if err != nil {
		return m, err
	}
	c.Milestones = append(c.Milestones, Milestone{Name: milestone, By: tx.request.Actor, At: tx.now, Numbers: r.inShort(milestone)})
	for _, t := range tracksOf(c, milestone) {
		t.DeclaredAt = tx.now
		c.setTrack(t)
	}
	key := fmt.Sprintf("milestone/%s/%d", milestone, len(c.Milestones))
	if err := tx.tellCommand(key, m); err != nil {
		return m, err
	}
	if c.HelpRef.ID != "" {
		if err := tx.post(key+"/help", Interactive, postPayload{To: c.HelpRef.ID, Message: m}); err != nil {
			return m, err
		}
	}
	if err := tx.audit("campaign.declare", "campaign/"+c.ID, "", milestone, tx.request.Reason); err != nil {
		return m, err
	}
	return m, save(tx, KindCampaign, self, c)
}

// inShort is the numbers beside a milestone: "41 of 44 internet-facing, 1,204
// unknown".
func (r reading) inShort(milestone string) string {
	var all, exposed TaskCounts
	for _, t := range tracksOf(r.campaign, milestone) {
		n := r.now.Track(t.Name)
		all, exposed = all.plus(n.All), exposed.plus(n.Exposed)
	}
	return fmt.Sprintf("%s of %s known done, %s of %s internet-facing, %s unknown", thousands(all.Verified), thousands(all.Known()),
		thousands(exposed.Verified), thousands(exposed.Known()), thousands(r.now.Unknown))
}

// tracksOf returns the tracks that a milestone speaks of: fixed of those that
// fix, contained of those that mitigate.
func tracksOf(c Campaign, milestone string) []Track {
	var found []Track
	for _, t := range c.Tracks {
		fixes := t.Kind == TrackFix
		contains := t.Kind != TrackFix && t.Kind != TrackHunt && t.Kind != TrackVendor && t.Kind != TrackAttest
		if milestone == MilestoneFixed && fixes || milestone == MilestoneContained && contains {
			found = append(found, t)
		}
	}
	return found
}

func exposedOpen(c Campaign, n Numbers, milestone string) int {
	open := 0
	for _, t := range tracksOf(c, milestone) {
		open += n.Track(t.Name).Exposed.Actionable()
	}
	return open
}

func unfinishedIn(c Campaign, n Numbers, milestone string) int {
	left := 0
	for _, t := range tracksOf(c, milestone) {
		left += n.Track(t.Name).All.Actionable()
	}
	return left
}

// contradiction says what plainly speaks against a milestone; "" when nothing
// does. What is unknown does not contradict it: it stands beside it.
func contradiction(c Campaign, n Numbers, milestone string) string {
	if len(tracksOf(c, milestone)) == 0 {
		return "the campaign has no track that could make it " + milestone
	}
	switch open, left := exposedOpen(c, n, milestone), unfinishedIn(c, n, milestone); {
	case milestone == MilestoneContained && open > 0:
		return "still open and facing the internet: " + count(open, "task")
	case milestone == MilestoneFixed && left > 0:
		return "still open: " + count(left, "task")
	}
	for _, t := range tracksOf(c, milestone) {
		if n.Track(t.Name).All.Known() > 0 || n.Track(t.Name).All.NotAffected > 0 {
			return ""
		}
	}
	return "nothing has been looked at yet"
}

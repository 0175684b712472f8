package campaign

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"
)

// A digest is a due entry digest/<schedule>/<fire time> of a running campaign.
// Working it takes one snapshot per fire time, which all audiences of that time
// share, plans the messages, leaves a mark under its own key, and makes the next
// one due: in one step, so each fire happens exactly once. The next one comes
// after now, so any number of missed fires counts as one.
const (
	digestPrefix = "digest/"
	digestPlanID = "plan"

	counterDigests = "digests"
)

// digestPlan is when each schedule fires next, and what its readers saw last.
type digestPlan struct {
	Next map[string]time.Time `json:"next"` // by schedule
	Last map[Audience]string  `json:"last"` // snapshots
}

// digestMark says that a schedule has fired.
type digestMark struct {
	At       time.Time `json:"at"`
	Snapshot string    `json:"snapshot"`
	Messages int       `json:"messages"`
	// After is the team that was told last, while there are more of them.
	After string `json:"after,omitempty"`
	Done  bool   `json:"done,omitempty"`
}

// firing is a schedule of a campaign.
type firing struct {
	DigestSchedule
	key string // stable while the schedule stays as it is
	// was is the key by which versions that took the ID of the channel call it; key
	// where that is no other. Their entries are worked, and the marks are under both, so
	// that a fire which is due under both is sent once.
	was      string
	schedule Schedule
}

// checkDigests returns what is wrong with the first schedule that cannot work.
func checkDigests(digests []DigestSchedule) error {
	for i, d := range digests {
		if _, err := ParseSchedule(d.Cron, cmp.Or(d.Zone, "UTC")); err != nil {
			return fmt.Errorf("campaign: Options.Digests[%d]: %w", i, err)
		}
		if d.Audience != ForExecutives && d.Audience != ForLeads && d.Audience != ForTeam {
			return fmt.Errorf("campaign: Options.Digests[%d]: audience %q is not known", i, d.Audience)
		}
	}
	return nil
}

// firings returns the schedules as they apply to a campaign. What cannot be read
// was refused at the start.
func (g *Engine) firings(c Campaign) []firing {
	var found []firing
	for _, d := range g.opts.Digests {
		d.Zone = cmp.Or(d.Zone, c.Zone, g.opts.Zone)
		schedule, err := ParseSchedule(d.Cron, d.Zone)
		if err != nil {
			g.opts.Log.WithError(err).WithField(FieldCampaign, c.ID).Error("digest schedule left out")
			continue
		}
		key := func(channel string) string { return opaqueID("digest", string(d.Audience), d.Cron, d.Zone, channel) }
		found = append(found, firing{DigestSchedule: d, key: key(cmp.Or(d.Written, d.Channel)), was: key(d.Channel), schedule: schedule})
	}
	return found
}

func (g *Engine) firing(c Campaign, key string) (firing, bool) {
	for _, f := range g.firings(c) {
		if f.key == key || f.was == key {
			return f, true
		}
	}
	return firing{}, false
}

// digests returns whether a campaign has digests in this state.
func (s Status) digests() bool { return s == Running || s == Paused || s == Closing }

// planDigests makes the next digest of each schedule due that has none yet. It
// may be repeated.
func (tx *transaction) planDigests(c Campaign) error {
	plan, _, err := find[digestPlan](tx, KindDigest, digestPlanID)
	if err != nil {
		return err
	}
	fresh := map[string]time.Time{}
	for _, f := range tx.engine.firings(c) {
		if at, ok := plan.Next[f.key]; ok {
			fresh[f.key] = at
		} else if at, ok := plan.Next[f.was]; ok {
			fresh[f.key] = at
			tx.due(f.due(at))
		} else if at := f.schedule.Next(tx.now); !at.IsZero() {
			fresh[f.key] = at
			tx.due(f.due(at))
		}
	}
	return save(tx, KindDigest, digestPlanID, digestPlan{Next: fresh, Last: plan.Last})
}

func (f firing) due(at time.Time) DueEntry {
	return DueEntry{ID: digestPrefix + f.key + "/" + timeKey(at), Lane: Bulk, At: at}
}

// restoreDigests is the heartbeat's part: a running campaign has each configured
// schedule planned, also one that was configured after the launch.
func (g *Engine) restoreDigests(ctx context.Context, scope Scope) error {
	if scope == Sys || len(g.opts.Digests) == 0 {
		return nil
	}
	c, err := g.Campaign(ctx, string(scope))
	if err != nil || !c.Status.digests() {
		if KindOf(err) == NotFound {
			return nil
		}
		return err
	}
	plan, err := g.digestPlan(ctx, c.ID)
	if err != nil {
		return err
	}
	missing := false
	for _, f := range g.firings(c) {
		_, ok := plan.Next[f.key]
		missing = missing || !ok
	}
	if !missing {
		return nil
	}
	return g.atomically(ctx, scope, Request{}, func(tx *transaction) error {
		c, err := tx.campaign()
		if err != nil {
			return err
		}
		return tx.planDigests(c)
	})
}

func (g *Engine) digestPlan(ctx context.Context, id string) (digestPlan, error) {
	plan, _, err := Load[digestPlan](ctx, g.opts.Store, Scope(id), KindDigest, digestPlanID)
	if err != nil && KindOf(err) != NotFound {
		return plan, fmt.Errorf("read digest plan of %s: %w", id, err)
	}
	return plan, nil
}

// digest works one fire of one schedule.
func (g *Engine) digest(ctx context.Context, claim Claimed) error {
	key, at, ok := strings.Cut(strings.TrimPrefix(claim.ID, digestPrefix), "/")
	if !ok {
		return fmt.Errorf("due entry %q names no fire time", claim.ID)
	}
	c, err := g.Campaign(ctx, string(claim.Scope))
	if err != nil {
		return err
	}
	f, configured := g.firing(c, key)
	if !configured || !c.Status.digests() {
		return g.forgetDigest(ctx, claim, key)
	}
	snapshot, err := g.TakeSnapshot(ctx, c.ID, at)
	if err != nil {
		return err
	}
	plan, err := g.digestPlan(ctx, c.ID)
	if err != nil {
		return err
	}
	r, err := g.read(ctx, c, snapshot, plan.Last[f.Audience])
	if err != nil {
		return err
	}
	return g.atomically(ctx, claim.Scope, Request{}, func(tx *transaction) error {
		return tx.sendDigest(claim, f, at, r)
	})
}

// forgetDigest ends a schedule that is no longer configured, or a campaign's.
func (g *Engine) forgetDigest(ctx context.Context, claim Claimed, key string) error {
	return g.atomically(ctx, claim.Scope, Request{}, func(tx *transaction) error {
		tx.finish(claim, time.Time{})
		plan, found, err := find[digestPlan](tx, KindDigest, digestPlanID)
		if err != nil || !found {
			return err
		}
		delete(plan.Next, key)
		return save(tx, KindDigest, digestPlanID, plan)
	})
}

// sendDigest plans the messages of one fire, leaves the mark and makes the next
// fire due.
func (tx *transaction) sendDigest(claim Claimed, f firing, at string, r reading) error {
	markID, markWas := f.key+"/"+at, f.was+"/"+at
	mark, found, err := find[digestMark](tx, KindDigest, markID)
	if err == nil && !found {
		mark, _, err = find[digestMark](tx, KindDigest, markWas)
	}
	if err != nil {
		return err
	}
	next := f.schedule.Next(tx.now)
	if mark.Done { // another replica was faster
		tx.finish(claim, time.Time{})
		plan, _, err := find[digestPlan](tx, KindDigest, digestPlanID)
		if err != nil || timeKey(plan.Next[f.key]) != at {
			return err
		}
		return tx.planNext(plan, f, next) // it knew only what this schedule was
	}
	posts, after, err := tx.engine.digestPosts(tx.ctx, f.DigestSchedule, r, next, mark.After)
	if err != nil {
		return err
	}
	for _, p := range posts {
		if err := tx.post(digestPrefix+markID+"/"+p.key, Bulk, p.postPayload); err != nil {
			return err
		}
	}
	mark.At, mark.Snapshot, mark.After = tx.now, r.snapshot.ID, after
	mark.Messages, mark.Done = mark.Messages+len(posts), after == ""
	for _, id := range []string{markID, markWas} {
		if err := save(tx, KindDigest, id, mark); err != nil {
			return err
		}
	}
	if !mark.Done {
		tx.finish(claim, tx.now) // the rest of the teams
		return nil
	}
	tx.finish(claim, time.Time{})
	tx.count(counterDigests, 1)
	if err := tx.audit("digest.send", "digest/"+markID, "", fmt.Sprint(mark.Messages), ""); err != nil {
		return err
	}
	plan, _, err := find[digestPlan](tx, KindDigest, digestPlanID)
	if err != nil {
		return err
	}
	if plan.Last == nil {
		plan.Last = map[Audience]string{}
	}
	plan.Last[f.Audience] = r.snapshot.ID
	return tx.planNext(plan, f, next)
}

// planNext makes the next fire of a schedule due.
func (tx *transaction) planNext(plan digestPlan, f firing, next time.Time) error {
	if plan.Next == nil {
		plan.Next = map[string]time.Time{}
	}
	delete(plan.Next, f.was)
	if plan.Next[f.key] = next; next.IsZero() {
		delete(plan.Next, f.key)
	} else {
		tx.due(f.due(next))
	}
	return save(tx, KindDigest, digestPlanID, plan)
}

// Digest takes a snapshot now and returns the digest that an audience would get,
// for the one who asks. A leaders' digest carries a button that sends it to the
// audience's channels at once; see SendDigest.
func (g *Engine) Digest(ctx context.Context, r Request, id string, audience Audience) (Message, error) {
	reading, next, err := g.digestNow(ctx, r, id, audience)
	if err != nil {
		return Message{}, err
	}
	m, err := g.digestMessage(ctx, audience, reading, next, reading.campaign.Zone)
	if err != nil {
		return m, err
	}
	if len(g.channelsFor(reading.campaign, audience)) > 0 {
		m.Buttons = append(m.Buttons, Button{
			Label: "Send it now", Action: "digest.send", Value: buttonValue(id, string(audience), reading.snapshot.ID),
			Confirm: "Send this to the channels of the " + string(audience) + "?",
		})
	}
	m.Ephemeral = true
	return m, nil
}

// SendDigest posts the digest of a snapshot, which Digest showed, to all
// channels that have this audience on a schedule. A second press sends nothing.
func (g *Engine) SendDigest(ctx context.Context, r Request, id string, audience Audience, snapshot string) (Message, error) {
	c, err := g.Campaign(ctx, id)
	if err != nil {
		return Message{}, err
	}
	s, _, err := Load[Snapshot](ctx, g.opts.Store, Scope(id), KindSnapshot, snapshot)
	if err != nil {
		return Message{}, Refuse(NotFound, "These numbers are no longer kept. Nothing was sent. `/campaign digest` shows those of now.")
	}
	plan, err := g.digestPlan(ctx, id)
	if err != nil {
		return Message{}, err
	}
	reading, err := g.read(ctx, c, s, plan.Last[audience])
	if err != nil {
		return Message{}, err
	}
	m, err := g.digestMessage(ctx, audience, reading, g.nextDigest(c, audience), c.Zone)
	if err != nil {
		return m, err
	}
	channels := g.channelsFor(c, audience)
	err = g.atomically(ctx, Scope(id), r, func(tx *transaction) error {
		if _, err := tx.steered("send a digest"); err != nil {
			return err
		}
		sent := digestPrefix + "by hand/" + snapshot + "/" + string(audience)
		_, again, err := find[digestMark](tx, KindDigest, sent)
		if err != nil || again {
			return err
		}
		for _, channel := range channels {
			key := sent + "/" + channel
			if err := tx.post(key, Interactive, postPayload{To: channel, Message: m}); err != nil {
				return err
			}
		}
		mark := digestMark{At: tx.now, Snapshot: snapshot, Messages: len(channels), Done: true}
		if err := save(tx, KindDigest, sent, mark); err != nil {
			return err
		}
		tx.count(counterDigests, 1)
		return tx.audit("digest.send", "digest/by hand/"+snapshot, "", fmt.Sprint(len(channels)), r.Reason)
	})
	return say("Sent to %s.", count(len(channels), "channel")), err
}

func (g *Engine) digestNow(ctx context.Context, r Request, id string, audience Audience) (reading, time.Time, error) {
	switch audience {
	case ForExecutives, ForLeads, ForTeam:
	default:
		return reading{}, time.Time{}, Refuse(Invalid, "A digest is for executives, leads or team. Nothing was sent.")
	}
	c, err := g.Campaign(ctx, id)
	if err != nil {
		return reading{}, time.Time{}, err
	}
	if c.StartedAt.IsZero() && !c.Status.digests() {
		return reading{}, time.Time{}, Refuse(Conflict, "The campaign is "+words(c.Status)+" and was not launched, so there are no numbers yet. `/campaign show` says what it has found.")
	}
	at := timeKey(g.opts.Clock.Now())
	s, err := g.TakeSnapshot(ctx, id, at+"/"+opaqueID(id, "by hand", r.Key, at))
	if err != nil {
		return reading{}, time.Time{}, err
	}
	plan, err := g.digestPlan(ctx, id)
	if err != nil {
		return reading{}, time.Time{}, err
	}
	read, err := g.read(ctx, c, s, plan.Last[audience])
	return read, g.nextDigest(c, audience), err
}

// nextDigest returns when an audience hears next; zero when nothing is scheduled.
func (g *Engine) nextDigest(c Campaign, audience Audience) time.Time {
	var next time.Time
	if !c.Status.digests() {
		return next
	}
	for _, f := range g.firings(c) {
		at := f.schedule.Next(g.opts.Clock.Now())
		if f.Audience == audience && !at.IsZero() && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	return next
}

func (g *Engine) channelsFor(c Campaign, audience Audience) []string {
	var found []string
	for _, f := range g.firings(c) {
		if f.Audience == audience && f.Channel != "" && audience != ForTeam {
			found = append(found, f.Channel)
		}
	}
	return found
}

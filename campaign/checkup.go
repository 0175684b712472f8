package campaign

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Checkup is what a look into one scope of the store found.
type Checkup struct {
	Scope Scope    `json:"scope"`
	Title string   `json:"title,omitempty"` // of the campaign
	State Status   `json:"state,omitempty"`
	Good  []string `json:"good"`     // what was looked at and is in order, in words
	Bad   []string `json:"problems"` // what is not, and what to do
}

// OK returns whether nothing is wrong.
func (c Checkup) OK() bool { return len(c.Bad) == 0 }

const (
	// waitsLong is how long something outgoing may wait before it is told.
	waitsLong = 10 * time.Minute
	// sealsLate is how far the seals may lag before it is told.
	sealsLate = 10 * time.Second
)

// CheckScope looks for what should not be: counters that disagree with the
// tasks, effects that were given up or wait for long, effects that no list of
// open ones has, a log that disagrees with its seals or is not sealed. It
// changes nothing. A campaign at work may show differences that are gone a
// moment later.
func CheckScope(ctx context.Context, r Reader, scope Scope, now time.Time) (Checkup, error) {
	c := Checkup{Scope: scope}
	if scope != Sys {
		campaign, _, err := Load[Campaign](ctx, r, scope, KindCampaign, self)
		if err != nil && KindOf(err) != NotFound {
			return c, err
		}
		c.Title, c.State = campaign.Title, campaign.Status
		if err := c.counters(ctx, r); err != nil {
			return c, err
		}
	}
	if err := c.effects(ctx, r, now); err != nil {
		return c, err
	}
	return c, c.log(ctx, r, now)
}

func (c *Checkup) good(format string, args ...any) {
	c.Good = append(c.Good, fmt.Sprintf(format, args...))
}

func (c *Checkup) bad(format string, args ...any) {
	c.Bad = append(c.Bad, fmt.Sprintf(format, args...))
}

func (c *Checkup) counters(ctx context.Context, r Reader) error {
	differences, err := Recount(ctx, r, string(c.Scope))
	if err != nil {
		return err
	}
	if len(differences) == 0 {
		c.good("the counters agree with a recount of the tasks")
	}
	for _, d := range differences {
		c.bad("counter %s; run doctor again when nothing is being worked on, and report it if it stays", d)
	}
	return nil
}

func (c *Checkup) effects(ctx context.Context, r Reader, now time.Time) error {
	listed := map[string]bool{}
	for after := (IndexHit{}); ; {
		hits, err := r.Index(ctx, c.Scope, indexOpenEffects, "", after, 0)
		if err != nil {
			return fmt.Errorf("read open effects of %s: %w", c.Scope, err)
		}
		if len(hits) == 0 {
			break
		}
		for _, hit := range hits {
			listed[hit.ID] = true
		}
		after = hits[len(hits)-1]
	}
	open, dead, waiting, lost := 0, 0, 0, 0
	why := map[string]bool{}
	unfiled := map[string]bool{} // tickets
	var late []Effect
	for e, err := range LoadAll[Effect](ctx, r, c.Scope, KindEffect) {
		if err != nil {
			return fmt.Errorf("read effects of %s: %w", c.Scope, err)
		}
		if e.Value.Kind == EffectTicket && e.Value.Status != EffectDone {
			unfiled[e.Value.Subject] = true
		}
		switch e.Value.Status {
		case EffectDone:
			continue
		case EffectDead:
			dead++
			why[e.Value.LastError] = true
			continue
		}
		open++
		if !listed[e.ID] {
			lost++
		}
		if now.Sub(e.Value.since()) > waitsLong && c.State != Paused {
			late = append(late, e.Value)
		}
	}
	for _, e := range late {
		held, err := e.heldBy(unfiled)
		if err != nil {
			return err
		}
		if !held {
			waiting++
			why[e.LastError] = true
		}
	}
	c.good("%s on their way", count(open, "effect"))
	reasons := slices.DeleteFunc(sortedKeys(why), func(s string) bool { return s == "" })
	because := ""
	if len(reasons) > 0 {
		because = fmt.Sprintf(" (%q)", reasons[:min(len(reasons), 3)])
	}
	if dead > 0 {
		c.bad("dead letters: %d%s; each stands in the command channel with a button that tries it again", dead, because)
	}
	if waiting > 0 {
		c.bad("effects that have waited for more than %s: %d%s; is the service running, and can it reach Slack and the tracker?", waitsLong, waiting, because)
	}
	if lost > 0 {
		c.bad("effects without a due entry: %d; the service's heartbeat cannot see them", lost)
	}
	return nil
}

// heldBy returns whether a message waits for tickets that are looked at themselves.
func (e Effect) heldBy(unfiled map[string]bool) (bool, error) {
	if !e.Waits {
		return false, nil
	}
	p, err := decodePayload[postPayload](e)
	return slices.ContainsFunc(p.After, func(ticket string) bool { return unfiled[ticket] }), err
}

func (c *Checkup) log(ctx context.Context, r Reader, now time.Time) error {
	verdict, err := VerifyAudit(ctx, r, c.Scope)
	if err != nil {
		return err
	}
	if !verdict.OK() {
		c.bad("the audit log is not what was sealed, from record %d on: %s", verdict.FirstBad, verdict.Problem)
		return nil
	}
	if verdict.Unsealed > 0 {
		tail, err := r.Audit(ctx, c.Scope, verdict.SealedTo, 1)
		if err != nil {
			return fmt.Errorf("read audit log of %s: %w", c.Scope, err)
		}
		if len(tail) > 0 && now.Sub(tail[0].At) > sealsLate {
			c.bad("the audit log is not sealed since record %d, %s ago: %s; a running service seals within a second",
				tail[0].Seq, now.Sub(tail[0].At).Round(time.Second), count(verdict.Unsealed, "record"))
		}
	}
	c.good("%s", verdict)
	return nil
}

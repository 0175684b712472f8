package campaign

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// LockItem is one thing that must be so before a launch: a tick, or what is
// missing and what to do about it.
type LockItem struct {
	Name string
	OK   bool
	Need string
}

// lock returns what stands between the campaign and its launch. doubtful is how
// many targets wait for a judgement.
func (g *Engine) lock(ctx context.Context, c Campaign, p Plan, doubtful int) ([]LockItem, error) {
	helpers, err := g.opts.Roles.Members(ctx, Helper)
	if err != nil {
		return nil, err
	}
	var undated []string
	for _, t := range p.Tracks {
		if t.Due.IsZero() {
			undated = append(undated, t.Name)
		}
	}
	current := !slices.ContainsFunc(p.Tracks, func(t PlanTrack) bool {
		now, ok := c.Track(t.Name)
		return ok && now.ApprovedRevision > t.Revision
	})
	approve := "`/campaign approve` freezes the plan with the newest text that the reviewers approved"
	if steps := nextSteps(c, 0); len(p.Tracks) == 0 && len(steps) > 0 { // there is nothing to approve yet
		approve = strings.TrimSuffix(steps[0], ".")
	}
	return []LockItem{
		{Name: "text approved and frozen", OK: c.Plan != "" && current, Need: approve},
		{Name: "due dates set", OK: len(undated) == 0, Need: fmt.Sprintf("track %s has no due date: `/campaign track %s due fri 17:00`", strings.Join(undated, ", "), strings.Join(undated, " "))},
		{
			Name: "triage empty or waived", OK: doubtful == 0 || c.TriageWaived != "",
			Need: count(doubtful, "doubtful target") + " to judge: `/campaign triage`",
		},
		{Name: "help desk staffed", OK: len(helpers) > 0, Need: "nobody has the role helper: the operator adds people to it in the config"},
	}, nil
}

// missing returns what a lock still needs.
func missing(items []LockItem) []string {
	var needs []string
	for _, item := range items {
		if !item.OK {
			needs = append(needs, item.Need)
		}
	}
	return needs
}

// launchArgs is what a held launch remembers: the second person agrees to this
// plan, and to no later one.
type launchArgs struct {
	Slice string `json:"slice"`
	Plan  string `json:"plan"` // its hash
}

// What may be launched beside a slice by its name.
const (
	SliceAll  = "all"  // all that is left, in its order, with the gates in between
	SliceNext = "next" // the wave that waits at its gate, now
)

// Launch sends out a slice of the frozen plan, or all that is left: SliceRest is all
// but the exposed slice. It sends what was approved, not what the world looks like
// now; that is shown as drift. Of several slices the first goes out at once, and
// each other one through the gate before it.
func (g *Engine) Launch(ctx context.Context, r Request, id, slice string) (Message, error) {
	if slice == SliceNext {
		return g.SkipGate(ctx, r, id, "")
	}
	c, err := g.Campaign(ctx, id)
	if err != nil {
		return Message{}, err
	}
	if err := c.over(); err != nil {
		return Message{}, err
	}
	p, err := g.unlocked(ctx, c)
	if err != nil {
		return Message{}, err
	}
	return g.launch(ctx, r, c, p, launchArgs{Slice: slice, Plan: p.Hash}, false)
}

// unlocked returns the approved plan, without its tickets, when nothing stands
// between it and its launch.
func (g *Engine) unlocked(ctx context.Context, c Campaign) (Plan, error) {
	p, err := g.frozenFrame(ctx, c)
	if err != nil {
		return p, err
	}
	doubtful, err := g.doubtful(ctx, c)
	if err != nil {
		return p, err
	}
	items, err := g.lock(ctx, c, p, len(doubtful))
	if err != nil {
		return p, err
	}
	if needs := missing(items); len(needs) > 0 {
		return p, Refuse(Conflict, "Nothing was sent. Missing: "+strings.Join(needs, "; ")+".")
	}
	return p, nil
}

// launchGranted is Launch after a second person agreed. What they agreed to may
// have moved on since it was asked for.
func (g *Engine) launchGranted(ctx context.Context, r Request, id string, args json.RawMessage) (Message, error) {
	var a launchArgs
	if err := json.Unmarshal(args, &a); err != nil {
		return Message{}, fmt.Errorf("decode held launch: %w", err)
	}
	done, err := g.carriedOut(ctx, Scope(id), r)
	if err != nil || done {
		return say("This was launched already. `/campaign status` shows how far it is."), err
	}
	c, err := g.Campaign(ctx, id)
	if err != nil {
		return Message{}, err
	}
	if c.Plan != a.Plan {
		return Message{}, planMoved()
	}
	p, err := g.unlocked(ctx, c)
	if err != nil {
		return Message{}, err
	}
	return g.launch(ctx, r, c, p, a, true)
}

func planMoved() error {
	return Refuse(Conflict, "Another plan was approved since this launch was asked for, or the approval fell. Nothing was sent. `/campaign plan` shows what stands now; ask for the launch again with `/campaign launch`.")
}

func (g *Engine) launch(ctx context.Context, r Request, c Campaign, p Plan, a launchArgs, granted bool) (Message, error) {
	chosen := p.chosen(a.Slice)
	if len(chosen) == 0 {
		return Message{}, Refuse(NotFound, "The approved plan has no slice "+string(Escape(a.Slice))+". Nothing was sent. `/campaign plan` shows its slices.")
	}
	var reply Message
	err := g.atomically(ctx, Scope(c.ID), r, func(tx *transaction) error {
		if now, err := tx.campaign(); err != nil || now.Plan != a.Plan {
			return cmp.Or(err, planMoved())
		}
		waves, tickets, waiting, err := tx.plannedWaves(p, chosen, a.Slice)
		if err != nil {
			return err
		}
		if len(waves) == 0 && waiting {
			return Refuse(Conflict, "This was launched already, and waits at its gate. Nothing was sent twice. `/campaign launch next` sends the next wave now.")
		}
		if len(waves) == 0 {
			return Refuse(Conflict, "This was launched already. Nothing was sent twice. `/campaign status` shows how far it is.")
		}
		if !granted && g.needsSecond(tickets) {
			preview := fmt.Sprintf("Launch %s: %s.", launchNames(waves), count(tickets, "ticket"))
			reply, err = tx.hold(HoldLaunch, tickets, a, preview)
			return err
		}
		if err := tx.startWaves(p, waves); err != nil {
			return err
		}
		reply, err = tx.launchReply(waves)
		return err
	})
	return reply, err
}

// chosen returns the slices that a word means.
func (p Plan) chosen(word string) []PlanSlice {
	var chosen []PlanSlice
	for _, s := range p.Slices {
		if word == SliceAll || word == s.Name || word == SliceRest && s.Name != SliceExposed {
			chosen = append(chosen, s)
		}
	}
	return chosen
}

// launchNames names what is launched, in its order.
func launchNames(waves []Wave) string {
	names := make([]string, 0, len(waves))
	for _, w := range waves {
		names = append(names, w.name())
	}
	return enumerate(names)
}

// launchReply tells the one who launched what goes now and what waits.
func (tx *transaction) launchReply(waves []Wave) (Message, error) {
	var now, later []Wave
	tickets := 0
	for _, w := range waves {
		stored, err := load[Wave](tx, KindWave, w.ID)
		if err != nil {
			return Message{}, err
		}
		if stored.Status == WaveFiling {
			now, tickets = append(now, w), tickets+w.Tickets
		} else {
			later = append(later, w)
		}
	}
	text := fmt.Sprintf("Launched: %s of %s on their way.", count(tickets, "ticket"), launchNames(now))
	if len(now) > 1 {
		text = strings.TrimSuffix(text, ".") + ", in this order."
	}
	if len(later) > 0 {
		text += fmt.Sprintf(" Then %s, each at its gate.", launchNames(later))
	}
	return say("%s Progress is in the command channel; `/campaign pause` stops it at once.", text), nil
}

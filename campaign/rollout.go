package campaign

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Rollout says in which waves a campaign's plan goes out. The zero value is the
// exposed slice and then the rest, with nothing in between.
type Rollout struct {
	Pilot Pilot `json:"pilot,omitzero"`
	Split Split `json:"split,omitempty"`
	// Shares are the parts of the rest in hundredths, 100 together, for SplitShare.
	Shares []int `json:"shares,omitempty"`
	Gate   Gate  `json:"gate,omitzero"`
}

// Pilot says what goes out before everything else.
type Pilot struct {
	Rule  bool     `json:"rule,omitempty"`  // picked by the rule that pilot.go holds
	Names []string `json:"names,omitempty"` // chosen by a person: names of tickets or targets
}

// Split says how what is not exposed is cut into waves.
type Split string

// The splits.
const (
	SplitNone         Split = "" // one wave
	SplitOrganisation Split = "organisation"
	SplitShare        Split = "share"
)

// GateMode says whether something lies between two waves.
type GateMode string

// The modes of a gate.
const (
	GateDefault GateMode = ""     // as the plan's waves ask for it
	GateNone    GateMode = "none" // the next wave follows at once
	GateSet     GateMode = "set"  // as a person set it
)

// Gate says when the next wave goes out: as soon as one of its conditions holds.
// Without any, only the button opens it.
type Gate struct {
	Mode    GateMode      `json:"mode,omitempty"`
	Claimed int           `json:"claimed,omitempty"` // so many tasks of the wave before are claimed
	Share   int           `json:"share,omitempty"`   // or so many of a hundred of them
	Quiet   time.Duration `json:"quiet,omitempty"`   // so long without a new question
}

// What lies between the waves of a plan with a pilot or with a split rest, when
// nobody set it.
const (
	gateShare     = 50
	gateQuiet     = 30 * time.Minute
	gateQuietFast = 10 * time.Minute // before the exposed ones, while attacks are known
)

// The bounds of a rollout.
const (
	maxPilot  = 10
	maxShares = 20
	maxQuiet  = 7 * 24 * time.Hour
)

// gate returns what lies before a wave of the plan.
func (c Campaign) gate(p Plan, next string) Gate {
	switch {
	case c.Rollout.Gate.Mode != GateDefault:
		return c.Rollout.Gate
	case !p.staged():
		return Gate{Mode: GateNone}
	case c.Exploited && next == SliceExposed:
		return Gate{Mode: GateSet, Share: gateShare, Quiet: gateQuietFast}
	}
	return Gate{Mode: GateSet, Share: gateShare, Quiet: gateQuiet}
}

// needed returns how many claims of a wave with so many tasks open the gate; 0
// when claims do not.
func (g Gate) needed(tasks int) int {
	switch {
	case g.Claimed > 0:
		return min(g.Claimed, tasks)
	case g.Share > 0:
		return max(1, (tasks*g.Share+99)/100)
	}
	return 0
}

// staged returns whether the plan has more waves than the exposed slice and the
// rest.
func (p Plan) staged() bool {
	return slices.ContainsFunc(p.Slices, func(s PlanSlice) bool { return s.Name != SliceExposed && s.Name != SliceRest })
}

// check refuses what no rollout can be.
func (r Rollout) check() error {
	sum := 0
	for _, share := range r.Shares {
		sum += share
		if share <= 0 {
			sum = -1
			break
		}
	}
	switch {
	case r.Split == SplitShare && (sum != 100 || len(r.Shares) > maxShares):
		return Refuse(Invalid, fmt.Sprintf("The shares of the rest must make 100 together, at most %d of them, for example `/campaign edit waves share 10 30 60`. Nothing was changed.", maxShares))
	case len(r.Pilot.Names) > maxPilot:
		return Refuse(Invalid, fmt.Sprintf("A pilot has at most %d targets: more is a wave. Nothing was changed.", maxPilot))
	case r.Gate.Quiet < 0 || r.Gate.Quiet > maxQuiet || r.Gate.Claimed < 0 || r.Gate.Share < 0 || r.Gate.Share > 100:
		return Refuse(Invalid, "A gate opens by a number or share of claims, or after at most a week without a question: `/campaign gate claimed 5 quiet 30m`. Nothing was changed.")
	}
	switch r.Split {
	case SplitNone, SplitOrganisation, SplitShare:
		return nil
	}
	return Refuse(Invalid, "The rest is cut by `organisation`, by `share`, or not: `none`. Nothing was changed.")
}

// SetPilot chooses what goes out before everything else. Names must be those of
// tickets or targets of today's plan. It shows the plan as it would be then; one
// that is frozen already stays as it was approved.
func (g *Engine) SetPilot(ctx context.Context, r Request, id string, pilot Pilot) (Message, error) {
	c, err := g.Campaign(ctx, id)
	if err != nil {
		return Message{}, err
	}
	c.Rollout.Pilot = pilot
	if err := c.Rollout.check(); err != nil {
		return Message{}, err
	}
	if len(pilot.Names) > 0 {
		today, err := g.today(ctx, c)
		if err != nil {
			return Message{}, err
		}
		if err := today.knows(pilot.Names); err != nil {
			return Message{}, err
		}
	}
	return g.rollOut(ctx, r, id, "campaign.pilot", func(to *Rollout) { to.Pilot = pilot })
}

// knows refuses names that no ticket of the plan answers to.
func (p Plan) knows(names []string) error {
	targets := map[string]string{}
	for _, t := range p.Targets {
		targets[t.ID] = t.Name
	}
	var unknown []string
	for _, name := range names {
		if !slices.ContainsFunc(p.Tickets, func(t PlanTicket) bool { return t.answersTo(name, targets) }) {
			unknown = append(unknown, "`"+strings.ReplaceAll(string(Escape(name)), "`", "'")+"`")
		}
	}
	if len(unknown) > 0 {
		return Refuse(NotFound, "The plan has no ticket for "+enumerate(unknown)+". Nothing was changed. `/campaign show` says what it concerns; use the service's name.")
	}
	return nil
}

// answersTo returns whether a ticket is meant by a name.
func (t PlanTicket) answersTo(name string, targets map[string]string) bool {
	return strings.EqualFold(t.Name, name) || t.ID == name || slices.ContainsFunc(t.Targets, func(id string) bool {
		return id == name || strings.EqualFold(targets[id], name)
	})
}

// SetGate says when the next wave goes out. It counts at once, also for waves
// that wait already.
func (g *Engine) SetGate(ctx context.Context, r Request, id string, gate Gate) (Message, error) {
	if err := (Rollout{Gate: gate}).check(); err != nil {
		return Message{}, err
	}
	err := g.changeCampaign(ctx, r, id, "campaign.gate", func(_ *transaction, c *Campaign) error {
		c.Rollout.Gate = gate
		return c.editable()
	})
	if err != nil {
		return Message{}, err
	}
	if gate.Mode == GateDefault {
		return say("Saved. A plan with a pilot or with a split rest waits between its waves until half of the tasks are claimed or 30 minutes pass without a new question; another plan does not wait."), nil
	}
	return say("Saved. %s", Markup(gate.sentence())), nil
}

// sentence says in words when a gate opens.
func (g Gate) sentence() string {
	if g.Mode == GateNone {
		return "Nothing lies between the waves: each follows as soon as the one before is handed over."
	}
	var ways []string
	switch {
	case g.Claimed > 0:
		ways = append(ways, "once "+count(g.Claimed, "task")+" of the wave before are claimed")
	case g.Share == gateShare:
		ways = append(ways, "once half of the tasks of the wave before are claimed")
	case g.Share > 0:
		ways = append(ways, fmt.Sprintf("once %d in 100 tasks of the wave before are claimed", g.Share))
	}
	if g.Quiet > 0 {
		ways = append(ways, "after "+span(g.Quiet)+" without a new question")
	}
	ways = append(ways, "by the button")
	return "The next wave goes out " + strings.Join(ways, ", or ") + "."
}

// span says how long something is: "30 minutes", "2 h 15 min".
func span(d time.Duration) string {
	d = d.Round(time.Minute)
	switch {
	case d < time.Minute:
		return "less than a minute"
	case d < 2*time.Hour:
		return count(int(d/time.Minute), "minute")
	case d%time.Hour == 0:
		return count(int(d/time.Hour), "hour")
	}
	return fmt.Sprintf("%d h %d min", int(d/time.Hour), int(d%time.Hour/time.Minute))
}

// rollOut changes how the plan is cut, and shows it.
func (g *Engine) rollOut(ctx context.Context, r Request, id, action string, change func(*Rollout)) (Message, error) {
	frozen := false
	err := g.changeCampaign(ctx, r, id, action, func(_ *transaction, c *Campaign) error {
		change(&c.Rollout)
		frozen = c.Plan != ""
		return c.editable()
	})
	if err != nil {
		return Message{}, err
	}
	if frozen {
		return say("Saved. The approved plan keeps the waves that it was approved with; `/campaign approve` freezes what is left with the new ones."), nil
	}
	return g.PlanMessage(ctx, id)
}

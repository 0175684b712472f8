package campaign

import (
	"cmp"
	"slices"
	"strings"
)

// SlicePilot is the wave that goes out before all others.
const SlicePilot = "pilot"

// leastForPilot is how many tickets make a pilot worth its while.
const leastForPilot = 4

// PilotPick is a ticket of the pilot, and why it is.
type PilotPick struct {
	Name string `json:"name"`
	Team string `json:"team"`
	Why  string `json:"why"`
}

// The rule of a pilot. Two easy tickets: not exposed and critical at once, with a
// contact who is awake, a single module, not exposed, the fewest findings, the
// lowest tier; the second of another contact. And one of the hardest: the most
// findings, hosts and layers. What nothing satisfies gives way in that order.

// difficulty is what the rule looks at.
type difficulty struct {
	ticket   *PlanTicket
	findings int
	places   int // files in which they were found
	hosts    int
	layers   int
	exposed  bool
	tier     string // of the most critical target
	critical bool   // of the most critical tier there is, or of none
	asleep   bool   // its contact
}

// pilot picks the tickets of the pilot; none when the campaign wants none.
func (b *planBuilder) pilot(tickets []*PlanTicket) []PilotPick {
	want := b.in.Campaign.Rollout.Pilot
	if len(want.Names) > 0 {
		return b.pilotByName(tickets, want.Names)
	}
	if !want.Rule || len(tickets) < leastForPilot {
		return nil
	}
	all := b.difficulties(tickets)
	easy := slices.MinFunc(all, compareEase)
	others := slices.DeleteFunc(slices.Clone(all), func(d difficulty) bool { return d.ticket == easy.ticket })
	second := slices.MinFunc(others, func(x, y difficulty) int {
		return cmp.Or(ordered(x.ticket.Contact == easy.ticket.Contact, y.ticket.Contact == easy.ticket.Contact), compareEase(x, y))
	})
	others = slices.DeleteFunc(others, func(d difficulty) bool { return d.ticket == second.ticket })
	hardest := slices.MinFunc(others, compareDifficulty)
	picks := []PilotPick{b.pick(easy, "easy"), b.pick(second, "easy"), b.pick(hardest, "one of the hardest")}
	return picks
}

func (b *planBuilder) pilotByName(tickets []*PlanTicket, names []string) []PilotPick {
	targets := map[string]string{}
	for id, t := range b.targets {
		targets[id] = t.Name
	}
	var picks []PilotPick
	for _, t := range tickets {
		if slices.ContainsFunc(names, func(name string) bool { return t.answersTo(name, targets) }) {
			t.Slice = SlicePilot
			picks = append(picks, PilotPick{Name: t.Name, Team: t.Team, Why: "chosen by name"})
		}
	}
	return picks
}

// pick puts a ticket into the pilot and says why it was picked.
func (b *planBuilder) pick(d difficulty, sort string) PilotPick {
	d.ticket.Slice = SlicePilot
	facts := []string{sort + ": " + count(d.findings, "finding")}
	switch {
	case d.hosts > 1 || d.layers > 1:
		facts[0] += " on " + count(d.hosts, "host") + " in " + count(d.layers, "layer")
	case d.places > 1:
		facts[0] += " in " + count(d.places, "place")
	case d.findings > 0:
		facts[0] += " in one place"
	}
	if d.exposed {
		facts = append(facts, "internet-facing")
	}
	if d.tier != "" {
		facts = append(facts, "tier "+d.tier)
	}
	who := cmp.Or(d.ticket.ContactName, "the contact")
	if d.asleep {
		facts = append(facts, "it is night for "+who)
	} else {
		facts = append(facts, who+" is awake")
	}
	return PilotPick{Name: d.ticket.Name, Team: d.ticket.Team, Why: strings.Join(facts, ", ")}
}

// difficulties weighs all tickets.
func (b *planBuilder) difficulties(tickets []*PlanTicket) []difficulty {
	top := ""
	for _, t := range b.targets {
		if t.Tier != "" && (top == "" || t.Tier < top) {
			top = t.Tier
		}
	}
	all := make([]difficulty, 0, len(tickets))
	for _, t := range tickets {
		d := difficulty{ticket: t, asleep: asleep(b.in.Now, t.Zone)}
		hosts, places, layers := map[string]bool{}, map[string]bool{}, map[Layer]bool{}
		for _, id := range t.Targets {
			target := b.targets[id]
			d.findings += len(target.Findings)
			d.exposed = d.exposed || target.Exposure.Counts()
			if target.Tier != "" && (d.tier == "" || target.Tier < d.tier) {
				d.tier = target.Tier
			}
			layers[target.Layer] = true
			for _, f := range target.Findings {
				hosts[f.Asset], places[f.Asset+"\x00"+f.Component.Path] = true, true
			}
		}
		d.hosts, d.places, d.layers = len(hosts), max(len(places), len(t.Targets)), len(layers)
		d.critical = d.tier == "" || d.tier == top
		all = append(all, d)
	}
	return all
}

func compareEase(a, b difficulty) int {
	single := func(d difficulty) bool { return d.places == 1 }
	return cmp.Or(
		ordered(a.exposed && a.critical, b.exposed && b.critical), ordered(a.asleep, b.asleep), ordered(!single(a), !single(b)),
		ordered(a.exposed, b.exposed), cmp.Compare(a.findings, b.findings), cmp.Compare(cmp.Or(b.tier, " "), cmp.Or(a.tier, " ")),
		cmp.Compare(a.ticket.Name, b.ticket.Name), cmp.Compare(a.ticket.ID, b.ticket.ID),
	)
}

func compareDifficulty(a, b difficulty) int {
	return cmp.Or(
		cmp.Compare(b.findings, a.findings), cmp.Compare(b.hosts, a.hosts), cmp.Compare(b.layers, a.layers), ordered(a.asleep, b.asleep),
		cmp.Compare(a.ticket.Name, b.ticket.Name), cmp.Compare(a.ticket.ID, b.ticket.ID),
	)
}

// ordered puts what is not so before what is.
func ordered(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

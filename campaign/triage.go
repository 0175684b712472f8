package campaign

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// doubtful returns the targets that a person has to judge.
func (g *Engine) doubtful(ctx context.Context, c Campaign) ([]Target, error) {
	targets, _, err := g.assess(ctx, c)
	if err != nil {
		return nil, err
	}
	return doubtfulOf(targets.Targets), nil
}

// doubtfulOf returns those of the targets that a person has to judge.
func doubtfulOf(targets []Target) []Target {
	var doubtful []Target
	for _, t := range targets {
		if t.Doubt != "" && t.Knowledge != KnownNothing {
			doubtful = append(doubtful, t)
		}
	}
	return doubtful
}

// TriageList shows what a person has to judge: doubtful and unowned targets.
func (g *Engine) TriageList(ctx context.Context, id string) (Message, error) {
	c, err := g.Campaign(ctx, id)
	if err != nil {
		return Message{}, err
	}
	world, catalog, err := g.assess(ctx, c)
	if err != nil {
		return Message{}, err
	}
	targets := doubtfulOf(world.Targets)
	data := TriageData{LocalTime: g.local(c), Title: c.Title, Total: len(targets), Waived: c.TriageWaived}
	for _, t := range targets[:min(len(targets), maxListed)] {
		line := TriageLine{ID: t.ID, Name: t.Name, Doubt: t.Doubt, Owner: t.Owner, Exposed: t.Exposure.Counts()}
		if len(t.Findings) > 0 {
			f := t.Findings[0]
			line.Found = strings.TrimSpace(f.Component.PURL + f.Component.Name + " " + f.Component.Path)
		}
		data.Entries = append(data.Entries, line)
	}
	data.addConflicts(world.Targets, catalog)
	return g.answer("triage", data)
}

// addConflicts lists the services whose owner the sources do not agree on, and that
// nobody has settled.
func (d *TriageData) addConflicts(targets []Target, catalog Catalog) {
	seen := map[string]bool{}
	for _, t := range targets {
		s := catalog.Services[t.Service]
		if seen[s.Ref] || len(s.Claims) < 2 || s.Claims[0].Source == SourceCorrection {
			continue
		}
		seen[s.Ref] = true
		if d.Conflicted++; len(d.Conflicts) < maxListed {
			d.Conflicts = append(d.Conflicts, OwnerConflict{Name: s.Name, Claims: s.Claims})
		}
	}
}

// TriageOrder is what a person decides of doubtful targets.
type TriageOrder struct {
	Targets  []string // IDs or names; "all" means the whole list
	Affected bool
	Owner    string // catalog ref to give them to
	Reason   string
	Waive    bool // launch beside the open list
}

// Triage decides doubtful targets. What is affected joins the next plan; what is
// not stays out until a new scan says otherwise.
func (g *Engine) Triage(ctx context.Context, r Request, id string, o TriageOrder) (Message, error) {
	c, err := g.Campaign(ctx, id)
	if err != nil {
		return Message{}, err
	}
	if o.Waive {
		return g.waiveTriage(ctx, r, id, o.Reason)
	}
	if done, err := g.carriedOut(ctx, Scope(id), r); err != nil || done {
		return say("Decided. `/campaign triage` shows what is left."), err
	}
	chosen, err := g.chosen(ctx, c, o)
	if err != nil {
		return Message{}, err
	}
	err = g.changeCampaign(ctx, r, id, "campaign.triage", func(tx *transaction, c *Campaign) error {
		if err := c.editable(); err != nil {
			return err
		}
		if c.Triage == nil {
			c.Triage = map[string]TriageDecision{}
		}
		for _, t := range chosen {
			c.Triage[t.ID] = TriageDecision{Affected: o.Affected, Owner: o.Owner, By: r.Actor, At: tx.now, Reason: o.Reason}
		}
		return nil
	})
	if err != nil {
		return Message{}, err
	}
	verdict := "not affected"
	if o.Affected {
		verdict = "affected: the next `/campaign approve` plans for them"
	}
	return say("%s decided: %s.", count(len(chosen), "target"), Markup(verdict)), nil
}

// chosen returns the targets of the triage list that an order names, and refuses
// an order that would leave some of them without an owner.
func (g *Engine) chosen(ctx context.Context, c Campaign, o TriageOrder) ([]Target, error) {
	list, err := g.doubtful(ctx, c)
	if err != nil {
		return nil, err
	}
	all := slices.Contains(o.Targets, "all")
	chosen := slices.DeleteFunc(list, func(t Target) bool {
		return !all && !slices.Contains(o.Targets, t.ID) && !slices.Contains(o.Targets, t.Name)
	})
	if len(chosen) == 0 {
		return nil, Refuse(NotFound, "None of these stands on the triage list. Nothing was changed. `/campaign triage` shows it.")
	}
	if o.Owner != "" {
		catalog, _, err := g.catalog(ctx)
		if err != nil {
			return nil, err
		}
		if _, ok := catalog.Contact(o.Owner); !ok {
			return nil, Refuse(NotFound, "The catalog knows nobody to ask for "+o.Owner+". Nothing was changed. Owners are written like `group:default/payments`.")
		}
	}
	if i := slices.IndexFunc(chosen, func(t Target) bool { return o.Affected && t.Owner == "" && o.Owner == "" }); i >= 0 {
		return nil, Refuse(Invalid, fmt.Sprintf("%s has no owner, so nobody could be asked. Nothing was changed. Name one: `/campaign triage %s affected owner=group:default/team`.", chosen[i].Name, chosen[i].ID))
	}
	return chosen, nil
}

func (g *Engine) waiveTriage(ctx context.Context, r Request, id, reason string) (Message, error) {
	if strings.TrimSpace(reason) == "" {
		return Message{}, Refuse(Invalid, "Launching beside an open triage list needs a reason, for the people who ask later. Nothing was changed.")
	}
	r.Reason = reason
	err := g.changeCampaign(ctx, r, id, "campaign.waive_triage", func(_ *transaction, c *Campaign) error {
		c.TriageWaived = reason
		return c.editable()
	})
	return say("The triage list does not hold back the launch any more. It stays counted as not covered."), err
}

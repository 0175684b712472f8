package campaign

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
)

// maxTriageRules bounds the rules of one campaign.
const maxTriageRules = 100

// TriagePattern says which doubtful targets a rule decides: all of its fields that
// are not blank have to fit. In patterns * stands for any run of characters.
type TriagePattern struct {
	Name    string `json:"name,omitempty"`     // of the target
	Package string `json:"package,omitempty"`  // that was found: its short name, or the package URL without version
	OwnedBy string `json:"owned_by,omitempty"` // catalog ref
}

// String says in words what the pattern is about.
func (p TriagePattern) String() string {
	var parts []string
	if p.Name != "" {
		parts = append(parts, "targets called "+p.Name)
	}
	if p.Package != "" {
		parts = append(parts, "near matches of "+p.Package)
	}
	if p.OwnedBy != "" {
		parts = append(parts, "what belongs to "+p.OwnedBy)
	}
	return strings.Join(parts, ", ")
}

// check refuses a pattern that would decide nearly everything.
func (p TriagePattern) check() error {
	for _, text := range []string{p.Name, p.Package} {
		if text != "" && len(strings.Trim(text, "* /")) < 2 || len(text) > 200 {
			return Refuse(Invalid, fmt.Sprintf("The pattern %s fits nearly everything. Nothing was decided. `all` decides what stands on the list now, and nothing that comes later.", Escape(clip(text, 60))))
		}
	}
	if p == (TriagePattern{}) {
		return Refuse(Invalid, "A rule names what it decides: `legacy-*`, `package:log4j-to-*` or `owner:group:default/payments`. Nothing was decided.")
	}
	return nil
}

// fits returns whether a rule of this pattern decides a target that somebody has to
// judge. That packages are no reason to ask has to hold for all that was found;
// that they are, for one of them.
func (p TriagePattern) fits(t Target, affected bool) bool {
	if p.Name != "" && !NewNamePattern(p.Name).Matches(t.Name) || p.OwnedBy != "" && p.OwnedBy != t.Owner {
		return false
	}
	if p.Package == "" {
		return true
	}
	pattern := NewNamePattern(p.Package)
	other := 0
	for _, f := range t.Findings {
		name := f.Component.packageName()
		if !pattern.Matches(name) && !pattern.Matches(name[strings.LastIndexByte(name, '/')+1:]) {
			other++
		}
	}
	return len(t.Findings) > other && (affected || other == 0)
}

// TriageRule is a decision about many doubtful targets that also holds for those
// that later scans bring.
type TriageRule struct {
	Number int `json:"number"` // what people call it; never given twice in a campaign
	TriagePattern
	TriageDecision
}

// decides returns whether a rule decides a doubtful target. What an advisory names
// exactly is never ruled out by a pattern: somebody has to look at it.
func (r TriageRule) decides(t Target) bool {
	return (r.Affected || t.Knowledge == KnownPossible) && r.fits(t, r.Affected)
}

// ruled returns the first rule that decides a doubtful target.
func (c Campaign) ruled(t Target) (TriageRule, bool) {
	i := slices.IndexFunc(c.TriageRules, func(r TriageRule) bool { return r.decides(t) })
	if i < 0 {
		return TriageRule{}, false
	}
	return c.TriageRules[i], true
}

// addRule keeps a rule, in the step of the request.
func (tx *transaction) addRule(c *Campaign, o TriageOrder) error {
	if len(c.TriageRules) >= maxTriageRules {
		return Refuse(Invalid, "A campaign has at most 100 rules. Nothing was decided. `/campaign triage forget N` takes one back.")
	}
	c.TriageRuled++
	c.TriageRules = append(c.TriageRules, TriageRule{Number: c.TriageRuled, TriagePattern: *o.Rule, TriageDecision: o.decision(tx)})
	return tx.audit("triage.rule", fmt.Sprintf("triage_rule/%d", c.TriageRuled), "", o.verdict(), o.Rule.String()+": "+o.Reason)
}

// ForgetTriageRule takes a rule back. What it kept off the list stands there again;
// what was asked of owners under it stays asked.
func (g *Engine) ForgetTriageRule(ctx context.Context, r Request, id string, number int) (Message, error) {
	c, err := g.Campaign(ctx, id)
	if err != nil {
		return Message{}, err
	}
	if done, err := g.carriedOut(ctx, Scope(id), r); err != nil || done {
		return say("Forgotten. `/campaign triage` shows what is on the list now."), err
	}
	ruled, err := g.ruledBy(ctx, c)
	if err != nil {
		return Message{}, err
	}
	err = g.changeCampaign(ctx, r, id, "campaign.triage", func(tx *transaction, c *Campaign) error {
		if err := c.editable(); err != nil {
			return err
		}
		i := slices.IndexFunc(c.TriageRules, func(r TriageRule) bool { return r.Number == number })
		if i < 0 {
			return Refuse(NotFound, fmt.Sprintf("There is no rule %d. Nothing was changed. `/campaign triage` lists them.", number))
		}
		rule := c.TriageRules[i]
		c.TriageRules = slices.Delete(slices.Clone(c.TriageRules), i, i+1)
		tx.sweepNow(*c)
		return tx.audit("triage.forget", fmt.Sprintf("triage_rule/%d", number), rule.verdict(), "", rule.String()+": "+cmp.Or(r.Reason, rule.Reason))
	})
	if err != nil {
		return Message{}, err
	}
	return say("Rule %d does not count any more. %s that it decided is judged anew; tickets that went out stay.", number, count(ruled[number], "target")), nil
}

// ruledBy counts what each rule decides today.
func (g *Engine) ruledBy(ctx context.Context, c Campaign) (map[int]int, error) {
	ruled := map[int]int{}
	if len(c.TriageRules) == 0 {
		return ruled, nil
	}
	doubtful, err := g.beforeRules(ctx, c)
	for _, t := range doubtful {
		if r, ok := c.ruled(t); ok && !c.Triage[t.ID].Sample {
			ruled[r.Number]++
		}
	}
	return ruled, err
}

// beforeRules returns the targets that a person would have to judge if there were
// no rules.
func (g *Engine) beforeRules(ctx context.Context, c Campaign) ([]Target, error) {
	c.TriageRules = nil
	return g.doubtful(ctx, c)
}

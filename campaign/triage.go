package campaign

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
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

// TriageList shows what a person has to judge: doubtful and unowned targets, who was
// asked about them, the rules that decide others, and owners in dispute.
func (g *Engine) TriageList(ctx context.Context, id string) (Message, error) {
	c, err := g.Campaign(ctx, id)
	if err != nil {
		return Message{}, err
	}
	if err := c.over(); err != nil {
		return Message{}, err
	}
	world, catalog, err := g.assess(ctx, c)
	if err != nil {
		return Message{}, err
	}
	ruled, err := g.ruledBy(ctx, c)
	if err != nil {
		return Message{}, err
	}
	asked, err := g.lastInquiries(ctx, id)
	if err != nil {
		return Message{}, err
	}
	data := TriageData{LocalTime: g.local(c), Title: c.Title, Waived: c.TriageWaived}
	data.addTargets(doubtfulOf(world.Targets), asked)
	data.addRules(c, ruled)
	disputed := data.addConflicts(world.Targets, catalog)
	return g.answer("triage", data, triageButtons(c, data, disputed)...)
}

func (d *TriageData) addTargets(doubtful []Target, asked map[string]Inquiry) {
	open := map[string]Inquiry{}
	var ids []string
	for _, t := range doubtful {
		ids = append(ids, t.ID)
		switch {
		case asked[t.ID].Open():
			open[t.ID] = asked[t.ID]
		case t.Owner != "":
			d.askable++
		}
		if d.Total++; len(d.Entries) == maxListed {
			continue
		}
		line := TriageLine{ID: t.ID, Name: t.Name, Doubt: t.Doubt, Owner: t.Owner, Exposed: t.Exposure.Counts(), Asked: asked[t.ID].words(d.LocalTime)}
		if len(t.Findings) > 0 {
			f := t.Findings[0]
			line.Found = strings.TrimSpace(f.Component.PURL + f.Component.Name + " " + f.Component.Path)
		}
		d.Entries = append(d.Entries, line)
	}
	d.Inquiries = inquiryCount(open, ids, d.Now)
}

func (d *TriageData) addRules(c Campaign, ruled map[int]int) {
	for _, r := range c.TriageRules {
		d.Rules = append(d.Rules, TriageRuleLine{
			Number: r.Number, About: r.String(), Verdict: r.verdict(), Owner: r.Owner, By: Mention(r.By), At: r.At, Reason: r.Reason, Decides: ruled[r.Number],
		})
	}
}

// addConflicts lists the services whose owner the sources do not agree on, and that
// nobody has settled, and returns their catalog refs.
func (d *TriageData) addConflicts(targets []Target, catalog Catalog) []string {
	seen := map[string]bool{}
	var refs []string
	for _, t := range targets {
		s := catalog.Services[t.Service]
		if seen[s.Ref] || !s.disputed() {
			continue
		}
		seen[s.Ref] = true
		if d.Conflicted++; len(d.Conflicts) < maxListed {
			d.Conflicts, refs = append(d.Conflicts, OwnerConflict{Name: s.Name, Claims: s.Claims}), append(refs, s.Ref)
		}
	}
	return refs
}

// The buttons of a triage list: Slack takes 25 in a row of rows, and nobody reads
// more than a few.
const (
	settledByButton   = 3
	forgottenByButton = 5

	actionInquiryAsk   = "inquiry.ask"
	actionOwnerSettle  = "owner.settle"
	actionTriageForget = "triage.forget"
)

func triageButtons(c Campaign, d TriageData, disputed []string) []Button {
	var buttons []Button
	if d.askable > 0 && c.editable() == nil {
		buttons = append(buttons, Button{Label: "Ask their owners", Action: actionInquiryAsk, Value: buttonValue(c.ID, string(AboutDoubt))})
	}
	for i, conflict := range d.Conflicts[:min(len(d.Conflicts), settledByButton)] {
		for _, claim := range conflict.Claims {
			buttons = append(buttons, Button{
				Label:  clip(conflict.Name+": "+claim.Owner[strings.LastIndexByte(claim.Owner, '/')+1:], 70),
				Action: actionOwnerSettle, Value: buttonValue(c.ID, disputed[i], claim.Owner),
			})
		}
	}
	for _, r := range d.Rules[:min(len(d.Rules), forgottenByButton)] {
		buttons = append(buttons, Button{
			Label: fmt.Sprintf("Forget rule %d", r.Number), Action: actionTriageForget, Value: buttonValue(c.ID, fmt.Sprint(r.Number)),
			Confirm: fmt.Sprintf("What rule %d decides stands on the list again. Tickets that went out stay.", r.Number),
		})
	}
	return buttons
}

// lastInquiries returns the newest inquiry about each target.
func (g *Engine) lastInquiries(ctx context.Context, id string) (map[string]Inquiry, error) {
	last := map[string]Inquiry{}
	for stored, err := range LoadAll[Inquiry](ctx, g.opts.Store, Scope(id), KindInquiry) {
		if err != nil {
			return nil, err
		}
		for _, target := range stored.Value.Targets {
			if q := stored.Value; !q.At.Before(last[target].At) {
				last[target] = q
			}
		}
	}
	return last, nil
}

// TriageOrder is what a person decides of doubtful targets.
type TriageOrder struct {
	Targets  []string       // IDs or names; "all" means the whole list
	Rule     *TriagePattern // instead: what fits, also of later scans
	Affected bool
	Owner    string // catalog ref to give them to
	Reason   string
	Waive    bool // launch beside the open list
	// HeldAt is when a second person was asked; Targets are those of then, and what
	// was decided since stays.
	HeldAt time.Time
}

// decision is what an order says of each target.
func (o TriageOrder) decision(tx *transaction) TriageDecision {
	return TriageDecision{Affected: o.Affected, Owner: o.Owner, By: tx.request.Actor, At: tx.now, Reason: o.Reason}
}

func (o TriageOrder) verdict() string { return TriageDecision{Affected: o.Affected}.verdict() }

// Triage decides doubtful targets. What is affected joins the next plan, or a
// running campaign under its admission rule; what is not stays out until a new
// scan says otherwise. A decision about a pattern is kept as a rule. Above the set
// size a second person agrees first.
func (g *Engine) Triage(ctx context.Context, r Request, id string, o TriageOrder) (Message, error) {
	return g.triage(ctx, r, id, o, false)
}

func (g *Engine) triageGranted(ctx context.Context, r Request, id string, args json.RawMessage) (Message, error) {
	var o TriageOrder
	if err := json.Unmarshal(args, &o); err != nil {
		return Message{}, fmt.Errorf("decode held triage: %w", err)
	}
	return g.triage(ctx, r, id, o, true)
}

func (g *Engine) triage(ctx context.Context, r Request, id string, o TriageOrder, granted bool) (Message, error) {
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
	catalog, _, err := g.catalog(ctx)
	if err != nil {
		return Message{}, err
	}
	if err := o.check(catalog); err != nil {
		return Message{}, err
	}
	chosen, err := g.chosen(ctx, c, o)
	if err != nil {
		return Message{}, err
	}
	r.Reason = cmp.Or(o.Reason, r.Reason)
	if !granted && g.needsSecond(len(chosen)) {
		o.Targets, o.HeldAt = idsOf(chosen, o), g.opts.Clock.Now() // what was on the list, and nothing that comes meanwhile
		return g.holdTriage(ctx, r, id, o, chosen)
	}
	doubted := 0
	err = g.changeCampaign(ctx, r, id, "campaign.triage", func(tx *transaction, c *Campaign) error {
		doubted = 0
		if err := c.editable(); err != nil {
			return err
		}
		if o.Affected {
			tx.sweepNow(*c)
		}
		if o.Rule != nil {
			return tx.addRule(c, o)
		}
		if c.Triage == nil {
			c.Triage = map[string]TriageDecision{}
		}
		for _, t := range chosen {
			if before := c.Triage[t.ID]; before.Sample && o.Affected {
				doubted += c.doubtAnswer(before.Inquiry)
			}
			d := o.decision(tx)
			d.Found = knownFor(t)
			c.Triage[t.ID] = d
		}
		return nil
	})
	if err != nil {
		return Message{}, err
	}
	reply := say("%s decided: %s.", count(len(chosen), "target"), Markup(o.consequence(c)))
	if doubted > 0 {
		reply.Text += fmt.Sprintf(" The sample did not hold, so %s that the same answer cleared must be judged again.", count(doubted, "target"))
	}
	if o.Rule != nil {
		reply.Text += " Kept as a rule: it decides what later scans bring, too. `/campaign triage` lists the rules; `/campaign triage forget N` takes one back."
	}
	return reply, nil
}

// doubtAnswer takes back what an owner's answer cleared, since a sample of it did
// not hold, and returns how many that are.
func (c *Campaign) doubtAnswer(inquiry string) int {
	n := len(c.Triage)
	maps.DeleteFunc(c.Triage, func(_ string, d TriageDecision) bool { return d.Inquiry == inquiry && !d.Affected && !d.Sample })
	return n - len(c.Triage)
}

func (g *Engine) holdTriage(ctx context.Context, r Request, id string, o TriageOrder, chosen []Target) (Message, error) {
	var reply Message
	err := g.atomically(ctx, Scope(id), r, func(tx *transaction) error {
		c, err := tx.campaign()
		if err != nil {
			return err
		}
		if err := c.editable(); err != nil {
			return err
		}
		reply, err = tx.hold(HoldTriage, len(chosen), o, o.preview(chosen))
		return err
	})
	return reply, err
}

// idsOf are the targets that a held order is about; a rule is about what fits.
func idsOf(chosen []Target, o TriageOrder) []string {
	if o.Rule != nil {
		return nil
	}
	ids := make([]string, 0, len(chosen))
	for _, t := range chosen {
		ids = append(ids, t.ID)
	}
	return ids
}

// consequence says what follows from a decision.
func (o TriageOrder) consequence(c Campaign) string {
	switch {
	case !o.Affected:
		return "not affected"
	case c.StartedAt.IsZero():
		return "affected: the next `/campaign approve` plans for them"
	}
	return "affected: they join as late targets, as many a day as the admission rule allows"
}

// preview says to a second person what a large decision is about.
func (o TriageOrder) preview(chosen []Target) string {
	text := fmt.Sprintf("Decide as %s: %s of the triage list", o.verdict(), count(len(chosen), "target"))
	if o.Rule != nil {
		text += ", and whatever fits of later scans: " + o.Rule.String()
	}
	names := make([]string, 0, 3)
	for _, t := range chosen[:min(3, len(chosen))] {
		names = append(names, t.Name)
	}
	text += ". For example " + strings.Join(names, ", ") + "."
	if o.Owner != "" {
		text += " They go to " + o.Owner + "."
	}
	if o.Reason != "" {
		text += " Reason: " + o.Reason
	}
	return text
}

// chosen returns the targets that an order decides: those of the triage list that it
// names, and what somebody decided before and it names. It refuses an order that
// would leave some of them without an owner.
func (g *Engine) chosen(ctx context.Context, c Campaign, o TriageOrder) ([]Target, error) {
	list, err := g.doubtful(ctx, c)
	if err != nil {
		return nil, err
	}
	if o.Rule != nil {
		if err := o.Rule.check(); err != nil {
			return nil, err
		}
	}
	all := slices.Contains(o.Targets, "all")
	named := func(t Target) bool { return slices.Contains(o.Targets, t.ID) || slices.Contains(o.Targets, t.Name) }
	chosen := slices.DeleteFunc(list, func(t Target) bool {
		if o.Rule != nil {
			return c.Triage[t.ID].Sample || !TriageRule{TriagePattern: *o.Rule, TriageDecision: TriageDecision{Affected: o.Affected}}.decides(t)
		}
		return !all && !named(t)
	})
	fits := func(list []Target, name string) bool {
		return slices.ContainsFunc(list, func(t Target) bool { return t.ID == name || t.Name == name })
	}
	strange := slices.DeleteFunc(slices.Clone(o.Targets), func(name string) bool { return name == "all" || fits(chosen, name) })
	if len(strange) > 0 {
		undecided := c
		undecided.Triage, undecided.TriageRules = nil, nil
		before, err := g.doubtful(ctx, undecided)
		if err != nil {
			return nil, err
		}
		for _, name := range strange {
			if !fits(before, name) && o.HeldAt.IsZero() {
				return nil, Refuse(NotFound, fmt.Sprintf("%s does not stand on the triage list, and did not before. Nothing was changed. `/campaign triage` shows it.", Escape(clip(name, maxOwnerWords))))
			}
		}
		for _, t := range before {
			since := !o.HeldAt.IsZero() && c.Triage[t.ID].At.After(o.HeldAt)
			if (slices.Contains(strange, t.ID) || slices.Contains(strange, t.Name)) && !since && !fits(chosen, t.ID) {
				chosen = append(chosen, t)
			}
		}
	}
	if len(chosen) == 0 && o.Rule == nil {
		return nil, Refuse(NotFound, "None of these stands on the triage list. Nothing was changed. `/campaign triage` shows it.")
	}
	if i := slices.IndexFunc(chosen, func(t Target) bool { return o.Affected && t.Owner == "" && o.Owner == "" }); i >= 0 {
		return nil, Refuse(Invalid, fmt.Sprintf("%s has no owner, so nobody could be asked. Nothing was changed. Name one: `/campaign triage %s %s affected owner group:default/team`.",
			Escape(chosen[i].Name), c.ID, Escape(asTyped(chosen[i].Name))))
	}
	return chosen, nil
}

// check completes an order: its owner as the catalog writes it, and a reason where
// people will ask for one.
func (o *TriageOrder) check(catalog Catalog) error {
	if !o.Affected && strings.TrimSpace(o.Reason) == "" {
		return Refuse(Invalid, "Say why they are not affected: who asks later finds it beside your name. Nothing was decided. `/campaign triage ledger not-affected \"only the API, which has no lookup\"`.")
	}
	if o.Owner == "" {
		return nil
	}
	given := o.Owner
	if o.Owner = catalog.named(given); o.Owner == "" {
		return Refuse(NotFound, fmt.Sprintf("The catalog knows no owner %s. Nothing was changed.%s", Escape(clip(given, maxOwnerWords)), catalog.alike(given)))
	}
	if _, ok := catalog.Contact(o.Owner); !ok {
		return Refuse(NotFound, fmt.Sprintf("The catalog has nobody who can be asked for %s. Nothing was changed. Name another, or give it a lead or members there.", Escape(o.Owner)))
	}
	return nil
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

// asTyped is a name as people have to type it in a command.
func asTyped(name string) string {
	if strings.ContainsAny(name, " \t") {
		return `"` + name + `"`
	}
	return name
}

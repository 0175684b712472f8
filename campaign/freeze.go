package campaign

import (
	"context"
	"fmt"
)

// A stored part of a plan is filed in one atomic step, so its weight, counted in
// what filing writes at most, stays below MaxChangeRecords with room for the
// wave's own records. A ticket that is heavier by itself has a part of its own.
const (
	partWeight    = 850
	ticketWeight  = 7 // besides one for each of its tasks
	contactWeight = 5
)

// planPart is a stored piece of a plan. It is written once and read once, and
// says much the same of each ticket, so it is kept compressed.
type planPart struct {
	Tickets  []PlanTicket  `json:"tickets"`
	Contacts []PlanContact `json:"contacts"` // those whose last ticket stands in this part
}

// StoredCompressed implements Compressed.
func (planPart) StoredCompressed() {}

func planPartID(hash, slice string, n int) string { return fmt.Sprintf("%s/%s/%05d", hash, slice, n) }

// assess looks at the world of today for a campaign.
func (g *Engine) assess(ctx context.Context, c Campaign) (Assessment, Catalog, error) {
	return g.assessAgainst(ctx, c, nil)
}

// assessKnown is assess beside what was found when the targets were planned, for
// judging what has become of them.
func (g *Engine) assessKnown(ctx context.Context, c Campaign) (Assessment, error) {
	before := map[string][]Finding{}
	for stored, err := range LoadAll[Target](ctx, g.opts.Store, Scope(c.ID), KindTarget) {
		if err != nil {
			return Assessment{}, err
		}
		before[stored.ID] = stored.Value.Findings
	}
	world, _, err := g.assessAgainst(ctx, c, before)
	return world, err
}

func (g *Engine) assessAgainst(ctx context.Context, c Campaign, before map[string][]Finding) (Assessment, Catalog, error) {
	catalog, _, err := g.catalog(ctx)
	if err != nil {
		return Assessment{}, catalog, err
	}
	judge, err := g.judge(ctx, c)
	if err != nil {
		return Assessment{}, catalog, err
	}
	in := TargetInput{Campaign: c, Catalog: catalog, Judge: judge, Now: g.opts.Clock.Now(), FreshFor: g.opts.FreshFor, Before: before}
	if len(c.Rows) > 0 {
		return BuildTargets(in), catalog, nil
	}
	if in.Products, in.Statements, err = g.vendors(ctx, c.ID); err != nil {
		return Assessment{}, catalog, err
	}
	b := newTargetBuilder(in)
	for scan, err := range g.scans(ctx) {
		if err != nil {
			return Assessment{}, catalog, err
		}
		b.scan(scan)
	}
	return b.assessment(), catalog, nil
}

// today draws the plan as it would be now.
func (g *Engine) today(ctx context.Context, c Campaign) (Plan, error) {
	targets, catalog, err := g.assess(ctx, c)
	if err != nil {
		return Plan{}, err
	}
	in := PlanInput{
		Campaign: c, Targets: targets, Catalog: catalog, Render: g.opts.Renderer, Pace: g.opts.Pace, Now: g.opts.Clock.Now(),
		Revisions: map[string]Revision{}, Filed: map[string]bool{}, Messaged: map[Person]bool{}, Settled: map[string]bool{},
	}
	for _, t := range c.Tracks {
		if t.ApprovedRevision == 0 {
			continue
		}
		rev, _, err := Load[Revision](ctx, g.opts.Store, Scope(c.ID), KindRevision, revisionID(t.Name, t.ApprovedRevision))
		if err != nil {
			return Plan{}, err
		}
		in.Revisions[t.Name] = rev
	}
	if err := g.planHistory(ctx, c.ID, &in); err != nil {
		return Plan{}, err
	}
	if in.People, err = g.contacts(ctx, in.Targets.Targets, catalog); err != nil {
		return Plan{}, err
	}
	return BuildPlan(in)
}

// contacts finds the person in Slack who is asked for each owner.
func (g *Engine) contacts(ctx context.Context, targets []Target, catalog Catalog) (map[string]User, error) {
	people := map[string]User{}
	missing := map[string]bool{}
	for _, t := range targets {
		if _, known := people[t.Owner]; known || missing[t.Owner] || t.Owner == "" {
			continue
		}
		user, err := g.contactOf(ctx, catalog, t.Owner)
		switch {
		case err == nil:
			people[t.Owner] = user
		case KindOf(err) == NotFound:
			missing[t.Owner] = true
		default:
			return nil, err
		}
	}
	return people, nil
}

// contactOf returns the contact of an owner, or NotFound when nobody can be asked.
func (g *Engine) contactOf(ctx context.Context, catalog Catalog, owner string) (User, error) {
	m, ok := catalog.Contact(owner)
	if !ok {
		return User{}, Refuse(NotFound, "Nobody in the catalog can be asked for "+owner+".")
	}
	var (
		user User
		err  error
	)
	if m.SlackID != "" {
		user, err = g.opts.Directory.Named(ctx, m.SlackID)
	} else {
		user, err = g.opts.Directory.ByEmail(ctx, m.Email)
	}
	if err != nil {
		return user, err
	}
	if user.Deleted || user.Foreign {
		return user, Refuse(NotFound, m.Name+" has no account in this workspace.")
	}
	if m.Zone != "" {
		user.Zone = m.Zone
	}
	if m.Name != "" {
		user.Name = m.Name
	}
	return user, nil
}

// planHistory adds what was filed, said and settled before.
func (g *Engine) planHistory(ctx context.Context, id string, in *PlanInput) error {
	in.Holds = map[string]heldBy{}
	for stored, err := range LoadAll[Ticket](ctx, g.opts.Store, Scope(id), KindTicket) {
		if err != nil {
			return err
		}
		t := stored.Value
		in.Filed[t.ID] = true
		for _, target := range targetsOf(t.Tasks) {
			in.Holds[target] = heldBy{t.ID, t.Owner, t.Kept}
		}
	}
	for stored, err := range LoadAll[Contact](ctx, g.opts.Store, Scope(id), KindContact) {
		if err != nil {
			return err
		}
		c := stored.Value
		in.Messaged[c.Person] = true
	}
	for stored, err := range LoadAll[Task](ctx, g.opts.Store, Scope(id), KindTask) {
		if err != nil {
			return err
		}
		t := stored.Value
		in.Settled[t.ID] = t.Ticket != "" || t.Status.Finished()
	}
	in.keepGiven()
	return nil
}

// frozenFrame returns the approved plan without its tickets and messages;
// Conflict when there is none.
func (g *Engine) frozenFrame(ctx context.Context, c Campaign) (Plan, error) {
	if c.Plan == "" {
		return Plan{}, Refuse(Conflict, "Nothing is approved yet, so there is no plan to send. `/campaign approve` freezes it once the reviewers agree.")
	}
	p, _, err := Load[Plan](ctx, g.opts.Store, Scope(c.ID), KindPlan, c.Plan)
	return p, err
}

// frozen returns the approved plan, whole; Conflict when there is none.
func (g *Engine) frozen(ctx context.Context, c Campaign) (Plan, error) {
	p, err := g.frozenFrame(ctx, c)
	if err != nil {
		return p, err
	}
	for _, s := range p.Slices {
		for n := range s.Parts {
			part, _, err := Load[planPart](ctx, g.opts.Store, Scope(c.ID), KindPlanPart, planPartID(p.Hash, s.Name, n))
			if err != nil {
				return p, err
			}
			p.Tickets, p.Contacts = append(p.Tickets, part.Tickets...), append(p.Contacts, part.Contacts...)
		}
	}
	return p, nil
}

// Freeze approves the plan as it stands now: targets, texts and rules under one
// hash. What is frozen is what will be sent. `/campaign approve` is this.
func (g *Engine) Freeze(ctx context.Context, r Request, id string) (Message, error) {
	if done, err := g.carriedOut(ctx, Scope(id), r); err != nil || done {
		if err != nil {
			return Message{}, err
		}
		return g.PlanMessage(ctx, id)
	}
	c, err := g.Campaign(ctx, id)
	if err != nil {
		return Message{}, err
	}
	if err := c.freezable(); err != nil {
		return Message{}, err
	}
	launched, err := g.launchedWaves(ctx, c)
	if err != nil {
		return Message{}, err
	}
	p, err := g.today(ctx, c)
	if err != nil {
		return Message{}, err
	}
	p.By = r.Actor
	if len(p.Tickets) == 0 && p.NotCovered.Unknown == 0 {
		return Message{}, Refuse(Conflict, "There is nothing to send: no target is open and none is unknown. Nothing was frozen.")
	}
	if err := g.keepPlan(ctx, &p); err != nil {
		return Message{}, err
	}
	if err := g.enrol(ctx, r, c, p); err != nil {
		return Message{}, err
	}
	err = g.changeCampaign(ctx, r, id, "plan.freeze", func(tx *transaction, c *Campaign) error {
		if err := g.stillStands(ctx, *c, p, launched); err != nil {
			return err
		}
		c.Plan, c.PlannedAt = p.Hash, tx.now
		for _, s := range p.Slices {
			if err := tx.addWave(p, s); err != nil {
				return err
			}
		}
		return tx.openHelpChannel(*c)
	})
	if err != nil {
		return Message{}, err
	}
	if c, err = g.Campaign(ctx, id); err != nil {
		return Message{}, err
	}
	return g.planMessage(ctx, c, p, p)
}

// freezable refuses to freeze while the campaign is before or past that.
func (c Campaign) freezable() error {
	switch c.Status {
	case Approved, Running, Paused:
		return nil
	}
	return Refuse(Conflict, "The instructions are not approved yet: the campaign is "+words(c.Status)+". Nothing was frozen. `/campaign dryrun` asks reviewers to rehearse them.")
}

// launchedWaves counts what was launched so far. It refuses while one of them is
// being filed: what it has not handed over yet would be planned a second time.
func (g *Engine) launchedWaves(ctx context.Context, c Campaign) (int, error) {
	launched := 0
	for stored, err := range LoadAll[Wave](ctx, g.opts.Store, Scope(c.ID), KindWave) {
		switch {
		case err != nil:
			return 0, err
		case stored.Value.Status == WaveFiling && c.Status == Paused:
			return 0, Refuse(Conflict, "The campaign is paused while what was launched is being filed. Nothing was frozen. `/campaign resume` lets it go on; approve once it is out.")
		case stored.Value.Status == WaveFiling:
			return 0, Refuse(Conflict, "What was launched is still being filed. Nothing was frozen, and the filing goes on. Approve once it is out; its message in the command channel says when.")
		case stored.Value.Status == WaveFiled:
			launched++
		}
	}
	return launched, nil
}

// stillStands refuses to put a plan into force whose ground moved while it was
// drawn. A launch changes the campaign, so that one which comes in between makes
// the step run again.
func (g *Engine) stillStands(ctx context.Context, c Campaign, p Plan, launched int) error {
	if err := c.freezable(); err != nil {
		return err
	}
	now, err := g.launchedWaves(ctx, c)
	if err != nil {
		return err
	}
	drawn := map[string]int{}
	for _, t := range p.Tracks {
		drawn[t.Name] = t.Revision
	}
	same := now == launched
	for _, t := range c.Tracks {
		same = same && t.ApprovedRevision == drawn[t.Name]
	}
	if !same {
		return Refuse(Conflict, "The instructions or what was launched changed while the plan was being drawn. Nothing was frozen. Look at `/campaign plan`, and approve again.")
	}
	return nil
}

// keepPlan stores a plan in parts that are each filed in one step. It may be
// repeated: the hash names the same content.
func (g *Engine) keepPlan(ctx context.Context, p *Plan) error {
	for i := range p.Slices {
		s := &p.Slices[i]
		parts := splitParts(*p, s.Name)
		s.Parts = len(parts)
		err := together(countTo(len(parts)), func(n int) error {
			return keepOnce(ctx, g.opts.Store, Scope(p.Campaign), KindPlanPart, planPartID(p.Hash, s.Name, n), parts[n])
		})
		if err != nil {
			return err
		}
	}
	return keepOnce(ctx, g.opts.Store, Scope(p.Campaign), KindPlan, p.Hash, *p)
}

// keepOnce stores a record whose ID names its content; one that is there stays.
func keepOnce[T any](ctx context.Context, s Store, scope Scope, kind RecordKind, id string, value T) error {
	record, err := Put(kind, id, 0, value)
	if err != nil {
		return err
	}
	err = s.Apply(ctx, Change{Scope: scope, Records: []Record{record}})
	if KindOf(err) == Conflict {
		return nil
	}
	return err
}

// splitParts cuts a slice into parts by weight; a contact stands where the last of
// its tickets stands, so that its message is planned after them.
func splitParts(p Plan, slice string) []planPart {
	asked := map[string][]PlanContact{} // by their last ticket
	for _, c := range p.Contacts {
		if c.Slice == slice && len(c.Tickets) > 0 {
			last := c.Tickets[len(c.Tickets)-1]
			asked[last] = append(asked[last], c)
		}
	}
	var parts []planPart
	weight := 0
	for _, t := range p.Tickets {
		if t.Slice != slice {
			continue
		}
		w := ticketWeight + len(t.Tasks) + contactWeight*len(asked[t.ID])
		if len(parts) == 0 || weight+w > partWeight {
			parts, weight = append(parts, planPart{}), 0
		}
		last := &parts[len(parts)-1]
		last.Tickets, last.Contacts = append(last.Tickets, t), append(last.Contacts, asked[t.ID]...)
		weight += w
	}
	return parts
}

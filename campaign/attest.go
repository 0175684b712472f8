package campaign

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Attestation is a lead's word on services that no scan has seen: whether they
// run it, and how that was checked.
type Attestation struct {
	Targets []string // names or IDs; "all" means all unknown ones of the actor's teams
	Running bool
	How     string
}

// Attest settles unknown targets by somebody's word. What does not run it is not
// affected; what does is open, and joins under the admission rule.
func (g *Engine) Attest(ctx context.Context, r Request, id string, a Attestation) (Message, error) {
	if strings.TrimSpace(a.How) == "" {
		return Message{}, Refuse(Invalid, "Please say how you checked. Nothing was changed. For example: `/campaign attest ledger no \"searched the images for log4j-core\"`.")
	}
	c, done, err := g.enter(ctx, r, id)
	if err != nil || done {
		return say("Attested. Thank you; your name and how you checked stand beside it."), err
	}
	tasks, err := g.unknownTasks(ctx, r.Actor, c, a.Targets)
	if err != nil {
		return Message{}, err
	}
	to, verdict := TaskNotAffected, "not affected"
	if a.Running {
		to, verdict = TaskOpen, "running it, so they are open now"
	}
	names := map[string]bool{}
	left := len(tasks)
	for batch := range slices.Chunk(tasks, enrolTargets) {
		left -= len(batch)
		step := r
		step.more = left > 0
		err := g.atomically(ctx, Scope(id), step, func(tx *transaction) error {
			if err := tx.keepWord(batch, a); err != nil {
				return err
			}
			for _, t := range batch {
				if current, err := load[Task](tx, KindTask, t.ID); err != nil || current.Status != TaskUnknown {
					if err != nil {
						return err
					}
					continue
				}
				names[t.Name] = true
				_, err := tx.changeTask(t.ID, "task.attest", a.How, func(t *Task) error {
					t.Reason, t.Accepted = a.How, r.Actor
					return moveTask(t, to)
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return Message{}, err
		}
	}
	if a.Running && !c.StartedAt.IsZero() {
		if _, err := g.Sweep(ctx, Request{Actor: r.Actor}, id); err != nil {
			return Message{}, err
		}
	}
	return say("%s attested as %s. Thank you; your name and how you checked stand beside it.", count(len(names), "service"), Markup(verdict)), nil
}

// keepWord lets targets count as affected from now on whose owner says that they
// run it, though no scan sees them: they join like any other late target.
func (tx *transaction) keepWord(tasks []Task, a Attestation) error {
	if !a.Running {
		return nil
	}
	c, err := tx.campaign()
	if err != nil {
		return err
	}
	if c.Triage == nil {
		c.Triage = map[string]TriageDecision{}
	}
	for _, t := range tasks {
		c.Triage[t.Target] = TriageDecision{Affected: true, By: tx.request.Actor, At: tx.now, Reason: a.How}
	}
	return save(tx, KindCampaign, self, c)
}

// unknownTasks returns the unknown tasks that were named and that the actor may
// speak for.
func (g *Engine) unknownTasks(ctx context.Context, actor Person, c Campaign, named []string) ([]Task, error) {
	all := slices.Contains(named, "all")
	var tasks []Task
	rights := g.rightsOf(ctx, actor)
	mine := map[string]bool{}
	refused := ""
	for stored, err := range LoadAll[Task](ctx, g.opts.Store, Scope(c.ID), KindTask) {
		if err != nil {
			return nil, err
		}
		t := stored.Value
		if t.Status != TaskUnknown || !all && !slices.Contains(named, t.Name) && !slices.Contains(named, t.Target) {
			continue
		}
		allowed, known := mine[t.Owner]
		if !known {
			member, err := rights.leads(t.Owner)
			if err != nil {
				return nil, err
			}
			allowed = member || c.Commands(actor)
			mine[t.Owner] = allowed
		}
		switch {
		case allowed:
			tasks = append(tasks, t)
		case !all:
			refused = t.Name
		}
	}
	switch {
	case refused != "":
		return nil, Refuse(Forbidden, string(Escape(refused))+" belongs to another team, so you cannot speak for it. Nothing was changed.")
	case len(tasks) == 0:
		return nil, Refuse(NotFound, fmt.Sprintf("None of these is unknown in %s. Nothing was changed.", c.ID))
	}
	return tasks, nil
}

// UnknownOf returns the targets of a campaign that a person could attest: their IDs
// and, in the same order, what they are called.
func (g *Engine) UnknownOf(ctx context.Context, p Person, id string) (ids, names []string, err error) {
	c, err := g.Campaign(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	tasks, err := g.unknownTasks(ctx, p, c, []string{"all"})
	if KindOf(err) == NotFound && err != nil {
		return nil, nil, nil
	}
	seen := map[string]bool{}
	slices.SortFunc(tasks, func(a, b Task) int { return compareStrings(a.Name, b.Name, a.ID, b.ID) })
	for _, t := range tasks {
		if !seen[t.Target] {
			seen[t.Target] = true
			ids, names = append(ids, t.Target), append(names, t.Name)
		}
	}
	return ids, names, err
}

// ConfirmNamed is the second person's word for claims that no scan can see, by
// the names of their targets; "all" means all claims whose track asks for one and
// that the actor may confirm.
func (g *Engine) ConfirmNamed(ctx context.Context, r Request, id string, named []string, how string) (Message, error) {
	if strings.TrimSpace(how) == "" {
		return Message{}, Refuse(Invalid, "Please say how you checked. Nothing was changed. For example: `/campaign attest ledger verified \"listed the classes of the running jar\"`.")
	}
	c, err := g.Campaign(ctx, id)
	if err != nil {
		return Message{}, err
	}
	r.Reason = how
	if done, err := g.carriedOut(ctx, Scope(id), r); err != nil || done {
		return say("Confirmed. Thank you; your name and how you checked stand beside it."), err
	}
	set, left, err := g.confirmable(ctx, r.Actor, c, named)
	switch {
	case err != nil:
		return Message{}, err
	case len(set.Tasks) == 0 && left > 0:
		return Message{}, Refuse(Forbidden, fmt.Sprintf("%s for somebody else: you made the claim yourself, or it belongs to another team. Nothing was changed.", waits(left)))
	case len(set.Tasks) == 0:
		return Message{}, Refuse(NotFound, "None of these is claimed and waits for a second person. Nothing was changed. What a scan can see, a scan verifies.")
	}
	m, err := g.Confirm(ctx, r, id, set)
	if err == nil && left > 0 {
		m.Text += fmt.Sprintf("\n%s for somebody else: you made the claim yourself, or it belongs to another team.", waits(left))
	}
	return m, err
}

// waits says that so many claims wait.
func waits(claims int) string {
	if claims == 1 {
		return "1 claim waits"
	}
	return count(claims, "claim") + " wait"
}

// confirmable returns the claims that were named, and how many of "all" are left
// to others.
func (g *Engine) confirmable(ctx context.Context, actor Person, c Campaign, named []string) (TaskSet, int, error) {
	var set TaskSet
	left := 0
	everything := slices.Contains(named, "all")
	rights := g.rightsOf(ctx, actor)
	for stored, err := range LoadAll[Task](ctx, g.opts.Store, Scope(c.ID), KindTask) {
		if err != nil {
			return set, 0, err
		}
		t := stored.Value
		track, _ := c.Track(t.Track)
		switch {
		case t.Status != TaskClaimed:
		case slices.Contains(named, t.Name) && track.Proof != ProofScan:
			set.Tasks = append(set.Tasks, t.ID)
		case !everything || track.Proof != ProofSecondPerson || t.Claim == nil:
		case t.Claim.By == actor:
			left++
		default:
			err := rights.mayWork(c, t)
			switch {
			case err == nil:
				set.Tasks = append(set.Tasks, t.ID)
			case KindOf(err) == Forbidden:
				left++
			default:
				return set, 0, err
			}
		}
	}
	return set, left, nil
}

package campaign

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// SweepReport is what looking at a campaign again led to.
type SweepReport struct {
	Campaign string `json:"campaign"`
	Verified int    `json:"verified"` // claims and open tasks that a scan agrees with
	Reopened int    `json:"reopened"` // that a scan refutes
	Opened   int    `json:"opened"`   // unknown ones that turned out to be affected
	Cleared  int    `json:"cleared"`  // unknown ones that turned out not to be
	Joined   int    `json:"joined"`   // late targets that were admitted
	Waiting  int    `json:"waiting"`  // late targets beyond the admission rule
	Held     bool   `json:"held"`     // too much at once: it waits for a second person
}

// empty returns whether nothing moved.
func (s SweepReport) empty() bool {
	return s.Verified+s.Reopened+s.Opened+s.Cleared+s.Joined+s.Waiting == 0 && !s.Held
}

// sweepAll looks at every running campaign again. One that cannot be looked at
// does not hold up the others.
func (g *Engine) sweepAll(ctx context.Context, r Request) ([]SweepReport, error) {
	all, err := g.Campaigns(ctx)
	if err != nil {
		return nil, err
	}
	var moved []SweepReport
	var problems []error
	for _, c := range all {
		if !c.swept() {
			continue
		}
		report, err := g.Sweep(ctx, r, c.ID)
		if err != nil {
			problems = append(problems, fmt.Errorf("sweep %s: %w", c.ID, err))
		}
		if !report.empty() {
			moved = append(moved, report)
		}
	}
	return moved, errors.Join(problems...)
}

// Sweep compares a campaign's tasks with the newest scans: it verifies, reopens,
// settles what was unknown, and lets late targets join. One bad scan must neither
// ticket everybody nor call everything fixed: above the set size it waits for a
// second person.
func (g *Engine) Sweep(ctx context.Context, r Request, id string) (SweepReport, error) {
	return g.sweep(ctx, r, id, "")
}

func (g *Engine) sweepGranted(ctx context.Context, r Request, id string, args json.RawMessage) (Message, error) {
	var held sweepHold
	if err := json.Unmarshal(args, &held); err != nil || held.Hash == "" {
		return Message{}, Refuse(Conflict, "This was asked for by an older version, which did not say what exactly. Nothing was changed; it is asked for anew with the next scans.")
	}
	report, err := g.sweep(ctx, Request{Actor: r.Actor, Reason: r.Reason}, id, held.Hash)
	return say("Carried out: %d verified, %d reopened, %d opened, %d not affected, %d joined.",
		report.Verified, report.Reopened, report.Opened, report.Cleared, report.Joined), err
}

// sweep carries out what scans say; granted names the moves that a second person
// agreed to, "" when nobody was asked.
func (g *Engine) sweep(ctx context.Context, r Request, id, granted string) (SweepReport, error) {
	report := SweepReport{Campaign: id}
	c, err := g.Campaign(ctx, id)
	if err != nil || c.Plan == "" {
		return report, err
	}
	if err := g.followStatements(ctx, r, id); err != nil {
		return report, err
	}
	world, err := g.assessKnown(ctx, c)
	if err != nil {
		return report, err
	}
	moves, err := g.sweepMoves(ctx, c, world)
	if err != nil {
		return report, err
	}
	switch {
	case granted != "":
		if moves, err = g.agreed(ctx, id, granted, moves); err != nil {
			return report, err
		}
	case g.tooMuch(moves):
		report.Held = true
		return report, g.holdSweep(ctx, r, c, moves, world.Sources)
	}
	for batch := range slices.Chunk(moves, enrolTargets) {
		if err := g.applyMoves(ctx, r, id, batch, &report); err != nil {
			return report, err
		}
	}
	if err := g.enrolUnknown(ctx, r, c, world); err != nil {
		return report, err
	}
	late, err := g.lateTargets(ctx, c, world)
	if err != nil {
		return report, err
	}
	return report, g.admit(ctx, r, c, late, &report)
}

// taskMove is what a scan says of one task.
type taskMove struct {
	task           string
	owner, contact string
	target         Target
	ruling
}

// sweepMoves compares tasks with the world of today.
func (g *Engine) sweepMoves(ctx context.Context, c Campaign, world Assessment) ([]taskMove, error) {
	if len(c.Rows) > 0 {
		return nil, nil // no scan speaks of rows
	}
	now := map[string]Target{}
	for _, t := range world.Targets {
		now[t.ID] = t
	}
	var moves []taskMove
	for stored, err := range LoadAll[Task](ctx, g.opts.Store, Scope(c.ID), KindTask) {
		if err != nil {
			return nil, err
		}
		task := stored.Value
		target, listed := now[task.Target]
		track, _ := c.Track(task.Track)
		s := taskEvidence{
			task: task, track: track, before: world.Before[task.Target], target: target, listed: listed,
			looks: world.Looks[task.Target], now: g.opts.Clock.Now(),
		}
		if view, ok := world.Vendors[task.Target]; ok {
			s.vendor = &view
		}
		if said := s.says(); said.to != "" {
			moves = append(moves, taskMove{task: task.ID, owner: task.Owner, contact: task.Contact, target: target, ruling: said})
		}
	}
	return moves, nil
}

func (g *Engine) applyMoves(ctx context.Context, r Request, id string, moves []taskMove, report *SweepReport) error {
	var done SweepReport
	err := g.atomically(ctx, Scope(id), Request{Actor: r.Actor}, func(tx *transaction) error {
		done = SweepReport{}
		reopened := map[string][]Task{} // by contact
		for _, m := range moves {
			t, err := load[Task](tx, KindTask, m.task)
			if err != nil {
				return err
			}
			if !CanMove(t.Status, m.to) {
				continue // somebody was faster
			}
			if m.to == TaskInProgress {
				done.Reopened++
				t, err = tx.reopenTask(m.task, "task.reopen", m.why)
				reopened[t.Contact] = append(reopened[t.Contact], t)
			} else {
				done.add(m.to)
				_, err = tx.changeTask(m.task, "task.scan", m.why, func(t *Task) error {
					t.Evidence, t.ProvenAt = m.why, m.at
					return moveTask(t, m.to)
				})
			}
			if err != nil {
				return err
			}
			if t.Ticket == "" && m.target.ID != "" { // the text of a ticket is rendered from its targets, so those stay as they were approved
				if err := renewTarget(tx, m.target); err != nil {
					return err
				}
			}
		}
		for _, contact := range sortedKeys(reopened) {
			if err := tx.tellReopened(contact, reopened[contact]); err != nil {
				return err
			}
		}
		return nil
	})
	report.Verified += done.Verified
	report.Reopened += done.Reopened
	report.Opened += done.Opened
	report.Cleared += done.Cleared
	return err
}

func (s *SweepReport) add(to TaskStatus) {
	switch to {
	case TaskVerified:
		s.Verified++
	case TaskOpen:
		s.Opened++
	case TaskNotAffected:
		s.Cleared++
	}
}

// renewTarget renews what is known of a target.
func renewTarget(tx *transaction, t Target) error {
	if _, _, err := find[Target](tx, KindTarget, t.ID); err != nil {
		return err
	}
	return save(tx, KindTarget, t.ID, t)
}

// tellReopened asks a contact anew, in one message of its own for all that was
// reopened together: an edit would notify nobody.
func (tx *transaction) tellReopened(person string, tasks []Task) error {
	contact, found, err := find[Contact](tx, KindContact, person)
	if err != nil || !found {
		return err // nobody was asked yet: the ticket that follows does it
	}
	c, err := tx.campaign()
	if err != nil {
		return err
	}
	data := ReopenedData{
		LocalTime: LocalTime{Zone: contact.Zone, Now: tx.now}, Title: c.Title, Count: len(tasks), Total: max(len(tasks), len(contact.Tickets)),
		Due: tasks[0].Due, Why: tasks[0].Reason, HelpChannel: ChannelLink(c.HelpRef),
	}
	key := "reopened"
	for _, t := range tasks {
		data.Names, data.Due = append(data.Names, t.Name), earliest(data.Due, t.Due)
		key += fmt.Sprintf("/%s-%d", t.ID, t.Reopened)
	}
	text, err := tx.engine.opts.Renderer.Render(nil, "reopened", data)
	if err != nil {
		return err
	}
	return tx.effect(Effect{
		ID: opaqueID(c.ID, key), Kind: EffectMessage, Subject: contactSubject(person), Lane: Bulk, AsksWork: true,
	}, postPayload{To: contact.Person.User(), Message: Message{Text: strings.TrimSpace(text), Buttons: taskButtons(c.ID, contact.Person, len(tasks), taskIDs(tasks)...)}})
}

// lateTargets returns affected targets that need a ticket and have none: new
// ones, and those that were unknown at the approval.
func (g *Engine) lateTargets(ctx context.Context, c Campaign, world Assessment) ([]Target, error) {
	ticketed := map[string]bool{}
	for stored, err := range LoadAll[Task](ctx, g.opts.Store, Scope(c.ID), KindTask) {
		if err != nil {
			return nil, err
		}
		t := stored.Value
		ticketed[t.Target] = ticketed[t.Target] || t.Ticket != "" || t.Status.Finished()
	}
	if err := g.beingFiled(ctx, c, ticketed); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(world.Targets), func(t Target) bool {
		return t.Knowledge == KnownNothing || t.Doubt != "" || t.Owner == "" || ticketed[t.ID]
	}), nil
}

// beingFiled adds the targets of waves that go out and are not all filed yet: their
// tasks have no ticket so far, and get one.
func (g *Engine) beingFiled(ctx context.Context, c Campaign, ticketed map[string]bool) error {
	for stored, err := range LoadAll[Wave](ctx, g.opts.Store, Scope(c.ID), KindWave) {
		if err != nil {
			return err
		}
		w := stored.Value
		if w.Status != WaveFiling {
			continue
		}
		for n := w.Next; n < w.Parts; n++ {
			part, _, err := Load[planPart](ctx, g.opts.Store, Scope(c.ID), KindPlanPart, planPartID(w.Plan, w.Slice, n))
			if err != nil {
				return err
			}
			for _, planned := range part.Tickets {
				for _, target := range planned.Targets {
					ticketed[target] = true
				}
			}
		}
	}
	return nil
}

// admit lets late targets join with the approved text, as many as the admission
// rule allows; the others wait for a person.
func (g *Engine) admit(ctx context.Context, r Request, c Campaign, late []Target, report *SweepReport) error {
	if len(late) == 0 || c.StartedAt.IsZero() {
		return nil
	}
	plan, err := g.frozen(ctx, c)
	if err != nil {
		return err
	}
	late = slices.DeleteFunc(notPlanned(late, plan), func(t Target) bool {
		return !slices.ContainsFunc(plan.Tracks, func(track PlanTrack) bool { return track.concerns(t) })
	})
	day := g.opts.Clock.Now().Format(time.DateOnly)
	room := g.admissionRoom(c, plan, day)
	report.Waiting = max(0, len(late)-room)
	late = late[:min(len(late), room)]
	if len(late) == 0 {
		return nil
	}
	joined, err := g.latePlan(ctx, c, plan, late)
	if err != nil || len(joined.Tickets) == 0 {
		return err
	}
	if err := g.keepPlan(ctx, &joined); err != nil {
		return err
	}
	if err := g.enrol(ctx, r, c, joined); err != nil {
		return err
	}
	seen := c.Admissions
	err = g.changeCampaign(ctx, Request{Actor: r.Actor}, c.ID, "campaign.admit", func(tx *transaction, c *Campaign) error {
		if c.Admissions != seen {
			return errAdmittedMeanwhile
		}
		c.Admissions++
		if c.Late == nil {
			c.Late = map[string]int{}
		}
		c.Late[day] += len(late)
		for _, s := range joined.Slices {
			if err := tx.addWave(joined, s); err != nil {
				return err
			}
			w, err := load[Wave](tx, KindWave, waveID(joined.Hash, s.Name))
			if err != nil || w.Status != WavePlanned {
				return err
			}
			if err := tx.startWave(w); err != nil {
				return err
			}
		}
		return nil
	})
	if errors.Is(err, errAdmittedMeanwhile) {
		return nil // the next sweep sees what is left
	}
	if err == nil {
		report.Joined = len(late)
	}
	return err
}

// admissionRoom is how many may still join on a day.
func (g *Engine) admissionRoom(c Campaign, plan Plan, day string) int {
	room := max(0, g.opts.Brakes.AdmissionPerDay-c.Late[day])
	if share := int(g.opts.Brakes.AdmissionShare * float64(len(plan.Targets)+len(plan.Tickets))); share > 0 {
		room = min(room, share)
	}
	return room
}

// errAdmittedMeanwhile says that another sweep let targets join after this one
// looked: they might be the same.
var errAdmittedMeanwhile = errors.New("late targets were admitted meanwhile")

// notPlanned leaves out what the frozen plan holds: it goes out with its slice.
func notPlanned(late []Target, p Plan) []Target {
	planned := map[string]bool{}
	for _, t := range p.Tickets {
		for _, id := range t.Targets {
			planned[id] = true
		}
	}
	return slices.DeleteFunc(late, func(t Target) bool { return planned[t.ID] })
}

// latePlan draws a plan of late targets alone, with the tracks and texts that
// were approved.
func (g *Engine) latePlan(ctx context.Context, c Campaign, approved Plan, late []Target) (Plan, error) {
	catalog, _, err := g.catalog(ctx)
	if err != nil {
		return Plan{}, err
	}
	c.Rollout = Rollout{} // they are few, and what they join is out
	in := PlanInput{
		Campaign: c, Targets: Assessment{Targets: late}, Catalog: catalog, Render: g.opts.Renderer, Pace: g.opts.Pace, Now: approved.BuiltAt,
		Revisions: map[string]Revision{}, Filed: map[string]bool{}, Messaged: map[Person]bool{}, Settled: map[string]bool{},
	}
	for _, t := range approved.Tracks {
		rev, _, err := Load[Revision](ctx, g.opts.Store, Scope(c.ID), KindRevision, revisionID(t.Name, t.Revision))
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

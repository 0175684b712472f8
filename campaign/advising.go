package campaign

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// adviseFull is how full a step may be before the rest is left to the next one:
// the last task of it may still add about thirty entries.
const adviseFull = MaxChangeRecords - 100

// The indexes of a change of advice: whom it concerns, and by which tasks.
const (
	indexAdviceContact = "advice_contact" // key: <advice>/
	indexAdviceTask    = "advice_task"    // key: <advice>/<contact>/
)

// advise carries the next part of a change of advice out. Each part is one step
// with its cursor, so that a crash between two of them loses and doubles nothing.
func (g *Engine) advise(ctx context.Context, claim Claimed) error {
	id := strings.TrimPrefix(claim.ID, advicePrefix)
	return Retrying(ctx, func() error {
		tx := g.begin(ctx, claim.Scope, Request{})
		a, err := load[Advice](tx, KindAdvice, id)
		if err != nil {
			return err
		}
		tx.request.Actor, tx.began = a.By, a.At
		c, err := tx.campaign()
		if err != nil {
			return err
		}
		switch {
		case a.Stage == AdviceDone || c.Status == Cancelled || c.Status == Closed:
			return Done(ctx, g.opts.Store, claim)
		case c.Status == Paused:
			return Retry(ctx, g.opts.Store, claim, tx.now.Add(heldFor))
		case a.Stage == AdviceReopening:
			err = tx.reopenNext(c, &a)
		default:
			err = tx.tellNext(c, &a)
		}
		if err != nil {
			return err
		}
		next := tx.now
		if a.Stage == AdviceDone {
			next = time.Time{}
		}
		tx.finish(claim, next)
		if err := save(tx, KindAdvice, id, a); err != nil {
			return err
		}
		return tx.commit()
	})
}

// restoreAdvice lets changes of advice that are on their way go on.
func (g *Engine) restoreAdvice(ctx context.Context, scope Scope) error {
	for stored, err := range LoadAll[Advice](ctx, g.opts.Store, scope, KindAdvice) {
		if err != nil {
			return err
		}
		if stored.Value.Stage == AdviceDone {
			continue
		}
		due := DueEntry{ID: advicePrefix + stored.ID, Lane: Bulk, At: g.opts.Clock.Now()}
		if err := g.opts.Store.Apply(ctx, Change{Scope: scope, Due: []DueEntry{due}}); err != nil {
			return fmt.Errorf("restore advice %s: %w", stored.ID, err)
		}
	}
	return nil
}

// reopenNext reopens as many tasks as fit into one step. After a pass that found
// any, it looks once more: a claim may have been on its way when the method
// became void.
func (tx *transaction) reopenNext(c Campaign, a *Advice) error {
	items, last, err := tx.engine.adviceItems(tx.ctx, tx.scope, *a)
	if err != nil {
		return err
	}
	before := a.Reopened
	for _, item := range items {
		if tx.size() > adviseFull {
			last = a.After
			break
		}
		if err := tx.applyAdvice(c, a, item); err != nil {
			return err
		}
		a.After = item.Task
	}
	if a.Reopened > before && c.Status == Closing {
		if err := tx.moveCampaign(&c, Running, "campaign.reopen"); err != nil {
			return err
		}
		if err := save(tx, KindCampaign, self, c); err != nil {
			return err
		}
	}
	switch {
	case last != "":
		a.After = last
	case a.Kind == AdviceVoid && a.Hits > 0:
		a.After, a.Hits = "", 0
	default:
		a.After, a.Stage = "", AdviceTelling
	}
	return nil
}

// adviceItems returns what may be concerned next, and the ID up to which that
// is complete; "" when nothing is left.
func (g *Engine) adviceItems(ctx context.Context, scope Scope, a Advice) (items []listed, last string, err error) {
	if a.Kind == AdviceVoid {
		page, err := g.opts.Store.List(ctx, scope, KindTask, a.After, 0)
		for _, record := range page {
			t, err := Decode[Task](record)
			if err != nil {
				return nil, "", err
			}
			if t.usedMethod(a.Track, a.Method) {
				items = append(items, listed{Task: t.ID, Reopen: true})
			}
			last = record.ID
		}
		return items, last, err
	}
	for part := 0; ; part++ {
		list, _, err := Load[[]listed](ctx, g.opts.Store, scope, KindAdviceList, listID(a.ID, part))
		if err != nil || len(list) == 0 {
			return nil, "", err
		}
		i, found := slices.BinarySearchFunc(list, a.After, func(l listed, id string) int { return cmp.Compare(l.Task, id) })
		if found {
			i++
		}
		if i < len(list) {
			return list[i:], list[len(list)-1].Task, nil
		}
	}
}

// applyAdvice reopens one task, if it still stands as it was counted, and notes
// whom it concerns.
func (tx *transaction) applyAdvice(c Campaign, a *Advice, item listed) error {
	t, found, err := find[Task](tx, KindTask, item.Task)
	if err != nil || !found {
		return err
	}
	switch {
	case a.Kind == AdviceVoid && !t.usedMethod(a.Track, a.Method):
		return nil
	case item.Reopen && (!t.claimedOrVerified() || t.Claim != nil && a.Kind == AdviceBaseline && t.Claim.At.After(a.At)):
		return nil // somebody was faster
	case !item.Reopen && !t.Status.Actionable():
		return nil
	}
	if item.Reopen {
		if t, err = tx.reopenTask(t.ID, "task."+string(a.Kind), a.words()); err != nil {
			return err
		}
		a.Reopened++
		a.Hits++
	}
	if t.Ticket != "" {
		if err := tx.commentAdvice(c, *a, t); err != nil {
			return err
		}
	}
	if t.Contact != "" {
		tx.index(IndexEntry{Name: indexAdviceContact, Key: a.ID + "/", ID: t.Contact})
		tx.index(IndexEntry{Name: indexAdviceTask, Key: a.ID + "/" + t.Contact + "/", ID: t.ID})
	}
	return nil
}

// commentAdvice tells a ticket once of a change of advice.
func (tx *transaction) commentAdvice(c Campaign, a Advice, t Task) error {
	do, err := tx.adviceDo(c, a, t)
	if err != nil {
		return err
	}
	text := "The advice has moved: " + a.words() + ".\n\nWhat to do now: " + do + ".\n\nWhat was done before stays on record."
	return tx.effect(Effect{
		ID: opaqueID(string(tx.scope), "advice", a.ID, t.Ticket), Kind: EffectComment, Subject: t.Ticket, Lane: Bulk, Serial: ticketSerial(t.Ticket),
	}, commentPayload{Text: text})
}

// adviceDo says what a task needs now: another method, or another version.
func (tx *transaction) adviceDo(c Campaign, a Advice, t Task) (string, error) {
	track, _ := c.Track(t.Track)
	methods := alternatives(validMethods(c, track))
	if a.Kind == AdviceVoid {
		return methods, nil
	}
	target, _, err := find[Target](tx, KindTarget, t.Target)
	if err != nil {
		return "", err
	}
	judge, err := tx.engine.judge(tx.ctx, c)
	if err != nil {
		return "", err
	}
	var fixed []string
	for _, f := range target.Findings {
		for _, now := range judge.Judge(f.Component) {
			for _, v := range now.Fixed {
				if !slices.Contains(fixed, v) {
					fixed = append(fixed, v)
				}
			}
		}
	}
	if len(fixed) == 0 {
		return methods, nil
	}
	return "move to " + alternatives(fixed), nil
}

// alternatives joins words as a choice: "a", "a or b", "a, b or c".
func alternatives(words []string) string {
	if len(words) == 0 {
		return "see the instructions"
	}
	if len(words) == 1 {
		return words[0]
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

// tellNext sends each of the next contacts one message, whatever the number of
// their tasks.
func (tx *transaction) tellNext(c Campaign, a *Advice) error {
	for tx.size() <= adviseFull {
		hits, err := tx.engine.opts.Store.Index(tx.ctx, tx.scope, indexAdviceContact, a.ID+"/", IndexHit{Key: a.ID + "/", ID: a.After}, 100)
		if err != nil {
			return err
		}
		if len(hits) == 0 {
			a.Stage, a.After = AdviceDone, ""
			return tx.adviceDone(c, *a)
		}
		for _, hit := range hits {
			if tx.size() > adviseFull {
				return nil
			}
			if err := tx.tellContact(c, a, hit.ID); err != nil {
				return err
			}
			a.After = hit.ID
		}
	}
	return nil
}

func (tx *transaction) tellContact(c Campaign, a *Advice, person string) error {
	contact, found, err := find[Contact](tx, KindContact, person)
	if err != nil || !found {
		return err
	}
	hits, err := tx.engine.opts.Store.Index(tx.ctx, tx.scope, indexAdviceTask, a.ID+"/"+person+"/", IndexHit{}, MaxChangeRecords)
	if err != nil {
		return err
	}
	concerned := map[string]bool{}
	for _, hit := range hits {
		concerned[hit.ID] = true
	}
	tasks, err := tx.engine.tasksOf(tx.ctx, tx.scope, contact)
	if err != nil {
		return err
	}
	data, asked, err := tx.adviceMoved(c, *a, contact, tasks, concerned)
	if err != nil || data.Count == 0 {
		return err
	}
	m, err := tx.engine.speak("advice_moved", data)
	if err != nil {
		return err
	}
	m.Buttons = taskButtons(c.ID, contact.Person, data.Count, taskIDs(asked)...)
	contact.Asked++
	a.Told++
	if err := save(tx, KindContact, person, contact); err != nil {
		return err
	}
	at := tx.now
	if !slices.ContainsFunc(asked, func(t Task) bool { return t.Exposed }) {
		at = morning(tx.now, contact.Zone)
	}
	key := advicePrefix + person + "/" + a.ID
	return tx.askPerson(contact.Person, contact.Zone, key, at, m)
}

// adviceMoved says what the change means for one contact, what they did first.
// It returns as well the tasks that something is asked for.
func (tx *transaction) adviceMoved(c Campaign, a Advice, contact Contact, tasks []Task, concerned map[string]bool) (AdviceMovedData, []Task, error) {
	data := AdviceMovedData{
		LocalTime: LocalTime{Zone: contact.Zone, Now: tx.now}, Title: c.Title, Why: a.Reason, Void: a.Method, HelpChannel: ChannelLink(c.HelpRef),
	}
	var reopened, open []Task
	for _, t := range tasks {
		track, _ := c.Track(t.Track)
		switch {
		case a.Kind == AdviceVoid && t.Track != a.Track, a.Kind == AdviceBaseline && track.Kind != TrackFix:
			continue
		case concerned[t.ID] && t.Status.Actionable() && t.Reopened > 0 && t.Reason == a.words():
			reopened = append(reopened, t)
		case t.Status.Actionable():
			open = append(open, t)
		case t.claimedOrVerified():
			data.Done++
		}
	}
	data.Done += len(reopened)
	asked := reopened
	data.Total = data.Done
	if len(reopened) == 0 && a.Kind == AdviceBaseline { // nothing done is undone: the open work has another aim
		asked, data.Total = open, data.Done+len(open)
	}
	data.Count = len(asked)
	if data.Count == 0 {
		return data, nil, nil
	}
	for _, t := range asked {
		do, err := tx.adviceDo(c, a, t)
		if err != nil {
			return data, nil, err
		}
		data.Groups = addStep(data.Groups, t.Name, Escape(do))
		if !t.Due.IsZero() && (data.Due.IsZero() || t.Due.Before(data.Due)) {
			data.Due = t.Due
		}
	}
	if len(reopened) > 0 && len(open) > 0 {
		data.Started, data.Direct = true, string(data.Groups[0].Do)
	}
	return data, asked, tx.measured(c, asked[0].Track, &data)
}

// addStep groups targets by what they need.
func addStep(groups []AdviceStep, name string, do Markup) []AdviceStep {
	i := slices.IndexFunc(groups, func(s AdviceStep) bool { return s.Do == do })
	if i < 0 {
		return append(groups, AdviceStep{Names: []string{name}, Do: do})
	}
	groups[i].Names = append(groups[i].Names, name)
	return groups
}

// measured adds how long the approved instructions take, and who helps.
func (tx *transaction) measured(c Campaign, track string, data *AdviceMovedData) error {
	helpers, err := tx.engine.helpers(tx.ctx)
	if err != nil {
		return err
	}
	for _, p := range helpers {
		data.Helpers = append(data.Helpers, Escape(tx.engine.nameOf(tx.ctx, p)))
	}
	t, _ := c.Track(track)
	if t.ApprovedRevision == 0 {
		return nil
	}
	rev, found, err := find[Revision](tx, KindRevision, revisionID(track, t.ApprovedRevision))
	if err != nil || !found {
		return err
	}
	data.Minutes, data.Tried = rev.Minutes, Markup(rev.Tried)
	return nil
}

// adviceDone tells the command channel that a change of advice has reached
// everybody.
func (tx *transaction) adviceDone(c Campaign, a Advice) error {
	if err := tx.audit("advice.done", "advice/"+a.ID, string(AdviceTelling), fmt.Sprintf("%d reopened, %d told", a.Reopened, a.Told), ""); err != nil {
		return err
	}
	if err := tx.startRenewal(Renewal{ID: a.ID, Track: a.Track, By: a.By}); err != nil {
		return err // all bodies show what counts now
	}
	what := "the new baseline (" + a.Reach + ")"
	if a.Kind == AdviceVoid {
		what = a.Method + " is void on " + a.Track
	}
	m := say("*%s: %s.* %s reopened, %s told.", c.Title, what, count(a.Reopened, "task"), count(a.Told, "contact"))
	m.Ephemeral = false
	return tx.tellCommand(advicePrefix+a.ID+"/done", m)
}

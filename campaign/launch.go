package campaign

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Wave is a slice of a plan on its way out. Its cursor survives a crash.
type Wave struct {
	ID     string     `json:"id"` // <plan hash>/<slice>
	Plan   string     `json:"plan"`
	Slice  string     `json:"slice"`
	Status WaveStatus `json:"status"`
	Parts  int        `json:"parts"`
	Next   int        `json:"next"` // the part that is filed next
	// Joined counts the tasks of that part that have their ticket already, when
	// they are too many for one step.
	Joined   int        `json:"joined,omitempty"`
	Filed    int        `json:"filed,omitempty"` // tickets handed to the worker
	Tickets  int        `json:"tickets"`
	Contacts int        `json:"contacts"`
	By       Person     `json:"by,omitempty"`
	At       time.Time  `json:"at,omitzero"`
	Progress MessageRef `json:"progress,omitzero"`
}

const wavePrefix = "wave/"

// due is the work of filing a wave. Waves have one serial, so that the rest waits
// until the exposed slice is filed.
func (w Wave) due(at time.Time) DueEntry {
	return DueEntry{ID: wavePrefix + w.ID, Lane: Bulk, Serial: "waves", At: at}
}

func waveID(plan, slice string) string { return plan + "/" + slice }

// addWave stores a slice of a frozen plan as planned; freezing the same plan again
// leaves it as it is.
func (tx *transaction) addWave(p Plan, s PlanSlice) error {
	id := waveID(p.Hash, s.Name)
	if _, found, err := find[Wave](tx, KindWave, id); err != nil || found {
		return err
	}
	return save(tx, KindWave, id, Wave{ID: id, Plan: p.Hash, Slice: s.Name, Status: WavePlanned, Parts: s.Parts, Tickets: s.Tickets, Contacts: s.Contacts})
}

// LockItem is one thing that must be so before a launch: a tick, or what is
// missing and what to do about it.
type LockItem struct {
	Name string
	OK   bool
	Need string
}

// lock returns what stands between the campaign and its launch.
func (g *Engine) lock(ctx context.Context, c Campaign, p Plan) ([]LockItem, error) {
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
	doubtful, err := g.doubtful(ctx, c)
	if err != nil {
		return nil, err
	}
	return []LockItem{
		{Name: "text approved and frozen", OK: c.Plan != "", Need: "`/campaign approve` freezes the plan once the reviewers agree"},
		{Name: "due dates set", OK: len(undated) == 0, Need: fmt.Sprintf("track %s has no due date: `/campaign track %s due fri 17:00`", strings.Join(undated, ", "), strings.Join(undated, " "))},
		{
			Name: "triage empty or waived", OK: len(doubtful) == 0 || c.TriageWaived != "",
			Need: count(len(doubtful), "doubtful target") + " to judge: `/campaign triage`",
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

// SliceAll launches all slices that are left.
const SliceAll = "all"

// Launch sends out a slice of the frozen plan, or all that is left. It sends what
// was approved, not what the world looks like now; that is shown as drift.
func (g *Engine) Launch(ctx context.Context, r Request, id, slice string) (Message, error) {
	c, err := g.Campaign(ctx, id)
	if err != nil {
		return Message{}, err
	}
	p, err := g.unlocked(ctx, c)
	if err != nil {
		return Message{}, err
	}
	return g.launch(ctx, r, c, p, launchArgs{Slice: slice, Plan: p.Hash}, false)
}

// unlocked returns the approved plan when nothing stands between it and its
// launch.
func (g *Engine) unlocked(ctx context.Context, c Campaign) (Plan, error) {
	p, err := g.frozen(ctx, c)
	if err != nil {
		return p, err
	}
	items, err := g.lock(ctx, c, p)
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
	var chosen []PlanSlice
	for _, s := range p.Slices {
		if a.Slice == SliceAll || a.Slice == s.Name {
			chosen = append(chosen, s)
		}
	}
	if len(chosen) == 0 {
		return Message{}, Refuse(NotFound, "The approved plan has no slice "+a.Slice+". Nothing was sent. `/campaign plan` shows its slices.")
	}
	var reply Message
	err := g.atomically(ctx, Scope(c.ID), r, func(tx *transaction) error {
		if now, err := tx.campaign(); err != nil || now.Plan != a.Plan {
			return cmp.Or(err, planMoved())
		}
		waves, tickets, err := tx.plannedWaves(p, chosen)
		if err != nil {
			return err
		}
		if len(waves) == 0 {
			return Refuse(Conflict, "This was launched already. Nothing was sent twice. `/campaign status` shows how far it is.")
		}
		if !granted && g.needsSecond(tickets) {
			preview := fmt.Sprintf("Launch %s: %s.", a.Slice, count(tickets, "ticket"))
			reply, err = tx.hold(HoldLaunch, tickets, a, preview)
			return err
		}
		reply = say("Launched: %s on their way, exposed first. Progress is in the command channel; `/campaign pause` stops it at once.", count(tickets, "ticket"))
		return tx.startWaves(p, waves)
	})
	return reply, err
}

// plannedWaves returns those of the slices that were not launched yet.
func (tx *transaction) plannedWaves(p Plan, chosen []PlanSlice) (waves []Wave, tickets int, err error) {
	for _, s := range chosen {
		w, found, err := find[Wave](tx, KindWave, waveID(p.Hash, s.Name))
		if err != nil {
			return nil, 0, err
		}
		if found && w.Status == WavePlanned {
			waves, tickets = append(waves, w), tickets+w.Tickets
		}
	}
	return waves, tickets, nil
}

// startWaves moves campaign and waves on and leaves the filing to the worker.
func (tx *transaction) startWaves(p Plan, waves []Wave) error {
	c, err := tx.campaign()
	if err != nil {
		return err
	}
	before := c.Status
	switch c.Status {
	case Running:
	case Paused, Closing:
		return Refuse(Conflict, "The campaign is "+words(c.Status)+", so nothing was sent. `/campaign resume` lets a paused one go on; then launch again.")
	default:
		if err := move(&c.Status, Running, "campaign", "The campaign is "+words(c.Status)+", so nothing can be launched. Nothing was sent."); err != nil {
			return err
		}
	}
	if c.StartedAt.IsZero() {
		c.StartedAt = tx.now
	}
	for _, w := range waves {
		if err := move(&w.Status, WaveFiling, "wave", "This was launched already."); err != nil {
			return err
		}
		w.By, w.At = tx.request.Actor, tx.now
		if err := save(tx, KindWave, w.ID, w); err != nil {
			return err
		}
		tx.due(w.due(tx.now))
		if err := tx.audit("wave.launch", "wave/"+w.ID, string(WavePlanned), string(WaveFiling), ""); err != nil {
			return err
		}
	}
	if err := tx.audit("campaign.launch", "campaign/"+c.ID, string(before), string(c.Status), "plan "+p.Hash); err != nil {
		return err
	}
	return save(tx, KindCampaign, self, c)
}

// fileWave files the next part of a wave: its tickets and messages become
// effects, in one step with the wave's cursor.
func (g *Engine) fileWave(ctx context.Context, claim Claimed) error {
	id := strings.TrimPrefix(claim.ID, wavePrefix)
	return Retrying(ctx, func() error {
		tx := g.begin(ctx, claim.Scope, Request{})
		w, err := load[Wave](tx, KindWave, id)
		if err != nil {
			return err
		}
		c, err := tx.campaign()
		if err != nil {
			return err
		}
		switch {
		case w.Status != WaveFiling || c.Status == Cancelled:
			return Done(ctx, g.opts.Store, claim)
		case c.Status == Paused:
			return Retry(ctx, g.opts.Store, claim, g.opts.Clock.Now().Add(heldFor))
		}
		first := w.Next == 0 && w.Joined == 0
		if w.Next < w.Parts {
			part, err := load[planPart](tx, KindPlanPart, planPartID(w.Plan, w.Slice, w.Next))
			if err != nil {
				return err
			}
			if err := tx.filePart(c, &w, part); err != nil {
				return err
			}
		}
		next := tx.now
		if w.Next >= w.Parts {
			next = time.Time{}
			if err := move(&w.Status, WaveFiled, "wave", ""); err != nil {
				return err
			}
			if err := tx.audit("wave.filed", "wave/"+w.ID, string(WaveFiling), string(WaveFiled), ""); err != nil {
				return err
			}
		}
		if err := tx.showWave(c, w, first); err != nil {
			return err
		}
		tx.finish(claim, next)
		if err := save(tx, KindWave, w.ID, w); err != nil {
			return err
		}
		return tx.commit()
	})
}

// filePart turns a part of the plan into tickets, contacts and effects, and moves
// the wave's cursor. Per contact they share one serial, so that the message
// follows its tickets. The tasks of a part that is too heavy for one step get
// their ticket in further ones.
func (tx *transaction) filePart(c Campaign, w *Wave, part planPart) error {
	room := partWeight
	if w.Joined == 0 {
		for _, planned := range part.Tickets {
			if err := tx.fileTicket(*w, planned); err != nil {
				return err
			}
		}
		for _, planned := range part.Contacts {
			if err := tx.fileContact(c, *w, planned); err != nil {
				return err
			}
		}
		room -= ticketWeight*len(part.Tickets) + contactWeight*len(part.Contacts)
		w.Filed += len(part.Tickets)
	}
	further := w.Joined > 0
	left, err := tx.joinTasks(w, part, room)
	if err != nil || left > 0 {
		return err
	}
	w.Next, w.Joined = w.Next+1, 0
	if !further {
		return nil
	}
	for _, planned := range part.Tickets { // its tasks may have moved before they knew it
		if err := tx.refresh(EffectTicketUpdate, planned.ID); err != nil {
			return err
		}
	}
	return nil
}

// joinTasks tells the next tasks of a part, room of them at most, which ticket
// they are on, and returns how many are left.
func (tx *transaction) joinTasks(w *Wave, part planPart, room int) (left int, err error) {
	at, until := 0, w.Joined+room
	for _, planned := range part.Tickets {
		for _, id := range planned.Tasks {
			if at >= w.Joined && at < until {
				if err := amend(tx, KindTask, id, func(task *Task) { task.Ticket, task.Contact = planned.ID, string(planned.Contact) }); err != nil {
					return 0, err
				}
			}
			at++
		}
	}
	w.Joined = min(at, until)
	return at - w.Joined, nil
}

func (tx *transaction) fileTicket(w Wave, planned PlanTicket) error {
	t, found, err := find[Ticket](tx, KindTicket, planned.ID)
	if err != nil {
		return err
	}
	if !found {
		t = Ticket{ID: planned.ID, Owner: planned.Owner, Name: planned.Name, Status: TicketPlanned}
	}
	t.Contact, t.Wave, t.Plan, t.TextHash, t.Planned = string(planned.Contact), w.ID, w.Plan, planned.Hash, planned
	for _, id := range planned.Tasks {
		if !slices.Contains(t.Tasks, id) {
			t.Tasks = append(t.Tasks, id)
		}
	}
	if err := save(tx, KindTicket, t.ID, t); err != nil {
		return err
	}
	if found {
		return tx.joinTicket(t, w)
	}
	return tx.effect(Effect{
		ID: opaqueID(string(tx.scope), "file", t.ID), Kind: EffectTicket, Subject: t.ID, Lane: Bulk, Serial: contactSubject(t.Contact),
	}, nil)
}

// joinTicket lets a ticket that exists take up further tasks: its body is renewed
// silently, and a comment says what is asked now.
func (tx *transaction) joinTicket(t Ticket, w Wave) error {
	if err := tx.refresh(EffectTicketUpdate, t.ID); err != nil {
		return err
	}
	text := "This ticket now asks for more: see its description."
	return tx.effect(Effect{
		ID: opaqueID(string(tx.scope), "comment", t.ID, w.ID), Kind: EffectComment, Subject: t.ID, Lane: Bulk, Serial: contactSubject(t.Contact),
	}, commentPayload{Text: text})
}

func (tx *transaction) fileContact(c Campaign, w Wave, planned PlanContact) error {
	contact, found, err := find[Contact](tx, KindContact, string(planned.Person))
	if err != nil {
		return err
	}
	if !found {
		contact = Contact{Person: planned.Person}
	}
	contact.Name, contact.Zone = planned.Name, planned.Zone
	for _, id := range planned.Tickets {
		if !slices.Contains(contact.Tickets, id) {
			contact.Tickets = append(contact.Tickets, id)
		}
	}
	e := Effect{Kind: EffectFirstMessage, Subject: contactSubject(string(planned.Person)), Lane: Bulk}
	post := postPayload{
		To: planned.Person.User(), Zone: planned.Zone, After: planned.Tickets,
		Message: Message{Text: planned.Text, Buttons: taskButtons(c.ID, planned.Person, planned.Count)},
	}
	if contact.First == "" {
		e.ID = opaqueID(string(tx.scope), "first", string(planned.Person))
		contact.First, contact.Text = e.ID, planned.Text
		post.Remember = contactSubject(string(planned.Person))
	} else {
		contact.Asked++
		e.ID, e.Kind, e.AsksWork = opaqueID(string(tx.scope), "more", string(planned.Person), w.ID), EffectMessage, true
	}
	e.NotBefore = tx.now
	if w.Slice != SliceExposed {
		e.NotBefore = morning(tx.now, planned.Zone)
	}
	filed, err := tx.allFiled(planned.Tickets)
	if err != nil {
		return err
	}
	if !filed { // the last of its tickets lets it go; see releaseMessages
		contact.Waiting = append(contact.Waiting, e.ID)
		e.Waits = true
	}
	if err := save(tx, KindContact, string(planned.Person), contact); err != nil {
		return err
	}
	return tx.effect(e, post)
}

// allFiled returns whether tickets exist in the tracker. Those of one contact are
// filed in their order, so the last one is looked at first.
func (tx *transaction) allFiled(ids []string) (bool, error) {
	for _, id := range slices.Backward(ids) {
		t, found, err := find[Ticket](tx, KindTicket, id)
		if err != nil || !found || t.Ref.ID == "" {
			return false, err
		}
	}
	return true, nil
}

// releaseMessages lets the messages of a contact go that waited for this ticket
// as the last one.
func (tx *transaction) releaseMessages(t Ticket) error {
	contact, found, err := find[Contact](tx, KindContact, t.Contact)
	if err != nil || !found || len(contact.Waiting) == 0 {
		return err
	}
	var still []string
	for _, id := range contact.Waiting {
		e, err := load[Effect](tx, KindEffect, id)
		if err != nil {
			return err
		}
		p, err := decodePayload[postPayload](e)
		if err != nil {
			return err
		}
		filed, err := tx.allFiled(p.After)
		if err != nil {
			return err
		}
		if !filed {
			still = append(still, id)
			continue
		}
		tx.due(DueEntry{ID: e.dueID(), Lane: e.Lane, Serial: e.Serial, At: e.NotBefore})
	}
	if len(still) == len(contact.Waiting) {
		return nil
	}
	contact.Waiting = still
	return save(tx, KindContact, t.Contact, contact)
}

// showWave keeps one message about the wave in the command channel, posted with
// its first step.
func (tx *transaction) showWave(c Campaign, w Wave, first bool) error {
	if first {
		m := waveMessage(c, w, 0)
		return tx.tellCommandRemembering("wave/"+w.ID, m, "wave/"+w.ID)
	}
	return tx.refresh(EffectEdit, "wave/"+w.ID)
}

// editWave renews the wave's message.
func (g *Engine) editWave(ctx context.Context, scope Scope, id string) error {
	w, _, err := Load[Wave](ctx, g.opts.Store, scope, KindWave, id)
	if err != nil || w.Progress.TS == "" {
		return err
	}
	c, err := g.Campaign(ctx, string(scope))
	if err != nil {
		return err
	}
	counters, err := g.opts.Store.Counters(ctx, scope, counterFiled)
	if err != nil {
		return err
	}
	return g.opts.Messenger.Edit(ctx, w.Progress, waveMessage(c, w, int(counters[counterFiled])))
}

// waveMessage says how far a wave is. filed counts the campaign's tickets in the
// tracker.
func waveMessage(c Campaign, w Wave, filed int) Message {
	slice := map[string]string{SliceExposed: "the exposed slice", SliceRest: "the rest"}[w.Slice]
	text := fmt.Sprintf("*%s: %s is going out, %s of %s handed to the worker.*", Escape(c.Title), slice, thousands(w.Filed), count(w.Tickets, "ticket"))
	if w.Status == WaveFiled {
		text = fmt.Sprintf("*%s: %s is out: %s and %s.*", Escape(c.Title), slice, count(w.Tickets, "ticket"), count(w.Contacts, "message"))
	}
	if filed > 0 {
		text += fmt.Sprintf("\n%s in the tracker by now.", count(filed, "ticket"))
	}
	m := Message{Text: text}
	if w.Status != WaveFiled {
		m.Buttons = []Button{{Label: "Pause", Action: "brake.pause", Value: c.ID, Style: Danger}}
	}
	return m
}

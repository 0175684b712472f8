package campaign

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Renewal brings newly approved words to tickets that are out: their bodies
// silently, and a comment and a message only to those of whom something else is
// asked now. Its cursor survives a crash.
type Renewal struct {
	ID       string `json:"id"`
	Track    string `json:"track,omitempty"`    // "" for all: what no longer counts has changed
	Revision int    `json:"revision,omitempty"` // that the tickets show from now on; 0 leaves that
	// Asks says that the action itself differs from the one that was asked.
	Asks  bool         `json:"asks,omitempty"`
	By    Person       `json:"by"`
	At    time.Time    `json:"at"`
	Stage RenewalStage `json:"stage"`
	After string       `json:"after,omitempty"` // the last ticket, or contact, that was looked at

	Bodies   int `json:"bodies"`
	Comments int `json:"comments"`
	Told     int `json:"told"`
}

// RenewalStage is how far a renewal is.
type RenewalStage string

// The stages. A renewal that would tell many waits for a second person.
const (
	RenewalCounting RenewalStage = "counting"
	RenewalHeld     RenewalStage = "held"
	RenewalBodies   RenewalStage = "bodies"
	RenewalTelling  RenewalStage = "telling"
	RenewalDone     RenewalStage = "done"
)

const (
	// KindRenewal is a renewal, by its ID.
	KindRenewal RecordKind = "renewal"
	// HoldRenewal is a renewal that waits for a second person.
	HoldRenewal HoldKind = "renewal"

	renewalPrefix       = "renewal/"
	indexRenewalContact = "renewal_contact" // key: <renewal>/
	renewalPage         = 100
)

// renewRevision starts the renewal that follows from a text being approved while
// the campaign runs. What it replaces is old.
func (tx *transaction) renewRevision(c Campaign, old, rev Revision) error {
	if c.StartedAt.IsZero() || c.over() != nil || old.Number == 0 {
		return nil
	}
	return tx.startRenewal(Renewal{ID: revisionID(rev.Track, rev.Number), Track: rev.Track, Revision: rev.Number, Asks: Opening(old.Text) != Opening(rev.Text), By: rev.By})
}

// startRenewal leaves a renewal to the worker. One that was started before is not
// started again.
func (tx *transaction) startRenewal(r Renewal) error {
	if _, found, err := find[Renewal](tx, KindRenewal, r.ID); err != nil || found {
		return err
	}
	r.At, r.Stage = tx.now, RenewalBodies
	if r.Asks {
		r.Stage = RenewalCounting
	}
	tx.due(DueEntry{ID: renewalPrefix + r.ID, Lane: Bulk, At: tx.now})
	return save(tx, KindRenewal, r.ID, r)
}

// renew carries out the next part of a renewal, in one step with its cursor.
func (g *Engine) renew(ctx context.Context, claim Claimed) error {
	id := strings.TrimPrefix(claim.ID, renewalPrefix)
	return Retrying(ctx, func() error {
		tx := g.begin(ctx, claim.Scope, Request{})
		r, err := load[Renewal](tx, KindRenewal, id)
		if err != nil {
			return err
		}
		tx.request.Actor = r.By
		c, err := tx.campaign()
		if err != nil {
			return err
		}
		track, _ := c.Track(r.Track)
		switch {
		case r.Stage == RenewalDone || r.Stage == RenewalHeld || c.over() != nil:
			return Done(ctx, g.opts.Store, claim)
		case r.Revision > 0 && track.ApprovedRevision != r.Revision: // a newer one goes to the same tickets
			r.Stage = RenewalDone
		case c.Status == Paused:
			return Retry(ctx, g.opts.Store, claim, tx.now.Add(heldFor))
		case r.Stage == RenewalCounting:
			err = tx.countRenewal(c, &r)
		case r.Stage == RenewalBodies:
			err = tx.renewBodies(&r)
		case r.Stage == RenewalTelling:
			err = tx.tellRenewal(c, &r)
		}
		if err != nil {
			return err
		}
		next := tx.now
		if r.Stage == RenewalDone || r.Stage == RenewalHeld {
			next = time.Time{}
		}
		tx.finish(claim, next)
		if err := save(tx, KindRenewal, id, r); err != nil {
			return err
		}
		return tx.commit()
	})
}

// countRenewal looks at what a renewal would do, and asks a second person when
// that is much.
func (tx *transaction) countRenewal(c Campaign, r *Renewal) error {
	g, bodies := tx.engine, 0
	for stored, err := range LoadAll[Ticket](tx.ctx, g.opts.Store, tx.scope, KindTicket) {
		if err != nil {
			return err
		}
		if r.concerns(stored.Value) {
			bodies++
		}
	}
	tickets, contacts := map[string]bool{}, map[string]bool{}
	for stored, err := range LoadAll[Task](tx.ctx, g.opts.Store, tx.scope, KindTask) {
		if err != nil {
			return err
		}
		if t := stored.Value; t.Track == r.Track && t.Ticket != "" && t.Status.Actionable() {
			tickets[t.Ticket], contacts[t.Contact] = true, true
		}
	}
	r.Stage = RenewalBodies
	if size := max(len(tickets), len(contacts)); g.needsSecond(size) {
		r.Stage = RenewalHeld
		_, err := tx.hold(HoldRenewal, size, r.ID, fmt.Sprintf("Bring revision %d of %s to what is out: %s edited silently, %s and %s to owners of whom something else is asked now.",
			r.Revision, r.Track, count(bodies, "ticket"), count(len(tickets), "comment"), count(len(contacts), "message")))
		return err
	}
	return nil
}

func (g *Engine) renewalGranted(ctx context.Context, r Request, id string, args json.RawMessage) (Message, error) {
	var renewal string
	if err := json.Unmarshal(args, &renewal); err != nil {
		return Message{}, fmt.Errorf("decode held renewal: %w", err)
	}
	err := g.atomically(ctx, Scope(id), r, func(tx *transaction) error {
		held, err := load[Renewal](tx, KindRenewal, renewal)
		if err != nil || held.Stage != RenewalHeld {
			return err
		}
		held.Stage = RenewalBodies
		tx.due(DueEntry{ID: renewalPrefix + renewal, Lane: Bulk, At: tx.now})
		return save(tx, KindRenewal, renewal, held)
	})
	return say("The new text is on its way into the tickets; owners of whom something else is asked now are told."), err
}

// concerns returns whether a ticket shows what is renewed.
func (r Renewal) concerns(t Ticket) bool {
	return r.Track == "" || slices.Contains(tracksOfTasks(t.Tasks), r.Track)
}

// renewBodies lets the next tickets show the new text, and comments on those of
// which something else is asked.
func (tx *transaction) renewBodies(r *Renewal) error {
	page, err := tx.engine.opts.Store.List(tx.ctx, tx.scope, KindTicket, r.After, renewalPage)
	if err != nil {
		return err
	}
	if len(page) == 0 {
		r.After, r.Stage = "", RenewalTelling
		return nil
	}
	for _, record := range page {
		if tx.size() > adviseFull {
			return nil
		}
		r.After = record.ID
		t, found, err := find[Ticket](tx, KindTicket, record.ID)
		if err != nil {
			return err
		}
		if !found || !r.concerns(t) {
			continue
		}
		if err := tx.renewTicket(r, t); err != nil {
			return err
		}
	}
	return nil
}

func (tx *transaction) renewTicket(r *Renewal, t Ticket) error {
	if r.Revision > 0 {
		revisions := map[string]int{}
		for track, n := range t.Revisions {
			revisions[track] = n
		}
		revisions[r.Track] = r.Revision
		t.Revisions = revisions
		if err := save(tx, KindTicket, t.ID, t); err != nil {
			return err
		}
	}
	r.Bodies++
	if err := tx.refresh(EffectTicketUpdate, t.ID); err != nil || !r.Asks {
		return err
	}
	tasks, err := tx.engine.tasksOfTicket(tx.ctx, tx.scope, t)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(tasks, func(task Task) bool { return task.Track == r.Track && task.Status.Actionable() }) {
		return nil
	}
	if t.Contact != "" {
		tx.index(IndexEntry{Name: indexRenewalContact, Key: r.ID + "/", ID: t.Contact})
	}
	r.Comments++
	return tx.effect(Effect{
		ID: opaqueID(string(tx.scope), "renewal", r.ID, t.ID), Kind: EffectComment, Subject: t.ID, Lane: Bulk, Serial: ticketSerial(t.ID),
	}, commentPayload{Text: fmt.Sprintf("What to do for %s has changed: see the description, revision %d. What is done already counts.", r.Track, r.Revision)})
}

// tellRenewal sends each of the next contacts one message, whatever the number of
// their tasks.
func (tx *transaction) tellRenewal(c Campaign, r *Renewal) error {
	hits, err := tx.engine.opts.Store.Index(tx.ctx, tx.scope, indexRenewalContact, r.ID+"/", IndexHit{Key: r.ID + "/", ID: r.After}, renewalPage)
	if err != nil {
		return err
	}
	if len(hits) == 0 {
		r.After, r.Stage = "", RenewalDone
		return tx.audit("renewal.done", "renewal/"+r.ID, string(RenewalTelling), fmt.Sprintf("%d bodies, %d comments, %d told", r.Bodies, r.Comments, r.Told), "")
	}
	for _, hit := range hits {
		if tx.size() > adviseFull {
			return nil
		}
		if err := tx.tellRevision(c, r, hit.ID); err != nil {
			return err
		}
		r.After = hit.ID
	}
	return nil
}

func (tx *transaction) tellRevision(c Campaign, r *Renewal, person string) error {
	contact, found, err := find[Contact](tx, KindContact, person)
	if err != nil || !found {
		return err
	}
	rev, err := load[Revision](tx, KindRevision, revisionID(r.Track, r.Revision))
	if err != nil {
		return err
	}
	tasks, err := tx.engine.tasksOf(tx.ctx, tx.scope, contact)
	if err != nil {
		return err
	}
	track, _ := c.Track(r.Track)
	data := RevisionMovedData{
		LocalTime: LocalTime{Zone: contact.Zone, Now: tx.now}, Title: c.Title, Verb: track.Ask(), HelpChannel: ChannelLink(c.HelpRef),
		Action: Markup(tx.engine.opts.Renderer.Mrkdwn(Opening(rev.Text))), Minutes: rev.Minutes, Tried: Markup(rev.Tried),
	}
	at := morning(tx.now, contact.Zone)
	var asked []string
	for _, t := range tasks {
		switch {
		case t.Track != r.Track:
		case t.claimedOrVerified():
			data.Done++
		case t.Status.Actionable():
			data.Names, data.Due = append(data.Names, t.Name), earliest(data.Due, t.Due)
			asked = append(asked, t.ID)
			if t.Exposed {
				at = tx.now
			}
		}
	}
	if data.Count = len(data.Names); data.Count == 0 {
		return nil // done meanwhile
	}
	m, err := tx.engine.speak("revision_moved", data)
	if err != nil {
		return err
	}
	m.Buttons = taskButtons(c.ID, contact.Person, data.Count, asked...)
	contact.Asked++
	r.Told++
	if err := save(tx, KindContact, person, contact); err != nil {
		return err
	}
	key := renewalPrefix + person + "/" + r.ID
	return tx.askPerson(contact.Person, contact.Zone, key, at, m)
}

// restoreRenewals lets renewals that are on their way go on.
func (g *Engine) restoreRenewals(ctx context.Context, scope Scope) error {
	for stored, err := range LoadAll[Renewal](ctx, g.opts.Store, scope, KindRenewal) {
		if err != nil {
			return err
		}
		if s := stored.Value.Stage; s == RenewalDone || s == RenewalHeld {
			continue
		}
		due := DueEntry{ID: renewalPrefix + stored.ID, Lane: Bulk, At: g.opts.Clock.Now()}
		if err := g.opts.Store.Apply(ctx, Change{Scope: scope, Due: []DueEntry{due}}); err != nil {
			return fmt.Errorf("restore renewal %s: %w", stored.ID, err)
		}
	}
	return nil
}

package campaign

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/sirupsen/logrus"
)

// A contact's message goes out once all its tickets exist. Tickets are filed in
// any order and by several replicas at a time, so two steps that each file one of
// the last two do not see each other's: both leave the message waiting. That is
// why whoever filed looks once more after its step is stored. A process that dies
// in between leaves it to the heartbeat.

// release lets the messages go whose last tickets this step files, and returns the
// contacts that still have messages waiting.
func (tx *transaction) release() ([]string, error) {
	contacts := sortedKeys(tx.filedFor)
	if err := tx.prefetch(KindContact, contacts); err != nil {
		return nil, err
	}
	var waiting []string
	for _, id := range contacts {
		waits, err := tx.releaseMessages(id)
		if err != nil {
			return nil, err
		}
		if waits {
			waiting = append(waiting, id)
		}
	}
	return waiting, nil
}

// releaseMessages lets those messages of a contact go whose tickets all exist, and
// returns whether others wait on.
func (tx *transaction) releaseMessages(person string) (bool, error) {
	contact, found, err := find[Contact](tx, KindContact, person)
	if err != nil || !found || len(contact.Waiting) == 0 {
		return false, err
	}
	var still []string
	for _, id := range contact.Waiting {
		e, err := load[Effect](tx, KindEffect, id)
		if err != nil {
			return false, err
		}
		p, err := decodePayload[postPayload](e)
		if err != nil {
			return false, err
		}
		filed, err := tx.allFiled(p.After)
		if err != nil {
			return false, err
		}
		if !filed {
			still = append(still, id)
			continue
		}
		tx.due(DueEntry{ID: e.dueID(), Lane: e.Lane, Serial: e.Serial, At: e.NotBefore})
	}
	if len(still) == len(contact.Waiting) {
		return true, nil
	}
	contact.Waiting = still
	return len(still) > 0, save(tx, KindContact, person, contact)
}

// unask takes a ticket that went to somebody else off the messages of a contact
// that wait for it. One that asks for nothing else falls due at once, and is given
// up: see wentElsewhere.
func (tx *transaction) unask(contact *Contact, ticket string) error {
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
		i := slices.Index(p.After, ticket)
		if i < 0 {
			still = append(still, id)
			continue
		}
		release := len(p.After) == 1
		if !release {
			p.After = slices.Delete(slices.Clone(p.After), i, i+1)
			if release, err = tx.allFiled(p.After); err != nil {
				return err
			}
			if e.Payload, err = json.Marshal(p); err != nil {
				return fmt.Errorf("encode payload of %s: %w", e.ID, err)
			}
			if err := save(tx, KindEffect, e.ID, e); err != nil {
				return err
			}
		}
		if !release {
			still = append(still, id)
			continue
		}
		tx.due(DueEntry{ID: e.dueID(), Lane: e.Lane, Serial: e.Serial, At: latest(tx.now, e.NotBefore)})
	}
	contact.Waiting = still
	return nil
}

// wentElsewhere returns whether all the tickets that a message was to ask for are
// somebody else's by now, so that it would ask for nothing.
func (g *Engine) wentElsewhere(ctx context.Context, scope Scope, e Effect) (bool, error) {
	if !e.Waits || !e.UncertainAt.IsZero() { // what may be out is not taken back
		return false, nil
	}
	p, err := decodePayload[postPayload](e)
	if err != nil || len(p.After) == 0 {
		return false, err
	}
	tickets, err := LoadMany[struct {
		Contact Person `json:"contact"`
	}](ctx, g.opts.Store, scope, KindTicket, p.After)
	if err != nil {
		return false, err
	}
	for _, t := range tickets {
		if t.Value.Contact.User() == p.To {
			return false, nil
		}
	}
	return len(tickets) > 0, nil
}

// unsent counts a message as settled that was given up since its work went
// elsewhere; who gets work later gets a first message again.
func (tx *transaction) unsent(e Effect) error {
	p, err := decodePayload[postPayload](e)
	if err != nil {
		return err
	}
	tx.countWave(p.Wave, waveSent, 1)
	id := strings.TrimPrefix(e.Subject, contactSubject(""))
	contact, found, err := find[Contact](tx, KindContact, id)
	if err != nil || !found || contact.First != e.ID {
		return err
	}
	contact.First, contact.Text = "", ""
	return save(tx, KindContact, id, contact)
}

// allFiled returns whether tickets exist in the tracker. They are filed roughly in
// their order, so the last ones are looked at first.
func (tx *transaction) allFiled(ids []string) (bool, error) {
	for end := len(ids); end > 0; end -= min(end, ticketChunk) {
		chunk := ids[end-min(end, ticketChunk) : end]
		if err := tx.prefetch(KindTicket, chunk); err != nil {
			return false, err
		}
		for _, id := range slices.Backward(chunk) {
			t, found, err := find[Ticket](tx, KindTicket, id)
			if err != nil || !found || t.Ref.ID == "" {
				return false, err
			}
		}
	}
	return true, nil
}

// ticketChunk is how many tickets are read at once to see whether they are filed.
const ticketChunk = 20

// releaseLate looks again after a step that filed tickets was stored. What goes
// wrong here is put right by the heartbeat.
func (g *Engine) releaseLate(ctx context.Context, scope Scope, contacts []string) {
	if len(contacts) == 0 {
		return
	}
	err := Retrying(ctx, func() error {
		tx := g.begin(ctx, scope, Request{})
		for _, id := range contacts {
			tx.filedFor[id] = true
		}
		if _, err := tx.release(); err != nil || len(tx.change.Due) == 0 {
			return err
		}
		return tx.commit()
	})
	if err != nil {
		g.opts.Log.WithError(err).WithFields(logrus.Fields{FieldCampaign: string(scope), "contacts": len(contacts)}).Warn("messages were not released; the heartbeat will")
	}
}

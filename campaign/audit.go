package campaign

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"sync"
	"time"
)

// AuditRecord is one entry of the log of a scope: who changed what, from what
// to what, and why. People stand in it as pseudonyms and free text as salted
// commitments (see Pseudonym and Commitment), so that a person's data can be
// deleted and the chain of seals stays valid.
type AuditRecord struct {
	Seq     uint64    `json:"seq"` // given by the store, from 1, unbroken within the scope
	At      time.Time `json:"at"`
	Actor   string    `json:"actor"`             // a pseudonym, or "muster"
	Action  string    `json:"action"`            // what was done, e.g. "campaign.launch"
	Subject string    `json:"subject"`           // kind/ID of what it was done to
	Before  string    `json:"before,omitempty"`  // the state before
	After   string    `json:"after,omitempty"`   // the state after
	Reason  string    `json:"reason,omitempty"`  // a commitment
	Request string    `json:"request,omitempty"` // the envelope that asked for it
}

// Note is free text behind a commitment. Deleting it leaves the chain of seals
// valid and the text unrecoverable.
type Note struct {
	Salt string `json:"salt"`
	Text string `json:"text"`
	By   Person `json:"by,omitempty"`
}

// Commitment returns what the audit log holds in the note's place.
func (n Note) Commitment() string {
	mac := hmac.New(sha256.New, []byte(n.Salt))
	mac.Write([]byte(n.Text))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// alias is the side record that tells who stands behind a pseudonym.
type alias struct {
	Person Person `json:"person"`
}

// auditSalt keys the pseudonyms of one installation.
type auditSalt struct {
	Salt string `json:"salt"`
}

// What stands in the log where no person of ours acted: nobody did, or somebody
// in the tracker, whom we do not know.
const (
	actorMuster  = "muster"
	actorTracker = "tracker"
)

// pseudonyms gives people the names that they have in the audit log. It caches
// the installation's salt and the aliases that are known to be stored.
type pseudonyms struct {
	mu    sync.Mutex
	salt  string
	known map[Person]string // bounded by the people of a company who act
}

// of returns the pseudonym of a person, and stores the alias at first use.
func (p *pseudonyms) of(ctx context.Context, s Store, person Person) (string, error) {
	switch person {
	case "":
		return actorMuster, nil
	case theTracker:
		return actorTracker, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if name, ok := p.known[person]; ok {
		return name, nil
	}
	if p.salt == "" {
		salt, err := loadOrCreate(ctx, s, KindAlias, "salt", auditSalt{Salt: rand.Text()})
		if err != nil {
			return "", err
		}
		p.salt, p.known = salt.Salt, map[Person]string{}
	}
	mac := hmac.New(sha256.New, []byte(p.salt))
	mac.Write([]byte(person))
	name := "p-" + hex.EncodeToString(mac.Sum(nil)[:6])
	if _, err := loadOrCreate(ctx, s, KindAlias, name, alias{Person: person}); err != nil {
		return "", err
	}
	p.known[person] = name
	return name, nil
}

// forget drops what is cached.
func (p *pseudonyms) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.salt, p.known = "", nil
}

// loadOrCreate returns a record of Sys; the one given when there was none.
func loadOrCreate[T any](ctx context.Context, s Store, kind RecordKind, id string, fresh T) (T, error) {
	value, _, err := Load[T](ctx, s, Sys, kind, id)
	if KindOf(err) != NotFound || err == nil {
		return value, err
	}
	record, err := Put(kind, id, 0, fresh)
	if err != nil {
		return fresh, err
	}
	err = s.Apply(ctx, Change{Scope: Sys, Records: []Record{record}})
	if KindOf(err) == Conflict { // another replica was faster
		value, _, err = Load[T](ctx, s, Sys, kind, id)
		return value, err
	}
	return fresh, err
}

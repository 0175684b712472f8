package campaign

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
)

// A company of 100,000 services has as many tickets, so a stored one says nothing
// twice: of the planned ticket only what differs from the ticket itself is kept,
// and what follows from the rest is left out. The title is left out altogether: it
// is rendered again with the body, and TextHash tells whether both are as approved.

// storedTicket is a Ticket in its stored form.
type storedTicket Ticket

// MarshalJSON implements json.Marshaler.
func (t Ticket) MarshalJSON() ([]byte, error) {
	s := storedTicket(t)
	p := &s.Planned
	p.Title = ""
	p.ID = unless(p.ID, t.ID)
	p.Name = unless(p.Name, t.Name)
	p.Owner = unless(p.Owner, t.Owner)
	p.Contact = unless(p.Contact, Person(t.Contact))
	p.Hash = unless(p.Hash, t.TextHash)
	s.Wave = unless(s.Wave, waveID(t.Plan, t.Planned.Slice))
	if slices.Equal(p.Targets, targetsOf(p.Tasks)) {
		p.Targets = nil
	}
	if slices.Equal(p.Tasks, t.Tasks) {
		p.Tasks = nil
	}
	return json.Marshal(s)
}

// UnmarshalJSON implements json.Unmarshaler.
func (t *Ticket) UnmarshalJSON(data []byte) error {
	var s storedTicket
	if err := json.Unmarshal(data, &s); err != nil {
		return err
	}
	*t = Ticket(s)
	p := &t.Planned
	if p.Slice == "" {
		return nil // written by hand, without a plan
	}
	p.ID, p.Name, p.Owner = cmp.Or(p.ID, t.ID), cmp.Or(p.Name, t.Name), cmp.Or(p.Owner, t.Owner)
	p.Contact, p.Hash = cmp.Or(p.Contact, Person(t.Contact)), cmp.Or(p.Hash, t.TextHash)
	t.Wave = cmp.Or(t.Wave, waveID(t.Plan, p.Slice))
	if p.Tasks == nil {
		p.Tasks = slices.Clone(t.Tasks)
	}
	if p.Targets == nil {
		p.Targets = targetsOf(p.Tasks)
	}
	return nil
}

// unless returns "" in place of what can be told from elsewhere.
func unless[S ~string](value, known S) S {
	if value == known {
		return ""
	}
	return value
}

// targetsOf returns the targets of tasks, each once, in their order.
func targetsOf(tasks []string) []string {
	var targets []string
	for _, id := range tasks {
		target, _, _ := strings.Cut(id, ".")
		if len(targets) == 0 || targets[len(targets)-1] != target {
			targets = append(targets, target)
		}
	}
	return targets
}

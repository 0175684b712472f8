package campaign

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// The slices that most plans have. A plan may have a pilot before them, and the
// rest cut into several; see cut.go.
const (
	SliceExposed = "exposed" // what counts as facing the internet
	SliceRest    = "rest"
)

// Plan is what will be sent, to whom and when: a pure value. Approval freezes it
// under its hash, and launch uses it as it stands.
type Plan struct {
	Hash     string    `json:"hash"`
	Campaign string    `json:"campaign"`
	Title    string    `json:"title"`
	BuiltAt  time.Time `json:"built_at"`
	By       Person    `json:"by,omitempty"`

	Tracks []PlanTrack `json:"tracks"`
	Slices []PlanSlice `json:"slices"`
	// Frame is what the texts say beside targets and steps.
	Frame Frame `json:"frame"`
	// Baseline is what counted as fixed when it was drawn; not part of the hash.
	Baseline int `json:"baseline,omitempty"`
	// NotCovered counts what the plan does not reach.
	NotCovered NotCovered `json:"not_covered"`
	Sample     string     `json:"sample,omitempty"` // one message as it will be sent
	// Duration is what sending takes at Slack's and the tracker's pace. It is
	// not part of the hash.
	Duration time.Duration `json:"duration"`

	// Tickets and Contacts are stored beside the plan, in parts.
	Tickets  []PlanTicket  `json:"-"`
	Contacts []PlanContact `json:"-"`
	// Targets are what the plan was drawn from, triage and unknown included.
	Targets []Target `json:"-"`
}

// Frame is the campaign as the approved texts describe it.
type Frame struct {
	Exploited bool     `json:"exploited,omitempty"`
	Waiver    string   `json:"waiver,omitempty"`
	Help      string   `json:"help"` // name of the help channel
	Void      []string `json:"void,omitempty"`

	Advisories []AdvisoryLine `json:"advisories,omitempty"`
	Pattern    string         `json:"pattern,omitempty"`
}

// PlanTrack is one line of work as it was approved.
type PlanTrack struct {
	Name     string    `json:"name"`
	Kind     TrackKind `json:"kind"`
	Revision int       `json:"revision"`
	Hash     string    `json:"hash"` // of the approved revision
	Due      time.Time `json:"due"`
	Proof    Proof     `json:"proof"`
	Methods  []string  `json:"methods,omitempty"`
	Minutes  int       `json:"minutes,omitempty"`
	Tried    string    `json:"tried,omitempty"`
	// Products says that it is about products of vendors, and about nothing else.
	Products bool `json:"products,omitempty"`
}

// concerns returns whether a track is about a target.
func (t PlanTrack) concerns(target Target) bool { return t.Products == target.Product }

// PlanSlice is a part of the plan that is launched in one go: what a wave sends.
type PlanSlice struct {
	Name     string `json:"name"`
	Title    string `json:"title,omitempty"` // what people call it, where its name does not say
	Parts    int    `json:"parts"`           // stored parts, numbered from 0
	Tickets  int    `json:"tickets"`
	Contacts int    `json:"contacts"`
	Tasks    int    `json:"tasks"`
	Woken    int    `json:"woken"`  // people who are asleep and told at once
	Asleep   int    `json:"asleep"` // people who are asleep and told in their morning
	// Picks are the tickets of the pilot, and why they are.
	Picks []PilotPick `json:"picks,omitempty"`
	// Takes is how long sending it takes. It is not part of the plan's hash.
	Takes time.Duration `json:"takes,omitempty"`
}

// NotCovered is what a plan does not reach.
type NotCovered struct {
	Unknown int `json:"unknown"` // services without a fresh scan
	Unowned int `json:"unowned"` // without an owner or a contact
	Triage  int `json:"triage"`  // doubtful, for a person to decide
	Checked int `json:"checked"` // services with a fresh scan and nothing found
}

// PlanTicket is one ticket as it will be filed.
type PlanTicket struct {
	ID      string `json:"id,omitempty"`
	Slice   string `json:"slice,omitempty"`
	Name    string `json:"name,omitempty"`
	Owner   string `json:"owner,omitempty"` // catalog ref
	Team    string `json:"team,omitempty"`  // the owner's name
	Contact Person `json:"contact,omitempty"`
	// ContactName and Zone are the contact's, for the ticket's text.
	ContactName string   `json:"contact_name,omitempty"`
	Zone        string   `json:"zone,omitempty"`
	Targets     []string `json:"targets,omitempty"`
	Tasks       []string `json:"tasks,omitempty"`
	Title       string   `json:"title,omitempty"`
	Hash        string   `json:"hash,omitempty"` // of title and body as approved
	// Joins says that the ticket exists and gets further tasks.
	Joins bool `json:"joins,omitempty"`
}

// PlanContact is one message as it will be sent.
type PlanContact struct {
	Person  Person   `json:"person"`
	Name    string   `json:"name"`
	Zone    string   `json:"zone,omitempty"`
	Slice   string   `json:"slice"`
	Tickets []string `json:"tickets"`
	Text    string   `json:"text"`
	Count   int      `json:"count"`  // targets that are the contact's in this slice
	Tracks  []string `json:"tracks"` // that it asks for
	// Exposed says that some of it faces the internet, so that it is told at night
	// as well.
	Exposed bool `json:"exposed,omitempty"`
	// Joins says that all of its tickets exist: the next step for known services.
	Joins bool `json:"joins,omitempty"`
	// Again says that the contact has had a message of this campaign, so that
	// this one asks for something more.
	Again bool `json:"again,omitempty"`
}

// PlanInput is the world that a plan is drawn from.
type PlanInput struct {
	Campaign  Campaign
	Revisions map[string]Revision // the approved one of each track that is to be sent
	Targets   Assessment
	Catalog   Catalog
	People    map[string]User   // contact of each owner ref; those without one are not covered
	Filed     map[string]bool   // tickets that exist
	Holds     map[string]heldBy // the ticket that has a target's tasks already
	Messaged  map[Person]bool   // contacts who have had a message
	Settled   map[string]bool   // tasks that are finished, or were launched before
	Render    Renderer
	Pace      Pace
	Now       time.Time
}

// heldBy is a ticket and its owner; kept says that people gave it to them.
type heldBy struct {
	ticket, owner string
	kept          bool
}

// keepGiven leaves targets with whom people gave their ticket to in the tracker,
// whatever the catalog says: who has the ticket is asked for what comes later, too.
func (in *PlanInput) keepGiven() {
	in.Targets.Targets = slices.Clone(in.Targets.Targets)
	for i, t := range in.Targets.Targets {
		if held, ok := in.Holds[t.ID]; ok && held.kept && in.Catalog.standing(held.owner) == held.owner {
			in.Targets.Targets[i].Owner = held.owner
		}
	}
}

// BuildPlan draws the plan: one ticket per group and owner, one message per
// contact and slice, exposed first. Pure: same in, same out.
func BuildPlan(in PlanInput) (Plan, error) {
	p := Plan{
		Campaign: in.Campaign.ID, Title: in.Campaign.Title, BuiltAt: in.Now, Targets: in.Targets.Targets, Baseline: in.Campaign.Baseline,
		Frame: Frame{Exploited: in.Campaign.Exploited, Waiver: in.Campaign.Waiver, Help: helpName(in.Campaign.ID), Pattern: in.Campaign.Pattern},
	}
	for _, a := range in.Campaign.Advisories {
		p.Frame.Advisories = append(p.Frame.Advisories, a.line())
	}
	for _, v := range in.Campaign.Void {
		p.Frame.Void = append(p.Frame.Void, v.Track+": "+v.Method)
	}
	for _, t := range in.Campaign.Tracks {
		if rev, ok := in.Revisions[t.Name]; ok {
			p.Tracks = append(p.Tracks, PlanTrack{
				Name: t.Name, Kind: t.Kind, Revision: rev.Number, Hash: rev.Hash, Due: t.Due,
				Proof: t.Proof, Methods: t.Methods, Minutes: rev.Minutes, Tried: rev.Tried,
				Products: t.Kind == TrackVendor && len(in.Campaign.Rows) == 0,
			})
		}
	}
	b := planBuilder{in: in, plan: &p, tickets: map[string]*PlanTicket{}, targets: map[string]Target{}}
	b.group()
	if err := b.write(b.cut()); err != nil {
		return Plan{}, err
	}
	p.NotCovered.Checked = in.Targets.Checked
	p.Hash = p.hash()
	p.Duration = p.takes(in.Pace)
	for i := range p.Slices {
		p.Slices[i].Takes = p.only(p.Slices[i].Name).takes(in.Pace)
	}
	return p, nil
}

type planBuilder struct {
	in      PlanInput
	plan    *Plan
	tickets map[string]*PlanTicket
	targets map[string]Target
}

// group puts targets into tickets and counts what is not covered.
func (b *planBuilder) group() {
	for _, t := range b.in.Targets.Targets {
		b.targets[t.ID] = t
		user, reachable := b.in.People[t.Owner]
		switch {
		case t.Knowledge == KnownNothing:
			b.plan.NotCovered.Unknown++
			continue
		case t.Owner == "" || !reachable && t.Doubt == "":
			b.plan.NotCovered.Unowned++
			continue
		case t.Doubt != "":
			b.plan.NotCovered.Triage++
			continue
		}
		var tasks []string
		for _, track := range b.plan.Tracks {
			if id := TaskID(t.ID, track.Name); track.concerns(t) && !b.in.Settled[id] {
				tasks = append(tasks, id)
			}
		}
		if len(tasks) > 0 {
			b.add(t, user, tasks)
		}
	}
}

func (b *planBuilder) add(t Target, user User, tasks []string) {
	ref, name := cmp.Or(t.Service, t.ID), t.Name
	switch {
	case b.in.Campaign.Grouping == ByTeam:
		ref, name = t.Owner, ownerName(b.in.Catalog, t.Owner)
	case b.in.Campaign.Grouping == ByFixUnit && t.FixUnit != "":
		ref, name = "unit:"+t.FixUnit, unitName(t.FixUnit)
	}
	id := b.ticketID(t, ref)
	ticket, ok := b.tickets[id]
	if !ok {
		ticket = &PlanTicket{
			ID: id, Slice: SliceRest, Name: name, Owner: t.Owner, Team: ownerName(b.in.Catalog, t.Owner), Contact: user.Person,
			ContactName: user.Name, Zone: user.Zone, Joins: b.in.Filed[id],
		}
		b.tickets[id] = ticket
	}
	if t.Exposure.Counts() {
		ticket.Slice = SliceExposed
	}
	ticket.Targets = append(ticket.Targets, t.ID)
	ticket.Tasks = append(ticket.Tasks, tasks...)
}

// ticketID returns the ID of the ticket that a target stands on: the one that holds
// it already, or another layer of its service, under the ID that it got at first
// whoever had it since; else a new one.
func (b *planBuilder) ticketID(t Target, ref string) string {
	held := []string{t.ID}
	if b.in.Campaign.Grouping == ByService && t.Service != "" {
		for _, layer := range layers {
			held = append(held, targetID(b.in.Campaign.ID, t.Service, layer))
		}
	}
	for _, id := range held {
		if by, ok := b.in.Holds[id]; ok && by.owner == t.Owner {
			return by.ticket
		}
	}
	if old := opaqueID(b.in.Campaign.ID, "ticket", ref, t.Owner); b.in.Filed[old] {
		return old // as IDs were made at first
	}
	owner := opaqueID(b.in.Campaign.ID, "owner", t.Owner) // whose tickets are filed one after the other
	return opaqueNear(owner, b.in.Campaign.ID, "ticket", ref, t.Owner)
}

// write renders what people will read, wave by wave and contact by contact. Waves
// without tickets are left out.
func (b *planBuilder) write(waves []PlanSlice) error {
	byContact := map[string]map[Person][]*PlanTicket{} // by slice
	for _, id := range sortedKeys(b.tickets) {
		t := b.tickets[id]
		if byContact[t.Slice] == nil {
			byContact[t.Slice] = map[Person][]*PlanTicket{}
		}
		byContact[t.Slice][t.Contact] = append(byContact[t.Slice][t.Contact], t)
	}
	users := map[Person]User{}
	for _, u := range b.in.People {
		users[u.Person] = u
	}
	messaged := map[Person]bool{}
	for _, s := range waves {
		for _, person := range sortedKeys(byContact[s.Name]) {
			contact := PlanContact{
				Person: person, Name: users[person].Name, Zone: users[person].Zone, Slice: s.Name,
				Again: b.in.Messaged[person] || messaged[person],
			}
			messaged[person] = true
			if err := b.writeContact(&contact, byContact[s.Name][person]); err != nil {
				return err
			}
			s.count(contact, byContact[s.Name][person], b.in.Now)
			for _, t := range byContact[s.Name][person] {
				b.plan.Tickets = append(b.plan.Tickets, *t)
			}
			b.plan.Contacts = append(b.plan.Contacts, contact)
		}
		if s.Tickets > 0 {
			b.plan.Slices = append(b.plan.Slices, s)
		}
	}
	if len(b.plan.Contacts) > 0 {
		b.plan.Sample = b.plan.Contacts[0].Text
	}
	return nil
}

// count adds a contact and their tickets to what a slice sends.
func (s *PlanSlice) count(contact PlanContact, tickets []*PlanTicket, now time.Time) {
	s.Contacts++
	s.Tickets += len(tickets)
	for _, t := range tickets {
		s.Tasks += len(t.Tasks)
	}
	switch {
	case !asleep(now, contact.Zone):
	case contact.Exposed:
		s.Woken++
	default:
		s.Asleep++
	}
}

func (b *planBuilder) writeContact(contact *PlanContact, tickets []*PlanTicket) error {
	var targets []Target
	contact.Joins = true
	for _, t := range tickets {
		contact.Joins = contact.Joins && t.Joins
		for _, name := range tracksOfTasks(t.Tasks) {
			if !slices.Contains(contact.Tracks, name) {
				contact.Tracks = append(contact.Tracks, name)
			}
		}
		contact.Tickets = append(contact.Tickets, t.ID)
		mine := make([]Target, 0, len(t.Targets))
		for _, id := range t.Targets {
			mine = append(mine, b.targets[id])
		}
		targets = append(targets, mine...)
		title, body, err := ticketText(b.in.Render, *b.plan, b.in.Revisions, *t, mine)
		if err != nil {
			return fmt.Errorf("render ticket of %s: %w", t.Name, err)
		}
		t.Title, t.Hash = title, textHash(title, body)
	}
	contact.Count = len(targets)
	contact.Exposed = slices.ContainsFunc(targets, isExposed)
	slices.SortFunc(targets, compareTargets)
	text, err := contactText(b.in.Render, *b.plan, b.in.Revisions, *contact, targets)
	if err != nil {
		return fmt.Errorf("render message to %s: %w", contact.Person, err)
	}
	contact.Text = text
	return nil
}

// hash covers everything that reaches a person: targets, owners, dates, texts
// and rules; neither the duration nor the counts of what is not covered.
func (p Plan) hash() string {
	h := sha256.New()
	encoder := json.NewEncoder(h)
	waves := make([]PlanSlice, 0, len(p.Slices)) // without what depends on the hour
	for _, s := range p.Slices {
		waves = append(waves, PlanSlice{Name: s.Name, Title: s.Title, Tickets: s.Tickets, Contacts: s.Contacts, Tasks: s.Tasks})
	}
	for _, part := range []any{p.Campaign, p.Title, p.Tracks, waves, p.Frame, p.Tickets, p.Contacts} {
		if err := encoder.Encode(part); err != nil {
			return "" // cannot happen: strings and numbers can always be encoded
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// textHash is what an approved text is recognised by when it is sent.
func textHash(texts ...string) string {
	h := sha256.New()
	for _, t := range texts {
		fmt.Fprintf(h, "%d:%s", len(t), t)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// only returns the plan with the tickets and messages of one slice.
func (p Plan) only(slice string) Plan {
	part := p
	part.Tickets, part.Contacts = nil, nil
	for _, t := range p.Tickets {
		if t.Slice == slice {
			part.Tickets = append(part.Tickets, t)
		}
	}
	for _, c := range p.Contacts {
		if c.Slice == slice {
			part.Contacts = append(part.Contacts, c)
		}
	}
	return part
}

// isExposed returns whether a target counts as facing the internet.
func isExposed(t Target) bool { return t.Exposure.Counts() }

// Slice returns one slice of the plan; false when the plan has none of that name.
func (p Plan) Slice(name string) (PlanSlice, bool) {
	i := slices.IndexFunc(p.Slices, func(s PlanSlice) bool { return s.Name == name })
	if i < 0 {
		return PlanSlice{}, false
	}
	return p.Slices[i], true
}

// Totals returns the plan's tickets, messages and tasks.
func (p Plan) Totals() (tickets, contacts, tasks int) {
	for _, s := range p.Slices {
		tickets, contacts, tasks = tickets+s.Tickets, contacts+s.Contacts, tasks+s.Tasks
	}
	return tickets, contacts, tasks
}

// Difference is what moved between the approved plan and the world of today. It
// is shown, never sent silently.
type Difference struct {
	Added   []PlanTicket // affected since the approval
	Removed []PlanTicket // not affected any more, or without an owner
	Changed []PlanTicket // another contact, target set or text
	Unknown int          // change in the number of unknown services
}

// Empty returns whether nothing moved.
func (d Difference) Empty() bool {
	return len(d.Added)+len(d.Removed)+len(d.Changed) == 0 && d.Unknown == 0
}

// Diff compares the approved plan with today's.
func Diff(approved, today Plan) Difference {
	d := Difference{Unknown: today.NotCovered.Unknown - approved.NotCovered.Unknown}
	before := map[string]PlanTicket{}
	for _, t := range approved.Tickets {
		before[t.ID] = t
	}
	for _, t := range today.Tickets {
		old, ok := before[t.ID]
		switch {
		case !ok:
			d.Added = append(d.Added, t)
		case old.Hash != t.Hash || old.Contact != t.Contact || !slices.Equal(old.Tasks, t.Tasks):
			d.Changed = append(d.Changed, t)
		}
		delete(before, t.ID)
	}
	for _, id := range sortedKeys(before) {
		d.Removed = append(d.Removed, before[id])
	}
	return d
}

// The hours in which people are left to sleep, unless they are exposed.
const (
	nightFrom = 22
	nightTo   = 8
)

// asleep returns whether it is night in a zone. An unknown zone is awake.
func asleep(now time.Time, zone string) bool {
	if zone == "" {
		return false
	}
	hour := now.In(location(zone)).Hour()
	return hour >= nightFrom || hour < nightTo
}

// morning returns when somebody in the zone can be told: now, or at eight.
func morning(now time.Time, zone string) time.Time {
	if !asleep(now, zone) {
		return now
	}
	local := now.In(location(zone))
	day := local.Day()
	if local.Hour() >= nightFrom {
		day++
	}
	return Stamp(time.Date(local.Year(), local.Month(), day, nightTo, 0, 0, 0, local.Location()))
}

// helpName is the name of a campaign's help channel.
func helpName(id string) string { return "help-" + id }

func ownerName(c Catalog, owner string) string {
	if u, ok := c.Units[owner]; ok {
		return cmp.Or(u.Name, owner)
	}
	if m, ok := c.Members[owner]; ok {
		return cmp.Or(m.Name, owner)
	}
	return owner
}

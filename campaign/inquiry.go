package campaign

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Inquiry asks an owner, in one message, about services of which Muster does not
// know enough: whether they run what a campaign looks for. Nobody is asked about a
// target while an inquiry about it is open.
type Inquiry struct {
	ID      string        `json:"id"`
	About   InquiryAbout  `json:"about"`
	Status  InquiryStatus `json:"status"`
	Owner   string        `json:"owner"` // catalog ref
	Team    string        `json:"team"`  // what people call it
	Person  Person        `json:"person"`
	Name    string        `json:"name,omitempty"`
	Zone    string        `json:"zone,omitempty"`
	Targets []string      `json:"targets"` // at most inquiryTargets
	Names   []string      `json:"names"`   // of the targets, in their order
	By      Person        `json:"by"`      // who asked
	At      time.Time     `json:"at"`

	// Until is by when the owner will know; Reminded says that this passed and that
	// they were told.
	Until    time.Time `json:"until,omitzero"`
	Reminded bool      `json:"reminded,omitempty"`
	// Who promised, and is reminded: not always who was asked.
	Promiser     Person `json:"promiser,omitempty"`
	PromiserName string `json:"promiser_name,omitempty"`
	PromiserZone string `json:"promiser_zone,omitempty"`

	How        string    `json:"how,omitempty"` // in the words of who answered
	AnsweredBy Person    `json:"answered_by,omitempty"`
	AnsweredAt time.Time `json:"answered_at,omitzero"`
}

// InquiryAbout says why an owner is asked.
type InquiryAbout string

// What an inquiry may be about.
const (
	AboutDoubt     InquiryAbout = "doubt"     // near matches: targets of the triage list
	AboutUnscanned InquiryAbout = "unscanned" // services without a fresh scan
)

// InquiryStatus is what became of an inquiry.
type InquiryStatus string

// The states of an inquiry.
const (
	InquiryAsked    InquiryStatus = "asked"
	InquiryPromised InquiryStatus = "promised" // they will know by a time
	InquiryAnswered InquiryStatus = "answered"
	InquiryReturned InquiryStatus = "returned" // it is not theirs
)

// Open returns whether an answer is still waited for.
func (q Inquiry) Open() bool { return q.Status == InquiryAsked || q.Status == InquiryPromised }

const (
	// KindInquiry is a question to an owner, by its ID.
	KindInquiry RecordKind = "inquiry"

	inquiryPrefix = "inquiry/"
	// inquiryTargets bounds one inquiry: a form offers at most 100 options.
	inquiryTargets = 100

	actionInquiryAnswer = "inquiry.answer"
	actionInquiryReturn = "inquiry.not_ours"
)

// inquiryArgs is what a held inquiry remembers.
type inquiryArgs struct {
	About   InquiryAbout `json:"about"`
	Targets []string     `json:"targets"`
	Held    bool         `json:"held,omitempty"` // the targets are those of then
}

// AskOwners asks the owners of targets whether they run what the campaign looks
// for, one message for each owner; "all" means the whole triage list, or all that
// nobody has scanned. Who was asked and has not answered is not asked again. Above
// the set number of messages a second person agrees first.
func (g *Engine) AskOwners(ctx context.Context, r Request, id string, about InquiryAbout, targets []string) (Message, error) {
	return g.askOwners(ctx, r, id, inquiryArgs{About: about, Targets: targets}, false)
}

func (g *Engine) inquiryGranted(ctx context.Context, r Request, id string, args json.RawMessage) (Message, error) {
	var a inquiryArgs
	if err := json.Unmarshal(args, &a); err != nil {
		return Message{}, fmt.Errorf("decode held inquiry: %w", err)
	}
	return g.askOwners(ctx, r, id, a, true)
}

func (g *Engine) askOwners(ctx context.Context, r Request, id string, a inquiryArgs, granted bool) (Message, error) {
	for {
		m, err := g.askRound(ctx, r, id, a, granted)
		if !errors.Is(err, errAskedMeanwhile) {
			return m, err
		}
	}
}

// errAskedMeanwhile says that somebody else asked owners after this round was drawn:
// they might be the same.
var errAskedMeanwhile = errors.New("owners were asked meanwhile")

func (g *Engine) askRound(ctx context.Context, r Request, id string, a inquiryArgs, granted bool) (Message, error) {
	c, done, err := g.enter(ctx, r, id)
	if err != nil || done {
		return say("Asked. `/campaign triage` and `/campaign show` tell what they answer."), err
	}
	round, err := g.inquiryRound(ctx, r, c, a)
	if err != nil {
		return Message{}, err
	}
	if len(round.inquiries) == 0 {
		return round.reply(), nil
	}
	if !granted && g.needsSecond(len(round.inquiries)) {
		a.Targets, a.Held = round.targets(), true // and nothing that comes meanwhile
		var reply Message
		err := g.atomically(ctx, Scope(id), r, func(tx *transaction) error {
			preview := fmt.Sprintf("Ask %s about %s whether they run it. Each gets one message; people asleep get it in their morning.", count(len(round.inquiries), "owner"), count(round.asked(), "service"))
			reply, err = tx.hold(HoldInquiry, len(round.inquiries), a, preview)
			return err
		})
		return reply, err
	}
	left := len(round.inquiries)
	for batch := range slices.Chunk(round.inquiries, 50) {
		first := left == len(round.inquiries)
		left -= len(batch)
		step := r
		step.more = left > 0
		err := g.atomically(ctx, Scope(id), step, func(tx *transaction) error {
			if err := tx.nextRound(c.InquiryRounds, first); err != nil {
				return err
			}
			for _, q := range batch {
				if err := tx.ask(c, q, round.unknown); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return Message{}, err
		}
	}
	return round.reply(), nil
}

// nextRound counts a round of questions, drawn when so many were counted, with the
// first of its steps.
func (tx *transaction) nextRound(seen int, first bool) error {
	c, err := tx.campaign()
	if err != nil {
		return err
	}
	switch {
	case !first && c.InquiryRounds == seen+1:
		return nil
	case c.InquiryRounds != seen || !first:
		return errAskedMeanwhile
	}
	c.InquiryRounds++
	return save(tx, KindCampaign, self, c)
}

// inquiryRound is who would be asked what.
type inquiryRound struct {
	inquiries []Inquiry
	waiting   int // targets that somebody was asked about already
	returned  int // targets that their owner said are not theirs
	nobody    int // targets with nobody to ask
	unknown   int // in all, for scale
}

func (n inquiryRound) asked() (targets int) {
	for _, q := range n.inquiries {
		targets += len(q.Targets)
	}
	return targets
}

func (n inquiryRound) targets() (ids []string) {
	for _, q := range n.inquiries {
		ids = append(ids, q.Targets...)
	}
	return ids
}

func (n inquiryRound) reply() Message {
	text := say("Asked %s about %s.", count(len(n.inquiries), "owner"), count(n.asked(), "service")).Text
	if len(n.inquiries) == 0 {
		text = "Nobody was asked."
	}
	if n.waiting > 0 {
		text += fmt.Sprintf(" %s with somebody who was asked before and has not answered.", isOrAre(n.waiting, "service"))
	}
	if n.returned > 0 {
		text += fmt.Sprintf(" For %s the owner in the catalog said that it is not theirs: they are asked again once the catalog names another.", count(n.returned, "service"))
	}
	if n.nobody > 0 {
		text += fmt.Sprintf(" For %s the catalog knows nobody to ask: they stay as they are.", count(n.nobody, "service"))
	}
	return Message{Text: text, Ephemeral: true}
}

// isOrAre says "1 service is" or "3 services are".
func isOrAre(n int, noun string) string {
	if n == 1 {
		return count(n, noun) + " is"
	}
	return count(n, noun) + " are"
}

// askable is a target that an owner may be asked about.
type askable struct{ id, name, owner string }

// inquiryRound draws what is to be asked, sorted by owner.
func (g *Engine) inquiryRound(ctx context.Context, r Request, c Campaign, a inquiryArgs) (inquiryRound, error) {
	var round inquiryRound
	all, err := g.askable(ctx, c, a)
	if err != nil {
		return round, err
	}
	round.unknown = len(all)
	busy, returned, err := g.inquired(ctx, c.ID)
	if err != nil {
		return round, err
	}
	catalog, _, err := g.catalog(ctx)
	if err != nil {
		return round, err
	}
	byOwner := map[string][]askable{}
	everything := slices.Contains(a.Targets, "all")
	strange := slices.Clone(a.Targets)
	for _, t := range all {
		_, asked := busy[t.id]
		strange = slices.DeleteFunc(strange, func(name string) bool { return name == "all" || name == t.id || name == t.name })
		switch {
		case !everything && !slices.Contains(a.Targets, t.id) && !slices.Contains(a.Targets, t.name):
		case asked:
			round.waiting++
		case returned[askable{id: t.id, owner: t.owner}]:
			round.returned++
		default:
			byOwner[t.owner] = append(byOwner[t.owner], t)
		}
	}
	if len(byOwner) == 0 && round.waiting+round.returned == 0 {
		return round, Refuse(NotFound, "None of these is in doubt or without a scan. Nobody was asked. `/campaign triage` shows the list.")
	}
	if len(strange) > 0 && !a.Held {
		return round, Refuse(NotFound, fmt.Sprintf("%s is not in doubt, or has a scan. Nobody was asked. `/campaign triage` shows the list.", Escape(clip(strange[0], maxOwnerWords))))
	}
	for _, owner := range sortedKeys(byOwner) {
		user, err := g.contactOf(ctx, catalog, owner)
		if err != nil && KindOf(err) == NotFound {
			round.nobody += len(byOwner[owner])
			continue
		}
		if err != nil {
			return round, err
		}
		for part := range slices.Chunk(byOwner[owner], inquiryTargets) {
			q := Inquiry{
				ID: opaqueID(c.ID, "inquiry", r.Key, owner, part[0].id), About: a.About, Status: InquiryAsked, Owner: owner,
				Team: ownerName(catalog, owner), Person: user.Person, Name: user.Name, Zone: user.Zone, By: r.Actor,
			}
			for _, t := range part {
				q.Targets, q.Names = append(q.Targets, t.id), append(q.Names, t.name)
			}
			round.inquiries = append(round.inquiries, q)
		}
	}
	return round, nil
}

// askable returns what owners may be asked about, sorted by name.
func (g *Engine) askable(ctx context.Context, c Campaign, a inquiryArgs) ([]askable, error) {
	var all []askable
	if a.About == AboutDoubt {
		doubtful, err := g.doubtful(ctx, c)
		if err != nil {
			return nil, err
		}
		for _, t := range doubtful {
			all = append(all, askable{t.ID, t.Name, t.Owner})
		}
	} else {
		seen := map[string]bool{}
		for stored, err := range LoadAll[Task](ctx, g.opts.Store, Scope(c.ID), KindTask) {
			if err != nil {
				return nil, err
			}
			if t := stored.Value; t.Status == TaskUnknown && !seen[t.Target] {
				seen[t.Target] = true
				all = append(all, askable{t.Target, t.Name, t.Owner})
			}
		}
	}
	slices.SortFunc(all, func(a, b askable) int { return compareStrings(a.name, b.name, a.id, b.id) })
	return all, nil
}

// inquired returns the open inquiries, by the targets that they are about, and which
// targets which owner gave back.
func (g *Engine) inquired(ctx context.Context, id string) (open map[string]Inquiry, returned map[askable]bool, err error) {
	open, returned = map[string]Inquiry{}, map[askable]bool{}
	for stored, err := range LoadAll[Inquiry](ctx, g.opts.Store, Scope(id), KindInquiry) {
		if err != nil {
			return nil, nil, err
		}
		q := stored.Value
		for _, target := range q.Targets {
			switch {
			case q.Open():
				open[target] = q
			case q.Status == InquiryReturned:
				returned[askable{id: target, owner: q.Owner}] = true
			}
		}
	}
	return open, returned, nil
}

// ask keeps an inquiry and plans its message.
func (tx *transaction) ask(c Campaign, q Inquiry, unknown int) error {
	if _, found, err := find[Inquiry](tx, KindInquiry, q.ID); err != nil || found {
		return err
	}
	q.At = tx.now
	m, err := tx.inquiryMessage(c, q, unknown)
	if err != nil {
		return err
	}
	if err := tx.audit("inquiry.ask", "inquiry/"+q.ID, "", string(q.Status), string(q.About)+": "+listWords(q.Names)); err != nil {
		return err
	}
	if err := save(tx, KindInquiry, q.ID, q); err != nil {
		return err
	}
	return tx.askPerson(q.Person, q.Zone, inquiryPrefix+q.ID, morning(tx.now, q.Zone), m)
}

func (tx *transaction) inquiryMessage(c Campaign, q Inquiry, unknown int) (Message, error) {
	time := LocalTime{Zone: q.Zone, Now: tx.now}
	var m Message
	var err error
	if q.About == AboutUnscanned {
		m, err = tx.engine.speak("attest_batch", AttestBatchData{
			LocalTime: time, Title: c.Title, Lookup: c.lookup(), Team: q.Team, Count: len(q.Names), Services: q.Names, Total: unknown, HelpChannel: ChannelLink(c.HelpRef),
		})
	} else {
		m, err = tx.engine.speak("inquiry_asked", InquiryAskedData{
			LocalTime: time, Title: c.Title, Lookup: c.lookup(), Team: q.Team, Count: len(q.Names), Names: q.Names, By: Mention(q.By), HelpChannel: ChannelLink(c.HelpRef),
		})
	}
	m.Buttons = inquiryButtons(c.ID, q)
	return m, err
}

func inquiryButtons(id string, q Inquiry) []Button {
	value := buttonValue(id, q.ID)
	return []Button{
		{Label: "Answer…", Action: actionInquiryAnswer, Value: value, Style: Primary},
		{Label: "Not ours", Action: actionInquiryReturn, Value: value},
		{Label: "I saw something odd", Action: "odd.report", Value: value},
	}
}

// lookup is what people look for on a host, in short.
func (c Campaign) lookup() string {
	if c.Pattern != "" || len(c.Floors) == 0 {
		return c.Pattern
	}
	return c.Floors[0].Package[strings.LastIndexByte(c.Floors[0].Package, '/')+1:]
}

// InquiryCount is how many targets wait for their owners' word.
type InquiryCount struct {
	Asked    int       `json:"asked,omitempty"`    // without an answer
	Promised int       `json:"promised,omitempty"` // they will know by a time
	Overdue  int       `json:"overdue,omitempty"`  // that time has passed
	Last     time.Time `json:"last,omitzero"`      // of the promises, the latest
}

// inquiryCount counts targets that are still of this kind: what was settled
// otherwise waits for nobody.
func inquiryCount(open map[string]Inquiry, targets []string, now time.Time) InquiryCount {
	var n InquiryCount
	for _, id := range targets {
		q, ok := open[id]
		switch {
		case !ok:
		case q.Status == InquiryAsked:
			n.Asked++
		case q.Until.Before(now):
			n.Overdue++
		default:
			n.Promised++
			n.Last = latest(n.Last, q.Until)
		}
	}
	return n
}

// unscannedInquiries counts the unknown targets whose owners were asked.
func (g *Engine) unscannedInquiries(ctx context.Context, c Campaign) (InquiryCount, error) {
	open, _, err := g.inquired(ctx, c.ID)
	if err != nil || len(open) == 0 {
		return InquiryCount{}, err
	}
	maps.DeleteFunc(open, func(_ string, q Inquiry) bool { return q.About != AboutUnscanned })
	ids := sortedKeys(open)
	var unknown []string
	for part := range slices.Chunk(ids, MaxChangeRecords) {
		still, err := g.stillUnknown(ctx, c, part)
		if err != nil {
			return InquiryCount{}, err
		}
		for _, id := range part {
			if still[id] {
				unknown = append(unknown, id)
			}
		}
	}
	return inquiryCount(open, unknown, g.opts.Clock.Now()), nil
}

// words says who was asked and what they promised; "" when nobody was.
func (q Inquiry) words(l LocalTime) string {
	who := cmp.Or(q.Name, q.Team)
	switch q.Status {
	case InquiryAsked:
		return who + " was asked " + strings.TrimSpace(l.When(q.At)) + " and has not answered"
	case InquiryPromised:
		return cmp.Or(q.PromiserName, who) + " will know by " + l.When(q.Until)
	case InquiryReturned:
		return who + " says that it is not theirs"
	}
	return ""
}

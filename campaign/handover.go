package campaign

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"
)

// The buttons of an offer of command. Their value is the campaign.
const (
	actionCommandAccept  = "command.accept"
	actionCommandDecline = "command.decline"
)

// OfferCommand asks a person to take command of a campaign. They read what they
// would take on, and nothing changes before they accept. A new offer takes the
// place of one that was not answered.
func (g *Engine) OfferCommand(ctx context.Context, r Request, id string, to Person) (Message, error) {
	if err := g.mayTakeCommand(ctx, to); err != nil {
		return Message{}, err
	}
	packet, err := g.packet(ctx, id, to)
	if err != nil {
		return Message{}, err
	}
	packet.Buttons = []Button{
		{Label: "Accept", Action: actionCommandAccept, Value: id, Style: Primary},
		{Label: "I can't", Action: actionCommandDecline, Value: id},
	}
	err = g.command(ctx, r, id, func(tx *transaction, c *Campaign) error {
		if _, err := tx.steered("hand over command"); err != nil {
			return err
		}
		if to == c.Commander {
			return Refuse(Conflict, fmt.Sprintf("%s is in command already. Nothing was changed.", Mention(to)))
		}
		if to == c.HandoverTo {
			return nil // asked already: asking again rings nobody twice
		}
		c.HandoverTo = to
		if err := tx.audit("command.offer", "campaign/"+id, string(c.Status), string(c.Status), r.Reason); err != nil {
			return err
		}
		return tx.post("command/offer/"+string(to)+"/"+timeKey(tx.now), Interactive, postPayload{To: to.User(), Message: packet})
	})
	return Message{Text: fmt.Sprintf("%s was asked to take command. Until they accept, nothing changes.", Mention(to)), Ephemeral: true}, err
}

// AcceptCommand makes the person who was asked the commander.
func (g *Engine) AcceptCommand(ctx context.Context, r Request, id string) (Message, error) {
	if err := g.mayTakeCommand(ctx, r.Actor); err != nil {
		return Message{}, err
	}
	err := g.command(ctx, r, id, func(tx *transaction, c *Campaign) error {
		if err := c.offeredTo(r.Actor); err != nil {
			return err
		}
		return tx.giveCommand(c, "command.accept", "took command over from")
	})
	return g.inCommand(ctx, id, err)
}

// DeclineCommand answers an offer with no. Who offered it stays in command and
// is told.
func (g *Engine) DeclineCommand(ctx context.Context, r Request, id string) (Message, error) {
	err := g.command(ctx, r, id, func(tx *transaction, c *Campaign) error {
		if err := c.offeredTo(r.Actor); err != nil {
			return err
		}
		c.HandoverTo = ""
		if err := tx.audit("command.decline", "campaign/"+id, string(c.Status), string(c.Status), r.Reason); err != nil {
			return err
		}
		text := fmt.Sprintf("*%s: %s cannot take command.* You are still in command; offer it to somebody else with `/campaign command`.", Escape(c.Title), Mention(r.Actor))
		return tx.post("command/decline/"+timeKey(tx.now), Interactive, postPayload{To: c.Commander.User(), Message: Message{Text: text}})
	})
	return Message{Text: "Thank you for saying so at once. The commander was told; nothing is asked of you.", Ephemeral: true}, err
}

// TakeCommand makes the deputy, or another person with the role of a commander,
// the commander without an offer: for when nobody answers. It is announced.
func (g *Engine) TakeCommand(ctx context.Context, r Request, id string) (Message, error) {
	err := g.command(ctx, r, id, func(tx *transaction, c *Campaign) error {
		if r.Actor == c.Commander {
			return Refuse(Conflict, "You are in command already. Nothing was changed.")
		}
		if _, err := tx.steered("take command"); err != nil {
			return err
		}
		return tx.giveCommand(c, "command.take", "took command, unasked, from")
	})
	if _, err := g.inCommand(ctx, id, err); err != nil {
		return Message{}, err
	}
	m, err := g.packet(ctx, id, "")
	m.Ephemeral = true
	return m, err
}

// command changes who commands a campaign, in one step.
func (g *Engine) command(ctx context.Context, r Request, id string, change func(*transaction, *Campaign) error) error {
	return g.atomically(ctx, Scope(id), r, func(tx *transaction) error {
		c, err := load[Campaign](tx, KindCampaign, self)
		if err != nil {
			return err
		}
		if err := c.over(); err != nil {
			return err
		}
		if err := change(tx, &c); err != nil {
			return err
		}
		return save(tx, KindCampaign, self, c)
	})
}

// over refuses what makes no sense after the end of a campaign.
func (c Campaign) over() error {
	if c.MergedInto != "" {
		return Refuse(Conflict, fmt.Sprintf("%s was merged into %s. Nothing was changed; your work goes on there: `/campaign tickets %s`.", Escape(c.Title), c.MergedInto, c.MergedInto))
	}
	if c.Status == Closed || c.Status == Cancelled {
		return Refuse(Conflict, fmt.Sprintf("%s is %s. Nothing was changed.", Escape(c.Title), words(c.Status)))
	}
	return nil
}

// offeredTo refuses those who were not asked to take command, or not any more.
func (c Campaign) offeredTo(p Person) error {
	if c.HandoverTo == p {
		return nil
	}
	return Refuse(Conflict, fmt.Sprintf("You are not asked to take command of %s any more. Nothing was changed; %s is in command.", Escape(c.Title), Mention(c.Commander)))
}

// mayTakeCommand refuses people who cannot be commanders.
func (g *Engine) mayTakeCommand(ctx context.Context, p Person) error {
	has, err := g.opts.Roles.Has(ctx, p, Commander)
	if err != nil || has {
		return err
	}
	return Refuse(Forbidden, fmt.Sprintf("%s does not have the role of a commander. Nothing was changed; an operator gives it in the configuration.", Mention(p)))
}

// giveCommand puts the actor in command and tells everybody who steers, and the
// one who did so far.
func (tx *transaction) giveCommand(c *Campaign, action, did string) error {
	before := c.Commander
	c.Commander, c.HandoverTo = tx.request.Actor, ""
	if c.Deputy == c.Commander {
		c.Deputy = ""
	}
	names := []string{"", ""}
	for i, p := range []Person{before, c.Commander} {
		name, err := tx.engine.pseudonyms.of(tx.ctx, tx.engine.opts.Store, p)
		if err != nil {
			return err
		}
		names[i] = name
	}
	if err := tx.audit(action, "campaign/"+c.ID, names[0], names[1], tx.request.Reason); err != nil {
		return err
	}
	text := fmt.Sprintf("*%s: %s is in command now.* %s %s %s.", Escape(c.Title), Mention(c.Commander), Mention(c.Commander), did, Mention(before))
	if tx.request.Reason != "" {
		text += " " + string(Escape(clip(tx.request.Reason, maxComment)))
	}
	key := "command/" + timeKey(tx.now)
	if err := tx.post(key+"/before", Interactive, postPayload{To: before.User(), Message: Message{Text: text}}); err != nil {
		return err
	}
	return tx.post(key, Interactive, postPayload{To: tx.engine.bridge(*c), Message: Message{Text: text}})
}

// inCommand says who commands a campaign now.
func (g *Engine) inCommand(ctx context.Context, id string, err error) (Message, error) {
	if err != nil {
		return Message{}, err
	}
	c, _, err := Load[Campaign](ctx, g.opts.Store, Scope(id), KindCampaign, self)
	return Message{Text: fmt.Sprintf("%s is in command of %s. The command channel was told.", Mention(c.Commander), Escape(c.Title)), Ephemeral: true}, err
}

// notAnsweredHere is what people at the desk must not answer.
const notAnsweredHere = "“Were we breached?” goes to incident response, not here"

// packet is what the one who takes command must know: what burns, what was
// promised, what advice is void, what comes.
func (g *Engine) packet(ctx context.Context, id string, to Person) (Message, error) {
	c, _, err := Load[Campaign](ctx, g.opts.Store, Scope(id), KindCampaign, self)
	if err != nil {
		return Message{}, err
	}
	now := g.opts.Clock.Now()
	data := HandoverData{
		LocalTime: g.viewer(ctx, c, to), Title: c.Title, From: Mention(c.Commander), To: Mention(to),
		State: standing(c), Never: notAnsweredHere, Coming: g.coming(c, now),
	}
	if to == "" { // taken: nobody hands over
		data.From, data.To = "", Mention(c.Commander)
	}
	for _, v := range c.Void {
		data.Void = append(data.Void, VoidLine{Method: v.Method, Since: v.At})
	}
	if err := g.openWork(ctx, c, &data); err != nil {
		return Message{}, err
	}
	return g.speak("handover", data)
}

// standing says how far a campaign is, by what people declared.
func standing(c Campaign) string {
	state := "not contained yet"
	if n := len(c.Milestones); n > 0 {
		state = c.Milestones[n-1].Name
	}
	if c.Status != Running {
		state = words(c.Status) + ", " + state
	}
	return state
}

// openWork adds what is left open: questions, promises, blocked work and what
// could not be sent.
func (g *Engine) openWork(ctx context.Context, c Campaign, data *HandoverData) error {
	questions, err := g.OpenQuestions(ctx, c.ID, MaxChangeRecords)
	if err != nil {
		return err
	}
	data.Questions = len(questions)
	for i, q := range questions {
		if i == 0 {
			data.Oldest = data.Now.Sub(q.AskedAt)
		}
		if q.Status == QuestionEscalated {
			data.Promised = append(data.Promised, OpenAsk{Who: Mention(q.Asker), What: fmt.Sprintf("an answer to question %d", q.Number)})
		}
	}
	dead, err := g.opts.Store.Counters(ctx, Scope(c.ID), counterDead)
	if err != nil {
		return err
	}
	if n := dead[counterDead]; n > 0 {
		data.Missing = append(data.Missing, fmt.Sprintf("%d messages or tickets could not be sent and wait for a retry", n))
	}
	data.Burning, err = g.blocked(ctx, c)
	return err
}

// maxBurning bounds how many blocked targets a packet names.
const maxBurning = 20

// blocked returns the blocked tasks, exposed ones first. Where none is counted,
// it reads nothing.
func (g *Engine) blocked(ctx context.Context, c Campaign) ([]OpenTarget, error) {
	counters, err := g.opts.Store.Counters(ctx, Scope(c.ID), counterBlocked)
	if err != nil {
		return nil, err
	}
	var counted int64
	for _, n := range counters {
		counted += n
	}
	if counted == 0 {
		return nil, nil
	}
	var found []OpenTarget
	for task, err := range LoadAll[Task](ctx, g.opts.Store, Scope(c.ID), KindTask) {
		if err != nil {
			return nil, err
		}
		if t := task.Value; t.Blocked != "" {
			found = append(found, OpenTarget{Name: t.Name, Who: Mention(t.Accepted), Status: string(t.Status), Blocked: t.Blocked, Exposed: t.Exposed, Due: t.Due})
		}
	}
	slices.SortStableFunc(found, func(a, b OpenTarget) int {
		if a.Exposed != b.Exposed {
			return map[bool]int{true: -1, false: 1}[a.Exposed]
		}
		return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.Name, b.Name))
	})
	return found[:min(len(found), maxBurning)], nil
}

// coming returns what happens next: the next digest, and the next date on which
// something is due.
func (g *Engine) coming(c Campaign, now time.Time) []ComingLine {
	var lines []ComingLine
	var digest time.Time
	for _, d := range g.opts.Digests {
		schedule, err := ParseSchedule(d.Cron, cmp.Or(d.Zone, c.Zone))
		if err != nil {
			continue // the start-up refuses such a schedule; here it only says nothing
		}
		if at := schedule.Next(now); digest.IsZero() || at.Before(digest) {
			digest = at
		}
	}
	if !digest.IsZero() {
		lines = append(lines, ComingLine{What: "the next digest", At: digest})
	}
	for _, t := range c.Tracks {
		if t.Due.After(now) {
			lines = append(lines, ComingLine{What: t.Name + " is due", At: t.Due})
		}
	}
	slices.SortStableFunc(lines, func(a, b ComingLine) int { return a.At.Compare(b.At) })
	return lines
}

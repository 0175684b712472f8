package campaign

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// answer fills a template for the one who asked: an ephemeral message.
func (g *Engine) answer(template string, data any, buttons ...Button) (Message, error) {
	text, err := g.opts.Renderer.Render(nil, template, data)
	return Message{Text: strings.TrimSpace(text), Buttons: buttons, Ephemeral: true}, err
}

// local is how times are shown to those who read in the campaign's zone.
func (g *Engine) local(c Campaign) LocalTime {
	return LocalTime{Zone: c.Zone, Now: g.opts.Clock.Now()}
}

// Show says what a campaign is, how many it concerns, and what comes next.
func (g *Engine) Show(ctx context.Context, id string) (Message, error) {
	c, err := g.Campaign(ctx, id)
	if err != nil {
		return Message{}, err
	}
	targets, _, err := g.assess(ctx, c)
	if err != nil {
		return Message{}, err
	}
	data := CampaignShowData{
		LocalTime: g.local(c), ID: c.ID, Title: c.Title, Status: c.Status, Commander: Mention(c.Commander), Deputy: Mention(c.Deputy),
		HandoverTo: Mention(c.HandoverTo), Created: c.CreatedAt, Exploited: c.Exploited, Waiver: c.Waiver, Pattern: c.Pattern,
		Rows: len(c.Rows), HelpRef: ChannelLink(c.HelpRef), CommandRef: ChannelLink(c.CommandRef),
	}
	for _, a := range c.Advisories {
		data.Advisories = append(data.Advisories, a.line())
	}
	for _, f := range c.Floors {
		data.Floors = append(data.Floors, FloorLine{Package: f.Package, Branch: f.Branch, Fixed: f.Fixed, Reason: f.Reason})
	}
	for _, t := range c.Tracks {
		data.Tracks = append(data.Tracks, TrackLine{
			Name: t.Name, Due: t.Due, Proof: ProofWords(t.Proof), Methods: t.Methods, Revision: t.Revision, Approved: t.ApprovedRevision,
		})
	}
	for _, m := range c.Milestones {
		data.Milestones = append(data.Milestones, MilestoneLine{Name: m.Name, At: m.At, By: g.nameOf(ctx, m.By), Numbers: m.Numbers})
	}
	for _, v := range c.Void {
		data.Void = append(data.Void, VoidLine{Method: v.Method, Since: v.At})
	}
	for _, t := range targets.Targets {
		switch {
		case t.Knowledge == KnownNothing:
			data.Unknown++
		case t.Doubt != "":
			data.Triage++
		default:
			data.Targets++
		}
	}
	if c.Plan != "" { // counted since the approval
		numbers, err := g.numbers(ctx, c.ID)
		if err != nil {
			return Message{}, err
		}
		data.Targets, data.Unknown = numbers.Track(headline(c, numbers).Name).All.Known(), numbers.Unknown
	}
	if data.Inquiries, err = g.unscannedInquiries(ctx, c); err != nil {
		return Message{}, err
	}
	if data.Vendor, err = g.vendorCount(ctx, c, targets); err != nil {
		return Message{}, err
	}
	data.Next = nextSteps(c, data.Triage)
	return g.answer("campaign_show", data)
}

// nextSteps says what the commander can do now.
func nextSteps(c Campaign, triage int) []string {
	if c.MergedInto != "" {
		return []string{fmt.Sprintf("It was merged into %s, where its work goes on: `/campaign show %s`.", c.MergedInto, c.MergedInto)}
	}
	if c.over() != nil {
		return nil
	}
	var next []string
	for _, t := range c.Tracks {
		switch {
		case t.Revision == 0:
			next = append(next, fmt.Sprintf("Write the instructions of %s: `/campaign track %s %s`.", t.Name, c.ID, t.Name))
		case t.Due.IsZero():
			next = append(next, fmt.Sprintf("Set a due date: `/campaign track %s %s due fri 17:00`.", c.ID, t.Name))
		case t.ApprovedRevision < t.Revision:
			next = append(next, fmt.Sprintf("Rehearse %s: `/campaign dryrun %s %s @reviewer @reviewer`.", t.Name, c.ID, t.Name))
		}
	}
	if triage > 0 && c.editable() == nil {
		next = append(next, fmt.Sprintf("Judge %s: `/campaign triage %s`.", count(triage, "doubtful target"), c.ID))
	}
	switch {
	case c.Status == Approved && c.Plan == "":
		next = append(next, fmt.Sprintf("Freeze the plan: `/campaign approve %s`.", c.ID))
	case c.Status == Approved:
		next = append(next, fmt.Sprintf("Launch the exposed slice: `/campaign launch %s exposed`.", c.ID))
	}
	return next
}

// List shows the campaigns, the newest first.
func (g *Engine) List(ctx context.Context) (Message, error) {
	all, err := g.Campaigns(ctx)
	if err != nil {
		return Message{}, err
	}
	data := CampaignListData{LocalTime: LocalTime{Zone: g.opts.Zone, Now: g.opts.Clock.Now()}}
	for _, c := range all[:min(len(all), maxListed)] {
		line := CampaignLine{ID: c.ID, Title: c.Title, Status: c.Status, Into: c.MergedInto, Commander: Mention(c.Commander)}
		numbers, err := g.numbers(ctx, c.ID)
		if err != nil {
			return Message{}, err
		}
		all := numbers.Track(headline(c, numbers).Name).All
		line.Known, line.Done, line.Unknown = all.Known(), all.Verified+all.Excepted, numbers.Unknown
		for _, t := range c.Tracks {
			if c.over() == nil {
				line.Due = earliest(line.Due, t.Due)
			}
		}
		data.Campaigns = append(data.Campaigns, line)
	}
	return g.answer("campaign_list", data)
}

// Status says how far a campaign is now, with what is unknown beside it.
func (g *Engine) Status(ctx context.Context, id string) (Message, error) {
	c, err := g.Campaign(ctx, id)
	if err != nil {
		return Message{}, err
	}
	if c.Plan == "" {
		return g.Show(ctx, id) // nothing is counted before the plan is frozen
	}
	now, err := g.measure(ctx, id)
	if err != nil {
		return Message{}, err
	}
	r, err := g.read(ctx, c, now, "")
	if err != nil {
		return Message{}, err
	}
	var next time.Time
	if c.editable() == nil { // nothing is told of what is over
		next = g.nextDigest(c, ForExecutives)
	}
	return g.answer("campaign_status", CampaignStatusData{
		LocalTime: g.local(c), Title: c.Title, Status: c.Status, Standing: r.standing(), Tracks: r.tracks(), Stuck: r.stuck(),
		Asks: openAskLines(now.Asks), Next: next,
	}, statusButtons(c)...)
}

// statusButtons are the brakes, where there is something to brake.
func statusButtons(c Campaign) []Button {
	switch c.Status {
	case Running:
		return []Button{{Label: "Pause", Action: "brake.pause", Value: c.ID, Style: Danger}}
	case Paused:
		return []Button{{Label: "Resume", Action: "brake.resume", Value: c.ID, Style: Primary}}
	}
	return nil
}

// maxListed keeps a list within one message.
const maxListed = 20

// PlanMessage shows what would be sent, what is missing, and how the world has
// moved since the plan was frozen.
func (g *Engine) PlanMessage(ctx context.Context, id string) (Message, error) {
	c, err := g.Campaign(ctx, id)
	if err != nil {
		return Message{}, err
	}
	if err := c.editable(); err != nil {
		return Message{}, err
	}
	today, err := g.today(ctx, c)
	if err != nil {
		return Message{}, err
	}
	p := today
	if c.Plan != "" {
		if p, err = g.frozen(ctx, c); err != nil {
			return Message{}, err
		}
	}
	return g.planMessage(ctx, c, p, today)
}

// planMessage shows the plan p that is in force, or would be, and how far today's
// has moved from it.
func (g *Engine) planMessage(ctx context.Context, c Campaign, p, today Plan) (Message, error) {
	items, err := g.lock(ctx, c, p, len(doubtfulOf(today.Targets)))
	if err != nil {
		return Message{}, err
	}
	m, err := g.preview(ctx, c, p, missing(items))
	if err != nil {
		return m, err
	}
	if m, err = g.withWaves(ctx, m, c, p); err != nil || c.Plan == "" {
		return m, err
	}
	if len(missing(items)) == 0 && c.StartedAt.IsZero() {
		text, err := g.opts.Renderer.Render(nil, "launch_lock", LaunchLockData{Title: c.Title, Lines: lockLines(items)})
		if err != nil {
			return m, err
		}
		m.Text += "\n\n" + strings.TrimSpace(text)
	}
	drift := Diff(p, today)
	if c.Status != Approved || drift.Empty() {
		return m, nil
	}
	text, err := g.opts.Renderer.Render(nil, "drift", driftData(g.local(c), c, p, drift, g.opts.Brakes))
	m.Text += "\n\n" + strings.TrimSpace(text)
	return m, err
}

func lockLines(items []LockItem) []LockLine {
	lines := make([]LockLine, 0, len(items))
	for _, item := range items {
		lines = append(lines, LockLine{What: item.Name, OK: item.OK, Missing: item.Need})
	}
	return lines
}

func driftData(local LocalTime, c Campaign, p Plan, d Difference, brakes Brakes) DriftData {
	names := func(tickets []PlanTicket) (out []string) {
		for _, t := range tickets {
			out = append(out, t.Name)
		}
		return out
	}
	return DriftData{
		LocalTime: local, Title: c.Title, Since: p.BuiltAt, Added: len(d.Added), AddedNames: names(d.Added), Gone: len(d.Removed),
		GoneNames: names(d.Removed), Moved: len(d.Changed), MovedNames: names(d.Changed), PerDay: brakes.AdmissionPerDay,
	}
}

func (g *Engine) preview(ctx context.Context, c Campaign, p Plan, needs []string) (Message, error) {
	tickets, contacts, _ := p.Totals()
	data := PreviewData{
		LocalTime: g.local(c), Title: c.Title, Tickets: tickets, Messages: contacts, Unknown: p.NotCovered.Unknown,
		Unowned: p.NotCovered.Unowned, Triage: p.NotCovered.Triage, Missing: needs, Early: len(p.Tracks) == 0,
	}
	if tickets > 0 {
		data.DoneAt = data.Now.Add(p.Duration)
	}
	for _, s := range p.Slices {
		data.Woken, data.Sleeping = data.Woken+s.Woken, data.Sleeping+s.Asleep
		if s.Name == SliceExposed {
			data.Exposed = s.Tickets
		}
	}
	for _, t := range p.Tracks {
		executed, err := g.executed(ctx, c, t)
		if err != nil {
			return Message{}, err
		}
		data.Texts = append(data.Texts, PreviewText{Track: t.Name, Revision: t.Revision, Executed: executed, Minutes: t.Minutes, Unchanged: true})
	}
	m, err := g.answer("preview", data)
	if err != nil || c.Plan == "" || len(needs) > 0 {
		return m, err
	}
	m.Buttons, err = g.launchButtons(ctx, c, p)
	return m, err
}

// executed returns who rehearsed and approved a track's revision.
func (g *Engine) executed(ctx context.Context, c Campaign, t PlanTrack) ([]Markup, error) {
	var who []Markup
	for stored, err := range LoadAll[Review](ctx, g.opts.Store, Scope(c.ID), KindReview) {
		if err != nil {
			return nil, err
		}
		if stored.Value.Hash == t.Hash && stored.Value.Verdict == ReviewApproved {
			who = append(who, Mention(stored.Value.Reviewer))
		}
	}
	return who, nil
}

// Tickets shows a person what is theirs in one campaign, or in all when id is
// blank.
func (g *Engine) Tickets(ctx context.Context, id string, p Person) (Message, error) {
	views, err := g.TasksOf(ctx, p)
	if err != nil {
		return Message{}, err
	}
	zone := g.opts.Zone
	if u, err := g.opts.Directory.ByID(ctx, p); err == nil {
		zone = cmp.Or(u.Zone, zone)
	}
	data := MyTicketsData{LocalTime: LocalTime{Zone: zone, Now: g.opts.Clock.Now()}}
	var buttons []Button
	for _, v := range views {
		if id != "" && v.Campaign != id {
			continue
		}
		if id != "" {
			data.Title = v.Title
		}
		if v.Task.Status.Finished() {
			data.Done++
			continue
		}
		if len(buttons) == 0 {
			buttons = taskButtons(v.Campaign, p, 0)
			buttons = slices.DeleteFunc(buttons, func(b Button) bool { return b.Action == "task.show_all" })
		}
		data.Tickets = append(data.Tickets, MyTicket{
			Campaign: v.Title, Name: v.Task.Name, Track: v.Task.Track, Status: v.Task.Status, Blocked: v.Task.Blocked, Due: v.Task.Due,
			Exposed: v.Task.Exposed, Ticket: TicketLink(v.Ticket), Accepted: Mention(v.Task.Accepted), Reason: v.Task.Reason, Given: v.Given,
		})
	}
	return g.answer("my_tickets", data, buttons...)
}

// deadLetter says that something could not be sent, with a button to try again.
func deadLetter(tx *transaction, e Effect, cause error) Message {
	data := DeadLetterData{
		LocalTime: LocalTime{Zone: tx.engine.opts.Zone, Now: tx.now}, What: effectWords(e.Kind), Why: PublicMessage(cause),
		Attempts: max(e.Attempts, 1), Since: e.CreatedAt, Unclear: KindOf(cause) == Uncertain,
	}
	if p, err := decodePayload[postPayload](e); err == nil && p.To != "" && p.To != toHelp {
		data.To = Mention(Person(p.To))
		if strings.HasPrefix(p.To, "C") || strings.HasPrefix(p.To, "G") {
			data.To = ChannelLink(ChannelRef{ID: p.To})
		}
	}
	if c, err := tx.campaign(); err == nil {
		data.Title, data.Zone = c.Title, c.Zone
	}
	m, err := tx.engine.answer("dead_letter", data, Button{Label: "Try again", Action: "effect.retry", Value: string(tx.scope) + "|" + e.ID, Style: Primary})
	if err != nil {
		tx.engine.opts.Log.WithError(err).Error("render dead letter")
		return say("%s could not be sent and waits: %s", data.What, data.Why)
	}
	m.Ephemeral = false
	return m
}

// effectWords names an effect for people.
func effectWords(k EffectKind) string {
	switch k {
	case EffectTicket:
		return "a ticket"
	case EffectTicketUpdate, EffectComment:
		return "a change to a ticket"
	case EffectFirstMessage:
		return "the first message to an owner"
	case EffectChannel, EffectDress:
		return "the help channel"
	case EffectPage:
		return "a page to those on call"
	case EffectMessage, EffectEdit, EffectReply:
	}
	return "a message"
}

// secondPersonMessage asks the command channel for somebody who agrees.
func secondPersonMessage(tx *transaction, h Hold) Message {
	data := SecondPersonData{
		LocalTime: LocalTime{Zone: tx.engine.opts.Zone, Now: tx.now}, By: Mention(h.By), What: words(h.Kind), Why: tx.request.Reason,
		Size: h.Size, Of: "tickets, tasks or messages", Limit: tx.engine.opts.Brakes.SecondPersonAbove, Effect: h.Preview,
	}
	if c, err := tx.campaign(); err == nil {
		data.Title, data.Zone = c.Title, c.Zone
	}
	value := string(tx.scope) + "|" + h.ID
	sure := fmt.Sprintf("%s: it goes ahead at once and cannot be undone.", strings.Trim(clip(data.Title, 100)+", "+data.What, ", "))
	m, err := tx.engine.answer("second_person", data,
		Button{Label: "Agree", Action: "request.decide", Value: value + "|yes", Style: Primary, Confirm: sure},
		Button{Label: "Decline", Action: "request.decide", Value: value + "|no"})
	if err != nil {
		tx.engine.opts.Log.WithError(err).Error("render request for a second person")
		return say("%s asks for a second person: %s", Mention(h.By), h.Preview)
	}
	m.Ephemeral = false
	return m
}

// earliest returns the earlier of two times that are set.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

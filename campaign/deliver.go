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

// decodePayload reads an effect's payload.
func decodePayload[T any](e Effect) (T, error) {
	var p T
	if err := json.Unmarshal(e.Payload, &p); err != nil {
		return p, fmt.Errorf("decode payload of effect %s: %w", e.ID, err)
	}
	return p, nil
}

// postMessage posts what was planned, as it stands.
func (g *Engine) postMessage(ctx context.Context, scope Scope, e Effect) (any, error) {
	p, err := decodePayload[postPayload](e)
	if err != nil {
		return nil, err
	}
	if err := g.ticketsFirst(ctx, scope, p.After); err != nil {
		return nil, err
	}
	if p.To, err = g.channelOf(ctx, scope, p.To); err != nil {
		return nil, err
	}
	if strings.Contains(p.Message.Text, timeMark) {
		c, err := g.Campaign(ctx, string(scope))
		if err != nil {
			return nil, err
		}
		p.Message.Text = settle(p.Message.Text, p.Zone, g.opts.Clock.Now(), c)
	}
	ref, err := g.opts.Messenger.Post(ctx, Post{Key: e.ID, To: p.To, Thread: p.Thread, Message: p.Message, Lane: e.Lane})
	return ref, err
}

// ticketsFirst holds a message back whose tickets are not all there: the
// heartbeat may have given it its due entry too early.
func (g *Engine) ticketsFirst(ctx context.Context, scope Scope, ids []string) error {
	for _, id := range slices.Backward(ids) {
		t, _, err := Load[Ticket](ctx, g.opts.Store, scope, KindTicket, id)
		if err != nil {
			return err
		}
		if t.Ref.ID == "" {
			return &Error{Kind: Unavailable, Message: "Its tickets are still being filed.", RetryAfter: time.Minute}
		}
	}
	return nil
}

// findMessage looks for what an earlier attempt may have posted.
func (g *Engine) findMessage(ctx context.Context, scope Scope, e Effect) (any, error) {
	p, err := decodePayload[postPayload](e)
	if err != nil {
		return nil, err
	}
	if p.To, err = g.channelOf(ctx, scope, p.To); err != nil {
		return nil, err
	}
	since, err := g.mayStandSince(ctx, e)
	if err != nil {
		return nil, err
	}
	ref, err := g.opts.Messenger.Find(ctx, p.To, p.Thread, e.ID, since.Add(-time.Minute))
	return ref, err
}

// toHelp addresses the campaign's help channel, which may still be being made
// when a message for it is planned.
const toHelp = "#help"

// channelOf turns a symbolic address into a Slack ID.
func (g *Engine) channelOf(ctx context.Context, scope Scope, to string) (string, error) {
	if to != toHelp {
		return to, nil
	}
	c, err := g.Campaign(ctx, string(scope))
	if err != nil {
		return "", err
	}
	if c.HelpRef.ID == "" {
		return "", &Error{Kind: Unavailable, Message: "The help channel is being made.", RetryAfter: time.Second}
	}
	return c.HelpRef.ID, nil
}

// remember keeps where a message went, for those that are edited or threaded
// later.
func remember(tx *transaction, e Effect) error {
	p, err := decodePayload[postPayload](e)
	if err != nil {
		return err
	}
	var ref MessageRef
	if err := json.Unmarshal(e.Result, &ref); err != nil {
		return fmt.Errorf("decode result of effect %s: %w", e.ID, err)
	}
	tx.countWave(p.Wave, waveSent, 1)
	sort, id := subjectParts(p.Remember)
	switch sort {
	case "":
		return nil
	case "contact":
		if err := amend(tx, KindContact, id, func(c *Contact) { c.Message, c.FirstAt = ref, tx.now }); err != nil {
			return err
		}
		return tx.refreshLate(EffectEdit, p.Remember)
	case "question":
		return amend(tx, KindQuestion, id, func(q *Question) { q.Reply = ref })
	case "revision":
		return amend(tx, KindRevision, id, func(r *Revision) { r.Thread = ref })
	case "snapshot":
		return nil
	case "wave":
		if err := amend(tx, KindWave, id, func(w *Wave) { w.Progress = ref }); err != nil {
			return err
		}
		return tx.refreshLate(EffectEdit, p.Remember)
	case "welcome":
		return tx.pinned(ref)
	}
	return fmt.Errorf("effect %s remembers unknown %q", e.ID, p.Remember)
}

// amend changes a record of the step's scope; one that is gone stays gone.
func amend[T any](tx *transaction, kind RecordKind, id string, change func(*T)) error {
	value, found, err := find[T](tx, kind, id)
	if err != nil || !found {
		return err
	}
	change(&value)
	return save(tx, kind, id, value)
}

// reply answers a command or a button: at its response URL while that serves,
// else by a direct message. Of what was said at the URL nothing can be read back,
// so that a reply is tried again at once; the message of an earlier attempt is
// looked for here.
func (g *Engine) reply(ctx context.Context, _ Scope, e Effect) (any, error) {
	p, err := decodePayload[replyPayload](e)
	if err != nil {
		return nil, err
	}
	if p.URL != "" && g.opts.Clock.Now().Sub(e.CreatedAt) < responseURLServes {
		err := g.opts.Messenger.Respond(ctx, p.URL, p.Message)
		if KindOf(err) != NotFound || err == nil || p.To == "" {
			return nil, err
		}
	}
	if p.To == "" {
		return nil, nil
	}
	if p.URL != "" || e.Attempts > 0 {
		ref, err := g.opts.Messenger.Find(ctx, p.To, "", e.ID, e.CreatedAt.Add(-time.Minute))
		switch kind := KindOf(err); {
		case err == nil, kind == Unavailable, kind == Uncertain, kind == Internal:
			return ref, err
		} // where Slack does not let us look it is said rather twice than never
	}
	ref, err := g.opts.Messenger.Post(ctx, Post{Key: e.ID, To: p.To, Message: p.Message, Lane: e.Lane})
	return ref, err
}

// ensureTicket files a ticket under its key. What is filed is what was approved,
// to the letter, or nothing.
func (g *Engine) ensureTicket(ctx context.Context, scope Scope, e Effect) (any, error) {
	t, draft, err := g.ticketDraft(ctx, scope, e.Subject)
	if err != nil {
		return nil, err
	}
	if t.Ref.ID != "" {
		return t.Ref, nil
	}
	if err := asApproved(t, draft); err != nil {
		return nil, err
	}
	ref, err := g.opts.Tracker.Ensure(ctx, t.ID, draft)
	return ref, err
}

// findTicket looks for what an earlier attempt may have filed, by its key alone: the
// ticket may have been given to others since, and then be looked for elsewhere.
func (g *Engine) findTicket(ctx context.Context, _ Scope, e Effect) (any, error) {
	ref, err := g.opts.Tracker.Find(ctx, e.Subject)
	return ref, err
}

// asApproved refuses a draft whose text is not the approved one.
func asApproved(t Ticket, draft TicketDraft) error {
	if textHash(draft.Title, draft.Body) != t.TextHash {
		return Refuse(Invalid, "The ticket's text is not the approved one any more, so it was not filed. `/campaign approve` approves it as it stands now.")
	}
	return nil
}

func ticketFiled(tx *transaction, e Effect) error {
	var ref TicketRef
	if err := json.Unmarshal(e.Result, &ref); err != nil {
		return fmt.Errorf("decode result of effect %s: %w", e.ID, err)
	}
	t, err := load[Ticket](tx, KindTicket, e.Subject)
	if err != nil || t.Ref.ID != "" {
		return err
	}
	t.Ref, t.Tracked = ref, Tracked{Status: TicketOpen, Wrote: true}
	if t.Status == TicketPlanned {
		t.Status = TicketOpen
	}
	if t.Begun {
		t.Begun = false
		if err := tx.refresh(EffectTicketUpdate, t.ID); err != nil {
			return err
		}
	}
	tx.count(counterFiled, 1)
	tx.countWave(t.Wave, waveFiled, 1)
	if err := save(tx, KindTicket, t.ID, t); err != nil {
		return err
	}
	tx.filedFor[t.Contact] = true
	return nil
}

const counterFiled = "tickets_filed"

// commentPayload is a comment on a ticket.
type commentPayload struct {
	Text string `json:"text"`
}

func (g *Engine) commentTicket(ctx context.Context, scope Scope, e Effect) (any, error) {
	p, err := decodePayload[commentPayload](e)
	if err != nil {
		return nil, err
	}
	t, _, err := Load[Ticket](ctx, g.opts.Store, scope, KindTicket, e.Subject)
	if err != nil {
		return nil, err
	}
	if t.Ref.ID == "" {
		return nil, g.notThere(ctx, scope)
	}
	if t.Tracked.Lost {
		return nil, nil // the command channel knows
	}
	return nil, g.opts.Tracker.Comment(ctx, t.Ref, e.ID, p.Text)
}

// edit brings a message that shows numbers up to date.
func (g *Engine) edit(ctx context.Context, scope Scope, e Effect) (any, error) {
	sort, id := subjectParts(e.Subject)
	switch sort {
	case "contact":
		return nil, g.editContact(ctx, scope, id)
	case "wave":
		return nil, g.editWave(ctx, scope, id)
	}
	return nil, fmt.Errorf("effect %s edits unknown %q", e.ID, e.Subject)
}

func (g *Engine) editContact(ctx context.Context, scope Scope, person string) error {
	c, _, err := Load[Contact](ctx, g.opts.Store, scope, KindContact, person)
	if err != nil || c.Message.TS == "" {
		return err
	}
	campaign, err := g.Campaign(ctx, string(scope))
	if err != nil {
		return err
	}
	if campaign.MergedInto != "" {
		return g.editMerged(ctx, campaign, c)
	}
	m, err := g.contactMessage(ctx, campaign, c)
	if err != nil {
		return err
	}
	return g.opts.Messenger.Edit(ctx, c.Message, m)
}

// pinned lets a message with instructions be pinned in place of the one before.
func (tx *transaction) pinned(ref MessageRef) error {
	c, err := tx.campaign()
	if err != nil {
		return err
	}
	before := c.Pinned
	if c.Pinned = ref; before == ref {
		before = MessageRef{}
	}
	if err := save(tx, KindCampaign, self, c); err != nil {
		return err
	}
	return tx.effect(Effect{ID: opaqueID(string(tx.scope), "dress", ref.TS), Kind: EffectDress, Lane: Interactive}, Dress{Pin: ref, Unpin: before})
}

// editMerged says in a message of a campaign that was merged where its work goes
// on, unless the message itself goes on there.
func (g *Engine) editMerged(ctx context.Context, c Campaign, contact Contact) error {
	over, _, err := Load[Contact](ctx, g.opts.Store, Scope(c.MergedInto), KindContact, string(contact.Person))
	if err != nil && KindOf(err) != NotFound || over.Message == contact.Message {
		return err
	}
	i, err := g.Campaign(ctx, c.MergedInto)
	if err != nil {
		return err
	}
	m := say("*%s was merged into %s.* What you did counts there, and nobody asks you for it again: your message of %s shows what is yours.", c.Title, i.Title, i.Title)
	m.Ephemeral = false
	return g.opts.Messenger.Edit(ctx, contact.Message, m)
}

// contactMessage is a contact's first message with the numbers of now in its
// headline. The approved words below stay.
func (g *Engine) contactMessage(ctx context.Context, c Campaign, contact Contact) (Message, error) {
	tasks, err := g.tasksOf(ctx, Scope(c.ID), contact)
	if err != nil {
		return Message{}, err
	}
	now := g.opts.Clock.Now()
	data := ProgressData{LocalTime: LocalTime{Zone: contact.Zone, Now: now}, Title: c.Title, Verb: "Done"}
	countTargets(&data, tasks)
	for _, t := range tasks {
		if !t.Status.Actionable() {
			continue
		}
		if data.Due.IsZero() || t.Due.Before(data.Due) {
			data.Due = t.Due
			if track, ok := c.Track(t.Track); ok {
				data.Verb = track.Ask()
			}
		}
		data.Accepted = cmp.Or(data.Accepted, Mention(t.Accepted))
	}
	headline, err := g.opts.Renderer.Render(nil, "progress", data)
	if err != nil {
		return Message{}, err
	}
	text := settle(contact.Text, contact.Zone, now, c)
	return Message{Text: WithHeadline(text, strings.TrimSpace(headline)), Buttons: taskButtons(c.ID, contact.Person, data.Count)}, nil
}

// countTargets counts targets, not tasks: a target is done when nothing is asked
// of it on any track, and as far as its least finished task otherwise.
func countTargets(data *ProgressData, tasks []Task) {
	type standing struct{ left, claimed, unknown, blocked bool }
	targets := map[string]standing{}
	for _, t := range tasks {
		s := targets[t.Target]
		s.left = s.left || t.Status.Actionable()
		s.claimed = s.claimed || t.Status == TaskClaimed
		s.unknown = s.unknown || t.Status == TaskUnknown
		s.blocked = s.blocked || t.Blocked != ""
		targets[t.Target] = s
	}
	data.Count = len(targets)
	for _, s := range targets {
		switch {
		case s.left:
		case s.unknown:
			data.Unknown++
		case s.claimed:
			data.Claimed++
		default:
			data.Done++
		}
		if s.blocked {
			data.Blocked++
		}
	}
}

// maxButtonValue is what Slack takes as the value of a button, in characters.
const maxButtonValue = 2000

// taskButtons are the ways to answer a message that asks for work: for all that a
// contact has, or for what only this message is about.
func taskButtons(id string, contact Person, n int, only ...string) []Button {
	all := id + "|" + contactSubject(string(contact))
	value, show := all, fmt.Sprintf("Show all %d", n)
	if some := id + "|" + strings.Join(only, ","); len(only) > 0 && len(some) <= maxButtonValue {
		value, show = some, "Show all of mine"
	}
	return []Button{
		{Label: "On it", Action: "task.on_it", Value: value, Style: Primary},
		{Label: show, Action: "task.show_all", Value: all},
		{Label: "Done", Action: "task.done", Value: value},
		{Label: "Not ours", Action: "task.not_ours", Value: value},
		{Label: "Blocked", Action: "task.blocked", Value: value},
		{Label: "I saw something odd", Action: "odd.report", Value: value},
	}
}

// channelPayload is a channel to be made.
type channelPayload struct {
	Name    string `json:"name"`
	Private bool   `json:"private,omitempty"`
}

func (g *Engine) ensureChannel(ctx context.Context, _ Scope, e Effect) (any, error) {
	p, err := decodePayload[channelPayload](e)
	if err != nil {
		return nil, err
	}
	ref, err := g.opts.Channels.EnsureChannel(ctx, p.Name, p.Private)
	return ref, err
}

func (g *Engine) dress(ctx context.Context, scope Scope, e Effect) (any, error) {
	d, err := decodePayload[Dress](e)
	if err != nil {
		return nil, err
	}
	c, err := g.Campaign(ctx, string(scope))
	if err != nil || c.HelpRef.ID == "" {
		return nil, err
	}
	topic, err := g.helpTopic(c)
	if err != nil {
		return nil, err
	}
	d.Topic = topic
	if err := g.opts.Channels.Dress(ctx, c.HelpRef.ID, d); err != nil {
		return nil, err
	}
	return nil, g.staff(ctx, c)
}

// maxStaff is how many helpers are brought into a help channel at once.
const maxStaff = 30

// staff brings the help desk and those who command into the help channel.
func (g *Engine) staff(ctx context.Context, c Campaign) error {
	helpers, err := g.opts.Roles.Members(ctx, Helper)
	if err != nil {
		return err
	}
	var users []string
	for _, p := range append([]Person{c.Commander, c.Deputy}, helpers[:min(len(helpers), maxStaff)]...) {
		if p != "" && !slices.Contains(users, p.User()) {
			users = append(users, p.User())
		}
	}
	return g.opts.Channels.Invite(ctx, c.HelpRef.ID, users)
}

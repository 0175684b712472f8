package campaign

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Ask is something that a named person is asked for: a waiver, people, a
// decision. It stands in the executives' digest until it is answered.
type Ask struct {
	ID         string    `json:"id"`
	To         Person    `json:"to"`
	By         Person    `json:"by"`
	Text       string    `json:"text"`
	Due        time.Time `json:"due,omitzero"`
	Status     AskStatus `json:"status"`
	CallMe     bool      `json:"call_me,omitempty"` // they would rather talk first
	AskedAt    time.Time `json:"asked_at"`
	AnsweredAt time.Time `json:"answered_at,omitzero"`
}

// AskStatus is what became of an ask.
type AskStatus string

// The states of an ask. An answer is final: what is asked again is a new ask. What
// has none when the campaign ends is withdrawn.
const (
	AskOpen      AskStatus = "open"
	AskGranted   AskStatus = "granted"
	AskDeclined  AskStatus = "declined"
	AskWithdrawn AskStatus = "withdrawn"
)

// openAsks returns the asks without an answer, the oldest first.
func openAsks(ctx context.Context, r Reader, scope Scope) ([]Ask, error) {
	var open []Ask
	for a, err := range LoadAll[Ask](ctx, r, scope, KindAsk) {
		if err != nil {
			return nil, fmt.Errorf("read asks: %w", err)
		}
		if a.Value.Status == AskOpen {
			open = append(open, a.Value)
		}
	}
	return open, nil
}

// maxOpenAsks keeps the executives' attention for what matters.
const maxOpenAsks = 20

// maxAskText is what fits into a phone's screen.
const maxAskText = 300

// buttons are the ways to answer; who distinguishes them where several people
// are asked in one message.
func (a Ask) buttons(campaignID, who string) []Button {
	value := buttonValue(campaignID, a.ID)
	return []Button{
		{Label: "Grant" + who, Action: "ask.grant", Value: value, Style: Primary},
		{Label: "Call me" + who, Action: "ask.call", Value: value},
		{Label: "Decline" + who, Action: "ask.decline", Value: value},
	}
}

// SendAsk asks a named person for one thing, by direct message. It stands in the
// executives' digests until that person answers.
func (g *Engine) SendAsk(ctx context.Context, r Request, id string, to Person, text string, due time.Time) (Message, error) {
	text = strings.Join(strings.Fields(text), " ")
	switch {
	case to == "" || text == "":
		return Message{}, Refuse(Invalid, "An ask needs a person and what you need of them: `/campaign ask @dana waive the freeze for six services by 20:00`. Nothing was sent.")
	case utf8.RuneCountInString(text) > maxAskText:
		return Message{}, Refuse(Invalid, fmt.Sprintf("That is longer than %d characters, and it will be read on a phone. Nothing was sent; say it shorter.", maxAskText))
	case !due.IsZero() && due.Before(g.opts.Clock.Now()):
		return Message{}, Refuse(Invalid, "That time has passed. Nothing was sent. Give one in the future.")
	}
	c, err := g.Campaign(ctx, id)
	if err != nil {
		return Message{}, err
	}
	open, err := openAsks(ctx, g.opts.Store, Scope(id))
	if err != nil {
		return Message{}, err
	}
	if len(open) >= maxOpenAsks {
		return Message{}, Refuse(Conflict, fmt.Sprintf("%d asks are open already. Nothing was sent; wait for answers first.", len(open)))
	}
	snapshot, err := g.measure(ctx, id)
	if err != nil {
		return Message{}, err
	}
	reading, err := g.read(ctx, c, snapshot, "")
	if err != nil {
		return Message{}, err
	}
	err = g.atomically(ctx, Scope(id), r, func(tx *transaction) error {
		return tx.sendAsk(Ask{To: to, By: r.Actor, Text: text, Due: Stamp(due), Status: AskOpen}, reading)
	})
	stands := "It stands in the executives' digest until it is answered."
	if !c.Status.digests() {
		stands = "Executives get no digest of a campaign that is " + words(c.Status) + "; from the launch on it stands there until it is answered."
	}
	return say("%s is asked, by direct message. %s", Mention(to), stands), err
}

func (tx *transaction) sendAsk(a Ask, r reading) error {
	c, err := tx.steered("ask for something in the campaign's name")
	if err != nil {
		return err
	}
	if err := c.over(); err != nil {
		return err
	}
	if !c.Status.digests() && c.Status != Approved && c.Status != InReview && c.Status != Draft {
		return Refuse(Conflict, "The campaign is "+words(c.Status)+". Nothing was sent.")
	}
	c.Asks++
	// A store that lost its last second gives a number again: the request tells two
	// asks of one number apart, and their messages and buttons with them.
	a.ID, a.AskedAt = fmt.Sprintf("%04d-%.6s", c.Asks, opaqueID(string(tx.scope), "ask", tx.request.Key)), tx.now
	m, err := tx.engine.tell("ask", AskData{
		LocalTime: tx.engine.viewer(tx.ctx, c, a.To), Title: c.Title, From: Mention(a.By), What: a.Text, Due: a.Due, Standing: r.standing(),
	}, a.buttons(c.ID, "")...)
	if err != nil {
		return err
	}
	if err := tx.post("ask/"+a.ID, Interactive, postPayload{To: a.To.User(), Message: m}); err != nil {
		return err
	}
	if err := tx.audit("ask.send", "ask/"+a.ID, "", string(AskOpen), a.Text); err != nil {
		return err
	}
	if err := save(tx, KindAsk, a.ID, a); err != nil {
		return err
	}
	return save(tx, KindCampaign, self, c)
}

// AnswerAsk grants or declines an ask. Only the person who was asked can, and
// the answer is final.
func (g *Engine) AnswerAsk(ctx context.Context, r Request, id, ask string, granted bool) (Message, error) {
	to := AskDeclined
	if granted {
		to = AskGranted
	}
	var a Ask
	err := g.atomically(ctx, Scope(id), r, func(tx *transaction) error {
		c, err := tx.askOf(ask, &a)
		if err != nil {
			return err
		}
		a.Status, a.AnsweredAt = to, tx.now
		if err := tx.audit("ask."+string(to), "ask/"+a.ID, string(AskOpen), string(to), r.Reason); err != nil {
			return err
		}
		m, err := tx.engine.tell("ask", AskData{
			LocalTime: tx.engine.viewer(tx.ctx, c, ""), Title: c.Title, What: a.Text, Answer: string(to), Answered: tx.now,
		})
		if err != nil {
			return err
		}
		m.Text += "\nAnswered by " + string(Mention(a.To)) + "."
		if err := tx.tellCommand("ask/"+a.ID+"/answer", m); err != nil {
			return err
		}
		return save(tx, KindAsk, a.ID, a)
	})
	return say("Thank you. The commander is told that it is %s.", string(to)), err
}

// CallAboutAsk tells the commander that the person who was asked wants to talk
// first. The ask stays open.
func (g *Engine) CallAboutAsk(ctx context.Context, r Request, id, ask string) (Message, error) {
	var a Ask
	err := g.atomically(ctx, Scope(id), r, func(tx *transaction) error {
		c, err := tx.askOf(ask, &a)
		if err != nil {
			return err
		}
		if a.CallMe {
			return nil
		}
		a.CallMe = true
		if err := tx.audit("ask.call", "ask/"+a.ID, string(AskOpen), string(AskOpen), ""); err != nil {
			return err
		}
		text := fmt.Sprintf("*%s: %s wants to talk first.* %s asked: %s\nPlease call %s. It stays open until it is granted or declined.", Escape(c.Title), Mention(a.To), Mention(a.By), Escape(a.Text), Mention(a.To))
		if err := tx.tellCommand("ask/"+a.ID+"/call", Message{Text: text}); err != nil {
			return err
		}
		return save(tx, KindAsk, a.ID, a)
	})
	return say("The commander is asked to call you. The question stays open until you grant or decline it."), err
}

// askOf loads an open ask for exactly the person who was asked.
func (tx *transaction) askOf(id string, a *Ask) (Campaign, error) {
	c, err := tx.campaign()
	if err != nil {
		return c, err
	}
	found, ok, err := find[Ask](tx, KindAsk, id)
	switch {
	case err != nil:
		return c, err
	case !ok:
		return c, Refuse(NotFound, "There is no such question to you. Nothing was changed.")
	case found.To != tx.request.Actor:
		return c, Refuse(Forbidden, fmt.Sprintf("Only %s can answer this. Nothing was changed.", Mention(found.To)))
	case found.Status == AskWithdrawn || c.over() != nil:
		return c, Refuse(Conflict, string(Escape(c.Title))+" has ended, and this is not needed from you any more. Nothing was changed.")
	case found.Status != AskOpen:
		return c, Refuse(Conflict, "This was "+string(found.Status)+" already. Nothing was changed.")
	}
	*a = found
	return c, nil
}

// withdrawAsks takes back what is still asked in the name of a campaign that ends.
// Who was asked is told, and so is the command channel; into is the campaign that
// takes over, if any.
func (tx *transaction) withdrawAsks(c Campaign, into string) error {
	open, err := openAsks(tx.ctx, tx.engine.opts.Store, tx.scope)
	if err != nil {
		return err
	}
	var lines []string
	for _, a := range open {
		if a, err = load[Ask](tx, KindAsk, a.ID); err != nil {
			return err
		}
		if a.Status != AskOpen { // answered just now
			continue
		}
		a.Status = AskWithdrawn
		if err := tx.audit("ask.withdraw", "ask/"+a.ID, string(AskOpen), string(AskWithdrawn), "the campaign ended"); err != nil {
			return err
		}
		if err := save(tx, KindAsk, a.ID, a); err != nil {
			return err
		}
		m := Message{Text: fmt.Sprintf("*%s has ended: nothing is needed from you any more.* You were asked: %s", Escape(c.Title), Escape(a.Text))}
		if err := tx.post("ask/"+a.ID+"/withdrawn", Bulk, postPayload{To: a.To.User(), Message: m}); err != nil {
			return err
		}
		lines = append(lines, fmt.Sprintf("• %s: %s", Mention(a.To), Escape(a.Text)))
	}
	if len(lines) == 0 {
		return nil
	}
	text := fmt.Sprintf("*%s: withdrawn without an answer, with the campaign*\n%s", Escape(c.Title), strings.Join(lines, "\n"))
	if into != "" {
		text += fmt.Sprintf("\nWhat you still need: `/campaign ask %s @person …`", into)
	}
	return tx.tellCommand("asks/withdrawn", Message{Text: text})
}

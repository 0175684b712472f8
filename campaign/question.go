package campaign

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Question is something that a person asked in a help channel, from asked to
// answered. "I saw something odd" is a button of its own and never becomes one.
type Question struct {
	ID      string         `json:"id"`
	Number  int            `json:"number"` // within the campaign, for people
	Status  QuestionStatus `json:"status"`
	Channel string         `json:"channel"`
	TS      string         `json:"ts"` // of the message that asked, and of its thread
	Asker   Person         `json:"asker"`
	Text    string         `json:"text"` // as it was typed, cut at 3,000 bytes
	AskedAt time.Time      `json:"asked_at"`
	// Reply is our own one in the thread, with the buttons.
	Reply MessageRef `json:"reply,omitzero"`
	// Suggestion is the newest reply of a helper.
	Suggestion  string    `json:"suggestion,omitempty"`
	RepliedBy   Person    `json:"replied_by,omitempty"` // who replied first
	RepliedAt   time.Time `json:"replied_at,omitzero"`
	EscalatedBy Person    `json:"escalated_by,omitempty"`
	EscalatedAt time.Time `json:"escalated_at,omitzero"`
	AnsweredBy  Person    `json:"answered_by,omitempty"`
	AnsweredAt  time.Time `json:"answered_at,omitzero"`
}

// QuestionAsked is a top-level message of a person in a channel. Text is as the
// event has it, with Slack's tokens and escapes.
type QuestionAsked struct {
	Channel string
	TS      string
	Text    string
}

// The buttons of a question. Their value is campaign|question.
const (
	actionQuestionAnswered = "question.answered"
	actionQuestionEscalate = "question.escalate"
)

const (
	maxQuestion = 3000 // bytes of a question, or of a reply, that are kept
	maxHelpers  = 10   // helpers who are told of one question

	indexQuestionOpen   = "question_open" // by the time asked
	counterQuestion     = "question|"     // by status
	counterQuestionWait = "question_wait|"
)

// AskQuestion records a message in a help channel as a question and answers in
// its thread. The same message again changes nothing; nor does a message in any
// other channel, or in that of a campaign that is over.
func (g *Engine) AskQuestion(ctx context.Context, r Request, q QuestionAsked) error {
	id, err := g.helpedBy(ctx, q.Channel)
	if err != nil || id == "" || strings.TrimSpace(q.Text) == "" {
		return err
	}
	text := clip(Typed(q.Text, AsProse, Names(ctx, g.opts.Directory, r.Actor)), maxQuestion)
	return g.atomically(ctx, Scope(id), r, func(tx *transaction) error {
		questionID := opaqueID(id, "question", q.Channel, q.TS)
		_, found, err := find[Question](tx, KindQuestion, questionID)
		if err != nil || found {
			return err
		}
		c, err := load[Campaign](tx, KindCampaign, self)
		if err != nil {
			return err
		}
		c.Questions, c.AskedAt = c.Questions+1, tx.now
		question := Question{
			ID: questionID, Number: c.Questions, Status: QuestionOpen, Channel: q.Channel, TS: q.TS,
			Asker: tx.request.Actor, Text: text, AskedAt: tx.now,
		}
		if err := tx.audit("question.ask", question.subject(), "", string(question.Status), ""); err != nil {
			return err
		}
		tx.count(counterQuestion+string(question.Status), 1)
		tx.index(question.openIndex(false))
		if err := tx.takeQuestion(c, question); err != nil {
			return err
		}
		if err := save(tx, KindQuestion, questionID, question); err != nil {
			return err
		}
		return save(tx, KindCampaign, self, c)
	})
}

// helpedBy returns the campaign whose help channel this is; "" for none.
func (g *Engine) helpedBy(ctx context.Context, channel string) (string, error) {
	if channel == "" {
		return "", nil
	}
	scopes, err := g.opts.Store.Scopes(ctx)
	if err != nil {
		return "", err
	}
	for _, scope := range scopes {
		c, _, err := Load[Campaign](ctx, g.opts.Store, scope, KindCampaign, self)
		switch {
		case KindOf(err) == NotFound && err != nil:
			continue
		case err != nil:
			return "", err
		case c.HelpRef.ID == channel && c.Status != Closed && c.Status != Cancelled:
			return c.ID, nil
		}
	}
	return "", nil
}

// takeQuestion answers in the thread: the number, who helps, and the two buttons.
func (tx *transaction) takeQuestion(c Campaign, q Question) error {
	g := tx.engine
	helpers, err := g.helpers(tx.ctx)
	if err != nil {
		return err
	}
	data := QuestionTakenData{LocalTime: g.viewer(tx.ctx, c, q.Asker), Number: q.Number}
	for _, p := range helpers {
		data.Helpers = append(data.Helpers, Escape(g.nameOf(tx.ctx, p))) // by name: each question would ring them all
	}
	m, err := g.speak("question_taken", data)
	if err != nil {
		return err
	}
	m.Buttons = []Button{
		{Label: "Answered", Action: actionQuestionAnswered, Value: buttonValue(c.ID, q.ID), Style: Primary},
		{Label: "Needs a person", Action: actionQuestionEscalate, Value: buttonValue(c.ID, q.ID)},
	}
	return tx.post(q.subject(), Interactive, postPayload{To: q.Channel, Thread: q.TS, Message: m, Remember: q.subject()})
}

// helpers returns the people who answer questions.
func (g *Engine) helpers(ctx context.Context) ([]Person, error) {
	people, err := g.opts.Roles.Members(ctx, Helper)
	return people[:min(len(people), maxHelpers)], err
}

// FollowThread takes note of a reply in a question's thread: the first one by a
// helper stops the asker's waiting. A thank-you of the asker closes nothing; the
// buttons do. Threads that are no question are none of its business.
func (g *Engine) FollowThread(ctx context.Context, r Request, channel, threadTS, text string) error {
	id, err := g.helpedBy(ctx, channel)
	if err != nil || id == "" {
		return err
	}
	question := opaqueID(id, "question", channel, threadTS)
	if _, _, err := Load[Question](ctx, g.opts.Store, Scope(id), KindQuestion, question); err != nil {
		if KindOf(err) == NotFound {
			return nil
		}
		return err
	}
	text = Typed(text, AsProse, Names(ctx, g.opts.Directory, r.Actor))
	return g.atomically(ctx, Scope(id), r, func(tx *transaction) error {
		c, q, err := tx.question(question)
		if err != nil {
			return err
		}
		helps, err := tx.helps(c)
		if err != nil || !helps || q.Asker == tx.request.Actor || q.Status == QuestionAnswered {
			return err
		}
		return tx.changeQuestion(q, "question.reply", func(q *Question) error { return q.replied(tx.request.Actor, text, tx.now) })
	})
}

// Suggest posts a helper's answer in the question's thread. Whether it answered
// the question, the asker says.
func (g *Engine) Suggest(ctx context.Context, r Request, id, question, text string) (Message, error) {
	if strings.TrimSpace(text) == "" {
		return Message{}, Refuse(Invalid, "The answer has no words. Nothing was posted.")
	}
	err := g.atomically(ctx, Scope(id), r, func(tx *transaction) error {
		c, q, err := tx.openQuestion(question)
		if err != nil {
			return err
		}
		helps, err := tx.helps(c)
		if err != nil {
			return err
		}
		if !helps {
			return Refuse(Forbidden, "Only helpers suggest answers here. Nothing was posted; answer in the thread.")
		}
		m := Message{Text: string(Mention(tx.request.Actor)) + ": " + string(Escape(clip(text, maxQuestion)))}
		if err := tx.post(q.subject()+"/suggest/"+timeKey(tx.now), Interactive, postPayload{To: q.Channel, Thread: q.TS, Message: m}); err != nil {
			return err
		}
		return tx.changeQuestion(q, "question.suggest", func(q *Question) error { return q.replied(tx.request.Actor, text, tx.now) })
	})
	return Message{Text: "Posted in the thread.", Ephemeral: true}, err
}

// Answer closes a question: its asker, a helper or the commander says so.
func (g *Engine) Answer(ctx context.Context, r Request, id, question string) (Message, error) {
	err := g.atomically(ctx, Scope(id), r, func(tx *transaction) error {
		c, q, err := tx.openQuestion(question)
		if err != nil {
			return err
		}
		helps, err := tx.helps(c)
		if err != nil {
			return err
		}
		if !helps && q.Asker != tx.request.Actor {
			return Refuse(Forbidden, fmt.Sprintf("Only %s, who asked, or a helper can say that this is answered. It stays open.", Mention(q.Asker)))
		}
		if err := tx.endQuestionPage(c, q); err != nil {
			return err
		}
		return tx.changeQuestion(q, "question.answer", func(q *Question) error {
			q.AnsweredBy, q.AnsweredAt = tx.request.Actor, tx.now
			return moveQuestion(q, QuestionAnswered)
		})
	})
	if err != nil {
		return Message{}, err
	}
	q, _, err := Load[Question](ctx, g.opts.Store, Scope(id), KindQuestion, question)
	if err != nil {
		return Message{}, err
	}
	return g.speak("question_answered", QuestionAnsweredData{Number: q.Number, By: Mention(q.AnsweredBy), Took: q.AnsweredAt.Sub(q.AskedAt)})
}

// Escalate asks the helpers and the commander, by name, to answer a question.
// Whoever reads it may do so.
func (g *Engine) Escalate(ctx context.Context, r Request, id, question string) (Message, error) {
	err := g.atomically(ctx, Scope(id), r, func(tx *transaction) error {
		c, q, err := tx.openQuestion(question)
		if err != nil || q.Status == QuestionEscalated { // once is enough: they know
			return err
		}
		if err := tx.callHelpers(c, q); err != nil {
			return err
		}
		if err := tx.pageQuestion(c, q); err != nil {
			return err
		}
		return tx.changeQuestion(q, "question.escalate", func(q *Question) error {
			q.EscalatedBy, q.EscalatedAt = tx.request.Actor, tx.now
			return moveQuestion(q, QuestionEscalated)
		})
	})
	if err != nil {
		return Message{}, err
	}
	return Message{Text: "The helpers and the commander have been asked by name. They answer in this thread."}, nil
}

func (tx *transaction) callHelpers(c Campaign, q Question) error {
	g := tx.engine
	helpers, err := g.helpers(tx.ctx)
	if err != nil {
		return err
	}
	called := slices.DeleteFunc(append(helpers, c.Commander), func(p Person) bool { return p == q.Asker })
	slices.Sort(called)
	called = slices.Compact(called)
	data := QuestionEscalatedData{
		LocalTime: g.viewer(tx.ctx, c, ""), Title: c.Title, Number: q.Number, From: Mention(q.Asker), Text: q.Text,
		Asked: q.AskedAt, Waited: tx.now.Sub(q.AskedAt), To: Mentions(called), Thread: q.link(), Suggested: q.Suggestion,
	}
	tell := func(key, to string) error {
		m, err := g.speak("question_escalated", data)
		if err != nil {
			return err
		}
		m.Buttons = []Button{{Label: "Answered", Action: actionQuestionAnswered, Value: buttonValue(c.ID, q.ID), Style: Primary}}
		return tx.post(q.subject()+"/escalate/"+key, Interactive, postPayload{To: to, Message: m})
	}
	if err := tell("channel", g.bridge(c)); err != nil {
		return err
	}
	for _, p := range called {
		data.LocalTime = g.viewer(tx.ctx, c, p)
		if err := tell(string(p), p.User()); err != nil {
			return err
		}
	}
	return nil
}

// question loads a question and its campaign.
func (tx *transaction) question(id string) (Campaign, Question, error) {
	c, err := load[Campaign](tx, KindCampaign, self)
	if err != nil {
		return c, Question{}, err
	}
	q, err := load[Question](tx, KindQuestion, id)
	return c, q, err
}

// openQuestion is question for somebody who wants to change it.
func (tx *transaction) openQuestion(id string) (Campaign, Question, error) {
	c, q, err := tx.question(id)
	if err == nil && q.Status == QuestionAnswered {
		err = Refuse(Conflict, fmt.Sprintf("Question %d was answered, as %s said. Ask a new one if something is left.", q.Number, Mention(q.AnsweredBy)))
	}
	return c, q, err
}

// helps returns whether the actor answers questions of this campaign.
func (tx *transaction) helps(c Campaign) (bool, error) {
	steers, err := tx.engine.steers(tx.ctx, c, tx.request.Actor)
	if err != nil || steers {
		return steers, err
	}
	return tx.engine.opts.Roles.Has(tx.ctx, tx.request.Actor, Helper)
}

// changeQuestion stores, counts and audits what change makes of a question.
func (tx *transaction) changeQuestion(q Question, action string, change func(*Question) error) error {
	before := q
	if err := change(&q); err != nil {
		return err
	}
	tx.count(counterQuestion+string(before.Status), -1)
	tx.count(counterQuestion+string(q.Status), 1)
	if wait, ok := q.waited(); ok {
		if _, counted := before.waited(); !counted {
			tx.count(waitCounter(wait), 1)
		}
	}
	if q.Status == QuestionAnswered {
		tx.index(q.openIndex(true))
	}
	if err := tx.audit(action, q.subject(), string(before.Status), string(q.Status), ""); err != nil {
		return err
	}
	return save(tx, KindQuestion, q.ID, q)
}

// replied takes note of a helper's reply.
func (q *Question) replied(by Person, text string, now time.Time) error {
	q.Suggestion = clip(text, maxQuestion)
	if q.RepliedAt.IsZero() {
		q.RepliedBy, q.RepliedAt = by, now
	}
	if q.Status == QuestionOpen {
		return moveQuestion(q, QuestionSuggested)
	}
	return nil
}

func moveQuestion(q *Question, to QuestionStatus) error {
	return move(&q.Status, to, "question", fmt.Sprintf("Question %d is %s already. Nothing was changed.", q.Number, words(q.Status)))
}

// subject names a question as the thing that a message shows.
func (q Question) subject() string { return "question/" + q.ID }

func (q Question) openIndex(remove bool) IndexEntry {
	return IndexEntry{Name: indexQuestionOpen, Key: timeKey(q.AskedAt), ID: q.ID, Remove: remove}
}

// link leads to the question's thread.
func (q Question) link() Markup { return Link(q.address(), "the thread") }

func (q Question) address() string {
	team, _, _ := strings.Cut(string(q.Asker), "/")
	return "https://app.slack.com/client/" + team + "/" + q.Channel + "/thread/" + q.Channel + "-" + q.TS
}

// clip cuts a text to so many bytes, between characters, and shows that it did.
func clip(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit-len("…")], "") + "…"
}

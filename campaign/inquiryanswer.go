package campaign

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// InquiryAnswer is an owner's word on what they were asked about.
type InquiryAnswer struct {
	Running bool     // all of it runs here; else what Affected names
	Only    []string // target IDs: these run here, and the others do not
	How     string   // how they looked, or what they wait for
	Until   time.Time
	NotOurs bool

	by User // who says so; only for promises, of which they are reminded
}

// Inquiry returns a question to an owner, also where the campaign that asked it was
// merged into another.
func (g *Engine) Inquiry(ctx context.Context, id, inquiry string) (Inquiry, error) {
	_, q, err := g.inquiryNow(ctx, id, inquiry, nil)
	return q, err
}

// inquiryNow returns a question, and the campaign in which it is answered by now.
// only are targets as the form of then had them, which become those of now.
func (g *Engine) inquiryNow(ctx context.Context, id, inquiry string, only []string) (string, Inquiry, error) {
	for {
		q, _, err := Load[Inquiry](ctx, g.opts.Store, Scope(id), KindInquiry, inquiry)
		if err != nil || !q.Open() {
			return id, q, err
		}
		f, err := g.Campaign(ctx, id)
		if err != nil || f.MergedInto == "" {
			return id, q, err
		}
		i, err := g.Campaign(ctx, f.MergedInto)
		if err != nil {
			return id, q, err
		}
		if _, _, err := Load[Inquiry](ctx, g.opts.Store, Scope(i.ID), KindInquiry, inquiry); err != nil {
			if KindOf(err) == NotFound {
				err = Refuse(Conflict, fmt.Sprintf("%s is being merged into another campaign. Nothing was changed. Try again in a few minutes.", Escape(f.Title)))
			}
			return id, q, err
		}
		if len(only) > 0 {
			ids, err := g.targetIDs(ctx, f, i)
			if err != nil {
				return id, q, err
			}
			for n, target := range only {
				only[n] = cmp.Or(ids[target], target)
			}
		}
		id = i.ID
	}
}

// AnswerInquiry keeps what an owner says. That they run it opens the targets; that
// they do not settles them, in their name; that they will know by a time is kept
// and asked for then. Whoever was asked, members of the owner and those above it
// may answer, and the commander. A campaign that was merged is answered where its
// work goes on. It may be called again.
func (g *Engine) AnswerInquiry(ctx context.Context, r Request, id, inquiry string, a InquiryAnswer) (Message, error) {
	a.Only = slices.Clone(a.Only)
	id, q, err := g.inquiryNow(ctx, id, inquiry, a.Only)
	if err != nil {
		return Message{}, err
	}
	c, done, err := g.enter(ctx, r, id)
	if err != nil || done {
		return say("Noted. Thank you."), err
	}
	if err := g.mayAnswerFor(ctx, r.Actor, c, q); err != nil {
		return Message{}, err
	}
	a.How = strings.TrimSpace(a.How)
	switch {
	case !q.Open():
		return say("This was answered already. Nothing was changed. `/campaign attest` says more about services that nobody scans."), nil
	case a.NotOurs:
		return g.closeInquiry(ctx, r, id, q.ID, InquiryReturned, a, q.returned, "Noted: it is not yours. The security team finds out whose it is.")
	case !a.Until.IsZero():
		return g.promise(ctx, r, id, q.ID, a)
	case a.How == "":
		return Message{}, Refuse(Invalid, "Please say how you looked. Nothing was changed.")
	}
	running, others := a.split(q)
	if q.About == AboutUnscanned {
		if err := g.attestBoth(ctx, r, id, a, running, others); err != nil {
			return Message{}, err
		}
		return g.closeInquiry(ctx, r, id, q.ID, InquiryAnswered, a, nil, answered(running, others))
	}
	settle := func(tx *transaction) error { return tx.settleDoubt(q, a, running, others) }
	return g.closeInquiry(ctx, r, id, q.ID, InquiryAnswered, a, settle, answered(running, others))
}

// split returns the targets that run what is looked for, and the others.
func (a InquiryAnswer) split(q Inquiry) (running, others []string) {
	for _, target := range q.Targets {
		if a.Running && len(a.Only) == 0 || slices.Contains(a.Only, target) {
			running = append(running, target)
		} else {
			others = append(others, target)
		}
	}
	return running, others
}

func answered(running, others []string) string {
	switch {
	case len(others) == 0:
		return "Noted: " + count(len(running), "service") + " affected. What to do comes as a ticket. Thank you; your name stands beside it."
	case len(running) == 0:
		return "Noted: " + count(len(others), "service") + " not affected. Thank you; your name and how you looked stand beside it."
	}
	return fmt.Sprintf("Noted: %s affected, %d not. Thank you; your name and how you looked stand beside it.", count(len(running), "service"), len(others))
}

func (g *Engine) mayAnswerFor(ctx context.Context, p Person, c Campaign, q Inquiry) error {
	if c.Commands(p) {
		return nil
	}
	leads, err := g.rightsOf(ctx, p).leads(q.Owner)
	if err != nil || leads {
		return err
	}
	if p == q.Person { // as the contact, who may be of another team; unless they are that no more
		catalog, _, err := g.catalog(ctx)
		if err != nil {
			return err
		}
		if now, err := g.contactOf(ctx, catalog, q.Owner); err == nil && now.Person == p {
			return nil
		}
	}
	return Refuse(Forbidden, fmt.Sprintf("%s was asked, and you do not belong to it. Nothing was changed.", Escape(q.Team)))
}

// attestBoth attests what an owner says of services without a scan. What a scan
// settled meanwhile stays as it is.
func (g *Engine) attestBoth(ctx context.Context, r Request, id string, a InquiryAnswer, running, others []string) error {
	for verdict, targets := range map[bool][]string{true: running, false: others} {
		if len(targets) == 0 {
			continue
		}
		part := Request{Key: fmt.Sprintf("%s/%t", r.Key, verdict), Actor: r.Actor}
		_, err := g.Attest(ctx, part, id, Attestation{Targets: targets, Running: verdict, How: a.How})
		if err != nil && KindOf(err) != NotFound {
			return err
		}
	}
	return nil
}

// AttestAll is somebody's word on all unknown services of their teams: all run it,
// none does, or only those that are named.
func (g *Engine) AttestAll(ctx context.Context, r Request, id string, a InquiryAnswer) (Message, error) {
	if len(a.Only) == 0 {
		return g.Attest(ctx, r, id, Attestation{Targets: []string{"all"}, Running: a.Running, How: a.How})
	}
	if strings.TrimSpace(a.How) == "" {
		return Message{}, Refuse(Invalid, "Please say how you checked. Nothing was changed.")
	}
	ids, _, err := g.UnknownOf(ctx, r.Actor, id)
	if err != nil {
		return Message{}, err
	}
	running, others := a.split(Inquiry{Targets: ids})
	return Message{Text: answered(running, others), Ephemeral: true}, g.attestBoth(ctx, r, id, a, running, others)
}

// The share of what owners clear that a person looks at again.
const (
	sampleFrom = 5  // fewer are not sampled
	sampleOf   = 10 // one of so many
)

// settleDoubt decides targets of the triage list by their owner's word. Of many
// that are said not to be affected a sample stays on the list, to be checked.
func (tx *transaction) settleDoubt(q Inquiry, a InquiryAnswer, running, others []string) error {
	c, err := tx.campaign()
	if err != nil {
		return err
	}
	if c.Triage == nil {
		c.Triage = map[string]TriageDecision{}
	}
	decided := func(id string) bool { // by somebody else since
		old, ok := c.Triage[id]
		return ok && old.At.After(q.At)
	}
	// The step may run again, so what it was given stays as it is.
	running, others = slices.DeleteFunc(slices.Clone(running), decided), slices.DeleteFunc(slices.Clone(others), decided)
	d := TriageDecision{By: tx.request.Actor, At: tx.now, Reason: a.How, Inquiry: q.ID}
	for _, id := range others { // IDs are hashes, so that their order is nobody's choice
		c.Triage[id] = d
	}
	if len(others) >= sampleFrom {
		for _, id := range slices.Sorted(slices.Values(others))[:(len(others)+sampleOf-1)/sampleOf] {
			sample := d
			sample.Sample = true
			c.Triage[id] = sample
		}
	}
	d.Affected = true
	for _, id := range running {
		c.Triage[id] = d
	}
	tx.sweepNow(c)
	return save(tx, KindCampaign, self, c)
}

// closeInquiry keeps what became of an inquiry, with what follows in the same step.
func (g *Engine) closeInquiry(ctx context.Context, r Request, id, inquiry string, to InquiryStatus, a InquiryAnswer, also func(*transaction) error, reply string) (Message, error) {
	err := g.changeInquiry(ctx, r, id, inquiry, to, a, also)
	return Message{Text: reply, Ephemeral: true}, err
}

func (g *Engine) changeInquiry(ctx context.Context, r Request, id, inquiry string, to InquiryStatus, a InquiryAnswer, also func(*transaction) error) error {
	return g.atomically(ctx, Scope(id), r, func(tx *transaction) error {
		q, err := load[Inquiry](tx, KindInquiry, inquiry)
		if err != nil {
			return err
		}
		if !q.Open() {
			return Refuse(Conflict, "This was answered meanwhile. Nothing was changed.")
		}
		before := q.Status
		q.Status, q.How, q.AnsweredBy, q.AnsweredAt = to, a.How, tx.request.Actor, tx.now
		if to == InquiryPromised {
			q.Until, q.Reminded = a.Until, false
			q.Promiser, q.PromiserName, q.PromiserZone = a.by.Person, a.by.Name, a.by.Zone
			tx.due(q.due(q.Until))
		}
		if err := tx.audit("inquiry."+string(to), "inquiry/"+q.ID, string(before), string(to), a.How); err != nil {
			return err
		}
		if also != nil {
			if err := also(tx); err != nil {
				return err
			}
		}
		return save(tx, KindInquiry, q.ID, q)
	})
}

// returned tells those who steer that an owner says that something is not theirs.
func (q Inquiry) returned(tx *transaction) error {
	c, err := tx.campaign()
	if err != nil {
		return err
	}
	ask := "triage"
	if q.About == AboutUnscanned {
		ask = "attest"
	}
	m := say("*%s: %s says that %s not theirs; the catalog names %s.* `/campaign triage %s NAME owner REF` says whose a service is; a product gets its owner by importing its list again. `/campaign %s %s ask` then asks them.",
		c.Title, Mention(tx.request.Actor), agree(listWords(q.Names), "is", "are"), q.Team, c.ID, ask, c.ID)
	m.Ephemeral = false
	return tx.tellCommand("inquiry/"+q.ID+"/returned", m)
}

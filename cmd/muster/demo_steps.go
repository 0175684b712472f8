package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/musterbot/muster/bot/fakeslack"
	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/sample"
)

// step is a command that somebody types, and a part of the answer that shows that
// it was carried out; "" takes any answer that is not a refusal.
type step struct{ command, answer string }

// types lets a person type commands in the war room, each after the answer to the
// one before. Who joins in types beside them, and may have campaigns of their own.
func (d *demoWorld) types(ctx context.Context, who *fakeslack.Person, steps ...step) error {
	for _, s := range steps {
		seen := who.Runs(ofStory(s.command), d.room)
		if !seen.OK() {
			return fmt.Errorf("type %.60q: %s", s.command, seen.Text())
		}
		var answer string
		err := d.until(ctx, fmt.Sprintf("the answer to %.60q", s.command), func() (bool, error) {
			got := who.Ephemerals(d.room)
			at := slices.IndexFunc(got, func(m fakeslack.Message) bool { return m.Answers == seen.Trigger })
			if at < 0 {
				return false, nil
			}
			answer = got[at].Text + "\n" + got[at].Words()
			return true, nil
		})
		if err != nil {
			return err
		}
		if !strings.Contains(answer, s.answer) || strings.Contains(answer, "Nothing was ") && s.answer == "" {
			return fmt.Errorf("type %.60q: answered %q", s.command, answer)
		}
		d.breathe(900 * time.Millisecond)
	}
	return nil
}

// ofStory names the campaign in a command, behind its first word.
func ofStory(command string) string {
	parts := strings.SplitN(command, " ", 3)
	if parts[1] == "new" {
		return command
	}
	return strings.Join(slices.Insert(parts, 2, demoCampaign), " ")
}

// until waits for something to become so, and names it when patience runs out.
func (d *demoWorld) until(ctx context.Context, what string, so func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var problem error
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, err := so()
		if ok || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("waited %s for %s in vain", patience, what), problem)
		}
	}
}

// quiet waits until nothing is on its way any more.
func (d *demoWorld) quiet(ctx context.Context) error {
	return d.until(ctx, "everything to go out", func() (bool, error) {
		left, err := d.app.engine.Outstanding(ctx, demoCampaign)
		return left == 0, err
	})
}

// filed waits until every ticket that was launched is in the tracker. Messages to
// people asleep may still wait for their morning.
func (d *demoWorld) filed(ctx context.Context) error {
	return d.until(ctx, "every ticket to be filed", func() (bool, error) {
		for stored, err := range campaign.LoadAll[campaign.Wave](ctx, d.app.store, demoCampaign, campaign.KindWave) {
			if err != nil || stored.Value.Status == campaign.WaveFiling {
				return false, err
			}
		}
		for stored, err := range campaign.LoadAll[campaign.Ticket](ctx, d.app.store, demoCampaign, campaign.KindTicket) {
			if err != nil || stored.Value.Ref.ID == "" {
				return false, err
			}
		}
		return true, nil
	})
}

// instruct writes a revision of a track's instructions; due counts from hour zero
// and stays as it is when zero.
func (d *demoWorld) instruct(ctx context.Context, track string, revision int, due time.Duration) error {
	text, err := sample.Instructions(track, revision)
	if err != nil {
		return err
	}
	when := ""
	if due > 0 {
		when = " due " + demoStart.Add(due).Format("2006-01-02 15:04")
	}
	return d.types(ctx, d.cara, step{fmt.Sprintf("/campaign track %s%s instructions %s", track, when, text), "saved"})
}

// rehearsed sends the newest text to both reviewers, and lets them execute and
// approve it.
func (d *demoWorld) rehearsed(ctx context.Context, track string) error {
	for i, who := range []*fakeslack.Person{d.mei, d.tom} {
		if err := d.execute(ctx, track, who, []string{"ledger", "search"}[i], 0); err != nil {
			return err
		}
	}
	return d.until(ctx, "the text to be approved", func() (bool, error) {
		c, err := d.app.engine.Campaign(ctx, demoCampaign)
		t, _ := c.Track(track)
		return t.ApprovedRevision == t.Revision, err
	})
}

// execute lets a reviewer go through the steps of the newest text. unclear is the
// step that is not, 0 for none; then the verdict asks for changes.
func (d *demoWorld) execute(ctx context.Context, track string, who *fakeslack.Person, service string, unclear int) error {
	c, err := d.app.engine.Campaign(ctx, demoCampaign)
	if err != nil {
		return err
	}
	t, _ := c.Track(track)
	rev, _, err := campaign.Load[campaign.Revision](ctx, d.app.store, demoCampaign, campaign.KindRevision, fmt.Sprintf("%s/%04d", track, t.Revision))
	if err != nil {
		return err
	}
	if rev.Status == campaign.RevisionDraft {
		command := fmt.Sprintf("/campaign dryrun %s <@%s> <@%s>", track, d.mei.ID, d.tom.ID)
		if err := d.types(ctx, d.cara, step{command, ""}); err != nil {
			return err
		}
	}
	if err := d.judge(ctx, who, "Start", fmt.Sprintf("revision %d", rev.Number)); err != nil {
		return err
	}
	for _, s := range rev.Steps {
		d.clock.leap(d.clock.Now().Add(3 * time.Minute))
		d.breathe(200 * time.Millisecond)
		about := fmt.Sprintf("Step %d of", s.Number)
		if s.Number != unclear {
			if err := d.judge(ctx, who, "Worked", about); err != nil {
				return err
			}
			continue
		}
		if err := d.judge(ctx, who, "Unclear", about); err != nil {
			return err
		}
		if err := d.remark(ctx, who, "How do I find shaded jars? Nothing here says it."); err != nil {
			return err
		}
	}
	if unclear == 0 {
		return d.judge(ctx, who, "Approve the text", "")
	}
	if err := d.judge(ctx, who, "Ask for changes", ""); err != nil {
		return err
	}
	return d.remark(ctx, who, "Step 4 needs a command that finds them.")
}

// judge presses one of the buttons of a dry run. They come one step at a time, as
// answers that only the reviewer sees; about is a part of the one that is meant.
func (d *demoWorld) judge(ctx context.Context, who *fakeslack.Person, label, about string) error {
	var seen fakeslack.Seen
	err := d.until(ctx, fmt.Sprintf("%s's button %q", who.ID, label), func() (bool, error) {
		messages := append(who.Ephemerals(fakeslack.DM), who.DMs()...)
		slices.SortFunc(messages, func(a, b fakeslack.Message) int { return strings.Compare(a.TS, b.TS) })
		if len(messages) == 0 {
			return false, nil
		}
		last := messages[len(messages)-1]
		if !slices.Contains(last.Buttons(), label) || !strings.Contains(last.Words(), about) {
			return false, nil
		}
		seen = who.Presses(label, last)
		return true, nil
	})
	if err != nil || !seen.OK() {
		return errors.Join(err, seen.Err)
	}
	return nil
}

// remark fills the form that asks what was unclear or what should change.
func (d *demoWorld) remark(ctx context.Context, who *fakeslack.Person, text string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	view, err := who.WaitsForModal(ctx, nil)
	if err != nil {
		return fmt.Errorf("wait for the form of a remark: %w", err)
	}
	filled, err := who.Fills(*view, fakeslack.Fill{"comment": text})
	if err != nil {
		return fmt.Errorf("fill in a remark: %w", err)
	}
	if seen := who.Submits(*filled); !seen.OK() {
		return fmt.Errorf("send a remark: %s", seen.Text())
	}
	return nil
}

// digest shows the executives' digest to the one who asks, who then sends it.
func (d *demoWorld) digest(ctx context.Context, who *fakeslack.Person) error {
	if err := d.types(ctx, who, step{"/campaign digest executives", ""}); err != nil {
		return err
	}
	got := who.Ephemerals(d.room)
	if seen := who.Presses("Send it now", got[len(got)-1]); !seen.OK() {
		return fmt.Errorf("send the digest: %s", seen.Text())
	}
	return nil
}

// pressInDM pushes a button on the newest direct message that has it.
func (d *demoWorld) pressInDM(ctx context.Context, who *fakeslack.Person, label string, match func(fakeslack.Message) bool) (fakeslack.Seen, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	m, err := who.WaitsForDM(ctx, func(m fakeslack.Message) bool {
		return slices.Contains(m.Buttons(), label) && match(m)
	})
	if err != nil {
		return fakeslack.Seen{}, fmt.Errorf("wait for a message with %q: %w", label, err)
	}
	seen := who.Presses(label, *m)
	if !seen.OK() {
		return seen, fmt.Errorf("press %q: %s", label, seen.Text())
	}
	return seen, nil
}

// ours matches messages of the campaign.
func ours(m fakeslack.Message) bool { return strings.Contains(m.Text+m.Words(), "Log4Shell") }

// press pushes a button on a contact's message.
func (d *demoWorld) press(ctx context.Context, who *fakeslack.Person, label string) error {
	_, err := d.pressInDM(ctx, who, label, ours)
	return err
}

// done says that all of a contact's work is done by a method.
func (d *demoWorld) done(ctx context.Context, who *fakeslack.Person, method, version string) error {
	return d.form(ctx, who, "Done", fakeslack.Fill{"method": method, "version": version})
}

// blocked says why a contact cannot go on.
func (d *demoWorld) blocked(ctx context.Context, who *fakeslack.Person, reason string) error {
	return d.form(ctx, who, "Blocked", fakeslack.Fill{"reason": reason})
}

// form pushes a button that opens a form, fills it and sends it: that of the first
// message, which is about all that somebody has; later ones are about what they name.
func (d *demoWorld) form(ctx context.Context, who *fakeslack.Person, label string, fill fakeslack.Fill) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	first := func(m fakeslack.Message) bool {
		all := who.DMs()
		i := slices.IndexFunc(all, func(m fakeslack.Message) bool { return ours(m) && slices.Contains(m.Buttons(), label) })
		return i >= 0 && all[i].TS == m.TS
	}
	if _, err := d.pressInDM(ctx, who, label, first); err != nil {
		return err
	}
	view, err := who.WaitsForModal(ctx, nil)
	if err != nil {
		return fmt.Errorf("wait for the form of %q: %w", label, err)
	}
	for field, value := range fill {
		if value == "" {
			delete(fill, field)
		}
	}
	filled, err := who.Fills(*view, fill)
	if err != nil {
		return fmt.Errorf("fill the form of %q: %w", label, err)
	}
	if seen := who.Submits(*filled); !seen.OK() {
		return fmt.Errorf("send the form of %q: %s", label, seen.Text())
	}
	return nil
}

// contacts returns the people who have had a message of the campaign and have
// something left to do, in a fixed order.
func (d *demoWorld) contacts(ctx context.Context) ([]*fakeslack.Person, error) {
	open, err := d.tasks(ctx, func(t campaign.Task) bool { return t.Status.Actionable() })
	if err != nil {
		return nil, err
	}
	busy := map[string]bool{}
	for _, t := range open {
		busy[t.Contact] = true
	}
	var people []*fakeslack.Person
	for stored, err := range campaign.LoadAll[campaign.Contact](ctx, d.app.store, demoCampaign, campaign.KindContact) {
		if err != nil {
			return nil, err
		}
		if stored.Value.Message.TS != "" && busy[stored.ID] {
			people = append(people, d.ws.Person(stored.Value.Person.User()))
		}
	}
	return people, nil
}

// tasks returns the campaign's tasks that match.
func (d *demoWorld) tasks(ctx context.Context, match func(campaign.Task) bool) ([]campaign.Task, error) {
	var tasks []campaign.Task
	for stored, err := range campaign.LoadAll[campaign.Task](ctx, d.app.store, demoCampaign, campaign.KindTask) {
		if err != nil {
			return nil, err
		}
		if match(stored.Value) {
			tasks = append(tasks, stored.Value)
		}
	}
	return tasks, nil
}

// threadReply waits for what Muster says in a message's thread.
func (d *demoWorld) threadReply(ctx context.Context, channel string, root fakeslack.Message) (fakeslack.Message, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	m, err := d.ws.WaitForMessage(ctx, channel, func(m fakeslack.Message) bool {
		return m.ThreadTS == root.TS && m.TS != root.TS && m.User == d.ws.BotUserID()
	})
	if err != nil {
		return fakeslack.Message{}, fmt.Errorf("wait for an answer in the thread: %w", err)
	}
	return *m, nil
}

// agree lets the deputy agree to what waits for a second person, if anything does.
func (d *demoWorld) agree(ctx context.Context) error { return d.agreeBy(ctx, d.devi) }

func (d *demoWorld) agreeBy(ctx context.Context, who *fakeslack.Person) error {
	for stored, err := range campaign.LoadAll[campaign.Hold](ctx, d.app.store, demoCampaign, campaign.KindRequest) {
		if err != nil {
			return err
		}
		hold := stored.Value
		if hold.Status != campaign.HoldOpen {
			continue
		}
		if err := d.pressInRoom(ctx, who, "Agree", hold.ID); err != nil {
			return err
		}
		err = d.until(ctx, "the second person's word to count", func() (bool, error) {
			h, _, err := campaign.Load[campaign.Hold](ctx, d.app.store, demoCampaign, campaign.KindRequest, hold.ID)
			return h.Status == campaign.HoldGranted, err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// pressInRoom pushes a button on the message in the war room that holds a part in
// its blocks.
func (d *demoWorld) pressInRoom(ctx context.Context, who *fakeslack.Person, label, part string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	m, err := d.ws.WaitForMessage(ctx, d.room, func(m fakeslack.Message) bool { return strings.Contains(string(m.Blocks), part) })
	if err != nil {
		return fmt.Errorf("wait for %q in the war room: %w", label, err)
	}
	d.breathe(time.Second)
	if seen := who.Presses(label, *m); !seen.OK() {
		return fmt.Errorf("press %q: %s", label, seen.Text())
	}
	return nil
}

// fixAll lets every contact update to a version, for real: the next scan sees it.
func (d *demoWorld) fixAll(ctx context.Context, version string) error {
	contacts, err := d.contacts(ctx)
	if err != nil {
		return err
	}
	open, err := d.tasks(ctx, func(t campaign.Task) bool { return t.Track == "fix" && t.Status.Actionable() })
	if err != nil {
		return err
	}
	for _, t := range open {
		target, _, err := campaign.Load[campaign.Target](ctx, d.app.store, demoCampaign, campaign.KindTarget, t.Target)
		if err != nil {
			return err
		}
		if err := d.company.Fix(target.Service, version, d.clock.Now()); err != nil && campaign.KindOf(err) != campaign.NotFound {
			return err
		}
	}
	for _, who := range contacts {
		if err := d.done(ctx, who, campaign.MethodUpdated, version); err != nil {
			return err
		}
	}
	return d.until(ctx, "the claims to count", func() (bool, error) {
		left, err := d.tasks(ctx, func(t campaign.Task) bool { return t.Track == "fix" && t.Status.Actionable() })
		return len(left) == 0, err
	})
}

// confirm is the second person's word for what no scan can see: Devi looks at
// what others claimed.
func (d *demoWorld) confirm(ctx context.Context, track string) error {
	claimed, err := d.tasks(ctx, func(t campaign.Task) bool { return t.Track == track && t.Status == campaign.TaskClaimed })
	if err != nil {
		return err
	}
	for batch := range slices.Chunk(claimed, 50) {
		var names []string
		for _, t := range batch {
			names = append(names, t.Name)
		}
		command := fmt.Sprintf(`/campaign attest %s verified "listed the classes of the running jars"`, strings.Join(names, " "))
		if err := d.types(ctx, d.devi, step{command, "Confirmed"}); err != nil {
			return err
		}
	}
	return nil
}

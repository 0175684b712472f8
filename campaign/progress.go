package campaign

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// counterWave counts what became of a wave, so that its progress reads no
// tickets: wave|<id>|<what>.
const counterWave = "wave|"

// What is counted of a wave.
const (
	waveFiled   = "filed"   // tickets in the tracker
	waveSent    = "sent"    // messages posted
	waveStuck   = "stuck"   // tickets that are dead letters
	waveUnsent  = "unsent"  // messages that are
	waveHandled = "handled" // tasks that are claimed, or past that
)

// countWave changes a counter of a wave; a blank wave has none.
func (tx *transaction) countWave(wave, what string, by int64) {
	if wave != "" {
		tx.count(counterWave+wave+"|"+what, by)
	}
}

// countEffect counts a change of an effect in the wave that it belongs to.
func (tx *transaction) countEffect(e Effect, ticket, message string, by int64) error {
	switch e.Kind {
	case EffectTicket:
		t, found, err := find[Ticket](tx, KindTicket, e.Subject)
		if found {
			tx.countWave(t.Wave, ticket, by)
		}
		return err
	case EffectFirstMessage, EffectMessage:
		p, err := decodePayload[postPayload](e)
		if err == nil {
			tx.countWave(p.Wave, message, by)
		}
		return err
	}
	return nil
}

// countHandled counts a task as handled, or not any more, in the wave of its
// ticket: that is what opens the gate to the next wave.
func (tx *transaction) countHandled(before, after Task) error {
	if before.Status.handled() == after.Status.handled() || after.Ticket == "" {
		return nil
	}
	t, found, err := find[Ticket](tx, KindTicket, after.Ticket)
	if err != nil || !found {
		return err
	}
	by := int64(1)
	if before.Status.handled() {
		by = -1
	}
	tx.countWave(t.Wave, waveHandled, by)
	return nil
}

// handled returns whether the owner has answered what was asked.
func (s TaskStatus) handled() bool { return s == TaskClaimed || s.Finished() }

// waveNumbers is how far a wave is.
type waveNumbers struct {
	Filed, Sent, Stuck, Unsent, Handled int
}

func (g *Engine) waveNumbers(ctx context.Context, scope Scope, wave string) (waveNumbers, error) {
	prefix := counterWave + wave + "|"
	counters, err := g.opts.Store.Counters(ctx, scope, prefix)
	if err != nil {
		return waveNumbers{}, err
	}
	of := func(what string) int { return int(counters[prefix+what]) }
	return waveNumbers{Filed: of(waveFiled), Sent: of(waveSent), Stuck: of(waveStuck), Unsent: of(waveUnsent), Handled: of(waveHandled)}, nil
}

// Sample is how far a wave was at some time, and how fast it has been.
type Sample struct {
	At       time.Time `json:"at"`
	Tickets  int       `json:"tickets"`
	Messages int       `json:"messages"`
	// TicketRate and MessageRate are per minute, the last samples weighing most.
	TicketRate  float64 `json:"ticket_rate,omitempty"`
	MessageRate float64 `json:"message_rate,omitempty"`
}

// next returns the sample of now.
func (s Sample) next(now time.Time, n waveNumbers) Sample {
	minutes := now.Sub(s.At).Minutes()
	if s.At.IsZero() || minutes <= 0 {
		return Sample{At: now, Tickets: n.Filed, Messages: n.Sent, TicketRate: s.TicketRate, MessageRate: s.MessageRate}
	}
	rate := func(before float64, done int) float64 {
		r := float64(done) / minutes
		if before > 0 {
			r = (before + r) / 2
		}
		return max(0, r)
	}
	return Sample{
		At: now, Tickets: n.Filed, Messages: n.Sent,
		TicketRate: rate(s.TicketRate, n.Filed-s.Tickets), MessageRate: rate(s.MessageRate, n.Sent-s.Messages),
	}
}

// filed returns whether all tickets of the wave are in the tracker, or lie with
// the dead letters.
func (w Wave) filed(n waveNumbers) bool { return w.Status == WaveFiled && n.Filed+n.Stuck >= w.Tickets }

// sent returns whether all messages are out, too.
func (w Wave) sent(n waveNumbers) bool { return w.filed(n) && n.Sent+n.Unsent >= w.Contacts }

// state says how far a wave is; "" before its launch.
func (w Wave) state(c Campaign, n waveNumbers) string {
	switch {
	case w.Status == WavePlanned && w.After != "":
		return "waits at its gate"
	case w.Status != WaveFiling && w.Status != WaveFiled:
		return ""
	case w.filed(n) && n.Sent+n.Unsent+w.Asleep >= w.Contacts: // whoever sleeps is told in the morning
		return "is out"
	case c.Status == Paused:
		return fmt.Sprintf("is paused, with %d of its tickets and %d of its messages out", n.Filed, n.Sent)
	}
	return "is going out"
}

// doneAt computes when what does not wait for somebody's morning will have gone
// out, at the speed measured or, before there is one, at the pace set; zero when
// it has.
func (w Wave) doneAt(now time.Time, n waveNumbers, pace Pace) time.Time {
	tickets, messages := w.Tickets-n.Filed-n.Stuck, w.Contacts-w.Asleep-n.Sent-n.Unsent
	if tickets <= 0 && messages <= 0 {
		return time.Time{}
	}
	speed := func(measured, set float64) float64 {
		if measured >= 0.1 {
			return measured
		}
		return max(set, 0.1)
	}
	minutes := max(float64(tickets)/speed(w.Sample.TicketRate, pace.TicketsPerMinute), float64(messages)/speed(w.Sample.MessageRate, pace.MessagesPerMinute))
	return now.Add(time.Duration(minutes * float64(time.Minute)).Round(time.Second))
}

// barLength is how many blocks a full bar has.
const barLength = 16

// progressBar draws done of total.
func progressBar(done, total int) string {
	full := 0
	if total > 0 {
		full = min(barLength, done*barLength/total)
	}
	return strings.Repeat("█", full) + strings.Repeat("░", barLength-full)
}

// editWave renews the wave's message.
func (g *Engine) editWave(ctx context.Context, scope Scope, id string) error {
	w, _, err := Load[Wave](ctx, g.opts.Store, scope, KindWave, id)
	if err != nil || w.Progress.TS == "" {
		return err
	}
	c, err := g.Campaign(ctx, string(scope))
	if err != nil {
		return err
	}
	n, err := g.waveNumbers(ctx, scope, id)
	if err != nil {
		return err
	}
	next, v, err := g.nextWave(ctx, c, w, n)
	if err != nil {
		return err
	}
	m, err := g.waveMessage(c, w, n, next, v)
	if err != nil {
		return err
	}
	return g.opts.Messenger.Edit(ctx, w.Progress, m)
}

// waveMessage says how far a wave is and what comes after it; next is the wave
// that waits for this one, nil when there is none.
func (g *Engine) waveMessage(c Campaign, w Wave, n waveNumbers, next *Wave, v gateVerdict) (Message, error) {
	now := g.opts.Clock.Now()
	data := WaveProgressData{
		LocalTime: g.local(c), Title: c.Title, Wave: w.name(), Tickets: w.Tickets, Filed: n.Filed, Messages: w.Contacts, Sent: n.Sent,
		Failed: n.Stuck + n.Unsent, Paused: c.Status == Paused, Cancelled: c.Status == Cancelled, Out: w.sent(n), Opened: w.Opened,
		Bar: progressBar(n.Filed+n.Sent, w.Tickets+w.Contacts), Rate: int(w.Sample.TicketRate + 0.5), Launched: w.At,
	}
	if !data.Out && !data.Paused && !data.Cancelled {
		data.DoneAt = w.doneAt(now, n, g.opts.Pace)
		if w.filed(n) && data.DoneAt.IsZero() {
			data.Sleeping = max(0, w.Contacts-n.Sent-n.Unsent)
		}
	}
	if data.Out {
		data.Took = w.Sample.At.Sub(w.At)
	}
	if next != nil && !data.Cancelled {
		data.Next, data.NextTickets, data.Gate, data.Held = next.name(), next.Tickets, v.waits(data.LocalTime), v.held
	}
	text, err := g.opts.Renderer.Render(nil, "wave_progress", data)
	if err != nil {
		return Message{}, fmt.Errorf("render progress of %s: %w", w.ID, err)
	}
	m := Message{Text: strings.TrimSpace(text)}
	if next != nil && c.Status == Running {
		m.Buttons = append(m.Buttons, nextButton(c, *next))
	}
	switch {
	case c.Status == Paused:
		m.Buttons = append(m.Buttons, Button{Label: "Resume", Action: "brake.resume", Value: c.ID, Style: Primary})
	case c.Status == Running && (!data.Out || next != nil):
		m.Buttons = append(m.Buttons, Button{Label: "Pause", Action: "brake.pause", Value: c.ID, Style: Danger})
	}
	return m, nil
}

// nextButton sends a wave that waits at its gate.
func nextButton(c Campaign, next Wave) Button {
	return Button{
		Label: "Send the next wave now", Action: "launch.next", Value: c.ID + "|" + next.ID,
		Confirm: fmt.Sprintf("Sending cannot be undone: %s and %s.", count(next.Tickets, "ticket"), count(next.Contacts, "message")),
	}
}

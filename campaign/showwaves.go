package campaign

import (
	"context"
	"fmt"
	"strings"
)

// suggestPilot is how many tickets a plan has at least before a pilot is offered.
const suggestPilot = 20

// withWaves adds to a preview in which waves the plan goes out, where there is
// more to say than the exposed slice and the rest, or offers a pilot.
func (g *Engine) withWaves(ctx context.Context, m Message, c Campaign, p Plan) (Message, error) {
	if tickets, _, _ := p.Totals(); c.Plan == "" && tickets >= suggestPilot && !p.staged() {
		m.Buttons = append(m.Buttons, Button{Label: "Try three of them first", Action: "plan.pilot", Value: c.ID + "|rule"})
	}
	if !p.staged() && c.Rollout.Gate.Mode != GateSet || len(p.Slices) == 0 {
		return m, nil
	}
	data := PlanWavesData{LocalTime: g.local(c), ByHand: len(c.Rollout.Pilot.Names) > 0}
	for _, s := range p.Slices {
		w, _, err := g.waveOf(ctx, c, p, s)
		if err != nil {
			return m, err
		}
		n, err := g.waveNumbers(ctx, Scope(c.ID), w.ID)
		if err != nil {
			return m, err
		}
		line := WaveLine{
			Name: s.Name, Title: s.name(), Tickets: s.Tickets, Messages: s.Contacts, Woken: s.Woken, Sleeping: s.Asleep, Takes: s.Takes, State: w.state(c, n),
		}
		data.Waves, data.Picks = append(data.Waves, line), append(data.Picks, s.Picks...)
	}
	if len(p.Slices) > 1 {
		gate := c.gate(p, SliceRest)
		data.Gate = gate.sentence()
		if fast := c.gate(p, SliceExposed).Quiet; fast < gate.Quiet && p.Slices[1].Name == SliceExposed {
			data.Fast = fast
		}
		if gate.Mode != GateNone {
			data.Questions, data.DeadLetters = maxOpenQuestions, maxDeadLetters
		}
	}
	text, err := g.opts.Renderer.Render(nil, "plan_waves", data)
	m.Text += "\n\n" + strings.TrimSpace(text)
	return m, err
}

// waveOf returns the wave of a slice; false when the plan was not frozen.
func (g *Engine) waveOf(ctx context.Context, c Campaign, p Plan, s PlanSlice) (Wave, bool, error) {
	w, _, err := Load[Wave](ctx, g.opts.Store, Scope(c.ID), KindWave, waveID(p.Hash, s.Name))
	if KindOf(err) == NotFound && err != nil {
		return w, false, nil
	}
	return w, err == nil, err
}

// launchButtons offers what is left, the smallest harm first: the next two waves,
// or the exposed slice and the rest, and all of it.
func (g *Engine) launchButtons(ctx context.Context, c Campaign, p Plan) ([]Button, error) {
	var left []PlanSlice
	tickets := 0
	for _, s := range p.Slices {
		w, found, err := g.waveOf(ctx, c, p, s)
		if err != nil {
			return nil, err
		}
		switch {
		case found && w.Status == WavePlanned && w.After == "":
			left, tickets = append(left, s), tickets+s.Tickets
		case found && w.Status == WavePlanned && c.Status == Running && len(left) == 0:
			return []Button{nextButton(c, w)}, nil
		}
	}
	var buttons []Button
	for _, s := range left[:min(2, len(left))] {
		buttons = append(buttons, Button{
			Label: launchLabel(s), Action: "launch.slice", Value: c.ID + "|" + s.Name + "|" + p.Hash,
			Confirm: fmt.Sprintf("Sending cannot be undone: %s and %s.", count(s.Tickets, "ticket"), count(s.Contacts, "message")),
		})
	}
	if len(buttons) > 0 {
		buttons[0].Style = Primary
	}
	if len(buttons) > 1 {
		buttons = append(buttons, Button{Label: fmt.Sprintf("Launch all %d", tickets), Action: "launch.slice", Value: c.ID + "|" + SliceAll + "|" + p.Hash, Confirm: "Sending cannot be undone."})
	}
	return buttons, nil
}

func launchLabel(s PlanSlice) string {
	switch s.Name {
	case SlicePilot:
		return fmt.Sprintf("Launch the pilot of %d", s.Tickets)
	case SliceExposed:
		return fmt.Sprintf("Launch the %d exposed", s.Tickets)
	case SliceRest:
		return fmt.Sprintf("Launch the other %d", s.Tickets)
	}
	return fmt.Sprintf("Launch %s (%d)", clip(s.name(), 50), s.Tickets)
}

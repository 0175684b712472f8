package campaign

import (
	"context"
	"fmt"
	"time"
)

// Wave is a slice of a plan on its way out. Its cursor survives a crash.
type Wave struct {
	ID     string     `json:"id"` // <plan hash>/<slice>
	Plan   string     `json:"plan"`
	Slice  string     `json:"slice"`
	Status WaveStatus `json:"status"`
	Parts  int        `json:"parts"`
	Next   int        `json:"next"` // the part that is filed next
	// Joined counts the tasks of that part that have their ticket already, when
	// they are too many for one step.
	Joined   int        `json:"joined,omitempty"`
	Filed    int        `json:"filed,omitempty"` // tickets handed to the worker
	Tickets  int        `json:"tickets"`
	Contacts int        `json:"contacts"`
	By       Person     `json:"by,omitempty"`
	At       time.Time  `json:"at,omitzero"`
	Progress MessageRef `json:"progress,omitzero"`
}

const wavePrefix = "wave/"

// due is the work of filing a wave. Waves have one serial, so that the rest waits
// until the exposed slice is filed.
func (w Wave) due(at time.Time) DueEntry {
	return DueEntry{ID: wavePrefix + w.ID, Lane: Bulk, Serial: "waves", At: at}
}

func waveID(plan, slice string) string { return plan + "/" + slice }

// addWave stores a slice of a frozen plan as planned; freezing the same plan again
// leaves it as it is.
func (tx *transaction) addWave(p Plan, s PlanSlice) error {
	id := waveID(p.Hash, s.Name)
	if _, found, err := find[Wave](tx, KindWave, id); err != nil || found {
		return err
	}
	return save(tx, KindWave, id, Wave{ID: id, Plan: p.Hash, Slice: s.Name, Status: WavePlanned, Parts: s.Parts, Tickets: s.Tickets, Contacts: s.Contacts})
}

// plannedWaves returns those of the slices that were not launched yet.
func (tx *transaction) plannedWaves(p Plan, chosen []PlanSlice) (waves []Wave, tickets int, err error) {
	for _, s := range chosen {
		w, found, err := find[Wave](tx, KindWave, waveID(p.Hash, s.Name))
		if err != nil {
			return nil, 0, err
		}
		if found && w.Status == WavePlanned {
			waves, tickets = append(waves, w), tickets+w.Tickets
		}
	}
	return waves, tickets, nil
}

// startWaves moves campaign and waves on and leaves the filing to the worker.
func (tx *transaction) startWaves(p Plan, waves []Wave) error {
	c, err := tx.campaign()
	if err != nil {
		return err
	}
	before := c.Status
	switch c.Status {
	case Running:
	case Paused, Closing:
		return Refuse(Conflict, "The campaign is "+words(c.Status)+", so nothing was sent. `/campaign resume` lets a paused one go on; then launch again.")
	default:
		if err := move(&c.Status, Running, "campaign", "The campaign is "+words(c.Status)+", so nothing can be launched. Nothing was sent."); err != nil {
			return err
		}
	}
	if c.StartedAt.IsZero() {
		c.StartedAt = tx.now
	}
	for _, w := range waves {
		if err := move(&w.Status, WaveFiling, "wave", "This was launched already."); err != nil {
			return err
		}
		w.By, w.At = tx.request.Actor, tx.now
		if err := save(tx, KindWave, w.ID, w); err != nil {
			return err
		}
		tx.due(w.due(tx.now))
		if err := tx.audit("wave.launch", "wave/"+w.ID, string(WavePlanned), string(WaveFiling), ""); err != nil {
			return err
		}
	}
	if err := tx.audit("campaign.launch", "campaign/"+c.ID, string(before), string(c.Status), "plan "+p.Hash); err != nil {
		return err
	}
	return save(tx, KindCampaign, self, c)
}

// showWave keeps one message about the wave in the command channel, posted with
// its first step.
func (tx *transaction) showWave(c Campaign, w Wave, first bool) error {
	if first {
		m := waveMessage(c, w, 0)
		return tx.tellCommandRemembering("wave/"+w.ID, m, "wave/"+w.ID)
	}
	return tx.refresh(EffectEdit, "wave/"+w.ID)
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
	counters, err := g.opts.Store.Counters(ctx, scope, counterFiled)
	if err != nil {
		return err
	}
	return g.opts.Messenger.Edit(ctx, w.Progress, waveMessage(c, w, int(counters[counterFiled])))
}

// waveMessage says how far a wave is. filed counts the campaign's tickets in the
// tracker.
func waveMessage(c Campaign, w Wave, filed int) Message {
	slice := map[string]string{SliceExposed: "the exposed slice", SliceRest: "the rest"}[w.Slice]
	text := fmt.Sprintf("*%s: %s is going out, %s of %s handed to the worker.*", Escape(c.Title), slice, thousands(w.Filed), count(w.Tickets, "ticket"))
	if w.Status == WaveFiled {
		text = fmt.Sprintf("*%s: %s is out: %s and %s.*", Escape(c.Title), slice, count(w.Tickets, "ticket"), count(w.Contacts, "message"))
	}
	if filed > 0 {
		text += fmt.Sprintf("\n%s in the tracker by now.", count(filed, "ticket"))
	}
	m := Message{Text: text}
	if w.Status != WaveFiled {
		m.Buttons = []Button{{Label: "Pause", Action: "brake.pause", Value: c.ID, Style: Danger}}
	}
	return m
}

package campaign

import (
	"cmp"
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

	Title  string `json:"title,omitempty"` // what people call it, where its slice does not say
	Tasks  int    `json:"tasks,omitempty"`
	Asleep int    `json:"asleep,omitempty"` // people who are told in their morning
	// After is the wave that this one waits for: it was launched, and has not gone
	// through its gate. Then is the one that waits for this.
	After  string `json:"after,omitempty"`
	Then   string `json:"then,omitempty"`
	Opened string `json:"opened,omitempty"` // why its gate opened
	// Watched says that its message and the gate behind it are looked after.
	Watched bool      `json:"watched,omitempty"`
	OutAt   time.Time `json:"out_at,omitzero"` // when all its tickets were in the tracker
	Held    string    `json:"held,omitempty"`  // what keeps the gate behind it shut
	Shown   string    `json:"shown,omitempty"` // what its message says
	Sample  Sample    `json:"sample,omitzero"`
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
	return save(tx, KindWave, id, Wave{
		ID: id, Plan: p.Hash, Slice: s.Name, Title: s.Title, Status: WavePlanned, Parts: s.Parts,
		Tickets: s.Tickets, Contacts: s.Contacts, Tasks: s.Tasks, Asleep: s.Asleep,
	})
}

// plannedWaves returns those of the slices that were not launched yet. One that
// waits at its gate was, unless it is asked for by its name; waiting says that
// there is one.
func (tx *transaction) plannedWaves(p Plan, chosen []PlanSlice, word string) (waves []Wave, tickets int, waiting bool, err error) {
	for _, s := range chosen {
		w, found, err := find[Wave](tx, KindWave, waveID(p.Hash, s.Name))
		switch {
		case err != nil:
			return nil, 0, false, err
		case !found || w.Status != WavePlanned:
		case w.After != "" && (word != s.Name || len(chosen) > 1):
			waiting = true
		default:
			waves, tickets = append(waves, w), tickets+w.Tickets
		}
	}
	return waves, tickets, waiting, nil
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
	for i, w := range waves {
		w.By, w.At, w.After = tx.request.Actor, tx.now, ""
		if i+1 < len(waves) {
			w.Then = waves[i+1].ID
		}
		if i > 0 && c.gate(p, w.Slice).Mode != GateNone {
			w.After = waves[i-1].ID
			if err := tx.audit("wave.wait", "wave/"+w.ID, string(w.Status), string(w.Status), ""); err != nil {
				return err
			}
			if err := save(tx, KindWave, w.ID, w); err != nil {
				return err
			}
			continue
		}
		if err := tx.startWave(w); err != nil {
			return err
		}
	}
	if err := tx.audit("campaign.launch", "campaign/"+c.ID, string(before), string(c.Status), "plan "+p.Hash); err != nil {
		return err
	}
	return save(tx, KindCampaign, self, c)
}

// startWave lets the worker file a wave.
func (tx *transaction) startWave(w Wave) error {
	if err := move(&w.Status, WaveFiling, "wave", "This was launched already."); err != nil {
		return err
	}
	w.After, w.At, w.Watched = "", tx.now, true
	tx.due(w.due(tx.now))
	tx.due(w.watch(tx.now.Add(tx.engine.opts.Work.Coalesce)))
	if err := tx.audit("wave.launch", "wave/"+w.ID, string(WavePlanned), string(WaveFiling), ""); err != nil {
		return err
	}
	return save(tx, KindWave, w.ID, w)
}

// showWave keeps one message about the wave in the command channel, posted with
// its first step.
func (tx *transaction) showWave(c Campaign, w Wave, first bool) error {
	if !first {
		return tx.refresh(EffectEdit, "wave/"+w.ID)
	}
	next, v, err := tx.engine.nextWave(tx.ctx, c, w, waveNumbers{})
	if err != nil {
		return err
	}
	m, err := tx.engine.waveMessage(c, w, waveNumbers{}, next, v)
	if err != nil {
		return err
	}
	return tx.tellCommandRemembering("wave/"+w.ID, m, "wave/"+w.ID)
}

// name returns what people call a wave.
func (w Wave) name() string { return PlanSlice{Name: w.Slice, Title: w.Title}.name() }

// name returns what people call a slice.
func (s PlanSlice) name() string {
	switch s.Name {
	case SlicePilot:
		return "the pilot"
	case SliceExposed:
		return "the exposed slice"
	case SliceRest:
		return "the rest"
	}
	return cmp.Or(s.Title, s.Name)
}

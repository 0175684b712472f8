package campaign

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// KindTaken remembers files of scans that were taken in, by the hash of their
// content.
const KindTaken RecordKind = "taken"

// maxTakenRefusals bounds what is remembered of a file's refusals.
const maxTakenRefusals = 100

// TakenIn is a file of scans that was taken in.
type TakenIn struct {
	Name   string       `json:"name"`
	By     Person       `json:"by,omitzero"`
	At     time.Time    `json:"at"`
	Report ImportReport `json:"report"` // without what followed in campaigns: that changes
}

// Intake is one file as it arrived: from a program, a folder or a person.
type Intake struct {
	Name string // for people
	Hash string // of its content
	// Read reads it. It is not called for a file that was taken in before.
	Read func() ([]Scan, []Refusal)
}

// TakeIn imports a file once: a file of the same content is not read again, and
// true is returned with the report of the first time. A file that nothing could
// be imported from is not remembered.
func (g *Engine) TakeIn(ctx context.Context, r Request, in Intake) (ImportReport, bool, error) {
	before, _, err := Load[TakenIn](ctx, g.opts.Store, Sys, KindTaken, in.Hash)
	if err == nil {
		return before.Report, true, nil
	}
	if KindOf(err) != NotFound {
		return ImportReport{}, false, err
	}
	scans, refused := in.Read()
	report, err := g.ImportScans(ctx, r, func(yield func(Scan, *Refusal) bool) {
		for i := range refused {
			if !yield(Scan{}, &refused[i]) {
				return
			}
		}
		for _, s := range scans {
			if !yield(s, nil) {
				return
			}
		}
	})
	if err != nil || len(scans) == 0 {
		return report, false, err
	}
	kept := report
	kept.Moved, kept.Refused = nil, kept.Refused[:min(len(kept.Refused), maxTakenRefusals)]
	_, err = Upsert(ctx, g.opts.Store, Sys, KindTaken, in.Hash, func(t *TakenIn, _ *Change) error {
		*t = TakenIn{Name: in.Name, By: r.Actor, At: g.opts.Clock.Now(), Report: kept}
		return nil
	})
	return report, false, err
}

// maxToldRefusals bounds one message about a file.
const maxToldRefusals = 10

// TellRefusals tells the command channel what of a file was not imported; once
// for each key. Notices are left out.
func (g *Engine) TellRefusals(ctx context.Context, key, name string, report ImportReport) error {
	refused := slices.DeleteFunc(slices.Clone(report.Refused), func(r Refusal) bool { return r.Notice })
	if len(refused) == 0 {
		return nil
	}
	return g.atomically(ctx, Sys, Request{}, func(tx *transaction) error {
		m := Message{Text: refusalsText(name, refused, report.Kept())}
		return tx.tellCommand("refused/"+key, m)
	})
}

// refusalsText says what of a file was not imported, with positions, and whether
// anything else of it was.
func refusalsText(name string, refused []Refusal, rest bool) string {
	var text strings.Builder
	if rest {
		fmt.Fprintf(&text, "*%s of %s could not be imported.* The rest of it was. Correct it and send it again.", count(len(refused), "part"), Escape(name))
	} else {
		fmt.Fprintf(&text, "*Nothing of %s could be imported.* Correct it and send it again.", Escape(name))
	}
	for _, r := range refused[:min(len(refused), maxToldRefusals)] {
		text.WriteString("\n• ")
		if r.Position != "" {
			text.WriteString(string(Escape(r.Position)) + ": ")
		}
		text.WriteString(string(Escape(clip(r.Problem, 300))))
	}
	if more := len(refused) - maxToldRefusals; more > 0 {
		fmt.Fprintf(&text, "\n… and %s more.", thousands(more))
	}
	return text.String()
}

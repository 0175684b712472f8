package campaign

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
)

// proposed is the ID of a catalog that waits for a second person.
const proposed = "proposed"

// ImportCatalog replaces the catalog as a whole, under a new version. Owners that
// people corrected hold over it until it says the same. Work follows its service's
// new owner; above the set size that waits for a second person, and nothing is
// imported meanwhile. A catalog that lacks a fifth of the services, groups or people
// of the one before is refused with Conflict: most likely a folder is missing. See
// ShrinkCatalog.
func (g *Engine) ImportCatalog(ctx context.Context, r Request, fresh Catalog) (ImportReport, error) {
	return g.importCatalog(ctx, r, fresh, catalogImport{})
}

// ShrinkCatalog is ImportCatalog for a catalog from which much is gone for good.
func (g *Engine) ShrinkCatalog(ctx context.Context, r Request, fresh Catalog) (ImportReport, error) {
	return g.importCatalog(ctx, r, fresh, catalogImport{shrinks: true})
}

// catalogImport is what people have agreed to: that much is gone, and that work moves.
type catalogImport struct{ shrinks, granted bool }

// shrunk refuses a catalog that lacks much of this one.
func (c Catalog) shrunk(fresh Catalog) error {
	var lacks []string
	lack := func(n, all int, noun string) {
		if n > 0 && n == all || n >= enoughSeen && float64(n) >= suspicious*float64(all) {
			lacks = append(lacks, fmt.Sprintf("%s of the %s", thousands(n), count(all, noun)))
		}
	}
	lack(gone(c.Services, fresh.Services), len(c.Services), "service")
	lack(gone(c.Units, fresh.Units), len(c.Units), "group")
	lack(gone(c.Members, fresh.Members), len(c.Members), "member")
	if len(lacks) == 0 {
		return nil
	}
	return Refuse(Conflict, fmt.Sprintf("This catalog lacks %s that the one before has, so nothing was imported. All paths together are the whole catalog: name the missing ones too. If they are gone for good: `muster import catalog --gone …`.", enumerate(lacks)))
}

func (g *Engine) importCatalog(ctx context.Context, r Request, fresh Catalog, agreed catalogImport) (ImportReport, error) {
	old, version, err := g.catalog(ctx)
	if err != nil {
		return ImportReport{}, err
	}
	if !agreed.shrinks {
		if err := old.shrunk(fresh); err != nil {
			return ImportReport{}, err
		}
	}
	fresh.follow(old)
	var report ImportReport
	err = g.atomically(ctx, Sys, Request{Actor: r.Actor}, func(tx *transaction) error {
		report = ImportReport{}
		if _, now, err := g.catalog(ctx); err != nil {
			return err
		} else if now != version {
			return Refuse(Conflict, "The catalog was changed in this moment, so nothing was imported. Run it again.")
		}
		corrected, err := tx.applyCorrections(fresh, &report)
		if err != nil {
			return err
		}
		compareCatalogs(old, corrected, &report)
		if report.New+report.Changed == 0 && version > 0 && sameSize(old, corrected) {
			return nil
		}
		moves, err := g.reorganise(ctx, old, corrected)
		if err != nil {
			return err
		}
		report.Reassigned = moves.open()
		if report.Held = !agreed.granted && g.needsSecond(report.Reassigned); report.Held {
			return nil
		}
		if err := g.startMoves(ctx, r, moves, version); err != nil {
			return err
		}
		return tx.keepCatalog(corrected, version)
	})
	if err != nil {
		return report, err
	}
	if report.Held {
		return ImportReport{Held: true, Reassigned: report.Reassigned}, g.holdCatalog(ctx, r, old, fresh)
	}
	report.Moved, err = g.sweepAll(ctx, r)
	return report, err
}

// heldCatalog is what a second person agrees to.
type heldCatalog struct {
	Hash string `json:"hash"` // of the catalog that waits
}

// holdCatalog keeps a catalog until a second person decides, asked for in the
// campaign that most of it concerns. The same one is asked about once.
func (g *Engine) holdCatalog(ctx context.Context, r Request, old, fresh Catalog) error {
	data, err := pack(fresh)
	if err != nil {
		return err
	}
	waits, err := g.opts.Store.Get(ctx, Sys, KindCatalog, proposed)
	if err != nil && KindOf(err) != NotFound {
		return err
	}
	hash := textHash(string(data))
	moves, err := g.reorganise(ctx, old, fresh)
	if err != nil {
		return err
	}
	id := moves.most()
	asked := opaqueID("catalog", hash)
	if !bytes.Equal(waits.Data, data) {
		change := Change{Scope: Sys, Records: []Record{{Kind: KindCatalog, ID: proposed, Version: waits.Version, Data: data}}}
		if err := g.opts.Store.Apply(ctx, change); err != nil {
			return err
		}
	}
	return g.atomically(ctx, Scope(id), Request{Actor: r.Actor, Key: "catalog/" + asked, Reason: r.Reason}, func(tx *transaction) error {
		_, err := tx.hold(HoldCatalog, moves.open(), heldCatalog{Hash: hash}, moves.preview(old, fresh))
		return err
	})
}

func (g *Engine) catalogGranted(ctx context.Context, r Request, _ string, args json.RawMessage) (Message, error) {
	var held heldCatalog
	if err := json.Unmarshal(args, &held); err != nil {
		return Message{}, fmt.Errorf("decode hold: %w", err)
	}
	record, err := g.opts.Store.Get(ctx, Sys, KindCatalog, proposed)
	if err != nil && KindOf(err) != NotFound {
		return Message{}, err
	}
	if err != nil || textHash(string(record.Data)) != held.Hash {
		return Message{}, Refuse(Conflict, "Another catalog was imported, or proposed, since. Nothing was changed; look at the newest preview, or import it again.")
	}
	fresh, err := unpack[Catalog](record.Data)
	if err != nil {
		return Message{}, err
	}
	report, err := g.importCatalog(ctx, Request{Actor: r.Actor, Reason: r.Reason}, fresh, catalogImport{shrinks: true, granted: true})
	if err != nil {
		return Message{}, err
	}
	gone := Change{Scope: Sys, Records: []Record{{Kind: KindCatalog, ID: proposed, Version: record.Version}}}
	if err := g.opts.Store.Apply(ctx, gone); err != nil && KindOf(err) != Conflict {
		return Message{}, err
	}
	return say("Imported: %s now with another owner. Each new contact gets one message; whose work went elsewhere sees it in the message they have.", describeOpen(report.Reassigned)), nil
}

func compareCatalogs(old, fresh Catalog, report *ImportReport) {
	compareMaps(old.Services, fresh.Services, report)
	compareMaps(old.Units, fresh.Units, report)
	compareMaps(old.Members, fresh.Members, report)
	report.Gone = gone(old.Services, fresh.Services) + gone(old.Units, fresh.Units) + gone(old.Members, fresh.Members)
}

func sameSize(a, b Catalog) bool {
	return len(a.Services) == len(b.Services) && len(a.Units) == len(b.Units) && len(a.Members) == len(b.Members)
}

// maxAgreed bounds how many corrections one import drops: the next drops more.
const maxAgreed = 200

// applyCorrections returns a catalog with the owners that people corrected, and
// drops the corrections that it agrees with by itself.
func (tx *transaction) applyCorrections(fresh Catalog, report *ImportReport) (Catalog, error) {
	fresh = fresh.copied()
	for stored, err := range LoadAll[Correction](tx.ctx, tx.engine.opts.Store, Sys, KindCorrection) {
		if err != nil {
			return fresh, err
		}
		x := stored.Value
		if agreed := fresh.correct(x); !agreed {
			report.Corrected++
			continue
		}
		if len(report.Agreed) == maxAgreed {
			continue
		}
		report.Agreed = append(report.Agreed, x.Name)
		if err := tx.audit("catalog.agrees", "service/"+x.Service, x.To, x.To, ""); err != nil {
			return fresh, err
		}
		if err := tx.drop(KindCorrection, stored.ID); err != nil {
			return fresh, err
		}
	}
	return fresh, nil
}

func describeOpen(n int) string {
	if n == 1 {
		return "1 open task is"
	}
	return thousands(n) + " open tasks are"
}

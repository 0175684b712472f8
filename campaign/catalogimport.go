package campaign

import (
	"context"
)

// ImportCatalog replaces the catalog as a whole, under a new version. Owners that
// people corrected hold over it until it says the same.
func (g *Engine) ImportCatalog(ctx context.Context, r Request, fresh Catalog) (ImportReport, error) {
	var report ImportReport
	err := g.atomically(ctx, Sys, Request{Actor: r.Actor}, func(tx *transaction) error {
		report = ImportReport{}
		old, version, err := g.catalog(ctx)
		if err != nil {
			return err
		}
		corrected, err := tx.applyCorrections(fresh, &report)
		if err != nil {
			return err
		}
		compareCatalogs(old, corrected, &report)
		if report.New+report.Changed == 0 && version > 0 && sameSize(old, corrected) {
			return nil
		}
		return tx.keepCatalog(corrected, version)
	})
	if err != nil {
		return report, err
	}
	report.Moved, err = g.sweepAll(ctx, r)
	return report, err
}

func compareCatalogs(old, fresh Catalog, report *ImportReport) {
	compareMaps(old.Services, fresh.Services, report)
	compareMaps(old.Units, fresh.Units, report)
	compareMaps(old.Members, fresh.Members, report)
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

package campaign

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"runtime"
	"sync"
	"time"
)

// scanID is where the newest scan of an asset and source is kept.
func scanID(s Scan) string { return opaqueID("scan", s.Asset, s.Source) }

// ImportScans keeps the newest scan of each asset and source, and then looks at
// every running campaign again. Importing the same scans again changes nothing.
// Scans are stored many at a time as they come, so that memory does not grow with
// their number.
func (g *Engine) ImportScans(ctx context.Context, r Request, scans iter.Seq2[Scan, *Refusal]) (ImportReport, error) {
	var report ImportReport
	if err := g.sweepSoon(ctx); err != nil {
		return report, err
	}
	batch := scanBatch{engine: g, report: &report, at: map[string]int{}}
	for scan, refusal := range scans {
		if refusal != nil {
			report.Refused = append(report.Refused, *refusal)
			continue
		}
		if err := batch.add(ctx, scan); err != nil {
			return report, err
		}
	}
	if err := batch.store(ctx); err != nil {
		return report, err
	}
	moved, err := g.sweepAll(ctx, r)
	report.Moved = moved
	if err != nil {
		return report, err
	}
	return report, g.importSwept(ctx)
}

// The bounds of a batch: one write, and what may wait for it in memory.
const (
	batchScans = 400
	batchBytes = 8 << 20
)

// scanBatch collects scans that are stored in one step.
type scanBatch struct {
	engine *Engine
	report *ImportReport
	scans  []packedScan
	at     map[string]int // of scans, by ID
	bytes  int
}

type packedScan struct {
	id    string
	start time.Time
	data  []byte
}

func (b *scanBatch) add(ctx context.Context, s Scan) error {
	s.At = Stamp(s.At)
	data, err := pack(s)
	if err != nil {
		return err
	}
	if len(data) > maxRecordBytes { // the others are not held up
		b.report.Refused = append(b.report.Refused, Refusal{File: s.File, Problem: fmt.Sprintf("names more software on the asset %.100q than one scan may hold. It was left out; scan its parts one by one.", s.Asset)})
		return nil
	}
	id := scanID(s)
	if _, twice := b.at[id]; twice || len(b.scans) == batchScans || b.bytes+len(data) > batchBytes {
		if err := b.store(ctx); err != nil {
			return err
		}
	}
	b.at[id] = len(b.scans)
	b.scans = append(b.scans, packedScan{id: id, start: s.At, data: data})
	b.bytes += len(data)
	return nil
}

// store writes what was collected, but for what is there already in the same form
// or newer, and begins anew.
func (b *scanBatch) store(ctx context.Context) error {
	if len(b.scans) == 0 {
		return nil
	}
	ids := make([]string, len(b.scans))
	for i, s := range b.scans {
		ids[i] = s.id
	}
	var done ImportReport
	err := Retrying(ctx, func() error {
		records, err := b.engine.opts.Store.GetMany(ctx, Sys, KindScan, ids)
		if err != nil {
			return err
		}
		old := make([]Record, len(ids))
		for _, r := range records {
			old[b.at[r.ID]] = r
		}
		done = ImportReport{}
		change := Change{Scope: Sys}
		for i, s := range b.scans {
			switch {
			case old[i].Version == 0:
				done.New++
			case s.replaces(old[i].Data):
				done.Changed++
			default:
				done.Unchanged++
				continue
			}
			change.Records = append(change.Records, Record{Kind: KindScan, ID: s.id, Version: old[i].Version, Data: s.data})
		}
		if len(change.Records) == 0 {
			return nil
		}
		return b.engine.opts.Store.Apply(ctx, change)
	})
	if err != nil {
		return fmt.Errorf("store scans: %w", err)
	}
	b.report.New, b.report.Changed, b.report.Unchanged = b.report.New+done.New, b.report.Changed+done.Changed, b.report.Unchanged+done.Unchanged
	b.scans, b.bytes = b.scans[:0], 0
	clear(b.at)
	return nil
}

// replaces returns whether the scan differs from the one that is stored and is not
// older. What is stored and cannot be read gives way.
func (s packedScan) replaces(stored []byte) bool {
	if bytes.Equal(stored, s.data) {
		return false
	}
	start, err := startOfPacked(stored)
	return err != nil || !s.start.Before(start)
}

// scansAtOnce is how many scans are read at a time.
const scansAtOnce = 256

// scans yields the newest scans of all assets, a few in memory at a time. It ends
// after the first error.
func (g *Engine) scans(ctx context.Context) iter.Seq2[Scan, error] {
	return func(yield func(Scan, error) bool) {
		for after := ""; ; {
			page, err := g.opts.Store.List(ctx, Sys, KindScan, after, scansAtOnce)
			if err != nil {
				yield(Scan{}, err)
				return
			}
			for i, s := range unpackScans(page) {
				if s.err != nil {
					s.err = fmt.Errorf("decode scan %s: %w", page[i].ID, s.err)
				}
				if !yield(s.scan, s.err) || s.err != nil {
					return
				}
				after = page[i].ID
			}
			if len(page) == 0 {
				return
			}
		}
	}
}

type unpackedScan struct {
	scan Scan
	err  error
}

// unpackScans unpacks a page of scans on all processors.
func unpackScans(page []Record) []unpackedScan {
	out := make([]unpackedScan, len(page))
	share := (len(page) + runtime.GOMAXPROCS(0) - 1) / runtime.GOMAXPROCS(0)
	var workers sync.WaitGroup
	for begin := 0; begin < len(page); begin += share {
		workers.Go(func() {
			for i := begin; i < min(begin+share, len(page)); i++ {
				out[i].scan, out[i].err = unpack[Scan](page[i].Data)
			}
		})
	}
	workers.Wait()
	return out
}

package campaign

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"sync"
	"time"
)

// ImportReport is what an import did.
type ImportReport struct {
	New       int       `json:"new"`
	Changed   int       `json:"changed"`
	Unchanged int       `json:"unchanged"`
	Refused   []Refusal `json:"refused,omitempty"`
	// Moved is what it led to in each campaign that was looked at again.
	Moved []SweepReport `json:"moved,omitempty"`
}

// maxEstateBytes bounds one unpacked record of the estate.
const maxEstateBytes = 64 << 20

// scanID is where the newest scan of an asset and source is kept.
func scanID(s Scan) string { return opaqueID("scan", s.Asset, s.Source) }

// ImportScans keeps the newest scan of each asset and source, and then looks at
// every running campaign again. Importing the same scans again changes nothing.
func (g *Engine) ImportScans(ctx context.Context, r Request, scans iter.Seq2[Scan, *Refusal]) (ImportReport, error) {
	var report ImportReport
	for scan, refusal := range scans {
		if refusal != nil {
			report.Refused = append(report.Refused, *refusal)
			continue
		}
		err := g.keepScan(ctx, r, scan, &report)
		if KindOf(err) == Invalid { // too large for the store: the others are not held up
			report.Refused = append(report.Refused, Refusal{File: scan.File, Problem: fmt.Sprintf("names more software on the asset %.100q than one scan may hold. It was left out; scan its parts one by one.", scan.Asset)})
			continue
		}
		if err != nil {
			return report, err
		}
	}
	moved, err := g.sweepAll(ctx, r)
	report.Moved = moved
	return report, err
}

func (g *Engine) keepScan(ctx context.Context, r Request, s Scan, report *ImportReport) error {
	s.At = Stamp(s.At)
	data, err := pack(s)
	if err != nil {
		return err
	}
	return Retrying(ctx, func() error {
		old, err := g.opts.Store.Get(ctx, Sys, KindScan, scanID(s))
		if err != nil && KindOf(err) != NotFound {
			return err
		}
		if bytes.Equal(old.Data, data) || old.Version > 0 && olderThan(old.Data, s.At) {
			report.Unchanged++
			return nil
		}
		err = g.opts.Store.Apply(ctx, Change{Scope: Sys, Records: []Record{{Kind: KindScan, ID: scanID(s), Version: old.Version, Data: data}}})
		switch {
		case err != nil:
			return err
		case old.Version == 0:
			report.New++
		default:
			report.Changed++
		}
		return nil
	})
}

// olderThan returns whether a scan that starts at the given time is older than
// the one that is stored.
func olderThan(stored []byte, at time.Time) bool {
	old, err := unpack[Scan](stored)
	return err == nil && at.Before(old.At)
}

// scans returns the newest scans of all assets.
func (g *Engine) scans(ctx context.Context) ([]Scan, error) {
	var all []Scan
	for after := ""; ; {
		page, err := g.opts.Store.List(ctx, Sys, KindScan, after, 0)
		if err != nil {
			return nil, err
		}
		for _, record := range page {
			after = record.ID
			scan, err := unpack[Scan](record.Data)
			if err != nil {
				return nil, fmt.Errorf("decode scan %s: %w", record.ID, err)
			}
			all = append(all, scan)
		}
		if len(page) == 0 {
			return all, nil
		}
	}
}

// ImportCatalog replaces the catalog as a whole, under a new version.
func (g *Engine) ImportCatalog(ctx context.Context, r Request, fresh Catalog) (ImportReport, error) {
	var report ImportReport
	err := Retrying(ctx, func() error {
		report = ImportReport{}
		old, version, err := g.catalog(ctx)
		if err != nil {
			return err
		}
		compareMaps(old.Services, fresh.Services, &report)
		compareMaps(old.Units, fresh.Units, &report)
		compareMaps(old.Members, fresh.Members, &report)
		if report.New+report.Changed == 0 && version > 0 && len(old.Services) == len(fresh.Services) &&
			len(old.Units) == len(fresh.Units) && len(old.Members) == len(fresh.Members) {
			return nil
		}
		fresh.Version, fresh.At = version+1, g.opts.Clock.Now()
		data, err := pack(fresh)
		if err != nil {
			return err
		}
		return g.opts.Store.Apply(ctx, Change{Scope: Sys, Records: []Record{{Kind: KindCatalog, ID: self, Version: version, Data: data}}})
	})
	if err != nil {
		return report, err
	}
	report.Moved, err = g.sweepAll(ctx, r)
	return report, err
}

// catalog returns the catalog in force and its record's version; an empty one
// and 0 when none was imported. It is shared with others: nobody changes it.
func (g *Engine) catalog(ctx context.Context) (Catalog, uint64, error) {
	record, err := g.opts.Store.Get(ctx, Sys, KindCatalog, self)
	if err != nil {
		if KindOf(err) == NotFound {
			return Catalog{}, 0, nil
		}
		return Catalog{}, 0, err
	}
	c, err := g.unpacked.of(record)
	return c, record.Version, err
}

// catalogCache keeps the catalog unpacked, by its record's version.
type catalogCache struct {
	mu      sync.Mutex
	version uint64
	catalog Catalog
}

func (c *catalogCache) of(record Record) (Catalog, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.version == record.Version {
		return c.catalog, nil
	}
	catalog, err := unpack[Catalog](record.Data)
	if err != nil {
		return Catalog{}, err
	}
	c.version, c.catalog = record.Version, catalog
	return catalog, nil
}

// forget drops what is cached: its version may come again with another catalog.
func (c *catalogCache) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.version, c.catalog = 0, Catalog{}
}

func compareMaps[V any](old, fresh map[string]V, report *ImportReport) {
	for key, value := range fresh {
		before, ok := old[key]
		switch {
		case !ok:
			report.New++
		case same(before, value):
			report.Unchanged++
		default:
			report.Changed++
		}
	}
}

func same(a, b any) bool {
	left, err := json.Marshal(a)
	if err != nil {
		return false
	}
	right, err := json.Marshal(b)
	return err == nil && bytes.Equal(left, right)
}

// ImportRows adds targets to a campaign that is not about packages, or renews them. After
// the launch further rows join as late targets.
func (g *Engine) ImportRows(ctx context.Context, r Request, id string, rows []Row) (ImportReport, error) {
	var report ImportReport
	err := g.changeCampaign(ctx, r, id, "campaign.rows", func(_ *transaction, c *Campaign) error {
		if err := c.editable(); err != nil {
			return err
		}
		if len(c.Advisories) > 0 || c.Pattern != "" && c.Plan != "" {
			return Refuse(Conflict, "This campaign is about packages, so it takes its targets from the inventory. Nothing was imported.")
		}
		report = ImportReport{}
		old := map[string]Row{}
		for _, row := range c.Rows {
			old[row.Kind+"\x00"+row.Target] = row
		}
		fresh := map[string]Row{}
		for _, row := range rows {
			fresh[row.Kind+"\x00"+row.Target] = row
		}
		compareMaps(old, fresh, &report)
		for key, row := range fresh {
			old[key] = row
		}
		c.Rows, c.Pattern = nil, ""
		for _, key := range sortedKeys(old) {
			c.Rows = append(c.Rows, old[key])
		}
		return nil
	})
	if err != nil {
		return report, err
	}
	moved, err := g.Sweep(ctx, r, id)
	if moved.Campaign != "" {
		report.Moved = append(report.Moved, moved)
	}
	return report, err
}

// pack encodes and compresses a value of the estate. The same value always packs
// to the same bytes.
func pack(v any) ([]byte, error) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if err := json.NewEncoder(w).Encode(v); err != nil {
		return nil, fmt.Errorf("pack: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("pack: %w", err)
	}
	return b.Bytes(), nil
}

func unpack[T any](data []byte) (T, error) {
	var v T
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return v, fmt.Errorf("unpack: %w", err)
	}
	if err := json.NewDecoder(io.LimitReader(r, maxEstateBytes)).Decode(&v); err != nil {
		return v, fmt.Errorf("unpack: %w", err)
	}
	return v, nil
}

package campaign

import (
	"bytes"
	"context"
	"encoding/json"
	"sync"
)

// ImportReport is what an import did.
type ImportReport struct {
	New       int       `json:"new"`
	Changed   int       `json:"changed"`
	Unchanged int       `json:"unchanged"`
	Gone      int       `json:"gone,omitempty"` // of a catalog: what was in the one before and is not in this one
	Refused   []Refusal `json:"refused,omitempty"`
	// Corrected counts the services whose owner people corrected here and the
	// sources have not; Agreed are those that the sources agree with by now, by name.
	Corrected int      `json:"corrected,omitempty"`
	Agreed    []string `json:"agreed,omitempty"`
	// Held says that the import was not carried out: so many tasks would go to
	// another owner, Reassigned, that a second person has to agree.
	Held       bool `json:"held,omitempty"`
	Reassigned int  `json:"reassigned,omitempty"`
	// Moved is what it led to in each campaign that was looked at again.
	Moved []SweepReport `json:"moved,omitempty"`
}

// Kept returns whether anything of what was imported is in the store by now.
func (r ImportReport) Kept() bool { return r.New+r.Changed+r.Unchanged+r.Gone > 0 }

// keepCatalog stores a catalog in place of the one of a version.
func (tx *transaction) keepCatalog(c Catalog, version uint64) error {
	c.Version, c.At = version+1, tx.now
	data, err := pack(c)
	if err != nil {
		return err
	}
	tx.read[recordKey{KindCatalog, self}] = loaded{version: version, data: data, dirty: true}
	return nil
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

// gone counts what is not there any more.
func gone[V any](old, fresh map[string]V) (n int) {
	for key := range old {
		if _, still := fresh[key]; !still {
			n++
		}
	}
	return n
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

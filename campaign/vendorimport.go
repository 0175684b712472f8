package campaign

import (
	"cmp"
	"context"
	"fmt"
	"slices"
)

// The bounds of what one campaign keeps of vendors.
const (
	MaxProducts         = 20_000
	MaxVendorStatements = 100_000
)

// trackVendor is the track that an import of products brings along.
const trackVendor = string(TrackVendor)

// VendorList is what an import brings: products that the company runs, and what
// vendors say.
type VendorList struct {
	Products   []Product         `json:"products,omitempty"`
	Statements []VendorStatement `json:"statements,omitempty"`
}

// vendors returns what is kept of vendors, in a fixed order.
func (g *Engine) vendors(ctx context.Context, id string) ([]Product, []VendorStatement, error) {
	var products []Product
	for stored, err := range LoadAll[Product](ctx, g.opts.Store, Scope(id), KindProduct) {
		if err != nil {
			return nil, nil, err
		}
		products = append(products, stored.Value)
	}
	if len(products) == 0 {
		return nil, nil, nil
	}
	var statements []VendorStatement
	for stored, err := range LoadAll[VendorStatement](ctx, g.opts.Store, Scope(id), KindVendorStatement) {
		if err != nil {
			return nil, nil, err
		}
		statements = append(statements, stored.Value)
	}
	return products, statements, nil
}

// ImportVendors adds products of vendors to a campaign, or renews them, and what
// their vendors say. What means something else for a product than before reopens
// what was done by the old word. The same again changes nothing.
func (g *Engine) ImportVendors(ctx context.Context, r Request, id string, list VendorList) (ImportReport, error) {
	var report ImportReport
	c, err := g.Campaign(ctx, id)
	if err != nil {
		return report, err
	}
	switch {
	case c.editable() != nil:
		return report, c.editable()
	case len(c.Rows) > 0:
		return report, Refuse(Conflict, "This campaign is a list of targets, not about packages, so it has no vendors. Nothing was imported; `muster import targets` adds to its list.")
	case len(list.Products) > MaxProducts || len(list.Statements) > MaxVendorStatements:
		return report, Refuse(Invalid, fmt.Sprintf("A campaign takes at most %s products and %s statements of vendors. Nothing was imported.", thousands(MaxProducts), thousands(MaxVendorStatements)))
	}
	if len(list.Products) > 0 {
		if err := g.addVendorTrack(ctx, r, c); err != nil {
			return report, err
		}
	}
	if err := g.keepProducts(ctx, r, id, list.Products, &report); err != nil {
		return report, err
	}
	if err := g.keepStatements(ctx, r, id, list.Statements, &report); err != nil {
		return report, err
	}
	if err := g.followStatements(ctx, r, id); err != nil {
		return report, err
	}
	moved, err := g.Sweep(ctx, r, id)
	if !moved.empty() {
		report.Moved = append(report.Moved, moved)
	}
	return report, err
}

// addVendorTrack gives a campaign the track on which products stand, where it has
// none.
func (g *Engine) addVendorTrack(ctx context.Context, r Request, c Campaign) error {
	if slices.ContainsFunc(c.Tracks, func(t Track) bool { return t.Kind == TrackVendor }) {
		return nil
	}
	return g.changeCampaign(ctx, Request{Actor: r.Actor, Reason: "products of vendors were imported"}, c.ID, "campaign.track", func(_ *transaction, c *Campaign) error {
		if slices.ContainsFunc(c.Tracks, func(t Track) bool { return t.Kind == TrackVendor }) {
			return nil
		}
		c.Tracks = append(slices.Clone(c.Tracks), defaultTrack(trackVendor))
		return nil
	})
}

func (g *Engine) keepProducts(ctx context.Context, r Request, id string, products []Product, report *ImportReport) error {
	keys := make([]string, 0, len(products))
	byKey := map[string]Product{}
	for _, p := range products {
		key := p.id()
		if row, twice := byKey[key]; twice { // another version of it
			row.Versions = append(slices.Clone(row.Versions), p.Versions...)
			slices.Sort(row.Versions)
			row.Versions = slices.Compact(row.Versions)
			row.Exposure = cmp.Or(row.Exposure, p.Exposure)
			if p.Exposure == Exposed {
				row.Exposure = Exposed
			}
			p = row
		}
		byKey[key] = p
	}
	keys = append(keys, sortedKeys(byKey)...)
	for batch := range slices.Chunk(keys, MaxChangeRecords/4) {
		var counted ImportReport
		err := g.atomically(ctx, Scope(id), Request{Actor: r.Actor, Reason: r.Reason}, func(tx *transaction) error {
			counted = ImportReport{}
			if err := tx.prefetch(KindProduct, batch); err != nil {
				return err
			}
			for _, key := range batch {
				old, _, err := find[Product](tx, KindProduct, key)
				if err != nil {
					return err
				}
				p := byKey[key]
				p.Said, p.Changed, p.Before = cmp.Or(old.Said, p.Said), cmp.Or(old.Changed, p.Changed), cmp.Or(old.Before, p.Before)
				if err := keepNew(tx, KindProduct, key, p, &counted); err != nil {
					return err
				}
			}
			return tx.auditVendors("vendor.products", counted)
		})
		if err != nil {
			return fmt.Errorf("keep products of %s: %w", id, err)
		}
		report.add(counted)
	}
	return nil
}

func (g *Engine) keepStatements(ctx context.Context, r Request, id string, statements []VendorStatement, report *ImportReport) error {
	byKey := map[string]VendorStatement{}
	for _, s := range statements {
		key := opaqueID(id, "statement", plainVendor(s.Vendor), plainName(s.Product))
		if before, twice := byKey[key]; twice {
			s.Claims = append(slices.Clone(before.Claims), s.Claims...) // entries of one product for several versions
		}
		byKey[key] = s
	}
	for batch := range slices.Chunk(sortedKeys(byKey), MaxChangeRecords/4) {
		var counted ImportReport
		err := g.atomically(ctx, Scope(id), Request{Actor: r.Actor, Reason: r.Reason}, func(tx *transaction) error {
			counted = ImportReport{}
			if err := tx.prefetch(KindVendorStatement, batch); err != nil {
				return err
			}
			for _, key := range batch {
				if err := keepNew(tx, KindVendorStatement, key, byKey[key], &counted); err != nil {
					return err
				}
			}
			return tx.auditVendors("vendor.statements", counted)
		})
		if err != nil {
			return fmt.Errorf("keep statements of %s: %w", id, err)
		}
		report.add(counted)
	}
	return nil
}

// followStatements holds what vendors say against each product, and keeps what that
// means now and meant before. Lists touch dates, notes and links: those do not count.
func (g *Engine) followStatements(ctx context.Context, r Request, id string) error {
	products, statements, err := g.vendors(ctx, id)
	if err != nil || len(products) == 0 {
		return err
	}
	c, err := g.Campaign(ctx, id)
	if err != nil {
		return err
	}
	judge := newVendorJudge(c, statements)
	now := map[string]string{}
	for _, p := range products {
		if said := judge.judge(p).Said; said != p.Said {
			now[p.id()] = said
		}
	}
	for batch := range slices.Chunk(sortedKeys(now), MaxChangeRecords/4) {
		err := g.atomically(ctx, Scope(id), Request{Actor: r.Actor}, func(tx *transaction) error {
			if err := tx.prefetch(KindProduct, batch); err != nil {
				return err
			}
			for _, key := range batch {
				err := amend(tx, KindProduct, key, func(p *Product) {
					if p.Said != "" {
						p.Changed, p.Before = tx.now, p.Said
					}
					p.Said = now[key]
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("follow statements of %s: %w", id, err)
		}
	}
	return nil
}

// keepNew stores a record unless it is there already as it is, and counts it.
func keepNew[T any](tx *transaction, kind RecordKind, key string, value T, counted *ImportReport) error {
	old, found, err := find[T](tx, kind, key)
	switch {
	case err != nil:
		return err
	case found && same(old, value):
		counted.Unchanged++
		return nil
	case found:
		counted.Changed++
	default:
		counted.New++
	}
	return save(tx, kind, key, value)
}

func (tx *transaction) auditVendors(action string, counted ImportReport) error {
	if counted.New+counted.Changed == 0 {
		return nil
	}
	return tx.audit(action, "campaign/"+string(tx.scope), "", fmt.Sprintf("%d new, %d changed", counted.New, counted.Changed), tx.request.Reason)
}

func (r *ImportReport) add(more ImportReport) {
	r.New, r.Changed, r.Unchanged = r.New+more.New, r.Changed+more.Changed, r.Unchanged+more.Unchanged
}

// vendorCount is how far the products of an assessment are, with what was done
// about them.
func (g *Engine) vendorCount(ctx context.Context, c Campaign, world Assessment) (VendorCount, error) {
	count := world.Vendor
	for _, track := range c.Tracks {
		if track.Kind != TrackVendor {
			continue
		}
		var ids []string
		for _, target := range sortedKeys(world.Vendors) {
			if world.Vendors[target].Standing == VendorAffected {
				ids = append(ids, TaskID(target, track.Name))
			}
		}
		for part := range slices.Chunk(ids, MaxChangeRecords) {
			tasks, err := LoadMany[Task](ctx, g.opts.Store, Scope(c.ID), KindTask, part)
			if err != nil {
				return count, err
			}
			for _, t := range valuesOf(tasks) {
				if t.claimedOrVerified() {
					count.Acted++
				}
			}
		}
	}
	return count, nil
}

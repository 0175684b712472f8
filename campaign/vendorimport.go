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
	}
	rows, err := g.vendorRows(ctx, id, list)
	if err != nil {
		return report, err
	}
	if len(list.Products) > 0 {
		if err := g.addVendorTrack(ctx, r, c); err != nil {
			return report, err
		}
	}
	if err := g.keepVendorRows(ctx, r, id, rows, &report); err != nil {
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

// vendorRows are the records that a list becomes, by their keys.
type vendorRows struct {
	products   map[string]Product
	statements map[string]VendorStatement
}

// maxVendorClaims bounds what one source says of one product.
const maxVendorClaims = 500

// vendorRows joins what a list says of one product, and refuses a list with which
// the campaign would keep too much.
func (g *Engine) vendorRows(ctx context.Context, id string, list VendorList) (vendorRows, error) {
	rows := vendorRows{products: map[string]Product{}, statements: map[string]VendorStatement{}}
	for _, p := range list.Products {
		key := p.id()
		if row, twice := rows.products[key]; twice {
			p = row.with(p)
		}
		rows.products[key] = p
	}
	for _, s := range list.Statements {
		key := s.key(id)
		if row, twice := rows.statements[key]; twice { // entries of one product for several versions
			if len(row.Claims)+len(s.Claims) > maxVendorClaims {
				return rows, Refuse(Invalid, fmt.Sprintf("The list says more than %d things of %s %s. Nothing was imported; give its versions in one row, with commas.", maxVendorClaims, Escape(s.Vendor), Escape(s.Product)))
			}
			row.Claims = append(row.Claims, s.Claims...)
			s = row
		} else {
			s.Claims = slices.Clone(s.Claims)
		}
		rows.statements[key] = s
	}
	products, err := countWith(ctx, g.opts.Store, Scope(id), KindProduct, rows.products)
	if err != nil {
		return rows, err
	}
	statements, err := countWith(ctx, g.opts.Store, Scope(id), KindVendorStatement, rows.statements)
	if err != nil {
		return rows, err
	}
	if products > MaxProducts || statements > MaxVendorStatements {
		return rows, Refuse(Invalid, fmt.Sprintf("A campaign takes at most %s products and %s statements of vendors, and with these it would have %s and %s. Nothing was imported.",
			thousands(MaxProducts), thousands(MaxVendorStatements), thousands(products), thousands(statements)))
	}
	return rows, nil
}

// countWith returns how many records of a kind there are once fresh ones are stored.
func countWith[T any](ctx context.Context, store Store, scope Scope, kind RecordKind, fresh map[string]T) (int, error) {
	n := len(fresh)
	for after := ""; ; {
		page, err := store.List(ctx, scope, kind, after, 0)
		if err != nil || len(page) == 0 {
			return n, err
		}
		for _, r := range page {
			after = r.ID
			if _, renewed := fresh[r.ID]; !renewed {
				n++
			}
		}
	}
}

// with is a product in the versions of two rows.
func (p Product) with(row Product) Product {
	for _, r := range []*Product{&p, &row} {
		if len(r.Versions) == 0 {
			r.Versions = []string{""}
		}
	}
	versions := slices.Concat(p.Versions, row.Versions)
	slices.Sort(versions)
	p.Versions = slices.Compact(versions)
	if p.Exposure = cmp.Or(p.Exposure, row.Exposure); row.Exposure == Exposed {
		p.Exposure = Exposed
	}
	return p
}

func (s VendorStatement) key(campaign string) string {
	return opaqueID(campaign, "statement", s.Source, plainVendor(s.Vendor), plainName(s.Product))
}

func (g *Engine) keepVendorRows(ctx context.Context, r Request, id string, rows vendorRows, report *ImportReport) error {
	err := keepRows(ctx, g, r, id, KindProduct, "vendor.products", rows.products, report, func(old, p Product) Product {
		p.Said, p.Changed, p.Before = old.Said, old.Changed, old.Before
		return p
	})
	if err != nil {
		return err
	}
	return keepRows(ctx, g, r, id, KindVendorStatement, "vendor.statements", rows.statements, report, func(_, s VendorStatement) VendorStatement { return s })
}

// keepRows stores records by their keys, so many in a step, and counts them. renewed
// is what stands in place of a record that is there.
func keepRows[T any](ctx context.Context, g *Engine, r Request, id string, kind RecordKind, action string, rows map[string]T, report *ImportReport, renewed func(old, row T) T) error {
	for batch := range slices.Chunk(sortedKeys(rows), MaxChangeRecords/4) {
		var counted ImportReport
		err := g.atomically(ctx, Scope(id), Request{Actor: r.Actor, Reason: r.Reason}, func(tx *transaction) error {
			counted = ImportReport{}
			if err := tx.prefetch(kind, batch); err != nil {
				return err
			}
			for _, key := range batch {
				old, found, err := find[T](tx, kind, key)
				if err != nil {
					return err
				}
				row := rows[key]
				switch {
				case !found:
					counted.New++
				default:
					if row = renewed(old, row); same(old, row) {
						counted.Unchanged++
						continue
					}
					counted.Changed++
				}
				if err := save(tx, kind, key, row); err != nil {
					return err
				}
			}
			return tx.auditVendors(action, counted)
		})
		if err != nil {
			return fmt.Errorf("keep %s of %s: %w", kind, id, err)
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
					if p.Said == now[key] { // another replica was faster
						return
					}
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

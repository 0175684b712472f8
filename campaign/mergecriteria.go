package campaign

import (
	"cmp"
	"context"
	"maps"
	"slices"
)

// mergeCriteria takes over what is looked for and what was decided.
func (g *Engine) mergeCriteria(ctx context.Context, claim Claimed, m Merge, f, i Campaign) error {
	ids, err := g.targetIDs(ctx, f, i)
	if err != nil {
		return err
	}
	for stored, err := range LoadAll[attachedVEX](ctx, g.opts.Store, Scope(f.ID), KindStatements) {
		if err != nil {
			return err
		}
		err := g.atomically(ctx, Scope(i.ID), Request{Actor: m.By}, func(tx *transaction) error {
			if _, found, err := find[attachedVEX](tx, KindStatements, stored.ID); err != nil || found {
				return err
			}
			return save(tx, KindStatements, stored.ID, stored.Value)
		})
		if err != nil {
			return err
		}
	}
	if err := g.mergeVendors(ctx, m, f, i); err != nil {
		return err
	}
	return g.mergeAdvance(ctx, claim, m, func(tx *transaction, now *Merge) error {
		c, err := tx.campaign()
		if err != nil {
			return err
		}
		c.takeCriteria(f, ids)
		now.Stage = MergeTickets
		if err := tx.audit("campaign.criteria", "campaign/"+c.ID, "", "with those of "+f.ID, ""); err != nil {
			return err
		}
		return save(tx, KindCampaign, self, c)
	})
}

func (g *Engine) mergeVendors(ctx context.Context, m Merge, f, i Campaign) error {
	products, statements, err := g.vendors(ctx, f.ID)
	if err != nil || len(products) == 0 {
		return err
	}
	if err := g.addVendorTrack(ctx, Request{Actor: m.By}, i); err != nil {
		return err
	}
	rows, err := g.vendorRows(ctx, i.ID, VendorList{Products: products, Statements: statements})
	if err != nil {
		return err
	}
	// What both have stays as it is here.
	err = keepRows(ctx, g, Request{Actor: m.By}, i.ID, KindProduct, "vendor.products", rows.products, &ImportReport{}, func(old, _ Product) Product { return old })
	if err != nil {
		return err
	}
	err = keepRows(ctx, g, Request{Actor: m.By}, i.ID, KindVendorStatement, "vendor.statements", rows.statements, &ImportReport{}, func(old, _ VendorStatement) VendorStatement { return old })
	if err != nil {
		return err
	}
	return g.followStatements(ctx, Request{Actor: m.By}, i.ID)
}

// targetIDs maps the IDs of targets in one campaign to those in another: of all
// services of the catalog, and of what was enrolled.
func (g *Engine) targetIDs(ctx context.Context, f, i Campaign) (map[string]string, error) {
	catalog, _, err := g.catalog(ctx)
	if err != nil {
		return nil, err
	}
	ids := map[string]string{}
	for ref := range catalog.Services {
		for _, layer := range layers {
			ids[targetID(f.ID, ref, layer)] = targetID(i.ID, ref, layer)
		}
	}
	for stored, err := range LoadAll[Target](ctx, g.opts.Store, Scope(f.ID), KindTarget) {
		if err != nil {
			return nil, err
		}
		ids[stored.ID] = stored.Value.idIn(i.ID)
	}
	return ids, nil
}

// takeCriteria lets a campaign look for what another looked for, with what people
// decided there. What both have stays as it is here.
func (c *Campaign) takeCriteria(f Campaign, ids map[string]string) {
	for _, a := range f.Advisories {
		if !slices.ContainsFunc(c.Advisories, func(b Advisory) bool { return b.ID == a.ID }) {
			c.Advisories = append(c.Advisories, a)
		}
	}
	for _, floor := range f.Floors {
		if !slices.ContainsFunc(c.Floors, func(b Floor) bool { return b.Package == floor.Package && b.Branch == floor.Branch }) {
			c.Floors = append(c.Floors, floor)
		}
	}
	for _, o := range f.Overrides {
		if !slices.ContainsFunc(c.Overrides, func(b Override) bool {
			return b.Kind == o.Kind && b.Package == o.Package && b.Advisory == o.Advisory
		}) {
			c.Overrides = append(c.Overrides, o)
		}
	}
	for _, v := range f.Void {
		if _, ok := c.Track(v.Track); ok && !c.IsVoid(v.Track, v.Method) {
			c.Void = append(c.Void, v)
		}
	}
	for _, r := range f.TriageRules {
		if !slices.ContainsFunc(c.TriageRules, func(b TriageRule) bool { return b.TriagePattern == r.TriagePattern }) {
			c.TriageRuled++
			r.Number = c.TriageRuled
			c.TriageRules = append(c.TriageRules, r)
		}
	}
	if c.Triage == nil {
		c.Triage = map[string]TriageDecision{}
	}
	for _, id := range slices.Sorted(maps.Keys(f.Triage)) {
		here, known := ids[id]
		if _, decided := c.Triage[here]; known && !decided {
			c.Triage[here] = f.Triage[id]
		}
	}
	c.Pattern = cmp.Or(c.Pattern, f.Pattern)
	c.Exploited = c.Exploited || f.Exploited
	c.Waiver = cmp.Or(c.Waiver, f.Waiver)
	c.Baseline++
}

package campaign

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"
)

// Correction is an owner that people corrected in a campaign. It holds over what
// the sources of the catalog say until they say the same.
type Correction struct {
	Service  string    `json:"service"` // catalog ref
	Layer    Layer     `json:"layer,omitempty"`
	Name     string    `json:"name"`
	From     string    `json:"from,omitempty"` // owner refs
	To       string    `json:"to"`
	By       Person    `json:"by"`
	At       time.Time `json:"at"`
	Reason   string    `json:"reason,omitempty"`
	Campaign string    `json:"campaign"`
}

// SourceCorrection is the source of an OwnerClaim that is a correction.
const SourceCorrection = "correction"

func correctionID(service string, layer Layer) string {
	return opaqueID("correction", service, string(cmp.Or(layer, LayerApplication)))
}

// keepCorrections keeps whose the services of a reassignment are by now, before it
// is carried out: what follows from it may be repeated.
func (g *Engine) keepCorrections(ctx context.Context, scope Scope, id string) error {
	r, _, err := Load[Reassignment](ctx, g.opts.Store, scope, KindReassignment, id)
	if err != nil && KindOf(err) == NotFound {
		return nil
	}
	if err != nil || r.Status != ReassignmentMoving || !r.Corrects || r.Listed {
		return err
	}
	var fresh []Correction
	for ids := range slices.Chunk(r.Targets, MaxChangeRecords) {
		targets, err := LoadMany[Target](ctx, g.opts.Store, scope, KindTarget, ids)
		if err != nil {
			return err
		}
		for _, t := range valuesOf(targets) {
			if t.Service != "" && t.Owner != r.To {
				fresh = append(fresh, Correction{
					Service: t.Service, Layer: t.Layer, Name: t.Name, From: t.Owner, To: r.To, By: r.DecidedBy, At: r.DecidedAt, Reason: r.Reason, Campaign: string(scope),
				})
			}
		}
	}
	if err := g.correct(ctx, fresh); err != nil {
		return err
	}
	return g.keepDecidedOwners(ctx, scope, r)
}

// correct keeps corrections and the catalog that they make, in one step for as
// many as fit into one.
func (g *Engine) correct(ctx context.Context, fresh []Correction) error {
	for batch := range slices.Chunk(fresh, workAtOnce) {
		err := g.atomically(ctx, Sys, Request{Actor: batch[0].By}, func(tx *transaction) error {
			catalog, version, err := g.catalog(tx.ctx)
			if err != nil || version == 0 {
				return err
			}
			corrected := catalog.copied()
			for _, c := range batch {
				id := correctionID(c.Service, c.Layer)
				old, found, err := find[Correction](tx, KindCorrection, id)
				if err != nil {
					return err
				}
				if found && old.To == c.To {
					continue
				}
				if found {
					c.From = old.From // what the sources say is what it holds over
				}
				if err := tx.audit("catalog.correct", "service/"+c.Service, c.From, c.To, c.Reason); err != nil {
					return err
				}
				if err := save(tx, KindCorrection, id, c); err != nil {
					return err
				}
				corrected.correct(c)
			}
			if len(tx.change.Audit) == 0 {
				return nil
			}
			return tx.keepCatalog(corrected, version)
		})
		if err != nil {
			return fmt.Errorf("keep corrections: %w", err)
		}
	}
	return nil
}

// copied returns a catalog whose services may be changed.
func (c Catalog) copied() Catalog {
	services := make(map[string]Service, len(c.Services))
	for ref, s := range c.Services {
		services[ref] = s
	}
	c.Services = services
	return c
}

// correct applies a correction, and returns whether the catalog's sources say the
// same already. An owner whom the catalog does not know any more changes nothing.
func (c Catalog) correct(x Correction) (agreed bool) {
	s, ok := c.Services[x.Service]
	if !ok {
		return false
	}
	if x.To = c.standing(x.To); x.To == "" {
		return false
	}
	said := s.OwnerOf(x.Layer)
	if said == x.To && !s.disputed() {
		return true
	}
	claims := []OwnerClaim{{Source: SourceCorrection, Owner: x.To}}
	for _, claim := range s.Claims {
		if claim.Source != SourceCorrection {
			claims = append(claims, claim)
		}
	}
	if len(claims) == 1 && said != "" {
		claims = append(claims, OwnerClaim{Source: "catalog", Owner: said})
	}
	s.setOwner(x.Layer, x.To)
	if cmp.Or(x.Layer, LayerApplication) == LayerApplication {
		s.Claims = claims
	}
	c.Services[x.Service] = s
	return false
}

// Corrections returns the owners that people corrected and the catalog's sources
// do not have yet, by the name of the service.
func Corrections(ctx context.Context, r Reader) ([]Correction, error) {
	var all []Correction
	for stored, err := range LoadAll[Correction](ctx, r, Sys, KindCorrection) {
		if err != nil {
			return nil, err
		}
		all = append(all, stored.Value)
	}
	slices.SortFunc(all, func(a, b Correction) int {
		return compareStrings(a.Name, b.Name, a.Service+string(a.Layer), b.Service+string(b.Layer))
	})
	return all, nil
}

// keepDecidedOwners keeps whose targets are by now that no catalog has: rows of a
// list, and assets that a person gave an owner.
func (g *Engine) keepDecidedOwners(ctx context.Context, scope Scope, r Reassignment) error {
	c, err := g.Campaign(ctx, string(scope))
	if err != nil || len(c.Rows)+len(c.Triage) == 0 {
		return err
	}
	return g.atomically(ctx, scope, Request{Actor: r.DecidedBy}, func(tx *transaction) error {
		c, err := tx.campaign()
		if err != nil {
			return err
		}
		changed := false
		for _, id := range r.Targets {
			if d, ok := c.Triage[id]; ok && d.Owner != "" && d.Owner != r.To {
				d.Owner = r.To
				c.Triage[id], changed = d, true
			}
		}
		for i, row := range c.Rows {
			if id := opaqueID(c.ID, "row", row.Kind, row.Target); row.Owner != r.To && slices.Contains(r.Targets, id) {
				c.Rows[i].Owner, changed = r.To, true
			}
		}
		if !changed {
			return nil
		}
		return save(tx, KindCampaign, self, c)
	})
}

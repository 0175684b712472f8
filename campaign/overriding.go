package campaign

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// KindStatements are VEX statements of one document, attached to a campaign.
const KindStatements RecordKind = "statements"

// The bounds of what one campaign overrides.
const (
	maxOverrides  = 200
	maxStatements = 2000 // of one document
)

// attachedVEX is one VEX document as it was attached.
type attachedVEX struct {
	Name       string      `json:"name"`
	By         Person      `json:"by"`
	At         time.Time   `json:"at"`
	Statements []Statement `json:"statements"`
}

// judge compiles what a campaign looks for, with the VEX statements attached to
// it.
func (g *Engine) judge(ctx context.Context, c Campaign) (Judge, error) {
	criteria := c.Criteria()
	var err error
	if criteria.Statements, err = readStatements(ctx, g.opts.Store, c.ID); err != nil {
		return nil, err
	}
	return g.opts.Matcher.Compile(criteria)
}

func readStatements(ctx context.Context, r Reader, id string) ([]Statement, error) {
	var all []Statement
	for stored, err := range LoadAll[attachedVEX](ctx, r, Scope(id), KindStatements) {
		if err != nil {
			return nil, err
		}
		all = append(all, stored.Value.Statements...)
	}
	return all, nil
}

// Override keeps a local decision about what the records say: that versions are
// fixed which a record counts as affected, or that a package is one that records
// call otherwise. The same package and record again replaces it.
func (g *Engine) Override(ctx context.Context, r Request, id string, o Override) (Message, error) {
	switch {
	case strings.TrimSpace(o.Reason) == "":
		return Message{}, Refuse(Invalid, "An override needs a reason, for the people who ask later. Nothing was changed.")
	case o.Package == "", o.Kind == OverrideFixed && len(o.Versions) == 0, o.Kind == OverrideAlias && o.As == "":
		return Message{}, Refuse(Invalid, "An override names a package and what is said of it, for example `/campaign override pkg:deb/debian/log4j fixed 2.14.1-2+deb11u1 \"backport\"` or `/campaign alias pkg:maven/com.acme/log4j-core = pkg:maven/org.apache.logging.log4j/log4j-core \"our rebuild\"`. Nothing was changed.")
	}
	o.By, o.At = r.Actor, g.opts.Clock.Now()
	r.Reason = o.Reason
	err := g.changeCampaign(ctx, r, id, "campaign.override", func(tx *transaction, c *Campaign) error {
		if err := c.editable(); err != nil {
			return err
		}
		i := slices.IndexFunc(c.Overrides, func(old Override) bool {
			return old.Kind == o.Kind && old.Package == o.Package && old.Advisory == o.Advisory
		})
		switch {
		case i >= 0 && o.Kind == OverrideFixed:
			for _, v := range c.Overrides[i].Versions {
				if !slices.Contains(o.Versions, v) {
					o.Versions = append(o.Versions, v)
				}
			}
			c.Overrides[i] = o
		case i >= 0:
			c.Overrides[i] = o
		case len(c.Overrides) >= maxOverrides:
			return Refuse(Invalid, "A campaign has at most 200 overrides. Nothing was changed; give a version pattern such as `2.14.1-acme*`, or correct the record.")
		default:
			c.Overrides = append(c.Overrides, o)
		}
		c.Baseline++
		tx.sweepNow(*c)
		_, err := tx.engine.opts.Matcher.Compile(c.Criteria())
		return err
	})
	if err != nil {
		return Message{}, err
	}
	text := say("%s counts as fixed in %s: %s.", o.Package, strings.Join(o.Versions, ", "), o.Reason)
	if o.Kind == OverrideAlias {
		text = say("%s counts as %s: %s.", o.Package, o.As, o.Reason)
	}
	return g.moved(ctx, id, text)
}

// AttachVEX lets what a supplier says of products count for a campaign: those
// that are not affected, or fixed, are not asked for. Statements about other
// vulnerabilities are kept and say nothing.
func (g *Engine) AttachVEX(ctx context.Context, r Request, id, name string, raw []byte) (Message, error) {
	if g.opts.Documents == nil {
		return Message{}, Refuse(Unavailable, "VEX documents are not read here. Nothing was changed.")
	}
	statements, remarks, err := g.opts.Documents.Statements(raw, name)
	if err != nil {
		return Message{}, err
	}
	whole := slices.DeleteFunc(slices.Clone(statements), func(s Statement) bool { return s.Within != "" })
	switch {
	case len(whole) == 0 && len(statements) > 0:
		return Message{}, Refuse(Invalid, "Its statements are about parts of one document only, so they cannot count for everybody. Nothing was changed; `muster match --vex` honours them for that document.")
	case len(whole) == 0:
		return Message{}, Refuse(Invalid, "It says of no product that it is not affected or fixed. Nothing was changed.")
	case len(whole) > maxStatements:
		return Message{}, Refuse(Invalid, "It has more than 2,000 statements. Nothing was changed; split it.")
	}
	err = g.changeCampaign(ctx, r, id, "campaign.vex", func(tx *transaction, c *Campaign) error {
		if err := c.editable(); err != nil {
			return err
		}
		c.Baseline++
		tx.sweepNow(*c)
		vexID := opaqueID(id, "vex", cmp.Or(name, string(raw[:min(len(raw), 64)])))
		if _, _, err := find[attachedVEX](tx, KindStatements, vexID); err != nil {
			return err
		}
		return save(tx, KindStatements, vexID, attachedVEX{Name: name, By: r.Actor, At: tx.now, Statements: whole})
	})
	if err != nil {
		return Message{}, err
	}
	m := say("%s is attached: %s.", name, count(len(whole), "statement"))
	if left := len(statements) - len(whole); left > 0 {
		m.Text += fmt.Sprintf(" %s about parts of one document do not count here.", count(left, "statement"))
	}
	if len(remarks) > 0 {
		m.Text += fmt.Sprintf(" %s: %s", count(len(remarks), "remark"), Escape(clip(remarks[0].Problem, 300)))
	}
	return g.moved(ctx, id, m)
}

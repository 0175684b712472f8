package campaign

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// SettleOwner is a commander's word on which source of the catalog is right about a
// service, by its catalog ref or name. It is kept as a correction: it holds over
// later imports, is exported with the others, and the work of all campaigns follows
// it.
func (g *Engine) SettleOwner(ctx context.Context, r Request, id, service, owner string) (Message, error) {
	old, version, err := g.catalog(ctx)
	if err != nil {
		return Message{}, err
	}
	s, ok := old.serviceNamed(service)
	to := old.named(owner)
	switch {
	case !ok:
		return Message{}, Refuse(NotFound, fmt.Sprintf("The catalog knows no service %s. Nothing was changed.", Escape(clip(service, maxOwnerWords))))
	case to == "":
		return Message{}, Refuse(NotFound, fmt.Sprintf("The catalog knows no owner %s. Nothing was changed.%s", Escape(clip(owner, maxOwnerWords)), old.alike(owner)))
	case s.Owner == to && !s.disputed():
		return say("%s belongs to %s already. Nothing was changed.", s.Name, ownerName(old, to)), nil
	}
	correction := Correction{
		Service: s.Ref, Layer: LayerApplication, Name: s.Name, From: s.Owner, To: to, By: r.Actor, At: g.opts.Clock.Now(),
		Reason: cmp.Or(r.Reason, said(s, to)), Campaign: id,
	}
	fresh := old.copied()
	fresh.correct(correction)
	moves, err := g.reorganise(ctx, old, fresh)
	if err != nil {
		return Message{}, err
	}
	// The moves first: after a crash in between, the catalog still has the old owner,
	// and the same again goes on.
	if err := g.startMoves(ctx, r, moves, version); err != nil {
		return Message{}, err
	}
	if err := g.correct(ctx, []Correction{correction}); err != nil {
		return Message{}, err
	}
	text := say("Settled: %s belongs to %s. The catalog is corrected here; `muster report corrections` exports it.", s.Name, ownerName(old, to))
	if n := moves.open(); n > 0 {
		text.Text += fmt.Sprintf(" %s with its new owner within a minute.", isOrAre(n, "open task"))
	}
	return text, nil
}

// said names the source that says so.
func said(s Service, owner string) string {
	i := slices.IndexFunc(s.Claims, func(c OwnerClaim) bool { return c.Owner == owner })
	if i < 0 {
		return "decided by the commander"
	}
	return "the commander holds with " + s.Claims[i].Source
}

// serviceNamed returns a service by its ref or its name.
func (c Catalog) serviceNamed(name string) (Service, bool) {
	if s, ok := c.Services[name]; ok {
		return s, true
	}
	for _, ref := range sortedKeys(c.Services) {
		if c.Services[ref].Name == name {
			return c.Services[ref], true
		}
	}
	return Service{}, false
}

// alike names owners of the catalog that somebody may have meant, after a blank; ""
// when there is none.
func (c Catalog) alike(name string) string {
	name = strings.ToLower(name[strings.LastIndexAny(name, ":/")+1:])
	var refs []string
	for _, ref := range sortedKeys(c.Units) {
		if short := strings.ToLower(ref[strings.LastIndexByte(ref, '/')+1:]); strings.Contains(short, name) || strings.Contains(name, short) {
			refs = append(refs, string(Escape(ref)))
		}
	}
	if len(refs) == 0 {
		refs = slices.Collect(maps.Keys(c.Units))
		slices.Sort(refs)
	}
	if len(refs) == 0 {
		return ""
	}
	return " It has " + alternatives(refs[:min(len(refs), 3)]) + ", for example."
}

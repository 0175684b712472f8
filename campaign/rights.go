package campaign

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// rights answers what a person may do about tasks, for the length of one
// request: what it is judged from is read once, and only when it is asked for.
type rights struct {
	person Person
	of     func() (membership, error)
	helps  func() (bool, error)
}

func (g *Engine) rightsOf(ctx context.Context, p Person) rights {
	return rights{
		person: p,
		of:     sync.OnceValues(func() (membership, error) { return g.membershipOf(ctx, p) }),
		helps:  sync.OnceValues(func() (bool, error) { return g.opts.Roles.Has(ctx, p, Helper) }),
	}
}

// mayWork refuses those who neither own a task nor steer the campaign: the
// contact, members of the owning team, the commander, the deputy and the helpers
// may.
func (r rights) mayWork(c Campaign, t Task) error {
	if c.Commands(r.person) || t.Contact == string(r.person) {
		return nil
	}
	m, err := r.of()
	if err != nil || m.belongs(t.Owner) {
		return err
	}
	if helper, err := r.helps(); err != nil || helper {
		return err
	}
	return Refuse(Forbidden, fmt.Sprintf("%s belongs to another team, so you cannot change it. Nothing was changed. Ask in the help channel if that is wrong.", Escape(t.Name)))
}

// leads returns whether the person belongs to an owner, or to a unit above it.
func (r rights) leads(owner string) (bool, error) {
	m, err := r.of()
	if err != nil {
		return false, err
	}
	return m.belongs(owner) || slices.ContainsFunc(m.catalog.Path(owner), func(u Unit) bool { return m.belongs(u.Ref) }), nil
}

// membership is a person beside the catalog of one moment. Who is not one of the
// company's people, or not any more, belongs to nothing.
type membership struct {
	user    User
	inside  bool
	catalog Catalog
}

func (g *Engine) membershipOf(ctx context.Context, p Person) (membership, error) {
	user, err := g.opts.Directory.ByID(ctx, p)
	if KindOf(err) == NotFound && err != nil || err == nil && (user.Foreign || user.Deleted) {
		return membership{}, nil
	}
	if err != nil {
		return membership{}, err
	}
	user.Person = p
	catalog, _, err := g.catalog(ctx)
	return membership{user: user, inside: true, catalog: catalog}, err
}

// belongs returns whether the person belongs to an owner, or is it.
func (m membership) belongs(owner string) bool {
	if !m.inside {
		return false
	}
	is := func(ref string) bool {
		member, ok := m.catalog.Members[ref]
		return ok && (member.SlackID != "" && member.SlackID == m.user.Person.User() || member.Email != "" && strings.EqualFold(member.Email, m.user.Email))
	}
	return is(owner) || slices.ContainsFunc(m.catalog.Units[owner].Members, is)
}

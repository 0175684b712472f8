package slackapi

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/musterbot/muster/campaign"
)

// groups are the members of user groups, for a few minutes each.
type groups struct {
	mu      sync.Mutex
	members map[string]membership
}

type membership struct {
	users map[string]bool
	at    time.Time
}

// Has implements campaign.Roles. Guests, people of connected workspaces and
// accounts that are switched off have no role, whatever the configuration says.
func (c *Client) Has(ctx context.Context, p campaign.Person, r campaign.Role) (bool, error) {
	u, err := c.ByID(ctx, p)
	switch {
	case campaign.KindOf(err) == campaign.NotFound && err != nil:
		return false, nil
	case err != nil:
		return false, err
	case u.Guest || u.Foreign || u.Deleted:
		return false, nil
	case r == campaign.Everybody:
		return true, nil
	}
	if slices.Contains(c.opts.Roles[r], p.User()) {
		return true, nil // whatever becomes of the groups
	}
	members, err := c.ids(ctx, r)
	if members[p.User()] {
		return true, nil
	}
	return false, err
}

// Members implements campaign.Roles. A group or a person whom Slack refuses to tell
// of does not keep the others out, and is warned of; when nobody else is known,
// that refusal is the error.
func (c *Client) Members(ctx context.Context, r campaign.Role) ([]campaign.Person, error) {
	me, err := c.Identity(ctx)
	if err != nil {
		return nil, err
	}
	ids, refused := c.ids(ctx, r)
	if passing(refused) {
		return nil, refused
	}
	var out []campaign.Person
	for _, id := range slices.Sorted(maps.Keys(ids)) {
		p := campaign.NewPerson(me.TeamID, id)
		here, err := c.Has(ctx, p, campaign.Everybody)
		switch {
		case passing(err):
			return nil, err
		case err != nil:
			refused = cmp.Or(refused, err)
		case here:
			out = append(out, p)
		}
	}
	if refused != nil && len(out) == 0 {
		return nil, refused
	}
	if refused != nil {
		c.opts.Log.WithError(refused).WithField("role", r).Warn("slack does not tell of everybody in a role; the others have it")
	}
	return out, nil
}

// passing returns whether an error may be gone at the next try, or is none of Slack's.
func passing(err error) bool {
	if err == nil {
		return false
	}
	kind := campaign.KindOf(err)
	return kind == campaign.Unavailable || kind == campaign.Uncertain || kind == campaign.Internal
}

// ids returns the user IDs that the configuration gives a role, user groups
// resolved. Beside an error come those that are known; one that may pass is
// preferred.
func (c *Client) ids(ctx context.Context, r campaign.Role) (map[string]bool, error) {
	out := map[string]bool{}
	var failed error
	for _, id := range c.opts.Roles[r] {
		if !strings.HasPrefix(id, "S") {
			out[id] = true
			continue
		}
		users, err := c.group(ctx, id)
		if err != nil && (failed == nil || passing(err)) {
			failed = err
		}
		maps.Copy(out, users)
	}
	return out, failed
}

// group returns the members of a user group. What has expired is not used, even
// when Slack cannot be asked: a role that cannot be checked is not had.
func (c *Client) group(ctx context.Context, id string) (map[string]bool, error) {
	g := &c.groups
	g.mu.Lock()
	known, ok := g.members[id]
	g.mu.Unlock()
	if ok && time.Since(known.at) < c.opts.GroupsFor {
		return known.users, nil
	}
	var list []string
	err := c.read(ctx, "usergroups.users.list", func(ctx context.Context) (err error) {
		list, err = c.api.GetUserGroupMembersContext(ctx, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	users := make(map[string]bool, len(list))
	for _, user := range list {
		users[user] = true
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.members == nil {
		g.members = map[string]membership{}
	}
	g.members[id] = membership{users: users, at: time.Now()}
	return users, nil
}

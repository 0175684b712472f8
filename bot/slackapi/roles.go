package slackapi

import (
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
	members, err := c.ids(ctx, r)
	if err != nil {
		return false, err
	}
	return members[p.User()], nil
}

// Members implements campaign.Roles.
func (c *Client) Members(ctx context.Context, r campaign.Role) ([]campaign.Person, error) {
	ids, err := c.ids(ctx, r)
	if err != nil {
		return nil, err
	}
	me, err := c.Identity(ctx)
	if err != nil {
		return nil, err
	}
	var out []campaign.Person
	for _, id := range slices.Sorted(maps.Keys(ids)) {
		p := campaign.NewPerson(me.TeamID, id)
		has, err := c.Has(ctx, p, r)
		if err != nil {
			return nil, err
		}
		if has {
			out = append(out, p)
		}
	}
	return out, nil
}

// ids returns the user IDs that the configuration gives a role, user groups
// resolved.
func (c *Client) ids(ctx context.Context, r campaign.Role) (map[string]bool, error) {
	out := map[string]bool{}
	for _, id := range c.opts.Roles[r] {
		if !strings.HasPrefix(id, "S") {
			out[id] = true
			continue
		}
		users, err := c.group(ctx, id)
		if err != nil {
			return nil, err
		}
		maps.Copy(out, users)
	}
	return out, nil
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

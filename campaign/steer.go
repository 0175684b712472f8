package campaign

import (
	"cmp"
	"context"
	"fmt"
	"strings"
)

// steered loads the campaign of this scope for somebody who steers it: the
// commander, the deputy, or another person with the role of a commander.
func (tx *transaction) steered(what string) (Campaign, error) {
	c, err := load[Campaign](tx, KindCampaign, self)
	if err != nil {
		return c, err
	}
	steers, err := tx.engine.steers(tx.ctx, c, tx.request.Actor)
	if err != nil || steers {
		return c, err
	}
	return c, Refuse(Forbidden, fmt.Sprintf("Only the commander can %s. Nothing was changed; ask %s.", what, Mention(c.Commander)))
}

// steers returns whether a person may steer a campaign.
func (g *Engine) steers(ctx context.Context, c Campaign, p Person) (bool, error) {
	if c.Commands(p) {
		return true, nil
	}
	return g.opts.Roles.Has(ctx, p, Commander)
}

// bridge returns where a campaign is steered: its command channel, else the one
// of the installation, else the commander.
func (g *Engine) bridge(c Campaign) string {
	return cmp.Or(c.CommandRef.ID, g.opts.CommandChannel.ID, c.Commander.User())
}

// viewer returns how a person reads times; a blank person reads them in the
// campaign's zone.
func (g *Engine) viewer(ctx context.Context, c Campaign, p Person) LocalTime {
	v := LocalTime{Zone: c.Zone, Now: g.opts.Clock.Now()}
	if p == "" {
		return v
	}
	if u, err := g.opts.Directory.ByID(ctx, p); err == nil {
		v.Zone = cmp.Or(u.Zone, v.Zone)
	}
	return v
}

// nameOf returns what a person is called where a mention cannot stand, such as
// in a ticket; the user ID when nobody knows.
func (g *Engine) nameOf(ctx context.Context, p Person) string {
	if u, err := g.opts.Directory.ByID(ctx, p); err == nil && u.Name != "" {
		return u.Name
	}
	return p.User()
}

// enumerate joins words as people do: "a", "a and b", "a, b and c".
func enumerate(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

// buttonValue returns a button's value: the campaign and the rest.
func buttonValue(campaignID string, rest ...string) string {
	return strings.Join(append([]string{campaignID}, rest...), "|")
}

// speak says something in the words of today.
func (g *Engine) speak(template string, data any) (Message, error) {
	text, err := g.opts.Renderer.Render(nil, template, data)
	return Message{Text: strings.TrimSpace(text)}, err
}

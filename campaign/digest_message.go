package campaign

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	// teamsAtOnce bounds how many teams one step tells.
	teamsAtOnce = 200
	// teamTasksShown bounds what one team's digest lists.
	teamTasksShown = 16
	teamDoneShown  = 6
	// asksWithButtons bounds the asks that can be answered in a digest; all of
	// them can be in their direct messages.
	asksWithButtons = 2
)

// digestPost is one message of a fire, with what makes it unique within it: one
// person may be the contact of several teams.
type digestPost struct {
	key string
	postPayload
}

// digestPosts returns what one fire sends after the team given, and the team to
// go on with; "" when it is all.
func (g *Engine) digestPosts(ctx context.Context, d DigestSchedule, r reading, next time.Time, after string) ([]digestPost, string, error) {
	if d.Audience == ForTeam {
		return g.teamPosts(ctx, d, r, next, after)
	}
	m, err := g.digestMessage(ctx, d.Audience, r, next, d.Zone)
	if err != nil {
		return nil, "", err
	}
	to := cmp.Or(d.Channel, g.bridge(r.campaign))
	return []digestPost{{key: to, postPayload: postPayload{To: to, Message: m, Zone: d.Zone}}}, "", nil
}

func (g *Engine) digestMessage(ctx context.Context, audience Audience, r reading, next time.Time, zone string) (Message, error) {
	at := LocalTime{Zone: zone, Now: g.opts.Clock.Now()}
	switch audience {
	case ForExecutives:
		m, err := g.tell("digest_executives", DigestExecutivesData{
			LocalTime: at, Title: r.campaign.Title, Standing: r.standing(), Next: next, Asks: openAskLines(r.snapshot.Asks), Changed: r.trend(at),
			Over: !r.campaign.Status.digests(),
		}, g.askButtons(ctx, r)...)
		m.Chart = chart(r.points, r.track.Name, zone)
		return sealedBy(m, r), err
	case ForLeads:
		m, err := g.tell("digest_leads", DigestLeadsData{
			LocalTime: at, Title: r.campaign.Title, Standing: r.standing(), Next: next, Tracks: r.tracks(), Units: r.units(),
			Stuck: r.stuck(), Asks: openAskLines(r.snapshot.Asks),
		})
		m.Chart = chart(r.points, r.track.Name, zone)
		return sealedBy(m, r), err
	}
	return g.teamDigest(at, r, "", next, teamWork{left: r.snapshot.Worst})
}

// sealedBy ends a message with the newest seal, so that it is known outside of
// the store.
func sealedBy(m Message, r reading) Message {
	if r.snapshot.Anchor != "" {
		m.Text += "\n_Audit seal " + r.snapshot.Anchor + "_"
	}
	return m
}

// tell fills a template for more than the one who asked.
func (g *Engine) tell(template string, data any, buttons ...Button) (Message, error) {
	text, err := g.opts.Renderer.Render(nil, template, data)
	if err != nil {
		return Message{}, fmt.Errorf("render %s: %w", template, err)
	}
	return Message{Text: strings.TrimSpace(text), Buttons: buttons}, nil
}

func (g *Engine) askButtons(ctx context.Context, r reading) []Button {
	var buttons []Button
	if !r.campaign.Status.digests() {
		return nil
	}
	for i, a := range r.snapshot.Asks {
		if i == asksWithButtons {
			break
		}
		who := g.nameOf(ctx, a.To)
		if slices.ContainsFunc(r.snapshot.Asks, func(b Ask) bool { return b.ID != a.ID && b.To == a.To }) {
			who = fmt.Sprintf("%s, %d", who, i+1) // as the text counts them
		}
		buttons = append(buttons, a.buttons(r.campaign.ID, " ("+who+")")...)
	}
	return append(buttons, Button{Label: "By organisation", Action: "digest.organisation", Value: r.campaign.ID})
}

// ByOrganisation answers the executives' button: the newest snapshot, division
// by division.
func (g *Engine) ByOrganisation(ctx context.Context, id string) (Message, error) {
	c, err := g.Campaign(ctx, id)
	if err != nil {
		return Message{}, err
	}
	points, err := g.history(ctx, id)
	if err != nil {
		return Message{}, err
	}
	if len(points) == 0 {
		return Message{}, Refuse(NotFound, "There are no numbers to show yet.")
	}
	s, _, err := Load[Snapshot](ctx, g.opts.Store, Scope(id), KindSnapshot, points[len(points)-1].ID)
	if err != nil {
		return Message{}, err
	}
	r, err := g.read(ctx, c, s, "")
	if err != nil {
		return Message{}, err
	}
	m, err := g.digestMessage(ctx, ForLeads, r, g.nextDigest(c, ForExecutives), c.Zone)
	m.Ephemeral = true
	m.Table = r.table()
	return m, err
}

// table is the divisions in columns.
func (r reading) table() *Table {
	t := &Table{Header: []string{"Unit", "Known", "Done", "Left", "Facing the internet", "Blocked", "Unknown"}}
	for _, u := range r.units() {
		if len(t.Rows) == 99 {
			break
		}
		t.Rows = append(t.Rows, []string{
			u.Name, fmt.Sprint(u.All.Known), fmt.Sprint(u.All.Done), fmt.Sprint(u.All.Left()),
			fmt.Sprint(u.Exposed.Left()), fmt.Sprint(u.All.Blocked), fmt.Sprint(u.Unknown),
		})
	}
	return t
}

// teamWork is what a team's digest lists.
type teamWork struct {
	left []TaskLine
	done []string
}

// teamPosts tells the teams that have something known or unknown: in their
// channel, else their contact, else in the schedule's channel.
func (g *Engine) teamPosts(ctx context.Context, d DigestSchedule, r reading, next time.Time, after string) ([]digestPost, string, error) {
	teams := r.teams()
	if i, found := slices.BinarySearch(teams, after); found {
		teams = teams[i+1:]
	}
	more := ""
	if len(teams) > teamsAtOnce {
		teams = teams[:teamsAtOnce]
		more = teams[teamsAtOnce-1]
	}
	work, err := g.teamWork(ctx, r, teams)
	if err != nil {
		return nil, "", err
	}
	catalog, _, err := g.catalog(ctx)
	if err != nil {
		return nil, "", err
	}
	var posts []digestPost
	for _, team := range teams {
		to, zone := r.snapshot.Organisation.Units[team].Channel, d.Zone
		if to == "" {
			contact, err := g.contactOf(ctx, catalog, team)
			if err != nil && KindOf(err) != NotFound {
				return nil, "", err
			}
			to, zone = contact.Person.User(), cmp.Or(contact.Zone, d.Zone)
		}
		m, err := g.teamDigest(LocalTime{Zone: zone, Now: g.opts.Clock.Now()}, r, team, next, *work[team])
		if err != nil {
			return nil, "", err
		}
		to = cmp.Or(to, d.Channel, g.bridge(r.campaign))
		posts = append(posts, digestPost{key: team, postPayload: postPayload{To: to, Message: m, Zone: zone}})
	}
	return posts, more, nil
}

// teams returns the teams with anything open or unknown, sorted by ref.
func (r reading) teams() []string {
	found := map[string]bool{}
	for _, l := range r.snapshot.Leaves {
		if team := r.snapshot.Organisation.Team(l.Owner); team != "" && l.All.Unfinished()+l.All.Unknown > 0 {
			found[team] = true
		}
	}
	return sortedKeys(found)
}

// teamWork reads what is left for these teams, and what they finished since the
// snapshot before.
func (g *Engine) teamWork(ctx context.Context, r reading, teams []string) (map[string]*teamWork, error) {
	work := make(map[string]*teamWork, len(teams))
	for _, team := range teams {
		work[team] = &teamWork{}
	}
	since := r.since.At
	for t, err := range LoadAll[Task](ctx, g.opts.Store, Scope(r.campaign.ID), KindTask) {
		if err != nil {
			return nil, fmt.Errorf("read tasks: %w", err)
		}
		w, ok := work[r.snapshot.Organisation.Team(t.Value.Owner)]
		switch {
		case !ok || t.Value.Track != r.track.Name:
		case t.Value.Status.Actionable():
			w.left = append(w.left, taskLine(t.Value))
		case t.Value.Status == TaskVerified && t.Value.UpdatedAt.After(since) && len(w.done) < teamDoneShown:
			w.done = append(w.done, t.Value.Name)
		}
	}
	for _, w := range work {
		slices.SortFunc(w.left, func(a, b TaskLine) int { return a.worse(b, r.snapshot.At) })
		w.left = w.left[:min(len(w.left), teamTasksShown)]
	}
	return work, nil
}

func (g *Engine) teamDigest(at LocalTime, r reading, team string, next time.Time, work teamWork) (Message, error) {
	n := r.snapshot.Numbers(team)
	t := n.Track(r.track.Name)
	data := DigestTeamData{
		LocalTime: at, Title: r.campaign.Title, Team: cmp.Or(r.snapshot.Organisation.Name(team), "all teams"), AsOf: r.snapshot.At,
		Next: next, All: settled(t.All, TaskCounts{}), Unknown: n.Unknown, Due: r.track.Due, Done: work.done, HelpChannel: ChannelLink(r.campaign.HelpRef),
	}
	for _, l := range work.left {
		data.Left = append(data.Left, l.target(r.snapshot.Organisation))
	}
	return g.tell("digest_team", data)
}

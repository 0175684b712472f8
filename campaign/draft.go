package campaign

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// NewCampaign is what is known at hour zero: a title at least.
type NewCampaign struct {
	Title     string
	Pattern   string // name pattern; derived from the title when nothing else says what to look for
	Advisory  []byte // an OSV record, JSON
	Rows      []Row
	Grouping  Grouping // default ByService
	Zone      string   // IANA; default: the company's
	Exploited bool
	Channel   ChannelRef // where it was asked for
}

// maxTitle keeps headlines within a phone's width.
const maxTitle = 80

// takenName is the record that makes a campaign ID unique for ever.
type takenName struct {
	Request string    `json:"request,omitempty"` // the envelope that took it
	At      time.Time `json:"at"`
}

// New drafts a campaign and looks at once at what is affected.
func (g *Engine) New(ctx context.Context, r Request, n NewCampaign) (Message, error) {
	c, err := g.draft(r, n)
	if err != nil {
		return Message{}, err
	}
	if c.ID, err = g.takeName(ctx, r, Slug(c.Title)); err != nil {
		return Message{}, err
	}
	signal := ""
	for _, a := range c.Advisories {
		signal += g.signal(ctx, &c, a)
	}
	err = g.atomically(ctx, Scope(c.ID), r, func(tx *transaction) error {
		if _, taken, err := find[Campaign](tx, KindCampaign, self); err != nil || taken {
			return err // a replay without a key of its own
		}
		if err := tx.audit("campaign.new", "campaign/"+c.ID, "", string(c.Status), c.Title); err != nil {
			return err
		}
		return save(tx, KindCampaign, self, c)
	})
	if err != nil {
		return Message{}, err
	}
	m, err := g.Show(ctx, c.ID)
	if err != nil {
		return m, err
	}
	warning, err := g.overlapping(ctx, c)
	m.Text += signal + warning
	return m, err
}

func (g *Engine) draft(r Request, n NewCampaign) (Campaign, error) {
	now := g.opts.Clock.Now()
	c := Campaign{
		Title: strings.Join(strings.Fields(n.Title), " "), Status: Draft, CreatedBy: r.Actor, CreatedAt: now, Commander: r.Actor,
		Zone: cmp.Or(n.Zone, g.opts.Zone), Pattern: n.Pattern, Rows: n.Rows, Exploited: n.Exploited,
		Grouping: cmp.Or(n.Grouping, ByService), CommandRef: n.Channel, Baseline: 1,
	}
	if err := c.Grouping.Check(); err != nil {
		return c, err
	}
	if _, err := time.LoadLocation(c.Zone); err != nil {
		return c, Refuse(Invalid, "I do not know the time zone "+c.Zone+". Nothing was created. Use a name such as Europe/Dublin.")
	}
	if n.Advisory != nil {
		a, err := g.opts.Matcher.ReadAdvisory(n.Advisory)
		if err != nil {
			return c, err
		}
		c.Advisories = []Advisory{a}
		c.Title = cmp.Or(c.Title, a.Summary, a.ID)
	}
	switch {
	case c.Title == "":
		return c, Refuse(Invalid, "A campaign needs a title, for example `/campaign new \"log4j RCE\"`. Nothing was created.")
	case utf8.RuneCountInString(c.Title) > maxTitle:
		c.Title = strings.TrimSpace(string([]rune(c.Title)[:maxTitle]))
	}
	if len(c.Advisories) == 0 && len(c.Rows) == 0 && c.Pattern == "" {
		c.Pattern = "*" + strings.ToLower(strings.Fields(c.Title)[0]) + "*"
	}
	if _, err := g.opts.Matcher.Compile(c.Criteria()); err != nil {
		return c, err
	}
	switch {
	case len(c.Rows) > 0:
		c.Tracks = []Track{{Name: string(TrackFix), Kind: TrackFix, Proof: ProofAttestation, Methods: []string{"done"}}}
	case len(c.Advisories) > 0:
		c.Tracks = []Track{defaultTrack(string(TrackFix))}
	default:
		c.Tracks = []Track{defaultTrack(string(TrackMitigate))}
	}
	return c, nil
}

// defaultTrack returns what a track is unless people say otherwise.
func defaultTrack(name string) Track {
	t := Track{Name: name, Kind: TrackKind(name), Proof: ProofAttestation, Methods: []string{"done"}}
	switch t.Kind {
	case TrackFix:
		t.Proof, t.Methods = ProofScan, []string{MethodUpdated, MethodDecommissioned}
	case TrackMitigate:
		t.Proof, t.Methods = ProofSecondPerson, []string{MethodClassRemoved, MethodFlag, MethodIsolated, MethodUpdated, MethodDecommissioned}
	case TrackHunt, TrackVendor, TrackAttest:
	default:
		t.Kind = TrackMitigate
	}
	return t
}

// takeName returns an ID that no campaign has had before. The same envelope gets
// the same ID again.
func (g *Engine) takeName(ctx context.Context, r Request, slug string) (string, error) {
	for n := 1; n < 100; n++ {
		id := slug
		if n > 1 {
			id = fmt.Sprintf("%s-%d", slug, n)
		}
		record, err := Put(KindName, id, 0, takenName{Request: r.Key, At: g.opts.Clock.Now()})
		if err != nil {
			return "", err
		}
		err = g.opts.Store.Apply(ctx, Change{Scope: Sys, Records: []Record{record}})
		if err == nil {
			return id, nil
		}
		if KindOf(err) != Conflict {
			return "", err
		}
		old, _, err := Load[takenName](ctx, g.opts.Store, Sys, KindName, id)
		if err != nil {
			return "", err
		}
		if r.Key != "" && old.Request == r.Key {
			return id, nil
		}
	}
	return "", Refuse(Conflict, "There are a hundred campaigns called "+slug+" already. Nothing was created. Choose another title.")
}

// Campaign returns a campaign, or NotFound with words.
func (g *Engine) Campaign(ctx context.Context, id string) (Campaign, error) {
	c, _, err := Load[Campaign](ctx, g.opts.Store, Scope(id), KindCampaign, self)
	if err != nil && KindOf(err) == NotFound {
		return c, Refuse(NotFound, "There is no campaign "+id+". `/campaign list` shows them all.")
	}
	return c, err
}

// Campaigns returns all campaigns, the newest first.
func (g *Engine) Campaigns(ctx context.Context) ([]Campaign, error) {
	return readCampaigns(ctx, g.opts.Store)
}

// CampaignEdit changes what a campaign says of itself. Nil fields stay.
type CampaignEdit struct {
	Title, Zone, Waiver *string
	Exploited           *bool
	Grouping            *Grouping
	Deputy              *Person
	// Waves says how what is not exposed is cut; Shares belongs to SplitShare.
	Waves  *Split
	Shares []int
}

// Edit changes a campaign. What a frozen plan says stays as it was approved,
// and shows as drift.
func (g *Engine) Edit(ctx context.Context, r Request, id string, e CampaignEdit) (Message, error) {
	title, err := e.checked()
	if err != nil {
		return Message{}, err
	}
	err = g.changeCampaign(ctx, r, id, "campaign.edit", func(_ *transaction, c *Campaign) error {
		if err := c.editable(); err != nil {
			return err
		}
		if e.Zone != nil {
			c.Zone = *e.Zone
		}
		c.Title = cmp.Or(title, c.Title)
		if e.Grouping != nil && *e.Grouping != c.Grouping {
			if c.Plan != "" {
				return Refuse(Conflict, "The plan is approved, so its tickets keep their grouping. Nothing was changed.")
			}
			c.Grouping = *e.Grouping
		}
		setIf(&c.Waiver, e.Waiver)
		setIf(&c.Exploited, e.Exploited)
		setIf(&c.Deputy, e.Deputy)
		if e.Waves != nil {
			c.Rollout.Split, c.Rollout.Shares = *e.Waves, e.Shares
		}
		return nil
	})
	if err != nil {
		return Message{}, err
	}
	return g.Show(ctx, id)
}

// checked returns the title as it is kept, "" when it stays, and refuses what no
// campaign can be.
func (e CampaignEdit) checked() (string, error) {
	title := ""
	if e.Title != nil {
		title = strings.Join(strings.Fields(*e.Title), " ")
	}
	if utf8.RuneCountInString(title) > maxTitle {
		return "", Refuse(Invalid, fmt.Sprintf("A title has at most %d characters, so that it fits on a phone. Nothing was changed; say it shorter.", maxTitle))
	}
	if e.Zone != nil {
		if _, err := time.LoadLocation(*e.Zone); err != nil {
			return "", Refuse(Invalid, fmt.Sprintf("I do not know the time zone %s. Nothing was changed. Use a name such as Europe/Dublin.", Escape(*e.Zone)))
		}
	}
	if e.Waves != nil {
		if err := (Rollout{Split: *e.Waves, Shares: e.Shares}).check(); err != nil {
			return "", err
		}
	}
	if e.Grouping != nil {
		return title, e.Grouping.Check()
	}
	return title, nil
}

func setIf[T any](field *T, value *T) {
	if value != nil {
		*field = *value
	}
}

// changeCampaign loads, changes, audits and stores a campaign in one step.
func (g *Engine) changeCampaign(ctx context.Context, r Request, id, action string, change func(*transaction, *Campaign) error) error {
	return g.atomically(ctx, Scope(id), r, func(tx *transaction) error {
		c, err := tx.campaign()
		if err != nil {
			return err
		}
		before := c.Status
		if err := change(tx, &c); err != nil {
			return err
		}
		if err := tx.audit(action, "campaign/"+id, string(before), string(c.Status), r.Reason); err != nil {
			return err
		}
		return save(tx, KindCampaign, self, c)
	})
}

// enter returns a campaign that may be changed, and whether the request was carried
// out already.
func (g *Engine) enter(ctx context.Context, r Request, id string) (Campaign, bool, error) {
	c, err := g.Campaign(ctx, id)
	if err != nil {
		return c, false, err
	}
	if err := c.editable(); err != nil {
		return c, false, err
	}
	done, err := g.carriedOut(ctx, Scope(id), r)
	return c, done, err
}

// campaign returns the campaign of the transaction's scope.
func (tx *transaction) campaign() (Campaign, error) {
	c, found, err := find[Campaign](tx, KindCampaign, self)
	if err == nil && !found {
		err = Refuse(NotFound, "There is no campaign "+string(tx.scope)+". `/campaign list` shows them all.")
	}
	return c, err
}

// editable refuses changes to what is over.
func (c Campaign) editable() error {
	if c.MergedInto != "" {
		return c.over()
	}
	if c.Status == Closed || c.Status == Cancelled || c.Status == Closing {
		return Refuse(Conflict, fmt.Sprintf("%s is %s. Nothing was changed.", Escape(c.Title), words(c.Status)))
	}
	return nil
}

// Attach adds an advisory to a campaign, or renews one that it has.
func (g *Engine) Attach(ctx context.Context, r Request, id string, raw []byte) (Message, error) {
	a, err := g.opts.Matcher.ReadAdvisory(raw)
	if err != nil {
		return Message{}, err
	}
	signal := ""
	err = g.changeCampaign(ctx, r, id, "campaign.attach", func(_ *transaction, c *Campaign) error {
		if err := c.editable(); err != nil {
			return err
		}
		signal = g.signal(ctx, c, a)
		i := slices.IndexFunc(c.Advisories, func(old Advisory) bool { return old.ID == a.ID })
		if i >= 0 {
			c.Advisories[i] = a
		} else {
			c.Advisories = append(c.Advisories, a)
		}
		c.Baseline++
		c.Pattern = "" // it stood in for the record; left on, every other package of that name would stay doubtful
		_, err := g.opts.Matcher.Compile(c.Criteria())
		return err
	})
	if err != nil {
		return Message{}, err
	}
	return g.moved(ctx, id, say("%s is attached: %s.%s", a.ID, cmp.Or(a.Summary, "no summary"), Markup(signal)))
}

// SetFloor sets a fixed version by hand, for one branch or for all.
func (g *Engine) SetFloor(ctx context.Context, r Request, id string, f Floor) (Message, error) {
	switch {
	case f.Package == "" || f.Fixed == "":
		return Message{}, Refuse(Invalid, "A floor needs a package and a version, for example `/campaign floor log4j-core 2.12=2.12.2 \"Java 7 backport\"`. Nothing was changed.")
	case strings.TrimSpace(f.Reason) == "":
		return Message{}, Refuse(Invalid, "A floor set by hand needs a reason, for the people who ask later. Nothing was changed.")
	}
	f.By, f.At = r.Actor, g.opts.Clock.Now()
	err := g.changeCampaign(ctx, r, id, "campaign.floor", func(_ *transaction, c *Campaign) error {
		if err := c.editable(); err != nil {
			return err
		}
		c.Floors = slices.DeleteFunc(c.Floors, func(old Floor) bool { return old.Package == f.Package && old.Branch == f.Branch })
		c.Floors = append(c.Floors, f)
		c.Baseline++
		_, err := g.opts.Matcher.Compile(c.Criteria())
		return err
	})
	if err != nil {
		return Message{}, err
	}
	return g.moved(ctx, id, say("%s counts as fixed from %s on%s.", f.Package, f.Fixed, branchWords(f.Branch)))
}

func branchWords(branch string) string {
	if branch == "" {
		return ""
	}
	return " in " + branch
}

// moved adds what a changed baseline means for a campaign that is running.
func (g *Engine) moved(ctx context.Context, id string, m Message) (Message, error) {
	c, err := g.Campaign(ctx, id)
	if err != nil {
		return m, err
	}
	if c.Plan != "" {
		m.Text += "\nClaims that were made before are as they were. `/campaign rebaseline` shows which of them no longer reach it, and reopens those."
	}
	return m, nil
}

// TrackEdit changes or adds a track. Blank fields stay as they are.
type TrackEdit struct {
	Name         string
	Kind         TrackKind
	Due          time.Time
	Proof        Proof
	Methods      []string
	Instructions string // Markdown with numbered steps: a new revision
}

// SetTrack changes or adds a track. New instructions are a new revision, which
// goes through its own review.
func (g *Engine) SetTrack(ctx context.Context, r Request, id string, e TrackEdit) (Message, error) {
	e.Name = Slug(e.Name)
	if err := g.checkTrack(e); err != nil {
		return Message{}, err
	}
	var reply Message
	err := g.changeCampaign(ctx, r, id, "campaign.track", func(tx *transaction, c *Campaign) error {
		if err := c.editable(); err != nil {
			return err
		}
		t, ok := c.Track(e.Name)
		if !ok {
			t = defaultTrack(e.Name)
		}
		t.Kind, t.Proof = cmp.Or(e.Kind, t.Kind), cmp.Or(e.Proof, t.Proof)
		if !e.Due.IsZero() {
			t.Due = Stamp(e.Due)
		}
		if len(e.Methods) > 0 {
			t.Methods = e.Methods
		}
		c.setTrack(t)
		if strings.TrimSpace(e.Instructions) != "" {
			if err := tx.revise(c, &t, e.Instructions); err != nil {
				return err
			}
		}
		reply = trackReply(*c, t)
		return nil
	})
	return reply, err
}

func (g *Engine) checkTrack(e TrackEdit) error {
	if !e.Due.IsZero() && e.Due.Before(g.opts.Clock.Now()) {
		return Refuse(Invalid, "That due date has passed. Nothing was changed. Give one in the future, such as `fri 17:00`.")
	}
	if strings.TrimSpace(e.Instructions) != "" && len(g.opts.Renderer.Steps(e.Instructions)) == 0 {
		return Refuse(Invalid, "The instructions have no numbered steps, so nobody could rehearse them. Nothing was changed. Write them as `1. …`, `2. …`.")
	}
	return nil
}

func trackReply(c Campaign, t Track) Message {
	switch {
	case t.Revision == 0 && t.Due.IsZero():
		return say("Track *%s* is saved. It has no instructions yet: `/campaign track %s` opens a form for them.", t.Name, t.Name)
	case t.Revision == 0:
		return say("Track *%s* is saved, due %s. It has no instructions yet: `/campaign track %s` opens a form for them.", t.Name, t.Due.In(c.Location()).Format("Mon 2 Jan 15:04 MST"), t.Name)
	case t.Due.IsZero():
		return say("Track *%s* is saved with revision %d of its instructions. It has no due date yet: `/campaign track %s due fri 17:00`.", t.Name, t.Revision, t.Name)
	case t.ApprovedRevision == t.Revision:
		return say("Track *%s* is saved, due %s.", t.Name, t.Due.In(c.Location()).Format("Mon 2 Jan 15:04 MST"))
	}
	return say("Track *%s* is saved with revision %d of its instructions, due %s. Rehearse it next: `/campaign dryrun %s @reviewer @reviewer`.",
		t.Name, t.Revision, t.Due.In(c.Location()).Format("Mon 2 Jan 15:04 MST"), t.Name)
}

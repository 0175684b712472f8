package redmine

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/tracker/rest"
)

// desk is what has to be known of a project before anything is filed in it.
type desk struct {
	readAt   time.Time
	keyField int
	tracker  int // its number
	statuses []status
	first    int // the status that new issues have
	members  map[string]int
}

type named struct {
	ID   int    `json:"id"`
	Name string `json:"name"`
}

type status struct {
	named
	Closed bool `json:"is_closed"`
}

// know returns the desk, read again after some minutes.
func (t *Tracker) know(ctx context.Context) (desk, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.desk.readAt.IsZero() && time.Since(t.desk.readAt) < deskFor {
		return t.desk, nil
	}
	d := desk{readAt: time.Now(), members: map[string]int{}}
	for _, read := range []func(context.Context, *desk) error{t.greet, t.readProject, t.readStatuses, t.readMembers} {
		if err := read(ctx, &d); err != nil {
			return desk{}, fmt.Errorf("read project %s: %w", t.opts.Project, err)
		}
	}
	t.desk = d
	return d, nil
}

// greet asks who we are: with a wrong key, Redmine takes us for anybody.
func (t *Tracker) greet(ctx context.Context, _ *desk) error {
	return t.opts.Client.Do(ctx, rest.Call{Path: "/users/current.json"})
}

func (t *Tracker) readProject(ctx context.Context, d *desk) error {
	var answer struct {
		Project struct {
			Trackers []named `json:"trackers"`
			Fields   []named `json:"issue_custom_fields"`
		} `json:"project"`
	}
	err := t.opts.Client.Do(ctx, rest.Call{
		Path: rest.Path("projects", t.opts.Project+".json"), Query: url.Values{"include": {"trackers,issue_custom_fields"}}, Out: &answer,
	})
	if err != nil {
		return err
	}
	for _, tracker := range answer.Project.Trackers {
		if d.tracker == 0 && (t.opts.Type == "" || strings.EqualFold(t.opts.Type, tracker.Name)) {
			d.tracker = tracker.ID
		}
	}
	if d.tracker == 0 {
		return campaign.Refuse(campaign.Invalid, "Redmine's project has no tracker of the name in `tracker.type`. What was to be done is kept; press Try again once that is corrected.")
	}
	if d.keyField, _ = strconv.Atoi(t.opts.KeyField); d.keyField > 0 {
		return nil
	}
	fields := answer.Project.Fields
	if !slices.ContainsFunc(fields, t.isKeyField) {
		var err error
		if fields, err = t.allFields(ctx); err != nil {
			return err
		}
	}
	if i := slices.IndexFunc(fields, t.isKeyField); i >= 0 {
		d.keyField = fields[i].ID
		return nil
	}
	return campaign.Refuse(campaign.Invalid, "Redmine's project has no custom field for Muster's key (`tracker.key_field`). An administrator must add it to the project, as text and used as a filter; if it is there for all projects, write its number instead. Then press Try again.")
}

func (t *Tracker) isKeyField(f named) bool { return strings.EqualFold(f.Name, t.opts.KeyField) }

// allFields returns the fields that are for all projects as well. Redmine shows
// them to administrators only; nobody else is shown any.
func (t *Tracker) allFields(ctx context.Context) ([]named, error) {
	var answer struct {
		Fields []named `json:"custom_fields"`
	}
	err := t.opts.Client.Do(ctx, rest.Call{Path: "/custom_fields.json", Out: &answer})
	if campaign.KindOf(err) == campaign.Forbidden && err != nil {
		return nil, nil
	}
	return answer.Fields, err
}

func (t *Tracker) readStatuses(ctx context.Context, d *desk) error {
	var all struct {
		Statuses []status `json:"issue_statuses"`
	}
	if err := t.opts.Client.Do(ctx, rest.Call{Path: "/issue_statuses.json", Out: &all}); err != nil {
		return err
	}
	var trackers struct {
		Trackers []struct {
			named
			First named `json:"default_status"`
		} `json:"trackers"`
	}
	if err := t.opts.Client.Do(ctx, rest.Call{Path: "/trackers.json", Out: &trackers}); err != nil {
		return err
	}
	d.statuses = all.Statuses
	for _, tracker := range trackers.Trackers {
		if tracker.ID == d.tracker {
			d.first = tracker.First.ID
		}
	}
	for _, ours := range []campaign.TicketStatus{campaign.TicketOpen, campaign.TicketInProgress, campaign.TicketDone} {
		if t.statusFor(*d, ours) == 0 {
			return campaign.Refuse(campaign.Invalid, fmt.Sprintf("Redmine has no status that means %s, or not the one named in `tracker.statuses`. What was to be done is kept; press Try again once that is corrected.", ours))
		}
	}
	return nil
}

// statusFor returns the number of the status that a ticket is given; 0 for none.
func (t *Tracker) statusFor(d desk, ours campaign.TicketStatus) int {
	if name := t.opts.Statuses[ours]; name != "" {
		for _, s := range d.statuses {
			if strings.EqualFold(s.Name, name) {
				return s.ID
			}
		}
		return 0
	}
	between := 0
	for _, s := range d.statuses {
		switch {
		case ours == campaign.TicketDone && s.Closed:
			return s.ID
		case ours == campaign.TicketInProgress && !s.Closed && s.ID != d.first:
			if strings.EqualFold(s.Name, "in progress") {
				return s.ID
			}
			if between == 0 {
				between = s.ID
			}
		}
	}
	if ours == campaign.TicketOpen {
		return d.first
	}
	return between
}

// statusOf returns what one of Redmine's statuses means.
func (t *Tracker) statusOf(d desk, id int) campaign.TicketStatus {
	for _, s := range d.statuses {
		if s.ID != id {
			continue
		}
		for ours, name := range t.opts.Statuses {
			if strings.EqualFold(s.Name, name) {
				return ours
			}
		}
		switch {
		case s.Closed:
			return campaign.TicketDone
		case s.ID == t.statusFor(d, campaign.TicketOpen):
			return campaign.TicketOpen
		}
	}
	return campaign.TicketInProgress
}

// maxPages bounds what is read in pages of 100.
const maxPages = 2000

func (t *Tracker) readMembers(ctx context.Context, d *desk) error {
	for page := range maxPages {
		var answer struct {
			Total       int `json:"total_count"`
			Memberships []struct {
				User  named `json:"user"`
				Group named `json:"group"`
			} `json:"memberships"`
		}
		err := t.opts.Client.Do(ctx, rest.Call{
			Path:  rest.Path("projects", t.opts.Project, "memberships.json"),
			Query: url.Values{"limit": {"100"}, "offset": {strconv.Itoa(100 * page)}}, Out: &answer,
		})
		if err != nil {
			return err
		}
		for _, m := range answer.Memberships {
			for _, who := range []named{m.User, m.Group} {
				if who.ID != 0 {
					d.members[strings.ToLower(who.Name)] = who.ID
				}
			}
		}
		if 100*(page+1) >= answer.Total || len(answer.Memberships) == 0 {
			return nil
		}
	}
	return nil
}

// memberFor returns the number of who an owner is there; 0 for nobody.
func (t *Tracker) memberFor(d desk, owner string) int {
	return d.members[strings.ToLower(nameOf(t.opts.Owners, owner))]
}

func nameOf(owners map[string]string, owner string) string {
	if name, ok := owners[owner]; ok {
		return name
	}
	return owner
}

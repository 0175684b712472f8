// Package redmine files tickets as Redmine issues. The key stands in a custom
// field of its own, by which issues are filtered from the database itself: the
// search does not lag. Owners are members of the project, groups or people, by
// their names.
package redmine

import (
	"cmp"
	"errors"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/tracker/checklist"
	"github.com/musterbot/muster/campaign/tracker/rest"
)

var _ campaign.Tracker = (*Tracker)(nil)

// Options are what a Tracker needs.
type Options struct {
	Client  *rest.Client // required: its base address is that of Redmine
	PageURL string       // required: below which people read issues, as PageURL/issues/1
	Project string       // required: its identifier
	Type    string       // Redmine's tracker; default the project's first
	// KeyField is the custom field that holds the key, by name or number; default
	// External ID.
	KeyField string
	// Markdown says that Redmine is set to Markdown; else it is Textile.
	Markdown bool
	// Statuses name Redmine's statuses. Without a name, open is the tracker's
	// first status, done the first closed one, and in progress the one of that
	// name, else the second that is not closed.
	Statuses map[campaign.TicketStatus]string
	// Owners maps an owner's name to that of a member of the project; without an
	// entry they are the same. An owner who is no member is filed unassigned.
	Owners map[string]string
}

// Tracker is a campaign.Tracker. Make it with New.
type Tracker struct {
	opts   Options
	owners map[string]string // name there, folded -> owner

	mu   sync.Mutex
	desk desk
}

// New returns the tracker; it connects to nothing yet.
func New(o Options) (*Tracker, error) {
	if o.Client == nil || o.PageURL == "" || o.Project == "" {
		return nil, errors.New("redmine: Options.Client, PageURL and Project are required")
	}
	o.KeyField = cmp.Or(o.KeyField, "External ID")
	o.PageURL = strings.TrimSuffix(o.PageURL, "/")
	t := &Tracker{opts: o, owners: map[string]string{}}
	for owner, name := range o.Owners {
		folded := strings.ToLower(name)
		if other, taken := t.owners[folded]; !taken || owner < other {
			t.owners[folded] = owner
		}
	}
	return t, nil
}

// goodKey is what a filter takes as it stands.
var goodKey = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$`)

var errKey = campaign.Refuse(campaign.Invalid, "A ticket needs a key of at most 200 letters, digits, dots and hyphens; nothing was filed.")

func (t *Tracker) ref(id string) campaign.TicketRef {
	return campaign.TicketRef{ID: id, URL: t.opts.PageURL + "/issues/" + id}
}

// text returns the description of a draft.
func (t *Tracker) text(d campaign.TicketDraft) string {
	if t.opts.Markdown {
		return checklist.Render(d.Body, d.Checklist, d.More)
	}
	return checklist.RenderIn(textile(d.Body), d.Checklist, d.More, "* ", escapeTextile)
}

// markup returns Markdown as Redmine is set to show it.
func (t *Tracker) markup(text string) string {
	if t.opts.Markdown {
		return text
	}
	return textile(text)
}

// deskFor is how long what is known of the project and its members is believed.
const deskFor = 5 * time.Minute

// Package jira files tickets as Jira issues: in Data Center by REST v2 with wiki
// markup, in Cloud by v3 with documents. An issue carries its key as a label,
// beside one that all tickets of this installation carry; labels are searched,
// and the search may lag behind. A ticket that holds several tasks shows them as
// lines with an icon in wiki markup, and as a task list in documents.
package jira

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/tracker/rest"
	"github.com/musterbot/muster/configs/secret"
)

var _ campaign.BulkTracker = (*Tracker)(nil)

// Options are what a Tracker needs.
type Options struct {
	Client *rest.Client // required: its base address is that of Jira
	Cloud  bool         // REST v3; else v2
	// PageURL is below which people read issues, as PageURL/browse/SEC-1.
	PageURL   string // required
	Project   string // required: its key
	IssueType string // default Task
	// Label is carried by all tickets, and with "-<key>" by each; default muster.
	Label string
	// Statuses name the statuses to move to where a category has several; without
	// one, the first transition that leads to the category is taken.
	Statuses map[campaign.TicketStatus]string
	// Owners maps an owner's name to what OwnerField takes. An owner without an
	// entry is filed under its own name; where OwnerField is the assignee, for
	// nobody, whomever the project gives its issues to.
	Owners map[string]string
	// OwnerField is where the owner goes: assignee (default), components, or
	// customfield_12345 for a text, with :value or :name behind it for a choice or
	// a group.
	OwnerField string
	NoDue      bool // leaves the due date out, where the project has no such field
	// Fields are sent with each creation, by their IDs, for projects that demand
	// more than Muster fills itself. What it does fill cannot be among them.
	Fields map[string]any
	// Resolution is set where a transition asks for one; default Done, else Fixed,
	// else the first that Jira allows.
	Resolution string
	// WebhookSecret signs what Jira sends; without it no webhook is taken.
	WebhookSecret secret.Secret
}

// ownFields are those that Muster fills, whatever Options.OwnerField is.
var ownFields = []string{"summary", "description", "labels", "project", "issuetype", fieldAssignee, "duedate"}

// Tracker is a campaign.BulkTracker. Make it with New.
type Tracker struct {
	opts   Options
	api    string
	owners map[string]string // what OwnerField takes -> owner

	aloud atomic.Bool // Jira does not let Muster change issues silently

	mu    sync.Mutex
	asked time.Time // when the project's default assignee was
	how   unassigning
}

// New returns the tracker; it connects to nothing yet.
func New(o Options) (*Tracker, error) {
	if o.Client == nil || o.PageURL == "" || o.Project == "" {
		return nil, errors.New("jira: Options.Client, PageURL and Project are required")
	}
	o.IssueType = cmp.Or(o.IssueType, "Task")
	o.Label = cmp.Or(o.Label, "muster")
	o.OwnerField = cmp.Or(o.OwnerField, fieldAssignee)
	o.PageURL = strings.TrimSuffix(o.PageURL, "/")
	if strings.ContainsAny(o.Label+o.Project, " \t\n\"\\,") {
		return nil, errors.New("jira: a label and a project's key have no spaces, quotes or commas")
	}
	for id := range o.Fields {
		name, _, _ := strings.Cut(o.OwnerField, ":")
		if slices.Contains(ownFields, strings.ToLower(id)) || id == name {
			return nil, fmt.Errorf("jira: Options.Fields may not set %s, which Muster fills itself", id)
		}
	}
	t := &Tracker{opts: o, api: "/rest/api/2", owners: map[string]string{}}
	if o.Cloud {
		t.api = "/rest/api/3"
	}
	for owner, value := range o.Owners {
		if other, taken := t.owners[value]; !taken || owner < other {
			t.owners[value] = owner
		}
	}
	return t, nil
}

// maxKey leaves room in the 255 characters of a label.
const maxKey = 200

// label returns the label of a key, or Invalid for one that no label can hold.
func (t *Tracker) label(key string) (string, error) {
	if key == "" || len(key) > maxKey || strings.ContainsAny(key, " \t\r\n\"\\,") {
		return "", campaign.Refuse(campaign.Invalid, "A ticket needs a key of at most 200 characters without spaces; nothing was filed.")
	}
	return t.opts.Label + "-" + key, nil
}

// keyOf returns the key that is among the labels; "" when there is none.
func (t *Tracker) keyOf(labels []string) string {
	if !slices.Contains(labels, t.opts.Label) {
		return ""
	}
	for _, label := range labels {
		if key, ok := strings.CutPrefix(label, t.opts.Label+"-"); ok {
			return key
		}
	}
	return ""
}

// keyOfOurs returns the key of an issue that is known to be ours: from its label,
// else from where people do not reach so easily; "" when all of that is gone.
func (t *Tracker) keyOfOurs(i issue) string {
	labels := read[[]string](i, "labels")
	if key := cmp.Or(t.keyOf(labels), t.hiddenKey(i)); key != "" {
		return key
	}
	return t.keyOf(append(labels, t.opts.Label)) // only the label of all tickets was taken away
}

// hiddenKey returns the key in the issue's property (Cloud), or in the anchor at
// the end of its description (Data Center); "" when there is none.
func (t *Tracker) hiddenKey(i issue) string {
	if t.opts.Cloud {
		return propertyOf(i).Key
	}
	return keyInWiki(read[string](i, "description"))
}

func (t *Tracker) ref(key string) campaign.TicketRef {
	return campaign.TicketRef{ID: key, URL: t.opts.PageURL + "/browse/" + key}
}

package redmine_test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/tracker/checklist"
	"github.com/musterbot/muster/campaign/tracker/redmine"
	"github.com/musterbot/muster/campaign/tracker/redmine/redminetest"
	"github.com/musterbot/muster/campaign/tracker/rest"
	"github.com/musterbot/muster/campaign/tracker/trackertest"
	"github.com/musterbot/muster/configs/secret"
)

// person acts in Redmine as its administrator does, past the Tracker.
type person struct{ c *rest.Client }

type held struct {
	Subject     string                   `json:"subject"`
	Description string                   `json:"description"`
	Status      map[string]any           `json:"status"`
	AssignedTo  map[string]any           `json:"assigned_to"`
	DueDate     string                   `json:"due_date"`
	Journals    []struct{ Notes string } `json:"journals"`
}

func (p person) look(t *testing.T, id string) held {
	t.Helper()
	var answer struct{ Issue held }
	require.NoError(t, p.c.Do(t.Context(), rest.Call{Path: "/issues/" + id + ".json", Query: url.Values{"include": {"journals"}}, Out: &answer}))
	answer.Issue.Description = strings.ReplaceAll(answer.Issue.Description, "\r\n", "\n") // Redmine keeps the line ends of Windows
	return answer.Issue
}

func (p person) change(t *testing.T, id string, fields map[string]any) {
	t.Helper()
	require.NoError(t, p.c.Do(t.Context(), rest.Call{Method: http.MethodPut, Path: "/issues/" + id + ".json", In: map[string]any{"issue": fields}}))
}

func (p person) count(t *testing.T, key string) int {
	t.Helper()
	var answer struct {
		Total int `json:"total_count"`
	}
	require.NoError(t, p.c.Do(t.Context(), rest.Call{Path: "/issues.json", Query: url.Values{"status_id": {"*"}, "cf_1": {"=" + key}}, Out: &answer}))
	return answer.Total
}

func (p person) member(t *testing.T, name string) int {
	t.Helper()
	var answer struct {
		Memberships []struct {
			Group struct {
				ID   int
				Name string
			}
		}
	}
	require.NoError(t, p.c.Do(t.Context(), rest.Call{Path: "/projects/sec/memberships.json", Out: &answer}))
	for _, m := range answer.Memberships {
		if m.Group.Name == name {
			return m.Group.ID
		}
	}
	require.Fail(t, "no member", name)
	return 0
}

var statuses = map[string]campaign.TicketStatus{
	"New": campaign.TicketOpen, "In Progress": campaign.TicketInProgress, "Closed": campaign.TicketDone,
}

func TestRedmine(t *testing.T) {
	s := redminetest.Start(t)
	admin := person{client(t, s.URL, s.Admin)}
	for name, markdown := range map[string]bool{"Textile": false, "Markdown": true} {
		t.Run(name, func(t *testing.T) {
			trackertest.Run(t, func(t *testing.T) trackertest.Subject { return subject(t, s, admin, markdown) })
		})
	}
	t.Run("CreatedClosedThereAndReopened", func(t *testing.T) { createdClosedAndReopened(t, s, admin) })
	t.Run("WhatIsNotSetUpIsSaid", func(t *testing.T) { whatIsNotSetUp(t, s) })
	t.Run("AnOwnerUnderAnotherName", func(t *testing.T) { ownerUnderAnotherName(t, s) })
	t.Run("ADefaultAssigneeIsNotAnOwner", func(t *testing.T) { defaultAssignee(t, s, admin) })
	t.Run("LooksThatAreCutShortGetThroughEverything", func(t *testing.T) { looksCutShort(t, s, admin) })
}

// faultsBefore stands between Muster and the real Redmine, and lets single calls
// fail, or loses their answers.
func faultsBefore(t *testing.T, s redminetest.Server) (*trackertest.Faults, redminetest.Server) {
	t.Helper()
	to, err := url.Parse(s.URL)
	require.NoError(t, err)
	faults := &trackertest.Faults{}
	proxy := httptest.NewServer(faults.Handler(func(r *http.Request) bool { return r.Method != http.MethodGet }, httputil.NewSingleHostReverseProxy(to)))
	t.Cleanup(proxy.Close)
	return faults, redminetest.Server{URL: proxy.URL, Muster: s.Muster}
}

func client(t *testing.T, address string, key secret.Secret) *rest.Client {
	t.Helper()
	c, err := rest.New(rest.Options{System: "Redmine", BaseURL: address, Auth: rest.Header("X-Redmine-API-Key", key)})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

func open(t *testing.T, s redminetest.Server, key secret.Secret, change func(*redmine.Options)) *redmine.Tracker {
	t.Helper()
	o := redmine.Options{Client: client(t, s.URL, key), PageURL: s.URL, Project: "sec"}
	if change != nil {
		change(&o)
	}
	tracker, err := redmine.New(o)
	require.NoError(t, err)
	return tracker
}

func subject(t *testing.T, s redminetest.Server, admin person, markdown bool) trackertest.Subject {
	shown := redmine.Textile
	if markdown {
		shown = nil
	}
	faults, between := faultsBefore(t, s)
	return trackertest.Subject{
		Tracker: open(t, between, s.Muster, func(o *redmine.Options) { o.Markdown, o.PageURL = markdown, s.URL }), Shown: shown,
		Inject: faults.Inject,
		Look: func(t *testing.T, ref campaign.TicketRef) trackertest.Seen {
			i := admin.look(t, ref.ID)
			body, _ := checklist.Split(i.Description)
			seen := trackertest.Seen{Title: i.Subject, Body: body, Status: statuses[i.Status["name"].(string)]}
			seen.Assignee, _ = i.AssignedTo["name"].(string)
			if i.DueDate != "" {
				due, err := time.Parse(time.DateOnly, i.DueDate)
				require.NoError(t, err)
				seen.Due = due
			}
			return seen
		},
		Count: func(t *testing.T, keys ...string) int {
			count := 0
			for _, key := range keys {
				count += admin.count(t, key)
			}
			return count
		},
		Comments: func(t *testing.T, ref campaign.TicketRef) []string {
			var notes []string
			for _, j := range admin.look(t, ref.ID).Journals {
				if text, _, ok := strings.Cut(j.Notes, "\n\n<!-- muster:"); ok {
					notes = append(notes, text)
				}
			}
			return notes
		},
		Close: func(t *testing.T, ref campaign.TicketRef) { admin.change(t, ref.ID, map[string]any{"status_id": 5}) },
		Reassign: func(t *testing.T, ref campaign.TicketRef, owner string) {
			admin.change(t, ref.ID, map[string]any{"assigned_to_id": admin.member(t, owner)})
		},
		Tick: func(t *testing.T, ref campaign.TicketRef, item string) {
			lines := strings.Split(admin.look(t, ref.ID).Description, "\n")
			for n, line := range lines {
				if strings.Contains(line, item) {
					lines[n] = strings.Replace(line, "[ ]", "[x]", 1)
				}
			}
			admin.change(t, ref.ID, map[string]any{"description": strings.Join(lines, "\n")})
		},
		Foreign: func(t *testing.T) {
			require.NoError(t, admin.c.Do(t.Context(), rest.Call{
				Method: http.MethodPost, Path: "/issues.json", In: map[string]any{"issue": map[string]any{"project_id": "sec", "subject": "Order a chair"}},
			}))
		},
	}
}

// The way of one ticket: filed by Muster, closed by a person, seen, reopened.
func createdClosedAndReopened(t *testing.T, s redminetest.Server, admin person) {
	tracker := open(t, s, s.Muster, nil)
	d := campaign.TicketDraft{Title: "Upgrade log4j", Body: "Now.", Assignee: "payments", Status: campaign.TicketOpen}
	key := "round-" + strconv.FormatInt(time.Now().UnixNano(), 36)
	ref, err := tracker.Ensure(t.Context(), key, d)
	require.NoError(t, err)
	require.Equal(t, s.URL+"/issues/"+ref.ID, ref.URL)
	opened, err := tracker.Read(t.Context(), ref)
	require.NoError(t, err)

	admin.change(t, ref.ID, map[string]any{"status_id": 5, "notes": "Done, I think."})
	var seen []campaign.TicketSeen
	for change, err := range tracker.Changes(t.Context(), opened.UpdatedAt) {
		require.NoError(t, err)
		if change.Key == key {
			seen = append(seen, change)
		}
	}
	require.Len(t, seen, 1)
	require.Equal(t, campaign.TicketDone, seen[0].Status)

	d.Status = campaign.TicketInProgress
	require.NoError(t, tracker.Update(t.Context(), ref, d))
	require.NoError(t, tracker.Comment(t.Context(), ref, key, "The scan still finds it."))
	require.Equal(t, "In Progress", admin.look(t, ref.ID).Status["name"])
}

func whatIsNotSetUp(t *testing.T, s redminetest.Server) {
	d := campaign.TicketDraft{Title: "t"}
	tests := map[string]struct {
		key    secret.Secret
		change func(*redmine.Options)
		kind   campaign.Kind
		words  string
	}{
		"the key":     {secret.New("wrong"), nil, campaign.Forbidden, "credentials"},
		"the project": {s.Muster, func(o *redmine.Options) { o.Project = "nowhere" }, campaign.NotFound, "no such thing"},
		"the field":   {s.Muster, func(o *redmine.Options) { o.KeyField = "Other" }, campaign.Invalid, "custom field"},
		"the tracker": {s.Muster, func(o *redmine.Options) { o.Type = "Incident" }, campaign.Invalid, "tracker.type"},
		"a status": {
			s.Muster, func(o *redmine.Options) {
				o.Statuses = map[campaign.TicketStatus]string{campaign.TicketDone: "Shipped"}
			},
			campaign.Invalid, "tracker.statuses",
		},
		"another field's number": {s.Muster, func(o *redmine.Options) { o.KeyField = "77" }, campaign.Invalid, "filter"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := open(t, s, tt.key, tt.change).Ensure(t.Context(), "k-setup", d)
			require.Equal(t, tt.kind, campaign.KindOf(err), "%v", err)
			require.Contains(t, campaign.PublicMessage(err), tt.words)
		})
	}
}

func ownerUnderAnotherName(t *testing.T, s redminetest.Server) {
	tracker := open(t, s, s.Muster, func(o *redmine.Options) { o.Owners = map[string]string{"checkout-team": "Payments"} })
	ref, err := tracker.Ensure(t.Context(), "k-owner-"+strconv.FormatInt(time.Now().UnixNano(), 36), campaign.TicketDraft{Title: "t", Assignee: "checkout-team"})
	require.NoError(t, err)
	seen, err := tracker.Read(t.Context(), ref)
	require.NoError(t, err)
	require.Equal(t, "checkout-team", seen.Assignee)
	ref, err = tracker.Ensure(t.Context(), "k-nobody-"+strconv.FormatInt(time.Now().UnixNano(), 36), campaign.TicketDraft{Title: "t", Assignee: "unknown team"})
	require.NoError(t, err, "a ticket for nobody is better than none")
	seen, err = tracker.Read(t.Context(), ref)
	require.NoError(t, err)
	require.Empty(t, seen.Assignee)
}

// Redmine gives what nobody was named for to the project's default assignee.
func defaultAssignee(t *testing.T, s redminetest.Server, admin person) {
	give := func(to any) {
		require.NoError(t, admin.c.Do(t.Context(), rest.Call{
			Method: http.MethodPut, Path: "/projects/sec.json", In: map[string]any{"project": map[string]any{"default_assigned_to_id": to}},
		}))
	}
	give(admin.member(t, "platform"))
	defer give("")
	faults, between := faultsBefore(t, s)
	tracker := open(t, between, s.Muster, nil)
	key := func(name string) string { return name + strconv.FormatInt(time.Now().UnixNano(), 36) }
	assignee := func(ref campaign.TicketRef) any { return admin.look(t, ref.ID).AssignedTo["name"] }

	ref, err := tracker.Ensure(t.Context(), key("k-default-"), campaign.TicketDraft{Title: "t", Assignee: "unknown team"})
	require.NoError(t, err)
	require.Nil(t, assignee(ref))
	ref, err = tracker.Ensure(t.Context(), key("k-named-"), campaign.TicketDraft{Title: "t", Assignee: "payments"})
	require.NoError(t, err)
	require.Equal(t, "payments", assignee(ref))

	lost := key("k-lost-")
	faults.Inject(t, trackertest.Fault{Write: true, Lost: true})
	_, err = tracker.Ensure(t.Context(), lost, campaign.TicketDraft{Title: "t"})
	require.Equal(t, campaign.Uncertain, campaign.KindOf(err), "%v", err)
	ref, err = tracker.Ensure(t.Context(), lost, campaign.TicketDraft{Title: "t"})
	require.NoError(t, err)
	require.Nil(t, assignee(ref), "whoever finds it ends what was begun")
}

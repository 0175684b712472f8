package jira_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/tracker/jira"
	"github.com/musterbot/muster/campaign/tracker/jira/jiratest"
	"github.com/musterbot/muster/campaign/tracker/rest"
	"github.com/musterbot/muster/campaign/tracker/trackertest"
	"github.com/musterbot/muster/configs/secret"
)

var kinds = map[string]bool{"DataCenter": false, "Cloud": true}

var owners = map[string]string{"payments": "acc-payments", "platform": "acc-platform"}

func TestTrackerContract(t *testing.T) {
	for name, cloud := range kinds {
		t.Run(name, func(t *testing.T) {
			trackertest.Run(t, func(t *testing.T) trackertest.Subject { return subject(t, cloud) })
		})
	}
}

func start(t *testing.T, o jiratest.Options) *jiratest.Server {
	t.Helper()
	server, err := jiratest.Start(o)
	require.NoError(t, err)
	t.Cleanup(server.Close)
	return server
}

func connect(t *testing.T, server *jiratest.Server, cloud bool, change ...func(*jira.Options)) *jira.Tracker {
	t.Helper()
	o := jira.Options{Client: clientOf(t, server, cloud, nil), Cloud: cloud, PageURL: server.URL(), Project: "SEC", Owners: owners}
	for _, c := range change {
		c(&o)
	}
	tracker, err := jira.New(o)
	require.NoError(t, err)
	return tracker
}

// clientOf returns the client of Muster's account; base may be nil.
func clientOf(t *testing.T, server *jiratest.Server, cloud bool, base http.RoundTripper) *rest.Client {
	t.Helper()
	auth := rest.Bearer(secret.New("t0ken"))
	if cloud {
		auth = rest.Basic("bot@acme.example", secret.New("t0ken"))
	}
	client, err := rest.New(rest.Options{System: "Jira", BaseURL: server.URL(), Auth: auth, Base: base})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return client
}

func options(cloud bool) jiratest.Options {
	o := jiratest.Options{Cloud: cloud, Token: "t0ken", Accounts: []string{"acc-payments", "acc-platform"}}
	if cloud {
		o.User = "bot@acme.example"
	}
	return o
}

func subject(t *testing.T, cloud bool) trackertest.Subject {
	server := start(t, options(cloud))
	tracker := connect(t, server, cloud)
	issueOf := func(t *testing.T, ref campaign.TicketRef) jiratest.Issue {
		i, err := server.Issue(ref.ID)
		require.NoError(t, err)
		return i
	}
	names := map[string]string{"": "", "acc-payments": "payments", "acc-platform": "platform"}
	states := map[string]campaign.TicketStatus{"new": campaign.TicketOpen, "indeterminate": campaign.TicketInProgress, "done": campaign.TicketDone}
	shown := jira.Wiki
	if cloud {
		shown = jira.Document
	}
	return trackertest.Subject{
		Tracker: tracker, LongestBody: 30 << 10, Shown: shown,
		Look: func(t *testing.T, ref campaign.TicketRef) trackertest.Seen {
			i := issueOf(t, ref)
			seen := trackertest.Seen{Title: i.Summary, Body: jira.WithoutTasks(i.Description), Assignee: names[i.Assignee], Status: states[i.Category]}
			if i.Due != "" {
				due, err := time.Parse(time.DateOnly, i.Due)
				require.NoError(t, err)
				seen.Due = due
			}
			return seen
		},
		Count: func(_ *testing.T, keys ...string) int {
			count := 0
			for _, i := range server.Issues() {
				for _, key := range keys {
					if slices.Contains(i.Labels, "muster-"+key) {
						count++
					}
				}
			}
			return count
		},
		Comments: func(t *testing.T, ref campaign.TicketRef) []string {
			var texts []string
			for _, c := range issueOf(t, ref).Comments {
				raw, err := json.Marshal(c.Body)
				require.NoError(t, err)
				for _, text := range []string{"The method is void.", "The floor moved."} {
					if strings.Contains(string(raw), text) {
						texts = append(texts, text)
					}
				}
			}
			return texts
		},
		Close: func(t *testing.T, ref campaign.TicketRef) {
			require.NoError(t, server.Change(ref.ID, func(i *jiratest.Issue) { i.Status = "Done" }))
		},
		Reassign: func(t *testing.T, ref campaign.TicketRef, owner string) {
			require.NoError(t, server.Change(ref.ID, func(i *jiratest.Issue) { i.Assignee = owners[owner] }))
		},
		Tick: func(t *testing.T, ref campaign.TicketRef, item string) {
			require.NoError(t, server.Change(ref.ID, func(i *jiratest.Issue) { i.Description = tick(t, i.Description, item) }))
		},
		Foreign: func(*testing.T) {
			server.File("Order a new chair", "furniture")
			server.File("Looks like ours", "muster-x")
		},
		Inject: func(_ *testing.T, f trackertest.Fault) {
			server.Inject(jiratest.Fault(f))
		},
	}
}

// tick does what a person does in Jira's editor.
func tick(t *testing.T, description any, item string) any {
	t.Helper()
	if text, ok := description.(string); ok {
		lines := strings.Split(text, "\n")
		for n, line := range lines {
			if strings.Contains(line, item) {
				lines[n] = strings.Replace(line, "(x)", "(/)", 1)
			}
		}
		return strings.Join(lines, "\n")
	}
	raw, err := json.Marshal(description)
	require.NoError(t, err)
	before := fmt.Sprintf(`"localId":%q,"state":"TODO"`, item)
	require.Contains(t, string(raw), before)
	var doc any
	require.NoError(t, json.Unmarshal([]byte(strings.Replace(string(raw), before, strings.Replace(before, "TODO", "DONE", 1), 1)), &doc))
	return doc
}

func draft() campaign.TicketDraft {
	return campaign.TicketDraft{Title: "Upgrade log4j-core", Body: "Do it.\n", Assignee: "payments", Status: campaign.TicketOpen}
}

// The search that does not show a new issue yet is why an uncertain filing waits.
func TestASearchThatLagsShowsIssuesLater(t *testing.T) {
	now := time.Now()
	o := options(true)
	o.SearchLag, o.Now = time.Minute, func() time.Time { return now }
	server := start(t, o)
	tracker := connect(t, server, true)
	server.Inject(jiratest.Fault{Write: true, Lost: true})
	_, err := tracker.Ensure(t.Context(), "k1", draft())
	require.Equal(t, campaign.Uncertain, campaign.KindOf(err))
	_, err = tracker.Find(t.Context(), "k1")
	require.Equal(t, campaign.NotFound, campaign.KindOf(err), "too early")
	now = now.Add(time.Minute)
	ref, err := tracker.Find(t.Context(), "k1")
	require.NoError(t, err)
	require.Equal(t, server.URL()+"/browse/SEC-1", ref.URL)

	require.NoError(t, server.Change(ref.ID, func(i *jiratest.Issue) { i.Status = "Done" }))
	seen, err := tracker.Read(t.Context(), ref)
	require.NoError(t, err)
	require.Equal(t, campaign.TicketDone, seen.Status, "Read asks the issue, not the search")
}

func TestTheOwnerGoesWhereTheProjectWantsIt(t *testing.T) {
	tests := map[string]struct {
		field  string
		owners map[string]string
		want   func(jiratest.Issue) any
		value  any
		seen   string
	}{
		"an account":                {"assignee", owners, func(i jiratest.Issue) any { return i.Assignee }, "acc-payments", "payments"},
		"no account of that owner":  {"assignee", map[string]string{"other": "acc-platform"}, func(i jiratest.Issue) any { return i.Assignee }, "", ""},
		"a component":               {"components", nil, func(i jiratest.Issue) any { return i.Components }, []string{"payments"}, "payments"},
		"a component by its name":   {"components", map[string]string{"payments": "Pay"}, func(i jiratest.Issue) any { return i.Components }, []string{"Pay"}, "payments"},
		"a text field":              {"customfield_10010", nil, func(i jiratest.Issue) any { return i.Custom["customfield_10010"] }, "payments", "payments"},
		"a choice":                  {"customfield_10011:value", map[string]string{"payments": "Pay"}, func(i jiratest.Issue) any { return i.Custom["customfield_10011"] }, map[string]any{"value": "Pay"}, "payments"},
		"a group in a group picker": {"customfield_10012:name", nil, func(i jiratest.Issue) any { return i.Custom["customfield_10012"] }, map[string]any{"name": "payments"}, "payments"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			o := options(false)
			o.Components = []string{"payments", "Pay"}
			server := start(t, o)
			tracker := connect(t, server, false, func(o *jira.Options) { o.OwnerField, o.Owners = tt.field, tt.owners })
			ref, err := tracker.Ensure(t.Context(), "k1", draft())
			require.NoError(t, err)
			issue, err := server.Issue(ref.ID)
			require.NoError(t, err)
			require.Equal(t, tt.value, tt.want(issue))
			seen, err := tracker.Read(t.Context(), ref)
			require.NoError(t, err)
			require.Equal(t, tt.seen, seen.Assignee)
		})
	}
}

func TestAnAssigneeWhomNoOwnerMapsToIsNamedAsJiraDoes(t *testing.T) {
	o := options(true)
	o.Accounts = nil
	server := start(t, o)
	tracker := connect(t, server, true)
	ref, err := tracker.Ensure(t.Context(), "k1", draft())
	require.NoError(t, err)
	require.NoError(t, server.Change(ref.ID, func(i *jiratest.Issue) { i.Assignee = "acc-somebody" }))
	seen, err := tracker.Read(t.Context(), ref)
	require.NoError(t, err)
	require.Equal(t, "The acc-somebody", seen.Assignee)
}

func TestStatusesByName(t *testing.T) {
	server := start(t, options(false))
	tracker := connect(t, server, false, func(o *jira.Options) {
		o.Statuses = map[campaign.TicketStatus]string{campaign.TicketInProgress: "in review"}
	})
	d := draft()
	ref, err := tracker.Ensure(t.Context(), "k1", d)
	require.NoError(t, err)
	d.Status = campaign.TicketInProgress
	require.NoError(t, tracker.Update(t.Context(), ref, d))
	issue, err := server.Issue(ref.ID)
	require.NoError(t, err)
	require.Equal(t, "In Review", issue.Status)
}

// What stands there already is not written again: each write is an event for
// whoever watches the issue.
func TestAnUpdateThatChangesNothingWritesNothing(t *testing.T) {
	for name, cloud := range kinds {
		t.Run(name, func(t *testing.T) {
			server := start(t, options(cloud))
			tracker := connect(t, server, cloud)
			d := draft()
			d.Due = time.Date(2021, 12, 17, 0, 0, 0, 0, time.UTC)
			d.Checklist = []campaign.CheckItem{{ID: "a.fix", Text: "Upgrade checkout-api"}}
			ref, err := tracker.Ensure(t.Context(), "k1", d)
			require.NoError(t, err)
			before := server.Stats().Writes
			require.NoError(t, tracker.Update(t.Context(), ref, d))
			require.Equal(t, before, server.Stats().Writes)
			d.Due = d.Due.AddDate(0, 0, 1)
			require.NoError(t, tracker.Update(t.Context(), ref, d))
			require.Equal(t, before+1, server.Stats().Writes)
		})
	}
}

// An editor of Cloud may give the items ids of its own.
func TestATickIsFoundByItsTextWhenTheIDIsGone(t *testing.T) {
	server := start(t, options(true))
	tracker := connect(t, server, true)
	d := draft()
	d.Checklist = []campaign.CheckItem{{ID: "a.fix", Text: "Upgrade checkout-api"}, {ID: "b.fix", Text: "Upgrade refunds"}}
	ref, err := tracker.Ensure(t.Context(), "k1", d)
	require.NoError(t, err)
	require.NoError(t, server.Change(ref.ID, func(i *jiratest.Issue) {
		i.Description = tick(t, i.Description, "b.fix")
		raw, err := json.Marshal(i.Description)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal([]byte(strings.ReplaceAll(string(raw), `"b.fix"`, `"5f3c-uuid"`)), &i.Description))
	}))
	seen, err := tracker.Read(t.Context(), ref)
	require.NoError(t, err)
	require.Equal(t, []string{"b.fix"}, seen.Checked)
}

func TestWhatJiraRefusesIsSaidInItsWords(t *testing.T) {
	server := start(t, options(false))
	tracker := connect(t, server, false, func(o *jira.Options) { o.Owners = map[string]string{"payments": "gone"} })
	_, err := tracker.Ensure(t.Context(), "k1", draft())
	require.Equal(t, campaign.Invalid, campaign.KindOf(err))
	require.Contains(t, campaign.PublicMessage(err), "assignee: User 'gone' does not exist.")
	outcomes := tracker.EnsureAll(t.Context(), []campaign.Filing{{Key: "k2", Draft: draft()}, {Key: "k3", Draft: campaign.TicketDraft{Title: "t"}}})
	require.Contains(t, campaign.PublicMessage(outcomes[0].Err), "assignee: User 'gone' does not exist.")
	require.NoError(t, outcomes[1].Err)
	all := tracker.EnsureAll(t.Context(), []campaign.Filing{{Key: "k4", Draft: draft()}})
	require.Contains(t, campaign.PublicMessage(all[0].Err), "does not exist", "all of them refused is an answer of its own")
}

// One busy moment among fifty issues costs one of them a while, and no dead letter.
func TestEachIssueOfManyHasAStatusOfItsOwn(t *testing.T) {
	o := options(true)
	o.Elements = map[string]int{"busy": http.StatusTooManyRequests, "broken": http.StatusServiceUnavailable}
	tracker := connect(t, start(t, o), true)
	outcomes := tracker.EnsureAll(t.Context(), []campaign.Filing{
		{Key: "k1", Draft: campaign.TicketDraft{Title: "busy"}}, {Key: "k2", Draft: draft()}, {Key: "k3", Draft: campaign.TicketDraft{Title: "broken"}},
	})
	require.Equal(t, campaign.Unavailable, campaign.KindOf(outcomes[0].Err))
	require.Positive(t, campaign.RetryAfter(outcomes[0].Err))
	require.NoError(t, outcomes[1].Err)
	require.Equal(t, campaign.Uncertain, campaign.KindOf(outcomes[2].Err))
}

func TestHintsNeedASignature(t *testing.T) {
	server := start(t, options(false))
	tracker := connect(t, server, false, func(o *jira.Options) { o.WebhookSecret = secret.New("shared") })
	body := []byte(`{"webhookEvent":"jira:issue_updated","issue":{"key":"SEC-7"}}`)
	sign := func(body []byte, key string) http.Header {
		mac := hmac.New(sha256.New, []byte(key))
		mac.Write(body)
		return http.Header{"X-Hub-Signature": {"sha256=" + hex.EncodeToString(mac.Sum(nil))}}
	}
	refs, err := tracker.Hints(sign(body, "shared"), body)
	require.NoError(t, err)
	require.Equal(t, "SEC-7", refs[0].ID)
	for name, header := range map[string]http.Header{
		"none": {}, "another secret": sign(body, "other"), "of another body": sign([]byte("{}"), "shared"),
		"not hex": {"X-Hub-Signature": {"sha256=zz"}}, "another method": {"X-Hub-Signature": {"sha1=00"}},
	} {
		_, err := tracker.Hints(header, body)
		require.Equal(t, campaign.Forbidden, campaign.KindOf(err), name)
	}
	for _, other := range []string{`{"issue":{"key":"OPS-7"}}`, `{"webhookEvent":"user_created"}`} {
		refs, err := tracker.Hints(sign([]byte(other), "shared"), []byte(other))
		require.NoError(t, err)
		require.Empty(t, refs)
	}
	_, err = tracker.Hints(sign([]byte("<"), "shared"), []byte("<"))
	require.Equal(t, campaign.Invalid, campaign.KindOf(err))
	_, err = connect(t, server, false).Hints(sign(body, ""), body)
	require.Equal(t, campaign.Forbidden, campaign.KindOf(err), "no secret is no open door")
}

package gitlab_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/tracker/gitlab"
	"github.com/musterbot/muster/campaign/tracker/mark"
	"github.com/musterbot/muster/campaign/tracker/trackertest"
	"github.com/musterbot/muster/configs/secret"
)

const hookSecret = "hook-hunter2"

func open(t *testing.T, adjust ...func(*gitlab.Options)) (*gitlab.Tracker, *standIn) {
	t.Helper()
	s := startStandIn(t)
	o := gitlab.Options{
		URL: s.url, Token: secret.New(token), Project: "acme/security", WebhookSecret: secret.New(hookSecret),
		Assignees: map[string]string{"payments": "Ann-Pay", "platform": "ben-platform"},
	}
	for _, a := range adjust {
		a(&o)
	}
	tracker, err := gitlab.New(o)
	require.NoError(t, err)
	return tracker, s
}

func draft() campaign.TicketDraft {
	return campaign.TicketDraft{
		Title: "Upgrade log4j-core", Body: "1. Upgrade.\n", Assignee: "payments",
		Due: time.Date(2021, 12, 17, 0, 0, 0, 0, time.UTC), Status: campaign.TicketOpen,
	}
}

func ensure(t *testing.T, tracker *gitlab.Tracker, key string, d campaign.TicketDraft) campaign.TicketRef {
	t.Helper()
	ref, err := tracker.Ensure(t.Context(), key, d)
	require.NoError(t, err)
	return ref
}

func TestContract(t *testing.T) {
	trackertest.Run(t, func(t *testing.T) trackertest.Subject {
		tracker, s := open(t)
		return trackertest.Subject{
			Tracker: tracker, Inject: s.Inject,
			Look: func(_ *testing.T, ref campaign.TicketRef) trackertest.Seen {
				s.mu.Lock()
				defer s.mu.Unlock()
				return look(s.find(ref.ID))
			},
			Count: func(_ *testing.T, keys ...string) int {
				s.mu.Lock()
				defer s.mu.Unlock()
				n := 0
				for _, i := range s.issues {
					if slices.Contains(keys, mark.Key(i.Description, nil)) {
						n++
					}
				}
				return n
			},
			Comments: func(_ *testing.T, ref campaign.TicketRef) []string {
				s.mu.Lock()
				defer s.mu.Unlock()
				var texts []string
				for _, note := range s.find(ref.ID).notes {
					text, _, _ := strings.Cut(note, "\n\n<!--")
					texts = append(texts, text)
				}
				return texts
			},
			Close: func(_ *testing.T, ref campaign.TicketRef) {
				s.person(ref.ID, func(i *issue) { i.State = "closed" })
			},
			Reassign: func(_ *testing.T, ref campaign.TicketRef, owner string) {
				to := map[string]user{"payments": {11, "ann-pay"}, "platform": {12, "ben-platform"}}[owner]
				s.person(ref.ID, func(i *issue) { i.Assignees = []user{to} })
			},
			Tick: func(_ *testing.T, ref campaign.TicketRef, item string) {
				s.person(ref.ID, func(i *issue) {
					lines := strings.Split(i.Description, "\n")
					for n, line := range lines {
						if strings.Contains(line, "muster:"+item) {
							lines[n] = strings.Replace(line, "[ ]", "[x]", 1)
						}
					}
					i.Description = strings.Join(lines, "\n")
				})
			},
			Foreign: func(*testing.T) {
				s.mu.Lock()
				defer s.mu.Unlock()
				s.issues = append(s.issues,
					&issue{IID: 900, Title: "A bug", State: "opened", UpdatedAt: s.tick()},
					&issue{IID: 901, Title: "Ours?", State: "opened", Labels: []string{mark.Label}, UpdatedAt: s.tick()})
			},
		}
	})
}

func look(i *issue) trackertest.Seen {
	body, _ := mark.Split(i.Description)
	seen := trackertest.Seen{Title: i.Title, Body: body, Status: campaign.TicketOpen}
	if i.DueDate != nil {
		seen.Due, _ = time.Parse(time.DateOnly, *i.DueDate)
	}
	if slices.Contains(i.Labels, "in progress") {
		seen.Status = campaign.TicketInProgress
	}
	if i.State == "closed" {
		seen.Status = campaign.TicketDone
	}
	for _, a := range i.Assignees {
		seen.Assignee = map[string]string{"ann-pay": "payments", "ben-platform": "platform"}[a.Username]
	}
	return seen
}

// What stands in the instructions is shown, and not carried out.
func TestAPathAtTheStartOfALineDoesNothing(t *testing.T) {
	tracker, s := open(t)
	d := draft()
	d.Body = "Run:\n/close the valve\n\n```\n/usr/bin/true\n```\n"
	ref := ensure(t, tracker, "k1", d)
	require.NoError(t, tracker.Comment(t.Context(), ref, "c1", "/close\nThe floor moved."))
	i := s.find(ref.ID)
	require.Equal(t, "opened", i.State)
	require.Contains(t, i.Description, "\n\\/close the valve\n")
	require.Contains(t, i.Description, "\n/usr/bin/true\n", "code stays as it is")
	require.Contains(t, i.notes[0], "\\/close\nThe floor moved.")
}

func TestWhatPeopleAddedStays(t *testing.T) {
	tracker, s := open(t)
	ref := ensure(t, tracker, "mzxw6ytboi4dc2lt", draft())
	require.Equal(t, "acme/security#1", ref.ID)
	require.Equal(t, s.url+"/acme/security/-/issues/1", ref.URL)
	s.person(ref.ID, func(i *issue) { i.Labels = append(i.Labels, "sev1") })
	d := draft()
	d.Status = campaign.TicketDone
	for range 2 {
		require.NoError(t, tracker.Update(t.Context(), ref, d))
	}
	require.ElementsMatch(t, []string{"muster", "muster-mzxw6ytboi4dc2lt", "sev1"}, s.find(ref.ID).Labels)
	require.Equal(t, "closed", s.find(ref.ID).State)
}

func TestAGuestFilesNothing(t *testing.T) {
	tracker, s := open(t)
	s.guest = true
	_, err := tracker.Ensure(t.Context(), "k1", draft())
	require.Equal(t, campaign.Forbidden, campaign.KindOf(err), "%v", err)
	require.Empty(t, s.issues)
	s.guest = false
	ensure(t, tracker, "k1", draft())
	s.guest = true
	_, err = tracker.Ensure(t.Context(), "k2", draft())
	require.Equal(t, campaign.Forbidden, campaign.KindOf(err))
	require.Contains(t, campaign.PublicMessage(err), "/issues/2", "it says which to close")
}

func TestOwnersWithProjectsOfTheirOwn(t *testing.T) {
	tracker, s := open(t, func(o *gitlab.Options) { o.Projects = map[string]string{"platform": "acme/platform"} })
	first := ensure(t, tracker, "k1", draft())
	d := draft()
	d.Assignee = "platform"
	second := ensure(t, tracker, "k2", d)
	require.Equal(t, "acme/platform#2", second.ID)
	require.Equal(t, second, ensure(t, tracker, "k2", d))
	found, err := tracker.Find(t.Context(), "k2")
	require.NoError(t, err)
	require.Equal(t, second, found)
	s.person(first.ID, func(i *issue) { i.Title += "!" })
	var order []string
	for seen, err := range tracker.Changes(t.Context(), time.Time{}) {
		require.NoError(t, err)
		order = append(order, seen.Ref.ID)
	}
	require.Equal(t, []string{second.ID, first.ID}, order, "merged, the oldest first")
	_, err = tracker.Read(t.Context(), campaign.TicketRef{ID: "else/where#1"})
	require.Equal(t, campaign.NotFound, campaign.KindOf(err))
}

// Moved is not done: GitLab closes the issue that it leaves behind.
func TestAnIssueThatWasMovedIsNotDone(t *testing.T) {
	tracker, s := open(t)
	ref := ensure(t, tracker, "k1", draft())
	elsewhere := 77
	s.person(ref.ID, func(i *issue) { i.State, i.MovedToID = "closed", &elsewhere })
	_, err := tracker.Read(t.Context(), ref)
	require.Equal(t, campaign.NotFound, campaign.KindOf(err))
	require.Contains(t, campaign.PublicMessage(err), "moved")
	for range tracker.Changes(t.Context(), time.Time{}) {
		require.Fail(t, "it is no change of ours any more")
	}
}

// GitLab answers alike for what was deleted and for what it does not show any more.
// Only the first may be filed again.
func TestAProjectThatIsNotShownHasNotLostItsIssues(t *testing.T) {
	tracker, s := open(t)
	ref := ensure(t, tracker, "k1", draft())
	s.hidden = true
	_, err := tracker.Read(t.Context(), ref)
	require.Equal(t, campaign.Forbidden, campaign.KindOf(err), "%v", err)
	require.Contains(t, campaign.PublicMessage(err), "does not show “acme/security” to Muster's account any more")
	s.hidden = false
	_, err = tracker.Read(t.Context(), campaign.TicketRef{ID: "acme/security#77"})
	require.Equal(t, campaign.NotFound, campaign.KindOf(err), "%v", err)
}

func TestAUserThatGitLabDoesNotKnow(t *testing.T) {
	tracker, s := open(t, func(o *gitlab.Options) { o.Assignees = map[string]string{"payments": "gone"} })
	_, err := tracker.Ensure(t.Context(), "k1", draft())
	require.Equal(t, campaign.Invalid, campaign.KindOf(err), "%v", err)
	require.Empty(t, s.issues)
}

func TestNothingIsLostBetweenPages(t *testing.T) {
	tracker, s := open(t)
	ref := ensure(t, tracker, "k0", draft())
	s.person(ref.ID, func(i *issue) { i.notes = slices.Repeat([]string{"chatter"}, 250) })
	for range 2 {
		require.NoError(t, tracker.Comment(t.Context(), ref, "c1", "The floor moved."))
	}
	require.Len(t, s.find(ref.ID).notes, 251)
	for n := range 350 {
		i := *s.issues[0]
		i.IID, i.Description = n+2, mark.Render("many-"+strconv.Itoa(n), draft())
		if n > 220 {
			i.UpdatedAt = s.tick()
		}
		s.issues = append(s.issues, &i)
	}
	keys := map[string]bool{}
	for seen, err := range tracker.Changes(t.Context(), time.Time{}) {
		require.NoError(t, err)
		keys[seen.Key] = true
	}
	require.Len(t, keys, 351)
}

func TestWhatCannotBeConfigured(t *testing.T) {
	for name, o := range map[string]gitlab.Options{
		"no token": {Project: "a/b"}, "no project": {Token: secret.New(token)}, "no address": {Token: secret.New(token), Project: "a/b", URL: "gitlab"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := gitlab.New(o)
			require.Error(t, err)
			require.NotContains(t, err.Error(), token)
		})
	}
}

const issueEvent = `{"object_kind":"issue","project":{"id":42,"path_with_namespace":"acme/security"},"object_attributes":{"iid":7,"action":"close"}}`

func TestHintsOfAWebhook(t *testing.T) {
	seven := []campaign.TicketRef{{ID: "acme/security#7"}}
	tests := map[string]struct {
		token, body string
		want        []campaign.TicketRef
		kind        campaign.Kind
	}{
		"an issue":              {token: hookSecret, body: issueEvent, want: seven},
		"a comment on one":      {token: hookSecret, body: strings.NewReplacer(`"issue"`, `"note"`, "object_attributes", "issue").Replace(issueEvent), want: seven},
		"a comment on a commit": {token: hookSecret, body: strings.Replace(issueEvent, `"issue"`, `"note"`, 1)},
		"another project":       {token: hookSecret, body: strings.Replace(issueEvent, "acme/security", "acme/else", 1)},
		"a push":                {token: hookSecret, body: strings.Replace(issueEvent, `"issue"`, `"push"`, 1)},
		"another token":         {token: "guess", body: issueEvent, kind: campaign.Forbidden},
		"no token":              {body: issueEvent, kind: campaign.Forbidden},
		"no JSON":               {token: hookSecret, body: "x", kind: campaign.Invalid},
	}
	tracker, _ := open(t)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			header := http.Header{}
			header.Set("X-Gitlab-Token", tt.token)
			refs, err := tracker.Hints(header, []byte(tt.body))
			if tt.kind != campaign.Internal {
				require.Equal(t, tt.kind, campaign.KindOf(err), "%v", err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.want, refs)
		})
	}
	unset, _ := open(t, func(o *gitlab.Options) { o.WebhookSecret = secret.Secret{} })
	_, err := unset.Hints(http.Header{}, []byte(issueEvent))
	require.Equal(t, campaign.Forbidden, campaign.KindOf(err), "no secret lets nobody in")
}

func TestASigningToken(t *testing.T) {
	key := []byte("0123456789abcdef0123456789abcdef")
	tracker, _ := open(t, func(o *gitlab.Options) {
		o.WebhookSecret = secret.New("whsec_" + base64.StdEncoding.EncodeToString(key))
	})
	sign := func(at time.Time, key []byte) http.Header {
		stamp := strconv.FormatInt(at.Unix(), 10)
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte("id-1." + stamp + "." + issueEvent))
		h := http.Header{}
		h.Set("webhook-id", "id-1")
		h.Set("webhook-timestamp", stamp)
		h.Set("webhook-signature", "v1,bm8= v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
		return h
	}
	refs, err := tracker.Hints(sign(time.Now(), key), []byte(issueEvent))
	require.NoError(t, err)
	require.Len(t, refs, 1)
	for name, header := range map[string]http.Header{
		"an hour old": sign(time.Now().Add(-time.Hour), key), "another key": sign(time.Now(), []byte("guess")), "unsigned": {"X-Gitlab-Token": {"whsec_"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := tracker.Hints(header, []byte(issueEvent))
			require.Equal(t, campaign.Forbidden, campaign.KindOf(err))
		})
	}
}

func FuzzHints(f *testing.F) {
	tracker, err := gitlab.New(gitlab.Options{Token: secret.New(token), Project: "acme/security", WebhookSecret: secret.New(hookSecret)})
	require.NoError(f, err)
	f.Add([]byte(issueEvent))
	f.Add([]byte(`{"object_kind":"note","issue":null}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		refs, err := tracker.Hints(http.Header{"X-Gitlab-Token": {hookSecret}}, body)
		require.True(t, err == nil || campaign.KindOf(err) == campaign.Invalid)
		for _, ref := range refs {
			require.True(t, strings.HasPrefix(ref.ID, "acme/security#"), ref.ID)
		}
	})
}

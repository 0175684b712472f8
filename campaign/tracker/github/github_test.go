package github_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/tracker/github"
	"github.com/musterbot/muster/campaign/tracker/mark"
	"github.com/musterbot/muster/campaign/tracker/trackertest"
	"github.com/musterbot/muster/configs/secret"
	"github.com/musterbot/muster/store/pace"
)

const hookSecret = "hook-hunter2"

func open(t *testing.T, adjust ...func(*github.Options)) (*github.Tracker, *standIn) {
	t.Helper()
	s := startStandIn(t, "acme/security", "acme/platform")
	o := github.Options{
		URL: s.url, Token: secret.New(token), Repository: "acme/security", WebhookSecret: secret.New(hookSecret),
		Assignees: map[string]string{"payments": "Ann-Pay", "platform": "ben-platform"},
	}
	for _, a := range adjust {
		a(&o)
	}
	tracker, err := github.New(o)
	require.NoError(t, err)
	return tracker, s
}

func draft() campaign.TicketDraft {
	return campaign.TicketDraft{
		Title: "Upgrade log4j-core", Body: "1. Upgrade.\n", Assignee: "payments",
		Due: time.Date(2021, 12, 17, 0, 0, 0, 0, time.UTC), Status: campaign.TicketOpen,
	}
}

func ensure(t *testing.T, tracker *github.Tracker, key string, d campaign.TicketDraft) campaign.TicketRef {
	t.Helper()
	ref, err := tracker.Ensure(t.Context(), key, d)
	require.NoError(t, err)
	return ref
}

func TestContract(t *testing.T) {
	trackertest.Run(t, func(t *testing.T) trackertest.Subject {
		tracker, s := open(t)
		owners := map[string]string{"Ann-Pay": "payments", "ben-platform": "platform"}
		return trackertest.Subject{
			Tracker: tracker, Inject: s.Inject,
			Look: func(_ *testing.T, ref campaign.TicketRef) trackertest.Seen {
				s.mu.Lock()
				defer s.mu.Unlock()
				return look(s.find(ref.ID), owners)
			},
			Count: func(_ *testing.T, keys ...string) int {
				s.mu.Lock()
				defer s.mu.Unlock()
				n := 0
				for _, i := range s.repos["acme/security"].issues {
					for _, k := range keys {
						if mark.Key(i.Body, nil) == k {
							n++
						}
					}
				}
				return n
			},
			Comments: func(_ *testing.T, ref campaign.TicketRef) []string {
				s.mu.Lock()
				defer s.mu.Unlock()
				var texts []string
				for _, c := range s.find(ref.ID).comments {
					text, _, _ := strings.Cut(c.Body, "\n\n<!--")
					texts = append(texts, text)
				}
				return texts
			},
			Close: func(_ *testing.T, ref campaign.TicketRef) {
				s.person(ref.ID, func(i *issue) { i.State = "closed" })
			},
			Reassign: func(_ *testing.T, ref campaign.TicketRef, owner string) {
				to := map[string]string{"payments": "ann-pay", "platform": "ben-platform"}[owner] // logins ignore case
				s.person(ref.ID, func(i *issue) { i.Assignees = []login{{to}} })
			},
			Tick: func(_ *testing.T, ref campaign.TicketRef, item string) {
				s.person(ref.ID, func(i *issue) {
					i.Body = tick(strings.ReplaceAll(i.Body, "\n", "\r\n"), item) // as the page sends it
					i.Body = strings.ReplaceAll(i.Body, "\r\n", "\n")
				})
			},
			Foreign: func(*testing.T) {
				s.mu.Lock()
				defer s.mu.Unlock()
				repo := s.repos["acme/security"]
				at := s.url + "/repos/acme/security"
				repo.issues = append(repo.issues,
					&issue{Number: 900, Title: "A bug", State: "open", Repository: at, UpdatedAt: s.tick()},
					&issue{Number: 901, Title: "Ours?", State: "open", Labels: []named{{mark.Label}}, Repository: at, UpdatedAt: s.tick()},
					&issue{Number: 902, Title: "A pull request", State: "open", Labels: []named{{mark.Label}}, PullRequest: &struct{}{}, Repository: at, UpdatedAt: s.tick()},
				)
			},
		}
	})
}

func look(i *issue, owners map[string]string) trackertest.Seen {
	body, facts := mark.Split(i.Body)
	seen := trackertest.Seen{Title: i.Title, Body: body, Status: campaign.TicketOpen}
	if _, text, ok := strings.Cut(facts, "Due: "); ok {
		seen.Due, _ = time.Parse(time.DateOnly, strings.Fields(text)[0])
	}
	for _, l := range i.Labels {
		if l.Name == "in progress" {
			seen.Status = campaign.TicketInProgress
		}
	}
	if i.State == "closed" {
		seen.Status = campaign.TicketDone
	}
	for _, a := range i.Assignees {
		seen.Assignee = owners[a.Login]
	}
	return seen
}

func tick(body, item string) string {
	var lines []string
	for line := range strings.Lines(body) {
		if strings.Contains(line, "muster:"+item) {
			line = strings.Replace(line, "[ ]", "[x]", 1)
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "")
}

func TestAnIssueAsPeopleSeeIt(t *testing.T) {
	tracker, s := open(t)
	ref := ensure(t, tracker, "mzxw6ytboi4dc2lt", draft())
	require.Equal(t, campaign.TicketRef{ID: "acme/security#1", URL: "https://github.com/acme/security/issues/1"}, ref)
	i := s.find(ref.ID)
	require.Contains(t, i.Body, "Owner: payments · Due: 2021-12-17")
	require.Equal(t, []named{{"muster"}, {"muster-mzxw6ytboi4dc2lt"}}, i.Labels)
	require.Equal(t, []login{{"Ann-Pay"}}, i.Assignees)

	d := draft()
	d.Status, d.Assignee = campaign.TicketDone, "nobody known"
	s.person(ref.ID, func(i *issue) { i.Labels = append(i.Labels, named{"sev1"}) })
	require.NoError(t, tracker.Update(t.Context(), ref, d))
	require.Equal(t, "completed", *i.StateReason)
	require.Contains(t, i.Labels, named{"sev1"}, "what people added stays")
	require.Empty(t, i.Assignees)
	require.Contains(t, i.Body, "Owner: nobody known")
}

// GitHub ignores the case of labels, and gives an issue the one that is there.
func TestALabelThatIsThereInAnotherCase(t *testing.T) {
	tracker, s := open(t)
	s.repos["acme/security"].labels = []string{"In Progress", "Muster"}
	d := draft()
	d.Status = campaign.TicketInProgress
	ref := ensure(t, tracker, "k1", d)
	require.Contains(t, s.find(ref.ID).Labels, named{"In Progress"})
	seen, err := tracker.Read(t.Context(), ref)
	require.NoError(t, err)
	require.Equal(t, campaign.TicketInProgress, seen.Status)
	require.NoError(t, tracker.Update(t.Context(), ref, draft()))
	require.Equal(t, []named{{"Muster"}, {"muster-k1"}}, s.find(ref.ID).Labels)
	for seen, err := range tracker.Changes(t.Context(), time.Time{}) {
		require.NoError(t, err)
		require.Equal(t, campaign.TicketOpen, seen.Status)
	}
}

func TestOwnersWithRepositoriesOfTheirOwn(t *testing.T) {
	tracker, s := open(t, func(o *github.Options) { o.Repositories = map[string]string{"platform": "acme/platform"} })
	first := ensure(t, tracker, "k1", draft())
	d := draft()
	d.Assignee = "platform"
	second := ensure(t, tracker, "k2", d)
	require.Equal(t, "acme/platform#1", second.ID)
	require.Equal(t, second, ensure(t, tracker, "k2", d))
	found, err := tracker.Find(t.Context(), "k2")
	require.NoError(t, err)
	require.Equal(t, second, found)

	s.person(first.ID, func(i *issue) { i.Title += "!" })
	s.person(second.ID, func(i *issue) { i.Title += "!" })
	s.person(first.ID, func(i *issue) { i.Title += "!" })
	var order []string
	for seen, err := range tracker.Changes(t.Context(), time.Time{}) {
		require.NoError(t, err)
		order = append(order, seen.Key)
	}
	require.Equal(t, []string{"k2", "k1"}, order, "merged, the oldest first")
}

// Without write access GitHub drops labels without a word. Nothing is filed then
// that could not be found again.
func TestATokenThatMayNotLabelFilesNothing(t *testing.T) {
	tracker, s := open(t)
	s.readOnly = true
	for range 2 {
		_, err := tracker.Ensure(t.Context(), "k1", draft())
		require.Equal(t, campaign.Forbidden, campaign.KindOf(err), "%v", err)
	}
	require.Empty(t, s.repos["acme/security"].issues)
	s.readOnly = false
	ensure(t, tracker, "k1", draft())
	s.readOnly = true // taken away in the middle
	_, err := tracker.Ensure(t.Context(), "k2", draft())
	require.Equal(t, campaign.Forbidden, campaign.KindOf(err))
	require.Contains(t, campaign.PublicMessage(err), "https://github.com/acme/security/issues/2", "it says which to close")
}

func TestAnIssueThatWasMovedIsFollowed(t *testing.T) {
	tracker, s := open(t)
	ref := ensure(t, tracker, "k1", draft())
	moved := *s.find(ref.ID)
	moved.Number, moved.Repository, moved.HTMLURL = 7, s.url+"/repos/acme/platform", "https://github.com/acme/platform/issues/7"
	s.repos["acme/platform"].issues = append(s.repos["acme/platform"].issues, &moved)
	s.person(ref.ID, func(i *issue) { i.movedTo = "/repos/acme/platform/issues/7" })
	seen, err := tracker.Read(t.Context(), ref)
	require.NoError(t, err)
	require.Equal(t, "acme/platform#7", seen.Ref.ID)
	require.Equal(t, "k1", seen.Key)
	d := draft()
	d.Status = campaign.TicketDone
	require.NoError(t, tracker.Update(t.Context(), ref, d))
	require.Equal(t, "closed", moved.State)
	require.NoError(t, tracker.Comment(t.Context(), ref, "c1", "Thank you."))
	require.Len(t, moved.comments, 1)
}

func TestADeletedIssueIsNotFound(t *testing.T) {
	tracker, s := open(t)
	ref := ensure(t, tracker, "k1", draft())
	s.person(ref.ID, func(i *issue) { i.deleted = true })
	_, err := tracker.Read(t.Context(), ref)
	require.Equal(t, campaign.NotFound, campaign.KindOf(err))
	require.Equal(t, campaign.NotFound, campaign.KindOf(tracker.Update(t.Context(), ref, draft())))
}

// GitHub answers alike for what was deleted and for what it does not show any more.
// Only the first may be filed again.
func TestARepositoryThatIsNotShownHasNotLostItsIssues(t *testing.T) {
	tracker, s := open(t)
	ref := ensure(t, tracker, "k1", draft())
	s.hidden = true
	_, err := tracker.Read(t.Context(), ref)
	require.Equal(t, campaign.Forbidden, campaign.KindOf(err), "%v", err)
	require.Contains(t, campaign.PublicMessage(err), "does not show “acme/security” to Muster's account any more")
	require.Equal(t, campaign.Forbidden, campaign.KindOf(tracker.Update(t.Context(), ref, draft())))
	s.hidden = false
	_, err = tracker.Read(t.Context(), ref)
	require.NoError(t, err)

	deleted := campaign.TicketRef{ID: "acme/security#77"}
	_, err = tracker.Read(t.Context(), deleted)
	require.Equal(t, campaign.NotFound, campaign.KindOf(err), "%v", err)
	s.hidden = true
	_, err = tracker.Read(t.Context(), ref)
	require.Equal(t, campaign.Forbidden, campaign.KindOf(err), "the repository was seen a moment ago, and is hidden now: %v", err)
}

func TestAnAssigneeThatGitHubDoesNotKnow(t *testing.T) {
	tracker, s := open(t, func(o *github.Options) { o.Assignees = map[string]string{"payments": "nobody-here"} })
	_, err := tracker.Ensure(t.Context(), "k1", draft())
	require.Equal(t, campaign.Invalid, campaign.KindOf(err), "%v", err)
	require.Empty(t, s.repos["acme/security"].issues)
}

// More than a page of comments, and of changes within one second.
func TestNothingIsLostBetweenPages(t *testing.T) {
	tracker, s := open(t)
	ref := ensure(t, tracker, "k0", draft())
	for range 250 {
		s.person(ref.ID, func(i *issue) { i.comments = append(i.comments, comment{"chatter"}) })
	}
	require.NoError(t, tracker.Comment(t.Context(), ref, "c1", "The floor moved."))
	require.NoError(t, tracker.Comment(t.Context(), ref, "c1", "The floor moved."))
	require.Len(t, s.find(ref.ID).comments, 251)

	repo := s.repos["acme/security"]
	for n := range 350 {
		i := *repo.issues[0]
		i.Number, i.Body = n+2, mark.Render("many-"+string(rune('a'+n%26))+strings.Repeat("x", n/26), draft())
		if n > 220 {
			i.UpdatedAt = s.tick()
		}
		repo.issues = append(repo.issues, &i)
	}
	keys := map[string]bool{}
	for seen, err := range tracker.Changes(t.Context(), time.Time{}) {
		require.NoError(t, err)
		keys[seen.Key] = true
	}
	require.Len(t, keys, 351)
}

// GitHub says with 403 what others say with 429.
func TestLimitsOfGitHub(t *testing.T) {
	tests := map[string]struct {
		fault    trackertest.Fault
		min, max time.Duration
	}{
		"the hourly limit": {trackertest.Fault{Write: true, Status: 403, Header: map[string]string{
			"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": strconv.FormatInt(time.Now().Add(20*time.Minute).Unix(), 10),
		}}, 19 * time.Minute, 20 * time.Minute},
		"the secondary limit": {trackertest.Fault{Write: true, Status: 403, Header: map[string]string{"Retry-After": "60"}}, time.Minute, time.Minute},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tracker, s := open(t)
			ensure(t, tracker, "k0", draft())
			s.Inject(t, tt.fault)
			_, err := tracker.Ensure(t.Context(), "k1", draft())
			require.Equal(t, campaign.Unavailable, campaign.KindOf(err), "%v", err)
			require.GreaterOrEqual(t, campaign.RetryAfter(err), tt.min)
			require.LessOrEqual(t, campaign.RetryAfter(err), tt.max)
		})
	}
}

// Above the secondary limit for content GitHub still tells what is left of the
// hour. What was written too much waits a minute, and people's changes are read.
func TestTooMuchContentDoesNotStopTheReading(t *testing.T) {
	tracker, s := open(t, func(o *github.Options) {
		o.Limiter, o.Rate = pace.New(1), campaign.Rate{Name: "tracker github", PerMinute: 600, Burst: 60}
	})
	ref := ensure(t, tracker, "k0", draft())
	s.tooMuch = true
	d := draft()
	d.Status = campaign.TicketDone
	for range 2 {
		err := tracker.Update(t.Context(), ref, d)
		require.Equal(t, campaign.Unavailable, campaign.KindOf(err), "%v", err)
		require.InDelta(t, time.Minute.Seconds(), campaign.RetryAfter(err).Seconds(), 3)
	}
	_, err := tracker.Ensure(t.Context(), "k1", draft())
	require.Equal(t, campaign.Unavailable, campaign.KindOf(err), "%v", err)
	_, err = tracker.Read(t.Context(), ref)
	require.NoError(t, err)
	patches := slices.DeleteFunc(slices.Clone(s.calls), func(c string) bool { return !strings.HasPrefix(c, "PATCH") })
	require.Len(t, patches, 1, "it is not asked again before")
}

func TestWhatCannotBeConfigured(t *testing.T) {
	for name, o := range map[string]github.Options{
		"no token":          {Repository: "a/b"},
		"no repository":     {Token: secret.New(token)},
		"half a repository": {Token: secret.New(token), Repository: "acme"},
		"too much of one":   {Token: secret.New(token), Repository: "acme/a/b"},
		"of an owner":       {Token: secret.New(token), Repository: "a/b", Repositories: map[string]string{"x": "y"}},
		"no address":        {Token: secret.New(token), Repository: "a/b", URL: "github"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := github.New(o)
			require.Error(t, err)
			require.NotContains(t, err.Error(), token)
		})
	}
}

func delivery(t *testing.T, event, key string, body any) (http.Header, []byte) {
	t.Helper()
	text, err := json.Marshal(body)
	require.NoError(t, err)
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write(text)
	h := http.Header{}
	h.Set("X-GitHub-Event", event)
	h.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	return h, text
}

func TestHintsOfAWebhook(t *testing.T) {
	tracker, s := open(t)
	ref := ensure(t, tracker, "k1", draft())
	ours := *s.find(ref.ID)
	foreign := issue{Number: 5, Body: "A bug", Repository: s.url + "/repos/acme/security"}
	elsewhere := ours
	elsewhere.Repository = s.url + "/repos/other/security"
	tests := map[string]struct {
		event, key string
		issue      any
		want       []campaign.TicketRef
		kind       campaign.Kind
		refused    bool
	}{
		"an issue of ours":          {event: "issues", key: hookSecret, issue: ours, want: []campaign.TicketRef{ref}},
		"a comment on one":          {event: "issue_comment", key: hookSecret, issue: ours, want: []campaign.TicketRef{ref}},
		"an issue of others":        {event: "issues", key: hookSecret, issue: foreign},
		"of another repository":     {event: "issues", key: hookSecret, issue: elsewhere},
		"a ping":                    {event: "ping", key: hookSecret},
		"a push":                    {event: "push", key: hookSecret, issue: ours},
		"signed by somebody else":   {event: "issues", key: "guess", issue: ours, refused: true, kind: campaign.Forbidden},
		"an issue that is a string": {event: "issues", key: hookSecret, issue: "x", refused: true, kind: campaign.Invalid},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			header, body := delivery(t, tt.event, tt.key, map[string]any{"action": "closed", "issue": tt.issue})
			refs, err := tracker.Hints(header, body)
			if tt.refused {
				require.Equal(t, tt.kind.String(), campaign.KindOf(err).String(), "%v", err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.want, refs)
		})
	}
	header, body := delivery(t, "issues", hookSecret, map[string]any{"issue": ours})
	header.Del("X-Hub-Signature-256")
	_, err := tracker.Hints(header, body)
	require.Equal(t, campaign.Forbidden, campaign.KindOf(err))
	unset, _ := open(t, func(o *github.Options) { o.WebhookSecret = secret.Secret{} })
	header, body = delivery(t, "issues", "", map[string]any{"issue": ours})
	_, err = unset.Hints(header, body)
	require.Equal(t, campaign.Forbidden, campaign.KindOf(err), "no secret lets nobody in")
}

func FuzzHints(f *testing.F) {
	tracker, err := github.New(github.Options{Token: secret.New(token), Repository: "acme/security", WebhookSecret: secret.New(hookSecret)})
	require.NoError(f, err)
	f.Add([]byte(`{"issue":{"number":1,"body":"<!-- muster:key=k -->","repository_url":"https://api.github.com/repos/acme/security"}}`))
	f.Add([]byte(`{"issue":null}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		mac := hmac.New(sha256.New, []byte(hookSecret))
		mac.Write(body)
		refs, err := tracker.Hints(http.Header{
			"X-Github-Event": {"issues"}, "X-Hub-Signature-256": {"sha256=" + hex.EncodeToString(mac.Sum(nil))},
		}, body)
		require.True(t, err == nil || campaign.KindOf(err) == campaign.Invalid)
		for _, ref := range refs {
			require.True(t, strings.HasPrefix(strings.ToLower(ref.ID), "acme/security#"), ref.ID)
		}
	})
}

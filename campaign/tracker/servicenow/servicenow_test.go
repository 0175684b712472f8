package servicenow_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/tracker/checklist"
	"github.com/musterbot/muster/campaign/tracker/rest"
	"github.com/musterbot/muster/campaign/tracker/servicenow"
	"github.com/musterbot/muster/campaign/tracker/trackertest"
	"github.com/musterbot/muster/configs/secret"
)

func open(t *testing.T, adjust ...func(*servicenow.Options)) (*servicenow.Tracker, *standIn) {
	t.Helper()
	s := startStandIn(t)
	client, err := rest.New(rest.Options{System: "ServiceNow", BaseURL: s.url, Auth: rest.Basic("muster", secret.New(password))})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	o := servicenow.Options{Client: client, PageURL: "https://acme.service-now.com/", Groups: map[string]string{"payments": "Payments Team"}}
	for _, a := range adjust {
		a(&o)
	}
	tracker, err := servicenow.New(o)
	require.NoError(t, err)
	return tracker, s
}

func draft() campaign.TicketDraft {
	return campaign.TicketDraft{
		Title: "Upgrade log4j-core", Body: "1. Upgrade.\n", Assignee: "payments",
		Due: time.Date(2021, 12, 17, 18, 0, 0, 0, time.UTC), Status: campaign.TicketOpen,
	}
}

func ensure(t *testing.T, tracker *servicenow.Tracker, key string, d campaign.TicketDraft) campaign.TicketRef {
	t.Helper()
	ref, err := tracker.Ensure(t.Context(), key, d)
	require.NoError(t, err)
	return ref
}

func TestContract(t *testing.T) {
	trackertest.Run(t, func(t *testing.T) trackertest.Subject {
		tracker, s := open(t)
		return trackertest.Subject{
			Tracker: tracker, Inject: s.Inject, LongestBody: 3900,
			Look: func(_ *testing.T, ref campaign.TicketRef) trackertest.Seen {
				s.mu.Lock()
				defer s.mu.Unlock()
				return look(s.find(ref.ID))
			},
			Count: func(_ *testing.T, keys ...string) int {
				s.mu.Lock()
				defer s.mu.Unlock()
				n := 0
				for _, r := range s.records {
					if slices.Contains(keys, r["correlation_id"]) {
						n++
					}
				}
				return n
			},
			Comments: func(_ *testing.T, ref campaign.TicketRef) []string {
				s.mu.Lock()
				defer s.mu.Unlock()
				var texts []string
				for line := range strings.Lines(s.find(ref.ID)["comments"]) {
					if strings.HasPrefix(line, "The ") {
						texts = append(texts, strings.TrimSpace(line))
					}
				}
				return texts
			},
			Close: func(_ *testing.T, ref campaign.TicketRef) {
				s.person(ref.ID, func(r map[string]string) { r["state"] = "7" })
			},
			Reassign: func(_ *testing.T, ref campaign.TicketRef, owner string) {
				to := map[string]string{"payments": "g1", "platform": "g2"}[owner]
				s.person(ref.ID, func(r map[string]string) { r["assignment_group"] = to })
			},
			Tick: func(_ *testing.T, ref campaign.TicketRef, item string) {
				s.person(ref.ID, func(r map[string]string) {
					lines := strings.Split(r["description"], "\n")
					for n, line := range lines {
						if strings.Contains(line, "{muster:"+item) {
							lines[n] = strings.Replace(line, "[ ]", "[x]", 1)
						}
					}
					r["description"] = strings.Join(lines, "\n")
				})
			},
			Foreign: func(*testing.T) {
				s.mu.Lock()
				defer s.mu.Unlock()
				s.records = append(s.records, map[string]string{
					"sys_id": "f1", "number": "INC9999999", "correlation_id": "x1", "correlation_display": "Nagios", "sys_updated_on": s.tick(),
				})
			},
		}
	})
}

func look(r map[string]string) trackertest.Seen {
	body, _ := checklist.Split(r["description"])
	seen := trackertest.Seen{Title: r["short_description"], Body: body, Status: campaign.TicketOpen}
	seen.Assignee = map[string]string{"g1": "payments", "g2": "platform"}[r["assignment_group"]]
	if r["due_date"] != "" {
		seen.Due, _ = time.Parse(time.DateTime, r["due_date"])
	}
	switch r["state"] {
	case "2", "3":
		seen.Status = campaign.TicketInProgress
	case "6", "7", "8":
		seen.Status = campaign.TicketDone
	}
	return seen
}

func TestARecordAsPeopleSeeIt(t *testing.T) {
	tracker, s := open(t)
	ref := ensure(t, tracker, "mzxw6ytboi4dc2lt", draft())
	require.Equal(t, "INC0000001", ref.ID)
	require.Equal(t, "https://acme.service-now.com/nav_to.do?uri=incident.do%3Fsys_id%3D00000000000000000000000000000001", ref.URL)
	r := s.find(ref.ID)
	require.Equal(t, "mzxw6ytboi4dc2lt", r["correlation_id"])
	require.Equal(t, "Muster", r["correlation_display"])
	require.Equal(t, "2021-12-17 18:00:00", r["due_date"])

	d := draft()
	d.Status = campaign.TicketDone
	require.NoError(t, tracker.Update(t.Context(), ref, d))
	require.Equal(t, "6", r["state"])
	require.Equal(t, "Solution provided", r["close_code"])
}

// What people chose among states that mean the same stays.
func TestStatesThatMeanTheSameStay(t *testing.T) {
	for state, status := range map[string]campaign.TicketStatus{
		"3": campaign.TicketInProgress, "7": campaign.TicketDone, "8": campaign.TicketDone,
	} {
		tracker, s := open(t)
		ref := ensure(t, tracker, "k1", draft())
		s.person(ref.ID, func(r map[string]string) { r["state"] = state })
		seen, err := tracker.Read(t.Context(), ref)
		require.NoError(t, err)
		require.Equal(t, status, seen.Status)
		d := draft()
		d.Status = status
		require.NoError(t, tracker.Update(t.Context(), ref, d))
		require.Equal(t, state, s.find(ref.ID)["state"])
	}
}

// Tables differ in their states. What ends the work is not active any more.
func TestStatesOfAnotherTable(t *testing.T) {
	for state, status := range map[string]campaign.TicketStatus{
		"-5": campaign.TicketInProgress, "1": campaign.TicketOpen, "2": campaign.TicketInProgress,
		"3": campaign.TicketDone, "4": campaign.TicketDone, "7": campaign.TicketDone,
	} {
		tracker, s := open(t, func(o *servicenow.Options) { o.States = map[campaign.TicketStatus]string{campaign.TicketDone: "3"} })
		s.closed = []string{"3", "4", "7"} // Closed Complete, Incomplete, Skipped
		ref := ensure(t, tracker, "k1", draft())
		s.person(ref.ID, func(r map[string]string) { r["state"] = state })
		seen, err := tracker.Read(t.Context(), ref)
		require.NoError(t, err)
		require.Equal(t, status, seen.Status, "state %s", state)
	}
}

// Each write is history and may tell those who watch, so nothing is written that
// stands there.
func TestWhatStandsThereIsNotWrittenAgain(t *testing.T) {
	tracker, s := open(t)
	d := draft()
	d.Checklist = []campaign.CheckItem{{ID: "abc.fix", Text: "Upgrade"}, {ID: "def.fix", Text: "Deploy"}}
	ref := ensure(t, tracker, "k1", d)
	require.NoError(t, tracker.Update(t.Context(), ref, d))
	require.Empty(t, s.patches)

	d.Title += "!"
	require.NoError(t, tracker.Update(t.Context(), ref, d))
	require.Equal(t, []map[string]string{{"short_description": "Upgrade log4j-core!"}}, s.patches)

	s.person(ref.ID, func(r map[string]string) {
		r["state"], r["close_code"], r["close_notes"] = "7", "Workaround provided", "The flag is set."
		r["description"] = strings.ReplaceAll(r["description"], "\n", "\r\n") // as the form sends it
	})
	d.Status = campaign.TicketDone
	require.NoError(t, tracker.Update(t.Context(), ref, d))
	require.Len(t, s.patches, 1)
	require.Equal(t, "Workaround provided", s.find(ref.ID)["close_code"], "what people wrote stays")
}

// ServiceNow drops what it does not understand of a query, and answers with
// everything.
func TestAQueryThatFindsEverythingFindsNothing(t *testing.T) {
	tracker, s := open(t)
	first := ensure(t, tracker, "k1", draft())
	s.deaf = true
	found, err := tracker.Find(t.Context(), "k1")
	require.NoError(t, err)
	require.Equal(t, first, found)
	_, err = tracker.Find(t.Context(), "k2")
	require.Equal(t, campaign.NotFound, campaign.KindOf(err))
	_, err = tracker.Find(t.Context(), "k1^ORnumberISNOTEMPTY")
	require.Equal(t, campaign.NotFound, campaign.KindOf(err), "a key is no query")
	for seen, err := range tracker.Changes(t.Context(), time.Time{}) {
		require.NoError(t, err)
		require.Equal(t, "k1", seen.Key)
	}
}

// To an account without its role ServiceNow shows an empty table. That is no reason
// to file everything again.
func TestATableThatIsNotShownHasNotLostItsRecords(t *testing.T) {
	tracker, s := open(t)
	ref := ensure(t, tracker, "k1", draft())
	s.hidden = true
	_, err := tracker.Read(t.Context(), ref)
	require.Equal(t, campaign.Forbidden, campaign.KindOf(err), "%v", err)
	require.Contains(t, campaign.PublicMessage(err), "does not show “table incident” to Muster's account any more")
	s.hidden = false
	_, err = tracker.Read(t.Context(), campaign.TicketRef{ID: "INC7"})
	require.Equal(t, campaign.NotFound, campaign.KindOf(err), "%v", err)
}

func TestALongTextKeepsItsTasks(t *testing.T) {
	tracker, s := open(t)
	d := draft()
	d.Body = strings.Repeat("Näher erklärt. ", 2000)
	d.Checklist = []campaign.CheckItem{{ID: "abc.fix", Text: "Upgrade", Done: true}, {ID: "def.fix", Text: "Deploy"}}
	ref := ensure(t, tracker, "k1", d)
	text := s.find(ref.ID)["description"]
	require.Equal(t, 4000, utf8.RuneCountInString(text))
	require.Contains(t, text, "This text was cut")
	seen, err := tracker.Read(t.Context(), ref)
	require.NoError(t, err)
	require.Equal(t, []string{"abc.fix"}, seen.Checked)
}

// ServiceNow cuts a description off without a word. Tasks that have no room are
// counted, and those that are done do not come back as unticked.
func TestMoreTasksThanADescriptionTakes(t *testing.T) {
	tracker, s := open(t)
	d := draft()
	d.Body = strings.Repeat("Näher erklärt. ", 50)
	var done []string
	for n := range 90 {
		id := fmt.Sprintf("k3jq7wabcdefgh%02d.mitigate", n)
		d.Checklist = append(d.Checklist, campaign.CheckItem{ID: id, Text: fmt.Sprintf("service-%d · mitigate", n), Done: n < 30})
		if n < 30 {
			done = append(done, id)
		}
	}
	ref := ensure(t, tracker, "k1", d)
	text := s.find(ref.ID)["description"]
	require.LessOrEqual(t, utf8.RuneCountInString(text), 4000)
	require.Regexp(t, `\nand \d+ more, 30 of them done: /campaign tickets in Slack \{`, text)
	seen, err := tracker.Read(t.Context(), ref)
	require.NoError(t, err)
	require.Equal(t, done, seen.Checked)

	for n := range d.Checklist {
		d.Checklist[n].Done = n < 31
	}
	require.NoError(t, tracker.Update(t.Context(), ref, d))
	seen, err = tracker.Read(t.Context(), ref)
	require.NoError(t, err)
	require.Equal(t, append(done, d.Checklist[30].ID), seen.Checked)
}

func TestOwnersAndGroups(t *testing.T) {
	tracker, s := open(t, func(o *servicenow.Options) { o.Groups["ghosts"] = "No Such Group" })
	d := draft()
	d.Assignee = "nobody's"
	require.Empty(t, s.find(ensure(t, tracker, "k1", d).ID)["assignment_group"], "an owner without a group is filed unassigned")
	d.Assignee = "ghosts"
	_, err := tracker.Ensure(t.Context(), "k2", d)
	require.Equal(t, campaign.Invalid, campaign.KindOf(err), "what the configuration names has to be there: %v", err)
	require.Len(t, s.records, 1)
}

func TestNothingIsLostBetweenPages(t *testing.T) {
	tracker, s := open(t)
	ensure(t, tracker, "k0", draft())
	for n := range 350 {
		at := s.now.Format(time.DateTime)
		if n > 220 {
			at = s.tick()
		}
		s.records = append(s.records, map[string]string{
			"sys_id": fmt.Sprint(n), "number": fmt.Sprint("INC1", n), "correlation_id": fmt.Sprint("many", n), "correlation_display": "Muster", "sys_updated_on": at,
		})
	}
	keys := map[string]bool{}
	for seen, err := range tracker.Changes(t.Context(), time.Time{}) {
		require.NoError(t, err)
		keys[seen.Key] = true
	}
	require.Len(t, keys, 351)
}

// What leaves a second while its pages are read lets those behind it move up.
func TestNothingIsLostWhenARecordIsChangedMeanwhile(t *testing.T) {
	tracker, s := open(t)
	at := s.now.Format(time.DateTime)
	for n := range 250 { // a list that somebody edited at once
		s.records = append(s.records, map[string]string{
			"sys_id": fmt.Sprintf("%03d", n), "number": fmt.Sprint("INC1", n), "correlation_id": fmt.Sprint("many", n), "correlation_display": "Muster", "sys_updated_on": at,
		})
	}
	keys := map[string]bool{}
	for seen, err := range tracker.Changes(t.Context(), time.Time{}) {
		require.NoError(t, err)
		keys[seen.Key] = true
		if n := len(keys); n == 101 || n == 102 || n == 103 || n == 220 {
			s.person(fmt.Sprint("INC1", n-50), func(r map[string]string) { r["state"] = "2" })
		}
	}
	require.Len(t, keys, 250)
}

func TestWhatCannotBeConfigured(t *testing.T) {
	client, err := rest.New(rest.Options{System: "ServiceNow", BaseURL: "https://x.example", Auth: rest.Bearer(secret.New(password))})
	require.NoError(t, err)
	for name, o := range map[string]servicenow.Options{
		"no client":         {PageURL: "https://x.example"},
		"no page":           {Client: client},
		"a table of tricks": {Client: client, PageURL: "https://x.example", Table: "incident/../sys_user"},
		"an origin, too":    {Client: client, PageURL: "https://x.example", Origin: "a^ORb"},
		"no room for text":  {Client: client, PageURL: "https://x.example", MaxDescription: 200},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := servicenow.New(o)
			require.Error(t, err)
		})
	}
}

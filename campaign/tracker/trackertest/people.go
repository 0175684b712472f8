package trackertest

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

func read(t *testing.T, s Subject, ref campaign.TicketRef) campaign.TicketSeen {
	t.Helper()
	seen, err := s.Tracker.Read(t.Context(), ref)
	require.NoError(t, err)
	require.Equal(t, ref, seen.Ref)
	slices.Sort(seen.Checked)
	return seen
}

func readSeesWhatWasFiled(t *testing.T, s Subject) {
	k, d := key(t, 1), draft()
	ref := ensure(t, s, k, d)
	seen := read(t, s, ref)
	require.Equal(t, k, seen.Key)
	require.Equal(t, campaign.TicketOpen, seen.Status)
	require.Equal(t, "payments", seen.Assignee, "the owner, where the assignee is one's")
	require.Empty(t, seen.Checked)
	require.False(t, seen.CreatedAt.IsZero())
	require.False(t, seen.UpdatedAt.Before(seen.CreatedAt))

	d.Status, d.Assignee = campaign.TicketDone, ""
	require.NoError(t, s.Tracker.Update(t.Context(), ref, d))
	seen = read(t, s, ref)
	require.Equal(t, campaign.TicketDone, seen.Status)
	require.Empty(t, seen.Assignee)
	require.Equal(t, k, seen.Key)
}

func readOfAnUnknownTicket(t *testing.T, s Subject) {
	_, err := s.Tracker.Read(t.Context(), elsewhere(t, s))
	require.Equal(t, campaign.NotFound, campaign.KindOf(err), "%v", err)
}

// Read is asked after a hint, so that it must not lag.
func readSeesWhatPeopleDid(t *testing.T, s Subject) {
	if s.Close == nil || s.Reassign == nil {
		t.Skip("nobody else can change tickets here")
	}
	ref := ensure(t, s, key(t, 1), draft())
	s.Reassign(t, ref, "platform")
	require.Equal(t, "platform", read(t, s, ref).Assignee)
	s.Close(t, ref)
	seen := read(t, s, ref)
	require.Equal(t, campaign.TicketDone, seen.Status)
	require.Equal(t, "platform", seen.Assignee)

	d := draft() // and Muster opens it again
	d.Status = campaign.TicketInProgress
	d.KeepAssignee = true
	require.NoError(t, s.Tracker.Update(t.Context(), ref, d))
	require.Equal(t, campaign.TicketInProgress, read(t, s, ref).Status)
	require.Equal(t, "platform", read(t, s, ref).Assignee, "it is whose its people say it is")

	d.KeepAssignee = false
	require.NoError(t, s.Tracker.Update(t.Context(), ref, d))
	require.Equal(t, "payments", read(t, s, ref).Assignee)
}

// changes returns what changed since, by key, having checked what is promised
// of all changes.
func changes(t *testing.T, s Subject, since time.Time) map[string]campaign.TicketSeen {
	t.Helper()
	found := map[string]campaign.TicketSeen{}
	var last time.Time
	for seen, err := range s.Tracker.Changes(t.Context(), since) {
		require.NoError(t, err)
		require.NotEmpty(t, seen.Key, "%v is none of ours", seen.Ref)
		require.False(t, seen.UpdatedAt.Before(since), "%s changed before", seen.Ref.ID)
		require.False(t, seen.UpdatedAt.Before(last), "the oldest change comes first")
		last = seen.UpdatedAt
		found[seen.Key] = seen // it may come twice; the later one counts
	}
	return found
}

func changesAreOursInOrderAndSince(t *testing.T, s Subject) {
	if s.Foreign != nil {
		s.Foreign(t)
	}
	keys := []string{key(t, 1), key(t, 2), key(t, 3)}
	refs := map[string]campaign.TicketRef{}
	var first, newest time.Time
	for _, k := range keys {
		refs[k] = ensure(t, s, k, draft())
		at := read(t, s, refs[k]).UpdatedAt
		if first.IsZero() || at.Before(first) {
			first = at
		}
		if at.After(newest) {
			newest = at
		}
	}
	found := changes(t, s, first)
	for _, k := range keys {
		require.Contains(t, found, k)
		require.Equal(t, refs[k], found[k].Ref)
	}
	since := changes(t, s, newest)
	require.NotEmpty(t, since, "what changed at that moment is among them")
	require.Empty(t, changes(t, s, newest.Add(48*time.Hour)))
}

func changesShowWhatPeopleDid(t *testing.T, s Subject) {
	if s.Close == nil || s.Reassign == nil {
		t.Skip("nobody else can change tickets here")
	}
	closed, moved := key(t, 1), key(t, 2)
	first := ensure(t, s, closed, draft())
	second := ensure(t, s, moved, draft())
	since := read(t, s, first).UpdatedAt
	s.Close(t, first)
	s.Reassign(t, second, "platform")
	found := changes(t, s, since)
	require.Equal(t, campaign.TicketDone, found[closed].Status)
	require.Equal(t, "payments", found[closed].Assignee)
	require.Equal(t, campaign.TicketOpen, found[moved].Status)
	require.Equal(t, "platform", found[moved].Assignee)
}

func changesEndWhenNobodyListens(t *testing.T, s Subject) {
	since := read(t, s, ensure(t, s, key(t, 1), draft())).UpdatedAt
	ensure(t, s, key(t, 2), draft())
	got := 0
	for _, err := range s.Tracker.Changes(t.Context(), since) {
		require.NoError(t, err)
		got++
		break
	}
	require.Equal(t, 1, got)
}

func withTasks() campaign.TicketDraft {
	d := draft()
	d.Checklist = []campaign.CheckItem{
		{ID: "k3jq7w.mitigate", Text: "Set the flag on checkout-api", Done: true},
		{ID: "k3jq7w.fix", Text: `Upgrade <checkout-api> & "friends" *now* @everyone`},
		{ID: "m2x9aa.fix", Text: "Upgrade refunds-worker"},
	}
	return d
}

func checklistIsHeldAndReadBack(t *testing.T, s Subject) {
	d := withTasks()
	ref := ensure(t, s, key(t, 1), d)
	require.Equal(t, []string{"k3jq7w.mitigate"}, read(t, s, ref).Checked)

	d.Checklist[0].Done, d.Checklist[1].Done, d.Checklist[2].Done = false, true, true
	for range 2 {
		require.NoError(t, s.Tracker.Update(t.Context(), ref, d))
		require.Equal(t, []string{"k3jq7w.fix", "m2x9aa.fix"}, read(t, s, ref).Checked)
	}
	d.Checklist = d.Checklist[1:2] // one task went to another ticket
	require.NoError(t, s.Tracker.Update(t.Context(), ref, d))
	require.Equal(t, []string{"k3jq7w.fix"}, read(t, s, ref).Checked)
	d.Checklist = nil
	require.NoError(t, s.Tracker.Update(t.Context(), ref, d))
	require.Empty(t, read(t, s, ref).Checked)
}

func checklistLeavesTheBodyAlone(t *testing.T, s Subject) {
	d := withTasks()
	d.More = 87
	ref := ensure(t, s, key(t, 1), d)
	require.Equal(t, s.shown(d.Body), look(t, s, ref).Body)
	d.Body = "Changed, with a box of its own:\n\n- [x] not a task\n"
	require.NoError(t, s.Tracker.Update(t.Context(), ref, d))
	require.Equal(t, s.shown(d.Body), look(t, s, ref).Body)
	require.Equal(t, []string{"k3jq7w.mitigate"}, read(t, s, ref).Checked)
	d.Checklist = nil
	require.NoError(t, s.Tracker.Update(t.Context(), ref, d))
	require.Equal(t, s.shown(d.Body), look(t, s, ref).Body)
	require.Empty(t, read(t, s, ref).Checked)
}

func checklistTickedByAPerson(t *testing.T, s Subject) {
	if s.Tick == nil {
		t.Skip("nobody else can change tickets here")
	}
	d := withTasks()
	ref := ensure(t, s, key(t, 1), d)
	s.Tick(t, ref, "m2x9aa.fix")
	require.Equal(t, []string{"k3jq7w.mitigate", "m2x9aa.fix"}, read(t, s, ref).Checked)
	require.Equal(t, s.shown(d.Body), look(t, s, ref).Body)
}

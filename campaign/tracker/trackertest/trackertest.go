// Package trackertest is the contract of campaign.Tracker as a test suite: every
// ticket system that Muster files into has to pass it.
package trackertest

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

// Subject is a tracker under test, and a way to look behind it.
type Subject struct {
	Tracker campaign.Tracker
	// Look returns what the ticket system itself holds, read past the Tracker.
	Look func(t *testing.T, ref campaign.TicketRef) Seen
	// Count returns how many tickets the ticket system holds under the keys
	// given, duplicates included.
	Count func(t *testing.T, keys ...string) int
	// Comments says whether comments can be read back: nil where they cannot.
	Comments func(t *testing.T, ref campaign.TicketRef) []string

	// Atomic says that the ticket system itself keeps a key unique, so that
	// Ensure of one key by several at once files once. Elsewhere two searches may
	// both find nothing: the Engine never has one key in two hands.
	Atomic bool
	// LongestBody is how many bytes of a body are promised; default 60 KiB.
	LongestBody int
	// Shown returns the form in which Look sees a body; default: as it was given.
	Shown func(markdown string) string

	// What a person does in the ticket system itself, past the Tracker; nil where
	// that cannot be done here. Owners are those that the drafts name: payments
	// and platform.
	Close    func(t *testing.T, ref campaign.TicketRef)
	Reassign func(t *testing.T, ref campaign.TicketRef, owner string)
	Tick     func(t *testing.T, ref campaign.TicketRef, item string)
	// Foreign files a ticket that is none of ours; nil where there can be none.
	Foreign func(t *testing.T)

	// Inject makes the next call that the fault is for meet it; nil for a tracker
	// without a stand-in that could.
	Inject func(t *testing.T, f Fault)
}

// Fault is what goes wrong with one call.
type Fault struct {
	Write  bool // waits for the next call that changes something; else for the next call
	Lost   bool // the call is carried out, and the connection breaks before its answer
	Status int  // answered instead of carrying out the call, unless Lost
	Header map[string]string
}

// Seen is a ticket as the ticket system shows it.
type Seen struct {
	Title    string
	Body     string    // without the checklist, in the form of Subject.Shown
	Assignee string    // the owner's name in the catalog
	Due      time.Time // to the day, where the system keeps days
	Status   campaign.TicketStatus
}

func (s Subject) shown(markdown string) string {
	if s.Shown == nil {
		return markdown
	}
	return s.Shown(markdown)
}

// Run runs the suite. open returns a subject; the tickets of one may be there
// for the next, since keys are not used twice.
func Run(t *testing.T, open func(t *testing.T) Subject) {
	tests := map[string]func(*testing.T, Subject){
		"EnsureFilesWhatTheDraftSays":    filesWhatTheDraftSays,
		"EnsureTwiceFilesOnce":           ensureTwiceFilesOnce,
		"EnsureAtTheSameTimeFilesOnce":   ensureAtTheSameTimeFilesOnce,
		"EnsureKeepsKeysApart":           ensureKeepsKeysApart,
		"EnsureDoesNotUndoAnUpdate":      ensureDoesNotUndoAnUpdate,
		"EnsureRefusesWhatHasNoTitle":    ensureRefusesWhatHasNoTitle,
		"FindReturnsWhatWasFiled":        findReturnsWhatWasFiled,
		"FindOfAnUnknownKeyIsNotFound":   findOfAnUnknownKey,
		"FindDoesNotTakeHalfAKey":        findDoesNotTakeHalfAKey,
		"UpdateTwiceIsUpdateOnce":        updateTwiceIsUpdateOnce,
		"UpdateOfAnUnknownTicketFails":   updateOfAnUnknownTicket,
		"UpdateTakesDueAndAssigneeAway":  updateTakesThingsAway,
		"CommentOncePerKey":              commentOncePerKey,
		"CommentOnAnUnknownTicketFails":  commentOnAnUnknownTicket,
		"SpecialCharactersSurvive":       specialCharactersSurvive,
		"LongBodiesSurvive":              longBodiesSurvive,
		"EnsureAfterOneGaveUp":           ensureAfterOneGaveUp,
		"ReadSeesWhatWasFiled":           readSeesWhatWasFiled,
		"ReadOfAnUnknownTicketIsMissing": readOfAnUnknownTicket,
		"ReadSeesWhatPeopleDid":          readSeesWhatPeopleDid,
		"ChangesAreOursInOrderAndSince":  changesAreOursInOrderAndSince,
		"ChangesShowWhatPeopleDid":       changesShowWhatPeopleDid,
		"ChangesEndWhenNobodyListens":    changesEndWhenNobodyListens,
		"ChecklistIsHeldAndReadBack":     checklistIsHeldAndReadBack,
		"ChecklistLeavesTheBodyAlone":    checklistLeavesTheBodyAlone,
		"ChecklistTickedByAPerson":       checklistTickedByAPerson,
		"BulkFilesEachOnce":              bulkFilesEachOnce,
		"BulkRefusesOneAndFilesTheRest":  bulkRefusesOneAndFilesTheRest,
		"BulkTakesAsManyAsItSays":        bulkTakesAsManyAsItSays,
		"LostAnswerIsFoundAgain":         lostAnswerIsFoundAgain,
		"LostAnswerOfABulkIsFoundAgain":  lostAnswerOfABulkIsFoundAgain,
		"FaultsBecomeKinds":              faultsBecomeKinds,
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

// key returns a key that no other test of this run has, opaque like those of
// the domain.
func key(t *testing.T, n int) string {
	t.Helper()
	return fmt.Sprintf("%s-%d-%d", strings.ToLower(t.Name()[strings.LastIndex(t.Name(), "/")+1:]), time.Now().UnixNano(), n)
}

var due = time.Date(2021, 12, 17, 0, 0, 0, 0, time.UTC)

func draft() campaign.TicketDraft {
	return campaign.TicketDraft{
		Title: "Upgrade log4j-core in checkout-api", Body: "1. Upgrade to **2.17.1**.\n2. Deploy.\n",
		Assignee: "payments", Due: due, Status: campaign.TicketOpen,
	}
}

func ensure(t *testing.T, s Subject, key string, d campaign.TicketDraft) campaign.TicketRef {
	t.Helper()
	ref, err := s.Tracker.Ensure(t.Context(), key, d)
	require.NoError(t, err)
	require.NotEmpty(t, ref.ID)
	return ref
}

func look(t *testing.T, s Subject, ref campaign.TicketRef) Seen {
	t.Helper()
	seen := s.Look(t, ref)
	seen.Due = seen.Due.UTC().Truncate(24 * time.Hour)
	return seen
}

func filesWhatTheDraftSays(t *testing.T, s Subject) {
	d := draft()
	seen := look(t, s, ensure(t, s, key(t, 1), d))
	require.Equal(t, Seen{Title: d.Title, Body: s.shown(d.Body), Assignee: d.Assignee, Due: due, Status: campaign.TicketOpen}, seen)
}

func ensureTwiceFilesOnce(t *testing.T, s Subject) {
	k := key(t, 1)
	first := ensure(t, s, k, draft())
	again := ensure(t, s, k, draft())
	require.Equal(t, first, again)
	require.Equal(t, 1, s.Count(t, k))
}

func ensureAtTheSameTimeFilesOnce(t *testing.T, s Subject) {
	const most, keys = 4, 5
	callers := 1 // of one key
	if s.Atomic {
		callers = most
	}
	var wg sync.WaitGroup
	refs := make([][most]campaign.TicketRef, keys)
	errs := make([][most]error, keys)
	names := make([]string, keys)
	for k := range keys {
		names[k] = key(t, k)
		for n := range callers {
			wg.Go(func() { refs[k][n], errs[k][n] = s.Tracker.Ensure(t.Context(), names[k], draft()) })
		}
	}
	wg.Wait()
	distinct := map[string]bool{}
	for k := range keys {
		for n := range callers {
			require.NoError(t, errs[k][n])
			require.Equal(t, refs[k][0], refs[k][n], "all callers get the one ticket")
		}
		distinct[refs[k][0].ID] = true
	}
	require.Len(t, distinct, keys)
	require.Equal(t, keys, s.Count(t, names...))
}

func ensureKeepsKeysApart(t *testing.T, s Subject) {
	one, two := key(t, 1), key(t, 2)
	require.NotEqual(t, ensure(t, s, one, draft()), ensure(t, s, two, draft()))
	require.Equal(t, 2, s.Count(t, one, two))
}

// A late retry of the filing must not bring back what was changed since.
func ensureDoesNotUndoAnUpdate(t *testing.T, s Subject) {
	k, d := key(t, 1), draft()
	ref := ensure(t, s, k, d)
	d.Status = campaign.TicketInProgress
	require.NoError(t, s.Tracker.Update(t.Context(), ref, d))
	ensure(t, s, k, draft())
	require.Equal(t, campaign.TicketInProgress, look(t, s, ref).Status)
}

func ensureRefusesWhatHasNoTitle(t *testing.T, s Subject) {
	k := key(t, 1)
	_, err := s.Tracker.Ensure(t.Context(), k, campaign.TicketDraft{Body: "text"})
	require.Equal(t, campaign.Invalid, campaign.KindOf(err), "%v", err)
	require.Zero(t, s.Count(t, k))
}

func findReturnsWhatWasFiled(t *testing.T, s Subject) {
	k := key(t, 1)
	ref := ensure(t, s, k, draft())
	found, err := s.Tracker.Find(t.Context(), k)
	require.NoError(t, err)
	require.Equal(t, ref, found)
}

func findOfAnUnknownKey(t *testing.T, s Subject) {
	_, err := s.Tracker.Find(t.Context(), key(t, 1))
	require.Equal(t, campaign.NotFound, campaign.KindOf(err), "%v", err)
}

// A search by text finds longer keys too; they belong to other tickets.
func findDoesNotTakeHalfAKey(t *testing.T, s Subject) {
	k := key(t, 1)
	ensure(t, s, k+"x", draft())
	_, err := s.Tracker.Find(t.Context(), k)
	require.Equal(t, campaign.NotFound, campaign.KindOf(err), "%v", err)
	ensure(t, s, k, draft())
	require.Equal(t, 1, s.Count(t, k))
}

func updateTwiceIsUpdateOnce(t *testing.T, s Subject) {
	ref := ensure(t, s, key(t, 1), draft())
	changed := campaign.TicketDraft{
		Title: draft().Title, Body: "Done by a *flag* for now.\n", Assignee: "platform",
		Due: due.AddDate(0, 0, 3), Status: campaign.TicketDone,
	}
	for range 2 {
		require.NoError(t, s.Tracker.Update(t.Context(), ref, changed))
		require.Equal(t, Seen{
			Title: changed.Title, Body: s.shown(changed.Body), Assignee: changed.Assignee, Due: changed.Due, Status: changed.Status,
		}, look(t, s, ref))
	}
	changed.Status = campaign.TicketInProgress // a ticket may be reopened
	require.NoError(t, s.Tracker.Update(t.Context(), ref, changed))
	require.Equal(t, campaign.TicketInProgress, look(t, s, ref).Status)
}

func updateOfAnUnknownTicket(t *testing.T, s Subject) {
	err := s.Tracker.Update(t.Context(), elsewhere(t, s), draft())
	require.Equal(t, campaign.NotFound, campaign.KindOf(err), "%v", err)
}

// elsewhere returns a reference of the right form that leads to no ticket.
func elsewhere(t *testing.T, s Subject) campaign.TicketRef {
	t.Helper()
	ref := ensure(t, s, key(t, 0), draft())
	ref.ID += "999999"
	return ref
}

func updateTakesThingsAway(t *testing.T, s Subject) {
	ref := ensure(t, s, key(t, 1), draft())
	d := draft()
	d.Due, d.Assignee = time.Time{}, ""
	require.NoError(t, s.Tracker.Update(t.Context(), ref, d))
	seen := s.Look(t, ref)
	require.True(t, seen.Due.IsZero())
	require.Empty(t, seen.Assignee)
}

func commentOncePerKey(t *testing.T, s Subject) {
	ref := ensure(t, s, key(t, 1), draft())
	k := key(t, 2)
	for range 2 {
		require.NoError(t, s.Tracker.Comment(t.Context(), ref, k, "The method is void."))
	}
	require.NoError(t, s.Tracker.Comment(t.Context(), ref, key(t, 3), "The floor moved."))
	if s.Comments == nil {
		t.Skip("comments cannot be read back here")
	}
	require.ElementsMatch(t, []string{"The method is void.", "The floor moved."}, s.Comments(t, ref))
}

func commentOnAnUnknownTicket(t *testing.T, s Subject) {
	err := s.Tracker.Comment(t.Context(), elsewhere(t, s), key(t, 1), "Is anybody here?")
	require.Equal(t, campaign.NotFound, campaign.KindOf(err), "%v", err)
}

func specialCharactersSurvive(t *testing.T, s Subject) {
	d := draft()
	d.Title = `<!channel> "checkout" & ${jndi:ldap://x} — Überprüfung 日本語 🔥`
	d.Body = "# Überprüfung\n\n```\n${jndi:ldap://a/b} <script>alert(1)</script> & \\ | `\n```\n\n| a | b |\n|---|---|\n| \"ü\" | 日本語 🔥 |\n"
	seen := look(t, s, ensure(t, s, key(t, 1), d))
	require.Equal(t, d.Title, seen.Title)
	require.Equal(t, s.shown(d.Body), seen.Body)
}

func longBodiesSurvive(t *testing.T, s Subject) {
	d := draft()
	var body strings.Builder
	for n := 0; body.Len() < cmp.Or(s.LongestBody, 60<<10)-100; n++ {
		fmt.Fprintf(&body, "%d. Upgrade service-%d — näher erklärt.\n", n+1, n)
	}
	d.Body = body.String()
	require.Equal(t, s.shown(d.Body), look(t, s, ensure(t, s, key(t, 1), d)).Body)
}

// Whoever gives up does not know whether the ticket was filed; the next one
// finds it, or files it.
func ensureAfterOneGaveUp(t *testing.T, s Subject) {
	k := key(t, 1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	gone, err := s.Tracker.Ensure(ctx, k, draft())
	ref := ensure(t, s, k, draft())
	if err == nil {
		require.Equal(t, gone, ref)
	}
	require.Equal(t, 1, s.Count(t, k))
}

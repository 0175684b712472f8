// Package storetest is the contract of campaign.Store in code. Each back end
// runs it.
package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

const (
	scope   = campaign.Scope("log4j")
	kind    = campaign.RecordKind("ticket")
	longest = 10 * time.Second // until a test gives up waiting
	held    = time.Hour        // a lease that does not run out here
)

// now is when the entries of the tests are due, unless they say otherwise.
var now = time.Date(2021, 12, 10, 9, 0, 0, 0, time.UTC)

// Run runs the contract. open returns an empty store that is closed when the
// test ends.
func Run(t *testing.T, open func(t *testing.T) campaign.Store) {
	tests := map[string]func(t *testing.T, s campaign.Store){
		"RecordsKeepTheirVersions":          recordsKeepTheirVersions,
		"NewRecordFindsAnyOther":            newRecordFindsAnyOther,
		"MissingRecordIsAsserted":           missingRecordIsAsserted,
		"DeletedRecordIsGone":               deletedRecordIsGone,
		"RefusedChangeLeavesNoTrace":        refusedChangeLeavesNoTrace,
		"RefusedChangeSparesItsNeighbours":  refusedChangeSparesItsNeighbours,
		"ChangeOutOfBoundsIsInvalid":        changeOutOfBoundsIsInvalid,
		"FullChangeIsWritten":               fullChangeIsWritten,
		"ReturnedValueIsACopy":              returnedValueIsACopy,
		"GivenValueIsCopied":                givenValueIsCopied,
		"ConcurrentUpdatesAllLand":          concurrentUpdatesAllLand,
		"ListPagesInOrder":                  listPagesInOrder,
		"GetManyKeepsTheOrderAsked":         getManyKeepsTheOrderAsked,
		"IndexPagesInOrder":                 indexPagesInOrder,
		"IndexRowMayBeAddedAndRemovedTwice": indexRowMayBeAddedAndRemovedTwice,
		"NamesMayHoldAnyByte":               namesMayHoldAnyByte,
		"CountersAddUp":                     countersAddUp,
		"AuditSequenceIsUnbroken":           auditSequenceIsUnbroken,
		"ScopesAreApart":                    scopesAreApart,
		"EntryWaitsForItsTime":              entryWaitsForItsTime,
		"ReaddedWhileWaitingKeepsItsPlace":  readdedWhileWaitingKeepsItsPlace,
		"ReaddedWhileLeasedFallsDueAgain":   readdedWhileLeasedFallsDueAgain,
		"RestoringLeavesWhatIsThere":        restoringLeavesWhatIsThere,
		"ReaddedAndRetriedTakesEarlierTime": readdedAndRetriedTakesEarlierTime,
		"WorkerSchedulesItselfAnew":         workerSchedulesItselfAnew,
		"RemovedEntryIsNotClaimed":          removedEntryIsNotClaimed,
		"RemoveLeavesALeaseAlone":           removeLeavesALeaseAlone,
		"LeaseExpiresAndIsClaimedOnce":      leaseExpiresAndIsClaimedOnce,
		"ExpiredLeaseCanStillBeFinished":    expiredLeaseCanStillBeFinished,
		"FinishWithAnOldTokenIsRefused":     finishWithAnOldTokenIsRefused,
		"SerialIsWorkedInOrder":             serialIsWorkedInOrder,
		"SerialHeadWaitsForRetry":           serialHeadWaitsForRetry,
		"SerialSpansLanes":                  serialSpansLanes,
		"EntryWithoutSerialOvertakes":       entryWithoutSerialOvertakes,
		"InteractiveComesBeforeBulk":        interactiveComesBeforeBulk,
		"LanesLimitAClaim":                  lanesLimitAClaim,
		"BulkRotatesBetweenScopes":          bulkRotatesBetweenScopes,
		"NoEntryIsClaimedTwice":             noEntryIsClaimedTwice,
		"ReadyWakesAllWhoWait":              readyWakesAllWhoWait,
		"ClaimForNothingIsInvalid":          claimForNothingIsInvalid,
		"EndedContextIsReturned":            endedContextIsReturned,
		"ClosedStoreIsUnavailable":          closedStoreIsUnavailable,
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
	t.Run("RandomChangesAgreeWithAModel", func(t *testing.T) { agreesWithModel(t, open) })
}

func apply(t *testing.T, s campaign.Applier, c campaign.Change) {
	t.Helper()
	if c.Scope == "" {
		c.Scope = scope
	}
	require.NoError(t, s.Apply(t.Context(), c))
}

func claim(t *testing.T, s campaign.Claimer, at time.Time, n int) campaign.Claims {
	t.Helper()
	got, err := s.Claim(t.Context(), campaign.ClaimRequest{Now: at, Lease: held, N: n})
	require.NoError(t, err)
	return got
}

// claimOne claims the entry that must be the only one that can be.
func claimOne(t *testing.T, s campaign.Claimer, at time.Time, id string) campaign.Claimed {
	t.Helper()
	got := claim(t, s, at, 10)
	require.Equal(t, []string{id}, ids(got.Entries))
	return got.Entries[0]
}

func ids(entries []campaign.Claimed) []string {
	out := make([]string, 0, len(entries))
	for _, e := range entries {
		out = append(out, e.ID)
	}
	return out
}

func due(list ...campaign.DueEntry) campaign.Change {
	for i := range list {
		if list[i].At.IsZero() {
			list[i].At = now
		}
	}
	return campaign.Change{Due: list}
}

func put(id string, version uint64, data string) campaign.Record {
	return campaign.Record{Kind: kind, ID: id, Version: version, Data: []byte(data)}
}

func done(t *testing.T, s campaign.Applier, c campaign.Claimed) {
	t.Helper()
	require.NoError(t, campaign.Done(t.Context(), s, c))
}

func requireKind(t *testing.T, want campaign.Kind, err error) {
	t.Helper()
	require.Error(t, err)
	require.Equal(t, want, campaign.KindOf(err), "%v", err)
}

// claimExpired waits for the lease of an entry to run out, which is real time.
func claimExpired(t *testing.T, s campaign.Claimer, lease time.Duration) campaign.Claimed {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), longest)
	defer cancel()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		got, err := s.Claim(ctx, campaign.ClaimRequest{Now: now, Lease: lease, N: 10})
		require.NoError(t, err)
		if len(got.Entries) > 0 {
			require.Len(t, got.Entries, 1)
			return got.Entries[0]
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			require.FailNow(t, "the lease did not run out")
		}
	}
}

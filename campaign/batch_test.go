package campaign_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

// bulkTracker is a fakeTracker that files several tickets in one call.
type bulkTracker struct {
	*fakeTracker
	size int

	mu    sync.Mutex
	calls [][]string // keys
	lost  int        // calls that take effect and whose answer is lost
	busy  int        // calls that are refused until later
	bad   string     // a key that is refused
}

var _ campaign.BulkTracker = (*bulkTracker)(nil)

// inBulk gives a house a tracker that takes so many filings in a call.
func inBulk(size int) (*bulkTracker, func(*campaign.Options)) {
	b := &bulkTracker{size: size}
	return b, func(o *campaign.Options) {
		b.fakeTracker = o.Tracker.(*fakeTracker)
		o.Tracker = b
		o.Brakes.SecondPersonAbove = 10_000
	}
}

func (b *bulkTracker) Bulk() int { return b.size }

func (b *bulkTracker) EnsureAll(ctx context.Context, filings []campaign.Filing) []campaign.FilingOutcome {
	b.mu.Lock()
	defer b.mu.Unlock()
	outcomes := make([]campaign.FilingOutcome, len(filings))
	if b.busy > 0 {
		b.busy--
		for i := range outcomes {
			outcomes[i].Err = &campaign.Error{Kind: campaign.Unavailable, RetryAfter: 5 * time.Second}
		}
		return outcomes
	}
	var keys []string
	for i, f := range filings {
		keys = append(keys, f.Key)
		if f.Key == b.bad {
			outcomes[i].Err = campaign.Refuse(campaign.Invalid, "The tracker has no such field.")
			continue
		}
		outcomes[i].Ref, outcomes[i].Err = b.Ensure(ctx, f.Key, f.Draft)
	}
	b.calls = append(b.calls, keys)
	if b.lost > 0 {
		b.lost--
		for i := range outcomes {
			outcomes[i] = campaign.FilingOutcome{Err: &campaign.Error{Kind: campaign.Uncertain}}
		}
	}
	return outcomes
}

// crowded is a house in which Ben is asked for so many tickets, ready to launch.
func crowded(t *testing.T, tickets int, adjust func(*campaign.Options)) (*house, string) {
	t.Helper()
	h := newHouse(t, adjust)
	h.heavyEstate(tickets, 0, 0)
	return h, h.ready()
}

// states counts the filings of a campaign by how they are.
func (h *house) states(id string) map[campaign.EffectStatus]int {
	h.t.Helper()
	states := map[campaign.EffectStatus]int{}
	for _, e := range all[campaign.Effect](h, id, campaign.KindEffect) {
		if e.Kind == campaign.EffectTicket {
			states[e.Status]++
		}
	}
	for _, t := range all[campaign.Ticket](h, id, campaign.KindTicket) {
		if t.Ref.ID != "" { // the effect is gone: the ticket says it all
			states[campaign.EffectDone]++
		}
	}
	return states
}

func TestTicketsAreFiledByAsFewCallsAsTheTrackerAllows(t *testing.T) {
	bulk, adjust := inBulk(50)
	h, id := crowded(t, 120, adjust)
	h.launch(id, campaign.SliceAll)
	h.settle()
	require.Len(t, h.tracker.filed(), 120)
	sizes := []int{}
	for _, keys := range bulk.calls {
		sizes = append(sizes, len(keys))
	}
	require.Equal(t, []int{50, 50, 20}, sizes, "also where all tickets are one contact's")
	require.Len(t, h.firsts(ben), 1, "one message, after the last of them")
	require.Equal(t, map[campaign.EffectStatus]int{campaign.EffectDone: 120}, h.states(id))
}

func TestALostAnswerMakesAllOfACallUncertainAndTheyAreLookedUpTogether(t *testing.T) {
	bulk, adjust := inBulk(50)
	h, id := crowded(t, 30, adjust)
	bulk.lost = 1
	h.launch(id, campaign.SliceAll)
	require.Equal(t, map[campaign.EffectStatus]int{campaign.EffectUncertain: 30}, h.states(id))
	require.Len(t, bulk.calls, 1)
	require.Empty(t, h.firsts(ben))

	h.settle()
	require.Len(t, bulk.calls, 2, "after the wait one call finds them all")
	require.Len(t, bulk.calls[1], 30)
	require.Len(t, h.tracker.filed(), 30)
	require.Equal(t, map[campaign.EffectStatus]int{campaign.EffectDone: 30}, h.states(id))
	require.Len(t, h.firsts(ben), 1)
}

func TestOneRefusedFilingDoesNotTouchTheOthers(t *testing.T) {
	bulk, adjust := inBulk(50)
	h, id := crowded(t, 10, adjust)
	h.launchesOnly(id, campaign.SliceAll)
	for {
		require.NoError(t, h.engine.Step(t.Context())) // until they are planned
		if tickets := all[campaign.Ticket](h, id, campaign.KindTicket); len(tickets) > 0 {
			bulk.bad = tickets[3].ID
			break
		}
	}
	h.drain()
	require.Equal(t, map[campaign.EffectStatus]int{campaign.EffectDone: 9, campaign.EffectDead: 1}, h.states(id))
	require.Len(t, h.tracker.filed(), 9)
}

func TestARefusedCallComesBackWhole(t *testing.T) {
	bulk, adjust := inBulk(50)
	h, id := crowded(t, 50, adjust)
	bulk.busy = 1
	h.launch(id, campaign.SliceAll)
	require.Empty(t, bulk.calls)
	require.Equal(t, map[campaign.EffectStatus]int{campaign.EffectPending: 50}, h.states(id))
	h.settle()
	require.Len(t, bulk.calls, 1)
	require.Len(t, bulk.calls[0], 50)
	for _, e := range all[campaign.Effect](h, id, campaign.KindEffect) {
		require.Zero(t, e.Attempts, "waiting for one's turn is not a failure")
	}
}

func TestFilingsThatFaultsHaveScatteredComeBackTogether(t *testing.T) {
	bulk, adjust := inBulk(50)
	h, id := crowded(t, 30, adjust)
	h.launchesOnly(id, campaign.SliceAll)
	require.NoError(t, h.engine.Step(t.Context()))
	bulk.busy = 3
	for range 3 { // as three replicas claim them
		claims, err := h.store.Claim(t.Context(), campaign.ClaimRequest{Now: h.clock.Now(), Lease: time.Minute, N: 10, Lanes: []campaign.Lane{campaign.Bulk}})
		require.NoError(t, err)
		h.engine.FileTogether(t.Context(), claims.Entries)
		h.clock.advance(40 * time.Millisecond)
	}
	require.Zero(t, bulk.busy)
	for range 600 {
		h.clock.advance(10 * time.Millisecond)
		h.drain()
	}
	require.Len(t, bulk.calls, 1)
	require.Len(t, bulk.calls[0], 30)
}

// Whoever waited for its turn a hundred times, and then met a moment in which the
// store did not answer, does not wait for minutes.
func TestAHiccupOfTheStoreDoesNotPunishWhatWaitedForItsTurn(t *testing.T) {
	flaky := &hiccup{}
	bulk, adjust := inBulk(50)
	h, id := crowded(t, 30, func(o *campaign.Options) {
		adjust(o)
		flaky.Store = o.Store
		o.Store = flaky
	})
	h.launchesOnly(id, campaign.SliceAll)
	require.NoError(t, h.engine.Step(t.Context()))
	bulk.busy = 40
	claim := func() []campaign.Claimed {
		claims, err := h.store.Claim(t.Context(), campaign.ClaimRequest{Now: h.clock.Now(), Lease: time.Minute, N: 50, Lanes: []campaign.Lane{campaign.Bulk}})
		require.NoError(t, err)
		return claims.Entries
	}
	for bulk.busy > 0 {
		h.engine.FileTogether(t.Context(), claim())
		h.clock.advance(6 * time.Second)
	}
	flaky.down = true
	h.engine.FileTogether(t.Context(), claim())
	flaky.down = false
	h.clock.advance(10 * time.Second)
	require.Len(t, claim(), 30)
}

// hiccup is a store that cannot be read for a moment.
type hiccup struct {
	campaign.Store

	down bool
}

func (s *hiccup) GetMany(ctx context.Context, scope campaign.Scope, kind campaign.RecordKind, ids []string) ([]campaign.Record, error) {
	if s.down {
		return nil, &campaign.Error{Kind: campaign.Uncertain}
	}
	return s.Store.GetMany(ctx, scope, kind, ids)
}

func TestAPauseHoldsWhatWouldBeFiledTogether(t *testing.T) {
	bulk, adjust := inBulk(50)
	h, id := crowded(t, 20, adjust)
	h.launchesOnly(id, campaign.SliceAll)
	require.NoError(t, h.engine.Step(t.Context()))
	_, err := h.engine.Pause(t.Context(), h.by(cara), id)
	require.NoError(t, err)
	h.settle()
	require.Empty(t, bulk.calls)
	_, err = h.engine.Resume(t.Context(), h.by(cara), id)
	require.NoError(t, err)
	h.settle()
	require.Len(t, h.tracker.filed(), 20)
}

// A process dies after its call took effect and before it could record it.
func TestFilingsOfADeadProcessAreLookedUp(t *testing.T) {
	bulk, adjust := inBulk(50)
	h, id := crowded(t, 20, adjust)
	h.launchesOnly(id, campaign.SliceAll)
	require.NoError(t, h.engine.Step(t.Context()))
	claims, err := h.store.Claim(t.Context(), campaign.ClaimRequest{Now: h.clock.Now(), Lease: time.Nanosecond, N: 100, Lanes: []campaign.Lane{campaign.Bulk}})
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(claims.Entries), 20)
	h.drain()
	require.Equal(t, 20, h.states(id)[campaign.EffectUncertain], "nobody knows what it did")
	require.Empty(t, bulk.calls)
	h.settle()
	require.Len(t, h.tracker.filed(), 20)
	require.Len(t, h.firsts(ben), 1)
}

// Two replicas file the last two tickets of a contact at the same moment: neither
// sees the other's, and the message must go out all the same.
func TestTheLastTicketsFiledAtOnceReleaseTheMessage(t *testing.T) {
	for range 20 {
		h, id := crowded(t, 2, func(o *campaign.Options) {})
		h.launchesOnly(id, campaign.SliceAll)
		require.NoError(t, h.engine.Step(t.Context()))
		claims, err := h.store.Claim(t.Context(), campaign.ClaimRequest{Now: h.clock.Now(), Lease: time.Minute, N: 100, Lanes: []campaign.Lane{campaign.Bulk}})
		require.NoError(t, err)
		filings := slices.DeleteFunc(claims.Entries, func(c campaign.Claimed) bool { return c.ID[:5] != "file/" })
		require.Len(t, filings, 2)
		var wg sync.WaitGroup
		for _, c := range filings {
			wg.Go(func() { require.NoError(t, h.engine.Work(context.Background(), c)) })
		}
		wg.Wait()
		h.drain()
		require.Len(t, h.firsts(ben), 1)
	}
}

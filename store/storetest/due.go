package storetest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

func entryWaitsForItsTime(t *testing.T, s campaign.Store) {
	require.Equal(t, campaign.Claims{}, claim(t, s, now, 10), "nothing waits")

	early, late := now.Add(-time.Second), now.Add(time.Hour)
	apply(t, s, due(
		campaign.DueEntry{ID: "late", At: late},
		campaign.DueEntry{ID: "early", At: early},
		campaign.DueEntry{ID: "bulk", Lane: campaign.Bulk, Serial: "s", At: late.Add(time.Minute)},
		campaign.DueEntry{ID: "before 1970", At: time.Date(1969, 1, 1, 0, 0, 0, 0, time.UTC)},
	))
	got := claim(t, s, now, 1)
	require.Equal(t, []string{"before 1970"}, ids(got.Entries))
	require.Equal(t, early, got.Next, "more is due")

	got = claim(t, s, now, 10)
	require.Equal(t, []string{"early"}, ids(got.Entries))
	require.Equal(t, late, got.Next)
	require.Equal(t, early, got.Entries[0].At)
	require.Equal(t, scope, got.Entries[0].Scope)

	require.Empty(t, claim(t, s, late.Add(-time.Millisecond), 10).Entries)
	claimOne(t, s, late, "late")
	got = claim(t, s, late.Add(time.Hour), 10)
	require.Equal(t, []string{"bulk"}, ids(got.Entries))
	require.Equal(t, campaign.Bulk, got.Entries[0].Lane)
	require.Equal(t, "s", got.Entries[0].Serial)
	require.True(t, got.Next.IsZero())
}

func readdedWhileWaitingKeepsItsPlace(t *testing.T, s campaign.Store) {
	apply(t, s, due(
		campaign.DueEntry{ID: "a", Serial: "u", At: now.Add(time.Hour)},
		campaign.DueEntry{ID: "b", Serial: "u"},
	))
	require.Empty(t, claim(t, s, now, 10).Entries, "b waits behind a")
	apply(t, s, due(campaign.DueEntry{ID: "a", Serial: "u", At: now.Add(2 * time.Hour)}))
	require.Equal(t, now.Add(time.Hour), claim(t, s, now, 10).Next, "not later")
	apply(t, s, due(campaign.DueEntry{ID: "a", Serial: "other", Lane: campaign.Bulk}))
	got := claimOne(t, s, now, "a")
	require.Equal(t, "u", got.Serial)
	require.Equal(t, campaign.Interactive, got.Lane)
	done(t, s, got)
	done(t, s, claimOne(t, s, now, "b"))
	require.Equal(t, campaign.Claims{}, claim(t, s, now.Add(24*time.Hour), 10), "each once")
}

func restoringLeavesWhatIsThere(t *testing.T, s campaign.Store) {
	later := now.Add(time.Hour)
	restored := func(id string) campaign.Change {
		return due(campaign.DueEntry{ID: id, Lane: campaign.Bulk, Serial: "u", At: now, Restore: true})
	}
	apply(t, s, due(campaign.DueEntry{ID: "waits", At: later}))
	apply(t, s, restored("waits"))
	require.Equal(t, later, claim(t, s, now, 10).Next, "it keeps its time")

	apply(t, s, restored("missing"))
	got := claimOne(t, s, now, "missing")
	require.Equal(t, campaign.Bulk, got.Lane)
	require.Equal(t, "u", got.Serial)
	apply(t, s, restored("missing"))
	done(t, s, got)
	require.Equal(t, later, claim(t, s, now, 10).Next, "what was leased does not fall due again")

	plain := campaign.DueEntry{ID: "plain", Lane: campaign.Bulk, At: now, Restore: true}
	apply(t, s, due(plain))
	got = claimOne(t, s, now, "plain")
	require.Equal(t, campaign.Bulk, got.Lane)
	done(t, s, got)
}

func readdedWhileLeasedFallsDueAgain(t *testing.T, s campaign.Store) {
	apply(t, s, due(campaign.DueEntry{ID: "a", Serial: "u"}))
	first := claimOne(t, s, now, "a")
	apply(t, s, due(
		campaign.DueEntry{ID: "a", Serial: "u", At: now.Add(time.Minute)},
		campaign.DueEntry{ID: "b", Serial: "u"},
	))
	apply(t, s, due(campaign.DueEntry{ID: "a", Serial: "u", At: now.Add(time.Second)}))
	require.Empty(t, claim(t, s, now.Add(time.Hour), 10).Entries, "still leased")
	done(t, s, first)
	require.Empty(t, claim(t, s, now, 10).Entries, "b was added after a's second turn")
	second := claimOne(t, s, now.Add(time.Second), "a")
	require.Zero(t, second.Attempts, "a new entry")
	require.False(t, second.Expired)
	done(t, s, second)
	done(t, s, claimOne(t, s, now, "b"))
	require.Equal(t, campaign.Claims{}, claim(t, s, now.Add(time.Hour), 10))
}

func readdedAndRetriedTakesEarlierTime(t *testing.T, s campaign.Store) {
	tests := map[string]struct{ again, retry, want time.Duration }{
		"retry first": {again: time.Hour, retry: time.Minute, want: time.Minute},
		"again first": {again: time.Minute, retry: time.Hour, want: time.Minute},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			apply(t, s, due(campaign.DueEntry{ID: name}))
			c := claimOne(t, s, now, name)
			apply(t, s, due(campaign.DueEntry{ID: name, At: now.Add(tt.again)}))
			require.NoError(t, campaign.Retry(t.Context(), s, c, now.Add(tt.retry)))
			require.Equal(t, now.Add(tt.want), claim(t, s, now, 10).Next)
			c = claimOne(t, s, now.Add(tt.want), name)
			require.Equal(t, 1, c.Attempts)
			done(t, s, c)
			require.Equal(t, campaign.Claims{}, claim(t, s, now.Add(24*time.Hour), 10))
		})
	}
}

func workerSchedulesItselfAnew(t *testing.T, s campaign.Store) {
	apply(t, s, due(campaign.DueEntry{ID: "digest"}))
	c := claimOne(t, s, now, "digest")
	apply(t, s, campaign.Change{
		Finish: []campaign.Finish{{ID: c.ID, Token: c.Token}},
		Due:    []campaign.DueEntry{{ID: "digest", At: now.Add(time.Hour)}},
	})
	require.Equal(t, campaign.Claims{Next: now.Add(time.Hour)}, claim(t, s, now, 10))
	require.Zero(t, claimOne(t, s, now.Add(time.Hour), "digest").Attempts)
}

func removedEntryIsNotClaimed(t *testing.T, s campaign.Store) {
	apply(t, s, due(
		campaign.DueEntry{ID: "head", Serial: "u", At: now.Add(time.Hour)},
		campaign.DueEntry{ID: "middle", Serial: "u"},
		campaign.DueEntry{ID: "last", Serial: "u"},
		campaign.DueEntry{ID: "alone"},
	))
	gone := func(id string) campaign.DueEntry { return campaign.DueEntry{ID: id, Remove: true} }
	apply(t, s, due(gone("middle"), gone("alone"), gone("unknown")))
	require.Empty(t, claim(t, s, now, 10).Entries)
	apply(t, s, due(gone("head")))
	claimOne(t, s, now, "last")
}

func removeLeavesALeaseAlone(t *testing.T, s campaign.Store) {
	apply(t, s, due(campaign.DueEntry{ID: "a"}))
	c := claimOne(t, s, now, "a")
	apply(t, s, due(campaign.DueEntry{ID: "a"})) // due again
	apply(t, s, due(campaign.DueEntry{ID: "a", Remove: true}))
	done(t, s, c)
	require.Equal(t, campaign.Claims{}, claim(t, s, now.Add(time.Hour), 10), "not due again")

	apply(t, s, due(campaign.DueEntry{ID: "head", Serial: "u"}, campaign.DueEntry{ID: "behind", Serial: "u"}))
	claimOne(t, s, now, "head")
	apply(t, s, due(campaign.DueEntry{ID: "behind", Remove: true}))
	require.Empty(t, claim(t, s, now, 10).Entries, "the head is leased, alone or not")
}

func leaseExpiresAndIsClaimedOnce(t *testing.T, s campaign.Store) {
	const lease = 50 * time.Millisecond
	apply(t, s, due(campaign.DueEntry{ID: "a"}))
	began := time.Now()
	got, err := s.Claim(t.Context(), campaign.ClaimRequest{Now: now, Lease: lease, N: 10})
	require.NoError(t, err)
	require.Len(t, got.Entries, 1)
	require.False(t, got.Entries[0].Expired)

	again := claimExpired(t, s, held)
	require.GreaterOrEqual(t, time.Since(began), lease)
	require.True(t, again.Expired)
	require.Equal(t, 1, again.Attempts)
	require.NotEqual(t, got.Entries[0].Token, again.Token)
	require.Empty(t, claim(t, s, now, 10).Entries, "once")

	requireKind(t, campaign.Conflict, campaign.Done(t.Context(), s, got.Entries[0]))
	require.NoError(t, campaign.Retry(t.Context(), s, again, now))
	last := claimOne(t, s, now, "a")
	require.False(t, last.Expired, "the lease before this one was finished")
	require.Equal(t, 2, last.Attempts)
}

func expiredLeaseCanStillBeFinished(t *testing.T, s campaign.Store) {
	apply(t, s, due(campaign.DueEntry{ID: "a", Serial: "u"}, campaign.DueEntry{ID: "b", Serial: "u"}))
	_, err := s.Claim(t.Context(), campaign.ClaimRequest{Now: now, Lease: time.Millisecond, N: 1})
	require.NoError(t, err)
	late := claimExpired(t, s, time.Millisecond)
	require.Equal(t, "a", late.ID)
	apply(t, s, due(campaign.DueEntry{ID: "a", Remove: true})) // counts as leased
	done(t, s, late)
	claimOne(t, s, now, "b")
}

func finishWithAnOldTokenIsRefused(t *testing.T, s campaign.Store) {
	apply(t, s, due(campaign.DueEntry{ID: "a"}, campaign.DueEntry{ID: "b"}))
	tests := map[string]func(c campaign.Claimed) campaign.Claimed{
		"another token":    func(c campaign.Claimed) campaign.Claimed { c.Token += "x"; return c },
		"no token":         func(c campaign.Claimed) campaign.Claimed { c.Token = ""; return c },
		"another scope":    func(c campaign.Claimed) campaign.Claimed { c.Scope = "x"; return c },
		"an unknown entry": func(c campaign.Claimed) campaign.Claimed { c.ID = "x"; return c },
	}
	held := claim(t, s, now, 1).Entries[0]
	for name, spoil := range tests {
		t.Run(name, func(t *testing.T) {
			requireKind(t, campaign.Conflict, campaign.Done(t.Context(), s, spoil(held)))
		})
	}
	requireKind(t, campaign.Conflict, s.Apply(t.Context(), campaign.Change{Scope: scope, Finish: []campaign.Finish{{ID: "b"}}}))
	done(t, s, held)
	requireKind(t, campaign.Conflict, campaign.Done(t.Context(), s, held))
}

func serialIsWorkedInOrder(t *testing.T, s campaign.Store) {
	for i := range 5 { // later ones are due earlier
		apply(t, s, due(campaign.DueEntry{ID: fmt.Sprint(i), Serial: "u", At: now.Add(-time.Duration(i) * time.Minute)}))
	}
	for i := range 5 {
		done(t, s, claimOne(t, s, now, fmt.Sprint(i)))
	}
	other := campaign.Change{Scope: "other", Due: []campaign.DueEntry{{ID: "x", Serial: "u", At: now}}}
	apply(t, s, due(campaign.DueEntry{ID: "a", Serial: "u"}))
	apply(t, s, other)
	require.Len(t, claim(t, s, now, 10).Entries, 2, "a serial ends at its scope")
}

func serialHeadWaitsForRetry(t *testing.T, s campaign.Store) {
	apply(t, s, due(campaign.DueEntry{ID: "a", Serial: "u"}, campaign.DueEntry{ID: "b", Serial: "u"}))
	require.NoError(t, campaign.Retry(t.Context(), s, claimOne(t, s, now, "a"), now.Add(time.Minute)))
	got := claim(t, s, now, 10)
	require.Empty(t, got.Entries, "b waits for a's retry")
	require.Equal(t, now.Add(time.Minute), got.Next)
	again := claimOne(t, s, now.Add(time.Minute), "a")
	require.Equal(t, 1, again.Attempts)
	require.Equal(t, now.Add(time.Minute), again.At)
	done(t, s, again)
	require.Zero(t, claimOne(t, s, now, "b").Attempts)
}

func serialSpansLanes(t *testing.T, s campaign.Store) {
	apply(t, s, due(
		campaign.DueEntry{ID: "bulk", Serial: "u", Lane: campaign.Bulk, At: now.Add(time.Minute)},
		campaign.DueEntry{ID: "interactive", Serial: "u"},
	))
	require.Empty(t, claim(t, s, now, 10).Entries)
	done(t, s, claimOne(t, s, now.Add(time.Minute), "bulk"))
	claimOne(t, s, now, "interactive")
}

func entryWithoutSerialOvertakes(t *testing.T, s campaign.Store) {
	apply(t, s, due(
		campaign.DueEntry{ID: "launch", Serial: "u"},
		campaign.DueEntry{ID: "show", Serial: "u"},
		campaign.DueEntry{ID: "pause"},
	))
	require.Equal(t, []string{"launch", "pause"}, ids(claim(t, s, now, 10).Entries))
}

func interactiveComesBeforeBulk(t *testing.T, s campaign.Store) {
	apply(t, s, due(
		campaign.DueEntry{ID: "bulk", Lane: campaign.Bulk, At: now.Add(-time.Hour)},
		campaign.DueEntry{ID: "interactive"},
	))
	require.Equal(t, []string{"interactive", "bulk"}, ids(claim(t, s, now, 10).Entries))
}

func lanesLimitAClaim(t *testing.T, s campaign.Store) {
	apply(t, s, due(
		campaign.DueEntry{ID: "bulk", Lane: campaign.Bulk},
		campaign.DueEntry{ID: "interactive", At: now.Add(time.Hour)},
	))
	only := func(lane campaign.Lane) campaign.Claims {
		got, err := s.Claim(t.Context(), campaign.ClaimRequest{Now: now, Lease: held, N: 10, Lanes: []campaign.Lane{lane}})
		require.NoError(t, err)
		return got
	}
	require.Equal(t, campaign.Claims{Next: now.Add(time.Hour)}, only(campaign.Interactive))
	got := only(campaign.Bulk)
	require.Equal(t, []string{"bulk"}, ids(got.Entries))
	require.True(t, got.Next.IsZero())
}

func bulkRotatesBetweenScopes(t *testing.T, s campaign.Store) {
	scopes := []campaign.Scope{"big", "mid", "small"}
	for i, in := range scopes {
		for n := range []int{100, 10, 4}[i] {
			apply(t, s, campaign.Change{Scope: in, Due: []campaign.DueEntry{{
				ID: fmt.Sprint(n), Lane: campaign.Bulk, At: now.Add(time.Duration(n-100*i) * time.Millisecond),
			}}})
		}
	}
	turns := map[campaign.Scope]int{}
	count := func(n int) {
		for _, e := range claim(t, s, now.Add(time.Hour), n).Entries {
			turns[e.Scope]++
		}
	}
	for range 6 {
		count(1)
	}
	require.Equal(t, map[campaign.Scope]int{"big": 2, "mid": 2, "small": 2}, turns, "one at a time")
	clear(turns)
	count(6)
	require.Equal(t, map[campaign.Scope]int{"big": 2, "mid": 2, "small": 2}, turns, "six at once")
	clear(turns)
	count(16)
	require.Equal(t, map[campaign.Scope]int{"big": 10, "mid": 6}, turns, "none waits for those that have no more")
}

func noEntryIsClaimedTwice(t *testing.T, s campaign.Store) {
	const entries, claimers = 400, 8
	for i := 0; i < entries; i += 100 {
		var c campaign.Change
		for n := range 100 {
			c.Due = append(c.Due, campaign.DueEntry{ID: fmt.Sprint(i + n), Lane: campaign.Lane(n % 2), At: now})
		}
		apply(t, s, c)
	}
	var mu sync.Mutex
	seen := map[string]int{}
	errs := make([]error, claimers)
	var wg sync.WaitGroup
	for i := range claimers {
		wg.Go(func() {
			for {
				got, err := s.Claim(t.Context(), campaign.ClaimRequest{Now: now, Lease: held, N: 7})
				if errs[i] = err; err != nil || len(got.Entries) == 0 {
					return
				}
				mu.Lock()
				for _, e := range got.Entries {
					seen[e.ID]++
				}
				mu.Unlock()
				for _, e := range got.Entries {
					if err := campaign.Done(t.Context(), s, e); err != nil {
						errs[i] = err
						return
					}
				}
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	require.Len(t, seen, entries)
	for id, times := range seen {
		require.Equal(t, 1, times, id)
	}
}

func readyWakesAllWhoWait(t *testing.T, s campaign.Store) {
	tests := map[string]func() campaign.Change{
		"an entry is added": func() campaign.Change { return due(campaign.DueEntry{ID: "a"}) },
		"an entry is moved": func() campaign.Change { return due(campaign.DueEntry{ID: "a", At: now.Add(-time.Hour)}) },
		"a lease is finished": func() campaign.Change {
			apply(t, s, due(campaign.DueEntry{ID: "leased"}))
			c := claim(t, s, now, 1).Entries[0]
			return campaign.Change{Finish: []campaign.Finish{{ID: c.ID, Token: c.Token}}}
		},
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			c := change()
			waiting := []<-chan struct{}{s.Ready(), s.Ready(), s.Ready()}
			apply(t, s, c)
			for _, ready := range waiting {
				select {
				case <-ready:
				case <-time.After(longest):
					require.FailNow(t, "nobody was woken")
				}
			}
		})
	}
}

func claimForNothingIsInvalid(t *testing.T, s campaign.Store) {
	_, err := s.Claim(t.Context(), campaign.ClaimRequest{Now: now, Lease: held})
	requireKind(t, campaign.Invalid, err)
	_, err = s.Claim(t.Context(), campaign.ClaimRequest{Now: now, N: 1})
	requireKind(t, campaign.Invalid, err)
}

package storetest

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

func indexPagesInOrder(t *testing.T, s campaign.Store) {
	want := []campaign.IndexHit{
		{Key: "", ID: "z"},
		{Key: "core", ID: "a"},
		{Key: "core", ID: "b"},
		{Key: "core\x00", ID: "a"},
		{Key: "core/payments", ID: "a"},
		{Key: "corf", ID: "a"},
	}
	for _, i := range []int{4, 1, 0, 5, 3, 2} {
		apply(t, s, campaign.Change{Index: []campaign.IndexEntry{
			{Name: "by-team", Key: want[i].Key, ID: want[i].ID},
			{Name: "by-teams", Key: want[i].Key, ID: "another index"},
		}})
	}
	tests := map[string]struct {
		prefix string
		want   []campaign.IndexHit
	}{
		"all":         {prefix: "", want: want},
		"a prefix":    {prefix: "core", want: want[1:5]},
		"a zero byte": {prefix: "core\x00", want: want[3:4]},
		"nothing":     {prefix: "cora"},
	}
	for name, tt := range tests {
		for _, limit := range []int{0, 1, 2} {
			t.Run(fmt.Sprintf("%s by %d", name, limit), func(t *testing.T) {
				var got []campaign.IndexHit
				for after := (campaign.IndexHit{}); ; {
					page, err := s.Index(t.Context(), scope, "by-team", tt.prefix, after, limit)
					require.NoError(t, err)
					if len(page) == 0 {
						break
					}
					require.True(t, limit == 0 || len(page) <= limit)
					got = append(got, page...)
					after = page[len(page)-1]
				}
				require.Equal(t, tt.want, got)
			})
		}
	}
	past, err := s.Index(t.Context(), scope, "by-team", "core", campaign.IndexHit{Key: "z", ID: "z"}, 0)
	require.NoError(t, err)
	require.Empty(t, past)
}

func indexRowMayBeAddedAndRemovedTwice(t *testing.T, s campaign.Store) {
	row := campaign.IndexEntry{Name: "by-team", Key: "core", ID: "a"}
	read := func() []campaign.IndexHit {
		got, err := s.Index(t.Context(), scope, "by-team", "core", campaign.IndexHit{}, 0)
		require.NoError(t, err)
		return got
	}
	for range 2 {
		apply(t, s, campaign.Change{Index: []campaign.IndexEntry{row}})
		require.Equal(t, []campaign.IndexHit{{Key: "core", ID: "a"}}, read())
	}
	row.Remove = true
	for range 2 {
		apply(t, s, campaign.Change{Index: []campaign.IndexEntry{row}})
		require.Empty(t, read())
	}
}

func countersAddUp(t *testing.T, s campaign.Store) {
	apply(t, s, campaign.Change{Count: []campaign.CounterDelta{{Name: "core/open", By: 3}, {Name: "core/open", By: 2}, {Name: "web/open", By: 1}}})
	apply(t, s, campaign.Change{Count: []campaign.CounterDelta{{Name: "core/open", By: -7}, {Name: "web/open", By: -1}}})
	got, err := s.Counters(t.Context(), scope, "core/")
	require.NoError(t, err)
	require.Equal(t, map[string]int64{"core/open": -2}, got)
	got, err = s.Counters(t.Context(), scope, "")
	require.NoError(t, err)
	require.Zero(t, got["web/open"])
}

func auditSequenceIsUnbroken(t *testing.T, s campaign.Store) {
	const writers, each = 10, 4
	rec := campaign.AuditRecord{
		At: now, Actor: "p1", Action: "task.claim", Subject: "task/a", Before: "open", After: "claimed", Reason: "r", Request: "q",
	}
	var wg sync.WaitGroup
	errs := make(chan error, 2*writers)
	for range writers {
		wg.Go(func() {
			errs <- s.Apply(t.Context(), campaign.Change{Scope: scope, Audit: []campaign.AuditRecord{rec, rec, rec, rec}})
			refused := everything(7)
			refused.Scope = scope
			_ = s.Apply(t.Context(), refused) // takes no number
			errs <- s.Apply(t.Context(), campaign.Change{Scope: "other", Audit: []campaign.AuditRecord{rec}})
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		require.NoError(t, err)
	}
	var seq uint64
	for {
		page, err := s.Audit(t.Context(), scope, seq, 7)
		require.NoError(t, err)
		if len(page) == 0 {
			break
		}
		for _, got := range page {
			seq++
			rec.Seq = seq
			require.Equal(t, rec, got)
		}
	}
	require.Equal(t, uint64(writers*each), seq)
	other, err := s.Audit(t.Context(), "other", 0, 0)
	require.NoError(t, err)
	require.Len(t, other, writers)
	require.Equal(t, uint64(writers), other[writers-1].Seq)
}

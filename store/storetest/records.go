package storetest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

func recordsKeepTheirVersions(t *testing.T, s campaign.Store) {
	_, err := s.Get(t.Context(), scope, kind, "a")
	requireKind(t, campaign.NotFound, err)

	apply(t, s, campaign.Change{Records: []campaign.Record{put("a", 0, "one")}})
	apply(t, s, campaign.Change{Records: []campaign.Record{put("a", 1, "two")}})
	got, err := s.Get(t.Context(), scope, kind, "a")
	require.NoError(t, err)
	require.Equal(t, put("a", 2, "two"), got)

	for _, version := range []uint64{0, 1, 3} {
		err := s.Apply(t.Context(), campaign.Change{Scope: scope, Records: []campaign.Record{put("a", version, "late")}})
		requireKind(t, campaign.Conflict, err)
	}
	got, err = s.Get(t.Context(), scope, kind, "a")
	require.NoError(t, err)
	require.Equal(t, "two", string(got.Data))
}

// newRecordFindsAnyOther writes new records between others that are there, in no
// order; the one that is there already is found wherever it stands, and named.
func newRecordFindsAnyOther(t *testing.T, s campaign.Store) {
	names := []string{"m\x80", "b", "a", "a\x00", "a\x00\x01", "a\x01", "aa", "A", "\xff", "m", "m\xff\xff", "Z", "_", "é", "~"}
	between := make([]campaign.Record, len(names))
	for i, name := range names {
		between[i] = put(name+"x", 0, "stands between")
	}
	apply(t, s, campaign.Change{Records: between})
	fresh := make([]campaign.Record, len(names))
	for i, name := range names {
		fresh[i] = put(name, 0, "new")
	}
	for _, name := range names {
		apply(t, s, campaign.Change{Records: []campaign.Record{put(name, 0, "first")}})
		err := s.Apply(t.Context(), campaign.Change{Scope: scope, Records: fresh})
		requireKind(t, campaign.Conflict, err)
		require.ErrorContains(t, err, "/"+name+" is at version 1,")
		apply(t, s, campaign.Change{Records: []campaign.Record{{Kind: kind, ID: name, Version: 1}}})
	}
	apply(t, s, campaign.Change{Records: fresh})
}

// missingRecordIsAsserted says of records only that they are not there.
func missingRecordIsAsserted(t *testing.T, s campaign.Store) {
	const other campaign.RecordKind = "other"
	missing := func(kind campaign.RecordKind, id string) campaign.Record { return campaign.Record{Kind: kind, ID: id} }
	apply(t, s, campaign.Change{Records: []campaign.Record{put("b", 0, "one"), missing(other, "b"), missing(kind, "b\x00"), missing(kind, "a")}})
	for of, want := range map[campaign.RecordKind]int{kind: 1, other: 0} {
		there, err := s.List(t.Context(), scope, of, "", 0)
		require.NoError(t, err)
		require.Len(t, there, want)
	}
	apply(t, s, campaign.Change{Records: []campaign.Record{missing(other, "b"), put("c", 0, "new"), put("b", 1, "two"), missing(kind, "a")}})
	err := s.Apply(t.Context(), campaign.Change{Scope: scope, Records: []campaign.Record{missing(other, "b"), put("d", 0, "new"), put("b", 2, "three"), missing(kind, "c")}})
	requireKind(t, campaign.Conflict, err)
	require.ErrorContains(t, err, "/c is at version 1,")
	_, err = s.Get(t.Context(), scope, kind, "d")
	requireKind(t, campaign.NotFound, err)
}

func deletedRecordIsGone(t *testing.T, s campaign.Store) {
	apply(t, s, campaign.Change{Records: []campaign.Record{put("a", 0, "one")}})
	gone := campaign.Change{Scope: scope, Records: []campaign.Record{{Kind: kind, ID: "a", Version: 1}}}
	apply(t, s, gone)
	_, err := s.Get(t.Context(), scope, kind, "a")
	requireKind(t, campaign.NotFound, err)
	requireKind(t, campaign.Conflict, s.Apply(t.Context(), gone))
	apply(t, s, campaign.Change{Records: []campaign.Record{put("a", 0, "anew")}})
}

// everything is a change that uses each list once.
func everything(version uint64) campaign.Change {
	return campaign.Change{
		Scope:   "refused",
		Records: []campaign.Record{put("new", 0, "x"), put("old", version, "x")},
		Index:   []campaign.IndexEntry{{Name: "by-team", Key: "core", ID: "new"}},
		Count:   []campaign.CounterDelta{{Name: "open", By: 1}},
		Due:     []campaign.DueEntry{{ID: "new", At: now}},
		Audit:   []campaign.AuditRecord{{Action: "ticket.open"}},
	}
}

func requireNoTrace(t *testing.T, s campaign.Store) {
	t.Helper()
	ctx, in := t.Context(), campaign.Scope("refused")
	records, err := s.List(ctx, in, kind, "", 0)
	require.NoError(t, err)
	require.Empty(t, records)
	rows, err := s.Index(ctx, in, "by-team", "", campaign.IndexHit{}, 0)
	require.NoError(t, err)
	require.Empty(t, rows)
	counters, err := s.Counters(ctx, in, "")
	require.NoError(t, err)
	require.Empty(t, counters)
	audit, err := s.Audit(ctx, in, 0, 0)
	require.NoError(t, err)
	require.Empty(t, audit)
	require.Empty(t, claim(t, s, now, 1).Entries)
	scopes, err := s.Scopes(ctx)
	require.NoError(t, err)
	require.NotContains(t, scopes, in)
}

func refusedChangeLeavesNoTrace(t *testing.T, s campaign.Store) {
	requireKind(t, campaign.Conflict, s.Apply(t.Context(), everything(7)))
	requireNoTrace(t, s)

	c := everything(0)
	c.Finish = []campaign.Finish{{ID: "never leased", Token: "x"}}
	requireKind(t, campaign.Conflict, s.Apply(t.Context(), c))
	requireNoTrace(t, s)
}

func refusedChangeSparesItsNeighbours(t *testing.T, s campaign.Store) {
	const writers = 40
	errs := make([]error, writers)
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			c := everything(7) // refused
			if i%2 == 0 {
				c = campaign.Change{Scope: scope, Records: []campaign.Record{put(fmt.Sprint(i), 0, "x")}}
			}
			errs[i] = s.Apply(t.Context(), c)
		})
	}
	wg.Wait()
	for i, err := range errs {
		if i%2 == 0 {
			require.NoError(t, err)
		} else {
			requireKind(t, campaign.Conflict, err)
		}
	}
	landed, err := s.List(t.Context(), scope, kind, "", 0)
	require.NoError(t, err)
	require.Len(t, landed, writers/2)
	requireNoTrace(t, s)
}

func changeOutOfBoundsIsInvalid(t *testing.T, s campaign.Store) {
	long := strings.Repeat("x", 513)
	tests := map[string]campaign.Change{
		"no scope":                  {},
		"a scope with a slash":      {Scope: "a/b"},
		"a scope with braces":       {Scope: "a{b}"},
		"too many entries":          {Scope: "refused", Audit: make([]campaign.AuditRecord, campaign.MaxChangeRecords+1)},
		"a record without a kind":   {Scope: "refused", Records: []campaign.Record{{ID: "a", Data: []byte("x")}}},
		"a record without an ID":    {Scope: "refused", Records: []campaign.Record{put("", 0, "x")}},
		"a long ID":                 {Scope: "refused", Records: []campaign.Record{put(long, 0, "x")}},
		"a large record":            {Scope: "refused", Records: []campaign.Record{put("a", 0, strings.Repeat("x", 1<<20+1))}},
		"a record twice":            {Scope: "refused", Records: []campaign.Record{put("a", 0, "x"), put("a", 0, "y")}},
		"a row without a name":      {Scope: "refused", Index: []campaign.IndexEntry{{Key: "a", ID: "b"}}},
		"a row with a long key":     {Scope: "refused", Index: []campaign.IndexEntry{{Name: "n", Key: long + long, ID: "b"}}},
		"a counter without a name":  {Scope: "refused", Count: []campaign.CounterDelta{{By: 1}}},
		"a due entry twice":         {Scope: "refused", Due: []campaign.DueEntry{{ID: "a"}, {ID: "a", Remove: true}}},
		"a due entry without an ID": {Scope: "refused", Due: []campaign.DueEntry{{At: now}}},
		"an unknown lane":           {Scope: "refused", Due: []campaign.DueEntry{{ID: "a", Lane: 9}}},
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			requireKind(t, campaign.Invalid, s.Apply(t.Context(), c))
		})
	}
	requireNoTrace(t, s)

	largest := campaign.Change{Records: []campaign.Record{put(long[1:], 0, strings.Repeat("x", 1<<20))}}
	apply(t, s, largest)
}

// fullChangeIsWritten replaces and deletes as many records in one change as it may
// carry, short and long ones, and then adds as much work.
func fullChangeIsWritten(t *testing.T, s campaign.Store) {
	const n = campaign.MaxChangeRecords
	id := func(i int) string { return fmt.Sprintf("%04d", i) }
	first := make([]campaign.Record, n)
	for i := range first {
		first[i] = put(id(i), 0, strings.Repeat("x", i))
	}
	first[0] = put(id(0), 0, "y")
	apply(t, s, campaign.Change{Records: first})
	second := make([]campaign.Record, n)
	var left []campaign.Record
	for i := range second {
		if second[i] = put(id(i), 1, ""); i%3 > 0 {
			second[i] = put(id(i), 1, strings.Repeat("z", n-i))
			left = append(left, put(id(i), 2, strings.Repeat("z", n-i)))
		}
	}
	apply(t, s, campaign.Change{Records: second})
	list, err := s.List(t.Context(), scope, kind, "", n)
	require.NoError(t, err)
	require.Equal(t, left, list)

	work, want := make([]campaign.DueEntry, n), make([]string, n)
	for i := range work {
		work[i] = campaign.DueEntry{ID: id(n - i), Lane: campaign.Lane(i / (n / 2))}
		want[i] = work[i].ID
	}
	apply(t, s, due(work...))
	require.Equal(t, want, ids(claim(t, s, now, n).Entries), "in the order in which it was added, lane by lane")
}

func returnedValueIsACopy(t *testing.T, s campaign.Store) {
	apply(t, s, campaign.Change{Records: []campaign.Record{put("a", 0, "kept")}, Count: []campaign.CounterDelta{{Name: "n", By: 1}}})
	read := func() [][]byte {
		one, err := s.Get(t.Context(), scope, kind, "a")
		require.NoError(t, err)
		many, err := s.GetMany(t.Context(), scope, kind, []string{"a"})
		require.NoError(t, err)
		list, err := s.List(t.Context(), scope, kind, "", 0)
		require.NoError(t, err)
		return [][]byte{one.Data, many[0].Data, list[0].Data}
	}
	for _, data := range read() {
		copy(data, "!!!!") // also crashes when it is memory of the file
		_ = append(data, "!!!!"...)
	}
	counters, err := s.Counters(t.Context(), scope, "")
	require.NoError(t, err)
	counters["n"] = 9
	for _, data := range read() {
		require.Equal(t, "kept", string(data))
	}
	counters, err = s.Counters(t.Context(), scope, "")
	require.NoError(t, err)
	require.Equal(t, map[string]int64{"n": 1}, counters)
}

func givenValueIsCopied(t *testing.T, s campaign.Store) {
	data := []byte("kept")
	apply(t, s, campaign.Change{Records: []campaign.Record{{Kind: kind, ID: "a", Data: data}}})
	copy(data, "!!!!")
	got, err := s.Get(t.Context(), scope, kind, "a")
	require.NoError(t, err)
	require.Equal(t, "kept", string(got.Data))
}

func concurrentUpdatesAllLand(t *testing.T, s campaign.Store) {
	const writers, each = 20, 5
	apply(t, s, campaign.Change{Records: []campaign.Record{put("sum", 0, "-")}})
	errs := make(chan error, writers*each)
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for range each {
				errs <- campaign.Retrying(t.Context(), func() error {
					r, err := s.Get(t.Context(), scope, kind, "sum")
					if err != nil {
						return err
					}
					r.Data = append(r.Data, '+')
					return s.Apply(t.Context(), campaign.Change{
						Scope: scope, Records: []campaign.Record{r}, Count: []campaign.CounterDelta{{Name: "sum", By: 1}},
					})
				})
			}
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		require.NoError(t, err)
	}
	r, err := s.Get(t.Context(), scope, kind, "sum")
	require.NoError(t, err)
	require.Equal(t, "-"+strings.Repeat("+", writers*each), string(r.Data))
	require.Equal(t, uint64(writers*each+1), r.Version)
	counters, err := s.Counters(t.Context(), scope, "")
	require.NoError(t, err)
	require.Equal(t, map[string]int64{"sum": writers * each}, counters)
}

func listPagesInOrder(t *testing.T, s campaign.Store) {
	for _, id := range []string{"c", "a", "b\x00", "b", "ba", "é"} {
		apply(t, s, campaign.Change{Records: []campaign.Record{
			put(id, 0, id), {Kind: kind + "s", ID: id, Data: []byte("another kind")},
		}})
	}
	var got []string
	for after := ""; ; {
		page, err := s.List(t.Context(), scope, kind, after, 2)
		require.NoError(t, err)
		if len(page) == 0 {
			break
		}
		require.LessOrEqual(t, len(page), 2)
		for _, r := range page {
			require.Equal(t, put(r.ID, 1, r.ID), r)
			got = append(got, r.ID)
		}
		after = got[len(got)-1]
	}
	require.Equal(t, []string{"a", "b", "b\x00", "ba", "c", "é"}, got)

	page, err := s.List(t.Context(), scope, kind, "bb", 0)
	require.NoError(t, err)
	require.Len(t, page, 2, "after an ID that does not exist")
}

func getManyKeepsTheOrderAsked(t *testing.T, s campaign.Store) {
	apply(t, s, campaign.Change{Records: []campaign.Record{put("a", 0, "1"), put("b", 0, "2"), put("c", 0, "3")}})
	got, err := s.GetMany(t.Context(), scope, kind, []string{"c", "missing", "a"})
	require.NoError(t, err)
	require.Equal(t, []campaign.Record{put("c", 1, "3"), put("a", 1, "1")}, got)
}

// What people type ends up in names: none of it may break the order of keys,
// or make two names one.
func namesMayHoldAnyByte(t *testing.T, s campaign.Store) {
	names := []string{"\x00", "\x00\x01", "\x01", "a\x00b", "a\x00\xffb", "a:b", "a}b", "ü", "\xff", "\xff\xff"}
	for _, name := range names {
		apply(t, s, campaign.Change{
			Records: []campaign.Record{put(name, 0, name)},
			Index:   []campaign.IndexEntry{{Name: "i", Key: name, ID: name}},
			Count:   []campaign.CounterDelta{{Name: name, By: 2}},
			Due:     []campaign.DueEntry{{ID: name, Serial: name, At: now}},
		})
	}
	list, err := s.List(t.Context(), scope, kind, "", 0)
	require.NoError(t, err)
	require.Len(t, list, len(names))
	hits, err := s.Index(t.Context(), scope, "i", "", campaign.IndexHit{}, 0)
	require.NoError(t, err)
	counters, err := s.Counters(t.Context(), scope, "")
	require.NoError(t, err)
	for i, name := range names {
		require.Equal(t, put(name, 1, name), list[i])
		require.Equal(t, campaign.IndexHit{Key: name, ID: name}, hits[i])
		require.Equal(t, int64(2), counters[name])
	}
	require.Equal(t, names, ids(claim(t, s, now, 100).Entries))
}

func scopesAreApart(t *testing.T, s campaign.Store) {
	scopes := []campaign.Scope{"a", "ab", campaign.Sys}
	for _, in := range scopes {
		c := everything(0)
		c.Scope = in
		apply(t, s, c)
	}
	got, err := s.Scopes(t.Context())
	require.NoError(t, err)
	require.Equal(t, scopes, got)
	for _, in := range scopes {
		list, err := s.List(t.Context(), in, kind, "", 0)
		require.NoError(t, err)
		require.Len(t, list, 2)
		hits, err := s.Index(t.Context(), in, "by-team", "", campaign.IndexHit{}, 0)
		require.NoError(t, err)
		require.Len(t, hits, 1)
		counters, err := s.Counters(t.Context(), in, "")
		require.NoError(t, err)
		require.Equal(t, map[string]int64{"open": 1}, counters)
	}
	require.Len(t, claim(t, s, now, 10).Entries, len(scopes))
}

func endedContextIsReturned(t *testing.T, s campaign.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Get(ctx, scope, kind, "a")
	require.ErrorIs(t, err, context.Canceled)
	_, err = s.Claim(ctx, campaign.ClaimRequest{Now: now, Lease: time.Second, N: 1})
	require.ErrorIs(t, err, context.Canceled)
}

func closedStoreIsUnavailable(t *testing.T, s campaign.Store) {
	apply(t, s, due(campaign.DueEntry{ID: "a"}))
	ready := s.Ready()
	require.NoError(t, s.Close())
	<-ready // who waits for work learns of it
	_, err := s.Get(t.Context(), scope, kind, "a")
	requireKind(t, campaign.Unavailable, err)
	requireKind(t, campaign.Unavailable, s.Apply(t.Context(), campaign.Change{Scope: scope}))
	_, err = s.Claim(t.Context(), campaign.ClaimRequest{Now: now, Lease: time.Second, N: 1})
	requireKind(t, campaign.Unavailable, err)
	require.NoError(t, s.Close(), "closing twice")
}

package campaign_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/store/bolt"
)

const (
	codecScope = campaign.Scope("log4j")
	codecKind  = campaign.RecordKind("boat")
)

// boat is a value at schema version 1, motorboat the same kind two versions on.
type boat struct {
	Name string `json:"name"`
	Crew []int  `json:"crew,omitempty"`
}

type motorboat struct {
	Name  string `json:"name"`
	Power int    `json:"power"`
}

func (motorboat) SchemaVersion() int { return 3 }

func openStore(t *testing.T) campaign.Store {
	t.Helper()
	s, err := bolt.Open(filepath.Join(t.TempDir(), "muster.db"), bolt.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func createBoat(t *testing.T, s campaign.Store, id string) {
	t.Helper()
	rec, err := campaign.Put(codecKind, id, 0, boat{Name: id})
	require.NoError(t, err)
	require.NoError(t, s.Apply(t.Context(), campaign.Change{Scope: codecScope, Records: []campaign.Record{rec}}))
}

func TestLoadReadsWhatPutStored(t *testing.T) {
	s := openStore(t)
	_, _, err := campaign.Load[boat](t.Context(), s, codecScope, codecKind, "a")
	require.Equal(t, campaign.NotFound, campaign.KindOf(err))

	createBoat(t, s, "a")
	got, version, err := campaign.Load[boat](t.Context(), s, codecScope, codecKind, "a")
	require.NoError(t, err)
	require.Equal(t, boat{Name: "a"}, got)
	require.Equal(t, uint64(1), version)
}

func TestRecordsOfThisSchemaAndTheOneBeforeAreRead(t *testing.T) {
	tests := map[string]struct {
		data    string
		want    motorboat
		wantErr string
	}{
		"current":            {data: `{"v":3,"d":{"name":"a","power":9}}`, want: motorboat{Name: "a", Power: 9}},
		"the one before":     {data: `{"v":2,"d":{"name":"a"}}`, want: motorboat{Name: "a"}},
		"older than that":    {data: `{"v":1,"d":{"name":"a"}}`, wantErr: "boat/a: it has schema version 1"},
		"of a later program": {data: `{"v":4,"d":["unknown"]}`, wantErr: "boat/a: it has schema version 4"},
		"without a version":  {data: `{"name":"a"}`, wantErr: "boat/a: it has schema version 0"},
		"not JSON":           {data: `boat`, wantErr: "boat/a"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := campaign.Decode[motorboat](campaign.Record{Kind: codecKind, ID: "a", Data: []byte(tt.data)})
			if tt.wantErr != "" {
				require.ErrorContains(t, err, tt.wantErr)
				require.Equal(t, campaign.Internal, campaign.KindOf(err))
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
		})
	}
	rec, err := campaign.Put(codecKind, "a", 0, motorboat{})
	require.NoError(t, err)
	var stored struct{ V int }
	require.NoError(t, json.Unmarshal(rec.Data, &stored))
	require.Equal(t, 3, stored.V)
}

func TestLoadAllGoesThroughAllPages(t *testing.T) {
	s := openStore(t)
	const boats = 2*1000 + 1 // a page is 1,000
	for i := 0; i < boats; i += 500 {
		c := campaign.Change{Scope: codecScope}
		for n := i; n < min(i+500, boats); n++ {
			rec, err := campaign.Put(codecKind, fmt.Sprintf("%05d", n), 0, boat{Name: fmt.Sprint(n)})
			require.NoError(t, err)
			c.Records = append(c.Records, rec)
		}
		require.NoError(t, s.Apply(t.Context(), c))
	}
	n := 0
	for got, err := range campaign.LoadAll[boat](t.Context(), s, codecScope, codecKind) {
		require.NoError(t, err)
		require.Equal(t, campaign.Stored[boat]{ID: fmt.Sprintf("%05d", n), Version: 1, Value: boat{Name: fmt.Sprint(n)}}, got)
		n++
	}
	require.Equal(t, boats, n)

	for range campaign.LoadAll[boat](t.Context(), s, codecScope, codecKind) {
		break // a caller may stop early
	}
	n = 0
	for _, err := range campaign.LoadAll[motorboat](t.Context(), s, codecScope, codecKind) {
		require.Error(t, err)
		n++
	}
	require.Equal(t, 1, n, "it ends after the first error")
}

func TestUpdatesOfManyWritersAllLandWithWhatGoesWithThem(t *testing.T) {
	s := openStore(t)
	createBoat(t, s, "a")
	const writers = 20
	errs := make([]error, writers)
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			_, errs[i] = campaign.Update(t.Context(), s, codecScope, codecKind, "a", func(b *boat, c *campaign.Change) error {
				b.Crew = append(b.Crew, i)
				c.Count = append(c.Count, campaign.CounterDelta{Name: "crew", By: 1})
				c.Audit = append(c.Audit, campaign.AuditRecord{Action: "board"})
				return nil
			})
		})
	}
	wg.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	got, version, err := campaign.Load[boat](t.Context(), s, codecScope, codecKind, "a")
	require.NoError(t, err)
	require.Len(t, got.Crew, writers)
	require.Equal(t, uint64(writers+1), version)
	counters, err := s.Counters(t.Context(), codecScope, "")
	require.NoError(t, err)
	require.Equal(t, map[string]int64{"crew": writers}, counters)
	audit, err := s.Audit(t.Context(), codecScope, 0, 0)
	require.NoError(t, err)
	require.Len(t, audit, writers)
}

func TestUpdateThatIsRefusedStoresNothing(t *testing.T) {
	s := openStore(t)
	createBoat(t, s, "a")
	conflict := &campaign.Error{Kind: campaign.Conflict, Message: "The boat has left."}
	calls := 0
	_, err := campaign.Update(t.Context(), s, codecScope, codecKind, "a", func(b *boat, c *campaign.Change) error {
		calls++
		b.Name = "changed"
		return conflict
	})
	require.ErrorIs(t, err, error(conflict))
	require.Equal(t, 1, calls, "a refusal of the domain is not tried again")

	_, err = campaign.Update(t.Context(), s, codecScope, codecKind, "missing", func(*boat, *campaign.Change) error {
		return errors.New("called")
	})
	require.Equal(t, campaign.NotFound, campaign.KindOf(err))
	got, version, err := campaign.Load[boat](t.Context(), s, codecScope, codecKind, "a")
	require.NoError(t, err)
	require.Equal(t, boat{Name: "a"}, got)
	require.Equal(t, uint64(1), version)
}

func TestUpdateThatChangesNothingWritesNothing(t *testing.T) {
	s := openStore(t)
	createBoat(t, s, "a")
	same, err := campaign.Update(t.Context(), s, codecScope, codecKind, "a", func(*boat, *campaign.Change) error { return nil })
	require.NoError(t, err)
	require.Equal(t, boat{Name: "a"}, same)
	_, version, err := campaign.Load[boat](t.Context(), s, codecScope, codecKind, "a")
	require.NoError(t, err)
	require.Equal(t, uint64(1), version)
}

// overtaken is a store in which another writer is faster, once.
type overtaken struct {
	campaign.Store
	once sync.Once
	t    *testing.T
}

func (o *overtaken) Apply(ctx context.Context, c campaign.Change) error {
	o.once.Do(func() {
		_, err := campaign.Upsert(ctx, o.Store, codecScope, codecKind, "a", func(b *boat, _ *campaign.Change) error {
			b.Name = "theirs"
			return nil
		})
		require.NoError(o.t, err)
	})
	return o.Store.Apply(ctx, c)
}

func TestEditSeesAFreshValueWhenAnotherWriterWasFaster(t *testing.T) {
	s := &overtaken{Store: openStore(t), t: t}
	var seen []string
	got, err := campaign.Upsert(t.Context(), s, codecScope, codecKind, "a", func(b *boat, c *campaign.Change) error {
		seen = append(seen, b.Name)
		require.Equal(t, campaign.Change{Scope: codecScope}, *c)
		b.Name += "+mine"
		c.Count = append(c.Count, campaign.CounterDelta{Name: "n", By: 1})
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, []string{"", "theirs"}, seen)
	require.Equal(t, boat{Name: "theirs+mine"}, got)
	counters, err := s.Counters(t.Context(), codecScope, "")
	require.NoError(t, err)
	require.Equal(t, map[string]int64{"n": 1}, counters)
}

package bolt_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

// BenchmarkApply measures durable writes by 50 writers: one record, and one
// with the work that it asks for, none of which is done meanwhile.
func BenchmarkApply(b *testing.B) {
	data := make([]byte, 380)
	record := func(i int) campaign.Change {
		return campaign.Change{Scope: campaign.Sys, Records: []campaign.Record{{Kind: "inbox", ID: fmt.Sprintf("%012d", i), Data: data}}}
	}
	b.Run("record", func(b *testing.B) { benchmarkApply(b, record) })
	b.Run("record and work", func(b *testing.B) {
		benchmarkApply(b, func(i int) campaign.Change {
			c := record(i)
			c.Due = []campaign.DueEntry{{ID: c.Records[0].ID, Serial: "U" + strconv.Itoa(i%500), At: now}}
			return c
		})
	})
}

func benchmarkApply(b *testing.B, change func(i int) campaign.Change) {
	const writers = 50
	s := open(b, filepath.Join(b.TempDir(), "muster.db"))
	took := make([]time.Duration, b.N)
	var next atomic.Int64
	var wg sync.WaitGroup
	b.ResetTimer()
	for range writers {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < b.N; i = int(next.Add(1)) - 1 {
				began := time.Now()
				if err := s.Apply(b.Context(), change(i)); err != nil {
					b.Error(err)
					return
				}
				took[i] = time.Since(began)
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	slices.Sort(took)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "applies/s")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
}

// BenchmarkClaim measures claiming ten of 100,000 waiting entries and finishing
// them.
func BenchmarkClaim(b *testing.B) {
	s := open(b, filepath.Join(b.TempDir(), "muster.db"))
	for i := 0; i < 100_000; i += 1000 {
		c := campaign.Change{Scope: campaign.Scope(fmt.Sprintf("c%d", i/1000%20))}
		for n := range 1000 {
			c.Due = append(c.Due, campaign.DueEntry{ID: strconv.Itoa(i + n), Lane: campaign.Bulk, Serial: strconv.Itoa(n), At: now})
		}
		require.NoError(b, s.Apply(b.Context(), c))
	}
	for b.Loop() {
		got, err := s.Claim(b.Context(), campaign.ClaimRequest{Now: now, Lease: time.Hour, N: 10})
		require.NoError(b, err)
		require.Len(b, got.Entries, 10)
		for _, e := range got.Entries { // to the end of the queue, so that the next claim finds as many
			require.NoError(b, campaign.Retry(b.Context(), s, e, now))
		}
	}
}

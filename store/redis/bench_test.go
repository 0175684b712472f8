package redis_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/store/redis/redistest"
)

// BenchmarkApply measures writes of 50 writers, each synced to disk before it is
// answered: one record, and one with the work that it asks for.
func BenchmarkApply(b *testing.B) {
	server := redistest.New(b, redistest.Options{Fsync: "always"})
	data := make([]byte, 380)
	record := func(i int) campaign.Change {
		return campaign.Change{Scope: campaign.Sys, Records: []campaign.Record{{Kind: "inbox", ID: fmt.Sprintf("%012d", i), Data: data}}}
	}
	b.Run("record", func(b *testing.B) { benchmarkApply(b, server, record) })
	b.Run("record and work", func(b *testing.B) {
		benchmarkApply(b, server, func(i int) campaign.Change {
			c := record(i)
			c.Due = []campaign.DueEntry{{ID: c.Records[0].ID, Serial: "U" + strconv.Itoa(i%500), At: time.Now()}}
			return c
		})
	})
}

func benchmarkApply(b *testing.B, server *redistest.Server, change func(i int) campaign.Change) {
	const writers = 50
	s := open(b, fresh(server.URL()))
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

// BenchmarkBulk writes 100,000 tickets of 380 bytes with two index rows each, in
// changes of 300 tickets, beside the same as plain commands in pipelines of 1,000:
// a SET, a ZADD for the list and one for each row.
func BenchmarkBulk(b *testing.B) {
	const tickets, each = 100_000, 300
	server := redistest.New(b, redistest.Options{Fsync: "everysec"})
	client := goredis.NewClient(&goredis.Options{Addr: server.Addr()})
	b.Cleanup(func() { require.NoError(b, client.Close()) })
	data := bytes.Repeat([]byte("x"), 380)
	id := func(i int) string { return fmt.Sprintf("%016d", uint64(i)*7919%1e8) }
	team := func(i int) string { return fmt.Sprintf("core/team%03d", i%400) }
	for b.Loop() {
		empty := memory(b, server)
		raw := time.Now()
		for some := range slices.Chunk(numbers(tickets), 250) {
			_, err := client.Pipelined(b.Context(), func(p goredis.Pipeliner) error {
				for _, i := range some {
					rawTicket(b.Context(), p, id(i), team(i), data)
				}
				return nil
			})
			require.NoError(b, err)
		}
		floor, afterRaw := time.Since(raw), memory(b, server)
		s, began := open(b, fresh(server.URL())), time.Now()
		for some := range slices.Chunk(numbers(tickets), each) {
			c := campaign.Change{Scope: "log4j"}
			for _, i := range some {
				c.Records = append(c.Records, campaign.Record{Kind: "ticket", ID: id(i), Data: data})
				c.Index = append(c.Index, campaign.IndexEntry{Name: "team", Key: team(i), ID: id(i)}, campaign.IndexEntry{Name: "open", ID: id(i)})
			}
			c.Count = []campaign.CounterDelta{{Name: "open", By: int64(len(some))}}
			require.NoError(b, s.Apply(b.Context(), c))
		}
		took := time.Since(began)
		b.ReportMetric(took.Seconds()/floor.Seconds(), "times-raw")
		b.ReportMetric(took.Seconds(), "s/100k")
		b.ReportMetric(float64(memory(b, server)-afterRaw)/tickets, "B/ticket")
		b.ReportMetric(float64(afterRaw-empty)/tickets, "raw-B/ticket")
		b.StopTimer()
		require.NoError(b, client.Del(b.Context(), "raw:list", "raw:team", "raw:open").Err())
		b.StartTimer()
	}
}

func rawTicket(ctx context.Context, p goredis.Pipeliner, id, team string, data []byte) {
	p.Set(ctx, "raw:ticket:"+id, data, 0)
	p.ZAdd(ctx, "raw:list", goredis.Z{Member: id})
	p.ZAdd(ctx, "raw:team", goredis.Z{Member: team + "\x00\x01" + id})
	p.ZAdd(ctx, "raw:open", goredis.Z{Member: "\x00\x01" + id})
}

func numbers(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// memory is what the server's data takes, by its own account.
func memory(b *testing.B, server *redistest.Server) int {
	b.Helper()
	info, err := server.Do("INFO", "memory")
	require.NoError(b, err)
	for line := range strings.Lines(info) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), "used_memory:"); ok {
			n, err := strconv.Atoi(value)
			require.NoError(b, err)
			return n
		}
	}
	b.Fatal("no used_memory")
	return 0
}

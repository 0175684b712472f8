package bot_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/bot/fakeslack"
	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/configs/secret"
	"github.com/musterbot/muster/store/redis"
	"github.com/musterbot/muster/store/redis/redistest"
)

// BenchmarkSlashCommand is the durable acknowledgement of a signed slash
// command over the real HTTP path: a server on loopback, the signature check,
// the inbox on bolt or on a Redis that syncs each write, 200. It reports the
// requests a second of 50 connections and their latencies; also beside another
// replica that writes a fan-out's tickets and what becomes of each of them, and
// one command after the other beside that.
func BenchmarkSlashCommand(b *testing.B) {
	b.Run("bolt", func(b *testing.B) { benchmarkSlashCommand(b, openDoor(b), 50) })
	b.Run("redis", func(b *testing.B) {
		benchmarkSlashCommand(b, openDoorOn(b, openRedis(b, redistest.New(b, redistest.Options{Fsync: "always"}))), 50)
	})
	b.Run("redis beside a fan-out", func(b *testing.B) {
		server := redistest.New(b, redistest.Options{Fsync: "always"})
		d := openDoorOn(b, openRedis(b, server))
		fansOut(b, openRedis(b, server))
		benchmarkSlashCommand(b, d, 50)
	})
	b.Run("redis beside a fan-out, one at a time", func(b *testing.B) {
		server := redistest.New(b, redistest.Options{Fsync: "always"})
		d := openDoorOn(b, openRedis(b, server))
		fansOut(b, openRedis(b, server))
		benchmarkSlashCommand(b, d, 1)
	})
}

func openRedis(b *testing.B, server *redistest.Server) *redis.Store {
	b.Helper()
	store, err := redis.Open(b.Context(), server.URL(), redis.Options{})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, store.Close()) })
	return store
}

// fansOut writes tickets like a launch until the benchmark ends: four writers store
// tickets with their work, two hundred at a time, and eight settle them one by one.
func fansOut(b *testing.B, store *redis.Store) {
	b.Helper()
	ctx, stop := context.WithCancel(b.Context())
	var wg sync.WaitGroup
	data := bytes.Repeat([]byte("x"), 380)
	ticket := func(i int64, version uint64) campaign.Change {
		id := fmt.Sprintf("%016d", i)
		return campaign.Change{
			Scope:   "log4j",
			Records: []campaign.Record{{Kind: "ticket", ID: id, Version: version, Data: data}},
			Count:   []campaign.CounterDelta{{Name: "filed", By: 1}},
		}
	}
	planned := make(chan int64, 100_000)
	for writer := range int64(4) {
		wg.Go(func() {
			const each = 200
			for first := writer * 1e9; ctx.Err() == nil; first += each {
				change := campaign.Change{Scope: "log4j"}
				for i := first; i < first+each; i++ {
					one := ticket(i, 0)
					id := one.Records[0].ID
					change.Records = append(change.Records, one.Records...)
					change.Index = append(change.Index, campaign.IndexEntry{Name: "team", Key: fmt.Sprintf("team%03d", i%400), ID: id}, campaign.IndexEntry{Name: "open", ID: id})
					change.Due = append(change.Due, campaign.DueEntry{ID: "file/" + id, Lane: campaign.Bulk, At: time.Now().Add(time.Hour)})
				}
				if err := store.Apply(ctx, change); err != nil {
					if ctx.Err() == nil {
						b.Error(err)
					}
					return
				}
				for i := first; i < first+each; i++ {
					select {
					case planned <- i:
					case <-ctx.Done():
						return
					}
				}
			}
		})
	}
	var settled atomic.Int64
	for range 8 {
		wg.Go(func() {
			for {
				select {
				case i := <-planned:
					if err := store.Apply(ctx, ticket(i, 1)); err != nil {
						if ctx.Err() == nil {
							b.Error(err)
						}
						return
					}
					settled.Add(1)
				case <-ctx.Done():
					return
				}
			}
		})
	}
	b.Cleanup(func() {
		stop()
		wg.Wait()
		b.Logf("%d tickets settled", settled.Load())
	})
}

func benchmarkSlashCommand(b *testing.B, d door, connections int) {
	server := httptest.NewServer(d.Command(secret.New("s")))
	b.Cleanup(server.Close)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections, MaxConnsPerHost: connections}}
	b.Cleanup(client.CloseIdleConnections)

	var next atomic.Int64
	took := make([][]time.Duration, connections)
	var wg sync.WaitGroup
	b.ResetTimer()
	began := time.Now()
	for n := range connections {
		wg.Go(func() {
			for {
				i := next.Add(1)
				if i > int64(b.N) {
					return
				}
				body := fmt.Appendf(nil, "team_id=T1&user_id=U%d&channel_id=C1&command=%%2Fcampaign&text=status&response_url=https%%3A%%2F%%2Fhooks.slack.com%%2Fcommands%%2FT1%%2F1&trigger_id=%d.1", n, i)
				start := time.Now()
				if err := post(client, server.URL, body); err != nil {
					b.Error(err)
					return
				}
				took[n] = append(took[n], time.Since(start))
			}
		})
	}
	wg.Wait()
	elapsed := time.Since(began)
	b.StopTimer()

	all := slices.Sorted(slices.Values(slices.Concat(took...)))
	require.Len(b, all, b.N)
	b.ReportMetric(float64(b.N)/elapsed.Seconds(), "requests/s")
	b.ReportMetric(float64(all[len(all)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(all[len(all)*99/100].Microseconds())/1000, "p99-ms")
}

func post(client *http.Client, url string, body []byte) error {
	r, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	now := time.Now()
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("X-Slack-Request-Timestamp", seconds(now))
	r.Header.Set("X-Slack-Signature", fakeslack.Sign("s", now, body))
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("answered %s", answer.Status)
	}
	return nil
}

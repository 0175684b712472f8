package bot_test

import (
	"bytes"
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
	"github.com/musterbot/muster/configs/secret"
)

// BenchmarkSlashCommand is the durable acknowledgement of a signed slash
// command over the real HTTP path: a server on loopback, the signature check,
// the inbox on bolt, 200. It reports the requests a second of 50 connections
// and their latencies.
func BenchmarkSlashCommand(b *testing.B) {
	const connections = 50
	d := openDoor(b)
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

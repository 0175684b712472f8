package campaign_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

// countingStore counts how often somebody looks for what is missing.
type countingStore struct {
	campaign.Store

	looks *atomic.Int64
}

func (s countingStore) Scopes(ctx context.Context) ([]campaign.Scope, error) {
	s.looks.Add(1)
	return s.Store.Scopes(ctx)
}

// Three replicas look for what is missing when they start, and from then on as
// often as one alone would.
func TestReplicasShareTheHeartbeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		var looks atomic.Int64
		o := h.opts
		o.Store, o.Clock = countingStore{h.store, &looks}, campaign.RealClock{}
		o.Work.Heartbeat = 10 * time.Second
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 3)
		for range 3 {
			engine, err := campaign.New(o)
			require.NoError(t, err)
			go func() { done <- engine.Run(ctx) }()
			time.Sleep(time.Second)
		}
		synctest.Wait()
		require.EqualValues(t, 3, looks.Load(), "each at its start")
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		require.InDelta(t, 3+60, looks.Load(), 3)
		cancel()
		for range 3 {
			require.NoError(t, <-done)
		}
	})
}

package redis_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/store/redis/redistest"
	"github.com/musterbot/muster/store/storetest"
)

func TestLimiterContract(t *testing.T) {
	server := redistest.New(t, redistest.Options{})
	storetest.RunLimiter(t, func(t *testing.T) func() campaign.Limiter {
		address := fresh(server.URL())
		replicas := []campaign.Limiter{open(t, address).Limiter(1), open(t, address).Limiter(1), open(t, address).Limiter(1)}
		next := 0
		return func() campaign.Limiter {
			next++
			return replicas[next%len(replicas)]
		}
	})
}

// Without an answer nothing is let through.
func TestLimiterWithoutAServerIsUnavailable(t *testing.T) {
	server := redistest.New(t, redistest.Options{})
	limiter := open(t, fresh(server.URL())).Limiter(1)
	rates := []campaign.Rate{{Name: "m", PerMinute: 6000, Burst: 10}}
	wait, err := limiter.Take(t.Context(), rates, campaign.Bulk)
	require.NoError(t, err)
	require.Zero(t, wait)
	require.NoError(t, server.Stop())
	_, err = limiter.Take(t.Context(), rates, campaign.Bulk)
	require.Equal(t, campaign.Unavailable, campaign.KindOf(err))
	require.GreaterOrEqual(t, campaign.RetryAfter(err), time.Second)
}

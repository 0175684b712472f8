package pace_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/store/pace"
	"github.com/musterbot/muster/store/storetest"
)

func TestContract(t *testing.T) {
	storetest.RunLimiter(t, func(*testing.T) func() campaign.Limiter {
		l := pace.New(1)
		return func() campaign.Limiter { return l }
	})
}

func TestBulkWorkRecoversAfterPeopleUsedTheBurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limiter := pace.New(1)
		rates := []campaign.Rate{{Name: "m", PerMinute: 60, Burst: 12}}
		take := func(lane campaign.Lane) time.Duration {
			wait, err := limiter.Take(context.Background(), rates, lane)
			require.NoError(t, err)
			return wait
		}
		for range 12 {
			require.Zero(t, take(campaign.Interactive), "a fifth of a minute's calls is kept for people")
		}
		require.NotZero(t, take(campaign.Interactive))
		require.NotZero(t, take(campaign.Bulk))
		time.Sleep(12 * time.Second)
		require.Zero(t, take(campaign.Bulk))
	})
}

func TestAPacedFanOutKeepsItsRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limiter := pace.New(1)
		began := time.Now()
		for sent := 0; sent < 300; {
			wait, err := limiter.Take(context.Background(), []campaign.Rate{{Name: "m", PerMinute: 300, Burst: 15}}, campaign.Bulk)
			require.NoError(t, err)
			if wait == 0 {
				sent++
				continue
			}
			time.Sleep(wait + 50*time.Millisecond) // whoever is called comes a little late
		}
		require.InDelta(t, 60, time.Since(began).Seconds(), 3, "300 a minute take a minute")
	})
}

package storetest

import (
	"context"
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

// RunLimiter runs the contract of campaign.Limiter. open returns a limiter without
// a past, and another replica of it with each call of what it returned.
func RunLimiter(t *testing.T, open func(t *testing.T) (replica func() campaign.Limiter)) {
	tests := map[string]func(t *testing.T, replica func() campaign.Limiter){
		"ReplicasShareARate":           replicasShareARate,
		"BulkKeepsItsRate":             bulkKeepsItsRate,
		"AFifthIsKeptForPeople":        aFifthIsKeptForPeople,
		"SeveralRatesAreTakenOrNone":   severalRatesAreTakenOrNone,
		"RefusedBulkComesBackOneByOne": refusedBulkComesBackOneByOne,
		"SeveralCallsAreOneStep":       severalCallsAreOneStep,
		"HoldIsSeenByAllReplicas":      holdIsSeenByAllReplicas,
		"NamesAreApart":                namesAreApart,
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

// fast is a rate of a call each 10 ms.
func fast(name string, burst int) campaign.Rate {
	return campaign.Rate{Name: name, PerMinute: 6000, Burst: burst}
}

// slow is a rate that lets nothing more through while a test runs.
func slow(name string, burst int) campaign.Rate {
	return campaign.Rate{Name: name, PerMinute: 1, Burst: burst}
}

func take(t *testing.T, l campaign.Limiter, lane campaign.Lane, rates ...campaign.Rate) time.Duration {
	t.Helper()
	wait, err := l.Take(t.Context(), rates, lane)
	require.NoError(t, err)
	return wait
}

// sendFor lets several replicas call as fast as they may, and returns when each
// call passed.
func sendFor(t *testing.T, d time.Duration, lane campaign.Lane, replica func() campaign.Limiter, rates ...campaign.Rate) []time.Time {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	var (
		mu     sync.Mutex
		passed []time.Time
		wg     sync.WaitGroup
	)
	for range 3 {
		l := replica()
		wg.Go(func() {
			for ctx.Err() == nil {
				wait, err := l.Take(ctx, rates, lane)
				if err != nil {
					return // time is up
				}
				if wait == 0 {
					mu.Lock()
					passed = append(passed, time.Now())
					mu.Unlock()
				}
				select {
				case <-ctx.Done():
				case <-time.After(wait):
				}
			}
		})
	}
	wg.Wait()
	slices.SortFunc(passed, time.Time.Compare)
	return passed
}

// What takes several calls in one step gets all of them or none, and comes back at
// so much of the rate.
func severalCallsAreOneStep(t *testing.T, replica func() campaign.Limiter) {
	l := replica()
	pair := slow("m", 5)
	pair.Calls = 2
	require.Zero(t, take(t, l, campaign.Interactive, pair))
	require.Zero(t, take(t, l, campaign.Interactive, pair))
	require.NotZero(t, take(t, l, campaign.Interactive, pair), "one call is left, which is too few")
	require.Zero(t, take(t, l, campaign.Interactive, slow("m", 5)))

	pair = campaign.Rate{Name: "n", PerMinute: 60, Burst: 2, Calls: 2}
	require.Zero(t, take(t, l, campaign.Bulk, pair), "bulk work may always take what it needs at once")
	first := take(t, l, campaign.Bulk, pair)
	require.InDelta(t, 2, first.Seconds(), 0.5, "two calls at one a second")
	require.InDelta(t, 2, (take(t, l, campaign.Bulk, pair) - first).Seconds(), 0.5, "one after the other")
}

// within asserts that no stretch of time saw more calls than the rate and the
// burst allow. late forgives that a call is noted later than it was let through.
func within(t *testing.T, passed []time.Time, r campaign.Rate, lane campaign.Lane, late time.Duration) {
	t.Helper()
	for first := range passed {
		for last := first; last < len(passed); last += 7 {
			stretch := passed[last].Sub(passed[first]) + late
			most := r.AtOnce(lane) + float64(stretch)/float64(r.Interval())
			require.LessOrEqual(t, float64(last-first+1), math.Ceil(most), "calls %d to %d, in %s", first, last, stretch)
		}
	}
}

const (
	sendingFor = time.Second
	late       = 100 * time.Millisecond
)

func replicasShareARate(t *testing.T, replica func() campaign.Limiter) {
	rate := fast("shared", 10)
	within(t, sendFor(t, sendingFor, campaign.Interactive, replica, rate), rate, campaign.Interactive, late)
}

func bulkKeepsItsRate(t *testing.T, replica func() campaign.Limiter) {
	rate := fast("bulk", 20)
	passed := sendFor(t, sendingFor, campaign.Bulk, replica, rate)
	within(t, passed, rate, campaign.Bulk, late)
	require.Greater(t, len(passed), 50, "a steady stream of a hundred a second, on a machine that has other work")
}

func aFifthIsKeptForPeople(t *testing.T, replica func() campaign.Limiter) {
	rate := slow("kept", 20)
	bulk := 0
	for take(t, replica(), campaign.Bulk, rate) == 0 {
		bulk++
	}
	require.Equal(t, 4, bulk)
	for range 20 - bulk {
		require.Zero(t, take(t, replica(), campaign.Interactive, rate), "the rest of the burst is for people")
	}
	require.NotZero(t, take(t, replica(), campaign.Interactive, rate))
}

func severalRatesAreTakenOrNone(t *testing.T, replica func() campaign.Limiter) {
	all, one, other := slow("all", 3), slow("one", 1), slow("other", 5)
	require.Zero(t, take(t, replica(), campaign.Interactive, one, all))
	for range 5 {
		require.NotZero(t, take(t, replica(), campaign.Interactive, all, one), "one is used up, so nothing of all is taken")
		require.NotZero(t, take(t, replica(), campaign.Interactive, one, all))
	}
	require.Zero(t, take(t, replica(), campaign.Interactive, other, all))
	require.Zero(t, take(t, replica(), campaign.Interactive, other, all))
	for range 5 {
		require.NotZero(t, take(t, replica(), campaign.Interactive, other, all))
	}
	for range 3 {
		require.Zero(t, take(t, replica(), campaign.Interactive, other), "nothing of it was lost when all refused")
	}
	require.NotZero(t, take(t, replica(), campaign.Interactive, other))
}

func refusedBulkComesBackOneByOne(t *testing.T, replica func() campaign.Limiter) {
	rate := campaign.Rate{Name: "promised", PerMinute: 60, Burst: 1}
	require.Zero(t, take(t, replica(), campaign.Bulk, rate))
	for n := range 50 {
		require.InDelta(t, float64(n+1), take(t, replica(), campaign.Bulk, rate).Seconds(), 0.9)
	}
	rare := slow("rare", 1)
	require.Zero(t, take(t, replica(), campaign.Bulk, rare))
	for range 30 {
		require.LessOrEqual(t, take(t, replica(), campaign.Bulk, rare), campaign.MaxPromise)
	}
	require.Less(t, take(t, replica(), campaign.Interactive, rate), 2*time.Second, "a person does not stand in that line")
}

func holdIsSeenByAllReplicas(t *testing.T, replica func() campaign.Limiter) {
	rate, beside := fast("held", 10), fast("beside", 10)
	require.NoError(t, replica().Hold(t.Context(), rate.Name, time.Minute), "also before it was used")
	require.NoError(t, replica().Hold(t.Context(), rate.Name, time.Second), "a shorter one does not end it")
	for _, lane := range []campaign.Lane{campaign.Interactive, campaign.Bulk} {
		require.Greater(t, take(t, replica(), lane, rate), 50*time.Second)
		require.Greater(t, take(t, replica(), lane, beside, rate), 50*time.Second)
	}
	require.Zero(t, take(t, replica(), campaign.Interactive, beside))

	require.NoError(t, replica().Hold(t.Context(), "short", 50*time.Millisecond))
	wait := take(t, replica(), campaign.Interactive, fast("short", 1))
	require.NotZero(t, wait)
	time.Sleep(wait + time.Millisecond) // the server's own time passes
	require.Zero(t, take(t, replica(), campaign.Interactive, fast("short", 1)))
}

func namesAreApart(t *testing.T, replica func() campaign.Limiter) {
	for _, name := range []string{"a", "b", "a b", "chat.postMessage D1", "chat.postMessage D2"} {
		require.Zero(t, take(t, replica(), campaign.Bulk, slow(name, 1)), name)
		require.NotZero(t, take(t, replica(), campaign.Bulk, slow(name, 1)), name)
	}
}

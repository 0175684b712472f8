package redis_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/store/redis"
	"github.com/musterbot/muster/store/redis/redistest"
	"github.com/musterbot/muster/store/storetest"
)

const longest = 30 * time.Second

func count(name string) campaign.Change {
	return campaign.Change{Scope: "log4j", Count: []campaign.CounterDelta{{Name: name, By: 1}}}
}

func counted(t *testing.T, s campaign.Reader) map[string]int64 {
	t.Helper()
	out, err := s.Counters(t.Context(), "log4j", "")
	require.NoError(t, err)
	return out
}

// A change without records has nothing but its token to keep it from being
// counted twice.
func TestChangeWhoseAnswerIsLostIsCountedOnce(t *testing.T) {
	server := redistest.New(t, redistest.Options{})
	s := open(t, fresh(server.URL()))
	require.NoError(t, s.Apply(t.Context(), count("a")))
	require.NoError(t, server.Freeze())
	done := make(chan error, 1)
	go func() { done <- s.Apply(t.Context(), count("a")) }()
	// The change is in the server's socket; the answer comes after the time that
	// the client waits for it.
	time.AfterFunc(3500*time.Millisecond, func() { _ = server.Thaw() })
	require.NoError(t, <-done)
	require.Equal(t, map[string]int64{"a": 2}, counted(t, s))
}

func TestServerThatIsGoneIsUnavailableAndThenUncertain(t *testing.T) {
	server := redistest.New(t, redistest.Options{Fsync: "always"})
	s := open(t, fresh(server.URL()))
	require.NoError(t, s.Apply(t.Context(), count("a")))
	server.Kill()
	began := time.Now()
	require.Equal(t, campaign.Unavailable, campaign.KindOf(lastly(func() error { return s.Apply(t.Context(), count("b")) })))
	require.Less(t, time.Since(began), longest)
	_, err := s.Counters(t.Context(), "log4j", "")
	require.Equal(t, campaign.Unavailable, campaign.KindOf(err))

	require.NoError(t, server.Restart())
	require.NoError(t, s.Apply(t.Context(), count("a")))
	require.Equal(t, int64(2), counted(t, s)["a"], "it was durable")
}

// lastly repeats what may be Uncertain at first, on a connection that was open.
func lastly(do func() error) error {
	err := do()
	if campaign.KindOf(err) == campaign.Uncertain {
		err = do()
	}
	return err
}

func TestServerOutOfMemoryTakesNothing(t *testing.T) {
	server := redistest.New(t, redistest.Options{})
	s := open(t, fresh(server.URL()))
	require.NoError(t, s.Apply(t.Context(), count("a")))
	_, err := server.Do("CONFIG", "SET", "maxmemory", "1")
	require.NoError(t, err)
	c := count("a")
	c.Records = []campaign.Record{{Kind: "ticket", ID: "a", Data: []byte("x")}}
	err = s.Apply(t.Context(), c)
	require.Equal(t, campaign.Unavailable, campaign.KindOf(err))
	require.Contains(t, campaign.PublicMessage(err), "out of memory")
	require.Equal(t, map[string]int64{"a": 1}, counted(t, s))
	found, err := s.GetMany(t.Context(), "log4j", "ticket", []string{"a"})
	require.NoError(t, err)
	require.Empty(t, found)
}

func TestNewsOfAnotherProcessWake(t *testing.T) {
	server := redistest.New(t, redistest.Options{})
	address := fresh(server.URL())
	one, other := open(t, address), open(t, address)
	request := campaign.ClaimRequest{Now: time.Now(), Lease: time.Hour, N: 1}
	require.NoError(t, one.Apply(t.Context(), campaign.Change{Scope: "log4j", Due: []campaign.DueEntry{{ID: "a", At: time.Now().Add(-time.Hour)}}}))
	for until := time.Now().Add(longest); ; {
		ready := other.Ready()
		got, err := other.Claim(t.Context(), request)
		require.NoError(t, err)
		if len(got.Entries) == 1 {
			return
		}
		require.True(t, time.Now().Before(until), "it was not found")
		select {
		case <-ready:
		case <-time.After(time.Second): // polling is the fallback
		}
	}
}

func TestTLSIsVerified(t *testing.T) {
	certificates, err := redistest.NewCertificates(t.TempDir())
	require.NoError(t, err)
	server := redistest.New(t, redistest.Options{TLS: certificates})
	s := open(t, server.URL())
	require.NoError(t, s.Apply(t.Context(), count("a")))
	require.Equal(t, map[string]int64{"a": 1}, counted(t, s))

	_, err = redis.Open(t.Context(), "rediss://"+server.Addr(), redis.Options{OpenFor: time.Millisecond})
	require.ErrorContains(t, err, "certificate", "an authority that nobody knows")
}

func TestContractOnACluster(t *testing.T) {
	group, err := redistest.StartCluster()
	redistest.Need(t, err)
	t.Cleanup(func() { require.NoError(t, group.Close()) })
	storetest.Run(t, func(t *testing.T) campaign.Store { return open(t, fresh(group.URL())) })
}

func TestSentinelFailover(t *testing.T) {
	group, err := redistest.StartSentinel()
	redistest.Need(t, err)
	t.Cleanup(func() { require.NoError(t, group.Close()) })
	storetest.Run(t, func(t *testing.T) campaign.Store { return open(t, fresh(group.URL())) })

	s := open(t, fresh(group.URL()))
	before := s.Epoch()
	require.NotEmpty(t, before)
	require.NoError(t, s.Apply(t.Context(), count("before")))
	group.Servers[0].Kill()
	for until, i := time.Now().Add(longest), 0; ; i++ {
		err := s.Apply(t.Context(), count(fmt.Sprint(i)))
		if err == nil {
			require.Equal(t, int64(1), counted(t, s)[fmt.Sprint(i)])
			break
		}
		kind := campaign.KindOf(err)
		require.True(t, kind == campaign.Unavailable || kind == campaign.Uncertain, "%v", err)
		require.True(t, time.Now().Before(until), "%v", err)
	}
	require.NotEqual(t, before, s.Epoch(), "another server, which may lack the last moments")
}

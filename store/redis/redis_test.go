package redis_test

import (
	"fmt"
	"os"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/store/redis"
	"github.com/musterbot/muster/store/redis/redistest"
	"github.com/musterbot/muster/store/storetest"
)

var stores atomic.Int64

// fresh returns an address with a prefix of its own, which makes the store
// there an empty one.
func fresh(url string) string {
	return fmt.Sprintf("%sprefix=test-%d-%d:", url+separator(url), os.Getpid(), stores.Add(1))
}

func separator(url string) string {
	for _, r := range url {
		if r == '?' {
			return "&"
		}
	}
	return "?"
}

func open(t testing.TB, address string) *redis.Store {
	t.Helper()
	s, err := redis.Open(t.Context(), address, redis.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func TestContract(t *testing.T) {
	server := redistest.New(t, redistest.Options{})
	storetest.Run(t, func(t *testing.T) campaign.Store { return open(t, fresh(server.URL())) })
}

package main

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/bot/fakeslack"
	"github.com/musterbot/muster/store/redis"
	"github.com/musterbot/muster/store/redis/redistest"
)

// TestRollingRestart stops and starts three replicas one after the other, twice, in
// the middle of a launch, while people type and press all the time. Nothing of it
// may be refused, lost or carried out twice.
func TestRollingRestart(t *testing.T) {
	if testing.Short() {
		t.Skip("restarts processes for half a minute")
	}
	server := redistest.New(t, redistest.Options{Fsync: "always"})
	c := newCity(t, cityPlan{
		seed: seedOf(t, chaosSeedVar), teams: 30, services: 300, unknown: 24, store: server.URL(), factor: 60, lasts: 2 * time.Minute,
		work: "lease: 2s, uncertain_wait: 1500ms, poll: 50ms, heartbeat: 400ms, coalesce: 300ms, workers: 8",
	})
	for i := range replicas {
		c.launches(i)
	}
	c.waits("every replica is connected", func() bool { return c.ws.Sockets() >= replicas })
	c.imports()
	c.preparesCampaign()
	c.asks(c.cara, "launch all")
	c.agrees(c.dora)
	sent := func() int { return c.ws.CallCount("chat.postMessage") }
	began := sent()
	people := c.peopleAtWork()
	c.waits("messages go out", func() bool { return sent() > began })
	typed := func() int {
		return len(c.ws.Deliveries("slash_commands", "")) + len(c.ws.Deliveries("interactive", ""))
	}
	for i := 0; i < 2*replicas || !c.heardPeople(time.Time{}); i++ {
		before := typed()
		c.stops(i % replicas)
		c.launches(i % replicas)
		c.waits("the replica is back, and people went on", func() bool {
			return c.ws.Sockets() >= replicas && typed() > before+10
		})
	}
	people()
	c.resumes()
	c.settles(time.Minute)
	c.stopsAll()

	told := slices.Concat(c.ws.Deliveries("slash_commands", ""), c.ws.Deliveries("interactive", ""))
	refused := slices.DeleteFunc(slices.Clone(told), func(d fakeslack.Delivery) bool { return d.Acked })
	require.Empty(t, refused, "of %d", len(told))
	crossed := slices.DeleteFunc(told, func(d fakeslack.Delivery) bool { return len(d.Attempts) < 2 })
	t.Logf("%d crossed a goodbye", len(crossed))

	store, err := redis.Open(c.ctx, c.store, redis.Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, store.Close()) }()
	filed, err := builtinTickets(c.ctx, store)
	require.NoError(t, err)
	c.auditsStore(store, filed, lostTime{})
}

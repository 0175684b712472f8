package main

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/bot/fakeslack"
)

// The size of the kill test. MUSTER_KILL_SEED repeats a run's choices; the
// machine's own timing stays its own.
const (
	killSeedVar  = "MUSTER_KILL_SEED"
	killTeams    = 26
	killServices = 208 // affected, so as many tickets
	killUnknown  = 24  // without a scan
)

// moment is where a process is killed.
type moment string

const (
	atRandom      moment = "at random"
	earlyOn       moment = "while tickets are filed"
	whileStarting moment = "while it starts"
	onPost        moment = "between a post and its record"
	onAnswer      moment = "between an answer and its record"
	onEdit        moment = "between an edit and its record"
	onLookUp      moment = "while it looks up a post"
	onAck         moment = "between an acknowledgement and the work"
)

// killsAt is how often each moment is tried, beside the first few kills.
var killsAt = map[moment]int{atRandom: 7, whileStarting: 3, onPost: 9, onAck: 6, onAnswer: 4, onEdit: 2, onLookUp: 3}

// struckMethod is the call after whose effect the process is killed.
var struckMethod = map[moment]string{
	onPost: "chat.postMessage", onAnswer: "response_url", onEdit: "chat.update", onLookUp: "conversations.history",
}

// killCity is a city with one Muster that is killed at chosen moments.
type killCity struct {
	*city
	hits map[moment]int
}

// TestNothingIsLostOrDoubled kills the real program over and over while a
// campaign is launched and people work, and then compares the plan, the store and
// what the workspace has seen.
func TestNothingIsLostOrDoubled(t *testing.T) {
	if testing.Short() {
		t.Skip("kills a process for a minute")
	}
	seed := seedOf(t, killSeedVar)
	c := killCity{city: newCity(t, cityPlan{
		seed: seed, teams: killTeams, services: killServices, unknown: killUnknown, factor: 20, lasts: 3 * time.Minute,
		work: "lease: 2s, uncertain_wait: 700ms, poll: 50ms, heartbeat: 400ms, coalesce: 300ms, workers: 8",
	}), hits: map[moment]int{}}

	c.starts(0)
	c.imports()
	c.preparesCampaign()
	c.slackFails()
	c.asks(c.cara, "launch all")
	c.agrees(c.dora)

	people := c.peopleAtWork()
	dealt := c.moments()
	for _, m := range dealt {
		c.kill(m)
		c.starts(0)
	}
	people()
	t.Logf("faults on the way: %v", c.ws.Mixed())
	c.ws.ClearFaults()
	c.resumes()
	c.settles(time.Minute)
	c.stopsAll()
	t.Logf("killed %d times: %v", len(dealt), c.hits)
	require.GreaterOrEqual(t, len(dealt), 30)
	require.GreaterOrEqual(t, c.hits[onPost], 4, "too few kills between a post and its record")
	require.GreaterOrEqual(t, c.hits[onAck], 4, "too few kills between an acknowledgement and the work")
	c.audits()
}

// dies kills the program, and waits until nothing of it is left.
func (c killCity) dies() {
	c.t.Helper()
	c.kills(0)
	c.waits("its connections end", func() bool { return c.ws.Sockets() == 0 })
}

// moments deals the kills: each kind as often as killsAt says, in an order of the
// seed, but first those that strike while the tickets are filed.
func (c killCity) moments() []moment {
	var deck []moment
	for _, m := range []moment{atRandom, whileStarting, onPost, onAck, onAnswer, onEdit, onLookUp} {
		deck = append(deck, slices.Repeat([]moment{m}, killsAt[m])...)
	}
	c.rng.Shuffle(len(deck), func(i, j int) { deck[i], deck[j] = deck[j], deck[i] })
	return append([]moment{earlyOn, earlyOn, whileStarting, earlyOn}, deck...)
}

// momentFor is how long the killer waits for a moment to come.
const momentFor = 1500 * time.Millisecond

func (c killCity) kill(m moment) {
	c.t.Helper()
	switch m {
	case atRandom:
		c.naps(time.Duration(c.rng.IntN(1500)) * time.Millisecond)
	case earlyOn:
		c.naps(time.Duration(c.rng.IntN(150)) * time.Millisecond)
	case whileStarting:
		c.dies()
		c.launches(0)
		c.naps(time.Duration(c.rng.IntN(250)) * time.Millisecond)
	case onAck:
		acked := false
		for n := 0; n < 4 && !acked; n++ { // one may get lost
			acked = c.cara.Runs("/campaign "+c.floorCommand("killer"), "command").OK()
		}
		if !acked {
			m = atRandom
		}
	default:
		if !c.strikes(struckMethod[m]) {
			m = atRandom
		}
	}
	c.dies()
	c.hits[m]++
}

// strikes waits until a call has taken effect whose answer is withheld. It is
// false when none came in time.
func (c killCity) strikes(method string) bool {
	order := c.ws.Inject(fakeslack.Fault{Do: fakeslack.TimedOut, Method: method, After: c.rng.IntN(2)})
	defer order.Cancel()
	withheld := func() int {
		n := 0
		for _, call := range c.ws.Calls(method) {
			if call.Fault == fakeslack.TimedOut {
				n++
			}
		}
		return n
	}
	before := withheld()
	ctx, cancel := context.WithTimeout(c.ctx, momentFor)
	defer cancel()
	return c.ws.WaitFor(ctx, func() bool { return order.Fired() > 0 && withheld() > before }) == nil
}

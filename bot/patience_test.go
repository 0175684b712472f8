package bot_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/bot/fakeslack"
)

// hurries moves the clock on until a command is answered, so that nobody sleeps
// through the waits between the tries.
func (h *house) hurries(p *fakeslack.Person, text string) fakeslack.Message {
	h.t.Helper()
	before := len(p.Ephemerals("command"))
	require.True(h.t, p.Runs("/campaign "+text, "command").OK())
	require.Eventually(h.t, func() bool {
		h.clock.advance(10 * time.Second)
		return len(p.Ephemerals("command")) > before
	}, 20*time.Second, 100*time.Millisecond)
	return p.Ephemerals("command")[before]
}

// troubles lets something go wrong with whatever tells who Mei is.
func (h *house) troubles(f fakeslack.Fault) {
	f.Match = func(c fakeslack.Call) bool {
		return c.Method == "users.list" || c.Method == "users.info" && c.Args["user"] == h.mei.ID
	}
	h.Inject(f)
}

func TestWhoWaitsForSlacksPaceIsAnsweredInTheEnd(t *testing.T) {
	h := openHouse(t)
	h.answer(h.cara, `new "log4j RCE" for log4j-core`)
	h.answer(h.cara, "track mitigate due in 2 days instructions 1. Remove the class.")
	h.troubles(fakeslack.Fault{Do: fakeslack.RateLimited, RetryAfter: time.Second, Times: 2})
	said := h.hurries(h.cara, "dryrun mitigate @mei @tom")
	require.NotContains(t, said.Words(), "Slack")
	require.Contains(t, said.Words(), h.mei.ID)
}

func TestWhoIsGivenUpOnIsToldToRepeatIt(t *testing.T) {
	h := openHouse(t)
	h.answer(h.cara, `new "log4j RCE" for log4j-core`)
	h.answer(h.cara, "track mitigate due in 2 days instructions 1. Remove the class.")
	h.troubles(fakeslack.Fault{Do: fakeslack.ServerError, Times: -1})
	said := h.hurries(h.cara, "dryrun mitigate @mei @tom")
	require.Contains(t, said.Words(), "is not tried again by itself: please repeat it")
	h.ClearFaults()
	said = h.hurries(h.cara, "dryrun mitigate @mei @tom")
	require.Contains(t, said.Words(), h.mei.ID)
}

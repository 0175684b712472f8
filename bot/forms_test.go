package bot_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/bot/fakeslack"
)

func TestAFormThatIsEmptyIsNotTaken(t *testing.T) {
	h := openHouse(t)
	seen := h.cara.Runs("/campaign new", "command")
	require.True(t, seen.OK(), seen.Text())
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	form, err := h.cara.WaitsForModal(ctx, func(v fakeslack.View) bool { return v.CallbackID == "campaign.new" })
	require.NoError(t, err)

	filled, err := h.cara.Fills(*form, fakeslack.Fill{"title": "log4j RCE", "zone": "Atlantis"})
	require.NoError(t, err)
	refused := h.cara.Submits(*filled)
	require.Contains(t, refused.Errors, "zone")

	filled, err = h.cara.Fills(*form, fakeslack.Fill{"zone": "Europe/Dublin"})
	require.NoError(t, err)
	before := len(h.cara.Ephemerals("command"))
	require.True(t, h.cara.Submits(*filled).OK())
	require.Contains(t, h.next(h.cara, before).Words(), "log4j RCE", "the answer comes where the command was typed")
}

func TestAnExpiredTriggerLeavesAButton(t *testing.T) {
	h := openHouse(t)
	h.Inject(fakeslack.Fault{Do: fakeslack.Refused, Method: "views.open", Error: "expired_trigger_id"})
	offered := h.answer(h.cara, "new")
	require.Contains(t, offered.Words(), "could not be opened in time")

	seen := h.cara.Presses("Open the form", offered)
	require.True(t, seen.OK(), seen.Text())
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	_, err := h.cara.WaitsForModal(ctx, func(v fakeslack.View) bool { return v.CallbackID == "campaign.new" })
	require.NoError(t, err)
}

// One replica receives a command and opens its form, another one works it.
func TestAFormThatAnotherReplicaOpensIsNotOfferedAgain(t *testing.T) {
	h := openQuietHouse(t)
	h.engine.Handle("inbox/", h.replica().Work)
	h.work()
	before := len(h.cara.Ephemerals("command"))
	require.True(t, h.cara.Runs("/campaign new", "command").OK())
	require.True(t, h.cara.Runs("/campaign list", "command").OK())
	h.waitsFor("the answer to what was typed next", func() bool { return len(h.cara.Ephemerals("command")) > before })
	require.NotContains(t, h.cara.Ephemerals("command")[before].Words(), "could not be opened")
	require.NotNil(t, h.cara.Modal())

	h.Inject(fakeslack.Fault{Do: fakeslack.Refused, Method: "views.open", Error: "expired_trigger_id"})
	require.Contains(t, h.answer(h.cara, "new").Words(), "could not be opened in time")
}

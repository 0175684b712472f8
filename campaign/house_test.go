package campaign_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

// TestHouseBehaves keeps the fakes honest: what they promise is what the real
// outside does, or the tests that lean on them prove nothing.
func TestHouseBehaves(t *testing.T) {
	post := campaign.Post{Key: "k1", To: ann.User(), Message: campaign.Message{Text: "hello"}}

	t.Run("a refused post leaves nothing", func(t *testing.T) {
		h := newHouse(t)
		h.slack.fail(campaign.Unavailable, 1)
		_, err := h.slack.Post(t.Context(), post)
		require.Equal(t, campaign.Unavailable, campaign.KindOf(err))
		require.Empty(t, h.slack.said(ann.User()))
	})
	t.Run("a timed-out post is found by its key", func(t *testing.T) {
		h := newHouse(t)
		h.slack.timeOut(1)
		_, err := h.slack.Post(t.Context(), post)
		require.Equal(t, campaign.Uncertain, campaign.KindOf(err))
		ref, err := h.slack.Find(t.Context(), ann.User(), "", "k1", monday)
		require.NoError(t, err)
		require.NoError(t, h.slack.Edit(t.Context(), ref, campaign.Message{Text: "edited"}))
		require.Equal(t, "edited", h.slack.said(ann.User())[0].Message.Text)
	})
	t.Run("filing under one key files once", func(t *testing.T) {
		h := newHouse(t)
		h.tracker.timeOut(1)
		_, err := h.tracker.Ensure(t.Context(), "k1", campaign.TicketDraft{Title: "one"})
		require.Equal(t, campaign.Uncertain, campaign.KindOf(err))
		ref, err := h.tracker.Ensure(t.Context(), "k1", campaign.TicketDraft{Title: "one"})
		require.NoError(t, err)
		require.NoError(t, h.tracker.Comment(t.Context(), ref, "c1", "moved"))
		require.NoError(t, h.tracker.Comment(t.Context(), ref, "c1", "moved"))
		require.Len(t, h.tracker.filed(), 1)
		require.Len(t, h.tracker.filed()["k1"].Comments, 1)
	})
	t.Run("the clock waits until it is moved", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			clock, woke := newTestClock(monday), false
			go func() { woke = clock.Wait(t.Context(), time.Hour) == nil }()
			synctest.Wait()
			clock.advance(59 * time.Minute)
			synctest.Wait()
			require.False(t, woke)
			clock.advance(time.Minute)
			synctest.Wait()
			require.True(t, woke)
		})
	})
}

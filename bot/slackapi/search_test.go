package slackapi_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/bot/fakeslack"
	"github.com/musterbot/muster/bot/slackapi"
	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/store/pace"
)

// corporation has many channels, three on a page, and a client that keeps to
// Slack's pace at fifty times its speed.
func corporation(t *testing.T, channels int) house {
	h := workspace(t, fakeslack.Options{MaxListed: 3}, func(o *slackapi.Options) { o.Limiter = pace.New(50) })
	for n := range channels {
		h.slack.AddChannel(fmt.Sprintf("team-%03d", n), h.mei)
	}
	return h
}

// patiently does something again while it is told to come back.
func patiently(t *testing.T, do func() error) error {
	t.Helper()
	for until := time.Now().Add(20 * time.Second); ; {
		err := do()
		if campaign.KindOf(err) != campaign.Unavailable || time.Now().After(until) {
			return err
		}
		time.Sleep(campaign.RetryAfter(err))
	}
}

func TestAllChannelsAreFoundInOneListing(t *testing.T) {
	h := corporation(t, 60) // 21 pages, five times the burst
	last := h.slack.AddChannel("leads", h.mei)

	s := h.Search("team-001", "#leads", "nowhere", last)
	require.NoError(t, patiently(t, func() error { return s.Run(t.Context()) }))
	require.Equal(t, 21, h.slack.CallCount("conversations.list"), "each page is read once")
	for name, want := range map[string]string{"team-001": "team-001", "#leads": "leads", last: "leads"} {
		ref, err := s.Channel(t.Context(), name)
		require.NoError(t, err)
		require.Equal(t, want, ref.Name)
	}
	_, err := s.Channel(t.Context(), "nowhere")
	require.Equal(t, campaign.NotFound, campaign.KindOf(err))

	again := h.Search("team-001", "leads")
	require.NoError(t, again.Run(t.Context()), "where Muster is by now, one page says")
	require.Equal(t, 21, h.slack.CallCount("conversations.list"))
}

func TestAChannelIsFoundBehindPagesOfArchivedOnes(t *testing.T) {
	h := corporation(t, 0)
	for n := range 12 {
		name := fmt.Sprintf("old-%d", n)
		h.slack.AddChannel(name, h.mei)
		require.NoError(t, h.mei.Archives(name))
	}
	h.slack.AddChannel("leads", h.mei)
	s := h.Search("leads", "old-3")
	require.NoError(t, patiently(t, func() error { return s.Run(t.Context()) }))
	ref, err := s.Channel(t.Context(), "leads")
	require.NoError(t, err)
	require.NotEmpty(t, ref.ID)
	_, err = s.Channel(t.Context(), "old-3")
	require.Equal(t, campaign.NotFound, campaign.KindOf(err))
	require.Contains(t, campaign.PublicMessage(err), "archived")
}

func TestASearchThatTakesTooLongIsStopped(t *testing.T) {
	h := corporation(t, 60)
	s := h.Search("team-001", "team-059")
	require.Equal(t, campaign.Unavailable, campaign.KindOf(s.Run(t.Context())), "the pace stops it")
	s.Stop()
	calls := h.slack.CallCount("conversations.list")
	require.NoError(t, s.Run(t.Context()))
	require.Equal(t, calls, h.slack.CallCount("conversations.list"))
	_, err := s.Channel(t.Context(), "team-001")
	require.NoError(t, err, "what it has found is kept")
	_, err = s.Channel(t.Context(), "team-059")
	require.Equal(t, campaign.NotFound, campaign.KindOf(err))
}

func TestNobodyWaitsForTheSearchOfAnother(t *testing.T) {
	h := corporation(t, 1)
	h.slack.Inject(fakeslack.Fault{Do: fakeslack.Slow, Delay: time.Second, Method: "conversations.list"})
	s := h.Search("team-000", "nowhere")
	first := make(chan error, 1)
	go func() { first <- s.Run(t.Context()) }()
	require.Eventually(t, func() bool { return h.slack.CallCount("users.conversations") == 1 }, 5*time.Second, time.Millisecond)

	began := time.Now()
	err := s.Run(t.Context())
	require.Equal(t, campaign.Unavailable, campaign.KindOf(err))
	require.Positive(t, campaign.RetryAfter(err))
	_, err = s.Channel(t.Context(), "nowhere")
	require.Equal(t, campaign.Unavailable, campaign.KindOf(err), "it may still be found")
	require.Less(t, time.Since(began), 500*time.Millisecond)

	require.NoError(t, <-first)
	_, err = s.Channel(t.Context(), "team-000")
	require.NoError(t, err)
	_, err = s.Channel(t.Context(), "nowhere")
	require.Equal(t, campaign.NotFound, campaign.KindOf(err))
}

func TestASearchEndsWithWhoeverWantsIt(t *testing.T) {
	h := corporation(t, 1)
	s := h.Search("team-000")
	ctx, stop := context.WithCancel(t.Context())
	stop()
	err := s.Run(ctx)
	require.Equal(t, campaign.Unavailable, campaign.KindOf(err))
	require.Positive(t, campaign.RetryAfter(err))
	require.NoError(t, s.Run(t.Context()), "the next one goes on")
	_, err = s.Channel(t.Context(), "team-000")
	require.NoError(t, err)
}

func TestTheIDOfAChannelNeedsNoListing(t *testing.T) {
	h := corporation(t, 0)
	open, closed := h.slack.AddChannel("ops", h.mei), h.slack.AddPrivateChannel("embargo", h.mei)
	gone := h.slack.AddChannel("gone", h.mei)
	require.NoError(t, h.mei.Archives("gone"))

	ref, err := h.Channel(t.Context(), open)
	require.NoError(t, err)
	require.Equal(t, campaign.ChannelRef{ID: open, Name: "ops"}, ref)
	_, err = h.Channel(t.Context(), closed)
	require.Equal(t, campaign.NotFound, campaign.KindOf(err))
	ref, err = h.Channel(t.Context(), gone)
	require.Equal(t, campaign.Forbidden, campaign.KindOf(err))
	require.Equal(t, gone, ref.ID, "it is known, and can be unarchived")
	require.Zero(t, h.slack.CallCount("conversations.list"))

	for _, code := range []string{"unknown_method", "missing_scope"} {
		h.slack.Inject(fakeslack.Fault{Do: fakeslack.Refused, Error: code, Method: "conversations.info"})
		ref, err = h.Channel(t.Context(), open)
		require.NoError(t, err, code)
		require.Equal(t, open, ref.ID)
	}
}

func TestAListThatSlackDoesNotHaveIsLeftOut(t *testing.T) {
	h := corporation(t, 0)
	h.slack.AddChannel("ops", h.mei)
	h.slack.Inject(fakeslack.Fault{Do: fakeslack.Refused, Error: "unknown_method", Method: "users.conversations"})
	_, err := h.Channel(t.Context(), "ops")
	require.NoError(t, err)
}

func TestACursorThatGrewOldBeginsAnew(t *testing.T) {
	h := corporation(t, 7)
	h.slack.Inject(fakeslack.Fault{Do: fakeslack.Refused, Error: "invalid_cursor", Method: "conversations.list", After: 1})
	s := h.Search("team-006")
	require.NoError(t, patiently(t, func() error { return s.Run(t.Context()) }))
	_, err := s.Channel(t.Context(), "team-006")
	require.NoError(t, err)
}

func TestANameThatOthersTookIsLookedForOnce(t *testing.T) {
	h := corporation(t, 30)
	var ref campaign.ChannelRef
	tries := 0
	err := patiently(t, func() (err error) {
		tries++
		ref, err = h.EnsureChannel(t.Context(), "team-029", false)
		return err
	})
	require.NoError(t, err)
	require.Equal(t, "team-029-2", ref.Name)
	require.Greater(t, tries, 3)
	require.LessOrEqual(t, h.slack.CallCount("conversations.list"), 11, "a try goes on where the last one was stopped")
	require.Equal(t, 2, h.slack.CallCount("conversations.create"))
}

func TestOurOwnChannelIsFoundAmongFew(t *testing.T) {
	h := corporation(t, 30)
	h.slack.Inject(fakeslack.Fault{Do: fakeslack.LostAnswer, Method: "conversations.create"})
	_, err := h.EnsureChannel(t.Context(), "help-log4shell", true)
	require.Equal(t, campaign.Uncertain, campaign.KindOf(err), errors.Unwrap(err))
	ref, err := h.EnsureChannel(t.Context(), "help-log4shell", true)
	require.NoError(t, err)
	require.Equal(t, "help-log4shell", ref.Name)
	require.Zero(t, h.slack.CallCount("conversations.list"))
}

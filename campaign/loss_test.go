package campaign_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/store/bolt"
)

// lossy is a house whose store may forget: it can be put back to an earlier
// moment, as a server that lost its last second is.
type lossy struct {
	*house
	run     int // of the store's server
	tracker *slowSearch
}

func newLossy(t *testing.T) *lossy {
	l := &lossy{run: 1}
	l.house = newHouse(t, func(o *campaign.Options) {
		o.Epoch = func() string { return fmt.Sprint("run ", l.run) }
	})
	l.tracker = &slowSearch{fakeTracker: l.house.tracker, clock: l.clock, filedAt: map[string][]time.Time{}}
	l.opts.Tracker = l.tracker
	l.starts()
	return l
}

// starts makes an engine of its own, as another process does.
func (l *lossy) starts() {
	l.t.Helper()
	var err error
	l.opts.Store = l.store
	l.engine, err = campaign.New(l.opts)
	require.NoError(l.t, err)
	require.NoError(l.t, l.engine.Heartbeat(l.t.Context()))
}

// keeps returns a copy of all that is stored.
func (l *lossy) keeps() string {
	l.t.Helper()
	require.NoError(l.t, l.store.Close())
	data, err := os.ReadFile(l.path)
	require.NoError(l.t, err)
	kept := filepath.Join(l.t.TempDir(), "kept.db")
	require.NoError(l.t, os.WriteFile(kept, data, 0o600))
	l.opens(l.path)
	return kept
}

// loses stops everything and starts it again on what was kept earlier.
func (l *lossy) loses(kept string) {
	l.t.Helper()
	require.NoError(l.t, l.store.Close())
	l.opens(kept)
	l.run++
	l.starts()
}

func (l *lossy) opens(path string) {
	l.t.Helper()
	store, err := bolt.Open(path, bolt.Options{})
	require.NoError(l.t, err)
	l.path, l.store, l.opts.Store = path, store, store
	l.engine, err = campaign.New(l.opts)
	require.NoError(l.t, err)
}

// slowSearch is a tracker whose search shows a ticket a minute late, so that who
// files at once files twice.
type slowSearch struct {
	*fakeTracker
	clock   *testClock
	filedAt map[string][]time.Time
}

func (s *slowSearch) Ensure(ctx context.Context, key string, d campaign.TicketDraft) (campaign.TicketRef, error) {
	now := s.clock.Now()
	if filed := s.filedAt[key]; len(filed) == 0 || now.Sub(filed[0]) < time.Minute {
		s.filedAt[key] = append(filed, now)
	}
	return s.fakeTracker.Ensure(ctx, key, d)
}

// sentOnce asserts that every ticket was filed once and every message with a key
// posted once, and that the campaign knows all of them.
func (l *lossy) sentOnce(id string) {
	l.t.Helper()
	require.Len(l.t, l.tracker.filedAt, 3)
	for key, at := range l.tracker.filedAt {
		require.Len(l.t, at, 1, "ticket %s", key)
		require.NotEmpty(l.t, stored[campaign.Ticket](l.house, id, campaign.KindTicket, key).Ref.ID)
	}
	keys := map[string]int{}
	for _, m := range l.slack.messages {
		keys[m.Key]++
		require.Equal(l.t, 1, keys[m.Key], "message %s: %s", m.Key, m.Message.Text)
	}
	for _, e := range all[campaign.Effect](l.house, id, campaign.KindEffect) {
		require.Equal(l.t, campaign.EffectDone, e.Status, "%s about %s: %s", e.Kind, e.Subject, e.LastError)
	}
}

// settles lets the waits pass after which all is looked up and sent.
func (l *lossy) settles() {
	l.t.Helper()
	for range 3 {
		l.settle()
		require.NoError(l.t, l.engine.Heartbeat(l.t.Context()))
	}
}

func TestALostSecondSendsNothingTwice(t *testing.T) {
	// When the store's last moment is; all that follows was sent and forgotten.
	tests := map[string]func(l *lossy, id string) (kept string){
		"before anything was launched": func(l *lossy, id string) string {
			l.launchesOnly(id, campaign.SliceAll)
			return l.keeps()
		},
		"while tickets are filed": func(l *lossy, id string) string {
			l.launchesOnly(id, campaign.SliceAll)
			_, err := l.engine.DrainUntil(l.t.Context(), func(campaign.Claimed) bool { return len(l.tracker.filedAt) == 2 })
			require.NoError(l.t, err)
			return l.keeps()
		},
		"before the last messages": func(l *lossy, id string) string {
			l.launchesOnly(id, campaign.SliceAll)
			_, err := l.engine.DrainUntil(l.t.Context(), func(campaign.Claimed) bool { return len(l.firsts(ann)) == 1 })
			require.NoError(l.t, err)
			return l.keeps()
		},
	}
	for name, until := range tests {
		t.Run(name, func(t *testing.T) {
			l := newLossy(t)
			l.estate()
			id := l.ready()
			l.settles()
			kept := until(l, id)
			l.drain()
			l.clock.advance(time.Second)

			l.loses(kept)
			l.drain()
			l.settles()
			l.sentOnce(id)
		})
	}
}

// A wave that was paused when the store lost its last second goes on much later;
// its message had gone out.
func TestALostSecondIsRememberedByAWaveThatWasPaused(t *testing.T) {
	t.Parallel()
	l := newLossy(t)
	l.estate()
	id := l.ready()
	l.settles()
	l.launchesOnly(id, campaign.SliceAll)
	kept := l.keeps()
	l.drain()

	l.loses(kept)
	_, err := l.engine.Pause(t.Context(), l.by(cara), id)
	require.NoError(t, err)
	for range 20 {
		l.settles()
	}
	_, err = l.engine.Resume(t.Context(), l.by(cara), id)
	require.NoError(t, err)
	l.settles()
	l.sentOnce(id)
}

// What somebody typed was carried out in the lost second, and waits in the inbox
// again, behind what takes its time.
func TestALostSecondIsRememberedByACommandThatWaits(t *testing.T) {
	l := newLossy(t)
	l.estate()
	id := l.ready()
	l.settles()
	kept := l.keeps()
	typed := l.by(cara)
	typed.At = l.clock.Now()
	asks := func() {
		_, err := l.engine.SendAsk(t.Context(), typed, id, ben, "waive the freeze", time.Time{})
		require.NoError(t, err)
		l.settles()
	}
	asks()
	require.Len(t, l.slack.said(ben.User()), 1)

	l.loses(kept)
	l.settles()
	l.clock.advance(time.Hour)
	asks()
	require.Len(t, l.slack.said(ben.User()), 1)
}

func TestALossIsToldOnceAndNothingElseIs(t *testing.T) {
	l := newLossy(t)
	l.settles()
	require.Empty(t, l.slack.said(commandChannel))
	last := l.clock.Now()
	kept := l.keeps()
	l.clock.advance(time.Minute)

	l.loses(kept)
	at := l.clock.Now()
	l.drain()
	said := l.slack.said(commandChannel)
	require.Len(t, said, 1, "it does not wait")
	require.Contains(t, said[0].Message.Text, "may have lost")
	require.Contains(t, said[0].Message.Text, at.Format("15:04:05"))
	require.Contains(t, said[0].Message.Text, last.Format("15:04"))
	l.starts() // another replica, and later ones
	l.settles()
	l.starts()
	l.settles()
	require.Len(t, l.slack.said(commandChannel), 1)
}

// A store that loses nothing is not doubted, whatever was restarted.
func TestNothingWaitsWhereNothingCanBeLost(t *testing.T) {
	h := newHouse(t)
	h.estate()
	id := h.ready()
	h.launch(id, campaign.SliceAll)
	require.Len(t, h.tracker.filed(), 3)
	require.NoError(t, h.engine.Heartbeat(t.Context()))
	_, err := h.store.Get(t.Context(), campaign.Sys, campaign.KindRun, "self")
	require.Equal(t, campaign.NotFound, campaign.KindOf(err))
}

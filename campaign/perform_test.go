package campaign_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

// firstTo returns the effect that posts a contact's first message.
func (h *house) firstTo(id string, p campaign.Person) campaign.Effect {
	h.t.Helper()
	effects := all[campaign.Effect](h, id, campaign.KindEffect)
	i := slices.IndexFunc(effects, func(e campaign.Effect) bool {
		return e.Kind == campaign.EffectFirstMessage && e.Subject == "contact/"+string(p)
	})
	require.GreaterOrEqual(h.t, i, 0, "no first message to %s is planned", p)
	return effects[i]
}

// diesOver lets the process die while it carries out the first message to a
// person, and returns that effect.
func (h *house) diesOver(id string, p campaign.Person) campaign.Effect {
	h.t.Helper()
	died, err := h.engine.DrainUntil(h.t.Context(), func(c campaign.Claimed) bool {
		return slices.ContainsFunc(all[campaign.Effect](h, id, campaign.KindEffect), func(e campaign.Effect) bool {
			return c.ID == "effect/"+e.ID && e.Kind == campaign.EffectFirstMessage && e.Subject == "contact/"+string(p)
		})
	})
	require.NoError(h.t, err)
	require.True(h.t, died, "the first message was never claimed")
	return h.firstTo(id, p)
}

// lands is what a process that died had sent, arriving.
func (h *house) lands(e campaign.Effect, to campaign.Person) {
	h.t.Helper()
	_, err := h.slack.Post(h.t.Context(), campaign.Post{Key: e.ID, To: to.User(), Message: campaign.Message{Text: "first_message"}})
	require.NoError(h.t, err)
}

func (h *house) withKey(key string) int {
	n := 0
	for _, m := range h.slack.messages {
		if m.Key == key {
			n++
		}
	}
	return n
}

func (h *house) launchesOnly(id, slice string) {
	h.t.Helper()
	_, err := h.engine.Launch(h.t.Context(), h.by(cara), id, slice)
	require.NoError(h.t, err)
}

// The process dies over a post that took place, and the campaign is paused before
// anybody looks: the pause must not make it forget.
func TestAPauseDoesNotForgetThatAPostMayHaveTakenPlace(t *testing.T) {
	h := newHouse(t)
	h.estate()
	id := h.ready()
	h.launchesOnly(id, campaign.SliceExposed)
	e := h.diesOver(id, ann)
	h.lands(e, ann)

	_, err := h.engine.Pause(t.Context(), h.by(cara), id)
	require.NoError(t, err)
	h.settle()
	_, err = h.engine.Resume(t.Context(), h.by(cara), id)
	require.NoError(t, err)
	h.settle()
	require.Equal(t, 1, h.withKey(e.ID))
	require.Equal(t, campaign.EffectDone, h.firstTo(id, ann).Status)
}

// A process dies over the same post twice; what the second one sent arrives after
// the third one is there.
func TestEachDeathStartsTheWaitAnew(t *testing.T) {
	h := newHouse(t)
	h.estate()
	id := h.ready()
	h.launchesOnly(id, campaign.SliceExposed)
	h.diesOver(id, ann)
	h.drain()
	h.clock.advance(3 * time.Minute)
	e := h.diesOver(id, ann) // after it looked and found nothing
	h.drain()
	require.Zero(t, h.withKey(e.ID), "it may still be on its way, so nobody posts it again yet")
	h.lands(e, ann)
	h.settle()
	h.settle()
	require.Equal(t, 1, h.withKey(e.ID))
	require.Equal(t, campaign.EffectDone, h.firstTo(id, ann).Status)
}

// Given up after attempts of which nobody knows what they did, and revived by a
// person: it is looked for before it is sent again.
func TestAReviveLooksFirst(t *testing.T) {
	h := newHouse(t)
	h.estate()
	id := h.ready()
	h.launchesOnly(id, campaign.SliceExposed)
	h.diesOver(id, ann)
	h.slack.add(fault{kind: campaign.Uncertain}, 100)
	for range 200 {
		if h.settle(); h.firstTo(id, ann).Status == campaign.EffectDead {
			break
		}
	}
	e := h.firstTo(id, ann)
	require.Equal(t, campaign.EffectDead, e.Status)
	h.slack.clear()
	h.lands(e, ann)
	_, err := h.engine.Revive(t.Context(), h.by(cara), id, e.ID)
	require.NoError(t, err)
	h.settle()
	require.Equal(t, 1, h.withKey(e.ID))
	require.Equal(t, campaign.EffectDone, h.firstTo(id, ann).Status)
}

// What changes before a message is there is shown as soon as it is.
func TestALateMessageShowsTheNewestNumbers(t *testing.T) {
	h := newHouse(t)
	h.estate()
	id := h.ready()
	h.launchesOnly(id, campaign.SliceExposed)
	e := h.diesOver(id, ann)
	for _, task := range all[campaign.Task](h, id, campaign.KindTask) {
		if task.Contact == string(ann) {
			_, err := h.engine.OnIt(t.Context(), h.by(cara), id, campaign.TaskSet{Tasks: []string{task.ID}})
			require.NoError(t, err)
		}
	}
	h.drain()
	h.clock.advance(time.Minute)
	h.drain()
	require.Zero(t, h.withKey(e.ID))
	h.settle()
	require.Equal(t, 1, h.withKey(e.ID))
	require.Contains(t, h.firsts(ann)[0].Message.Text, "progress")
}

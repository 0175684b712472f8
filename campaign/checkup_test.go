package campaign_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

func TestACheckupFindsWhatShouldNotBe(t *testing.T) {
	effect := func(id string, status campaign.EffectStatus, at time.Time) campaign.Effect {
		return campaign.Effect{ID: id, Kind: campaign.EffectMessage, Status: status, CreatedAt: at, LastError: "channel_not_found"}
	}
	tests := map[string]struct {
		meddle func(h *house, id string)
		want   string
	}{
		"nothing": {func(*house, string) {}, ""},
		"a counter that drifted": {func(h *house, id string) {
			require.NoError(h.t, h.store.Apply(h.t.Context(), campaign.Change{Scope: campaign.Scope(id), Count: []campaign.CounterDelta{{Name: "reopened", By: 1}}}))
		}, "counter reopened says 1, the records say 0"},
		"a dead letter": {func(h *house, id string) {
			h.put(id, campaign.KindEffect, "e1", effect("e1", campaign.EffectDead, h.clock.Now()))
		}, "dead letters: 1"},
		"an effect that nothing leads to": {func(h *house, id string) {
			h.put(id, campaign.KindEffect, "e1", effect("e1", campaign.EffectPending, h.clock.Now()))
		}, "effects without a due entry: 1"},
		"an effect that waits": {func(h *house, id string) {
			h.put(id, campaign.KindEffect, "e1", effect("e1", campaign.EffectUncertain, h.clock.Now().Add(-time.Hour)))
		}, "waited for more than 10m0s: 1"},
		"a log that nobody seals": {func(h *house, id string) {
			require.NoError(h.t, h.engine.MoveTask(h.t.Context(), h.by(ann), id, "checkout.fix", campaign.TaskClaimed))
			h.clock.advance(time.Minute)
		}, "not sealed since record 13"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			h, id := running(t)
			h.clock.advance(time.Second)
			h.workNumbers()
			tt.meddle(h, id)
			found, err := campaign.CheckScope(t.Context(), h.store, campaign.Scope(id), h.clock.Now())
			require.NoError(t, err)
			require.Equal(t, tt.want == "", found.OK(), found.Bad)
			if tt.want != "" {
				require.Contains(t, found.Bad[0], tt.want)
			}
		})
	}
}

func TestACheckupKnowsWhatIsHeldBack(t *testing.T) {
	early := monday.Add(-8 * time.Hour)
	message := func(change func(*campaign.Effect)) campaign.Effect {
		e := campaign.Effect{ID: "e1", Kind: campaign.EffectFirstMessage, Status: campaign.EffectPending, CreatedAt: early, Payload: []byte(`{"to":"UANN","after":["t1"]}`)}
		change(&e)
		return e
	}
	ticket := campaign.Effect{ID: "e2", Kind: campaign.EffectTicket, Subject: "t1", Status: campaign.EffectPending, CreatedAt: early, NotBefore: monday}
	tests := map[string]struct {
		effects []campaign.Effect
		want    string
	}{
		"until its reader's morning": {[]campaign.Effect{message(func(e *campaign.Effect) { e.NotBefore = monday.Add(time.Hour) })}, ""},
		"a moment after the morning": {[]campaign.Effect{message(func(e *campaign.Effect) { e.NotBefore = monday })}, ""},
		"long after the morning": {
			[]campaign.Effect{message(func(e *campaign.Effect) { e.NotBefore = early.Add(time.Hour) })},
			"effects that have waited for more than 10m0s: 1; is the service running",
		},
		"until its ticket is filed": {[]campaign.Effect{message(func(e *campaign.Effect) { e.Waits = true }), ticket}, ""},
		"its ticket is filed": {
			[]campaign.Effect{message(func(e *campaign.Effect) { e.Waits = true })},
			"effects that have waited for more than 10m0s: 1; is",
		},
		"tried again just now": {[]campaign.Effect{message(func(e *campaign.Effect) { e.RevivedAt = monday })}, ""},
		"with a reason": {
			[]campaign.Effect{message(func(e *campaign.Effect) { e.LastError = "ratelimited" })},
			`effects that have waited for more than 10m0s: 1 (["ratelimited"]); is`,
		},
		"given up without words": {[]campaign.Effect{message(func(e *campaign.Effect) { e.Status = campaign.EffectDead })}, "dead letters: 1; each"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			h, id := running(t)
			h.clock.advance(time.Second)
			h.workNumbers()
			for _, e := range tt.effects {
				h.put(id, campaign.KindEffect, e.ID, e)
				require.NoError(t, h.store.Apply(t.Context(), campaign.Change{Scope: campaign.Scope(id), Index: []campaign.IndexEntry{{Name: "effect_open", ID: e.ID}}}))
			}
			found, err := campaign.CheckScope(t.Context(), h.store, campaign.Scope(id), h.clock.Now())
			require.NoError(t, err)
			require.Equal(t, tt.want == "", found.OK(), found.Bad)
			if tt.want != "" {
				require.Contains(t, found.Bad[0], tt.want)
			}
		})
	}
}

func TestTheLogNamesPeopleUntilTheyAreForgotten(t *testing.T) {
	h, id := running(t)
	r := h.by(ann)
	r.Reason = "patched by <!here>"
	require.NoError(t, h.engine.MoveTask(t.Context(), r, id, "checkout.fix", campaign.TaskClaimed))
	m, err := h.engine.AuditTail(t.Context(), id, 1)
	require.NoError(t, err)
	require.Contains(t, m.Text, "the last 1 record of 13")
	require.Contains(t, m.Text, "<@UANN> · task.move `task/checkout.fix` open → claimed: patched by &lt;!here&gt;")
	m, err = h.engine.AuditTail(t.Context(), id, 1_000)
	require.NoError(t, err)
	require.Contains(t, m.Text, "the last 13 records of 13")

	records, err := h.store.List(t.Context(), campaign.Scope(id), campaign.KindNote, "", 0)
	require.NoError(t, err)
	records[0].Data = nil
	require.NoError(t, h.store.Apply(t.Context(), campaign.Change{Scope: campaign.Scope(id), Records: records[:1]}))
	m, err = h.engine.AuditTail(t.Context(), id, 1)
	require.NoError(t, err)
	require.Contains(t, m.Text, "the reason was deleted")
}

package campaign_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

// heavyEstate is an estate in which Ben is asked for all: one team owns heavy
// services, and each of the other teams owns each services. All run log4j-core.
func (h *house) heavyEstate(heavy, teams, each int) {
	h.t.Helper()
	catalog := campaign.Catalog{Services: map[string]campaign.Service{}, Units: map[string]campaign.Unit{}, Members: map[string]campaign.Member{}}
	catalog.Members["user:default/ben"] = campaign.Member{Ref: "user:default/ben", Name: "ben", Email: "ben@example.com"}
	var services []string
	own := func(team string, n int) {
		ref := "group:default/" + team
		catalog.Units[ref] = campaign.Unit{Ref: ref, Name: team, Members: []string{"user:default/ben"}}
		for i := range n {
			s := campaign.Service{Ref: fmt.Sprintf("component:default/%s-%d", team, i), Name: fmt.Sprintf("%s-%d", team, i), Owner: ref, Exposure: campaign.Exposed}
			catalog.Services[s.Ref] = s
			services = append(services, s.Name)
		}
	}
	own("heavy", heavy)
	for i := range teams {
		own(fmt.Sprintf("team-%d", i), each)
	}
	_, err := h.engine.ImportCatalog(h.t.Context(), h.by(cara), catalog)
	require.NoError(h.t, err)
	h.scan(log4jCore, services...)
}

func TestTicketsWithVeryManyTasksAreFiled(t *testing.T) {
	t.Parallel()
	const heavy, teams, each = campaign.MaxChangeRecords + 100, 30, 30
	h := newHouse(t, func(o *campaign.Options) { o.Brakes.SecondPersonAbove = teams + 1 })
	h.heavyEstate(heavy, teams, each)
	byTeam := campaign.ByTeam
	id := h.readyWith(func(id string) {
		_, err := h.engine.Edit(t.Context(), h.by(cara), id, campaign.CampaignEdit{Grouping: &byTeam})
		require.NoError(t, err)
	})
	h.launch(id, campaign.SliceAll)
	h.settle()

	waves := all[campaign.Wave](h, id, campaign.KindWave)
	require.Len(t, waves, 1)
	require.Equal(t, campaign.WaveFiled, waves[0].Status)
	require.Equal(t, teams+1, waves[0].Filed)
	require.Len(t, h.tracker.filed(), teams+1)
	require.Len(t, h.firsts(ben), 1)
	tasks := all[campaign.Task](h, id, campaign.KindTask)
	require.Len(t, tasks, heavy+teams*each)
	for _, task := range tasks {
		require.NotEmpty(t, task.Ticket, task.Name)
		require.Equal(t, string(ben), task.Contact, task.Name)
	}
}

// asked returns the hold that the command channel was asked about.
func (h *house) asked() string {
	h.t.Helper()
	for _, p := range h.slack.said(commandChannel) {
		if strings.HasPrefix(p.Message.Text, "second_person") {
			return strings.Split(press(h.t, p.Message, "request.decide"), "|")[1]
		}
	}
	require.Fail(h.t, "nobody was asked")
	return ""
}

func TestASecondPersonAgreesToOnePlanOnly(t *testing.T) {
	for name, test := range map[string]struct {
		meanwhile func(h *house, id string)
		words     string
	}{
		"another plan was approved": {func(h *house, id string) {
			_, err := h.engine.SetTrack(t.Context(), h.by(cara), id, campaign.TrackEdit{Name: "mitigate", Due: h.clock.Now().Add(20 * time.Hour)})
			require.NoError(h.t, err)
			_, err = h.engine.Freeze(t.Context(), h.by(cara), id)
			require.NoError(h.t, err)
		}, "Another plan"},
		"the helpers left": {func(h *house, _ string) { h.roles.members[campaign.Helper] = nil }, "Missing"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, func(o *campaign.Options) { o.Brakes.SecondPersonAbove = 2 })
			h.estate()
			id := h.ready()
			h.launch(id, campaign.SliceAll)
			test.meanwhile(h, id)
			_, err := h.engine.Decide(t.Context(), h.by(devi), id, h.asked(), true)
			words := refused(t, err, campaign.Conflict)
			require.Contains(t, words, test.words)
			require.Contains(t, words, "Nothing was sent")
			h.settle()
			require.Empty(t, h.tracker.filed())
		})
	}
}

func TestNothingIsFrozenWhileAWaveIsFiled(t *testing.T) {
	h := newHouse(t)
	h.estate()
	id := h.ready()
	before := h.campaign(id).Plan
	_, err := h.engine.Launch(t.Context(), h.by(cara), id, campaign.SliceAll)
	require.NoError(t, err)
	_, err = h.engine.Freeze(t.Context(), h.by(cara), id)
	require.Contains(t, refused(t, err, campaign.Conflict), "still being filed")
	require.Equal(t, before, h.campaign(id).Plan)
	h.settle()
	_, err = h.engine.Freeze(t.Context(), h.by(cara), id)
	require.NoError(t, err)
}

// meddlingRenderer does something once while a plan is drawn.
type meddlingRenderer struct {
	plainRenderer
	meddle *func()
}

func (r meddlingRenderer) Render(texts map[string]string, name string, data any) (string, error) {
	if do := *r.meddle; do != nil {
		*r.meddle = nil
		do()
	}
	return r.plainRenderer.Render(texts, name, data)
}

func TestAPlanWhoseTextChangedWhileItWasDrawnIsNotFrozen(t *testing.T) {
	var meddle func()
	h := newHouse(t, func(o *campaign.Options) { o.Renderer = meddlingRenderer{meddle: &meddle} })
	h.estate()
	id := h.ready()
	meddle = func() {
		require.NoError(t, h.engine.Revise(t.Context(), h.by(cara), id, "mitigate", "1. Turn it off."))
	}
	_, err := h.engine.Freeze(t.Context(), h.by(cara), id)
	require.Contains(t, refused(t, err, campaign.Conflict), "Nothing was frozen")
	require.Empty(t, h.campaign(id).Plan, "the approval fell with the new text")
}

func TestEnrollingFitsIntoOneStepForAnyNumberOfTracks(t *testing.T) {
	for tracks := range 100 {
		fresh, known := campaign.EnrolBatch(tracks, false), campaign.EnrolBatch(tracks, true)
		require.Positive(t, known)
		require.Less(t, fresh*(1+2*tracks), campaign.MaxChangeRecords)
		require.Less(t, known*(1+4*tracks), campaign.MaxChangeRecords)
	}
}

func TestTheHeartbeatLeavesAMessageThatWaitsForItsTicket(t *testing.T) {
	h := newHouse(t)
	h.estate()
	id := h.ready()
	h.tracker.fail(campaign.Unavailable, 1)
	h.launch(id, campaign.SliceExposed)
	due := func() bool {
		h.clock.advance(2 * time.Hour)
		require.NoError(t, h.engine.Heartbeat(t.Context()))
		h.clock.advance(2 * time.Hour)
		claims, err := h.store.Claim(t.Context(), campaign.ClaimRequest{Now: h.clock.Now(), Lease: time.Nanosecond, N: 100})
		require.NoError(t, err)
		for _, e := range all[campaign.Effect](h, id, campaign.KindEffect) {
			for _, c := range claims.Entries {
				if e.Waits && c.ID == "effect/"+e.ID {
					return true
				}
			}
		}
		return false
	}
	require.False(t, due())
	tickets := all[campaign.Ticket](h, id, campaign.KindTicket)
	require.Len(t, tickets, 1)
	tickets[0].Ref = campaign.TicketRef{ID: "T-1"}
	h.put(id, campaign.KindTicket, tickets[0].ID, tickets[0])
	require.True(t, due(), "its ticket is there, and its due entry was lost")
}

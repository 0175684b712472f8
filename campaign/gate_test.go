package campaign_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

// company is an estate of two divisions under one top: shop has the teams of Ann
// and Ben, bank that of Eve. Each team owns n services that are not exposed, and
// Ann's has checkout, which is; ledger of Eve's has four findings.
func (h *house) company(n int) {
	h.t.Helper()
	catalog := campaign.Catalog{Services: map[string]campaign.Service{}, Units: map[string]campaign.Unit{}, Members: map[string]campaign.Member{}}
	unit := func(name, parent string, members ...string) {
		u := campaign.Unit{Ref: "group:default/" + name, Name: name, Members: members}
		if parent != "" {
			u.Parent = "group:default/" + parent
		}
		catalog.Units[u.Ref] = u
	}
	unit("top", "")
	unit("Shop", "top")
	unit("Bank", "top")
	var services []string
	own := func(team, name string, e campaign.Exposure, tier string) {
		s := campaign.Service{Ref: "component:default/" + name, Name: name, Owner: "group:default/" + team, Exposure: e, Tier: tier}
		catalog.Services[s.Ref] = s
		services = append(services, name)
	}
	for team, division := range map[string]string{"ann": "Shop", "ben": "Shop", "eve": "Bank"} {
		ref := "user:default/" + team
		catalog.Members[ref] = campaign.Member{Ref: ref, Name: team, Email: team + "@example.com"}
		unit(team, division, ref)
		for i := range n {
			own(team, fmt.Sprintf("%s-%d", team, i), campaign.NotExposed, "3")
		}
	}
	own("ann", "checkout", campaign.Exposed, "1")
	own("eve", "ledger", campaign.NotExposed, "1")
	_, err := h.engine.ImportCatalog(h.t.Context(), h.by(cara), catalog)
	require.NoError(h.t, err)
	h.scan(log4jCore, services...)
	_, err = h.engine.ImportScans(h.t.Context(), h.by(cara), func(yield func(campaign.Scan, *campaign.Refusal) bool) {
		s := campaign.Scan{Asset: "ledger", Source: "other", At: h.clock.Now()}
		for i := range 3 {
			s.Components = append(s.Components, campaign.Component{PURL: log4jCore, Path: fmt.Sprintf("lib/%d.jar", i)})
		}
		yield(s, nil)
	})
	require.NoError(h.t, err)
}

// rolled returns a campaign whose plan is frozen with these waves.
func (h *house) rolled(r campaign.Rollout) string {
	h.t.Helper()
	return h.readyWith(func(id string) {
		c := h.campaign(id)
		c.Rollout = r
		h.put(id, campaign.KindCampaign, "self", c)
	})
}

// out returns the names of what was filed per wave, by their first word.
func (h *house) waves(id string) map[string]campaign.Wave {
	h.t.Helper()
	found := map[string]campaign.Wave{}
	for _, w := range all[campaign.Wave](h, id, campaign.KindWave) {
		if w.Plan == h.campaign(id).Plan {
			found[w.Slice] = w
		}
	}
	return found
}

// claims lets a person say that these targets are done.
func (h *house) claims(p campaign.Person, id string, names ...string) {
	h.t.Helper()
	var set campaign.TaskSet
	for _, name := range names {
		set.Tasks = append(set.Tasks, h.taskNamed(id, name).ID)
	}
	_, err := h.engine.Claim(h.t.Context(), h.by(p), id, set, campaign.Claim{Method: campaign.MethodClassRemoved})
	require.NoError(h.t, err)
}

// elapse lets time pass in steps, working what falls due.
func (h *house) elapse(d time.Duration) {
	h.t.Helper()
	for step := 30 * time.Second; d > 0; d -= step {
		h.drain()
		h.clock.advance(min(step, d))
	}
	h.drain()
}

func TestThePilotIsPickedByItsRule(t *testing.T) {
	h := newHouse(t)
	h.company(3)
	id := h.rolled(campaign.Rollout{Pilot: campaign.Pilot{Rule: true}})
	m, err := h.engine.PlanMessage(t.Context(), id)
	require.NoError(t, err)
	require.Contains(t, m.Text, `"name":"ann-0"`)
	require.Contains(t, m.Text, `easy: 1 finding in one place, tier 3, ann is awake`)
	require.Contains(t, m.Text, `"name":"ben-0"`, "the second easy one is of another contact")
	require.Contains(t, m.Text, `"name":"ledger","team":"eve","why":"one of the hardest: 4 findings in 4 places, tier 1`)

	h.launch(id, campaign.SlicePilot)
	h.settle()
	require.Len(t, h.tracker.filed(), 3)
	require.Equal(t, campaign.WaveFiled, h.waves(id)["pilot"].Status)
	require.Equal(t, campaign.WavePlanned, h.waves(id)["exposed"].Status)
}

func TestThePilotIsChangedByName(t *testing.T) {
	h := newHouse(t)
	h.company(3)
	id := h.ready()
	_, err := h.engine.SetPilot(t.Context(), h.by(cara), id, campaign.Pilot{Names: []string{"nothing-like-it"}})
	require.Contains(t, refused(t, err, campaign.NotFound), "nothing-like-it")
	m, err := h.engine.SetPilot(t.Context(), h.by(cara), id, campaign.Pilot{Names: []string{"Checkout", "eve-1"}})
	require.NoError(t, err)
	require.Contains(t, m.Text, "/campaign approve", "what is approved stays as it was")
	before := h.campaign(id).Plan
	_, err = h.engine.Freeze(t.Context(), h.by(cara), id)
	require.NoError(t, err)
	require.NotEqual(t, before, h.campaign(id).Plan, "the waves are part of what is approved")
	require.Equal(t, 2, h.waves(id)["pilot"].Tickets)
	require.NotContains(t, h.waves(id), "exposed", "the only exposed one is in the pilot: a target is in one wave")
}

func TestEveryTicketIsInOneWave(t *testing.T) {
	for name, test := range map[string]struct {
		rollout campaign.Rollout
		want    []string
	}{
		"as ever":         {campaign.Rollout{}, []string{"exposed", "rest"}},
		"by organisation": {campaign.Rollout{Split: campaign.SplitOrganisation}, []string{"exposed", "bank", "shop"}},
		"by share":        {campaign.Rollout{Split: campaign.SplitShare, Shares: []int{10, 30, 60}}, []string{"exposed", "rest-1", "rest-2", "rest-3"}},
		"with a pilot":    {campaign.Rollout{Pilot: campaign.Pilot{Rule: true}, Split: campaign.SplitOrganisation}, []string{"pilot", "exposed", "bank", "shop"}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.company(5)
			id := h.rolled(test.rollout)
			plan := stored[campaign.Plan](h, id, campaign.KindPlan, h.campaign(id).Plan)
			var names []string
			tickets := 0
			for _, s := range plan.Slices {
				names, tickets = append(names, s.Name), tickets+s.Tickets
			}
			require.Equal(t, test.want, names)
			require.Equal(t, 17, tickets)

			h.launch(id, campaign.SliceAll)
			h.elapse(3 * time.Hour) // nobody asks anything
			require.Len(t, h.tracker.filed(), 17)
			for _, p := range []campaign.Person{ann, ben, eve} {
				require.Len(t, h.firsts(p), 1, "%s gets one first message, and then what asks for more", p)
			}
			left, err := h.engine.Outstanding(t.Context(), id)
			require.NoError(t, err)
			require.Zero(t, left)
		})
	}
}

func TestAGateOpensByClaims(t *testing.T) {
	h := newHouse(t)
	h.company(3)
	id := h.rolled(campaign.Rollout{Pilot: campaign.Pilot{Names: []string{"ann-0", "ben-0"}}, Gate: campaign.Gate{Mode: campaign.GateSet, Claimed: 2}})
	h.launch(id, campaign.SliceAll)
	h.elapse(2 * time.Hour)
	require.Len(t, h.tracker.filed(), 2, "only claims open this gate")
	h.claims(ann, id, "ann-0")
	h.elapse(2 * time.Minute)
	require.Len(t, h.tracker.filed(), 2)
	h.claims(ben, id, "ben-0")
	h.elapse(2 * time.Minute)
	require.Len(t, h.tracker.filed(), 3, "the exposed slice, and no further")
	require.Contains(t, h.audited(id), "gate.open")
	require.Equal(t, "2 of 2 tasks of the pilot are claimed", h.waves(id)["exposed"].Opened)
}

func TestAGateOpensWhenNobodyAsks(t *testing.T) {
	h := newHouse(t)
	h.company(3)
	id := h.rolled(campaign.Rollout{Pilot: campaign.Pilot{Names: []string{"ann-0"}}})
	h.launch(id, campaign.SliceAll)
	h.elapse(20 * time.Minute)
	require.NoError(t, h.engine.AskQuestion(t.Context(), h.by(ann), campaign.QuestionAsked{Channel: h.campaign(id).HelpRef.ID, TS: "1.1", Text: "Which jar?"}))
	h.elapse(20 * time.Minute)
	require.Len(t, h.tracker.filed(), 1, "a question asked in between starts the half hour anew")
	h.elapse(12 * time.Minute)
	require.Len(t, h.tracker.filed(), 2)
	require.Equal(t, "nobody asked anything for 30 minutes", h.waves(id)["exposed"].Opened)
}

func TestAGateIsSkippedByAButton(t *testing.T) {
	h := newHouse(t)
	h.company(3)
	id := h.rolled(campaign.Rollout{Pilot: campaign.Pilot{Names: []string{"ann-0"}}})
	_, err := h.engine.SkipGate(t.Context(), h.by(cara), id, "")
	refused(t, err, campaign.Conflict)
	h.launch(id, campaign.SliceAll)
	h.elapse(2 * time.Minute)
	_, err = h.engine.Launch(t.Context(), h.by(devi), id, campaign.SliceAll)
	require.Contains(t, refused(t, err, campaign.Conflict), "launch next", "launching again is not skipping")
	wave := strings.SplitN(press(t, h.progress(), "launch.next"), "|", 2)[1]
	for range 2 {
		_, err = h.engine.SkipGate(t.Context(), h.by(cara), id, wave)
	}
	refused(t, err, campaign.Conflict)
	h.elapse(2 * time.Minute)
	require.Len(t, h.tracker.filed(), 2)
	require.Contains(t, h.waves(id)["exposed"].Opened, "Cara")
	require.Equal(t, campaign.WavePlanned, h.waves(id)["rest"].Status, "the next gate stands")
}

// progress returns the newest message about a wave.
func (h *house) progress() campaign.Message {
	h.t.Helper()
	var found campaign.Message
	for _, p := range h.slack.said(commandChannel) {
		if strings.HasPrefix(p.Message.Text, "wave_progress") {
			found = p.Message
		}
	}
	return found
}

func TestAPauseHoldsTheGate(t *testing.T) {
	h := newHouse(t)
	h.company(3)
	id := h.rolled(campaign.Rollout{Pilot: campaign.Pilot{Names: []string{"ann-0"}}})
	h.launch(id, campaign.SliceAll)
	h.elapse(20 * time.Minute)
	_, err := h.engine.Pause(t.Context(), h.by(devi), id)
	require.NoError(t, err)
	h.elapse(2 * time.Hour)
	require.Len(t, h.tracker.filed(), 1)
	require.Contains(t, h.progress().Text, `"Paused":true`)
	_, err = h.engine.SkipGate(t.Context(), h.by(cara), id, "")
	require.Contains(t, refused(t, err, campaign.Conflict), "paused")
	_, err = h.engine.Resume(t.Context(), h.by(cara), id)
	require.NoError(t, err)
	h.elapse(20 * time.Minute)
	require.Len(t, h.tracker.filed(), 1, "the half hour starts when it goes on")
	h.elapse(12 * time.Minute)
	require.Len(t, h.tracker.filed(), 2)
}

func TestAGateStaysShutInTrouble(t *testing.T) {
	h := newHouse(t)
	h.company(3)
	id := h.rolled(campaign.Rollout{Pilot: campaign.Pilot{Names: []string{"ann-0"}}})
	h.launch(id, campaign.SliceAll)
	for i := range 6 {
		q := campaign.QuestionAsked{Channel: h.campaign(id).HelpRef.ID, TS: fmt.Sprintf("1.%d", i), Text: "Which jar?"}
		require.NoError(t, h.engine.AskQuestion(t.Context(), h.by(ann), q))
	}
	h.elapse(time.Hour)
	require.Len(t, h.tracker.filed(), 1)
	var told []string
	for _, p := range h.slack.said(commandChannel) {
		if strings.HasPrefix(p.Message.Text, "gate_held") {
			told = append(told, p.Message.Text)
		}
	}
	require.Len(t, told, 1, "said once, in a message of its own")
	require.Contains(t, told[0], "6 questions are open")
	_, err := h.engine.SkipGate(t.Context(), h.by(cara), id, "")
	require.NoError(t, err, "a person may know better")
	h.elapse(time.Minute)
	require.Len(t, h.tracker.filed(), 2)
}

func TestTheHeartbeatRestoresAGate(t *testing.T) {
	h := newHouse(t)
	h.company(3)
	id := h.rolled(campaign.Rollout{Pilot: campaign.Pilot{Names: []string{"ann-0"}}})
	h.launch(id, campaign.SliceAll)
	h.elapse(time.Minute)
	pilot := h.waves(id)["pilot"]
	require.NoError(t, h.store.Apply(t.Context(), campaign.Change{
		Scope: campaign.Scope(id), Due: []campaign.DueEntry{{ID: "watch/" + pilot.ID, Remove: true}},
	}))
	h.elapse(time.Hour)
	require.Len(t, h.tracker.filed(), 1, "its watch was lost")
	require.NoError(t, h.engine.Heartbeat(t.Context()))
	h.elapse(3 * time.Minute)
	require.Len(t, h.tracker.filed(), 2)
}

func TestAnotherPlanTakesOverWhatWaits(t *testing.T) {
	h := newHouse(t)
	h.company(3)
	id := h.rolled(campaign.Rollout{Pilot: campaign.Pilot{Names: []string{"ann-0"}}})
	h.launch(id, campaign.SliceAll)
	h.elapse(2 * time.Minute)
	_, err := h.engine.Freeze(t.Context(), h.by(cara), id)
	require.NoError(t, err)
	h.elapse(2 * time.Hour)
	require.Len(t, h.tracker.filed(), 1, "what waited is in the new plan, and was not launched")
	h.launch(id, campaign.SliceAll)
	h.elapse(2 * time.Hour)
	require.Len(t, h.tracker.filed(), 11)
}

func TestProgressIsOneMessageUntilAllIsOut(t *testing.T) {
	h := newHouse(t)
	h.company(3)
	id := h.ready()
	h.tracker.fail(campaign.Forbidden, 1)
	h.launch(id, campaign.SliceRest)
	h.elapse(3 * time.Minute)
	require.Contains(t, h.progress().Text, `"Failed":1`)
	require.Contains(t, h.progress().Text, `"Filed":9`)
	require.Equal(t, id, press(t, h.progress(), "brake.pause"))
	for _, e := range all[campaign.Effect](h, id, campaign.KindEffect) {
		if e.Status == campaign.EffectDead {
			_, err := h.engine.Revive(t.Context(), h.by(cara), id, e.ID)
			require.NoError(t, err)
		}
	}
	h.elapse(3 * time.Minute)
	require.Contains(t, h.progress().Text, `"Failed":0`)
	require.Contains(t, h.progress().Text, `"Filed":10`)
	require.Contains(t, h.progress().Text, `"Out":true`)
	require.Empty(t, h.progress().Buttons)
	posts := 0
	for _, p := range h.slack.said(commandChannel) {
		if strings.HasPrefix(p.Message.Text, "wave_progress") {
			posts++
		}
	}
	require.Equal(t, 1, posts, "the rest has one message, edited")
}

func TestGatesAndWavesThatCannotBeAreRefused(t *testing.T) {
	h := newHouse(t)
	h.company(1)
	id := h.ready()
	share := campaign.SplitShare
	_, err := h.engine.Edit(t.Context(), h.by(cara), id, campaign.CampaignEdit{Waves: &share, Shares: []int{10, 30}})
	require.Contains(t, refused(t, err, campaign.Invalid), "100 together")
	other := campaign.Split("alphabet")
	_, err = h.engine.Edit(t.Context(), h.by(cara), id, campaign.CampaignEdit{Waves: &other})
	refused(t, err, campaign.Invalid)
	_, err = h.engine.SetGate(t.Context(), h.by(cara), id, campaign.Gate{Mode: campaign.GateSet, Share: 120})
	refused(t, err, campaign.Invalid)
}

func TestAWaveLaunchedByItsNameKeepsWhatWaitsForIt(t *testing.T) {
	h := newHouse(t)
	h.company(3)
	id := h.rolled(campaign.Rollout{Pilot: campaign.Pilot{Names: []string{"ann-0"}}})
	h.launch(id, campaign.SliceAll)
	h.elapse(2 * time.Minute)
	h.launch(id, campaign.SliceExposed) // an emergency: it does not wait for the pilot
	h.elapse(time.Minute)
	require.Len(t, h.tracker.filed(), 2)
	require.Equal(t, campaign.WavePlanned, h.waves(id)["rest"].Status)
	h.elapse(time.Hour)
	require.Len(t, h.tracker.filed(), 11)
}

func TestTheExposedWaitLessWhileAttacksAreKnown(t *testing.T) {
	h := newHouse(t)
	h.company(3)
	id := h.readyWith(func(id string) {
		c := h.campaign(id)
		c.Exploited, c.Rollout.Pilot.Names = true, []string{"ann-0"}
		h.put(id, campaign.KindCampaign, "self", c)
	})
	h.launch(id, campaign.SliceAll)
	h.elapse(13 * time.Minute)
	require.Len(t, h.tracker.filed(), 2, "the pilot and the exposed one")
	h.elapse(20 * time.Minute)
	require.Len(t, h.tracker.filed(), 2, "the others have the half hour")
	h.elapse(15 * time.Minute)
	require.Len(t, h.tracker.filed(), 11)
}

func TestThePlanSaysHowFarAPausedWaveIs(t *testing.T) {
	h := newHouse(t)
	h.company(3)
	id := h.rolled(campaign.Rollout{Pilot: campaign.Pilot{Names: []string{"ann-0", "ben-0"}}})
	_, err := h.engine.Launch(t.Context(), h.by(cara), id, campaign.SlicePilot)
	require.NoError(t, err)
	_, err = h.engine.Pause(t.Context(), h.by(cara), id)
	require.NoError(t, err)
	h.elapse(time.Minute)
	m, err := h.engine.PlanMessage(t.Context(), id)
	require.NoError(t, err)
	require.Contains(t, m.Text, "is paused, with 0 of its tickets and 0 of its messages out")
	m, err = h.engine.Resume(t.Context(), h.by(cara), id)
	require.NoError(t, err)
	require.Contains(t, m.Text, "goes on where it stopped")
	h.elapse(2 * time.Minute)
	m, err = h.engine.PlanMessage(t.Context(), id)
	require.NoError(t, err)
	require.Contains(t, m.Text, "is out")
	m, err = h.engine.Resume(t.Context(), h.by(cara), id)
	require.NoError(t, err)
	require.Contains(t, m.Text, "not paused")
}

func TestAHalfFiledWaveIsPausedAndGoesOn(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(o *campaign.Options) { o.Brakes.SecondPersonAbove = 4000 })
	h.company(300) // more parts than are filed between two steps of the cursor
	id := h.ready()
	_, err := h.engine.Launch(t.Context(), h.by(cara), id, campaign.SliceAll)
	require.NoError(t, err)
	filing := func(c campaign.Claimed) bool {
		w := h.waves(id)["rest"]
		return strings.HasPrefix(c.ID, "wave/") && w.Filed > 0 && w.Filed < w.Tickets
	}
	died, err := h.engine.DrainUntil(t.Context(), filing)
	require.NoError(t, err)
	require.True(t, died, "the process died between two parts")
	_, err = h.engine.Pause(t.Context(), h.by(cara), id)
	require.NoError(t, err)
	handed := h.waves(id)["rest"].Filed
	h.elapse(time.Minute) // what was being carried out ends
	out := len(h.tracker.filed())
	h.elapse(30 * time.Minute)
	require.Equal(t, handed, h.waves(id)["rest"].Filed)
	require.Len(t, h.tracker.filed(), out)
	_, err = h.engine.Resume(t.Context(), h.by(cara), id)
	require.NoError(t, err)
	h.elapse(5 * time.Minute)
	require.Len(t, h.tracker.filed(), 902)
	require.Equal(t, campaign.WaveFiled, h.waves(id)["rest"].Status)
}

// A process dies again and again while it files a wave: before a part is stored,
// after it, and before the wave's cursor has passed it. Whoever goes on files each
// part once.
func TestAWaveIsFiledOnceThoughTheProcessDies(t *testing.T) {
	t.Parallel()
	dying := &dyingStore{}
	h := newHouse(t, func(o *campaign.Options) {
		dying.Store = o.Store
		o.Store, o.Brakes.SecondPersonAbove = dying, 4000
		o.Work.Lease = time.Millisecond // who died holds nothing for long
	})
	h.company(300)
	id := h.ready()
	_, err := h.engine.Launch(t.Context(), h.by(cara), id, campaign.SliceAll)
	require.NoError(t, err)
	dying.armed = true
	for range 200 {
		_, _ = h.engine.DrainUntil(t.Context(), func(campaign.Claimed) bool { return false }) // the worker that dies says no more
		h.clock.advance(time.Minute)
	}
	require.Greater(t, dying.writes, 100, "it died more than once in the middle")
	dying.armed = false
	h.settle()
	require.Equal(t, campaign.WaveFiled, h.waves(id)["rest"].Status)
	require.Len(t, h.tracker.filed(), 902)
	require.Empty(t, all[struct{}](h, id, campaign.KindFiledPart), "no mark is left")
	for _, e := range all[campaign.Effect](h, id, campaign.KindEffect) {
		require.NotEqual(t, campaign.EffectComment, e.Kind, "nothing was planned as if it had been filed before")
	}
}

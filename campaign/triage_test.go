package campaign_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/sample"
)

func TestTriageAgainAfterACrashIsDecided(t *testing.T) {
	h := newHouse(t)
	h.estate()
	h.scan(log4jCore, "forgotten-box")
	_, err := h.engine.New(t.Context(), h.by(cara), campaign.NewCampaign{Title: "log4j RCE", Pattern: "log4j-core"})
	require.NoError(t, err)
	request := h.by(cara)
	for range 2 {
		m, err := h.engine.Triage(t.Context(), request, "log4j-rce", campaign.TriageOrder{Targets: []string{"forgotten-box"}, Reason: "switched off"})
		require.NoError(t, err)
		require.Contains(t, m.Text, "ecided")
	}
	_, err = h.engine.Triage(t.Context(), h.by(cara), "log4j-rce", campaign.TriageOrder{Targets: []string{"checkout"}, Reason: "switched off"})
	refused(t, err, campaign.NotFound)
}

func TestADecisionCanBeCorrected(t *testing.T) {
	h, id := doubtfulHouse(t, 2)
	decide := func(o campaign.TriageOrder) error {
		_, err := h.engine.Triage(t.Context(), h.by(cara), id, o)
		return err
	}
	refused(t, decide(campaign.TriageOrder{Targets: []string{"shop-0"}}), campaign.Invalid)
	require.NoError(t, decide(campaign.TriageOrder{Targets: []string{"all"}, Reason: "the API only"}))
	waiting, affected := h.doubted(id)
	require.Empty(t, waiting)
	require.NoError(t, decide(campaign.TriageOrder{Targets: []string{"shop-1"}, Affected: true, Owner: "ben"}))
	waiting, now := h.doubted(id)
	require.Empty(t, waiting)
	require.Equal(t, affected+1, now)
	problem := refused(t, decide(campaign.TriageOrder{Targets: []string{"shop-0"}, Affected: true, Owner: "group:default/bens"}), campaign.NotFound)
	require.Contains(t, problem, "It has group:default/ben, for example.")
}

func TestTheTriageListHidesNothingThatIsInDoubt(t *testing.T) {
	h, id := doubtfulHouse(t, 1)
	_, err := h.engine.Triage(t.Context(), h.by(cara), id, campaign.TriageOrder{Rule: &campaign.TriagePattern{Package: "log4j-core"}, Affected: true})
	require.NoError(t, err)
	h.scan(unversioned, "legacy-7", "legacy-8")
	list, err := h.engine.TriageList(t.Context(), id)
	require.NoError(t, err)
	require.Contains(t, list.Text, "legacy-7", "the rule says affected, and nobody is there to ask")
	require.Contains(t, list.Text, `"Total":2`)
}

// unversioned is what a scanner lists of which it could not read the version.
const unversioned = "pkg:maven/org.apache.logging.log4j/log4j-core"

// doubtfulHouse has a draft with a record, and n services of Ann in which a scanner
// found what may be log4j.
func doubtfulHouse(t *testing.T, n int, adjust ...func(*campaign.Options)) (*house, string) {
	h := newHouse(t, adjust...)
	c := catalogNow(nil)
	var names []string
	for i := range n {
		s := campaign.Service{Ref: fmt.Sprintf("component:default/shop-%d", i), Name: fmt.Sprintf("shop-%d", i), Owner: "group:default/ann", Exposure: campaign.NotExposed}
		c.Services[s.Ref] = s
		names = append(names, s.Name)
	}
	h.importsOwners(c)
	h.scan(unversioned, names...)
	_, err := h.engine.New(t.Context(), h.by(cara), campaign.NewCampaign{Title: "Log4Shell", Advisory: sample.Advisories(1)[0], Channel: campaign.ChannelRef{ID: commandChannel}})
	require.NoError(t, err)
	return h, "log4shell"
}

// doubted are the names of the targets on the triage list, and how many are affected
// without doubt.
func (h *house) doubted(id string) (names []string, affected int) {
	h.t.Helper()
	world, err := h.engine.Assess(h.t.Context(), id)
	require.NoError(h.t, err)
	for _, target := range world.Targets {
		switch {
		case target.Knowledge == campaign.KnownNothing:
		case target.Doubt != "":
			names = append(names, target.Name)
		default:
			affected++
		}
	}
	return names, affected
}

func TestARuleDecidesWhatLaterScansBringAndCanBeTakenBack(t *testing.T) {
	h, id := doubtfulHouse(t, 3)
	waiting, _ := h.doubted(id)
	require.Len(t, waiting, 3)
	m, err := h.engine.Triage(t.Context(), h.by(cara), id, campaign.TriageOrder{Rule: &campaign.TriagePattern{Name: "shop-*"}, Reason: "they bundle the API only"})
	require.NoError(t, err)
	require.Contains(t, m.Text, "3 targets decided: not affected")
	waiting, affected := h.doubted(id)
	require.Empty(t, waiting)
	require.Zero(t, affected)

	c := catalogNow(nil)
	c.Services["component:default/shop-9"] = campaign.Service{Ref: "component:default/shop-9", Name: "shop-9", Owner: "group:default/ann"}
	h.importsOwners(c)
	h.scan(unversioned, "shop-9", "wiki")
	waiting, _ = h.doubted(id)
	require.Equal(t, []string{"wiki"}, waiting, "the rule decides shop-9, which nobody had seen")

	m, err = h.engine.TriageList(t.Context(), id)
	require.NoError(t, err)
	require.Contains(t, m.Text, `"Decides":4`)
	forget := press(t, m, "triage.forget")
	require.Equal(t, id+"|1", forget)
	m, err = h.engine.ForgetTriageRule(t.Context(), h.by(cara), id, 1)
	require.NoError(t, err)
	require.Contains(t, m.Text, "4 targets")
	waiting, _ = h.doubted(id)
	require.Contains(t, waiting, "shop-9")
	_, err = h.engine.ForgetTriageRule(t.Context(), h.by(cara), id, 1)
	refused(t, err, campaign.NotFound)
	require.Subset(t, h.audited(id), []string{"triage.rule", "triage.forget"})
}

func TestNoRuleHidesWhatARecordNamesExactly(t *testing.T) {
	h, id := doubtfulHouse(t, 2)
	_, err := h.engine.Triage(t.Context(), h.by(cara), id, campaign.TriageOrder{Rule: &campaign.TriagePattern{Name: "shop-*"}, Reason: "the API only"})
	require.NoError(t, err)
	_, err = h.engine.Triage(t.Context(), h.by(cara), id, campaign.TriageOrder{Rule: &campaign.TriagePattern{Package: "log4j-*"}, Reason: "the API only"})
	require.NoError(t, err)
	h.scan(log4jCore, "shop-0")
	_, affected := h.doubted(id)
	require.Equal(t, 1, affected)
}

func TestAPersonsWordDoesNotReachWhatIsFoundLater(t *testing.T) {
	h, id := doubtfulHouse(t, 1)
	_, err := h.engine.Triage(t.Context(), h.by(cara), id, campaign.TriageOrder{Targets: []string{"shop-0"}, Reason: "the API only"})
	require.NoError(t, err)
	h.clock.advance(time.Hour)
	h.scan(unversioned, "shop-0")
	waiting, affected := h.doubted(id)
	require.Empty(t, waiting)
	require.Zero(t, affected, "the same again is decided")
	h.clock.advance(time.Hour)
	h.scan(log4jCore, "shop-0")
	_, affected = h.doubted(id)
	require.Equal(t, 1, affected, "this is not what was looked at")
}

func TestARuleForEverythingIsRefused(t *testing.T) {
	h, id := doubtfulHouse(t, 1)
	for _, p := range []campaign.TriagePattern{{}, {Name: "*"}, {Package: "**"}, {Name: "*-"}} {
		_, err := h.engine.Triage(t.Context(), h.by(cara), id, campaign.TriageOrder{Rule: &p, Reason: "all"})
		refused(t, err, campaign.Invalid)
	}
}

func TestALargeDecisionWaitsForASecondPersonAndCountsForWhatWasShown(t *testing.T) {
	h, id := doubtfulHouse(t, 6, func(o *campaign.Options) { o.Brakes.SecondPersonAbove = 5 })
	m, err := h.engine.Triage(t.Context(), h.by(cara), id, campaign.TriageOrder{Targets: []string{"all"}, Reason: "the API only"})
	require.NoError(t, err)
	require.Contains(t, m.Text, "second person")
	waiting, _ := h.doubted(id)
	require.Len(t, waiting, 6)
	h.scan(unversioned, "wiki")
	hold := all[campaign.Hold](h, id, campaign.KindRequest)[0]
	_, err = h.engine.Decide(t.Context(), h.by(cara), id, hold.ID, true)
	refused(t, err, campaign.Forbidden)
	_, err = h.engine.Decide(t.Context(), h.by(devi), id, hold.ID, true)
	require.NoError(t, err)
	waiting, _ = h.doubted(id)
	require.Equal(t, []string{"wiki"}, waiting)
}

func TestWhatWasDecidedWhileADecisionWasHeldStays(t *testing.T) {
	h, id := doubtfulHouse(t, 3, func(o *campaign.Options) { o.Brakes.SecondPersonAbove = 2 })
	q := h.inquires(id, campaign.AboutDoubt)
	_, err := h.engine.Triage(t.Context(), h.by(cara), id, campaign.TriageOrder{Targets: []string{"all"}, Reason: "the API only"})
	require.NoError(t, err)
	h.clock.advance(time.Minute)
	_, err = h.engine.AnswerInquiry(t.Context(), h.by(ann), id, q.ID, campaign.InquiryAnswer{Running: true, Only: q.Targets[:1], How: "listed the jars"})
	require.NoError(t, err)
	before := h.campaign(id).Triage
	hold := h.openHolds(id)
	require.Len(t, hold, 1)
	_, err = h.engine.Decide(t.Context(), h.by(devi), id, hold[0].ID, true)
	refused(t, err, campaign.NotFound)
	require.Equal(t, before, h.campaign(id).Triage, "her word of meanwhile counts")
}

func TestAHeldCorrectionIsCarriedOut(t *testing.T) {
	h, id := doubtfulHouse(t, 3, func(o *campaign.Options) { o.Brakes.SecondPersonAbove = 2 })
	for _, o := range []campaign.TriageOrder{
		{Targets: []string{"shop-0", "shop-1", "shop-2"}, Reason: "the API only"},
		{Targets: []string{"shop-0", "shop-1", "shop-2"}, Affected: true, Reason: "it is more than the API"},
	} {
		h.clock.advance(time.Minute)
		_, err := h.engine.Triage(t.Context(), h.by(cara), id, o)
		require.NoError(t, err)
		hold := h.openHolds(id)
		require.Len(t, hold, 1)
		_, err = h.engine.Decide(t.Context(), h.by(devi), id, hold[0].ID, true)
		require.NoError(t, err)
	}
	waiting, affected := h.doubted(id)
	require.Empty(t, waiting)
	require.Equal(t, 3, affected)
}

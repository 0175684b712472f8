package campaign_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

// fixing returns a launched campaign that asks Ann, Ben and Eve to update
// log4j-core, proven by scans.
func (h *house) fixing() string {
	h.t.Helper()
	h.estate()
	id := h.readyWith(func(id string) {
		c := h.campaign(id)
		c.Tracks = nil
		h.put(id, campaign.KindCampaign, "self", c)
		_, err := h.engine.SetFloor(h.t.Context(), h.by(cara), id, campaign.Floor{Package: "pkg:maven/org.apache.logging.log4j/log4j-core", Fixed: "2.17.1", Reason: "set by hand"})
		require.NoError(h.t, err)
	})
	c := h.campaign(id)
	for i := range c.Tracks {
		c.Tracks[i].Proof = campaign.ProofScan
	}
	h.put(id, campaign.KindCampaign, "self", c)
	h.launch(id, campaign.SliceAll)
	return id
}

// look imports one scan by a source.
func (h *house) look(source, asset, purl string, at time.Time) campaign.ImportReport {
	h.t.Helper()
	report, err := h.engine.ImportScans(h.t.Context(), h.by(cara), func(yield func(campaign.Scan, *campaign.Refusal) bool) {
		yield(campaign.Scan{Asset: asset, Source: source, File: "scans/" + asset + ".json", At: at, Components: []campaign.Component{{PURL: purl, Path: "/app/lib"}}}, nil)
	})
	require.NoError(h.t, err)
	return report
}

const log4jFixed = "pkg:maven/org.apache.logging.log4j/log4j-core@2.17.1"

func (h *house) saysDone(id string, who campaign.Person) {
	h.t.Helper()
	_, err := h.engine.Claim(h.t.Context(), h.by(who), id, campaign.TaskSet{Contact: string(who)}, campaign.Claim{Method: campaign.MethodClassRemoved})
	require.NoError(h.t, err)
}

func TestAScanSpeaksOnlyForWhatItSaw(t *testing.T) {
	h := newHouse(t)
	id := h.fixing()
	h.saysDone(id, ben)
	h.clock.advance(time.Hour)

	h.look("syft", "search", "pkg:maven/junit/junit@4.13", h.clock.Now())
	task := h.taskNamed(id, "search")
	require.Equal(t, campaign.TaskClaimed, task.Status, "what test found is in its older scan only, and syft does not see it: nothing is known")

	h.look("test", "search", log4jFixed, h.clock.Now())
	task = h.taskNamed(id, "search")
	require.Equal(t, campaign.TaskVerified, task.Status)
	require.Contains(t, task.Evidence, "search by test")
	require.Contains(t, task.Evidence, "scans/search.json")
	require.Contains(t, task.Evidence, "log4j-core 2.17.1")
	require.Equal(t, h.clock.Now(), task.ProvenAt)
}

func TestAVerifiedTaskIsNotReopenedByAnOlderFinding(t *testing.T) {
	h := newHouse(t)
	id := h.fixing()
	h.saysDone(id, ben)
	claimed := h.clock.Now()
	h.clock.advance(3 * time.Hour)
	h.look("test", "search", log4jFixed, h.clock.Now())
	require.Equal(t, campaign.TaskVerified, h.taskNamed(id, "search").Status)

	h.look("grype", "search", log4jCore, claimed.Add(-time.Hour))
	require.Equal(t, campaign.TaskVerified, h.taskNamed(id, "search").Status, "that scan is older than the claim")
	h.look("syft", "search", "pkg:maven/junit/junit@4.13", h.clock.Now())
	require.Equal(t, campaign.TaskVerified, h.taskNamed(id, "search").Status, "grype's finding is an old one, whatever syft scanned since")

	h.look("trivy", "search", log4jCore, claimed.Add(2*time.Hour))
	task := h.taskNamed(id, "search")
	require.Equal(t, campaign.TaskInProgress, task.Status, "imported late, but it started after the claim")
	require.Contains(t, task.Reason, "log4j-core 2.14.1")
	require.Contains(t, task.Reason, "search by trivy")
	require.Contains(t, task.Reason, "/app/lib")
}

func TestAClaimIsRefutedByTheScanThatSeesIt(t *testing.T) {
	h := newHouse(t)
	id := h.fixing()
	h.saysDone(id, ben)
	h.clock.advance(time.Hour)
	h.look("syft", "search", "pkg:maven/junit/junit@4.13", h.clock.Now())
	h.look("test", "search", log4jCore, h.clock.Now().Add(-58*time.Minute))
	require.Equal(t, campaign.TaskClaimed, h.taskNamed(id, "search").Status, "2 minutes after the claim is too early")
	h.look("test", "search", log4jCore, h.clock.Now())
	require.Equal(t, campaign.TaskInProgress, h.taskNamed(id, "search").Status)
}

func TestAnOwnersScanCountsUntilTheScannerLooksAgain(t *testing.T) {
	h := newHouse(t)
	id := h.fixing()
	h.saysDone(id, ben)
	h.clock.advance(time.Hour)
	h.look(campaign.SourceOwner, "search", log4jFixed, h.clock.Now())
	task := h.taskNamed(id, "search")
	require.Equal(t, campaign.TaskVerified, task.Status)
	require.Contains(t, task.Evidence, "search by owner")
	h.clock.advance(time.Hour)
	h.look("test", "search", log4jCore, h.clock.Now())
	require.Equal(t, campaign.TaskInProgress, h.taskNamed(id, "search").Status)
}

func TestARuleThatWasRightThenGivesWayToANewOne(t *testing.T) {
	h := newHouse(t)
	id := h.fixing()
	h.clock.advance(time.Hour)
	c := h.campaign(id)
	floors := c.Floors
	c.Floors = []campaign.Floor{{Package: "pkg:maven/org.apache.logging.log4j/log4j-core", Fixed: "2.0", Reason: "wrong"}}
	h.put(id, campaign.KindCampaign, "self", c)
	h.look("other", "wiki", "pkg:maven/junit/junit@4.13", h.clock.Now())
	require.Equal(t, campaign.TaskNotAffected, h.taskNamed(id, "search").Status)
	c = h.campaign(id)
	c.Floors = floors
	h.put(id, campaign.KindCampaign, "self", c)
	h.look("other", "wiki", "pkg:maven/junit/junit@4.13", h.clock.Now().Add(time.Second))
	require.Equal(t, campaign.TaskInProgress, h.taskNamed(id, "search").Status, "the same scan, judged by what is known now")
}

func TestACampaignThatCannotBeLookedAtHoldsUpNoOther(t *testing.T) {
	h := newHouse(t)
	id := h.fixing()
	broken := h.campaign(id)
	broken.ID, broken.Title, broken.Pattern, broken.CreatedAt = "broken", "broken", "", h.clock.Now()
	broken.Advisories = []campaign.Advisory{{ID: "X-1", Raw: []byte("{")}}
	h.put(broken.ID, campaign.KindCampaign, "self", broken)
	h.put("sys", campaign.KindName, broken.ID, struct{}{})
	h.saysDone(id, ben)
	h.clock.advance(time.Hour)
	_, err := h.engine.ImportScans(t.Context(), h.by(cara), func(yield func(campaign.Scan, *campaign.Refusal) bool) {
		yield(campaign.Scan{Asset: "search", Source: "test", At: h.clock.Now(), Components: []campaign.Component{{PURL: log4jFixed}}}, nil)
	})
	require.Error(t, err)
	require.Equal(t, campaign.TaskVerified, h.taskNamed(id, "search").Status)
}

func TestAnImportThatDiedIsCaughtUpWith(t *testing.T) {
	h := newHouse(t)
	id := h.fixing()
	h.saysDone(id, ben)
	h.clock.advance(time.Hour)
	require.NoError(t, h.engine.KeepScans(t.Context(), []campaign.Scan{
		{Asset: "search", Source: "syft", At: h.clock.Now(), Components: []campaign.Component{{PURL: log4jCore}}},
	}))
	require.Equal(t, campaign.TaskClaimed, h.taskNamed(id, "search").Status)
	require.NoError(t, h.engine.Heartbeat(t.Context()), "as at the start of the service")
	h.drain()
	require.Equal(t, campaign.TaskInProgress, h.taskNamed(id, "search").Status)
}

func TestUnknownRisesWhenScansVanish(t *testing.T) {
	h := newHouse(t)
	id := h.fixing()
	h.clock.advance(time.Hour)
	h.look("test", "archive", "pkg:maven/junit/junit@4.13", h.clock.Now())
	require.Equal(t, campaign.TaskNotAffected, h.taskNamed(id, "archive").Status)
	for _, task := range all[campaign.Task](h, id, campaign.KindTask) {
		require.NotEqual(t, "wiki", task.Name, "it was scanned and runs nothing of interest")
	}
	h.clock.advance(8 * 24 * time.Hour)
	_, err := h.engine.Sweep(t.Context(), h.by(cara), id)
	require.NoError(t, err)
	require.Equal(t, campaign.TaskUnknown, h.taskNamed(id, "archive").Status, "what a scan said a week ago says nothing today")
	require.Equal(t, campaign.TaskUnknown, h.taskNamed(id, "wiki").Status)
	require.Equal(t, campaign.TaskOpen, h.taskNamed(id, "search").Status, "an old finding does not make it safe")
	h.look("test", "wiki", "pkg:maven/junit/junit@4.13", h.clock.Now())
	require.Equal(t, campaign.TaskNotAffected, h.taskNamed(id, "wiki").Status)
}

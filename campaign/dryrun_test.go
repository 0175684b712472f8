package campaign_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

const removeClass = `Remove one class and restart.

1. Stop the service.
2. Remove JndiLookup.class from log4j-core.
3. Start the service and read its log.
`

// underReview returns a campaign whose instructions Mei and Tom execute.
func (h *house) underReview(adjust ...func(*campaign.Campaign)) string {
	h.t.Helper()
	id := h.newCampaign(adjust...)
	h.write(id, removeClass)
	h.startDryRun(id, mei, tom)
	return id
}

// write lets Cara write the instructions of "mitigate".
func (h *house) write(id, text string) {
	h.t.Helper()
	require.NoError(h.t, h.engine.Revise(h.t.Context(), h.by(cara), id, "mitigate", text))
}

func (h *house) startDryRun(id string, reviewers ...campaign.Person) {
	h.t.Helper()
	_, err := h.engine.StartDryRun(h.t.Context(), h.by(cara), id, "mitigate", reviewers)
	require.NoError(h.t, err)
}

// judge lets a reviewer judge one step of "mitigate".
func (h *house) judge(id string, p campaign.Person, revision, step int, v campaign.StepVerdict) campaign.Message {
	h.t.Helper()
	m, err := h.engine.JudgeStep(h.t.Context(), h.by(p), id, campaign.StepJudgement{Track: "mitigate", Revision: revision, Step: step, Verdict: v})
	require.NoError(h.t, err)
	return m
}

// execute lets a reviewer go through all steps in so many minutes.
func (h *house) execute(id string, p campaign.Person, revision int, on string, minutes int) {
	h.t.Helper()
	_, err := h.engine.JudgeStep(h.t.Context(), h.by(p), id, campaign.StepJudgement{Track: "mitigate", Revision: revision, Service: on})
	require.NoError(h.t, err)
	h.clock.advance(time.Duration(minutes) * time.Minute)
	for step := range 3 {
		h.judge(id, p, revision, step+1, campaign.StepWorked)
	}
}

func (h *house) conclude(id string, p campaign.Person, revision int, v campaign.ReviewVerdict, comment string) error {
	_, err := h.engine.JudgeRevision(h.t.Context(), h.by(p), id, "mitigate", revision, v, comment)
	return err
}

// approve lets Mei and Tom execute a revision and approve it.
func (h *house) approve(id string, revision int) {
	h.t.Helper()
	for _, p := range []campaign.Person{mei, tom} {
		h.execute(id, p, revision, "ledger", 5)
		require.NoError(h.t, h.conclude(id, p, revision, campaign.ReviewApproved, ""))
	}
}

func (h *house) revision(id string, number string) campaign.Revision {
	h.t.Helper()
	return stored[campaign.Revision](h, id, campaign.KindRevision, "mitigate/"+number)
}

func TestRehearsalOnRealServicesApprovesTheText(t *testing.T) {
	h := newHouse(t)
	id := h.newCampaign()
	h.write(id, removeClass)
	require.Equal(t, campaign.Draft, h.campaign(id).Status)

	h.startDryRun(id, mei, tom)
	require.Equal(t, campaign.InReview, h.campaign(id).Status)
	for _, p := range []campaign.Person{mei, tom} {
		invites := h.planned(id, p.User())
		require.Len(t, invites, 1)
		require.Equal(t, id+"|mitigate|1", press(t, invites[0].Message, "dryrun.start"))
	}
	require.Equal(t, "revision/mitigate/0001", h.planned(id, commandChannel)[0].Remember)

	h.execute(id, mei, 1, "ledger", 21)
	require.NoError(t, h.conclude(id, mei, 1, campaign.ReviewApproved, ""))
	require.Equal(t, campaign.InReview, h.campaign(id).Status, "one of two is no quorum")

	h.execute(id, tom, 1, "search", 12)
	require.NoError(t, h.conclude(id, tom, 1, campaign.ReviewApproved, ""))
	require.Equal(t, campaign.Approved, h.campaign(id).Status)
	rev := h.revision(id, "0001")
	require.Equal(t, campaign.RevisionApproved, rev.Status)
	require.Equal(t, 21, rev.Minutes, "the slower one's")
	require.Equal(t, "Mei on `ledger` and Tom on `search`", rev.Tried)
	require.NotEmpty(t, rev.Texts, "the templates of that day are kept with it")
	track, _ := h.campaign(id).Track("mitigate")
	require.Equal(t, 1, track.ApprovedRevision)
}

func TestReviewerIsLedStepByStep(t *testing.T) {
	h := newHouse(t)
	id := h.underReview()
	m, err := h.engine.JudgeStep(t.Context(), h.by(mei), id, campaign.StepJudgement{Track: "mitigate", Revision: 1})
	require.NoError(t, err)
	require.Equal(t, id+"|mitigate|1|1", press(t, m, "dryrun.worked"))
	m = h.judge(id, mei, 1, 1, campaign.StepWorked)
	require.Contains(t, m.Text, "JndiLookup")
	m = h.judge(id, mei, 1, 2, campaign.StepWorked)
	require.Equal(t, id+"|mitigate|1|3", press(t, m, "dryrun.failed"))
	m = h.judge(id, mei, 1, 3, campaign.StepWorked)
	require.Equal(t, id+"|mitigate|1", press(t, m, "dryrun.approve"))
}

func TestUnclearStepHoldsTheTextBack(t *testing.T) {
	h := newHouse(t)
	id := h.underReview()
	h.execute(id, tom, 1, "", 5)
	require.NoError(t, h.conclude(id, tom, 1, campaign.ReviewApproved, ""))
	h.execute(id, mei, 1, "", 5)
	h.judge(id, mei, 1, 2, campaign.StepUnclear)
	require.NoError(t, h.conclude(id, mei, 1, campaign.ReviewApproved, ""))
	require.Equal(t, campaign.InReview, h.campaign(id).Status, "Mei's comment is open")

	_, err := h.engine.ResolveComments(t.Context(), h.by(ann), id, "mitigate")
	refused(t, err, campaign.Forbidden)
	_, err = h.engine.ResolveComments(t.Context(), h.by(cara), id, "mitigate")
	require.NoError(t, err)
	require.Equal(t, campaign.Approved, h.campaign(id).Status)
}

func TestChangesAskedForGoBackToTheCommander(t *testing.T) {
	h := newHouse(t)
	id := h.underReview()
	require.NoError(t, h.conclude(id, mei, 1, campaign.ReviewChanges, "Which jar do you mean?"))
	require.Equal(t, campaign.Draft, h.campaign(id).Status)
	told := h.planned(id, cara.User())
	require.Len(t, told, 1)
	require.Contains(t, told[0].Message.Text, "Which jar do you mean?")

	h.write(id, removeClass+"4. Scan again.\n")
	require.Equal(t, campaign.RevisionSuperseded, h.revision(id, "0001").Status)
	h.startDryRun(id, mei, tom)
	require.Equal(t, campaign.InReview, h.campaign(id).Status)
	require.Equal(t, campaign.RevisionInReview, h.revision(id, "0002").Status)
}

func TestReviewerMayChangeTheirMind(t *testing.T) {
	h := newHouse(t)
	id := h.underReview()
	h.execute(id, mei, 1, "", 5)
	h.execute(id, tom, 1, "", 5)
	require.NoError(t, h.conclude(id, mei, 1, campaign.ReviewChanges, ""))
	require.NoError(t, h.conclude(id, tom, 1, campaign.ReviewApproved, ""))
	require.Equal(t, campaign.Draft, h.campaign(id).Status)
	require.NoError(t, h.conclude(id, mei, 1, campaign.ReviewApproved, ""))
	require.Equal(t, campaign.Approved, h.campaign(id).Status)
}

func TestVerdictOnAnOldTextDoesNotCount(t *testing.T) {
	h := newHouse(t)
	id := h.underReview()
	h.execute(id, mei, 1, "", 5)
	h.execute(id, tom, 1, "", 5)
	require.NoError(t, h.conclude(id, mei, 1, campaign.ReviewApproved, ""))
	h.write(id, removeClass+"4. Scan again.\n")
	require.Equal(t, campaign.Draft, h.campaign(id).Status)

	words := refused(t, h.conclude(id, tom, 1, campaign.ReviewApproved, ""), campaign.Conflict)
	require.Contains(t, words, "replaced by revision 2")
	require.Equal(t, campaign.Draft, h.campaign(id).Status)
}

func TestWhoMayReview(t *testing.T) {
	tests := map[string]struct {
		reviewers []campaign.Person
		want      campaign.Kind
	}{
		"nobody":                      {want: campaign.Invalid},
		"the author alone":            {reviewers: []campaign.Person{cara}, want: campaign.Invalid},
		"the author and one other":    {reviewers: []campaign.Person{cara, mei}, want: campaign.Invalid},
		"somebody without the role":   {reviewers: []campaign.Person{mei, ann}, want: campaign.Forbidden},
		"one person, named two times": {reviewers: []campaign.Person{mei, mei}, want: campaign.Invalid},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			id := h.newCampaign()
			h.write(id, removeClass)
			_, err := h.engine.StartDryRun(t.Context(), h.by(cara), id, "mitigate", tt.reviewers)
			refused(t, err, tt.want)
			require.Empty(t, all[campaign.Effect](h, id, campaign.KindEffect), "nobody is asked")
			require.Equal(t, campaign.Draft, h.campaign(id).Status)
		})
	}
}

func TestAuthorsOwnApprovalDoesNotCount(t *testing.T) {
	h := newHouse(t)
	id := h.newCampaign()
	h.write(id, removeClass)
	h.startDryRun(id, cara, mei, tom)
	for _, p := range []campaign.Person{cara, mei} {
		h.execute(id, p, 1, "", 5)
		require.NoError(t, h.conclude(id, p, 1, campaign.ReviewApproved, ""))
	}
	require.Equal(t, campaign.InReview, h.campaign(id).Status)
}

func TestReviewIsRefused(t *testing.T) {
	tests := map[string]struct {
		prepare func(*house, string)
		by      campaign.Person
		want    campaign.Kind
	}{
		"by somebody who was not asked":  {by: cara, want: campaign.Forbidden},
		"by one who lost the role":       {by: mei, want: campaign.Forbidden, prepare: func(h *house, _ string) { h.roles.revoke(mei, campaign.Reviewer) }},
		"before all steps were judged":   {by: tom, want: campaign.Conflict},
		"after a step failed":            {by: mei, want: campaign.Conflict, prepare: func(h *house, id string) { h.judge(id, mei, 1, 2, campaign.StepFailed) }},
		"of a text approved by the rest": {by: mei, want: campaign.Conflict, prepare: func(h *house, id string) { h.approve(id, 1) }},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			id := h.underReview()
			h.execute(id, mei, 1, "", 5)
			if tt.prepare != nil {
				tt.prepare(h, id)
			}
			refused(t, h.conclude(id, tt.by, 1, campaign.ReviewApproved, ""), tt.want)
		})
	}
}

func TestEditingAnApprovedTextGoesBackToTheReview(t *testing.T) {
	h := newHouse(t)
	id := h.underReview()
	h.approve(id, 1)
	h.write(id, removeClass)
	require.Equal(t, campaign.Approved, h.campaign(id).Status, "the same text changes nothing")

	h.write(id, removeClass+"4. Scan again.\n")
	require.Equal(t, campaign.InReview, h.campaign(id).Status)
	h.startDryRun(id, mei, tom)
	require.NoError(t, h.conclude(id, mei, 2, campaign.ReviewChanges, "Step 4?"))
	require.Equal(t, campaign.InReview, h.campaign(id).Status, "revision 1 still stands approved beside it")
	require.Equal(t, campaign.RevisionApproved, h.revision(id, "0001").Status)
}

func TestReviewBesideARunningCampaign(t *testing.T) {
	h := newHouse(t)
	id := h.underReview()
	h.approve(id, 1)
	c := h.campaign(id)
	c.Status, c.Plan = campaign.Running, "hash"
	h.put(id, campaign.KindCampaign, "self", c)

	h.write(id, removeClass+"4. Scan again.\n")
	h.startDryRun(id, mei, tom)
	require.Equal(t, campaign.Running, h.campaign(id).Status)
	h.execute(id, mei, 2, "", 5)
	h.judge(id, mei, 2, 4, campaign.StepWorked)
	h.execute(id, tom, 2, "", 5)
	h.judge(id, tom, 2, 4, campaign.StepWorked)
	require.NoError(t, h.conclude(id, mei, 2, campaign.ReviewApproved, ""))
	require.NoError(t, h.conclude(id, tom, 2, campaign.ReviewApproved, ""))

	c = h.campaign(id)
	require.Equal(t, campaign.Running, c.Status)
	require.Equal(t, "hash", c.Plan, "what was launched stays what it is")
	require.Equal(t, campaign.RevisionSuperseded, h.revision(id, "0001").Status)
	require.Equal(t, campaign.RevisionApproved, h.revision(id, "0002").Status)
}

func TestTwoReviewersApproveAtOnce(t *testing.T) {
	h := newHouse(t)
	id := h.underReview()
	h.execute(id, mei, 1, "", 5)
	h.execute(id, tom, 1, "", 5)
	errs := make([]error, 2)
	var wg sync.WaitGroup
	for i, p := range []campaign.Person{mei, tom} {
		wg.Go(func() { errs[i] = h.conclude(id, p, 1, campaign.ReviewApproved, "") })
	}
	wg.Wait()
	require.NoError(t, errs[0])
	require.NoError(t, errs[1])
	require.Equal(t, campaign.Approved, h.campaign(id).Status, "neither overlooked the other")
}

func TestRedeliveredVerdictCountsOnce(t *testing.T) {
	h := newHouse(t)
	id := h.underReview()
	h.execute(id, mei, 1, "", 5)
	again := h.by(mei)
	for range 2 {
		_, err := h.engine.JudgeRevision(t.Context(), again, id, "mitigate", 1, campaign.ReviewApproved, "Fine.")
		require.NoError(t, err)
		h.clock.advance(time.Minute)
	}
	review := stored[campaign.Review](h, id, campaign.KindReview, "mitigate/0001/"+string(mei))
	require.Len(t, review.Comments, 1)
	require.Equal(t, 5*time.Minute, review.EndedAt.Sub(review.StartedAt))
}

func TestAVerdictThatIsPressedTwiceIsToldOnce(t *testing.T) {
	h := newHouse(t)
	id := h.underReview()
	h.execute(id, mei, 1, "", 5)
	h.drain()
	before := len(h.slack.said(commandChannel))
	for range 3 {
		require.NoError(t, h.conclude(id, mei, 1, campaign.ReviewApproved, ""))
		h.settle()
	}
	require.Len(t, h.slack.said(commandChannel), before+1)
	require.Equal(t, 1, h.auditedTimes(id, "review.verdict"))
}

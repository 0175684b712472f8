package campaign

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// The buttons of a dry run. Their value is campaign|track|revision, and for a
// step its number as well.
const (
	actionDryRunStart   = "dryrun.start"
	actionStepWorked    = "dryrun.worked"
	actionStepUnclear   = "dryrun.unclear"
	actionStepFailed    = "dryrun.failed"
	actionDryRunApprove = "dryrun.approve"
	actionDryRunChanges = "dryrun.changes"
)

// maxReviewers bounds how many people are asked to execute one revision.
const maxReviewers = 10

// StepJudgement is a reviewer's word on one step of the instructions that they
// are executing.
type StepJudgement struct {
	Track    string
	Revision int
	// Step is the step's number. 0 starts the reviewer's timer and judges nothing.
	Step    int
	Verdict StepVerdict
	Comment string
	// Service is what the instructions are executed on, once the reviewer says so.
	Service string
}

// StartDryRun asks reviewers to execute the newest revision of a track on a real
// service. It may be called again to ask more of them.
func (g *Engine) StartDryRun(ctx context.Context, r Request, id, track string, reviewers []Person) (Message, error) {
	for _, p := range reviewers {
		if err := g.mustReview(ctx, p); err != nil {
			return Message{}, err
		}
	}
	err := g.atomically(ctx, Scope(id), r, func(tx *transaction) error {
		c, err := tx.steered("start a dry run")
		if err != nil {
			return err
		}
		_, rev, err := tx.newestRevision(c, track)
		if err != nil {
			return err
		}
		return tx.startDryRun(c, rev, reviewers)
	})
	if err != nil {
		return Message{}, err
	}
	return g.dryRunStarted(ctx, id, track)
}

func (tx *transaction) startDryRun(c Campaign, rev Revision, reviewers []Person) error {
	if err := rev.mayStart(c); err != nil {
		return err
	}
	var asked []Person
	for _, p := range reviewers {
		if !slices.Contains(rev.Reviewers, p) {
			rev.Reviewers, asked = append(rev.Reviewers, p), append(asked, p)
		}
	}
	if err := rev.enoughReviewers(tx.engine.opts.Quorum); err != nil {
		return err
	}
	if rev.Status == RevisionDraft {
		if err := move(&rev.Status, RevisionInReview, "revision", "This revision cannot be reviewed any more. Nothing was changed."); err != nil {
			return err
		}
		if err := tx.audit("revision.review", rev.subject(), string(RevisionDraft), string(rev.Status), tx.request.Reason); err != nil {
			return err
		}
	}
	if err := save(tx, KindRevision, revisionID(rev.Track, rev.Number), rev); err != nil {
		return err
	}
	if err := tx.followTracks(&c); err != nil {
		return err
	}
	for _, p := range asked {
		if err := tx.inviteReviewer(c, rev, p); err != nil {
			return err
		}
	}
	if err := tx.openDryRunThread(c, rev); err != nil {
		return err
	}
	return save(tx, KindCampaign, self, c)
}

// mayStart says why a revision cannot be executed for a review now.
func (r Revision) mayStart(c Campaign) error {
	if err := c.over(); err != nil {
		return err
	}
	switch {
	case r.Status == RevisionApproved:
		return Refuse(Conflict, fmt.Sprintf("Revision %d of %s is approved already. Change its text with `/campaign track %s` for another review.", r.Number, Escape(r.Track), Escape(r.Track)))
	case len(r.Steps) == 0:
		return Refuse(Invalid, fmt.Sprintf("The instructions of %s have no numbered steps, so nobody can judge them step by step. Nothing was sent; write the steps as 1., 2., 3.", Escape(r.Track)))
	}
	return nil
}

// enoughReviewers says why these reviewers could never approve the text: those
// who wrote it do not count.
func (r Revision) enoughReviewers(quorum int) error {
	others := len(r.Reviewers)
	if slices.Contains(r.Reviewers, r.By) {
		others--
	}
	switch {
	case len(r.Reviewers) > maxReviewers:
		return Refuse(Invalid, fmt.Sprintf("At most %d people execute one revision. Nothing was sent.", maxReviewers))
	case others < quorum:
		return Refuse(Invalid, fmt.Sprintf("%d people other than the author must approve the text; you named %d. Nothing was sent; name %d more.", quorum, others, quorum-others))
	}
	return nil
}

// mustReview refuses a person without the role of a reviewer.
func (g *Engine) mustReview(ctx context.Context, p Person) error {
	is, err := g.opts.Roles.Has(ctx, p, Reviewer)
	if err != nil || is {
		return err
	}
	return Refuse(Forbidden, fmt.Sprintf("%s is not a reviewer. Nothing was changed; an operator adds reviewers in the configuration.", Mention(p)))
}

// inviteReviewer asks one person, directly, to execute the revision.
func (tx *transaction) inviteReviewer(c Campaign, rev Revision, p Person) error {
	m, err := tx.engine.dryRunInvite(tx.ctx, c, rev, p)
	if err != nil {
		return err
	}
	m.Buttons = []Button{{Label: "Start", Action: actionDryRunStart, Style: Primary, Value: rev.value(c.ID)}}
	return tx.post("dryrun/"+rev.subject()+"/"+string(p), Interactive, postPayload{To: p.User(), Message: m})
}

// openDryRunThread tells the command channel, where comments and verdicts are
// collected in a thread.
func (tx *transaction) openDryRunThread(c Campaign, rev Revision) error {
	m, err := tx.engine.dryRunInvite(tx.ctx, c, rev, "")
	if err != nil {
		return err
	}
	subject := rev.subject()
	return tx.post("dryrun/"+subject, Interactive, postPayload{To: tx.engine.bridge(c), Message: m, Remember: subject})
}

func (g *Engine) dryRunInvite(ctx context.Context, c Campaign, rev Revision, to Person) (Message, error) {
	return g.speak("dryrun_invite", DryRunInviteData{
		LocalTime: g.viewer(ctx, c, to), Title: c.Title, Track: rev.Track, Revision: rev.Number, By: Mention(rev.By),
		Steps: len(rev.Steps), Reviewers: Mentions(rev.Reviewers), Quorum: g.opts.Quorum,
	})
}

func (g *Engine) dryRunStarted(ctx context.Context, id, track string) (Message, error) {
	c, rev, err := g.revisionNow(ctx, id, track)
	if err != nil {
		return Message{}, err
	}
	return g.dryRunInvite(ctx, c, rev, "")
}

// revisionNow reads the newest revision of a track.
func (g *Engine) revisionNow(ctx context.Context, id, track string) (Campaign, Revision, error) {
	c, _, err := Load[Campaign](ctx, g.opts.Store, Scope(id), KindCampaign, self)
	if err != nil {
		return c, Revision{}, err
	}
	t, ok := c.Track(track)
	if !ok {
		return c, Revision{}, noTrack(c, track)
	}
	rev, _, err := Load[Revision](ctx, g.opts.Store, Scope(id), KindRevision, revisionID(track, t.Revision))
	return c, rev, err
}

// value returns the value of this revision's buttons.
func (r Revision) value(campaignID string, rest ...string) string {
	return buttonValue(campaignID, append([]string{r.Track, strconv.Itoa(r.Number)}, rest...)...)
}

// JudgeStep keeps a reviewer's word on one step and answers with the next one
// that they have not judged. The first word starts their timer. A step may be
// judged again; the last word counts.
func (g *Engine) JudgeStep(ctx context.Context, r Request, id string, j StepJudgement) (Message, error) {
	if err := j.check(); err != nil {
		return Message{}, err
	}
	err := g.atomically(ctx, Scope(id), r, func(tx *transaction) error {
		_, rev, review, err := tx.reviewing(j.Track, j.Revision)
		if err != nil {
			return err
		}
		if j.Step > len(rev.Steps) {
			return Refuse(Invalid, fmt.Sprintf("These instructions have %d steps. Nothing was kept.", len(rev.Steps)))
		}
		review.judge(j, tx.now)
		if err := tx.audit("review.step", rev.subject(), "", fmt.Sprintf("step %d: %s", j.Step, cmp.Or(string(j.Verdict), "started")), j.Comment); err != nil {
			return err
		}
		return tx.saveReview(rev, review)
	})
	if err != nil {
		return Message{}, err
	}
	return g.nextStep(ctx, id, j.Track, r.Actor)
}

// maxComment bounds what a reviewer says of one step.
const maxComment = 2000

func (j StepJudgement) check() error {
	known := j.Verdict == StepWorked || j.Verdict == StepUnclear || j.Verdict == StepFailed
	switch {
	case j.Step < 0 || j.Step > 0 && !known || j.Step == 0 && j.Verdict != "":
		return Refuse(Invalid, "Say of a step that it worked, was unclear, or failed. Nothing was kept.")
	case len(j.Comment) > maxComment || len(j.Service) > 200:
		return Refuse(Invalid, fmt.Sprintf("A comment has at most %d characters. Nothing was kept.", maxComment))
	}
	return nil
}

// judge puts one judgement into a review. What was unclear or failed leaves a
// comment that somebody has to resolve, in words or without; a step that works
// in the end takes the reviewer's own comments on it back.
func (r *Review) judge(j StepJudgement, now time.Time) {
	if r.StartedAt.IsZero() {
		r.StartedAt = now
	}
	r.Service = cmp.Or(j.Service, r.Service)
	if j.Step == 0 {
		return
	}
	if r.Steps == nil {
		r.Steps = map[int]StepVerdict{}
	}
	r.Steps[j.Step] = j.Verdict
	for i := range r.Comments {
		if r.Comments[i].Step == j.Step {
			r.Comments[i].Resolved = true
		}
	}
	text := j.Comment
	if text == "" && j.Verdict != StepWorked {
		text = "Step " + strconv.Itoa(j.Step) + map[StepVerdict]string{StepUnclear: " was unclear.", StepFailed: " failed."}[j.Verdict]
	}
	if text != "" {
		r.Comments = append(r.Comments, ReviewComment{Step: j.Step, Text: text, At: now})
	}
}

// reviewing loads what a reviewer is judging, or says why their word does not
// count: they were not asked, or the text has moved on.
func (tx *transaction) reviewing(track string, number int) (Campaign, Revision, Review, error) {
	var none Review
	c, err := load[Campaign](tx, KindCampaign, self)
	if err != nil {
		return c, Revision{}, none, err
	}
	_, rev, err := tx.newestRevision(c, track)
	if err != nil {
		return c, rev, none, err
	}
	switch {
	case rev.Number != number:
		return c, rev, none, Refuse(Conflict, fmt.Sprintf("Revision %d of %s was replaced by revision %d, so your word on it was not counted. Please execute the new one.", number, Escape(track), rev.Number))
	case rev.Status != RevisionInReview:
		return c, rev, none, Refuse(Conflict, fmt.Sprintf("Revision %d of %s is %s and not under review. Nothing was kept.", number, Escape(track), words(rev.Status)))
	case !slices.Contains(rev.Reviewers, tx.request.Actor):
		return c, rev, none, Refuse(Forbidden, fmt.Sprintf("You were not asked to execute revision %d of %s, so nothing was kept. The commander, %s, can ask you.", number, Escape(track), Mention(c.Commander)))
	}
	if err := tx.engine.mustReview(tx.ctx, tx.request.Actor); err != nil {
		return c, rev, none, err
	}
	review, found, err := find[Review](tx, KindReview, reviewID(rev, tx.request.Actor))
	if err != nil {
		return c, rev, review, err
	}
	if !found || review.Hash != rev.Hash {
		review = Review{Reviewer: tx.request.Actor, Hash: rev.Hash}
	}
	return c, rev, review, nil
}

// saveReview stores a review, and the revision with it although it is the same:
// of two reviewers at once, the second then sees what the first one said.
func (tx *transaction) saveReview(rev Revision, review Review) error {
	if err := save(tx, KindReview, reviewID(rev, review.Reviewer), review); err != nil {
		return err
	}
	return save(tx, KindRevision, revisionID(rev.Track, rev.Number), rev)
}

func reviewID(rev Revision, p Person) string {
	return revisionID(rev.Track, rev.Number) + "/" + string(p)
}

// nextStep shows a reviewer the first step that they have not judged; after the
// last one, the question that remains.
func (g *Engine) nextStep(ctx context.Context, id, track string, p Person) (Message, error) {
	c, rev, err := g.revisionNow(ctx, id, track)
	if err != nil {
		return Message{}, err
	}
	reviews, err := g.reviewsOf(ctx, c.ID, rev)
	if err != nil {
		return Message{}, err
	}
	i := slices.IndexFunc(reviews, func(r Review) bool { return r.Reviewer == p })
	if i < 0 { // an old request came again, and the text has moved on
		return g.dryRunResult(ctx, c, rev, reviews, p)
	}
	mine := reviews[i]
	for _, step := range rev.Steps {
		if mine.Steps[step.Number] != "" {
			continue
		}
		m, err := g.speak("dryrun_step", DryRunStepData{
			Number: step.Number, Of: len(rev.Steps), Text: Markup(g.opts.Renderer.Mrkdwn(step.Text)), Verdicts: stepLines(reviews, step.Number),
		})
		v := rev.value(c.ID, strconv.Itoa(step.Number))
		m.Buttons = []Button{
			{Label: "Worked", Action: actionStepWorked, Value: v, Style: Primary},
			{Label: "Unclear", Action: actionStepUnclear, Value: v},
			{Label: "Failed", Action: actionStepFailed, Value: v, Style: Danger},
		}
		return m, err
	}
	m, err := g.dryRunResult(ctx, c, rev, reviews, p)
	m.Buttons = []Button{
		{Label: "Approve the text", Action: actionDryRunApprove, Value: rev.value(c.ID), Style: Primary},
		{Label: "Ask for changes", Action: actionDryRunChanges, Value: rev.value(c.ID)},
	}
	return m, err
}

// reviewsOf reads the review of each reviewer, in the order in which they were
// asked; an empty one for those who have not begun.
func (g *Engine) reviewsOf(ctx context.Context, id string, rev Revision) ([]Review, error) {
	reviews := make([]Review, 0, len(rev.Reviewers))
	for _, p := range rev.Reviewers {
		review, _, err := Load[Review](ctx, g.opts.Store, Scope(id), KindReview, reviewID(rev, p))
		if err != nil && KindOf(err) != NotFound {
			return nil, err
		}
		review.Reviewer = p
		reviews = append(reviews, review)
	}
	return reviews, nil
}

func stepLines(reviews []Review, step int) []StepLine {
	var lines []StepLine
	for _, r := range reviews {
		if r.Steps[step] == "" {
			continue
		}
		line := StepLine{Who: Mention(r.Reviewer), Verdict: r.Steps[step]}
		for _, c := range r.Comments {
			if c.Step == step && !c.Resolved {
				line.Comment = c.Text
			}
		}
		lines = append(lines, line)
	}
	return lines
}

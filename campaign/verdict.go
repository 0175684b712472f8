package campaign

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// JudgeRevision keeps a reviewer's verdict on the whole text. When enough people
// other than the author approve this very text, and nothing is left to resolve,
// it is approved; a reviewer who asks for changes sends it back. A verdict may be
// changed until then.
func (g *Engine) JudgeRevision(ctx context.Context, r Request, id, track string, revision int, v ReviewVerdict, comment string) (Message, error) {
	if v != ReviewApproved && v != ReviewChanges || len(comment) > maxComment {
		return Message{}, Refuse(Invalid, fmt.Sprintf("Approve the text or ask for changes, in at most %d characters. Nothing was kept.", maxComment))
	}
	err := g.atomically(ctx, Scope(id), r, func(tx *transaction) error {
		c, rev, review, err := tx.reviewing(track, revision)
		if err != nil {
			return err
		}
		said := review.Verdict
		if err := review.conclude(rev, v, comment, tx.now); err != nil {
			return err
		}
		if said == v && comment == "" {
			return nil // pressed twice: the channel knows
		}
		if err := tx.audit("review.verdict", rev.subject(), "", string(v), comment); err != nil {
			return err
		}
		if err := tx.saveReview(rev, review); err != nil {
			return err
		}
		return tx.settleRevision(c, rev)
	})
	if err != nil {
		return Message{}, err
	}
	return g.reviewNow(ctx, id, track, r.Actor)
}

// ResolveComments marks the open comments of a track's review as dealt with; the
// commander or the author does it, and answers for it. It does not overrule a
// reviewer who asked for changes.
func (g *Engine) ResolveComments(ctx context.Context, r Request, id, track string) (Message, error) {
	err := g.atomically(ctx, Scope(id), r, func(tx *transaction) error {
		c, err := load[Campaign](tx, KindCampaign, self)
		if err != nil {
			return err
		}
		_, rev, err := tx.newestRevision(c, track)
		if err != nil {
			return err
		}
		if rev.By != tx.request.Actor {
			if c, err = tx.steered("resolve the reviewers' comments"); err != nil {
				return err
			}
		}
		if rev.Status != RevisionInReview {
			return Refuse(Conflict, fmt.Sprintf("Revision %d of %s is %s and not under review. Nothing was changed.", rev.Number, Escape(track), words(rev.Status)))
		}
		if err := tx.resolveComments(rev); err != nil {
			return err
		}
		return tx.settleRevision(c, rev)
	})
	if err != nil {
		return Message{}, err
	}
	return g.reviewNow(ctx, id, track, r.Actor)
}

func (tx *transaction) resolveComments(rev Revision) error {
	reviews, err := tx.reviews(rev)
	if err != nil {
		return err
	}
	for _, review := range reviews {
		if review.open() == 0 {
			continue
		}
		if err := tx.audit("review.resolve", rev.subject(), fmt.Sprintf("%d open", review.open()), "0 open", tx.request.Reason); err != nil {
			return err
		}
		for i := range review.Comments {
			review.Comments[i].Resolved = true
		}
		if err := tx.saveReview(rev, review); err != nil {
			return err
		}
	}
	return nil
}

// conclude puts a verdict into a review and stops its timer. Nobody approves a
// text of which they skipped a step, or of which a step failed.
func (r *Review) conclude(rev Revision, v ReviewVerdict, comment string, now time.Time) error {
	if v == ReviewApproved {
		var skipped, failed []string
		for _, step := range rev.Steps {
			switch r.Steps[step.Number] {
			case "":
				skipped = append(skipped, fmt.Sprint(step.Number))
			case StepFailed:
				failed = append(failed, fmt.Sprint(step.Number))
			}
		}
		if len(skipped) > 0 {
			return Refuse(Conflict, fmt.Sprintf("You have not judged step %s yet. Your verdict was not kept; judge each step first.", enumerate(skipped)))
		}
		if len(failed) > 0 {
			return Refuse(Conflict, fmt.Sprintf("Step %s failed for you. Your verdict was not kept; ask for changes, or judge the step again.", enumerate(failed)))
		}
	}
	if r.StartedAt.IsZero() {
		r.StartedAt = now
	}
	r.Verdict, r.EndedAt = v, now
	if comment != "" {
		r.Comments = append(r.Comments, ReviewComment{Text: comment, At: now})
	}
	return nil
}

// open counts the comments that nobody has resolved.
func (r Review) open() int {
	n := 0
	for _, c := range r.Comments {
		if !c.Resolved {
			n++
		}
	}
	return n
}

// minutes is how long the execution took, rounded up; 0 while it is going on.
func (r Review) minutes() int {
	if r.EndedAt.IsZero() {
		return 0
	}
	return max(1, int((r.EndedAt.Sub(r.StartedAt)+time.Minute-1)/time.Minute))
}

// approvals returns the reviews that count for the quorum: of this very text, by
// people who did not write it.
func (r Revision) approvals(reviews []Review) []Review {
	return slices.DeleteFunc(slices.Clone(reviews), func(v Review) bool {
		return v.Verdict != ReviewApproved || v.Hash != r.Hash || v.Reviewer == r.By
	})
}

// reviews loads the reviews of this revision's text.
func (tx *transaction) reviews(rev Revision) ([]Review, error) {
	var reviews []Review
	for _, p := range rev.Reviewers {
		review, found, err := find[Review](tx, KindReview, reviewID(rev, p))
		if err != nil {
			return nil, err
		}
		if found && review.Hash == rev.Hash {
			reviews = append(reviews, review)
		}
	}
	return reviews, nil
}

// settleRevision draws the conclusion from what all reviewers said so far, and
// tells the command channel.
func (tx *transaction) settleRevision(c Campaign, rev Revision) error {
	reviews, err := tx.reviews(rev)
	if err != nil {
		return err
	}
	open := 0
	for _, r := range reviews {
		open += r.open()
	}
	rev.Returned = slices.ContainsFunc(reviews, func(r Review) bool { return r.Verdict == ReviewChanges })
	if len(rev.approvals(reviews)) >= tx.engine.opts.Quorum && open == 0 && !rev.Returned {
		if err := tx.approveRevision(&c, &rev, reviews); err != nil {
			return err
		}
	}
	if err := save(tx, KindRevision, revisionID(rev.Track, rev.Number), rev); err != nil {
		return err
	}
	if err := tx.followTracks(&c); err != nil {
		return err
	}
	if err := tx.tellReview(c, rev, reviews); err != nil {
		return err
	}
	return save(tx, KindCampaign, self, c)
}

// approveRevision puts a text in force, with the template texts of this moment,
// in the place of the one that was in force before.
func (tx *transaction) approveRevision(c *Campaign, rev *Revision, reviews []Review) error {
	if err := move(&rev.Status, RevisionApproved, "revision", "This revision is not under review any more. Nothing was changed."); err != nil {
		return err
	}
	t, _ := c.Track(rev.Track)
	var old Revision
	if t.ApprovedRevision > 0 {
		var err error
		old, err = load[Revision](tx, KindRevision, revisionID(t.Name, t.ApprovedRevision))
		if err != nil {
			return err
		}
		if err := tx.supersede(old); err != nil {
			return err
		}
	}
	t.ApprovedRevision = rev.Number
	c.setTrack(t)
	approved := rev.approvals(reviews)
	rev.Texts = tx.engine.opts.Renderer.Texts()
	rev.Minutes = 0
	for _, r := range approved {
		rev.Minutes = max(rev.Minutes, r.minutes())
	}
	rev.Tried = tx.engine.triedBy(tx.ctx, approved)
	if err := tx.renewRevision(*c, old, *rev); err != nil {
		return err
	}
	return tx.audit("revision.approve", rev.subject(), string(RevisionInReview), string(rev.Status), "")
}

// triedBy says who executed the text and on what: "Mei on `ledger` and Tom on
// `search`", "Mei and Tom on `ledger`". It is mark-up.
func (g *Engine) triedBy(ctx context.Context, reviews []Review) string {
	var parts, names []string
	for i, r := range reviews {
		names = append(names, string(Escape(g.nameOf(ctx, r.Reviewer))))
		if i+1 < len(reviews) && reviews[i+1].Service == r.Service {
			continue
		}
		part := enumerate(names)
		if r.Service != "" {
			part += " on `" + string(Escape(r.Service)) + "`"
		}
		parts, names = append(parts, part), nil
	}
	return enumerate(parts)
}

// tellReview tells the command channel how the review stands: an outcome at the
// top, everything else in the thread of the dry run. The commander reads what is
// asked for directly as well.
func (tx *transaction) tellReview(c Campaign, rev Revision, reviews []Review) error {
	m, err := tx.engine.dryRunResult(tx.ctx, c, rev, reviews, "")
	if err != nil {
		return err
	}
	post := postPayload{To: tx.engine.bridge(c), Thread: rev.Thread.TS, Message: m}
	if rev.Status == RevisionApproved || rev.Returned {
		post.Thread = ""
	}
	key := "dryrun/" + rev.subject() + "/" + string(tx.request.Actor) + "/" + timeKey(tx.now)
	if rev.Returned && post.To != c.Commander.User() {
		if err := tx.post(key+"/commander", Interactive, postPayload{To: c.Commander.User(), Message: m}); err != nil {
			return err
		}
	}
	return tx.post(key, Interactive, post)
}

func (g *Engine) dryRunResult(ctx context.Context, c Campaign, rev Revision, reviews []Review, to Person) (Message, error) {
	data := DryRunResultData{
		LocalTime: g.viewer(ctx, c, to), Campaign: c.ID, Title: c.Title, Track: rev.Track, Revision: rev.Number,
		Approved: rev.Status == RevisionApproved, Quorum: g.opts.Quorum,
	}
	for _, r := range reviews {
		line := ReviewLine{Who: Mention(r.Reviewer), Service: r.Service, Minutes: r.minutes(), Verdict: r.Verdict}
		for _, comment := range r.Comments {
			if !comment.Resolved {
				line.Comments = append(line.Comments, comment.Text)
				data.Open++
			}
		}
		data.Reviews = append(data.Reviews, line)
	}
	return g.speak("dryrun_result", data)
}

// reviewNow shows how the review of a track stands.
func (g *Engine) reviewNow(ctx context.Context, id, track string, to Person) (Message, error) {
	c, rev, err := g.revisionNow(ctx, id, track)
	if err != nil {
		return Message{}, err
	}
	reviews, err := g.reviewsOf(ctx, id, rev)
	if err != nil {
		return Message{}, err
	}
	return g.dryRunResult(ctx, c, rev, reviews, to)
}

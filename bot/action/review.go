package action

import (
	"context"
	"strconv"
	"strings"

	"github.com/slack-go/slack"

	"github.com/musterbot/muster/bot/view"
	"github.com/musterbot/muster/campaign"
)

// review is what the buttons of a dry run are about: campaign|track|revision,
// and the number of a step.
type review struct {
	track          string
	revision, step int
}

// review reads a button's value and refuses one of a revision that another has
// followed.
func (h handlers) review(ctx context.Context, campaignID string, rest []string) (review, error) {
	stale := campaign.Refuse(campaign.Conflict, "This button is of an earlier revision of the instructions, so nothing was kept. The newest dry run has its own.")
	if len(rest) < 2 {
		return review{}, stale
	}
	r := review{track: rest[0]}
	var err error
	if r.revision, err = strconv.Atoi(rest[1]); err != nil {
		return r, stale
	}
	if len(rest) > 2 {
		if r.step, err = strconv.Atoi(rest[2]); err != nil {
			return r, stale
		}
	}
	c, err := h.Engine.Campaign(ctx, campaignID)
	if err != nil {
		return r, err
	}
	if t, ok := c.Track(r.track); !ok || t.Revision != r.revision {
		return r, stale
	}
	return r, nil
}

func (h handlers) judge(ctx context.Context, r campaign.Request, campaignID string, rest []string, v campaign.StepVerdict, comment string) (campaign.Message, error) {
	about, err := h.review(ctx, campaignID, rest)
	if err != nil {
		return campaign.Message{}, err
	}
	return h.Engine.JudgeStep(ctx, r, campaignID, campaign.StepJudgement{
		Track: about.track, Revision: about.revision, Step: about.step, Verdict: v, Comment: comment,
	})
}

func (h handlers) startTimer(ctx context.Context, p Press) (campaign.Message, error) {
	return h.judge(ctx, p.Request, p.Campaign, p.Rest, "", "")
}

func (h handlers) stepWorked(ctx context.Context, p Press) (campaign.Message, error) {
	return h.judge(ctx, p.Request, p.Campaign, p.Rest, campaign.StepWorked, "")
}

func (h handlers) approveText(ctx context.Context, p Press) (campaign.Message, error) {
	about, err := h.review(ctx, p.Campaign, p.Rest)
	if err != nil {
		return campaign.Message{}, err
	}
	return h.Engine.JudgeRevision(ctx, p.Request, p.Campaign, about.track, about.revision, campaign.ReviewApproved, "")
}

// commentForm asks what was unclear, what failed, or what should change.
func (h handlers) commentForm(ctx context.Context, p Press) (*slack.ModalViewRequest, error) {
	about, err := h.review(ctx, p.Campaign, p.Rest)
	if err != nil {
		return nil, err
	}
	_, verdict, _ := strings.Cut(p.Action, ".")
	v := view.CommentModal(about.step, p.origin(verdict+"|"+strings.Join(p.Rest, "|")))
	return &v, nil
}

func (h handlers) comment(ctx context.Context, f Filled) (campaign.Message, error) {
	parts := strings.Split(f.Origin.Value, "|")
	verdict, rest := parts[0], parts[1:]
	if verdict != "changes" {
		return h.judge(ctx, f.Request, f.Origin.Campaign, rest, campaign.StepVerdict(verdict), f.text("comment"))
	}
	about, err := h.review(ctx, f.Origin.Campaign, rest)
	if err != nil {
		return campaign.Message{}, err
	}
	return h.Engine.JudgeRevision(ctx, f.Request, f.Origin.Campaign, about.track, about.revision, campaign.ReviewChanges, f.text("comment"))
}

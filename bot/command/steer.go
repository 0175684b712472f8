package command

import (
	"context"
	"strings"

	"github.com/musterbot/muster/campaign"
)

func (c commands) dryrun(ctx context.Context, call Call) (campaign.Message, error) {
	if len(call.Words) < 2 {
		return campaign.Message{}, campaign.Refuse(campaign.Invalid, "Which track, and who executes it? For example `/campaign dryrun mitigate @mei @tom`. Nothing was sent.")
	}
	track, words := call.Words[0], call.Words[1:]
	if len(words) == 1 && strings.EqualFold(words[0], "resolve") {
		return c.Engine.ResolveComments(ctx, call.Request, call.Campaign.ID, track)
	}
	var reviewers []campaign.Person
	for _, word := range words {
		p, err := c.whom(ctx, strings.Trim(word, ","))
		if err != nil {
			return campaign.Message{}, err
		}
		reviewers = append(reviewers, p)
	}
	return c.Engine.StartDryRun(ctx, call.Request, call.Campaign.ID, track, reviewers)
}

func (c commands) approve(ctx context.Context, call Call) (campaign.Message, error) {
	return c.Engine.Freeze(ctx, call.Request, call.Campaign.ID)
}

func (c commands) launch(ctx context.Context, call Call) (campaign.Message, error) {
	if len(call.Words) == 0 {
		return c.Engine.PlanMessage(ctx, call.Campaign.ID)
	}
	return c.Engine.Launch(ctx, call.Request, call.Campaign.ID, strings.ToLower(call.Words[0]))
}

func (c commands) pause(ctx context.Context, call Call) (campaign.Message, error) {
	return c.Engine.Pause(ctx, call.Request, call.Campaign.ID)
}

func (c commands) resume(ctx context.Context, call Call) (campaign.Message, error) {
	return c.Engine.Resume(ctx, call.Request, call.Campaign.ID)
}

func (c commands) cancel(ctx context.Context, call Call) (campaign.Message, error) {
	call.Request.Reason = strings.Join(call.Words, " ")
	call.reasoned()
	return c.Engine.Cancel(ctx, call.Request, call.Campaign.ID)
}

func (c commands) merge(ctx context.Context, call Call) (campaign.Message, error) {
	words := call.reasoned()
	if len(words) != 2 {
		return campaign.Message{}, campaign.Refuse(campaign.Invalid, "Say which ends and which takes over: `/campaign merge log4j-rce log4shell`. Nothing was changed.")
	}
	for _, id := range words {
		one, err := c.Engine.Campaign(ctx, strings.ToLower(id))
		if err != nil {
			return campaign.Message{}, err
		}
		if err := Allow(ctx, c.Roles, call.Request.Actor, campaign.Commander, one, "merge it"); err != nil {
			return campaign.Message{}, err
		}
	}
	return c.Engine.Merge(ctx, call.Request, strings.ToLower(words[0]), strings.ToLower(words[1]))
}

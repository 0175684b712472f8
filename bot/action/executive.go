package action

import (
	"context"

	"github.com/musterbot/muster/campaign"
)

func (h handlers) grantAsk(ctx context.Context, p Press) (campaign.Message, error) {
	return h.Engine.AnswerAsk(ctx, p.Request, p.Campaign, p.first(), true)
}

func (h handlers) declineAsk(ctx context.Context, p Press) (campaign.Message, error) {
	return h.Engine.AnswerAsk(ctx, p.Request, p.Campaign, p.first(), false)
}

func (h handlers) callMe(ctx context.Context, p Press) (campaign.Message, error) {
	return h.Engine.CallAboutAsk(ctx, p.Request, p.Campaign, p.first())
}

func (h handlers) sendDigest(ctx context.Context, p Press) (campaign.Message, error) {
	if len(p.Rest) < 2 {
		return campaign.Message{}, staleButton()
	}
	return h.Engine.SendDigest(ctx, p.Request, p.Campaign, campaign.Audience(p.Rest[0]), p.Rest[1])
}

func (h handlers) byOrganisation(ctx context.Context, p Press) (campaign.Message, error) {
	m, err := h.Engine.ByOrganisation(ctx, p.Campaign)
	m.Ephemeral = true
	return m, err
}

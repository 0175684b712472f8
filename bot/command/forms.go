package command

import (
	"context"

	"github.com/slack-go/slack"

	"github.com/musterbot/muster/bot/view"
	"github.com/musterbot/muster/campaign"
)

// The forms below open when a command says too little to be carried out.

func (c commands) createForm(_ context.Context, call Call) (*slack.ModalViewRequest, error) {
	if len(call.Words) > 0 {
		return nil, nil
	}
	v := view.NewCampaignModal(view.NewCampaignForm{Zone: zoneOf(call), Private: call.origin("")})
	return &v, nil
}

func (c commands) editForm(_ context.Context, call Call) (*slack.ModalViewRequest, error) {
	if len(call.Words) > 0 {
		return nil, nil
	}
	v := view.EditModal(call.Campaign, call.origin(""))
	return &v, nil
}

func (c commands) attachForm(_ context.Context, call Call) (*slack.ModalViewRequest, error) {
	if call.Text != "" {
		return nil, nil
	}
	v := view.AttachModal(call.origin(""))
	return &v, nil
}

func (c commands) trackForm(ctx context.Context, call Call) (*slack.ModalViewRequest, error) {
	if len(call.Words) > 1 {
		return nil, nil
	}
	track := campaign.Track{}
	if len(call.Words) == 1 {
		track.Name = campaign.Slug(call.Words[0])
		if known, ok := call.Campaign.Track(track.Name); ok {
			track = known
		}
	}
	instructions, err := c.Engine.Instructions(ctx, call.Campaign.ID, track.Name)
	if err != nil {
		return nil, err
	}
	v := view.TrackModal(call.Campaign, track, instructions, call.origin(track.Name))
	return &v, nil
}

func (c commands) attestForm(ctx context.Context, call Call) (*slack.ModalViewRequest, error) {
	if len(call.Words) > 0 {
		return nil, nil
	}
	ids, names, err := c.Engine.UnknownOf(ctx, call.Request.Actor, call.Campaign.ID)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	v := view.AttestModal(view.AttestForm{Callback: "campaign.attest", IDs: ids, Names: names, Private: call.origin("")})
	return &v, nil
}

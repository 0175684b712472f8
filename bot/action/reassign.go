package action

import (
	"cmp"
	"context"
	"encoding/json"

	"github.com/slack-go/slack"

	"github.com/musterbot/muster/bot/view"
	"github.com/musterbot/muster/campaign"
)

// owner returns whom a form names: an owner of the catalog, else in any words.
func (f Filled) owner() string { return cmp.Or(f.text("whose"), f.text("owner")) }

func needsOwner(f Filled) map[string]string {
	if f.owner() == "" {
		return map[string]string{"whose": "Name a team or a person here, or in your words below."}
	}
	return nil
}

func (h handlers) acceptWork(ctx context.Context, p Press) (campaign.Message, error) {
	return h.Engine.AcceptWork(ctx, p.Request, p.Campaign, p.first())
}

func (h handlers) settleWork(ctx context.Context, p Press) (campaign.Message, error) {
	if len(p.Rest) < 2 {
		return campaign.Message{}, staleButton()
	}
	return h.Engine.SettleWork(ctx, p.Request, p.Campaign, p.first(), p.Rest[1])
}

func (h handlers) otherOwnerForm(_ context.Context, p Press) (*slack.ModalViewRequest, error) {
	v := view.OtherOwnerModal(p.origin(p.first()))
	return &v, nil
}

func (h handlers) declineWorkForm(_ context.Context, p Press) (*slack.ModalViewRequest, error) {
	v := view.DeclineWorkModal(p.origin(p.first()))
	return &v, nil
}

func (h handlers) otherOwner(ctx context.Context, f Filled) (campaign.Message, error) {
	return h.Engine.PassWork(ctx, f.Request, f.Origin.Campaign, f.Origin.Value, f.owner())
}

func (h handlers) declineWork(ctx context.Context, f Filled) (campaign.Message, error) {
	return h.Engine.DeclineWork(ctx, f.Request, f.Origin.Campaign, f.Origin.Value, f.text("reason"))
}

// menuSize is how many options a search offers.
const menuSize = 25

// Suggest returns the options of a select that asks for them while somebody types.
// Who is not one of the company's people is offered none.
func (r *Router) Suggest(ctx context.Context, e campaign.Envelope) (any, error) {
	var asked struct {
		ActionID string `json:"action_id"`
		Value    string `json:"value"`
	}
	if err := json.Unmarshal(e.Payload, &asked); err != nil || asked.ActionID != "whose" {
		return view.MenuOptions(nil), nil
	}
	if known, err := r.opts.Roles.Has(ctx, e.Actor, campaign.Everybody); err != nil || !known {
		return view.MenuOptions(nil), err
	}
	found, err := r.opts.Engine.Owners(ctx, asked.Value, menuSize)
	return view.MenuOptions(found), err
}

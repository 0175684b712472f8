package action

import (
	"context"
	"strings"

	"github.com/slack-go/slack"

	"github.com/musterbot/muster/bot/command"
	"github.com/musterbot/muster/campaign"
)

func (h handlers) answered(ctx context.Context, p Press) (campaign.Message, error) {
	m, err := h.Engine.Answer(ctx, p.Request, p.Campaign, p.first())
	m.Ephemeral = true
	return m, err
}

func (h handlers) escalate(ctx context.Context, p Press) (campaign.Message, error) {
	m, err := h.Engine.Escalate(ctx, p.Request, p.Campaign, p.first())
	m.Ephemeral = true
	return m, err
}

// launchSlice launches from the button of a plan, unless another plan was
// approved since.
func (h handlers) launchSlice(ctx context.Context, p Press) (campaign.Message, error) {
	c, err := h.Engine.Campaign(ctx, p.Campaign)
	if err != nil {
		return campaign.Message{}, err
	}
	if len(p.Rest) > 1 && p.Rest[1] != c.Plan {
		return campaign.Message{}, campaign.Refuse(campaign.Conflict, "Another plan was approved since this button was shown, so nothing was sent. `/campaign plan` shows the one in force.")
	}
	return h.Engine.Launch(ctx, p.Request, p.Campaign, p.first())
}

// launchNext sends the wave that waits at its gate.
func (h handlers) launchNext(ctx context.Context, p Press) (campaign.Message, error) {
	return h.Engine.SkipGate(ctx, p.Request, p.Campaign, p.first())
}

// pickPilot lets the rule pick a pilot.
func (h handlers) pickPilot(ctx context.Context, p Press) (campaign.Message, error) {
	return h.Engine.SetPilot(ctx, p.Request, p.Campaign, campaign.Pilot{Rule: true})
}

func (h handlers) showPlan(ctx context.Context, p Press) (campaign.Message, error) {
	return h.Engine.PlanMessage(ctx, p.Campaign)
}

func (h handlers) showCampaign(ctx context.Context, p Press) (campaign.Message, error) {
	return h.Engine.Show(ctx, p.Campaign)
}

func (h handlers) pause(ctx context.Context, p Press) (campaign.Message, error) {
	return h.Engine.Pause(ctx, p.Request, p.Campaign)
}

func (h handlers) resume(ctx context.Context, p Press) (campaign.Message, error) {
	return h.Engine.Resume(ctx, p.Request, p.Campaign)
}

func (h handlers) decide(ctx context.Context, p Press) (campaign.Message, error) {
	if len(p.Rest) < 2 {
		return campaign.Message{}, staleButton()
	}
	return h.Engine.Decide(ctx, p.Request, p.Campaign, p.Rest[0], p.Rest[1] == "yes")
}

func staleButton() error {
	return campaign.Refuse(campaign.Conflict, "This button is of an earlier version and does nothing any more. Nothing was changed.")
}

func (h handlers) retry(ctx context.Context, p Press) (campaign.Message, error) {
	return h.Engine.Revive(ctx, p.Request, p.Campaign, p.first())
}

func (h handlers) refile(ctx context.Context, p Press) (campaign.Message, error) {
	return h.Engine.Refile(ctx, p.Request, p.Campaign, p.first())
}

func (h handlers) acceptCommand(ctx context.Context, p Press) (campaign.Message, error) {
	return h.Engine.AcceptCommand(ctx, p.Request, p.Campaign)
}

func (h handlers) declineCommand(ctx context.Context, p Press) (campaign.Message, error) {
	return h.Engine.DeclineCommand(ctx, p.Request, p.Campaign)
}

// call is the command that a button stands for: pressing it is typing it now.
func (p Press) call() command.Call {
	_, text, _ := strings.Cut(p.Value, "|")
	return command.Call{
		Request: p.Request, Channel: campaign.ChannelRef{ID: p.Channel}, ResponseURL: p.ResponseURL, At: p.At,
		Text: text, Campaign: campaign.Campaign{ID: p.Campaign},
	}
}

func (h handlers) runCommand(ctx context.Context, p Press) (campaign.Message, error) {
	return h.Commands.Run(ctx, p.call())
}

func (h handlers) commandForm(ctx context.Context, p Press) (*slack.ModalViewRequest, error) {
	return h.Commands.Form(ctx, p.call())
}

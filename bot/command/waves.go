package command

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/musterbot/muster/campaign"
)

// plan shows the plan, or chooses its pilot.
func (c commands) plan(ctx context.Context, call Call) (campaign.Message, error) {
	if len(call.Words) == 0 {
		return c.Engine.PlanMessage(ctx, call.Campaign.ID)
	}
	names := call.Words[1:]
	if !strings.EqualFold(call.Words[0], "pilot") || len(names) == 0 {
		return campaign.Message{}, campaign.Refuse(campaign.Invalid, "A plan can be given a pilot: `/campaign plan pilot auto` picks three by a rule, `/campaign plan pilot NAME NAME NAME` takes these, `/campaign plan pilot none` takes none. Nothing was changed.")
	}
	return c.Engine.SetPilot(ctx, call.Request, call.Campaign.ID, pilot(names))
}

// pilot reads "auto", "none", or names.
func pilot(words []string) campaign.Pilot {
	if len(words) == 1 {
		switch strings.ToLower(words[0]) {
		case "auto", "rule":
			return campaign.Pilot{Rule: true}
		case "none", "no", "off":
			return campaign.Pilot{}
		}
	}
	var names []string
	for _, word := range words {
		if name := strings.Trim(word, ","); name != "" {
			names = append(names, name)
		}
	}
	return campaign.Pilot{Names: names}
}

// waves reads "organisation", "share 10 30 60", or "none".
func waves(words []string) (campaign.Split, []int, error) {
	refused := campaign.Refuse(campaign.Invalid, "What is not exposed goes out by `organisation`, by `share 10 30 60`, or in one wave: `none`. Nothing was changed.")
	split := campaign.Split(strings.ToLower(words[0]))
	if split == "organization" || split == "org" {
		split = campaign.SplitOrganisation
	}
	if split == "shares" {
		split = campaign.SplitShare
	}
	if split == "none" {
		split = campaign.SplitNone
	}
	var shares []int
	for _, word := range words[1:] {
		share, err := strconv.Atoi(strings.Trim(word, "%,"))
		if err != nil || split != campaign.SplitShare {
			return "", nil, refused
		}
		shares = append(shares, share)
	}
	switch split {
	case campaign.SplitNone, campaign.SplitOrganisation, campaign.SplitShare:
		return split, shares, nil
	}
	return "", nil, refused
}

// gate says when the next wave goes out.
func (c commands) gate(ctx context.Context, call Call) (campaign.Message, error) {
	if len(call.Words) == 1 {
		switch strings.ToLower(call.Words[0]) {
		case "open", "next":
			return c.Engine.SkipGate(ctx, call.Request, call.Campaign.ID, "")
		case "none", "off":
			return c.Engine.SetGate(ctx, call.Request, call.Campaign.ID, campaign.Gate{Mode: campaign.GateNone})
		case "default":
			return c.Engine.SetGate(ctx, call.Request, call.Campaign.ID, campaign.Gate{})
		}
	}
	gate, ok := gateOf(call.Words)
	if !ok {
		return campaign.Message{}, campaign.Refuse(campaign.Invalid, "When does the next wave go out? `/campaign gate claimed 5` (or `50%`), `quiet 30m`, both, or `button` for nothing but the button; `none` for no gate, `default` for half of the tasks or 30 quiet minutes, `open` to send the one that waits. Nothing was changed.")
	}
	return c.Engine.SetGate(ctx, call.Request, call.Campaign.ID, gate)
}

// gateOf reads "claimed 5", "claimed 50%", "quiet 30m", "button", in any order.
func gateOf(words []string) (campaign.Gate, bool) {
	gate := campaign.Gate{Mode: campaign.GateSet}
	for i := 0; i < len(words); i++ {
		value := ""
		if i+1 < len(words) {
			value = strings.ToLower(strings.Trim(words[i+1], ","))
		}
		switch strings.ToLower(strings.Trim(words[i], ",")) {
		case "or", "button":
			continue
		case "claimed":
			n, err := strconv.Atoi(strings.TrimSuffix(value, "%"))
			if err != nil || n <= 0 {
				return gate, false
			}
			gate.Claimed, gate.Share = n, 0
			if strings.HasSuffix(value, "%") {
				gate.Claimed, gate.Share = 0, n
			}
		case "quiet":
			d, err := time.ParseDuration(value)
			if err != nil || d < time.Minute {
				return gate, false
			}
			gate.Quiet = d
		default:
			return gate, false
		}
		i++
	}
	return gate, len(words) > 0
}

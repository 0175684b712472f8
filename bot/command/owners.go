package command

import (
	"context"
	"strings"

	"github.com/musterbot/muster/campaign"
)

func (c commands) status(ctx context.Context, call Call) (campaign.Message, error) {
	return c.Engine.Status(ctx, call.Campaign.ID)
}

func (c commands) tickets(ctx context.Context, call Call) (campaign.Message, error) {
	return c.Engine.Tickets(ctx, call.Campaign.ID, call.Request.Actor)
}

func (c commands) triage(ctx context.Context, call Call) (campaign.Message, error) {
	words := call.Words
	if len(words) == 0 {
		return c.Engine.TriageList(ctx, call.Campaign.ID)
	}
	o := campaign.TriageOrder{}
	if strings.EqualFold(words[0], "waive") {
		o.Waive, o.Reason = true, strings.Join(words[1:], " ")
		return c.Engine.Triage(ctx, call.Request, call.Campaign.ID, o)
	}
	at := -1
	for i, word := range words {
		switch strings.ToLower(strings.ReplaceAll(word, "_", "-")) {
		case "affected":
			at, o.Affected = i, true
		case "not-affected", "unaffected", "safe":
			at = i
		}
		if at >= 0 {
			break
		}
	}
	if at < 1 {
		return campaign.Message{}, campaign.Refuse(campaign.Invalid, "Say which, and whether they are affected: `/campaign triage ledger affected owner group:payments \"they run it\"`. Nothing was decided.")
	}
	for _, word := range words[:at] {
		o.Targets = append(o.Targets, strings.Trim(word, ","))
	}
	rest := words[at+1:]
	switch {
	case len(rest) > 1 && strings.EqualFold(rest[0], "owner"):
		o.Owner, rest = rest[1], rest[2:]
	case o.Affected && len(rest) > 0 && !strings.Contains(rest[0], " "): // affected OWNER
		o.Owner, rest = rest[0], rest[1:]
	}
	o.Reason = strings.Join(rest, " ")
	return c.Engine.Triage(ctx, call.Request, call.Campaign.ID, o)
}

func (c commands) attest(ctx context.Context, call Call) (campaign.Message, error) {
	for i, word := range call.Words {
		if i > 0 && strings.EqualFold(word, "verified") {
			return c.Engine.ConfirmNamed(ctx, call.Request, call.Campaign.ID, call.Words[:i], strings.Join(call.Words[i+1:], " "))
		}
		running, err := yesNo(word)
		if err != nil || i == 0 {
			continue
		}
		a := campaign.Attestation{Running: running, How: strings.Join(call.Words[i+1:], " ")}
		for _, target := range call.Words[:i] {
			a.Targets = append(a.Targets, strings.Trim(target, ","))
		}
		return c.Engine.Attest(ctx, call.Request, call.Campaign.ID, a)
	}
	return campaign.Message{}, campaign.Refuse(campaign.Invalid, "Say which, yes or no, and how you checked: `/campaign attest ledger no \"searched the images for log4j-core\"`. Nothing was changed.")
}

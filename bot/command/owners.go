package command

import (
	"context"
	"slices"
	"strconv"
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
	last := len(words) - 1
	switch {
	case strings.EqualFold(words[0], "waive"):
		o := campaign.TriageOrder{Waive: true, Reason: strings.Join(words[1:], " ")}
		return c.Engine.Triage(ctx, call.Request, call.Campaign.ID, o)
	case strings.EqualFold(words[0], "forget") && last > 0:
		return c.forgetRule(ctx, call)
	case asksOwners(words):
		names := trimmed(words[:last])
		if len(names) == 0 {
			names = []string{"all"}
		}
		return c.Engine.AskOwners(ctx, call.Request, call.Campaign.ID, campaign.AboutDoubt, names)
	case last >= 2 && strings.EqualFold(words[1], "owner"):
		r := call.Request
		r.Reason = strings.Join(words[3:], " ")
		return c.Engine.SettleOwner(ctx, r, call.Campaign.ID, words[0], words[2])
	}
	o, ok := triageOrder(words)
	if !ok {
		return campaign.Message{}, campaign.Refuse(campaign.Invalid, "Say which, and whether they are affected: `/campaign triage ledger affected owner group:payments \"they run it\"`. Nothing was decided.")
	}
	return c.Engine.Triage(ctx, call.Request, call.Campaign.ID, o)
}

// triageOrder reads NAME… affected|not-affected [owner REF] "reason". A pattern
// among the names makes it a rule.
func triageOrder(words []string) (o campaign.TriageOrder, ok bool) {
	at := slices.IndexFunc(words, func(word string) bool {
		switch strings.ToLower(strings.ReplaceAll(word, "_", "-")) {
		case "affected":
			o.Affected = true
			return true
		case "not-affected", "unaffected", "safe":
			return true
		}
		return false
	})
	if at < 1 {
		return o, false
	}
	for _, word := range trimmed(words[:at]) {
		o.Targets = append(o.Targets, word)
		if p, ok := triagePattern(word, o.Rule); ok {
			o.Rule = &p
		}
	}
	if o.Rule != nil {
		o.Targets = nil
	}
	rest := words[at+1:]
	switch {
	case len(rest) > 1 && strings.EqualFold(rest[0], "owner"):
		o.Owner, rest = rest[1], rest[2:]
	case o.Affected && len(rest) > 0 && !strings.Contains(rest[0], " "): // affected OWNER
		o.Owner, rest = rest[0], rest[1:]
	}
	o.Reason = strings.Join(rest, " ")
	return o, true
}

// triagePattern adds what a word says to a pattern: a name with a star,
// package:NAME or owner:REF.
func triagePattern(word string, so *campaign.TriagePattern) (p campaign.TriagePattern, ok bool) {
	if so != nil {
		p = *so
	}
	kind, text, prefixed := strings.Cut(word, ":")
	switch {
	case prefixed && strings.EqualFold(kind, "package"):
		p.Package = text
	case prefixed && strings.EqualFold(kind, "owner"):
		p.OwnedBy = text
	case strings.Contains(word, "*"):
		p.Name = word
	default:
		return p, false
	}
	return p, true
}

func trimmed(words []string) []string {
	out := make([]string, 0, len(words))
	for _, word := range words {
		out = append(out, strings.Trim(word, ","))
	}
	return out
}

// asksOwners returns whether words end in "ask", and not a reason that does: a
// verdict stands before that.
func asksOwners(words []string) bool {
	last := len(words) - 1
	return last >= 0 && strings.EqualFold(words[last], "ask") && !slices.ContainsFunc(words[:last], func(word string) bool {
		return slices.Contains([]string{"affected", "not-affected", "unaffected", "safe", "yes", "no", "verified", "by", "owner"}, strings.ToLower(strings.ReplaceAll(word, "_", "-")))
	})
}

func (c commands) forgetRule(ctx context.Context, call Call) (campaign.Message, error) {
	number, err := strconv.Atoi(call.Words[1])
	if err != nil {
		return campaign.Message{}, campaign.Refuse(campaign.Invalid, "Rules have numbers: `/campaign triage forget 2`. Nothing was changed.")
	}
	r := call.Request
	r.Reason = strings.Join(call.Words[2:], " ")
	return c.Engine.ForgetTriageRule(ctx, r, call.Campaign.ID, number)
}

func (c commands) attest(ctx context.Context, call Call) (campaign.Message, error) {
	words := call.Words
	if asksOwners(words) {
		return c.askUnscanned(ctx, call)
	}
	for i, word := range words {
		if i > 0 && strings.EqualFold(word, "verified") {
			return c.Engine.ConfirmNamed(ctx, call.Request, call.Campaign.ID, words[:i], strings.Join(words[i+1:], " "))
		}
		if i > 0 && strings.EqualFold(word, "by") {
			if until, rest, ok := when(words[i+1:], call.Now); ok {
				return c.Engine.Promise(ctx, call.Request, call.Campaign.ID, trimmed(words[:i]), until, strings.Join(rest, " "))
			}
		}
		running, err := yesNo(word)
		if err != nil || i == 0 {
			continue
		}
		a := campaign.Attestation{Targets: trimmed(words[:i]), Running: running, How: strings.Join(words[i+1:], " ")}
		return c.Engine.Attest(ctx, call.Request, call.Campaign.ID, a)
	}
	return campaign.Message{}, campaign.Refuse(campaign.Invalid, "Say which, yes or no, and how you checked: `/campaign attest ledger no \"searched the images for log4j-core\"`; or by when you will know: `/campaign attest ledger by fri 17:00`. Nothing was changed.")
}

// askUnscanned asks the owners of what nobody has scanned; only who commands may.
func (c commands) askUnscanned(ctx context.Context, call Call) (campaign.Message, error) {
	if err := Allow(ctx, c.Roles, call.Request.Actor, campaign.Commander, call.Campaign, "ask owners to attest"); err != nil {
		return campaign.Message{}, err
	}
	names := trimmed(call.Words[:len(call.Words)-1])
	if len(names) == 0 {
		names = []string{"all"}
	}
	return c.Engine.AskOwners(ctx, call.Request, call.Campaign.ID, campaign.AboutUnscanned, names)
}

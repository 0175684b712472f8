package command

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/musterbot/muster/campaign"
)

// void reads "[TRACK] METHOD reason"; without a track it is the one that has the
// method.
func (c commands) void(ctx context.Context, call Call) (campaign.Message, error) {
	words := call.Words
	track := ""
	if len(words) > 1 {
		if _, ok := call.Campaign.Track(words[0]); ok {
			track, words = words[0], words[1:]
		}
	}
	if len(words) < 2 {
		return campaign.Message{}, campaign.Refuse(campaign.Invalid, "Which method does not count any more, and why? For example `/campaign void flag \"it leaves a second hole open\"`. Nothing was changed.")
	}
	method, words := c.methodIn(call.Campaign, words)
	if track == "" {
		i := slices.IndexFunc(call.Campaign.Tracks, func(t campaign.Track) bool { return slices.Contains(t.Methods, method) })
		if i < 0 {
			return campaign.Message{}, campaign.Refuse(campaign.NotFound, "No track of this campaign has the method “"+string(campaign.Escape(clip(method, 60)))+"”. Nothing was changed. `/campaign show` lists the methods.")
		}
		track = call.Campaign.Tracks[i].Name
	}
	return c.Engine.Void(ctx, call.Request, call.Campaign.ID, track, method, strings.Join(words, " "))
}

// methodIn reads a method, which may be of several words without quotes.
func (commands) methodIn(c campaign.Campaign, words []string) (method string, rest []string) {
	for n := min(4, len(words)-1); n > 1; n-- {
		joined := strings.ToLower(strings.Join(words[:n], " "))
		for _, t := range c.Tracks {
			if slices.Contains(t.Methods, joined) {
				return joined, words[n:]
			}
		}
	}
	return strings.ToLower(words[0]), words[1:]
}

func (c commands) rebaseline(ctx context.Context, call Call) (campaign.Message, error) {
	if len(call.Words) == 0 {
		return campaign.Message{}, campaign.Refuse(campaign.Invalid, "For whom should the new fixed versions count: `all`, only the `exposed`, or only `unfinished` work? Nothing was changed.")
	}
	call.Request.Reason = strings.Join(call.Words[1:], " ")
	return c.Engine.Rebaseline(ctx, call.Request, call.Campaign.ID, strings.ToLower(call.Words[0]))
}

func (c commands) declare(ctx context.Context, call Call) (campaign.Message, error) {
	words := call.reasoned()
	return c.Engine.Declare(ctx, call.Request, call.Campaign.ID, strings.ToLower(strings.Join(words, " ")))
}

// ask reads "@person what by WHEN".
func (c commands) ask(ctx context.Context, call Call) (campaign.Message, error) {
	if len(call.Words) < 2 {
		return campaign.Message{}, campaign.Refuse(campaign.Invalid, "Whom, for what, and by when? For example `/campaign ask @dana \"waive the freeze for six Payments services\" by 20:00`. Nothing was sent.")
	}
	to, err := c.whom(ctx, call.Words[0])
	if err != nil {
		return campaign.Message{}, err
	}
	words := call.Words[1:]
	for i := len(words) - 1; i > 0; i-- {
		if !strings.EqualFold(words[i], "by") {
			continue
		}
		if at, rest, ok := when(words[i+1:], call.Now); ok && len(rest) == 0 {
			return c.Engine.SendAsk(ctx, call.Request, call.Campaign.ID, to, said(words[:i]), at)
		}
	}
	return campaign.Message{}, badTime(words[len(words)-1:])
}

func (c commands) digest(ctx context.Context, call Call) (campaign.Message, error) {
	audience := campaign.ForLeads
	if len(call.Words) > 0 {
		audience = campaign.Audience(strings.ToLower(call.Words[0]))
	}
	return c.Engine.Digest(ctx, call.Request, call.Campaign.ID, audience)
}

// command hands over: to a person, or by one's own word.
func (c commands) command(ctx context.Context, call Call) (campaign.Message, error) {
	if len(call.Words) != 1 {
		return campaign.Message{}, campaign.Refuse(campaign.Invalid, "To whom? `/campaign command @devi` offers it; `accept`, `decline` and `take` are for those who receive it. Nothing was changed.")
	}
	id, r := call.Campaign.ID, call.Request
	switch strings.ToLower(call.Words[0]) {
	case "accept":
		return c.Engine.AcceptCommand(ctx, r, id)
	case "decline":
		return c.Engine.DeclineCommand(ctx, r, id)
	case "take":
		return c.Engine.TakeCommand(ctx, r, id)
	}
	to, err := c.whom(ctx, call.Words[0])
	if err != nil {
		return campaign.Message{}, err
	}
	return c.Engine.OfferCommand(ctx, r, id, to)
}

func (c commands) close(ctx context.Context, call Call) (campaign.Message, error) {
	call.reasoned()
	return c.Engine.Close(ctx, call.Request, call.Campaign.ID)
}

// reasoned takes the words after "because" as the reason of the request, and
// returns those before.
func (c *Call) reasoned() []string {
	i := slices.IndexFunc(c.Words, func(w string) bool { return strings.EqualFold(w, "because") })
	if i < 0 {
		return c.Words
	}
	c.Request.Reason = strings.Join(c.Words[i+1:], " ")
	return c.Words[:i]
}

// auditTail is how many records are shown when nobody says.
const auditTail = 20

func (c commands) audit(ctx context.Context, call Call) (campaign.Message, error) {
	n := auditTail
	if len(call.Words) > 0 {
		given, err := strconv.Atoi(call.Words[0])
		if err != nil || given < 1 || given > 200 {
			return campaign.Message{}, campaign.Refuse(campaign.Invalid, "Say how many of the newest records to show, from 1 to 200. `muster audit export` has all of them.")
		}
		n = given
	}
	return c.Engine.AuditTail(ctx, call.Campaign.ID, n)
}

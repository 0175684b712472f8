package command

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/musterbot/muster/campaign"
)

// offered is how many campaigns are offered when several may be meant.
const offered = 5

// resolve finds the campaign that is meant: named by a button or its ID, by the
// channel, or the only one there is. When several may be meant, the message
// offers them.
func (r *Router) resolve(ctx context.Context, row Command, call Call) (Call, campaign.Message, error) {
	var none campaign.Message
	if row.Needs == NoCampaign {
		return call, none, nil
	}
	all, err := r.opts.Engine.Campaigns(ctx)
	if err != nil {
		return call, none, err
	}
	if id := call.Campaign.ID; id != "" {
		i := byID(all, id)
		if i < 0 {
			return call, none, campaign.Refuse(campaign.NotFound, "There is no campaign "+string(campaign.Escape(id))+" any more. Nothing was changed. `/campaign list` shows them all.")
		}
		call.Campaign = all[i]
		return call, none, nil
	}
	if len(call.Words) > 0 {
		if i := byID(all, call.Words[0]); i >= 0 {
			_, call.Text = firstWord(call.Text)
			call.Campaign, call.Words = all[i], call.Words[1:]
			return call, none, nil
		}
	}
	here := kept(all, func(c campaign.Campaign) bool { return !over(c) && isOf(c, call.Channel.ID) })
	if len(here) == 1 {
		call.Campaign = here[0]
		return call, none, nil
	}
	if row.Needs == AnyCampaign {
		return call, none, nil
	}
	if len(here) > 1 {
		all = here
	}
	return only(row, all, call)
}

func byID(all []campaign.Campaign, id string) int {
	return slices.IndexFunc(all, func(c campaign.Campaign) bool { return c.ID == strings.ToLower(id) })
}

func kept(all []campaign.Campaign, keep func(campaign.Campaign) bool) []campaign.Campaign {
	return slices.DeleteFunc(slices.Clone(all), func(c campaign.Campaign) bool { return !keep(c) })
}

func over(c campaign.Campaign) bool {
	return c.Status == campaign.Closed || c.Status == campaign.Cancelled
}

func runs(c campaign.Campaign) bool {
	return c.Status == campaign.Running || c.Status == campaign.Paused || c.Status == campaign.Closing
}

func isOf(c campaign.Campaign, channel string) bool {
	return channel != "" && (c.HelpRef.ID == channel || c.CommandRef.ID == channel)
}

// only takes the one campaign that runs, else the one that is not over, else
// the one that there is; with several it offers the last five.
func only(row Command, all []campaign.Campaign, call Call) (Call, campaign.Message, error) {
	open := kept(all, func(c campaign.Campaign) bool { return !over(c) })
	for _, some := range [][]campaign.Campaign{kept(all, runs), open, all} {
		if len(some) == 1 {
			call.Campaign = some[0]
			return call, campaign.Message{}, nil
		}
	}
	if len(all) == 0 {
		return call, campaign.Message{}, campaign.Refuse(campaign.NotFound, "There is no campaign yet. `/campaign new \"log4j RCE\"` starts one.")
	}
	if len(open) > 0 {
		all = open
	}
	m := campaign.Message{Ephemeral: true, Text: "*Which campaign?*\nThere are several, and this channel does not tell. Nothing was done yet. Press one, or name it first: `/campaign " + row.Name + " " + all[0].ID + "`."}
	if more := len(all) - offered; more > 0 {
		m.Text += fmt.Sprintf(" There are %d more: `/campaign list`.", more)
	}
	for _, c := range all[:min(len(all), offered)] {
		m.Buttons = append(m.Buttons, campaign.Button{
			Label: clip(c.Title, 40) + " (" + clip(c.ID, 28) + ")", Action: ActionRun, Value: c.ID + "|" + strings.TrimSpace(row.Name+" "+clip(call.Text, 400)),
		})
	}
	return call, m, nil
}

// clip shortens a text to so many characters.
func clip(s string, most int) string {
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return s
}

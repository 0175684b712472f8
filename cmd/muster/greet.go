package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/musterbot/muster/bot/slackapi"
	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/configs"
)

// greet asks Slack who we are, and tells what is missing before anybody has to
// find out.
func (a *app) greet(ctx context.Context) error {
	err := a.patiently(ctx, "who the token speaks for", func() (err error) {
		a.me, err = a.slack.Identity(ctx)
		return err
	})
	if err != nil {
		return explainStart(err)
	}
	err = a.patiently(ctx, "whether people may be looked up", func() error {
		_, err := a.slack.ByID(ctx, campaign.NewPerson(a.me.TeamID, a.me.UserID))
		return err
	})
	if campaign.KindOf(err) == campaign.Forbidden { // the app was not installed as its manifest says: nobody has a role
		return explainStart(err)
	}
	var commanders []campaign.Person
	err = a.patiently(ctx, "who may command", func() (err error) {
		commanders, err = a.slack.Members(ctx, campaign.Commander)
		return err
	})
	switch {
	case refused(err): // a user group that was deleted is no reason not to go on
		a.log.WithError(err).Warn("slack tells of nobody in roles.commander, so nobody can start a campaign")
		a.amiss = append(a.amiss, "roles.commander gives nobody the role, so nobody can start a campaign: "+campaign.PublicMessage(err))
	case err != nil:
		return explainStart(err)
	case len(commanders) == 0:
		a.log.Warn("nobody of roles.commander is in this workspace, so nobody can start a campaign")
	}
	return nil
}

// turnFor bounds how long the start waits for its turn with one question: a list of
// many pages, at twenty a minute, which other replicas may be reading too. tellEvery
// is how often the log says so.
const (
	turnFor   = 10 * time.Minute
	tellEvery = 30 * time.Second
)

// patiently asks Slack again while it does not answer. To wait for our turn, because
// of our own pace or because Slack says when, does not count towards StartFor.
func (a *app) patiently(ctx context.Context, what string, call func() error) error {
	pause, began := 250*time.Millisecond, time.Now()
	until := began.Add(a.opts.StartFor)
	var told time.Time
	for {
		err := call()
		if kind := campaign.KindOf(err); kind != campaign.Unavailable && kind != campaign.Uncertain {
			return err
		}
		wait := campaign.RetryAfter(err)
		switch {
		case wait > 0 && time.Since(began) < turnFor:
			until = until.Add(wait)
			if time.Since(told) > tellEvery {
				told = time.Now()
				a.log.WithError(err).WithFields(logrus.Fields{"what": what, "waited": time.Since(began).Round(time.Second)}).Info("the start waits for slack's pace")
			}
		case time.Now().After(until):
			return err
		default:
			a.log.WithError(err).WithField("what", what).Warn("slack does not answer; trying again")
			wait, pause = pause, min(2*pause, 10*time.Second)
		}
		if err := (campaign.RealClock{}).Wait(ctx, wait); err != nil {
			return err
		}
	}
}

// explainStart adds what an operator has to do about a token that Slack refused.
func explainStart(err error) error {
	if !slackapi.Unauthorized(err) {
		return err
	}
	return &campaign.Error{
		Kind: campaign.Forbidden, Err: err,
		Message: "Slack refused the start: " + campaign.PublicMessage(err) + " The bot token is `slack.bot_token` or MUSTER_SLACK_BOT_TOKEN, from the app's page OAuth & Permissions.",
	}
}

// findChannels finds the channels of the configuration, joins them, and returns the
// IDs of the digests' ones by how they are written. Names are looked for in one listing, which the
// start waits for: in a large workspace without Muster in its channels a minute or
// two. A channel that cannot be used is no reason not to start.
func (a *app) findChannels(ctx context.Context, cfg configs.Config) (map[string]string, error) {
	names := []string{cfg.CommandChannel}
	for _, d := range cfg.Digests {
		names = append(names, d.Channel)
	}
	search := a.slack.Search(names...)
	err := a.patiently(ctx, "the channels of the configuration, by name; by ID they need no list", func() error { return search.Run(ctx) })
	switch {
	case err != nil && campaign.RetryAfter(err) > 0: // too many pages for the pace, or too many replicas at once
		a.log.WithError(err).Warn("the list of channels could not be read to its end in time; write channels by ID")
		search.Stop()
	case err != nil && !refused(err):
		return nil, explainStart(err)
	}
	found, ok, err := a.channel(ctx, search, "command_channel", cfg.CommandChannel, "what belongs there goes to each campaign's commander until the next start")
	if err != nil {
		return nil, err
	}
	if ok {
		a.commandChannel = found
	}
	ids := map[string]string{}
	for i, d := range cfg.Digests {
		found, _, err := a.channel(ctx, search, fmt.Sprintf("digests[%d].channel", i), d.Channel, "its digests become dead letters until that is mended")
		if err != nil {
			return nil, err
		}
		if found.ID != "" {
			ids[d.Channel] = found.ID
		}
	}
	return ids, nil
}

// channel finds one channel of the configuration, and returns whether it can be
// used. Where it cannot, the log and /readyz say what follows from that.
func (a *app) channel(ctx context.Context, search *slackapi.Search, key, name, follows string) (found campaign.ChannelRef, ok bool, err error) {
	err = a.patiently(ctx, key, func() (err error) {
		found, err = search.Channel(ctx, name)
		return err
	})
	switch {
	case err == nil:
		return found, true, nil
	case !refused(err):
		return found, false, explainStart(err)
	}
	a.log.WithError(err).WithFields(logrus.Fields{"key": key, "channel": name, "follows": follows}).Warn("a channel of the configuration cannot be used")
	a.amiss = append(a.amiss, fmt.Sprintf("%s (%s) cannot be used: %s.", key, name, follows))
	return found, false, nil
}

// refused returns whether Slack refused one thing for good: neither a token, which
// concerns everything, nor something that passes.
func refused(err error) bool {
	switch campaign.KindOf(err) {
	case campaign.Invalid, campaign.NotFound, campaign.Forbidden, campaign.Conflict:
		return !slackapi.Unauthorized(err)
	}
	return false
}

// startedWithout says behind the readiness of Slack what the start had to do without.
func (a *app) startedWithout(context.Context) string { return strings.Join(a.amiss, " ") }

package main

import (
	"context"
	"errors"

	"github.com/musterbot/muster/bot"
	"github.com/musterbot/muster/campaign"
)

// startDoor joins what Slack sends with the engine: the server appends it to the
// inbox, and the dispatcher carries it out when the worker claims it.
func (a *app) startDoor(context.Context) error {
	dispatcher, err := bot.NewDispatcher(bot.DispatcherOptions{
		Engine: a.engine, Roles: a.slack, Directory: a.slack, Views: a.slack, People: a.slack,
		Clock: a.opts.Clock, Log: a.log, Lookup: a.lookup(), CommandChannel: a.commandChannel.ID,
		BotUser: func(context.Context) (string, error) { return a.me.UserID, nil },
	})
	if err != nil {
		return err
	}
	a.engine.Handle("inbox/", func(ctx context.Context, c campaign.Claimed) error {
		if c.Attempts == 0 {
			a.metrics.ObserveInbox(a.opts.Clock.Now().Sub(c.At))
		}
		return dispatcher.Work(ctx, c)
	})
	a.server, err = bot.New(bot.Options{Inbox: campaign.NewInbox(a.store), Handlers: dispatcher, Clock: a.opts.Clock, Log: a.log})
	if err != nil {
		return err
	}
	a.onStop("forms that are being opened", func(context.Context) error { return a.server.Close() })
	cfg := a.opts.Config.Slack
	if cfg.Mode == "http" {
		return nil // Slack comes to us
	}
	a.socket, err = bot.NewSocket(a.server, bot.SocketOptions{
		Open: func(ctx context.Context) (string, error) { return a.slack.OpenSocket(ctx, cfg.AppToken) }, Stagger: a.opts.Stagger,
	})
	return err
}

// lookup fetches advisories by their ID; nil where no source is configured.
func (a *app) lookup() func(context.Context, string) ([]byte, error) {
	source := a.opts.Config.Inventory.OSVURL
	if source == "" {
		return nil
	}
	return func(ctx context.Context, id string) ([]byte, error) {
		raw, err := fetchAdvisory(ctx, source, id)
		if _, ok := errors.AsType[*exitError](err); ok {
			return nil, &campaign.Error{Kind: campaign.NotFound, Err: err, Message: "The advisory source knows no " + string(campaign.Escape(id)) + ". Nothing was changed; check the ID, or paste the record as OSV JSON."}
		}
		if err != nil {
			return nil, &campaign.Error{Kind: campaign.Unavailable, Err: err, Message: "The advisory source does not answer. Nothing was changed; try again, or paste the record as OSV JSON."}
		}
		return raw, nil
	}
}

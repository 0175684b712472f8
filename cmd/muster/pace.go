package main

import (
	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/configs"
	"github.com/musterbot/muster/store/pace"
	"github.com/musterbot/muster/store/redis"
)

// newLimiter returns the limiter of all replicas that share a store.
func newLimiter(store campaign.Store, factor float64) campaign.Limiter {
	if shared, ok := store.(*redis.Store); ok {
		return shared.Limiter(factor)
	}
	return pace.New(factor)
}

// planPace is what plans reckon with: the rates that the limiter lets through.
func planPace(cfg configs.Config) campaign.Pace {
	return campaign.Pace{
		MessagesPerMinute: float64(cfg.Pace.MessagesPerMinute) * cfg.Pace.Factor,
		TicketsPerMinute:  ticketsPerMinute(cfg.Tracker) * cfg.Pace.Factor,
	}
}

package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/configs"
)

// A plan is said to take what the limiter lets it take.
func TestPlansReckonWithTheFactorOfTheLimiter(t *testing.T) {
	cfg := configs.Default()
	cfg.Tracker = configs.Tracker{Kind: "gitlab", CallsPerMinute: 300}
	documented := planPace(cfg)
	require.InEpsilon(t, 300.0, documented.MessagesPerMinute, 1e-9)
	require.InEpsilon(t, 150.0, documented.TicketsPerMinute, 1e-9, "a search and a creation for each")

	cfg.Pace.Factor = 10
	require.InEpsilon(t, 3000.0, planPace(cfg).MessagesPerMinute, 1e-9)
	require.InEpsilon(t, 1500.0, planPace(cfg).TicketsPerMinute, 1e-9)
}

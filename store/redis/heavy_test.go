package redis

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

func TestLargeChangesGoOneAtATimeAndHoldUpNoSmallOnes(t *testing.T) {
	small := campaign.Change{Records: make([]campaign.Record, maxLight)}
	large := campaign.Change{Records: make([]campaign.Record, maxLight), Due: make([]campaign.DueEntry, 1)}
	h := newHeavy()
	leave, err := h.enter(t.Context(), large)
	require.NoError(t, err)

	_, err = h.enter(t.Context(), small)
	require.NoError(t, err)
	tired := errors.New("tired of waiting")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(tired)
	_, err = h.enter(ctx, large)
	require.ErrorIs(t, err, tired)

	leave()
	_, err = h.enter(t.Context(), large)
	require.NoError(t, err)
}

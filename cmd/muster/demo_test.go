package main

import (
	"encoding/json"
	"io"
	"os"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheDemoPlaysAWholeCampaign(t *testing.T) {
	out := muster(t, os.Environ(), "demo", "--headless", "--exit", "--format", "json")
	require.Zero(t, out.code, out.err)
	var r demoResult
	require.NoError(t, json.Unmarshal([]byte(out.out), &r), "nothing but the result")
	require.Equal(t, "closed", r.State)
	require.GreaterOrEqual(t, r.Targets, 40+r.Unknown)
	require.Equal(t, r.Contacts, r.FirstMessages)
	require.Zero(t, r.Duplicates)
	require.Equal(t, 2, r.Unknown, "two leads never answer, and the report says so")
	require.Equal(t, "ok", r.Audit)
}

// Whoever joins in types beside the people of the story, as one of them even, and
// starts a campaign in the same channel.
func TestWhoJoinsInDoesNotStopTheStory(t *testing.T) {
	ctx := t.Context()
	o := demoOptions{headless: true, exit: true, format: "text", listen: "127.0.0.1:0", seed: 1, factor: headlessFactor}
	std := streams{out: io.Discard, err: io.Discard}
	d, err := newDemoWorld(ctx, std, t.TempDir(), o)
	require.NoError(t, err)
	defer func() { require.NoError(t, d.close()) }()
	require.NoError(t, d.present(std, o))
	for i, s := range story {
		d.clock.leap(demoStart.Add(s.after))
		var visitor sync.WaitGroup
		visitor.Go(func() {
			if i == 1 {
				d.devi.Runs(`/campaign new "Spring4Shell" for spring-beans`, d.room)
			}
			for range 5 {
				d.cara.Runs("/campaign help merge", d.room)
				d.devi.Runs("/campaign list", d.room)
			}
		})
		err := s.play(d, ctx)
		visitor.Wait()
		require.NoError(t, err, s.title)
	}
	require.NoError(t, d.quiet(ctx))
	result, err := d.count(ctx)
	require.NoError(t, err)
	require.NoError(t, result.check())
	require.Equal(t, "closed", result.State)
}

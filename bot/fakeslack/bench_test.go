package fakeslack_test

import (
	"testing"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/bot/fakeslack"
)

// BenchmarkPostMessage is a post with blocks over the real HTTP path, as many at
// once as there are cores.
func BenchmarkPostMessage(b *testing.B) {
	ws, err := fakeslack.Start(fakeslack.Options{Events: []string{}})
	require.NoError(b, err)
	b.Cleanup(func() { _ = ws.Close() })
	ann := ws.AddUser("ann", fakeslack.Profile{})
	api := client(ws)
	row := slack.NewActionBlock("", button("On it", "accept", "t1"), button("Blocked", "blocked", "t1"))
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			_, _, err := api.PostMessage(ann.ID, slack.MsgOptionText("14 of your services", false),
				slack.MsgOptionBlocks(section("*Log4Shell: 14 of your services.*"), row))
			if err != nil {
				b.Error(err)
			}
		}
	})
}

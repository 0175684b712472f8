package fakeslack_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/bot/fakeslack"
)

func TestTheThirdPostFails(t *testing.T) {
	v := settle(t, fakeslack.Options{})
	third := v.ws.Inject(fakeslack.Fault{
		Do: fakeslack.RateLimited, Method: "chat.postMessage", After: 2, RetryAfter: 7 * time.Second,
	})
	require.NoError(t, post(v, v.ops, words("one")))
	require.NoError(t, post(v, v.ops, words("two")))
	var limited *slack.RateLimitedError
	require.ErrorAs(t, post(v, v.ops, words("three")), &limited)
	require.Equal(t, 7*time.Second, limited.RetryAfter)
	require.NoError(t, post(v, v.ops, words("four")))
	require.Equal(t, 1, third.Fired())
}

func TestFaultsWithAndWithoutEffect(t *testing.T) {
	tests := map[string]struct {
		fault  fakeslack.Fault
		effect bool
		check  func(*testing.T, error)
	}{
		"rate limited": {fakeslack.Fault{Do: fakeslack.RateLimited}, false, func(t *testing.T, err error) {
			var limited *slack.RateLimitedError
			require.ErrorAs(t, err, &limited)
		}},
		"server error": {fakeslack.Fault{Do: fakeslack.ServerError}, false, func(t *testing.T, err error) {
			var status slack.StatusCodeError
			require.ErrorAs(t, err, &status)
			require.Equal(t, http.StatusInternalServerError, status.Code)
		}},
		"fatal error": {fakeslack.Fault{Do: fakeslack.FatalError}, false, func(t *testing.T, err error) {
			require.EqualError(t, err, "fatal_error")
		}},
		"refused with a code": {
			fakeslack.Fault{Do: fakeslack.Refused, Error: "restricted_action"},
			false,
			func(t *testing.T, err error) { require.EqualError(t, err, "restricted_action") },
		},
		"call lost":   {fakeslack.Fault{Do: fakeslack.LostCall}, false, broken},
		"answer lost": {fakeslack.Fault{Do: fakeslack.LostAnswer}, true, broken},
		"timed out after taking effect": {
			fakeslack.Fault{Do: fakeslack.TimedOut},
			true,
			func(t *testing.T, err error) { require.ErrorIs(t, err, context.DeadlineExceeded) },
		},
		"slow": {
			fakeslack.Fault{Do: fakeslack.Slow, Delay: time.Millisecond},
			true,
			func(t *testing.T, err error) { require.NoError(t, err) },
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			v := settle(t, fakeslack.Options{})
			tt.fault.Method = "chat.postMessage"
			tt.fault.Match = func(c fakeslack.Call) bool { return c.Args["text"] == "this one" }
			order := v.ws.Inject(tt.fault)
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			require.NoError(t, post(v, v.ops, words("another")))
			before := len(v.ws.Posts("ops"))
			_, _, err := v.api.PostMessageContext(ctx, v.ops, words("this one"))
			tt.check(t, err)
			require.Equal(t, 1, order.Fired())
			require.Equal(t, tt.effect, len(v.ws.Posts("ops")) == before+1)
			require.NoError(t, v.ws.WaitFor(soon(t), func() bool {
				calls := v.ws.Calls("chat.postMessage")
				return calls[len(calls)-1].Fault == tt.fault.Do
			}))
		})
	}
}

func broken(t *testing.T, err error) {
	require.Error(t, err)
	require.NotErrorIs(t, err, context.DeadlineExceeded)
}

func TestACommandDeliveredTwiceCarriesTheSameTrigger(t *testing.T) {
	v := settle(t, fakeslack.Options{Events: []string{}})
	heard := make(chan socketmode.Event, 4)
	connect(t, v.ws, func(evt socketmode.Event) (any, bool) { heard <- evt; return nil, true })
	v.ws.Inject(fakeslack.Fault{Do: fakeslack.Redelivered, Method: "slash_commands"})
	require.True(t, v.ann.Runs("/campaign launch", "ops").OK())
	first, second := <-heard, <-heard
	require.NotEqual(t, first.Request.EnvelopeID, second.Request.EnvelopeID)
	require.Equal(t, first.Data.(slack.SlashCommand).TriggerID, second.Data.(slack.SlashCommand).TriggerID)
	require.Equal(t, 1, second.Request.RetryAttempt)
}

func TestALostAcknowledgementShowsATimeoutThoughTheAppWorked(t *testing.T) {
	v := settle(t, fakeslack.Options{Events: []string{}})
	a := connect(t, v.ws, nil)
	v.ws.Inject(fakeslack.Fault{Do: fakeslack.LostAck, Method: "slash_commands"})
	require.Equal(t, fakeslack.ToastTimeout, v.ann.Runs("/campaign launch", "ops").Toast)
	require.Len(t, a.got(socketmode.EventTypeSlashCommand), 1)
}

func TestADroppedSocketLosesTheAcknowledgementAndTheEventComesAgain(t *testing.T) {
	v := settle(t, fakeslack.Options{
		Events: []string{"message.im"}, AckWithin: 200 * time.Millisecond,
		Redeliver: []time.Duration{50 * time.Millisecond, 200 * time.Millisecond, time.Second},
	})
	connect(t, v.ws, nil)
	v.ws.Inject(fakeslack.Fault{Do: fakeslack.DroppedSocket, Method: "events_api"})
	v.ann.Says(fakeslack.DM, "hello")
	require.NoError(t, v.ws.WaitFor(soon(t), func() bool {
		d := v.ws.Deliveries("events_api", "message")
		return d[0].Acked && len(d[0].Attempts) > 1
	}))
	require.Equal(t, "connection_failed", v.ws.Deliveries("events_api", "message")[0].Attempts[0].Failure)
}

func TestAMixIsTheSameForTheSameSeed(t *testing.T) {
	run := func() []string {
		v := settle(t, fakeslack.Options{})
		v.ws.SetMix(fakeslack.Mix{
			Seed: 7, Rates: map[fakeslack.FaultKind]float64{fakeslack.ServerError: .2, fakeslack.FatalError: .2},
			Methods: []string{"chat.postMessage"},
		})
		var out []string
		for range 50 {
			err := post(v, v.ops, words("x"))
			if err == nil {
				out = append(out, "ok")
			} else {
				out = append(out, err.Error())
			}
		}
		mixed := v.ws.Mixed()
		require.Positive(t, mixed[fakeslack.ServerError])
		require.Positive(t, mixed[fakeslack.FatalError])
		v.ws.ClearFaults()
		require.NoError(t, post(v, v.ops, words("calm")))
		return out
	}
	require.Equal(t, run(), run())
}

func TestPaceIsSlacksTimesTheScale(t *testing.T) {
	v := settle(t, fakeslack.Options{})
	v.ws.SetPace(fakeslack.Pace{Scale: 1})
	limited := func(err error) bool {
		_, is := err.(*slack.RateLimitedError)
		return is
	}
	n := 0
	for ; n < 10; n++ {
		if err := post(v, v.ops, words("x")); err != nil {
			require.True(t, limited(err), err)
			break
		}
	}
	require.Equal(t, 3, n, "a short burst, then one a second in a channel")
	require.NoError(t, post(v, v.vault, words("x")), "another channel has a pace of its own")

	for n = 0; n < 30; n++ {
		if err := create(v, "room-"+string(rune('a'+n))); err != nil {
			require.True(t, limited(err), err)
			break
		}
	}
	require.Equal(t, 20, n, "tier 2")
	v.ws.SetPace(fakeslack.Pace{})
	require.NoError(t, post(v, v.ops, words("x")))
}

func TestTheCeilingOfPostsHoldsOverAllChannels(t *testing.T) {
	v := settle(t, fakeslack.Options{})
	v.ws.SetPace(fakeslack.Pace{Scale: 1, PostsPerMinute: 60})
	refused := 0
	for i := range 9 {
		p := v.ws.AddUser("p"+string(rune('a'+i)), fakeslack.Profile{})
		if post(v, p.ID, words("x")) != nil {
			refused++
		}
	}
	require.Equal(t, 3, refused)
}

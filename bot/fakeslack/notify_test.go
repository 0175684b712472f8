package fakeslack_test

import (
	"fmt"
	"testing"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/bot/fakeslack"
)

func TestWhatWakesWhom(t *testing.T) {
	tests := map[string]struct {
		post func(*town) error
		want map[string]fakeslack.Why // by name
	}{
		"a plain post wakes nobody": {
			func(v *town) error { return post(v, v.ops, words("deploy is done")) }, map[string]fakeslack.Why{},
		},
		"a mention wakes its person": {
			func(v *town) error { return post(v, v.ops, words("<@"+v.ann.ID+"> look")) },
			map[string]fakeslack.Why{"ann": fakeslack.ForMention},
		},
		"a mention of someone outside wakes nobody": {
			func(v *town) error { return post(v, v.vault, words("<@"+v.bob.ID+"> look")) }, map[string]fakeslack.Why{},
		},
		"a mention inside a block counts": {
			func(v *town) error {
				return post(v, v.ops, words("look"), slack.MsgOptionBlocks(section("<@"+v.ann.ID+"> look")))
			}, map[string]fakeslack.Why{"ann": fakeslack.ForMention},
		},
		"plain_text mentions nobody": {
			func(v *town) error {
				return post(v, v.ops, words("look"), slack.MsgOptionBlocks(slack.NewHeaderBlock(plain("<!channel>"))))
			}, map[string]fakeslack.Why{},
		},
		"unescaped <!channel> wakes everyone": {
			func(v *town) error { return post(v, v.ops, words("asset <!channel> is exposed")) },
			map[string]fakeslack.Why{"ann": fakeslack.ForChannel, "bob": fakeslack.ForChannel},
		},
		"escaped it wakes nobody": {
			func(v *town) error { return post(v, v.ops, slack.MsgOptionText("asset <!channel> is exposed", true)) },
			map[string]fakeslack.Why{},
		},
		"in a thread it does not wake the channel": {
			func(v *town) error { return post(v, v.ops, words("<!channel>"), slack.MsgOptionTS(v.heard)) },
			map[string]fakeslack.Why{"ann": fakeslack.ForThread},
		},
		"a user group wakes its members": {
			func(v *town) error {
				g := v.ws.AddUserGroup("desk", v.bob)
				return post(v, v.ops, words(fmt.Sprintf("<!subteam^%s> please", g)))
			}, map[string]fakeslack.Why{"bob": fakeslack.ForUserGroup},
		},
		"an edit wakes nobody": {
			func(v *town) error {
				_, _, _, err := v.api.UpdateMessage(v.ops, v.said, words("<!channel> now"))
				return err
			}, map[string]fakeslack.Why{},
		},
		"an ephemeral message wakes nobody": {
			func(v *town) error {
				_, err := v.api.PostEphemeral(v.ops, v.ann.ID, words("only you"))
				return err
			}, map[string]fakeslack.Why{},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			v := settle(t, fakeslack.Options{})
			require.NoError(t, v.bob.Joins("ops"))
			before := len(v.ws.Notifications(""))
			require.NoError(t, tt.post(v))
			got := map[string]fakeslack.Why{}
			for _, n := range v.ws.Notifications("")[before:] {
				u, _ := v.ws.User(n.User)
				require.NotContains(t, got, u.Name, "woken twice")
				got[u.Name] = n.Why
			}
			require.Equal(t, tt.want, got)
		})
	}
}

func TestTextIsKeptAsItWasSent(t *testing.T) {
	v := settle(t, fakeslack.Options{})
	require.NoError(t, post(v, v.ops, slack.MsgOptionText("a < b & c", true)))
	posts := v.ws.Posts("ops")
	require.Equal(t, "a &lt; b &amp; c", posts[len(posts)-1].Text)
	said := v.ann.Says("ops", `<script> & "quotes" for @bob in #vault.`)
	require.Equal(t, "&lt;script&gt; &amp; “quotes” for <@"+v.bob.ID+"> in <#"+v.vault+"|vault>.", said.Text)
}

package fakeslack_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/bot/fakeslack"
)

// town is a workspace with the usual people and places in it.
type town struct {
	ws            *fakeslack.Workspace
	api           *slack.Client
	ann, bob      *fakeslack.Person
	ops           string // public, with the bot and ann
	elsewhere     string // public, without the bot
	vault, hidden string // private: with the bot, and without
	attic         string // archived, with the bot
	said          string // ts of a message of the bot in ops
	heard         string // ts of a message of ann in ops
}

func settle(t *testing.T, o fakeslack.Options) *town {
	t.Helper()
	v := &town{}
	v.ws, v.api = start(t, o)
	v.ann, v.bob = v.ws.AddUser("ann", fakeslack.Profile{}), v.ws.AddUser("bob", fakeslack.Profile{})
	v.ops = v.ws.AddChannel("ops", v.ann)
	v.elsewhere = v.ws.AddChannel("elsewhere", v.ann)
	v.vault = v.ws.AddPrivateChannel("vault", v.ann)
	v.hidden = v.ws.AddPrivateChannel("hidden", v.ann)
	v.attic = v.ws.AddChannel("attic", v.ann)
	for _, c := range []string{v.ops, v.vault, v.attic} {
		require.NoError(t, v.ann.Invites(c, v.ws.BotUserID()))
	}
	require.NoError(t, v.ann.Archives(v.attic))
	var err error
	_, v.said, err = v.api.PostMessage(v.ops, slack.MsgOptionText("hello", false))
	require.NoError(t, err)
	v.heard = v.ann.Says("ops", "good morning").TS
	return v
}

func words(s string) slack.MsgOption { return slack.MsgOptionText(s, false) }

func TestErrorsAreSlacksOwn(t *testing.T) {
	tests := map[string]struct {
		call func(*town) error
		want string
	}{
		"post to no channel": {func(v *town) error { return post(v, "C0NOWHERE", words("x")) }, "channel_not_found"},
		"post where the bot is no member": {
			func(v *town) error { return post(v, v.elsewhere, words("x")) }, "not_in_channel",
		},
		"post to a private channel unseen": {
			func(v *town) error { return post(v, v.hidden, words("x")) }, "channel_not_found",
		},
		"post to an archived channel": {func(v *town) error { return post(v, v.attic, words("x")) }, "is_archived"},
		"post nothing":                {func(v *town) error { return post(v, v.ops) }, "no_text"},
		"post a book": {
			func(v *town) error { return post(v, v.ops, words(strings.Repeat("x", 40_001))) }, "msg_too_long",
		},
		"post blocks that are none": {
			func(v *town) error {
				return post(v, v.ops, rawArg(v, "blocks", `{"type":"divider"}`))
			}, "invalid_blocks_format",
		},
		"post blocks that are too long together": {
			func(v *town) error {
				return post(v, v.ops, slack.MsgOptionBlocks(
					section(strings.Repeat("a", 2900)), section(strings.Repeat("b", 2900)), section(strings.Repeat("c", 2900)),
					section(strings.Repeat("d", 2900)), section(strings.Repeat("e", 2900))))
			}, "msg_blocks_too_long",
		},
		"post too many attachments": {
			func(v *town) error {
				return post(v, v.ops, slack.MsgOptionAttachments(make([]slack.Attachment, 101)...))
			}, "too_many_attachments",
		},
		"reply to nothing": {
			func(v *town) error { return post(v, v.ops, words("x"), slack.MsgOptionTS("1.000001")) }, "thread_not_found",
		},
		"edit someone else's words": {
			func(v *town) error { _, _, _, err := v.api.UpdateMessage(v.ops, v.heard, words("x")); return err },
			"cant_update_message",
		},
		"edit what is not there": {
			func(v *town) error { _, _, _, err := v.api.UpdateMessage(v.ops, "1.000001", words("x")); return err },
			"message_not_found",
		},
		"delete someone else's words": {
			func(v *town) error { _, _, err := v.api.DeleteMessage(v.ops, v.heard); return err }, "cant_delete_message",
		},
		"whisper to a stranger to the channel": {
			func(v *town) error { _, err := v.api.PostEphemeral(v.ops, v.bob.ID, words("x")); return err },
			"user_not_in_channel",
		},
		"create a channel that is there": {func(v *town) error { return create(v, "ops") }, "name_taken"},
		"create a channel in capitals":   {func(v *town) error { return create(v, "Ops") }, "invalid_name"},
		"create a channel with a sign":   {func(v *town) error { return create(v, "ops&co") }, "invalid_name_specials"},
		"create a channel of dashes":     {func(v *town) error { return create(v, "---") }, "invalid_name_punctuation"},
		"create a channel without name":  {func(v *town) error { return create(v, " ") }, "invalid_name_required"},
		"create a channel with a long name": {
			func(v *town) error { return create(v, strings.Repeat("x", 81)) }, "invalid_name_maxlength",
		},
		"invite a member":   {func(v *town) error { return invite(v, v.ann.ID) }, "already_in_channel"},
		"invite oneself":    {func(v *town) error { return invite(v, v.ws.BotUserID()) }, "cant_invite_self"},
		"invite nobody":     {func(v *town) error { return invite(v, "U0NOBODY") }, "user_not_found"},
		"join what is shut": {func(v *town) error { _, _, _, err := v.api.JoinConversation(v.attic); return err }, "is_archived"},
		"look into a private channel": {
			func(v *town) error {
				_, err := v.api.GetConversationInfo(&slack.GetConversationInfoInput{ChannelID: v.hidden})
				return err
			}, "channel_not_found",
		},
		"read where the bot is no member": {
			func(v *town) error {
				_, err := v.api.GetConversationHistory(&slack.GetConversationHistoryParameters{ChannelID: v.elsewhere})
				return err
			}, "not_in_channel",
		},
		"set too long a topic": {
			func(v *town) error {
				_, err := v.api.SetTopicOfConversation(v.ops, strings.Repeat("x", 251))
				return err
			},
			"too_long",
		},
		"archive twice": {func(v *town) error { return v.api.ArchiveConversation(v.attic) }, "already_archived"},
		"look up an unknown address": {
			func(v *town) error { _, err := v.api.GetUserByEmail("nobody@acme.example"); return err }, "users_not_found",
		},
		"ask for an unknown user": {
			func(v *town) error { _, err := v.api.GetUserInfo("U0NOBODY"); return err }, "user_not_found",
		},
		"react twice": {
			func(v *town) error {
				ref := slack.NewRefToMessage(v.ops, v.said)
				return errors.Join(v.api.AddReaction("eyes", ref), v.api.AddReaction("eyes", ref))
			}, "already_reacted",
		},
		"pin twice": {
			func(v *town) error {
				ref := slack.NewRefToMessage(v.ops, v.said)
				return errors.Join(v.api.AddPin(v.ops, ref), v.api.AddPin(v.ops, ref))
			}, "already_pinned",
		},
		"unpin what is not pinned": {
			func(v *town) error { return v.api.RemovePin(v.ops, slack.NewRefToMessage(v.ops, v.said)) }, "no_pin",
		},
		"unreact without a reaction": {
			func(v *town) error { return v.api.RemoveReaction("eyes", slack.NewRefToMessage(v.ops, v.said)) }, "no_reaction",
		},
		"open a modal by a made-up trigger": {
			func(v *town) error { _, err := v.api.OpenView("1.2.3", form("")); return err }, "invalid_trigger_id",
		},
		"update a view that is gone": {
			func(v *town) error { _, err := v.api.UpdateView(form(""), "", "", "V0GONE"); return err }, "not_found",
		},
		"open a view that is too large": {
			func(v *town) error {
				view := form("")
				for range 99 {
					view.Blocks.BlockSet = append(view.Blocks.BlockSet, section(strings.Repeat("x", 2990)))
				}
				_, err := v.api.OpenView("1.2.3", view)
				return err
			}, "view_too_large",
		},
		"ask for a file that is not there": {
			func(v *town) error { _, _, _, err := v.api.GetFileInfo("F0GONE", 0, 0); return err }, "file_not_found",
		},
		"call what the fake does not speak": {
			func(v *town) error { return v.api.MarkConversation(v.ops, v.said) }, "unknown_method",
		},
		"a made-up token": {
			func(v *town) error { return authTest(v, "xoxb-wrong") }, "invalid_auth",
		},
		"no token": {func(v *town) error { return authTest(v, "") }, "not_authed"},
		"an app-level token for a bot's method": {
			func(v *town) error { return authTest(v, v.ws.AppToken()) }, "not_allowed_token_type",
		},
		"a revoked token": {
			func(v *town) error { v.ws.RevokeTokens(); return authTest(v, v.ws.BotToken()) }, "token_revoked",
		},
		"a bad cursor": {
			func(v *town) error {
				_, _, err := v.api.GetConversations(&slack.GetConversationsParameters{Cursor: "nonsense"})
				return err
			}, "invalid_cursor",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			v := settle(t, fakeslack.Options{})
			require.EqualError(t, tt.call(v), tt.want)
		})
	}
}

func post(v *town, channel string, options ...slack.MsgOption) error {
	_, _, err := v.api.PostMessage(channel, options...)
	return err
}

// rawArg sends an argument that slack-go's types would not let through.
func rawArg(v *town, name, value string) slack.MsgOption {
	return slack.UnsafeMsgOptionEndpoint(v.ws.APIURL()+"chat.postMessage", func(values url.Values) {
		values.Set(name, value)
	})
}

func create(v *town, name string) error {
	_, err := v.api.CreateConversation(slack.CreateConversationParams{ChannelName: name})
	return err
}

func invite(v *town, users ...string) error {
	_, err := v.api.InviteUsersToConversation(v.ops, users...)
	return err
}

func authTest(v *town, token string) error {
	_, err := slack.New(token, slack.OptionAPIURL(v.ws.APIURL())).AuthTest()
	return err
}

func TestInvalidBlocksSayWhere(t *testing.T) {
	v := settle(t, fakeslack.Options{})
	err := post(v, v.ops, slack.MsgOptionBlocks(section(strings.Repeat("x", 3001))))
	var refused slack.SlackErrorResponse
	require.ErrorAs(t, err, &refused)
	require.Equal(t, "invalid_blocks", refused.Err)
	require.Equal(t, []string{"[ERROR] must be less than 3001 characters [json-pointer:/blocks/0/text/text]"},
		refused.ResponseMetadata.Messages)
}

func TestABlockTypeMayNotBeRolledOutYet(t *testing.T) {
	v := settle(t, fakeslack.Options{RefuseBlocks: []string{"data_visualization"}})
	chart := slack.NewDataVisualizationBlock("Open", slack.NewDataVisualizationPieChart(
		slack.NewDataVisualizationSegment("open", 3)))
	require.EqualError(t, post(v, v.ops, slack.MsgOptionBlocks(chart)), "invalid_blocks")
	require.NoError(t, post(v, v.ops, slack.MsgOptionBlocks(section("open: 3"))))
}

func TestScopesAreAskedForByKindOfChannel(t *testing.T) {
	v := settle(t, fakeslack.Options{})
	v.ws.GrantScopes("chat:write", "channels:history", "users:read")
	_, err := v.api.GetConversationHistory(&slack.GetConversationHistoryParameters{ChannelID: v.ops})
	require.NoError(t, err)
	_, err = v.api.GetConversationHistory(&slack.GetConversationHistoryParameters{ChannelID: v.vault})
	var refused slack.SlackErrorResponse
	require.ErrorAs(t, err, &refused)
	require.Equal(t, "missing_scope", refused.Err)
	require.Equal(t, "groups:history", refused.Needed)
	require.Contains(t, refused.Provided, "chat:write")

	user, err := v.api.GetUserInfo(v.ann.ID)
	require.NoError(t, err)
	require.Empty(t, user.Profile.Email, "addresses need users:read.email")
}

func TestTriggersServeOnceAndSoon(t *testing.T) {
	clock := newClock()
	v := settle(t, fakeslack.Options{Now: clock.Now})
	heard := make(chan slack.SlashCommand, 2)
	server := commandServer(t, heard)
	v.ws.DeliverTo(fakeslack.Endpoints{Command: server})

	require.True(t, v.ann.Runs("/campaign new", "ops").OK())
	trigger := (<-heard).TriggerID
	_, err := v.api.OpenView(trigger, form(""))
	require.NoError(t, err)
	_, err = v.api.OpenView(trigger, form(""))
	require.EqualError(t, err, "exchanged_trigger_id")

	require.True(t, v.ann.Runs("/campaign new", "ops").OK())
	clock.Advance(3*time.Second + time.Millisecond)
	_, err = v.api.OpenView((<-heard).TriggerID, form(""))
	require.EqualError(t, err, "expired_trigger_id")
}

func TestViewsGuardAgainstRacesAndStacks(t *testing.T) {
	v := settle(t, fakeslack.Options{})
	heard := make(chan slack.SlashCommand, 10)
	v.ws.DeliverTo(fakeslack.Endpoints{Command: commandServer(t, heard)})
	trigger := func() string {
		require.True(t, v.ann.Runs("/campaign new", "ops").OK())
		return (<-heard).TriggerID
	}
	view := form("")
	view.ExternalID = "only-one"
	opened, err := v.api.OpenView(trigger(), view)
	require.NoError(t, err)
	_, err = v.api.OpenView(trigger(), view)
	require.EqualError(t, err, "duplicate_external_id")
	_, err = v.api.UpdateView(form("2"), "", "outdated", opened.ID)
	require.EqualError(t, err, "hash_conflict")
	updated, err := v.api.UpdateView(form("2"), "only-one", "", "")
	require.NoError(t, err)
	require.NotEqual(t, opened.Hash, updated.Hash)

	for range 2 {
		_, err = v.api.PushView(trigger(), form("on top"))
		require.NoError(t, err)
	}
	require.Len(t, v.ann.Modals(), 3)
	_, err = v.api.PushView(trigger(), form("too high"))
	require.EqualError(t, err, "push_limit_reached")
	_, err = v.api.OpenView(trigger(), slack.ModalViewRequest{Type: slack.VTModal, Title: plain(strings.Repeat("x", 25))})
	require.EqualError(t, err, "invalid_arguments")
}

func TestAnInvitationTellsWhomItRefused(t *testing.T) {
	v := settle(t, fakeslack.Options{})
	err := invite(v, v.bob.ID, "U0NOBODY")
	require.EqualError(t, err, "users_not_found")
	c, _ := v.ws.Channel("ops")
	require.NotContains(t, c.Members, v.bob.ID, "all or none")
	require.NoError(t, invite(v, v.bob.ID))
}

func TestTheAPITakesJSONAndGETToo(t *testing.T) {
	v := settle(t, fakeslack.Options{})
	req, err := http.NewRequest(http.MethodGet, v.ws.APIURL()+"auth.test?token="+v.ws.BotToken(), nil)
	require.NoError(t, err)
	require.Equal(t, true, fetch(t, req)["ok"])

	req, err = http.NewRequest(http.MethodPost, v.ws.APIURL()+"chat.postMessage",
		strings.NewReader(`{"channel":"`+v.ops+`","text":"hi","unfurl_links":false,"blocks":[{"type":"divider"}]}`))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	req.Header.Set("Authorization", "Bearer "+v.ws.BotToken())
	require.Equal(t, true, fetch(t, req)["ok"])

	req, err = http.NewRequest(http.MethodPost, v.ws.APIURL()+"chat.postMessage", strings.NewReader(`[1]`))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	require.Equal(t, "json_not_object", fetch(t, req)["error"])
}

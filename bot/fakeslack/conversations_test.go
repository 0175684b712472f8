package fakeslack_test

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/bot/fakeslack"
)

func TestACampaignChannelFromItsCreationToItsEnd(t *testing.T) {
	v := settle(t, fakeslack.Options{})
	c, err := v.api.CreateConversation(slack.CreateConversationParams{ChannelName: "help-log4shell"})
	require.NoError(t, err)
	require.True(t, c.IsMember)
	_, err = v.api.InviteUsersToConversation(c.ID, v.ann.ID, v.bob.ID)
	require.NoError(t, err)
	_, err = v.api.SetTopicOfConversation(c.ID, "Ask here")
	require.NoError(t, err)
	_, err = v.api.SetPurposeOfConversation(c.ID, "Log4Shell")
	require.NoError(t, err)
	_, ts, err := v.api.PostMessage(c.ID, words("Instructions"))
	require.NoError(t, err)
	require.NoError(t, v.api.AddPin(c.ID, slack.NewRefToMessage(c.ID, ts)))
	mark, err := v.api.AddBookmark(c.ID, slack.AddBookmarkParameters{Title: "Board", Type: "link", Link: "https://x.example"})
	require.NoError(t, err)
	title := "The board"
	_, err = v.api.EditBookmark(c.ID, mark.ID, slack.EditBookmarkParameters{Title: &title})
	require.NoError(t, err)
	require.NoError(t, v.api.KickUserFromConversation(c.ID, v.bob.ID))

	info, err := v.api.GetConversationInfo(&slack.GetConversationInfoInput{ChannelID: c.ID, IncludeNumMembers: true})
	require.NoError(t, err)
	require.Equal(t, "Ask here", info.Topic.Value)
	require.Equal(t, "Log4Shell", info.Purpose.Value)
	require.Equal(t, 2, info.NumMembers)
	pins, _, err := v.api.ListPins(c.ID)
	require.NoError(t, err)
	require.Equal(t, "Instructions", pins[0].Message.Text)
	marks, err := v.api.ListBookmarks(c.ID)
	require.NoError(t, err)
	require.Equal(t, "The board", marks[0].Title)
	require.NoError(t, v.api.RemovePin(c.ID, slack.NewRefToMessage(c.ID, ts)))
	require.NoError(t, v.api.RemoveBookmark(c.ID, mark.ID))

	seen, ok := v.ws.Channel("#help-log4shell")
	require.True(t, ok)
	require.Equal(t, []string{v.ws.BotUserID(), v.ann.ID}, seen.Members)
	require.Empty(t, seen.Pins)
	require.Len(t, v.ws.Posts(c.ID), 1)
	require.NoError(t, v.api.ArchiveConversation(c.ID))
	seen, _ = v.ws.Channel(c.ID)
	require.True(t, seen.Archived)
}

func TestHistoryIsPagedNewestFirstAndStaysPutWhileOthersPost(t *testing.T) {
	v := settle(t, fakeslack.Options{})
	for i := range 25 {
		require.NoError(t, post(v, v.vault, words(strconv.Itoa(i))))
	}
	var got []string
	params := &slack.GetConversationHistoryParameters{ChannelID: v.vault, Limit: 10}
	for {
		page, err := v.api.GetConversationHistory(params)
		require.NoError(t, err)
		for _, m := range page.Messages {
			if m.SubType == "" {
				got = append(got, m.Text)
			}
		}
		require.Equal(t, page.HasMore, page.ResponseMetaData.NextCursor != "")
		if !page.HasMore {
			break
		}
		params.Cursor = page.ResponseMetaData.NextCursor
		require.NoError(t, post(v, v.vault, words("meanwhile")))
	}
	want := make([]string, 0, 25)
	for i := 24; i >= 0; i-- {
		want = append(want, strconv.Itoa(i))
	}
	require.Equal(t, want, got)
}

func TestHistoryIsCutByTime(t *testing.T) {
	v := settle(t, fakeslack.Options{})
	var ts []string
	for i := range 5 {
		_, at, err := v.api.PostMessage(v.vault, words(strconv.Itoa(i)))
		require.NoError(t, err)
		ts = append(ts, at)
	}
	read := func(oldest, latest string, inclusive bool) string {
		page, err := v.api.GetConversationHistory(&slack.GetConversationHistoryParameters{
			ChannelID: v.vault, Oldest: oldest, Latest: latest, Inclusive: inclusive,
		})
		require.NoError(t, err)
		got := ""
		for _, m := range page.Messages {
			got += m.Text
		}
		return got
	}
	require.Equal(t, "2", read(ts[1], ts[3], false))
	require.Equal(t, "321", read(ts[1], ts[3], true))
	require.Equal(t, "43", read(ts[2], "", false))
}

func TestAThreadStaysOutOfTheChannelAndKeepsItsRoot(t *testing.T) {
	v := settle(t, fakeslack.Options{})
	root, ok := v.ws.Message("ops", v.said)
	require.True(t, ok)
	first := v.ann.RepliesIn(root, "where do I start")
	require.NoError(t, post(v, v.ops, words("with the exposed ones"), slack.MsgOptionTS(first.TS)))

	page, err := v.api.GetConversationHistory(&slack.GetConversationHistoryParameters{ChannelID: v.ops})
	require.NoError(t, err)
	for _, m := range page.Messages {
		require.NotEqual(t, "where do I start", m.Text)
		if m.Timestamp == v.said {
			require.Equal(t, 2, m.ReplyCount)
			require.Equal(t, v.said, m.ThreadTimestamp)
		}
	}
	replies, more, _, err := v.api.GetConversationReplies(&slack.GetConversationRepliesParameters{
		ChannelID: v.ops, Timestamp: v.said,
	})
	require.NoError(t, err)
	require.False(t, more)
	require.Len(t, replies, 3)
	require.Equal(t, "with the exposed ones", replies[2].Text, "a reply to a reply joins the same thread")
	require.Equal(t, v.ws.BotUserID(), replies[1].ParentUserId)
	require.Len(t, v.ws.Thread("ops", v.said), 3)

	_, _, err = v.api.DeleteMessage(v.ops, v.said)
	require.NoError(t, err)
	gone, _ := v.ws.Message("ops", v.said)
	require.Equal(t, "tombstone", gone.Subtype, "a root with replies leaves a mark")
}

func TestMetadataComesBackOnlyWhenAskedFor(t *testing.T) {
	v := settle(t, fakeslack.Options{})
	_, ts, err := v.api.PostMessage(v.ops, words("ticket"), slack.MsgOptionMetadata(slack.SlackMetadata{
		EventType: "muster_effect", EventPayload: map[string]any{"key": "abcd2345"},
	}))
	require.NoError(t, err)
	read := func(all bool) slack.SlackMetadata {
		page, err := v.api.GetConversationHistory(&slack.GetConversationHistoryParameters{
			ChannelID: v.ops, Latest: ts, Inclusive: true, Limit: 1, IncludeAllMetadata: all,
		})
		require.NoError(t, err)
		return page.Messages[0].Metadata
	}
	require.Empty(t, read(false).EventType)
	require.Equal(t, "abcd2345", read(true).EventPayload["key"])
}

func TestUsersArePagedWithTheirZones(t *testing.T) {
	v := settle(t, fakeslack.Options{})
	for i := range 30 {
		v.ws.AddUser(fmt.Sprintf("p%d", i), fakeslack.Profile{TZ: "Australia/Sydney", SingleChannel: i == 0})
	}
	users, err := v.api.GetUsers(slack.GetUsersOptionLimit(7))
	require.NoError(t, err)
	require.Len(t, users, 33)
	require.True(t, users[0].IsBot)
	require.True(t, users[3].IsUltraRestricted)
	require.Equal(t, "Australia/Sydney", users[3].TZ)
	require.Contains(t, []int{36000, 39600}, users[3].TZOffset)
	require.Equal(t, "p0@acme.example", users[3].Profile.Email)
	v.ws.Person("p0").Becomes(func(u *fakeslack.User) { u.Deleted = true })
	gone, err := v.api.GetUserInfo(users[3].ID)
	require.NoError(t, err)
	require.True(t, gone.Deleted)
	_, err = v.api.GetUserByEmail("p0@acme.example")
	require.EqualError(t, err, "users_not_found")
}

func TestUserGroupsAreListedAndChanged(t *testing.T) {
	v := settle(t, fakeslack.Options{})
	id := v.ws.AddUserGroup("on-duty", v.ann)
	groups, err := v.api.GetUserGroups(slack.GetUserGroupsOptionIncludeUsers(true))
	require.NoError(t, err)
	require.Equal(t, []string{v.ann.ID}, groups[0].Users)
	_, err = v.api.UpdateUserGroupMembers(id, v.bob.ID)
	require.NoError(t, err)
	members, err := v.api.GetUserGroupMembers(id)
	require.NoError(t, err)
	require.Equal(t, []string{v.bob.ID}, members)
	_, err = v.api.UpdateUserGroupMembers(id, "U0NOBODY")
	require.EqualError(t, err, "invalid_users")
}

func TestConversationsOpenFindsTheSameDMAgain(t *testing.T) {
	v := settle(t, fakeslack.Options{})
	first, _, open, err := v.api.OpenConversation(&slack.OpenConversationParameters{Users: []string{v.ann.ID}})
	require.NoError(t, err)
	require.False(t, open)
	channel, _, err := v.api.PostMessage(v.ann.ID, words("x"))
	require.NoError(t, err)
	require.Equal(t, first.ID, channel)
	again, _, open, err := v.api.OpenConversation(&slack.OpenConversationParameters{Users: []string{v.ann.ID}, ReturnIM: true})
	require.NoError(t, err)
	require.True(t, open)
	require.Equal(t, first.ID, again.ID)
	require.Equal(t, v.ann.ID, again.User)
	mp, _, _, err := v.api.OpenConversation(&slack.OpenConversationParameters{Users: []string{v.ann.ID, v.bob.ID}})
	require.NoError(t, err)
	require.True(t, mp.IsMpIM)
}

func TestPrivateChannelsAreListedToMembersOnly(t *testing.T) {
	v := settle(t, fakeslack.Options{})
	list, _, err := v.api.GetConversations(&slack.GetConversationsParameters{
		Types: []string{"public_channel", "private_channel"}, ExcludeArchived: true,
	})
	require.NoError(t, err)
	var names []string
	for _, c := range list {
		names = append(names, c.Name)
	}
	require.Equal(t, []string{"ops", "elsewhere", "vault"}, names)
}

func TestFilesGoUpInThreeCalls(t *testing.T) {
	v := settle(t, fakeslack.Options{})
	up, err := v.api.UploadFile(slack.UploadFileParameters{
		Filename: "chart.png", Title: "Open targets", Content: "not really a picture", FileSize: 20,
		Channel: v.ops, InitialComment: "the numbers", AltTxt: "41 of 44 known",
	})
	require.NoError(t, err)
	posts := v.ws.Posts("ops")
	last := posts[len(posts)-1]
	require.Equal(t, "the numbers", last.Text)
	require.Equal(t, []string{up.ID}, last.Files)
	f, ok := v.ws.File(up.ID)
	require.True(t, ok)
	require.Equal(t, "image/png", f.Mimetype)
	require.Equal(t, "41 of 44 known", f.AltText)

	info, _, _, err := v.api.GetFileInfo(up.ID, 0, 0)
	require.NoError(t, err)
	var content writer
	require.NoError(t, v.api.GetFile(info.URLPrivateDownload, &content))
	require.Equal(t, "not really a picture", string(content))
}

type writer []byte

func (w *writer) Write(b []byte) (int, error) { *w = append(*w, b...); return len(b), nil }

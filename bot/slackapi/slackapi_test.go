package slackapi_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/sirupsen/logrus/hooks/test"
	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/bot/fakeslack"
	"github.com/musterbot/muster/bot/slackapi"
	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/configs/secret"
	"github.com/musterbot/muster/store/pace"
)

type house struct {
	*slackapi.Client
	slack *fakeslack.Workspace
	mei   *fakeslack.Person
}

// workspace starts a fake Slack with one person in it, and a client of it that
// is too fast for its limiter to matter.
func workspace(t *testing.T, o fakeslack.Options, change ...func(*slackapi.Options)) house {
	t.Helper()
	w, err := fakeslack.Start(o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.Close()) })
	mei := w.AddUser("mei", fakeslack.Profile{Email: "mei@example.com"})
	opts := slackapi.Options{BotToken: secret.New(w.BotToken()), APIURL: w.APIURL(), Limiter: pace.New(1e6), Timeout: 2 * time.Second}
	for _, c := range change {
		c(&opts)
	}
	client, err := slackapi.New(opts)
	require.NoError(t, err)
	return house{Client: client, slack: w, mei: mei}
}

func says(text string) campaign.Message { return campaign.Message{Text: text} }

func TestADirectMessageArrivesAndIsFoundByItsKey(t *testing.T) {
	h := workspace(t, fakeslack.Options{})
	ctx := t.Context()

	ref, err := h.Post(ctx, campaign.Post{Key: "abc", To: h.mei.ID, Message: says("14 of your services.")})
	require.NoError(t, err)
	require.Len(t, h.mei.DMs(), 1)

	found, err := h.Find(ctx, h.mei.ID, "", "abc", time.Now())
	require.NoError(t, err)
	require.Equal(t, ref, found)
	_, err = h.Find(ctx, h.mei.ID, "", "another", time.Now())
	require.Equal(t, campaign.NotFound, campaign.KindOf(err))
}

func TestALostAnswerIsUncertainAndTheMessageIsFound(t *testing.T) {
	h := workspace(t, fakeslack.Options{})
	h.slack.Inject(fakeslack.Fault{Do: fakeslack.LostAnswer, Method: "chat.postMessage"})

	_, err := h.Post(t.Context(), campaign.Post{Key: "abc", To: h.mei.ID, Message: says("Once.")})
	require.Equal(t, campaign.Uncertain, campaign.KindOf(err))
	ref, err := h.Find(t.Context(), h.mei.ID, "", "abc", time.Now())
	require.NoError(t, err)
	require.Equal(t, h.mei.DMs()[0].TS, ref.TS)
}

func TestAnAnswerInAThreadIsFoundThere(t *testing.T) {
	h := workspace(t, fakeslack.Options{})
	h.slack.AddChannel("help", h.mei)
	channel, err := h.Channel(t.Context(), "#help")
	require.NoError(t, err)
	question := h.mei.Says("help", "which jar?")

	ref, err := h.Post(t.Context(), campaign.Post{Key: "k", To: channel.ID, Thread: question.TS, Message: says("log4j-core")})
	require.NoError(t, err)
	found, err := h.Find(t.Context(), channel.ID, question.TS, "k", time.Now())
	require.NoError(t, err)
	require.Equal(t, ref, found)
	_, err = h.Find(t.Context(), channel.ID, "", "k", time.Now())
	require.Equal(t, campaign.NotFound, campaign.KindOf(err), "a thread's replies are not in the channel")
}

func TestALongMessageGoesOnWhereItBroke(t *testing.T) {
	h := workspace(t, fakeslack.Options{})
	long := says(strings.Repeat("A line of a list that is much too long for one message.\n", 900))
	h.slack.Inject(fakeslack.Fault{Do: fakeslack.LostAnswer, Method: "chat.postMessage", After: 1})
	_, err := h.Post(t.Context(), campaign.Post{Key: "k", To: h.mei.ID, Message: long})
	require.Equal(t, campaign.Uncertain, campaign.KindOf(err))
	_, err = h.Find(t.Context(), h.mei.ID, "", "k", time.Now())
	require.Equal(t, campaign.NotFound, campaign.KindOf(err), "half of it is not it")

	first, err := h.Post(t.Context(), campaign.Post{Key: "k", To: h.mei.ID, Message: long})
	require.NoError(t, err)
	found, err := h.Find(t.Context(), h.mei.ID, "", "k", time.Now())
	require.NoError(t, err)
	require.Equal(t, first, found)
	require.Greater(t, len(h.mei.DMs()), 2)
	require.Equal(t, h.mei.DMs()[0].TS, first.TS)
	lines := 0
	for _, m := range h.mei.DMs() {
		lines += strings.Count(m.Words(), "much too long")
	}
	require.Equal(t, 900, lines, "each line once")
}

func TestOthersCannotForgeAKey(t *testing.T) {
	h := workspace(t, fakeslack.Options{})
	id := h.slack.AddChannel("help", h.mei)
	_, err := h.Channel(t.Context(), "help")
	require.NoError(t, err)
	h.mei.Says("help", "abc muster_effect")
	_, err = h.Find(t.Context(), id, "", "abc", time.Now())
	require.Equal(t, campaign.NotFound, campaign.KindOf(err))
}

func TestWhatSlackAnswersDecidesTheKind(t *testing.T) {
	tests := map[string]struct {
		fault fakeslack.Fault
		kind  campaign.Kind
		words string
	}{
		"too fast":                    {fakeslack.Fault{Do: fakeslack.RateLimited, RetryAfter: 7 * time.Second}, campaign.Unavailable, "Nothing is lost"},
		"a server error":              {fakeslack.Fault{Do: fakeslack.ServerError}, campaign.Uncertain, "looked up"},
		"a fatal error":               {fakeslack.Fault{Do: fakeslack.FatalError}, campaign.Uncertain, "looked up"},
		"a lost call":                 {fakeslack.Fault{Do: fakeslack.LostCall}, campaign.Uncertain, "looked up"},
		"no answer in time":           {fakeslack.Fault{Do: fakeslack.TimedOut}, campaign.Uncertain, "looked up"},
		"a channel that is gone":      {fakeslack.Fault{Do: fakeslack.Refused, Error: "channel_not_found"}, campaign.NotFound, "/invite"},
		"an archived channel":         {fakeslack.Fault{Do: fakeslack.Refused, Error: "is_archived"}, campaign.Forbidden, "Unarchive"},
		"a revoked token":             {fakeslack.Fault{Do: fakeslack.Refused, Error: "token_revoked"}, campaign.Forbidden, "operator"},
		"a code that nobody foresaw":  {fakeslack.Fault{Do: fakeslack.Refused, Error: "purple_elephant"}, campaign.Invalid, "purple_elephant"},
		"blocks that nobody can help": {fakeslack.Fault{Do: fakeslack.Refused, Error: "invalid_blocks", Times: -1}, campaign.Invalid, "Nothing was posted"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			h := workspace(t, fakeslack.Options{}, func(o *slackapi.Options) { o.Timeout = 200 * time.Millisecond })
			_, err := h.Identity(t.Context())
			require.NoError(t, err)
			tt.fault.Method = "chat.postMessage"
			h.slack.Inject(tt.fault)

			_, err = h.Post(t.Context(), campaign.Post{Key: "k", To: h.mei.ID, Message: says("hello")})
			require.Equal(t, tt.kind, campaign.KindOf(err), err)
			require.Contains(t, campaign.PublicMessage(err), tt.words)
			if tt.fault.RetryAfter > 0 {
				require.Equal(t, tt.fault.RetryAfter, campaign.RetryAfter(err))
			}
		})
	}
}

func TestReadingIsNeverUncertain(t *testing.T) {
	h := workspace(t, fakeslack.Options{})
	h.slack.Inject(fakeslack.Fault{Do: fakeslack.ServerError, Method: "users.list"})
	_, err := h.Named(t.Context(), "mei")
	require.Equal(t, campaign.Unavailable, campaign.KindOf(err))
}

func TestNobodyListening(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	url := server.URL + "/api/"
	server.Close()
	client, err := slackapi.New(slackapi.Options{BotToken: secret.New("xoxb-very-secret"), APIURL: url, Limiter: pace.New(1e6)})
	require.NoError(t, err)
	_, err = client.Post(t.Context(), campaign.Post{Key: "k", To: "U1", Message: says("hello")})
	require.Equal(t, campaign.Unavailable, campaign.KindOf(err), "it never left")
}

func TestAMissingScopeIsNamed(t *testing.T) {
	h := workspace(t, fakeslack.Options{})
	h.slack.GrantScopes("users:read")
	_, err := h.Post(t.Context(), campaign.Post{Key: "k", To: h.mei.ID, Message: says("hello")})
	require.Equal(t, campaign.Forbidden, campaign.KindOf(err))
	require.Contains(t, campaign.PublicMessage(err), "`chat:write`")
}

func TestThePublicChannelIsJoinedToPost(t *testing.T) {
	h := workspace(t, fakeslack.Options{})
	open := h.slack.AddChannel("payments", h.mei)
	closed := h.slack.AddPrivateChannel("embargo", h.mei)

	_, err := h.Post(t.Context(), campaign.Post{Key: "k", To: open, Message: says("hello")})
	require.NoError(t, err)
	require.Len(t, h.slack.Posts("payments"), 1)
	_, err = h.Post(t.Context(), campaign.Post{Key: "k", To: closed, Message: says("hello")})
	require.Equal(t, campaign.NotFound, campaign.KindOf(err), "a private channel cannot be joined")
	require.Contains(t, campaign.PublicMessage(err), "/invite")
}

func TestEditReplacesQuietly(t *testing.T) {
	h := workspace(t, fakeslack.Options{})
	ref, err := h.Post(t.Context(), campaign.Post{Key: "k", To: h.mei.ID, Message: says("14 to do")})
	require.NoError(t, err)
	before := len(h.mei.Notifications())
	require.NoError(t, h.Edit(t.Context(), ref, says("13 to do")))
	require.NoError(t, h.Edit(t.Context(), ref, says("13 to do")))
	require.Contains(t, h.mei.DMs()[0].Text, "13 to do")
	require.Len(t, h.mei.Notifications(), before)
}

func chart() campaign.Message {
	return campaign.Message{Text: "Left: 3 of 9.", Chart: &campaign.Chart{
		Title: "Left to do", Labels: []string{"Mon", "Tue"}, Series: []campaign.ChartSeries{{Name: "exposed", Values: []float64{9, 3}}},
	}}
}

func TestAChartFallsBackToAPictureAndThenToText(t *testing.T) {
	png := []byte("\x89PNG\r\n\x1a\n0000")
	draw := func(o *slackapi.Options) {
		o.Chart = func(campaign.Chart) ([]byte, error) { return png, nil }
	}
	t.Run("a workspace that takes charts", func(t *testing.T) {
		h := workspace(t, fakeslack.Options{}, draw)
		_, err := h.Post(t.Context(), campaign.Post{Key: "k", To: h.mei.ID, Message: chart()})
		require.NoError(t, err)
		require.Contains(t, string(h.mei.DMs()[0].Blocks), "data_visualization")
	})
	t.Run("one that does not", func(t *testing.T) {
		h := workspace(t, fakeslack.Options{RefuseBlocks: []string{"data_visualization"}}, draw)
		for n := range 2 {
			_, err := h.Post(t.Context(), campaign.Post{Key: fmt.Sprint(n), To: h.mei.ID, Message: chart()})
			require.NoError(t, err)
			require.Contains(t, string(h.mei.DMs()[n].Blocks), "slack_file")
			require.Contains(t, h.mei.DMs()[n].Text, "3 of 9")
		}
		require.Equal(t, 3, h.slack.CallCount("chat.postMessage"), "the refusal is remembered")
		_, err := h.Find(t.Context(), h.mei.ID, "", "1", time.Now())
		require.NoError(t, err, "the picture carries its key too")
	})
	t.Run("and no way to draw", func(t *testing.T) {
		h := workspace(t, fakeslack.Options{RefuseBlocks: []string{"data_visualization"}}, func(o *slackapi.Options) {
			o.Chart = func(campaign.Chart) ([]byte, error) { return nil, errors.New("no font") }
		})
		_, err := h.Post(t.Context(), campaign.Post{Key: "k", To: h.mei.ID, Message: chart()})
		require.NoError(t, err)
		require.Contains(t, h.mei.DMs()[0].Text, "3 of 9")
	})
}

func TestChannelsAreMadeOnceAndNeverStolen(t *testing.T) {
	h := workspace(t, fakeslack.Options{})
	ctx := t.Context()
	t.Run("a lost answer", func(t *testing.T) {
		h.slack.Inject(fakeslack.Fault{Do: fakeslack.LostAnswer, Method: "conversations.create"})
		_, err := h.EnsureChannel(ctx, "help-log4shell", false)
		require.Equal(t, campaign.Uncertain, campaign.KindOf(err))
		first, err := h.EnsureChannel(ctx, "help-log4shell", false)
		require.NoError(t, err)
		require.Equal(t, "help-log4shell", first.Name)
		again, err := h.EnsureChannel(ctx, "help-log4shell", false)
		require.NoError(t, err)
		require.Equal(t, first, again)
	})
	t.Run("somebody else's", func(t *testing.T) {
		h.slack.AddChannel("help-heartbleed", h.mei)
		ref, err := h.EnsureChannel(ctx, "help-heartbleed", false)
		require.NoError(t, err)
		require.Equal(t, "help-heartbleed-2", ref.Name)
	})
	t.Run("a private one that we cannot see", func(t *testing.T) {
		h.slack.AddPrivateChannel("help-secret", h.mei)
		ref, err := h.EnsureChannel(ctx, "help-secret", true)
		require.NoError(t, err)
		require.Equal(t, "help-secret-2", ref.Name)
	})
}

func TestChannelNames(t *testing.T) {
	tests := map[string]struct{ text, want string }{
		"a title":         {"Log4j RCE: Müller & Söhne", "log4j-rce-m-ller-s-hne"},
		"already good":    {"help-log4shell", "help-log4shell"},
		"nothing left":    {"¿?", "campaign"},
		"longer than 80":  {strings.Repeat("a", 200), strings.Repeat("a", 80)},
		"a mention in it": {"<!channel>", "channel"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { require.Equal(t, tt.want, slackapi.ChannelName(tt.text)) })
	}
}

func TestDressingTwiceChangesNothing(t *testing.T) {
	h := workspace(t, fakeslack.Options{})
	ctx := t.Context()
	ref, err := h.EnsureChannel(ctx, "help", false)
	require.NoError(t, err)
	pin, err := h.Post(ctx, campaign.Post{Key: "k", To: ref.ID, Message: says("Do this.")})
	require.NoError(t, err)
	dress := campaign.Dress{Topic: "Contain by Friday", BookmarkTitle: "Instructions", BookmarkURL: "https://example.com/1", Pin: pin}
	for range 2 {
		require.NoError(t, h.Dress(ctx, ref.ID, dress))
	}
	dress.BookmarkURL = "https://example.com/2"
	require.NoError(t, h.Dress(ctx, ref.ID, dress))

	channel, _ := h.slack.Channel("help")
	require.Equal(t, "Contain by Friday", channel.Topic)
	require.Len(t, channel.Bookmarks, 1)
	require.Equal(t, "https://example.com/2", channel.Bookmarks[0].Link)
	require.Len(t, h.slack.Pinned("help"), 1)
	require.Equal(t, 1, h.slack.CallCount("conversations.setTopic"))

	next, err := h.Post(ctx, campaign.Post{Key: "l", To: ref.ID, Message: says("Do that instead.")})
	require.NoError(t, err)
	dress.Pin, dress.Unpin = next, pin
	for range 2 {
		require.NoError(t, h.Dress(ctx, ref.ID, dress))
	}
	require.Len(t, h.slack.Pinned("help"), 1)
	require.Contains(t, h.slack.Pinned("help")[0].Text, "Do that instead.", "what it took the place of is not pinned any more")
}

func TestInvitingThoseWhoAreInDoesNoHarm(t *testing.T) {
	h := workspace(t, fakeslack.Options{})
	ref, err := h.EnsureChannel(t.Context(), "help", false)
	require.NoError(t, err)
	tom := h.slack.AddUser("tom", fakeslack.Profile{})
	require.NoError(t, h.Invite(t.Context(), ref.ID, []string{h.mei.ID}))
	require.NoError(t, h.Invite(t.Context(), ref.ID, []string{h.mei.ID, tom.ID}))
	require.NoError(t, h.Invite(t.Context(), ref.ID, []string{h.mei.ID, tom.ID}))
	channel, _ := h.slack.Channel("help")
	require.Subset(t, channel.Members, []string{h.mei.ID, tom.ID})
}

func TestPeopleAreReadOnceAndFollowedByEvents(t *testing.T) {
	h := workspace(t, fakeslack.Options{})
	for n := range 450 { // three pages
		h.slack.AddUser(fmt.Sprintf("user%d", n), fakeslack.Profile{Email: fmt.Sprintf("u%d@example.com", n)})
	}
	ctx := t.Context()
	u, err := h.ByEmail(ctx, "U449@example.com")
	require.NoError(t, err)
	byID, err := h.ByID(ctx, u.Person)
	require.NoError(t, err)
	require.Equal(t, u, byID)
	named, err := h.Named(ctx, "@mei")
	require.NoError(t, err)
	require.Equal(t, h.mei.ID, named.Person.User())
	require.Equal(t, 3, h.slack.CallCount("users.list"))

	require.NoError(t, h.Changed(ctx, slack.User{ID: h.mei.ID, Name: "mei", Profile: slack.UserProfile{Email: "mei.new@example.com"}}))
	_, err = h.ByEmail(ctx, "mei@example.com")
	require.Equal(t, campaign.NotFound, campaign.KindOf(err))
	_, err = h.ByEmail(ctx, "mei.new@example.com")
	require.NoError(t, err)
	require.Equal(t, 3, h.slack.CallCount("users.list"))
}

// Right after a start nobody has been read yet, and one press asks for the same
// person once per service.
func TestOnePersonIsAskedForOnce(t *testing.T) {
	h := workspace(t, fakeslack.Options{})
	ctx, mei := t.Context(), campaign.NewPerson(h.slack.TeamID(), h.mei.ID)
	for range 100 {
		u, err := h.ByID(ctx, mei)
		require.NoError(t, err)
		require.Equal(t, mei, u.Person)
	}
	require.Equal(t, 1, h.slack.CallCount("users.info"))

	h.mei.Becomes(func(u *fakeslack.User) { u.Deleted = true })
	require.NoError(t, h.Changed(ctx, slack.User{ID: h.mei.ID, Name: "mei", Deleted: true}))
	u, err := h.ByID(ctx, mei)
	require.NoError(t, err)
	require.True(t, u.Deleted, "an event is news")
}

func TestPeopleGoOnWhereSlackStoppedThem(t *testing.T) {
	h := workspace(t, fakeslack.Options{})
	for n := range 250 {
		h.slack.AddUser(fmt.Sprintf("user%d", n), fakeslack.Profile{})
	}
	h.slack.Inject(fakeslack.Fault{Do: fakeslack.RateLimited, Method: "users.list", After: 1})
	_, err := h.Named(t.Context(), "user249")
	require.Equal(t, campaign.Unavailable, campaign.KindOf(err))
	require.Eventually(t, func() bool { // the pause that Slack asked for
		_, err = h.Named(t.Context(), "user249")
		return err == nil
	}, 5*time.Second, 50*time.Millisecond)
	require.Equal(t, 3, h.slack.CallCount("users.list"), "the first page is not read again")
}

func TestRolesFailClosed(t *testing.T) {
	var h house
	var group string
	h = workspace(t, fakeslack.Options{})
	guest := h.slack.AddUser("guest", fakeslack.Profile{Guest: true})
	tom := h.slack.AddUser("tom", fakeslack.Profile{})
	group = h.slack.AddUserGroup("security", tom)
	client, err := slackapi.New(slackapi.Options{
		BotToken: secret.New(h.slack.BotToken()), APIURL: h.slack.APIURL(), Limiter: pace.New(1e6), GroupsFor: time.Nanosecond,
		Roles: map[campaign.Role][]string{campaign.Commander: {h.mei.ID, guest.ID, group}},
	})
	require.NoError(t, err)
	has := func(p *fakeslack.Person, r campaign.Role) bool {
		ok, err := client.Has(t.Context(), campaign.NewPerson(h.slack.TeamID(), p.ID), r)
		require.NoError(t, err)
		return ok
	}
	require.True(t, has(h.mei, campaign.Commander))
	require.True(t, has(tom, campaign.Commander), "by the user group")
	require.False(t, has(guest, campaign.Commander), "a guest has no role")
	require.False(t, has(h.mei, campaign.Counsel), "nobody has it")
	members, err := client.Members(t.Context(), campaign.Commander)
	require.NoError(t, err)
	require.Len(t, members, 2)

	h.slack.Inject(fakeslack.Fault{Do: fakeslack.ServerError, Method: "usergroups.users.list"})
	ok, err := client.Has(t.Context(), campaign.NewPerson(h.slack.TeamID(), tom.ID), campaign.Commander)
	require.Error(t, err)
	require.False(t, ok)
}

func TestTheLogHoldsNoSecrets(t *testing.T) {
	log, hook := test.NewNullLogger()
	log.SetLevel(logrus.TraceLevel)
	h := workspace(t, fakeslack.Options{RefuseBlocks: []string{"data_visualization"}}, func(o *slackapi.Options) { o.Log = log })
	_, err := h.Post(t.Context(), campaign.Post{Key: "k", To: h.mei.ID, Message: chart()})
	require.NoError(t, err)

	url := "http://127.0.0.1:1/response/T1/sesame"
	err = h.Respond(t.Context(), url, says("hello"))
	require.Error(t, err)
	require.NotContains(t, err.Error(), "sesame")
	require.NotEmpty(t, hook.AllEntries())
	for _, e := range hook.AllEntries() {
		line, err := e.String()
		require.NoError(t, err)
		require.NotContains(t, line, h.slack.BotToken())
	}
}

func TestOurOwnLimitSpeaksBeforeSlackDoes(t *testing.T) {
	h := workspace(t, fakeslack.Options{Pace: fakeslack.Pace{Scale: 1}}, func(o *slackapi.Options) { o.Limiter = pace.New(1) })
	sent, kept := 0, 0
	for n := range 12 {
		_, err := h.Post(t.Context(), campaign.Post{Key: fmt.Sprint(n), To: h.mei.ID, Message: says("hello"), Lane: campaign.Bulk})
		if err == nil {
			sent++
			continue
		}
		require.Equal(t, campaign.Unavailable, campaign.KindOf(err))
		require.NotZero(t, campaign.RetryAfter(err))
		kept++
	}
	require.Positive(t, sent)
	require.Positive(t, kept)
	for _, call := range h.slack.Calls("chat.postMessage") {
		require.Empty(t, call.Error, "Slack was never asked too often")
	}
}

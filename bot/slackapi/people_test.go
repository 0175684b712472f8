package slackapi_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/bot/fakeslack"
	"github.com/musterbot/muster/bot/slackapi"
	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/configs/secret"
	"github.com/musterbot/muster/store/pace"
)

// crowd is a company whose list of people has ten pages, at Slack's own pace: it
// takes a quarter of a minute to read.
func crowd(t *testing.T) house {
	h := workspace(t, fakeslack.Options{}, func(o *slackapi.Options) { o.Limiter = pace.New(1) })
	for n := range 1990 {
		h.slack.AddUser(fmt.Sprintf("user%d", n), fakeslack.Profile{Email: fmt.Sprintf("u%d@example.com", n)})
	}
	return h
}

func TestWhoIsMentionedIsFoundBeforeEverybodyIsRead(t *testing.T) {
	h := crowd(t)
	tests := map[string]struct{ word, want string }{
		"by a mention":  {h.mei.ID, h.mei.ID},
		"by an address": {"Mei@example.com ", h.mei.ID},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			find := h.Named
			if tt.word != h.mei.ID {
				find = h.ByEmail
			}
			for range 40 { // more than the pace lets through
				u, err := find(t.Context(), tt.word)
				require.NoError(t, err)
				require.Equal(t, tt.want, u.Person.User())
				require.Equal(t, h.slack.TeamID()+"/"+tt.want, string(u.Person))
			}
		})
	}
	require.Zero(t, h.slack.CallCount("users.list"))

	_, err := h.ByEmail(t.Context(), "nobody@example.com")
	require.Equal(t, campaign.NotFound, campaign.KindOf(err))
	require.Contains(t, campaign.PublicMessage(err), "`nobody@example.com`")

	require.NoError(t, h.Changed(t.Context(), slack.User{ID: h.mei.ID, Name: "mei", Deleted: true}))
	h.mei.Becomes(func(u *fakeslack.User) { u.Deleted = true })
	_, err = h.Named(t.Context(), h.mei.ID)
	require.Equal(t, campaign.NotFound, campaign.KindOf(err), "who left is not found")
	_, err = h.ByEmail(t.Context(), "mei@example.com")
	require.Equal(t, campaign.NotFound, campaign.KindOf(err))
}

func TestANameInCapitalsIsNotTakenForAnID(t *testing.T) {
	h := workspace(t, fakeslack.Options{})
	will := h.slack.AddUser("william", fakeslack.Profile{})
	for range 2 { // before and after everybody is read
		u, err := h.Named(t.Context(), "@WILLIAM")
		require.NoError(t, err)
		require.Equal(t, will.ID, u.Person.User())
		_, err = h.Named(t.Context(), "U0NOBODY11")
		require.Equal(t, campaign.NotFound, campaign.KindOf(err))
	}
}

// A plan asks for thousands of owners at once: what the pace does not let through
// one by one, the list tells.
func TestManyAddressesAreFoundByTheList(t *testing.T) {
	h := workspace(t, fakeslack.Options{}, func(o *slackapi.Options) { o.Limiter = pace.New(50) })
	for n := range 600 {
		h.slack.AddUser(fmt.Sprintf("user%d", n), fakeslack.Profile{Email: fmt.Sprintf("u%d@example.com", n)})
	}
	for n := range 600 {
		require.NoError(t, patiently(t, func() error {
			_, err := h.ByEmail(t.Context(), fmt.Sprintf("u%d@example.com", n))
			return err
		}))
	}
	require.Less(t, h.slack.CallCount("users.lookupByEmail"), 100)
	require.Equal(t, 4, h.slack.CallCount("users.list"))
}

func TestEverybodyIsReadAtSlacksPace(t *testing.T) {
	h := workspace(t, fakeslack.Options{}, func(o *slackapi.Options) { o.Limiter = pace.New(20) })
	for n := range 1100 {
		h.slack.AddUser(fmt.Sprintf("user%d", n), fakeslack.Profile{})
	}
	require.NoError(t, h.ReadPeople(t.Context()))
	u, err := h.Named(t.Context(), "user1099")
	require.NoError(t, err)
	require.NotEmpty(t, u.Person)
	require.Equal(t, 6, h.slack.CallCount("users.list"))

	ctx, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer stop()
	require.Error(t, crowd(t).ReadPeople(ctx), "it ends with whoever wants it")
}

// down is a Slack that nobody reaches.
type down struct{ calls int }

func (d *down) RoundTrip(*http.Request) (*http.Response, error) {
	d.calls++
	return nil, syscall.ECONNREFUSED
}

func TestASlackThatIsDownIsAskedForPeopleLessAndLess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slack, logs := &down{}, &strings.Builder{}
		log := logrus.New()
		log.SetOutput(logs)
		c, err := slackapi.New(slackapi.Options{
			BotToken: secret.New("xoxb-1"), Limiter: pace.New(1e6), HTTP: &http.Client{Transport: slack}, Log: log,
		})
		require.NoError(t, err)
		ctx, stop := context.WithTimeout(t.Context(), time.Hour)
		defer stop()
		require.ErrorIs(t, c.ReadPeople(ctx), context.DeadlineExceeded)
		require.InDelta(t, 65, slack.calls, 3, "after 1, 2, 4 … seconds, then once a minute")
		told := strings.Count(logs.String(), "the list of people cannot be read")
		require.LessOrEqual(t, told, 60)
		require.Greater(t, told, 30)
	})
}

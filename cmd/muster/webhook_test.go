package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/bot/fakeslack"
	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/tracker/jira/jiratest"
	"github.com/musterbot/muster/store/bolt"
)

// address is where the program listens, from its log.
func (c *city) address() string {
	c.t.Helper()
	data, err := os.ReadFile(c.log.Name())
	require.NoError(c.t, err)
	found := regexp.MustCompile(`listen="([^"]+)"`).FindSubmatch(data)
	require.NotNil(c.t, found, "%s", data)
	return string(found[1])
}

// A person closes a ticket in Jira, which tells Muster; the service is claimed here
// at once, and whoever answers for it is asked how it was done. Changes are asked for
// once an hour only, so nothing but the webhook can have told.
func TestATicketThatIsClosedInTheTrackerIsClaimedHere(t *testing.T) {
	jira, err := jiratest.Start(jiratest.Options{Token: "token"})
	require.NoError(t, err)
	t.Cleanup(jira.Close)
	c := newCity(t, cityPlan{
		seed: 1, teams: 2, services: 4, unknown: 1, factor: 60, lasts: time.Minute,
		work: "track_poll: 1h, poll: 50ms, heartbeat: 400ms, coalesce: 300ms",
		more: fmt.Sprintf("tracker: {kind: jira, url: %q, token: token, project: SEC, type: Task, api: 2, calls_per_minute: 6000, webhook_secret: hush}\n", jira.URL()),
	})
	c.starts(0)
	c.imports()
	c.preparesCampaign()
	c.asks(c.cara, "launch all")
	c.waits("the leads are told", func() bool { return len(c.leads[0].DMs()) > 0 && len(c.leads[1].DMs()) > 0 })
	c.settles(20 * time.Second)

	closed := jira.Issues()[0]
	require.NoError(t, jira.Change(closed.Key, func(i *jiratest.Issue) { i.Status = "Done" }))
	body := fmt.Appendf(nil, `{"webhookEvent":"jira:issue_updated","issue":{"key":%q,"fields":{"status":{"name":"To Do"}}}}`, closed.Key)
	hook := func(name, secret string) int {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write(body)
		r, err := http.NewRequestWithContext(c.ctx, http.MethodPost, "http://"+c.address()+"/v1/trackers/"+name, bytes.NewReader(body))
		require.NoError(t, err)
		r.Header.Set("X-Hub-Signature", "sha256="+hex.EncodeToString(mac.Sum(nil)))
		answer, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		return answer.StatusCode
	}
	require.Equal(t, http.StatusUnauthorized, hook("jira", "guessed"))
	require.Equal(t, http.StatusNotFound, hook("github", "hush"))
	for range 2 { // Jira may say it twice
		require.Equal(t, http.StatusAccepted, hook("jira", "hush"))
	}
	c.waits("somebody is asked how it was done", func() bool {
		return slices.ContainsFunc(c.leads, func(lead *fakeslack.Person) bool {
			return slices.ContainsFunc(lead.DMs(), func(m fakeslack.Message) bool { return strings.Contains(m.Words(), "How was it done?") })
		})
	})
	c.stopsAll()

	store, err := bolt.Open(c.db, bolt.Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, store.Close()) }()
	tasks, err := all[campaign.Task](c.ctx, store, killed, campaign.KindTask)
	require.NoError(t, err)
	statuses := map[campaign.TaskStatus]int{}
	for _, task := range tasks {
		statuses[task.Status]++
	}
	require.Equal(t, 1, statuses[campaign.TaskClaimed], "%v", statuses)
}

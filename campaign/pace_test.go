package campaign_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/bot/fakeslack"
	"github.com/musterbot/muster/bot/slackapi"
	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/tracker/jira"
	"github.com/musterbot/muster/campaign/tracker/jira/jiratest"
	"github.com/musterbot/muster/campaign/tracker/rest"
	"github.com/musterbot/muster/configs/secret"
	"github.com/musterbot/muster/store/pace"
	"github.com/musterbot/muster/store/redis"
	"github.com/musterbot/muster/store/redis/redistest"
)

// paced is a launch at the limits of Slack and of Jira. The limits are scaled, not
// the clocks.
type paced struct {
	tickets, perContact int
	factor              float64
	callsPerMinute      float64 // of Jira, before the factor
	shared              bool    // store and limiter are a Redis
}

// figures are what `make pace` prints.
type figures struct {
	Case      string  `json:"case"`
	Tickets   int     `json:"tickets"`
	Messages  int     `json:"messages"`
	Minimum   float64 `json:"minimum_s"` // by the limits alone
	Predicted float64 `json:"predicted_s"`
	Measured  float64 `json:"measured_s"`
	Ratio     float64 `json:"ratio"` // measured to minimum
	Calls     int     `json:"calls"` // of Jira
	Bulk      int     `json:"bulk_calls"`
	Refused   int     `json:"refused"` // with 429, by Jira and Slack
}

// timedJira remembers when the last ticket was filed.
type timedJira struct {
	*jira.Tracker

	mu   sync.Mutex
	last time.Time
}

func (d *timedJira) EnsureAll(ctx context.Context, filings []campaign.Filing) []campaign.FilingOutcome {
	outcomes := d.Tracker.EnsureAll(ctx, filings)
	if slices.ContainsFunc(outcomes, func(o campaign.FilingOutcome) bool { return o.Err == nil }) {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.last = time.Now()
	}
	return outcomes
}

// perCall is how many issues Jira creates in one call; each creation has a search
// before it.
const perCall, callsPerBulk = 50, 2

// jira starts a Jira that enforces its rate, and the tracker that keeps it.
func (p paced) jira(t *testing.T, limiter campaign.Limiter) (*timedJira, *jiratest.Server) {
	rate := campaign.Rate{Name: "tracker jira", PerMinute: p.callsPerMinute, Burst: max(1, int(p.callsPerMinute/10))}
	server, err := jiratest.Start(jiratest.Options{Token: "token", CallsPerMinute: rate.PerMinute * p.factor, Burst: rate.Burst})
	require.NoError(t, err)
	t.Cleanup(server.Close)
	client, err := rest.New(rest.Options{
		System: "Jira", BaseURL: server.URL(), Auth: rest.Bearer(secret.New("token")), Limiter: limiter, Rate: rate,
	})
	require.NoError(t, err)
	tracker, err := jira.New(jira.Options{Client: client, PageURL: server.URL(), Project: "SEC"})
	require.NoError(t, err)
	return &timedJira{Tracker: tracker}, server
}

// realSlack sends what goes to contacts through the real client, and keeps what is
// said to others to itself.
type realSlack struct {
	*fakeSlack
	client *slackapi.Client
	users  map[string]bool

	mu   sync.Mutex
	sent int
	last time.Time
	all  chan struct{}
}

func (s *realSlack) Post(ctx context.Context, p campaign.Post) (campaign.MessageRef, error) {
	if !s.users[p.To] {
		return s.fakeSlack.Post(ctx, p)
	}
	ref, err := s.client.Post(ctx, p)
	if err == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.sent, s.last = s.sent+1, time.Now()
		if s.sent == len(s.users) {
			close(s.all)
		}
	}
	return ref, err
}

// run launches and measures.
func (p paced) run(t *testing.T) figures {
	ws, err := fakeslack.Start(fakeslack.Options{Pace: fakeslack.Pace{Scale: p.factor}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, ws.Close()) })
	limiter := campaign.Limiter(pace.New(p.factor))
	var store campaign.Store
	if p.shared {
		shared, err := redis.Open(t.Context(), redistest.New(t, redistest.Options{Fsync: "always"}).URL(), redis.Options{})
		require.NoError(t, err)
		store, limiter = shared, shared.Limiter(p.factor)
	}
	client, err := slackapi.New(slackapi.Options{BotToken: secret.New(ws.BotToken()), APIURL: ws.APIURL(), Limiter: limiter})
	require.NoError(t, err)
	slack := &realSlack{client: client, users: map[string]bool{}, all: make(chan struct{})}
	desk, server := p.jira(t, limiter)
	h := newHouse(t, func(o *campaign.Options) {
		slack.fakeSlack = o.Messenger.(*fakeSlack)
		o.Messenger, o.Tracker = slack, desk
		o.Clock = campaign.NewScaledClock(monday, 1)
		o.Brakes.SecondPersonAbove = p.tickets + 1
		o.Work.TrackPoll = -1 // the launch alone is measured
		o.Pace = campaign.Pace{MessagesPerMinute: 300 * p.factor, TicketsPerMinute: p.callsPerMinute / callsPerBulk * perCall * p.factor}
		if store != nil {
			o.Store = store
		}
	})
	if store != nil {
		require.NoError(t, h.store.Close())
		h.store = store
	}
	contacts := p.tickets / p.perContact
	catalog := campaign.Catalog{Services: map[string]campaign.Service{}, Units: map[string]campaign.Unit{}, Members: map[string]campaign.Member{}}
	var services []string
	for i := range p.tickets {
		team := fmt.Sprintf("team-%04d", i/p.perContact)
		if i%p.perContact == 0 {
			user := ws.AddUser("lead-"+team, fakeslack.Profile{})
			slack.users[user.ID] = true
			h.directory[campaign.Person("T1/"+user.ID)] = "lead-" + team
			lead := "user:default/lead-" + team
			catalog.Units["group:default/"+team] = campaign.Unit{Ref: "group:default/" + team, Name: team, Lead: lead}
			catalog.Members[lead] = campaign.Member{Ref: lead, Name: "lead-" + team, Email: "lead-" + team + "@example.com"}
		}
		s := campaign.Service{Ref: fmt.Sprintf("component:default/s-%05d", i), Name: fmt.Sprintf("s-%05d", i), Owner: "group:default/" + team, Exposure: campaign.Exposed}
		catalog.Services[s.Ref] = s
		services = append(services, s.Name)
	}
	_, err = h.engine.ImportCatalog(t.Context(), h.by(cara), catalog)
	require.NoError(t, err)
	h.scan(log4jCore, services...)
	id := h.ready()
	plan := all[campaign.Plan](h, id, campaign.KindPlan)[0]

	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- h.engine.Run(ctx) }()
	began := time.Now()
	_, err = h.engine.Launch(ctx, h.by(cara), id, campaign.SliceAll)
	require.NoError(t, err)
	select {
	case <-slack.all:
	case <-time.After(10*plan.Duration + time.Minute):
		require.Fail(t, "the launch did not end")
	}
	cancel()
	require.NoError(t, <-ended)

	stats := server.Stats()
	f := figures{
		Case: t.Name(), Tickets: len(server.Issues()), Messages: slack.sent, Predicted: plan.Duration.Seconds(),
		Calls: stats.Calls, Bulk: stats.Bulk, Refused: stats.TooMany,
	}
	last := slack.last
	if desk.last.After(last) {
		last = desk.last
	}
	f.Measured = last.Sub(began).Seconds()
	calls := callsPerBulk * math.Ceil(float64(p.tickets)/perCall)
	f.Minimum = 60 / p.factor * max(calls/p.callsPerMinute, float64(contacts)/300)
	f.Ratio = f.Measured / f.Minimum
	for _, call := range ws.Calls("chat.postMessage") {
		if strings.Contains(call.Error, "ratelimited") {
			f.Refused++
		}
	}
	return f
}

// A launch is as fast as the limits allow, is never told off, and takes as long as
// its plan said. The times are looked at by `make pace` alone, which runs the long
// form on a machine that has nothing else to do, and prints its figures.
func TestPacedLaunch(t *testing.T) {
	tests := map[string]paced{
		"Slack is the limit": {tickets: 200, perContact: 1, factor: 10, callsPerMinute: 120},
		"Jira is the limit":  {tickets: 500, perContact: 50, factor: 2, callsPerMinute: 240},
	}
	timed := os.Getenv("MUSTER_PACE") != ""
	if timed {
		tests = map[string]paced{
			"Slack is the limit":               {tickets: 4000, perContact: 2, factor: 10, callsPerMinute: 60},
			"Jira is the limit":                {tickets: 5000, perContact: 50, factor: 2, callsPerMinute: 240},
			"Jira is the limit, through Redis": {tickets: 5000, perContact: 50, factor: 2, callsPerMinute: 240, shared: true},
		}
	}
	for name, p := range tests {
		t.Run(name, func(t *testing.T) {
			f := p.run(t)
			line, err := json.Marshal(f)
			require.NoError(t, err)
			fmt.Printf("%s\n", line)
			require.Equal(t, p.tickets, f.Tickets)
			require.Equal(t, p.tickets/p.perContact, f.Messages)
			require.Zero(t, f.Refused, "nobody was asked too often")
			if timed {
				require.LessOrEqual(t, f.Ratio, 1.1, "%+v", f)
				require.InEpsilon(t, f.Measured, f.Predicted, 0.1, "%+v", f)
			}
		})
	}
}

// What plans say of the limits that people meet.
func TestAPlanTellsTheTruthAboutLimits(t *testing.T) {
	tests := map[string]struct {
		tickets, contacts int
		pace              campaign.Pace
		want              time.Duration
	}{
		"10,000 issues on github.com":   {tickets: 10_000, pace: campaign.Pace{TicketsPerMinute: 500.0 / 60}, want: 20 * time.Hour},
		"10,000 in bulk":                {tickets: 10_000, pace: campaign.Pace{TicketsPerMinute: 50 * 60, TicketsPerCall: 50}, want: 3*time.Minute + 20*time.Second},
		"2,000 contacts at Slack's 300": {tickets: 2000, contacts: 2000, pace: campaign.Pace{TicketsPerMinute: 50 * 60, TicketsPerCall: 50}, want: 6*time.Minute + 41*time.Second},
		"messages wait for tickets":     {tickets: 600, contacts: 1, pace: campaign.Pace{TicketsPerMinute: 600}, want: time.Minute},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			require.InEpsilon(t, tt.want, campaign.PlanTakes(tt.tickets, tt.contacts, tt.pace), 0.01)
		})
	}
}

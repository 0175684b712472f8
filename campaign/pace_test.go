package campaign_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/bot/fakeslack"
	"github.com/musterbot/muster/bot/slackapi"
	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/configs/secret"
	"github.com/musterbot/muster/store/pace"
)

// paced is a launch at the limits of Slack and of a tracker that files in bulk. The
// limits are scaled, not the clocks.
type paced struct {
	tickets, perContact int
	factor              float64
	callsPerMinute      float64 // of the tracker, before the factor
	perCall             int
}

// figures are what `make pace` prints.
type figures struct {
	Tickets   int     `json:"tickets"`
	Messages  int     `json:"messages"`
	Minimum   float64 `json:"minimum_s"` // by the limits alone
	Predicted float64 `json:"predicted_s"`
	Measured  float64 `json:"measured_s"`
	Ratio     float64 `json:"ratio"` // measured to minimum
	Calls     int     `json:"calls"` // of the tracker
	Refused   int     `json:"refused"`
}

// bulkDesk is a tracker like Jira: 50 tickets a call, so many calls a second, and
// 429 beyond. Muster's side of it asks the limiter.
type bulkDesk struct {
	*fakeTracker
	limiter campaign.Limiter
	rate    campaign.Rate
	factor  float64
	perCall int

	mu      sync.Mutex
	windows map[int64]int // calls by second
	refused int
	filed   int
	last    time.Time
}

func (d *bulkDesk) Bulk() int { return d.perCall }

func (d *bulkDesk) EnsureAll(ctx context.Context, filings []campaign.Filing) []campaign.FilingOutcome {
	outcomes := make([]campaign.FilingOutcome, len(filings))
	fail := func(err error) []campaign.FilingOutcome {
		for i := range outcomes {
			outcomes[i].Err = err
		}
		return outcomes
	}
	wait, err := d.limiter.Take(ctx, []campaign.Rate{d.rate}, campaign.Bulk)
	if err != nil {
		return fail(err)
	}
	if wait > 0 {
		return fail(&campaign.Error{Kind: campaign.Unavailable, RetryAfter: wait})
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	d.windows[now.Unix()]++
	if most := d.rate.PerMinute*d.factor/60 + 1; float64(d.windows[now.Unix()]) > most+1 {
		d.refused++
		return fail(&campaign.Error{Kind: campaign.Unavailable, RetryAfter: time.Second})
	}
	for i, f := range filings {
		outcomes[i].Ref, outcomes[i].Err = d.Ensure(ctx, f.Key, f.Draft)
	}
	d.filed, d.last = d.filed+len(filings), now
	return outcomes
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
	limiter := pace.New(p.factor)
	client, err := slackapi.New(slackapi.Options{BotToken: secret.New(ws.BotToken()), APIURL: ws.APIURL(), Limiter: limiter})
	require.NoError(t, err)
	slack := &realSlack{client: client, users: map[string]bool{}, all: make(chan struct{})}
	desk := &bulkDesk{
		limiter: limiter, rate: campaign.Rate{Name: "tracker desk", PerMinute: p.callsPerMinute, Burst: 5},
		factor: p.factor, perCall: p.perCall, windows: map[int64]int{},
	}
	h := newHouse(t, func(o *campaign.Options) {
		slack.fakeSlack, desk.fakeTracker = o.Messenger.(*fakeSlack), o.Tracker.(*fakeTracker)
		o.Messenger, o.Tracker = slack, desk
		o.Clock = campaign.NewScaledClock(monday, 1)
		o.Brakes.SecondPersonAbove = p.tickets + 1
		o.Pace = campaign.Pace{MessagesPerMinute: 300 * p.factor, TicketsPerMinute: p.callsPerMinute * float64(p.perCall) * p.factor}
	})
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

	f := figures{Tickets: desk.filed, Messages: slack.sent, Refused: desk.refused, Predicted: plan.Duration.Seconds()}
	last := slack.last
	if desk.last.After(last) {
		last = desk.last
	}
	for _, n := range desk.windows {
		f.Calls += n
	}
	f.Measured = last.Sub(began).Seconds()
	calls := float64(p.tickets) / float64(p.perCall)
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
// its plan said. `make pace` runs the long form and prints its figures.
func TestPacedLaunch(t *testing.T) {
	tests := map[string]paced{
		"Slack is the limit":       {tickets: 200, perContact: 1, factor: 10, callsPerMinute: 60, perCall: 50},
		"the tracker is the limit": {tickets: 500, perContact: 10, factor: 20, callsPerMinute: 12, perCall: 50},
	}
	most := 1.6 // what a busy machine adds to so short a launch
	if os.Getenv("MUSTER_PACE") != "" {
		most = 1.1
		tests = map[string]paced{
			"Slack is the limit":       {tickets: 4000, perContact: 2, factor: 10, callsPerMinute: 30, perCall: 50},
			"the tracker is the limit": {tickets: 5000, perContact: 10, factor: 20, callsPerMinute: 12, perCall: 50},
		}
	}
	for name, p := range tests {
		t.Run(name, func(t *testing.T) {
			f := p.run(t)
			line, err := json.Marshal(f)
			require.NoError(t, err)
			fmt.Printf("%s\n", line)
			require.Equal(t, p.tickets, f.Tickets)
			require.Zero(t, f.Refused, "nobody was asked too often")
			require.LessOrEqual(t, f.Ratio, most, "%+v", f)
			require.InEpsilon(t, f.Measured, f.Predicted, most-1, "%+v", f)
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

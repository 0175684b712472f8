package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/tracker/jira/jiratest"
	"github.com/musterbot/muster/store/redis"
	"github.com/musterbot/muster/store/redis/redistest"
)

// chaosSeedVar repeats a run's choices; `make chaos` sets MUSTER_CHAOS to "full".
const (
	chaosSeedVar = "SEED"
	chaosVar     = "MUSTER_CHAOS"
	replicas     = 3
)

// chaosSize is how large a run is.
type chaosSize struct {
	teams, services, kills int
	factor                 int // of Slack's pace: how long it takes
	lasts                  time.Duration
}

var (
	chaosShort = chaosSize{teams: 60, services: 500, kills: 6, factor: 75, lasts: 2 * time.Minute}
	chaosFull  = chaosSize{teams: 600, services: 5000, kills: 30, factor: 150, lasts: 15 * time.Minute}
)

// chaosFigures are what a run found, printed as one line of JSON.
type chaosFigures struct {
	Fsync    string         `json:"appendfsync"`
	Seed     uint64         `json:"seed"`
	OK       bool           `json:"ok"`
	Tickets  int            `json:"tickets"`
	Filed    int            `json:"filed"`
	Contacts int            `json:"contacts"`
	Firsts   int            `json:"first_messages"`
	Acked    int            `json:"commands_acknowledged"`
	Done     int            `json:"commands_carried_out"`
	Kills    int            `json:"replicas_killed"`
	Restarts int            `json:"redis_restarts"`
	Faults   int            `json:"slack_faults"`
	Jira     jiratest.Stats `json:"jira"`
	CutMS    int64          `json:"cut_ms,omitempty"`
	CutBytes int64          `json:"cut_bytes,omitempty"`
	// Forgotten are messages that were posted and whose record the cut took.
	Forgotten int `json:"posts_forgotten,omitempty"`
	// Reported are acknowledged commands that the cut took; all fall into the
	// time that the command channel was told of.
	Reported int     `json:"commands_reported_lost,omitempty"`
	Seconds  float64 `json:"seconds"`
}

// chaosCity is a city with three replicas on one Redis.
type chaosCity struct {
	*city
	server  *redistest.Server
	jira    *jiratest.Server
	figures chaosFigures
	aof     *aofLog
	lost    lostTime // what was cut off
}

// TestChaos kills replicas and Redis while a campaign is launched and people work,
// and then compares the plan, the store, the tracker and what the workspace has
// seen: on a Redis that syncs each write, and on one that lost its last second.
func TestChaos(t *testing.T) {
	if testing.Short() {
		t.Skip("kills processes for a minute")
	}
	size := chaosShort
	if os.Getenv(chaosVar) == "full" {
		size = chaosFull
	}
	seed := seedOf(t, chaosSeedVar)
	for _, fsync := range []string{"always", "everysec"} {
		t.Run(fsync, func(t *testing.T) {
			t.Parallel()
			newChaosCity(t, fsync, seed, size).suffers(size)
		})
	}
}

func newChaosCity(t *testing.T, fsync string, seed uint64, size chaosSize) *chaosCity {
	c := &chaosCity{server: redistest.New(t, redistest.Options{Fsync: fsync, Args: []string{"--auto-aof-rewrite-percentage", "0"}})}
	c.jira = jiraOf(t, seed)
	c.city = newCity(t, cityPlan{
		seed: seed, teams: size.teams, services: size.services, unknown: 24, store: c.server.URL(), factor: size.factor, lasts: size.lasts,
		work: "lease: 2s, uncertain_wait: 1500ms, poll: 50ms, heartbeat: 400ms, coalesce: 300ms, workers: 8",
		more: jiraConfig(c.jira),
	})
	c.figures = chaosFigures{Fsync: fsync, Seed: seed, Contacts: size.teams}
	return c
}

// suffers is one run.
func (c *chaosCity) suffers(size chaosSize) {
	t, began := c.t, time.Now()
	defer func() {
		c.figures.Seconds, c.figures.OK = time.Since(began).Round(100*time.Millisecond).Seconds(), !t.Failed()
		line, err := json.Marshal(c.figures)
		require.NoError(t, err)
		fmt.Println(string(line))
	}()
	for i := range replicas {
		c.launches(i)
	}
	c.connects()
	c.imports()
	c.preparesCampaign()
	c.slackFails()
	c.aof = watchAOF(t, c.server.Dir())
	c.asks(c.cara, "launch all")
	c.agrees(c.dora)

	people := c.peopleAtWork()
	for struck := false; !struck || c.figures.Kills < size.kills || !c.heardPeople(c.lost.to); {
		c.naps(time.Duration(300+c.rng.IntN(1200)) * time.Millisecond)
		if !struck && c.ws.CallCount("chat.postMessage") > size.teams*2/3 {
			c.strikesRedis()
			struck = true
			continue
		}
		i := c.rng.IntN(replicas)
		c.kills(i)
		c.figures.Kills++
		c.naps(time.Duration(c.rng.IntN(300)) * time.Millisecond)
		c.launches(i)
	}
	people()
	for _, n := range c.ws.Mixed() {
		c.figures.Faults += n
	}
	c.ws.ClearFaults()
	c.connects()
	c.resumes()
	c.settles(size.lasts / 2)
	c.figures.Jira = c.jira.Stats()
	c.stopsAll()
	require.Contains(t, c.runs("doctor"), "Nothing is wrong.")
	c.runs("audit", "verify")
	c.compares()
}

// strikesRedis restarts Redis: alone when it syncs each write, else together with
// everything, with the last second cut off what it wrote.
func (c *chaosCity) strikesRedis() {
	c.t.Helper()
	c.figures.Restarts++
	if c.figures.Fsync == "always" {
		c.server.Kill()
		c.naps(time.Duration(c.rng.IntN(500)) * time.Millisecond)
		require.NoError(c.t, c.server.Restart())
		return
	}
	for i := range replicas {
		c.kills(i)
		c.figures.Kills++
	}
	c.server.Kill()
	c.lost.to = time.Now()
	c.lost.from, c.figures.CutBytes = c.aof.cut(c.lost.to.Add(-time.Second))
	c.figures.CutMS = c.lost.to.Sub(c.lost.from).Milliseconds()
	require.NoError(c.t, c.server.Restart())
	for i := range replicas {
		c.launches(i)
	}
}

// compares reads the store, the tracker and the workspace.
func (c *chaosCity) compares() {
	t := c.t
	t.Helper()
	store, err := redis.Open(c.ctx, c.store, redis.Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, store.Close()) }()
	if !c.lost.from.IsZero() {
		c.lossTold(store)
	}
	l := c.auditsStore(store, jiraTickets(c.jira), c.lost)
	c.figures.Tickets, c.figures.Filed, c.figures.Firsts = len(l.plan), len(l.filed), l.firsts
	c.figures.Acked, c.figures.Done, c.figures.Reported, c.figures.Forgotten = l.acked, l.carriedOut, l.lostCommands, l.lostPosts
}

// lossTold asserts that people were told once of the time in which something may
// have been lost, and that the cut is in it.
func (c *chaosCity) lossTold(store campaign.Store) {
	t := c.t
	t.Helper()
	run, _, err := campaign.Load[struct {
		Loss campaign.Loss `json:"loss"`
	}](c.ctx, store, campaign.Sys, campaign.KindRun, "self")
	require.NoError(t, err)
	require.False(t, run.Loss.From.After(c.lost.from), "told from %s, cut at %s", run.Loss.From, c.lost.from)
	told := 0
	for _, m := range c.ws.Posts("command") {
		if strings.Contains(m.Text, "may have lost") {
			told++
		}
	}
	require.Equal(t, 1, told, "the loss is told once")
}

// aofLog knows how long the append-only file of a server was at which time.
type aofLog struct {
	t    *testing.T
	file string

	mu    sync.Mutex
	sizes []aofSize
}

type aofSize struct {
	at   time.Time
	size int64
}

// watchAOF looks at the file until the test ends.
func watchAOF(t *testing.T, dir string) *aofLog {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "appendonlydir", "*.incr.aof"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	log := &aofLog{t: t, file: files[0]}
	ctx, cancel := context.WithCancel(t.Context())
	var watching sync.WaitGroup
	watching.Go(func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				log.look()
			}
		}
	})
	t.Cleanup(func() {
		cancel()
		watching.Wait()
	})
	return log
}

func (l *aofLog) look() {
	info, err := os.Stat(l.file)
	if err != nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sizes = append(l.sizes, aofSize{time.Now(), info.Size()})
}

// cut takes off what was written after a time, and returns when the file was as
// it is now, and how much went. A step that it cuts through is dropped whole by
// the server (aof-load-truncated).
func (l *aofLog) cut(after time.Time) (time.Time, int64) {
	l.t.Helper()
	info, err := os.Stat(l.file)
	require.NoError(l.t, err)
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := len(l.sizes) - 1; i >= 0; i-- {
		if s := l.sizes[i]; s.at.Before(after) {
			require.NoError(l.t, os.Truncate(l.file, s.size))
			return s.at, info.Size() - s.size
		}
	}
	require.Fail(l.t, "the file was not watched for long enough")
	return time.Time{}, 0
}

// jiraOf starts a Jira in which 2 % of the answers get lost, 5 % of the calls are
// refused for now and 1 % fail, and whose search shows a second late.
func jiraOf(t *testing.T, seed uint64) *jiratest.Server {
	t.Helper()
	jira, err := jiratest.Start(jiratest.Options{
		Token: "token", Seed: seed, LostShare: 0.02, TooManyShare: 0.05, ErrorShare: 0.01, SearchLag: time.Second,
	})
	require.NoError(t, err)
	t.Cleanup(jira.Close)
	return jira
}

func jiraConfig(jira *jiratest.Server) string {
	return fmt.Sprintf("tracker: {kind: jira, url: %q, token: token, project: SEC, type: Task, api: 2, calls_per_minute: 60000}\n", jira.URL())
}

// jiraTickets returns the issues that were filed.
func jiraTickets(jira *jiratest.Server) []filedTicket {
	var found []filedTicket
	for _, issue := range jira.Issues() {
		for _, label := range issue.Labels {
			if key, ok := strings.CutPrefix(label, "muster-"); ok {
				found = append(found, filedTicket{key, issue.Key, issue.Summary})
			}
		}
	}
	return found
}

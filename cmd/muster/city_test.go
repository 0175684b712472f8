package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/bot/fakeslack"
	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/store/redis"
)

// cityPlan says how large a city is, and how Muster runs in it.
type cityPlan struct {
	seed     uint64
	teams    int
	services int           // affected, so as many tickets
	unknown  int           // without a scan
	store    string        // its address; a file in the city's folder when blank
	work     string        // the `work` of the configuration
	factor   int           // of the pace towards Slack
	more     string        // further configuration
	lasts    time.Duration // bounds the whole test
}

// city is a workspace full of people, and Muster in processes of its own that do
// not live long.
type city struct {
	cityPlan
	t   *testing.T
	ctx context.Context
	rng *rand.Rand // of the killer alone
	ws  *fakeslack.Workspace
	dir string
	db  string // the store's file
	bin string
	env []string
	log *os.File
	// replicas are the processes that run, nil where one is dead.
	replicas []*exec.Cmd

	floors atomic.Int32

	cara, dora, mei, tom *fakeslack.Person
	leads                []*fakeslack.Person
}

// newCity opens a workspace, and builds the program.
func newCity(t *testing.T, plan cityPlan) *city {
	c := &city{cityPlan: plan, t: t, rng: rand.New(rand.NewPCG(plan.seed, 1)), dir: t.TempDir()}
	ctx, cancel := context.WithTimeout(t.Context(), plan.lasts)
	t.Cleanup(cancel)
	c.ctx = ctx
	c.peoples()
	c.configures()
	build := exec.CommandContext(ctx, "go", "build", "-o", c.bin, ".")
	said, err := build.CombinedOutput()
	require.NoError(t, err, "%s", said)
	c.log, err = os.Create(filepath.Join(c.dir, "log"))
	require.NoError(t, err)
	t.Cleanup(func() {
		for _, exe := range c.replicas {
			if exe != nil {
				_ = exe.Process.Kill()
				_ = exe.Wait()
			}
		}
		if t.Failed() {
			c.tellsLog()
		}
		require.NoError(t, c.log.Close())
	})
	return c
}

// peoples opens the workspace, and lets everybody join it.
func (c *city) peoples() {
	c.t.Helper()
	var err error
	c.ws, err = fakeslack.Start(fakeslack.Options{Redeliver: []time.Duration{0, 100 * time.Millisecond}})
	require.NoError(c.t, err)
	c.t.Cleanup(func() { require.NoError(c.t, c.ws.Close()) })
	noon := fakeslack.Profile{TZ: awake(time.Now())}
	c.cara, c.dora = c.ws.AddUser("cara", noon), c.ws.AddUser("dora", noon)
	c.mei, c.tom = c.ws.AddUser("mei", noon), c.ws.AddUser("tom", noon)
	for i := range c.teams {
		c.leads = append(c.leads, c.ws.AddUser(fmt.Sprintf("lead%02d", i), noon))
	}
	c.ws.AddChannel("command", append([]*fakeslack.Person{c.cara, c.dora, c.mei, c.tom}, c.leads...)...)
	require.NoError(c.t, c.cara.Invites("command", c.ws.BotUserID()))
}

// configures writes the configuration.
func (c *city) configures() {
	c.t.Helper()
	c.db, c.bin = filepath.Join(c.dir, "muster.db"), filepath.Join(c.dir, "muster")
	require.NoError(c.t, os.WriteFile(filepath.Join(c.dir, "muster.yaml"), fmt.Appendf(nil, `
listen: 127.0.0.1:0
command_channel: command
roles: {commander: [%s, %s], reviewer: [%s, %s], helper: [%s]}
work: {%s}
pace: {messages_per_channel_per_second: 1, messages_per_minute: 8, factor: %d}
%s`, c.cara.ID, c.dora.ID, c.mei.ID, c.tom.ID, c.tom.ID, c.work, c.factor, c.more), 0o600))
	store := c.store
	if store == "" {
		store = "bolt://" + c.db
	}
	c.env = append(os.Environ(), "MUSTER_STORE="+store, "MUSTER_SLACK_API_URL="+c.ws.APIURL(),
		"MUSTER_SLACK_BOT_TOKEN="+c.ws.BotToken(), "MUSTER_SLACK_APP_TOKEN="+c.ws.AppToken())
}

// tellsLog shows what the processes logged last, which is what a failure needs.
func (c *city) tellsLog() {
	data, err := os.ReadFile(c.log.Name())
	require.NoError(c.t, err)
	if keep := os.Getenv("MUSTER_KILL_LOG"); keep != "" {
		require.NoError(c.t, os.WriteFile(keep, data, 0o600))
	}
	c.t.Logf("the log ends:\n%s", data[max(0, len(data)-6000):])
}

// awake returns a zone in which it is about noon, so that nobody's message waits
// for the morning.
func awake(now time.Time) string {
	switch ahead := 12 - now.UTC().Hour(); {
	case ahead > 0:
		return fmt.Sprintf("Etc/GMT-%d", ahead) // POSIX counts westward
	case ahead < 0:
		return fmt.Sprintf("Etc/GMT+%d", -ahead)
	}
	return "Etc/GMT"
}

// waits until something is so, which every change in the workspace asks anew.
func (c *city) waits(what string, met func() bool) {
	c.t.Helper()
	require.NoError(c.t, c.ws.WaitFor(c.ctx, met), what)
}

// starts runs a replica of the program, and waits until one is connected.
func (c *city) starts(replica int) {
	c.t.Helper()
	c.launches(replica)
	c.connects()
}

func (c *city) launches(replica int) {
	c.t.Helper()
	exe := exec.Command(c.bin, "serve", "--config", filepath.Join(c.dir, "muster.yaml"))
	exe.Env, exe.Stdout, exe.Stderr = c.env, c.log, c.log
	require.NoError(c.t, exe.Start())
	for len(c.replicas) <= replica {
		c.replicas = append(c.replicas, nil)
	}
	c.replicas[replica] = exe
}

func (c *city) connects() {
	c.t.Helper()
	c.waits("the program connects", func() bool { return c.ws.Sockets() > 0 })
}

// kills ends a replica by SIGKILL.
func (c *city) kills(replica int) {
	c.t.Helper()
	exe := c.replicas[replica]
	c.replicas[replica] = nil
	require.NoError(c.t, exe.Process.Kill())
	err := exe.Wait()
	state := exe.ProcessState.Sys().(syscall.WaitStatus)
	require.True(c.t, state.Signaled() && state.Signal() == syscall.SIGKILL, "it ended by itself: %v", err)
}

// stops ends a replica as an operator does.
func (c *city) stops(replica int) {
	c.t.Helper()
	exe := c.replicas[replica]
	c.replicas[replica] = nil
	began := time.Now()
	require.NoError(c.t, exe.Process.Signal(syscall.SIGTERM))
	require.NoError(c.t, exe.Wait())
	require.Less(c.t, time.Since(began), 10*time.Second)
}

// stopsAll ends all replicas.
func (c *city) stopsAll() {
	c.t.Helper()
	for i, exe := range c.replicas {
		if exe != nil {
			c.stops(i)
		}
	}
}

// runs carries out another subcommand of the program.
func (c *city) runs(args ...string) string {
	c.t.Helper()
	cmd := exec.CommandContext(c.ctx, c.bin, append(args, "--config", filepath.Join(c.dir, "muster.yaml"))...)
	cmd.Env = c.env
	said, err := cmd.CombinedOutput()
	require.NoError(c.t, err, "%s", said)
	return string(said)
}

// imports writes the company's files, and imports them through the running program.
func (c *city) imports() {
	c.t.Helper()
	var catalog strings.Builder
	for i, lead := range c.leads {
		fmt.Fprintf(&catalog, "---\napiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata: {name: team%02d}\nspec: {type: team, children: []}\n", i)
		fmt.Fprintf(&catalog, "---\napiVersion: backstage.io/v1alpha1\nkind: User\nmetadata: {name: %s}\nspec:\n  profile: {displayName: %s, email: %s@acme.example}\n  memberOf: [team%02d]\n", lead.Name, lead.Name, lead.Name, i)
	}
	scans := filepath.Join(c.dir, "scans")
	require.NoError(c.t, os.MkdirAll(scans, 0o700))
	for i := range c.services + c.unknown {
		name := serviceName(i)
		exposure := "internet"
		if i%2 == 1 {
			exposure = "internal"
		}
		fmt.Fprintf(&catalog, "---\napiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: %s, annotations: {muster/exposure: %s}}\nspec: {type: service, lifecycle: production, owner: team%02d}\n", name, exposure, i/2%c.teams)
		if i >= c.services {
			continue
		}
		sbom := fmt.Sprintf(`{"bomFormat":"CycloneDX","specVersion":"1.4","metadata":{"timestamp":%q,"component":{"type":"application","name":%q}},
"components":[{"type":"library","name":"log4j-core","version":"2.14.1","purl":"pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1"}]}`,
			time.Now().UTC().Add(-time.Hour).Format(time.RFC3339), name)
		require.NoError(c.t, os.WriteFile(filepath.Join(scans, name+".cdx.json"), []byte(sbom), 0o600))
	}
	file := filepath.Join(c.dir, "catalog.yaml")
	require.NoError(c.t, os.WriteFile(file, []byte(catalog.String()), 0o600))
	require.Contains(c.t, c.runs("import", "catalog", file), "new")
	require.Contains(c.t, c.runs("import", "inventory", scans), "scans: "+strconv.Itoa(c.services)+" new")
}

func serviceName(i int) string { return fmt.Sprintf("service%03d", i) }

// types lets a person type a command until it is acknowledged: who is told that
// it did not work tries again.
func (c *city) types(p *fakeslack.Person, text string) {
	c.t.Helper()
	for !p.Runs("/campaign "+text, "command").OK() {
		c.waits("somebody listens", func() bool { return c.ws.Sockets() > 0 })
	}
}

// asks is types, and waits for the answer.
func (c *city) asks(p *fakeslack.Person, text string) string {
	c.t.Helper()
	before := len(p.Ephemerals("command"))
	c.types(p, text)
	c.waits("an answer to "+text, func() bool { return len(p.Ephemerals("command")) > before })
	return p.Ephemerals("command")[before].Words()
}

// preparesCampaign brings a campaign to where it can be launched.
func (c *city) preparesCampaign() {
	c.t.Helper()
	c.asks(c.cara, `new "log4j RCE" for log4j-core`)
	c.asks(c.cara, "track mitigate due in 2 days instructions 1. Remove the class.\n2. Restart.")
	c.asks(c.cara, "dryrun mitigate @mei @tom")
	for _, p := range []*fakeslack.Person{c.mei, c.tom} {
		m, err := p.WaitsForDM(c.ctx, func(m fakeslack.Message) bool { return slices.Contains(m.Buttons(), "Start") })
		require.NoError(c.t, err)
		for _, label := range []string{"Start", "Worked", "Worked", "Approve the text"} {
			before := len(c.ws.Posts(m.Channel))
			require.True(c.t, p.Presses(label, *m).OK())
			c.waits("the next step after "+label, func() bool { return len(c.ws.Posts(m.Channel)) > before })
			m = &c.ws.Posts(m.Channel)[before]
		}
	}
	said := c.asks(c.cara, "approve")
	require.Contains(c.t, c.asks(c.cara, "show"), "approved", said)
}

// agrees is the second person's yes to the launch. It waits until the campaign
// runs: whoever pauses or resumes it before is refused.
func (c *city) agrees(p *fakeslack.Person) {
	c.t.Helper()
	asked := func() *fakeslack.Message {
		for _, m := range c.ws.Posts("command") {
			for _, label := range m.Buttons() {
				if label == "Agree" {
					return &m
				}
			}
		}
		return nil
	}
	c.waits("the second person is asked", func() bool { return asked() != nil })
	m := asked()
	for !p.Presses("Agree", *m).OK() {
		c.waits("somebody listens", func() bool { return c.ws.Sockets() > 0 })
	}
	for looks := 0; !strings.Contains(c.asks(c.cara, "show"), "running"); looks++ { // each takes a command's way
		require.Less(c.t, looks, 1000, "the launch is agreed to and not carried out")
	}
}

// naps is the killer's own random delay, in which the others work on.
func (c *city) naps(d time.Duration) {
	ctx, cancel := context.WithTimeout(c.ctx, d)
	defer cancel()
	<-ctx.Done()
}

// floorCommand is a command that no other has typed before.
func (c *city) floorCommand(who string) string {
	n := c.floors.Add(1)
	return fmt.Sprintf("floor log4j-core 2.%d=2.%d.9 \"%s %d\"", n%20, n%20, who, n)
}

// peopleAtWork lets people type and press, each as fast as they are answered. The
// function returned lets them stop and waits for them.
func (c *city) peopleAtWork() (rest func()) {
	stop := make(chan struct{})
	var wg sync.WaitGroup
	work := func(stream uint64, act func(*rand.Rand, int)) {
		rng := rand.New(rand.NewPCG(c.seed, stream))
		wg.Go(func() {
			for n := 0; ; n++ {
				pause := time.NewTimer(time.Duration(20+rng.IntN(400)) * time.Millisecond) // people think
				select {
				case <-stop:
					pause.Stop()
					return
				case <-pause.C:
				}
				act(rng, n)
			}
		})
	}
	work(2, func(rng *rand.Rand, n int) {
		switch rng.IntN(4) {
		case 0:
			c.cara.Runs("/campaign pause", "command")
			c.cara.Runs("/campaign resume", "command")
		case 1:
			c.cara.Runs("/campaign resume", "command")
		default:
			c.cara.Runs(fmt.Sprintf("/campaign attest %s no \"looked, %d\"", serviceName(c.services+n%c.unknown), n), "command")
		}
	})
	asks := 20 // so many may be open at a time
	work(3, func(rng *rand.Rand, n int) {
		switch what := rng.IntN(3); {
		case what == 0:
			c.dora.Runs("/campaign "+c.floorCommand("dora"), "command")
		case what == 1 && asks > 0:
			asks--
			c.dora.Runs(fmt.Sprintf("/campaign ask @%s \"help with number %d\" by 23:59", c.leads[n%4].Name, n), "command")
		default:
			c.dora.Runs(fmt.Sprintf("/campaign edit waiver CHG%06d", n), "command")
		}
	})
	work(4, func(rng *rand.Rand, _ int) {
		lead := c.leads[rng.IntN(len(c.leads))]
		for _, m := range lead.DMs() {
			if slices.Contains(m.Buttons(), "On it") {
				lead.Presses("On it", m)
				return
			}
		}
	})
	return func() {
		close(stop)
		wg.Wait()
	}
}

// heardPeople returns whether a press and an attestation were acknowledged since a
// time: the first of them may come late, when the machine is slow or the launch
// has only begun.
func (c *city) heardPeople(since time.Time) bool {
	for kind, what := range map[string]string{"interactive": `"task.on_it"`, "slash_commands": `"attest `} {
		if !slices.ContainsFunc(c.ws.Deliveries(kind, ""), func(d fakeslack.Delivery) bool {
			return d.Acked && bytes.Contains(d.Payload, []byte(what)) && ackedAt(d).After(since)
		}) {
			return false
		}
	}
	return true
}

// reads returns a way to look into the store while the program runs.
func (c *city) reads() (r campaign.Reader, done func()) {
	c.t.Helper()
	if c.store != "" {
		store, err := redis.Open(c.ctx, c.store, redis.Options{})
		require.NoError(c.t, err)
		return store, func() { require.NoError(c.t, store.Close()) }
	}
	reader, err := dialLocal(c.ctx, c.db)
	require.NoError(c.t, err)
	return reader, func() { require.NoError(c.t, reader.close()) }
}

// resumes lets the campaign go on for good. A pause overtakes what was typed before
// it, and may come after a resume that was typed behind it: so all that was typed
// is carried out first.
func (c *city) resumes() {
	c.t.Helper()
	reader, done := c.reads()
	defer done()
	var left []string
	require.Eventually(c.t, func() bool {
		var err error
		left, err = unheard(c.ctx, reader)
		return err == nil && len(left) == 0
	}, 5*time.Minute, 50*time.Millisecond, "what was typed is carried out: %v", &left)
	c.asks(c.cara, "resume")
}

// settles waits until nothing is on its way any more.
func (c *city) settles(patience time.Duration) {
	c.t.Helper()
	reader, done := c.reads()
	defer done()
	var left []string
	require.Eventually(c.t, func() bool {
		var err error
		if left, err = onItsWay(c.ctx, reader); err != nil {
			left = []string{err.Error()}
		}
		return len(left) == 0
	}, patience, max(50*time.Millisecond, patience/1000), "left: %v", &left) // a look reads all that is on its way
	require.Empty(c.t, left)
}

// seedOf is the seed of a test's choices: what the variable says, or a new one.
func seedOf(t testing.TB, variable string) uint64 {
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv(variable); text != "" {
		given, err := strconv.ParseUint(text, 10, 64)
		require.NoError(t, err)
		seed = given
	}
	t.Logf("%s=%d", variable, seed)
	return seed
}

// slackFails lets one in ten calls and deliveries go wrong.
func (c *city) slackFails() {
	c.ws.SetMix(fakeslack.Mix{
		Seed: c.seed, Methods: []string{"chat.postMessage", "chat.update", "response_url", "conversations.open", "conversations.history", "slash_commands", "interactive"},
		Rates: map[fakeslack.FaultKind]float64{
			fakeslack.TimedOut: 0.03, fakeslack.LostAnswer: 0.03, fakeslack.LostCall: 0.02, fakeslack.RateLimited: 0.03,
			fakeslack.ServerError: 0.03, fakeslack.Redelivered: 0.1, fakeslack.LostAck: 0.04, fakeslack.DroppedSocket: 0.02,
		},
	})
}

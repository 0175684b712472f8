package main

import (
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
)

// The size of the kill test. MUSTER_KILL_SEED repeats a run's choices; the
// machine's own timing stays its own.
const (
	killSeedVar  = "MUSTER_KILL_SEED"
	killTeams    = 26
	killServices = 208 // affected, so as many tickets
	killUnknown  = 24  // without a scan
)

// moment is where a process is killed.
type moment string

const (
	atRandom      moment = "at random"
	earlyOn       moment = "while tickets are filed"
	whileStarting moment = "while it starts"
	onPost        moment = "between a post and its record"
	onAnswer      moment = "between an answer and its record"
	onEdit        moment = "between an edit and its record"
	onLookUp      moment = "while it looks up a post"
	onAck         moment = "between an acknowledgement and the work"
)

// killsAt is how often each moment is tried, beside the first few kills.
var killsAt = map[moment]int{atRandom: 7, whileStarting: 3, onPost: 9, onAck: 6, onAnswer: 4, onEdit: 2, onLookUp: 3}

// struckMethod is the call after whose effect the process is killed.
var struckMethod = map[moment]string{
	onPost: "chat.postMessage", onAnswer: "response_url", onEdit: "chat.update", onLookUp: "conversations.history",
}

// city is a workspace full of people, and Muster in a process of its own that
// does not live long.
type city struct {
	t    *testing.T
	ctx  context.Context
	rng  *rand.Rand // of the killer alone
	ws   *fakeslack.Workspace
	dir  string
	db   string
	bin  string
	env  []string
	log  *os.File
	exe  *exec.Cmd
	hits map[moment]int

	floors atomic.Int32

	cara, dora, mei, tom *fakeslack.Person
	leads                []*fakeslack.Person
}

// TestNothingIsLostOrDoubled kills the real program over and over while a
// campaign is launched and people work, and then compares the plan, the store and
// what the workspace has seen.
func TestNothingIsLostOrDoubled(t *testing.T) {
	if testing.Short() {
		t.Skip("kills a process for a minute")
	}
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv(killSeedVar); text != "" {
		given, err := strconv.ParseUint(text, 10, 64)
		require.NoError(t, err)
		seed = given
	}
	t.Logf("%s=%d", killSeedVar, seed)
	c := newCity(t, seed)

	c.starts()
	c.imports()
	c.preparesCampaign()
	c.ws.SetMix(fakeslack.Mix{
		Seed: seed, Methods: []string{"chat.postMessage", "chat.update", "response_url", "conversations.open", "conversations.history", "slash_commands", "interactive"},
		Rates: map[fakeslack.FaultKind]float64{
			fakeslack.TimedOut: 0.03, fakeslack.LostAnswer: 0.03, fakeslack.LostCall: 0.02, fakeslack.RateLimited: 0.03,
			fakeslack.ServerError: 0.03, fakeslack.Redelivered: 0.1, fakeslack.LostAck: 0.04, fakeslack.DroppedSocket: 0.02,
		},
	})
	c.asks(c.cara, "launch all")
	c.agrees(c.dora)

	people := c.peopleAtWork(seed)
	dealt := c.moments()
	for _, m := range dealt {
		c.kill(m)
		c.starts()
	}
	people()
	t.Logf("faults on the way: %v", c.ws.Mixed())
	c.ws.ClearFaults()
	c.asks(c.cara, "resume")
	c.settles()
	c.stops()
	t.Logf("killed %d times: %v", len(dealt), c.hits)
	require.GreaterOrEqual(t, len(dealt), 30)
	require.GreaterOrEqual(t, c.hits[onPost], 4, "too few kills between a post and its record")
	require.GreaterOrEqual(t, c.hits[onAck], 4, "too few kills between an acknowledgement and the work")
	c.audits()
}

func newCity(t *testing.T, seed uint64) *city {
	c := &city{t: t, rng: rand.New(rand.NewPCG(seed, 1)), dir: t.TempDir(), hits: map[moment]int{}}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	t.Cleanup(cancel)
	c.ctx = ctx
	var err error
	c.ws, err = fakeslack.Start(fakeslack.Options{Redeliver: []time.Duration{0, 100 * time.Millisecond}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.ws.Close()) })
	noon := awake(time.Now())
	c.cara, c.dora = c.ws.AddUser("cara", fakeslack.Profile{TZ: noon}), c.ws.AddUser("dora", fakeslack.Profile{TZ: noon})
	c.mei, c.tom = c.ws.AddUser("mei", fakeslack.Profile{TZ: noon}), c.ws.AddUser("tom", fakeslack.Profile{TZ: noon})
	for i := range killTeams {
		c.leads = append(c.leads, c.ws.AddUser(fmt.Sprintf("lead%02d", i), fakeslack.Profile{TZ: noon}))
	}
	c.ws.AddChannel("command", append([]*fakeslack.Person{c.cara, c.dora, c.mei, c.tom}, c.leads...)...)
	require.NoError(t, c.cara.Invites("command", c.ws.BotUserID()))

	c.db, c.bin = filepath.Join(c.dir, "muster.db"), filepath.Join(c.dir, "muster")
	config := filepath.Join(c.dir, "muster.yaml")
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, `
listen: 127.0.0.1:0
command_channel: command
roles: {commander: [%s, %s], reviewer: [%s, %s], helper: [%s]}
work: {lease: 2s, uncertain_wait: 700ms, poll: 50ms, heartbeat: 400ms, coalesce: 300ms, workers: 8}
pace: {messages_per_channel_per_second: 1, messages_per_minute: 8, factor: 20}
`, c.cara.ID, c.dora.ID, c.mei.ID, c.tom.ID, c.tom.ID), 0o600))
	c.env = append(os.Environ(), "MUSTER_STORE=bolt://"+c.db, "MUSTER_SLACK_API_URL="+c.ws.APIURL(),
		"MUSTER_SLACK_BOT_TOKEN="+c.ws.BotToken(), "MUSTER_SLACK_APP_TOKEN="+c.ws.AppToken())
	build := exec.CommandContext(ctx, "go", "build", "-o", c.bin, ".")
	said, err := build.CombinedOutput()
	require.NoError(t, err, "%s", said)
	c.log, err = os.Create(filepath.Join(c.dir, "log"))
	require.NoError(t, err)
	t.Cleanup(func() {
		if c.exe != nil {
			_ = c.exe.Process.Kill()
			_ = c.exe.Wait()
		}
		if t.Failed() {
			c.tellsLog()
		}
		require.NoError(t, c.log.Close())
	})
	return c
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

// starts runs the program, and waits until it is connected.
func (c *city) starts() {
	c.t.Helper()
	c.launches()
	c.connects()
}

func (c *city) launches() {
	c.t.Helper()
	c.exe = exec.Command(c.bin, "serve", "--config", filepath.Join(c.dir, "muster.yaml"))
	c.exe.Env, c.exe.Stdout, c.exe.Stderr = c.env, c.log, c.log
	require.NoError(c.t, c.exe.Start())
}

func (c *city) connects() {
	c.t.Helper()
	c.waits("the program connects", func() bool { return c.ws.Sockets() > 0 })
}

// dies kills the program, and waits until nothing of it is left.
func (c *city) dies() {
	c.t.Helper()
	require.NoError(c.t, c.exe.Process.Kill())
	err := c.exe.Wait()
	state := c.exe.ProcessState.Sys().(syscall.WaitStatus)
	require.True(c.t, state.Signaled() && state.Signal() == syscall.SIGKILL, "it ended by itself: %v", err)
	c.waits("its connections end", func() bool { return c.ws.Sockets() == 0 })
}

// stops ends the program as an operator does.
func (c *city) stops() {
	c.t.Helper()
	require.NoError(c.t, c.exe.Process.Signal(os.Interrupt))
	require.NoError(c.t, c.exe.Wait())
	c.exe = nil
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
	for i := range killServices + killUnknown {
		name := serviceName(i)
		exposure := "internet"
		if i%2 == 1 {
			exposure = "internal"
		}
		fmt.Fprintf(&catalog, "---\napiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: %s, annotations: {muster/exposure: %s}}\nspec: {type: service, lifecycle: production, owner: team%02d}\n", name, exposure, i/2%killTeams)
		if i >= killServices {
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
	require.Contains(c.t, c.runs("import", "inventory", scans), "scans: "+strconv.Itoa(killServices)+" new")
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

// agrees is the second person's yes to the launch.
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
}

// moments deals the kills: each kind as often as killsAt says, in an order of the
// seed, but first those that strike while the tickets are filed.
func (c *city) moments() []moment {
	var deck []moment
	for _, m := range []moment{atRandom, whileStarting, onPost, onAck, onAnswer, onEdit, onLookUp} {
		deck = append(deck, slices.Repeat([]moment{m}, killsAt[m])...)
	}
	c.rng.Shuffle(len(deck), func(i, j int) { deck[i], deck[j] = deck[j], deck[i] })
	return append([]moment{earlyOn, earlyOn, whileStarting, earlyOn}, deck...)
}

// momentFor is how long the killer waits for a moment to come.
const momentFor = 1500 * time.Millisecond

func (c *city) kill(m moment) {
	c.t.Helper()
	switch m {
	case atRandom:
		c.naps(time.Duration(c.rng.IntN(1500)) * time.Millisecond)
	case earlyOn:
		c.naps(time.Duration(c.rng.IntN(150)) * time.Millisecond)
	case whileStarting:
		c.dies()
		c.launches()
		c.naps(time.Duration(c.rng.IntN(250)) * time.Millisecond)
	case onAck:
		acked := false
		for n := 0; n < 4 && !acked; n++ { // one may get lost
			acked = c.cara.Runs("/campaign "+c.floorCommand("killer"), "command").OK()
		}
		if !acked {
			m = atRandom
		}
	default:
		if !c.strikes(struckMethod[m]) {
			m = atRandom
		}
	}
	c.dies()
	c.hits[m]++
}

// naps is the killer's own random delay, in which the others work on.
func (c *city) naps(d time.Duration) {
	ctx, cancel := context.WithTimeout(c.ctx, d)
	defer cancel()
	<-ctx.Done()
}

// strikes waits until a call has taken effect whose answer is withheld. It is
// false when none came in time.
func (c *city) strikes(method string) bool {
	order := c.ws.Inject(fakeslack.Fault{Do: fakeslack.TimedOut, Method: method, After: c.rng.IntN(2)})
	defer order.Cancel()
	withheld := func() int {
		n := 0
		for _, call := range c.ws.Calls(method) {
			if call.Fault == fakeslack.TimedOut {
				n++
			}
		}
		return n
	}
	before := withheld()
	ctx, cancel := context.WithTimeout(c.ctx, momentFor)
	defer cancel()
	return c.ws.WaitFor(ctx, func() bool { return order.Fired() > 0 && withheld() > before }) == nil
}

// floorCommand is a command that no other has typed before.
func (c *city) floorCommand(who string) string {
	n := c.floors.Add(1)
	return fmt.Sprintf("floor log4j-core 2.%d=2.%d.9 \"%s %d\"", n%20, n%20, who, n)
}

// peopleAtWork lets people type and press, each as fast as they are answered. The
// function returned lets them stop and waits for them.
func (c *city) peopleAtWork(seed uint64) (rest func()) {
	stop := make(chan struct{})
	var wg sync.WaitGroup
	work := func(stream uint64, act func(*rand.Rand, int)) {
		rng := rand.New(rand.NewPCG(seed, stream))
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
			c.cara.Runs(fmt.Sprintf("/campaign attest %s no \"looked, %d\"", serviceName(killServices+n%killUnknown), n), "command")
		}
	})
	work(3, func(rng *rand.Rand, n int) {
		switch what := rng.IntN(3); {
		case what == 0:
			c.dora.Runs("/campaign "+c.floorCommand("dora"), "command")
		case what == 1 && n < 45: // 20 asks may be open at a time
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

// settles waits until nothing is on its way any more.
func (c *city) settles() {
	c.t.Helper()
	reader, err := dialLocal(c.ctx, c.db)
	require.NoError(c.t, err)
	defer func() { require.NoError(c.t, reader.close()) }()
	var left []string
	require.Eventually(c.t, func() bool {
		if left, err = onItsWay(c.ctx, reader); err != nil {
			left = []string{err.Error()}
		}
		return len(left) == 0
	}, 60*time.Second, 50*time.Millisecond)
	require.Empty(c.t, left)
}

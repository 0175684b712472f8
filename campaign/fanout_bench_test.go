package campaign_test

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/store/bolt"
	"github.com/musterbot/muster/store/redis"
	"github.com/musterbot/muster/store/redis/redistest"
	"github.com/musterbot/muster/templates"
)

// The size of BenchmarkFanOut, unless MUSTER_FANOUT names another.
const (
	fanOutTickets = 100_000
	fanOutPerTeam = 25
)

// BenchmarkFanOut plans, launches and files 100,000 tickets, one per service of
// 4,000 teams, into a tracker and a Slack that answer at once. It reports the
// seconds of
//
//	plan   drawing the plan from catalog and scans
//	state  making it durable: plan, targets, tasks, tickets, messages, work, audit
//	floor  writing the same records, rows and work raw, 1,000 at a time
//	work   carrying it all out
//
// the ratio of state to floor, the tickets a second from end to end, and what a
// ticket takes in the store once all is done, audit apart.
func BenchmarkFanOut(b *testing.B) {
	b.Run("bolt", func(b *testing.B) {
		for range b.N {
			folder := b.TempDir()
			store, err := bolt.Open(filepath.Join(folder, "muster.db"), bolt.Options{})
			require.NoError(b, err)
			b.Cleanup(func() { require.NoError(b, store.Close()) })
			f := newFanOut(b, store)
			f.run(func(written []rawWrite) { writeRawBolt(b, filepath.Join(folder, "raw.db"), written) })
		}
	})
	for _, fsync := range []string{"everysec", "always"} {
		b.Run("redis "+fsync, func(b *testing.B) {
			for range b.N {
				server := redistest.New(b, redistest.Options{Fsync: fsync})
				store, err := redis.Open(b.Context(), server.URL(), redis.Options{})
				require.NoError(b, err)
				f := newFanOut(b, store)
				before := usedMemory(b, server)
				f.run(func(written []rawWrite) { writeRawRedis(b, server.Addr(), written) })
				audit, err := server.Do("MEMORY", "USAGE", "muster:{log4j-rce}a", "SAMPLES", "0")
				require.NoError(b, err)
				b.ReportMetric(float64(usedMemory(b, server)-before-number(b, audit))/float64(f.n), "B/ticket")
				b.ReportMetric(float64(number(b, audit))/float64(f.n), "B/ticket-audit")
				printMemory(b, server, f.n)
				require.NoError(b, store.Close())
			}
		})
	}
}

// printMemory tells what the keys of the campaign take. It prints by itself, since
// b.Log keeps ten lines.
func printMemory(b *testing.B, server *redistest.Server, tickets int) {
	b.Helper()
	client := goredis.NewClient(&goredis.Options{Addr: server.Addr(), DisableIdentity: true})
	keys, err := client.Keys(b.Context(), "muster:{log4j-rce}*").Result()
	require.NoError(b, err)
	slices.Sort(keys)
	for _, key := range keys {
		n, err := client.MemoryUsage(b.Context(), key, 0).Result()
		require.NoError(b, err)
		if perTicket := float64(n) / float64(tickets); perTicket >= 1 {
			fmt.Fprintf(os.Stderr, "%-32s %7.1f B a ticket\n", key, perTicket)
		}
	}
	require.NoError(b, client.Close())
}

// usedMemory is what a server's data takes.
func usedMemory(b *testing.B, server *redistest.Server) int64 {
	b.Helper()
	info, err := server.Do("INFO", "memory")
	require.NoError(b, err)
	for line := range strings.Lines(info) {
		if text, ok := strings.CutPrefix(line, "used_memory:"); ok {
			return number(b, text)
		}
	}
	require.Fail(b, "no used_memory", info)
	return 0
}

func number(b *testing.B, text string) int64 {
	b.Helper()
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	require.NoError(b, err)
	return n
}

// writeRawRedis writes rows to another database of the server, 1,000 in a
// pipeline, and drops them: a value per record, members of sorted sets for rows
// and work, a list for the audit log.
func writeRawRedis(b *testing.B, addr string, rows []rawWrite) {
	client := goredis.NewClient(&goredis.Options{Addr: addr, DB: 1, DisableIdentity: true})
	for page := range slices.Chunk(rows, 1000) {
		_, err := client.Pipelined(b.Context(), func(p goredis.Pipeliner) error {
			for _, row := range page {
				switch row.family {
				case "record":
					p.Set(b.Context(), row.key, row.value, 0)
				case "audit":
					p.RPush(b.Context(), row.family, row.value)
				default:
					p.ZAdd(b.Context(), row.family, goredis.Z{Member: row.key})
				}
			}
			return nil
		})
		require.NoError(b, err)
	}
	require.NoError(b, client.FlushDB(context.WithoutCancel(b.Context())).Err())
	require.NoError(b, client.Close())
}

// fanOut is a company of one size and its engine, with everything outside
// answering at once.
type fanOut struct {
	b       *testing.B
	n       int
	house   *house
	store   *recorder
	clock   *benchClock
	outside *outside
}

func newFanOut(b *testing.B, store campaign.Store) *fanOut {
	b.Helper()
	n := fanOutTickets
	if text := os.Getenv("MUSTER_FANOUT"); text != "" {
		given, err := strconv.Atoi(text)
		require.NoError(b, err)
		n = given
	}
	words, err := templates.Load("")
	require.NoError(b, err)
	f := &fanOut{b: b, n: n, store: &recorder{Store: store}, clock: &benchClock{testClock: newTestClock(monday)}, outside: &outside{tickets: map[string]campaign.TicketRef{}, arrived: make(chan struct{}, 1)}}
	f.house = newHouse(b, func(o *campaign.Options) {
		o.Store, o.Clock, o.Renderer = f.store, f.clock, words
		slack := instantSlack{newFakeSlack(f.clock.testClock), f.outside}
		o.Tracker, o.Messenger, o.Directory = instantTracker{newFakeTracker(), f.outside}, slack, slack
		o.Brakes.SecondPersonAbove, o.Work.Coalesce = n+1, 100*time.Millisecond
	})
	require.NoError(b, f.house.store.Close())
	f.house.store, f.house.clock = keptOpen{f.store}, f.clock.testClock
	f.company()
	return f
}

// company imports teams, services and a scan of each.
func (f *fanOut) company() {
	catalog := campaign.Catalog{Services: map[string]campaign.Service{}, Units: map[string]campaign.Unit{}, Members: map[string]campaign.Member{}}
	scans := make([]campaign.Scan, f.n)
	for i := range f.n {
		team := fmt.Sprintf("team-%05d", i/fanOutPerTeam)
		if i%fanOutPerTeam == 0 {
			lead := "user:default/lead-" + team
			catalog.Units["group:default/"+team] = campaign.Unit{Ref: "group:default/" + team, Name: team, Type: "team", Lead: lead}
			catalog.Members[lead] = campaign.Member{Ref: lead, Name: "Lead " + team, Email: "lead-" + team + "@example.com"}
		}
		name := fmt.Sprintf("service-%06d", i)
		ref := "component:default/" + name
		catalog.Services[ref] = campaign.Service{Ref: ref, Name: name, Owner: "group:default/" + team, Exposure: campaign.Exposed}
		scans[i] = campaign.Scan{
			Asset: name, Source: "cyclonedx", File: name + ".cdx.json", At: f.clock.Now().Add(-time.Hour),
			Components: []campaign.Component{{PURL: log4jCore, Path: "/app/lib/log4j-core-2.14.1.jar"}},
		}
	}
	_, err := f.house.engine.ImportCatalog(f.b.Context(), f.house.by(cara), catalog)
	require.NoError(f.b, err)
	require.NoError(f.b, f.house.engine.KeepScans(f.b.Context(), scans))
}

// run measures one launch. raw writes what the state part wrote, as it stands.
func (f *fanOut) run(raw func([]rawWrite)) {
	b, h := f.b, f.house
	ctx := b.Context()
	id := f.approved()
	f.store.record()
	began := time.Now()
	_, err := h.engine.Freeze(ctx, h.by(cara), id)
	require.NoError(b, err)
	plan := f.store.firstWrite().Sub(began)
	state := time.Since(began) - plan
	f.clock.advance(-time.Millisecond) // what the approval planned is not due yet
	began = time.Now()
	_, err = h.engine.Launch(ctx, h.by(cara), id, campaign.SliceExposed)
	require.NoError(b, err)
	look := time.Since(began)
	began = time.Now()
	f.files(id)
	state += time.Since(began)
	written := f.store.stop()

	began = time.Now()
	raw(written)
	floor := time.Since(began)

	began = time.Now()
	f.clock.release()
	f.works(id)
	work := time.Since(began)
	require.Len(b, f.outside.tickets, f.n)
	b.ReportMetric(plan.Seconds(), "plan-s")
	b.ReportMetric(look.Seconds(), "look-s")
	b.ReportMetric(state.Seconds(), "state-s")
	b.ReportMetric(floor.Seconds(), "floor-s")
	b.ReportMetric(state.Seconds()/floor.Seconds(), "state/floor")
	b.ReportMetric(work.Seconds(), "work-s")
	b.ReportMetric(float64(f.n)/(plan+look+state+work).Seconds(), "tickets/s")
	f.sizes(id)
}

// approved returns a campaign whose instructions are approved.
func (f *fanOut) approved() string {
	h, ctx := f.house, f.b.Context()
	_, err := h.engine.New(ctx, h.by(cara), campaign.NewCampaign{Title: "log4j RCE", Pattern: "log4j-core", Channel: campaign.ChannelRef{ID: commandChannel}})
	require.NoError(f.b, err)
	_, err = h.engine.SetTrack(ctx, h.by(cara), "log4j-rce", campaign.TrackEdit{Name: "mitigate", Due: f.clock.Now().Add(9 * time.Hour), Instructions: removeClass})
	require.NoError(f.b, err)
	h.startDryRun("log4j-rce", mei, tom)
	for _, p := range []campaign.Person{mei, tom} {
		h.execute("log4j-rce", p, 1, "service-000000", 5)
		require.NoError(f.b, h.conclude("log4j-rce", p, 1, campaign.ReviewApproved, ""))
	}
	h.drain()
	return "log4j-rce"
}

// files works the wave and nothing else: with each of its steps the clock goes
// back, so that what it plans is not due yet.
func (f *fanOut) files(id string) {
	ctx := f.b.Context()
	for slices.ContainsFunc(all[campaign.Wave](f.house, id, campaign.KindWave), func(w campaign.Wave) bool { return w.Status == campaign.WaveFiling }) {
		claims, err := f.store.Claim(ctx, campaign.ClaimRequest{Now: f.clock.Now(), Lease: time.Minute, N: 1, Lanes: []campaign.Lane{campaign.Bulk}})
		require.NoError(f.b, err)
		require.Len(f.b, claims.Entries, 1)
		require.True(f.b, strings.HasPrefix(claims.Entries[0].ID, "wave/"), claims.Entries[0].ID)
		f.clock.advance(-time.Millisecond)
		require.NoError(f.b, f.house.engine.Work(ctx, claims.Entries[0]))
	}
}

// works lets a worker carry out what is due until nothing is left.
func (f *fanOut) works(id string) {
	ctx, cancel := context.WithCancel(f.b.Context())
	var running sync.WaitGroup
	running.Go(func() { require.NoError(f.b, f.house.engine.Run(ctx)) })
	f.outside.wait(f.n, f.n/fanOutPerTeam)
	require.Eventually(f.b, func() bool {
		left, err := f.house.engine.Outstanding(ctx, id)
		return err == nil && left == 0
	}, time.Minute, 20*time.Millisecond)
	cancel()
	running.Wait()
}

// sizes reports what a ticket takes, by kind of record, as encoded.
func (f *fanOut) sizes(id string) {
	total := 0
	for _, kind := range []campaign.RecordKind{campaign.KindPlanPart, campaign.KindTarget, campaign.KindTask, campaign.KindTicket, campaign.KindEffect, campaign.KindContact} {
		n := 0
		for after := ""; ; {
			page, err := f.store.List(f.b.Context(), campaign.Scope(id), kind, after, 0)
			require.NoError(f.b, err)
			if len(page) == 0 {
				break
			}
			for _, r := range page {
				n, after = n+len(r.ID)+len(r.Data), r.ID
			}
		}
		f.b.Logf("%-10s %7.1f B a ticket", kind, float64(n)/float64(f.n))
		total += n
	}
	f.b.ReportMetric(float64(total)/float64(f.n), "B/ticket-encoded")
}

// benchClock stands still while state is made, and runs while it is worked.
type benchClock struct {
	*testClock

	released atomic.Int64 // when, in ns; 0 before
}

func (c *benchClock) Now() time.Time {
	if at := c.released.Load(); at != 0 {
		return campaign.Stamp(c.testClock.Now().Add(time.Hour + time.Duration(time.Now().UnixNano()-at)))
	}
	return c.testClock.Now()
}

func (c *benchClock) Wait(ctx context.Context, d time.Duration) error {
	return campaign.RealClock{}.Wait(ctx, d)
}

func (c *benchClock) release() { c.released.Store(time.Now().UnixNano()) }

// keptOpen is a store that somebody else closes.
type keptOpen struct{ campaign.Store }

func (keptOpen) Close() error { return nil }

// recorder remembers what is written.
type recorder struct {
	campaign.Store

	mu      sync.Mutex
	on      bool
	began   time.Time
	changes []campaign.Change
}

func (w *recorder) Apply(ctx context.Context, c campaign.Change) error {
	w.mu.Lock()
	if w.on {
		if len(w.changes) == 0 {
			w.began = time.Now()
		}
		w.changes = append(w.changes, c)
	}
	w.mu.Unlock()
	return w.Store.Apply(ctx, c)
}

func (w *recorder) record() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.on, w.changes = true, nil
}

func (w *recorder) firstWrite() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.began
}

// rawWrite is a key with its value, as a program would write it that checks
// nothing and keeps no order of work.
type rawWrite struct {
	family, key string
	value       []byte
}

// stop returns what stands after all that was written: each record and row once.
func (w *recorder) stop() []rawWrite {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.on = false
	rows := map[string]rawWrite{}
	keep := func(family, key string, value []byte) { rows[family+"\x00"+key] = rawWrite{family, key, value} }
	audit := 0
	for _, c := range w.changes {
		for _, r := range c.Records {
			if keep("record", string(c.Scope)+"/"+string(r.Kind)+"/"+r.ID, r.Data); len(r.Data) == 0 {
				delete(rows, "record\x00"+string(c.Scope)+"/"+string(r.Kind)+"/"+r.ID)
			}
		}
		for _, e := range c.Index {
			if keep("index", string(c.Scope)+"/"+e.Name+"/"+e.Key+"/"+e.ID, []byte(e.ID)); e.Remove {
				delete(rows, "index\x00"+string(c.Scope)+"/"+e.Name+"/"+e.Key+"/"+e.ID)
			}
		}
		for _, d := range c.Due {
			keep("due", string(c.Scope)+"/"+d.ID, []byte(d.Serial))
		}
		for _, a := range c.Audit {
			audit++
			keep("audit", fmt.Sprintf("%s/%020d", c.Scope, audit), []byte(a.Actor+a.Action+a.Subject+a.Before+a.After+a.Reason+a.Request+a.At.String()))
		}
	}
	w.changes = nil
	return slices.SortedFunc(maps.Values(rows), func(a, b rawWrite) int {
		return cmp.Or(cmp.Compare(a.family, b.family), cmp.Compare(a.key, b.key))
	})
}

// writeRawBolt puts rows into a file of their own, 1,000 in a commit.
func writeRawBolt(b *testing.B, path string, rows []rawWrite) {
	db, err := bbolt.Open(path, 0o600, nil)
	require.NoError(b, err)
	for page := range slices.Chunk(rows, 1000) {
		err := db.Update(func(tx *bbolt.Tx) error {
			for _, row := range page {
				bucket, err := tx.CreateBucketIfNotExists([]byte(row.family))
				if err != nil {
					return err
				}
				if err := bucket.Put([]byte(row.key), row.value); err != nil {
					return err
				}
			}
			return nil
		})
		require.NoError(b, err)
	}
	require.NoError(b, db.Close())
}

// outside counts what arrives in a tracker and a Slack that have neither latency
// nor limits nor faults.
type outside struct {
	mu       sync.Mutex
	tickets  map[string]campaign.TicketRef
	messages int
	arrived  chan struct{}
}

func (o *outside) arrives(what func()) {
	o.mu.Lock()
	what()
	o.mu.Unlock()
	select {
	case o.arrived <- struct{}{}:
	default:
	}
}

// wait returns once so many tickets are filed and direct messages posted.
func (o *outside) wait(tickets, messages int) {
	for range o.arrived {
		o.mu.Lock()
		done := len(o.tickets) >= tickets && o.messages >= messages
		o.mu.Unlock()
		if done {
			return
		}
	}
}

// instantTracker files at once.
type instantTracker struct {
	*fakeTracker
	*outside
}

func (i instantTracker) Ensure(_ context.Context, key string, _ campaign.TicketDraft) (ref campaign.TicketRef, err error) {
	i.arrives(func() {
		var ok bool
		if ref, ok = i.outside.tickets[key]; !ok {
			name := "SEC-" + strconv.Itoa(len(i.outside.tickets)+1)
			ref = campaign.TicketRef{ID: name, URL: "https://tracker.example/browse/" + name}
			i.outside.tickets[key] = ref
		}
	})
	return ref, nil
}

func (i instantTracker) Bulk() int { return 50 }

func (i instantTracker) EnsureAll(ctx context.Context, filings []campaign.Filing) []campaign.FilingOutcome {
	outcomes := make([]campaign.FilingOutcome, len(filings))
	for n, f := range filings {
		outcomes[n].Ref, outcomes[n].Err = i.Ensure(ctx, f.Key, f.Draft)
	}
	return outcomes
}

func (i instantTracker) Update(context.Context, campaign.TicketRef, campaign.TicketDraft) error {
	return nil
}

// instantSlack posts at once, and knows everybody.
type instantSlack struct {
	*fakeSlack
	*outside
}

func (i instantSlack) Post(_ context.Context, p campaign.Post) (ref campaign.MessageRef, err error) {
	i.arrives(func() {
		if strings.HasPrefix(p.To, "ULEAD") {
			i.outside.messages++
		}
		ref = campaign.MessageRef{Channel: "D" + p.To, TS: fmt.Sprintf("1700000000.%06d", i.outside.messages)}
	})
	return ref, nil
}

func (i instantSlack) Edit(context.Context, campaign.MessageRef, campaign.Message) error { return nil }

func (i instantSlack) ByEmail(_ context.Context, email string) (campaign.User, error) {
	name, _, _ := strings.Cut(email, "@")
	id := "U" + strings.ToUpper(strings.ReplaceAll(name, "-", ""))
	return campaign.User{Person: campaign.NewPerson("T1", id), Name: name, Zone: "UTC"}, nil
}

func (i instantSlack) ByID(_ context.Context, p campaign.Person) (campaign.User, error) {
	return campaign.User{Person: p, Name: p.User(), Zone: "UTC"}, nil
}

func (i instantSlack) Named(_ context.Context, name string) (campaign.User, error) {
	return campaign.User{Person: campaign.NewPerson("T1", name), Name: name, Zone: "UTC"}, nil
}

package campaign_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/advisory"
	"github.com/musterbot/muster/store/bolt"
)

// company is two divisions: Money (Payments, Ledger) and Web; Ann leads Payments.
func company() campaign.Catalog {
	unit := func(name, parent string) campaign.Unit {
		return campaign.Unit{Ref: "group:default/" + name, Name: name, Parent: parent}
	}
	c := campaign.Catalog{
		Version: 7, Services: map[string]campaign.Service{}, Members: map[string]campaign.Member{
			"user:default/ann": {Ref: "user:default/ann", Name: "Ann", Email: "ann@example.com"},
			"user:default/ben": {Ref: "user:default/ben", Name: "Ben", Email: "ben@example.com"},
		},
		Units: map[string]campaign.Unit{},
	}
	pay := unit("payments", "group:default/money")
	pay.Lead, pay.Channel = "user:default/ann", "CPAY"
	ledger := unit("ledger", "group:default/money")
	ledger.Members = []string{"user:default/ben"}
	for _, u := range []campaign.Unit{
		unit("all", ""), unit("money", "group:default/all"), unit("web", "group:default/all"), pay, ledger,
	} {
		c.Units[u.Ref] = u
	}
	for i := range 10 {
		ref := fmt.Sprintf("component:default/s%d", i)
		c.Services[ref] = campaign.Service{Ref: ref, Name: ref, Owner: []string{"group:default/payments", "user:default/ben", "group:default/web"}[i%3]}
	}
	return c
}

func task(name, owner, track string, status campaign.TaskStatus, adjust ...func(*campaign.Task)) campaign.Task {
	t := campaign.Task{ID: campaign.TaskID(name, track), Target: name, Name: name, Owner: owner, Track: track, Status: status}
	for _, a := range adjust {
		a(&t)
	}
	return t
}

func exposed(t *campaign.Task) { t.Exposed = true }

const (
	payments = "group:default/payments"
	web      = "group:default/web"
	benHome  = "user:default/ben" // a person: counts for Ledger
)

// running is a campaign with two tracks and some work in each state.
func running(t *testing.T, adjust ...func(*campaign.Options)) (*house, string) {
	t.Helper()
	h := newHouse(t, adjust...)
	h.catalog(company())
	id := h.newCampaign(func(c *campaign.Campaign) {
		c.Status, c.StartedAt = campaign.Running, h.clock.Now()
		c.Tracks = append(c.Tracks, campaign.Track{Name: "fix", Kind: campaign.TrackFix, Proof: campaign.ProofScan, Due: h.clock.Now().Add(100 * time.Hour)})
	})
	require.NoError(t, h.engine.AddTasks(t.Context(), id,
		task("checkout", payments, "mitigate", campaign.TaskOpen, exposed),
		task("checkout", payments, "fix", campaign.TaskOpen, exposed),
		task("gateway", payments, "mitigate", campaign.TaskVerified, exposed),
		task("gateway", payments, "fix", campaign.TaskClaimed, exposed, func(t *campaign.Task) {
			t.Claim = &campaign.Claim{Method: campaign.MethodUpdated, By: ann, At: monday}
		}),
		task("ledger", benHome, "mitigate", campaign.TaskInProgress),
		task("ledger", benHome, "fix", campaign.TaskOpen),
		task("shop", web, "mitigate", campaign.TaskExcepted, exposed),
		task("blog", web, "mitigate", campaign.TaskNotAffected),
		task("cron", web, "mitigate", campaign.TaskUnknown, exposed),
		task("cron", web, "fix", campaign.TaskUnknown, exposed),
		task("mail", web, "mitigate", campaign.TaskUnknown),
		task("mail", web, "fix", campaign.TaskUnknown),
	))
	return h, id
}

func TestRollupAddsUpTheOrganisation(t *testing.T) {
	h, id := running(t)
	all, err := h.engine.Rollup(t.Context(), id, "")
	require.NoError(t, err)
	require.Equal(t, campaign.TaskCounts{Unknown: 2, Open: 1, InProgress: 1, Verified: 1, Excepted: 1, NotAffected: 1}, all.Track("mitigate").All)
	require.Equal(t, campaign.TaskCounts{Unknown: 1, Open: 1, Verified: 1, Excepted: 1}, all.Track("mitigate").Exposed)
	require.Equal(t, 2, all.Unknown, "a service is unknown once, whatever the tracks")
	require.Equal(t, 1, all.UnknownExposed)
	require.Equal(t, 10, all.Services)

	tests := map[string]struct {
		unit, below                    string
		known, open, unknown, services int
	}{
		"the top has all":               {"group:default/all", "money web", 4, 1, 2, 10},
		"a division":                    {"group:default/money", "ledger payments", 3, 1, 0, 7},
		"a team":                        {payments, "", 2, 1, 0, 4},
		"a team whose member owns it":   {"group:default/ledger", "", 1, 0, 0, 3},
		"a team that is mostly unknown": {web, "", 1, 0, 2, 4},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			roll, err := h.engine.Rollup(t.Context(), id, tt.unit)
			require.NoError(t, err)
			m := roll.Track("mitigate").All
			below := ""
			for _, b := range roll.Below {
				below += " " + b.Name
			}
			require.Equal(t, []any{tt.known, tt.open, tt.unknown, tt.services, tt.below},
				[]any{m.Known(), m.Open, roll.Unknown, roll.Services, strings.TrimSpace(below)})
		})
	}
	_, err = h.engine.Rollup(t.Context(), id, "group:default/nowhere")
	refused(t, err, campaign.NotFound)
}

func TestNumbersFollowEveryTransition(t *testing.T) {
	h, id := running(t)
	r := h.by(ann)
	r.Reason = "the scan still sees it"
	require.NoError(t, h.engine.MoveTask(t.Context(), h.by(ann), id, "checkout.mitigate", campaign.TaskClaimed))
	require.NoError(t, h.engine.MoveTask(t.Context(), r, id, "gateway.mitigate", campaign.TaskInProgress))
	n, err := h.engine.LiveNumbers(t.Context(), id)
	require.NoError(t, err)
	m := n.Track("mitigate")
	require.Equal(t, campaign.TaskCounts{Unknown: 2, InProgress: 2, Claimed: 1, Excepted: 1, NotAffected: 1}, m.All)
	require.Equal(t, 2, m.Exposed.InHand())
	require.Equal(t, 1, n.Reopened)
	differences, err := h.engine.Recount(t.Context(), id)
	require.NoError(t, err)
	require.Empty(t, differences)
}

func TestRecountFindsWhatDrifted(t *testing.T) {
	h, id := running(t)
	lost := stored[campaign.Task](h, id, campaign.KindTask, "checkout.fix")
	lost.Status = campaign.TaskVerified // written past the counters
	h.put(id, campaign.KindTask, lost.ID, lost)
	require.NoError(t, h.store.Apply(t.Context(), campaign.Change{Scope: campaign.Scope(id), Count: []campaign.CounterDelta{
		{Name: "reopened", By: 2}, {Name: "blocked|" + web + "|fix", By: 1},
	}}))
	differences, err := h.engine.Recount(t.Context(), id)
	require.NoError(t, err)
	var said []string
	for _, d := range differences {
		said = append(said, d.String())
	}
	require.Equal(t, []string{
		"blocked|group:default/web|fix says 1, the records say 0",
		"reopened says 2, the records say 0",
		"task|group:default/payments|fix|open|exposed says 1, the records say 0",
		"task|group:default/payments|fix|verified|exposed says 0, the records say 1",
	}, said)
}

// BenchmarkRollup compares the numbers of a whole campaign with a scan of its
// task records, in the same run: "x scan" says how many times faster they are.
func BenchmarkRollup(b *testing.B) {
	for _, size := range []int{1_000, 100_000} {
		b.Run(fmt.Sprintf("%d tasks", size), func(b *testing.B) {
			store, engine := benchmarkCampaign(b, size)
			began := time.Now()
			scanned := 0
			for t, err := range campaign.LoadAll[campaign.Task](b.Context(), store, "bench", campaign.KindTask) {
				require.NoError(b, err)
				if t.Value.Status == campaign.TaskOpen {
					scanned++
				}
			}
			scan := time.Since(began)
			require.Equal(b, size/4, scanned)
			for b.Loop() {
				roll, err := engine.Rollup(b.Context(), "bench", "")
				if err != nil || roll.Track("fix").All.Total() != size {
					b.Fatal(roll, err)
				}
			}
			perRollup := b.Elapsed() / time.Duration(b.N)
			b.ReportMetric(float64(scan.Microseconds()), "µs/scan")
			b.ReportMetric(float64(scan)/float64(perRollup), "x-scan")
		})
	}
}

// benchmarkCampaign stores so many tasks of 50 teams, with their counters.
func benchmarkCampaign(b *testing.B, size int) (campaign.Store, *campaign.Engine) {
	b.Helper()
	store, err := bolt.Open(filepath.Join(b.TempDir(), "muster.db"), bolt.Options{})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, store.Close()) })
	slack := newFakeSlack(newTestClock(monday))
	engine, err := campaign.New(campaign.Options{
		Store: store, Matcher: advisory.Matcher{}, Renderer: plainRenderer{}, Messenger: slack, Channels: slack,
		Directory: fakeDirectory{}, Roles: &fakeRoles{}, Tracker: newFakeTracker(),
	})
	require.NoError(b, err)
	c := campaign.Campaign{ID: "bench", Status: campaign.Running, Tracks: []campaign.Track{{Name: "fix"}}}
	record, err := campaign.Put(campaign.KindCampaign, "self", 0, c)
	require.NoError(b, err)
	change := campaign.Change{Scope: "bench", Records: []campaign.Record{record}}
	states := []campaign.TaskStatus{campaign.TaskOpen, campaign.TaskInProgress, campaign.TaskVerified, campaign.TaskUnknown}
	for i := range size {
		one := campaign.Task{
			ID: fmt.Sprintf("%016d.fix", i), Target: fmt.Sprintf("%016d", i), Track: "fix", Name: fmt.Sprintf("service-%d", i),
			Status: states[i%4], Owner: fmt.Sprintf("group:default/team-%d", i/4%50), Exposed: i/4%3 == 0, UpdatedAt: monday,
		}
		record, err := campaign.Put(campaign.KindTask, one.ID, 0, one)
		require.NoError(b, err)
		change.Records = append(change.Records, record)
		exposure := map[bool]string{true: "exposed", false: "internal"}[one.Exposed]
		change.Count = append(change.Count, campaign.CounterDelta{Name: "task|" + one.Owner + "|fix|" + string(one.Status) + "|" + exposure, By: 1})
		if len(change.Records) == campaign.MaxChangeRecords || i == size-1 {
			require.NoError(b, store.Apply(context.Background(), change))
			change.Records, change.Count = nil, nil
		}
	}
	return store, engine
}

// catalog imports a catalog.
func (h *house) catalog(c campaign.Catalog) {
	h.t.Helper()
	_, err := h.engine.ShrinkCatalog(context.Background(), campaign.Request{}, c)
	require.NoError(h.t, err)
}

package campaign_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/inventory"
	"github.com/musterbot/muster/campaign/ownership"
	"github.com/musterbot/muster/campaign/sample"
)

// TestFortnight plays 14 days of Log4Shell in a made-up company with the trouble of
// a real one, and holds everything that Muster shows in the end against the
// generator's own truth. MUSTER_SIM names the size, SEED the company; make
// sim-targets plays the full one.
func TestFortnight(t *testing.T) {
	t.Parallel()
	size, seed := cmp.Or(os.Getenv("MUSTER_SIM"), "60"), uint64(1)
	if text := os.Getenv("SEED"); text != "" {
		var err error
		seed, err = strconv.ParseUint(text, 10, 64)
		require.NoError(t, err)
	}
	t.Logf("size %s, SEED=%d", size, seed)
	options, err := sample.Size(size)
	require.NoError(t, err)
	options.Seed, options.Start = seed, monday.Add(-time.Hour)
	if os.Getenv("MUSTER_SIM") == "" {
		options.Hosts = 2 * options.Services
	}
	f := newFortnight(t, options)
	began, used := time.Now(), processorTime(t)
	for day := range sample.Days {
		f.play(day)
	}
	result := f.check()
	result.Size, result.Seed, result.Days = size, seed, sample.Days
	result.Seconds, result.CPU = time.Since(began).Seconds(), (processorTime(t) - used).Seconds()
	result.PeakMB = peakMegabytes(t)
	line, err := json.Marshal(result)
	require.NoError(t, err)
	fmt.Println(string(line))
	require.Empty(t, f.untrue, "SEED=%d", seed)
}

// fortnightResult is what make sim-targets prints.
type fortnightResult struct {
	Size       string         `json:"size"`
	Seed       uint64         `json:"seed"`
	Days       int            `json:"days"`
	Services   int            `json:"services"`
	Scans      int            `json:"scans"` // imported, all days together
	Targets    int            `json:"targets"`
	Tickets    int            `json:"tickets"`
	Contacts   int            `json:"contacts"`
	Asked      int            `json:"asked"`      // messages that ask somebody for something
	Held       int            `json:"held"`       // decisions of a second person
	Vulnerable map[string]int `json:"vulnerable"` // truly, by the state that is shown
	Safe       map[string]int `json:"safe"`
	Untrue     int            `json:"untrue"` // what does not agree with the truth
	Seconds    float64        `json:"seconds"`
	CPU        float64        `json:"cpu_seconds"`
	PeakMB     int            `json:"peak_mb"`
}

func peakMegabytes(tb testing.TB) int {
	var used syscall.Rusage
	require.NoError(tb, syscall.Getrusage(syscall.RUSAGE_SELF, &used))
	if runtime.GOOS == "darwin" {
		return int(used.Maxrss >> 20)
	}
	return int(used.Maxrss >> 10)
}

// fortnight is a house in a made-up company.
type fortnight struct {
	*house
	company  *sample.Company
	services int
	id       string
	scans    int
	held     int
	asked    int
	mu       sync.Mutex
	returned map[string]bool // tasks that somebody said are not theirs
	untrue   []string
}

func newFortnight(t *testing.T, o sample.Options) *fortnight {
	company, err := sample.New(o)
	require.NoError(t, err)
	f := &fortnight{company: company, services: o.Services, id: "log4shell", returned: map[string]bool{}}
	f.house = newHouse(t, func(o *campaign.Options) {
		o.Directory = newStaff(company, o.Directory)
		o.Brakes = campaign.Brakes{SecondPersonAbove: max(5, f.services/40), AdmissionPerDay: max(5, f.services/10), AdmissionShare: 1}
	})
	return f
}

// untruth notes what does not agree with the truth.
func (f *fortnight) untruth(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.untrue = append(f.untrue, fmt.Sprintf(format, args...))
}

// play plays one day: a round of scans at eight, imported at nine; then what
// happens to the company; then people at one.
func (f *fortnight) play(day int) {
	f.t.Helper()
	trouble := sample.RealTrouble()
	if day == 0 {
		f.importCatalog(day)
	}
	f.importRound(day)
	if day == 0 {
		f.launchAll()
	}
	if day == trouble.ReorganisedDay {
		f.importCatalog(day)
	}
	if slices.Contains(trouble.FollowUps[:], day) {
		f.followUp(day)
	}
	f.decide(day)
	f.quiet()
	f.checkSettled(day)
	if day == sample.Days-1 {
		return // what is shown now is held against the truth
	}
	if day == 3 || day == 8 {
		f.attest(day)
	}
	f.clock.advance(40 * time.Minute)
	f.people(day)
	f.quiet()
	f.clock.advance(f.company.RoundOn(day + 1).Add(time.Hour).Sub(f.clock.Now()))
	f.quiet()
}

func (f *fortnight) importCatalog(day int) {
	folder := filepath.Join(f.t.TempDir(), "catalog")
	require.NoError(f.t, f.company.WriteCatalogOn(folder, day))
	catalog, _, err := ownership.Read([]string{folder}, nil)
	require.NoError(f.t, err)
	_, err = f.engine.ImportCatalog(f.t.Context(), f.by(cara), catalog)
	require.NoError(f.t, err)
}

func (f *fortnight) importRound(day int) {
	folder := filepath.Join(f.t.TempDir(), "inventory")
	require.NoError(f.t, f.company.WriteInventory(folder, f.company.RoundOn(day)))
	report, err := f.engine.ImportScans(f.t.Context(), f.by(cara), inventory.Reader{}.ReadScans(f.t.Context(), []string{folder}))
	require.NoError(f.t, err)
	for _, r := range report.Refused {
		require.True(f.t, r.Notice, "%+v", r)
	}
	f.scans += report.New + report.Changed
	require.NoError(f.t, os.RemoveAll(folder))
}

// launchAll drafts, rehearses, approves and launches.
func (f *fortnight) launchAll() {
	t, ctx := f.t, f.t.Context()
	advice := sample.Advisories(1)
	_, err := f.engine.New(ctx, f.by(cara), campaign.NewCampaign{Title: "Log4Shell", Advisory: advice[0], Channel: campaign.ChannelRef{ID: commandChannel}})
	require.NoError(t, err)
	_, err = f.engine.Attach(ctx, f.by(cara), f.id, advice[1])
	require.NoError(t, err)
	text, err := sample.Instructions("fix", 1)
	require.NoError(t, err)
	_, err = f.engine.SetTrack(ctx, f.by(cara), f.id, campaign.TrackEdit{Name: "fix", Due: f.clock.Now().Add(5 * 24 * time.Hour), Instructions: text})
	require.NoError(t, err)
	_, err = f.engine.StartDryRun(ctx, f.by(cara), f.id, "fix", []campaign.Person{mei, tom})
	require.NoError(t, err)
	steps := len(plainRenderer{}.Steps(text))
	for _, p := range []campaign.Person{mei, tom} {
		for step := range steps {
			_, err := f.engine.JudgeStep(ctx, f.by(p), f.id, campaign.StepJudgement{Track: "fix", Revision: 1, Step: step + 1, Verdict: campaign.StepWorked})
			require.NoError(t, err)
		}
		_, err = f.engine.JudgeRevision(ctx, f.by(p), f.id, "fix", 1, campaign.ReviewApproved, "")
		require.NoError(t, err)
	}
	f.triage(0)
	_, err = f.engine.Triage(ctx, f.by(cara), f.id, campaign.TriageOrder{Waive: true, Reason: "nobody knows yet who owns the rest"})
	require.NoError(t, err)
	_, err = f.engine.Freeze(ctx, f.by(cara), f.id)
	require.NoError(t, err)
	for _, slice := range []string{campaign.SliceExposed, campaign.SliceRest} {
		_, err = f.engine.Launch(ctx, f.by(cara), f.id, slice)
		require.NoError(t, err)
		f.decide(0)
		f.quiet()
	}
}

// triage decides what is only possible, by the truth.
func (f *fortnight) triage(day int) {
	world, err := f.engine.Assess(f.t.Context(), f.id)
	require.NoError(f.t, err)
	decided := map[bool][]string{}
	for _, target := range world.Targets {
		state, ok := f.company.State(target.Service, target.Layer, f.company.RoundOn(day))
		if ok && target.Knowledge == campaign.KnownPossible && target.Doubt != "" && state.Owner == target.Owner && state.Owner != "" {
			decided[state.Vulnerable] = append(decided[state.Vulnerable], target.ID)
		}
	}
	for affected, ids := range decided {
		_, err := f.engine.Triage(f.t.Context(), f.by(cara), f.id, campaign.TriageOrder{Targets: ids, Affected: affected, Reason: "its source was looked at"})
		require.NoError(f.t, err)
	}
}

// followUp attaches what is published that day, and asks for it.
func (f *fortnight) followUp(day int) {
	ctx := f.t.Context()
	for _, raw := range sample.Advisories(f.company.Advice(day)) {
		_, err := f.engine.Attach(ctx, f.by(cara), f.id, raw)
		require.NoError(f.t, err)
	}
	_, err := f.engine.Rebaseline(ctx, f.by(cara), f.id, campaign.ReachAll)
	require.NoError(f.t, err)
}

// decide is the second person: everything is granted, but for what the broken
// scanner would bring about.
func (f *fortnight) decide(day int) {
	for {
		holds := slices.DeleteFunc(all[campaign.Hold](f.house, f.id, campaign.KindRequest), func(h campaign.Hold) bool { return h.Status != campaign.HoldOpen })
		if len(holds) == 0 {
			return
		}
		for _, h := range holds {
			broken := day == sample.RealTrouble().OutageDay && h.Kind == campaign.HoldSweep
			_, err := f.engine.Decide(f.t.Context(), f.by(devi), f.id, h.ID, !broken)
			require.NoError(f.t, err)
			f.held++
		}
	}
}

// quiet works what is due until nothing is left, also what waits for the next
// minutes.
func (f *fortnight) quiet() {
	for range 3 {
		f.inParallel(4, func(int) {
			for {
				n, err := f.engine.Drain(f.t.Context())
				require.NoError(f.t, err)
				if n == 0 {
					return
				}
			}
		})
		f.clock.advance(time.Minute)
	}
}

// inParallel calls work with the numbers from 0 to below n, four at a time.
func (f *fortnight) inParallel(n int, work func(int)) {
	numbers := make(chan int)
	var workers sync.WaitGroup
	for range min(n, 4) {
		workers.Go(func() {
			for i := range numbers {
				work(i)
			}
		})
	}
	for i := range n {
		numbers <- i
	}
	close(numbers)
	workers.Wait()
}

// people lets everybody who was asked do something about it.
func (f *fortnight) people(day int) {
	contacts := all[campaign.Contact](f.house, f.id, campaign.KindContact)
	f.inParallel(len(contacts), func(i int) { f.person(day, contacts[i].Person) })
}

// What people do about a task on a day, as shares.
const (
	doesNothing = 0.25
	lies        = 0.30 // up to here: says it is done, and it is not
	forgets     = 0.35 // up to here: does some hosts, and says that it is done
	isBlocked   = 0.38
)

// person works on a part of what the person was asked for.
func (f *fortnight) person(day int, p campaign.Person) {
	ctx, t := f.t.Context(), f.t
	views, err := f.engine.TasksOf(ctx, p)
	require.NoError(t, err)
	claims, theirs := map[string][]string{}, map[string][]string{} // by version, by owner
	var blocked []string
	for n, view := range views {
		task := view.Task
		if !task.Status.Actionable() {
			continue
		}
		target := stored[campaign.Target](f.house, f.id, campaign.KindTarget, task.Target)
		state, ok := f.company.State(target.Service, target.Layer, f.clock.Now())
		if !ok {
			continue
		}
		if state.Owner != target.Owner && state.Owner != "" && day < sample.RealTrouble().ReorganisedDay {
			f.mu.Lock()
			again := f.returned[task.ID]
			f.returned[task.ID] = true
			f.mu.Unlock()
			if !again {
				theirs[state.Owner] = append(theirs[state.Owner], task.ID)
			}
			continue
		}
		chance := f.company.Chance(day, int(target.ID[0]), int(target.ID[1]), int(target.ID[2]), int(target.ID[3]), n)
		version := ""
		for _, has := range state.Versions {
			version = cmp.Or(sample.FixedVersion(target.Layer, has, f.company.Advice(day)), version)
		}
		switch {
		case chance < doesNothing || version == "":
			continue
		case chance >= isBlocked || chance >= lies && chance < forgets:
			partly := chance < forgets
			require.NoError(t, f.company.FixLayer(target.Service, target.Layer, version, f.clock.Now().Add(-time.Hour), partly))
		case chance >= forgets:
			blocked = append(blocked, task.ID)
			continue
		}
		claims[version] = append(claims[version], task.ID)
	}
	for _, version := range slices.Sorted(maps.Keys(claims)) {
		set := campaign.TaskSet{Tasks: claims[version]}
		_, err := f.engine.Claim(ctx, f.by(p), f.id, set, campaign.Claim{Method: campaign.MethodUpdated, Version: version})
		require.NoError(t, err)
	}
	for _, owner := range slices.Sorted(maps.Keys(theirs)) {
		_, err := f.engine.NotOurs(ctx, f.by(p), f.id, campaign.TaskSet{Tasks: theirs[owner]}, owner)
		require.NoError(t, err)
	}
	if len(blocked) > 0 {
		_, err := f.engine.Block(ctx, f.by(p), f.id, campaign.TaskSet{Tasks: blocked}, fmt.Sprintf("a freeze of day %d", day))
		require.NoError(t, err)
	}
}

// attest asks what nobody scans, of those who know: half of them answer.
func (f *fortnight) attest(day int) {
	answers := map[bool][]string{}
	for n, task := range all[campaign.Task](f.house, f.id, campaign.KindTask) {
		target := stored[campaign.Target](f.house, f.id, campaign.KindTarget, task.Target)
		state, ok := f.company.State(target.Service, target.Layer, f.clock.Now())
		if ok && task.Status == campaign.TaskUnknown && f.company.Chance(day, n) < 0.25 {
			answers[state.Vulnerable] = append(answers[state.Vulnerable], task.Target)
		}
	}
	for running, targets := range answers {
		_, err := f.engine.Attest(f.t.Context(), f.by(cara), f.id, campaign.Attestation{Targets: targets, Running: running, How: "asked its team, who looked"})
		require.NoError(f.t, err)
	}
	f.decide(day)
}

// staff finds the company's people in Slack, and the house's.
type staff struct {
	house   campaign.Directory
	byEmail map[string]campaign.User
	byID    map[campaign.Person]campaign.User
}

func newStaff(c *sample.Company, house campaign.Directory) staff {
	s := staff{house: house, byEmail: map[string]campaign.User{}, byID: map[campaign.Person]campaign.User{}}
	for n, m := range c.People() {
		u := campaign.User{Person: campaign.NewPerson("T1", fmt.Sprintf("UP%05d", n)), Name: m.Name, Email: m.Email, Zone: m.Zone}
		s.byEmail[u.Email], s.byID[u.Person] = u, u
	}
	return s
}

func (s staff) ByEmail(ctx context.Context, email string) (campaign.User, error) {
	if u, ok := s.byEmail[email]; ok {
		return u, nil
	}
	return s.house.ByEmail(ctx, email)
}

func (s staff) ByID(ctx context.Context, p campaign.Person) (campaign.User, error) {
	if u, ok := s.byID[p]; ok {
		return u, nil
	}
	return s.house.ByID(ctx, p)
}

func (s staff) Named(ctx context.Context, name string) (campaign.User, error) {
	return s.house.Named(ctx, strings.TrimPrefix(name, "@"))
}

package campaign_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/templates"
)

const (
	execs = "CEXECS"
	leads = "CLEADS"
	news  = "CNEWS"
)

// scheduled gives leaders an hour before the executives, and the teams at the
// executives' time.
func scheduled(o *campaign.Options) {
	o.Digests = []campaign.DigestSchedule{
		{Audience: campaign.ForExecutives, Cron: "0 12,18 * * *", Channel: execs},
		{Audience: campaign.ForLeads, Cron: "0 11,17 * * *", Channel: leads},
		{Audience: campaign.ForTeam, Cron: "0 12 * * *", Channel: news},
	}
}

func words(t *testing.T) func(*campaign.Options) {
	t.Helper()
	renderer, err := templates.Load("")
	require.NoError(t, err)
	return func(o *campaign.Options) { o.Renderer = renderer }
}

// pass lets time go by in steps, working what falls due.
func (h *house) pass(d, step time.Duration) {
	h.t.Helper()
	for ; d > 0; d -= step {
		h.clock.advance(min(step, d))
		h.workNumbers()
	}
}

func TestDigestsGoOutOnSchedule(t *testing.T) {
	h, id := running(t, scheduled)
	require.NoError(t, h.engine.Heartbeat(t.Context()))
	require.NoError(t, h.engine.Heartbeat(t.Context()), "planning again changes nothing")
	h.pass(119*time.Minute, 7*time.Minute)
	require.Empty(t, h.planned(id, leads))
	h.pass(time.Minute, time.Minute)
	require.Len(t, h.planned(id, leads), 1, "11:00")
	require.Empty(t, h.planned(id, execs), "leads see their numbers an hour before their boss does")
	h.pass(time.Hour, 10*time.Minute)
	require.Len(t, h.planned(id, execs), 1)
	require.Len(t, h.planned(id, "CPAY"), 1, "Payments has a channel")
	require.Len(t, h.planned(id, "UBEN"), 1, "Ledger is told by its contact")
	require.Len(t, h.planned(id, news), 1, "Web has neither")
	h.pass(24*time.Hour, time.Hour)
	require.Len(t, h.planned(id, execs), 3)
	require.Len(t, h.planned(id, leads), 3)

	snapshots := map[string]bool{}
	for _, s := range all[campaign.Snapshot](h, id, campaign.KindSnapshot) {
		if s.ID != "" {
			snapshots[s.ID] = true
		}
	}
	require.Len(t, snapshots, 6, "one per fire time, whatever the audiences: %v", snapshots)
	verdict, err := h.engine.VerifyAudit(t.Context(), campaign.Scope(id))
	require.NoError(t, err)
	require.True(t, verdict.OK())
}

func TestMissedDigestsCountAsOne(t *testing.T) {
	h, id := running(t, scheduled)
	require.NoError(t, h.engine.Heartbeat(t.Context()))
	h.clock.advance(72 * time.Hour) // nothing ran for three days
	h.workNumbers()
	h.workNumbers()
	require.Len(t, h.planned(id, execs), 1)
	h.pass(3*time.Hour, time.Hour)
	require.Len(t, h.planned(id, execs), 2, "and the next one comes at its time")
}

// A digest whose process died after the snapshot, or after the step but before
// it knew, is sent once.
func TestADigestTwiceWorkedIsSentOnce(t *testing.T) {
	h, id := running(t, scheduled)
	require.NoError(t, h.engine.Heartbeat(t.Context()))
	h.clock.advance(2 * time.Hour)
	claims, err := h.store.Claim(t.Context(), campaign.ClaimRequest{Now: h.clock.Now(), Lease: time.Minute, N: 10})
	require.NoError(t, err)
	for _, c := range claims.Entries {
		if strings.HasPrefix(c.ID, "digest/") {
			require.NoError(t, h.engine.WorkEntry(t.Context(), c))
			// Another replica works the same fire from a heartbeat's entry.
			require.NoError(t, h.store.Apply(t.Context(), campaign.Change{Scope: c.Scope, Due: []campaign.DueEntry{{ID: c.ID, At: c.At}}}))
		}
	}
	h.workNumbers()
	require.Len(t, h.planned(id, leads), 1)
	require.Equal(t, 1, strings.Count(strings.Join(h.audited(id), " "), "digest.send"))
	h.pass(6*time.Hour, time.Hour)
	require.Len(t, h.planned(id, leads), 2, "and one follows")
}

// replica returns another engine over the same store, whose only digest is the one given.
func (h *house) replica(d campaign.DigestSchedule) *campaign.Engine {
	h.t.Helper()
	o := h.opts
	d.Audience, d.Cron = cmp.Or(d.Audience, campaign.ForLeads), "0 11,17 * * *"
	o.Digests = []campaign.DigestSchedule{d}
	engine, err := campaign.New(o)
	require.NoError(h.t, err)
	return engine
}

func TestADigestIsSentOnceWhateverAReplicaKnowsOfItsChannel(t *testing.T) {
	const old, found, lost = "from before", "found", "not found"
	tests := map[string]struct {
		plans []string // whose heartbeats come before the fire, in this order
		works []string // who works then, in this order, and for ever after
	}{
		"one did not find it":                     {[]string{found}, []string{lost, found}},
		"the one that plans did not find it":      {[]string{lost}, []string{found, lost}},
		"an upgrade long before":                  {[]string{old, found}, []string{found}},
		"an upgrade and no heartbeat since":       {[]string{old}, []string{found}},
		"replicas one by one, the old one faster": {[]string{old, found, old, found}, []string{old, found}},
		"replicas one by one, the new one faster": {[]string{old, found, old, found}, []string{found, old}},
		"replicas one by one, the old one last":   {[]string{old, found, old}, []string{found, old}},
		"an upgrade and a downgrade":              {[]string{old, found, old}, []string{old}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			h, id := running(t)
			replicas := map[string]*campaign.Engine{
				old:   h.replica(campaign.DigestSchedule{Channel: leads}),
				found: h.replica(campaign.DigestSchedule{Channel: leads, Written: "leads"}),
				lost:  h.replica(campaign.DigestSchedule{Channel: "leads", Written: "leads"}),
			}
			sent := func() int { return len(h.planned(id, leads)) + len(h.planned(id, "leads")) }
			for _, who := range tt.plans {
				require.NoError(t, replicas[who].Heartbeat(t.Context()))
			}
			for day := range 2 {
				for i, at := range []time.Duration{11 * time.Hour, 17 * time.Hour} {
					h.clock.advance(monday.Add(time.Duration(day)*24*time.Hour + at - 9*time.Hour).Sub(h.clock.Now()))
					for range 2 {
						for _, who := range tt.works {
							h.engine = replicas[who]
							h.workNumbers()
						}
					}
					require.Equal(t, 2*day+i+1, sent(), "day %d at %s", day, at)
					for _, who := range tt.works {
						require.NoError(t, replicas[who].Heartbeat(t.Context()))
					}
				}
			}
			require.Equal(t, 4, strings.Count(strings.Join(h.audited(id), " "), "digest.send"))
		})
	}
}

// In an upgrade one replica at a time, a fire may be due under both keys, and each entry
// be claimed by either.
func TestADigestThatIsDueTwiceInAnUpgradeIsSentOnce(t *testing.T) {
	for name, order := range map[string][]int{"old first": {0, 1}, "new first": {1, 0}} {
		for _, swapped := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, swapped %t", name, swapped), func(t *testing.T) {
				h, id := running(t)
				replicas := []*campaign.Engine{h.replica(campaign.DigestSchedule{Channel: leads}), h.replica(campaign.DigestSchedule{Channel: leads, Written: "leads"})}
				for _, r := range replicas {
					require.NoError(t, r.Heartbeat(t.Context()))
				}
				h.clock.advance(2 * time.Hour)
				claims, err := h.store.Claim(t.Context(), campaign.ClaimRequest{Now: h.clock.Now(), Lease: time.Minute, N: 10})
				require.NoError(t, err)
				var entries []campaign.Claimed
				for _, c := range claims.Entries {
					if strings.HasPrefix(c.ID, "digest/") {
						entries = append(entries, c)
					}
				}
				require.Len(t, entries, 2)
				if swapped {
					slices.Reverse(entries)
				}
				for _, i := range order {
					require.NoError(t, replicas[i].WorkEntry(t.Context(), entries[i]))
				}
				require.Len(t, h.planned(id, leads), 1)
				h.engine = replicas[1]
				require.NoError(t, h.engine.Heartbeat(t.Context()))
				h.pass(7*time.Hour, time.Hour)
				require.Len(t, h.planned(id, leads), 2, "and one follows")
			})
		}
	}
}

func TestNoDigestOfWhatIsOver(t *testing.T) {
	h, id := running(t, scheduled)
	require.NoError(t, h.engine.Heartbeat(t.Context()))
	c := h.campaign(id)
	c.Status = campaign.Cancelled
	h.put(id, campaign.KindCampaign, "self", c)
	h.pass(48*time.Hour, time.Hour)
	require.Empty(t, h.planned(id, execs))
	_, err := h.engine.Digest(t.Context(), h.by(cara), id, "everybody")
	refused(t, err, campaign.Invalid)
}

func TestBadSchedulesStopTheStart(t *testing.T) {
	store := newHouse(t).store
	slack := newFakeSlack(newTestClock(monday))
	for name, d := range map[string]campaign.DigestSchedule{
		"no cron":     {Audience: campaign.ForLeads, Cron: "soon"},
		"no zone":     {Audience: campaign.ForLeads, Cron: "0 9 * * *", Zone: "Mars/Olympus"},
		"no audience": {Cron: "0 9 * * *"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := campaign.New(campaign.Options{
				Store: store, Matcher: nobodyMatches{}, Renderer: plainRenderer{}, Messenger: slack, Channels: slack,
				Directory: fakeDirectory{}, Roles: &fakeRoles{}, Tracker: newFakeTracker(), Digests: []campaign.DigestSchedule{d},
			})
			require.ErrorContains(t, err, "Digests[0]")
		})
	}
}

type nobodyMatches struct{ campaign.Matcher }

func TestExecutivesReadOneScreen(t *testing.T) {
	h, id := running(t, scheduled, words(t))
	require.NoError(t, h.engine.Heartbeat(t.Context()))
	_, err := h.engine.SendAsk(t.Context(), h.by(cara), id, devi, "waive the freeze for <!channel> services", h.clock.Now().Add(8*time.Hour))
	require.NoError(t, err)
	h.pass(3*time.Hour, time.Minute)
	require.NoError(t, h.engine.MoveTask(t.Context(), h.by(ann), id, "checkout.mitigate", campaign.TaskVerified))
	require.NoError(t, h.engine.MoveTask(t.Context(), h.by(ann), id, "mail.mitigate", campaign.TaskOpen))
	require.NoError(t, h.engine.MoveTask(t.Context(), h.by(ann), id, "mail.fix", campaign.TaskNotAffected))
	h.pass(6*time.Hour, time.Minute)

	sent := h.planned(id, execs)
	require.Len(t, sent, 2)
	first, second := sent[0].Message, sent[1].Message
	if strings.Contains(first.Text, "2 of 3 known") {
		first, second = second, first
	}
	require.Contains(t, first.Text, "*log4j RCE: not contained yet. Next word today 18:00 UTC.*")
	require.Contains(t, first.Text, "Internet-facing: 1 of 3 known is protected")
	require.Contains(t, first.Text, "Unknown: 2 of 10 services unchecked")
	require.Contains(t, first.Text, "<@UDEVI>, waive the freeze for &lt;!channel&gt; services by today 17:00 UTC")
	require.Contains(t, second.Text, "Internet-facing: 2 of 3 known are protected")
	require.Contains(t, second.Text, "Unknown: 1 of 10 services unchecked")
	require.Contains(t, second.Text, "(today 12:00 UTC: 1)", "compared with what executives read last, not with the leads' of 17:00")
	require.Contains(t, second.Text, "1 more found")
	require.Regexp(t, `_Audit seal \d+:[0-9a-f]{16}_`, second.Text, "the digest is an anchor of the log")
	require.NotContains(t, first.Text+second.Text, "<!channel>")
	for _, m := range []campaign.Message{first, second} {
		require.LessOrEqual(t, len(strings.Fields(m.Text)), 90, m.Text)
	}
	require.Regexp(t, `^log4j-rce\|0001-`, press(t, second, "ask.grant"))
	require.Equal(t, []string{"13 Dec 11:00", "13 Dec 12:00", "13 Dec 17:00", "13 Dec 18:00"}, second.Chart.Labels)
	require.Equal(t, []campaign.ChartSeries{
		{Name: "affected", Values: []float64{4, 4, 5, 5}}, {Name: "protected", Values: []float64{1, 1, 2, 2}}, {Name: "claimed", Values: []float64{0, 0, 0, 0}}, {Name: "unknown", Values: []float64{2, 2, 1, 1}},
	}, second.Chart.Series, "what is found later raises what is to be done")
	t.Log("\n" + first.Text + "\n\n" + second.Text + "\n\n" + h.planned(id, leads)[0].Message.Text + "\n\n" + h.planned(id, "CPAY")[0].Message.Text)
}

func TestAChartHoldsTwentyMoments(t *testing.T) {
	h, id := running(t, func(o *campaign.Options) {
		o.Digests = []campaign.DigestSchedule{{Audience: campaign.ForExecutives, Cron: "*/30 * * * *", Channel: execs}}
	})
	require.NoError(t, h.engine.Heartbeat(t.Context()))
	h.pass(15*time.Hour, 30*time.Minute)
	m, err := h.engine.Digest(t.Context(), h.by(cara), id, campaign.ForExecutives)
	require.NoError(t, err)
	require.Len(t, m.Chart.Labels, 20)
	seen := map[string]bool{}
	for _, label := range m.Chart.Labels {
		require.LessOrEqual(t, len(label), 20)
		require.False(t, seen[label], label)
		seen[label] = true
	}
	for _, s := range m.Chart.Series {
		require.Len(t, s.Values, 20)
	}
	require.LessOrEqual(t, len([]rune(m.Chart.Title)), 50)
}

func TestADigestByHandIsShownFirstAndSentOnce(t *testing.T) {
	h, id := running(t, scheduled)
	m, err := h.engine.Digest(t.Context(), h.by(cara), id, campaign.ForExecutives)
	require.NoError(t, err)
	require.True(t, m.Ephemeral)
	require.Empty(t, h.planned(id, execs))
	value := strings.Split(press(t, m, "digest.send"), "|")
	for range 2 {
		_, err = h.engine.SendDigest(t.Context(), h.by(cara), id, campaign.Audience(value[1]), value[2])
		require.NoError(t, err)
	}
	require.Len(t, h.planned(id, execs), 1)
	h.engine = h.replica(campaign.DigestSchedule{Audience: campaign.ForExecutives, Channel: "executives"}) // it did not find the channel
	_, err = h.engine.SendDigest(t.Context(), h.by(cara), id, campaign.ForExecutives, value[2])
	require.NoError(t, err)
	require.Empty(t, h.planned(id, "executives"))
	_, err = h.engine.SendDigest(t.Context(), h.by(ann), id, campaign.ForLeads, value[2])
	refused(t, err, campaign.Forbidden)
}

func TestASnapshotIsFrozen(t *testing.T) {
	h, id := running(t)
	before, err := h.engine.TakeSnapshot(t.Context(), id, "s1")
	require.NoError(t, err)
	require.Equal(t, uint64(12), before.AuditSeq, "twelve tasks were added")
	require.NoError(t, h.engine.MoveTask(t.Context(), h.by(ann), id, "checkout.mitigate", campaign.TaskVerified))
	smaller := company()
	smaller.Units = map[string]campaign.Unit{}
	smaller.Services = map[string]campaign.Service{}
	h.catalog(smaller)
	again, err := h.engine.TakeSnapshot(t.Context(), id, "s1")
	require.NoError(t, err)
	require.Equal(t, before, again)
	require.Equal(t, 10, again.Numbers("").Services, "the organisation is the snapshot's own")
	require.Equal(t, 3, again.Rollup("group:default/all").Below[0].Track("mitigate").All.Known(), "Money has three")
	require.Equal(t, []string{"checkout", "checkout", "ledger", "ledger"}, names(again.Worst))
	require.Equal(t, []string{"shop"}, names(again.Exceptions))
}

func names(lines []campaign.TaskLine) []string {
	var out []string
	for _, l := range lines {
		out = append(out, l.Name)
	}
	return out
}

func TestTheWorstComeFirst(t *testing.T) {
	h := newHouse(t)
	id := h.newCampaign(func(c *campaign.Campaign) { c.Status = campaign.Running })
	late := func(t *campaign.Task) { t.Due = monday.Add(-time.Hour) }
	stuck := func(t *campaign.Task) { t.Blocked = "payroll" }
	add := func(tasks ...campaign.Task) { require.NoError(t, h.engine.AddTasks(t.Context(), id, tasks...)) }
	for i := range 300 {
		add(task(fmt.Sprintf("old-%03d", i), web, "mitigate", campaign.TaskOpen))
	}
	h.clock.advance(time.Hour)
	add(task("blocked", web, "mitigate", campaign.TaskOpen, stuck), task("late", web, "mitigate", campaign.TaskOpen, late),
		task("open door", web, "mitigate", campaign.TaskOpen, exposed), task("open and late", web, "mitigate", campaign.TaskOpen, exposed, late),
		task("done", web, "mitigate", campaign.TaskVerified, exposed, late))
	s, err := h.engine.TakeSnapshot(t.Context(), id, "s1")
	require.NoError(t, err)
	require.Len(t, s.Worst, 20)
	require.Equal(t, []string{"open and late", "open door", "late", "blocked", "old-000"}, names(s.Worst)[:5])
	require.Equal(t, 2, s.Overdue)
}

func TestAForecastIsHonest(t *testing.T) {
	tests := map[string]struct {
		left []int
		want string
	}{
		"one snapshot is not enough": {[]int{9}, "not enough data"},
		"two are not enough":         {[]int{9, 6}, "not enough data"},
		"six an hour":                {[]int{24, 18, 12}, "14:00"},
		"standing still":             {[]int{9, 9, 9}, "no end in sight"},
		"getting worse":              {[]int{3, 6, 9}, "no end in sight"},
		"hardly moving":              {[]int{90000, 90000, 89999}, "more than 90 days"},
		"the last six count":         {[]int{500, 500, 36, 30, 24, 18, 12, 6}, "18:00"},
		"nothing is left to do":      {[]int{9, 3, 0}, "12:00"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			at, why := campaign.ForecastOf(monday.Add(time.Hour), time.Hour, tt.left)
			if why != "" {
				require.Contains(t, why, tt.want)
				return
			}
			require.Equal(t, tt.want, at.Format("15:04"))
		})
	}
}

func TestWhatChangedSinceTheLast(t *testing.T) {
	h, id := running(t)
	first, err := h.engine.TakeSnapshot(context.Background(), id, "s1")
	require.NoError(t, err)
	r := h.by(ann)
	r.Reason = "still there"
	require.NoError(t, h.engine.MoveTask(t.Context(), h.by(ann), id, "checkout.mitigate", campaign.TaskVerified))
	require.NoError(t, h.engine.MoveTask(t.Context(), h.by(ann), id, "ledger.mitigate", campaign.TaskVerified))
	require.NoError(t, h.engine.MoveTask(t.Context(), r, id, "gateway.mitigate", campaign.TaskInProgress))
	for _, task := range []string{"cron.mitigate", "cron.fix"} {
		require.NoError(t, h.engine.MoveTask(t.Context(), h.by(ann), id, task, campaign.TaskOpen))
	}
	second, err := h.engine.TakeSnapshot(context.Background(), id, "s2")
	require.NoError(t, err)
	since := campaign.Compare(first, second, "mitigate")
	require.Equal(t, campaign.Since{At: first.At, Done: 1, Found: 1, Reopened: 1, Unknown: -1}, since)
}

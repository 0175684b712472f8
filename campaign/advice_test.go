package campaign_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

// claim lets a person say that a service is done.
func (h *house) claim(id string, p campaign.Person, service, method, version string) {
	h.t.Helper()
	set := campaign.TaskSet{Tasks: []string{h.taskNamed(id, service).ID}}
	_, err := h.engine.Claim(h.t.Context(), h.by(p), id, set, campaign.Claim{Method: method, Version: version})
	require.NoError(h.t, err)
}

// flagged is a launched campaign in which the flag was used for checkout and
// search, and the class was removed from ledger.
func (h *house) flagged() string {
	h.t.Helper()
	h.estate()
	id := h.ready()
	h.launch(id, campaign.SliceAll)
	h.settle()
	h.claim(id, ann, "checkout", campaign.MethodFlag, "")
	h.claim(id, ann, "ledger", campaign.MethodClassRemoved, "")
	h.claim(id, ben, "search", campaign.MethodFlag, "")
	_, err := h.engine.Confirm(h.t.Context(), h.by(cara), id, campaign.TaskSet{Tasks: []string{h.taskNamed(id, "search").ID}})
	require.NoError(h.t, err)
	return id
}

func (h *house) void(id string, r campaign.Request) (campaign.Message, error) {
	return h.engine.Void(h.t.Context(), r, id, "mitigate", "Flag", "2.15.0 leaves a second hole open")
}

// moved returns the messages in a person's direct messages that tell that the
// advice has moved.
func (h *house) moved(p campaign.Person) []posted {
	var found []posted
	for _, m := range h.slack.said(p.User()) {
		if strings.HasPrefix(m.Message.Text, "advice_moved") {
			found = append(found, m)
		}
	}
	return found
}

// comments counts the tickets with a comment on moved advice.
func (h *house) comments() int {
	n := 0
	for _, ticket := range h.tracker.filed() {
		for _, text := range ticket.Comments {
			if strings.Contains(text, "The advice has moved") {
				n++
			}
		}
	}
	return n
}

func TestVoidReopensExactlyTheClaimsThatUsedTheMethod(t *testing.T) {
	h := newHouse(t)
	id := h.flagged()
	request := h.by(cara)
	for range 2 { // the command was delivered two times
		_, err := h.void(id, request)
		require.NoError(t, err)
	}
	h.settle()

	require.Equal(t, campaign.TaskInProgress, h.taskNamed(id, "checkout").Status)
	require.Equal(t, campaign.TaskInProgress, h.taskNamed(id, "search").Status, "it was verified")
	require.Equal(t, campaign.TaskClaimed, h.taskNamed(id, "ledger").Status, "done in another way")
	require.Equal(t, "flag no longer counts: 2.15.0 leaves a second hole open", h.taskNamed(id, "checkout").Reason)
	require.Len(t, h.campaign(id).Void, 1)
	require.Equal(t, 2, h.comments())

	require.Len(t, h.moved(ann), 1)
	require.Len(t, h.moved(ben), 1)
	told := h.moved(ann)[0].Message
	for _, fact := range []string{`"Count":1`, `"Total":2`, `"Done":2`, `"Void":"flag"`, `"Names":["checkout"]`, `class removed, isolated, updated or decommissioned`, `"Minutes":5`} {
		require.Contains(t, told.Text, fact)
	}
	require.Equal(t, id+"|"+h.taskNamed(id, "checkout").ID, press(t, told, "task.on_it"), "it is about what it names")
	require.Contains(t, h.audited(id), "method.void")

	_, err := h.void(id, h.by(devi))
	require.NoError(t, err)
	h.settle()
	require.Len(t, h.moved(ann), 1, "it was void already")
	require.Equal(t, 1, h.taskNamed(id, "checkout").Reopened)
}

func TestClaimByAVoidMethodIsRefused(t *testing.T) {
	h := newHouse(t)
	id := h.flagged()
	_, err := h.void(id, h.by(cara))
	require.NoError(t, err)
	h.settle()
	set := campaign.TaskSet{Tasks: []string{h.taskNamed(id, "checkout").ID}}
	_, err = h.engine.Claim(t.Context(), h.by(ann), id, set, campaign.Claim{Method: campaign.MethodFlag})
	require.Contains(t, refused(t, err, campaign.Conflict), "flag")
	h.claim(id, ann, "checkout", campaign.MethodClassRemoved, "")
	h.settle()
	require.Equal(t, campaign.TaskClaimed, h.taskNamed(id, "checkout").Status)
	require.Len(t, h.moved(ann), 1)
}

func TestVoidIsRefused(t *testing.T) {
	tests := map[string]struct {
		by                    campaign.Person
		track, method, reason string
		want                  campaign.Kind
	}{
		"by an engineer":              {by: ann, track: "mitigate", method: "flag", reason: "why not", want: campaign.Forbidden},
		"on a track that is not":      {by: cara, track: "fix", method: "flag", reason: "a hole", want: campaign.NotFound},
		"of a method nobody knows":    {by: cara, track: "mitigate", method: "prayer", reason: "a hole", want: campaign.NotFound},
		"without a reason for people": {by: cara, track: "mitigate", method: "flag", want: campaign.Invalid},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			id := h.newCampaign(inForce)
			_, err := h.engine.Void(t.Context(), h.by(tt.by), id, tt.track, tt.method, tt.reason)
			refused(t, err, tt.want)
			require.Empty(t, h.campaign(id).Void)
		})
	}
}

func TestLargeVoidNeedsASecondPerson(t *testing.T) {
	h := newHouse(t)
	id := h.newCampaign(inForce)
	h.crowd(id, 60, 20)
	m, err := h.void(id, h.by(cara))
	require.NoError(t, err)
	require.Contains(t, m.Text, `"Reopens":60`)
	require.Contains(t, m.Text, `"Contacts":20`)
	h.drain()
	require.Empty(t, h.campaign(id).Void, "nothing happens before somebody agrees")
	require.Equal(t, campaign.TaskClaimed, h.task(id, "t000.mitigate").Status)

	hold := all[campaign.Hold](h, id, campaign.KindRequest)[0]
	_, err = h.engine.Decide(t.Context(), h.by(cara), id, hold.ID, true)
	refused(t, err, campaign.Forbidden)
	_, err = h.engine.Decide(t.Context(), h.by(devi), id, hold.ID, true)
	require.NoError(t, err)
	h.drain()
	require.Equal(t, cara, h.campaign(id).Void[0].By)
	require.Equal(t, campaign.TaskInProgress, h.task(id, "t059.mitigate").Status)
}

// crowd stores claims by the flag, spread over contacts with one ticket each.
func (h *house) crowd(id string, tasks, contacts int) {
	h.t.Helper()
	tickets := map[int][]string{}
	var stored []campaign.Task
	for i := range tasks {
		n := i % contacts
		task := campaign.Task{
			ID: fmt.Sprintf("t%03d.mitigate", i), Target: fmt.Sprintf("t%03d", i), Track: "mitigate", Name: fmt.Sprintf("service-%d", i),
			Status: campaign.TaskClaimed, Owner: "group:default/ann", Exposed: true, Ticket: fmt.Sprintf("k%03d", n), Contact: fmt.Sprintf("T1/U%03d", n),
			Claim: &campaign.Claim{Method: campaign.MethodFlag, By: ann, At: h.clock.Now()},
		}
		stored = append(stored, task)
		tickets[n] = append(tickets[n], task.ID)
	}
	require.NoError(h.t, h.engine.AddTasks(h.t.Context(), id, stored...))
	for n, ids := range tickets {
		person := fmt.Sprintf("T1/U%03d", n)
		ticket := campaign.Ticket{ID: fmt.Sprintf("k%03d", n), Owner: "group:default/ann", Contact: person, Tasks: ids, Status: campaign.TicketOpen}
		h.put(id, campaign.KindTicket, ticket.ID, ticket)
		h.put(id, campaign.KindContact, person, campaign.Contact{Person: campaign.Person(person), Zone: "UTC", Tickets: []string{ticket.ID}})
	}
}

// dyingStore loses the process at every third write: before the write, or after
// it and before anybody hears of it.
type dyingStore struct {
	campaign.Store
	armed bool

	mu     sync.Mutex
	writes int
}

func (s *dyingStore) Apply(ctx context.Context, c campaign.Change) error {
	if !s.armed || len(c.Records) == 0 {
		return s.Store.Apply(ctx, c)
	}
	s.mu.Lock()
	s.writes++
	turn := s.writes % 6
	s.mu.Unlock()
	switch turn {
	case 2:
		return fmt.Errorf("died before the write")
	case 5:
		if err := s.Store.Apply(ctx, c); err != nil {
			return err
		}
		return fmt.Errorf("died after the write")
	}
	return s.Store.Apply(ctx, c)
}

func TestVoidSurvivesACrashBetweenTwoSteps(t *testing.T) {
	t.Parallel()
	dying := &dyingStore{}
	h := newHouse(t, func(o *campaign.Options) {
		dying.Store = o.Store
		o.Store, o.Brakes.SecondPersonAbove = dying, 1000
		o.Work.Lease = time.Millisecond // who died holds nothing for long
	})
	id := h.newCampaign(inForce)
	h.crowd(id, 240, 30)
	_, err := h.void(id, h.by(cara))
	require.NoError(t, err)
	dying.armed = true
	for range 60 {
		_, _ = h.engine.Drain(t.Context()) // the worker that dies says no more
		h.clock.advance(time.Minute)
	}
	require.Greater(t, dying.writes, 12, "it died more than once in the middle")
	dying.armed = false
	for range 5 {
		h.drain()
		h.clock.advance(time.Minute)
	}
	for _, task := range all[campaign.Task](h, id, campaign.KindTask) {
		require.Equal(t, campaign.TaskInProgress, task.Status, task.ID)
		require.Equal(t, 1, task.Reopened, task.ID)
	}
	reopened, err := h.store.Counters(t.Context(), campaign.Scope(id), "reopened")
	require.NoError(t, err)
	require.EqualValues(t, 240, reopened["reopened"])
	for n := range 30 {
		var told int
		for _, p := range h.planned(id, fmt.Sprintf("U%03d", n)) {
			if strings.HasPrefix(p.Message.Text, "advice_moved") {
				require.Contains(t, p.Message.Text, `"Count":8`)
				told++
			}
		}
		require.Equal(t, 1, told, "contact %d", n)
	}
}

func TestPauseHoldsAVoidBack(t *testing.T) {
	h := newHouse(t)
	id := h.flagged()
	_, err := h.void(id, h.by(cara))
	require.NoError(t, err)
	_, err = h.engine.Pause(t.Context(), h.by(cara), id)
	require.NoError(t, err)
	h.settle()
	require.Equal(t, campaign.TaskClaimed, h.taskNamed(id, "checkout").Status)
	_, err = h.engine.Resume(t.Context(), h.by(cara), id)
	require.NoError(t, err)
	h.settle()
	require.Equal(t, campaign.TaskInProgress, h.taskNamed(id, "checkout").Status)
}

// upgrading is a launched campaign whose fix track asks for 2.15.0. Checkout was
// moved there, ledger to 2.17.1, and search was not started.
func (h *house) upgrading() string {
	h.t.Helper()
	h.estate()
	ctx, id := h.t.Context(), "log4j-rce"
	_, err := h.engine.New(ctx, h.by(cara), campaign.NewCampaign{Title: "log4j RCE", Pattern: "log4j-core", Channel: campaign.ChannelRef{ID: commandChannel}})
	require.NoError(h.t, err)
	h.floor(id, "2.15.0")
	h.approvesFix(id)
	h.launch(id, campaign.SliceAll)
	h.settle()
	h.claim(id, ann, "checkout", campaign.MethodUpdated, "2.15.0")
	h.claim(id, ann, "ledger", campaign.MethodUpdated, "2.17.1")
	return id
}

// approvesFix adds a fix track, lets Mei and Tom execute and approve it, and freezes
// the plan.
func (h *house) approvesFix(id string) {
	h.t.Helper()
	ctx := h.t.Context()
	_, err := h.engine.SetTrack(ctx, h.by(cara), id, campaign.TrackEdit{Name: "fix", Due: h.clock.Now().Add(90 * time.Hour), Instructions: "1. Move to the fixed version."})
	require.NoError(h.t, err)
	_, err = h.engine.StartDryRun(ctx, h.by(cara), id, "fix", []campaign.Person{mei, tom})
	require.NoError(h.t, err)
	for _, p := range []campaign.Person{mei, tom} {
		_, err := h.engine.JudgeStep(ctx, h.by(p), id, campaign.StepJudgement{Track: "fix", Revision: 1, Step: 1, Verdict: campaign.StepWorked})
		require.NoError(h.t, err)
		_, err = h.engine.JudgeRevision(ctx, h.by(p), id, "fix", 1, campaign.ReviewApproved, "")
		require.NoError(h.t, err)
	}
	_, err = h.engine.Freeze(ctx, h.by(cara), id)
	require.NoError(h.t, err)
}

func (h *house) floor(id, version string) {
	h.t.Helper()
	f := campaign.Floor{Package: "pkg:maven/org.apache.logging.log4j/log4j-core", Fixed: version, Reason: "a second hole"}
	_, err := h.engine.SetFloor(h.t.Context(), h.by(cara), id, f)
	require.NoError(h.t, err)
}

func (h *house) rebaseline(id, which string) campaign.Message {
	h.t.Helper()
	r := h.by(cara)
	r.Reason = "2.15.0 leaves a second hole open"
	m, err := h.engine.Rebaseline(h.t.Context(), r, id, which)
	require.NoError(h.t, err)
	h.settle()
	return m
}

func TestRebaselineReopensWhatIsBelowTheNewFloor(t *testing.T) {
	h := newHouse(t)
	id := h.upgrading()
	h.rebaseline(id, campaign.ReachAll)
	require.Equal(t, campaign.TaskClaimed, h.taskNamed(id, "checkout").Status, "2.15.0 is what was asked for")

	h.floor(id, "2.17.0")
	h.rebaseline(id, campaign.ReachAll)
	require.Equal(t, campaign.TaskInProgress, h.taskNamed(id, "checkout").Status)
	require.Equal(t, campaign.TaskClaimed, h.taskNamed(id, "ledger").Status, "2.17.1 is above")
	require.Equal(t, campaign.TaskOpen, h.taskNamed(id, "search").Status)
	require.Len(t, h.moved(ann), 1)
	for _, fact := range []string{`"Count":1`, `"Total":2`, `"Done":2`, `"Do":"move to 2.17.0"`, `"Names":["checkout"]`} {
		require.Contains(t, h.moved(ann)[0].Message.Text, fact)
	}

	before := len(h.slack.said(ben.User()))
	h.rebaseline(id, campaign.ReachAll)
	require.Len(t, h.moved(ann), 1, "again at the same baseline changes nothing")
	require.Len(t, h.slack.said(ben.User()), before)
	require.Equal(t, 1, h.taskNamed(id, "checkout").Reopened)
}

func TestHowFarARebaselineReaches(t *testing.T) {
	tests := map[string]struct {
		which            string
		checkout, ledger campaign.TaskStatus
	}{
		"all of them":     {which: campaign.ReachAll, checkout: campaign.TaskInProgress, ledger: campaign.TaskInProgress},
		"exposed ones":    {which: campaign.ReachExposed, checkout: campaign.TaskInProgress, ledger: campaign.TaskClaimed},
		"unfinished work": {which: campaign.ReachUnfinished, checkout: campaign.TaskClaimed, ledger: campaign.TaskClaimed},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			id := h.upgrading()
			h.floor(id, "2.17.2")
			h.rebaseline(id, tt.which)
			require.Equal(t, tt.checkout, h.taskNamed(id, "checkout").Status)
			require.Equal(t, tt.ledger, h.taskNamed(id, "ledger").Status)
			require.Len(t, h.moved(ben), 1, "his open work has another aim now")
			require.Contains(t, h.moved(ben)[0].Message.Text, `"Count":1`)
			require.Equal(t, campaign.TaskOpen, h.taskNamed(id, "search").Status)
		})
	}
}

func TestRebaselineBelievesAScanMoreThanAClaim(t *testing.T) {
	h := newHouse(t)
	id := h.upgrading()
	h.clock.advance(time.Hour)
	h.scan("pkg:maven/org.apache.logging.log4j/log4j-core@2.16.0", "ledger", "search")
	require.Equal(t, campaign.TaskVerified, h.taskNamed(id, "ledger").Status)
	require.Equal(t, campaign.TaskVerified, h.taskNamed(id, "search").Status)
	h.floor(id, "2.17.0")
	h.rebaseline(id, campaign.ReachAll)
	require.Equal(t, campaign.TaskInProgress, h.taskNamed(id, "ledger").Status, "2.17.1 was said, 2.16.0 is there")
	require.Equal(t, campaign.TaskInProgress, h.taskNamed(id, "search").Status, "nobody claimed it")
}

func TestClaimWithoutAVersionIsCountedAsUnclear(t *testing.T) {
	h := newHouse(t)
	id := h.upgrading()
	h.claim(id, ben, "search", campaign.MethodUpdated, "")
	h.floor(id, "2.17.0")
	m := h.rebaseline(id, campaign.ReachAll)
	require.Contains(t, m.Text, "1 claim could not be compared")
	require.Equal(t, campaign.TaskClaimed, h.taskNamed(id, "search").Status)
}

func TestRebaselineIsRefused(t *testing.T) {
	h := newHouse(t)
	id := h.newCampaign(inForce)
	_, err := h.engine.Rebaseline(t.Context(), h.by(cara), id, "some")
	refused(t, err, campaign.Invalid)
	_, err = h.engine.Rebaseline(t.Context(), h.by(ann), id, campaign.ReachAll)
	refused(t, err, campaign.Forbidden)
}

func TestLargeRebaselineNeedsASecondPerson(t *testing.T) {
	h := newHouse(t, func(o *campaign.Options) { o.Brakes.SecondPersonAbove = 1 })
	id := h.newCampaign(inForce, func(c *campaign.Campaign) {
		c.Baseline, c.Pattern = 2, "log4j-core"
		c.Tracks[0].Name, c.Tracks[0].Kind = "fix", campaign.TrackFix
	})
	for i, p := range []campaign.Person{ann, ben} {
		ticket := campaign.Ticket{ID: fmt.Sprintf("k%d", i), Contact: string(p), Tasks: []string{fmt.Sprintf("t%d.fix", i)}}
		h.put(id, campaign.KindTicket, ticket.ID, ticket)
		h.put(id, campaign.KindContact, string(p), campaign.Contact{Person: p, Tickets: []string{ticket.ID}})
		require.NoError(t, h.engine.AddTasks(t.Context(), id, campaign.Task{
			ID: fmt.Sprintf("t%d.fix", i), Target: fmt.Sprintf("t%d", i), Track: "fix", Name: fmt.Sprintf("service-%d", i), Status: campaign.TaskOpen,
			Owner: "group:default/ann", Contact: string(p), Exposed: true,
		}))
	}
	m := h.rebaseline(id, campaign.ReachAll)
	require.Contains(t, m.Text, `{"Which":"all","Reopens":0,"Contacts":2}`)
	require.Empty(t, h.moved(ann))
	hold := all[campaign.Hold](h, id, campaign.KindRequest)[0]
	_, err := h.engine.Decide(t.Context(), h.by(devi), id, hold.ID, true)
	require.NoError(t, err)
	h.settle()
	require.Len(t, h.moved(ann), 1)
	require.Len(t, h.moved(ben), 1)
}

func TestComponentAtAnotherVersion(t *testing.T) {
	tests := map[string]struct {
		component campaign.Component
		want      campaign.Component
	}{
		"a package URL":       {component: campaign.Component{PURL: "pkg:maven/org/log4j-core@2.14.1"}, want: campaign.Component{PURL: "pkg:maven/org/log4j-core@2.17.0"}},
		"with qualifiers":     {component: campaign.Component{PURL: "pkg:deb/debian/x@1?arch=amd64#a"}, want: campaign.Component{PURL: "pkg:deb/debian/x@2.17.0?arch=amd64#a"}},
		"without a version":   {component: campaign.Component{PURL: "pkg:npm/%40org/x"}, want: campaign.Component{PURL: "pkg:npm/%40org/x@2.17.0"}},
		"a scope in the name": {component: campaign.Component{PURL: "pkg:npm/@org/x"}, want: campaign.Component{PURL: "pkg:npm/@org/x@2.17.0"}},
		"a plain name":        {component: campaign.Component{Name: "log4j-core", Version: "2.14.1"}, want: campaign.Component{Name: "log4j-core", Version: "2.17.0"}},
		"its source goes":     {component: campaign.Component{PURL: "pkg:deb/debian/x@1", Source: "y@1"}, want: campaign.Component{PURL: "pkg:deb/debian/x@2.17.0"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, tt.want, campaign.AtVersion(tt.component, "2.17.0"))
		})
	}
}

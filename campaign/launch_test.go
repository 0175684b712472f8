package campaign_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

const log4jCore = "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1"

// estate imports a catalog of three teams and one scan per service. Ann's team
// owns checkout (exposed) and ledger, Ben's owns search, Eve's owns the archive,
// which nobody has scanned; wiki runs nothing of interest.
func (h *house) estate() {
	h.t.Helper()
	team := func(name string) campaign.Unit {
		return campaign.Unit{Ref: "group:default/" + name, Name: name, Parent: "group:default/org", Members: []string{"user:default/" + name}}
	}
	member := func(name string) campaign.Member {
		return campaign.Member{Ref: "user:default/" + name, Name: name, Email: name + "@example.com"}
	}
	service := func(name, owner string, e campaign.Exposure) campaign.Service {
		return campaign.Service{Ref: "component:default/" + name, Name: name, Owner: "group:default/" + owner, Exposure: e}
	}
	catalog := campaign.Catalog{Services: map[string]campaign.Service{}, Units: map[string]campaign.Unit{}, Members: map[string]campaign.Member{}}
	catalog.Units["group:default/org"] = campaign.Unit{Ref: "group:default/org", Name: "org"}
	for _, name := range []string{"ann", "ben", "eve"} {
		catalog.Units["group:default/"+name] = team(name)
		catalog.Members["user:default/"+name] = member(name)
	}
	for _, s := range []campaign.Service{
		service("checkout", "ann", campaign.Exposed), service("ledger", "ann", campaign.NotExposed),
		service("search", "ben", campaign.NotExposed), service("archive", "eve", campaign.NotExposed), service("wiki", "eve", campaign.NotExposed),
	} {
		catalog.Services[s.Ref] = s
	}
	_, err := h.engine.ImportCatalog(h.t.Context(), h.by(cara), catalog)
	require.NoError(h.t, err)
	h.scan(log4jCore, "checkout", "ledger", "search")
	h.scan("pkg:maven/junit/junit@4.13", "wiki")
}

// scan imports a scan of now that sees one component on each of the services.
func (h *house) scan(purl string, services ...string) campaign.ImportReport {
	h.t.Helper()
	report, err := h.engine.ImportScans(h.t.Context(), h.by(cara), func(yield func(campaign.Scan, *campaign.Refusal) bool) {
		for _, name := range services {
			s := campaign.Scan{Asset: name, Source: "test", At: h.clock.Now(), Components: []campaign.Component{{PURL: purl}}}
			if !yield(s, nil) {
				return
			}
		}
	})
	require.NoError(h.t, err)
	return report
}

// ready returns a campaign whose instructions Mei and Tom approved and whose plan
// is frozen.
func (h *house) ready() string {
	h.t.Helper()
	return h.readyWith(func(string) {})
}

// readyWith is ready for a campaign that adjust changes first.
func (h *house) readyWith(adjust func(id string)) string {
	h.t.Helper()
	return h.readyAbout("log4j RCE", "log4j-core", adjust)
}

// readyAbout is readyWith for any package.
func (h *house) readyAbout(title, pattern string, adjust func(id string)) string {
	h.t.Helper()
	ctx := h.t.Context()
	_, err := h.engine.New(ctx, h.by(cara), campaign.NewCampaign{Title: title, Pattern: pattern, Channel: campaign.ChannelRef{ID: commandChannel}})
	require.NoError(h.t, err)
	id := strings.ReplaceAll(strings.ToLower(title), " ", "-")
	adjust(id)
	_, err = h.engine.SetTrack(ctx, h.by(cara), id, campaign.TrackEdit{Name: "mitigate", Due: h.clock.Now().Add(9 * time.Hour), Instructions: removeClass})
	require.NoError(h.t, err)
	h.startDryRun(id, mei, tom)
	h.approve(id, 1)
	require.Equal(h.t, campaign.Approved, h.campaign(id).Status)
	_, err = h.engine.Freeze(ctx, h.by(cara), id)
	require.NoError(h.t, err)
	h.drain()
	return id
}

func (h *house) launch(id, slice string) {
	h.t.Helper()
	_, err := h.engine.Launch(h.t.Context(), h.by(cara), id, slice)
	require.NoError(h.t, err)
	h.drain()
}

// drain works what is due now.
func (h *house) drain() {
	h.t.Helper()
	_, err := h.engine.Drain(h.t.Context())
	require.NoError(h.t, err)
}

// settle lets a minute pass, step by step, working what falls due.
func (h *house) settle() {
	h.t.Helper()
	for range 10 {
		h.drain()
		h.clock.advance(20 * time.Second)
	}
	h.drain()
}

// firsts returns the messages in a person's direct messages that ask for work.
func (h *house) firsts(p campaign.Person) []posted {
	var found []posted
	for _, m := range h.slack.said(p.User()) {
		if strings.HasPrefix(m.Message.Text, "first_message") || strings.HasPrefix(m.Message.Text, "progress") {
			found = append(found, m)
		}
	}
	return found
}

func (h *house) taskNamed(id, name string) campaign.Task {
	h.t.Helper()
	for _, task := range all[campaign.Task](h, id, campaign.KindTask) {
		if task.Name == name {
			return task
		}
	}
	require.Fail(h.t, "no such task", name)
	return campaign.Task{}
}

func TestExposedGoFirstAndUnknownIsCounted(t *testing.T) {
	h := newHouse(t)
	h.estate()
	id := h.ready()

	require.Equal(t, campaign.TaskUnknown, h.taskNamed(id, "archive").Status)
	require.Empty(t, h.tracker.filed(), "nothing is filed before the launch")

	h.launch(id, campaign.SliceExposed)
	require.Len(t, h.tracker.filed(), 1)
	require.Len(t, h.firsts(ann), 1)
	require.Empty(t, h.firsts(ben))
	require.Equal(t, campaign.Running, h.campaign(id).Status)

	h.launch(id, campaign.SliceRest)
	h.settle()
	require.Len(t, h.tracker.filed(), 3)
	require.Len(t, h.firsts(ann), 1, "Ann gets one first message; the ledger comes in one that asks for more")
	require.Len(t, h.firsts(ben), 1)
	require.Empty(t, h.firsts(eve), "the archive is unknown, not affected")
	for _, ticket := range all[campaign.Ticket](h, id, campaign.KindTicket) {
		require.Equal(t, campaign.TicketOpen, ticket.Status)
		require.NotEmpty(t, ticket.Ref.ID)
	}
}

func TestTheRestWaitsUntilTheExposedAreFiled(t *testing.T) {
	h := newHouse(t)
	h.estate()
	id := h.ready()
	h.launchesOnly(id, campaign.SliceAll)
	filing := func() (found []string) {
		claims, err := h.store.Claim(t.Context(), campaign.ClaimRequest{Now: h.clock.Now(), Lease: time.Nanosecond, N: 100})
		require.NoError(t, err)
		for _, c := range claims.Entries {
			if strings.HasPrefix(c.ID, "wave/") {
				found = append(found, c.ID[strings.LastIndexByte(c.ID, '/')+1:])
			}
		}
		return found
	}
	require.Equal(t, []string{campaign.SliceExposed}, filing())
	require.NoError(t, h.engine.Heartbeat(t.Context()))
	require.Equal(t, []string{campaign.SliceExposed}, filing())
	h.settle()
	require.Len(t, h.tracker.filed(), 3)
}

func TestTheMessageFollowsItsTickets(t *testing.T) {
	h := newHouse(t)
	h.estate()
	id := h.ready()
	h.tracker.fail(campaign.Unavailable, 3)
	h.launch(id, campaign.SliceExposed)
	require.Empty(t, h.tracker.filed())
	require.Empty(t, h.firsts(ann), "its ticket does not exist yet")
	h.settle()
	require.Len(t, h.tracker.filed(), 1)
	require.Len(t, h.firsts(ann), 1)
}

func TestLaunchingTwiceSendsOnce(t *testing.T) {
	h := newHouse(t)
	h.estate()
	id := h.ready()
	request := h.by(cara)
	for range 2 { // the same envelope, delivered twice
		_, err := h.engine.Launch(t.Context(), request, id, campaign.SliceAll)
		require.NoError(t, err)
	}
	_, err := h.engine.Launch(t.Context(), h.by(devi), id, campaign.SliceAll)
	require.Contains(t, refused(t, err, campaign.Conflict), "launched already")
	h.settle()
	require.Len(t, h.tracker.filed(), 3)
	require.Len(t, h.firsts(ann), 1)
}

func TestATimeOutAfterThePostSendsNothingTwice(t *testing.T) {
	h := newHouse(t)
	h.estate()
	id := h.ready()
	h.slack.timeOut(4)
	h.tracker.timeOut(2)
	h.launch(id, campaign.SliceAll)
	for range 20 {
		h.settle()
	}
	require.Len(t, h.tracker.filed(), 3)
	require.Len(t, h.firsts(ann), 1)
	require.Len(t, h.firsts(ben), 1)
	for _, e := range all[campaign.Effect](h, id, campaign.KindEffect) {
		require.Equal(t, campaign.EffectDone, e.Status, "%+v", e)
	}
}

func TestPauseHoldsBackAndResumeGoesOn(t *testing.T) {
	h := newHouse(t)
	h.estate()
	id := h.ready()
	_, err := h.engine.Launch(t.Context(), h.by(cara), id, campaign.SliceAll)
	require.NoError(t, err)
	_, err = h.engine.Pause(t.Context(), h.by(devi), id)
	require.NoError(t, err)
	h.settle()
	require.Empty(t, h.tracker.filed(), "paused before the worker came to it")
	_, err = h.engine.Resume(t.Context(), h.by(cara), id)
	require.NoError(t, err)
	h.settle()
	require.Len(t, h.tracker.filed(), 3)
}

func TestALargeLaunchNeedsASecondPerson(t *testing.T) {
	h := newHouse(t, func(o *campaign.Options) { o.Brakes.SecondPersonAbove = 2 })
	h.estate()
	id := h.ready()
	m, err := h.engine.Launch(t.Context(), h.by(cara), id, campaign.SliceAll)
	require.NoError(t, err)
	require.Contains(t, m.Text, "second person")
	h.settle()
	require.Empty(t, h.tracker.filed())

	var asked campaign.Message
	for _, p := range h.slack.said(commandChannel) {
		if strings.HasPrefix(p.Message.Text, "second_person") {
			asked = p.Message
		}
	}
	hold := strings.Split(press(t, asked, "request.decide"), "|")[1]
	_, err = h.engine.Decide(t.Context(), h.by(cara), id, hold, true)
	require.Contains(t, refused(t, err, campaign.Forbidden), "somebody else")
	_, err = h.engine.Decide(t.Context(), h.by(devi), id, hold, true)
	require.NoError(t, err)
	h.settle()
	require.Len(t, h.tracker.filed(), 3)
	_, err = h.engine.Decide(t.Context(), h.by(ben), id, hold, false)
	refused(t, err, campaign.Conflict)
}

func TestWhatIsSentIsWhatWasApproved(t *testing.T) {
	h := newHouse(t)
	h.estate()
	id := h.ready()
	ticket := all[campaign.Target](h, id, campaign.KindTarget)[0]
	for _, target := range all[campaign.Target](h, id, campaign.KindTarget) {
		if target.Name == "checkout" {
			ticket = target
		}
	}
	ticket.Name = "renamed-checkout"
	h.put(id, campaign.KindTarget, ticket.ID, ticket)
	h.launch(id, campaign.SliceExposed)
	h.settle()
	require.Empty(t, h.tracker.filed(), "the text would not be the approved one")
	require.Condition(t, func() bool {
		for _, p := range h.slack.said(commandChannel) {
			if strings.HasPrefix(p.Message.Text, "dead_letter") {
				return true
			}
		}
		return false
	}, "the command channel hears of it")
}

func TestADeadLetterIsTriedAgainByAButton(t *testing.T) {
	h := newHouse(t)
	h.estate()
	id := h.ready()
	h.tracker.fail(campaign.Forbidden, 1)
	h.launch(id, campaign.SliceExposed)
	h.settle()
	require.Empty(t, h.tracker.filed())
	var letter campaign.Message
	for _, p := range h.slack.said(commandChannel) {
		if strings.HasPrefix(p.Message.Text, "dead_letter") {
			letter = p.Message
		}
	}
	effect := strings.Split(press(t, letter, "effect.retry"), "|")[1]
	_, err := h.engine.Revive(t.Context(), h.by(cara), id, effect)
	require.NoError(t, err)
	h.settle()
	require.Len(t, h.tracker.filed(), 1)
	_, err = h.engine.Revive(t.Context(), h.by(cara), id, effect)
	refused(t, err, campaign.Conflict)
}

// A command channel that Muster was removed from cannot be told so itself.
func TestWhatTheCommandChannelDoesNotTakeTheCommanderHearsOf(t *testing.T) {
	h := newHouse(t)
	h.estate()
	id := h.ready()
	h.launch(id, campaign.SliceExposed)
	h.settle()
	h.slack.left = commandChannel
	_, err := h.engine.Pause(t.Context(), h.by(devi), id)
	require.NoError(t, err)
	h.settle()
	letters := h.saidTo(cara, "dead_letter")
	require.NotEmpty(t, letters)
	effect := strings.Split(press(t, letters[0].Message, "effect.retry"), "|")[1]

	h.slack.left = ""
	before := len(h.slack.said(commandChannel))
	_, err = h.engine.Revive(t.Context(), h.by(cara), id, effect)
	require.NoError(t, err)
	h.settle()
	require.Len(t, h.slack.said(commandChannel), before+1, "it is said there after all")
}

func TestAScanVerifiesReopensAndSettlesTheUnknown(t *testing.T) {
	h := newHouse(t)
	h.estate()
	id := h.ready()
	h.launch(id, campaign.SliceAll)
	_, err := h.engine.Claim(t.Context(), h.by(ann), id, campaign.TaskSet{Contact: string(ann)}, campaign.Claim{Method: campaign.MethodClassRemoved})
	require.NoError(t, err)
	require.Equal(t, campaign.TaskClaimed, h.taskNamed(id, "checkout").Status)

	h.clock.advance(2 * time.Minute)
	h.scan("pkg:maven/junit/junit@4.13", "checkout")
	require.Equal(t, campaign.TaskClaimed, h.taskNamed(id, "checkout").Status, "the scan started too early to say anything")
	h.clock.advance(10 * time.Minute)
	h.scan("pkg:maven/junit/junit@4.13", "checkout", "search", "archive")
	require.Equal(t, campaign.TaskVerified, h.taskNamed(id, "checkout").Status)
	require.Equal(t, campaign.TaskVerified, h.taskNamed(id, "search").Status, "open goes straight to verified")
	require.Equal(t, campaign.TaskNotAffected, h.taskNamed(id, "archive").Status)
	require.Equal(t, campaign.TaskClaimed, h.taskNamed(id, "ledger").Status)

	_, err = h.engine.Confirm(t.Context(), h.by(ann), id, campaign.TaskSet{Tasks: []string{h.taskNamed(id, "ledger").ID}})
	require.Contains(t, refused(t, err, campaign.Forbidden), "somebody else")
	_, err = h.engine.Confirm(t.Context(), h.by(cara), id, campaign.TaskSet{Tasks: []string{h.taskNamed(id, "ledger").ID}})
	require.NoError(t, err)
	require.Equal(t, campaign.TaskVerified, h.taskNamed(id, "ledger").Status)
}

func TestAnUnknownServiceThatRunsItJoinsLate(t *testing.T) {
	h := newHouse(t, func(o *campaign.Options) { o.Brakes.AdmissionShare = 1 })
	h.estate()
	id := h.ready()
	h.launch(id, campaign.SliceAll)
	h.clock.advance(time.Hour)
	report := h.scan(log4jCore, "archive")
	require.Len(t, report.Moved, 1)
	require.Equal(t, 1, report.Moved[0].Opened)
	require.Equal(t, 1, report.Moved[0].Joined)
	h.settle()
	require.Equal(t, campaign.TaskOpen, h.taskNamed(id, "archive").Status)
	require.Len(t, h.tracker.filed(), 4)
	require.Len(t, h.firsts(eve), 1)
	require.Empty(t, h.scan(log4jCore, "archive").Moved, "the same scan again moves nothing")
}

func TestOneBadScanTicketsNobody(t *testing.T) {
	h := newHouse(t, func(o *campaign.Options) { o.Brakes.SecondPersonAbove = 3 })
	h.estate()
	id := h.ready()
	h.launch(id, campaign.SliceExposed)
	h.launch(id, campaign.SliceRest)
	h.clock.advance(time.Hour)
	var services []string
	for i := range 30 {
		services = append(services, fmt.Sprintf("ghost-%d", i))
	}
	report := h.scan(log4jCore, services...)
	h.settle()
	require.Len(t, h.tracker.filed(), 3, "what no service owns is for triage: %+v", report.Moved)
}

func TestWhoMayActOnATask(t *testing.T) {
	h := newHouse(t)
	h.estate()
	id := h.ready()
	h.launch(id, campaign.SliceAll)
	set := campaign.TaskSet{Tasks: []string{h.taskNamed(id, "checkout").ID}}
	_, err := h.engine.OnIt(t.Context(), h.by(ben), id, set)
	require.Contains(t, refused(t, err, campaign.Forbidden), "another team")
	_, err = h.engine.OnIt(t.Context(), h.by(ann), id, set)
	require.NoError(t, err)
	require.Equal(t, ann, h.taskNamed(id, "checkout").Accepted)
	_, err = h.engine.Block(t.Context(), h.by(ann), id, set, " ")
	refused(t, err, campaign.Invalid)
	_, err = h.engine.Block(t.Context(), h.by(ann), id, set, "waits for a restart window")
	require.NoError(t, err)
	h.settle()
	require.Contains(t, h.firsts(ann)[0].Message.Text, `"Blocked":1`, "the message shows it, edited")
}

func TestTriageDecidesWhatIsDoubtful(t *testing.T) {
	h := newHouse(t)
	h.estate()
	h.scan(log4jCore, "forgotten-box")
	ctx := t.Context()
	_, err := h.engine.New(ctx, h.by(cara), campaign.NewCampaign{Title: "log4j RCE", Pattern: "log4j-core"})
	require.NoError(t, err)
	m, err := h.engine.TriageList(ctx, "log4j-rce")
	require.NoError(t, err)
	require.Contains(t, m.Text, "forgotten-box")
	_, err = h.engine.Triage(ctx, h.by(cara), "log4j-rce", campaign.TriageOrder{Targets: []string{"forgotten-box"}, Affected: true})
	require.Contains(t, refused(t, err, campaign.Invalid), "no owner")
	_, err = h.engine.Triage(ctx, h.by(cara), "log4j-rce", campaign.TriageOrder{Targets: []string{"all"}, Affected: true, Owner: "group:default/ben"})
	require.NoError(t, err)
	m, err = h.engine.TriageList(ctx, "log4j-rce")
	require.NoError(t, err)
	require.NotContains(t, m.Text, "forgotten-box")
}

func TestAttestingSettlesTheUnknown(t *testing.T) {
	h := newHouse(t)
	h.estate()
	id := h.ready()
	word := campaign.Attestation{Targets: []string{"archive"}, How: "searched the image"}
	_, err := h.engine.Attest(t.Context(), h.by(ben), id, word)
	require.Contains(t, refused(t, err, campaign.Forbidden), "another team")
	_, err = h.engine.Attest(t.Context(), h.by(eve), id, campaign.Attestation{Targets: []string{"archive"}})
	require.Contains(t, refused(t, err, campaign.Invalid), "how you checked")
	_, err = h.engine.Attest(t.Context(), h.by(eve), id, word)
	require.NoError(t, err)
	require.Equal(t, campaign.TaskNotAffected, h.taskNamed(id, "archive").Status)
}

func TestCancellingALaunchedCampaignNeedsTwoAndWithdraws(t *testing.T) {
	h := newHouse(t)
	h.estate()
	id := h.ready()
	h.launch(id, campaign.SliceAll)
	_, err := h.engine.Cancel(t.Context(), h.by(cara), id)
	require.NoError(t, err)
	require.Equal(t, campaign.Running, h.campaign(id).Status)
	hold := all[campaign.Hold](h, id, campaign.KindRequest)[0]
	_, err = h.engine.Decide(t.Context(), h.by(devi), id, hold.ID, true)
	require.NoError(t, err)
	h.settle()
	require.Equal(t, campaign.Cancelled, h.campaign(id).Status)
	require.Equal(t, campaign.TaskWithdrawn, h.taskNamed(id, "checkout").Status)
}

func TestWhoSaysThatTheyRunItGetATicket(t *testing.T) {
	h := newHouse(t, func(o *campaign.Options) { o.Brakes.AdmissionShare = 1 })
	h.estate()
	id := h.ready()
	h.launch(id, campaign.SliceAll)
	h.settle()
	_, err := h.engine.Attest(t.Context(), h.by(eve), id, campaign.Attestation{Targets: []string{"archive"}, Running: true, How: "looked at the host"})
	require.NoError(t, err)
	h.settle()
	require.Equal(t, campaign.TaskOpen, h.taskNamed(id, "archive").Status)
	require.NotEmpty(t, h.taskNamed(id, "archive").Ticket)
	require.Len(t, h.firsts(eve), 1)
}

func TestAScanBeatsAWordThatWasWrong(t *testing.T) {
	h := newHouse(t, func(o *campaign.Options) { o.Brakes.AdmissionShare = 1 })
	h.estate()
	id := h.ready()
	h.launch(id, campaign.SliceAll)
	h.settle()
	_, err := h.engine.Attest(t.Context(), h.by(eve), id, campaign.Attestation{Targets: []string{"archive"}, How: "looked at the host"})
	require.NoError(t, err)
	h.clock.advance(time.Hour)
	h.scan(log4jCore, "archive")
	h.settle()
	require.Equal(t, campaign.TaskInProgress, h.taskNamed(id, "archive").Status)
	require.Len(t, h.firsts(eve), 1)
}

func TestOnlyAPausedCampaignIsResumed(t *testing.T) {
	h := newHouse(t)
	h.estate()
	id := h.ready()
	_, err := h.engine.Resume(t.Context(), h.by(cara), id)
	refused(t, err, campaign.Conflict)
	require.Equal(t, campaign.Approved, h.campaign(id).Status)
	h.launch(id, campaign.SliceExposed)
	_, err = h.engine.Pause(t.Context(), h.by(cara), id)
	require.NoError(t, err)
	_, err = h.engine.Launch(t.Context(), h.by(cara), id, campaign.SliceRest)
	refused(t, err, campaign.Conflict)
	require.Equal(t, campaign.Paused, h.campaign(id).Status)
}

package bot_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/bot"
	"github.com/musterbot/muster/bot/fakeslack"
	"github.com/musterbot/muster/bot/slackapi"
	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/advisory"
	"github.com/musterbot/muster/campaign/tracker/builtin"
	"github.com/musterbot/muster/configs/secret"
	"github.com/musterbot/muster/store/bolt"
	"github.com/musterbot/muster/store/pace"
	"github.com/musterbot/muster/templates"
)

// clock is a test's own: it starts at ten in the morning, since people are left to
// sleep at night, goes as real time does, and is moved ahead at will.
type clock struct {
	mu    sync.Mutex
	ahead time.Duration
}

func newClock() *clock {
	now := time.Now().UTC()
	morning := now.Truncate(24 * time.Hour).Add(34 * time.Hour)
	return &clock{ahead: morning.Sub(now)}
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return campaign.Stamp(time.Now().Add(c.ahead))
}

func (c *clock) Wait(ctx context.Context, d time.Duration) error {
	return campaign.RealClock{}.Wait(ctx, d)
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}

// house is the whole door: a fake workspace on one side, the domain on a real
// store on the other.
type house struct {
	*fakeslack.Workspace
	t      *testing.T
	engine *campaign.Engine
	clock  *clock
	pages  pages
	work   func() // starts the worker; openHouse does it unless told otherwise
	// replica is a dispatcher as another process has it.
	replica func() *bot.Dispatcher

	cara, mei, tom, ann, guest *fakeslack.Person
}

// openHouse opens a house whose worker runs, with Cara as the commander, Mei and
// Tom as reviewers, and Ann as the contact of three services that run log4j.
func openHouse(t *testing.T) *house {
	h := openQuietHouse(t)
	h.work()
	return h
}

func openQuietHouse(t *testing.T) *house {
	t.Helper()
	h := &house{t: t, clock: newClock(), pages: make(pages, 16)}
	var err error
	h.Workspace, err = fakeslack.Start(fakeslack.Options{Redeliver: []time.Duration{0}, Now: h.clock.Now})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, h.Close()) })
	h.cara = h.AddUser("cara", fakeslack.Profile{TZ: "Europe/Dublin"})
	h.mei, h.tom = h.AddUser("mei", fakeslack.Profile{}), h.AddUser("tom", fakeslack.Profile{})
	h.ann = h.AddUser("ann", fakeslack.Profile{Email: "ann@example.com"})
	h.guest = h.AddUser("guest", fakeslack.Profile{SingleChannel: true})
	command := h.AddChannel("command", h.cara, h.mei, h.tom, h.ann, h.guest)
	require.NoError(t, h.cara.Invites("command", h.BotUserID()))

	client, err := slackapi.New(slackapi.Options{
		BotToken: secret.New(h.BotToken()), APIURL: h.APIURL(), Limiter: pace.New(1e6),
		Roles: map[campaign.Role][]string{campaign.Commander: {h.cara.ID, h.guest.ID}, campaign.Reviewer: {h.mei.ID, h.tom.ID}, campaign.Helper: {h.tom.ID}},
	})
	require.NoError(t, err)
	store, err := bolt.Open(filepath.Join(t.TempDir(), "muster.db"), bolt.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	words, err := templates.Load("")
	require.NoError(t, err)
	tracker, err := builtin.New(builtin.Options{Store: store, Clock: h.clock})
	require.NoError(t, err)
	h.engine, err = campaign.New(campaign.Options{
		Store: store, Matcher: advisory.Matcher{}, Renderer: words, Messenger: client, Channels: client, Directory: client, Roles: client,
		Tracker: tracker, Pager: h.pages, Clock: h.clock, Files: client, Documents: documents{}, CommandChannel: campaign.ChannelRef{ID: command},
		Work: campaign.WorkOptions{UncertainWait: 50 * time.Millisecond, Poll: 20 * time.Millisecond, Coalesce: 20 * time.Millisecond},
	})
	require.NoError(t, err)
	h.replica = func() *bot.Dispatcher {
		dispatcher, err := bot.NewDispatcher(bot.DispatcherOptions{
			Engine: h.engine, Roles: client, Directory: client, Views: client, People: client, Clock: h.clock, CommandChannel: command,
			BotUser: func(ctx context.Context) (string, error) {
				me, err := client.Identity(ctx)
				return me.UserID, err
			},
		})
		require.NoError(t, err)
		return dispatcher
	}
	dispatcher := h.replica()
	h.engine.Handle("inbox/", dispatcher.Work)
	server, err := bot.New(bot.Options{Inbox: campaign.NewInbox(store), Handlers: dispatcher, Clock: h.clock})
	require.NoError(t, err)
	h.listen(server)

	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	h.work = func() { running.Go(func() { _ = h.engine.Run(ctx) }) }
	t.Cleanup(func() {
		stop()
		running.Wait()
		require.NoError(t, server.Close())
	})
	h.importCompany()
	return h
}

func (h *house) listen(server *bot.Server) {
	signing := secret.New(h.SigningSecret())
	mux := http.NewServeMux()
	mux.Handle("/slack/events", server.Events(signing))
	mux.Handle("/slack/interactivity", server.Interactivity(signing))
	mux.Handle("/slack/command", server.Command(signing))
	web := httptest.NewServer(mux)
	h.t.Cleanup(web.Close)
	h.DeliverTo(fakeslack.Endpoints{Events: web.URL + "/slack/events", Interactivity: web.URL + "/slack/interactivity", Command: web.URL + "/slack/command"})
}

// importCompany gives Ann's team three services with a vulnerable log4j.
func (h *house) importCompany() {
	h.t.Helper()
	const team, member = "group:default/payments", "user:default/ann"
	catalog := campaign.Catalog{
		Services: map[string]campaign.Service{},
		Units:    map[string]campaign.Unit{team: {Ref: team, Name: "payments", Members: []string{member}}},
		Members:  map[string]campaign.Member{member: {Ref: member, Name: "Ann", Email: "ann@example.com"}},
	}
	var scans []campaign.Scan
	for _, name := range []string{"checkout", "ledger", "refunds"} {
		ref := "component:default/" + name
		catalog.Services[ref] = campaign.Service{Ref: ref, Name: name, Owner: team, Exposure: "internet"}
		scans = append(scans, campaign.Scan{
			Asset: name, Source: "test", At: h.clock.Now().Add(-time.Hour),
			Components: []campaign.Component{{PURL: "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1"}},
		})
	}
	ctx := context.Background()
	_, err := h.engine.ImportCatalog(ctx, campaign.Request{}, catalog)
	require.NoError(h.t, err)
	_, err = h.engine.ImportScans(ctx, campaign.Request{}, func(yield func(campaign.Scan, *campaign.Refusal) bool) {
		for _, s := range scans {
			if !yield(s, nil) {
				return
			}
		}
	})
	require.NoError(h.t, err)
}

// answer types a command in the command channel and returns what its person
// then reads.
func (h *house) answer(p *fakeslack.Person, text string) fakeslack.Message {
	h.t.Helper()
	before := len(p.Ephemerals("command"))
	seen := p.Runs("/campaign "+text, "command")
	require.True(h.t, seen.OK(), seen.Text())
	return h.next(p, before)
}

// next returns the first answer after those that were there before.
func (h *house) next(p *fakeslack.Person, before int) fakeslack.Message {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), 10*time.Second)
	defer cancel()
	require.NoError(h.t, h.WaitFor(ctx, func() bool { return len(p.Ephemerals("command")) > before }), "no answer came")
	return p.Ephemerals("command")[before]
}

// press presses a button of a message and returns what its person then reads.
func (h *house) press(p *fakeslack.Person, label string, on fakeslack.On) fakeslack.Message {
	h.t.Helper()
	before := len(p.Ephemerals("command"))
	seen := p.Presses(label, on)
	require.True(h.t, seen.OK(), seen.Text())
	return h.next(p, before)
}

func (h *house) waitsFor(what string, met func() bool) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), 10*time.Second)
	defer cancel()
	require.NoError(h.t, h.WaitFor(ctx, met), what)
}

// running brings a campaign to where Ann has her first message, and returns it.
func (h *house) running() fakeslack.Message {
	h.t.Helper()
	require.Contains(h.t, h.answer(h.cara, `new "log4j RCE" for log4j-core`).Words(), "log4j RCE")
	h.answer(h.cara, "track mitigate due in 2 days instructions 1. Remove the class.\n2. Restart.")
	h.answer(h.cara, "dryrun mitigate @mei @tom")
	for _, p := range []*fakeslack.Person{h.mei, h.tom} {
		h.rehearse(p)
	}
	h.answer(h.cara, "triage waive \"we know them\"")
	h.answer(h.cara, "approve")
	launched := h.answer(h.cara, "launch all")
	require.NotContains(h.t, launched.Words(), "Nothing was sent", launched.Words())
	ctx, cancel := context.WithTimeout(h.t.Context(), 15*time.Second)
	defer cancel()
	m, err := h.ann.WaitsForDM(ctx, fakeslack.Containing("log4j RCE"))
	require.NoError(h.t, err)
	return *m
}

// rehearse lets a reviewer execute all steps and approve, by the buttons.
func (h *house) rehearse(p *fakeslack.Person) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), 10*time.Second)
	defer cancel()
	m, err := p.WaitsForDM(ctx, func(m fakeslack.Message) bool { return slices.Contains(m.Buttons(), "Start") })
	require.NoError(h.t, err)
	for _, label := range []string{"Start", "Worked", "Worked", "Approve the text"} {
		before := len(h.Posts(m.Channel))
		seen := p.Presses(label, *m)
		require.True(h.t, seen.OK(), seen.Text())
		h.waitsFor("the next step after "+label, func() bool { return len(h.Posts(m.Channel)) > before })
		m = &h.Posts(m.Channel)[before]
	}
}

func TestACampaignStartsWithItsName(t *testing.T) {
	h := openHouse(t)
	shown := h.answer(h.cara, "new “log4j RCE” for log4j-core")
	require.Contains(t, shown.Words(), "log4j RCE")
	require.Contains(t, h.answer(h.mei, "list").Words(), "log4j RCE")
	require.Contains(t, h.answer(h.mei, "show").Words(), "log4j RCE", "the only one is meant")
	require.Contains(t, h.answer(h.mei, "show log4j-rce").Words(), "log4j RCE", "or the one that is named")
}

// What the response URL does not take comes as a direct message: once, also where
// the answer to the first attempt was lost.
func TestAnAnswerThatIsRefusedComesAsOneDirectMessage(t *testing.T) {
	h := openHouse(t)
	h.Inject(fakeslack.Fault{Do: fakeslack.Refused, Method: "response_url", Error: "used_url", Times: -1})
	lost := h.Inject(fakeslack.Fault{Do: fakeslack.LostAnswer, Method: "chat.postMessage"})
	require.True(t, h.cara.Runs("/campaign list", "command").OK())
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	require.NoError(t, h.WaitFor(ctx, func() bool { return len(h.Calls("response_url")) >= 2 }), "it is tried again")
	h.settles()
	require.Equal(t, 1, lost.Fired())
	require.Len(t, h.cara.DMs(), 1)
}

// What stands in for Slack may not let Muster look for what it said.
func TestAnAnswerIsGivenWhereNothingCanBeLookedUp(t *testing.T) {
	h := openHouse(t)
	h.Inject(fakeslack.Fault{Do: fakeslack.Refused, Method: "response_url", Error: "used_url", Times: -1})
	h.Inject(fakeslack.Fault{Do: fakeslack.Refused, Method: "conversations.history", Error: "unknown_method", Times: -1})
	require.True(t, h.cara.Runs("/campaign list", "command").OK())
	h.waitsFor("a direct message", func() bool { return len(h.cara.DMs()) == 1 })
}

// settles waits until nothing is left to be sent to anybody.
func (h *house) settles() {
	h.t.Helper()
	require.Eventually(h.t, func() bool {
		left, err := h.engine.Outstanding(h.t.Context(), string(campaign.Sys))
		return err == nil && left == 0
	}, 10*time.Second, 20*time.Millisecond)
}

func TestUnknownWordsGetHelp(t *testing.T) {
	h := openHouse(t)
	tests := map[string]struct{ text, want string }{
		"nothing":          {"", "What `/campaign` can do"},
		"help":             {"help", "What `/campaign` can do"},
		"one command":      {"help launch", "wave by wave"},
		"a typing error":   {"lanch all", "Did you mean `/campaign launch`?"},
		"no word of ours":  {"<!channel> wake up", "I do not know"},
		"no campaign yet":  {"show", "There is no campaign yet"},
		"a missing source": {"new CVE-2021-44228", "No advisory source is configured"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			m := h.answer(h.cara, tt.text)
			require.Contains(t, m.Words(), tt.want)
			require.NotContains(t, m.Text, "<!channel>")
		})
	}
}

func TestWhoHasNoRoleIsToldSo(t *testing.T) {
	h := openHouse(t)
	require.Contains(t, h.answer(h.mei, `new "log4j RCE"`).Words(), "You need the role")
	require.Contains(t, h.answer(h.guest, `new "log4j RCE"`).Words(), "Guests", "whatever the configuration says")
	h.answer(h.cara, `new "log4j RCE"`)
	refused := h.answer(h.mei, "cancel")
	require.Contains(t, refused.Words(), "You need the role")
	require.Contains(t, refused.Text, h.cara.ID, "and whom to ask")
}

func TestTheWholeWayToAnOwnersDone(t *testing.T) {
	h := openHouse(t)
	first := h.running()

	on := first
	before := len(h.ann.Ephemerals(on.Channel))
	require.True(t, h.ann.Presses("On it", on).OK())
	h.waitsFor("thanks", func() bool { return len(h.ann.Ephemerals(on.Channel)) > before })

	seen := h.ann.Presses("Done", on)
	require.True(t, seen.OK(), seen.Text())
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	form, err := h.ann.WaitsForModal(ctx, func(v fakeslack.View) bool { return v.CallbackID == "task.done" })
	require.NoError(t, err)
	form, err = h.ann.Fills(*form, fakeslack.Fill{"How": "class removed"})
	require.NoError(t, err)
	before = len(h.ann.Ephemerals(on.Channel))
	require.True(t, h.ann.Submits(*form).OK())
	h.waitsFor("an answer to the form", func() bool { return len(h.ann.Ephemerals(on.Channel)) > before })
	require.Contains(t, h.ann.Ephemerals(on.Channel)[before].Words(), "class removed")

	before = len(h.ann.Ephemerals(on.Channel))
	require.True(t, h.ann.Presses("Done", on).OK(), "a button that has nothing left to do")
	h.waitsFor("an answer to the stale button", func() bool { return len(h.ann.Ephemerals(on.Channel)) > before })
	require.Contains(t, h.ann.Ephemerals(on.Channel)[before].Words(), "Nothing of this is left to do")
}

func TestWhatCannotBeUndoneAsksAgainWhenItIsOld(t *testing.T) {
	h := openQuietHouse(t)
	_, err := h.engine.New(t.Context(), campaign.Request{Key: "n", Actor: campaign.NewPerson(h.TeamID(), h.cara.ID)}, campaign.NewCampaign{Title: "log4j RCE"})
	require.NoError(t, err)
	require.True(t, h.cara.Runs("/campaign cancel", "command").OK())
	h.clock.advance(14 * time.Minute)
	h.work()

	asked := h.next(h.cara, 0)
	require.Contains(t, asked.Words(), "14 minutes ago")
	c, err := h.engine.Campaign(t.Context(), "log4j-rce")
	require.NoError(t, err)
	require.Equal(t, campaign.Draft, c.Status, "nothing was done")

	h.press(h.cara, "Yes, cancel", asked)
	c, err = h.engine.Campaign(t.Context(), "log4j-rce")
	require.NoError(t, err)
	require.Equal(t, campaign.Cancelled, c.Status)
}

func TestAStaleButtonSaysSo(t *testing.T) {
	h := openHouse(t)
	h.answer(h.cara, `new "log4j RCE" for log4j-core`)
	h.answer(h.cara, "track mitigate due in 2 days instructions 1. Remove the class.\n2. Restart.")
	h.answer(h.cara, "dryrun mitigate @mei @tom")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	invited, err := h.mei.WaitsForDM(ctx, func(m fakeslack.Message) bool { return len(m.Buttons()) > 0 })
	require.NoError(t, err)
	h.answer(h.cara, "track mitigate instructions 1. Remove both classes.\n2. Restart.")

	seen := h.mei.Presses("Start", *invited)
	require.True(t, seen.OK(), "%s %v", seen.Text(), invited.Buttons())
	h.waitsFor("an answer", func() bool { return len(h.mei.Ephemerals(invited.Channel)) > 0 })
	require.Contains(t, h.mei.Ephemerals(invited.Channel)[0].Words(), "earlier revision")
}

func TestSeveralCampaignsAreOffered(t *testing.T) {
	h := openHouse(t)
	h.AddChannel("lobby", h.cara)
	h.answer(h.cara, `new "log4j RCE"`)
	h.answer(h.cara, `new "openssl punycode"`)
	require.True(t, h.cara.Runs("/campaign show", "lobby").OK())
	h.waitsFor("an offer", func() bool { return len(h.cara.Ephemerals("lobby")) == 1 })
	offer := h.cara.Ephemerals("lobby")[0]
	require.Equal(t, []string{"openssl punycode (openssl-punycode)", "log4j RCE (log4j-rce)"}, offer.Buttons())
	require.True(t, h.cara.Presses("log4j RCE (log4j-rce)", offer).OK())
	h.waitsFor("the campaign", func() bool { return len(h.cara.Ephemerals("lobby")) == 2 })
	require.Contains(t, h.cara.Ephemerals("lobby")[1].Words(), "log4j RCE")
}

// annAsks lets Ann ask in the help channel, and returns that and what Muster says
// in the question's thread.
func (h *house) annAsks(words string) (channel string, answer fakeslack.Message) {
	h.t.Helper()
	h.waitsFor("the help channel", func() bool {
		c, err := h.engine.Campaign(h.t.Context(), "log4j-rce")
		return err == nil && c.HelpRef.ID != ""
	})
	c, err := h.engine.Campaign(h.t.Context(), "log4j-rce")
	require.NoError(h.t, err)
	channel = c.HelpRef.ID
	require.NoError(h.t, h.ann.Joins(channel))
	asked := h.ann.Says(channel, words)
	h.waitsFor("the question to be taken", func() bool { return len(h.Thread(channel, asked.TS)) > 1 })
	thread := h.Thread(channel, asked.TS)
	return channel, thread[len(thread)-1]
}

func TestAQuestionIsTakenAndAnswered(t *testing.T) {
	h := openHouse(t)
	h.running()
	channel, answer := h.annAsks("Is a shaded jar affected?")
	require.True(t, h.ann.Presses("Answered", answer).OK())
	h.waitsFor("the thanks", func() bool { return len(h.ann.Ephemerals(channel)) > 0 })
}

func TestBeingShutOutIsTold(t *testing.T) {
	h := openHouse(t)
	h.running()
	h.waitsFor("the help channel", func() bool {
		c, err := h.engine.Campaign(t.Context(), "log4j-rce")
		return err == nil && c.HelpRef.ID != ""
	})
	c, err := h.engine.Campaign(t.Context(), "log4j-rce")
	require.NoError(t, err)
	require.NoError(t, h.cara.Joins(c.HelpRef.ID))
	require.NoError(t, h.cara.Kicks(c.HelpRef.ID, h.BotUserID()))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	_, err = h.WaitForMessage(ctx, "command", fakeslack.Containing("Muster was removed from"))
	require.NoError(t, err)
}

func TestSomethingOddStaysPrivate(t *testing.T) {
	h := openHouse(t)
	first := h.running()
	require.True(t, h.ann.Presses("I saw something odd", first).OK())
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	form, err := h.ann.WaitsForModal(ctx, func(v fakeslack.View) bool { return v.CallbackID == "odd.report" })
	require.NoError(t, err)
	form, err = h.ann.Fills(*form, fakeslack.Fill{"text": "curl to 203.0.113.9 from ledger"})
	require.NoError(t, err)
	require.True(t, h.ann.Submits(*form).OK())
	_, err = h.cara.WaitsForDM(ctx, fakeslack.Containing("203.0.113.9"))
	require.NoError(t, err)
	for _, channel := range h.Channels() {
		if channel.Kind == "im" {
			continue
		}
		for _, m := range h.Messages(channel.ID) {
			require.NotContains(t, m.Text, "203.0.113.9", channel.Name)
		}
	}
	select {
	case page := <-h.pages:
		require.Equal(t, campaign.PageIncident, page.Route)
		require.NotContains(t, page.Summary+page.Detail, "203.0.113.9")
	case <-ctx.Done():
		require.Fail(t, "incident response was not paged")
	}
}

// pages is a pager that hands on what it is asked to page.
type pages chan campaign.Page

func (p pages) Trigger(ctx context.Context, page campaign.Page) error {
	select {
	case p <- page:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (pages) Resolve(context.Context, campaign.Page) error { return nil }

func TestAppHomeShowsWhatIsMine(t *testing.T) {
	h := openHouse(t)
	h.running()
	h.ann.OpensHome()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	home, err := h.ann.WaitsForHome(ctx, func(v fakeslack.View) bool { return strings.Contains(v.Words(), "ledger") })
	require.NoError(t, err)
	require.Contains(t, home.Words(), "log4j RCE")

	mine, err := h.engine.TasksOf(t.Context(), campaign.NewPerson(h.TeamID(), h.ann.ID))
	require.NoError(t, err)
	require.Len(t, mine, 3)
	picks := []string{mine[0].Task.ID, mine[1].Task.ID}
	require.True(t, h.ann.Picks("home.pick#0", picks, *home).OK())
	seen := h.ann.Presses("These are done", *home)
	require.True(t, seen.OK(), seen.Text())
	form, err := h.ann.WaitsForModal(ctx, func(v fakeslack.View) bool { return v.CallbackID == "task.done" })
	require.NoError(t, err)
	form, err = h.ann.Fills(*form, fakeslack.Fill{"How": "class removed"})
	require.NoError(t, err)
	require.True(t, h.ann.Submits(*form).OK())
	_, err = h.ann.WaitsForHome(ctx, func(v fakeslack.View) bool { return strings.Contains(v.Words(), "2 done") })
	require.NoError(t, err, "App Home follows")
}

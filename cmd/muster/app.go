package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/musterbot/muster/bot"
	"github.com/musterbot/muster/bot/chart"
	"github.com/musterbot/muster/bot/slackapi"
	"github.com/musterbot/muster/bot/web"
	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/advisory"
	"github.com/musterbot/muster/campaign/tracker/builtin"
	"github.com/musterbot/muster/configs"
)

// appOptions are what the whole service is made from.
type appOptions struct {
	Config configs.Config
	Log    logrus.FieldLogger // required

	// For the demo and for tests; serve leaves them at their defaults.
	Clock      campaign.Clock // default: real time
	PaceFactor float64        // multiplies every rate towards Slack; default: the configuration's
	Work       func(*campaign.WorkOptions)
	Stagger    time.Duration // between the two sockets; default 10 s
	LeaveFor   time.Duration // how long a stop in HTTP mode goes on serving while /readyz says no
	StartFor   time.Duration // how long a Slack that does not answer is tried at the start; default 1 min
	TicketPage string        // where people read tickets; "" where there is no page
}

// app is the whole service. Everything in it is built and started by startApp
// and stopped by Stop, in the reverse order.
type app struct {
	opts    appOptions
	log     logrus.FieldLogger
	store   campaign.Store
	limiter campaign.Limiter // of Slack's methods and channels, and of the tracker
	durable campaign.Durable
	metrics *web.Metrics
	slack   *slackapi.Client
	me      slackapi.Identity
	tracker campaign.Tracker
	tickets *builtin.Tracker // the same; nil when tickets are kept elsewhere
	engine  *campaign.Engine
	server  *bot.Server
	socket  *bot.Socket // nil in HTTP mode
	web     *web.Server

	commandChannel campaign.ChannelRef // of the installation; blank when there is none
	amiss          []string            // what of the configuration Slack refused at the start, for /readyz
	cleanups       []cleanup
}

// cleanup undoes one step of the start.
type cleanup struct {
	name string
	stop func(context.Context) error
}

// stopFor bounds a graceful stop. What is not done by then is found by the next
// start: every intent is in the store.
const stopFor = 9 * time.Second

// startApp builds every part, joins them and starts them: the store first, what
// brings new work last. When a step fails, those before it are undone.
func startApp(ctx context.Context, o appOptions) (*app, error) {
	if o.Clock == nil {
		o.Clock = campaign.RealClock{}
	}
	if o.StartFor == 0 {
		o.StartFor = time.Minute
	}
	a := &app{opts: o, log: o.Log}
	for _, start := range []func(context.Context) error{
		a.startStore, a.startSlack, a.startEngine, a.startPeople, a.startLocal, a.startDoor, a.startWorker, a.startWeb, a.startWatch, a.startSocket,
	} {
		if err := start(ctx); err != nil {
			return nil, errors.Join(err, a.Stop(context.WithoutCancel(ctx)))
		}
	}
	return a, nil
}

// onStop remembers how to undo what was just started.
func (a *app) onStop(name string, stop func(context.Context) error) {
	a.cleanups = append(a.cleanups, cleanup{name, stop})
}

// Stop ends what brings new work first, then lets the worker finish what it
// holds, and closes the store last. It returns after less than 10 seconds; what
// was not finished is taken up at the next start. It may be called twice.
func (a *app) Stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, stopFor, errors.New("the stop took too long"))
	defer cancel()
	var problems []error
	for i := len(a.cleanups) - 1; i >= 0; i-- {
		step := a.cleanups[i]
		if err := step.stop(ctx); err != nil {
			problems = append(problems, fmt.Errorf("stop %s: %w", step.name, err))
		}
	}
	a.cleanups = nil
	return errors.Join(problems...)
}

func (a *app) startStore(ctx context.Context) error {
	store, err := openStore(ctx, a.opts.Config.Store, a.log)
	if err != nil {
		return err
	}
	a.durable = store
	a.onStop("store", func(context.Context) error { return store.Close() })
	a.limiter = newLimiter(store, cmp.Or(a.opts.PaceFactor, a.opts.Config.Pace.Factor))
	a.metrics = web.NewMetrics(store, version(), a.log)
	a.store = a.metrics.Store(store)
	return nil
}

// startSlack makes the client and finds out whom it speaks for. A token that
// Slack refuses ends the start; a Slack that does not answer is tried again.
func (a *app) startSlack(ctx context.Context) error {
	cfg := a.opts.Config
	transport := http.DefaultTransport.(*http.Transport).Clone()
	a.onStop("connections to slack", func(context.Context) error {
		transport.CloseIdleConnections()
		return nil
	})
	var err error
	a.slack, err = slackapi.New(slackapi.Options{
		BotToken: cfg.Slack.BotToken, APIURL: cfg.Slack.APIURL, Roles: rolesOf(cfg.Roles), Chart: chart.PNG,
		MessagesPerMinute: float64(cfg.Pace.MessagesPerMinute), MessagesPerSecond: cfg.Pace.MessagesPerChannelPerSecond,
		Limiter: a.limiter, HTTP: &http.Client{Transport: a.metrics.Transport(transport)}, Log: a.log,
	})
	if err != nil {
		return err
	}
	return a.greet(ctx)
}

func (a *app) startEngine(ctx context.Context) error {
	var err error
	a.tracker, a.tickets, err = newTracker(a.opts.Config.Tracker, trackerParts{
		store: a.store, limiter: a.limiter, clock: a.opts.Clock, page: a.opts.TicketPage,
	})
	if err != nil {
		return err
	}
	cfg := a.opts.Config
	parts := slackParts{messenger: a.slack, channels: a.slack, directory: a.slack, roles: a.slack, files: a.slack}
	if parts.found, err = a.findChannels(ctx, cfg); err != nil {
		return err
	}
	parts.command = a.commandChannel
	a.engine, err = newEngine(cfg, a.store, a.tracker, parts, a.opts.Clock, a.log, a.opts.Work)
	return err
}

// startPeople lets everybody of the workspace be read beside the start, which takes
// minutes in a large one, so that names are known before somebody types one.
func (a *app) startPeople(ctx context.Context) error {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := a.slack.ReadPeople(ctx); err != nil && ctx.Err() == nil {
			a.log.WithError(err).Warn("the list of people could not be read; names are looked for when somebody types one")
		}
	}()
	a.onStop("list of people", func(until context.Context) error {
		cancel()
		select {
		case <-done:
			return nil
		case <-until.Done():
			return context.Cause(until)
		}
	})
	return nil
}

// startLocal lets the other subcommands reach the store that this process holds;
// one in Redis they open themselves.
func (a *app) startLocal(context.Context) error {
	if isShared(a.opts.Config.Store) {
		return nil
	}
	path, err := storePath(a.opts.Config.Store)
	if err != nil {
		return err
	}
	local, err := startLocal(path, a.engine, a.store, a.log)
	if err != nil {
		return err
	}
	a.onStop("local socket", local.stop)
	return nil
}

// startWorker lets the engine claim and work what is due.
func (a *app) startWorker(ctx context.Context) error {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx)) // it ends by Stop, after what brings work
	done := make(chan error, 1)
	go func() { done <- a.engine.Run(ctx) }()
	a.onStop("worker", func(until context.Context) error {
		cancel()
		select {
		case err := <-done:
			return err
		case <-until.Done():
			a.log.Warn("work in hand was left; it is looked up and finished at the next start")
			return nil
		}
	})
	return nil
}

func (a *app) startWeb(ctx context.Context) error {
	o := web.Options{
		Listen: a.opts.Config.Listen, Gather: a.metrics.Handler(), Log: a.log,
		Ready: []web.Check{{Name: "store", Run: a.storeAnswers, Note: a.storePromises}, {Name: "slack", Run: a.slackConnected, Note: a.startedWithout}},
	}
	if signing := a.opts.Config.Slack.SigningSecret; a.opts.Config.Slack.Mode == "http" {
		o.Leave = a.opts.LeaveFor
		o.Routes = map[string]http.Handler{
			"/slack/events": a.server.Events(signing), "/slack/interactivity": a.server.Interactivity(signing), "/slack/command": a.server.Command(signing),
		}
	}
	a.addAPI(&o)
	var err error
	if a.web, err = web.Listen(ctx, o); err != nil {
		return err
	}
	a.web.Start()
	a.onStop("web server", a.web.Stop)
	return nil
}

// addAPI hangs on the web server what programs may ask, each with its token.
func (a *app) addAPI(o *web.Options) {
	var tokens []web.Token
	for _, t := range a.opts.Config.API.Tokens {
		tokens = append(tokens, web.Token{Name: t.Name, SHA256: t.SHA256, May: t.May})
	}
	if o.Routes == nil {
		o.Routes = map[string]http.Handler{}
	}
	blocked := func(ctx context.Context) (campaign.Blocklist, error) {
		return campaign.ReadBlocklist(ctx, a.store, a.opts.Clock.Now())
	}
	o.Routes["GET /v1/check"] = web.Bearer(tokens, "check", web.BuildCheck(advisory.Matcher{}, blocked, a.log))
	o.Routes["POST /v1/scans"] = web.Bearer(tokens, "scans", web.Scans(a.takeScans(), a.log))
	if hinter, ok := a.tracker.(web.Hinter); ok && !a.opts.Config.Tracker.WebhookSecret.IsZero() {
		systems := map[string]web.Hinter{a.opts.Config.Tracker.Kind: hinter}
		o.Routes["POST /v1/trackers/{name}"] = web.TrackerHooks(systems, a.engine.Hint, a.log)
	}
}

func (a *app) storeAnswers(ctx context.Context) error {
	if _, err := a.store.Counters(ctx, campaign.Sys, ""); err != nil {
		return &campaign.Error{Kind: campaign.Unavailable, Err: err, Message: "The store does not answer."}
	}
	return nil
}

// storePromises says behind the readiness of the store how durable it is.
func (a *app) storePromises(ctx context.Context) string {
	found, err := a.durable.Durability(ctx)
	if err != nil {
		a.log.WithError(err).Warn("the store does not say how durable it is")
		return "how durable it is, it does not say"
	}
	return strings.Join(append([]string{found.Promise}, found.Doubts...), " ")
}

// slackConnected looks at the sockets; in HTTP mode Slack comes to us, and there
// is nothing to look at.
func (a *app) slackConnected(context.Context) error {
	if a.socket != nil && a.socket.Connected() == 0 {
		return campaign.Refuse(campaign.Unavailable, "No Socket Mode connection to Slack is up.")
	}
	return nil
}

// startSocket connects to Slack, unless Slack comes to us.
func (a *app) startSocket(ctx context.Context) error {
	if a.socket == nil {
		return nil
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan error, 1)
	go func() { done <- a.socket.Run(ctx) }()
	a.onStop("socket mode", func(until context.Context) error {
		cancel()
		select {
		case err := <-done:
			return err
		case <-until.Done():
			return context.Cause(until)
		}
	})
	return nil
}

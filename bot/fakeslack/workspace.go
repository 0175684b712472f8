package fakeslack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Options describe a workspace. The zero value is a usable one.
type Options struct {
	Addr   string           // where to listen; default 127.0.0.1:0, a free port
	Now    func() time.Time // the workspace's clock: stamps, triggers, response URLs; default time.Now
	Team   string           // name of the workspace; default "Acme"
	Domain string           // its subdomain; default "acme"

	BotName       string   // name of the app's bot user; default "muster"
	BotToken      string   // default "xoxb-fake-bot"
	AppToken      string   // default "xapp-fake-app"
	SigningSecret string   // default "fake-signing-secret"
	Scopes        []string // scopes of the bot token; nil grants every scope
	Events        []string // event subscriptions as a manifest names them (message.im, user_change …); nil means all

	TriggerLife     time.Duration   // how long a trigger_id serves, by Now; default 3 s
	ResponseURLLife time.Duration   // how long a response_url serves, by Now; default 30 min
	AckWithin       time.Duration   // how long an acknowledgement may take, in real time; default 3 s
	Redeliver       []time.Duration // waits before each redelivery of an event, real time; default 0, 1 min, 5 min
	PingEvery       time.Duration   // between ping frames, real time; default 5 s

	Pace Pace // rate limits; the zero value enforces none

	// RefuseBlocks names block types that are answered with invalid_blocks, as a
	// workspace does while a new block is still being rolled out to it.
	RefuseBlocks []string

	// MaxListed bounds the channels that one page of a list of channels looks at,
	// whatever its limit says; default 1000. Slack's pages are often small.
	MaxListed int

	// RedeliverCommands also redelivers commands and interactions that were not
	// acknowledged. Slack shows the person an error instead, and so does the default.
	RedeliverCommands bool

	MaxCalls      int // entries kept of the API call log; default 20,000
	MaxChanges    int // entries kept of the change feed; default 10,000
	MaxDeliveries int // entries kept of the delivery log, and events in flight; default 10,000
}

func (o Options) withDefaults() Options {
	def := func(s *string, v string) {
		if *s == "" {
			*s = v
		}
	}
	def(&o.Addr, "127.0.0.1:0")
	def(&o.Team, "Acme")
	def(&o.Domain, "acme")
	def(&o.BotName, "muster")
	def(&o.BotToken, "xoxb-fake-bot")
	def(&o.AppToken, "xapp-fake-app")
	def(&o.SigningSecret, "fake-signing-secret")
	if o.Now == nil {
		o.Now = time.Now
	}
	span := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	span(&o.TriggerLife, 3*time.Second)
	span(&o.ResponseURLLife, 30*time.Minute)
	span(&o.AckWithin, 3*time.Second)
	span(&o.PingEvery, 5*time.Second)
	if o.Redeliver == nil {
		o.Redeliver = []time.Duration{0, time.Minute, 5 * time.Minute}
	}
	count := func(n *int, v int) {
		if *n <= 0 {
			*n = v
		}
	}
	count(&o.MaxListed, 1000)
	count(&o.MaxCalls, 20_000)
	count(&o.MaxChanges, 10_000)
	count(&o.MaxDeliveries, 10_000)
	return o
}

// Workspace is one Slack workspace with one app installed. All its methods may be
// called concurrently, and what they return are copies.
type Workspace struct {
	opts   Options
	mux    *http.ServeMux
	server *http.Server
	base   string

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	wg     sync.WaitGroup // everything that runs on its own, requests included
	gate   sync.Mutex     // orders the start of work against Close
	shut   bool           // no more work may start; under gate

	mu         sync.RWMutex
	serial     int64 // of identifiers
	lastTS     int64 // microseconds of the newest timestamp given out
	team       string
	appID      string
	bot        *User
	tokens     map[string]*token
	users      map[string]*User
	userOrder  []string
	byEmail    map[string]string
	groups     []*UserGroup
	channels   map[string]*channel
	channelIDs []string
	names      map[string]string  // channel name -> id
	dms        map[string]string  // user id, or sorted user ids -> channel id
	views      map[string]*View   // open modals and homes, by id
	modals     map[string][]*View // per user, the bottom first
	homes      map[string]*View
	triggers   map[string]*trigger
	responses  map[string]*responseURL
	files      map[string]*File
	fileOrder  []string
	uploads    map[string]*File // by upload path
	notes      []Notification
	noteCounts map[string]int
	calls      ring[Call]
	callCounts map[string]int
	changes    ring[Change]
	changed    chan struct{}
	deliveries ring[Delivery]
	waiting    int // events in flight
	refused    map[string]bool
	endpoints  Endpoints
	httpClient *http.Client

	page *Page // nil until ServePage

	faults faults
	pacer  pacer
	hub    hub
}

// Start opens the workspace and serves it until Close.
func Start(o Options) (*Workspace, error) {
	o = o.withDefaults()
	listener, err := net.Listen("tcp", o.Addr)
	if err != nil {
		return nil, fmt.Errorf("listen for the fake Slack: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	w := &Workspace{
		opts: o, mux: http.NewServeMux(), ctx: ctx, cancel: cancel,
		base:   "http://" + listener.Addr().String(),
		tokens: map[string]*token{}, users: map[string]*User{}, byEmail: map[string]string{},
		channels: map[string]*channel{}, names: map[string]string{}, dms: map[string]string{},
		views: map[string]*View{}, modals: map[string][]*View{}, homes: map[string]*View{},
		triggers: map[string]*trigger{}, responses: map[string]*responseURL{},
		files: map[string]*File{}, uploads: map[string]*File{},
		noteCounts: map[string]int{}, callCounts: map[string]int{},
		calls: newRing[Call](o.MaxCalls), changes: newRing[Change](o.MaxChanges),
		deliveries: newRing[Delivery](o.MaxDeliveries),
		changed:    make(chan struct{}), refused: map[string]bool{},
		httpClient: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}},
	}
	for _, kind := range o.RefuseBlocks {
		w.refused[kind] = true
	}
	w.pacer.set(o.Pace)
	w.hub.init(w)
	w.install()
	w.routes()
	w.server = &http.Server{Handler: http.HandlerFunc(w.serve), ReadHeaderTimeout: 10 * time.Second}
	w.wg.Go(func() { _ = w.server.Serve(listener) })
	return w, nil
}

// install creates the app: its bot user and its two tokens.
func (w *Workspace) install() {
	w.team = w.id("T")
	w.appID = w.id("A")
	botID := w.id("B")
	w.bot = &User{
		ID: w.id("U"), Name: w.opts.BotName, RealName: w.opts.BotName, DisplayName: w.opts.BotName,
		IsBot: true, BotID: botID, TZ: "UTC", TZLabel: "Coordinated Universal Time",
	}
	w.users[w.bot.ID] = w.bot
	w.userOrder = append(w.userOrder, w.bot.ID)
	w.tokens[w.opts.BotToken] = &token{scopes: w.opts.Scopes}
	w.tokens[w.opts.AppToken] = &token{app: true}
}

// Close cuts every connection, stops every delivery and waits for all of it. It
// may be called twice.
func (w *Workspace) Close() error {
	w.gate.Lock()
	again := w.shut
	w.shut = true
	w.gate.Unlock()
	if again {
		return nil
	}
	w.cancel()
	w.hub.closeAll()
	err := w.server.Close()
	w.wg.Wait()
	w.httpClient.CloseIdleConnections()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// enter counts a piece of work in; it is false when the workspace is closing.
func (w *Workspace) enter() bool {
	w.gate.Lock()
	defer w.gate.Unlock()
	if w.shut {
		return false
	}
	w.wg.Add(1)
	return true
}

// run starts work that Close waits for; after Close it starts nothing.
func (w *Workspace) run(work func()) {
	if !w.enter() {
		return
	}
	go func() {
		defer w.wg.Done()
		work()
	}()
}

// serve counts requests in, so that Close waits for them too.
func (w *Workspace) serve(rw http.ResponseWriter, hr *http.Request) {
	if !w.enter() {
		http.Error(rw, "closed", http.StatusServiceUnavailable)
		return
	}
	defer w.wg.Done()
	w.mux.ServeHTTP(rw, hr)
}

// URL is the root of the workspace's server, without a slash at its end.
func (w *Workspace) URL() string { return w.base }

// APIURL is what slack.OptionAPIURL and MUSTER_SLACK_API_URL take.
func (w *Workspace) APIURL() string { return w.base + "/api/" }

// Handle serves h beside the API on the workspace's own address. Patterns are
// those of http.ServeMux; those under /api/, /link/, /upload/, /files/ and
// /response/ are taken.
func (w *Workspace) Handle(pattern string, h http.Handler) { w.mux.Handle(pattern, h) }

// BotToken is the bot's xoxb- token.
func (w *Workspace) BotToken() string { return w.opts.BotToken }

// AppToken is the app-level xapp- token for Socket Mode.
func (w *Workspace) AppToken() string { return w.opts.AppToken }

// SigningSecret signs what is delivered over HTTP.
func (w *Workspace) SigningSecret() string { return w.opts.SigningSecret }

// TeamID is the workspace's own id, AppID the app's, BotUserID its bot user's.
func (w *Workspace) TeamID() string { return w.team }

// AppID is the id of the installed app.
func (w *Workspace) AppID() string { return w.appID }

// BotUserID is the user id under which the app speaks.
func (w *Workspace) BotUserID() string { return w.bot.ID }

// Now is the workspace's clock.
func (w *Workspace) Now() time.Time { return w.opts.Now() }

// id gives out an identifier. Callers hold the lock, or are alone.
func (w *Workspace) id(prefix string) string {
	w.serial++
	return prefix + "0" + pad36(w.serial, 8)
}

func pad36(n int64, width int) string {
	s := strings.ToUpper(strconv.FormatInt(n, 36))
	return strings.Repeat("0", max(0, width-len(s))) + s
}

// ts gives out a message timestamp, later than every one before it.
func (w *Workspace) ts() string {
	w.lastTS = max(w.opts.Now().UnixMicro(), w.lastTS+1)
	return formatTS(w.lastTS)
}

func formatTS(micro int64) string {
	return fmt.Sprintf("%d.%06d", micro/1_000_000, micro%1_000_000)
}

// parseTS reads a timestamp; it is false for what is none.
func parseTS(s string) (int64, bool) {
	whole, frac, _ := strings.Cut(s, ".")
	if len(frac) > 6 {
		frac = frac[:6]
	}
	frac += strings.Repeat("0", 6-len(frac))
	secs, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || secs < 0 || secs > 1<<40 {
		return 0, false
	}
	micros, err := strconv.ParseInt(frac, 10, 64)
	if err != nil || micros < 0 {
		return 0, false
	}
	return secs*1_000_000 + micros, true
}

// Package slackapi is the only caller of Slack's Web API. It keeps below
// Slack's limits instead of being told off, never tries a call again by itself,
// and answers every failure with an error whose kind says what to do next.
package slackapi

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/slack-go/slack"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/configs/secret"
)

// Options are what a Client needs.
type Options struct {
	BotToken secret.Secret // required
	APIURL   string        // with or without a slash at its end; default "https://slack.com/api/"

	// Roles names who has a role: Slack user IDs (U…, W…) and user-group IDs
	// (S…). A role that is not in it is held by nobody.
	Roles map[campaign.Role][]string
	// Chart draws a chart as a PNG, for workspaces that do not take native
	// charts yet. Without it they get the numbers as text.
	Chart func(campaign.Chart) ([]byte, error)

	Limiter           campaign.Limiter // required: asked before each call
	MessagesPerMinute float64          // posts in the whole workspace; default 300
	MessagesPerSecond float64          // posts in one channel; default 1
	Timeout           time.Duration    // of one call; default 10 s
	PeopleFor         time.Duration    // how long the list of people serves; default 6 h
	GroupsFor         time.Duration    // how long a user group's members serve; default 5 min
	HTTP              *http.Client     // default: one of its own
	Log               logrus.FieldLogger
}

func (o Options) withDefaults() (Options, error) {
	if o.BotToken.Reveal() == "" {
		return o, errors.New("slackapi: Options.BotToken is required")
	}
	if o.Limiter == nil {
		return o, errors.New("slackapi: Options.Limiter is required")
	}
	o.APIURL = strings.TrimSuffix(cmp.Or(o.APIURL, slack.APIURL), "/") + "/"
	if u, err := url.Parse(o.APIURL); err != nil || u.Host == "" {
		return o, errors.New("slackapi: Options.APIURL must be a URL")
	}
	o.MessagesPerMinute = cmp.Or(o.MessagesPerMinute, 300)
	o.MessagesPerSecond = cmp.Or(o.MessagesPerSecond, 1)
	o.Timeout = cmp.Or(o.Timeout, 10*time.Second)
	o.PeopleFor = cmp.Or(o.PeopleFor, 6*time.Hour)
	o.GroupsFor = cmp.Or(o.GroupsFor, 5*time.Minute)
	if o.HTTP == nil {
		o.HTTP = &http.Client{}
	}
	if o.Log == nil {
		silent := logrus.New()
		silent.SetOutput(io.Discard)
		o.Log = silent
	}
	return o, nil
}

// Client speaks to one workspace. It is safe for concurrent use.
type Client struct {
	opts     Options
	api      *slack.Client
	people   people
	groups   groups
	searches searches
	charts   refusal // native charts, where the workspace does not take them
	tables   refusal

	mu sync.Mutex
	me *Identity
}

var (
	_ campaign.Messenger = (*Client)(nil)
	_ campaign.Channels  = (*Client)(nil)
	_ campaign.Directory = (*Client)(nil)
	_ campaign.Roles     = (*Client)(nil)
)

// New returns a Client; it does not call Slack.
func New(o Options) (*Client, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	return &Client{
		opts: o,
		// OptionRetry stays off: it would post again after a lost answer.
		api: slack.New(o.BotToken.Reveal(), slack.OptionAPIURL(o.APIURL), slack.OptionHTTPClient(o.HTTP)),
	}, nil
}

// Identity is who the token speaks for.
type Identity struct {
	TeamID string
	UserID string // of the bot user
	BotID  string
	Team   string // name of the workspace
}

// Identity returns who the token speaks for. It asks Slack once.
func (c *Client) Identity(ctx context.Context) (Identity, error) {
	c.mu.Lock()
	known := c.me
	c.mu.Unlock()
	if known != nil {
		return *known, nil
	}
	var got *slack.AuthTestResponse
	err := c.read(ctx, "auth.test", func(ctx context.Context) (err error) {
		got, err = c.api.AuthTestContext(ctx)
		return err
	})
	if err != nil {
		return Identity{}, err
	}
	me := Identity{TeamID: got.TeamID, UserID: got.UserID, BotID: got.BotID, Team: got.Team}
	c.mu.Lock()
	c.me = &me
	c.mu.Unlock()
	return me, nil
}

// call is one call of a method of the Web API.
type call struct {
	method  string
	channel string // of a post: its own pace
	lane    campaign.Lane
	reads   bool // has no effect, so that a lost answer means nothing
}

// do makes one call within the pace, and turns what went wrong into an error
// with a kind.
func (c *Client) do(ctx context.Context, k call, run func(context.Context) error) error {
	wait, err := c.opts.Limiter.Take(ctx, c.rates(k), k.lane)
	if err != nil {
		return err
	}
	if wait > 0 {
		return &campaign.Error{
			Kind: campaign.Unavailable, RetryAfter: wait, Err: errors.New(k.method + ": kept back by our own pace"),
			Message: "Slack takes no more of these calls at the moment. Nothing is lost.",
		}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.opts.Timeout, errors.New(k.method+": Slack did not answer in time"))
	defer cancel()
	err = run(ctx)
	if limited, ok := errors.AsType[*slack.RateLimitedError](err); ok {
		if err := c.opts.Limiter.Hold(context.WithoutCancel(ctx), k.method, limited.RetryAfter); err != nil {
			c.opts.Log.WithError(err).WithField("method", k.method).Warn("keep what slack asked for")
		}
	}
	return explain(k, err)
}

// read makes a call without effect that a person may be waiting for.
func (c *Client) read(ctx context.Context, method string, run func(context.Context) error) error {
	return c.do(ctx, call{method: method, reads: true}, run)
}

// write makes a call that takes effect.
func (c *Client) write(ctx context.Context, method string, lane campaign.Lane, run func(context.Context) error) error {
	return c.do(ctx, call{method: method, lane: lane}, run)
}

// refusal remembers for a while that the workspace does not take something.
type refusal struct {
	mu    sync.Mutex
	until time.Time
}

// refusedFor is how long a refusal is believed: a roll-out ends some day.
const refusedFor = time.Hour

func (r *refusal) set() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.until = time.Now().Add(refusedFor)
}

func (r *refusal) holds() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return time.Now().Before(r.until)
}

// OpenSocket returns the address of one Socket Mode connection. It serves once, for
// half a minute, and is a credential.
func (c *Client) OpenSocket(ctx context.Context, appToken secret.Secret) (string, error) {
	api := slack.New(c.opts.BotToken.Reveal(), slack.OptionAppLevelToken(appToken.Reveal()),
		slack.OptionAPIURL(c.opts.APIURL), slack.OptionHTTPClient(c.opts.HTTP))
	_, address, err := api.StartSocketModeContext(ctx)
	return address, err
}

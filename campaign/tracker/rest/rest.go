// Package rest is how trackers call out. A Client speaks JSON over HTTP to one
// ticket system; its Transport does the same under a vendor's own client. Both
// send credentials to that system only, over verified TLS where it speaks TLS,
// ask the campaign.Limiter before each call, bound time and size, and turn
// whatever goes wrong into a campaign.Error: its kind says whether anything may
// have taken effect. Nothing is tried again here; the worker does that.
package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/musterbot/muster/campaign"
)

// Options are what a Client needs.
type Options struct {
	System  string // required: what people call it, such as "Jira"
	BaseURL string // required: scheme, host and the path that all calls share
	Auth    Auth   // required
	// Limiter is asked before each call; nil asks nobody.
	Limiter campaign.Limiter
	// Rate is what each call counts under. Its Name is "tracker <name>", by the
	// tracker's name in the configuration; it is not used without a Limiter. Two
	// calls may always come at once.
	Rate campaign.Rate
	// Share is a rate that calls count under besides, and that a refusal holds
	// instead: several clients that have it are stopped together, and those without
	// it go on. Default none.
	Share campaign.Rate
	// Timeout bounds one call with its answer; default 30 s.
	Timeout time.Duration
	// MaxAnswer bounds an answer, in bytes; default 16 MiB.
	MaxAnswer int64
	// Base makes the connections; default one of its own, with the proxy of the
	// environment. It must verify certificates.
	Base http.RoundTripper
}

func (o Options) withDefaults() (Options, *url.URL, error) {
	base, err := url.Parse(o.BaseURL)
	switch {
	case o.System == "":
		return o, nil, errors.New("rest: Options.System is required")
	case err != nil || base.Host == "" || base.Scheme != "https" && base.Scheme != "http":
		return o, nil, errors.New("rest: Options.BaseURL is not a web address")
	case base.User != nil || base.RawQuery != "" || base.Fragment != "":
		return o, nil, errors.New("rest: Options.BaseURL holds more than scheme, host and path")
	case o.Auth.header == "" || o.Auth.token.IsZero():
		return o, nil, errors.New("rest: Options.Auth is required")
	}
	if o.Timeout <= 0 {
		o.Timeout = 30 * time.Second
	}
	if o.MaxAnswer <= 0 {
		o.MaxAnswer = 16 << 20
	}
	o.Rate.Burst, o.Share.Burst = max(pair, o.Rate.Burst), max(pair, o.Share.Burst)
	if o.Base == nil {
		own := http.DefaultTransport.(*http.Transport).Clone()
		own.MaxIdleConnsPerHost = 16 // of the worker, all to one host
		o.Base = own
	}
	base.Path = strings.TrimSuffix(base.Path, "/")
	base.RawPath = ""
	return o, base, nil
}

// Client calls one ticket system. It may be used by many at once.
type Client struct {
	opts Options
	base *url.URL
	http *http.Client
}

// New returns a Client; it connects to nothing yet.
func New(o Options) (*Client, error) {
	o, base, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	c := &Client{opts: o, base: base}
	c.http = &http.Client{Transport: c.Transport()}
	return c, nil
}

// Transport returns what a vendor's client has to be given: it adds the
// credentials, asks the limiter, and answers with a *campaign.Error in the chain
// for whatever is not a success, so that no answer of status 400 or more reaches
// the vendor's code. A request to any other host is refused unsent.
func (c *Client) Transport() http.RoundTripper { return &transport{opts: c.opts, base: c.base} }

// Close lets idle connections go.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Call is one call of the ticket system.
type Call struct {
	Method string     // default GET
	Path   string     // below the base URL, from Path
	Query  url.Values // nil for none
	In     any        // sent as JSON; nil sends nothing
	Out    any        // read from JSON; nil takes any answer
	// Header holds further headers, never the credentials.
	Header http.Header
	// ReadOnly says that a call changes nothing, whatever its method.
	ReadOnly bool
}

// Path returns a path of segments, each escaped: what comes from outside cannot
// lead elsewhere.
func Path(segments ...string) string {
	var b strings.Builder
	for _, s := range segments {
		b.WriteByte('/')
		switch s {
		case ".", "..": // would be taken for steps in the tree
			b.WriteString(strings.ReplaceAll(s, ".", "%2E"))
		default:
			b.WriteString(url.PathEscape(s))
		}
	}
	return b.String()
}

// Do makes a call. An error is a *campaign.Error; where the ticket system
// answered, a *StatusError is its cause.
func (c *Client) Do(ctx context.Context, k Call) error {
	request, err := c.request(ctx, k)
	if err != nil {
		return err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return c.unwrapped(err)
	}
	defer response.Body.Close()
	if k.Out == nil {
		_, err = io.Copy(io.Discard, response.Body) // the connection is used again; the write is done whole
		return c.unread(k, err)
	}
	if err := json.NewDecoder(response.Body).Decode(k.Out); err != nil {
		return c.unread(k, fmt.Errorf("decode answer: %w", err))
	}
	_, _ = io.Copy(io.Discard, response.Body)
	return nil
}

func (c *Client) request(ctx context.Context, k Call) (*http.Request, error) {
	var body io.Reader
	if k.In != nil {
		text, err := json.Marshal(k.In)
		if err != nil {
			return nil, fmt.Errorf("encode call of %s: %w", c.opts.System, err)
		}
		body = bytes.NewReader(text)
	}
	if k.ReadOnly {
		ctx = AsRead(ctx)
	}
	address := c.base.String() + k.Path
	if len(k.Query) > 0 {
		address += "?" + k.Query.Encode()
	}
	if k.Method == "" {
		k.Method = http.MethodGet
	}
	request, err := http.NewRequestWithContext(ctx, k.Method, address, body)
	if err != nil {
		return nil, fmt.Errorf("call %s: %w", c.opts.System, err)
	}
	for name, values := range k.Header {
		request.Header[name] = values
	}
	request.Header.Set("Accept", "application/json")
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	return request, nil
}

// unwrapped takes http.Client's own words off: they hold the whole address.
func (c *Client) unwrapped(err error) error {
	if known, ok := errors.AsType[*campaign.Error](err); ok {
		return known
	}
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	return fmt.Errorf("call %s: %w", c.opts.System, err)
}

// unread says what an answer means that began well and could not be read.
func (c *Client) unread(k Call, err error) error {
	if err == nil {
		return nil
	}
	if known, ok := errors.AsType[*campaign.Error](err); ok {
		return known
	}
	if k.ReadOnly || k.Method == "" || isRead(k.Method) {
		return &campaign.Error{
			Kind: campaign.Unavailable, Err: err,
			Message: c.opts.System + " gave an answer that cannot be read. It is tried again; if this stays, check that `tracker.url` leads to " + c.opts.System + " itself and not to a sign-in page.",
		}
	}
	return &campaign.Error{Kind: campaign.Uncertain, Err: err, Message: c.opts.System + " took the call, but its answer cannot be read. It is looked up before it is tried again."}
}

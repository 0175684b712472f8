package rest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/musterbot/muster/campaign"
)

// transport is the http.RoundTripper of Client.Transport.
type transport struct {
	opts   Options
	base   *url.URL
	unsaid backoff
}

type readKey struct{}

// AsRead marks the calls made with ctx as changing nothing, although their
// method says otherwise: a search by POST.
func AsRead(ctx context.Context) context.Context { return context.WithValue(ctx, readKey{}, true) }

func isRead(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(request *http.Request) (*http.Response, error) {
	ctx := request.Context()
	marked, _ := ctx.Value(readKey{}).(bool)
	read := marked || isRead(request.Method)
	if err := t.admit(ctx, request.URL); err != nil {
		if request.Body != nil {
			_ = request.Body.Close() // as every RoundTripper does
		}
		return nil, err
	}

	ctx, cancel := context.WithTimeoutCause(ctx, t.opts.Timeout, errTooSlow)
	var sent atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		// From here on something may have reached the other side.
		GotConn: func(httptrace.GotConnInfo) { sent.Store(true) },
	})
	request = request.Clone(ctx)
	t.opts.Auth.apply(request.Header)
	response, err := t.opts.Base.RoundTrip(request)
	if err != nil {
		cancel()
		return nil, t.broken(err, read, sent.Load())
	}
	response.Body = &answer{body: response.Body, cancel: cancel, left: t.opts.MaxAnswer, t: t, read: read}
	if err := t.judge(ctx, request, response, read); err != nil {
		_ = response.Body.Close()
		return nil, err
	}
	return response, nil
}

var errTooSlow = errors.New("it did not answer in time")

// patience bounds how long a call of an operation that has begun waits for its
// turn.
const patience = 10 * time.Second

type operationKey struct{}

// Operation returns the context of an operation of several calls. Its first call
// is refused when it is above the rate, as every call is; those after it wait for
// their turn, at most 10 s each. Otherwise, at the rate, all operations would
// begin and none end.
func Operation(ctx context.Context) context.Context { return operationOf(ctx, 1) }

// pair is how many calls filing takes.
const pair = 2

// SearchAndCreate returns the context of an operation of two calls, as filing is.
// Both are taken from the rate in one step, before the first.
func SearchAndCreate(ctx context.Context) context.Context { return operationOf(ctx, pair) }

func operationOf(ctx context.Context, calls int) context.Context {
	return context.WithValue(ctx, operationKey{}, &operation{calls: calls})
}

// operation is several calls for one purpose.
type operation struct {
	calls int // taken at its beginning

	mu    sync.Mutex
	begun bool
	left  int // taken, and not made yet
}

// admit asks for a call of the operation to be let through.
func (o *operation) admit(take func(calls int) (time.Duration, error)) (wait time.Duration, begun bool, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.left > 0 {
		o.left--
		return 0, true, nil
	}
	calls := 1
	if !o.begun {
		calls = o.calls
	}
	begun = o.begun
	wait, err = take(calls)
	if wait <= 0 && err == nil {
		o.begun, o.left = true, calls-1
	}
	return wait, begun, err
}

// admit refuses what would go elsewhere, and what is above the rate.
func (t *transport) admit(ctx context.Context, to *url.URL) error {
	if to.Scheme != t.base.Scheme || to.Host != t.base.Host {
		return &campaign.Error{
			Kind: campaign.Forbidden, Err: fmt.Errorf("a call of %s would go to %s://%s", t.opts.System, to.Scheme, to.Host),
			Message: t.opts.System + " pointed Muster to another host, and nothing was sent there. Check `tracker.url`.",
		}
	}
	if t.opts.Limiter == nil {
		return nil
	}
	o, ok := ctx.Value(operationKey{}).(*operation)
	if !ok {
		o = &operation{calls: 1}
	}
	take := func(calls int) (time.Duration, error) {
		rates := []campaign.Rate{t.opts.Rate}
		if t.opts.Share.Name != "" {
			rates = append(rates, t.opts.Share)
		}
		for i := range rates {
			if calls > 1 {
				rates[i].Calls = calls
			}
		}
		return t.opts.Limiter.Take(ctx, rates, campaign.LaneOf(ctx))
	}
	for {
		wait, begun, err := o.admit(take)
		switch {
		case err != nil:
			return t.unpaced(err)
		case wait <= 0:
			return nil
		case !begun, wait > patience:
			return t.busy(wait, nil)
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return t.busy(wait, context.Cause(ctx))
		case <-timer.C:
		}
	}
}

// unpaced is a limiter that does not answer. Without it nothing is sent.
func (t *transport) unpaced(err error) error {
	if campaign.KindOf(err) != campaign.Internal {
		return fmt.Errorf("pace calls of %s: %w", t.opts.System, err)
	}
	return &campaign.Error{
		Kind: campaign.Unavailable, Err: fmt.Errorf("pace calls of %s: %w", t.opts.System, err),
		Message: "Muster could not find out whether " + t.opts.System + " may be called now. Nothing was sent; it is tried again.",
	}
}

// busy is a clean refusal: try again after d.
func (t *transport) busy(d time.Duration, cause error) error {
	return &campaign.Error{
		Kind: campaign.Unavailable, RetryAfter: d, Err: cause,
		Message: t.opts.System + " is at its rate limit, or at that of `tracker.calls_per_minute`. It is tried again by itself.",
	}
}

// broken says what a call without an answer means.
func (t *transport) broken(err error, read, sent bool) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err // its words hold the whole address
	}
	if read || !sent {
		return &campaign.Error{
			Kind: campaign.Unavailable, Err: fmt.Errorf("call %s: %w", t.opts.System, err),
			Message: t.opts.System + " cannot be reached. Nothing was changed there; it is tried again.",
		}
	}
	return &campaign.Error{
		Kind: campaign.Uncertain, Err: fmt.Errorf("call %s: %w", t.opts.System, err),
		Message: t.opts.System + " did not answer. It may have been done; it is looked up before it is tried again.",
	}
}

// answer is the body of a response, bounded in size, and in time by cancel.
type answer struct {
	body   io.ReadCloser
	cancel context.CancelFunc
	left   int64
	t      *transport
	read   bool
}

var errTooLarge = errors.New("the answer is too large")

// Read implements io.Reader. It answers with a *campaign.Error when the
// connection breaks or the answer is too large.
func (a *answer) Read(p []byte) (int, error) {
	if a.left <= 0 {
		var one [1]byte
		if n, err := a.body.Read(one[:]); n == 0 && err == io.EOF {
			return 0, io.EOF
		}
		return 0, a.t.broken(errTooLarge, a.read, true)
	}
	n, err := a.body.Read(p[:min(int64(len(p)), a.left)])
	a.left -= int64(n)
	if err != nil && err != io.EOF {
		err = a.t.broken(err, a.read, true)
	}
	return n, err
}

// Close implements io.Closer.
func (a *answer) Close() error {
	defer a.cancel()
	return a.body.Close()
}

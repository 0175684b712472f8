// Package paging is what campaign's pagers share: one call over HTTP, bounded in
// time and size, whose outcome is an error of the domain's kinds. The services
// are in pagerduty, opsgenie and webhook; pagingtest is their contract.
package paging

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/configs/secret"
)

const (
	callFor   = 10 * time.Second // one call, from dial to the end of the answer
	maxAnswer = 64 << 10         // bytes of an answer that are read
	maxQuoted = 512              // bytes of an answer that an error repeats
	// busyFor is how long a service that refuses for its rate is left alone when
	// it does not say.
	busyFor = 30 * time.Second
)

// Options are what the services with integration keys need.
type Options struct {
	URL         string        // base; default the service's own
	Key         secret.Secret // required
	IncidentKey secret.Secret // of incident response; default Key
	HTTP        *http.Client  // default Client()
}

// WithDefaults returns the options of the package named, whose service is at url
// by default, or an error that names the option that is missing.
func (o Options) WithDefaults(name, url string) (Options, error) {
	if o.Key.IsZero() {
		return o, errors.New(name + ": Options.Key is required")
	}
	if o.IncidentKey.IsZero() {
		o.IncidentKey = o.Key
	}
	o.URL = cmp.Or(o.URL, url)
	o.HTTP = cmp.Or(o.HTTP, Client())
	return o, nil
}

// Client returns a client for a pager: it follows no redirect, since the key
// would go along.
func Client() *http.Client {
	return &http.Client{
		Timeout:       callFor,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Call is one request to a paging service.
type Call struct {
	Service string // its name, for people
	URL     string // may hold a secret, and is in no error
	Header  http.Header
	Body    []byte // JSON
}

// Post makes the call. A nil error says that the service accepted it.
func Post(ctx context.Context, client *http.Client, c Call) error {
	ctx, cancel := context.WithTimeout(ctx, callFor)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL, bytes.NewReader(c.Body))
	if err != nil {
		return &campaign.Error{
			Kind: campaign.Invalid, Err: withoutAddress(err),
			Message: "The address of " + c.Service + " cannot be read, so nobody was paged. An operator corrects `paging.url`.",
		}
	}
	for name, values := range c.Header {
		request.Header[name] = values
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "muster")
	response, err := client.Do(request)
	if err != nil {
		return unanswered(c.Service, err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if response.StatusCode >= 200 && response.StatusCode < 300 {
		return nil // what it says of it does not matter, even when it was cut off
	}
	return refused(c.Service, response, answer, err)
}

// unanswered classifies a call without an answer: what did not even reach the
// service had no effect.
func unanswered(service string, err error) error {
	e := &campaign.Error{
		Kind: campaign.Uncertain, Err: withoutAddress(err),
		Message: service + " did not answer, so a page may or may not have gone out. It is being tried again; that wakes nobody twice.",
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		e.Kind, e.Message = campaign.Unavailable, service+" cannot be reached, so nobody was paged yet. It is being tried again."
	}
	return e
}

// withoutAddress takes the address off an error: it may hold a secret.
func withoutAddress(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

func refused(service string, response *http.Response, answer []byte, readErr error) error {
	e := &campaign.Error{Err: fmt.Errorf("%s answered %s: %s", service, response.Status, quoted(answer))}
	if readErr != nil {
		e.Err = errors.Join(e.Err, withoutAddress(readErr))
	}
	const kept = " The page is kept; an operator corrects the cause, and the button in the command channel tries again."
	switch code := response.StatusCode; {
	case code == http.StatusTooManyRequests:
		e.Kind, e.RetryAfter = campaign.Unavailable, retryAfter(response.Header)
		e.Message = service + " takes no more pages for a moment. It is being tried again."
	case code == http.StatusServiceUnavailable:
		e.Kind, e.Message = campaign.Unavailable, service+" is out of service, so nobody was paged yet. It is being tried again."
	case code >= 500 || code == http.StatusRequestTimeout:
		e.Kind = campaign.Uncertain
		e.Message = service + " failed, so a page may or may not have gone out. It is being tried again; that wakes nobody twice."
	case code == http.StatusUnauthorized || code == http.StatusPaymentRequired || code == http.StatusForbidden:
		e.Kind, e.Message = campaign.Forbidden, service+" refused the key of `paging`, so nobody was paged."+kept
	case code == http.StatusNotFound || code == http.StatusGone || code == http.StatusMethodNotAllowed:
		e.Kind, e.Message = campaign.NotFound, service+" is not at the address of `paging.url`, so nobody was paged."+kept
	case code < 400:
		e.Kind, e.Message = campaign.NotFound, service+" answered that it moved; the key is not sent after it, so nobody was paged."+kept
	default:
		e.Kind, e.Message = campaign.Invalid, service+" refused the page as invalid, so nobody was paged."+kept
	}
	return e
}

// retryAfter reads Retry-After, in seconds or as a date.
func retryAfter(h http.Header) time.Duration {
	text := h.Get("Retry-After")
	if seconds, err := strconv.Atoi(text); err == nil && seconds > 0 {
		return min(time.Duration(min(seconds, 3600))*time.Second, time.Hour)
	}
	if at, err := http.ParseTime(text); err == nil && time.Until(at) > 0 {
		return min(time.Until(at), time.Hour)
	}
	return busyFor
}

func quoted(answer []byte) string {
	return strconv.Quote(Clip(strings.TrimSpace(string(answer)), maxQuoted))
}

// Clip cuts a text to so many bytes, between characters, and shows that it did.
// So it keeps limits that a service counts in characters, too.
func Clip(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	cut := limit - len("…")
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "…"
}

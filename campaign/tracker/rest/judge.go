package rest

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/musterbot/muster/campaign"
)

// StatusError is what a ticket system answered instead of a success. It is the
// cause of the campaign.Error that is returned.
type StatusError struct {
	Method string
	Path   string
	Status int
	Header http.Header
	Body   []byte // its first 64 KiB, without the credentials

	held error // why the limiter could not be told
}

// maxErrorBody bounds what is kept of an answer that is not a success, in bytes.
const maxErrorBody = 64 << 10

// Error returns the text for operators.
func (e *StatusError) Error() string {
	text := fmt.Sprintf("%s %s: status %d", e.Method, e.Path, e.Status)
	if words := Words(e.Body); words != "" {
		text += ": " + words
	}
	if e.held != nil {
		text += " (and the limiter could not be told: " + e.held.Error() + ")"
	}
	return text
}

// judge returns what a response means that is not a success; nil for one.
func (t *transport) judge(ctx context.Context, request *http.Request, response *http.Response, read bool) error {
	status := response.StatusCode
	switch {
	case asNobody(response):
		return t.anonymous(request, response)
	case status >= 200 && status < 300, status == http.StatusNotModified:
		return nil
	case status >= 300 && status < 400:
		return t.redirected(request, response, read)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxErrorBody))
	cause := &StatusError{
		Method: request.Method, Path: request.URL.Path, Status: status, Header: response.Header,
		Body: t.withoutToken(body),
	}
	if limited(cause) {
		return t.held(ctx, cause)
	}
	if status == http.StatusServiceUnavailable {
		return &campaign.Error{
			Kind: campaign.Unavailable, RetryAfter: retryAfter(response.Header), Err: cause,
			Message: t.opts.System + " is not available now. It is tried again by itself.",
		}
	}
	if status >= 500 || status == http.StatusRequestTimeout || err != nil && status < 400 {
		return t.broken(cause, read, true)
	}
	return t.refused(cause)
}

// asNobody reports whether the credentials were refused, and the call was answered
// as if nobody had made it: Jira Cloud shows an expired token that there are no
// issues, by 404 or an empty list, and says so in a header only.
func asNobody(response *http.Response) bool {
	if response.StatusCode == http.StatusTooManyRequests || response.StatusCode >= 500 {
		return false // it is busy or broken, whoever asks
	}
	for _, reason := range response.Header.Values("X-Seraph-LoginReason") {
		if strings.Contains(reason, "AUTHENTICATED_FAILED") || strings.Contains(reason, "AUTHENTICATION_DENIED") {
			return true
		}
	}
	return false
}

// anonymous refuses an answer to nobody, whatever it says.
func (t *transport) anonymous(request *http.Request, response *http.Response) error {
	body, _ := io.ReadAll(io.LimitReader(response.Body, maxErrorBody)) // for operators only
	return &campaign.Error{
		Kind: campaign.Forbidden, Message: t.unknownHere(),
		Err: &StatusError{
			Method: request.Method, Path: request.URL.Path, Status: response.StatusCode, Header: response.Header, Body: t.withoutToken(body),
		},
	}
}

// kept ends what an operator has to correct.
const kept = " What was to be done is kept; press Try again once that is done."

func (t *transport) unknownHere() string {
	return t.opts.System + " does not accept Muster's credentials. An operator must check `tracker.token`." + kept
}

// redirected lets a read follow within the same host. Everything else is a sign
// of a wrong address: a write that is sent on is no write any more.
func (t *transport) redirected(request *http.Request, response *http.Response, read bool) error {
	to, err := response.Location()
	if err == nil && isRead(request.Method) && to.Scheme == t.base.Scheme && to.Host == t.base.Host {
		return nil
	}
	where := "elsewhere"
	if err == nil {
		where = (&url.URL{Scheme: to.Scheme, Host: to.Host}).String()
	}
	cause := fmt.Errorf("%s %s: status %d to %s", request.Method, request.URL.Path, response.StatusCode, where)
	if response.StatusCode == http.StatusSeeOther && !read {
		return t.broken(cause, read, true) // the method is done, says this status
	}
	return &campaign.Error{
		Kind: campaign.Invalid, Err: cause,
		Message: t.opts.System + " sends calls on to another address, and the credentials are not sent there. An operator must correct `tracker.url`. What was to be done is kept.",
	}
}

// limited reports whether a refusal is about the rate: GitHub says so with 403.
func limited(e *StatusError) bool {
	switch e.Status {
	case http.StatusTooManyRequests:
		return true
	case http.StatusForbidden:
		return e.Header.Get("Retry-After") != "" || e.Header.Get("X-RateLimit-Remaining") == "0" ||
			strings.Contains(strings.ToLower(string(e.Body)), "secondary rate limit")
	}
	return false
}

// held tells the limiter as well, so that the others need not find out.
func (t *transport) held(ctx context.Context, cause *StatusError) error {
	wait := retryAfter(cause.Header)
	if wait == 0 {
		wait = t.unsaid.next(time.Now())
	}
	if t.opts.Limiter != nil {
		name := cmp.Or(t.opts.Share.Name, t.opts.Rate.Name)
		if err := t.opts.Limiter.Hold(context.WithoutCancel(ctx), name, wait); err != nil {
			cause.held = err // the refusal itself matters more
		}
	}
	return t.busy(wait, cause)
}

// refused says what a refusal of a whole call means. It has no effect.
func (t *transport) refused(cause *StatusError) error {
	e := &campaign.Error{Err: cause}
	said := "."
	if words := Words(cause.Body); words != "" {
		said = ": " + Quote(words)
	}
	switch cause.Status {
	case http.StatusUnauthorized:
		e.Kind = campaign.Forbidden
		e.Message = t.unknownHere()
	case http.StatusForbidden:
		e.Kind = campaign.Forbidden
		e.Message = t.opts.System + " does not let Muster do this" + said + " An operator must give its account the permissions that docs/trackers.md lists." + kept
	case http.StatusNotFound, http.StatusGone:
		e.Kind = campaign.NotFound
		e.Message = t.opts.System + " has no such thing, or does not show it to Muster" + said
	case http.StatusConflict, http.StatusPreconditionFailed:
		e.Kind = campaign.Conflict
		e.Message = t.opts.System + " says that somebody else changed this" + said
	default:
		e.Kind = campaign.Invalid
		e.Message = t.opts.System + " does not take this" + said + kept
	}
	return e
}

// withoutToken takes the credentials out of what may be logged, should the other
// side repeat them.
func (t *transport) withoutToken(body []byte) []byte {
	token := t.opts.Auth.token.Reveal()
	return []byte(strings.ReplaceAll(string(slices.Clone(body)), token, "[redacted]"))
}

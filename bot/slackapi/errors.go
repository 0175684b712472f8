package slackapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/slack-go/slack"

	"github.com/musterbot/muster/campaign"
)

// meaning is what one of Slack's error codes means for us. The words say what
// happened, what was kept, and what to do.
type meaning struct {
	kind  campaign.Kind
	words string
}

const keptForRetry = " What was to be sent is kept; press Try again once that is done."

var meanings = map[string]meaning{
	"channel_not_found": {campaign.NotFound, "Slack shows Muster no such channel: it is gone, or private and Muster is not in it. Type `/invite @Muster` there." + keptForRetry},
	"not_in_channel":    {campaign.Forbidden, "Muster is not in that channel. Type `/invite @Muster` there." + keptForRetry},
	"is_archived":       {campaign.Forbidden, "That channel is archived. Unarchive it, or name another one." + keptForRetry},
	"restricted_action": {campaign.Forbidden, "The workspace's settings do not let Muster do this. Ask a workspace admin." + keptForRetry},
	"method_not_supported_for_channel_type": {
		campaign.Forbidden, "Slack does not allow this in that kind of channel. Type `/invite @Muster` there if it is private." + keptForRetry,
	},
	"thread_not_found":      {campaign.NotFound, "The thread to answer in is gone." + keptForRetry},
	"message_not_found":     {campaign.NotFound, "The message to change is gone. Nothing else was changed."},
	"cant_update_message":   {campaign.Forbidden, "That message is not Muster's to change. Nothing was changed."},
	"edit_window_closed":    {campaign.Forbidden, "That message can no longer be changed. Nothing was changed."},
	"user_not_found":        {campaign.NotFound, "Slack knows no such person. Check who the catalog names." + keptForRetry},
	"users_not_found":       {campaign.NotFound, "Slack knows no such person. Check who the catalog names." + keptForRetry},
	"user_disabled":         {campaign.NotFound, "That person's account is deactivated. Name another contact in the catalog." + keptForRetry},
	"cannot_dm_bot":         {campaign.Invalid, "That is a bot, and bots cannot be written to. Name a person." + keptForRetry},
	"invalid_name":          {campaign.Invalid, "Slack does not take this channel name. Choose another title."},
	"name_taken":            {campaign.Conflict, "A channel of this name exists already."},
	"expired_trigger_id":    {campaign.Unavailable, "The form could not be opened in time. Nothing was lost; open it with the button."},
	"invalid_trigger_id":    {campaign.Unavailable, "The form could not be opened in time. Nothing was lost; open it with the button."},
	"exchanged_trigger_id":  {campaign.Conflict, "This form was opened already."},
	"hash_conflict":         {campaign.Conflict, "This page was changed in the meantime; it shows the newer state."},
	"expired_url":           {campaign.NotFound, "Slack takes no answer there; it comes as a direct message."},
	"used_url":              {campaign.NotFound, "Slack takes no answer there; it comes as a direct message."},
	"no_such_subteam":       {campaign.NotFound, "A user group of the configured roles does not exist. Nobody has a role by it; correct `roles` in the configuration."},
	"token_revoked":         {campaign.Forbidden, "Slack has revoked Muster's token. Everything is kept; an operator must install the app again and set the new token."},
	"invalid_auth":          {campaign.Forbidden, "Slack does not accept Muster's token. Everything is kept; an operator must check it."},
	"token_expired":         {campaign.Forbidden, "Slack does not accept Muster's token any more. Everything is kept; an operator must check it."},
	"not_authed":            {campaign.Forbidden, "Slack does not accept Muster's token. Everything is kept; an operator must check it."},
	"account_inactive":      {campaign.Forbidden, "Muster's account in Slack was switched off. Everything is kept; a workspace admin must switch it on."},
	"msg_too_long":          {campaign.Invalid, "This message is too long for Slack. Nothing was posted; make the text shorter."},
	"msg_blocks_too_long":   {campaign.Invalid, "This message is too long for Slack. Nothing was posted; make the text shorter."},
	"invalid_blocks":        {campaign.Invalid, "Slack does not take this message. Nothing was posted; an operator finds the reason in the log."},
	"invalid_blocks_format": {campaign.Invalid, "Slack does not take this message. Nothing was posted; an operator finds the reason in the log."},
	"invalid_arguments":     {campaign.Invalid, "Slack does not take this. Nothing was changed; an operator finds the reason in the log."},
	"view_too_large":        {campaign.Invalid, "This form is too large for Slack. Nothing was changed."},
	"too_many_pins":         {campaign.Conflict, "The channel has no room for another pin. Unpin something." + keptForRetry},
	"too_many_bookmarks":    {campaign.Conflict, "The channel has no room for another bookmark. Remove one." + keptForRetry},
}

// unauthorized are the codes with which Slack refuses the token, and so everything.
var unauthorized = map[string]bool{
	"token_revoked": true, "token_expired": true, "invalid_auth": true, "not_authed": true, "account_inactive": true,
}

// Unauthorized returns whether Slack refused the token, rather than what was asked.
func Unauthorized(err error) bool { return unauthorized[codeOf(err)] }

// perhaps are the codes with which Slack says that something broke on its side:
// part of it may have been done.
var perhaps = map[string]bool{
	"fatal_error": true, "internal_error": true, "request_timeout": true, "service_unavailable": true, "team_added_to_org": true,
}

// explain turns what came back from a call into an error with a kind. The cause
// never holds a token or a URL: both can be secrets.
func explain(k call, err error) error {
	if err == nil {
		return nil
	}
	cause := fmt.Errorf("%s: %w", k.method, withoutURL(err))
	if limited, ok := errors.AsType[*slack.RateLimitedError](err); ok {
		return unavailable(cause, max(limited.RetryAfter, time.Second))
	}
	if answer, ok := errors.AsType[slack.SlackErrorResponse](err); ok {
		return explainCode(k, answer, cause)
	}
	if hook, ok := errors.AsType[hookRefusal](err); ok {
		m := meanings["expired_url"]
		if hook.status == http.StatusBadRequest {
			m = meanings["invalid_blocks"] // another form may be taken
		}
		return &campaign.Error{Kind: m.kind, Err: cause, Message: m.words}
	}
	if status, ok := errors.AsType[slack.StatusCodeError](err); ok {
		switch {
		case status.Code == http.StatusTooManyRequests:
			return unavailable(cause, time.Second)
		case status.Code >= 500:
			return unclear(k, cause)
		}
		return &campaign.Error{Kind: campaign.Forbidden, Err: cause, Message: "Slack, or a proxy before it, refused this. Nothing was sent; it is kept. An operator finds the reason in the log."}
	}
	if neverLeft(err) {
		return unavailable(cause, 0)
	}
	if broke(err) {
		return unclear(k, cause)
	}
	return cause
}

func explainCode(k call, answer slack.SlackErrorResponse, cause error) error {
	if len(answer.ResponseMetadata.Messages) > 0 {
		cause = fmt.Errorf("%w: %s", cause, strings.Join(answer.ResponseMetadata.Messages, "; "))
	}
	switch {
	case answer.Err == "ratelimited" || answer.Err == "rate_limited":
		return unavailable(cause, time.Second)
	case perhaps[answer.Err]:
		return unclear(k, cause)
	case answer.Err == "missing_scope":
		return &campaign.Error{
			Kind: campaign.Forbidden, Err: fmt.Errorf("%w: needs %s", cause, answer.Needed),
			Message: "Muster lacks the Slack permission `" + answer.Needed + "`. What was to be done is kept; an operator must install the app again with the manifest that `muster manifest` prints.",
		}
	}
	m, ok := meanings[answer.Err]
	if !ok && strings.HasPrefix(answer.Err, "invalid_name") {
		m, ok = meanings["invalid_name"], true
	}
	if !ok {
		return &campaign.Error{Kind: campaign.Invalid, Err: cause, Message: "Slack refused this (`" + answer.Err + "`). Nothing was changed; an operator finds more in the log."}
	}
	return &campaign.Error{Kind: m.kind, Message: m.words, Err: cause}
}

func unavailable(cause error, after time.Duration) error {
	return &campaign.Error{Kind: campaign.Unavailable, Err: cause, RetryAfter: after, Message: "Slack cannot be reached at the moment. Nothing is lost."}
}

// unclear says that a call may have taken effect; one that only reads cannot have.
func unclear(k call, cause error) error {
	if k.reads {
		return unavailable(cause, 0)
	}
	return &campaign.Error{Kind: campaign.Uncertain, Err: cause, Message: "Slack did not say whether it was done. It is looked up before anything is sent again."}
}

// neverLeft returns whether the request did not reach Slack.
func neverLeft(err error) bool {
	if errors.Is(err, syscall.ECONNREFUSED) {
		return true
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return true
	}
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial"
}

// broke returns whether the connection or the answer broke after the request
// may have left.
func broke(err error) bool {
	if _, ok := errors.AsType[*url.Error](err); ok {
		return true
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	if _, ok := errors.AsType[*json.SyntaxError](err); ok {
		return true
	}
	for _, broken := range []error{io.ErrUnexpectedEOF, io.EOF, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, broken) {
			return true
		}
	}
	return false
}

// withoutURL takes the address out of a transport's error: a response URL or an
// upload URL is as good as a token.
func withoutURL(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

// codeOf returns Slack's error code in the chain; "" when there is none.
func codeOf(err error) string {
	if answer, ok := errors.AsType[slack.SlackErrorResponse](err); ok {
		return answer.Err
	}
	return ""
}

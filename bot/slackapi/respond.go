package slackapi

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"github.com/musterbot/muster/bot/view"
	"github.com/musterbot/muster/campaign"
)

// maxResponses is how often a response URL serves.
const maxResponses = 5

// Respond implements campaign.Messenger. Only the one who asked sees an
// ephemeral answer; any other is seen by the whole channel.
func (c *Client) Respond(ctx context.Context, address string, m campaign.Message) error {
	parts := view.Split(m)
	if len(parts) > maxResponses {
		parts = parts[:maxResponses]
		parts[maxResponses-1].Text += "\n\nThere is more than fits here; name one campaign, team or person to see less at once."
	}
	kind := slack.ResponseTypeInChannel
	if m.Ephemeral {
		kind = slack.ResponseTypeEphemeral
	}
	for _, part := range parts {
		err := c.dressed(ctx, part, func(text string, blocks []slack.Block) error {
			return c.write(ctx, "response_url", campaign.Interactive, func(ctx context.Context) error {
				return c.answer(ctx, address, response{Text: text, Blocks: blocks, ResponseType: kind})
			})
		})
		if why := campaign.KindOf(err); err != nil && (why == campaign.Invalid || why == campaign.Forbidden) {
			// Refused in every form; a direct message may be taken.
			return &campaign.Error{Kind: campaign.NotFound, Message: meanings["expired_url"].words, Err: err}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// response is what a response URL takes. That it does not replace the message
// acted on is said each time.
type response struct {
	Text            string        `json:"text"`
	Blocks          []slack.Block `json:"blocks,omitempty"`
	ResponseType    string        `json:"response_type"`
	ReplaceOriginal bool          `json:"replace_original"`
}

// maxHookAnswer bounds what is read of an answer, in bytes.
const maxHookAnswer = 16 << 10

// answer posts to a response URL once. slack-go takes an answer for a failure
// unless its type and its words are the expected ones; here the status counts:
// any 2xx is delivered, unless its body says ok: false. The token does not go
// along, and a redirect is not followed.
func (c *Client) answer(ctx context.Context, address string, what response) error {
	if !c.mayAnswer(address) {
		return hookRefusal{code: "not_slacks"}
	}
	body, err := json.Marshal(what)
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return withoutURL(err)
	}
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	client := *c.opts.HTTP
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	got, err := client.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = got.Body.Close() }()
	said, _ := io.ReadAll(io.LimitReader(got.Body, maxHookAnswer)) // the status tells enough without it
	return judge(got, said)
}

// judge turns the answer of a response URL into an error; nil when it took what
// was posted.
func judge(got *http.Response, said []byte) error {
	var body struct {
		OK       *bool                  `json:"ok"`
		Error    string                 `json:"error"`
		Metadata slack.ResponseMetadata `json:"response_metadata"`
	}
	isJSON := json.Unmarshal(said, &body) == nil
	switch status := got.StatusCode; {
	case status >= 200 && status < 300:
		if isJSON && body.OK != nil && !*body.OK {
			return slack.SlackErrorResponse{Err: cmp.Or(body.Error, "unknown_error"), ResponseMetadata: body.Metadata}
		}
		return nil
	case status == http.StatusTooManyRequests:
		seconds, _ := strconv.Atoi(got.Header.Get("Retry-After"))
		return &slack.RateLimitedError{RetryAfter: time.Duration(max(seconds, 1)) * time.Second}
	case status >= 500:
		return slack.StatusCodeError{Code: status, Status: got.Status}
	}
	refused := hookRefusal{status: got.StatusCode, code: body.Error, detail: strings.Join(body.Metadata.Messages, "; ")}
	if word := string(bytes.TrimSpace(said)); !isJSON && codeWord.MatchString(word) {
		refused.code = word
	}
	return refused
}

// codeWord is what an error code of Slack looks like. Nothing else of a body is
// kept: it may repeat the address, which is as good as a token.
var codeWord = regexp.MustCompile(`^[a-z][a-z_]{1,60}$`)

// hookRefusal says that a response URL did not take an answer, and that nothing
// came of it.
type hookRefusal struct {
	status int
	code   string // Slack's, where the body has one
	detail string
}

func (h hookRefusal) Error() string {
	words := "refused " + strconv.Itoa(h.status)
	for _, more := range []string{h.code, h.detail} {
		if more != "" {
			words += ": " + more
		}
	}
	return words
}

// mayAnswer returns whether an address is a response URL as Slack gives them. What
// stands in for Slack serves them where it likes.
func (c *Client) mayAnswer(address string) bool {
	api, err := url.Parse(c.opts.APIURL)
	if err != nil {
		return false
	}
	u, err := url.Parse(address)
	if err != nil || u.User != nil {
		return false
	}
	return !isSlackHost(api) || u.Scheme == "https" && isSlackHost(u)
}

func isSlackHost(u *url.URL) bool {
	host := strings.ToLower(u.Hostname())
	return host == "slack.com" || host == "slack-gov.com" || strings.HasSuffix(host, ".slack.com") || strings.HasSuffix(host, ".slack-gov.com")
}

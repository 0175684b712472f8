package slackapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/musterbot/muster/campaign"
)

var _ campaign.Files = (*Client)(nil)

// fetchFor bounds the download of one file.
const fetchFor = 20 * time.Second

// Fetch implements campaign.Files. The token goes to Slack's own host alone, and
// a redirect elsewhere is not followed.
func (c *Client) Fetch(ctx context.Context, address string, limit int64) ([]byte, error) {
	if !c.isSlacks(address) {
		return nil, campaign.Refuse(campaign.Forbidden, "The file does not lie with Slack itself, so it was not fetched. Nothing was changed; upload the file to Slack.")
	}
	ctx, cancel := context.WithTimeoutCause(ctx, fetchFor, errors.New("the file took too long"))
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("fetch file: %w", withoutURL(err))
	}
	r.Header.Set("Authorization", "Bearer "+c.opts.BotToken.Reveal())
	client := *c.opts.HTTP
	client.CheckRedirect = func(next *http.Request, via []*http.Request) error {
		if len(via) > 3 || !c.isSlacks(next.URL.String()) {
			return http.ErrUseLastResponse
		}
		return nil
	}
	answer, err := client.Do(r)
	if err != nil {
		return nil, unavailable(fmt.Errorf("fetch file: %w", withoutURL(err)), time.Second)
	}
	defer func() { _ = answer.Body.Close() }()
	switch {
	case answer.StatusCode == http.StatusTooManyRequests || answer.StatusCode >= 500:
		return nil, unavailable(fmt.Errorf("fetch file: status %d", answer.StatusCode), time.Second)
	case answer.StatusCode == http.StatusNotFound:
		return nil, campaign.Refuse(campaign.NotFound, "Slack does not have the file any more. Nothing was changed; upload it again.")
	case answer.StatusCode != http.StatusOK, strings.HasPrefix(answer.Header.Get("Content-Type"), "text/html"):
		// without the scope Slack answers with its log-in page
		return nil, campaign.Refuse(campaign.Forbidden, "Slack does not let Muster read files: the app lacks the scope files:read. Nothing was changed; an operator can add it, or send the file by `POST /v1/scans`.")
	}
	data, err := io.ReadAll(io.LimitReader(answer.Body, limit+1))
	if err != nil {
		return nil, unavailable(fmt.Errorf("fetch file: %w", withoutURL(err)), time.Second)
	}
	if int64(len(data)) > limit {
		return nil, campaign.Refuse(campaign.Invalid, "The file is too large. Nothing was changed; send it by `POST /v1/scans` or `muster import inventory`.")
	}
	return data, nil
}

// isSlacks returns whether an address is the workspace's own: Slack's hosts at their
// usual port where the API is Slack's, and else the host of the API, at any port, since
// what stands in for Slack may serve files beside its API.
func (c *Client) isSlacks(address string) bool {
	api, err := url.Parse(c.opts.APIURL)
	if err != nil {
		return false
	}
	u, err := url.Parse(address)
	if err != nil || u.User != nil || u.Scheme != api.Scheme {
		return false
	}
	if isSlackHost(api) {
		return u.Host == api.Host || u.Port() == "" && isSlackHost(u)
	}
	return u.Hostname() == api.Hostname()
}

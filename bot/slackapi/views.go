package slackapi

import (
	"context"

	"github.com/slack-go/slack"

	"github.com/musterbot/muster/campaign"
)

// OpenView opens a modal for whoever the trigger belongs to. A trigger serves
// once, for three seconds: Unavailable afterwards, with words that ask to open
// the form by a button.
func (c *Client) OpenView(ctx context.Context, trigger string, v slack.ModalViewRequest) error {
	return c.write(ctx, "views.open", campaign.Interactive, func(ctx context.Context) error {
		_, err := c.api.OpenViewContext(ctx, trigger, v)
		return err
	})
}

// PublishHome shows a person their App Home. It may be repeated.
func (c *Client) PublishHome(ctx context.Context, p campaign.Person, v slack.HomeTabViewRequest) error {
	return c.read(ctx, "views.publish", func(ctx context.Context) error {
		_, err := c.api.PublishViewContext(ctx, slack.PublishViewContextRequest{UserID: p.User(), View: v})
		return err
	})
}

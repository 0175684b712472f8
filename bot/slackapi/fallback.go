package slackapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/slack-go/slack"

	"github.com/musterbot/muster/bot/view"
	"github.com/musterbot/muster/campaign"
)

// dressed sends a message in the best form that the workspace takes: native
// charts and tables; else the chart as a picture and the table as text; else
// all of it as text. The numbers are in the text in every form.
func (c *Client) dressed(ctx context.Context, m campaign.Message, send func(text string, blocks []slack.Block) error) error {
	forms := []func(context.Context, campaign.Message) ([]slack.Block, error){c.native, c.pictured, c.plain}
	if m.Chart == nil && m.Table == nil {
		forms = forms[2:]
	} else if (m.Chart != nil && c.charts.holds()) || (m.Table != nil && c.tables.holds()) {
		forms = forms[1:]
	}
	text := view.AltText(m)
	var last error
	for _, form := range forms {
		blocks, err := form(ctx, m)
		if err != nil {
			last = err
			continue
		}
		last = send(text, blocks)
		if !refusedBlocks(last) {
			return last
		}
		c.opts.Log.WithError(last).Info("slack refused the form of a message")
		if len(forms) == 3 {
			c.remember(m, last)
		}
	}
	return last
}

// refusedBlocks returns whether Slack did not take the form of a message. A
// response URL says no more than 400, and in its body perhaps why.
func refusedBlocks(err error) bool {
	if hook, ok := errors.AsType[hookRefusal](err); ok && hook.status == http.StatusBadRequest {
		return true
	}
	return namesBlocks(codeOf(err))
}

func namesBlocks(code string) bool {
	return code == "invalid_blocks" || code == "invalid_blocks_format" || code == "msg_blocks_too_long"
}

// remember keeps what the workspace refused out of the next messages, where the
// answer names it. A response URL's 400 for another reason says nothing of blocks.
func (c *Client) remember(m campaign.Message, err error) {
	if hook, ok := errors.AsType[hookRefusal](err); ok && hook.code != "" && !namesBlocks(hook.code) {
		return
	}
	said := err.Error()
	if m.Chart != nil && (m.Table == nil || strings.Contains(said, "data_visualization")) {
		c.charts.set()
	}
	if m.Table != nil && (m.Chart == nil || strings.Contains(said, "table")) {
		c.tables.set()
	}
}

func (c *Client) native(_ context.Context, m campaign.Message) ([]slack.Block, error) {
	return view.Blocks(m)
}

func (c *Client) plain(_ context.Context, m campaign.Message) ([]slack.Block, error) {
	return view.Blocks(view.InText(m))
}

// pictured uploads the chart as a picture and shows it in the message, so that
// the message still carries its key.
func (c *Client) pictured(ctx context.Context, m campaign.Message) ([]slack.Block, error) {
	chart := m.Chart
	m = view.InText(m)
	blocks, err := view.Blocks(m)
	if err != nil || chart == nil || c.opts.Chart == nil {
		return blocks, err
	}
	png, err := c.opts.Chart(*chart)
	if err != nil {
		return nil, fmt.Errorf("draw chart: %w", err)
	}
	var file *slack.FileSummary
	err = c.write(ctx, "files.completeUploadExternal", campaign.Interactive, func(ctx context.Context) (err error) {
		file, err = c.api.UploadFileContext(ctx, slack.UploadFileParameters{
			Filename: "chart.png", Title: chart.Title, FileSize: len(png), Reader: bytes.NewReader(png), AltTxt: view.AltText(m),
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	picture := &slack.ImageBlock{Type: slack.MBTImage, SlackFile: &slack.SlackFileObject{ID: file.ID}, AltText: cut(chart.Title, 2000)}
	at := slices.IndexFunc(blocks, func(b slack.Block) bool { return b.BlockType() == slack.MBTAction })
	if at < 0 {
		at = len(blocks)
	}
	return slices.Insert(blocks, at, slack.Block(picture)), nil
}

// cut shortens a text to so many characters.
func cut(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most-1]) + "…"
}

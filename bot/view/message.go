// Package view turns what the domain says into Block Kit, by pure functions:
// messages, modals and App Home. What is too long for Slack is split at a
// paragraph or a line, never cut off; what Slack may refuse, a chart or a table,
// has a form in text.
package view

import (
	"fmt"

	"github.com/slack-go/slack"

	"github.com/musterbot/muster/campaign"
)

// The limits that Slack sets, and the room that we leave below the ones that it
// does not document.
const (
	maxSection  = 2900   // characters of a section: 3,000
	maxMessage  = 12_000 // characters of all blocks of a message: about 13,200
	maxBlocks   = 50
	maxRow      = 5 // buttons in a row; 25 would be taken, nobody can read them
	maxLabel    = 75
	maxAlt      = 4000
	maxHeadline = 150 // of the text alternative: what a notification shows
)

// Blocks returns a message as Block Kit: text, chart, table, buttons. A message
// that needs more than one has to go through Split first; an error says what
// does not fit.
func Blocks(m campaign.Message) ([]slack.Block, error) {
	var blocks []slack.Block
	for _, piece := range pieces(m.Text, maxSection) {
		blocks = append(blocks, section(piece))
	}
	if m.Chart != nil {
		if block, err := chartBlock(*m.Chart); err == nil {
			blocks = append(blocks, block)
		} else {
			blocks = append(blocks, sections(ChartText(*m.Chart))...)
		}
	}
	if m.Table != nil {
		block, err := tableBlock(*m.Table)
		if err != nil {
			return nil, err
		}
		blocks = append(blocks, block)
	}
	rows, err := buttonRows(m.Buttons)
	if err != nil {
		return nil, err
	}
	blocks = append(blocks, rows...)
	switch n := size(m); {
	case len(blocks) == 0:
		return nil, fmt.Errorf("build message: it says nothing")
	case len(blocks) > maxBlocks:
		return nil, fmt.Errorf("build message: %d blocks, at most %d fit; split it", len(blocks), maxBlocks)
	case n > maxMessage:
		return nil, fmt.Errorf("build message: %d characters, at most %d fit; split it", n, maxMessage)
	}
	return blocks, nil
}

// InText returns the message with its chart and table as text, for a workspace
// that refuses the blocks.
func InText(m campaign.Message) campaign.Message {
	m.Alt = AltText(m)
	if m.Chart != nil {
		m.Text += "\n\n" + ChartText(*m.Chart)
		m.Chart = nil
	}
	if m.Table != nil {
		m.Text += "\n\n" + TableText(*m.Table)
		m.Table = nil
	}
	return m
}

func section(text string) slack.Block {
	return slack.NewSectionBlock(mrkdwn(text), nil, nil)
}

func sections(text string) []slack.Block {
	var blocks []slack.Block
	for _, piece := range pieces(text, maxSection) {
		blocks = append(blocks, section(piece))
	}
	return blocks
}

func mrkdwn(text string) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.MarkdownType, text, false, false)
}

// plain returns text that Slack shows as it is.
func plain(text string) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.PlainTextType, text, false, false)
}

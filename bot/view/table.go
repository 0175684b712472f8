package view

import (
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"github.com/musterbot/muster/campaign"
)

// maxColumns is how many columns a table has at most.
const maxColumns = 20

// tableBlock returns a table as Slack draws it; all cells are text, since numbers
// are refused by some workspaces.
func tableBlock(t campaign.Table) (slack.Block, error) {
	switch {
	case len(t.Header) == 0 || len(t.Header) > maxColumns:
		return nil, fmt.Errorf("build table: %d columns, 1 to %d fit", len(t.Header), maxColumns)
	case len(t.Rows) > maxTableRows:
		return nil, fmt.Errorf("build table: %d rows, at most %d fit; split it", len(t.Rows), maxTableRows)
	}
	block := slack.NewTableBlock("")
	block.AddRow(cells(t.Header, len(t.Header), true)...)
	for i, row := range t.Rows {
		if len(row) > len(t.Header) {
			return nil, fmt.Errorf("build table: row %d has %d cells under %d headers", i+1, len(row), len(t.Header))
		}
		block.AddRow(cells(row, len(t.Header), false)...)
	}
	settings := make([]slack.ColumnSetting, len(t.Header))
	for i := range settings {
		settings[i] = slack.ColumnSetting{Align: slack.ColumnAlignmentLeft, IsWrapped: true}
		if numeric(t.Rows, i) {
			settings[i].Align = slack.ColumnAlignmentRight
		}
	}
	return block.WithColumnSettings(settings...), nil
}

func cells(row []string, columns int, header bool) []slack.TableCell {
	out := make([]slack.TableCell, columns)
	for i := range out {
		text := "–" // Slack takes no empty cell
		if i < len(row) && strings.TrimSpace(row[i]) != "" {
			text = row[i]
		}
		if header {
			out[i] = slack.NewTableRichTextCell(slack.NewRichTextSection(slack.NewRichTextSectionTextElement(text, &slack.RichTextSectionTextStyle{Bold: true})))
			continue
		}
		out[i] = slack.NewTableRawTextCell(text)
	}
	return out
}

// numeric returns whether every cell of a column is a number or nothing.
func numeric(rows [][]string, column int) bool {
	found := false
	for _, row := range rows {
		if column >= len(row) || row[column] == "" {
			continue
		}
		if strings.Trim(row[column], "0123456789,.-+") != "" {
			return false
		}
		found = true
	}
	return found
}

// TableText tells a table in lines, escaped: the first cell of each row, then the
// others with the names of their columns.
func TableText(t campaign.Table) string {
	lines := make([]string, 0, len(t.Rows))
	for _, row := range t.Rows {
		var words []string
		for i, cell := range row {
			switch {
			case strings.TrimSpace(cell) == "":
			case i > 0 && i < len(t.Header) && t.Header[i] != "":
				words = append(words, string(campaign.Escape(t.Header[i]+": "+cell)))
			default:
				words = append(words, string(campaign.Escape(cell)))
			}
		}
		lines = append(lines, "• "+strings.Join(words, ", "))
	}
	return strings.Join(lines, "\n")
}

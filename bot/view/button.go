package view

import (
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/slack-go/slack"

	"github.com/musterbot/muster/campaign"
)

// The bounds of a confirmation and a button's value.
const (
	maxConfirm = 300
	maxValue   = 2000
)

// buttonRows returns the buttons in rows of five. An action that stands several
// times in a message gets "#1", "#2" and so on behind its name, since Slack wants
// the IDs to differ; the receiver cuts it off.
func buttonRows(buttons []campaign.Button) ([]slack.Block, error) {
	seen := map[string]int{}
	var blocks []slack.Block
	for row := range slices.Chunk(buttons, maxRow) {
		elements := make([]slack.BlockElement, 0, len(row))
		for _, b := range row {
			id := b.Action
			if n := seen[b.Action]; n > 0 {
				id += "#" + strconv.Itoa(n)
			}
			seen[b.Action]++
			element, err := button(b, id)
			if err != nil {
				return nil, err
			}
			elements = append(elements, element)
		}
		blocks = append(blocks, slack.NewActionBlock("", elements...))
	}
	return blocks, nil
}

func button(b campaign.Button, id string) (*slack.ButtonBlockElement, error) {
	switch {
	case b.Label == "" || b.Action == "":
		return nil, fmt.Errorf("build button: it has no label or no action: %+v", b)
	case utf8.RuneCountInString(b.Label) > maxLabel:
		return nil, fmt.Errorf("build button %q: its label has more than %d characters", b.Label, maxLabel)
	case len(b.Value) > maxValue:
		return nil, fmt.Errorf("build button %q: its value has more than %d bytes", b.Label, maxValue)
	}
	element := slack.NewButtonBlockElement(id, b.Value, plain(b.Label)).WithStyle(slack.Style(b.Style))
	if b.Confirm != "" {
		if utf8.RuneCountInString(b.Confirm) > maxConfirm {
			return nil, fmt.Errorf("build button %q: its question has more than %d characters", b.Label, maxConfirm)
		}
		confirm := slack.NewConfirmationBlockObject(plain("Are you sure?"), plain(b.Confirm), plain(confirmLabel(b.Label)), plain("Back"))
		if b.Style == campaign.Danger {
			confirm.WithStyle(slack.StyleDanger)
		}
		element.WithConfirm(confirm)
	}
	return element, nil
}

// confirmLabel repeats what is about to happen, so that nobody confirms a "Yes"
// to a question that they did not read.
func confirmLabel(label string) string {
	if utf8.RuneCountInString(label) <= 30 {
		return label
	}
	return "Yes, go on"
}

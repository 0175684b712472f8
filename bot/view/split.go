package view

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/musterbot/muster/campaign"
)

const (
	maxTableRows = 99 // besides the header
	fence        = "```"
)

// Split returns a message as the messages that Slack takes, at least one. Text
// goes first, cut at paragraphs or lines; chart and table follow, and the last
// one carries the buttons. A message that fits comes back as it is.
func Split(m campaign.Message) []campaign.Message {
	if size(m) <= maxMessage && len(pieces(m.Text, maxSection)) < maxBlocks-10 && (m.Table == nil || len(m.Table.Rows) <= maxTableRows) {
		return []campaign.Message{m}
	}
	var parts []campaign.Message
	for _, text := range pieces(m.Text, maxMessage-buttonSize(m.Buttons)-chartSize(m.Chart)) {
		parts = append(parts, campaign.Message{Text: text, Ephemeral: m.Ephemeral})
	}
	if len(parts) == 0 {
		parts = append(parts, campaign.Message{Ephemeral: m.Ephemeral})
	}
	parts[0].Alt = m.Alt
	last := &parts[len(parts)-1]
	last.Chart = m.Chart
	if m.Table != nil {
		for i, table := range splitTable(*m.Table, maxMessage-buttonSize(m.Buttons)) {
			if i == 0 && size(*last)+tableSize(table)+buttonSize(m.Buttons) <= maxMessage {
				last.Table = &table
				continue
			}
			parts = append(parts, campaign.Message{Table: &table, Ephemeral: m.Ephemeral})
		}
	}
	parts[len(parts)-1].Buttons = m.Buttons
	return parts
}

// splitTable repeats the header over as many tables as the rows need.
func splitTable(t campaign.Table, limit int) []campaign.Table {
	var tables []campaign.Table
	part := campaign.Table{Header: t.Header}
	for _, row := range t.Rows {
		if len(part.Rows) == maxTableRows || len(part.Rows) > 0 && tableSize(part)+rowSize(row) > limit {
			tables = append(tables, part)
			part = campaign.Table{Header: t.Header}
		}
		part.Rows = append(part.Rows, row)
	}
	return append(tables, part)
}

// size is how many characters of a message Slack counts, on the safe side.
func size(m campaign.Message) int {
	n := utf8.RuneCountInString(m.Text) + buttonSize(m.Buttons) + chartSize(m.Chart)
	if m.Table != nil {
		n += tableSize(*m.Table)
	}
	return n
}

func chartSize(c *campaign.Chart) int {
	if c == nil {
		return 0
	}
	return utf8.RuneCountInString(ChartText(*c)) + 20*len(c.Labels)*(1+len(c.Series))
}

func buttonSize(buttons []campaign.Button) int {
	n := 0
	for _, b := range buttons {
		n += utf8.RuneCountInString(b.Label + b.Value + b.Confirm)
	}
	return n
}

func tableSize(t campaign.Table) int {
	n := rowSize(t.Header)
	for _, row := range t.Rows {
		n += rowSize(row)
	}
	return n
}

func rowSize(row []string) int {
	n := 0
	for _, cell := range row {
		n += utf8.RuneCountInString(cell) + 1
	}
	return n
}

// pieces cuts text into pieces of at most limit characters: between paragraphs
// where it can, else between lines, else between words. Code that is cut is
// closed and opened again.
func pieces(text string, limit int) []string {
	text = strings.Trim(text, "\n")
	if strings.TrimSpace(text) == "" {
		return nil
	}
	if utf8.RuneCountInString(text) <= limit {
		return []string{text}
	}
	p := packer{limit: limit}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		for _, part := range longLine(line, limit-2*len(fence)-2) {
			p.add(part)
		}
	}
	p.flush()
	return p.done
}

// packer collects lines into pieces.
type packer struct {
	limit int
	done  []string
	lines []string
	used  int
	code  bool // the lines end inside of a code block
}

func (p *packer) add(line string) {
	n := utf8.RuneCountInString(line) + 1
	room := p.limit
	if p.code {
		room -= len(fence) + 1
	}
	if p.used+n > room && len(p.lines) > 0 {
		p.breakOff()
	}
	p.lines = append(p.lines, line)
	p.used += n
	if strings.Count(line, fence)%2 == 1 {
		p.code = !p.code
	}
}

// breakOff ends a piece: at its last blank line, when that leaves at least half
// of it, else where it is.
func (p *packer) breakOff() {
	if p.code {
		p.emit(append(p.lines, fence))
		p.lines, p.used = []string{fence}, len(fence)+1
		return
	}
	at := len(p.lines)
	for i, used := len(p.lines)-1, p.used; i > 0 && used > p.limit/2; i-- {
		used -= utf8.RuneCountInString(p.lines[i]) + 1
		if p.lines[i] == "" && !insideCode(p.lines[:i]) {
			at = i
			break
		}
	}
	rest := slices.Clone(p.lines[at:])
	p.emit(p.lines[:at])
	p.lines, p.used = nil, 0
	for len(rest) > 0 && rest[0] == "" {
		rest = rest[1:]
	}
	for _, line := range rest {
		p.lines = append(p.lines, line)
		p.used += utf8.RuneCountInString(line) + 1
	}
}

func insideCode(lines []string) bool {
	return strings.Count(strings.Join(lines, "\n"), fence)%2 == 1
}

func (p *packer) flush() { p.emit(p.lines) }

func (p *packer) emit(lines []string) {
	if piece := strings.Trim(strings.Join(lines, "\n"), "\n"); strings.TrimSpace(piece) != "" {
		p.done = append(p.done, piece)
	}
}

// longLine cuts a line that alone is too long: at a blank where there is one in
// its second half, and never inside of a link or an escape.
func longLine(line string, limit int) []string {
	var parts []string
	runes := []rune(line)
	for len(runes) > limit {
		at := cutAt(runes, limit)
		parts = append(parts, string(runes[:at]))
		runes = runes[at:]
		if len(runes) > 0 && runes[0] == ' ' {
			runes = runes[1:]
		}
	}
	return append(parts, string(runes))
}

func cutAt(runes []rune, limit int) int {
	blank, safe := 0, 0
	inLink, escape := false, -1
	for i, r := range runes[:limit] {
		if !inLink && escape < 0 {
			safe = i
			if r == ' ' {
				blank = i
			}
		}
		switch r {
		case '<':
			inLink = true
		case '>':
			inLink = false
		case '&':
			escape = i
		case ';':
			escape = -1
		}
		if escape >= 0 && i-escape > len("quot") {
			escape = -1
		}
	}
	switch {
	case blank > limit/2:
		return blank
	case safe > 0:
		return safe
	}
	return limit
}

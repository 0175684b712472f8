package fakeslack

import (
	"cmp"
	"fmt"
	"strings"
)

// richText reads a rich_text block into the spans that mrkdwn becomes, too.
func (r reader) richText(block map[string]any) []span {
	var out []span
	number := 0
	for _, node := range items(block, "elements") {
		switch text(node, "type") {
		case "rich_text_section":
			out = append(out, r.richLines(node)...)
		case "rich_text_quote":
			out = append(out, span{Kind: "quote", Kids: r.richLines(node)})
		case "rich_text_preformatted":
			var said strings.Builder
			for _, e := range items(node, "elements") {
				said.WriteString(cmp.Or(text(e, "text"), text(e, "url")))
			}
			out = append(out, span{Kind: "pre", Text: said.String()})
		case "rich_text_list":
			if whole(node, "indent") == 0 {
				number = whole(node, "offset")
			}
			for _, section := range items(node, "elements") {
				marker := "•"
				if text(node, "style") == "ordered" {
					number++
					marker = fmt.Sprintf("%d.", number)
				}
				for i, line := range r.richLines(section) {
					if i > 0 {
						marker = " "
					}
					out = append(out, span{Kind: "item", Text: marker, Kids: line.Kids})
				}
			}
		}
	}
	return out
}

// richLines reads a section; its text elements carry line breaks.
func (r reader) richLines(section any) []span {
	lines := []span{{Kind: "line"}}
	for _, e := range items(section, "elements") {
		last := &lines[len(lines)-1]
		if text(e, "type") != "text" {
			if s := r.richElement(e); s != nil {
				last.Kids = append(last.Kids, *s)
			}
			continue
		}
		for i, part := range strings.Split(text(e, "text"), "\n") {
			if i > 0 {
				lines = append(lines, span{Kind: "line"})
				last = &lines[len(lines)-1]
			}
			if part != "" {
				last.Kids = append(last.Kids, styled(e, span{Kind: "text", Text: part}))
			}
		}
	}
	if n := len(lines); n > 1 && len(lines[n-1].Kids) == 0 {
		lines = lines[:n-1]
	}
	for i := range lines {
		if len(lines[i].Kids) == 0 {
			lines[i].Kind = "gap"
		}
	}
	return lines
}

func (r reader) richElement(e any) *span {
	var found *span
	switch text(e, "type") {
	case "link":
		label := cmp.Or(text(e, "text"), text(e, "url"))
		found = r.link(escaper.Replace(text(e, "url")), escaper.Replace(label))
		if found == nil {
			found = &span{Kind: "text", Text: label}
		}
	case "user":
		found = r.angle("@" + text(e, "user_id"))
	case "channel":
		found = r.angle("#" + text(e, "channel_id"))
	case "usergroup":
		found = r.special("subteam^"+text(e, "usergroup_id"), "")
	case "broadcast":
		found = r.special(text(e, "range"), "")
	case "date":
		found = r.special(fmt.Sprintf("date^%d^%s", whole(e, "timestamp"), text(e, "format")), text(e, "fallback"))
	case "emoji":
		found = &span{Kind: "emoji", Text: cmp.Or(emoji[text(e, "name")], ":"+text(e, "name")+":")}
	}
	if found == nil {
		return nil
	}
	s := styled(e, *found)
	return &s
}

// styled wraps a span in the styles of its element.
func styled(e any, s span) span {
	style := object(e, "style")
	if truth(style, "code") {
		return span{Kind: "code", Text: s.Text}
	}
	for _, name := range []string{"strike", "italic", "bold"} {
		if truth(style, name) {
			s = span{Kind: name, Kids: []span{s}}
		}
	}
	return s
}

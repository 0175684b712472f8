package fakeslack

import (
	"cmp"
	"encoding/json"
)

// render reads blocks, or attachments, and puts beside every text the spans that
// it is shown as. What the page must not know, metadata and private values, is
// not in blocks.
func (p *Page) render(r reader, raw json.RawMessage) []any {
	if raw == nil {
		return nil
	}
	tree, err := parseBlocks(raw)
	if err != nil {
		return nil // kept blocks were valid; attachments may be anything
	}
	for _, node := range tree {
		p.enrich(r, node)
	}
	return tree
}

// enrich walks a tree that parseBlocks has bounded.
func (p *Page) enrich(r reader, node any) {
	switch n := node.(type) {
	case []any:
		for _, child := range n {
			p.enrich(r, child)
		}
	case map[string]any:
		switch text(n, "type") {
		case "mrkdwn":
			n["spans"] = r.mrkdwn(text(n, "text"))
			return
		case "plain_text":
			n["spans"] = r.plain(text(n, "text"))
			return
		case "markdown":
			n["spans"] = r.markdown(text(n, "text"))
			return
		case "rich_text":
			n["spans"] = r.richText(n)
			return
		case "image":
			n["src"] = p.imageOf(n)
		}
		for _, child := range n {
			switch child.(type) {
			case []any, map[string]any:
				p.enrich(r, child)
			}
		}
	}
}

// imageOf is where the page gets an image from: a file of this workspace by its
// path, anything else by its address, which the page shows as a link.
func (p *Page) imageOf(image map[string]any) string {
	if file := object(image, "slack_file"); file != nil {
		if f, ok := p.w.File(text(file, "id")); ok {
			return p.path(f.URL)
		}
		return p.path(text(file, "url"))
	}
	return p.path(text(image, "image_url"))
}

// attachments are the older kind of block; the page shows their text, their
// colour and the blocks within.
func (p *Page) attachments(r reader, raw json.RawMessage) []any {
	tree := p.render(r, raw)
	for _, node := range tree {
		a, _ := node.(map[string]any)
		if a["blocks"] != nil {
			continue
		}
		said := text(a, "text")
		if title := text(a, "title"); title != "" {
			said = "*" + title + "*\n" + said
		}
		a["spans"] = r.mrkdwn(cmp.Or(said, text(a, "fallback")))
	}
	return tree
}

package fakeslack

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// Blocks are handled as the JSON trees that they are, so that what slack-go does
// not know yet is kept as it was sent.

// maxDepth bounds how deep a tree of blocks may nest.
const maxDepth = 40

// parseBlocks reads a list of blocks. Numbers keep the digits they came with.
func parseBlocks(raw []byte) ([]any, error) {
	var tree []any
	if err := decodeTree(raw, &tree); err != nil {
		return nil, err
	}
	for i, block := range tree {
		if _, ok := block.(map[string]any); !ok {
			return nil, fmt.Errorf("block %d is not an object", i)
		}
	}
	return tree, nil
}

func decodeTree(raw []byte, into any) error {
	if deep(raw) {
		return errors.New("nested too deep")
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("decode blocks: %w", err)
	}
	if d.More() {
		return errors.New("decode blocks: more than one value")
	}
	return nil
}

// deep measures nesting without parsing.
func deep(raw []byte) bool {
	depth, quoted := 0, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}

// text reads a string of an object; "" when there is none.
func text(node any, name string) string {
	m, _ := node.(map[string]any)
	s, _ := m[name].(string)
	return s
}

func object(node any, name string) map[string]any {
	m, _ := node.(map[string]any)
	o, _ := m[name].(map[string]any)
	return o
}

func items(node any, name string) []any {
	m, _ := node.(map[string]any)
	l, _ := m[name].([]any)
	return l
}

func truth(node any, name string) bool {
	m, _ := node.(map[string]any)
	b, _ := m[name].(bool)
	return b
}

// nameBlocks gives an id to the blocks and elements that have none, as Slack does.
func (w *Workspace) nameBlocks(tree []any) {
	for _, node := range tree {
		block, ok := node.(map[string]any)
		if !ok {
			continue
		}
		if text(block, "block_id") == "" {
			block["block_id"] = w.id("b")
		}
		for _, e := range elements(block) {
			if _, interactive := e["type"]; interactive && actionTypes[text(e, "type")] && text(e, "action_id") == "" {
				e["action_id"] = w.id("a")
			}
		}
	}
}

// elements are the interactive elements of a block, wherever its kind keeps them.
func elements(block map[string]any) []map[string]any {
	var out []map[string]any
	for _, name := range []string{"element", "accessory"} {
		if e := object(block, name); e != nil {
			out = append(out, e)
		}
	}
	for _, list := range []string{"elements", "actions"} {
		for _, e := range items(block, list) {
			if m, ok := e.(map[string]any); ok && actionTypes[text(m, "type")] {
				out = append(out, m)
			}
		}
	}
	for _, row := range items(block, "rows") {
		cells, _ := row.([]any)
		for _, cell := range cells {
			if text(cell, "type") == "action_cell" {
				if e := object(cell, "element"); e != nil {
					out = append(out, e)
				}
			}
		}
	}
	for _, child := range items(block, "child_blocks") {
		if m, ok := child.(map[string]any); ok {
			out = append(out, elements(m)...)
		}
	}
	return out
}

// blockText counts the characters of all text in the blocks, as people read them.
func blockText(tree []any) int {
	n := 0
	var walk func(any)
	walk = func(node any) {
		switch v := node.(type) {
		case []any:
			for _, child := range v {
				walk(child)
			}
		case map[string]any:
			for name, child := range v {
				if s, ok := child.(string); ok {
					switch name {
					case "text", "alt_text", "title", "label", "name":
						n += utf8.RuneCountInString(s)
					}
					continue
				}
				walk(child)
			}
		}
	}
	walk(any(tree))
	return n
}

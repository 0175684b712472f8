package fakeslack

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Surface is where blocks are shown; each allows others, and another number.
type Surface string

// The surfaces that Slack shows blocks on.
const (
	SurfaceMessage Surface = "message"
	SurfaceModal   Surface = "modal"
	SurfaceHome    Surface = "home"
)

// Problem is one rule that blocks break, with a JSON pointer to where.
type Problem struct {
	Pointer string
	Message string
}

func (p Problem) String() string { return p.Pointer + ": " + p.Message }

// ValidateBlocks says what Slack would refuse about blocks on a surface; nothing
// when it would take them. It reads a JSON list of blocks, an object with a list
// named blocks, or a whole view.
func ValidateBlocks(on Surface, raw []byte) []Problem {
	trimmed := bytes.TrimSpace(raw)
	if len(trimmed) > 0 && trimmed[0] == '{' {
		var tree map[string]any
		if err := decodeTree(trimmed, &tree); err != nil {
			return []Problem{{"", err.Error()}}
		}
		if on != SurfaceMessage && tree["type"] != nil {
			return validateView(on, tree)
		}
		blocks, ok := tree["blocks"].([]any)
		if !ok {
			return []Problem{{"", "missing required field: blocks"}}
		}
		return checkTotals(on, blocks, validateTree(on, blocks))
	}
	tree, err := parseBlocks(trimmed)
	if err != nil {
		return []Problem{{"", err.Error()}}
	}
	return checkTotals(on, tree, validateTree(on, tree))
}

// checkTotals adds the bound on all blocks of a message together, which the Web
// API answers with an error of its own.
func checkTotals(on Surface, tree []any, problems []Problem) []Problem {
	if n := blockText(tree); on == SurfaceMessage && n > maxBlockText {
		problems = append(problems, Problem{"/blocks", fmt.Sprintf("all blocks together hold %d characters, at most %d are taken", n, maxBlockText)})
	}
	return problems
}

// checker walks a tree and collects what is wrong with it.
type checker struct {
	on       Surface
	problems []Problem
	tables   int
	focused  int
}

func (c *checker) add(at, format string, args ...any) {
	c.problems = append(c.problems, Problem{at, fmt.Sprintf(format, args...)})
}

// validateTree checks a list of blocks.
func validateTree(on Surface, tree []any) []Problem {
	c := &checker{on: on}
	most := 50
	if on != SurfaceMessage {
		most = 100
	}
	if len(tree) > most {
		c.add("/blocks", "no more than %d items allowed", most)
	}
	seen := map[string]bool{}
	for i, node := range tree {
		at := fmt.Sprintf("/blocks/%d", i)
		block, ok := node.(map[string]any)
		if !ok {
			c.add(at, "must be an object")
			continue
		}
		if id := text(block, "block_id"); id != "" {
			if seen[id] {
				c.add(at+"/block_id", "`block_id` %q already exists for another block", id)
			}
			seen[id] = true
		}
		c.block(at, block, 0)
	}
	if c.tables > 1 {
		c.add("/blocks", "only one table is allowed per message")
	}
	return c.problems
}

// validateView checks a whole modal or home.
func validateView(on Surface, view map[string]any) []Problem {
	c := &checker{on: on}
	if kind := text(view, "type"); kind != string(on) {
		c.add("/type", "must be %q, is %q", on, kind)
	}
	blocks, ok := view["blocks"].([]any)
	if !ok {
		c.add("", "missing required field: blocks")
	}
	c.length("/private_metadata", text(view, "private_metadata"), 3000)
	c.length("/callback_id", text(view, "callback_id"), 255)
	c.length("/external_id", text(view, "external_id"), 255)
	if on == SurfaceModal {
		c.label(view, "", "title", 24, true)
		c.label(view, "", "submit", 24, false)
		c.label(view, "", "close", 24, false)
		for _, b := range blocks {
			if text(b, "type") == "input" && view["submit"] == nil {
				c.add("/submit", "`submit` is required when an `input` block is within the `blocks` array")
				break
			}
		}
	}
	return append(c.problems, validateTree(on, blocks)...)
}

// length checks an optional string.
func (c *checker) length(at, s string, most int) {
	if utf8.RuneCountInString(s) > most {
		c.add(at, "must be less than %d characters", most+1)
	}
}

// required checks a string that must be there.
func (c *checker) required(m map[string]any, at, name string, most int) {
	s, ok := m[name].(string)
	switch {
	case !ok:
		c.add(at, "missing required field: %s", name)
	case s == "":
		c.add(at+"/"+name, "must be more than 0 characters")
	default:
		c.length(at+"/"+name, s, most)
	}
}

// label checks a plain_text object.
func (c *checker) label(m map[string]any, at, name string, most int, required bool) {
	c.textObject(m, at, name, most, required, "plain_text")
}

// textObject checks a text object of one of the kinds allowed.
func (c *checker) textObject(m map[string]any, at, name string, most int, required bool, kinds ...string) {
	value, there := m[name]
	if !there || value == nil {
		if required {
			c.add(at, "missing required field: %s", name)
		}
		return
	}
	o, ok := value.(map[string]any)
	if !ok {
		c.add(at+"/"+name, "must be an object")
		return
	}
	at += "/" + name
	if !slices.Contains(kinds, text(o, "type")) {
		c.add(at+"/type", "must be one of: %s", strings.Join(kinds, ", "))
	}
	c.required(o, at, "text", most)
}

// count checks the length of a list that must be there.
func (c *checker) count(m map[string]any, at, name string, least, most int) []any {
	list, ok := m[name].([]any)
	switch {
	case !ok:
		c.add(at, "missing required field: %s", name)
	case len(list) < least:
		c.add(at+"/"+name, "no fewer than %d items allowed", least)
	case len(list) > most:
		c.add(at+"/"+name, "no more than %d items allowed", most)
	}
	return list
}

// surfaces lists where each kind of block may stand; the rest is unsupported.
var surfaces = map[string][]Surface{
	"section": nil, "header": nil, "divider": nil, "context": nil, "actions": nil, "image": nil,
	"rich_text": nil, "input": nil, "video": nil, "markdown": {SurfaceMessage}, "file": {SurfaceMessage},
	"table": {SurfaceMessage}, "data_table": {SurfaceMessage}, "data_visualization": {SurfaceMessage},
	"context_actions": {SurfaceMessage}, "alert": {SurfaceModal}, "card": {SurfaceMessage},
	"carousel": {SurfaceMessage}, "container": {SurfaceMessage}, "plan": {SurfaceMessage}, "task_card": {SurfaceMessage},
}

func (c *checker) block(at string, b map[string]any, depth int) {
	kind := text(b, "type")
	if kind == "" {
		c.add(at, "missing required field: type")
		return
	}
	allowed, known := surfaces[kind]
	if !known || allowed != nil && !slices.Contains(allowed, c.on) {
		c.add(at+"/type", "unsupported type: %s", kind)
		return
	}
	c.length(at+"/block_id", text(b, "block_id"), 255)
	switch kind {
	case "section":
		c.section(at, b)
	case "header":
		c.label(b, at, "text", 150, true)
	case "context":
		c.context(at, b)
	case "actions":
		c.elements(at, b, c.count(b, at, "elements", 1, 25), inActions)
	case "image":
		c.image(at, b)
		c.label(b, at, "title", 2000, false)
	case "input":
		c.input(at, b)
	case "rich_text":
		c.richText(at, b)
	case "table", "data_table":
		c.table(at, b, kind)
	case "data_visualization":
		c.chart(at, b)
	case "markdown":
		c.required(b, at, "text", 12_000)
	case "video":
		c.video(at, b)
	case "alert":
		c.textObject(b, at, "text", 200, true, "plain_text", "mrkdwn")
	case "container":
		c.container(at, b, depth)
	}
}

func (c *checker) section(at string, b map[string]any) {
	if b["text"] == nil && b["fields"] == nil {
		c.add(at, "must define either `fields` or `text`")
	}
	c.textObject(b, at, "text", 3000, false, "plain_text", "mrkdwn")
	if b["fields"] != nil {
		for i, f := range c.count(b, at, "fields", 1, 10) {
			c.textObject(map[string]any{"text": f}, fmt.Sprintf("%s/fields/%d", at, i), "text", 2000, true, "plain_text", "mrkdwn")
		}
	}
	if e := object(b, "accessory"); e != nil {
		c.element(at+"/accessory", e, inSection)
	}
}

func (c *checker) context(at string, b map[string]any) {
	for i, e := range c.count(b, at, "elements", 1, 10) {
		at := fmt.Sprintf("%s/elements/%d", at, i)
		m, ok := e.(map[string]any)
		switch {
		case !ok:
			c.add(at, "must be an object")
		case text(m, "type") == "image":
			c.image(at, m)
		default:
			c.textObject(map[string]any{"element": m}, at, "element", 2000, true, "plain_text", "mrkdwn")
		}
	}
}

func (c *checker) image(at string, b map[string]any) {
	if _, ok := b["alt_text"].(string); !ok {
		c.add(at, "missing required field: alt_text")
	}
	c.length(at+"/alt_text", text(b, "alt_text"), 2000)
	switch link := text(b, "image_url"); {
	case link == "" && object(b, "slack_file") == nil:
		c.add(at, "missing required field: image_url")
	case link != "" && !strings.HasPrefix(link, "http://") && !strings.HasPrefix(link, "https://"):
		c.add(at+"/image_url", "invalid url")
	default:
		c.length(at+"/image_url", link, 3000)
	}
}

func (c *checker) input(at string, b map[string]any) {
	c.label(b, at, "label", 2000, true)
	c.label(b, at, "hint", 2000, false)
	e := object(b, "element")
	if e == nil {
		c.add(at, "missing required field: element")
		return
	}
	c.element(at+"/element", e, inInput)
}

func (c *checker) video(at string, b map[string]any) {
	c.required(b, at, "alt_text", 2000)
	c.required(b, at, "video_url", 3000)
	c.required(b, at, "thumbnail_url", 3000)
	c.label(b, at, "title", 199, true)
}

func (c *checker) container(at string, b map[string]any, depth int) {
	if depth >= 2 {
		c.add(at, "containers nest two deep at most")
		return
	}
	if b["rich_text_title"] == nil {
		c.label(b, at, "title", 150, true)
	}
	c.textObject(b, at, "subtitle", 150, false, "plain_text", "mrkdwn")
	for i, child := range c.count(b, at, "child_blocks", 1, 10) {
		at := fmt.Sprintf("%s/child_blocks/%d", at, i)
		if m, ok := child.(map[string]any); ok {
			c.block(at, m, depth+1)
		} else {
			c.add(at, "must be an object")
		}
	}
}

func (c *checker) richText(at string, b map[string]any) {
	for i, e := range c.count(b, at, "elements", 1, 1000) {
		at := fmt.Sprintf("%s/elements/%d", at, i)
		switch text(e, "type") {
		case "rich_text_section", "rich_text_list", "rich_text_preformatted", "rich_text_quote":
			if _, ok := e.(map[string]any)["elements"].([]any); !ok {
				c.add(at, "missing required field: elements")
			}
		default:
			c.add(at+"/type", "unsupported type: %s", text(e, "type"))
		}
	}
}

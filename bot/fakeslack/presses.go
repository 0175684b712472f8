package fakeslack

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// On is what a person can act on: a Message or a View.
type On interface {
	surface() (message *Message, view *View)
}

func (m Message) surface() (*Message, *View) { return &m, nil }

func (v View) surface() (*Message, *View) { return nil, &v }

// Buttons are the labels of the buttons of a message, in order.
func (m Message) Buttons() []string { return buttons(m.Blocks) }

// Buttons are the labels of the buttons of a view, in order.
func (v View) Buttons() []string { return buttons(v.Blocks) }

func buttons(blocks json.RawMessage) []string {
	var out []string
	tree, _ := parseBlocks(blocks)
	for _, node := range tree {
		block, _ := node.(map[string]any)
		for _, e := range elements(block) {
			if text(e, "type") == "button" {
				out = append(out, text(object(e, "text"), "text"))
			}
		}
	}
	return out
}

// Words is all the text of a message's blocks, or its text when it has none.
func (m Message) Words() string {
	if m.Blocks == nil {
		return m.Text
	}
	return words(m.Blocks)
}

// Words is all the text of a view's blocks.
func (v View) Words() string { return words(v.Blocks) }

func words(blocks json.RawMessage) string {
	var out []string
	var walk func(any)
	walk = func(node any) {
		switch v := node.(type) {
		case []any:
			for _, child := range v {
				walk(child)
			}
		case map[string]any:
			if s := text(v, "text"); s != "" {
				out = append(out, s)
			}
			if s := text(v, "title"); s != "" {
				out = append(out, s)
			}
			for _, name := range []string{
				"text", "title", "fields", "label", "hint", "element", "accessory", "elements",
				"options", "rows", "child_blocks",
			} {
				walk(v[name])
			}
		}
	}
	tree, _ := parseBlocks(blocks)
	walk(any(tree))
	return strings.Join(out, "\n")
}

// target is an element that a person acts on.
type target struct {
	message *Message
	view    *View
	block   map[string]any
	element map[string]any
}

// now reads the surface again: people press what is there, not what was.
func (p *Person) now(on On) (*Message, *View, error) {
	m, v := on.surface()
	if v != nil {
		if have := p.w.views[v.ID]; have != nil && have.User == p.ID {
			return nil, have, nil
		}
		return nil, nil, fmt.Errorf("view %q: %w", v.Title, errGone)
	}
	c := p.w.channels[m.Channel]
	if c == nil || !c.has(p.ID) {
		return nil, nil, fmt.Errorf("%s does not see message %s", p.Name, m.TS)
	}
	if m.VisibleTo != "" {
		for _, e := range c.ephemerals {
			if e.TS == m.TS && e.VisibleTo == p.ID {
				return e, nil, nil
			}
		}
		return nil, nil, fmt.Errorf("ephemeral message %s: %w", m.TS, errGone)
	}
	if have := c.message(m.TS); have != nil {
		return have, nil, nil
	}
	return nil, nil, fmt.Errorf("message %s: %w", m.TS, errGone)
}

// find looks for an element by label, placeholder, action_id, block_id, or by
// block_id/action_id, which is exact.
func (p *Person) find(what string, on On, fits func(map[string]any) bool) (target, error) {
	m, v, err := p.now(on)
	if err != nil {
		return target{}, err
	}
	blocks := json.RawMessage(nil)
	if v != nil {
		blocks = v.Blocks
	} else {
		blocks = m.Blocks
	}
	tree, err := parseBlocks(blocks)
	if err != nil {
		tree = nil
	}
	var there []string
	for _, node := range tree {
		block, _ := node.(map[string]any)
		for _, e := range elements(block) {
			if !fits(e) {
				continue
			}
			names := []string{
				text(object(e, "text"), "text"), text(object(block, "label"), "text"),
				text(object(e, "placeholder"), "text"), text(e, "action_id"), text(block, "block_id"),
			}
			if slices.Contains(names, what) || what == address(block, e) {
				return target{m, v, block, e}, nil
			}
			there = append(there, strings.Join(slices.DeleteFunc(names, func(s string) bool { return s == "" }), "|"))
		}
	}
	return target{}, fmt.Errorf("%s finds no %q there; there are: %s", p.Name, what, strings.Join(there, ", "))
}

// address names an element where a label may stand for several.
func address(block, e map[string]any) string {
	return text(block, "block_id") + "/" + text(e, "action_id")
}

// Presses pushes a button, found by its label or action_id, on a message or view,
// and waits for the acknowledgement. The message or view may be an old copy: what
// is there now is pressed.
func (p *Person) Presses(label string, on On) Seen {
	isButton := func(e map[string]any) bool {
		kind := text(e, "type")
		return kind == "button" || kind == "workflow_button" || kind == "icon_button"
	}
	return p.act(label, on, isButton, func(e map[string]any) (fields, error) {
		out := fields{"text": e["text"], "type": "button"}
		if v := text(e, "value"); v != "" {
			out["value"] = v
		}
		return out, nil
	})
}

// Picks chooses in a select, radio, checkbox, overflow or date element that acts
// at once, found by label, placeholder or action_id. Value is as for Fills.
func (p *Person) Picks(label string, value any, on On) Seen {
	return p.act(label, on, func(e map[string]any) bool { return text(e, "type") != "button" },
		func(e map[string]any) (fields, error) { return p.w.choose(e, value) })
}

// act sends block_actions for one element.
func (p *Person) act(label string, on On, fits func(map[string]any) bool, choose func(map[string]any) (fields, error)) Seen {
	w := p.w
	w.mu.Lock()
	t, err := p.find(label, on, fits)
	var action fields
	if err == nil {
		action, err = choose(t.element)
	}
	if err != nil {
		w.mu.Unlock()
		return Seen{Err: err}
	}
	if _, stateful := stateField[text(t.element, "type")]; stateful {
		p.remember(&t, action)
	}
	payload := p.interaction("block_actions", t)
	sent := fields{
		"action_id": text(t.element, "action_id"), "block_id": text(t.block, "block_id"), "action_ts": w.ts(),
	}
	maps.Copy(sent, action)
	if state, ok := payload["state"].(fields); ok && stateField[text(t.element, "type")].state != "" {
		values, _ := state["values"].(Values)
		blockID := text(t.block, "block_id")
		values[blockID][text(t.element, "action_id")] = action // initialValues made the place
	}
	payload["actions"] = []fields{sent}
	parcel, err := w.pack(payload)
	w.mu.Unlock()
	if err != nil {
		return Seen{Err: err}
	}
	_, seen := p.deliver(parcel)
	seen.Modal = p.Modal()
	return seen
}

// remember keeps what was picked in a view, so that later payloads carry it.
func (p *Person) remember(t *target, state fields) {
	if t.view == nil {
		return
	}
	next := *t.view
	next.Values = next.Values.clone()
	blockID := text(t.block, "block_id")
	if next.Values[blockID] == nil {
		next.Values[blockID] = map[string]map[string]any{}
	}
	next.Values[blockID][text(t.element, "action_id")] = state
	p.w.keepView(&next)
	t.view = &next
}

// interaction builds what all interactive payloads share. The lock is held.
func (p *Person) interaction(kind string, t target) fields {
	w := p.w
	payload := fields{
		"type": kind, "user": p.user(), "api_app_id": w.appID, "token": "fake-verification",
		"team":       fields{"id": w.team, "domain": w.opts.Domain},
		"enterprise": nil, "is_enterprise_install": false,
	}
	if kind != "block_suggestion" && kind != "view_closed" {
		payload["trigger_id"] = w.newTrigger(p.ID)
	}
	switch {
	case t.view != nil:
		payload["view"] = t.view.wire(w)
		if kind == "block_actions" || kind == "block_suggestion" {
			payload["container"] = fields{"type": "view", "view_id": t.view.ID}
		}
	case t.message != nil:
		m, c := t.message, w.channels[t.message.Channel]
		ephemeral := m.VisibleTo != ""
		container := fields{
			"type": "message", "message_ts": m.TS, "channel_id": c.id, "is_ephemeral": ephemeral,
		}
		if m.ThreadTS != "" {
			container["thread_ts"] = m.ThreadTS
		}
		payload["container"] = container
		payload["channel"] = fields{"id": c.id, "name": c.spoken()}
		if !ephemeral {
			payload["message"] = m.wire(w, true)
		}
		tree, _ := parseBlocks(m.Blocks)
		payload["state"] = fields{"values": initialValues(tree, nil)}
		payload["response_url"] = w.newResponseURL(responseURL{
			user: p.ID, channel: c.id, original: m.TS, ephemeral: ephemeral,
		})
	}
	return payload
}

// pack makes a parcel of an interaction. The lock is held.
func (w *Workspace) pack(payload fields) (*parcel, error) {
	body, err := json.Marshal(payload)
	if err != nil {
		return nil, fmt.Errorf("make the payload: %w", err)
	}
	parcel := &parcel{kind: interactive, typ: text(payload, "type"), payload: body}
	if actions, ok := payload["actions"].([]fields); ok && len(actions) > 0 {
		parcel.text = text(actions[0], "action_id")
	}
	w.record(parcel, text(payload, "trigger_id"))
	return parcel, nil
}

// Option is one entry of a menu.
type Option struct {
	Text  string `json:"text"`
	Value string `json:"value"`
}

// Types writes into an external select, found by label or action_id, and returns
// the options that the app offers.
func (p *Person) Types(query, label string, on On) ([]Option, Seen) {
	w := p.w
	w.mu.Lock()
	t, err := p.find(label, on, func(e map[string]any) bool {
		return strings.HasSuffix(text(e, "type"), "external_select")
	})
	if err != nil {
		w.mu.Unlock()
		return nil, Seen{Err: err}
	}
	payload := p.interaction("block_suggestion", t)
	payload["action_id"], payload["block_id"] = text(t.element, "action_id"), text(t.block, "block_id")
	payload["value"] = query
	parcel, err := w.pack(payload)
	w.mu.Unlock()
	if err != nil {
		return nil, Seen{Err: err}
	}
	ack, seen := p.deliver(parcel)
	var menu map[string]any
	if len(ack) > 0 && decodeTree(ack, &menu) != nil {
		return nil, Seen{Toast: ToastFailed}
	}
	var out []Option
	for _, o := range offered(menu) {
		out = append(out, Option{Text: text(object(o, "text"), "text"), Value: text(o, "value")})
	}
	return out, seen
}

// offered flattens options and option groups.
func offered(e map[string]any) []any {
	out := slices.Clone(items(e, "options"))
	for _, g := range items(e, "option_groups") {
		out = append(out, items(g, "options")...)
	}
	return out
}

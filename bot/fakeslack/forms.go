package fakeslack

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// Fill is what a person puts into a form: label, action_id or block_id of a field
// to its value. Text fields, dates and times take a string; menus the text or the
// value of an option; menus for people, channels and conversations an id or a
// name; checkboxes and multi-selects a []string; date-times Unix seconds.
type Fill map[string]any

// choose makes the state of an element from what a person picked.
func (w *Workspace) choose(e map[string]any, value any) (fields, error) {
	kind := text(e, "type")
	if kind == "overflow" {
		o, err := pick(e, fmt.Sprint(value))
		return fields{"type": kind, "selected_option": o}, err
	}
	field, ok := stateField[kind]
	if !ok {
		return nil, fmt.Errorf("a %s holds no value", kind)
	}
	state := fields{"type": kind}
	if !plural(kind) {
		one, err := w.chooseOne(e, kind, value)
		state[field.state] = one
		return state, err
	}
	many, ok := value.([]string)
	if !ok {
		many = []string{fmt.Sprint(value)}
	}
	chosen := make([]any, 0, len(many))
	for _, v := range many {
		one, err := w.chooseOne(e, kind, v)
		if err != nil {
			return nil, err
		}
		chosen = append(chosen, one)
	}
	state[field.state] = chosen
	return state, nil
}

func (w *Workspace) chooseOne(e map[string]any, kind string, value any) (any, error) {
	if value == nil {
		return nil, nil
	}
	said := fmt.Sprint(value)
	switch kind {
	case "static_select", "multi_static_select", "radio_buttons", "checkboxes":
		return pick(e, said)
	case "external_select", "multi_external_select":
		if o, ok := value.(Option); ok {
			return plainOption(o), nil
		}
		return plainOption(Option{Text: said, Value: said}), nil
	case "users_select", "multi_users_select":
		for _, u := range w.users {
			if u.ID == said || u.Name == strings.TrimPrefix(said, "@") {
				return u.ID, nil
			}
		}
		return nil, fmt.Errorf("nobody is called %q", said)
	case "channels_select", "multi_channels_select", "conversations_select", "multi_conversations_select":
		if c := w.find(said); c != nil {
			return c.id, nil
		}
		return nil, fmt.Errorf("no channel is called %q", said)
	case "datetimepicker":
		return value, nil
	case "rich_text_input":
		return fields{"type": "rich_text", "elements": []fields{{
			"type": "rich_text_section", "elements": []fields{{"type": "text", "text": said}},
		}}}, nil
	}
	return said, nil
}

func plainOption(o Option) fields {
	return fields{"text": fields{"type": "plain_text", "text": o.Text, "emoji": true}, "value": o.Value}
}

// pick finds an option by its text or value.
func pick(e map[string]any, said string) (any, error) {
	var there []string
	for _, o := range offered(e) {
		label := text(object(o, "text"), "text")
		if label == said || text(o, "value") == said {
			return o, nil
		}
		there = append(there, label)
	}
	return nil, fmt.Errorf("no option %q; there are: %s", said, strings.Join(there, ", "))
}

// Fills writes into the fields of a view. Nothing is sent, except for fields that
// report as they change. It returns the view as it then stands.
func (p *Person) Fills(v View, fill Fill) (*View, error) {
	for _, label := range slices.Sorted(maps.Keys(fill)) {
		dispatch, err := p.fillOne(label, fill[label], v)
		if err != nil {
			return nil, err
		}
		if dispatch {
			if seen := p.Picks(label, fill[label], v); !seen.OK() {
				return nil, fmt.Errorf("fill %q: %s", label, seen.Text())
			}
		}
	}
	p.w.mu.RLock()
	defer p.w.mu.RUnlock()
	_, now, err := p.now(v)
	if err != nil {
		return nil, err
	}
	filled := *now
	return &filled, nil
}

// fillOne sets one field; dispatch says that the app wants to hear of it.
func (p *Person) fillOne(label string, value any, v View) (dispatch bool, err error) {
	w := p.w
	w.mu.Lock()
	defer w.mu.Unlock()
	t, err := p.find(label, v, func(e map[string]any) bool { return stateField[text(e, "type")].state != "" })
	if err != nil {
		return false, err
	}
	state, err := w.choose(t.element, value)
	if err != nil {
		return false, fmt.Errorf("fill %q: %w", label, err)
	}
	p.remember(&t, state)
	return text(t.block, "type") != "input" || truth(t.block, "dispatch_action"), nil
}

// Submits sends a modal's form and waits for the acknowledgement. Slack's client
// itself refuses forms with an empty required field, and so does this: nothing is
// sent then.
func (p *Person) Submits(v View) Seen {
	w := p.w
	w.mu.Lock()
	_, now, err := p.now(v)
	if err != nil {
		w.mu.Unlock()
		return Seen{Err: err}
	}
	if now.Submit == "" {
		w.mu.Unlock()
		return Seen{Err: fmt.Errorf("view %q has no submit button", now.Title)}
	}
	if wrong := incomplete(now); len(wrong) > 0 {
		w.complain(now, wrong)
		w.mu.Unlock()
		return Seen{Errors: wrong, Modal: p.Modal()}
	}
	payload := p.interaction("view_submission", target{view: now})
	payload["response_urls"] = []any{}
	parcel, err := w.pack(payload)
	w.mu.Unlock()
	if err != nil {
		return Seen{Err: err}
	}
	ack, seen := p.deliver(parcel)
	if seen.Toast == "" {
		w.mu.Lock()
		seen.Errors, err = w.obey(p, now.ID, ack)
		w.mu.Unlock()
		if err != nil {
			seen.Toast = ToastFailed // Slack shows the person no more than that
		}
	}
	seen.Modal = p.Modal()
	return seen
}

// obey carries out the response_action of an acknowledged submission.
func (w *Workspace) obey(p *Person, id string, ack json.RawMessage) (map[string]string, error) {
	var do struct {
		Action string            `json:"response_action"`
		Errors map[string]string `json:"errors"`
		View   json.RawMessage   `json:"view"`
	}
	if len(ack) > 0 {
		if err := json.Unmarshal(ack, &do); err != nil {
			return nil, fmt.Errorf("read the acknowledgement: %w", err)
		}
	}
	now := w.views[id] // the app may have updated it meanwhile
	switch do.Action {
	case "":
		w.dismiss(p.ID, id)
		return nil, nil
	case "clear":
		w.clearModals(p.ID)
		w.change(Change{Kind: ModalMoved, User: p.ID, Detail: "cleared"})
		return nil, nil
	case "errors":
		if now == nil {
			return nil, errGone
		}
		if len(do.Errors) == 0 {
			return nil, fmt.Errorf("response_action errors without errors")
		}
		for block := range do.Errors {
			if !hasBlock(now, block) {
				return nil, fmt.Errorf("response_action errors names %q, which is no block of the view", block)
			}
		}
		w.complain(now, do.Errors)
		return do.Errors, nil
	case "update", "push":
		next, err := w.readView(string(do.View), SurfaceModal)
		if err != nil {
			return nil, err
		}
		if do.Action == "push" {
			if len(w.modals[p.ID]) >= maxStack {
				return nil, fail("push_limit_reached")
			}
			w.show(p.ID, next)
			return nil, nil
		}
		if now == nil {
			return nil, errGone
		}
		w.replaceView(now, next)
		return nil, nil
	}
	return nil, fmt.Errorf("unknown response_action %q", do.Action)
}

func hasBlock(v *View, id string) bool {
	return slices.ContainsFunc(v.tree(), func(b any) bool { return text(b, "block_id") == id })
}

func (w *Workspace) complain(v *View, wrong map[string]string) {
	next := *v
	next.Errors = maps.Clone(wrong)
	w.keepView(&next)
}

// dismiss closes one modal of a person's stack, wherever it stands.
func (w *Workspace) dismiss(user, id string) {
	if stack := w.modals[user]; len(stack) > 0 && stack[len(stack)-1].ID == id {
		w.closeTop(user)
		return
	}
	w.modals[user] = slices.DeleteFunc(slices.Clone(w.modals[user]), func(v *View) bool { return v.ID == id })
	delete(w.views, id)
	w.change(Change{Kind: ModalMoved, User: user, Detail: "closed"})
}

// incomplete finds the fields that Slack's client would not let pass.
func incomplete(v *View) map[string]string {
	wrong := map[string]string{}
	for _, node := range v.tree() {
		block, _ := node.(map[string]any)
		e := object(block, "element")
		if text(block, "type") != "input" || e == nil {
			continue
		}
		id := text(block, "block_id")
		value := v.Values[id][text(e, "action_id")][stateField[text(e, "type")].state]
		empty := value == nil || value == ""
		if list, ok := value.([]any); ok {
			empty = len(list) == 0
		}
		said, _ := value.(string)
		long := utf8.RuneCountInString(said)
		switch most := whole(e, "max_length"); {
		case empty && truth(block, "optional"):
		case empty:
			wrong[id] = "Please complete this required field."
		case text(e, "type") == "plain_text_input" && most > 0 && long > most:
			wrong[id] = fmt.Sprintf("This field takes at most %d characters.", most)
		case text(e, "type") == "plain_text_input" && long < whole(e, "min_length"):
			wrong[id] = fmt.Sprintf("This field takes at least %d characters.", whole(e, "min_length"))
		}
	}
	return wrong
}

// Closes takes a modal away by its cross; with clear_on_close all of them go. The
// app hears of it when the view asks for that.
func (p *Person) Closes(v View) Seen {
	w := p.w
	w.mu.Lock()
	_, now, err := p.now(v)
	if err != nil {
		w.mu.Unlock()
		return Seen{Err: err}
	}
	if now.ClearOnClose {
		w.clearModals(p.ID)
		w.change(Change{Kind: ModalMoved, User: p.ID, Detail: "cleared"})
	} else {
		w.dismiss(p.ID, now.ID)
	}
	var parcel *parcel
	if now.NotifyOnClose {
		payload := p.interaction("view_closed", target{view: now})
		payload["is_cleared"] = now.ClearOnClose
		parcel, err = w.pack(payload)
	}
	w.mu.Unlock()
	if err != nil || parcel == nil {
		return Seen{Err: err, Modal: p.Modal()}
	}
	_, seen := p.deliver(parcel)
	seen.Modal = p.Modal()
	return seen
}

package fakeslack

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// place is where an element stands.
type place int

const (
	inSection place = 1 << iota
	inActions
	inInput
)

// places says where each kind of element may stand.
var places = map[string]place{
	"button": inSection | inActions, "workflow_button": inSection | inActions,
	"overflow": inSection | inActions, "image": inSection,
	"checkboxes": inSection | inActions | inInput, "radio_buttons": inSection | inActions | inInput,
	"datepicker": inSection | inActions | inInput, "timepicker": inSection | inActions | inInput,
	"datetimepicker":   inActions | inInput,
	"plain_text_input": inInput, "email_text_input": inInput, "url_text_input": inInput,
	"number_input": inInput, "rich_text_input": inInput | inActions, "file_input": inInput,
	"static_select": inSection | inActions | inInput, "external_select": inSection | inActions | inInput,
	"users_select": inSection | inActions | inInput, "conversations_select": inSection | inActions | inInput,
	"channels_select":     inSection | inActions | inInput,
	"multi_static_select": inSection | inInput, "multi_external_select": inSection | inInput,
	"multi_users_select": inSection | inInput, "multi_conversations_select": inSection | inInput,
	"multi_channels_select": inSection | inInput,
}

// actionTypes are the elements that carry an action_id.
var actionTypes = func() map[string]bool {
	out := map[string]bool{}
	for kind := range places {
		out[kind] = kind != "image"
	}
	out["feedback_buttons"], out["icon_button"] = true, true
	return out
}()

// elements checks a list of elements and that their action_ids differ.
func (c *checker) elements(at string, _ map[string]any, list []any, where place) {
	seen := map[string]bool{}
	for i, node := range list {
		at := fmt.Sprintf("%s/elements/%d", at, i)
		e, ok := node.(map[string]any)
		if !ok {
			c.add(at, "must be an object")
			continue
		}
		if id := text(e, "action_id"); id != "" {
			if seen[id] {
				c.add(at+"/action_id", "`action_id` %q already exists for another element in this block", id)
			}
			seen[id] = true
		}
		c.element(at, e, where)
	}
}

func (c *checker) element(at string, e map[string]any, where place) {
	kind := text(e, "type")
	if places[kind]&where == 0 {
		c.add(at+"/type", "unsupported type: %s", kind)
		return
	}
	c.length(at+"/action_id", text(e, "action_id"), 255)
	c.label(e, at, "placeholder", 150, false)
	if truth(e, "focus_on_load") {
		if c.focused++; c.focused > 1 {
			c.add(at+"/focus_on_load", "only one element may have focus_on_load")
		}
	}
	if confirm := object(e, "confirm"); confirm != nil {
		c.label(confirm, at+"/confirm", "title", 100, true)
		c.textObject(confirm, at+"/confirm", "text", 300, true, "plain_text", "mrkdwn")
		c.label(confirm, at+"/confirm", "confirm", 30, true)
		c.label(confirm, at+"/confirm", "deny", 30, false)
		c.oneOf(at+"/confirm/style", text(confirm, "style"), "primary", "danger")
	}
	switch kind {
	case "button", "workflow_button":
		c.label(e, at, "text", 75, true)
		c.length(at+"/value", text(e, "value"), 2000)
		c.length(at+"/url", text(e, "url"), 3000)
		c.length(at+"/accessibility_label", text(e, "accessibility_label"), 75)
		c.oneOf(at+"/style", text(e, "style"), "primary", "danger")
	case "image":
		c.image(at, e)
	case "overflow":
		c.options(at, e, 1, 5, 75, "plain_text")
	case "checkboxes", "radio_buttons":
		c.options(at, e, 1, 10, 75, "plain_text", "mrkdwn")
		c.initial(at, e)
	case "static_select", "multi_static_select":
		c.selectOptions(at, e)
		c.initial(at, e)
	case "datepicker":
		c.shaped(at+"/initial_date", text(e, "initial_date"), time.DateOnly)
	case "timepicker":
		c.shaped(at+"/initial_time", text(e, "initial_time"), "15:04")
	case "datetimepicker":
		if v := e["initial_date_time"]; v != nil && !tenDigits.MatchString(fmt.Sprint(v)) {
			c.add(at+"/initial_date_time", "must be a timestamp of 10 digits")
		}
	case "plain_text_input":
		c.textInput(at, e)
	case "number_input":
		if _, ok := e["is_decimal_allowed"].(bool); !ok {
			c.add(at, "missing required field: is_decimal_allowed")
		}
	}
}

var tenDigits = regexp.MustCompile(`^[0-9]{10}$`)

func (c *checker) oneOf(at, value string, allowed ...string) {
	if value != "" && !slices.Contains(allowed, value) {
		c.add(at, "must be one of: %s", strings.Join(allowed, ", "))
	}
}

func (c *checker) shaped(at, value, layout string) {
	if value == "" {
		return
	}
	if _, err := time.Parse(layout, value); err != nil {
		c.add(at, "must match the format %s", layout)
	}
}

func (c *checker) textInput(at string, e map[string]any) {
	least, most := whole(e, "min_length"), whole(e, "max_length")
	switch {
	case least < 0 || least > 3000:
		c.add(at+"/min_length", "must be between 0 and 3000")
	case e["max_length"] != nil && (most < 1 || most > 3000):
		c.add(at+"/max_length", "must be between 1 and 3000")
	case e["max_length"] != nil && least > most:
		c.add(at+"/min_length", "must be less than max_length")
	}
	c.length(at+"/initial_value", text(e, "initial_value"), 3000)
}

// selectOptions checks a static select: options or groups of them, not both.
func (c *checker) selectOptions(at string, e map[string]any) {
	if e["option_groups"] == nil {
		c.options(at, e, 1, 100, 75, "plain_text")
		return
	}
	if e["options"] != nil {
		c.add(at, "must define either `options` or `option_groups`")
	}
	for i, g := range c.count(e, at, "option_groups", 1, 100) {
		at := fmt.Sprintf("%s/option_groups/%d", at, i)
		group, ok := g.(map[string]any)
		if !ok {
			c.add(at, "must be an object")
			continue
		}
		c.label(group, at, "label", 75, true)
		c.options(at, group, 1, 100, 75, "plain_text")
	}
}

// options checks a list of options; their values must differ.
func (c *checker) options(at string, e map[string]any, least, most, wide int, kinds ...string) {
	seen := map[string]bool{}
	for i, node := range c.count(e, at, "options", least, most) {
		at := fmt.Sprintf("%s/options/%d", at, i)
		o, ok := node.(map[string]any)
		if !ok {
			c.add(at, "must be an object")
			continue
		}
		c.textObject(o, at, "text", wide, true, kinds...)
		c.textObject(o, at, "description", 75, false, kinds...)
		value := text(o, "value")
		c.length(at+"/value", value, 150)
		if seen[value] && value != "" {
			c.add(at+"/value", "option values must be unique: %q", value)
		}
		seen[value] = true
	}
}

// initial checks that what is chosen at first is among the options.
func (c *checker) initial(at string, e map[string]any) {
	var chosen []any
	if o := object(e, "initial_option"); o != nil {
		chosen = append(chosen, o)
	}
	chosen = append(chosen, items(e, "initial_options")...)
	offered := items(e, "options")
	for _, g := range items(e, "option_groups") {
		offered = append(offered, items(g, "options")...)
	}
	for _, o := range chosen {
		same := func(have any) bool {
			return text(have, "value") == text(o, "value") &&
				text(object(have, "text"), "text") == text(object(o, "text"), "text")
		}
		if !slices.ContainsFunc(offered, same) {
			c.add(at+"/initial_option", "initial option %q is not among the options", text(o, "value"))
		}
	}
}

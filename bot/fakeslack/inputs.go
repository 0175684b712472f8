package fakeslack

import "strings"

// initialValues is the state of the inputs before anyone fills them in, except
// for what was filled in before.
func initialValues(tree []any, before Values) Values {
	values := Values{}
	for _, node := range tree {
		block, _ := node.(map[string]any)
		for _, e := range elements(block) {
			state := initialState(e)
			if state == nil {
				continue
			}
			blockID, actionID := text(block, "block_id"), text(e, "action_id")
			if was := before[blockID][actionID]; was != nil && was["type"] == state["type"] {
				state = was
			}
			if values[blockID] == nil {
				values[blockID] = map[string]map[string]any{}
			}
			values[blockID][actionID] = state
		}
	}
	return values
}

// stateField names where the state of a kind of element keeps its value, and
// initialField where the element keeps the value it starts with.
var stateField = map[string]struct{ state, initial string }{
	"plain_text_input": {"value", "initial_value"}, "email_text_input": {"value", "initial_value"},
	"url_text_input": {"value", "initial_value"}, "number_input": {"value", "initial_value"},
	"rich_text_input": {"rich_text_value", "initial_value"}, "file_input": {"files", ""},
	"static_select": {"selected_option", "initial_option"}, "external_select": {"selected_option", "initial_option"},
	"radio_buttons": {"selected_option", "initial_option"}, "users_select": {"selected_user", "initial_user"},
	"conversations_select": {"selected_conversation", "initial_conversation"},
	"channels_select":      {"selected_channel", "initial_channel"},
	"checkboxes":           {"selected_options", "initial_options"},
	"multi_static_select":  {"selected_options", "initial_options"}, "multi_external_select": {"selected_options", "initial_options"},
	"multi_users_select":         {"selected_users", "initial_users"},
	"multi_conversations_select": {"selected_conversations", "initial_conversations"},
	"multi_channels_select":      {"selected_channels", "initial_channels"},
	"datepicker":                 {"selected_date", "initial_date"}, "timepicker": {"selected_time", "initial_time"},
	"datetimepicker": {"selected_date_time", "initial_date_time"},
}

// plural says whether the state of a kind of element is a list.
func plural(kind string) bool {
	return kind == "checkboxes" || kind == "file_input" || strings.HasPrefix(kind, "multi_")
}

// initialState is nil for elements that hold no state, such as buttons.
func initialState(e map[string]any) map[string]any {
	kind := text(e, "type")
	field, ok := stateField[kind]
	if !ok {
		return nil
	}
	value := e[field.initial]
	if value == nil && plural(kind) {
		value = []any{}
	}
	return map[string]any{"type": kind, field.state: value}
}

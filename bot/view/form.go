package view

import (
	"strings"
	"unicode/utf8"

	"github.com/slack-go/slack"

	"github.com/musterbot/muster/campaign"
)

// The bounds of forms.
const (
	maxInput   = 3000 // characters of a text input
	maxOptions = 100  // of a select
	maxChecks  = 10   // of checkboxes
	maxOption  = 75   // characters of an option
	yes        = "yes"
)

// form collects the blocks of a modal. The block and the action of an input have
// its field's name as their ID, so that a submission is read by name.
type form struct {
	callback, title, submit, private string
	blocks                           []slack.Block
}

// modal returns the form as Slack takes it. Titles have at most 24 characters.
func (f form) modal() slack.ModalViewRequest {
	m := slack.ModalViewRequest{
		Type: slack.VTModal, CallbackID: f.callback, PrivateMetadata: f.private,
		Title: plain(shorten(f.title, 24)), Close: plain("Back"), Blocks: slack.Blocks{BlockSet: f.blocks},
	}
	if f.submit != "" {
		m.Submit = plain(shorten(f.submit, 24))
	}
	return m
}

func (f *form) say(text string) { f.blocks = append(f.blocks, sections(text)...) }

// field is an input: what it is called, what it is for, and whether it may stay
// empty.
type field struct {
	name, label, hint string
	optional          bool
}

func (f *form) add(in field, element slack.BlockElement) {
	var hint *slack.TextBlockObject
	if in.hint != "" {
		hint = plain(in.hint)
	}
	f.blocks = append(f.blocks, slack.NewInputBlock(in.name, plain(in.label), hint, element).WithOptional(in.optional))
}

func (f *form) text(in field, initial string, most int) {
	f.add(in, input(in.name, initial, most))
}

func (f *form) lines(in field, initial string, most int) {
	f.add(in, input(in.name, initial, most).WithMultiline(true))
}

// input leaves out an initial value that the form could not hold: cut in half it
// would be sent back as the whole.
func input(name, initial string, most int) *slack.PlainTextInputBlockElement {
	e := slack.NewPlainTextInputBlockElement(nil, name).WithMaxLength(most)
	if initial != "" && utf8.RuneCountInString(initial) <= most {
		e.WithInitialValue(initial)
	}
	return e
}

// choice is an option: its value and what people read.
type choice struct{ value, label string }

func (c choice) option() *slack.OptionBlockObject {
	return slack.NewOptionBlockObject(c.value, plain(shorten(c.label, maxOption)), nil)
}

func options(choices []choice) []*slack.OptionBlockObject {
	out := make([]*slack.OptionBlockObject, 0, min(len(choices), maxOptions))
	for _, c := range choices[:min(len(choices), maxOptions)] {
		out = append(out, c.option())
	}
	return out
}

func (f *form) pick(in field, choices []choice, initial string) {
	e := slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, plain("Choose"), in.name, options(choices)...)
	for _, c := range choices {
		if c.value == initial {
			e.WithInitialOption(c.option())
		}
	}
	f.add(in, e)
}

// several is a select of any number of options.
func (f *form) several(in field, choices []choice) {
	f.add(in, slack.NewOptionsMultiSelectBlockElement(slack.MultiOptTypeStatic, plain("Choose"), in.name, options(choices)...))
}

// moment asks for a date and an hour.
func (f *form) moment(in field) { f.add(in, slack.NewDateTimePickerBlockElement(in.name)) }

// search is a select whose options are asked for while somebody types; see
// MenuOptions.
func (f *form) search(in field, prompt string) {
	e := slack.NewOptionsSelectBlockElement(slack.OptTypeExternal, plain(prompt), in.name)
	few := 2
	e.MinQueryLength = &few
	f.add(in, e)
}

func (f *form) radio(in field, choices []choice) {
	f.add(in, slack.NewRadioButtonsBlockElement(in.name, options(choices)...))
}

// check is one box, whose value is "yes".
func (f *form) check(in field, label string, ticked bool) {
	option := choice{yes, label}.option()
	e := slack.NewCheckboxGroupsBlockElement(in.name, option)
	if ticked {
		e.InitialOptions = []*slack.OptionBlockObject{option}
	}
	in.optional = true
	f.add(in, e)
}

func (f *form) person(in field, initial campaign.Person) {
	e := slack.NewOptionsSelectBlockElement(slack.OptTypeUser, plain("Choose a person"), in.name)
	if user := initial.User(); strings.HasPrefix(user, "U") || strings.HasPrefix(user, "W") {
		e.WithInitialUser(user)
	}
	f.add(in, e)
}

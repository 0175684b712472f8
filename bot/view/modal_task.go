package view

import (
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"github.com/musterbot/muster/campaign"
)

// DoneModal asks how n tasks were done. Without methods any words will do.
func DoneModal(methods []string, tasks []TaskChoice, private string) slack.ModalViewRequest {
	f := form{callback: "task.done", title: "Done", submit: "Done", private: private}
	f.which(tasks, field{label: "Only some of them?", hint: "None picked: all of them. Those that were done in another way get an answer of their own", optional: true})
	if len(methods) > 0 {
		choices := make([]choice, 0, len(methods))
		for _, m := range methods {
			choices = append(choices, choice{m, m})
		}
		initial := ""
		if len(methods) == 1 {
			initial = methods[0]
		}
		f.pick(field{name: "method", label: "How", hint: "If one of the ways stops counting later, only those come back to you"}, choices, initial)
	} else {
		f.text(field{name: "method", label: "How"}, "", maxOption)
	}
	f.text(field{name: "version", label: "Version it runs now", hint: "With an update: 2.17.1", optional: true}, "", 60)
	f.lines(field{name: "note", label: "Anything to know", optional: true}, "", 1000)
	return f.modal()
}

// TaskChoice is a task that a form is about.
type TaskChoice struct{ ID, Name string }

// maxNamed is how many tasks a form names in its first line.
const maxNamed = 5

// which says which tasks a form is about, and lets some of several be picked; see
// FieldWhich.
func (f *form) which(tasks []TaskChoice, in field) {
	names := make([]string, 0, maxNamed)
	for _, t := range tasks[:min(len(tasks), maxNamed)] {
		names = append(names, "`"+string(campaign.Escape(t.Name))+"`")
	}
	about := strings.Join(names, ", ")
	if more := len(tasks) - len(names); more > 0 {
		about += fmt.Sprintf(" and %d more", more)
	}
	f.say("This is about " + about + ".")
	if len(tasks) < 2 || len(tasks) > maxOptions {
		return
	}
	choices := make([]choice, len(tasks))
	for i, t := range tasks {
		choices[i] = choice{t.ID, t.Name}
	}
	in.name = FieldWhich
	f.several(in, choices)
}

// FieldWhich is the field that names the tasks that somebody picked.
const FieldWhich = "which"

// BlockedModal asks what is in the way.
func BlockedModal(tasks []TaskChoice, private string) slack.ModalViewRequest {
	f := form{callback: "task.blocked", title: "Blocked", submit: "Say so", private: private}
	f.which(tasks, field{label: "Only some of them?", hint: "None picked: all of them", optional: true})
	f.lines(field{name: "reason", label: "What is in the way?", hint: "One sentence. The commander reads it, and it is counted as blocked, not as late work."}, "", 500)
	return f.modal()
}

// NotOursModal asks whose it is.
func NotOursModal(tasks []TaskChoice, private string) slack.ModalViewRequest {
	f := form{callback: "task.not_ours", title: "Not ours", submit: "Not ours", private: private}
	f.which(tasks, field{label: "Which are not yours?"})
	f.owner("Whom you name is asked to take it. If you do not know, leave both blank: a person finds out.")
	return f.modal()
}

// OtherOwnerModal asks whose work it is that somebody was asked to take.
func OtherOwnerModal(private string) slack.ModalViewRequest {
	f := form{callback: "reassign.other", title: "Whose is it?", submit: "Name them", private: private}
	f.owner("They are asked, or get it where it is yours to decide.")
	return f.modal()
}

// owner asks for a team or a person: of the catalog, or in any words.
func (f *form) owner(hint string) {
	f.search(field{name: "whose", label: "Whose is it?", hint: hint, optional: true}, "Type a team or a person")
	f.text(field{name: "owner", label: "Not in the list?", hint: "A name, in your words", optional: true}, "", 150)
}

// DeclineWorkModal asks why work is not somebody's.
func DeclineWorkModal(private string) slack.ModalViewRequest {
	f := form{callback: "reassign.decline", title: "Not ours either", submit: "Decline", private: private}
	f.lines(field{name: "reason", label: "Why is it not yours?", hint: "One sentence. The one who has it reads it."}, "", 500)
	return f.modal()
}

// maxMenuValue is the longest value of an option, in characters.
const maxMenuValue = 150

// MenuOptions answers a select that asks for its options. A reference that is too
// long to be one is left out; it can be typed.
func MenuOptions(owners []campaign.OwnerChoice) slack.OptionsResponse {
	out := slack.OptionsResponse{Options: []*slack.OptionBlockObject{}}
	for _, o := range owners {
		if len(o.Ref) <= maxMenuValue && len(out.Options) < maxOptions {
			out.Options = append(out.Options, choice{value: o.Ref, label: o.Name}.option())
		}
	}
	return out
}

// OddModal takes what nobody should write in a channel.
func OddModal(private string) slack.ModalViewRequest {
	f := form{callback: "odd.report", title: "I saw something odd", submit: "Send", private: private}
	f.say("This goes to incident response only. It is shown in no channel, list or report, and nobody else is told.")
	f.lines(field{name: "text", label: "What did you see, where and when?", hint: "Change nothing on that machine until they answer"}, "", 2000)
	return f.modal()
}

// AttestForm is what the form starts with by which somebody says what they run.
type AttestForm struct {
	Callback string // campaign.attest, or inquiry.answer
	IDs      []string
	Names    []string // in the order of the IDs
	Private  string
}

// AttestModal asks about services of which nobody knows whether they run the thing.
func AttestModal(in AttestForm) slack.ModalViewRequest {
	f := form{callback: in.Callback, title: "Say what you run", submit: "Say so", private: in.Private}
	n := len(in.Names)
	if n == 1 {
		f.say("This answers for `" + string(campaign.Escape(in.Names[0])) + "`, of which nobody knows yet.")
	} else {
		f.say(fmt.Sprintf("This answers for %d services of which nobody knows yet.", n))
	}
	f.radio(field{name: "running", label: "Do you run it?"}, []choice{{yes, "Yes, or we are not sure"}, {"no", "No, we looked"}, {"later", "We do not know yet"}})
	if n > 1 && n <= maxOptions {
		choices := make([]choice, n)
		for i, id := range in.IDs {
			choices[i] = choice{id, in.Names[i]}
		}
		f.several(field{name: "only", label: "Only some of them? Pick those that run it", hint: "The others then count as not running it", optional: true}, choices)
	}
	f.lines(field{name: "how", label: "How did you check, or what do you wait for?", hint: "One sentence: it stands in the record beside your name"}, "", 1000)
	f.moment(field{name: "until", label: "By when will you know?", hint: "If you do not know yet. They count as unknown until then, and you are asked again", optional: true})
	return f.modal()
}

// CommentModal asks about a step that was unclear or failed; step 0 stands for
// the whole text.
func CommentModal(step int, private string) slack.ModalViewRequest {
	title := "The whole text"
	if step > 0 {
		title = fmt.Sprintf("Step %d", step)
	}
	f := form{callback: "dryrun.comment", title: title, submit: "Send", private: private}
	f.lines(field{name: "comment", label: "What happened, and what did you expect?", hint: "The text is not approved before this is resolved"}, "", 1000)
	return f.modal()
}

// FieldErrors is the answer to a form that cannot be accepted: a message under
// each field that is wrong.
func FieldErrors(problems map[string]string) *slack.ViewSubmissionResponse {
	return slack.NewErrorsViewSubmissionResponse(problems)
}

// Tell is a modal that only says something, e.g. why an old button does nothing.
func Tell(title string, m campaign.Message) slack.ModalViewRequest {
	f := form{callback: "told", title: title}
	f.say(m.Text)
	return f.modal()
}

package jiratest

import (
	"net/http"
	"slices"
)

// Workflow is how issues move: every status leads to every other one but itself.
var Workflow = []Status{
	{"1", "To Do", "new"}, {"3", "In Progress", "indeterminate"}, {"4", "In Review", "indeterminate"}, {"5", "Done", "done"},
}

// Status is one of the workflow's.
type Status struct{ ID, Name, Category string }

// Resolution is what the workflow wants of an issue that becomes Done.
type Resolution int

// The ways of a workflow. What a transition shows of its screen is not always what
// it takes.
const (
	ResolutionUnknown  Resolution = iota // the field is on no screen: setting it is refused
	ResolutionAsked                      // on the screen, and required
	ResolutionHidden                     // not shown, and required by a validator
	ResolutionMisshown                   // shown, and refused when it is set
)

func (s *Server) transitions(i *issue, fields bool) []any {
	var list []any
	for _, status := range Workflow {
		if status.Name == i.Status {
			continue
		}
		one := map[string]any{"id": "1" + status.ID, "name": "Move to " + status.Name, "to": showStatus(status)}
		if fields {
			one["fields"] = map[string]any{}
			if status.Category == "done" && (s.opts.Resolution == ResolutionAsked || s.opts.Resolution == ResolutionMisshown) {
				one["fields"] = map[string]any{"resolution": map[string]any{"required": true, "name": "Resolution", "allowedValues": s.resolutions()}}
			}
		}
		list = append(list, one)
	}
	return list
}

func (s *Server) resolutions() []any {
	list := []any{}
	for _, name := range s.opts.Resolutions {
		list = append(list, map[string]any{"name": name})
	}
	return list
}

func showStatus(s Status) map[string]any {
	return map[string]any{"id": s.ID, "name": s.Name, "statusCategory": map[string]any{"key": s.Category}}
}

func (s *Server) transit(i *issue, body map[string]any) reply {
	wanted, _ := body["transition"].(map[string]any)
	for _, status := range Workflow {
		if wanted["id"] != "1"+status.ID || status.Name == i.Status {
			continue
		}
		fields, _ := body["fields"].(map[string]any)
		resolution, wrong := s.resolve(status, fields)
		if wrong != nil {
			return *wrong
		}
		s.touch(i, func() { i.Status, i.Category, i.Resolution = status.Name, status.Category, resolution })
		return reply{status: http.StatusNoContent}
	}
	return refuse(http.StatusBadRequest, "It seems that you have tried to perform a workflow operation that is not valid for the current state of this issue.")
}

// resolve returns the resolution that a transition sets; "" for none.
func (s *Server) resolve(to Status, fields map[string]any) (string, *reply) {
	value, given := fields["resolution"].(map[string]any)
	name, _ := value["name"].(string)
	takes := to.Category == "done" && (s.opts.Resolution == ResolutionAsked || s.opts.Resolution == ResolutionHidden)
	var wrong reply
	switch {
	case given && !takes:
		wrong = refuseFields(map[string]string{"resolution": notOnScreen("resolution")})
	case given && !slices.Contains(s.opts.Resolutions, name):
		wrong = refuseFields(map[string]string{"resolution": "Resolution name '" + name + "' is not valid"})
	case !given && takes && s.opts.Resolution == ResolutionHidden:
		wrong = refuse(http.StatusBadRequest, "Field Resolution is required.")
	case !given && takes:
		wrong = refuseFields(map[string]string{"resolution": "Resolution is required."})
	default:
		return name, nil
	}
	return "", &wrong
}

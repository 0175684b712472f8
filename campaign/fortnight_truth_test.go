package campaign_test

import (
	"encoding/json"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/sample"
)

// check holds what is shown after the last round of scans against the truth.
func (f *fortnight) check() fortnightResult {
	f.t.Helper()
	result := fortnightResult{Services: f.services, Scans: f.scans, Held: f.held, Vulnerable: map[string]int{}, Safe: map[string]int{}}
	shown := f.checkTasks(&result)
	f.checkNothingLost(shown)
	differences, err := f.engine.Recount(f.t.Context(), f.id)
	require.NoError(f.t, err)
	for _, d := range differences {
		f.untruth("counter: %s", d)
	}
	left, err := f.engine.Outstanding(f.t.Context(), f.id)
	require.NoError(f.t, err)
	for _, e := range all[campaign.Effect](f.house, f.id, campaign.KindEffect) {
		switch {
		case e.NotBefore.After(f.clock.Now()): // waits for somebody's morning
			left--
		case e.Status != campaign.EffectDone:
			f.untruth("effect %s for %s is %s since %s, not before %s: %s", e.Kind, e.Subject, e.Status, e.CreatedAt, e.NotBefore, e.LastError)
		}
	}
	if left > 0 {
		f.untruth("%d things are still on their way", left)
	}
	f.checkAskedOnce(&result)
	result.Asked, result.Untrue = f.asked, len(f.untrue)
	return result
}

// checkSettled holds what the scans of a day settled against the truth of when they
// were made: also a broken scanner must not make anything look fixed.
func (f *fortnight) checkSettled(day int) {
	for _, task := range all[campaign.Task](f.house, f.id, campaign.KindTask) {
		if task.Status != campaign.TaskVerified && task.Status != campaign.TaskNotAffected || task.UpdatedAt.Before(f.company.RoundOn(day)) {
			continue
		}
		target := stored[campaign.Target](f.house, f.id, campaign.KindTarget, task.Target)
		if state, ok := f.company.State(target.Service, target.Layer, f.company.RoundOn(day)); ok && state.Vulnerable {
			f.untruth("on day %d %s %s became %s with %v: %s", day, state.Name, state.Layer, task.Status, state.Versions, task.Evidence)
		}
	}
}

type serviceLayer struct {
	service string
	layer   campaign.Layer
}

// checkTasks holds each task's state against the truth about its target.
func (f *fortnight) checkTasks(result *fortnightResult) map[serviceLayer]campaign.Task {
	shown, doubtful := map[serviceLayer]campaign.Task{}, map[string]bool{}
	world, err := f.engine.Assess(f.t.Context(), f.id)
	require.NoError(f.t, err)
	for _, target := range world.Targets {
		doubtful[target.ID] = target.Knowledge == campaign.KnownPossible && target.Doubt != "" // on the triage list
	}
	for _, task := range all[campaign.Task](f.house, f.id, campaign.KindTask) {
		target := stored[campaign.Target](f.house, f.id, campaign.KindTarget, task.Target)
		state, ok := f.company.State(target.Service, target.Layer, f.clock.Now())
		if !ok {
			f.untruth("%s is the target of a task and no service", target.Name)
			continue
		}
		key := serviceLayer{target.Service, target.Layer}
		if _, twice := shown[key]; twice {
			f.untruth("%s %s has two tasks", state.Name, state.Layer)
		}
		shown[key] = task
		result.Targets++
		by := result.Safe
		if state.Vulnerable {
			by = result.Vulnerable
		}
		by[string(task.Status)]++
		if wrong := disagrees(task, state); wrong != "" && !(task.Status == campaign.TaskUnknown && doubtful[task.Target]) {
			f.untruth("%s %s is shown %s: %s (it has %v; %s; %s)", state.Name, state.Layer, task.Status, wrong, state.Versions, task.Evidence, task.Reason)
		}
	}
	return shown
}

// disagrees says how a task's state and the truth disagree; "" when they do not.
func disagrees(task campaign.Task, state sample.State) string {
	switch task.Status {
	case campaign.TaskVerified, campaign.TaskNotAffected:
		if state.Vulnerable {
			return "it is vulnerable"
		}
	case campaign.TaskUnknown:
		if state.Scanned {
			return "it was scanned today"
		}
	case campaign.TaskOpen, campaign.TaskInProgress:
		if !state.Vulnerable && state.Scanned {
			return "it is fixed, and was scanned since"
		}
	case campaign.TaskClaimed:
		if state.Scanned {
			return "it was scanned since, and that settles it"
		}
	default:
		return "nobody asked for that"
	}
	return ""
}

// checkNothingLost looks for services that are vulnerable, or unscanned, and stand
// nowhere.
func (f *fortnight) checkNothingLost(shown map[serviceLayer]campaign.Task) {
	world, err := f.engine.Assess(f.t.Context(), f.id)
	require.NoError(f.t, err)
	listed := map[serviceLayer]campaign.Target{}
	for _, target := range world.Targets {
		listed[serviceLayer{target.Service, target.Layer}] = target
	}
	for state := range f.company.States(f.clock.Now()) {
		key := serviceLayer{state.Service, state.Layer}
		_, tasked := shown[key]
		target, known := listed[key]
		switch {
		case tasked:
		case state.Vulnerable && state.Scanned && !known:
			f.untruth("%s %s is vulnerable and scanned, and stands nowhere", state.Name, state.Layer)
		case state.Vulnerable && state.Scanned && target.Doubt == "":
			f.untruth("%s %s is vulnerable and scanned, without doubt, and has no task", state.Name, state.Layer)
		case !state.Scanned && target.Knowledge != campaign.KnownNothing:
			f.untruth("%s was never scanned and is not shown as unknown", state.Name)
		}
	}
}

// checkAskedOnce counts what each person was asked for, by what asked: nobody has
// two first messages, no message arrives twice, and nobody is told of a reopening
// that did not happen.
func (f *fortnight) checkAskedOnce(result *fortnightResult) {
	// By name alone: work that was open again may have moved to somebody else since.
	reopened, asked := map[string]int{}, map[string]int{}
	for _, task := range all[campaign.Task](f.house, f.id, campaign.KindTask) {
		reopened[task.Name] += task.Reopened
	}
	keys := map[string]bool{}
	for _, contact := range all[campaign.Contact](f.house, f.id, campaign.KindContact) {
		result.Contacts++
		firsts := 0
		fresh := map[string]int{} // asked for as new work
		for _, m := range f.slack.said(contact.Person.User()) {
			if keys[m.Key] {
				f.untruth("%s got the message %s twice", contact.Person, m.Key)
			}
			keys[m.Key] = true
			template, data, _ := strings.Cut(m.Message.Text, " ")
			var names struct{ Names []string }
			_ = json.Unmarshal([]byte(data), &names) // the first message's text has a headline before it
			switch template {
			case "first_message", "progress":
				firsts++
				f.asked++
			case "reopened":
				f.asked++
				for _, name := range names.Names {
					asked[name]++
				}
			case "more_work":
				f.asked++
				for _, name := range names.Names {
					fresh[name]++
				}
			case "advice_moved":
				f.asked++
			}
		}
		if firsts != 1 {
			f.untruth("%s got %d first messages", contact.Person, firsts)
		}
		for name, n := range fresh {
			if n > 2 { // one for each of two layers
				f.untruth("%s was asked for %s as new work %d times", contact.Person, name, n)
			}
		}
	}
	for name, n := range asked {
		if n > reopened[name] {
			f.untruth("people were told %d times that %s is open again, which it was %d times", n, name, reopened[name])
		}
	}
	owners := map[string]string{}
	for _, ticket := range all[campaign.Ticket](f.house, f.id, campaign.KindTicket) {
		result.Tickets++
		if owners[ticket.Owner+" "+ticket.Name] != "" {
			f.untruth("%s has two tickets for %s", ticket.Owner, ticket.Name)
		}
		owners[ticket.Owner+" "+ticket.Name] = ticket.ID
	}
	if n := len(f.tracker.filed()); n != result.Tickets {
		f.untruth("the tracker has %d tickets, and %d were planned", n, result.Tickets)
	}
}

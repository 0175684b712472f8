package campaign

import (
	"cmp"
	"slices"
	"time"
)

// Pace is how fast Slack and the tracker let us work. What a plan is said to take
// follows from the same numbers as the limiter that lets calls through.
type Pace struct {
	MessagesPerMinute float64 // default 300
	TicketsPerMinute  float64 // filed in the tracker, in calls as full as they may be; default 600
	// TicketsPerCall is how many the tracker files in one call. Default: what it
	// says of itself.
	TicketsPerCall int
}

func (p Pace) withDefaults(t Tracker) Pace {
	p.MessagesPerMinute = cmp.Or(p.MessagesPerMinute, 300)
	p.TicketsPerMinute = cmp.Or(p.TicketsPerMinute, 600)
	p.TicketsPerCall = cmp.Or(p.TicketsPerCall, bulkOf(t))
	return p
}

// joinCalls is how many calls a ticket takes that exists already: its body is
// renewed, and a comment says what is asked now.
const joinCalls = 2

// takes computes how long sending the plan takes. Tickets are filed in their order,
// so many in a call; a contact's message goes out after the last of its tickets,
// and after the messages before it. People who are left to sleep are told in their
// morning, which is not a part of it: the plan counts them.
func (p Plan) takes(pace Pace) time.Duration {
	perCall := max(1, pace.TicketsPerCall)
	call := time.Duration(float64(perCall) * float64(time.Minute) / pace.TicketsPerMinute)
	message := time.Duration(float64(time.Minute) / pace.MessagesPerMinute)
	filed := make(map[string]time.Duration, len(p.Tickets))
	calls, room := 0, 0 // calls so far, and what is left in the last one
	for _, t := range p.Tickets {
		switch {
		case t.Joins:
			calls, room = calls+joinCalls, 0
		case room == 0:
			calls, room = calls+1, perCall-1
		default:
			room--
		}
		filed[t.ID] = time.Duration(calls) * call
	}
	ready := make([]time.Duration, 0, len(p.Contacts))
	for _, c := range p.Contacts {
		if c.Slice != SliceExposed && !c.Exposed && asleep(p.BuiltAt, c.Zone) {
			continue
		}
		var last time.Duration
		for _, id := range c.Tickets {
			last = max(last, filed[id])
		}
		ready = append(ready, last)
	}
	slices.Sort(ready)
	var sent time.Duration
	for _, at := range ready {
		sent = max(sent, at) + message
	}
	return max(time.Duration(calls)*call, sent).Round(100 * time.Millisecond)
}

package campaign

import "time"

// Contact is a person who is asked on behalf of one or more owners, and the one
// message that shows them what is theirs.
type Contact struct {
	Person  Person   `json:"person"`
	Name    string   `json:"name"`
	Zone    string   `json:"zone,omitempty"`
	Tickets []string `json:"tickets"` // in the order in which they were planned
	// Text is the first message as it was approved.
	Text string `json:"text,omitempty"`
	// Message is where the first message went; zero until it was posted.
	Message MessageRef `json:"message,omitzero"`
	// First is the ID of the effect that posts the first message.
	First string `json:"first,omitempty"`
	// Waiting are the effects of messages that go out once their tickets exist.
	Waiting []string `json:"waiting,omitempty"`
	// Asked counts the messages that asked something new after the first.
	Asked    int       `json:"asked,omitempty"`
	FirstAt  time.Time `json:"first_at,omitzero"`
	SnoozeTo time.Time `json:"snooze_to,omitzero"`
	// AskedHow is when they were last asked how something was done that was
	// closed in the tracker.
	AskedHow time.Time `json:"asked_how,omitzero"`
}

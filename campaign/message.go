package campaign

import (
	"context"
	"time"
)

// Message is what is said to people, without the form that a door gives it.
// bot/view turns it into Block Kit, bot/mail into an e-mail.
type Message struct {
	// Text is Slack mrkdwn, already escaped where it came from outside. Its
	// first line is the headline; blank lines separate paragraphs.
	Text string `json:"text"`
	// Alt tells the same facts in plain text, for notifications and screen
	// readers; Text without its mark-up when empty.
	Alt     string   `json:"alt,omitempty"`
	Buttons []Button `json:"buttons,omitempty"`
	Chart   *Chart   `json:"chart,omitempty"`
	Table   *Table   `json:"table,omitempty"`
	// Ephemeral messages are seen by the one who asked, and leave no trace.
	Ephemeral bool `json:"ephemeral,omitempty"`
}

// Button is a way to answer. Action is a row of the action table in bot/action;
// Value is handed back to it, at most 2,000 bytes.
type Button struct {
	Label   string      `json:"label"` // at most 75 characters
	Action  string      `json:"action"`
	Value   string      `json:"value,omitempty"`
	Style   ButtonStyle `json:"style,omitempty"`
	Confirm string      `json:"confirm,omitempty"` // the question asked before it counts
}

// ButtonStyle marks the one button that matters, or the one that cannot be undone.
type ButtonStyle string

// The styles.
const (
	Primary ButtonStyle = "primary"
	Danger  ButtonStyle = "danger"
)

// Chart is a line over time. Its numbers are in the message's text as well.
type Chart struct {
	Title  string        `json:"title"` // at most 50 characters
	Labels []string      `json:"labels"`
	Series []ChartSeries `json:"series"` // each with one finite value per label
}

// ChartSeries is one line of a chart.
type ChartSeries struct {
	Name   string    `json:"name"` // at most 20 characters
	Values []float64 `json:"values"`
}

// Table is rows under a header, all of text.
type Table struct {
	Header []string   `json:"header"`
	Rows   [][]string `json:"rows"` // at most 99; more go into several messages
}

// MessageRef is a message in Slack.
type MessageRef struct {
	Channel string `json:"channel,omitempty"`
	TS      string `json:"ts,omitempty"`
}

// Post asks for a message to be posted.
type Post struct {
	Key     string // goes along invisibly, so that Find finds it; opaque
	To      string // a channel ID, or a Slack user ID for a direct message
	Thread  string // ts of the message it answers; "" for none
	Message Message
	Lane    Lane // bulk posts leave room for what a person waits for
}

// Messenger speaks to people. bot/slackapi does it in Slack. Errors: Unavailable
// was refused cleanly, Uncertain may have taken effect, NotFound, Forbidden and
// Invalid will not get better by themselves.
type Messenger interface {
	// Post posts a message. It does not look for an earlier one.
	Post(ctx context.Context, p Post) (MessageRef, error)
	// Find returns the message that was posted under this key, or NotFound. It
	// looks at the newest few hundred messages since the time given.
	Find(ctx context.Context, to, thread, key string, since time.Time) (MessageRef, error)
	// Edit replaces a message. It notifies nobody and may be repeated.
	Edit(ctx context.Context, ref MessageRef, m Message) error
	// Respond answers a command or a button by its response URL, at most five
	// times within 30 minutes; NotFound afterwards, and where it takes no form of
	// the answer.
	Respond(ctx context.Context, url string, m Message) error
}

// Channels makes and dresses channels.
type Channels interface {
	// EnsureChannel returns the channel of this name, creates it when there is
	// none, and joins it. The caller holds the lease on the name.
	EnsureChannel(ctx context.Context, name string, private bool) (ChannelRef, error)
	// Dress brings topic, bookmark and pins to what the spec says. It may be
	// repeated.
	Dress(ctx context.Context, channel string, d Dress) error
	// Invite brings people into a channel; those who are in already do no harm.
	Invite(ctx context.Context, channel string, users []string) error
}

// Dress is what a help channel wears.
type Dress struct {
	Topic         string     `json:"topic,omitempty"` // at most 250 characters
	BookmarkTitle string     `json:"bookmark_title,omitempty"`
	BookmarkURL   string     `json:"bookmark_url,omitempty"`
	Pin           MessageRef `json:"pin,omitzero"`
	Unpin         MessageRef `json:"unpin,omitzero"` // what Pin takes the place of
}

// User is a person as Slack knows them.
type User struct {
	Person  Person
	Name    string // display name
	Email   string
	Zone    string // IANA name; "" when Slack does not say
	Guest   bool   // single-channel guest
	Foreign bool   // of a connected workspace: has no role
	Deleted bool
}

// Directory knows the people of the workspace, from a cache that events keep
// fresh.
type Directory interface {
	// ByEmail returns the person with this address, or NotFound.
	ByEmail(ctx context.Context, email string) (User, error)
	// ByID returns a person, or NotFound.
	ByID(ctx context.Context, p Person) (User, error)
	// Named returns the person with this @name or Slack user ID, or NotFound.
	Named(ctx context.Context, name string) (User, error)
}

// Role is what a person may do. Everybody is the zero value.
type Role string

// The roles.
const (
	Everybody Role = ""
	Commander Role = "commander"
	Reviewer  Role = "reviewer"
	Helper    Role = "helper"
	Executive Role = "executive"
	Counsel   Role = "counsel"
	Auditor   Role = "auditor"
	Operator  Role = "operator"
)

// Roles tells who has which role; it fails closed.
type Roles interface {
	// Has returns whether the person has the role now. An error is a no.
	Has(ctx context.Context, p Person, r Role) (bool, error)
	// Members returns the people who have a role.
	Members(ctx context.Context, r Role) ([]Person, error)
}

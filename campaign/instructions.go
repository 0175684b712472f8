package campaign

import (
	"fmt"
	"time"
)

// Revision is one version of a track's instructions, with the template texts
// that it was approved with, so that an upgrade changes nothing already approved.
type Revision struct {
	Track  string         `json:"track"`
	Number int            `json:"number"`
	Status RevisionStatus `json:"status"`
	// Text is the Markdown that people wrote; Steps are its numbered items.
	Text    string            `json:"text"`
	Steps   []Step            `json:"steps"`
	Texts   map[string]string `json:"texts,omitempty"` // template name -> text, frozen at approval
	Hash    string            `json:"hash"`            // of what reviewers judge: text and steps
	By      Person            `json:"by"`
	At      time.Time         `json:"at"`
	Minutes int               `json:"minutes,omitempty"` // measured in the dry run: the slower reviewer
	Tried   string            `json:"tried,omitempty"`   // by whom and on what, for the messages
	Thread  MessageRef        `json:"thread,omitzero"`   // where the dry run takes place
	// Reviewers are the people who were asked to execute it.
	Reviewers []Person `json:"reviewers,omitempty"`
	// Returned says that a reviewer asked for changes and stands by it.
	Returned bool `json:"returned,omitempty"`
}

// Step is one instruction.
type Step struct {
	Number int    `json:"number"`
	Text   string `json:"text"` // Markdown
}

// Review is one reviewer's dry run of a revision.
type Review struct {
	Reviewer  Person              `json:"reviewer"`
	Hash      string              `json:"hash"` // of the revision that was executed
	Service   string              `json:"service,omitempty"`
	StartedAt time.Time           `json:"started_at,omitzero"`
	EndedAt   time.Time           `json:"ended_at,omitzero"`
	Steps     map[int]StepVerdict `json:"steps,omitempty"`
	Verdict   ReviewVerdict       `json:"verdict,omitempty"`
	Comments  []ReviewComment     `json:"comments,omitempty"`
}

// StepVerdict is how one step went.
type StepVerdict string

// The verdicts of a step.
const (
	StepWorked  StepVerdict = "worked"
	StepUnclear StepVerdict = "unclear"
	StepFailed  StepVerdict = "failed"
)

// ReviewVerdict is how the whole went.
type ReviewVerdict string

// The verdicts of a review.
const (
	ReviewApproved ReviewVerdict = "approved"
	ReviewChanges  ReviewVerdict = "changes"
)

// ReviewComment is a remark that must be resolved before the text is approved.
type ReviewComment struct {
	Step     int       `json:"step,omitempty"`
	Text     string    `json:"text"`
	At       time.Time `json:"at"`
	Resolved bool      `json:"resolved,omitempty"`
}

// revisionID returns the record ID of a revision.
func revisionID(track string, number int) string { return fmt.Sprintf("%s/%04d", track, number) }

package campaign

import (
	"maps"
	"slices"
)

// Status is the state of a campaign.
type Status string

// The states of a campaign.
const (
	Draft     Status = "draft"
	InReview  Status = "in_review"
	Approved  Status = "approved"
	Running   Status = "running"
	Paused    Status = "paused"
	Closing   Status = "closing"
	Closed    Status = "closed"
	Cancelled Status = "cancelled"
)

// RevisionStatus is the state of one revision of a track's instructions.
type RevisionStatus string

// The states of a revision.
const (
	RevisionDraft      RevisionStatus = "draft"
	RevisionInReview   RevisionStatus = "in_review"
	RevisionApproved   RevisionStatus = "approved"
	RevisionSuperseded RevisionStatus = "superseded"
)

// WaveStatus is the state of a slice of the plan.
type WaveStatus string

// The states of a wave.
const (
	WavePlanned WaveStatus = "planned"
	WaveFiling  WaveStatus = "filing"
	WaveFiled   WaveStatus = "filed"
)

// TaskStatus is the state of one track on one target.
type TaskStatus string

// The states of a task. Blocked is a flag beside the state.
const (
	TaskUnknown     TaskStatus = "unknown"
	TaskOpen        TaskStatus = "open"
	TaskInProgress  TaskStatus = "in_progress"
	TaskClaimed     TaskStatus = "claimed"
	TaskVerified    TaskStatus = "verified"
	TaskExcepted    TaskStatus = "excepted"
	TaskNotAffected TaskStatus = "not_affected"
	TaskWithdrawn   TaskStatus = "withdrawn"
)

// EffectStatus is the state of something outgoing.
type EffectStatus string

// The states of an effect. An expired lease is uncertain: the process may have
// died between the post and its record.
const (
	EffectPending   EffectStatus = "pending"
	EffectLeased    EffectStatus = "leased"
	EffectUncertain EffectStatus = "uncertain"
	EffectDone      EffectStatus = "done"
	EffectDead      EffectStatus = "dead"
)

// QuestionStatus is the state of a question in the help channel.
type QuestionStatus string

// The states of a question.
const (
	QuestionOpen      QuestionStatus = "open"
	QuestionSuggested QuestionStatus = "suggested"
	QuestionEscalated QuestionStatus = "escalated"
	QuestionAnswered  QuestionStatus = "answered"
)

// ShiftStatus is the state of one turn at the help desk.
type ShiftStatus string

// The states of a shift.
const (
	ShiftScheduled   ShiftStatus = "scheduled"
	ShiftOnDuty      ShiftStatus = "on_duty"
	ShiftHandingOver ShiftStatus = "handing_over"
	ShiftDone        ShiftStatus = "done"
)

// The tables below are the life cycles: what is not in them cannot happen.
// docs/ARCHITECTURE.md draws them, and lifecycle_test.go tries every pair.

var nextStatus = map[Status][]Status{
	Draft:     {InReview, Cancelled},
	InReview:  {Draft, Approved, Cancelled},
	Approved:  {InReview, Running, Cancelled}, // editing the instructions goes back to the review
	Running:   {Paused, Closing, Cancelled},
	Paused:    {Running, Cancelled},
	Closing:   {Running, Closed}, // running again when something reopens
	Closed:    {},
	Cancelled: {},
}

var nextRevision = map[RevisionStatus][]RevisionStatus{
	RevisionDraft:      {RevisionInReview},
	RevisionInReview:   {RevisionApproved, RevisionSuperseded}, // changed during the review: the next revision supersedes it
	RevisionApproved:   {RevisionSuperseded},
	RevisionSuperseded: {},
}

var nextWave = map[WaveStatus][]WaveStatus{
	WavePlanned: {WaveFiling},
	WaveFiling:  {WaveFiled},
	WaveFiled:   {},
}

var nextTask = map[TaskStatus][]TaskStatus{
	TaskUnknown:    {TaskOpen, TaskNotAffected, TaskWithdrawn},
	TaskOpen:       {TaskInProgress, TaskClaimed, TaskVerified, TaskExcepted, TaskNotAffected, TaskWithdrawn},
	TaskInProgress: {TaskClaimed, TaskVerified, TaskExcepted, TaskNotAffected, TaskWithdrawn},
	TaskClaimed:    {TaskVerified, TaskInProgress, TaskExcepted, TaskNotAffected, TaskWithdrawn},
	TaskVerified:   {TaskInProgress, TaskWithdrawn}, // a regression, a void method or a moved floor reopens
	TaskExcepted:   {TaskInProgress, TaskWithdrawn}, // the exception ran out
	// A wrong attestation or a new scan reopens what was thought safe.
	TaskNotAffected: {TaskInProgress, TaskUnknown, TaskWithdrawn},
	TaskWithdrawn:   {},
}

var nextEffect = map[EffectStatus][]EffectStatus{
	EffectPending:   {EffectLeased},
	EffectLeased:    {EffectPending, EffectDone, EffectUncertain, EffectDead},
	EffectUncertain: {EffectLeased},
	EffectDone:      {},
	EffectDead:      {EffectPending},
}

var nextQuestion = map[QuestionStatus][]QuestionStatus{
	QuestionOpen:      {QuestionSuggested, QuestionEscalated, QuestionAnswered},
	QuestionSuggested: {QuestionEscalated, QuestionAnswered},
	QuestionEscalated: {QuestionAnswered},
	QuestionAnswered:  {},
}

var nextShift = map[ShiftStatus][]ShiftStatus{
	ShiftScheduled:   {ShiftOnDuty},
	ShiftOnDuty:      {ShiftHandingOver},
	ShiftHandingOver: {ShiftDone},
	ShiftDone:        {},
}

// State is any of the life-cycle states.
type State interface {
	Status | RevisionStatus | WaveStatus | TaskStatus | EffectStatus | QuestionStatus | ShiftStatus
}

// CanMove returns whether a life cycle allows the step. A state never moves to
// itself.
func CanMove[S State](from, to S) bool {
	return slices.Contains(tableOf[S]()[from], to)
}

// States returns all states of a life cycle, sorted.
func States[S State]() []S { return slices.Sorted(maps.Keys(tableOf[S]())) }

func tableOf[S State]() map[S][]S {
	var table any
	switch any(*new(S)).(type) {
	case Status:
		table = nextStatus
	case RevisionStatus:
		table = nextRevision
	case WaveStatus:
		table = nextWave
	case TaskStatus:
		table = nextTask
	case EffectStatus:
		table = nextEffect
	case QuestionStatus:
		table = nextQuestion
	case ShiftStatus:
		table = nextShift
	}
	return table.(map[S][]S)
}

// move sets *s to the new state, or returns a Conflict with the words given
// when the life cycle does not allow it.
func move[S State](s *S, to S, what, refusal string) error {
	if !CanMove(*s, to) {
		return &Error{Kind: Conflict, Message: refusal, Err: &StateError{What: what, From: string(*s), To: string(to)}}
	}
	*s = to
	return nil
}

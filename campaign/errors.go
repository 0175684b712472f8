package campaign

import (
	"errors"
	"time"
)

// Kind says what an error means for the caller. It alone decides between
// retrying, reading back and giving up.
type Kind uint8

// The kinds. The zero value is Internal, so whoever forgets to classify an
// error reveals nothing and is not retried for ever.
const (
	Internal    Kind = iota // a defect or an unknown failure: logged, never shown
	Invalid                 // the input is wrong; trying again changes nothing
	NotFound                // what was named does not exist
	Forbidden               // the actor may not do this
	Conflict                // the state has moved on, or does not allow this now
	Unavailable             // refused for now and without effect; try after RetryAfter
	Uncertain               // may have taken effect; read back before trying again
)

var kindNames = [...]string{"internal", "invalid", "not_found", "forbidden", "conflict", "unavailable", "uncertain"}

// String returns the kind in the form used in logs and records.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "internal"
}

// Error is the one error type that carries words for people.
type Error struct {
	Kind       Kind
	Message    string        // shown to people: what happened, what was kept, what to do; never a secret or a cause
	Err        error         // for operators: logged, never shown
	RetryAfter time.Duration // with Unavailable: how long to wait at least; 0 leaves it to the caller
}

// Error returns the text for operators.
func (e *Error) Error() string {
	switch {
	case e.Err == nil && e.Message == "":
		return e.Kind.String()
	case e.Err == nil:
		return e.Message
	case e.Message == "":
		return e.Kind.String() + ": " + e.Err.Error()
	}
	return e.Message + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Refuse returns an error of the given kind with words for people.
func Refuse(kind Kind, message string) *Error {
	return &Error{Kind: kind, Message: message}
}

// KindOf returns the kind of the first *Error in err's chain, and Internal
// when there is none.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Internal
}

// RetryAfter returns how long the first *Error in err's chain asks to wait; 0
// when it does not say.
func RetryAfter(err error) time.Duration {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.RetryAfter
	}
	return 0
}

// PublicMessage returns the words of err that may be shown to people. An
// Internal error reveals nothing.
func PublicMessage(err error) string {
	if e, ok := errors.AsType[*Error](err); ok && e.Kind != Internal && e.Message != "" {
		return e.Message
	}
	return "Something went wrong on our side."
}

// StateError is the cause of a Conflict that comes from a life cycle and not
// from another writer: reading again does not help.
type StateError struct{ What, From, To string }

// Error returns the text for operators.
func (e *StateError) Error() string {
	return e.What + " cannot move from " + e.From + " to " + e.To
}

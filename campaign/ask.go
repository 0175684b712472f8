package campaign

import (
	"context"
	"fmt"
	"time"
)

// Ask is something that a named person is asked for: a waiver, people, a
// decision. It stands in the executives' digest until it is answered.
type Ask struct {
	ID         string    `json:"id"`
	To         Person    `json:"to"`
	By         Person    `json:"by"`
	Text       string    `json:"text"`
	Due        time.Time `json:"due,omitzero"`
	Status     AskStatus `json:"status"`
	CallMe     bool      `json:"call_me,omitempty"` // they would rather talk first
	AskedAt    time.Time `json:"asked_at"`
	AnsweredAt time.Time `json:"answered_at,omitzero"`
}

// AskStatus is what became of an ask.
type AskStatus string

// The states of an ask. An answer is final: what is asked again is a new ask.
const (
	AskOpen     AskStatus = "open"
	AskGranted  AskStatus = "granted"
	AskDeclined AskStatus = "declined"
)

// openAsks returns the asks without an answer, the oldest first.
func openAsks(ctx context.Context, r Reader, scope Scope) ([]Ask, error) {
	var open []Ask
	for a, err := range LoadAll[Ask](ctx, r, scope, KindAsk) {
		if err != nil {
			return nil, fmt.Errorf("read asks: %w", err)
		}
		if a.Value.Status == AskOpen {
			open = append(open, a.Value)
		}
	}
	return open, nil
}

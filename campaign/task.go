package campaign

import (
	"time"
)

// Task is one track on one target. The state of the work lives here.
type Task struct {
	ID       string     `json:"id"` // <target>.<track>
	Target   string     `json:"target"`
	Track    string     `json:"track"`
	Name     string     `json:"name"` // of the target, for lists
	Status   TaskStatus `json:"status"`
	Owner    string     `json:"owner"`
	Exposed  bool       `json:"exposed"`
	Ticket   string     `json:"ticket,omitempty"`
	Contact  string     `json:"contact,omitempty"` // Person who is asked
	Accepted Person     `json:"accepted,omitempty"`
	Claim    *Claim     `json:"claim,omitempty"`
	// Blocked is the reason why it cannot go on; "" when it can.
	Blocked string `json:"blocked,omitempty"`
	// Offer is the last reassignment that it was part of.
	Offer    string    `json:"offer,omitempty"`
	Due      time.Time `json:"due,omitzero"`
	Reopened int       `json:"reopened,omitempty"` // events
	Reason   string    `json:"reason,omitempty"`   // of the last reopening, exception or attestation
	Evidence string    `json:"evidence,omitempty"` // what verified or refuted it
	// ProvenAt is when the scan started that verified it; zero when none did.
	ProvenAt  time.Time `json:"proven_at,omitzero"`
	UpdatedAt time.Time `json:"updated_at"`
}

// Claim is somebody's word that a task is done.
type Claim struct {
	Method   string    `json:"method"`            // updated, class removed, flag, isolated, decommissioned, ...
	Version  string    `json:"version,omitempty"` // with an update: to which version
	Revision int       `json:"revision"`          // of the instructions it followed
	By       Person    `json:"by"`
	At       time.Time `json:"at"`
	Note     string    `json:"note,omitempty"`
}

// The methods that owners are offered unless a track names its own.
const (
	MethodUpdated        = "updated"
	MethodClassRemoved   = "class removed"
	MethodFlag           = "flag"
	MethodIsolated       = "isolated"
	MethodDecommissioned = "decommissioned"
	MethodUnstated       = "unstated"
)

// TaskID returns the ID of the task of a track on a target.
func TaskID(target, track string) string { return target + "." + track }

// Finished returns whether nothing is asked of anybody any more.
func (s TaskStatus) Finished() bool {
	switch s {
	case TaskVerified, TaskExcepted, TaskNotAffected, TaskWithdrawn:
		return true
	}
	return false
}

// Actionable returns whether the owner has something left to do.
func (s TaskStatus) Actionable() bool { return s == TaskOpen || s == TaskInProgress }

// scanSettles is how long after a claim a scan must have started to prove it.
const scanSettles = 5 * time.Minute

// Proves returns whether a scan that started at the given time can speak about
// the claim: not before the claim has settled, and not in the future.
func (c Claim) Proves(scanStart, now time.Time) bool {
	return !scanStart.Before(c.settled()) && !scanStart.After(now)
}

package campaign

import (
	"cmp"
	"slices"
	"time"
)

// taskEvidence is what the scans of today say of one task, with what was found on
// its target when it was planned.
type taskEvidence struct {
	task   Task
	track  Track
	before []Finding // when the target was planned, or renewed since
	target Target    // of today
	listed bool      // something is found on it today, or nothing is known of it
	looks  []Look    // newest first
	now    time.Time
	vendor *vendorView // of a product of a vendor
}

func (s taskEvidence) affected() bool {
	return s.listed && s.target.Knowledge != KnownNothing && s.target.Knowledge != KnownSafe
}

// ruling is where scans move a task, and why; the zero value moves nothing.
type ruling struct {
	to  TaskStatus
	why string
	at  time.Time // when the oldest scan started that proves it
	// vanished names the source of a proof that lists what was found before under no
	// version any more; "" when a version is seen.
	vanished string
	// cleared says that nothing but a vendor's word is why the task counts as not
	// affected.
	cleared bool
}

// says returns where the scans move a task, and why.
// A scan speaks for its own source and asset only: what another source saw on an
// older scan neither refutes a claim nor is settled by it.
func (s taskEvidence) says() ruling {
	if s.vendor != nil {
		return s.vendorSays()
	}
	switch s.task.Status {
	case TaskUnknown:
		return s.unknown()
	case TaskOpen, TaskInProgress:
		if !s.listed {
			return s.finished(func(at time.Time, was Finding) bool { return at.After(cmp.Or(was.At, s.task.UpdatedAt)) })
		}
	case TaskClaimed:
		return s.claimed()
	case TaskNotAffected:
		return s.notAffected()
	case TaskVerified:
		return s.verified()
	}
	return ruling{}
}

func (s taskEvidence) unknown() ruling {
	if !s.listed && len(s.looks) > 0 {
		return ruling{to: TaskNotAffected, why: s.looks[0].gone(nil)}
	}
	if s.target.Knowledge == KnownAffected || s.affected() && s.target.Doubt == "" {
		if l, f, ok := s.refuting(time.Time{}); ok {
			return ruling{to: TaskOpen, why: l.still("found", f)}
		}
	}
	return ruling{}
}

func (s taskEvidence) claimed() ruling {
	claim := s.task.Claim
	if claim == nil {
		return ruling{}
	}
	if s.track.Proof == ProofScan && s.affected() {
		if l, f, ok := s.refuting(claim.settled()); ok {
			return ruling{to: TaskInProgress, why: l.still("still sees", f)}
		}
	}
	if s.listed {
		return ruling{}
	}
	return s.finished(func(at time.Time, _ Finding) bool { return claim.Proves(at, s.now) })
}

func (s taskEvidence) notAffected() ruling {
	if s.listed && s.target.Knowledge == KnownNothing && s.task.Evidence != "" {
		return ruling{to: TaskUnknown, why: "no fresh scan says any more that it is not affected"}
	}
	if !s.affected() || s.target.Doubt != "" {
		return ruling{}
	}
	since := s.task.UpdatedAt // somebody's word holds until a newer scan
	if s.task.Evidence != "" {
		since = time.Time{} // a scan said so: what it says now counts
	}
	if l, f, ok := s.refuting(since); ok {
		return ruling{to: TaskInProgress, why: l.still("found after all", f)}
	}
	return ruling{}
}

func (s taskEvidence) verified() ruling {
	if s.track.Proof != ProofScan || !s.affected() {
		return ruling{}
	}
	since := cmp.Or(s.task.ProvenAt, s.task.UpdatedAt)
	if s.task.Claim != nil {
		since = s.task.Claim.settled()
	}
	if l, f, ok := s.refuting(since); ok {
		return ruling{to: TaskInProgress, why: l.still("sees again", f)}
	}
	return ruling{}
}

// refuting returns the newest look that sees the target affected and is not
// older than since; it never lies in the future.
func (s taskEvidence) refuting(since time.Time) (Look, Finding, bool) {
	for _, l := range s.looks {
		if l.At.Before(since) || l.At.After(s.now) {
			continue
		}
		if f, ok := l.sees(s.target); ok {
			return l, f, true
		}
	}
	return Look{}, Finding{}, false
}

// finished says what became of a task on whose target nothing is found today.
// It is verified when each source that had found something has looked again, in
// time; not affected when all the scans are the ones of then, judged by what
// the campaign knows now.
func (s taskEvidence) finished(inTime func(at time.Time, was Finding) bool) ruling {
	if len(s.before) == 0 {
		for _, l := range s.looks {
			if inTime(l.At, Finding{At: s.task.UpdatedAt}) {
				return ruling{to: TaskVerified, why: l.gone(nil), at: l.At}
			}
		}
		return ruling{}
	}
	var proof Look
	for _, was := range s.before {
		i := slices.IndexFunc(s.looks, func(l Look) bool { return l.speaksOf(was) && inTime(l.At, was) })
		if i >= 0 {
			if proof.At.IsZero() || s.looks[i].At.Before(proof.At) {
				proof = s.looks[i]
			}
			continue
		}
		if !slices.ContainsFunc(s.looks, func(l Look) bool { return l.speaksOf(was) }) {
			return ruling{} // nobody has looked there since
		}
		if s.task.Status == TaskClaimed {
			return ruling{} // looked too early: claimed, unverified
		}
	}
	if proof.At.IsZero() {
		return ruling{to: TaskNotAffected, why: "what it runs is not affected by what is known now"}
	}
	out := ruling{to: TaskVerified, why: proof.gone(s.before), at: proof.At}
	if len(proof.Now) == 0 {
		out.vanished = cmp.Or(proof.Source, "a source without a name")
	}
	return out
}

// settled is when a scan may start at the earliest to say anything of a claim.
func (c Claim) settled() time.Time { return c.At.Add(scanSettles) }

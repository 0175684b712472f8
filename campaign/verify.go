package campaign

import (
	"context"
	"fmt"
	"iter"
	"strings"
)

// AuditVerdict is what recomputing the seals of a scope found.
type AuditVerdict struct {
	Scope    Scope  `json:"scope"`
	Records  int    `json:"records"`
	Seals    int    `json:"seals"`
	SealedTo uint64 `json:"sealed_to"`
	Anchor   string `json:"anchor,omitempty"` // of the newest seal
	// Unsealed counts the records after the newest seal. A few are there while
	// Muster works; they become proof within a second.
	Unsealed int `json:"unsealed"`
	// FirstBad is the first sequence for which the log cannot be trusted; 0
	// when all of it agrees.
	FirstBad uint64 `json:"first_bad,omitempty"`
	Problem  string `json:"problem,omitempty"` // for people; "" when all agrees
}

// OK returns whether the log agrees with its seals.
func (v AuditVerdict) OK() bool { return v.FirstBad == 0 }

// String returns the verdict as a sentence.
func (v AuditVerdict) String() string {
	if !v.OK() {
		return fmt.Sprintf("%s: NOT valid from record %d on: %s.", v.Scope, v.FirstBad, v.Problem)
	}
	text := fmt.Sprintf("%s: %s agree with %s", v.Scope, count(v.Records-v.Unsealed, "record"), count(v.Seals, "seal"))
	if v.Anchor != "" {
		text += ", anchor " + v.Anchor
	}
	if v.Unsealed > 0 {
		text += fmt.Sprintf("; %s not sealed yet", count(v.Unsealed, "record"))
	}
	return text + "."
}

// VerifyAudit recomputes all seals of a scope. See the function of this name.
func (g *Engine) VerifyAudit(ctx context.Context, scope Scope, anchors ...string) (AuditVerdict, error) {
	return VerifyAudit(ctx, g.opts.Store, scope, anchors...)
}

// VerifyAudit recomputes all seals of a scope over its log, and compares them
// with the anchors given, which were posted earlier. What does not agree stands
// in the verdict; an error means that it could not be read. A log that is sealed
// while it is read is read again.
func VerifyAudit(ctx context.Context, r Reader, scope Scope, anchors ...string) (AuditVerdict, error) {
	before, err := newestSeal(ctx, r, scope)
	if err != nil {
		return AuditVerdict{Scope: scope}, err
	}
	for {
		verdict, err := verifyOnce(ctx, r, scope, before, anchors)
		if err != nil || verdict.OK() {
			return verdict, err
		}
		after, err := newestSeal(ctx, r, scope)
		if err != nil || after.To == before.To {
			return verdict, err
		}
		before = after
	}
}

// newestSeal returns the seal that says how far the log is sealed; the zero seal
// when none was made yet.
func newestSeal(ctx context.Context, r Reader, scope Scope) (Seal, error) {
	head, _, err := Load[Seal](ctx, r, scope, KindSeal, sealHead)
	if err != nil && KindOf(err) != NotFound {
		return head, fmt.Errorf("read newest seal of %s: %w", scope, err)
	}
	return head, nil
}

func verifyOnce(ctx context.Context, r Reader, scope Scope, head Seal, anchors []string) (AuditVerdict, error) {
	nextRecord, stop := iter.Pull2(auditFrom(ctx, r, scope, 0))
	defer stop()
	a := auditor{verdict: AuditVerdict{Scope: scope}, anchors: anchors, next: func() (AuditRecord, bool, error) {
		record, err, more := nextRecord()
		return record, more, err
	}}
	for seal, err := range sealsOf(ctx, r, scope) {
		if err != nil {
			return a.verdict, fmt.Errorf("read seals of %s: %w", scope, err)
		}
		if err := a.check(seal); err != nil || !a.verdict.OK() {
			return a.verdict, err
		}
	}
	err := a.finish(head)
	return a.verdict, err
}

// auditor walks log and seals side by side.
type auditor struct {
	verdict AuditVerdict
	last    Seal
	anchors []string // not met yet
	next    func() (AuditRecord, bool, error)
}

func (a *auditor) bad(seq uint64, format string, args ...any) {
	a.verdict.FirstBad, a.verdict.Problem = seq, fmt.Sprintf(format, args...)
}

// check recomputes one seal.
func (a *auditor) check(seal Seal) error {
	if seal.From != a.last.To+1 || seal.To < seal.From {
		a.bad(a.last.To+1, "the seal after %d covers %d to %d", a.last.To, seal.From, seal.To)
		return nil
	}
	if seal.Prev != a.last.Hash {
		a.bad(seal.From, "the seal of %d to %d does not continue the one before it", seal.From, seal.To)
		return nil
	}
	s := newSealer(seal.Prev, seal.From, seal.To)
	for want := seal.From; want <= seal.To; want++ {
		record, more, err := a.next()
		switch {
		case err != nil:
			return err
		case !more || record.Seq != want:
			a.bad(want, "record %d is missing", want)
			return nil
		}
		a.verdict.Records++
		if err := s.add(record); err != nil {
			return err
		}
	}
	if s.hash() != seal.Hash {
		a.bad(seal.From, "records %d to %d, or their seal, are not what was sealed", seal.From, seal.To)
		return nil
	}
	a.last, a.verdict.SealedTo, a.verdict.Anchor = seal, seal.To, seal.Anchor()
	a.verdict.Seals++
	a.meet(seal)
	return nil
}

// meet strikes out the anchors that this seal confirms, and marks those that it
// contradicts.
func (a *auditor) meet(seal Seal) {
	var left []string
	for _, anchor := range a.anchors {
		if to, _, _ := strings.Cut(anchor, ":"); to != fmt.Sprint(seal.To) {
			left = append(left, anchor)
		} else if !seal.hasAnchor(anchor) {
			a.bad(seal.From, "the seal at %d is not the one that was posted as %s", seal.To, anchor)
		}
	}
	a.anchors = left
}

// finish counts the unsealed tail and looks for what a shortened log leaves behind.
func (a *auditor) finish(head Seal) error {
	for want := a.last.To + 1; ; want++ {
		record, more, err := a.next()
		if err != nil {
			return err
		}
		if !more {
			break
		}
		if record.Seq != want {
			a.bad(want, "record %d is missing", want)
			return nil
		}
		a.verdict.Records++
		a.verdict.Unsealed++
	}
	switch {
	case head.To != a.last.To || head.Hash != a.last.Hash:
		a.bad(a.last.To+1, "the newest seal says that it covers up to %d, and the seals end at %d", head.To, a.last.To)
	case len(a.anchors) > 0:
		a.bad(a.last.To+1, "there is no seal for the anchor %s", a.anchors[0])
	}
	return nil
}

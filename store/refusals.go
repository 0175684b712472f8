package store

import (
	"fmt"

	"github.com/musterbot/muster/campaign"
)

// MissingRecord is the error of a read that found nothing.
func MissingRecord(scope campaign.Scope, kind campaign.RecordKind, id string) error {
	return &campaign.Error{
		Kind:    campaign.NotFound,
		Message: "There is no such " + string(kind) + ".",
		Err:     fmt.Errorf("%s/%s/%s is not stored", scope, kind, id),
	}
}

// StaleVersion refuses a change that was made from an older version than the
// stored one.
func StaleVersion(scope campaign.Scope, r campaign.Record, stored uint64) error {
	return &campaign.Error{
		Kind:    campaign.Conflict,
		Message: "This has changed in the meantime, and nothing of yours was stored. Look at it again, then repeat what you did.",
		Err:     fmt.Errorf("%s/%s/%s is at version %d, not %d", scope, r.Kind, r.ID, stored, r.Version),
	}
}

// LostLease refuses a change that finishes a lease which is not held any more.
func LostLease(scope campaign.Scope, id string) error {
	return &campaign.Error{
		Kind:    campaign.Conflict,
		Message: "This work was taken over in the meantime, and nothing was stored.",
		Err:     fmt.Errorf("the lease of %s/%s is not held", scope, id),
	}
}

// BadClaim refuses a request for work that asks for nothing.
func BadClaim(r campaign.ClaimRequest) error {
	return &campaign.Error{
		Kind:    campaign.Invalid,
		Message: "This request for work is malformed.",
		Err:     fmt.Errorf("claim %d entries for %s", r.N, r.Lease),
	}
}

// Closed is the error of every call after Close.
func Closed() error {
	return &campaign.Error{
		Kind:    campaign.Unavailable,
		Message: "Muster is shutting down, and nothing was stored. Try again in a minute.",
	}
}

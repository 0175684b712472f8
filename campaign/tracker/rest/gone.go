package rest

import (
	"strings"

	"github.com/musterbot/muster/campaign"
)

// Gone tells a ticket that is gone from one that is not shown any more: ticket
// systems answer both alike, and only the first may be filed again. It returns the
// same error where look finds the place that the ticket was in, and Forbidden where
// it does not. Errors of other kinds, and those of look, are returned as they are.
// Deletions are rare, so that it looks each time: a place that was seen a moment ago
// may be hidden by now.
func Gone(missing error, system, place string, look func() error) error {
	if campaign.KindOf(missing) != campaign.NotFound {
		return missing
	}
	err := look()
	switch kind := campaign.KindOf(err); {
	case err == nil:
		return missing
	case kind != campaign.NotFound && kind != campaign.Forbidden:
		return err
	}
	return &campaign.Error{
		Kind: campaign.Forbidden, Err: err,
		Message: system + " does not show " + strings.TrimSuffix(Quote(place), ".") + " to Muster's account any more, so nothing is known of the tickets there. An operator must give the account the permissions that docs/trackers.md lists. What was to be done is kept; press Try again once that is done.",
	}
}

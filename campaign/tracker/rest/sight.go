package rest

import (
	"strings"
	"sync"
	"time"

	"github.com/musterbot/muster/campaign"
)

// sightFor is how long a place that was seen is believed to be shown.
const sightFor = time.Minute

// Sight tells a ticket that is gone from one that is not shown any more: ticket
// systems answer both alike, and only the first may be filed again. The zero value
// is ready. It may be used by many at once.
type Sight struct {
	mu   sync.Mutex
	seen map[string]time.Time
}

// Gone returns what it means that a ticket is missing: the same error where look
// finds the place that it was in, and Forbidden where it does not. Errors of other
// kinds, and those of look, are returned as they are. A place that was seen is not
// looked at again for a minute.
func (s *Sight) Gone(missing error, system, place string, look func() error) error {
	if campaign.KindOf(missing) != campaign.NotFound {
		return missing
	}
	s.mu.Lock()
	at := s.seen[place]
	s.mu.Unlock()
	if time.Since(at) < sightFor {
		return missing
	}
	err := look()
	if kind := campaign.KindOf(err); err != nil && (kind == campaign.NotFound || kind == campaign.Forbidden) {
		return &campaign.Error{
			Kind: campaign.Forbidden, Err: err,
			Message: system + " does not show " + strings.TrimSuffix(Quote(place), ".") + " to Muster's account any more, so nothing is known of the tickets there. An operator must give the account the permissions that docs/trackers.md lists. What was to be done is kept; press Try again once that is done.",
		}
	}
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen == nil {
		s.seen = map[string]time.Time{}
	}
	s.seen[place] = time.Now()
	return missing
}

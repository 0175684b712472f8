package mark

import (
	"iter"

	"github.com/musterbot/muster/campaign"
)

// Merge yields the changes of several places as one: the oldest first, and none
// after the first error.
func Merge(feeds ...iter.Seq2[campaign.TicketSeen, error]) iter.Seq2[campaign.TicketSeen, error] {
	return func(yield func(campaign.TicketSeen, error) bool) {
		var heads []*head
		defer func() {
			for _, h := range heads {
				h.stop()
			}
		}()
		for _, feed := range feeds {
			next, stop := iter.Pull2(feed)
			h := &head{next: next, stop: stop}
			heads = append(heads, h)
			h.advance()
		}
		for {
			first := oldest(heads)
			if first == nil || !yield(first.seen, first.err) || first.err != nil {
				return
			}
			first.advance()
		}
	}
}

// head is the next change of one place.
type head struct {
	next func() (campaign.TicketSeen, error, bool)
	stop func()
	seen campaign.TicketSeen
	err  error
	ok   bool
}

func (h *head) advance() { h.seen, h.err, h.ok = h.next() }

// oldest returns what comes first: an error, then the oldest change; nil at the end.
func oldest(heads []*head) *head {
	var first *head
	for _, h := range heads {
		switch {
		case !h.ok:
		case h.err != nil:
			return h
		case first == nil || h.seen.UpdatedAt.Before(first.seen.UpdatedAt):
			first = h
		}
	}
	return first
}

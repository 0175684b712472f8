package servicenow

import (
	"cmp"
	"context"
	"iter"
	"net/url"
	"time"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/tracker/checklist"
	"github.com/musterbot/muster/campaign/tracker/rest"
)

// Read implements campaign.Tracker.
func (t *Tracker) Read(ctx context.Context, ref campaign.TicketRef) (campaign.TicketSeen, error) {
	r, err := t.byNumber(rest.Operation(ctx), ref, "")
	if err != nil {
		return campaign.TicketSeen{}, err
	}
	return t.seen(r), nil
}

// mostAgain bounds how often a second is read again from its beginning: an instance
// that drops the order from a query would have it read for ever.
const mostAgain = 5

// Changes implements campaign.Tracker. Each full page moves the time on from
// which is asked, since what changes meanwhile would shift pages that are
// counted, and something would slip through between two. Pages within one second
// begin with the last record of the one before, which shows whether they did.
func (t *Tracker) Changes(ctx context.Context, since time.Time) iter.Seq2[campaign.TicketSeen, error] {
	return func(yield func(campaign.TicketSeen, error) bool) {
		from := since.UTC().Truncate(time.Second) // as ServiceNow keeps it
		for offset, top, again := 0, "", 0; ; {
			records, err := t.query(ctx, "correlation_display="+t.opts.Origin+"^correlation_idISNOTEMPTY^sys_updated_on>="+
				from.Format(stampLayout)+"^ORDERBYsys_updated_on^ORDERBYsys_id", "", offset)
			if err != nil {
				yield(campaign.TicketSeen{}, err)
				return
			}
			if moved := top != "" && (len(records) == 0 || records[0].SysID.Value != top); moved && again < mostAgain {
				offset, top, again = 0, "", again+1
				continue
			}
			last := from
			for _, r := range records {
				seen := t.seen(r)
				last = seen.UpdatedAt
				if seen.Key == "" || r.Origin.Value != t.opts.Origin || seen.UpdatedAt.Before(since) {
					continue
				}
				if !yield(seen, nil) {
					return
				}
			}
			switch {
			case len(records) < pageSize:
				return
			case last.After(from):
				from, offset, top, again = last, 0, "", 0
			default: // more than a page in one second
				offset, top = offset+len(records)-1, records[len(records)-1].SysID.Value
			}
		}
	}
}

func (t *Tracker) seen(r record) campaign.TicketSeen {
	return campaign.TicketSeen{
		Ref: t.refOf(r), Key: r.Key.Value, Status: t.status(r), Assignee: cmp.Or(t.owners[r.Group.Display], r.Group.Display),
		Checked: checklist.Checked(r.Description.Value), CreatedAt: moment(r.CreatedAt), UpdatedAt: moment(r.UpdatedAt),
	}
}

// moment returns the time that a field holds; zero when it holds none.
func moment(f field) time.Time {
	at, err := time.ParseInLocation(stampLayout, f.Value, time.UTC)
	if err != nil {
		return time.Time{}
	}
	return campaign.Stamp(at)
}

// status returns what the state of a record means. Tables differ in their states,
// and all of them switch active off for those that end the work.
func (t *Tracker) status(r record) campaign.TicketStatus {
	switch {
	case r.State.Value == t.opts.States[campaign.TicketDone] || r.Active.Value == "false":
		return campaign.TicketDone
	case r.State.Value == t.opts.States[campaign.TicketOpen]:
		return campaign.TicketOpen
	}
	return campaign.TicketInProgress
}

func (t *Tracker) refOf(r record) campaign.TicketRef {
	return campaign.TicketRef{
		ID:  r.Number.Value,
		URL: t.opts.PageURL + "/nav_to.do?uri=" + url.QueryEscape(t.opts.Table+".do?sys_id="+r.SysID.Value),
	}
}

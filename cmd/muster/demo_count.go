package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/musterbot/muster/campaign"
)

// count takes stock from the outside: the workspace's own messages, the tracker's
// own tickets, a recount of the store and the recomputed seals.
func (d *demoWorld) count(ctx context.Context) (demoResult, error) {
	c, err := d.app.engine.Campaign(ctx, demoCampaign)
	if err != nil {
		return demoResult{}, err
	}
	r := demoResult{Campaign: c.ID, State: string(c.Status), Questions: c.Questions, Audit: "ok"}
	for _, take := range []func(context.Context, *demoResult) error{d.countTasks, d.countTickets, d.countMessages, d.countDigests, d.checkAudit, d.checkCounters} {
		if err := take(ctx, &r); err != nil {
			return r, err
		}
	}
	r.expect(c.Status == campaign.Closed, "the campaign is %s, not closed", c.Status)
	r.expect(r.Duplicates == 0, "%d duplicates", r.Duplicates)
	r.expect(r.FirstMessages == r.Contacts, "%d first messages for %d contacts", r.FirstMessages, r.Contacts)
	r.expect(r.Tickets > 0 && r.Questions > 0 && r.Digests > 0 && r.Reopened > 0, "something never happened: %+v", r)
	return r, nil
}

func (r *demoResult) expect(holds bool, format string, args ...any) {
	if !holds {
		r.problems = append(r.problems, fmt.Sprintf(format, args...))
	}
}

func (d *demoWorld) countTasks(ctx context.Context, r *demoResult) error {
	targets, unknown := map[string]bool{}, map[string]bool{}
	for stored, err := range campaign.LoadAll[campaign.Task](ctx, d.app.store, demoCampaign, campaign.KindTask) {
		if err != nil {
			return err
		}
		t := stored.Value
		r.Tasks++
		r.Reopened += t.Reopened
		targets[t.Target] = true
		if t.Status == campaign.TaskUnknown {
			unknown[t.Target] = true
		}
	}
	r.Targets, r.Unknown = len(targets), len(unknown)
	return nil
}

// countTickets compares the tracker's tickets with those of the campaign.
func (d *demoWorld) countTickets(ctx context.Context, r *demoResult) error {
	keys := map[string]int{}
	for t, err := range d.app.tickets.All(ctx) {
		if err != nil {
			return err
		}
		r.Tickets++
		if keys[t.Key]++; keys[t.Key] > 1 {
			r.Duplicates++
		}
	}
	planned := 0
	for _, err := range campaign.LoadAll[campaign.Ticket](ctx, d.app.store, demoCampaign, campaign.KindTicket) {
		if err != nil {
			return err
		}
		planned++
	}
	r.expect(planned == r.Tickets, "%d tickets planned, %d filed", planned, r.Tickets)
	return nil
}

// countMessages finds every message of ours in the workspace by its key.
func (d *demoWorld) countMessages(ctx context.Context, r *demoResult) error {
	first := map[string]bool{}
	for stored, err := range campaign.LoadAll[campaign.Contact](ctx, d.app.store, demoCampaign, campaign.KindContact) {
		if err != nil {
			return err
		}
		r.Contacts++
		first[stored.Value.First] = true
	}
	seen := map[string]int{}
	for _, channel := range d.ws.Channels() {
		for _, m := range d.ws.Messages(channel.ID) {
			key := effectKey(m.Metadata)
			if key == "" {
				continue
			}
			if seen[key]++; seen[key] > 1 {
				r.Duplicates++
			} else if first[key] {
				r.FirstMessages++
			}
		}
	}
	return nil
}

// effectKey returns the key that Muster's messages carry invisibly.
func effectKey(metadata json.RawMessage) string {
	var m struct {
		Payload struct {
			Key string `json:"key"`
		} `json:"event_payload"`
	}
	if json.Unmarshal(metadata, &m) != nil {
		return ""
	}
	return m.Payload.Key
}

// countDigests counts the digests that went out: on schedule and by hand.
func (d *demoWorld) countDigests(ctx context.Context, r *demoResult) error {
	for _, err := range campaign.LoadAll[json.RawMessage](ctx, d.app.store, demoCampaign, campaign.KindDigest) {
		if err != nil {
			return err
		}
		r.Digests++
	}
	return nil
}

// checkAudit recomputes the seals of the campaign, once nothing is unsealed.
func (d *demoWorld) checkAudit(ctx context.Context, r *demoResult) error {
	return d.until(ctx, "the last records to be sealed", func() (bool, error) {
		v, err := d.app.engine.VerifyAudit(ctx, demoCampaign)
		if err != nil {
			return false, err
		}
		if v.Problem != "" {
			r.Audit = v.Problem
			r.expect(false, "audit: %s", v.Problem)
			return true, nil
		}
		return v.Unsealed == 0, nil
	})
}

func (d *demoWorld) checkCounters(ctx context.Context, r *demoResult) error {
	differences, err := d.app.engine.Recount(ctx, demoCampaign)
	r.expect(len(differences) == 0, "counters differ from a recount: %v", differences)
	return err
}

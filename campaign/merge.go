package campaign

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Merge is one campaign on its way into another. It is kept by the campaign that
// receives; nothing is atomic across the two, so its cursor survives a crash and
// each of its steps may be repeated.
type Merge struct {
	From   string     `json:"from"` // ID of the campaign that ends
	Title  string     `json:"title"`
	By     Person     `json:"by"`
	At     time.Time  `json:"at"`
	Reason string     `json:"reason,omitempty"`
	Stage  MergeStage `json:"stage"`
	After  string     `json:"after,omitempty"` // the last ticket, contact or task that was looked at

	Taken    string `json:"taken,omitempty"`    // the last ticket that is counted
	Asked    string `json:"asked,omitempty"`    // the last contact who was taken over
	Adopted  int    `json:"adopted,omitempty"`  // tickets that go on here
	Joined   int    `json:"joined,omitempty"`   // tickets that this campaign has already
	Credited int    `json:"credited,omitempty"` // tasks that were done over there
}

// MergeStage is how far a merge is.
type MergeStage string

// The stages: first the other campaign ends, then everything goes over.
const (
	MergeCriteria MergeStage = "criteria" // what is looked for, and what was decided
	MergeTickets  MergeStage = "tickets"
	MergeContacts MergeStage = "contacts" // who was asked there
	MergeRest     MergeStage = "rest"     // tasks on no ticket
	MergeDone     MergeStage = "done"
)

const (
	// KindMerge is a merge, by the ID of the campaign that ends.
	KindMerge RecordKind = "merge"

	mergePrefix = "merge/"
)

// mergeArgs is what a held merge remembers.
type mergeArgs struct {
	From string `json:"from"`
}

// Merge ends one campaign and lets another take over what it is about and all of its
// work: records, floors, decisions; tickets under the IDs that they have, with what
// was claimed, verified and promised. Nobody is asked twice, and nothing is filed
// twice. The texts of the campaign that receives hold, and its admission rule for
// what neither has asked for. A campaign that was launched, or a large one, needs a
// second person.
func (g *Engine) Merge(ctx context.Context, r Request, from, into string) (Message, error) {
	return g.merge(ctx, r, from, into, false)
}

func (g *Engine) mergeGranted(ctx context.Context, r Request, id string, args json.RawMessage) (Message, error) {
	var a mergeArgs
	if err := json.Unmarshal(args, &a); err != nil {
		return Message{}, fmt.Errorf("decode held merge: %w", err)
	}
	return g.merge(ctx, r, a.From, id, true)
}

func (g *Engine) merge(ctx context.Context, r Request, from, into string, granted bool) (Message, error) {
	f, err := g.Campaign(ctx, from)
	if err != nil {
		return Message{}, err
	}
	i, done, err := g.enter(ctx, r, into)
	if err != nil || done {
		return say("It is being merged; both command channels hear when it is done."), err
	}
	if f.MergedInto == i.ID {
		return say("%s was merged into %s already. Nothing was changed.", f.Title, i.Title), nil
	}
	if err := mergeable(f, i); err != nil {
		return Message{}, err
	}
	if err := g.settledOutside(ctx, f); err != nil {
		return Message{}, err
	}
	products, statements, err := g.vendors(ctx, f.ID)
	if err != nil {
		return Message{}, err
	}
	if _, err := g.vendorRows(ctx, i.ID, VendorList{Products: products, Statements: statements}); err != nil {
		return Message{}, err
	}
	preview, size, err := g.mergePreview(ctx, f, i)
	if err != nil {
		return Message{}, err
	}
	var reply Message
	err = g.atomically(ctx, Scope(into), r, func(tx *transaction) error {
		if !granted && (!f.StartedAt.IsZero() || g.needsSecond(size)) {
			reply, err = tx.hold(HoldMerge, max(size, 1), mergeArgs{From: from}, preview)
			return err
		}
		m, found, err := find[Merge](tx, KindMerge, from)
		if err != nil || found && m.Stage != MergeDone {
			return err
		}
		if err := tx.audit("campaign.merge", "campaign/"+from, string(f.Status), "merging into "+into, preview); err != nil {
			return err
		}
		m = Merge{From: from, Title: f.Title, By: tx.request.Actor, At: tx.now, Reason: tx.request.Reason, Stage: MergeCriteria}
		reply = say("%s ends, and its work goes over to %s. Both command channels hear when that is done.", f.Title, i.Title)
		tx.due(m.due(tx.now))
		return save(tx, KindMerge, from, m)
	})
	return reply, err
}

func (m Merge) due(at time.Time) DueEntry {
	return DueEntry{ID: mergePrefix + m.From, Lane: Bulk, At: at}
}

// mergeable refuses what cannot go together.
func mergeable(from, into Campaign) error {
	switch {
	case from.ID == into.ID:
		return Refuse(Invalid, "That is one campaign. Nothing was changed. `/campaign merge ONE OTHER` ends ONE.")
	case from.over() != nil:
		return from.over()
	case from.Status == Closing:
		return Refuse(Conflict, from.ID+" is closing. Nothing was changed.")
	case (len(from.Rows) > 0) != (len(into.Rows) > 0):
		return Refuse(Conflict, "One of them is a list of targets, the other is about packages. Nothing was changed.")
	case len(from.Rows) > 0:
		return Refuse(Conflict, "Both are lists of targets. Nothing was changed. `muster import targets` brings the rows of one into the other.")
	case !from.StartedAt.IsZero() && into.StartedAt.IsZero():
		return Refuse(Conflict, fmt.Sprintf("%s was launched and %s was not, so its tickets would have no approved text there. Nothing was changed. The other way round it goes: `/campaign merge %s %s`.", from.ID, into.ID, into.ID, from.ID))
	case !from.StartedAt.IsZero() && from.Grouping != into.Grouping:
		return Refuse(Conflict, fmt.Sprintf("Tickets of %s are grouped by %s, those of %s by %s. Nothing was changed.", from.ID, words(from.Grouping), into.ID, words(into.Grouping)))
	case from.Pattern != "" && into.Pattern != "" && !strings.EqualFold(from.Pattern, into.Pattern):
		return Refuse(Conflict, fmt.Sprintf("%s looks for the name %s and %s for %s, and a campaign looks for one. Nothing was changed.", from.ID, Escape(from.Pattern), into.ID, Escape(into.Pattern)))
	case len(into.Overrides)+len(from.Overrides) > maxOverrides || len(into.TriageRules)+len(from.TriageRules) > maxTriageRules:
		return Refuse(Conflict, "Together they have more overrides or triage rules than one campaign takes. Nothing was changed.")
	}
	if from.StartedAt.IsZero() {
		return nil
	}
	for _, t := range from.Tracks {
		if _, ok := into.Track(t.Name); !ok && t.ApprovedRevision > 0 {
			return Refuse(Conflict, fmt.Sprintf("%s has no track %s, on which %s has work. Nothing was changed. `/campaign track %s` makes it there.", into.ID, Escape(t.Name), from.ID, Escape(t.Name)))
		}
	}
	return nil
}

// settledOutside refuses while it is not known what a campaign has in the tracker
// and in Slack: what is being filed there could not be taken over.
func (g *Engine) settledOutside(ctx context.Context, c Campaign) error {
	unsettled := 0
	for after := (IndexHit{}); ; {
		hits, err := g.opts.Store.Index(ctx, Scope(c.ID), indexOpenEffects, "", after, MaxChangeRecords/2)
		if err != nil {
			return err
		}
		if len(hits) == 0 {
			break
		}
		ids := make([]string, len(hits))
		for n, hit := range hits {
			ids[n], after = hit.ID, hit
		}
		effects, err := LoadMany[Effect](ctx, g.opts.Store, Scope(c.ID), KindEffect, ids)
		if err != nil {
			return err
		}
		for _, e := range valuesOf(effects) {
			if e.Kind == EffectTicket || e.Kind == EffectComment && e.Status == EffectPending || e.Status == EffectUncertain || !e.UncertainAt.IsZero() {
				unsettled++
			}
		}
	}
	for stored, err := range LoadAll[Wave](ctx, g.opts.Store, Scope(c.ID), KindWave) {
		if err != nil {
			return err
		}
		if stored.Value.Status == WaveFiling {
			unsettled++
		}
	}
	if unsettled == 0 {
		return nil
	}
	if c.Status == Paused {
		return Refuse(Conflict, fmt.Sprintf("%s is paused with %s on the way to the tracker or to Slack. Nothing was changed. `/campaign resume %s` lets it arrive; then it can be merged.", c.ID, count(unsettled, "thing"), c.ID))
	}
	return Refuse(Conflict, fmt.Sprintf("%s of %s on the way to the tracker or to Slack. Nothing was changed. Try again when that is done; `/campaign status %s` shows how far it is.", isOrAre(unsettled, "thing"), c.ID, c.ID))
}

// mergePreview says what a merge would do, and how many tasks it is about.
func (g *Engine) mergePreview(ctx context.Context, f, i Campaign) (string, int, error) {
	adopted, joined, credited, tasks := 0, 0, 0, 0
	reopened, err := g.mergeReopens(ctx, f, i)
	if err != nil {
		return "", 0, err
	}
	for page, err := range g.mergePages(ctx, f, i, "") {
		if err != nil {
			return "", 0, err
		}
		for _, t := range page.tickets {
			if t.adopted {
				adopted++
			} else {
				joined++
			}
			tasks += len(t.moves)
			for _, move := range t.moves {
				switch {
				case !move.credits():
				case slices.ContainsFunc(i.Void, func(v VoidMethod) bool { return move.task.usedMethod(v.Track, v.Method) }):
					reopened++
				default:
					credited++
				}
			}
		}
	}
	text := fmt.Sprintf("Merge %s (%s, %s) into %s: it ends, and", f.Title, f.ID, words(f.Status), i.Title)
	again := " Nobody is asked again for what they were asked for."
	if reopened > 0 {
		again = fmt.Sprintf(" %s reopened, because a method does not count that was used; their contacts are told. Nobody else is asked again.", isOrAre(reopened, "task"))
	}
	if adopted+joined == 0 {
		return text + " what it looks for is looked for here. It has no tickets." + again, reopened, nil
	}
	text += fmt.Sprintf(" %s on here as they are, %s closed because the same is asked for here already.", goOrGoes(adopted, "ticket"), isOrAre(joined, "ticket"))
	if credited > 0 {
		text += fmt.Sprintf(" What was done for %s counts here.", count(credited, "task"))
	}
	return text + again, tasks + reopened, nil
}

// mergeReopens counts the claims over here by methods that are void over there only.
func (g *Engine) mergeReopens(ctx context.Context, f, i Campaign) (n int, err error) {
	brought := slices.DeleteFunc(slices.Clone(f.Void), func(v VoidMethod) bool { return i.IsVoid(v.Track, v.Method) })
	if len(brought) == 0 {
		return 0, nil
	}
	tasks, err := g.allTasks(ctx, i.ID)
	for _, t := range tasks {
		if slices.ContainsFunc(brought, func(v VoidMethod) bool { return t.usedMethod(v.Track, v.Method) }) {
			n++
		}
	}
	return n, err
}

func goOrGoes(n int, noun string) string {
	if n == 1 {
		return "1 " + noun + " goes"
	}
	return count(n, noun) + " go"
}

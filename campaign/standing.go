package campaign

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"
)

// reading is a snapshot with the campaign it is of and what came before it.
type reading struct {
	campaign Campaign
	snapshot Snapshot
	now      Numbers
	points   []point // the snapshots up to this one, the oldest first
	since    Numbers // of the snapshot that its readers saw last; zero for the first
	track    Track   // whose numbers make the headline: the one due first
}

// read puts a snapshot beside those before it, and compares it with the one
// named last; with the newest before it when that is "" or no longer kept.
func (g *Engine) read(ctx context.Context, c Campaign, s Snapshot, last string) (reading, error) {
	points, err := g.history(ctx, c.ID)
	if err != nil {
		return reading{}, err
	}
	r := reading{campaign: c, snapshot: s, now: s.Numbers(""), points: points}
	if i := slices.IndexFunc(points, func(p point) bool { return p.ID == s.ID }); i >= 0 {
		r.points = points[:i+1]
	}
	for _, p := range r.points {
		if p.ID == s.ID {
			break
		}
		if r.since = p.Numbers; p.ID == last {
			break
		}
	}
	r.track = headline(c, r.now)
	return r, nil
}

// headline returns the unfinished track that is due first; when all are done,
// the last one.
func headline(c Campaign, n Numbers) Track {
	var found Track
	for _, t := range c.Tracks {
		unfinished := n.Track(t.Name).All.Unfinished() > 0
		sooner := found.Name == "" || found.Due.IsZero() || !t.Due.IsZero() && t.Due.Before(found.Due)
		if unfinished && sooner {
			found = t
		}
	}
	if found.Name == "" && len(c.Tracks) > 0 {
		found = c.Tracks[len(c.Tracks)-1]
	}
	return found
}

// standing says how far the campaign is, for the words of a message.
func (r reading) standing() Standing {
	before := r.since
	now, then := r.now.Track(r.track.Name), before.Track(r.track.Name)
	s := Standing{
		State: standsAt(r.campaign, r.now), AsOf: r.snapshot.At, Since: before.At, Services: r.now.Services,
		Unknown: r.now.Unknown, UnknownBefore: before.Unknown, Inquiries: r.snapshot.Inquiries,
		Exposed: protection(now.Exposed, then.Exposed), All: settled(now.All, then.All),
		Reopened: r.now.Reopened, Overdue: r.snapshot.Overdue, Questions: r.now.Questions.Open,
	}
	s.All.Blocked = now.Blocked
	s.Won = r.track.Won()
	if len(r.campaign.Tracks) > 1 {
		s.Track = r.track.Name
	}
	if !before.At.IsZero() {
		s.Reopened -= before.Reopened
	}
	return s
}

// protection tells what attackers can still reach: an exception protects nothing.
func protection(now, before TaskCounts) Tally {
	return Tally{
		Known: now.Known(), Done: now.Verified, Before: before.Verified,
		Claimed: now.Claimed, Taken: now.InHand(), Idle: now.Open,
	}
}

// settled tells what nobody has to work on any more.
func settled(now, before TaskCounts) Tally {
	return Tally{
		Known: now.Known(), Done: now.Verified + now.Excepted, Before: before.Verified + before.Excepted,
		Claimed: now.Claimed, Taken: now.InHand(), Idle: now.Open,
	}
}

// standsAt is the newest milestone in words, and what is no longer true of it.
func standsAt(c Campaign, n Numbers) string {
	declared := ""
	for _, m := range c.Milestones {
		declared = m.Name
	}
	switch declared {
	case "":
		if len(tracksOf(c, MilestoneContained)) > 0 {
			return "not contained yet"
		}
		return "not fixed yet"
	case MilestoneContained:
		if open := exposedOpen(c, n, declared); open > 0 {
			return "declared contained, but open: " + count(open, "internet-facing task")
		}
		if len(tracksOf(c, MilestoneFixed)) > 0 {
			return "contained, not fixed yet"
		}
	case MilestoneFixed:
		if left := unfinishedIn(c, n, declared); left > 0 {
			return "declared fixed, but open: " + count(left, "task")
		}
	}
	return declared
}

// tracks returns how far each track is.
func (r reading) tracks() []TrackStanding {
	var lines []TrackStanding
	for _, t := range r.campaign.Tracks {
		now, before := r.now.Track(t.Name), r.since.Track(t.Name)
		line := TrackStanding{Name: t.Name, Due: t.Due, Tally: settled(now.All, before.All), Unknown: now.All.Unknown}
		line.Tally.Blocked = now.Blocked
		lines = append(lines, line)
	}
	return lines
}

// units returns how far each division is on the headline's track, the one with
// most left first.
func (r reading) units() []UnitStanding {
	var lines []UnitStanding
	o := r.snapshot.Organisation
	for _, ref := range o.Divisions() {
		n := r.snapshot.Numbers(ref)
		t := n.Track(r.track.Name)
		line := UnitStanding{
			Name: o.Name(ref), Lead: Escape(o.Units[ref].Lead), Unknown: n.Unknown,
			All: settled(t.All, TaskCounts{}), Exposed: protection(t.Exposed, TaskCounts{}),
		}
		line.All.Blocked = t.Blocked
		lines = append(lines, line)
	}
	slices.SortStableFunc(lines, func(a, b UnitStanding) int {
		return cmp.Or(cmp.Compare(b.All.Left(), a.All.Left()), cmp.Compare(b.Unknown, a.Unknown))
	})
	return lines
}

// stuck returns the worst tasks that need a person.
func (r reading) stuck() []OpenTarget {
	var lines []OpenTarget
	for _, l := range r.snapshot.Worst {
		if l.Blocked != "" || l.overdue(r.snapshot.At) || l.Exposed && l.Accepted == "" {
			lines = append(lines, l.target(r.snapshot.Organisation))
		}
	}
	return lines
}

func (l TaskLine) target(o Organisation) OpenTarget {
	return OpenTarget{
		Name: l.Name, Owner: o.Name(l.Owner), Who: Mention(l.Accepted), Status: string(l.Status),
		Blocked: l.Blocked, Exposed: l.Exposed, Due: l.Due,
	}
}

func openAskLines(asks []Ask) []OpenAsk {
	var lines []OpenAsk
	for _, a := range asks {
		lines = append(lines, OpenAsk{Who: Mention(a.To), What: a.Text, Due: a.Due})
	}
	return lines
}

// trend says in one sentence what is new and where it leads. It is short: an
// executive has thirty seconds.
func (r reading) trend(at LocalTime) string {
	f := forecast(r.points, r.track.Name)
	s := "at this pace all known are done " + at.When(f.At.Round(time.Hour))
	switch {
	case r.now.Track(r.track.Name).All.Unfinished() == 0:
		s = "nothing known is left to do"
	case f.At.IsZero():
		s = "forecast: " + f.Why
	}
	before := r.since
	if found := since(before, r.now, r.track.Name).Found; found > 0 && !before.At.IsZero() {
		s = thousands(found) + " more found; " + s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

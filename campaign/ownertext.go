package campaign

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Approved texts name points in time, and say "today" or "Friday" only when they
// are sent: what is approved stays true however long it waits. Until then a time
// stands in the text between two invisible separators.
const timeMark = "\u2063"

var heldTime = regexp.MustCompile(`(by )?` + timeMark + `(-?\d+)` + timeMark)

// holdTime returns a time as it stands in an approved text.
func holdTime(t time.Time) string { return timeMark + strconv.FormatInt(t.Unix(), 10) + timeMark }

// holdHelp stands for the help channel, which may not exist yet when a text is
// approved.
const holdHelp = Markup(timeMark + "help" + timeMark)

// settle says an approved text in the reader's words: its times, and where the
// help channel is.
func settle(text, zone string, now time.Time, c Campaign) string {
	help := c.HelpRef
	help.Name = cmp.Or(help.Name, helpName(c.ID))
	return settleTimes(strings.ReplaceAll(text, string(holdHelp), string(ChannelLink(help))), zone, now)
}

// settleTimes says the times of an approved text in the reader's words.
func settleTimes(text, zone string, now time.Time) string {
	reader := LocalTime{Zone: zone, Now: now}
	return heldTime.ReplaceAllStringFunc(text, func(mark string) string {
		parts := heldTime.FindStringSubmatch(mark)
		unix, err := strconv.ParseInt(parts[2], 10, 64)
		switch {
		case err != nil:
			return ""
		case parts[1] != "":
			return reader.By(time.Unix(unix, 0)) // it may have passed meanwhile
		}
		return reader.When(time.Unix(unix, 0))
	})
}

// contactText renders what one contact will read: the first message, or the one
// that asks for more.
func contactText(render Renderer, p Plan, revisions map[string]Revision, c PlanContact, targets []Target) (string, error) {
	tracks := byDue(asked(p.Tracks, c.Tracks))
	if len(tracks) == 0 {
		return "", fmt.Errorf("plan of %s has no approved track", p.Campaign)
	}
	first := tracks[0]
	rev := revisions[first.Name]
	local := LocalTime{Zone: c.Zone, Held: true}
	exposed := namesOf(targets, isExposed)
	action := Markup(render.Mrkdwn(Opening(rev.Text)))
	if c.Again {
		return render.Render(rev.Texts, "more_work", MoreWorkData{
			LocalTime: local, Title: p.Title, Count: c.Count, Total: c.Count, Next: c.Joins, Verb: first.ask(), Due: first.Due,
			Names: namesOf(targets, func(Target) bool { return true }), Exposed: len(exposed), Action: action,
			Minutes: rev.Minutes, Tried: Markup(rev.Tried), HelpChannel: holdHelp,
		})
	}
	data := FirstMessageData{
		LocalTime: local, Title: p.Title, Count: c.Count, Verb: first.ask(), Due: first.Due, Exploited: p.Frame.Exploited,
		Exposed: exposed, Action: action, Minutes: rev.Minutes, Tried: Markup(rev.Tried), Waiver: p.Frame.Waiver, HelpChannel: holdHelp,
		Void: voidOf(p.Frame.Void, first.Name),
	}
	if len(exposed) == 0 {
		data.Names = namesOf(targets, func(Target) bool { return true })
	}
	data.Shared, data.SharedCount = shared(targets)
	for _, t := range tracks[1:] {
		data.Later = append(data.Later, TrackDue{Name: t.Name, Due: t.Due})
	}
	return render.Render(rev.Texts, "first_message", data)
}

// ticketText renders title and body of one ticket.
func ticketText(render Renderer, p Plan, revisions map[string]Revision, t PlanTicket, targets []Target) (title, body string, err error) {
	tracks := byDue(concerning(p.Tracks, targets))
	if len(tracks) == 0 {
		return "", "", fmt.Errorf("plan of %s has no approved track", p.Campaign)
	}
	first := tracks[0]
	if newly := byDue(asked(p.Tracks, tracksOfTasks(t.Tasks))); len(newly) > 0 {
		first = newly[0]
	}
	texts := revisions[first.Name].Texts
	title, err = render.Render(texts, "ticket_title", TicketTitleData{
		LocalTime: LocalTime{Zone: t.Zone}, Title: p.Title, Name: t.Name, Count: len(targets), Verb: first.ask(), Due: first.Due, Exposed: slices.ContainsFunc(targets, isExposed),
	})
	if err != nil {
		return "", "", err
	}
	data := TicketBodyData{
		LocalTime: LocalTime{Zone: t.Zone}, Campaign: p.Campaign, Title: p.Title, Exploited: p.Frame.Exploited,
		Advisories: p.Frame.Advisories, Pattern: p.Frame.Pattern, Waiver: p.Frame.Waiver,
		Owner: t.Team, Contact: t.ContactName, Help: "#" + p.Frame.Help,
	}
	for _, target := range targets {
		data.Targets = append(data.Targets, ticketTarget(target))
	}
	for _, track := range tracks {
		rev := revisions[track.Name]
		data.Tracks = append(data.Tracks, TicketTrack{
			Name: track.Name, Verb: track.ask(), Due: track.Due, Proof: ProofWords(track.Proof), Methods: track.Methods,
			Void: voidOf(p.Frame.Void, track.Name), Revision: rev.Number, Instructions: Markup(rev.Text), Minutes: rev.Minutes, Tried: Markup(rev.Tried),
		})
	}
	body, err = render.Render(texts, "ticket_body", data)
	return strings.TrimSpace(title), body, err
}

func ticketTarget(t Target) TicketTarget {
	out := TicketTarget{
		Name: t.Name, Exposed: t.Exposure.Counts(), Guessed: t.Exposure == ExposureUnknown, Environment: t.Environment,
		Tier: t.Tier, Detail: t.Detail, Unknown: t.Knowledge == KnownNothing, ScannedAt: t.ScannedAt,
	}
	if t.Layer != LayerApplication {
		out.Layer = string(t.Layer)
	}
	for _, f := range t.Findings {
		out.Findings = append(out.Findings, TicketFinding{
			Component: cmp.Or(f.Component.PURL, f.Component.Name), Version: f.Component.Version, Asset: f.Asset,
			Path: f.Component.Path, Possible: f.Verdict == Possible, Why: f.Why, Fixed: f.Fixed,
		})
	}
	return out
}

// asked returns the tracks of these names.
func asked(tracks []PlanTrack, names []string) []PlanTrack {
	return slices.DeleteFunc(slices.Clone(tracks), func(t PlanTrack) bool { return !slices.Contains(names, t.Name) })
}

// concerning returns the tracks that are about some of the targets.
func concerning(tracks []PlanTrack, targets []Target) []PlanTrack {
	return slices.DeleteFunc(slices.Clone(tracks), func(t PlanTrack) bool { return !slices.ContainsFunc(targets, t.concerns) })
}

// tracksOfTasks returns the tracks that tasks belong to.
func tracksOfTasks(ids []string) []string {
	var names []string
	for _, id := range ids {
		if _, track, ok := strings.Cut(id, "."); ok && !slices.Contains(names, track) {
			names = append(names, track)
		}
	}
	return names
}

// byDue returns the tracks in the order in which they are due; those without a
// date last.
func byDue(tracks []PlanTrack) []PlanTrack {
	sorted := slices.Clone(tracks)
	slices.SortStableFunc(sorted, func(a, b PlanTrack) int {
		switch {
		case a.Due.IsZero() == b.Due.IsZero():
			return a.Due.Compare(b.Due)
		case a.Due.IsZero():
			return 1
		}
		return -1
	})
	return sorted
}

func (t PlanTrack) ask() string { return Track{Kind: t.Kind}.Ask() }

func namesOf(targets []Target, keep func(Target) bool) []string {
	var names []string
	for _, t := range targets {
		if keep(t) && !slices.Contains(names, t.Name) {
			names = append(names, t.Name)
		}
	}
	return names
}

// voidOf returns the void methods of one track from the frame's "track: method".
func voidOf(void []string, track string) []string {
	var out []string
	for _, v := range void {
		if method, ok := strings.CutPrefix(v, track+": "); ok {
			out = append(out, method)
		}
	}
	return out
}

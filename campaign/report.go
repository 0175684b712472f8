package campaign

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Report is what is left of a campaign: what was done, how, and what is not
// known. Before the end it is the same as far as it goes.
type Report struct {
	Campaign  string    `json:"campaign"`
	Title     string    `json:"title"`
	State     Status    `json:"state"`
	Company   string    `json:"company"`
	Zone      string    `json:"zone"`
	AsOf      time.Time `json:"as_of"`
	Commander string    `json:"commander"`
	Deputy    string    `json:"deputy,omitempty"`
	Created   time.Time `json:"created"`
	Launched  time.Time `json:"launched,omitzero"`
	Closed    time.Time `json:"closed,omitzero"`
	ClosedBy  string    `json:"closed_by,omitempty"`
	Reason    string    `json:"reason,omitempty"` // for closing in spite of what is left

	Services         int            `json:"services"`
	Targets          int            `json:"targets"` // unknown ones included
	Unknown          int            `json:"unknown"`
	Tracks           []TrackNumbers `json:"tracks"`
	ClaimsUnverified int            `json:"claims_unverified"`
	Reopened         int            `json:"reopened"` // events
	Tickets          int            `json:"tickets"`
	Contacts         int            `json:"contacts"`
	Messages         int            `json:"messages"`
	Digests          int            `json:"digests"`

	Questions         int `json:"questions"`
	QuestionsAnswered int `json:"questions_answered"`
	MedianWaitMinutes int `json:"median_wait_minutes"`

	Units      []Rollup      `json:"units,omitempty"` // the divisions
	Methods    []MethodCount `json:"methods,omitempty"`
	Exceptions []TaskLine    `json:"exceptions,omitempty"` // at most 100 named
	Open       []TaskLine    `json:"open,omitempty"`       // at most 100 named
	Unchecked  []TaskLine    `json:"unchecked,omitempty"`  // at most 100 named
	Timeline   []ReportEvent `json:"timeline"`
	NotKnown   []string      `json:"not_known,omitempty"` // in words

	AuditRecords uint64 `json:"audit_records"`
	Seal         string `json:"seal,omitempty"` // anchor of the newest

	campaign Campaign
}

// ReportEvent is one moment of a campaign.
type ReportEvent struct {
	At     time.Time `json:"at"`
	What   string    `json:"what"`
	By     string    `json:"by,omitempty"`
	Detail string    `json:"detail,omitempty"`
}

// MethodCount is how many tasks were done and verified in one way.
type MethodCount struct {
	Track  string `json:"track"`
	Method string `json:"method"`
	Count  int    `json:"count"`
}

// namedInReport bounds each list of a report.
const namedInReport = 100

// Report returns the closing report; of a campaign that is not closed, the
// report as far as it goes.
func (g *Engine) Report(ctx context.Context, id string) (Report, error) {
	final, _, err := Load[Report](ctx, g.opts.Store, Scope(id), KindReport, finalID)
	if err != nil && KindOf(err) != NotFound {
		return final, err
	}
	c, campaignErr := g.Campaign(ctx, id)
	if err == nil || campaignErr != nil {
		final.campaign = c
		return final, campaignErr
	}
	return g.draftReport(ctx, c)
}

// WrittenReport is a report in both of its forms.
type WrittenReport struct {
	Report   Report `json:"report"`
	Markdown string `json:"markdown"`
}

// WrittenReport returns the report of a campaign in both forms; see Report.
func (g *Engine) WrittenReport(ctx context.Context, id string) (WrittenReport, error) {
	report, err := g.Report(ctx, id)
	if err != nil {
		return WrittenReport{}, err
	}
	words, err := g.ReportMarkdown(ctx, id)
	return WrittenReport{Report: report, Markdown: words}, err
}

func (g *Engine) draftReport(ctx context.Context, c Campaign) (Report, error) {
	s, err := g.measure(ctx, c.ID)
	if err != nil {
		return Report{}, err
	}
	n := s.Numbers("")
	r := Report{
		Campaign: c.ID, Title: c.Title, State: c.Status, Company: g.opts.Company, Zone: c.Zone, AsOf: s.At,
		Created: c.CreatedAt, Launched: c.StartedAt, Closed: c.ClosedAt, Commander: g.nameOf(ctx, c.Commander), Deputy: g.nameOf(ctx, c.Deputy),
		Services: n.Services, Unknown: n.Unknown, Tracks: n.Tracks, ClaimsUnverified: claimed(n), Reopened: n.Reopened,
		Questions: n.Questions.Open + n.Questions.Answered, QuestionsAnswered: n.Questions.Answered,
		MedianWaitMinutes: int(n.Questions.MedianWait / time.Minute), Exceptions: s.Exceptions,
		AuditRecords: s.AuditSeq, Seal: s.Anchor, Timeline: g.timeline(ctx, c), campaign: c,
	}
	for _, ref := range s.Organisation.Divisions() {
		r.Units = append(r.Units, Rollup{Unit: ref, Name: s.Organisation.Name(ref), Numbers: s.Numbers(ref)})
	}
	if err := g.countWork(ctx, &r); err != nil {
		return r, err
	}
	for _, lines := range [][]TaskLine{r.Open, r.Unchecked, r.Exceptions} {
		for i := range lines {
			lines[i].Owner = s.Organisation.Name(lines[i].Owner)
		}
	}
	r.NotKnown = r.notKnown()
	return r, nil
}

// countWork counts and names what the counters do not hold.
func (g *Engine) countWork(ctx context.Context, r *Report) error {
	scope, store := Scope(r.Campaign), g.opts.Store
	methods := map[[2]string]int{}
	for t, err := range LoadAll[Task](ctx, store, scope, KindTask) {
		if err != nil {
			return fmt.Errorf("read tasks: %w", err)
		}
		switch line := taskLine(t.Value); {
		case line.Status == TaskVerified && t.Value.Claim != nil:
			methods[[2]string{line.Track, t.Value.Claim.Method}]++
		case !line.Status.Finished() && line.Status != TaskUnknown && len(r.Open) < namedInReport:
			r.Open = append(r.Open, line)
		case line.Status == TaskUnknown && len(r.Unchecked) < namedInReport:
			r.Unchecked = append(r.Unchecked, line)
		}
	}
	for key, n := range methods {
		r.Methods = append(r.Methods, MethodCount{Track: key[0], Method: key[1], Count: n})
	}
	slices.SortFunc(r.Methods, func(a, b MethodCount) int { return compareStrings(a.Track, b.Track, a.Method, b.Method) })
	r.Unchecked = slices.CompactFunc(r.Unchecked, func(a, b TaskLine) bool { return a.Name == b.Name })
	var err error
	if r.Targets, err = countRecords(ctx, store, scope, KindTarget); err != nil {
		return err
	}
	if r.Contacts, err = countRecords(ctx, store, scope, KindContact); err != nil {
		return err
	}
	for t, err := range LoadAll[Ticket](ctx, store, scope, KindTicket) {
		if err != nil {
			return fmt.Errorf("read tickets: %w", err)
		}
		if t.Value.Status != TicketPlanned {
			r.Tickets++
		}
	}
	for e, err := range LoadAll[Effect](ctx, store, scope, KindEffect) {
		if err != nil {
			return fmt.Errorf("read effects: %w", err)
		}
		if kind := e.Value.Kind; e.Value.Status == EffectDone && (kind == EffectMessage || kind == EffectFirstMessage) {
			r.Messages++
		}
	}
	counters, err := store.Counters(ctx, scope, counterDigests)
	r.Digests = int(counters[counterDigests])
	return err
}

func countRecords(ctx context.Context, r Reader, scope Scope, kind RecordKind) (int, error) {
	n := 0
	for after := ""; ; {
		page, err := r.List(ctx, scope, kind, after, 0)
		if err != nil {
			return n, fmt.Errorf("count %s records: %w", kind, err)
		}
		if len(page) == 0 {
			return n, nil
		}
		n, after = n+len(page), page[len(page)-1].ID
	}
}

// timeline is what happened to the campaign as a whole, in order.
func (g *Engine) timeline(ctx context.Context, c Campaign) []ReportEvent {
	events := []ReportEvent{{At: c.CreatedAt, What: "created", By: g.nameOf(ctx, c.CreatedBy)}}
	add := func(at time.Time, what string, by Person, detail string) {
		if !at.IsZero() {
			events = append(events, ReportEvent{At: at, What: what, By: g.nameOf(ctx, by), Detail: detail})
		}
	}
	add(c.PlannedAt, "plan approved", "", "")
	add(c.StartedAt, "launched", "", "")
	for _, f := range c.Floors {
		add(f.At, "floor set: "+strings.TrimSpace(f.Package+" "+f.Branch)+" from "+f.Fixed, f.By, f.Reason)
	}
	for _, v := range c.Void {
		add(v.At, "method void on "+v.Track+": "+v.Method, v.By, v.Reason)
	}
	for _, m := range c.Milestones {
		add(m.At, m.Name, m.By, m.Numbers)
	}
	slices.SortStableFunc(events, func(a, b ReportEvent) int { return a.At.Compare(b.At) })
	return events
}

// notKnown says in words what the report cannot say.
func (r Report) notKnown() []string {
	var found []string
	add := func(n int, words string) {
		if n > 0 {
			found = append(found, fmt.Sprintf(words, thousands(n)))
		}
	}
	add(r.Unknown, "Services that nobody checked, so that it is not known whether they are affected: %s")
	add(r.ClaimsUnverified, "Claims without a proof: %s")
	open := 0
	for _, t := range r.Tracks {
		open += t.All.Actionable()
	}
	add(open, "Tasks left open: %s")
	add(r.Questions-r.QuestionsAnswered, "Questions without an answer: %s")
	return found
}

// inShort is the numbers beside the milestone "closed".
func (r Report) inShort() string {
	known, done := 0, 0
	for _, t := range r.Tracks {
		known, done = known+t.All.Known(), done+t.All.Verified
	}
	return fmt.Sprintf("%s of %s known tasks verified, %s services unknown", thousands(done), thousands(known), thousands(r.Unknown))
}

// close adds the end to a report.
func (r *Report) close(c Campaign, by string, intent closing) {
	r.State, r.Closed, r.ClosedBy, r.Reason, r.campaign = c.Status, c.ClosedAt, by, intent.Reason, c
	r.Timeline = append(r.Timeline, ReportEvent{At: c.ClosedAt, What: "closed", By: by, Detail: intent.Reason})
}

// last returns the numbers of the track by which the campaign is told in short:
// the last one that had work.
func (r Report) last() TrackNumbers {
	for _, t := range slices.Backward(r.Tracks) {
		if t.All.Known() > 0 {
			return t
		}
	}
	return TrackNumbers{}
}

func (r Report) note(intent closing, at LocalTime) ClosingNoteData {
	t := r.last()
	d := ClosingNoteData{
		LocalTime: at, Title: r.Title, By: Mention(intent.By), At: r.Closed, All: settled(t.All, TaskCounts{}), Unknown: r.Unknown,
		Services: r.Services, Excepted: t.All.Excepted, People: r.Contacts, Questions: r.QuestionsAnswered, Reopened: r.Reopened,
	}
	if !r.Launched.IsZero() {
		d.Took = r.Closed.Sub(r.Launched)
	}
	return d
}

// ReportMarkdown returns the report as people keep it.
func (g *Engine) ReportMarkdown(ctx context.Context, id string) (string, error) {
	r, err := g.Report(ctx, id)
	if err != nil {
		return "", err
	}
	text, err := g.opts.Renderer.Render(nil, "closing_report", r.words(ctx, g))
	if err != nil {
		return "", fmt.Errorf("render closing_report: %w", err)
	}
	var b strings.Builder
	b.WriteString(strings.TrimSpace(text) + "\n")
	if len(r.NotKnown) > 0 {
		b.WriteString("\n## What is not known\n\n")
		for _, line := range r.NotKnown {
			b.WriteString("- " + line + "\n")
		}
	}
	if r.Reason != "" {
		fmt.Fprintf(&b, "\nClosed by %s all the same: %s\n", Escape(r.ClosedBy), Escape(r.Reason))
	}
	return b.String(), nil
}

func (r Report) words(ctx context.Context, g *Engine) ClosingReportData {
	c := r.campaign
	d := ClosingReportData{
		LocalTime: LocalTime{Zone: r.Zone, Now: r.AsOf}, Company: r.Company, Campaign: r.Campaign, Title: r.Title, Commander: r.Commander,
		Deputy: r.Deputy, Created: r.Created, Launched: r.Launched, Closed: r.Closed, Services: r.Services, Unknown: r.Unknown,
		Tickets: r.Tickets, Contacts: r.Contacts, Messages: r.Messages, Questions: r.Questions, Reopened: r.Reopened,
		Records: int(r.AuditRecords), Seal: r.Seal, //nolint:gosec // far below 2^63
	}
	for _, m := range r.Methods {
		d.Methods = append(d.Methods, MethodLine(m))
	}
	for _, a := range c.Advisories {
		d.Advisories = append(d.Advisories, AdvisoryLine{ID: a.ID, Summary: a.Summary})
	}
	for _, f := range c.Floors {
		d.Floors = append(d.Floors, FloorLine{Package: f.Package, Branch: f.Branch, Fixed: f.Fixed, Reason: f.Reason})
	}
	for _, m := range c.Milestones {
		d.Milestones = append(d.Milestones, MilestoneLine{Name: m.Name, By: g.nameOf(ctx, m.By), At: m.At, Numbers: m.Numbers})
	}
	for _, v := range c.Void {
		d.Void = append(d.Void, VoidLine{Method: v.Method, Since: v.At})
	}
	for _, t := range r.Tracks {
		track, _ := c.Track(t.Track)
		line := TrackStanding{Name: t.Track, Due: track.Due, Tally: settled(t.All, TaskCounts{}), Unknown: t.All.Unknown}
		d.Tracks = append(d.Tracks, line)
	}
	for _, u := range r.Units {
		t := u.Track(r.last().Track)
		d.Units = append(d.Units, UnitStanding{Name: cmp.Or(u.Name, u.Unit), All: settled(t.All, TaskCounts{}), Exposed: protection(t.Exposed, TaskCounts{}), Unknown: u.Unknown})
	}
	for _, l := range r.Exceptions {
		d.Exceptions = append(d.Exceptions, ExceptionLine{Name: l.Name, Reason: l.Reason})
	}
	for _, l := range slices.Concat(r.Open, r.Unchecked) {
		d.Open = append(d.Open, OpenTarget{Name: l.Name + " (" + l.Track + ")", Owner: l.Owner, Status: string(l.Status), Blocked: l.Blocked, Exposed: l.Exposed, Due: l.Due})
	}
	return d
}

package campaign

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// baselineArgs is what a held re-baseline remembers.
type baselineArgs struct {
	Reach  string `json:"reach"`
	Reason string `json:"reason,omitempty"`
}

// Rebaseline brings work that was done to an earlier baseline to the one of now:
// of all tasks, of exposed ones only, or only the texts of unfinished work.
// Above the set size a second person agrees first. Again at the same baseline,
// it changes nothing more.
func (g *Engine) Rebaseline(ctx context.Context, r Request, id, which string) (Message, error) {
	return g.rebaseline(ctx, r, id, baselineArgs{Reach: which, Reason: r.Reason}, false)
}

func (g *Engine) rebaselineGranted(ctx context.Context, r Request, id string, args json.RawMessage) (Message, error) {
	var a baselineArgs
	if err := json.Unmarshal(args, &a); err != nil {
		return Message{}, fmt.Errorf("decode held re-baseline: %w", err)
	}
	return g.rebaseline(ctx, r, id, a, true)
}

func (g *Engine) rebaseline(ctx context.Context, r Request, id string, a baselineArgs, granted bool) (Message, error) {
	if a.Reach != ReachAll && a.Reach != ReachExposed && a.Reach != ReachUnfinished {
		return Message{}, Refuse(Invalid, "Say how far it reaches back: `all`, `exposed` or `unfinished`. Nothing was changed.")
	}
	c, err := g.Campaign(ctx, id)
	if err != nil {
		return Message{}, err
	}
	adviceID := opaqueID(c.ID, "baseline", strconv.Itoa(c.Baseline), a.Reach)
	if _, _, err := Load[Advice](ctx, g.opts.Store, Scope(id), KindAdvice, adviceID); err == nil {
		return say("That was done for this baseline already. Nothing was changed."), nil
	} else if KindOf(err) != NotFound {
		return Message{}, err
	}
	reaches, err := g.below(ctx, c)
	if err != nil {
		return Message{}, err
	}
	n := reaches[a.Reach]
	preview, err := g.rebaselinePreview(ctx, c, reaches)
	if err != nil {
		return Message{}, err
	}
	if err := g.keepList(ctx, c, adviceID, n); err != nil {
		return Message{}, err
	}
	reply := say("The baseline of now is asked for (%s). %s reopened, %s told; it is on its way. %s could not be compared and wait for a scan.",
		a.Reach, count(len(n.reopens), "task"), count(len(n.contacts), "contact"), count(n.unclear, "claim"))
	err = g.atomically(ctx, Scope(id), r, func(tx *transaction) error {
		now, err := tx.steered("re-baseline")
		if err != nil {
			return err
		}
		if err := now.editable(); err != nil {
			return err
		}
		if now.Baseline != c.Baseline {
			return Refuse(Conflict, "The baseline moved again in this moment. Nothing was changed; look at it and ask again.")
		}
		if _, found, err := find[Advice](tx, KindAdvice, adviceID); err != nil || found {
			reply = say("That was done for this baseline already. Nothing was changed.")
			return err
		}
		if !granted && g.needsSecond(n.size()) {
			reply = Message{Text: preview.Text, Ephemeral: true}
			_, err := tx.holdRendered(HoldRebaseline, n.size(), a, Markup(preview.Text))
			return err
		}
		if err := tx.audit("campaign.rebaseline", "campaign/"+id, "", fmt.Sprintf("baseline %d, %s", c.Baseline, a.Reach), a.Reason); err != nil {
			return err
		}
		return tx.startAdvice(Advice{ID: adviceID, Kind: AdviceBaseline, Reach: a.Reach, Reason: a.Reason})
	})
	return reply, err
}

func (g *Engine) rebaselinePreview(ctx context.Context, c Campaign, reaches map[string]concern) (Message, error) {
	data := RebaselinePreviewData{
		LocalTime: g.viewer(ctx, c, ""), Title: c.Title, Names: reaches[ReachAll].names(),
		Credited: reaches[ReachAll].kept, Limit: g.opts.Brakes.SecondPersonAbove,
	}
	for _, f := range c.Floors {
		data.Floors = append(data.Floors, FloorLine{Package: f.Package, Branch: f.Branch, Fixed: f.Fixed, Reason: f.Reason})
	}
	for _, which := range []string{ReachAll, ReachExposed, ReachUnfinished} {
		n := reaches[which]
		data.Choices = append(data.Choices, RebaselineChoice{Which: which, Reopens: len(n.reopens), Contacts: len(n.contacts)})
	}
	return g.speak("rebaseline_preview", data)
}

// below compares what was done on the fix tracks with the baseline of now, for
// each reach.
func (g *Engine) below(ctx context.Context, c Campaign) (map[string]concern, error) {
	tasks, err := g.allTasks(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	world, _, err := g.assess(ctx, c)
	if err != nil {
		return nil, err
	}
	judge, err := g.judge(ctx, c)
	if err != nil {
		return nil, err
	}
	targets := map[string]Target{}
	for stored, err := range LoadAll[Target](ctx, g.opts.Store, Scope(c.ID), KindTarget) {
		if err != nil {
			return nil, err
		}
		targets[stored.Value.ID] = stored.Value
	}
	affected := map[string]Target{}
	for _, t := range world.Targets {
		if t.Knowledge == KnownAffected {
			affected[t.ID] = t
		}
	}
	verdict := func(t Task) Verdict {
		if target, ok := affected[t.Target]; ok {
			s := taskEvidence{task: t, target: target, listed: true, looks: world.Looks[t.Target], now: g.opts.Clock.Now()}
			since := time.Time{}
			if t.Claim != nil {
				since = t.Claim.settled()
			}
			if _, _, ok := s.refuting(since); ok {
				return Affected
			}
		}
		return t.judged(judge, targets[t.Target])
	}
	reaches := map[string]concern{}
	for _, which := range []string{ReachAll, ReachExposed, ReachUnfinished} {
		reaches[which] = belowTargets(c, tasks, which, verdict)
	}
	return reaches, nil
}

// belowTargets returns the tasks that a re-baseline of this reach concerns.
// Pure.
func belowTargets(c Campaign, tasks []Task, which string, verdict func(Task) Verdict) concern {
	n := concern{contacts: map[string]bool{}}
	for _, t := range tasks {
		track, _ := c.Track(t.Track)
		switch {
		case track.Kind != TrackFix:
		case t.Status.Actionable():
			n.others = append(n.others, t)
			n.touch(t)
		case !t.claimedOrVerified():
		case which == ReachUnfinished || which == ReachExposed && !t.Exposed:
			n.kept++
		case verdict(t) == Affected:
			n.reopen(t)
		case verdict(t) == Possible:
			n.unclear++
		default:
			n.kept++
		}
	}
	return n
}

// judged says of a task's claim whether it reaches the baseline: what was found
// on the target is judged at the version that was claimed. Possible means that
// nobody can tell from the claim.
func (t Task) judged(judge Judge, target Target) Verdict {
	if t.Claim == nil || t.Claim.Method != MethodUpdated {
		return NotAffected // taken off in another way, or seen by a scan
	}
	if t.Claim.Version == "" {
		return Possible
	}
	worst := NotAffected
	for _, f := range target.Findings {
		for _, now := range judge.Judge(f.Component.at(t.Claim.Version)) {
			switch {
			case now.Verdict == Affected:
				return Affected
			case now.Verdict == Possible:
				worst = Possible
			}
		}
	}
	return worst
}

// at returns the component as it would be at another version.
func (c Component) at(version string) Component {
	if c.Version != "" || c.PURL == "" {
		c.Version = version
	}
	if c.PURL == "" {
		return c
	}
	end := len(c.PURL)
	if i := strings.IndexAny(c.PURL, "?#"); i >= 0 {
		end = i
	}
	base, rest := c.PURL[:end], c.PURL[end:]
	if i := strings.LastIndexByte(base, '@'); i > strings.LastIndexByte(base, '/') {
		base = base[:i]
	}
	c.PURL = base + "@" + url.PathEscape(version) + rest
	c.Source = "" // of the version that was replaced
	return c
}

// listed is a task that a re-baseline concerns.
type listed struct {
	Task   string `json:"task"`
	Reopen bool   `json:"reopen,omitempty"` // else its text moves
}

// listPart is how many tasks one record of a list holds.
const listPart = 5000

// keepList stores the tasks that a re-baseline concerns before it starts, so that
// what was counted is what happens, also after a crash in the middle.
func (g *Engine) keepList(ctx context.Context, c Campaign, adviceID string, n concern) error {
	var list []listed
	for _, t := range n.reopens {
		list = append(list, listed{Task: t.ID, Reopen: true})
	}
	for _, t := range n.others {
		list = append(list, listed{Task: t.ID})
	}
	slices.SortFunc(list, func(a, b listed) int { return cmp.Compare(a.Task, b.Task) })
	part := 0
	for chunk := range slices.Chunk(list, listPart) {
		if err := g.putList(ctx, c, listID(adviceID, part), chunk); err != nil {
			return err
		}
		part++
	}
	return g.putList(ctx, c, listID(adviceID, part), nil) // an earlier, longer list ends here
}

func listID(advice string, part int) string { return fmt.Sprintf("%s/%04d", advice, part) }

func (g *Engine) putList(ctx context.Context, c Campaign, id string, tasks []listed) error {
	_, err := Upsert(ctx, g.opts.Store, Scope(c.ID), KindAdviceList, id, func(list *[]listed, _ *Change) error {
		*list = tasks
		return nil
	})
	return err
}

package campaign

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// SourceHealth is how one source's scans look beside those before: the reasons
// for which an import would suddenly move much.
type SourceHealth struct {
	Source string
	Times  []time.Time // of the newest scan of each asset
	Same   int         // packages that were found before and are called the same
	Other  int         // packages of such a name that are called otherwise now
}

// The signs of a source that went wrong.
const (
	lagsAfter  = 36 * time.Hour // behind the source's newest scan: not reported this time
	suspicious = 0.20           // of the assets, or of the packages
	enoughSeen = 10             // fewer say nothing
)

// sign says in words what looks wrong with a source; "" when nothing does.
func (h SourceHealth) sign() string {
	newest := time.Time{}
	for _, at := range h.Times {
		newest = latest(newest, at)
	}
	lost := 0
	for _, at := range h.Times {
		if newest.Sub(at) > lagsAfter {
			lost++
		}
	}
	var signs []string
	if share := float64(lost) / float64(max(len(h.Times), 1)); len(h.Times) >= enoughSeen && share >= suspicious {
		signs = append(signs, fmt.Sprintf("the scanner %s did not report %.0f %% of the %s assets that it reported before: it may have lost a part of the estate", h.Source, 100*share, thousands(len(h.Times))))
	}
	if share := float64(h.Other) / float64(max(h.Same+h.Other, 1)); h.Same+h.Other >= enoughSeen && share >= suspicious {
		signs = append(signs, fmt.Sprintf("%.0f %% of what %s found before has another name now: the feed may have changed its ids", 100*share, h.Source))
	}
	return strings.Join(signs, "; ")
}

// watchSource notes what a scan says of its source.
func (b *targetBuilder) watchSource(s Scan) *SourceHealth {
	h := b.sources[s.Source]
	if h == nil {
		h = &SourceHealth{Source: cmp.Or(s.Source, "without a name")}
		b.sources[s.Source] = h
	}
	if !s.At.IsZero() {
		h.Times = append(h.Times, s.At)
	}
	return h
}

// compare notes whether a package is still called as it was when it was found.
func (h *SourceHealth) compare(before []Finding, s Scan, c Component) {
	for _, was := range before {
		if was.Asset != s.Asset || was.Source != s.Source || !s.At.After(was.At) || shortOf(was.Component) != shortOf(c) {
			continue
		}
		if was.Component.packageName() == c.packageName() {
			h.Same++
		} else {
			h.Other++
		}
		return
	}
}

func shortOf(c Component) string {
	name := c.packageName()
	return strings.ToLower(name[strings.LastIndexAny(name, "/:")+1:])
}

// maxTeamsShown bounds the teams that a preview counts one by one.
const maxTeamsShown = 5

// sweepPreview says what an import would do, to whom, and what may be wrong with
// it.
func sweepPreview(moves []taskMove, sources []SourceHealth) string {
	var text strings.Builder
	kept := braked(moves)
	verified, cleared, reopened, opened := 0, 0, 0, 0
	people, teams, vanished := map[string]bool{}, map[string]int{}, map[string]int{}
	for _, m := range kept {
		switch {
		case m.cleared:
			cleared++
		case !m.loud():
			verified++
			vanished[m.vanished]++
		case m.to == TaskInProgress:
			reopened++
			people[m.contact] = true
		default:
			opened++
		}
		teams[cmp.Or(m.owner, "nobody")]++
	}
	delete(people, "")
	fmt.Fprintf(&text, "Newer scans would reopen %s, open %d and message %s.", count(reopened, "task"), opened, count(len(people), "contact"))
	if verified > 0 {
		fmt.Fprintf(&text, " They would count %s as fixed without seeing a fixed version.", count(verified, "task"))
	}
	if cleared > 0 {
		fmt.Fprintf(&text, " What vendors say would count %s as not affected.", count(cleared, "task"))
	}
	fmt.Fprintf(&text, "\nBy team: %s.", byTeam(teams))
	signs := ""
	for _, source := range sortedKeys(vanished) {
		signs += fmt.Sprintf("\nLikely reason: on %s, %s lists what it found before under no version any more: it may have stopped reading a kind of file.", count(vanished[source], "target"), source)
	}
	for _, h := range sources {
		if sign := h.sign(); sign != "" {
			signs += "\nLikely reason: " + sign + "."
		}
	}
	if signs == "" {
		signs = "\nNo scanner looks broken: none lost a fifth of its assets, and packages are called as before."
	}
	text.WriteString(signs)
	if len(kept) > 0 {
		fmt.Fprintf(&text, "\nFor example: %s.", kept[0].why)
	}
	text.WriteString("\nWho agrees, agrees to exactly these; what later scans add is asked for by itself.")
	return text.String()
}

// byTeam says how many moves are whose, the most first.
func byTeam(teams map[string]int) string {
	names := slices.SortedFunc(maps.Keys(teams), func(a, b string) int {
		return cmp.Or(cmp.Compare(teams[b], teams[a]), cmp.Compare(a, b))
	})
	var shown []string
	for _, name := range names[:min(len(names), maxTeamsShown)] {
		shown = append(shown, fmt.Sprintf("%s %d", name, teams[name]))
	}
	if more := len(names) - len(shown); more > 0 {
		shown = append(shown, count(more, "more team"))
	}
	return strings.Join(shown, ", ")
}

// loud returns whether a move asks something of somebody.
func (m taskMove) loud() bool { return m.to == TaskInProgress || m.to == TaskOpen }

// braked returns whether a brake is about a move: it asks something of somebody, or
// it rests on what a scan does not list, or on a vendor's word alone.
func (m taskMove) braked() bool { return m.loud() || m.vanished != "" || m.cleared }

func braked(moves []taskMove) []taskMove {
	return slices.DeleteFunc(slices.Clone(moves), func(m taskMove) bool { return !m.braked() })
}

// tooMuch returns whether scans move so much at once that a second person has to
// look: they ask too much, or a vendor's word clears much, or they count much as fixed
// of which no fixed version is seen. Single packages do go away; that a fifth of what
// is fixed did is the sign of a scanner that stopped reading a kind of file.
func (g *Engine) tooMuch(moves []taskMove) bool {
	asks, cleared, verified, vanished := 0, 0, 0, 0
	for _, m := range moves {
		switch {
		case m.loud():
			asks++
		case m.cleared:
			cleared++
		case m.to == TaskVerified:
			verified++
			if m.vanished != "" {
				vanished++
			}
		}
	}
	return g.needsSecond(asks) || g.needsSecond(cleared) || g.needsSecond(vanished) && float64(vanished) >= suspicious*float64(verified)
}

// sweepHold is the one import that a campaign holds back.
type sweepHold struct {
	Hold string `json:"hold"` // its ID
	Hash string `json:"hash"` // of the moves that it is about
}

const sweepHeld = "sweep_hold"

// movesHash names a set of moves.
func movesHash(moves []taskMove) string {
	keys := make([]string, 0, len(moves))
	for _, m := range braked(moves) {
		keys = append(keys, m.task+":"+string(m.to))
	}
	slices.Sort(keys)
	return textHash(keys...)
}

// holdSweep keeps moves back for a second person. Imports that come while one is
// held wait with it; moves that were declined are not asked for again.
func (g *Engine) holdSweep(ctx context.Context, r Request, c Campaign, moves []taskMove, sources []SourceHealth) error {
	hash := movesHash(moves)
	held, _, err := Load[sweepHold](ctx, g.opts.Store, Scope(c.ID), KindCursor, sweepHeld)
	if err != nil && KindOf(err) != NotFound {
		return err
	}
	if err == nil {
		h, _, err := Load[Hold](ctx, g.opts.Store, Scope(c.ID), KindRequest, held.Hold)
		if err != nil {
			return err
		}
		if h.Status == HoldOpen || h.Status == HoldDeclined && held.Hash == hash {
			return nil
		}
	}
	kept := braked(moves)
	part := 0
	for chunk := range slices.Chunk(kept, listPart) {
		list := make([]listed, 0, len(chunk))
		for _, m := range chunk {
			list = append(list, listed{Task: m.task, Reopen: m.to == TaskInProgress})
		}
		if err := g.putList(ctx, c, listID(sweepPrefix+hash, part), list); err != nil {
			return err
		}
		part++
	}
	if err := g.putList(ctx, c, listID(sweepPrefix+hash, part), nil); err != nil {
		return err
	}
	return g.atomically(ctx, Scope(c.ID), Request{Actor: r.Actor}, func(tx *transaction) error {
		now, _, err := find[sweepHold](tx, KindCursor, sweepHeld)
		if err != nil || now != held {
			return err // another replica was faster
		}
		id := tx.holdID(HoldSweep)
		if _, err := tx.hold(HoldSweep, len(kept), sweepHold{Hold: id, Hash: hash}, sweepPreview(moves, sources)); err != nil {
			return err
		}
		return save(tx, KindCursor, sweepHeld, sweepHold{Hold: id, Hash: hash})
	})
}

// agreed returns the braked moves that a second person agreed to, and all others.
func (g *Engine) agreed(ctx context.Context, id, hash string, moves []taskMove) ([]taskMove, error) {
	yes := map[listed]bool{}
	for part := 0; ; part++ {
		list, _, err := Load[[]listed](ctx, g.opts.Store, Scope(id), KindAdviceList, listID(sweepPrefix+hash, part))
		if err != nil {
			return nil, err
		}
		if len(list) == 0 {
			break
		}
		for _, l := range list {
			yes[l] = true
		}
	}
	return slices.DeleteFunc(moves, func(m taskMove) bool {
		return m.braked() && !yes[listed{Task: m.task, Reopen: m.to == TaskInProgress}]
	}), nil
}

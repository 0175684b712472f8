package campaign

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Advice is one change of what counts as done, on its way to everybody whom it
// concerns. Its cursor survives a crash.
type Advice struct {
	ID     string      `json:"id"`
	Kind   AdviceKind  `json:"kind"`
	Track  string      `json:"track,omitempty"`  // of a void method
	Method string      `json:"method,omitempty"` // that is void
	Reach  string      `json:"reach,omitempty"`  // of a re-baseline
	Reason string      `json:"reason,omitempty"`
	By     Person      `json:"by"`
	At     time.Time   `json:"at"`
	Stage  AdviceStage `json:"stage"`
	// After is the last task, or contact, that was looked at; Hits counts what
	// this pass over the tasks found.
	After    string `json:"after,omitempty"`
	Hits     int    `json:"hits,omitempty"`
	Reopened int    `json:"reopened"`
	Told     int    `json:"told"`
}

// AdviceKind says what changed.
type AdviceKind string

// The kinds of advice that moves.
const (
	AdviceVoid     AdviceKind = "void"
	AdviceBaseline AdviceKind = "baseline"
)

// AdviceStage is how far a change of advice is.
type AdviceStage string

// The stages: first all tasks, then one message to each contact.
const (
	AdviceReopening AdviceStage = "reopening"
	AdviceTelling   AdviceStage = "telling"
	AdviceDone      AdviceStage = "done"
)

// How far a re-baseline reaches back.
const (
	ReachAll        = "all"
	ReachExposed    = "exposed"
	ReachUnfinished = "unfinished" // nothing that was done is reopened
)

const (
	// KindAdvice is a change of advice, by its ID.
	KindAdvice RecordKind = "advice"
	// KindAdviceList holds tasks that a re-baseline concerns: <advice>/<part>.
	KindAdviceList RecordKind = "advice_list"

	advicePrefix = "advice/"
)

// voidArgs is what a held void remembers.
type voidArgs struct {
	Track  string `json:"track"`
	Method string `json:"method"`
	Reason string `json:"reason"`
}

// concern is what a change of advice would do, counted before it does it.
type concern struct {
	reopens  []Task
	exposed  int
	others   []Task // unfinished work whose text moves
	kept     int    // done otherwise, and still counting
	unclear  int    // claims that cannot be compared
	contacts map[string]bool
}

func (n concern) size() int { return max(len(n.reopens), len(n.contacts)) }

func (n concern) names() []string {
	names := make([]string, 0, 3)
	for _, t := range n.reopens[:min(3, len(n.reopens))] {
		names = append(names, t.Name)
	}
	return names
}

func (n *concern) reopen(t Task) {
	n.reopens = append(n.reopens, t)
	if t.Exposed {
		n.exposed++
	}
	n.touch(t)
}

func (n *concern) touch(t Task) {
	if t.Contact != "" {
		n.contacts[t.Contact] = true
	}
}

// voidTargets returns the tasks whose claim used a method on a track. Pure.
func voidTargets(tasks []Task, track, method string) concern {
	n := concern{contacts: map[string]bool{}}
	for _, t := range tasks {
		switch {
		case t.Track != track || !t.claimedOrVerified():
		case t.usedMethod(track, method):
			n.reopen(t)
		default:
			n.kept++
		}
	}
	return n
}

// claimedOrVerified returns whether somebody's word or a scan says it is done.
func (t Task) claimedOrVerified() bool { return t.Status == TaskClaimed || t.Status == TaskVerified }

// usedMethod returns whether the task counts as done by this method.
func (t Task) usedMethod(track, method string) bool {
	return t.Track == track && t.claimedOrVerified() && t.Claim != nil && t.Claim.Method == method
}

// Void takes a method out of force on a track: exactly the claims that used it
// are reopened, whoever made them is thanked and told what to do instead, and
// new claims by it are refused. Above the set size a second person agrees first.
func (g *Engine) Void(ctx context.Context, r Request, id, track, method, reason string) (Message, error) {
	return g.void(ctx, r, id, voidArgs{Track: track, Method: strings.TrimSpace(method), Reason: strings.TrimSpace(reason)}, false)
}

func (g *Engine) voidGranted(ctx context.Context, r Request, id string, args json.RawMessage) (Message, error) {
	var a voidArgs
	if err := json.Unmarshal(args, &a); err != nil {
		return Message{}, fmt.Errorf("decode held void: %w", err)
	}
	return g.void(ctx, r, id, a, true)
}

func (g *Engine) void(ctx context.Context, r Request, id string, a voidArgs, granted bool) (Message, error) {
	c, err := g.Campaign(ctx, id)
	if err != nil {
		return Message{}, err
	}
	tasks, err := g.allTasks(ctx, id)
	if err != nil {
		return Message{}, err
	}
	if a.Method, err = c.knownMethod(a, tasks); err != nil {
		return Message{}, err
	}
	n := voidTargets(tasks, a.Track, a.Method)
	preview, err := g.speak("void_preview", VoidPreviewData{
		LocalTime: g.viewer(ctx, c, ""), Title: c.Title, Track: a.Track, Method: a.Method, Why: a.Reason,
		Reopens: len(n.reopens), Exposed: n.exposed, Contacts: len(n.contacts), Names: n.names(), Kept: n.kept, Limit: g.opts.Brakes.SecondPersonAbove,
	})
	if err != nil {
		return Message{}, err
	}
	reply := say("%s does not count on %s any more. %s reopened, %s told; it is on its way. What people did stays on record.",
		a.Method, a.Track, count(len(n.reopens), "task"), count(len(n.contacts), "contact"))
	err = g.atomically(ctx, Scope(id), r, func(tx *transaction) error {
		c, err := tx.steered("declare a method void")
		if err != nil {
			return err
		}
		if err := c.editable(); err != nil {
			return err
		}
		if c.IsVoid(a.Track, a.Method) {
			reply = say("%s was void on %s already. Nothing was changed.", a.Method, a.Track)
			return nil
		}
		if !granted && g.needsSecond(n.size()) {
			if _, err := tx.holdRendered(HoldVoid, n.size(), a, Markup(preview.Text)); err != nil {
				return err
			}
			reply = Message{Text: preview.Text, Ephemeral: true}
			return nil
		}
		return tx.startVoid(c, a)
	})
	return reply, err
}

// knownMethod returns the method as the track or a claim spells it; people type
// it as they like. A word that nobody offers or used is most likely a slip.
func (c Campaign) knownMethod(a voidArgs, tasks []Task) (string, error) {
	t, ok := c.Track(a.Track)
	if !ok {
		return "", noTrack(c, a.Track)
	}
	if a.Reason == "" {
		return "", Refuse(Invalid, "Say why it does not count any more: the people whose work it undoes will ask. Nothing was changed.")
	}
	known := slices.Clone(t.Methods)
	for _, task := range tasks {
		if task.Track == t.Name && task.Claim != nil && !slices.Contains(known, task.Claim.Method) {
			known = append(known, task.Claim.Method)
		}
	}
	i := slices.IndexFunc(known, func(m string) bool { return strings.EqualFold(m, a.Method) })
	if i < 0 {
		return "", Refuse(NotFound, fmt.Sprintf("Nobody was offered %q on %s, or claimed it. Nothing was changed; there are %s.",
			string(Escape(a.Method)), Escape(a.Track), Escape(enumerate(known))))
	}
	return known[i], nil
}

func (tx *transaction) startVoid(c Campaign, a voidArgs) error {
	c.Void = append(c.Void, VoidMethod{Track: a.Track, Method: a.Method, By: tx.request.Actor, At: tx.now, Reason: a.Reason})
	if err := tx.audit("method.void", "track/"+a.Track, a.Method, "void", a.Reason); err != nil {
		return err
	}
	if err := save(tx, KindCampaign, self, c); err != nil {
		return err
	}
	return tx.startAdvice(Advice{
		ID: opaqueID(c.ID, "void", a.Track, a.Method), Kind: AdviceVoid, Track: a.Track, Method: a.Method, Reason: a.Reason,
	})
}

// startAdvice leaves the reopening and telling to the worker. What was started
// before is not started again.
func (tx *transaction) startAdvice(a Advice) error {
	if _, found, err := find[Advice](tx, KindAdvice, a.ID); err != nil || found {
		return err
	}
	a.By, a.At, a.Stage = tx.request.Actor, tx.now, AdviceReopening
	tx.due(DueEntry{ID: advicePrefix + a.ID, Lane: Bulk, At: tx.now})
	return save(tx, KindAdvice, a.ID, a)
}

// allTasks reads all tasks of a campaign.
func (g *Engine) allTasks(ctx context.Context, id string) ([]Task, error) {
	var tasks []Task
	for stored, err := range LoadAll[Task](ctx, g.opts.Store, Scope(id), KindTask) {
		if err != nil {
			return nil, err
		}
		tasks = append(tasks, stored.Value)
	}
	return tasks, nil
}

// words says in a few words why a task was reopened.
func (a Advice) words() string {
	if a.Kind == AdviceVoid {
		return strings.TrimSuffix(a.Method+" no longer counts: "+a.Reason, ": ")
	}
	return cmp.Or(a.Reason, "what counts as fixed has moved")
}

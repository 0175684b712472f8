package campaign

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// CounterDifference is a counter that disagrees with the records.
type CounterDifference struct {
	Counter   string `json:"counter"`
	Counted   int64  `json:"counted"`   // what the counter says
	Recounted int64  `json:"recounted"` // what the records say
}

// String returns the difference as a sentence.
func (d CounterDifference) String() string {
	return fmt.Sprintf("%s says %d, the records say %d", d.Counter, d.Counted, d.Recounted)
}

// Recount counts the tasks of a campaign. See the function of this name.
func (g *Engine) Recount(ctx context.Context, id string) ([]CounterDifference, error) {
	return Recount(ctx, g.opts.Store, id)
}

// Recount compares the counters of a campaign with a count of its task records,
// sorted by counter; empty when all agree. Work that goes on meanwhile shows as
// differences, so it is asked of a campaign at rest, or twice.
func Recount(ctx context.Context, r Reader, id string) ([]CounterDifference, error) {
	recounted := map[string]int64{counterReopened: 0}
	for t, err := range LoadAll[Task](ctx, r, Scope(id), KindTask) {
		if err != nil {
			return nil, fmt.Errorf("read tasks of %s: %w", id, err)
		}
		recounted[t.Value.counterName()]++
		recounted[counterReopened] += int64(t.Value.Reopened)
		if t.Value.Blocked != "" {
			recounted[t.Value.blockedName()]++
		}
	}
	counted, err := r.Counters(ctx, Scope(id), "")
	if err != nil {
		return nil, fmt.Errorf("read counters of %s: %w", id, err)
	}
	var found []CounterDifference
	names := map[string]bool{}
	for name := range recounted {
		names[name] = true
	}
	for name := range counted {
		if strings.HasPrefix(name, counterTask) || strings.HasPrefix(name, counterBlocked) {
			names[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if counted[name] != recounted[name] {
			found = append(found, CounterDifference{Counter: name, Counted: counted[name], Recounted: recounted[name]})
		}
	}
	return found, nil
}

package campaign

import (
	"context"
	"fmt"
)

// CountEffects counts what is outgoing and not done, by status, over all scopes.
// It reads every open effect, and no more than that.
func CountEffects(ctx context.Context, r Reader) (map[EffectStatus]int, error) {
	scopes, err := r.Scopes(ctx)
	if err != nil {
		return nil, fmt.Errorf("count effects: %w", err)
	}
	counts := map[EffectStatus]int{}
	for _, scope := range scopes {
		if err := countEffects(ctx, r, scope, counts); err != nil {
			return nil, fmt.Errorf("count effects: %w", err)
		}
	}
	return counts, nil
}

func countEffects(ctx context.Context, r Reader, scope Scope, counts map[EffectStatus]int) error {
	dead, err := r.Counters(ctx, scope, counterDead)
	if err != nil {
		return err
	}
	counts[EffectDead] += int(dead[counterDead])
	for after := (IndexHit{}); ; {
		hits, err := r.Index(ctx, scope, indexOpenEffects, "", after, MaxChangeRecords)
		if err != nil || len(hits) == 0 {
			return err
		}
		ids := make([]string, len(hits))
		for i, hit := range hits {
			ids[i], after = hit.ID, hit
		}
		effects, err := LoadMany[struct {
			Status EffectStatus `json:"status"`
		}](ctx, r, scope, KindEffect, ids)
		if err != nil {
			return err
		}
		for _, e := range effects {
			counts[e.Value.Status]++
		}
	}
}

package redis

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/musterbot/muster/campaign"
)

// How long a process relies on what it last saw of a scope. News of changes
// come at once, by the channel; this is for news that were lost, and for the
// leases of other processes.
const (
	lookEvery     = 2 * time.Second  // where something waits or is leased
	lookIdleEvery = 15 * time.Second // where nothing does
)

// board is what a process knows of the scopes' due entries. The truth is in the
// scopes; the board only says where it is worth looking, so whatever is lost
// from it is found again soon.
type board struct {
	mu     sync.Mutex
	scopes map[campaign.Scope]*seen
	last   campaign.Scope // whose bulk entry was claimed last
}

// seen is what was last seen of a scope.
type seen struct {
	changes uint64 // so often we heard of a change
	known   uint64 // changes when what is below was asked for
	at      time.Time
	next    [2]*int64 // ms when each lane's next entry falls due; nil when none waits
	expires time.Time // when the first lease runs out; zero when none is held
}

func newBoard() *board { return &board{scopes: map[campaign.Scope]*seen{}} }

func (b *board) of(scope campaign.Scope) *seen {
	s := b.scopes[scope]
	if s == nil {
		s = &seen{}
		b.scopes[scope] = s
	}
	return s
}

// add makes scopes known.
func (b *board) add(scopes []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, scope := range scopes {
		b.of(campaign.Scope(scope))
	}
}

// nudge notes that due entries of a scope were changed.
func (b *board) nudge(scope campaign.Scope) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.of(scope).changes++
}

// nudgeAll notes that any scope may have changed.
func (b *board) nudgeAll() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.scopes {
		s.changes++
	}
}

// stale returns the scopes that have to be looked at anew.
func (b *board) stale(now time.Time) []campaign.Scope {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []campaign.Scope
	for scope, s := range b.scopes {
		every := lookEvery
		if s.next == [2]*int64{} && s.expires.IsZero() {
			every = lookIdleEvery
		}
		if s.changes != s.known || now.Sub(s.at) >= every || !s.expires.IsZero() && !now.Before(s.expires) {
			out = append(out, scope)
		}
	}
	slices.Sort(out)
	return out
}

func (s *seen) due(lane campaign.Lane, now int64) bool {
	return s.next[lane] != nil && *s.next[lane] <= now
}

// othersDue reports whether another scope than this one has anything due.
func (b *board) othersDue(scope campaign.Scope, now int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for other, s := range b.scopes {
		if other != scope && (s.due(campaign.Interactive, now) || s.due(campaign.Bulk, now)) {
			return true
		}
	}
	return false
}

// due returns the scopes that have something due in a lane, what waits longest
// first.
func (b *board) due(lane campaign.Lane, now int64) []campaign.Scope {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []campaign.Scope
	for _, scope := range slices.Sorted(maps.Keys(b.scopes)) {
		if b.scopes[scope].due(lane, now) {
			out = append(out, scope)
		}
	}
	slices.SortStableFunc(out, func(x, y campaign.Scope) int {
		return int(min(1, max(-1, *b.scopes[x].next[lane]-*b.scopes[y].next[lane])))
	})
	return out
}

// turn returns the scopes that have bulk work due, from the one behind that
// which was served last.
func (b *board) turn(now int64) []campaign.Scope {
	due := b.due(campaign.Bulk, now)
	slices.Sort(due)
	b.mu.Lock()
	defer b.mu.Unlock()
	i, found := slices.BinarySearch(due, b.last)
	if found {
		i++
	}
	return slices.Concat(due[i:], due[:i])
}

// served notes whose bulk entry was claimed last.
func (b *board) served(scope campaign.Scope) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last = scope
}

// next returns when the next entry falls due in any of the lanes; zero when
// none waits.
func (b *board) next(lanes []campaign.Lane) time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	var first *int64
	for _, s := range b.scopes {
		for _, lane := range lanes {
			if at := s.next[lane]; at != nil && (first == nil || *at < *first) {
				first = at
			}
		}
	}
	if first == nil {
		return time.Time{}
	}
	return time.UnixMilli(*first).UTC()
}

// looking is a look at a scope that is under way. A change that is heard of
// meanwhile makes the scope stale again.
type looking struct {
	board   *board
	scope   campaign.Scope
	changes uint64
	began   time.Time
}

func (b *board) look(scope campaign.Scope) looking {
	b.mu.Lock()
	defer b.mu.Unlock()
	return looking{board: b, scope: scope, changes: b.of(scope).changes, began: time.Now()}
}

// learn notes what claim.lua says: when the next entry of each lane falls due,
// and in how many microseconds the first lease runs out.
func (l looking) learn(answer []string) error {
	var next [2]*int64
	for lane, text := range answer[:2] {
		if text == "" {
			continue
		}
		score, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return fmt.Errorf("read next time: %w", err)
		}
		ms := int64(score)
		next[lane] = &ms
	}
	var expires time.Time
	if answer[2] != "" {
		us, err := strconv.ParseInt(answer[2], 10, 64)
		if err != nil {
			return fmt.Errorf("read end of lease: %w", err)
		}
		expires = time.Now().Add(time.Duration(us) * time.Microsecond)
	}
	l.board.mu.Lock()
	defer l.board.mu.Unlock()
	s := l.board.of(l.scope)
	s.next, s.expires, s.at, s.known = next, expires, l.began, max(s.known, l.changes)
	return nil
}

package campaign

import (
	"slices"
	"strings"
	"time"
)

// TaskCounts counts tasks by their state.
type TaskCounts struct {
	Unknown     int `json:"unknown,omitempty"`
	Open        int `json:"open,omitempty"`
	InProgress  int `json:"in_progress,omitempty"`
	Claimed     int `json:"claimed,omitempty"`
	Verified    int `json:"verified,omitempty"`
	Excepted    int `json:"excepted,omitempty"`
	NotAffected int `json:"not_affected,omitempty"`
	Withdrawn   int `json:"withdrawn,omitempty"`
}

// Known returns how many are known to be affected, whatever became of them.
func (t TaskCounts) Known() int {
	return t.Open + t.InProgress + t.Claimed + t.Verified + t.Excepted
}

// Unfinished returns how many known ones still need a person or a proof.
func (t TaskCounts) Unfinished() int { return t.Open + t.InProgress + t.Claimed }

// Actionable returns how many wait for their owner.
func (t TaskCounts) Actionable() int { return t.Open + t.InProgress }

// InHand returns how many are not protected yet and have somebody on them.
func (t TaskCounts) InHand() int { return t.InProgress + t.Claimed }

// Total returns all of them.
func (t TaskCounts) Total() int { return t.Known() + t.Unknown + t.NotAffected + t.Withdrawn }

func (t *TaskCounts) add(s TaskStatus, n int) {
	switch s {
	case TaskUnknown:
		t.Unknown += n
	case TaskOpen:
		t.Open += n
	case TaskInProgress:
		t.InProgress += n
	case TaskClaimed:
		t.Claimed += n
	case TaskVerified:
		t.Verified += n
	case TaskExcepted:
		t.Excepted += n
	case TaskNotAffected:
		t.NotAffected += n
	case TaskWithdrawn:
		t.Withdrawn += n
	}
}

func (t TaskCounts) plus(o TaskCounts) TaskCounts {
	return TaskCounts{
		t.Unknown + o.Unknown, t.Open + o.Open, t.InProgress + o.InProgress, t.Claimed + o.Claimed,
		t.Verified + o.Verified, t.Excepted + o.Excepted, t.NotAffected + o.NotAffected, t.Withdrawn + o.Withdrawn,
	}
}

// Leaf is what the counters hold of one owner on one track.
type Leaf struct {
	Owner   string     `json:"owner"`
	Track   string     `json:"track"`
	All     TaskCounts `json:"all"`
	Exposed TaskCounts `json:"exposed,omitzero"` // the part of All that counts as exposed
	Blocked int        `json:"blocked,omitempty"`
}

// TrackNumbers are the numbers of one track.
type TrackNumbers struct {
	Track   string     `json:"track"`
	All     TaskCounts `json:"all"`
	Exposed TaskCounts `json:"exposed,omitzero"` // the part of All that counts as exposed
	Blocked int        `json:"blocked,omitempty"`
}

// Numbers are what people are told: per track what is known, and always beside
// it what is not.
type Numbers struct {
	At     time.Time      `json:"at"`
	Tracks []TrackNumbers `json:"tracks"` // in the campaign's order
	// Unknown counts the services that nobody has checked.
	Unknown int `json:"unknown"`
	// UnknownExposed is the part of Unknown that counts as exposed.
	UnknownExposed int `json:"unknown_exposed,omitempty"`
	// Services counts all that could be affected: the catalog's services, or
	// the targets where there are more of them.
	Services  int           `json:"services"`
	Reopened  int           `json:"reopened,omitempty"` // events
	Questions QuestionCount `json:"questions,omitzero"`
}

// Track returns the numbers of one track, all zero when there is none.
func (n Numbers) Track(name string) TrackNumbers {
	if i := slices.IndexFunc(n.Tracks, func(t TrackNumbers) bool { return t.Track == name }); i >= 0 {
		return n.Tracks[i]
	}
	return TrackNumbers{Track: name}
}

// Unfinished returns the tasks of all tracks that need a person or a proof.
func (n Numbers) Unfinished() int {
	sum := 0
	for _, t := range n.Tracks {
		sum += t.All.Unfinished()
	}
	return sum
}

// leavesOf reads the leaves out of a campaign's counters, sorted by owner and
// track.
func leavesOf(counters map[string]int64) []Leaf {
	type cell struct{ owner, track string }
	at := make(map[cell]int, len(counters)/2)
	leaves := make([]Leaf, 0, len(counters)/2)
	leaf := func(owner, track string) *Leaf {
		i, ok := at[cell{owner, track}]
		if !ok {
			i = len(leaves)
			at[cell{owner, track}] = i
			leaves = append(leaves, Leaf{Owner: owner, Track: track})
		}
		return &leaves[i]
	}
	for name, n := range counters {
		if n == 0 {
			continue
		}
		if owner, track, status, exposed, ok := counterParts(name); ok {
			l := leaf(owner, track)
			l.All.add(status, int(n))
			if exposed {
				l.Exposed.add(status, int(n))
			}
			continue
		}
		if rest, ok := strings.CutPrefix(name, counterBlocked); ok {
			if i := strings.LastIndexByte(rest, '|'); i >= 0 {
				leaf(rest[:i], rest[i+1:]).Blocked += int(n)
			}
		}
	}
	slices.SortFunc(leaves, func(a, b Leaf) int { return compareStrings(a.Owner, b.Owner, a.Track, b.Track) })
	return leaves
}

const counterBlocked = "blocked|"

// sumLeaves adds up leaves per track, in the order of tracks; those that the
// order does not name follow by name. A service that nobody has checked has an
// unknown task on each track and is one unknown.
func sumLeaves(leaves []Leaf, tracks []string) Numbers {
	n := Numbers{Tracks: make([]TrackNumbers, 0, len(tracks))}
	at := make(map[string]int, len(tracks))
	for _, name := range tracks {
		at[name] = len(n.Tracks)
		n.Tracks = append(n.Tracks, TrackNumbers{Track: name})
	}
	type most struct{ all, exposed, targets int }
	owners := make(map[string]most, len(leaves))
	for _, l := range leaves {
		i, ok := at[l.Track]
		if !ok {
			i = len(n.Tracks)
			at[l.Track] = i
			n.Tracks = append(n.Tracks, TrackNumbers{Track: l.Track})
		}
		t := &n.Tracks[i]
		t.All, t.Exposed, t.Blocked = t.All.plus(l.All), t.Exposed.plus(l.Exposed), t.Blocked+l.Blocked
		o := owners[l.Owner]
		owners[l.Owner] = most{max(o.all, l.All.Unknown), max(o.exposed, l.Exposed.Unknown), max(o.targets, l.All.Total())}
	}
	for _, o := range owners {
		n.Unknown, n.UnknownExposed, n.Services = n.Unknown+o.all, n.UnknownExposed+o.exposed, n.Services+o.targets
	}
	slices.SortFunc(n.Tracks[len(tracks):], func(a, b TrackNumbers) int { return strings.Compare(a.Track, b.Track) })
	return n
}

package redis

import (
	"strconv"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/store"
)

// keys builds every key of a store, and nothing else does. Those of one scope
// share a hash tag, so that they are in one slot of a cluster and one script
// reaches them all. The tag of what belongs to no scope is "/", which no scope
// may be called.
type keys struct{ prefix string }

func (k keys) scopes() string  { return k.prefix + "{/}scopes" }
func (k keys) channel() string { return k.prefix + "{/}nudge" }

// limits is what keys of the limiter start with.
func (k keys) limits() string { return k.prefix + "{/}limit:" }

// In a scope.

func (k keys) in(scope campaign.Scope, tail string) string {
	return k.prefix + "{" + string(scope) + "}" + tail
}

func (k keys) numbers(s campaign.Scope) string  { return k.in(s, "n") }
func (k keys) counters(s campaign.Scope) string { return k.in(s, "c") }
func (k keys) audit(s campaign.Scope) string    { return k.in(s, "a") }

func (k keys) records(s campaign.Scope, kind campaign.RecordKind) string {
	return k.in(s, "r:"+string(kind))
}

func (k keys) index(s campaign.Scope, name string) string { return k.in(s, "i:"+name) }

func (k keys) tokens(s campaign.Scope, instance string) string { return k.in(s, "t:"+instance) }

func (k keys) waiting(s campaign.Scope, lane campaign.Lane) string {
	return k.in(s, strconv.Itoa(int(lane)))
}

// due is what due.lua expects as its first KEYS.
func (k keys) due(s campaign.Scope) []string {
	return []string{k.in(s, "d"), k.waiting(s, campaign.Interactive), k.waiting(s, campaign.Bulk), k.in(s, "s"), k.in(s, "l")}
}

// scopePattern matches the key that each scope has, for SCAN.
func (k keys) scopePattern() string { return escapeGlob(k.prefix) + "{*}n" }

func escapeGlob(s string) string {
	var out []byte
	for i := range len(s) {
		switch s[i] {
		case '*', '?', '[', ']', '\\', '^':
			out = append(out, '\\')
		}
		out = append(out, s[i])
	}
	return string(out)
}

// A record is a member of the sorted set of its kind, and an index row one of
// its index: all have the score 0, and so stand in byte order. A record begins
// with its ID as a part of a key, then come its version and value.

// recordPart is what the member of a record starts with.
func recordPart(id string) string { return string(store.AppendPart(nil, id)) }

// recordRange returns the bounds, for ZRANGEBYLEX, between which only the
// record with that part can stand.
func recordRange(part string) (from, to string) {
	return "[" + part, "(" + part[:len(part)-1] + "\x02"
}

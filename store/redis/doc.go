// Package redis is the campaign.Store for several processes: on a single Redis
// server (7 or later), with Sentinel, or on a cluster, over TLS or not. Parse
// says how addresses are written.
//
// # Atomic steps
//
// Apply is one Lua script, and so is taking due entries of one scope: the server
// carries out each whole, and nothing in between. All keys of a scope share a
// hash tag, so that they are on one node of a cluster. Nothing is atomic across
// scopes. A change carries a token, by which the server knows it when it is sent
// again because its answer was lost; so no change is carried out twice, and its
// outcome is Uncertain only when the server could not be asked for 5 seconds.
// After a failover the new master has the change with its token, or neither.
//
// # Keys
//
// keys.go builds every key. Each starts with the prefix of the address, which
// is "muster:" unless it says otherwise. In the scope "log4j":
//
//	muster:{log4j}n           string: the last number of a due entry; every scope has it
//	muster:{log4j}r:KIND      sorted set, all scores 0: the records of a kind, each
//	                          its ID, then its version, a line feed, its value
//	muster:{log4j}i:NAME      sorted set, all scores 0: the rows of an index, key and ID
//	muster:{log4j}c           hash: counters
//	muster:{log4j}a           list: audit records; the first has the sequence 1
//	muster:{log4j}d           hash: due entries by ID, packed as due.lua says
//	muster:{log4j}0, …1       sorted sets by time: what can be claimed, per lane
//	muster:{log4j}s           sorted set, all scores 0: serial and number of a place in it
//	muster:{log4j}l           sorted set by the end of the lease: what is leased
//	muster:{log4j}t:PROCESS   hash: the tokens of a process's last changes; kept for a day
//
// and beside the scopes:
//
//	muster:{/}scopes          set: the register of the scopes
//	muster:{/}nudge           channel: due entries of a scope were changed
//	muster:{/}limit:r:NAME    string: from when the bucket of a rate is full, in microseconds
//	muster:{/}limit:h:NAME    string: until when a rate is held
//	muster:{/}limit:p:NAME    string: the first moment that no refused call was promised
//
// A member of a sorted set holds both a record and its place in the list of its
// kind: that is the least memory for both, and one key a kind keeps the number
// of keys small.
//
// # Work
//
// A claimer keeps a board of what each scope is known to have, and looks where
// something new is to be expected: at a nudge, when the next entry falls due,
// when a lease runs out, and every few seconds anyhow. The scopes alone are the
// truth; a scope is registered before anything is written to it, and scopes that
// the register lost are found again. Leases run by the server's clock.
package redis

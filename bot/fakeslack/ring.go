package fakeslack

// ring keeps the newest entries of a log and forgets the rest.
type ring[T any] struct {
	entries []T
	start   int   // of the oldest entry in entries
	first   int64 // sequence number of the oldest entry
	limit   int
}

func newRing[T any](limit int) ring[T] { return ring[T]{limit: limit, first: 1} }

// next is the sequence number that the next entry will get.
func (r *ring[T]) next() int64 { return r.first + int64(len(r.entries)) }

func (r *ring[T]) add(v T) {
	if len(r.entries) < r.limit {
		r.entries = append(r.entries, v)
		return
	}
	r.entries[r.start] = v
	r.start = (r.start + 1) % r.limit
	r.first++
}

// at returns the entry with that sequence number, nil when it is forgotten.
func (r *ring[T]) at(seq int64) *T {
	if seq < r.first || seq >= r.next() {
		return nil
	}
	return &r.entries[(r.start+int(seq-r.first))%len(r.entries)]
}

// since copies the entries from sequence number seq on, oldest first.
func (r *ring[T]) since(seq int64) []T {
	seq = max(seq, r.first)
	out := make([]T, 0, max(0, r.next()-seq))
	for ; seq < r.next(); seq++ {
		out = append(out, *r.at(seq))
	}
	return out
}

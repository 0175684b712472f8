// Package bolt is the embedded campaign.Store: one file, one process, durable
// on every commit, no server. Everything, leases included, is in the file; what
// a process holds in memory is only the queue of writers (see writer) and who
// waits for work.
package bolt

import (
	"sync"
	"time"

	"go.etcd.io/bbolt"

	"github.com/musterbot/muster/campaign"
)

var _ campaign.Store = (*Store)(nil)

// Options adjust a Store. The zero value is what serve uses.
type Options struct {
	// LockTimeout is how long Open waits for another process that has the
	// file open. Default: 1 second.
	LockTimeout time.Duration
}

func (o Options) withDefaults() Options {
	if o.LockTimeout <= 0 {
		o.LockTimeout = time.Second
	}
	return o
}

// Store is a campaign.Store in one file. Make it with Open.
type Store struct {
	db     *bbolt.DB
	opened time.Time // leases are measured from here, on the monotonic clock
	writer *writer

	rotation campaign.Scope // whose bulk entry was claimed last; the writer's alone

	mu    sync.Mutex
	ready chan struct{} // closed and forgotten by wake; nil while nobody waits
}

// Open opens the store in the file at path, and makes that with mode 0600 when
// it is not there. Leases that were held when the store was last used have run
// out: their entries are claimed again with Expired set. An error is
// Unavailable when another process has the file, and Invalid when it cannot be
// a store of this version.
func Open(path string, opts Options) (*Store, error) {
	opts = opts.withDefaults()
	db, err := openFile(path, opts)
	if err != nil {
		return nil, err
	}
	s := &Store{db: db, opened: time.Now()}
	if err := db.Update(expireAll); err != nil {
		_ = db.Close()
		return nil, damaged(path, err)
	}
	s.writer = startWriter(db, s.wake)
	return s, nil
}

// Close waits for running calls and releases the file. Later calls fail with
// Unavailable.
func (s *Store) Close() error {
	s.writer.stop()
	s.wake()
	return s.db.Close()
}

// Ready implements campaign.Claimer.
func (s *Store) Ready() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ready == nil {
		s.ready = make(chan struct{})
	}
	return s.ready
}

func (s *Store) wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ready != nil {
		close(s.ready)
		s.ready = nil
	}
}

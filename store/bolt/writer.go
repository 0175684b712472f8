package bolt

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"go.etcd.io/bbolt"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/store"
)

// maxBatch bounds what is committed together, in records and the like.
const maxBatch = 8 * campaign.MaxChangeRecords

// op is a write that waits for its commit. run checks everything before it
// writes anything, so that a refusal costs its neighbours nothing.
type op struct {
	run    func(*txn) error
	weight int
	result chan error
}

// writer commits what is waiting in one transaction, and meanwhile the next
// writes gather: the slower the disk, the larger the batches, without a timer.
type writer struct {
	db   *bbolt.DB
	wake func() // after a commit that changed due entries
	ops  chan op
	quit chan struct{}
	once sync.Once
	done sync.WaitGroup
}

func startWriter(db *bbolt.DB, wake func()) *writer {
	w := &writer{db: db, wake: wake, ops: make(chan op), quit: make(chan struct{})}
	w.done.Go(w.loop)
	return w
}

// stop waits for what was accepted.
func (w *writer) stop() {
	w.once.Do(func() { close(w.quit) })
	w.done.Wait()
}

// do runs a write and waits until it is durable. A context that ends earlier
// keeps a write from being accepted, but does not part with one that was: a
// commit takes milliseconds, and its outcome is worth knowing.
func (w *writer) do(ctx context.Context, weight int, run func(*txn) error) error {
	o := op{run: run, weight: weight, result: make(chan error, 1)}
	select {
	case w.ops <- o:
		return <-o.result
	case <-w.quit:
		return store.Closed()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (w *writer) loop() {
	for {
		select {
		case o := <-w.ops:
			w.commit(w.gather(o))
		case <-w.quit:
			return
		}
	}
}

// gather takes what is waiting behind the first write.
func (w *writer) gather(first op) []op {
	batch, weight := []op{first}, first.weight
	for weight < maxBatch {
		select {
		case o := <-w.ops:
			batch = append(batch, o)
			weight += o.weight
		default:
			return batch
		}
	}
	return batch
}

// commit carries out a batch. A write that fails half-way, which no refusal
// does, spoils its transaction; then each is tried in one of its own.
func (w *writer) commit(batch []op) {
	results, err := w.try(batch)
	if err != nil && len(batch) > 1 && errors.As(err, new(*brokenError)) {
		for _, o := range batch {
			w.commit([]op{o})
		}
		return
	}
	for i, o := range batch {
		if err != nil {
			o.result <- notWritten(err)
		} else {
			o.result <- results[i]
		}
	}
}

// brokenError is a failure before the commit: nothing was written.
type brokenError struct{ err error }

func (e *brokenError) Error() string { return e.err.Error() }
func (e *brokenError) Unwrap() error { return e.err }

func (w *writer) try(batch []op) ([]error, error) {
	tx, err := w.db.Begin(true)
	if err != nil {
		return nil, &brokenError{fmt.Errorf("begin transaction: %w", err)}
	}
	t, results := newTxn(tx), make([]error, len(batch))
	for i, o := range batch {
		before := t.writes
		results[i] = o.run(t)
		if results[i] != nil && t.writes > before {
			_ = tx.Rollback()
			return nil, &brokenError{results[i]}
		}
	}
	if t.writes == 0 {
		_ = tx.Rollback()
		return results, nil
	}
	if err := tx.Commit(); err != nil {
		return nil, fmt.Errorf("commit: %w", err)
	}
	if t.woke {
		w.wake()
	}
	return results, nil
}

// notWritten explains a failed batch. What failed in the commit itself may be
// in the file all the same.
func notWritten(err error) error {
	if broken, ok := errors.AsType[*brokenError](err); ok {
		return fmt.Errorf("write store: %w", broken.err)
	}
	return &campaign.Error{
		Kind:    campaign.Uncertain,
		Err:     err,
		Message: "The store could not be written, and it is not known whether this was kept. Check the free space of its disk, then look before you repeat it.",
	}
}

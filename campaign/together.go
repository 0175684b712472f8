package campaign

import (
	"iter"
	"sync"
)

// handsOn is how many steps of one long write are on their way at a time: while
// one is encoded, the store makes others durable.
const handsOn = 8

// together lets work have each of the parts, handsOn at a time and in no order,
// waits for all that began, and returns the first error. After one nothing further
// begins.
func together[T any](parts iter.Seq[T], work func(T) error) error {
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		first error
	)
	free := make(chan struct{}, handsOn)
	for part := range parts {
		free <- struct{}{}
		mu.Lock()
		failed := first != nil
		mu.Unlock()
		if failed {
			break
		}
		wg.Go(func() {
			defer func() { <-free }()
			if err := work(part); err != nil {
				mu.Lock()
				defer mu.Unlock()
				if first == nil {
					first = err
				}
			}
		})
	}
	wg.Wait()
	return first
}

// countTo yields 0 to n-1.
func countTo(n int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := range n {
			if !yield(i) {
				return
			}
		}
	}
}

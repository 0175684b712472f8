package campaign

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAllPartsAreWorkedAFewAtATime(t *testing.T) {
	var now, most, done atomic.Int64
	err := together(countTo(100), func(int) error {
		most.Store(max(most.Load(), now.Add(1)))
		defer now.Add(-1)
		done.Add(1)
		return nil
	})
	require.NoError(t, err)
	require.EqualValues(t, 100, done.Load())
	require.LessOrEqual(t, most.Load(), int64(handsOn))
}

func TestAfterAnErrorNothingFurtherBegins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var begun atomic.Int64
		err := together(countTo(1000), func(n int) error {
			begun.Add(1)
			if n == 3 {
				return errors.New("the disk is full")
			}
			time.Sleep(time.Millisecond)
			return nil
		})
		require.EqualError(t, err, "the disk is full")
		require.GreaterOrEqual(t, begun.Load(), int64(4))
		require.LessOrEqual(t, begun.Load(), int64(handsOn), "those that had begun")
	})
}

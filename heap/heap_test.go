package heap

import (
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"testing"
)

func TestASmallHeapGrowsToTheFloorAndALargeOneDoubles(t *testing.T) {
	for _, c := range []struct {
		live, floor uint64
		want        int
	}{{8, 64, 700}, {16, 64, 300}, {32, 64, 100}, {40, 64, 100}, {64, 64, 100}, {500, 64, 100}, {0, 64, 100}} {
		if got := percent(c.live, c.floor); got != c.want {
			t.Errorf("%d of %d: %d percent, want %d", c.live, c.floor, got, c.want)
		}
	}
}

func TestTheHeapIsMeasuredAfterEachCollection(t *testing.T) {
	before := debug.SetGCPercent(usual)
	defer debug.SetGCPercent(before)
	again := make(chan struct{}, 1)
	var calls atomic.Int32
	afterEach(func() {
		if calls.Add(1) == 3 {
			again <- struct{}{}
		}
	})
	for range 100 {
		runtime.GC()
		select {
		case <-again:
			return
		default:
			runtime.Gosched()
		}
	}
	<-again
}

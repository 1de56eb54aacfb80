package heap

import (
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"testing"
	"time"
)

func TestASmallHeapGrowsToTheFloorAndALargeOneByItsPart(t *testing.T) {
	for _, c := range []struct {
		live, floor uint64
		grow, want  int
	}{{8, 64, 100, 700}, {16, 64, 20, 300}, {32, 64, 20, 100}, {40, 64, 100, 100}, {60, 64, 20, 20}, {64, 64, 50, 50}, {500, 64, 20, 20}, {0, 64, 100, 100}} {
		if got := percent(c.live, c.floor, c.grow); got != c.want {
			t.Errorf("%d of %d: %d percent, want %d", c.live, c.floor, got, c.want)
		}
	}
}

func TestAHeapThatIsCollectedOftenMayGrowMore(t *testing.T) {
	grow := least
	for _, c := range []struct {
		after time.Duration
		want  int
	}{{time.Second, 20}, {time.Second / 4, 40}, {time.Second / 4, 80}, {time.Second / 4, 100}, {time.Millisecond, 100}, {time.Second, 100}, {time.Minute, 20}} {
		if grow = next(grow, c.after); grow != c.want {
			t.Errorf("after %s: %d percent, want %d", c.after, grow, c.want)
		}
	}
}

func TestTheHeapIsMeasuredAfterEachCollection(t *testing.T) {
	before := debug.SetGCPercent(most)
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

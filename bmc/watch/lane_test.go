package watch

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// sweepIn is how long it takes until all that answer were looked at, with so many that hang
// standing before them; known: they did the last time.
func sweepIn(t *testing.T, hanging int, known bool) (took time.Duration) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		const healthy = 4000
		lanes := newLanes()
		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
		defer cancel()
		var left atomic.Int64
		left.Store(healthy)
		began, every := time.Now(), healthy/max(hanging, 1)
		for i := range healthy {
			if hanging > 0 && i%every == 0 {
				hang := func(ctx context.Context) { <-ctx.Done() }
				if known {
					lanes.crawl(func() { hang(ctx) })
				} else {
					lanes.run(ctx, hang)
				}
			}
			lanes.run(ctx, func(ctx context.Context) {
				time.Sleep(150 * time.Millisecond)
				if ctx.Err() != nil {
					t.Error("a look that answers was ended")
				}
				if left.Add(-1) == 0 {
					took = time.Since(began)
				}
			})
		}
		lanes.looks.Wait()
	})
	return took
}

func TestBMCsThatHangDoNotSlowThoseThatAnswer(t *testing.T) {
	calm := sweepIn(t, 0, false)
	if again := sweepIn(t, 1000, true); again > calm*11/10 {
		t.Errorf("with a fifth that hung before: %s, else %s", again, calm)
	}
	if first := sweepIn(t, 1000, false); first > calm*3 {
		t.Errorf("with a fifth that begins to hang: %s, else %s", first, calm)
	}
}

func TestALookForWhichThereIsNoPlaceIsEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lanes := newLanes()
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		for range slow {
			if !lanes.crawl(func() { <-ctx.Done() }) {
				t.Fatal("no place")
			}
		}
		if lanes.crawl(func() {}) {
			t.Error("one place too many")
		}
		began, ended := time.Now(), make(chan error, 1)
		lanes.run(ctx, func(ctx context.Context) { <-ctx.Done(); ended <- context.Cause(ctx) })
		if err := <-ended; err != errCrowded || time.Since(began) > longest+briefest {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
		cancel()
		lanes.looks.Wait()
	})
}

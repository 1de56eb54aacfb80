package watch

import (
	"context"
	"sync"
	"time"
)

// Bounds of what is looked at in one moment.
const (
	quick    = 192                    // BMCs that answer as usual
	slow     = 1024                   // BMCs that do not: they only wait
	briefest = 250 * time.Millisecond // a look that takes thrice as long as usual is no quick one
	longest  = 10 * time.Second
)

// lanes keep BMCs that hang from holding up those that answer: a look that takes longer
// than a moment gives its quick place away and goes on beside.
type lanes struct {
	quick, slow chan struct{}
	looks       sync.WaitGroup

	mu    sync.Mutex
	usual time.Duration // of quick looks, lately
}

func newLanes() *lanes {
	return &lanes{quick: make(chan struct{}, quick), slow: make(chan struct{}, slow)}
}

// moment is how long a look may be a quick one.
func (l *lanes) moment() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return min(max(3*l.usual, briefest), longest)
}

// took notes how long a quick look took.
func (l *lanes) took(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.usual += (d - l.usual) / 16
}

// crawl looks beside the quick ones, at a BMC that was slow the last time. False: there is
// no place now.
func (l *lanes) crawl(look func()) bool {
	select {
	case l.slow <- struct{}{}:
	default:
		return false
	}
	l.looks.Go(func() {
		defer func() { <-l.slow }()
		look()
	})
	return true
}

// run looks as soon as there is a quick place. A look that would go on in the slow lane
// keeps its place while that is full, and is ended in the end.
func (l *lanes) run(ctx context.Context, look func(context.Context)) {
	select {
	case l.quick <- struct{}{}:
	case <-ctx.Done():
		return
	}
	l.looks.Go(func() {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		var mu sync.Mutex
		var timer *time.Timer
		began, moment, lane, over := time.Now(), l.moment(), l.quick, false
		move := func() {
			mu.Lock()
			defer mu.Unlock()
			if over {
				return
			}
			select {
			case l.slow <- struct{}{}:
				lane = l.slow
				<-l.quick
			default:
				if time.Since(began) >= longest {
					cancel(errCrowded)
					return
				}
				timer.Reset(briefest)
			}
		}
		mu.Lock()
		timer = time.AfterFunc(moment, move)
		mu.Unlock()
		look(ctx)
		mu.Lock()
		defer mu.Unlock()
		over = true
		timer.Stop()
		l.took(min(time.Since(began), moment)) // where most are slow, slow is usual
		<-lane
	})
}

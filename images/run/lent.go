package run

import (
	"context"
	"sync"
	"time"

	"rackwright/fault"
)

// lent is a piece of work that the database lends to this process while it is done: an
// import, or a job.
type lent[T any] struct {
	now   func() time.Time
	moved func(was, is T) bool                  // there is something to write down
	note  func(ctx context.Context, is T) error // writes it down and renews; Conflict: it is ours no more

	mu    sync.Mutex
	next  T    // what is to be written down
	taken bool // the work is not ours any more
}

// change says how far the work is.
func (l *lent[T]) change(f func(next *T)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f(&l.next)
}

func (l *lent[T]) lost() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.taken
}

// run does the work, and writes down meanwhile how far it is, which it returns at the end.
func (l *lent[T]) run(ctx context.Context, begun T, do func(ctx context.Context) error) (T, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	l.next = begun
	var keeper sync.WaitGroup
	done := make(chan struct{})
	keeper.Go(func() { l.keep(ctx, done, cancel) })
	err := do(ctx)
	close(done)
	keeper.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.next, err
}

// keep renews the lease; without it the work ends.
func (l *lent[T]) keep(ctx context.Context, done <-chan struct{}, cancel context.CancelCauseFunc) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var written T
	for at, first := l.now(), true; ; {
		l.mu.Lock()
		is := l.next
		l.mu.Unlock()
		if first || l.moved(written, is) || l.now().Sub(at) > renew {
			err := l.note(ctx, is)
			if fault.Is(err, fault.Conflict) {
				l.mu.Lock()
				l.taken = true
				l.mu.Unlock()
				cancel(err)
				return
			}
			if err == nil {
				written, at, first = is, l.now(), false
			}
		}
		select {
		case <-done:
			return
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

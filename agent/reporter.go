package agent

import (
	"context"
	"errors"
	"sync"
	"time"

	"rackwright/agent/wire"
)

// eventPause keeps reports to four a second.
const eventPause = 250 * time.Millisecond

// reporter sends events in their order, one at a time. Progress that has not been sent
// when newer progress arrives is replaced by it.
type reporter struct {
	send  func(context.Context, wire.Event) error
	pause func(context.Context, time.Duration) error
	mu    sync.Mutex
	queue []item
	wake  chan struct{}
}

// item is an event to send, or a place in the queue that somebody waits for.
type item struct {
	event wire.Event
	done  chan struct{}
}

func newReporter(send func(context.Context, wire.Event) error, pause func(context.Context, time.Duration) error) *reporter {
	return &reporter{send: send, pause: pause, wake: make(chan struct{}, 1)}
}

// post queues an event.
func (r *reporter) post(e wire.Event) { r.put(item{event: e}) }

// flush returns when all that was posted before has been sent, or ctx is done.
func (r *reporter) flush(ctx context.Context) {
	done := make(chan struct{})
	r.put(item{done: done})
	select {
	case <-done:
	case <-ctx.Done():
	}
}

func (r *reporter) put(i item) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(r.queue); n > 0 && i.supersedes(r.queue[n-1]) {
		r.queue[n-1] = i
		return
	}
	r.queue = append(r.queue, i)
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

func (i item) supersedes(old item) bool {
	replaces := i.event.Stage.Counts() || i.event.Stage.Ends() // an outcome is said again and again
	return replaces && i.done == nil && old.done == nil && i.event.Stage == old.event.Stage && i.event.Order == old.event.Order
}

func (r *reporter) take() (item, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.queue) == 0 {
		return item{}, false
	}
	i := r.queue[0]
	r.queue = r.queue[1:]
	return i, true
}

// Run sends until ctx is done, or the session is lost: the only error. Events the server
// will not have are dropped: what it needs to know it learns from the outcome, which is
// repeated when it repeats the order.
func (r *reporter) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		i, some := r.take()
		switch {
		case !some:
			select {
			case <-r.wake:
			case <-ctx.Done():
			}
		case i.done != nil:
			close(i.done)
		default:
			if err := r.send(ctx, i.event); errors.Is(err, errSession) {
				return err
			}
			if r.pause(ctx, eventPause) != nil {
				return nil
			}
		}
	}
	return nil
}

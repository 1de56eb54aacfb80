package broker

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"
)

// leavers is how many sessions are closed at a time when the server stops.
const leavers = 512

// farewell is how long a BMC is asked to end a session that did not answer the last time.
const farewell = 2 * time.Second

// stop sends away who waits, lets calls in flight end for a while, and closes every
// session.
func (b *Broker) stop(ctx context.Context) {
	b.mu.Lock()
	b.stopping = true
	b.mu.Unlock()
	within, cancel := context.WithTimeout(ctx, drain)
	defer cancel()
	var g errgroup.Group
	g.SetLimit(leavers)
	var ids []string
	for _, l := range b.all() {
		l.dismiss()
		ids = append(ids, l.machine)
	}
	for _, l := range b.all() {
		g.Go(func() error { l.part(within); return nil })
	}
	g.Wait()
	if len(ids) > 0 {
		b.release(ctx, ids...)
	}
}

// part ends all there is with a BMC.
func (l *line) part(ctx context.Context) {
	t := &turn{kind: alone, urgency: ourselves}
	if l.take(ctx, t) != nil {
		l.breakOff(ctx)
		moment, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if l.take(moment, t) != nil {
			return
		}
	}
	l.mu.Lock()
	limit := parting
	if l.pause.err != nil { // it did not answer the last time
		limit = farewell
	}
	l.mu.Unlock()
	l.hangUp(ctx, limit)
	l.mu.Lock()
	l.lapse()
	l.mu.Unlock()
	l.give(t)
}

// breakOff ends calls that are still in flight.
func (l *line) breakOff(ctx context.Context) {
	l.mu.Lock()
	l.lapse()
	s := l.solo
	l.mu.Unlock()
	if s != nil {
		s.close(ctx)
	}
}

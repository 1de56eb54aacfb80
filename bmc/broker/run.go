package broker

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// String names the task.
func (b *Broker) String() string { return "BMC broker" }

// Run renews leases, lets go of BMCs that another process wants, closes sessions that
// nobody uses, and when ctx ends all of them.
func (b *Broker) Run(ctx context.Context) error {
	changed, stop := b.o.Store.HoldsChanged()
	defer stop()
	var yields sync.WaitGroup
	var closing errgroup.Group
	closing.SetLimit(closers)
	tick := time.NewTicker(min(b.o.Lease/3, max(b.o.Idle/4, time.Millisecond)))
	defer tick.Stop()
	renewed := b.o.Now()
	for {
		select {
		case <-ctx.Done():
			b.stop(context.WithoutCancel(ctx))
			yields.Wait()
			return closing.Wait()
		case <-changed:
			b.wanted(ctx, &yields)
		case <-tick.C:
			if now := b.o.Now(); now.Sub(renewed) >= b.o.Lease/3 {
				renewed = now
				b.renew(ctx, &yields)
			}
			b.tidy(ctx, &closing)
		}
	}
}

// wanted lets go of what others wait for.
func (b *Broker) wanted(ctx context.Context, yields *sync.WaitGroup) {
	asked, cancel := context.WithTimeout(ctx, asking)
	defer cancel()
	ids, err := b.o.Store.WantedBMCs(asked, b.o.Owner)
	if err != nil {
		b.o.Log.Debug("which BMCs others want is not known", "error", err) // the next renewal says
		return
	}
	b.yield(ctx, ids, yields)
}

func (b *Broker) yield(ctx context.Context, ids []string, yields *sync.WaitGroup) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, id := range ids {
		if l := b.lines[id]; l != nil && l.leaves() {
			yields.Go(func() { l.yield(ctx) })
		}
	}
}

// renew keeps the leases.
func (b *Broker) renew(ctx context.Context, yields *sync.WaitGroup) {
	held := map[string]*tenure{}
	var ids []string
	for _, l := range b.all() {
		if t := l.tenured(); t != nil {
			held[l.machine] = t
			ids = append(ids, l.machine)
		}
	}
	if len(ids) == 0 {
		return
	}
	within, cancel := context.WithTimeout(ctx, asking)
	defer cancel()
	asked := b.o.Now()
	wanted, lost, err := b.o.Store.RenewBMCs(within, b.o.Owner, ids, b.o.Lease)
	if err != nil {
		b.o.Log.Warn("the holds of BMCs were not renewed; they end soon", "bmcs", len(ids), "error", err)
		return
	}
	for _, id := range lost {
		b.with(id, func(l *line) {
			if l.lease == held[id] {
				l.lapse()
			}
		})
		delete(held, id)
	}
	for id, t := range held {
		b.with(id, func(l *line) {
			if l.lease == t && t.holds(b.o.Now()) {
				l.extend(asked, b.o.Lease)
			}
		})
	}
	b.yield(ctx, wanted, yields)
}

// with runs f with a line's lock held, if there is that line.
func (b *Broker) with(id string, f func(*line)) {
	b.mu.Lock()
	l := b.lines[id]
	b.mu.Unlock()
	if l != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		f(l)
	}
}

// tenured is the lease that is to be renewed; nil: none, or one that lasts.
func (l *line) tenured() *tenure {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lease == nil || l.lease.timer == nil {
		return nil
	}
	return l.lease
}

// tidy closes sessions that nobody uses and forgets BMCs that nobody asked for.
func (b *Broker) tidy(ctx context.Context, closing *errgroup.Group) {
	now := b.o.Now()
	for _, l := range b.all() {
		if l.rests(now) && l.leaves() && !closing.TryGo(func() error { l.yield(ctx); return nil }) {
			l.stays() // its time comes at the next tick
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for id, l := range b.lines {
		if l.shares == 0 && l.forgettable(now) {
			delete(b.lines, id)
		}
	}
}

// rests reports whether nobody used the session for long.
func (l *line) rests(now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for key, c := range l.cache {
		if now.Sub(c.at) >= fresh {
			delete(l.cache, key)
		}
	}
	return (l.session != nil || l.lease != nil) && l.order.quiet() && len(l.order.waiting) == 0 && l.streams == 0 && now.Sub(l.used) >= l.b.o.Idle
}

// remember is how long troubles of a BMC that nobody asks for are kept in mind.
const remember = time.Hour

// forgettable reports whether nothing is lost with the line.
func (l *line) forgettable(now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.session != nil || l.lease != nil || l.leaving || !l.order.quiet() || len(l.order.waiting) > 0 {
		return false
	}
	troubled := l.pause.err != nil || l.refusal != nil || len(l.others) > 0
	return !troubled && now.Sub(l.used) >= l.b.o.Idle || now.Sub(l.used) >= remember
}

// leaves marks that the session is being closed, and reports whether it was not before.
func (l *line) leaves() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	was := l.leaving
	l.leaving = true
	return !was
}

func (l *line) stays() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.leaving = false
}

// yield waits until nobody is at the BMC, closes the session and gives up the lease.
func (l *line) yield(ctx context.Context) {
	defer l.stays()
	t := &turn{kind: alone, urgency: ourselves}
	if l.take(ctx, t) != nil {
		return
	}
	defer l.give(t)
	l.hangUp(ctx, parting)
	l.mu.Lock()
	l.lapse()
	l.mu.Unlock()
	l.b.release(ctx, l.machine)
}

func (b *Broker) release(ctx context.Context, ids ...string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), asking)
	defer cancel()
	if err := b.o.Store.ReleaseBMCs(ctx, b.o.Owner, ids); err != nil {
		b.o.Log.Warn("holds of BMCs were not given up; they end by themselves", "bmcs", len(ids), "error", err)
	}
}

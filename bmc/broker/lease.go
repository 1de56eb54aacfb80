package broker

import (
	"context"
	"errors"
	"time"

	"rackwright/bmc"
	"rackwright/fault"
)

// tenure is our lease of a BMC. When it ends unrenewed, what is in flight ends too:
// another process may be at the BMC.
type tenure struct {
	until time.Time
	ctx   context.Context
	end   context.CancelCauseFunc
	timer *time.Timer // nil: it lasts as long as the process
}

var errTenure = errors.New("the lease of the BMC ended")

// margin is the part of a lease that we do not use: clocks differ, and so does the time
// that words take.
const margin = 6

func (t *tenure) holds(now time.Time) bool {
	return t != nil && t.ctx.Err() == nil && now.Before(t.until)
}

// IsElsewhere reports whether err says that another process talks to the BMC; who is in no
// hurry leaves it to that.
func IsElsewhere(err error) bool { return errors.Is(err, errElsewhere) }

var errElsewhere = errors.New("another process talks to this BMC")

// hold takes the lease or renews it. Sweeps leave the BMC to whoever has it; all else
// says that it is wanted, and waits.
func (l *line) hold(ctx context.Context) (bmc.Hold, error) {
	h, err := l.reach(ctx)
	if err != nil || h.Mine {
		return h, err
	}
	changed, stop := l.b.o.Store.HoldsChanged()
	defer stop()
	tick := time.NewTicker(again)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return h, fault.Conflictf("server process %s talks to the BMC and has not let go of it: %w", h.Owner, ctx.Err()).
				WithHint("try again; when that process died its hold ends within %s", l.b.o.Lease)
		case <-changed:
		case <-tick.C:
		}
		if h, err = l.reach(ctx); err != nil || h.Mine {
			return h, err
		}
	}
}

// reach tries once.
func (l *line) reach(ctx context.Context) (bmc.Hold, error) {
	hurry := bmc.UrgencyOf(ctx) > bmc.Routine
	asked := l.b.o.Now()
	h, err := l.b.o.Store.HoldBMC(ctx, l.machine, l.b.o.Owner, l.b.o.Lease, hurry)
	if err != nil {
		if fault.Is(err, fault.Unreachable) {
			err = fault.Unreachablef("the database does not say whose turn it is at the BMC: %w", err).
				WithHint("see that the database answers: GET /api/v1/health says it")
		}
		return h, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.elsewhere = ""
	if h.Mine {
		l.extend(asked, h.Until.Sub(asked))
		return h, nil
	}
	l.elsewhere = h.Owner
	l.lapse()
	if !hurry {
		return h, fault.Conflictf("%w: %s", errElsewhere, h.Owner).WithHint("it keeps the power state true meanwhile")
	}
	return h, nil
}

// extend is told that the lease lasts ttl from a time on; mu is held.
func (l *line) extend(asked time.Time, ttl time.Duration) {
	until := asked.Add(ttl - ttl/margin)
	t := l.lease
	if !t.holds(l.b.o.Now()) {
		t = &tenure{}
		t.ctx, t.end = context.WithCancelCause(context.Background())
		l.lease = t
	}
	t.until = until
	left := until.Sub(l.b.o.Now())
	switch {
	case left > time.Hour: // nobody to lose it to
	case t.timer == nil:
		t.timer = time.AfterFunc(left, func() { t.end(errTenure) })
	default:
		t.timer.Reset(left)
	}
}

// lapse ends the lease in our books; mu is held.
func (l *line) lapse() {
	t := l.lease
	if t == nil {
		return
	}
	l.lease = nil
	if t.timer != nil {
		t.timer.Stop()
	}
	t.end(errTenure)
	if l.session != nil {
		l.session.doubtful = true
	}
}

// within is ctx that ends with the lease as well.
func (l *line) within(ctx context.Context) (context.Context, func()) {
	l.mu.Lock()
	t := l.lease
	l.mu.Unlock()
	ctx, cancel := context.WithCancelCause(ctx)
	if t == nil {
		cancel(errTenure)
		return ctx, func() {}
	}
	stop := context.AfterFunc(t.ctx, func() { cancel(errTenure) })
	return ctx, func() { stop(); cancel(nil) }
}

// whose gives an error of a call its words when it was the lease that ended.
func (l *line) whose(ctx context.Context, err error) error {
	if err == nil || !errors.Is(context.Cause(ctx), errTenure) {
		return err
	}
	return fault.Unreachablef("what was asked of the BMC was broken off: %w", errTenure).
		WithHint("see that the database answers and look what the machine did; then try again")
}

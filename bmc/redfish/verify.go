package redfish

import (
	"context"
	"errors"
	"time"

	"rackwright/fault"
)

// errNotYet is a condition that did not come true in time.
var errNotYet = errors.New("not yet")

// agreeing is how many reads in a row must agree: some BMCs report the state that was
// asked for at once and fall back to the real one at the next read.
const agreeing = 2

// change is something that was sent to the BMC and whose effect is looked for.
type change struct {
	doing   string        // what was asked, as "set the boot order"
	wrote   error         // how sending it went
	task    string        // the BMC's task for it; empty: none
	limit   time.Duration // 0: Timing.Boot
	once    bool          // one look that finds it is enough
	queued  bool          // that its task waits for the machine's reset is enough
	look    func(context.Context) (bool, error)
	ignored func() *fault.Error // what to tell when it was accepted and has no effect; nil: it will do
}

// verify waits for a change's effect. One that was refused has none to look for; one whose
// outcome is not clear (timeout, 5xx) is judged by its effect alone and never sent again.
// That it was accepted and ignored is errNotYet beside the fault.
func (c *Controller) verify(ctx context.Context, ch change) error {
	if decided(ch.wrote) {
		return c.explain(ch.doing, ch.wrote)
	}
	looks, limit := agreeing, ch.limit
	if ch.once {
		looks = 1
	}
	if limit == 0 {
		limit = c.timing.Boot
	}
	_, err := await(ctx, c, limit, looks, func(ctx context.Context) (struct{}, bool, error) {
		there, err := ch.look(ctx)
		switch {
		case err != nil || there:
			return struct{}{}, there && err == nil, err
		case ch.queued && c.staged(ctx, ch.task):
			return struct{}{}, true, nil
		}
		return struct{}{}, false, c.failed(ctx, ch.task)
	})
	switch {
	case err == nil:
		return nil
	case ch.wrote != nil:
		return c.explain(ch.doing, ch.wrote)
	case errors.Is(err, errNotYet):
		f := ch.ignored()
		if f == nil {
			return nil
		}
		f.Err = errNotYet
		return f
	}
	return c.explain("show whether it did "+ch.doing, err)
}

// inPlaces makes a change at the first of several resources that takes it. One that says
// "not here", or accepts it and shows no effect, is left for the next: writing the same
// wish there is no repetition of what may have happened, because it did not. Where one took
// it without effect and the next has no such thing, the first is what is wrong.
func (c *Controller) inPlaces(ctx context.Context, places []string, write func(at string) change) error {
	var ignored error
	for i, at := range places {
		last := i == len(places)-1
		ch := write(at)
		notHere := ch.wrote != nil && elsewhere(ch.wrote)
		if notHere && !last {
			continue
		}
		if notHere && ignored != nil {
			return ignored
		}
		err := c.verify(ctx, ch)
		if last || !errors.Is(err, errNotYet) {
			return err
		}
		ignored = err
		c.log.Info("bmc ignored a change, trying the next place", "change", ch.doing, "at", at)
	}
	return nil
}

// until reads the system with growing pauses until want holds in two reads in a row, and
// returns the last system read.
func (c *Controller) until(ctx context.Context, limit time.Duration, want func(*system) bool) (*system, error) {
	return await(ctx, c, limit, agreeing, func(ctx context.Context) (*system, bool, error) {
		sys, err := c.read(ctx)
		return sys, err == nil && want(sys), err
	})
}

// await looks with growing pauses until so many looks in a row find what is wanted, and
// returns what was seen last. After limit it is errNotYet, or the last look's error when the
// BMC stopped answering. Only a fault of ours (Denied, a failed task) ends it early: BMCs
// stall while power changes.
func await[T any](ctx context.Context, c *Controller, limit time.Duration, looks int, look func(context.Context) (T, bool, error)) (T, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errNotYet)
	defer cancel()
	var last T
	var lastErr error
	wait := c.timing.PollMin
	for held := 0; ; {
		seen, ok, err := look(ctx)
		switch {
		case err == nil:
			last, lastErr = seen, nil
		case !over(ctx):
			lastErr = err
		}
		if isFault(err) {
			return last, err
		}
		if held++; !ok {
			held = 0
		}
		if held >= looks {
			return last, nil
		}
		next := c.timing.PollMin
		if held == 0 {
			wait = min(wait+wait/2, c.timing.PollMax)
			next = wait
		}
		if err := c.pause(ctx, jitter(next)); err != nil {
			return last, late(ctx, lastErr)
		}
	}
}

// over reports whether the time is up, also in the moment in which a connection has noticed
// and the context has not.
func over(ctx context.Context) bool {
	deadline, bounded := ctx.Deadline()
	return ctx.Err() != nil || bounded && !time.Now().Before(deadline)
}

// late is why looking ended: the caller gave up, the BMC is silent, or it is not yet so.
func late(ctx context.Context, lastErr error) error {
	switch cause := context.Cause(ctx); {
	case !errors.Is(cause, errNotYet):
		return cause
	case lastErr != nil:
		return lastErr
	}
	return errNotYet
}

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

// until reads the system with growing pauses until want holds in two reads in a row, and
// returns the last system read. After limit it is errNotYet, or the last read's error
// when the BMC stopped answering. Only a fault of ours (Denied, a failed task) ends it
// early: BMCs stall while power changes.
func (c *Controller) until(ctx context.Context, limit time.Duration, want func(*system) bool) (*system, error) {
	return c.poll(ctx, limit, func(ctx context.Context) (*system, bool, error) {
		sys, err := c.read(ctx)
		return sys, err == nil && want(sys), err
	})
}

// look reads once and says whether that is what was wanted.
type look func(context.Context) (*system, bool, error)

// poll is until with any look at a system.
func (c *Controller) poll(ctx context.Context, limit time.Duration, look look) (*system, error) {
	return await(ctx, c, limit, look)
}

// await is until with any look at anything.
func await[T any](ctx context.Context, c *Controller, limit time.Duration, look func(context.Context) (T, bool, error)) (T, error) {
	return awaitHeld(ctx, c, limit, agreeing, look)
}

// awaitHeld is await for something that must hold in so many looks in a row.
func awaitHeld[T any](ctx context.Context, c *Controller, limit time.Duration, looks int, look func(context.Context) (T, bool, error)) (T, error) {
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
		case ctx.Err() == nil:
			lastErr = err
		}
		if _, final := errors.AsType[*fault.Error](err); final {
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
			return last, c.late(ctx, lastErr)
		}
	}
}

// late is why polling ended: the caller gave up, the BMC is silent, or it is not yet so.
func (c *Controller) late(ctx context.Context, lastErr error) error {
	switch cause := context.Cause(ctx); {
	case !errors.Is(cause, errNotYet):
		return cause
	case lastErr != nil:
		return lastErr
	}
	return errNotYet
}

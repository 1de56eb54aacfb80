package redfish

import (
	"context"
	"time"

	"github.com/stmcginnis/gofish/schemas"

	"rackwright/fault"
	"rackwright/inventory"
)

// Cycle takes the power away and gives it back; a machine that is off is powered on.
//
// A power state of "on" before and after proves nothing, and BMCs do lose a PowerCycle.
// So a cycle in one go is used only where the BMC shows its effect (see trace); when no
// effect shows, or nothing could, the power is taken away and given back, each read back.
// That second way is safe after the first: had the machine restarted and used its
// one-time boot override up, the trace would have shown it. A BMC that can neither cycle
// nor force off resets; one that offers neither trace nor ForceOff is believed, with a
// warning in the log.
func (c *Controller) Cycle(ctx context.Context) error {
	done, err := c.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	sys, offered, err := c.resettable(ctx)
	if err != nil {
		return err
	}
	if powerOf(sys) == inventory.PowerOff {
		return c.powerOn(ctx)
	}
	canForce := pick(offered, schemas.ForceOffResetType) != "" && pick(offered, schemas.OnResetType, schemas.ForceOnResetType) != ""
	cycle := pick(offered, schemas.PowerCycleResetType)
	if cycle == "" && !canForce { // FullPowerCycle takes the BMC down as well (DSP0268, Resource.ResetType)
		cycle = pick(offered, schemas.FullPowerCycleResetType, schemas.ForceRestartResetType)
	}
	if cycle != "" && (traceOf(sys).visible() || !canForce) {
		done, err := c.restart(ctx, sys, cycle, canForce)
		if done || err != nil {
			return err
		}
	}
	if err := c.forceOff(ctx); err != nil {
		return err
	}
	return c.powerOn(ctx)
}

// Reset restarts a machine that is on: ForceRestart, else GracefulRestart. It shows in the
// trace where the BMC has one, and is believed with a warning in the log where it has none.
func (c *Controller) Reset(ctx context.Context) error {
	done, err := c.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	sys, offered, err := c.resettable(ctx)
	if err != nil {
		return err
	}
	if powerOf(sys) == inventory.PowerOff {
		return fault.Conflictf("the machine of BMC %s is off: there is nothing to restart", c.access.Address).
			WithHint("power it on")
	}
	kind := pick(offered, schemas.ForceRestartResetType, schemas.GracefulRestartResetType)
	if kind == "" {
		return fault.Invalidf("BMC %s cannot restart the machine without taking the power away, only %.200v", c.access.Address, offered).
			WithHint("cycle its power, or update the BMC's firmware")
	}
	_, err = c.restart(ctx, sys, kind, false)
	return err
}

// resettable reads the system, when it is not between two states any more, and the resets
// that it offers.
func (c *Controller) resettable(ctx context.Context) (*system, []schemas.ResetType, error) {
	sys, err := c.settled(ctx, c.timing.Settle)
	if err != nil {
		return nil, nil, c.explain("read the power state", err)
	}
	offered, err := c.resetTypes(ctx, sys.ID, sys.Actions.Reset)
	if err != nil {
		return nil, nil, c.explain("read the reset types", err)
	}
	return sys, offered, nil
}

// restart sends one reset and waits for its trace. Not done without an error means that
// none was seen and that taking the power away is the next thing to try.
func (c *Controller) restart(ctx context.Context, before *system, kind schemas.ResetType, canForce bool) (done bool, err error) {
	var task string
	refused := c.whileNotNow(ctx, func() (again bool, err error) {
		task, err = c.reset(ctx, before, kind)
		return true, err
	})
	if refused != nil && fault.Is(c.explain("restart", refused), fault.Denied) {
		return false, c.explain("restart", refused)
	}
	limit := c.traceLimit(before, kind)
	if refused == nil || !neverDone(refused) {
		err := c.traced(ctx, before, task, limit)
		if err == nil {
			return true, c.risen(ctx, kind)
		}
		if fault.Is(err, fault.Denied) || ctx.Err() != nil {
			return false, c.explain("restart", err)
		}
		if isFault(err) && !canForce {
			return false, err
		}
	}
	switch {
	case canForce:
		c.log.Info("bmc restart left no trace, taking the power away", "type", kind, "err", refused)
		return false, nil
	case refused != nil:
		return false, c.explain("restart", refused)
	case traceOf(before).visible():
		return false, fault.Conflictf("BMC %s accepted %s, but nothing shows that the machine restarted within %s", c.access.Address, kind, limit).
			WithHint("look at the machine and at the BMC's event log; switch it off and on by hand if it hangs")
	}
	c.log.Warn("bmc accepted a restart and cannot show it", "type", kind)
	return true, c.confirm(ctx, kind, task, c.timing.Settle, inventory.PowerOn)
}

// traceLimit is how long a restart may take to show: an operating system takes its time to
// shut down, and a full power cycle restarts the BMC. Where nothing but a change of the power
// state in passing could show, a few looks are all.
func (c *Controller) traceLimit(before *system, kind schemas.ResetType) time.Duration {
	switch {
	case kind == schemas.FullPowerCycleResetType:
		return c.timing.Restart
	case !traceOf(before).visible():
		return min(c.timing.Proof, 5*c.timing.PollMax)
	case kind == schemas.GracefulRestartResetType:
		return c.timing.Settle
	}
	return c.timing.Proof
}

// risen waits until a machine that was restarted is on. One that stays off after a power
// cycle is powered on.
func (c *Controller) risen(ctx context.Context, kind schemas.ResetType) error {
	err := c.confirm(ctx, kind, "", c.timing.Settle, inventory.PowerOn)
	if !fault.Is(err, fault.Conflict) || ctx.Err() != nil {
		return err
	}
	sys, readErr := c.read(ctx)
	if readErr != nil || powerOf(sys) != inventory.PowerOff {
		return err
	}
	c.log.Info("bmc left the machine off after a restart, powering on", "type", kind)
	return c.powerOn(ctx)
}

// traced reads until the machine shows that it restarted. One read is enough: a trace
// does not lie for a while.
func (c *Controller) traced(ctx context.Context, before *system, task string, limit time.Duration) error {
	was := traceOf(before)
	_, err := await(ctx, c, limit, 1, func(ctx context.Context) (*system, bool, error) {
		sys, err := c.read(ctx)
		if err == nil && traceOf(sys).after(was) {
			return sys, true, nil
		}
		if err == nil {
			err = c.failed(ctx, task)
		}
		return sys, false, err
	})
	return err
}

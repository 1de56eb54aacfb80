package ipmi

import (
	"context"
	"errors"
	"time"

	library "github.com/bougou/go-ipmi"

	"rackwright/fault"
	"rackwright/inventory"
)

// agreeing is how many reads in a row must agree.
const agreeing = 2

var errNotYet = errors.New("not yet")

// Power reads the chassis status (IPMI 2.0, 28.2).
func (c *Controller) Power(ctx context.Context) (inventory.Power, error) {
	state := inventory.PowerUnknown
	err := c.read(ctx, "read the power state", func(ctx context.Context, cl *library.Client) error {
		status, err := cl.GetChassisStatus(ctx)
		if err != nil {
			return err
		}
		state = inventory.PowerOff
		if status.PowerIsOn {
			state = inventory.PowerOn
		}
		return nil
	})
	return state, err
}

// control sends one chassis control (28.3), once.
func (c *Controller) control(ctx context.Context, doing string, what library.ChassisControl) error {
	return c.write(ctx, doing, func(ctx context.Context, cl *library.Client) error {
		_, err := cl.ChassisControl(ctx, what)
		return err
	})
}

// On powers up.
func (c *Controller) On(ctx context.Context) error {
	return c.drive(ctx, inventory.PowerOn, c.timing.Settle, "power on", library.ChassisControlPowerUp)
}

// Off asks the system to shut down by ACPI when there is grace, and takes the power away
// when that has passed.
func (c *Controller) Off(ctx context.Context, grace time.Duration) error {
	if grace > 0 {
		err := c.drive(ctx, inventory.PowerOff, grace, "shut down", library.ChassisControlSoftShutdown)
		if err == nil || ctx.Err() != nil || fault.Is(err, fault.Denied) {
			return err
		}
		c.log.Info("graceful shutdown did not happen, forcing", "bmc", c.host, "err", err)
	}
	return c.drive(ctx, inventory.PowerOff, c.timing.Settle, "power off", library.ChassisControlPowerDown)
}

// Cycle takes the power away and gives it back in two steps, each read back: the chassis
// control of that name cannot be told from nothing.
func (c *Controller) Cycle(ctx context.Context) error {
	if err := c.Off(ctx, 0); err != nil {
		return err
	}
	return c.On(ctx)
}

// Reset restarts a machine that is on. Whether it did cannot be read back over IPMI.
func (c *Controller) Reset(ctx context.Context) error {
	state, err := c.Power(ctx)
	if err != nil {
		return err
	}
	if state != inventory.PowerOn {
		return fault.Conflictf("the machine at BMC %s is off, so it cannot be reset", c.access.Address).WithHint("power it on")
	}
	return c.control(ctx, "reset the machine", library.ChassisControlHardReset)
}

// ResetBMC restarts the BMC (20.2) and waits until it answers again.
func (c *Controller) ResetBMC(ctx context.Context) error {
	err := c.write(ctx, "restart itself", func(ctx context.Context, cl *library.Client) error { return cl.ColdReset(ctx) })
	if err != nil && !fault.Is(err, fault.Unreachable) { // many go without an answer
		return err
	}
	return c.poll(ctx, c.timing.Restart, func(ctx context.Context) (bool, error) {
		err := c.read(ctx, "answer", func(ctx context.Context, cl *library.Client) error {
			_, err := cl.GetDeviceID(ctx)
			return err
		})
		return err == nil, err
	})
}

// drive brings the machine to a power state: look, act if needed, read back until it is
// so. An act with an unclear outcome is not repeated; its effect is waited for.
func (c *Controller) drive(ctx context.Context, want inventory.Power, limit time.Duration, doing string, what library.ChassisControl) error {
	state, err := c.Power(ctx)
	if err != nil || state == want {
		return err
	}
	acted := c.control(ctx, doing, what)
	if acted != nil && !fault.Is(acted, fault.Unreachable) {
		return acted
	}
	err = c.poll(ctx, limit, func(ctx context.Context) (bool, error) {
		state, err := c.Power(ctx)
		return err == nil && state == want, err
	})
	switch {
	case !errors.Is(err, errNotYet):
		return err
	case acted != nil:
		return acted
	}
	return fault.Conflictf("BMC %s accepted to %s, but the machine is not %s after %s", c.access.Address, doing, want, limit).
		WithHint("look at the machine and the BMC's event log")
}

// poll looks until it is so twice in a row, or limit has passed: then it is errNotYet, or
// the last look's error. A denial ends it.
func (c *Controller) poll(ctx context.Context, limit time.Duration, look func(context.Context) (bool, error)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errNotYet)
	defer cancel()
	tick := time.NewTicker(c.timing.Poll)
	defer tick.Stop()
	var last error
	for held := 0; ; {
		so, err := look(ctx)
		if fault.Is(err, fault.Denied) {
			return err
		}
		if ctx.Err() == nil {
			last = err
		}
		if held++; !so {
			held = 0
		}
		if held >= agreeing {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			if cause := context.Cause(ctx); !errors.Is(cause, errNotYet) {
				return c.explain("wait", cause)
			}
			if last != nil {
				return last
			}
			return errNotYet
		}
	}
}

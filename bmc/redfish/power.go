package redfish

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/stmcginnis/gofish/schemas"

	"rackwright/fault"
	"rackwright/inventory"
)

// Power reads the power state. A machine between two states (PoweringOn, PoweringOff,
// HPE's Reset) is unknown: ask again.
func (c *Controller) Power(ctx context.Context) (inventory.Power, error) {
	sys, err := c.read(ctx)
	if err != nil {
		return inventory.PowerUnknown, c.explain("read the power state", err)
	}
	return powerOf(sys), nil
}

func powerOf(sys *system) inventory.Power {
	is := func(state schemas.PowerState) bool { return strings.EqualFold(string(sys.PowerState), string(state)) }
	switch {
	case is(schemas.OnPowerState), is(schemas.PausedPowerState):
		return inventory.PowerOn
	case is(schemas.OffPowerState):
		return inventory.PowerOff
	}
	return inventory.PowerUnknown
}

// On powers up: On, else ForceOn, else the power button, which only is pressed when the
// machine reads off, because it is a toggle.
func (c *Controller) On(ctx context.Context) error {
	done, err := c.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	return c.powerOn(ctx)
}

func (c *Controller) powerOn(ctx context.Context) error {
	return c.drive(ctx, inventory.PowerOn, c.timing.Settle,
		schemas.OnResetType, schemas.ForceOnResetType, schemas.PushPowerButtonResetType)
}

// Off asks the system to shut down, when there is grace, and takes the power away when
// that has passed. A system that cannot be asked is forced at once.
func (c *Controller) Off(ctx context.Context, grace time.Duration) error {
	done, err := c.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	if grace > 0 {
		err := c.drive(ctx, inventory.PowerOff, grace, schemas.GracefulShutdownResetType, schemas.PushPowerButtonResetType)
		if err == nil || ctx.Err() != nil || fault.Is(err, fault.Denied) {
			return err
		}
		c.log.Info("bmc graceful shutdown did not happen, forcing", "err", err)
	}
	return c.forceOff(ctx)
}

func (c *Controller) forceOff(ctx context.Context) error {
	return c.drive(ctx, inventory.PowerOff, c.timing.Settle,
		schemas.ForceOffResetType, schemas.PushPowerButtonResetType)
}

// drive brings the machine to a power state with the best of the reset types offered:
// look, act if needed, and read back until it is so. A refused reset is sent again only
// after another look; one with an unclear outcome (timeout, 5xx) is never sent again,
// its effect is waited for.
func (c *Controller) drive(ctx context.Context, want inventory.Power, limit time.Duration, types ...schemas.ResetType) error {
	is := func(s *system) bool { return powerOf(s) == want }
	var err error
	for range maxTries {
		var sys *system
		if sys, err = c.settled(ctx, limit); err != nil {
			return c.explain("read the power state", err)
		}
		if is(sys) {
			return nil
		}
		kind, task, sendErr := c.send(ctx, sys, types)
		if sendErr == nil {
			return c.confirm(ctx, kind, task, limit, want)
		}
		err = c.explain("power "+string(want), sendErr)
		switch {
		case kind == "" || fault.Is(err, fault.Denied):
			return err
		case !neverDone(sendErr):
			if c.confirm(ctx, kind, "", min(limit, c.timing.Proof), want) == nil {
				return nil
			}
			return err
		}
		if waitErr := c.pause(ctx, jitter(c.timing.PollMax)); waitErr != nil {
			return c.explain("power "+string(want), waitErr)
		}
		if !notNow(sendErr) {
			break
		}
	}
	if sys, readErr := c.read(ctx); readErr == nil && is(sys) {
		return nil // refused because it already was on its way
	}
	return err
}

// send picks a reset type and posts it. No type is Invalid and names what there is.
func (c *Controller) send(ctx context.Context, sys *system, types []schemas.ResetType) (schemas.ResetType, string, error) {
	offered, err := c.resetTypes(ctx, sys.ID, sys.Actions.Reset)
	if err != nil {
		return "", "", err
	}
	if powerOf(sys) == inventory.PowerUnknown { // a toggle needs to know where it starts
		types = slices.DeleteFunc(slices.Clone(types), func(t schemas.ResetType) bool { return t == schemas.PushPowerButtonResetType })
	}
	kind := pick(offered, types...)
	if kind == "" {
		return "", "", fault.Invalidf("BMC %s offers none of the reset types %v, only %.200v", c.access.Address, types, offered).
			WithHint("update the BMC's firmware, or switch the machine by hand")
	}
	task, err := c.reset(ctx, sys, kind)
	return kind, task, err
}

// settled waits until the machine is not between two states any more.
func (c *Controller) settled(ctx context.Context, limit time.Duration) (*system, error) {
	sys, err := c.read(ctx)
	if err != nil || (sys.PowerState != schemas.PoweringOnPowerState && sys.PowerState != schemas.PoweringOffPowerState) {
		return sys, err
	}
	sys, err = c.until(ctx, limit, func(s *system) bool {
		return s.PowerState != schemas.PoweringOnPowerState && s.PowerState != schemas.PoweringOffPowerState
	})
	if errors.Is(err, errNotYet) {
		return sys, nil // stuck between: act on it
	}
	return sys, err
}

// confirm reads back until the machine is in the state, its task fails, or limit passes.
func (c *Controller) confirm(ctx context.Context, kind schemas.ResetType, task string, limit time.Duration, want inventory.Power) error {
	var sys *system
	return c.verify(ctx, change{doing: "power " + string(want), task: task, limit: limit,
		look: func(ctx context.Context) (is bool, err error) {
			now, err := c.read(ctx)
			if err != nil {
				return false, err
			}
			sys = now
			return powerOf(sys) == want, nil
		},
		ignored: func() *fault.Error {
			return fault.Conflictf("BMC %s accepted %s, but the machine still reads %s after %s, not %s",
				c.access.Address, kind, stateOf(sys), limit, want).
				WithHint("look at the machine and at the BMC's event log; power it by hand if it hangs")
		},
	})
}

func stateOf(sys *system) string {
	if sys == nil || sys.PowerState == "" {
		return "no power state"
	}
	return tidy(string(sys.PowerState))
}

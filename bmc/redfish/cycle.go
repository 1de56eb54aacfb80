package redfish

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/stmcginnis/gofish/schemas"

	"rackwright/fault"
	"rackwright/inventory"
)

// Cycle restarts by force; a machine that is off is powered on.
//
// A power state of "on" before and after proves no restart, and BMCs do lose a
// ForceRestart. So a restart in one go is used only where the BMC shows its effect
// (see trace); when no effect shows, or nothing could, the power is taken away and given
// back, each read back. That second way is safe after the first: had the machine
// restarted and used its one-time boot override up, the trace would have shown it.
// A BMC that offers neither trace nor ForceOff is believed, with a warning in the log.
func (c *Controller) Cycle(ctx context.Context) error {
	done, err := c.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	sys, err := c.settled(ctx, c.timing.Settle)
	if err != nil {
		return c.explain("read the power state", err)
	}
	if powerOf(sys) == inventory.PowerOff {
		return c.powerOn(ctx)
	}
	offered, err := c.resetTypes(ctx, sys)
	if err != nil {
		return c.explain("read the reset types", err)
	}
	restart := pick(offered, schemas.ForceRestartResetType, schemas.PowerCycleResetType)
	canForce := pick(offered, schemas.ForceOffResetType) != "" && pick(offered, schemas.OnResetType, schemas.ForceOnResetType) != ""
	if restart != "" && (traceOf(sys).visible() || !canForce) {
		done, err := c.restart(ctx, sys, restart, canForce)
		if done || err != nil {
			return err
		}
	}
	if err := c.forceOff(ctx); err != nil {
		return err
	}
	return c.powerOn(ctx)
}

// restart sends one reset and waits for its trace. Not done without an error means that
// none was seen and that taking the power away is the next thing to try.
func (c *Controller) restart(ctx context.Context, before *system, kind schemas.ResetType, canForce bool) (done bool, err error) {
	task, err := c.reset(ctx, before, kind)
	if err != nil && fault.Is(c.explain("restart", err), fault.Denied) {
		return false, c.explain("restart", err)
	}
	refused := err
	if refused == nil || !neverDone(refused) {
		err := c.traced(ctx, before, task)
		if err == nil {
			return true, c.confirm(ctx, kind, "", c.timing.Settle, inventory.PowerOn)
		}
		if fault.Is(err, fault.Denied) || ctx.Err() != nil {
			return false, c.explain("restart", err)
		}
	}
	switch {
	case canForce:
		c.log.Info("bmc restart left no trace, taking the power away", "type", kind, "err", refused)
		return false, nil
	case refused != nil:
		return false, c.explain("restart", refused)
	case traceOf(before).visible():
		return false, fault.Conflictf("BMC %s accepted %s, but nothing shows that the machine restarted within %s", c.access.Address, kind, c.timing.Proof).
			WithHint("look at the machine and at the BMC's event log; switch it off and on by hand if it hangs")
	}
	c.log.Warn("bmc accepted a restart and cannot show it", "type", kind)
	return true, c.confirm(ctx, kind, task, c.timing.Settle, inventory.PowerOn)
}

// traced reads until the machine shows that it restarted. One read is enough: a trace
// does not lie for a while.
func (c *Controller) traced(ctx context.Context, before *system, task string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, c.timing.Proof, errNotYet)
	defer cancel()
	wait, was := c.timing.PollMin, traceOf(before)
	for {
		sys, err := c.read(ctx)
		if err == nil && traceOf(sys).after(was) {
			return nil
		}
		if err == nil {
			err = c.failed(ctx, task)
		}
		if _, final := errors.AsType[*fault.Error](err); final {
			return err
		}
		if c.pause(ctx, jitter(wait)) != nil {
			return context.Cause(ctx)
		}
		wait = min(wait+wait/2, c.timing.PollMax)
	}
}

// trace is what of a system changes when it restarts.
type trace struct {
	power  schemas.PowerState
	reset  time.Time // ComputerSystem 1.12: LastResetTime
	stage  int       // ComputerSystem 1.13: BootProgress.LastState, as its place in stages
	staged time.Time // BootProgress.LastStateTime
	once   bool      // a one-time override is set: the next boot uses it up
}

func traceOf(s *system) trace {
	return trace{
		power:  s.PowerState,
		reset:  timeOf(s.LastResetTime),
		stage:  slices.Index(stages(), schemas.BootProgressTypes(s.BootProgress.LastState)),
		staged: timeOf(s.BootProgress.LastStateTime),
		once:   s.Boot.Enabled == once,
	}
}

// visible reports whether a restart would show. An override alone is no ground to rely
// on: some firmware uses it up minutes later.
func (t trace) visible() bool {
	return !t.reset.IsZero() || (t.stage >= 0 && !t.staged.IsZero())
}

// after reports whether a restart happened between was and t. Progress that only went on
// is none: the machine may have been starting already when the reset got lost.
func (t trace) after(was trace) bool {
	back := t.stage >= 0 && t.stage <= was.stage && t.staged.After(was.staged)
	return t.reset.After(was.reset) || back || (was.once && !t.once) ||
		t.power == schemas.OffPowerState || t.power == schemas.PoweringOffPowerState || t.power == schemas.PoweringOnPowerState
}

// stages are the states of BootProgress in the order a start passes them.
func stages() []schemas.BootProgressTypes {
	return []schemas.BootProgressTypes{
		schemas.NoneBootProgressTypes,
		schemas.PrimaryProcessorInitializationStartedBootProgressTypes,
		schemas.BusInitializationStartedBootProgressTypes,
		schemas.MemoryInitializationStartedBootProgressTypes,
		schemas.SecondaryProcessorInitializationStartedBootProgressTypes,
		schemas.PCIResourceConfigStartedBootProgressTypes,
		schemas.SystemHardwareInitializationCompleteBootProgressTypes,
		schemas.SetupEnteredBootProgressTypes,
		schemas.OSBootStartedBootProgressTypes,
		schemas.OSRunningBootProgressTypes,
	}
}

// timeOf reads a Redfish date-time; the zero time for none, for BMCs that write
// 0000-00-00, and for the epoch that stands for "never".
func timeOf(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil || t.Unix() <= 0 {
		return time.Time{}
	}
	return t
}

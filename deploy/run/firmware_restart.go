package run

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"rackwright/bmc"
	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/firmware"
	"rackwright/inventory"
	"rackwright/journal"
)

// restarted restarts the machine once for all that is staged. It is never restarted in
// doubt: a second restart may hit the first one's flashing.
func restarted(ctx context.Context, j *job, s *deploy.Step) outcome {
	if s.Sent == nil {
		seen, err := j.versions(ctx, "")
		if err != nil {
			return retry(err)
		}
		if len(lagging(seen, j.op.Staged())) == 0 {
			j.event(journal.OpStep, "all runs already; no restart is needed", "step", s.Name)
			return done()
		}
		power, err := j.powerNow(ctx)
		if err != nil {
			return retry(err)
		}
		s.Sent = j.mark()
		s.Sent.Off = power == inventory.PowerOff
		return wait(0)
	}
	if s.Sent.Fence != j.op.Fence {
		j.event(journal.OpStep, "a server stopped while it restarted the machine; it is not restarted again, the versions will tell", "step", s.Name)
		return done()
	}
	began := false
	err := j.act(ctx, "restarted for its new firmware", func(ctx context.Context, c bmc.Controller) error {
		power, err := c.Power(ctx)
		if err != nil {
			return err
		}
		began = true
		if power == inventory.PowerOff {
			return c.On(ctx)
		}
		err = c.Reset(ctx)
		if fault.Is(err, fault.Invalid) {
			return c.Cycle(ctx)
		}
		return err
	}, "power", "reset")
	if kind := fault.KindOf(err); err != nil && (!began || kind == fault.Conflict || kind == fault.Invalid || kind == fault.Denied) {
		s.Sent = nil
		return retry(err)
	}
	if err := j.power(ctx, inventory.PowerOn); err != nil {
		return retry(err)
	}
	return done()
}

// lagging says what is not there yet.
func lagging(seen *inventory.Facts, files []firmware.Pick) (out []string) {
	for _, p := range files {
		if v := firmware.VersionIn(seen, p.Component); !firmware.Same(v, p.To) {
			out = append(out, fmt.Sprintf("%s is %s, not %s", p.Component, or(v, "not listed"), p.To))
		}
	}
	return out
}

// firmwareVerified waits until the firmware inventory has the versions. At the end the
// machine's facts are read anew, so that it is compared with its baseline by them, and one
// that was off is switched off again.
func firmwareVerified(ctx context.Context, j *job, s *deploy.Step) outcome {
	seen, err := j.versions(ctx, "")
	if err != nil {
		if fault.Is(err, fault.Invalid) {
			return retry(err)
		}
		s.Note = "the BMC does not answer: " + err.Error()
		return wait(look)
	}
	files := j.op.Staged()
	late := lagging(seen, files)
	s.Done, s.Total = int64(len(files)-len(late)), int64(len(files))
	if len(late) > 0 {
		s.Note = strings.Join(late, "; ")
		return wait(look)
	}
	if j.op.Current+1 < len(j.op.Steps) {
		return done()
	}
	if err := j.factsAnew(ctx); err != nil {
		j.event(journal.BMCFailed, "the parts were not read after the update; that is done later: "+err.Error())
	}
	if j.wasOff() {
		return j.offAgain(ctx)
	}
	return done()
}

// wasOff reports whether the machine was off before its first restart.
func (j *job) wasOff() bool {
	return slices.ContainsFunc(j.op.Steps, func(s deploy.Step) bool { return s.Sent != nil && s.Sent.Off })
}

func (j *job) offAgain(ctx context.Context) outcome {
	if err := j.act(ctx, "switched off again, as it was before", func(ctx context.Context, c bmc.Controller) error { return c.Off(ctx, graceOff) }, "power", "off"); err != nil {
		return retry(err)
	}
	if err := j.power(ctx, inventory.PowerOff); err != nil {
		return retry(err)
	}
	return done()
}

// powerNow reads the power state; nothing is noted in the journal.
func (j *job) powerNow(ctx context.Context) (inventory.Power, error) {
	hand, err := j.controller(ctx)
	if err != nil {
		return inventory.PowerUnknown, err
	}
	return hand.Power(ctx)
}

func (j *job) factsAnew(ctx context.Context) error {
	hand, err := j.controller(ctx)
	if err != nil {
		return err
	}
	facts, err := hand.Facts(ctx)
	if err != nil {
		return err
	}
	_, err = j.w.Store.ChangeMachine(context.WithoutCancel(ctx), j.op.Machine, func(m *inventory.Machine) ([]journal.Event, error) {
		if m.Phase != inventory.Retired {
			m.Facts = &facts
		}
		return nil, nil
	})
	return err
}

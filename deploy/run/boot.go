package run

import (
	"context"
	"fmt"

	"rackwright/bmc"
	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/journal"
)

// setsBoot reports whether a step sets where the machine boots from next.
func setsBoot(s deploy.StepName) bool {
	return s == deploy.StepBootNet || s == deploy.StepBootDisk || s == deploy.StepBootCD
}

// bootSet sets the one-time boot override of its step. Firmware that is to load over HTTPS is
// given our authority before.
func bootSet(ctx context.Context, j *job, s *deploy.Step) outcome {
	if s.Name == deploy.StepBootNet {
		if err := j.enrol(ctx); err != nil {
			return retry(err)
		}
	}
	if err := j.bootFrom(ctx, s.Name); err != nil {
		return retry(err)
	}
	return done()
}

// bootFrom sets the one-time boot override of a step, which the driver reads back.
func (j *job) bootFrom(ctx context.Context, s deploy.StepName) error {
	target, err := j.bootTarget(ctx, s)
	if err != nil {
		return err
	}
	want := bmc.Boot{Target: target, Mode: j.machine.Firmware}
	err = j.act(ctx, fmt.Sprintf("next boot set to %s (%s) and read back", target, want.Mode), func(ctx context.Context, c bmc.Controller) error {
		return c.SetNextBoot(ctx, want)
	})
	if s == deploy.StepBootNet && fault.Is(err, fault.Invalid) {
		return fault.Invalidf("%w", err).WithHint("%s", netbootHint(target))
	}
	return err
}

// bootTarget is where the machine boots from after a step: from the network by the way that
// the plan says of it or its model.
func (j *job) bootTarget(ctx context.Context, s deploy.StepName) (bmc.Target, error) {
	switch s {
	case deploy.StepBootDisk:
		return bmc.BootDisk, nil
	case deploy.StepBootCD:
		return bmc.BootCD, nil
	}
	way, _, err := j.netboot(ctx)
	return bmc.Target(way), err
}

// netboot is by which way the machine netboots, and whether it loads over HTTPS then.
func (j *job) netboot(ctx context.Context) (way inventory.Netboot, secure bool, err error) {
	model, err := j.w.Store.Model(ctx, j.machine.Model)
	way = inventory.NetbootOf(j.machine, model)
	return way, model != nil && model.HTTPS && way == inventory.NetbootHTTP, err
}

// enrol has firmware that loads over HTTPS trust our authority. A BMC that cannot see to it
// is no reason to stop: somebody may have enrolled it by hand, and firmware that does not
// hold it ends TLS, which is told.
func (j *job) enrol(ctx context.Context) error {
	_, secure, err := j.netboot(ctx)
	if err != nil || !secure || j.w.BootAuthority == nil {
		return err
	}
	hand, err := j.controller(ctx)
	if err != nil {
		return err
	}
	switch err := hand.TrustAuthority(ctx, j.w.BootAuthority); {
	case err == nil:
		j.event(journal.BMCAction, "authority of HTTPS boot enrolled, or there already")
	case fault.Is(err, fault.Invalid) || fault.Is(err, fault.Conflict):
		j.event(journal.BMCFailed, fmt.Sprintf("authority of HTTPS boot not enrolled, the firmware has to hold it already: %s", err))
	default:
		return err
	}
	return nil
}

// netbootHint is what to do where the BMC cannot have the machine netboot by a way.
func netbootHint(way bmc.Target) string {
	other, where := inventory.NetbootHTTP, "if its firmware has UEFI HTTP boot"
	if way == bmc.BootHTTP {
		other, where = inventory.NetbootPXE, "if its firmware has PXE, or update the BMC's firmware"
	}
	return fmt.Sprintf("say 'netboot: %s' of the machine or its model in the plan %s; then 'rackwright operation retry'", other, where)
}

// keepBoot sets the override of the step before again where a start used it up meanwhile:
// that of the operation before, or of a worker that stopped in between.
func (j *job) keepBoot(ctx context.Context) error {
	if j.op.Current == 0 {
		return nil
	}
	before := j.op.Steps[j.op.Current-1].Name
	if !setsBoot(before) {
		return nil
	}
	hand, err := j.controller(ctx)
	if err != nil {
		return err
	}
	now, err := hand.NextBoot(ctx)
	if err != nil || now.Target != bmc.BootNone {
		return err
	}
	return j.bootFrom(ctx, before)
}

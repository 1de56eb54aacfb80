package run

import (
	"context"
	"fmt"
	"time"

	"rackwright/bmc"
	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/journal"
)

// isoName is what the file is called at its address: some BMCs look at the ending.
const isoName = "system.iso"

// inserted puts the ISO image into the BMC's virtual drive, by an address that only this
// operation has. Where it is there already the BMC is left alone.
func inserted(ctx context.Context, j *job, s *deploy.Step) outcome {
	if j.machine.BMC == nil || j.w.Depot == nil {
		return park("no-drive", "the machine has no BMC any more, or this server keeps no files", "cancel it and ask anew")
	}
	digest := j.op.Order.Digest
	f, err := j.w.Depot.OpenFile(digest)
	if err != nil {
		return retry(err)
	}
	f.Close()
	if err := deploy.Soil(ctx, j.w.Store, j.machine); err != nil {
		return retry(err)
	}
	ticket, err := j.w.Store.IssueTicket(ctx, j.op.ID, digest)
	if err != nil {
		return retry(err)
	}
	url := j.w.Depot.URL(j.machine.BMC.Address, ticket, isoName)
	if url == "" {
		return park("no-address", "no server of ours can be reached by "+j.machine.BMC.Address, "set public_host, and switch the agents' server on")
	}
	if err := j.act(ctx, "ISO image "+j.op.Order.Image+" put into the virtual drive, read back", func(ctx context.Context, c bmc.Controller) error {
		return without(c.InsertMedia(ctx, url), ticket)
	}); err != nil {
		return retry(err)
	}
	return done()
}

// ejected empties the virtual drive and ends the address of the image.
func ejected(ctx context.Context, j *job, _ *deploy.Step) outcome {
	if j.machine.BMC == nil {
		return done()
	}
	if err := j.act(ctx, "virtual drive emptied, read back", func(ctx context.Context, c bmc.Controller) error { return c.EjectMedia(ctx) }); err != nil {
		return retry(err)
	}
	if err := j.w.Store.EndTickets(ctx, j.op.ID); err != nil {
		return retry(err)
	}
	return j.upAgain(ctx)
}

// upAgain starts a machine that the system on the ISO image powered off.
func (j *job) upAgain(ctx context.Context) outcome {
	state, err := j.powerNow(ctx)
	if err != nil {
		return retry(err)
	}
	if state != inventory.PowerOff {
		return done()
	}
	if err := j.bootFrom(ctx, deploy.StepBootDisk); err != nil {
		return retry(err)
	}
	if err := j.act(ctx, "powered on from its disk and read back on", func(ctx context.Context, c bmc.Controller) error { return c.On(ctx) }, "power", "on"); err != nil {
		return retry(err)
	}
	return done()
}

// ranOff takes a machine that is off as one whose system is done: an installer on an ISO
// image can be told to power off at its end, where it can be told nothing else.
func (j *job) ranOff(ctx context.Context, s *deploy.Step) outcome {
	if j.w.Now().Sub(s.Started) < settling {
		return wait(lookInstaller)
	}
	state, err := j.powerNow(ctx)
	switch {
	case fault.Is(err, fault.Denied):
		return retry(err)
	case err != nil: // a BMC that is silent for a while loses no installation
		s.Note = "its BMC does not answer: " + err.Error()
		return wait(lookInstaller)
	case state == inventory.PowerOff:
		j.noted(s, "the machine was powered off from within: the system on the ISO image is done")
		return done()
	}
	s.Note = "the system on the ISO image works"
	return wait(lookInstaller)
}

// settling is how long the power of a machine that was just started is not asked for.
const settling = time.Minute

// leaveDrive empties the virtual drive of an operation that ends before its time. It is
// tried once: whoever cancelled is not made to wait for a BMC.
func (j *job) leaveDrive(ctx context.Context) {
	if j.op.Order.Method != deploy.ByMedia || j.machine.BMC == nil {
		return
	}
	for _, s := range j.op.Steps {
		if s.Name == deploy.StepMedia && s.State == deploy.StepTodo {
			return
		}
	}
	ctx, cancel := context.WithTimeout(ctx, lastTry)
	defer cancel()
	if err := j.act(ctx, "virtual drive emptied", func(ctx context.Context, c bmc.Controller) error { return c.EjectMedia(ctx) }); err != nil {
		j.event(journal.OpStep, fmt.Sprintf("the ISO image may still be in the virtual drive: %s", err), "hint", "rackwright bmc eject "+j.op.Name)
	}
}

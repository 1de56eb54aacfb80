package run

import (
	"context"

	"rackwright/bmc"
	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/inventory"
)

// managed makes the one change at the BMC that was asked for.
func managed(ctx context.Context, j *job, _ *deploy.Step) outcome {
	o := j.op.Order.BMC
	if o == nil {
		return park("no-order", "the operation does not say what to change", "cancel it and ask anew")
	}
	if err := j.act(ctx, o.String(), func(ctx context.Context, c bmc.Controller) error { return manage(ctx, c, o, j.machine) }); err != nil {
		return retry(err)
	}
	return done()
}

func manage(ctx context.Context, c bmc.Controller, o *deploy.BMCOrder, m *inventory.Machine) error {
	switch o.Do {
	case deploy.BMCBoot:
		return c.SetNextBoot(ctx, bmc.Boot{Target: bmc.Target(o.Target), Mode: o.Mode, URI: o.URL, Lasting: o.Lasting})
	case deploy.BMCBootOrder:
		return c.SetBootOrder(ctx, o.Order)
	case deploy.BMCSecureBoot:
		return c.SetSecureBoot(ctx, o.On)
	case deploy.BMCSecureBootKeys:
		return c.ResetSecureBootKeys(ctx, o.Name)
	case deploy.BMCInsertMedia:
		return c.InsertMedia(ctx, o.URL)
	case deploy.BMCEjectMedia:
		return c.EjectMedia(ctx)
	case deploy.BMCSettings:
		return c.StageSettings(ctx, o.Values)
	case deploy.BMCReset:
		return c.ResetBMC(ctx)
	case deploy.BMCClearLog:
		return c.ClearLog(ctx)
	case deploy.BMCClock:
		return c.SetClock(ctx, o.Servers)
	case deploy.BMCPlace:
		return c.SetPlace(ctx, placeOf(m))
	case deploy.BMCProtocol:
		return c.SetProtocol(ctx, o.Name, o.On)
	}
	return fault.Invalidf("there is no change %q at a BMC", o.Do)
}

// placeOf is where the plan says a machine stands, the zero Place for one in no slot.
func placeOf(m *inventory.Machine) bmc.Place {
	if m.Slot == nil {
		return bmc.Place{}
	}
	return bmc.Place{Rack: m.Slot.Rack, Unit: m.Slot.U}
}

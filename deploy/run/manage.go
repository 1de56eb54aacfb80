package run

import (
	"context"

	"rackwright/bmc"
	"rackwright/deploy"
	"rackwright/fault"
)

// managed makes the one change at the BMC that was asked for. What the BMC cannot do was
// asked for in vain: whoever asked is told, and nothing is left to retry.
func managed(ctx context.Context, j *job, s *deploy.Step) outcome {
	o := j.op.Order.BMC
	if o == nil {
		return park("no-order", "the operation does not say what to change", "cancel it and ask anew")
	}
	err := j.act(ctx, o.String(), func(ctx context.Context, c bmc.Controller) error { return j.manage(ctx, c, o) })
	switch {
	case fault.Is(err, fault.Invalid):
		s.Attempts, s.Note = s.Attempts+1, err.Error()
		return failed(string(s.Name)+"-invalid", err)
	case err != nil:
		return retry(err)
	}
	return done()
}

func (j *job) manage(ctx context.Context, c bmc.Controller, o *deploy.BMCOrder) error {
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
		p, err := j.place(ctx)
		if err != nil {
			return err
		}
		return c.SetPlace(ctx, p)
	case deploy.BMCProtocol:
		return c.SetProtocol(ctx, o.Name, o.On)
	case deploy.BMCTrust:
		if j.w.BootAuthority == nil {
			return fault.Invalidf("this server gives no loaders over HTTPS, so it has no authority to enrol").WithHint("set boot.https_listen in its configuration and restart it")
		}
		return c.TrustAuthority(ctx, j.w.BootAuthority)
	}
	return fault.Invalidf("there is no change %q at a BMC", o.Do)
}

// place is where the plan says that the machine stands.
func (j *job) place(ctx context.Context) (bmc.Place, error) {
	if j.machine.Slot == nil {
		return bmc.Place{}, fault.Conflictf("%s is in no slot any more, so there is no place to write", j.op.Name).WithHint("give it a slot in the plan")
	}
	r, err := j.w.Store.Rack(ctx, j.machine.Slot.Rack)
	if err != nil {
		return bmc.Place{}, err
	}
	return bmc.Place{Site: r.Site, Room: r.Room, Row: r.Row, Rack: r.Name, Unit: j.machine.Slot.U}, nil
}

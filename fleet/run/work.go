package run

import (
	"context"

	"rackwright/deploy"
	"rackwright/firmware"
	"rackwright/fleet"
)

// work is what a kind of fleet has done on each machine.
type work interface {
	kind() deploy.Kind
	// order is what to do on a machine now; nothing says why there is nothing to do or no
	// way to do it: the machine is skipped.
	order(ctx context.Context, machine string) (o deploy.Order, nothing string, err error)
}

func (t *Task) work(f *fleet.Fleet) work {
	if f.Kind == fleet.Campaign {
		return updates{t.Store, f}
	}
	return &deployments{store: t.Store, rollout: f.ID}
}

// deployments put the same on every machine.
type deployments struct {
	store   Store
	rollout string
	same    *deploy.Order // read once
}

func (*deployments) kind() deploy.Kind { return deploy.Deploy }

func (d *deployments) order(ctx context.Context, _ string) (deploy.Order, string, error) {
	if d.same == nil {
		o, err := d.store.FleetOrder(ctx, d.rollout)
		if err != nil {
			return o, "", err
		}
		d.same = &o
	}
	return *d.same, "", nil
}

// updates choose for each machine what it lacks when its turn has come.
type updates struct {
	store    Store
	campaign *fleet.Fleet
}

func (updates) kind() deploy.Kind { return deploy.Firmware }

func (u updates) order(ctx context.Context, machine string) (deploy.Order, string, error) {
	m, _, err := u.store.FirmwareMachine(ctx, machine)
	if err != nil {
		return deploy.Order{}, "", err
	}
	files, err := u.store.FirmwareFiles(ctx)
	if err != nil {
		return deploy.Order{}, "", err
	}
	c := firmware.Choose(*m, files, firmware.Wish{File: u.campaign.File, Downgrade: u.campaign.Downgrade})
	if len(c.Picks) == 0 {
		return deploy.Order{}, c.Nothing(), nil
	}
	return deploy.Order{Firmware: &deploy.FirmwareOrder{Files: c.Picks, Active: u.campaign.Terms.Active, Campaign: u.campaign.ID}}, "", nil
}

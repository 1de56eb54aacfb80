package client

import (
	"context"
	"net/http"

	"rackwright/api/wire"
	"rackwright/deploy"
)

// planned asks which steps an action would take.
func planned(ctx context.Context, c *Client, machine, verb string, order any) (wire.Steps, error) {
	return call[wire.Steps](ctx, c, http.MethodPost, machinePath(machine, "/actions/"+verb), nil, order)
}

// PlanInspect says which steps an inspection would take.
func (c *Client) PlanInspect(ctx context.Context, machine string) (wire.Steps, error) {
	return planned(ctx, c, machine, "inspect", wire.Inspect{DryRun: true})
}

// PlanPower says which steps a change of the power state would take.
func (c *Client) PlanPower(ctx context.Context, machine, action string) (wire.Steps, error) {
	return planned(ctx, c, machine, "power", wire.Power{Action: action, DryRun: true})
}

// PlanRescue says which steps letting a person in would take.
func (c *Client) PlanRescue(ctx context.Context, machine string, order wire.Rescue) (wire.Steps, error) {
	order.DryRun = true
	return planned(ctx, c, machine, "rescue", order)
}

// PlanManage says which steps a change at a BMC would take.
func (c *Client) PlanManage(ctx context.Context, machine string, o deploy.BMCOrder) (wire.Steps, error) {
	return planned(ctx, c, machine, "bmc", wire.Manage{BMCOrder: o, DryRun: true})
}

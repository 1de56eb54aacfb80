package client

import (
	"context"
	"net/http"

	"rackwright/api/wire"
	"rackwright/deploy"
)

type tryKey struct{}

// Try has the calls that are made with the context only tried: they answer with what would
// be, and change nothing. What cannot be tried is refused as Invalid and not done.
func Try(ctx context.Context) context.Context { return context.WithValue(ctx, tryKey{}, true) }

// InEarnest has the calls that are made with the context done, whatever Try said: for those
// that change nothing.
func InEarnest(ctx context.Context) context.Context { return context.WithValue(ctx, tryKey{}, nil) }

func tries(ctx context.Context) bool { return ctx.Value(tryKey{}) != nil }

// PlanLocate says which steps blinking, or putting the LED out, would take.
func (c *Client) PlanLocate(ctx context.Context, machine string, order wire.Locate) (wire.Steps, error) {
	order.DryRun = true
	return planned(ctx, c, machine, "locate", order)
}

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

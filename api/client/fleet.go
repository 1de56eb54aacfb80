package client

import (
	"context"
	"net/http"
	"net/url"

	"rackwright/api/wire"
	"rackwright/fleet"
)

// StartRollout begins a rollout, or lays its waves on a dry run.
func (c *Client) StartRollout(ctx context.Context, s wire.RolloutStart) (fleet.Fleet, error) {
	return call[fleet.Fleet](ctx, c, http.MethodPost, "/rollouts", nil, s)
}

// StartCampaign begins a firmware campaign, or lays its waves on a dry run.
func (c *Client) StartCampaign(ctx context.Context, s wire.CampaignStart) (fleet.Fleet, error) {
	return call[fleet.Fleet](ctx, c, http.MethodPost, "/campaigns", nil, s)
}

// Fleets returns the rollouts or campaigns without their machines, newest first.
func (c *Client) Fleets(ctx context.Context, kind fleet.Kind) ([]fleet.Fleet, error) {
	return all[fleet.Fleet](ctx, c, "/"+string(kind)+"s", nil)
}

// Fleet returns a rollout or a campaign by id or name.
func (c *Client) Fleet(ctx context.Context, kind fleet.Kind, name string) (fleet.Fleet, error) {
	return call[fleet.Fleet](ctx, c, http.MethodGet, fleetPath(kind, name), nil, nil)
}

// SteerFleet pauses, resumes or cancels one.
func (c *Client) SteerFleet(ctx context.Context, kind fleet.Kind, name, verb string) (fleet.Fleet, error) {
	return call[fleet.Fleet](ctx, c, http.MethodPost, fleetPath(kind, name)+"/"+verb, nil, nil)
}

func fleetPath(kind fleet.Kind, name string) string {
	return "/" + string(kind) + "s/" + url.PathEscape(name)
}

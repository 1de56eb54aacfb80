package client

import (
	"context"
	"net/http"
	"net/url"

	"rackwright/api/wire"
	"rackwright/deploy/rollout"
)

// StartRollout begins a rollout, or lays its waves on a dry run.
func (c *Client) StartRollout(ctx context.Context, s wire.RolloutStart) (rollout.Fleet, error) {
	return call[rollout.Fleet](ctx, c, http.MethodPost, "/rollouts", nil, s)
}

// Rollouts returns the rollouts without their machines, newest first.
func (c *Client) Rollouts(ctx context.Context) ([]rollout.Fleet, error) {
	l, err := call[wire.List[rollout.Fleet]](ctx, c, http.MethodGet, "/rollouts", nil, nil)
	return l.Items, err
}

// Rollout returns a rollout by id or name.
func (c *Client) Rollout(ctx context.Context, name string) (rollout.Fleet, error) {
	return call[rollout.Fleet](ctx, c, http.MethodGet, "/rollouts/"+url.PathEscape(name), nil, nil)
}

// SteerRollout pauses, resumes or aborts a rollout.
func (c *Client) SteerRollout(ctx context.Context, name, verb string) (rollout.Fleet, error) {
	return call[rollout.Fleet](ctx, c, http.MethodPost, "/rollouts/"+url.PathEscape(name)+"/"+verb, nil, nil)
}

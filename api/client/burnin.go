package client

import (
	"context"
	"net/http"

	"rackwright/api/wire"
	"rackwright/deploy"
)

// BurnIn begins to work a machine hard.
func (c *Client) BurnIn(ctx context.Context, machine string, b wire.BurnIn) (deploy.Operation, error) {
	b.DryRun = false
	return call[deploy.Operation](ctx, c, http.MethodPost, machinePath(machine, "/actions/burn-in"), nil, b)
}

// PlanBurnIn says which steps a burn-in would take.
func (c *Client) PlanBurnIn(ctx context.Context, machine string, b wire.BurnIn) (wire.Steps, error) {
	b.DryRun = true
	return call[wire.Steps](ctx, c, http.MethodPost, machinePath(machine, "/actions/burn-in"), nil, b)
}

// BurnReport returns a machine's last burn-in, beside those of its siblings.
func (c *Client) BurnReport(ctx context.Context, machine string) (wire.BurnReport, error) {
	return call[wire.BurnReport](ctx, c, http.MethodGet, machinePath(machine, "/burn-in"), nil, nil)
}

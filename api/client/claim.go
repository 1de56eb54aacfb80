package client

import (
	"context"
	"net/http"

	"rackwright/api/wire"
	"rackwright/deploy"
	"rackwright/inventory"
)

// Claim begins to make a machine's BMC ours.
func (c *Client) Claim(ctx context.Context, machine string, in wire.Claim) (deploy.Operation, error) {
	return call[deploy.Operation](ctx, c, http.MethodPost, machinePath(machine, "/actions/claim"), nil, in)
}

// PlanClaim says which steps Claim would take.
func (c *Client) PlanClaim(ctx context.Context, machine string, in wire.Claim) (wire.Steps, error) {
	in.DryRun = true
	return call[wire.Steps](ctx, c, http.MethodPost, machinePath(machine, "/actions/claim"), nil, in)
}

// BMCs lists the BMCs of machines by the machine's name.
func (c *Client) BMCs(ctx context.Context) ([]wire.KnownBMC, error) {
	return all[wire.KnownBMC](ctx, c, "/bmcs", nil)
}

// BMC is what is known of a machine's BMC, without asking it.
func (c *Client) BMC(ctx context.Context, machine string) (wire.BMCOverview, error) {
	return call[wire.BMCOverview](ctx, c, http.MethodGet, machinePath(machine, "/bmc"), nil, nil)
}

// StrangeBMCs lists the BMCs that are in no plan.
func (c *Client) StrangeBMCs(ctx context.Context) ([]inventory.StrangeBMC, error) {
	return all[inventory.StrangeBMC](ctx, c, "/bmcs/strangers", nil)
}

// BMCAuthority is the certificate of the authority that signs those of BMCs, PEM.
func (c *Client) BMCAuthority(ctx context.Context) (string, error) {
	a, err := call[wire.Authority](ctx, c, http.MethodGet, "/bmcs/authority", nil, nil)
	return a.Certificate, err
}

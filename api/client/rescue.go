package client

import (
	"context"
	"net/http"

	"rackwright/api/wire"
	"rackwright/deploy"
)

// Rescue begins to let a person into a machine.
func (c *Client) Rescue(ctx context.Context, machine string, order wire.Rescue) (deploy.Operation, error) {
	return call[deploy.Operation](ctx, c, http.MethodPost, machinePath(machine, "/actions/rescue"), nil, order)
}

package client

import (
	"context"
	"net/http"
	"net/url"

	"rackwright/api/wire"
)

// Ladders returns which loader worked for which model, or is tried next.
func (c *Client) Ladders(ctx context.Context) ([]wire.Ladder, error) {
	return all[wire.Ladder](ctx, c, "/boot/ladders", nil)
}

// SetLadder says which loader the machines of a model are told of from now on.
func (c *Client) SetLadder(ctx context.Context, model string, to wire.LadderSet) (wire.Ladder, error) {
	return call[wire.Ladder](ctx, c, http.MethodPut, "/boot/ladders/"+url.PathEscape(model), nil, to)
}

// ResetLadder forgets which loader worked for a model.
func (c *Client) ResetLadder(ctx context.Context, model string) error {
	_, err := call[struct{}](ctx, c, http.MethodDelete, "/boot/ladders/"+url.PathEscape(model), nil, nil)
	return err
}

package client

import (
	"context"
	"net/http"
	"net/url"

	"rackwright/api/wire"
	"rackwright/inventory"
)

// Rack returns a rack by name.
func (c *Client) Rack(ctx context.Context, name string) (inventory.Rack, error) {
	return call[inventory.Rack](ctx, c, http.MethodGet, "/racks/"+url.PathEscape(name), nil, nil)
}

// Devices returns the devices of a rack by name; "" for those of all.
func (c *Client) Devices(ctx context.Context, rack string) ([]inventory.Device, error) {
	out, err := call[wire.List[inventory.Device]](ctx, c, http.MethodGet, "/devices", query("rack", rack), nil)
	return out.Items, err
}

// Models returns the models by name.
func (c *Client) Models(ctx context.Context) ([]inventory.Model, error) {
	out, err := call[wire.List[inventory.Model]](ctx, c, http.MethodGet, "/models", nil, nil)
	return out.Items, err
}

// Projects returns the projects by name.
func (c *Client) Projects(ctx context.Context) ([]inventory.Project, error) {
	out, err := call[wire.List[inventory.Project]](ctx, c, http.MethodGet, "/projects", nil, nil)
	return out.Items, err
}

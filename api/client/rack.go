package client

import (
	"context"
	"net/http"
	"net/url"

	"rackwright/inventory"
)

// Rack returns a rack by name.
func (c *Client) Rack(ctx context.Context, name string) (inventory.Rack, error) {
	return call[inventory.Rack](ctx, c, http.MethodGet, "/racks/"+url.PathEscape(name), nil, nil)
}

// Devices returns the devices of a rack by name; "" for those of all.
func (c *Client) Devices(ctx context.Context, rack string) ([]inventory.Device, error) {
	return all[inventory.Device](ctx, c, "/devices", query("rack", rack))
}

// Models returns the models by name.
func (c *Client) Models(ctx context.Context) ([]inventory.Model, error) {
	return all[inventory.Model](ctx, c, "/models", nil)
}

// Projects returns the projects by name.
func (c *Client) Projects(ctx context.Context) ([]inventory.Project, error) {
	return all[inventory.Project](ctx, c, "/projects", nil)
}

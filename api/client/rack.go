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

// Sites returns the sites by name.
func (c *Client) Sites(ctx context.Context) ([]inventory.SiteTally, error) {
	return all[inventory.SiteTally](ctx, c, "/sites", nil)
}

// Site returns a site by name.
func (c *Client) Site(ctx context.Context, name string) (inventory.SiteTally, error) {
	return call[inventory.SiteTally](ctx, c, http.MethodGet, "/sites/"+url.PathEscape(name), nil, nil)
}

// Network returns a network by name.
func (c *Client) Network(ctx context.Context, name string) (inventory.Network, error) {
	return call[inventory.Network](ctx, c, http.MethodGet, "/networks/"+url.PathEscape(name), nil, nil)
}

// Model returns a model by name.
func (c *Client) Model(ctx context.Context, name string) (inventory.Model, error) {
	return call[inventory.Model](ctx, c, http.MethodGet, "/models/"+url.PathEscape(name), nil, nil)
}

// Project returns a project by name.
func (c *Client) Project(ctx context.Context, name string) (inventory.Project, error) {
	return call[inventory.Project](ctx, c, http.MethodGet, "/projects/"+url.PathEscape(name), nil, nil)
}

// Device returns a device by name.
func (c *Client) Device(ctx context.Context, name string) (inventory.Device, error) {
	return call[inventory.Device](ctx, c, http.MethodGet, "/devices/"+url.PathEscape(name), nil, nil)
}

// Lease returns what is lent of a network.
func (c *Client) Lease(ctx context.Context, network, address string) (inventory.Lease, error) {
	return call[inventory.Lease](ctx, c, http.MethodGet, leasePath(network, address), nil, nil)
}

// EndLease ends a lease, or the rest of an address that was declined.
func (c *Client) EndLease(ctx context.Context, network, address string) error {
	_, err := call[struct{}](ctx, c, http.MethodDelete, leasePath(network, address), nil, nil)
	return err
}

func leasePath(network, address string) string {
	return "/leases/" + url.PathEscape(network) + "/" + url.PathEscape(address)
}
